"""One page about an evaluation, and its pictures."""
