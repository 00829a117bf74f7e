"""What a preparation did: rows, samples, repairs, drops, counts beside the published ones."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mace.annotation.class_sets import CLASS_SETS
from mace.datasets.reading.records import Change, Kind, Published
from mace.errors import DataError
from mace.files import write_json, write_text

# More lines of one code than this are counted on screen and listed in the file only.
_LINES = 10
_KINDS: tuple[Kind, ...] = ("drop", "correction", "repair", "choice", "remark")
# What `--strict` refuses.
_REFUSED: tuple[Kind, ...] = ("repair", "choice", "drop")


@dataclass(frozen=True, kw_only=True)
class PreparationReport:
    """The account of a preparation; rows = samples + drops.

    Attributes:
        dataset: name of the data set, such as `samm/raw`.
        fingerprint: names the annotations, the frame files and the settings.
        rows: number of data rows of the sheet.
        samples: number of samples made; of long videos, expressions in them.
        videos: number of long videos; None where samples are clips.
        emotions: number of samples by emotion.
        readable: number of rows that could be read, by emotion.
        classes: number of samples by class, for each class set.
        midpoints: number of samples with a class whose apex is a midpoint, by class set.
        apex_sources: number of samples by who found the apex.
        published: the authors' counts; None where there are none.
        changes: what was mended or left out, by file and row.
    """

    dataset: str
    fingerprint: str
    rows: int
    samples: int
    emotions: dict[str, int]
    readable: dict[str, int]
    classes: dict[str, dict[str, int]]
    midpoints: dict[str, int]
    apex_sources: dict[str, int]
    published: Published | None
    changes: tuple[Change, ...]
    videos: int | None = None

    def of(self, kind: Kind) -> list[Change]:
        """Return the changes of one kind."""
        return [change for change in self.changes if change.kind == kind]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON can hold it."""
        totals = Counter(change.kind for change in self.changes)
        codes = Counter(f"{change.kind} {change.code}" for change in self.changes)
        return {
            **asdict(self),
            "corrections": totals["correction"],
            "repairs": totals["repair"],
            "drops": totals["drop"],
            "choices": totals["choice"],
            "remarks": totals["remark"],
            "codes": dict(sorted(codes.items())),
        }

    def text(self, *, limit: int | None = None) -> str:
        """Return the report for people, at most `limit` lines of each code of change."""
        lines = [self._summary(), "", *self._counts()]
        for kind in _KINDS:
            changes = self.of(kind)
            if changes:
                lines += ["", f"{kind}s ({len(changes)})", *_rows(_first(changes, limit))]
                lines += [f"  and {count} more: {code}" for code, count in _cut(changes, limit)]
        return "\n".join(lines) + "\n"

    def _summary(self) -> str:
        numbers = {f"{kind}s": len(self.of(kind)) for kind in _KINDS}
        drops = numbers.pop("drops")
        rest = ", ".join(f"{count} {name}" for name, count in numbers.items())
        made = f"{self.samples} samples made"
        if self.videos is not None:
            plural = "" if self.videos == 1 else "s"
            made = f"{self.samples} expressions in {self.videos} video{plural}"
        if not drops:
            return f"{self.dataset}: {self.rows} rows read, {made}, 0 drops, {rest}"
        codes = Counter(change.code for change in self.of("drop")).most_common(3)
        why = ", ".join(f"{count} {code}" for code, count in codes)
        return f"{self.dataset}: {drops} OF {self.rows} ROWS WERE DROPPED ({why}), {made}, {rest}"

    def _counts(self) -> list[str]:
        published = dict(self.published.counts) if self.published else {}
        names = sorted(
            {*self.emotions, *self.readable, *published}, key=lambda n: -self.readable.get(n, 0)
        )
        width = max([10, *(len(name) for name in names)])
        columns = ["samples", "readable", *(["published"] if published else [])]
        head = "emotion" if self.videos is None else "kind"
        lines = [f"{head:<{width}} " + " ".join(f"{column:>9}" for column in columns)]
        for name in [*names, "total"]:
            counts = [self.emotions, self.readable, *([published] if published else [])]
            numbers = [sum(c.values()) if name == "total" else c.get(name, 0) for c in counts]
            lines.append(f"{name or '(none)':<{width}} " + " ".join(f"{n:>9}" for n in numbers))
        if self.published:
            lines.append(f"published: {self.published.source}")
        lines += [
            f"class set {name}: {sum(counts.values())} ("
            + ", ".join(f"{label} {n}" for label, n in counts.items())
            + ")"
            + self._without_apex(name)
            for name, counts in self.classes.items()
        ]
        lines.append("apex: " + ", ".join(f"{n} {name}" for name, n in self.apex_sources.items()))
        return lines

    def _without_apex(self, class_set: str) -> str:
        """How many have no apex of their own, which is why a benchmark may have fewer clips."""
        count = self.midpoints.get(class_set, 0)
        if not count:
            return ""
        megc = class_set == "3" and self.dataset.startswith(("casme2/", "samm/"))
        left_out = ", which MEGC 2019 left out" if megc else ""
        return f"; {count} of them without a usable apex in the sheet{left_out}"

    def write(self, folder: Path) -> None:
        """Write `preparation.json` and `preparation.txt` into the prepared data set."""
        write_json(folder / "preparation.json", self.as_dict())
        write_text(folder / "preparation.txt", self.text())

    def on_screen(self, folder: Path) -> str:
        """Return the text without long lists; where they are cut it says where the whole is."""
        text = self.text(limit=_LINES)
        cut = any(_cut(self.of(kind), _LINES) for kind in _KINDS)
        return text + (f"the whole list is in {folder / 'preparation.txt'}\n" if cut else "")


