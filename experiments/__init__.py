"""Studies: one file each, with what it shows, what it costs and the command that runs it."""
