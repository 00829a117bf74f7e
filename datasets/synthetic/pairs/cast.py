"""The cast of a stream of pairs: people in a still pose, as arrays that pass through `jax.jit`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

import jax
import numpy as np
from jaxtyping import Array, Float16, Float32, Int16, Int32

from mace.datasets.synthetic.pairs.entries import CastConfig, CastPerson, build_person
from mace.datasets.synthetic.pairs.front import head_front
from mace.errors import ConfigError
from mace.progress import progress
from mace.workers import parallel_map, workers_for

_CHUNK = 16


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Cast:
    """N entries, each a person in a still pose, of P people: what the motion route shows.

    A person has the head and habits of `Subject(seed)`, unless the `CastConfig` says otherwise. All
    arrays are NumPy's when made or loaded: `on_device` moves them once, so that a jitted step gets
    them as arguments without copying.

    Attributes:
        seeds: of the person, per entry.
        person: index of the person, per entry.
        pose: still yaw, pitch, roll in radians.
        distance: of the camera from the head's pivot, in decimetres.
        reach: largest displacement of visible skin in crop px at the full action unit (the rate at
            rest, for a head that stands still), over `AU_NAMES`.
        gain: how strongly the person shows each action unit, about 1.
        asymmetry: share by which the left side (positive) leads.
        anatomy: the person's weights of `UNIT_NAMES` for each of `AU_NAMES`.
        male, age, tone: traits: 0 female to 1 male, 0 young to 0.85 old, luminance of the skin
            (linear, 0 to 1).
        triangle: of the front at each cell of the canvas, -1 where there is no head.
        weights: barycentric weights of its second and third vertex.
        offsets: per person, vertices minus `average` in decimetres.
        anchors: per person, the rigid points in decimetres; the first four are the eye corners.
        eye_centres: per person, of the left and the right eyeball.
        average: vertices of the average head.
        deltas: displacement of every vertex for each of `UNIT_NAMES`.
        faces: vertices of each triangle.
        vertex_ids: index in the fine mesh of each vertex.
        eyes: number of vertices of the left and the right eyeball, which come last.
    """

    seeds: Int32[Array | np.ndarray, " n"]
    person: Int32[Array | np.ndarray, " n"]
    pose: Float32[Array | np.ndarray, "n 3"]
    distance: Float32[Array | np.ndarray, " n"]
    reach: Float32[Array | np.ndarray, "n a"]
    gain: Float32[Array | np.ndarray, "n a"]
    asymmetry: Float32[Array | np.ndarray, " n"]
    anatomy: Float32[Array | np.ndarray, "n a u"]
    male: Float32[Array | np.ndarray, " n"]
    age: Float32[Array | np.ndarray, " n"]
    tone: Float32[Array | np.ndarray, " n"]
    triangle: Int16[Array | np.ndarray, "n r r"]
    weights: Float16[Array | np.ndarray, "n r r 2"]
    offsets: Float16[Array | np.ndarray, "p 3 v"]
    anchors: Float32[Array | np.ndarray, "p k 3"]
    eye_centres: Float32[Array | np.ndarray, "p 2 3"]
    average: Float32[Array | np.ndarray, "3 v"]
    deltas: Float32[Array | np.ndarray, "u 3 v"]
    faces: Int16[Array | np.ndarray, "t 3"]
    vertex_ids: Int32[Array | np.ndarray, " v"]
    eyes: tuple[int, int] = field(metadata={"static": True})

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def people(self) -> int:
        """Number of different people."""
        return len(self.offsets)

    def on_device(self) -> "Cast":
        """The same cast as JAX arrays on the default device."""
        return jax.device_put(self)

    def take(self, people: Sequence[int]) -> "Cast":
        """The cast of some of its people, renumbered in the given order."""
        rows = [np.flatnonzero(np.asarray(self.person) == p) for p in people]
        entries = np.concatenate(rows)
        changes = {f.name: np.asarray(getattr(self, f.name))[entries] for f in fields(self)
                   if f.name in _PER_ENTRY}  # fmt: skip
        changes["person"] = np.repeat(np.arange(len(rows), dtype=np.int32), [len(k) for k in rows])
        for name in _PER_PERSON:
            changes[name] = np.asarray(getattr(self, name))[list(people)]
        return replace(self, **changes)


_PER_PERSON = ("offsets", "anchors", "eye_centres")
_SHARED = ("average", "deltas", "faces", "vertex_ids", "eyes")
_PER_ENTRY = tuple(f.name for f in fields(Cast) if f.name not in _PER_PERSON + _SHARED)


def _people(cast: tuple[int, CastConfig], seeds: Sequence[int]) -> list[CastPerson]:
    poses, config = cast
    return [build_person(seed, poses, config) for seed in seeds]


def make_cast(
    seeds: Sequence[int],
    *,
    poses_each: int = 1,
    config: CastConfig = CastConfig(),  # noqa: B008 - frozen, so sharing it is safe
    workers: int = 1,
) -> Cast:
    """Build the people of these seeds, each in `poses_each` still poses.

    Args:
        seeds: of different people, as of `make_person`.
        poses_each: entries a person; the entries of one person follow each other.
        config: poses, perspective and habits.
        workers: processes; 1 builds in this one. The cast does not depend on it.
    """
    if len(set(seeds)) != len(seeds) or not seeds or poses_each < 1:
        raise ConfigError(
            f"a cast of {len(seeds)} seeds, {len(set(seeds))} of them different, in {poses_each} "
            "poses cannot be made; give at least one seed, none of them twice, and one pose"
        )
    chunks = [tuple(seeds[k : k + _CHUNK]) for k in range(0, len(seeds), _CHUNK)]
    built: dict[tuple[int, ...], list[CastPerson]] = {}
    with progress("building people", len(seeds)) as advance:
        for chunk, some in parallel_map(
            _people, chunks, (poses_each, config), workers=workers_for(len(chunks), workers)
        ):
            built[chunk] = some
            advance(len(chunk))
    people = [person for chunk in chunks for person in built[chunk]]
    front = head_front(config.mesh)
    entries = {
        name: np.concatenate([p.entries[name] for p in people])
        for name in _PER_ENTRY
        if name != "person"
    }
    return Cast(
        **entries,  # pyright: ignore[reportArgumentType]
        **{name: np.stack([p.person[name] for p in people]) for name in _PER_PERSON},  # pyright: ignore[reportArgumentType]
        person=np.repeat(np.arange(len(people), dtype=np.int32), poses_each),
        average=np.ascontiguousarray(front.average.T),
        deltas=np.ascontiguousarray(front.units.transpose(0, 2, 1)),
        faces=front.triangles.astype(np.int16),
        vertex_ids=front.vertex_ids.astype(np.int32),
        eyes=front.eyes,
    )
