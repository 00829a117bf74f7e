"""Processes of several hosts that work on one thing: they meet, agree, and one of them writes."""
