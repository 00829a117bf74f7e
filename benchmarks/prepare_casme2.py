"""Preparing a CASME II-like tree: `mace prepare` beside the usual loop of dlib over all frames.

A slice of the data set is rendered (faces of the synthetic data set at 640 x 480 px) and stored as
CASME II stores it: JPEG frames and a coding sheet. Then, one after the other, in one process each:

- ours: everything that `mace prepare casme2 --workers 1` does, from the sheet to the ArrayRecord
  file; the face is detected once a clip and registered on every frame;
- the loop: decode, dlib's HOG detector without enlargement, its five landmarks, rotation and scale
  by the eyes, a PNG of 128 px; on every frame, with no sheet to read and nothing to check.

Processor time is reported first, since it does not depend on what else the machine does.
"""

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import openpyxl

from mace.data.loading import load_clips
from mace.datasets.casme2.prepare import prepare
from mace.datasets.synthetic.clips.clip import render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.face.config import CropConfig
from mace.face.dlib_models import hog_detector, shape_predictor
from mace.face.landmarks import eye_centres
from mace.face.similarity import fit_similarity
from mace.face.warping import warp


def render(root: Path, *, clips: int, frames: int) -> None:
    """Write `clips` clips of `frames` frames and their sheet below `root`."""
    config = ClipConfig(width=640, height=480, eye_distance=105.0, frames=frames, blink=0)
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    blank = None
    sheet.append(["Subject", "Filename", blank, "OnsetFrame", "ApexFrame", "OffsetFrame", blank,
                  "Action Units", "Estimated Emotion"])  # fmt: skip
    for index in range(clips):
        clip = render_clip(Subject(index), emotion="surprise", seed=index, config=config)
        subject, name = f"{index + 1:02d}", "EP01_01"
        sheet.append([subject, name, blank, clip.onset + 1, clip.apex + 1, clip.offset + 1, blank,
                      "1+2", "surprise"])  # fmt: skip
        folder = root / "CASME2-RAW" / f"sub{subject}" / name
        folder.mkdir(parents=True)
        for number, frame in enumerate(clip.frames, start=1):
            cv2.imwrite(str(folder / f"img{number}.jpg"), np.asarray(frame))
    book.save(root / "CASME2-coding-20140508.xlsx")


def dlib_loop(root: Path, out: Path) -> int:
    """Do what most scripts do, on every frame; returns how many faces were found."""
    detector, predictor = (
        hog_detector(),
        shape_predictor("shape_predictor_5_face_landmarks.dat"),
    )
    crop, found = CropConfig(), 0
    for path in sorted(root.rglob("*.jpg")):
        image = cv2.imread(str(path))
        assert image is not None
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
        boxes, _, _ = detector.run(gray, 0, 0.0)
        box = next(iter(boxes), None)
        if box is None:
            continue
        points = predictor(gray, box).parts()
        eyes = eye_centres(np.array([(point.x, point.y) for point in points], np.float64))
        target = out / path.relative_to(root).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), warp(gray, fit_similarity(eyes, crop.eyes), crop, samples=1))
        found += 1
    return found


def ours(root: Path, out: Path) -> Path:
    """Run the command and return the folder of the prepared data set."""
    with contextlib.redirect_stdout(io.StringIO()):
        return prepare("raw", data_dir=out, manual_dir=root, workers=1)


def timed[T](task: Callable[[], T]) -> tuple[T, float, float]:
    """Result, processor time and elapsed time in s."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = task()
    return result, time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description="our preparation beside a loop of dlib")
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--frames", type=int, default=66)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        render(folder / "tree", clips=arguments.clips, frames=arguments.frames)
        # Neither pays for loading models and libraries.
        render(folder / "warm", clips=1, frames=20)
        dlib_loop(folder / "warm", folder / "warm-loop")
        ours(folder / "warm", folder / "warm-ours")
        prepared, *mine = timed(lambda: ours(folder / "tree", folder / "ours"))
        found, *loop = timed(lambda: dlib_loop(folder / "tree", folder / "loop"))
        start = time.perf_counter()
        ours(folder / "tree", folder / "ours")
        again = time.perf_counter() - start
        stored = sum(len(clip.frames) for clip in load_clips(prepared))
    total = arguments.clips * arguments.frames
    print(f"{total} frames of 640 x 480 px; stored by us {stored}, faces found by the loop {found}")
    print("| | processor, s | elapsed, s | ms a frame (processor) |\n|---|---|---|---|")
    for label, (cpu, wall), count in (("dlib loop", loop, total), ("ours", mine, stored)):
        print(f"| {label} | {cpu:.2f} | {wall:.2f} | {1000 * cpu / count:.1f} |")
    per_frame = loop[0] / total / (mine[0] / stored)
    print(f"ratio a frame: {per_frame:.1f} (processor), "
          f"{loop[1] / total / (mine[1] / stored):.1f} (elapsed)")  # fmt: skip
    print(f"a second run of ours: {again:.2f} s")


if __name__ == "__main__":
    main()
