"""Motion that was computed before: a file named by all it depends on."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from mace import motion
from mace.data.digest import digest
from mace.files import atomic_path


class MotionCache:
    """The inputs of one motion set in a folder.

    The name of the file is a hash of the frames, the settings and the source of `mace.motion`, so
    that it never serves the flow of an older version.
    """

    def __init__(self, folder: Path, settings: Any, *frames: np.ndarray) -> None:
        """Name the file; `settings` is anything that JSON can hold."""
        name = digest(json.dumps(settings).encode(), *frames, _motion_source())
        self.path = Path(folder) / f"motion-{name[:16]}.npz"

    def read(self) -> np.ndarray | None:
        """Return the inputs; None if they are not there or damaged, to be computed again."""
        try:
            with self.path.open("rb") as file, np.load(file) as stored:
                return stored["inputs"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def write(self, inputs: np.ndarray) -> None:
        """Keep the inputs.

        Raises:
            OutputError: if the folder cannot be written to.
        """
        with atomic_path(self.path) as temporary:
            np.savez(temporary, inputs=inputs)


def _motion_source() -> bytes:
    folder = Path(motion.__file__).parent
    return b"\0".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
