"""A real face that moves as told: AU displacement fields laid over a photograph.

No rendering is in it but the displacement itself: skin, light, noise and the estimator's trouble
are a camera's. The photograph is `skimage.data.astronaut` (NASA, public domain), which no training
has seen, and the field is that of a synthetic person in the same place.

    mace pretrain --measure      among other things, how often each prototype is recognised on it
"""

from dataclasses import dataclass, replace

import cv2
import jax
import numpy as np
from jaxtyping import Float, UInt8

from mace.datasets.synthetic.movement.prototypes import prototype_shares
from mace.datasets.synthetic.pairs.canvas import CELL, EYES, SIZE
from mace.datasets.synthetic.pairs.cast import Cast
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.draw import Plans, draw_plans
from mace.datasets.synthetic.pairs.field import exact_fields
from mace.errors import ConfigError, DataError
from mace.face.config import FaceConfig
from mace.face.detector import FaceDetector
from mace.face.images import to_gray
from mace.face.landmarks import Landmarker, eye_centres
from mace.face.similarity import fit_similarity
from mace.face.warping import sample, supersampling

_INVERSION_ROUNDS = 6
_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class WarpConfig:
    """How a photograph is set in motion.

    Attributes:
        peak_px: range of the peak displacement in px of the 128-px crop.
        residual_px: spread of what the face correction leaves.
    """

    peak_px: tuple[float, float] = (1.0, 2.0)
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


def prototype_plans(cast: Cast, *, each: int, seed: int, config: WarpConfig | None = None) -> Plans:
    """Return `each` movements of every prototype of the 3-class set, and nothing else moving.

    Args:
        cast: people whose displacement fields are used.
        each: movements of a prototype.
        seed: of everything random.
        config: their strength, and what the face correction leaves.
    """
    config = config or WarpConfig()
    pairs = PairConfig.quiet(
        movement=replace(PairConfig.quiet().movement, peak_px=config.peak_px),
        crop=replace(PairConfig.quiet().crop, residual_px=config.residual_px),
    )
    # Drawn as often as in training; enough of the rarest, and then as many of each.
    rarest = min(share for share in prototype_shares("3") if share > 0)
    count = int(2 * each / rarest)
    draw = jax.jit(lambda key: draw_plans(key, cast.entries, count=count, config=pairs))
    plans = jax.device_get(draw(jax.random.key(seed)))
    rows = [np.flatnonzero(plans.prototype == row)[:each] for row in np.unique(plans.prototype)]
    kept = np.concatenate(rows)
    return jax.tree.map(lambda leaf: leaf[kept], plans)


def warp_photograph(
    picture: UInt8[np.ndarray, "160 160"],
    cast: Cast,
    plans: Plans,
    *,
    seed: int,
    noise: float = 1.0,
) -> tuple[UInt8[np.ndarray, "n 160 160"], UInt8[np.ndarray, "n 160 160"]]:
    """Return the still pictures and the moved ones.

    Args:
        picture: a face on the canvas.
        cast: people whose displacement fields are used.
        plans: what happens.
        seed: of the sensor's noise.
        noise: its standard deviation in gray levels.
    """
    people = cast.on_device()
    fields_of = jax.jit(exact_fields)
    rng = np.random.default_rng([0xA57, seed])
    count = len(plans.emotion)
    still, moved = [], []
    for start in range(0, count, _BATCH):
        index = np.minimum(np.arange(start, start + _BATCH), count - 1)
        part = jax.tree.map(lambda leaf, index=index: leaf[index], plans)
        for field in np.asarray(fields_of(part, people))[: count - start]:
            still.append(_record(picture.astype(np.float32), rng, noise))
            moved.append(_record(move(picture, field), rng, noise))
    return np.stack(still), np.stack(moved)


def _record(
    picture: Float[np.ndarray, "160 160"], rng: np.random.Generator, noise: float
) -> UInt8[np.ndarray, "160 160"]:
    recorded = picture + noise * rng.standard_normal(picture.shape, np.float32)
    return np.clip(np.round(recorded), 0, 255).astype(np.uint8)
