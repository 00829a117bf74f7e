"""A real face that moves as told: AU displacement fields laid over a photograph.

No rendering is in it but the displacement itself: skin, light, noise and the estimator's trouble
are a camera's. The photograph is `skimage.data.astronaut` (NASA, public domain), which no training
has seen, and the field is that of a synthetic person in the same place.

    mace pretrain --check MODEL      measures every prototype of at least 1 px on it

Cost: about a minute on two cores.
"""

from dataclasses import dataclass, replace

import cv2
import jax
import numpy as np
from jaxtyping import Float, UInt8

from mace.datasets.synthetic.pairs.canvas import CELL, EYES, SIZE
from mace.datasets.synthetic.pairs.cast import Cast
from mace.datasets.synthetic.pairs.config import CropConfig, PairConfig
from mace.datasets.synthetic.pairs.draw import Plans, draw_plans
from mace.datasets.synthetic.pairs.field import exact_fields
from mace.errors import ConfigError, DataError
from mace.face import FaceConfig, FaceDetector, Landmarker, eye_centres, fit_similarity, to_gray
from mace.face.warping import sample, supersampling

_INVERSION_ROUNDS = 6
_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class WarpConfig:
    """How a photograph is set in motion.

    Attributes:
        peak_px: range of the peak displacement in px of the 128-px crop.
        noise: standard deviation of either frame's sensor noise, in gray levels.
        residual_px: spread of what the face correction leaves.
    """

    peak_px: tuple[float, float] = (1.0, 2.0)
    noise: float = 1.0
    residual_px: float = 0.04


def astronaut() -> UInt8[np.ndarray, "160 160"]:
    """Return the face of `skimage.data.astronaut` on the canvas.

    Raises:
        ConfigError: if scikit-image, a package for development, is not installed.
    """
    try:
        from skimage import data
    except ImportError:
        raise ConfigError(
            "the photograph comes with scikit-image; install it with `uv sync --group dev`"
        ) from None
    return face_on_canvas(to_gray(cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)))


def face_on_canvas(gray: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "160 160"]:
    """Return the largest face of a picture, its eyes in their places on the canvas.

    Raises:
        DataError: if there is no face.
    """
    found = FaceDetector(FaceConfig().detector).detect(gray)
    if not found:
        raise DataError("no face was found in the photograph; choose a frontal one")
    eyes = eye_centres(Landmarker(5, boxes=9).locate(gray, found[0]))
    transform = fit_similarity(eyes, np.asarray(EYES))
    return sample(gray, transform, (SIZE, SIZE), samples=supersampling(transform))


def move(
    picture: UInt8[np.ndarray, "160 160"], field: Float[np.ndarray, "r r 2"]
) -> Float[np.ndarray, "160 160"]:
    """Return the picture after every point x has gone to x + field(x), in gray levels.

    The field is given at the canvas's cells and interpolated between them; each target pixel looks
    up where it came from, found by fixed-point iteration.
    """
    index = (np.arange(SIZE, dtype=np.float32) + 0.5) / CELL - 0.5
    columns, rows = np.meshgrid(index, index)
    dense = cv2.remap(
        field.astype(np.float32), columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    x, y = np.meshgrid(np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32))
    shift = dense
    for _ in range(_INVERSION_ROUNDS):
        shift = cv2.remap(
            dense,
            x - shift[..., 0],
            y - shift[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return cv2.remap(
        picture.astype(np.float32),
        x - shift[..., 0],
        y - shift[..., 1],
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )


def warp_photograph(
    picture: UInt8[np.ndarray, "160 160"],
    cast: Cast,
    *,
    count: int,
    seed: int,
    config: WarpConfig | None = None,
) -> tuple[Plans, UInt8[np.ndarray, "n 160 160"], UInt8[np.ndarray, "n 160 160"]]:
    """Return what happens in `count` warps, the still pictures and the moved ones.

    Args:
        picture: a face on the canvas.
        cast: people whose displacement fields are used.
        count: of warps; prototypes come as often as in the 3-class set.
        seed: of everything random.
        config: strength and noise.
    """
    config = config or WarpConfig()
    pairs = PairConfig.quiet(
        movement=replace(PairConfig.quiet().movement, peak_px=config.peak_px),
        crop=CropConfig(
            residual_px=config.residual_px, residual_deg=0, residual_scale=0, framing_px=0,
            framing_deg=0, framing_scale=0,
        ),
    )  # fmt: skip
    people = cast.on_device()
    draw = jax.jit(lambda key: draw_plans(key, people, count=count, config=pairs))
    plans = draw(jax.random.key(seed))
    fields_of = jax.jit(exact_fields)
    rng = np.random.default_rng([0xA57, seed])
    still, moved = [], []
    for start in range(0, count, _BATCH):
        index = np.minimum(np.arange(start, start + _BATCH), count - 1)
        part = jax.tree.map(lambda leaf, index=index: leaf[index], plans)
        for field in np.asarray(fields_of(part, people))[: count - start]:
            still.append(_record(picture.astype(np.float32), rng, config.noise))
            moved.append(_record(move(picture, field), rng, config.noise))
    return jax.device_get(plans), np.stack(still), np.stack(moved)


def _record(
    picture: Float[np.ndarray, "160 160"], rng: np.random.Generator, noise: float
) -> UInt8[np.ndarray, "160 160"]:
    recorded = picture + noise * rng.standard_normal(picture.shape, np.float32)
    return np.clip(np.round(recorded), 0, 255).astype(np.uint8)
