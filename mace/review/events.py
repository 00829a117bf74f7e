"""What a coder says happens: events of videos, checked, and how an edit changes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from mace.annotation.action_units import parse_action_units
from mace.annotation.class_sets import normalise_emotion
from mace.errors import ConfigError
from mace.recordings.formulas import FORMULA

type Kind = Literal["micro", "macro"]
KINDS: tuple[Kind, ...] = get_args(Kind.__value__)
_LONGEST_TEXT = 200
# What a person types as it is; action units have a spelling of their own.
_TYPED = ("label", "note", "subject")
_TEXTS = (*_TYPED, "units")


@dataclass(frozen=True)
class CodedEvent:
    """One movement as a coder sees it; frames are counted from 1, as tables of clips count them.

    Attributes:
        number: of the event in this coding, by which edits name it; it is not stored.
        onset: first frame.
        apex: the strongest frame; None where the coder names none.
        offset: last frame, which is included.
        kind: micro or macro.
        label: the emotion, in the coder's own words; "" for none.
        units: action units, such as `1 2 L14`.
        note: anything else.
        subject: who is seen, where it is not the person of the video.
        more: cells of columns that somebody has added to the table, by column.
    """

    number: int
    onset: int
    apex: int | None
    offset: int
    kind: Kind = "micro"
    label: str = ""
    units: str = ""
    note: str = ""
    subject: str = ""
    more: tuple[tuple[str, str], ...] = ()

    @property
    def emotion(self) -> str:
        """The label in the one spelling of all data sets."""
        return normalise_emotion(self.label)


@dataclass(frozen=True)
class Coding:
    """What one coder says of several videos.

    Attributes:
        events: of each video, by onset.
        subjects: who is seen in each video.
    """

    events: Mapping[str, tuple[CodedEvent, ...]] = field(default_factory=dict)
    subjects: Mapping[str, str] = field(default_factory=dict)

    def of(self, video: str) -> tuple[CodedEvent, ...]:
        """Return the events of a video, by onset."""
        return self.events.get(video, ())

    def all(self) -> Iterator[tuple[str, CodedEvent]]:
        """Yield every event with its video."""
        for video, events in self.events.items():
            for event in events:
                yield video, event


def checked(event: CodedEvent, *, count: int | None = None) -> CodedEvent:
    """Return an event with its units in one spelling.

    Args:
        event: to be checked.
        count: frames of its video; None where nobody knows.

    Raises:
        ConfigError: if its frames are not in order or not in the video, or a field cannot be read.
    """
    frames = [event.onset, event.onset if event.apex is None else event.apex, event.offset]
    if frames != sorted(frames):
        raise ConfigError(
            f"onset {event.onset}, apex {event.apex or 'none'} and offset {event.offset} are not "
            "in this order"
        )
    if frames[0] < 1 or (count is not None and frames[-1] > count):
        last = "" if count is None else f", which has the frames 1 to {count}"
        raise ConfigError(f"the frames {frames[0]} to {frames[-1]} are not in the video{last}")
    if event.kind not in KINDS:
        raise ConfigError(f"{event.kind[:20]!r} is no kind; expected {' or '.join(KINDS)}")
    for name in _TEXTS:
        text = getattr(event, name)
        if len(text) > _LONGEST_TEXT or not text.isprintable():
            raise ConfigError(f"the {name} has more than {_LONGEST_TEXT} letters, or line breaks")
    units = parse_action_units(event.units)
    if units.remarks:
        raise ConfigError(
            f"{units.remarks[0][:20]!r} is no action unit; write numbers of FACS such as 1+2+L14"
        )
    texts = {name: getattr(event, name).strip() for name in _TYPED}
    return replace(event, units=units.text, **texts)


def added(
    coding: Coding, video: str, fields: Mapping[str, Any], *, count: int
) -> tuple[Coding, int]:
    """Return the coding with one more event, and the number of that.

    Args:
        coding: as it is.
        video: in which the event lies.
        fields: of the event, by name; onset and offset at least.
        count: frames of the video.

    Raises:
        ConfigError: if the event is none.
    """
    number = 1 + max((event.number for _, event in coding.all()), default=0)
    start = CodedEvent(number, onset=0, apex=None, offset=0)
    event = checked(_with(start, fields), count=count)
    return _put(coding, video, (*coding.of(video), event)), number


def changed(
    coding: Coding, video: str, number: int, fields: Mapping[str, Any], *, count: int
) -> Coding:
    """Return the coding with other fields of an event; an apex outside goes to the nearer end.

    Raises:
        ConfigError: if there is no such event, or it would be none.
    """
    before = _event(coding, video, number)
    after = _with(before, fields)
    if after.apex is not None and "apex" not in fields and after.onset <= after.offset:
        after = replace(after, apex=min(max(after.apex, after.onset), after.offset))
    after = checked(after, count=count)
    events = (after if event is before else event for event in coding.of(video))
    return _put(coding, video, tuple(events))


def deleted(coding: Coding, video: str, number: int) -> Coding:
    """Return the coding without an event.

    Raises:
        ConfigError: if there is no such event.
    """
    gone = _event(coding, video, number)
    return _put(coding, video, tuple(event for event in coding.of(video) if event is not gone))


def renamed(coding: Coding, video: str, subject: str) -> Coding:
    """Return the coding with another name of the person who is seen in a video.

    Raises:
        ConfigError: for a name that is blank or no text.
    """
    subject = subject.strip()
    _check_text(subject)
    if not subject or len(subject) > _LONGEST_TEXT or not subject.isprintable():
        raise ConfigError("the person's name is blank, too long, or has line breaks")
    return replace(coding, subjects={**coding.subjects, video: subject})


def _event(coding: Coding, video: str, number: int) -> CodedEvent:
    for event in coding.of(video):
        if event.number == number:
            return event
    raise ConfigError("this event is not there any more; it may have been deleted on another page")


def _put(coding: Coding, video: str, events: tuple[CodedEvent, ...]) -> Coding:
    ordered = sorted(events, key=lambda event: (event.onset, event.offset, event.number))
    return replace(coding, events={**coding.events, video: tuple(ordered)})


def _check_text(text: str) -> None:
    """Refuse what a person types that a spreadsheet would run; tables are read as they are."""
    if text.lstrip().startswith(FORMULA):
        raise ConfigError(
            f"{text.strip()[:20]!r} would be run as a formula by spreadsheets; begin it with a "
            "letter"
        )


def _with(event: CodedEvent, fields: Mapping[str, Any]) -> CodedEvent:
    """Return an event with fields as a page sends them.

    Raises:
        ConfigError: for a field that an event does not have, or of another type.
    """
    for name, value in fields.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if name in ("onset", "offset"):
            fits = whole
        elif name == "apex":
            fits = whole or value is None
        else:
            fits = name in ("kind", *_TEXTS) and isinstance(value, str)
        if not fits:
            raise ConfigError(f"an event has no {name[:20]!r} of this kind")
        if name in _TYPED:
            _check_text(str(value))
    return replace(event, **fields)
