"""Which of several versions and copies of a table is meant: the newest, not a copy."""

import re
import unicodedata
from pathlib import PurePath

TABLE_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".csv", ".tsv")
"""Suffixes of tables; of one table in several formats the first counts."""

# Marks that file managers, browsers and people put on what is not the original.
_COPY = re.compile(
    r"""^(?:(?:copy|copie|copia|kopie|kopia)\s*(?:\(?\d+\)?\s*)?(?:of|de|von|di)\s+
           |(?:复件|副本|备份|~)\s*(?:\(\d+\))?\s*)
      | [\s_-]*(?<![a-z])(?:copy|copie|copia|kopie|kopia|conflicted\ copy.*
           |backup|bak|old|orig|original|obsolete|deprecated)\s*\(?\d*\)?$
      | [\s_-]*(?:的?副本|拷贝|复件|备份|旧版?|コピー|복사본)\s*\(?\d*\)?$
      | \s*\(\d+\)$""",
    re.VERBOSE,
)
_VERSION = re.compile(
    r"(?:(?<![a-z])v(?:er(?:sion)?)?[\s._-]*|(?<![a-z])rev(?:ision)?[\s._-]*|v|版本?\s*)"
    r"(\d+(?:\.\d+)*)(?![a-z0-9])|第\s*(\d+)\s*版"
)
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d)?[-_.]?(\d\d)?(?!\d)")
_NEWER = re.compile(
    r"(?<![a-z])(?:updated?|latest|corrected|revised|new|final)(?![a-z])|更新|修订|最新"
)

type Edition = tuple[tuple[int, ...], int, int, bool, int, int]


def plain_name(name: str) -> str:
    """Return a file's name without suffix and marks of a copy, in lower case."""
    stem = unicodedata.normalize("NFKC", PurePath(name).stem).casefold().strip()
    while (shorter := _COPY.sub("", stem, count=1).strip()) != stem and shorter:
        stem = shorter
    return stem


def base_name(name: str) -> str:
    """Return what the names of all versions and copies of a table share: its letters and digits."""
    stem = plain_name(name)
    for mark in (_VERSION, _DATE, _NEWER):
        stem = mark.sub("", stem)
    return "".join(letter for letter in stem if letter.isalnum())


def are_one_edition(name: str, other: str) -> bool:
    """Whether nothing in two names tells which table is meant: one version, neither a copy."""
    return base_name(name) == base_name(other) and edition(name)[:4] == edition(other)[:4]


def edition(name: str) -> Edition:
    """Return a key that sorts the newest version first, then the plain name before its copies.

    A version (`_v2`) counts before a date (`-20190701`), and that before a word such as `updated`.
    """
    stem = plain_name(name)
    match = _VERSION.search(stem)
    digits = next(filter(None, match.groups()), "0") if match else "0"
    version = [int(part[:6]) for part in digits.split(".")][:4]
    dates = [int(f"{y}{m or '00'}{d or '00'}") for y, m, d in _DATE.findall(stem)]
    whole = unicodedata.normalize("NFKC", PurePath(name).stem).casefold().strip()
    suffix = PurePath(name).suffix.casefold()
    return (
        tuple(-part for part in version + [0] * (4 - len(version))),
        -max(dates, default=0),
        -len(_NEWER.findall(stem)),
        whole != stem,
        TABLE_SUFFIXES.index(suffix) if suffix in TABLE_SUFFIXES else len(TABLE_SUFFIXES),
        len(whole),
    )