def make_report(
    dataset: str,
    *,
    fingerprint: str,
    rows: int,
    samples: Sequence[dict[str, Any]],
    readable: Iterable[str],
    published: Published | None,
    changes: Sequence[Change],
    videos: int | None = None,
) -> PreparationReport:
    """Count the samples' labels; each sample needs the texts of `clip_features` only.

    Of long videos, which are `videos`, each expression is a sample, its `emotion` the kind.
    """
    drops = sum(change.kind == "drop" for change in changes)
    midpoints = [sample for sample in samples if sample["apex_source"] == "midpoint"]
    assert rows == len(samples) + drops, f"{rows} rows, {len(samples)} samples, {drops} drops"
    return PreparationReport(
        dataset=dataset,
        fingerprint=fingerprint,
        rows=rows,
        samples=len(samples),
        emotions=_count(sample["emotion"] for sample in samples),
        readable=_count(readable),
        classes={
            name: counts
            for name in CLASS_SETS
            if (counts := _count(v for sample in samples if (v := sample[f"class_{name}"])))
        },
        midpoints={
            name: count
            for name in CLASS_SETS
            if (count := sum(bool(sample[f"class_{name}"]) for sample in midpoints))
        },
        apex_sources=_count(sample["apex_source"] for sample in samples),
        published=published,
        changes=tuple(sorted(changes, key=lambda c: (c.where, c.row or 0, c.clip, c.code))),
        videos=videos,
    )


def refuse_changes(dataset: str, changes: Sequence[Change]) -> None:
    """Raise a DataError that names the first repairs, choices and drops, if there are any."""
    wrong = [change for change in changes if change.kind in _REFUSED]
    if wrong:
        first = "; ".join(" ".join(line.split()) for line in _rows(wrong[:3]))
        totals = Counter(f"{change.kind}s" for change in wrong)
        raise DataError(
            f"{dataset} needs {refused(totals)}, which --strict refuses, first: {first}"
        )


def refused(totals: Mapping[str, int]) -> str:
    """Return how much there is of what `--strict` refuses, "" if nothing.

    Args:
        totals: numbers by the name of a kind of change in the plural, as `as_dict` has them.
    """
    numbers = {kind: totals.get(f"{kind}s", 0) for kind in _REFUSED}
    listed = [f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in numbers.items() if n]
    return " and ".join(filter(None, [", ".join(listed[:-1]), *listed[-1:]]))


def _first(changes: Sequence[Change], limit: int | None) -> list[Change]:
    """The first `limit` changes of each code, so that no kind of remark hides another."""
    before: Counter[str] = Counter()
    chosen = []
    for change in changes:
        before[change.code] += 1
        if limit is None or before[change.code] <= limit:
            chosen.append(change)
    return chosen


def _cut(changes: Sequence[Change], limit: int | None) -> list[tuple[str, int]]:
    """The codes of which more than `limit` changes are there, and how many more."""
    if limit is None:
        return []
    codes = Counter(change.code for change in changes)
    return [(code, count - limit) for code, count in codes.items() if count > limit]


def _rows(changes: Sequence[Change]) -> list[str]:
    places = [c.where if c.row is None else f"{c.where} row {c.row}" for c in changes]
    width = max(map(len, places), default=0)
    clips = max((len(change.clip) for change in changes), default=0)
    return [
        f"  {place:<{width}}  {change.clip:<{clips}}  {change.reason}"
        for place, change in zip(places, changes, strict=True)
    ]


def _count(labels: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(labels).items(), key=lambda item: (-item[1], item[0])))
