"""What others do to a flow field before a network sees it, in one place, drawn at random.

A network that is to answer for our own flow and for flow images made by others must not lean on
what differs between them:

| | MACE's own clips | public flow images (MEGC 2019) |
|---|---|---|
| face | corrected frame by frame | cropped where the onset's face was |
| head motion left over | robust affine field removed | none removed |
| window | the correction's crop, or a part of it | about from brows to chin, made square |
| estimator | DIS or TV-L1 | TV-L1 |
| values | px of the 128-px crop, strain in tenths | each channel stretched to 8 bits |
| signs | u to the right, v down, from onset to apex | the same |

The last but one is met by bringing each channel of each image to mean 0 and deviation 1
(`TrainConfig.normalise = "image"`), before which a stretched and a raw channel are the same but for
rounding. The rest is drawn: `present` makes what either side would have made of one field. Signs
are not drawn, since a raised and a lowered brow differ in nothing else.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from mace.motion.config import EYE_DISTANCE as EYE_DISTANCE
from mace.motion.config import OWN_FRAMING as OWN_FRAMING
from mace.motion.config import ConventionConfig as ConventionConfig
from mace.motion.detrend import remove_head_motion
from mace.motion.representation import STRAIN_SCALE
from mace.motion.resample import cut_windows
from mace.motion.strain import optical_strain

type Window = tuple[float, float, float, float]

CANVAS = 160
"""Side in px of the canvas, whose scale is the 128-px crop's; it reaches beyond brows and chin."""
EYE_HEIGHT = 58.08
"""Row of the eye centres on the canvas; their middle is in the middle column."""
_CROP, _CROP_LEFT, _CROP_TOP = 128, 16, 12

OWN_WINDOW: Window = (-1.1, -0.55, 1.1, 1.58)
"""Left, top, right, bottom in eye distances from the middle between the eyes, x right, y down;
`OWN_FRAMING` is the same window for `MotionConfig.framing`."""
PUBLIC_WINDOW: Window = (-1.1, -0.45, 1.1, 1.8)


def present(
    fields: Float[Array, "b r r 2"],
    key: Key[Array, ""],
    *,
    config: ConventionConfig,
    windows: tuple[Window, Window] = (PUBLIC_WINDOW, OWN_WINDOW),
) -> Float[Array, "b size size 3"]:
    """Return u, v and strain as one side or the other would have made them; pure JAX.

    Args:
        fields: displacement in px of the 128-px crop at r x r cells of the canvas.
        key: of everything random.
        config: the ranges.
        windows: before jitter, of what is presented as public images are and as ours are.
    """
    batch = len(fields)
    keys = jax.random.split(key, 4)
    public = round(batch * config.public)
    # Coarser than for clips, which changes little and costs a tenth.
    own = remove_head_motion(fields[public:], method="affine", grid=16, rounds=4)
    fields = jnp.concatenate([fields[:public], own])
    images = channels_of(fields)
    base = jnp.asarray([windows[0]] * public + [windows[1]] * (batch - public))
    unit = jax.random.uniform(keys[0], (batch, 4), minval=-1.0, maxval=1.0)
    edges = base + unit * config.jitter
    loose = jax.random.bernoulli(keys[1], config.loose, (batch, 1))
    low, high = config.shift
    down = jax.random.uniform(keys[2], (batch, 1), minval=low, maxval=high)
    reach = jnp.log(jnp.float32(config.stretch))
    width = jnp.exp(jax.random.uniform(keys[3], (batch, 1), minval=-reach, maxval=reach))
    across, along = jnp.asarray([1.0, 0.0, 1.0, 0.0]), jnp.asarray([0.0, 1.0, 0.0, 1.0])
    edges = jnp.where(loose, edges * (across * width + along) + along * down, edges)
    return cut(images, edges, size=config.size)


def mirror(fields: Float[Array, "b r r 2"], mirrored: Bool[Array, " b"]) -> Float[Array, "b r r 2"]:
    """Return fields of faces on the canvas, those of some of them as a mirror shows them."""
    turned = fields[:, :, ::-1] * jnp.asarray([-1.0, 1.0])
    return jnp.where(mirrored[:, None, None, None], turned, fields)


def window_of(framing: Window) -> Window:
    """Return the window that a framing of the face correction's crop shows, in eye distances.

    The framing is that of `MotionConfig`: shares of the 128-px crop, which is columns 16 to 144 and
    rows 12 to 140 of the canvas.
    """
    left, top, right, bottom = (edge * _CROP for edge in framing)
    column, row = _CROP_LEFT - CANVAS / 2, _CROP_TOP - (EYE_HEIGHT + 0.5)
    edges = (left + column, top + row, right + column, bottom + row)
    x0, y0, x1, y1 = (edge / EYE_DISTANCE for edge in edges)
    return x0, y0, x1, y1


def channels_of(fields: Float[Array, "*b r r 2"]) -> Float[Array, "*b r r 3"]:
    """Return u, v and strain (in `STRAIN_SCALE`) of fields on the canvas."""
    cell = CANVAS / fields.shape[-2]
    strain = optical_strain(fields) / (cell * STRAIN_SCALE)
    return jnp.concatenate([fields, strain[..., None]], axis=-1)


def cut(
    images: Float[Array, "b r r c"], windows: Float[Array, "b 4"], *, size: int
) -> Float[Array, "b size size c"]:
    """Return windows (in eye distances, as `OWN_WINDOW`) of canvas images at `size` x `size`.

    Each output pixel is a mean under a triangle as wide as the step between two of them; what lies
    outside of the canvas repeats its edge.
    """
    scale = jnp.float32(1 / CANVAS)
    x0, y0, x1, y1 = jnp.moveaxis(windows, -1, 0)
    middle = CANVAS / 2
    left, right = (middle + x0 * EYE_DISTANCE) * scale, (middle + x1 * EYE_DISTANCE) * scale
    row = EYE_HEIGHT + 0.5
    top, bottom = (row + y0 * EYE_DISTANCE) * scale, (row + y1 * EYE_DISTANCE) * scale
    return cut_windows(images, jnp.stack([left, top, right, bottom], axis=-1), size=size)
