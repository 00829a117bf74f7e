"""A person: painted skin on a head of their own, and what the muscles move."""
