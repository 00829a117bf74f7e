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

    Attributes:
        kind: what it does to the data; see `Kind`.
        code: short name of the kind of change, such as `apex-missing`, for counting.
        where: name of the file.
        row: of the file, from 1; None where it is about no row.
        clip: `subject/clip`; empty where it is about no clip.
        reason: what was found and what was done, in words.
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

    Attributes:
        where: name of the file it stands in.
        row: of that file, from 1; None for a data set without a sheet.
        subject: who is seen.
        clip: its name, unique within the subject.
        onset: frame number as in the frames' file names, as are the next two; None where the sheet
            has none.
        apex: likewise.
        offset: likewise.
        fps: frames per second.
        emotion: normalised.
        emotion_raw: the sheet's own words.
        aus_raw: the sheet's own words for the action units.
        objective: the objective class, 1 to 7; None where there is none.
        frames: the files by frame number; empty where `video` is given.
        video: the file; None where there are frames.
        cropped: whether the frames are faces already, which are not corrected again.
        known_apex: a correction of the apex that the literature agrees on; None if there is none.
        known_error: whether the distributed sheet has no usable apex here.
        estimate_apex: whether an apex that is not there is estimated from the frames, instead of
            the midpoint.
        partition: the authors' own, such as `training`, or empty.
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
    """Counts that the data set's authors published, to compare with.

    Attributes:
        source: where they are printed.
        counts: number of clips by class.
    """

    source: str
    counts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A data set as found: every row of the sheet is an annotation or a drop among `changes`.

    Attributes:
        database: name of the data set.
        rows: number of data rows of the sheet.
        annotations: of the rows that could be read.
        changes: what was mended or left out.
        published: the authors' counts; None where there are none.
    """

    database: str
    rows: int
    annotations: tuple[Annotation, ...]
    changes: tuple[Change, ...] = ()
    published: Published | None = None
