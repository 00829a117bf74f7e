"""Pictures of a folder as a recording: their numbers, times and what was assumed."""

import cv2
import numpy as np
import pytest

from mace.errors import DataError
from mace.video.folder import PictureFolder


def test_pictures_are_reached_by_their_place_and_have_their_numbers(tmp_path):
    for number in (4, 6, 8, 12):
        assert cv2.imwrite(str(tmp_path / f"img{number}.png"), np.full((8, 8, 3), number, np.uint8))
    folder = PictureFolder(tmp_path, fps=10)
    assert folder.numbers == (4, 6, 8, 12)
    assert (folder.fps, folder.rate, folder.count, folder.size) == (5, 10, 4, (8, 8))
    assert folder.times.tolist() == pytest.approx([0, 0.2, 0.4, 0.8])
    assert [int(folder.image(k)[0, 0, 0]) for k in (3, 0)] == [12, 4]
    assert [(p.number, p.time, int(p.image.mean())) for p in folder.pictures()][1] == (1, 0.2, 6)
    assert [remark.kind for remark in folder.remarks] == ["assumed", "gap"]
    for wrong in (-1, 4):
        with pytest.raises(IndexError):
            folder.image(wrong)
    with pytest.raises(DataError, match="true rate"):
        PictureFolder(tmp_path, fps=0)
