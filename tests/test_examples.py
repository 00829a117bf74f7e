"""The examples run as they are, on tiny inputs, and say what they promise."""

import contextlib
import runpy
import socket
import struct
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run(monkeypatch, capsys):
    def run(name: str, *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_every_example_is_listed_and_short():
    listed = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f"`{path.name}`" in listed
        assert len(path.read_text().splitlines()) < 60
        assert f"test_{path.stem}" in globals()


def test_label_video(run, surprise_folder, tmp_path):
    assert run("label_video.py", surprise_folder, tmp_path / "out")
    assert (tmp_path / "out" / "frames.csv").exists()


def test_send_osc(run, surprise_folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(10)
        port = listening.getsockname()[1]
        run("send_osc.py", surprise_folder, "--port", port, "--fps", 200)
        told = []
        listening.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            while True:
                told.append(listening.recv(100))
        regions = set()
        for data in told:
            assert data[:16] == b"/moves\0\0,fsf\0\0\0\0"
            assert struct.unpack(">f", data[16:20]) == (0.0,)
            regions.add(data[20:].split(b"\0")[0].decode())
            assert 0.1 < struct.unpack(">f", data[-4:])[0] < 3
        assert {"brow_left", "brow_middle", "brow_right"} & regions


def test_optical_flow(run, tmp_path):
    rng = np.random.default_rng(0)
    onset = np.kron(rng.integers(0, 255, (16, 16), np.uint8), np.ones((4, 4), np.uint8))
    for name, picture in {"onset": onset, "apex": np.roll(onset, 2, axis=1)}.items():
        assert cv2.imwrite(str(tmp_path / f"{name}.png"), picture)
    paths = [tmp_path / f"{name}.png" for name in ("onset", "apex", "flow")]
    assert "the longest motion is" in run("optical_flow.py", *paths)
    drawn = cv2.imread(str(paths[-1]))
    assert drawn is not None
    # Red is to the right.
    assert np.median(drawn[20:44, 20:44].argmax(-1)) == 2


@pytest.mark.slow
def test_use_macnn(run):
    printed = run("use_macnn.py", "--epochs", 8)
    assert "100% of 15 images" in printed
    assert "['brows' 'mouth']" in printed


def test_train_on_arrays(run):
    printed = run("train_on_arrays.py", "--epochs", 1)
    assert printed.count("majority") == 2
    assert "Small" in printed


def test_loso_own_data(run, tmp_path):
    rows = [f"s{k % 3},{'ab'[k % 2]},{k % 2 + 0.1 * (k % 5)}" for k in range(24)]
    (tmp_path / "table.csv").write_text("\n".join(["subject,label,height", *rows]) + "\n")
    printed = run("loso_own_data.py", tmp_path / "table.csv", tmp_path / "page.html")
    assert "majority" in printed
    assert "<html" in (tmp_path / "page.html").read_text()
