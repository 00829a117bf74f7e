"""Class labels as people write them: names in any spelling, or integers in a benchmark's order."""

import re
from collections.abc import Iterable, Mapping, Sequence

# Other spellings of a class, in lower case.
CLASS_ALIASES: Mapping[str, str] = {"other": "others", "happy": "happiness", "sad": "sadness"}
_INTEGER = re.compile(r"[+-]?\d{1,9}(\.0*)?", re.ASCII)


def canonical_class(name: str) -> str:
    """Return the one spelling of a class: lower case, `others` for `Other`, and so on."""
    plain = name.strip().lower()
    return CLASS_ALIASES.get(plain, plain)


def knows(own: Iterable[str], classes: Iterable[str]) -> bool:
    """Say whether all of some classes are among others, in whatever spelling."""
    known = {canonical_class(name) for name in own}
    return all(canonical_class(name) in known for name in classes)


def label_key(label: str) -> str:
    """Return the one spelling of a label: `1` for `1.0` and `01`, `others` for `Other`."""
    text = label.strip()
    return str(int(float(text))) if _INTEGER.fullmatch(text) else canonical_class(text)


def label_number(label: str) -> int | None:
    """Return a label that is an integer as one, None for a name."""
    key = label_key(label)
    return int(key) if re.fullmatch(r"-?\d+", key, re.ASCII) else None


def named_label(label: str, classes: Sequence[str]) -> str:
    """Return a label's key, or where it is an integer the key of the class at that place.

    An integer beyond `classes` stays as it is: whoever counts classes will name it.
    """
    number = label_number(label)
    if number is None or not 0 <= number < len(classes):
        return label_key(label)
    return label_key(classes[number])
