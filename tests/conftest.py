"""Strict: two simulated devices, no silent promotion; warnings are errors (pyproject).

`pytest -m accelerator` runs what computes on JAX's default device, be it a GPU, on a machine that
has no more than MACE's training needs (`tests/lean_requirements.txt`).
"""

import os
from importlib.util import find_spec
from pathlib import Path

# Before anything imports NumPy: two BLAS threads on two busy cores more than double the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# On a GPU: the first process takes no more than it needs, and those that a test starts find memory.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# On a GPU: sums in one order, and no kernel chosen by a race, for what must agree bit for bit. On a
# CPU tests compile longer than they compute: without LLVM's optimisation they take a third less.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_gpu_deterministic_ops=true"
    if any(find_spec(f"jax_cuda{version}_plugin") for version in (12, 13))
    else "--xla_backend_optimization_level=0",
)

import jax
import numpy as np
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", 2)
# A test must not meet what an earlier one compiled; commands that keep programs keep none here.
jax.config.update("jax_enable_compilation_cache", False)
if jax.default_backend() != "cpu":
    # A GPU would multiply float32 in TF32, a TPU in bfloat16, three digits each: what agrees with
    # float64, or with another program, to 1e-5 would not, and real mistakes would hide in that.
    jax.config.update("jax_default_matmul_precision", "highest")
    os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = "highest"  # of processes that tests start


class OtherModule(pytest.Module):
    """A module of tests that are not for an accelerator, and whose packages may be absent."""

    def collect(self):
        try:
            return super().collect()
        except self.CollectError as error:
            if isinstance(error.__cause__, ModuleNotFoundError):
                pytest.skip(str(error.__cause__), allow_module_level=True)
            raise


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector):
    """Under `-m accelerator` import other tests where they can be; pytest imports all it finds."""
    chosen = "accelerator" in parent.config.option.markexpr
    if chosen and "mark.accelerator" not in module_path.read_text(encoding="utf-8"):
        return OtherModule.from_parent(parent, path=module_path)
    return None


@pytest.fixture
def two_devices() -> None:
    """Skip where JAX has one device, as on a machine with one GPU."""
    if jax.device_count() < 2:
        pytest.skip(f"needs two devices, and there is one of kind {jax.default_backend()}")


@pytest.fixture(scope="session")
def surprise():
    """One rendered micro-expression of 20 frames whose head hardly moves."""
    from mace.datasets.synthetic.clips.clip import render_clip
    from mace.datasets.synthetic.clips.config import ClipConfig
    from mace.datasets.synthetic.clips.subject import Subject

    config = ClipConfig(width=320, height=240, frames=20, eye_distance=75.0, blink=0, gaze=0)
    return render_clip(Subject(5), emotion="surprise", seed=7, config=config)


@pytest.fixture(scope="session")
def bundle():
    """An untrained network that calls itself trained on synthetic faces."""
    import jax

    from mace.bundle import Bundle, Normalisation
    from mace.config import to_dict
    from mace.face.config import FaceConfig
    from mace.models.apply import init_model
    from mace.models.config import ModelConfig
    from mace.models.make import make_model
    from mace.motion.config import MotionConfig
    from mace.provenance import provenance

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
    from mace.datasets.synthetic.clips.clip import render_movements
    from mace.datasets.synthetic.clips.config import ClipConfig
    from mace.datasets.synthetic.clips.expression import Movement
    from mace.datasets.synthetic.clips.subject import Subject

    size = {"width": 240, "height": 180, "eye_distance": 58.0}
    config = ClipConfig(**size, frames=75, fps=60.0, blink=0)
    plan = Movement("surprise", {"1": 2.5, "2": 2.5}, start=0.4, rise=0.12, hold=0.0, fall=0.16)
    return render_movements(Subject(5), (plan,), seed=7, config=config, blinks=())
