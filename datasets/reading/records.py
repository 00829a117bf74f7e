"""What reading a data set comes to: clips, and everything that had to be mended or left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

type Kind = Literal["correction", "repair", "choice", "drop", "remark"]
"""A repair changes an annotation, a drop loses a clip, a remark does neither.

A correction is a repair of an error that the distributed sheet is known for, so that nothing is
wrong with this copy of it. A choice takes one of several tables, folders, videos or frames that
differ and of which nobody said which is meant: other rows or frames may be right.
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that differs from the sheet, for the preparation report.

    `where` names the file; `row` is its 1-based row, or None; `clip` is `subject/clip`, or empty;
    `code` is the short name of the kind of change, such as `apex-missing`, for counting; `reason`
    says in words what was found and what was done.
    """

    kind: Kind
    code: str
    where: str
    row: int | None
    clip: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """One annotated micro-expression, before its frames are looked at.

    `where` and `row` say where it stands; a data set without a sheet has no row.
    `onset`, `apex` and `offset` are frame numbers as in the frames' file names, None where the
    sheet has none; `frames` maps these numbers to files and is empty where `video` is given;
    `emotion` is normalised, `emotion_raw` and `aus_raw` are the sheet's own words; `objective` is
    the objective class, 1 to 7. `cropped` frames are faces already and are not corrected again.
    `known_apex` is a correction of the apex that the literature agrees on; `known_error` says that
    the distributed sheet has no usable apex here; `estimate_apex` asks for an estimate from the
    frames where there is no apex, instead of the midpoint. `partition` is the authors' own, such as
    `training`, or empty.
    """

    where: str
    row: int | None
    subject: str
    clip: str
    onset: int | None
    apex: int | None
    offset: int | None
    fps: float
    emotion: str
    emotion_raw: str
    aus_raw: str = ""
    objective: int | None = None
    frames: Mapping[int, Path] = field(default_factory=dict)
    video: Path | None = None
    cropped: bool = False
    known_apex: int | None = None
    known_error: bool = False
    estimate_apex: bool = False
    partition: str = ""

    @property
    def name(self) -> str:
        """`subject/clip`, unique within its data set."""
        return f"{self.subject}/{self.clip}"

    def change(self, kind: Kind, code: str, reason: str) -> Change:
        """Return a change of this clip, for the report."""
        return Change(
            kind=kind, code=code, where=self.where, row=self.row, clip=self.name, reason=reason
        )


@dataclass(frozen=True, kw_only=True)
class Published:
    """Counts that the data set's authors published, to compare with: class to number, by name."""

    source: str
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A data set as found: every row of the sheet is an annotation or a drop among `changes`.

    `rows` is the number of data rows of the sheet, so that rows = annotations + drops.
    """

    database: str
    rows: int
    annotations: tuple[Annotation, ...]
    changes: tuple[Change, ...] = ()
    published: Published | None = None
