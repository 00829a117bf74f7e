"""Strict: two simulated devices, no silent promotion; warnings are errors (pyproject)."""

import os
from pathlib import Path

# Before anything imports NumPy: two BLAS threads on two busy cores more than double the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax
import numpy as np
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", 2)
# A test must not meet what an earlier one compiled; commands that keep programs keep none here.
jax.config.update("jax_enable_compilation_cache", False)


@pytest.fixture(scope="session")
def surprise():
    """One rendered micro-expression of 20 frames whose head hardly moves."""
    from mace.datasets.synthetic.clip import render_clip
    from mace.datasets.synthetic.config import ClipConfig
    from mace.datasets.synthetic.subject import Subject

    config = ClipConfig(width=320, height=240, frames=20, eye_distance=75.0, blink=0, gaze=0)
    return render_clip(Subject(3), emotion="surprise", seed=7, config=config)


@pytest.fixture(scope="session")
def bundle():
    """An untrained network that calls itself trained on synthetic faces."""
    import jax

    from mace.config import to_dict
    from mace.face import FaceConfig
    from mace.models import ModelConfig, init_model, make_model
    from mace.motion import MotionConfig
    from mace.provenance import provenance
    from mace.training import Bundle, Normalisation

    model = ModelConfig(widths=(8, 8), depths=(1, 1), stem_stride=2)
    variables = init_model(make_model(model, 3), jax.random.key(0), (28, 28, 3))
    return Bundle(
        model=model,
        motion=MotionConfig(size=28),
        face=to_dict(FaceConfig()),
        classes=("negative", "positive", "surprise"),
        normalisation=Normalisation(kind="training", mean=(0.0,) * 3, std=(0.1,) * 3),
        variables=jax.device_get(variables),
        flip_average=True,
        trained_on=("synthetic",),
        provenance=provenance(),
    )


@pytest.fixture(scope="session")
def surprise_folder(surprise, tmp_path_factory) -> Path:
    """The clip from its onset on, as a folder of losslessly stored frames."""
    import cv2

    folder = tmp_path_factory.mktemp("surprise")
    for number, frame in enumerate(surprise.frames[surprise.onset :], start=1):
        assert cv2.imwrite(str(folder / f"img{number}.png"), np.asarray(frame))
    return folder


@pytest.fixture(scope="session")
def brow_flash():
    """A rendered video of 1.25 s at 60 frames/s: the brows rise at 0.4 s, for 0.28 s."""
    from mace.datasets.synthetic.clip import render_movements
    from mace.datasets.synthetic.config import ClipConfig
    from mace.datasets.synthetic.expression import Movement
    from mace.datasets.synthetic.subject import Subject

    size = {"width": 240, "height": 180, "eye_distance": 58.0, "samples": 1}
    config = ClipConfig(**size, frames=75, fps=60.0, blink=0)
    plan = Movement("surprise", {"1": 2.5, "2": 2.5}, start=0.4, rise=0.12, hold=0.0, fall=0.16)
    return render_movements(Subject(3), (plan,), seed=7, config=config, blinks=())
