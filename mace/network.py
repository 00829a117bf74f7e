"""A trained network as Python has it: pictures in, classes and probabilities out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Shaped

from mace.annotation.action_units import unit_column
from mace.bundle import training_notice
from mace.config import from_dict
from mace.emfacs import emotion_probabilities
from mace.errors import ConfigError, DataError
from mace.export.loading import Export
from mace.inference import Model, load_model, make_network
from mace.motion.representation import channels, represent
from mace.places import model_folder
from mace.prediction import predict
from mace.unit_prediction import UnitPrediction, predict_units

if TYPE_CHECKING:  # faces are looked for by dlib, which motion images need not
    import pandas as pd

    from mace.face.config import FaceConfig


def load(model: str | Path = "pretrained") -> "Network":
    """Return a trained network.

    Args:
        model: `pretrained` for the one that comes with MACE, or a folder that `mace train`, `mace
            reproduce`, `mace pretrain` or `mace export` left.

    Raises:
        CheckpointError: if there is none, or it is damaged.

    Examples:
        >>> import mace
        >>> mace.load().classes
        ('negative', 'positive', 'surprise')
    """
    folder = model_folder(Path(model))
    return Network(load_model(folder), name=str(model))


class Network:
    """A trained network.

    Attributes:
        model: everything that was stored.
        name: what it was loaded by.
    """

    def __init__(self, model: Model, *, name: str) -> None:
        self.model, self.name = model, name

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the outputs; columns of `predict_proba` are in their order."""
        return tuple(self.model.classes)

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Names of the databases it has seen; a score on one of them is worth nothing."""
        return tuple(self.model.trained_on)

    def predict(
        self,
        onset: np.ndarray,
        apex: np.ndarray | None = None,
        *,
        classes: Sequence[str] | None = None,
        corrected: bool = False,
    ) -> Shaped[np.ndarray, " n"]:
        """Return the most probable class of each pair; see `predict_proba`."""
        likely = self.predict_proba(onset, apex, classes=classes, corrected=corrected)
        return np.array(self.classes if classes is None else classes)[likely.argmax(axis=-1)]

    def predict_proba(
        self,
        onset: np.ndarray,
        apex: np.ndarray | None = None,
        *,
        classes: Sequence[str] | None = None,
        corrected: bool = False,
    ) -> Float[np.ndarray, "n k"]:
        """Return the probability of each class, float32, rows summing to 1.

        Args:
            onset: uint8 pictures of a face before it moves: one (h, w), (h, w, 3) as OpenCV reads
                it, or n of them, each of any size but that of its partner. Or float motion images
                (n, size, size, channels), such as `mace.load_dataset` gives, without `apex`.
            apex: the same faces at the height of the movement.
            classes: other emotions than the network's classes, such as the five of CASME II, in the
                order of the columns; they are read from the action units that it names.
            corrected: the pictures are crops as face correction makes them, (s, s) or (n, s, s);
                otherwise faces are found, and the apex registered to the onset, first.

        Raises:
            ConfigError: for motion images with an apex, or none for pictures; for `classes` of a
                network that names no units, or that no units are listed for.
            DataError: for arrays of other shapes, or a picture without a face.
        """
        images = self._images(onset, apex, corrected=corrected)
        if classes is not None:
            units = self._units(images)
            return emotion_probabilities(units.presence, units=units.names, classes=tuple(classes))
        if isinstance(self.model, Export):
            return make_network(self.model)(images)
        return predict(self.model, images)

    def predict_units(
        self, onset: np.ndarray, apex: np.ndarray | None = None, *, corrected: bool = False
    ) -> "pd.DataFrame":
        """Return which FACS action units each pair shows, a row a pair; arguments as above.

        For each unit, such as AU12, three columns: `AU12_p`, the probability that it is there;
        `AU12_px`, how far it moves the skin at most in px of the 128-px crop, if it is there (of
        flow images that others have stretched it means nothing); `AU12_side`, 1 for the person's
        left half of the face alone, 0 for both alike, -1 for the right.

        Raises:
            ConfigError: if the network names no units, and as `predict_proba` does.
            DataError: as `predict_proba` does.
        """
        import pandas as pd

        units = self._units(self._images(onset, apex, corrected=corrected))
        columns = {}
        for column, name in enumerate(units.names):
            heading = unit_column(name)
            columns[f"{heading}_p"] = units.presence[:, column]
            columns[f"{heading}_px"] = units.px[:, column]
            columns[f"{heading}_side"] = units.side[:, column]
        return pd.DataFrame(columns)

    def _units(self, images: Float[np.ndarray, "n h w c"]) -> UnitPrediction:
        if isinstance(self.model, Export):
            raise ConfigError("an exported network names no action units; load what it is made of")
        return predict_units(self.model, images)

    def _images(
        self, onset: np.ndarray, apex: np.ndarray | None, *, corrected: bool
    ) -> Float[np.ndarray, "n h w c"]:
        onset = np.asarray(onset)
        if onset.dtype == np.uint8:
            if apex is None:
                raise ConfigError("apex is missing; a movement is between two pictures")
            return self._checked(self._motion(onset, np.asarray(apex), corrected=corrected))
        if apex is not None:
            raise ConfigError(
                f"pictures are uint8, not {onset.dtype}; motion images come without an apex"
            )
        return self._checked(onset)

    def _motion(
        self, onset: np.ndarray, apex: np.ndarray, *, corrected: bool
    ) -> Float[np.ndarray, "n h w c"]:
        if onset.shape != apex.shape or apex.dtype != np.uint8:
            raise DataError(
                f"onset is {onset.dtype} of the shape {onset.shape}, apex {apex.dtype} of "
                f"{apex.shape}; both must be uint8 pictures of one size"
            )
        single = onset.ndim == 2 or (onset.ndim == 3 and onset.shape[-1] == 3)
        first, second = (onset[None], apex[None]) if single else (onset, apex)
        if not corrected:
            first, second = self._corrected(first, second)
        return represent(first, second, config=self.model.motion)

    def _corrected(self, onset: np.ndarray, apex: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from mace.face.clip import correct_clip

        pairs = []
        for number, pair in enumerate(zip(onset, apex, strict=True)):
            try:
                clip = correct_clip(list(pair), config=self._face())
            except DataError as error:
                raise DataError(f"pair {number}: {error}") from error
            pairs.append(clip.frames)
        crops = np.stack(pairs)
        return crops[:, 0], crops[:, 1]

    def _face(self) -> "FaceConfig":
        from mace.face.config import FaceConfig

        return from_dict(FaceConfig, self.model.face, where="face.")

    def _checked(self, images: Any) -> Float[np.ndarray, "n h w c"]:
        size, depth = self.model.motion.size, channels(self.model.motion)
        images = np.asarray(images, np.float32)
        if images.ndim == 3:
            images = images[None]
        if images.shape[1:] != (size, size, depth):
            raise DataError(
                f"motion images have the shape {images.shape}, expected (n, {size}, {size}, "
                f"{depth}) for {self.name}"
            )
        return images

    def __repr__(self) -> str:
        return f"{self.name}: {', '.join(self.classes)}; {training_notice(self.trained_on)}"
