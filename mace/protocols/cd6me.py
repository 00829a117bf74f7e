"""Which action units CD6ME asks for, and how many clips of its six databases show each.

Varanka, Li, Peng and Zhao, "Data leakage and evaluation issues in micro-expression analysis", IEEE
Trans. Affective Computing 15(1), 2024, table 4, as meb prints it. meb's own sheet of CASME II has a
row more than the distributed one.
"""

from collections.abc import Mapping

CD6ME_UNITS = ("1", "2", "4", "5", "6", "7", "9", "10", "12", "14", "15", "17")
"""FACS numbers."""
CD6ME_COUNTS: Mapping[str, tuple[int, ...]] = {
    "casme": (189, 23, 17, 70, 0, 1, 4, 40, 3, 9, 23, 14, 13),
    "casme2": (256, 26, 22, 130, 2, 13, 39, 13, 16, 34, 27, 16, 25),
    "samm": (159, 6, 18, 23, 10, 3, 46, 5, 6, 28, 13, 4, 6),
    "four_dme": (267, 46, 54, 102, 8, 25, 89, 1, 2, 53, 4, 6, 11),
    "mmew": (300, 50, 41, 109, 70, 10, 47, 8, 38, 37, 17, 6, 11),
    "casme3": (860, 153, 128, 274, 44, 8, 27, 50, 10, 15, 193, 6, 20),
}
"""Clips of each database, then those that show each unit."""
