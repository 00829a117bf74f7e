"""Rendered pairs and what flow estimators make of them, kept on disk, so that work resumes."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from zipfile import BadZipFile

import cv2
import jax
import numpy as np
from jaxtyping import Float16, Float32, Int32

from mace.config import config_hash
from mace.datasets.synthetic.head.muscles import MUSCLES
from mace.datasets.synthetic.movement.prototypes import prototype_shares, prototype_table
from mace.datasets.synthetic.pairs.canvas import on_cells
from mace.datasets.synthetic.pairs.cast import CastConfig, make_cast
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.draw import plan_pairs
from mace.datasets.synthetic.pairs.estimators import ESTIMATORS, measure
from mace.datasets.synthetic.pairs.rendering import render_pictures
from mace.datasets.synthetic.person.anatomy import ANATOMY
from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.errors import ConfigError, DataError
from mace.files import atomic_path
from mace.progress import progress
from mace.workers import parallel_map, workers_for

# People per stored file: a unit of work of some seconds.
_CHUNK = 8
_FORMAT = 3


@dataclass(frozen=True)
class PairSettings:
    """Everything that decides what is stored of a person."""

    pairs_each: int
    poses_each: int
    seed: int
    config: PairConfig
    picture: PictureConfig
    cast: CastConfig
    estimators: tuple[str, ...]
    prototypes: str
    version: int = _FORMAT


@dataclass(frozen=True)
class StoredPairs:
    """Motion of rendered pairs and its truth; leading axis of all but `fields`: the pairs.

    Attributes:
        fields: per estimator and pair, motion (u, v) in crop px on the cells of the canvas.
        estimators: names of the first axis of `fields`.
        emotion: index into `EMOTION_NAMES`.
        peak_px: strongest displacement of the skin in crop px.
        aus: activation of each of `AU_NAMES`.
        unit_px: the skin's largest displacement by each of them alone, in crop px.
        side: of each of them, as in `Plans`.
        person: seed of the person.
        male, age, tone: traits: 0 female to 1 male, 0 young to 0.85 old, luminance of the skin.
        pose: still yaw, pitch, roll in radians.
        head: motion of the head, as in `Plans`.
        corrected: whether the crop follows the head.
    """

    fields: Float16[np.ndarray, "e n r r 2"]
    estimators: tuple[str, ...]
    emotion: Int32[np.ndarray, " n"]
    peak_px: Float32[np.ndarray, " n"]
    aus: Float32[np.ndarray, "n a"]
    unit_px: Float32[np.ndarray, "n a"]
    side: Float32[np.ndarray, "n a"]
    person: Int32[np.ndarray, " n"]
    male: Float32[np.ndarray, " n"]
    age: Float32[np.ndarray, " n"]
    tone: Float32[np.ndarray, " n"]
    pose: Float32[np.ndarray, "n 3"]
    head: Float32[np.ndarray, "n 6"]
    corrected: np.ndarray

    def __len__(self) -> int:
        return len(self.emotion)

    def of(self, estimator: str) -> Float16[np.ndarray, "n r r 2"]:
        """The fields of one estimator.

        Raises:
            ConfigError: if it was not measured.
        """
        if estimator not in self.estimators:
            raise ConfigError(
                f"these pairs hold no {estimator!r} fields; they have {', '.join(self.estimators)}"
            )
        return self.fields[self.estimators.index(estimator)]


def make_pairs(
    people: Sequence[int],
    pairs_each: int,
    *,
    seed: int = 0,
    poses_each: int = 2,
    config: PairConfig = PairConfig(),  # noqa: B008 - frozen, so sharing it is safe
    picture: PictureConfig = PictureConfig(),  # noqa: B008
    cast: CastConfig = CastConfig(),  # noqa: B008
    estimators: Sequence[str] = ("exact", "dis"),
    workers: int | None = None,
    cache_dir: Path | None = None,
) -> StoredPairs:
    """Render pairs of people and measure their motion, or load what is stored already.

    Args:
        people: seeds, as of `make_person`, none of them twice.
        pairs_each: pairs per person.
        seed: of pairs and recordings.
        poses_each: still poses per person.
        config: what happens.
        picture: how it is recorded.
        cast: how people stand before the camera.
        estimators: names from `ESTIMATORS`.
        workers: processes, as many as there are cores by default; the pairs do not depend on it.
        cache_dir: where finished people are kept, in a folder named after the settings; an
            interrupted call goes on from there, and more people join those that are there. None
            keeps nothing.

    Raises:
        ConfigError: for no people, one of them twice, or an unknown estimator.
    """
    if not people or len(set(people)) != len(people) or pairs_each < 1:
        raise ConfigError(
            f"{pairs_each} pairs each of {len(people)} people, {len(set(people))} of them "
            "different, cannot be made; give different seeds and at least one pair"
        )
    unknown = [name for name in estimators if name not in ESTIMATORS]
    if unknown or not estimators:
        raise ConfigError(
            f"unknown estimators {unknown}, expected one or more of {', '.join(ESTIMATORS)}"
        )
    everybody = tuple(int(person) for person in people)
    settings = PairSettings(
        pairs_each, poses_each, seed, config, picture, cast, tuple(estimators), _rig(config)
    )
    with tempfile.TemporaryDirectory() if cache_dir is None else nullcontext(cache_dir) as root:
        folder = Path(root) / f"pairs-{config_hash(settings)}"
        folder.mkdir(parents=True, exist_ok=True)
        parts = [everybody[k : k + _CHUNK] for k in range(0, len(everybody), _CHUNK)]
        chunks = {folder / f"people{part[0]}-{config_hash(part)}.npz": part for part in parts}
        missing = {path: part for path, part in chunks.items() if not path.exists()}
        _store(settings, missing, workers, people=len(everybody))
        return _load(settings, list(chunks))


def _rig(config: PairConfig) -> str:
    """Return what names the prototypes of a set of classes, their shares, and what they move."""
    table = prototype_table()
    shares = prototype_shares(config.classes, mixture=config.mixture)
    tables = (table.names, table.aus.tolist(), table.unilateral.tolist(), shares.tolist())
    content = repr((*tables, ANATOMY, MUSCLES))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _store(
    settings: PairSettings,
    missing: Mapping[Path, tuple[int, ...]],
    workers: int | None,
    *,
    people: int,
) -> None:
    if not missing:
        return
    total = people * settings.pairs_each
    left = sum(len(part) for part in missing.values())
    with progress("rendering pairs", total, done=total - left * settings.pairs_each) as advance:
        for _, pairs in parallel_map(
            store_chunk,
            list(missing.items()),
            settings,
            workers=workers_for(len(missing), workers),
        ):
            advance(pairs)


def store_chunk(settings: PairSettings, chunk: tuple[Path, Sequence[int]]) -> int:
    """Render and measure the pairs of some of the people into a file; returns their number."""
    path, people = chunk
    cv2.setNumThreads(1)
    cast = make_cast(people, poses_each=settings.poses_each, config=settings.cast)
    plans = plan_pairs(
        cast, pairs_each=settings.pairs_each, seed=settings.seed, config=settings.config
    )
    pictures = render_pictures(plans, cast, picture=settings.picture, seed=settings.seed)
    measured = [
        on_cells(
            pictures.motion
            if name == "exact"
            else measure(pictures.reference, pictures.target, estimator=name)
        )
        for name in settings.estimators
    ]
    shown = jax.tree.map(lambda v: v[plans.entry], cast.entries)
    traits = {name: getattr(shown, name) for name in ("male", "age", "tone", "pose")}
    recorded = ("emotion", "peak_px", "aus", "unit_px", "side", "head", "corrected")
    truth = {name: getattr(plans, name) for name in recorded}
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, fields=np.stack(measured), person=shown.seeds, **traits, **truth)
    return len(plans.entry)


def _load(settings: PairSettings, paths: list[Path]) -> StoredPairs:
    parts: list[dict[str, np.ndarray]] = []
    for path in paths:
        try:
            with np.load(path) as archive:
                parts.append(dict(archive))
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise DataError(f"cannot read the pairs in {path}: {error}; delete the file") from error
    names = [f.name for f in fields(StoredPairs) if f.name not in ("fields", "estimators")]
    return StoredPairs(
        fields=np.concatenate([p["fields"] for p in parts], 1),
        estimators=settings.estimators,
        **{name: np.concatenate([p[name] for p in parts]) for name in names},
    )
