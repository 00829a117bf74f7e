"""What the wheel's user does, in an empty folder: the commands on a rendered file, and Python."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression

import mace
from mace.datasets.synthetic.clips.clip import render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.video.writer import VideoWriter


def command(*words: str) -> str:
    program = Path(sys.executable).with_name("mace")
    return subprocess.run([program, *words], check=True, stdout=-1, text=True).stdout


def main() -> None:
    assert Path(sys.prefix) in Path(mace.__file__).parents, mace.__file__
    config = ClipConfig(width=320, height=240, frames=16, eye_distance=75.0, blink=0, gaze=0)
    clip = render_clip(Subject(5), emotion="surprise", seed=7, config=config)
    video = VideoWriter(Path("face.mov"), codec="mjpeg", size=(config.width, config.height))
    for number, frame in enumerate(clip.frames):
        video.write(cv2.cvtColor(np.asarray(frame), cv2.COLOR_GRAY2BGR), number / 25)
    video.close()
    assert "live" in command("--help")
    command("live", "face.mov", "--out", "live")
    session = json.loads(Path("live/session.json").read_text(encoding="utf-8"))
    assert session["frames"] == len(clip.frames)
    assert Path("live/frames.csv").read_text(encoding="utf-8").count("tracked") > 8
    assert len(mace.analyse("face.mov").frames) == len(clip.frames)
    field = mace.flow(clip.frames[clip.onset], clip.frames[clip.apex])
    assert np.abs(field).max() > 0.5
    y, people = np.tile(["negative", "positive"], 10), np.repeat(np.arange(5), 4)
    X = np.random.default_rng(0).normal(size=(20, 6)) + 4 * (y == "positive")[:, None]
    assert mace.cross_validate(LogisticRegression(), X, y, people).uf1 > 0.9
    print(f"the wheel of MACE {mace.__version__} works in {Path.cwd()}, without the clone")


if __name__ == "__main__":
    main()
