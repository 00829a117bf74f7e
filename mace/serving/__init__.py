"""Pages served to this machine alone, or to whoever has the token: `mace live`, `mace review`."""
