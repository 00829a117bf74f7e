"""A rendered data set recorded in another way than `synthetic/demo`, to go from one to the other.

`python -m mace.experiments.rough` prepares it, in a minute or two on one core.
"""

from pathlib import Path

import tyro

from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.prepare import prepare
from mace.datasets.synthetic.presets import Preset
from mace.places import DATA_DIR

SEED = 1
"""Its people are others than those of `synthetic/demo`, which is seed 0."""

ROUGH = Preset(
    "rough",
    "16 subjects x 12 clips: small faces, restless heads, noisy camera, stronger movements",
    16,
    12,
    ClipConfig(
        width=320,
        height=240,
        fps=100.0,
        frames=14,
        eye_distance=52.0,
        peak_px=(0.4, 1.2),
        head_motion=2.5,
        drift=2.0,
        flicker=3.0,
        noise=2.0,
        pose_sd_deg=4.0,
    ),
)

NAME = f"synthetic/{ROUGH.name}-seed{SEED}"


def main(data_dir: Path = DATA_DIR, workers: int = 1) -> None:
    """Render it into `data_dir`, where it is called like this module's `NAME`.

    Args:
        data_dir: root of all prepared data sets.
        workers: processes that render.
    """
    print(prepare(ROUGH, data_dir=data_dir, seed=SEED, workers=workers))


if __name__ == "__main__":
    tyro.cli(main)
