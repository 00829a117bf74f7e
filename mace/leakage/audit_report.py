"""All checks of an audit, and what they come to."""

import html
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mace.leakage import choices, claims, overlap
from mace.leakage.case import Case, Finding, NotRecorded

if TYPE_CHECKING:
    import pandas as pd

type Check = Callable[[Case], list[Finding]]

CHECKS: Mapping[str, Check] = {
    "subject overlap": overlap.subject_overlap,
    "one subject under two names": overlap.renamed_subject,
    "clips named after their subject": overlap.misplaced_clip,
    "clip overlap": overlap.clip_overlap,
    "equal pictures": overlap.picture_overlap,
    "near-duplicate pictures": overlap.near_duplicates,
    "augmented copies": overlap.copy_overlap,
    "held-out database": overlap.database_overlap,
    "normalisation": choices.normalisation,
    "choice of epoch and settings": choices.selection,
    "missing samples": claims.missing_samples,
    "each sample predicted once": claims.coverage,
    "true classes": claims.labels,
    "reported scores": claims.scores,
}


@dataclass(frozen=True, kw_only=True, repr=False)
class AuditReport:
    """What an audit found, what it looked at, and what it could not look at and why.

    Attributes:
        what: was audited.
        findings: what is wrong.
        checked: names of the checks that were run.
        unchecked: why a check could not be run, by its name.
        samples: how many there are.
        folds: how many differ.
    """

    what: str
    findings: tuple[Finding, ...]
    checked: tuple[str, ...]
    unchecked: Mapping[str, str]
    samples: int
    folds: int

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {"clean": self.clean, **asdict(self), "unchecked": dict(self.unchecked)}

    def table(self) -> "pd.DataFrame":
        """Return a row for each finding: what, how often, where first, and what it can be worth."""
        import pandas as pd

        columns = ["code", "what", "count", "where", "worth"]
        rows = [[f.code, f.what, f.count, f.where[0], f.worth] for f in self.findings]
        return pd.DataFrame(rows, columns=columns).set_index("code")

    def __repr__(self) -> str:
        codes = ", ".join(dict.fromkeys(finding.code for finding in self.findings))
        return (
            f"{self.what}: {codes or 'nothing found'} ({self.samples} samples, {self.folds} "
            f"different folds; {len(self.checked)} checks, {len(self.unchecked)} not possible)"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>" + (
            self.table().to_html() if self.findings else ""
        )


def audit_case(case: Case) -> AuditReport:
    """Run every check that the case holds something for.

    A clean report says that nothing of what is listed as checked was found, no more: settings that
    somebody chose by looking at earlier scores leave no trace in a folder.
    """
    findings: list[Finding] = []
    checked, unchecked = [], {}
    for name, check in CHECKS.items():
        try:
            findings += check(case)
            checked.append(name)
        except NotRecorded as missing:
            unchecked[name] = f"not recorded: {missing}"
    return AuditReport(
        what=case.what,
        findings=tuple(findings),
        checked=tuple(checked),
        unchecked=unchecked,
        samples=case.count(range(len(case.items))),
        folds=len(case.splits),
    )
