"""Ready-made flow images as the arrays a network learns from; there are no clips behind them.

The public images of MEGC 2019 are 8-bit pictures whose channels (u, v, optical strain) were each
stretched, within each image, from their smallest value to their largest:
g = 255 (x - min) / (max - min). So two things are lost, and what follows must not rely on them.

- The strength of the motion. A recipe for these images must not vary it.
- The gray level of no motion, for u and v. Gray 127.5 is the middle of the range, not stillness.
  Strain is never negative and vanishes somewhere on nearly every face, so that gray 0 is no strain.

u and v become g / 127.5 - 1, in [-1, 1]; strain becomes g / 255, in [0, 1], where 0 is no strain.

A mirror image is exact all the same. Mirrored flow has -u in place of u, from -max to -min, and
stretches to 255 (max - u) / (max - min) = 255 - g: what the makers' own code would have written of
the mirrored face, wherever stillness lies. In [-1, 1] that is the negative, which is what
`mace.augment.image.flip` does to the first channel. Turning or enlarging would mix u and v, whose
ranges differ, and is not exact.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from mace.data.loading import reading
from mace.data.motion_set import MotionSet
from mace.motion.config import MotionConfig
from mace.progress import track

FEATURE = "flow_image"
"""Name of the pictures in a prepared data set; its presence says that there are no clips."""


def scale_flow_images(
    pictures: UInt8[np.ndarray, "n h w 3"],
) -> Float[np.ndarray, "n h w 3"]:
    """Return stretched pictures (u, v, strain) as float32: u and v in [-1, 1], strain in [0, 1]."""
    scaled = pictures.astype(np.float32) / np.float32(127.5) - np.float32(1)
    scaled[..., 2] = pictures[..., 2] / np.float32(255)
    return scaled


def stretch_flow(flow: Float[np.ndarray, "n h w 3"]) -> UInt8[np.ndarray, "n h w 3"]:
    """Return flow as the makers of the public images stored it: each channel of each stretched.

    A channel without any motion, which they would have divided by zero, becomes all 0.
    """
    low = flow.min(axis=(1, 2), keepdims=True)
    span = flow.max(axis=(1, 2), keepdims=True) - low
    return np.round(255 * (flow - low) / np.where(span > 0, span, 1)).astype(np.uint8)


def holds_flow_images(folder: Path) -> bool:
    """Say whether a prepared data set holds flow images instead of clips."""
    try:
        return f'"{FEATURE}"' in (folder / "features.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False  # whoever reads the data will say what is wrong with it


def load_flow_images(folder: Path) -> MotionSet:
    """Read the flow images of a prepared data set; each is the one variant of its clip.

    Classes are those of the 3-class set, in the order negative, positive, surprise; subjects are
    kept apart by database.

    Raises:
        DataError: if the data set is damaged or empty.
    """
    import tensorflow_datasets as tfds  # half a second that only this function needs

    with reading(folder):
        builder = tfds.builder_from_directory(folder)
        source = builder.as_data_source("train")  # pyright: ignore[reportCallIssue]
        samples = list(track(source, f"reading {builder.info.name}", len(source)))
        pictures = np.stack([sample[FEATURE] for sample in samples])
        names = [
            tuple(bytes(sample[key]).decode() for key in ("database", "subject", "clip", "class_3"))
            for sample in samples
        ]
    # In a fixed order, whatever the order in the file.
    order = sorted(range(len(names)), key=names.__getitem__)
    names = [names[i] for i in order]
    classes = tuple(sorted({class_3 for *_, class_3 in names}))
    people = [f"{database}/{subject}" for database, subject, *_ in names]
    subjects = tuple(sorted(set(people)))
    return MotionSet(
        inputs=scale_flow_images(pictures[order])[:, None],
        labels=np.array([classes.index(class_3) for *_, class_3 in names], np.int32),
        groups=np.array([subjects.index(person) for person in people], np.int32),
        subjects=subjects,
        clips=tuple("/".join(name[:3]) for name in names),
        classes=classes,
        motion=MotionConfig(representation="flow", flow="images", size=pictures.shape[1]),
    )
