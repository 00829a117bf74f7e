"""TFDS' own test case, fed from a synthetic tree that is written when the class starts."""

import tempfile
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import tensorflow_datasets as tfds

from mace.datasets.reading import correcting, long_correcting, storing


def _as_they_are(frames, *, onset, config):
    return correcting.as_they_are(list(frames), config)


def _video_as_it_is(frames, *, fps, config):
    return correcting.as_they_are(list(frames), config)


@contextmanager
def drawn_frames() -> Iterator[None]:
    """Take drawn frames for faces, in this process: a worker would not know."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(correcting, "correct_clip", _as_they_are))
        stack.enter_context(mock.patch.object(long_correcting, "correct_video", _video_as_it_is))
        stack.enter_context(mock.patch.object(storing, "workers_for", return_value=0))
        yield


class BuilderCase(tfds.testing.DatasetBuilderTestCase):
    """A subclass names `DATASET_CLASS` and `SPLITS`, and writes what the manual folder holds.

    Every configuration is built, unless `BUILDER_CONFIG_NAMES_TO_TEST` names some.
    """

    SKIP_CHECKSUMS = True  # nothing is downloaded

    @classmethod
    @abstractmethod
    def write(cls, root: Path) -> None:
        """Write sheet and frames below the manual folder."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.EXAMPLE_DIR = Path(folder.name) / "manual"
        cls.EXAMPLE_DIR.mkdir()
        cls.write(cls.EXAMPLE_DIR)

    def setUp(self) -> None:
        stack = ExitStack()
        stack.enter_context(drawn_frames())
        self.addCleanup(stack.close)
        super().setUp()
