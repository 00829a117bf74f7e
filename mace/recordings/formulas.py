"""What spreadsheets would run as a formula is written so that they do not."""

FORMULA = ("=", "+", "-", "@")
"""Cells that begin so are run by spreadsheets."""


def no_formula(text: str) -> str:
    """Return a text of our own that no spreadsheet takes for a formula."""
    return f"_{text}" if text.startswith(FORMULA) else text


def path_cell(path: str) -> str:
    """Return a path, or a sentence that begins with one, that no spreadsheet takes for a formula.

    The path still names the same file.
    """
    return f"./{path}" if path.startswith(FORMULA) else path
