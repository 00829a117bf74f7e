"""Bundles that an evaluation starts from: read once a process, refused where they do not fit."""

import functools

from mace.bundle import Bundle
from mace.data.motion_set import MotionSet
from mace.errors import ConfigError
from mace.evaluation.results import SYNTHETIC
from mace.motion.config import MotionConfig
from mace.pretrained.bundle_files import BundleFile


def bundle_for(file: BundleFile, motion_set: MotionSet) -> Bundle:
    """Return a bundle for the clips of a motion set.

    Ready-made flow images are taken for flow if they are as large as the network's input: how
    their makers computed them, only they know.

    Raises:
        CheckpointError: if the bundle is missing, damaged or replaced.
        ConfigError: if its input is another one, or it has been trained on these people.
    """
    databases = {name.partition("/")[0] for name in motion_set.subjects}
    trained = {name.partition("/")[0] for name in file.trained_on}
    # Rendered people are told apart by their seeds, which nobody but their maker knows.
    shared = sorted(name for name in databases & trained if not name.startswith(SYNTHETIC))
    if shared:
        raise ConfigError(
            f"the network in {file.path} was trained on {', '.join(shared)}, the people it is to "
            "be evaluated on; use one that has never seen them"
        )
    bundle = _load(file)
    if not accepts(bundle.motion, motion_set.motion):
        raise ConfigError(
            f"the network in {file.path} reads {bundle.motion.representation} of "
            f"{bundle.motion.size} px computed in its own way, the data set holds "
            f"{motion_set.motion.representation} of {motion_set.motion.size} px; leave out what "
            "begins with --recipe.motion"
        )
    return bundle


def accepts(trained: MotionConfig, given: MotionConfig) -> bool:
    """Say whether a network that was trained on one input can be given another."""
    images = given.flow == "images" and given.representation == "flow"
    same_shape = trained.representation == given.representation and trained.size == given.size
    return trained == given or (images and same_shape)


@functools.lru_cache(maxsize=2)
def _load(file: BundleFile) -> Bundle:
    return file.load()
