"""What the tests of licensed data sets share."""

import pytest


@pytest.fixture
def whole_frames(monkeypatch):
    """Take drawn frames as they are, since there is no face in them to correct."""
    from mace.datasets.reading import correcting  # a machine that trains need not read videos

    def as_they_are(frames, *, onset, config):
        assert 0 <= onset < len(frames)
        return correcting.as_they_are(list(frames), config)

    monkeypatch.setattr(correcting, "correct_clip", as_they_are)
