"""The mean motion of each class beside that of the network's training, as one picture.

A wrong sign, a swapped channel or another crop are seen here at once: brows that sink in surprise,
corners of the mouth that fall in happiness, a mouth where the other row has a chin.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mace.adaptation.config import Window
from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
from mace.evaluation.methods.zero_shot import class_columns
from mace.files import atomic_path
from mace.prediction import typical_images
from mace.protocols.labels import knows

_STEP = 2  # pixels between two arrows


def draw_mean_motion(
    path: Path, motion_set: MotionSet, bundle: Bundle, *, windows: Sequence[Window] = ()
) -> bool:
    """Write the picture as PNG; return whether the network has something to be held beside.

    Arrows and colours are of images as the network normalises them; blue goes up, red goes down.

    Args:
        path: of the file.
        motion_set: optical flow of clips with the network's classes; nothing else is drawn.
        bundle: the network.
        windows: what of the images told the network most, drawn in.

    Raises:
        OSError: if it cannot be written.
    """
    if bundle.typical is None or bundle.motion.representation != "flow":
        return False
    if not knows(bundle.classes, motion_set.classes):
        return False
    columns = class_columns(bundle, motion_set.classes)
    places = np.array(columns)[motion_set.labels]
    own = typical_images(bundle, motion_set.inputs[:, 0], places)
    figure = Figure(figsize=(2.6 * len(columns) + 0.6, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(columns), squeeze=False)
    for place, (name, column) in enumerate(zip(motion_set.classes, columns, strict=True)):
        _draw(axes[0, place], bundle.typical[column])
        _draw(axes[1, place], own[column], windows)
        axes[0, place].set_title(name)
    axes[0, 0].set_ylabel("as trained on")
    axes[1, 0].set_ylabel("these clips")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
    return True


def _draw(axes: Axes, image: Float[np.ndarray, "h w c"], windows: Sequence[Window] = ()) -> None:
    height, width = image.shape[:2]
    u, v = image[..., 0], image[..., 1]
    reach = max(float(np.abs(image[..., :2]).max()), 1e-6)
    axes.imshow(v, cmap="RdBu_r", vmin=-reach, vmax=reach, interpolation="bilinear")
    rows, columns = np.mgrid[1:height:_STEP, 1:width:_STEP]
    axes.quiver(
        columns, rows, u[1::_STEP, 1::_STEP], v[1::_STEP, 1::_STEP],
        angles="xy", scale_units="xy", scale=reach / (2 * _STEP), width=0.006, color="#222222",
    )  # fmt: skip
    for left, top, right, bottom in windows:
        corner = (left * width - 0.5, top * height - 0.5)
        size = ((right - left) * width, (bottom - top) * height)
        axes.add_patch(Rectangle(corner, *size, fill=False, linewidth=1.5, edgecolor="#1a7f37"))
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
