import pytest

from mace.progress import progress, track


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr("time.monotonic", lambda: Clock.now)
    return Clock


def test_away_from_a_terminal_a_line_comes_now_and_then_and_at_the_end(capsys, clock):
    with progress("reading", 30) as advance:
        for _ in range(30):
            clock.now += 1.0
            advance(note="loss 0.5")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "reading: 10/30, 20 s left  loss 0.5",
        "reading: 20/30, 10 s left  loss 0.5",
        "reading: 30/30, 0 s left  loss 0.5",
    ]


def test_several_steps_at_once_and_none_at_all(capsys, clock):
    with progress("computing", 8) as advance:
        advance(0)
        advance(8)
    assert capsys.readouterr().err == "computing: 8/8, 0 s left\n"


def test_work_that_was_done_before_does_not_shorten_the_time_left(capsys, clock):
    with progress("training", 100, done=50) as advance:
        for _ in range(10):
            clock.now += 2.0
            advance()
    assert capsys.readouterr().err.splitlines() == [
        "training: 55/100, 90 s left",
        "training: 60/100, 80 s left",
    ]


def test_the_start_does_not_lengthen_the_time_left(capsys, clock):
    with progress("clip", 100) as advance:
        clock.now += 30.0  # a program is compiled for the first
        for _ in range(12):
            advance()
            clock.now += 1.0
    assert capsys.readouterr().err.splitlines() == ["clip: 1/100", "clip: 11/100, 89 s left"]


def test_of_an_unknown_total_a_line_says_how_far_it_is(capsys, clock):
    with progress("stream", 0) as advance:
        for _ in range(25):
            clock.now += 1.0
            advance()
    assert capsys.readouterr().err.splitlines() == ["stream: 10", "stream: 20"]


def test_a_total_that_is_passed_was_an_estimate(capsys, clock, monkeypatch):
    def run():
        with progress("clip", 12) as advance:
            for _ in range(30):
                clock.now += 1.0
                advance()

    run()
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["clip: 10/12, 2 s left", "clip: 12/12, 0 s left", "clip: 22"]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    run()
    text = capsys.readouterr().err
    assert "30/30" in text
    assert "30/12" not in text


def test_track_passes_items_on(capsys):
    assert list(track("abc", "letters", 3)) == ["a", "b", "c"]
    assert "letters: 3/3" in capsys.readouterr().err


def test_on_a_terminal_there_is_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress("reading", 3) as advance:
        advance(3, note="done")
    text = capsys.readouterr().err
    assert "reading" in text
    assert "3/3" in text
