"""Edits of coded events, and their undo."""

import pytest

from mace.errors import ConfigError
from mace.review.events import Coding, added, changed, deleted, renamed
from mace.review.history import History

COUNT = 100


def coded(*frames, **fields):
    coding = Coding()
    for onset, apex, offset in frames:
        place = {"onset": onset, "apex": apex, "offset": offset}
        coding, _ = added(coding, "v", {**place, **fields}, count=COUNT)
    return coding


def spans(coding):
    return [(event.number, event.onset, event.apex, event.offset) for event in coding.of("v")]


def test_events_lie_by_onset_and_keep_their_numbers():
    coding = coded((50, 55, 60), (10, 15, 20))
    assert spans(coding) == [(2, 10, 15, 20), (1, 50, 55, 60)]
    assert spans(changed(coding, "v", 1, {"onset": 5}, count=COUNT)) == [
        (1, 5, 55, 60),
        (2, 10, 15, 20),
    ]
    assert spans(deleted(coding, "v", 2)) == [(1, 50, 55, 60)]
    assert spans(coding) == [(2, 10, 15, 20), (1, 50, 55, 60)]  # an edit changes no state before it


def test_an_apex_goes_along_with_the_end_that_passes_it():
    coding = coded((10, 15, 20))
    assert spans(changed(coding, "v", 1, {"onset": 18}, count=COUNT)) == [(1, 18, 18, 20)]
    assert spans(changed(coding, "v", 1, {"offset": 12}, count=COUNT)) == [(1, 10, 12, 12)]
    assert spans(changed(coding, "v", 1, {"apex": None}, count=COUNT)) == [(1, 10, None, 20)]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"onset": 21}, "not in this order"),
        ({"apex": 9}, "not in this order"),
        ({"onset": 0}, "not in the video, which has the frames 1 to 100"),
        ({"offset": 101}, "not in the video"),
        ({"onset": 1.5}, "has no 'onset'"),
        ({"onset": True}, "has no 'onset'"),
        ({"number": 7}, "has no 'number'"),
        ({"kind": "mini"}, "expected micro or macro"),
        ({"units": "4+hello"}, "'hello' is no action unit"),
        ({"label": "two\nlines"}, "line breaks"),
        ({"note": "x" * 201}, "more than 200 letters"),
    ],
)
def test_what_is_no_event_is_refused(fields, what):
    with pytest.raises(ConfigError, match=what):
        changed(coded((10, 15, 20)), "v", 1, fields, count=COUNT)


def test_words_are_brought_to_one_spelling():
    coding = coded((10, 15, 20), label=" Happy ", units="l12+ 6 or 7")
    event = coding.of("v")[0]
    assert (event.label, event.emotion, event.units) == ("Happy", "happiness", "L12 6|7")


def test_an_event_that_another_page_deleted_is_not_there():
    with pytest.raises(ConfigError, match="not there any more"):
        deleted(coded((10, 15, 20)), "v", 2)
    with pytest.raises(ConfigError, match="blank"):
        renamed(Coding(), "v", "  ")


def test_undo_and_redo_walk_through_all_states():
    history = History(Coding())
    states = [history.now]
    for onset in (10, 20, 30):
        coding, _ = added(history.now, "v", {"onset": onset, "offset": onset + 5}, count=COUNT)
        history.push(coding)
        states.append(coding)
    history.push(history.now)  # nothing changed: no state of its own
    for state in reversed(states[:-1]):
        history.undo()
        assert history.now == state
    assert not history.can_undo
    history.undo()
    assert history.now == states[0]
    history.redo()
    assert history.now == states[1]
    assert history.can_redo
    history.push(renamed(history.now, "v", "anna"))
    assert not history.can_redo
