"""Coding by hand: events corrected on a page, kept in one table, compared between coders."""
