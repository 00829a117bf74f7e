"""Action units as annotators write them: `4+7+L10`, `(R6 or R12)+R15`, `10A/B`, `ref(7B)+43`."""

import math
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, cast


def unit_column(name: str) -> str:
    """Return what tables call an action unit: `AU01` for the FACS number "1"."""
    return f"AU{int(name):02d}"


type Side = Literal["", "L", "R"]

# More alternatives than this, which no annotator writes, are not multiplied out.
_MOST_ENTRIES = 64
_TOKEN = re.compile(
    r"""(?P<unit>\??(?:AU)?\s?(?P<side>[LRAB])?\s?(?P<number>[0-9]{1,2})(?![0-9])
            (?:\.0+(?![0-9]))?
            (?P<intensity>[A-E](?:\s?[/-]\s?[A-E])?(?=OR|AND|[^A-Z0-9]|$))?(?P<unclear>\s?\?)?)
      | (?P<alternative>(?<![^\W\d_])OR(?![^\W\d_])|(?<=[0-9A-E?)])OR(?=\s?(?:AU)?[LRAB]?[0-9(])
            |[/|]|或者?)
      | (?P<conjunction>(?<![^\W\d_])AND(?![^\W\d_])|(?<=[0-9A-E?)])AND(?=\s?(?:AU)?[LRAB]?[0-9(])
            |[+,;&、\s-]+|[和与及])
      | (?P<open>[(\[])
      | (?P<close>[)\]]\??)
      | (?P<word>[0-9]{3,}|[^\W\d]+|.)""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class ActionUnit:
    """One action unit (Ekman and Friesen, Facial Action Coding System, 1978).

    Attributes:
        number: in that system.
        side: of the face that shows it alone, `L` or `R`; empty where neither does.
        intensity: a letter from A to E, or two such as `A/B` for a range; empty if none is given.
        asymmetric: whether it is stronger on one side.
        unclear: whether the annotator put a question mark.
    """

    number: int
    side: Side = ""
    intensity: str = ""
    asymmetric: bool = False
    unclear: bool = False

    @property
    def text(self) -> str:
        """Canonical text, such as `L10`, `A2`, `10A/B` or `7?`."""
        prefix = "A" if self.asymmetric else self.side
        return f"{prefix}{self.number}{self.intensity}{'?' if self.unclear else ''}"


@dataclass(frozen=True)
class ActionUnits:
    """Action units shown together.

    Attributes:
        units: entries, each of which holds one unit, or alternatives to choose from.
        remarks: the annotator's words that are no action units.
    """

    units: tuple[tuple[ActionUnit, ...], ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of all units and alternatives, each once, in the order of writing."""
        return tuple(dict.fromkeys(unit.number for entry in self.units for unit in entry))

    @property
    def text(self) -> str:
        """Canonical text: entries apart by blanks, alternatives by bars, as in `L12|L14 15`."""
        return " ".join("|".join(unit.text for unit in entry) for entry in self.units)


def parse_action_units(raw: str | int | float | None) -> ActionUnits:
    """Read a cell of action units; what cannot be read becomes a remark, nothing is an error.

    `+`, commas and blanks join units that are shown together; `or` and `/` join alternatives, and
    bind tighter. Full-width characters are read as their plain twins.
    """
    if raw is None or (isinstance(raw, float) and not math.isfinite(raw)):
        return ActionUnits()
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    text = unicodedata.normalize("NFKC", str(raw)).strip()
    if text in ("", "/", "-"):
        return ActionUnits()
    reader = _Reader(text)
    units = reader.conjunction()
    return ActionUnits(tuple(dict.fromkeys(units)), tuple(reader.remarks))


def listed_units(texts: Iterable[str | int | float | None]) -> frozenset[str]:
    """Return the FACS numbers in the cells of a clip, such as `L12|L14`; of alternatives all."""
    return frozenset(str(number) for text in texts for number in parse_action_units(text).numbers)


type _Entries = list[tuple[ActionUnit, ...]]


class _Reader:
    """Recursive descent over the tokens; words are put aside as remarks on the way."""

    def __init__(self, text: str) -> None:
        self.tokens = _without_words(text)
        self.remarks = [word for kind, word, _ in self.tokens if kind == "word"]
        self.tokens = [token for token in self.tokens if token[0] != "word"]
        self.position = 0

    def conjunction(self, depth: int = 0) -> _Entries:
        entries: _Entries = []
        while self.position < len(self.tokens):
            kind = self.tokens[self.position][0]
            if kind == "close" and depth:
                return entries
            if kind in ("unit", "open"):
                entries += self._alternatives(depth)
            else:
                self.position += 1  # a separator, or a bracket that nothing opened
        return entries

    def _alternatives(self, depth: int) -> _Entries:
        entries = self._factor(depth)
        while self._kind() == "alternative":
            self.position += 1
            if self._kind() in ("unit", "open"):
                entries = _either(entries, self._factor(depth))
        return entries

    def _factor(self, depth: int) -> _Entries:
        unit = self.tokens[self.position][2]
        self.position += 1
        if unit is not None:
            return [(unit,)]
        if depth > 20:  # nobody nests this deep; Python's own stack must not decide
            return []
        entries = self.conjunction(depth + 1)
        if self._kind() == "close":
            word = self.tokens[self.position][1]
            self.position += 1
            if word.endswith("?"):
                return [tuple(replace(unit, unclear=True) for unit in entry) for entry in entries]
        return entries

    def _kind(self) -> str:
        return self.tokens[self.position][0] if self.position < len(self.tokens) else ""


def _either(left: _Entries, right: _Entries) -> _Entries:
    if not left or not right:
        return left or right
    if len(left) * len(right) > _MOST_ENTRIES:
        return [tuple(dict.fromkeys(unit for entry in left + right for unit in entry))]
    return [tuple(dict.fromkeys(a + b)) for a in left for b in right]


def _without_words(text: str) -> list[tuple[str, str, ActionUnit | None]]:
    """Tokens (kind, text, unit); blanks round `or` are dropped and neighbouring words joined."""
    tokens: list[tuple[str, str, ActionUnit | None]] = []
    blank = False  # since the last token
    for match in _TOKEN.finditer(text):
        kind, word = cast(str, match.lastgroup), match.group()
        # The last group that matched may be an inner one.
        kind = "unit" if match.group("unit") is not None else kind
        if kind == "conjunction" and not word.strip():
            blank = True
            continue
        if kind == "word" and blank and tokens and tokens[-1][0] == "word":
            tokens[-1] = ("word", f"{tokens[-1][1]} {word}", None)
        else:
            tokens.append((kind, word, _unit(match) if kind == "unit" else None))
        blank = False
    return tokens


def _unit(match: re.Match[str]) -> ActionUnit:
    side = (match.group("side") or "").upper()
    intensity = re.sub(r"\s", "", match.group("intensity") or "").upper().replace("-", "/")
    return ActionUnit(
        number=int(match.group("number")),
        side=cast(Side, side if side in ("L", "R") else ""),  # B is both sides, as without a letter
        intensity=intensity,
        asymmetric=side == "A",
        unclear=match.group("unclear") is not None or match.group().startswith("?"),
    )
