"""Looking for leaks: what a run or a split did that makes its score too good, and by how much."""

from mace.audit.auditing import CHECKS, AuditReport, audit_case
from mace.audit.case import Case, Finding, Item, Part
from mace.audit.run_folder import case_of_run
from mace.audit.split_file import read_split

__all__ = [
    "CHECKS",
    "AuditReport",
    "Case",
    "Finding",
    "Item",
    "Part",
    "audit_case",
    "case_of_run",
    "read_split",
]
