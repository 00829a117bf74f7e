"""`mace flow-images`: a data set's motion as pictures, for the code of others."""

from pathlib import Path
from typing import Annotated

import tyro

from mace.annotation.class_sets import ClassSet
from mace.errors import ConfigError
from mace.motion.config import OWN_FRAMING, MotionConfig
from mace.places import DATA_DIR, prepared_dataset

MOTION = MotionConfig(flow="tvl1", size=28, framing=OWN_FRAMING)
"""As near to the public flow images as corrected faces allow: brows to chin, TV-L1, 28 px."""


def run(
    out: Annotated[Path, tyro.conf.Positional],
    dataset: str = "synthetic/demo",
    classes: ClassSet = "3",
    folds: bool = True,
    motion: MotionConfig = MOTION,
    data_dir: Path = DATA_DIR,
) -> None:
    """Write the clips of a prepared data set as flow images in the form of STSTNet's input.

    norm_u_v_os/SUBJECT/u_train/CLASS and .../u_test/CLASS hold the pictures of each subject's fold:
    red u, green v, blue optical strain between onset and apex, each stretched to 8 bits. labels.csv
    has a row for each clip, with the values that were stretched. Where the data set holds public
    flow images already, these are laid out in folds as they are.

    Args:
        out: folder to write; an earlier one of this command is replaced.
        dataset: which prepared data set.
        classes: set of classes; 3 is negative 0, positive 1, surprise 2.
        folds: a folder for each subject; --no-folds puts all pictures into one.
        motion: how the flow is computed; with 28 px `mace prepare megc2019_flow` reads it again.
        data_dir: where prepared data sets lie.
    """
    folder = prepared_dataset(dataset, data_dir=data_dir)

    from mace.data.config import VariantConfig
    from mace.data.flow_folder import PICTURES, write_flow_folder
    from mace.data.flow_images import holds_flow_images, load_flow_images
    from mace.data.loading import load_clips
    from mace.data.making import make_motion_set
    from mace.data.selection import choose_classes

    if holds_flow_images(folder):
        if motion != MOTION or classes != "3":
            raise ConfigError(
                f"{dataset} holds ready-made flow images; leave out --classes and what begins with "
                "--motion"
            )
        motion_set = load_flow_images(folder)
    else:
        clips = choose_classes(load_clips(folder), classes)
        three = ("negative", "positive", "surprise")
        names = three if classes == "3" else tuple(sorted({clip.emotion for clip in clips}))
        variants = VariantConfig(extra=0)
        motion_set = make_motion_set(clips, motion=motion, variants=variants, classes=names)
    write_flow_folder(out, motion_set, folds=folds, facts={"dataset": dataset})
    form = f"{len(motion_set.subjects)} folds" if folds else "one folder"
    print(
        f"{len(motion_set)} flow images in {form} are in {out / PICTURES}, their classes "
        f"({', '.join(f'{k} {name}' for k, name in enumerate(motion_set.classes))}) in "
        f"{out / 'labels.csv'}"
    )
