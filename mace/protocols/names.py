"""One key for a database, a subject and a clip, however a sheet, a folder or a log spells them.

Everything that asks whether two names mean one thing asks here: matching annotations with folders,
grouping clips by person, pairing the clips of two runs, counting the subjects of a log.
"""

import functools
import re
import unicodedata
from collections.abc import Mapping

# Other spellings of a database, in lower-case letters and digits.
DATABASE_ALIASES: Mapping[str, str] = {
    "casmei": "casme",
    "casme1": "casme",
    "casmeii": "casme2",
    "casmeiii": "casme3",
    "casmesquared": "casme_squared",
    "smichs": "smic",
    "smice": "smic",
    "smicehs": "smic",
    "smichse": "smic",
    "samm2": "samm",
    "4dme": "four_dme",
    "fourdme": "four_dme",
}
# Their subjects are numbers, whatever stands before them; those of other databases are names.
NUMBERED = frozenset(
    ("casme", "casme2", "casme3", "casme_squared", "samm", "smic", "mmew", "dfme", "four_dme")
)
# How a database writes its subjects, the likeliest database first.
SPELLINGS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"sub[\s._-]*\d+"), ("casme2", "casme")),
    (re.compile(r"sp[\s._-]*no[\s._-]*\d+"), ("casme3",)),
    (re.compile(r"s\d+"), ("smic", "casme_squared", "mmew")),
    (re.compile(r"\d{3}"), ("samm",)),
)
_SUBJECT = re.compile(
    r"(?:subject|subj|sub|sp|s|p|participant|被试)?[\s._-]*(?:no)?[\s._-]*0*([0-9]+)(?:\.0*)?"
)
# A subject, spelt as such, at the beginning of a clip's name.
_CLIP_SUBJECT = re.compile(r"(?:subject|subj|sub|spno\.?|s)[\s._-]*0*([0-9]+)[\s._-]+[^\s._-]")
_SAMM_CLIP = re.compile(r"0*([0-9]+)_[0-9]+_[0-9]+")
_SUFFIX = re.compile(r"\s*\.(?:avi|bmp|jpe?g|mat|mp4|npy|png)$")


def canonical_database(name: str) -> str:
    """Return the one spelling of a database: `casme2` for `CASME II`, and so on."""
    plain = "".join(c for c in _plain(name) if c.isalnum())
    # CAS(ME)^2 is another database than CASME II, though it has the same letters.
    if plain == "casme2" and re.search(r"cas\W*\(|\^", _plain(name)):
        return "casme_squared"
    return DATABASE_ALIASES.get(plain, plain)


def subject_number(name: str) -> str:
    """Return a subject for comparison: 1, `01`, `1.0`, `sub01`, `S1` and `spNO.1` are all `1`."""
    text = _plain(name)
    match = _SUBJECT.fullmatch(text)
    return match.group(1) if match else text


def clip_words(name: str) -> tuple[str, ...]:
    """Return a clip's name for comparison: its words and numbers, without leading zeros.

    `s01_ne_01` equals `s1_ne_1`, while `EP1_11` differs from `EP11_1`.
    """
    words = re.findall(r"[0-9]+|[^\W\d_]+", _plain(name))
    return tuple(word.lstrip("0") or "0" if word.isdecimal() else word for word in words)


@functools.lru_cache(maxsize=65536)
def subject_key(database: str, subject: str) -> str:
    """Return `database/subject`, the same for every spelling of one person.

    Subjects of the field's databases are compared by their number, so that `casme2/sub01`,
    `CASME II/1` and `casme2/01` are one; those of other data are compared as they are.
    """
    place = canonical_database(database)
    return f"{place}/{subject_number(subject) if place in NUMBERED else subject.strip()}"


def person_key(person: str) -> str:
    """Return what `subject_key` does of `database/subject`; a name without a slash is itself."""
    return subject_key(*person.split("/", 1)) if "/" in person else person


@functools.lru_cache(maxsize=65536)
def clip_key(database: str, subject: str, clip: str) -> str:
    """Return `database/subject/clip`, the same for every spelling of one clip.

    In the field's databases zeros, signs and a suffix such as `.png` do not matter, nor whether
    the name begins with its subject: `sub01_EP02_01f` is `EP02_01f`, and `6_1_2` is `006_1_2`.
    """
    person = subject_key(database, subject)
    place, number = person.split("/", 1)
    if place not in NUMBERED:
        return f"{person}/{clip.strip()}"
    words = clip_words(_SUFFIX.sub("", _plain(clip)))
    start = words[1:] if words and words[0] in {"s", "sub", "spno", "subject"} else words
    if len(start) > 1 and start[0] == number:
        words = start[1:]
    return f"{person}/{'_'.join(words) or clip.strip()}"


def clip_subject(database: str, clip: str) -> str | None:
    """Return the number of the subject that a clip's name begins with, None if it names none.

    `sub02_EP01` begins with subject 2, and so does SAMM's `002_1_2`; `s1_ne_01` begins with 1.
    """
    name, place = _plain(clip), canonical_database(database)
    match = _CLIP_SUBJECT.match(name)
    # In somebody's own data `s2` may be the second session.
    if match is not None and (place in NUMBERED or name.startswith("sub")):
        return match.group(1)
    match = _SAMM_CLIP.match(name) if place == "samm" else None
    return None if match is None else match.group(1)


def databases_of(subject: str) -> tuple[str, ...]:
    """Return the databases that spell their subjects like this, the likeliest first."""
    text = _plain(subject)
    return next((names for spelling, names in SPELLINGS if spelling.fullmatch(text)), ())


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().strip()
