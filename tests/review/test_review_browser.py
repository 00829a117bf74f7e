"""The coding page in a real browser: typed and dragged, by two coders.

Run with `uv run pytest -m browser`; it needs Debian's package chromium. Screenshots are left in the
folder that MACE_SCREENSHOTS names, if it names one.
"""

import csv
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chromium import Chromium, wait_until
from videos import numbered, write_video

pytestmark = pytest.mark.browser


class Coder:
    """A person with a `mace review` of their own, at a browser that they take turns at."""

    def __init__(self, lab, name, browser):
        self.table = lab / "annotations.csv"
        self.name = name
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mace.cli", "review", str(lab)),
                *("--coder", name, "--web.port", "0"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.address = next(line.strip() for line in self.process.stderr if "http://" in line)
        self.browser = browser

    def sit_down(self):
        self.browser.open(self.address)
        wait_until(lambda: self.frame() == 1, 20)

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)
        self.process.stderr.close()

    def text(self, name):
        return self.browser.run(f"document.getElementById('{name}').textContent")

    def frame(self):
        return int(self.browser.run("document.getElementById('picture').dataset.frame") or 0)

    def key(self, *keys):
        for key in keys:
            self.browser.press(key, ord(key.upper()) if len(key) == 1 else 0)

    def go(self, frame):
        self.type("number", str(frame))
        wait_until(lambda: self.frame() == frame, 10)

    def type(self, name, text):
        self.browser.run(f"document.getElementById('{name}').select()")
        self.browser.call("Input.insertText", text=text)
        self.browser.press("Enter", 13)
        self.browser.run("document.activeElement.blur()")

    def drag(self, phase, frames):
        """Drag the grip of the chosen event by so many frames."""
        x, y, wide = self.browser.run(
            "(() => { const grip = document.querySelector(`#timeline .grip.area[data-phase="
            f"'{phase}']`).getBoundingClientRect();"
            "const lane = document.querySelector('#timeline .lane').getBoundingClientRect();"
            "return [grip.x + grip.width / 2, grip.y + grip.height / 2, lane.width]; })()"
        )
        step = frames * wide / 60  # all 60 frames are in sight
        moves = [("mousePressed", 0), *(("mouseMoved", step * k / 4) for k in range(1, 5))]
        for kind, by in [*moves, ("mouseReleased", step)]:
            self.browser.call(
                "Input.dispatchMouseEvent",
                **{"type": kind, "x": x + by, "y": y, "button": "left", "clickCount": 1},
            )

    def rows(self):
        if not self.table.exists():
            return []
        with self.table.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["coder"] == self.name]
        return [
            tuple(row[k] for k in ("onset", "apex", "offset", "kind", "emotion", "aus"))
            for row in rows
        ]

    def wait_for(self, *rows):
        deadline = time.monotonic() + 10
        while self.rows() != list(rows) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert self.rows() == list(rows)

    def keep(self, name):
        if folder := os.environ.get("MACE_SCREENSHOTS"):
            self.browser.screenshot(Path(folder) / f"coding-{name}.png")


@pytest.fixture
def lab(tmp_path):
    (tmp_path / "lab" / "p1").mkdir(parents=True)
    write_video(tmp_path / "lab" / "p1" / "take.mov", numbered(60, (320, 240)), fps=50)
    return tmp_path / "lab"


@pytest.fixture
def coders(lab, tmp_path):
    browser = Chromium(tmp_path / "profile")
    coders = [Coder(lab, name, browser) for name in ("anna", "ben")]
    yield coders
    browser.close()
    for coder in coders:
        coder.close()


def test_two_people_code_one_video(coders):
    anna, ben = coders
    anna.sit_down()
    anna.go(11)
    anna.key("ArrowRight", "ArrowRight", "ArrowLeft", "n")
    anna.wait_for(("12", "17", "25", "micro", "", ""))
    anna.type("label", "surprise")
    anna.type("units", "1+2")
    anna.drag("offset", 10)
    anna.wait_for(("12", "17", "35", "micro", "surprise", "1 2"))
    anna.drag("onset", -4)
    anna.drag("apex", 5)
    anna.wait_for(("8", "22", "35", "micro", "surprise", "1 2"))
    anna.keep("dragged")
    # Exaggerated, a face would be shown; in this video there is none.
    anna.browser.run(
        "document.getElementById('factor').value = 10;"
        "document.getElementById('factor').dispatchEvent(new Event('change'))"
    )
    wait_until(lambda: anna.text("faceless").strip() == "frame 8 shows no face to compare with", 30)
    wait_until(lambda: anna.browser.run("document.getElementById('card-onset').naturalWidth"), 10)
    anna.go(10)
    anna.key("o")
    anna.wait_for(("10", "22", "35", "micro", "surprise", "1 2"))
    anna.browser.press("z", 90, modifiers=2)
    anna.wait_for(("8", "22", "35", "micro", "surprise", "1 2"))
    # A second page of the same coder is told, and shows the same.
    anna.browser.run(f"window.open('{anna.address}') !== null")
    wait_until(lambda: "open on 2 pages" in anna.text("notice"), 15)
    # Ben works at the same table and sees nothing of hers.
    ben.sit_down()
    assert ben.text("count") == "0"
    ben.go(9)
    ben.key("n", "k")
    ben.wait_for(("9", "14", "22", "macro", "", ""))
    ben.type("offset", "5")  # before the onset
    wait_until(lambda: "not in this order" in ben.text("notice"), 10)
    ben.type("offset", "40")
    ben.wait_for(("9", "14", "40", "macro", "", ""))
    ben.key("Delete")
    ben.wait_for()
    assert anna.rows() == [("8", "22", "35", "micro", "surprise", "1 2")]
    told = [error for error in anna.browser.errors if "404" not in str(error)]
    assert not told
