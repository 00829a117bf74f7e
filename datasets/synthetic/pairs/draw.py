"""What happens in a pair, drawn in JAX once for both routes: rendering and motion space."""

import functools
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from mace.datasets.synthetic.head.assets import UNIT_NAMES
from mace.datasets.synthetic.movement.action_units import AU_NAMES, UNITS
from mace.datasets.synthetic.movement.prototypes import prototype_shares, prototype_table
from mace.datasets.synthetic.pairs.cast import Cast, Entries
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.person.anatomy import SIDED, SIDES

_PLAN_STREAM = 0x914A5
_BLINK_AU = AU_NAMES.index("45")
_MUSCLES = np.array([name != "45" for name in AU_NAMES], np.float32)
_SPEECH = ("jawOpen", "mouthPucker", "mouthFunnel", "mouthClose", "mouthLeft", "mouthRight")
# Share of a unit that moves the lips by about 1 px of the crop.
_SPEECH_PER_PX = 0.04


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class Plans:
    """What happens in each pair; leading axis: the pairs.

    Attributes:
        entry: row of the cast.
        prototype: row of `prototype_table`.
        emotion: index into `EMOTION_NAMES`.
        reference: weights of the face units in the reference frame.
        target: and in the target frame.
        head: motion of the head from reference to target: yaw, pitch, roll in rad, x (right) and y
            (down) in eye distances, logarithm of size.
        corrected: whether the face correction follows the head (its similarity part).
        registration: error of the target's crop: x, y in crop px, turn in rad, logarithm of size.
        framing: error of both crops, likewise.
        peak_px: strongest displacement of the skin by the movement in crop px.
        aus: activation of each of `AU_NAMES` by the movement, 1 for the full unit.
        unit_px: the skin's largest displacement by each of them alone, in crop px.
        side: which half of the face makes more of each: 1 the person's left alone, 0 both alike, -1
            the right alone; 0 for a unit that has no sides.
    """

    entry: Int[Array, " b"]
    prototype: Int[Array, " b"]
    emotion: Int[Array, " b"]
    reference: Float[Array, "b u"]
    target: Float[Array, "b u"]
    head: Float[Array, "b 6"]
    corrected: Bool[Array, " b"]
    registration: Float[Array, "b 4"]
    framing: Float[Array, "b 4"]
    peak_px: Float[Array, " b"]
    aus: Float[Array, "b a"]
    unit_px: Float[Array, "b a"]
    side: Float[Array, "b a"]


UNIT_COLUMNS = np.array([AU_NAMES.index(name) for name in UNITS])
"""Where `UNITS` are among the columns of plans."""

PRESENT = 0.15
"""A unit that moves the skin less than this share of the pair's strongest is not listed."""


def present_units(
    unit_px: Float[np.ndarray | Array, "n a"],
) -> Bool[np.ndarray | Array, "n u"]:
    """Return which of `UNITS` a coder would list of each pair, from `Plans.unit_px`."""
    px = unit_px[:, UNIT_COLUMNS]
    return px > PRESENT * px.max(axis=1, keepdims=True)


def plan_pairs(cast: Cast, *, pairs_each: int, seed: int, config: PairConfig) -> Plans:
    """Draw `pairs_each` pairs of every person of a cast, as NumPy arrays.

    A person's pairs follow each other and depend on nobody else, so a cast may be cut anywhere.

    Args:
        cast: as `make_cast` returns it: the entries of one person follow each other.
        pairs_each: pairs per person, over all its poses.
        seed: of the pairs.
        config: what happens.
    """
    poses = len(cast) // cast.people
    seeds = np.asarray(cast.entries.seeds)[::poses]
    numbers = [np.random.SeedSequence([_PLAN_STREAM, seed, s]).generate_state(1) for s in seeds]
    people = jax.tree.map(lambda v: v.reshape(cast.people, poses, *v.shape[1:]), cast.entries)
    drawn = jax.device_get(
        _draw_each(jnp.asarray(np.concatenate(numbers)), people, count=pairs_each, config=config)
    )
    first = np.arange(cast.people, dtype=np.int32)[:, None] * np.int32(poses)
    drawn = replace(drawn, entry=drawn.entry + first)
    return jax.tree.map(lambda v: v.reshape(cast.people * pairs_each, *v.shape[2:]), drawn)


@functools.partial(jax.jit, static_argnames=("count", "config"))
def _draw_each(
    numbers: Int[Array, " p"], people: Entries, *, count: int, config: PairConfig
) -> Plans:
    """Draw the pairs of every person by itself; leading axis of `people`: the people."""
    return jax.vmap(
        lambda number, entries: draw_plans(
            jax.random.key(number), entries, count=count, config=config
        )
    )(numbers, people)


def draw_plans(key: Key[Array, ""], people: Entries, *, count: int, config: PairConfig) -> Plans:
    """Draw `count` pairs; a pure function of the key, to be jitted with all but `people`.

    Args:
        key: of everything random.
        people: whom it may happen to: all poses of everybody.
        count: of pairs.
        config: what may happen.
    """
    keys = jax.random.split(key, count)
    return jax.vmap(lambda key: draw_plan(key, people, config=config))(keys)


def draw_plan(key: Key[Array, ""], people: Entries, *, config: PairConfig) -> Plans:
    """Draw one pair; the fields have no leading axis."""
    keys = iter(jax.random.split(key, 8))
    entry = jax.random.randint(next(keys), (), 0, people.reach.shape[0], jnp.int32)
    row = jax.random.choice(
        next(keys),
        len(prototype_table().emotion),
        p=jnp.asarray(prototype_shares(config.classes, mixture=config.mixture)),
    ).astype(jnp.int32)
    peaks, side, before, after = _movement(next(keys), people, entry, row, config)
    sided = peaks * _shares(side)
    gaze, blink = _eyes(next(keys), config)
    speech = _speech(next(keys), config)
    reach = jnp.asarray(people.reach)[entry]
    drift = _drift(next(keys), reach, config)
    anatomy = jnp.asarray(people.anatomy)[entry]
    reference = _mixed(sided * before, anatomy) + blink[0]
    target = _mixed(sided * after + drift, anatomy)
    target = target + blink[1] + gaze + speech
    head, corrected = _head(next(keys), config)
    errors = _crop(next(keys), config)
    moved = peaks * (after - before)
    return Plans(
        entry=entry,
        prototype=row,
        emotion=jnp.asarray(prototype_table().emotion)[row],
        reference=reference,
        target=target,
        head=head,
        corrected=corrected,
        registration=errors[0],
        framing=errors[1],
        peak_px=jnp.max(moved * reach),
        aus=moved,
        unit_px=moved * reach,
        side=side * jnp.asarray(SIDED),
    )


def _mixed(activations: Float[Array, "3 a"], anatomy: Float[Array, "a u"]) -> Float[Array, " u"]:
    """Return the weights of the face units for activations of both sides, the left, the right."""
    return jnp.einsum("sa,su,au->u", activations, SIDES, anatomy, precision="highest")


def _movement(
    key: Key[Array, ""],
    people: Entries,
    entry: Int[Array, ""],
    row: Int[Array, ""],
    config: PairConfig,
) -> tuple[Float[Array, " a"], Float[Array, " a"], Float[Array, " a"], Float[Array, " a"]]:
    """Return activations at the peak, lead of the left side, and the share made in either frame."""
    movement, table = config.movement, prototype_table()
    keys = iter(jax.random.split(key, 10))
    shape = (len(AU_NAMES),)
    low, high = np.log(movement.peak_px)
    peak_px = jnp.exp(jax.random.uniform(next(keys), minval=low, maxval=high))
    spread = jnp.exp(movement.intensity_sd * jax.random.normal(next(keys), shape))
    shown = jnp.asarray(table.aus)[row]
    added = jax.random.randint(next(keys), (), 0, len(AU_NAMES) - 1, jnp.int32)
    added = jnp.where(added >= _BLINK_AU, added + 1, added)
    low, high = movement.extra_strength
    strength = jax.random.uniform(next(keys), minval=low, maxval=high)
    strength = strength * _chance(next(keys), movement.extra)
    relative = jnp.maximum(
        shown, strength * jax.nn.one_hot(added, len(AU_NAMES), dtype=jnp.float32)
    )
    relative = relative * spread * jnp.asarray(people.gain)[entry]
    # The strongest unit reaches the peak, so that the range is what it says.
    activation = peak_px * relative / jnp.max(relative) / jnp.asarray(people.reach)[entry]

    lead = jnp.asarray(people.asymmetry)[entry] + movement.asymmetry_sd * jax.random.normal(
        next(keys), shape
    )
    lead = jnp.clip(lead * float(movement.asymmetry_sd > 0), -0.8, 0.8)
    alone = _chance(next(keys), movement.unilateral) > 0
    alone = (jnp.asarray(table.unilateral)[row] > 0) | alone
    left = _chance(next(keys), 0.5) > 0
    lead = jnp.where(alone, jnp.where(left, 1.0, -1.0), lead)

    final = jax.random.split(next(keys), 4)
    before = movement.late * jax.random.uniform(final[0])
    before = before * _chance(final[1], movement.onset_error)
    after = 1 - movement.apex_error * jax.random.uniform(final[2])
    jitter = movement.phase_sd * jax.random.normal(final[3], (2, *shape))
    before = jnp.clip(before * (1 + jitter[0]), 0.0, 1.0)
    after = jnp.clip(after + jitter[1], before, 1.0)
    return activation, lead, before, after


def _shares(lead: Float[Array, " a"]) -> Float[Array, "3 a"]:
    """Return what of each unit is made by both sides together, the left one, the right one.

    The stronger side makes the whole movement, and so do units that have no sides.
    """
    weaker = (1 - jnp.abs(lead)) / (1 + jnp.abs(lead))
    left, right = jnp.where(lead > 0, 1.0, weaker), jnp.where(lead > 0, weaker, 1.0)
    return jnp.stack([jnp.ones_like(lead), left, right])


def _eyes(
    key: Key[Array, ""], config: PairConfig
) -> tuple[Float[Array, " u"], Float[Array, "2 u"]]:
    """Return what gaze adds to the target, and what a blink adds to either frame."""
    keys = jax.random.split(key, 6)
    # Who watches a screen looks farther across than up and down.
    across, down = jnp.asarray([0.2, 0.1]) * jax.random.normal(keys[0], (2,))
    looks = _chance(keys[1], config.distractors.gaze)
    gaze = _units(eyeLookInLeft=across, eyeLookOutRight=across)
    gaze = gaze + _units(eyeLookOutLeft=-across, eyeLookInRight=-across)
    gaze = gaze + _units(eyeLookDownLeft=down, eyeLookDownRight=down)
    gaze = gaze + _units(eyeLookUpLeft=-down, eyeLookUpRight=-down)
    # Mostly the edge of a blink: whole ones are rarely annotated.
    closed = _chance(keys[2], config.distractors.blink) * jax.random.uniform(keys[3]) ** 2
    lids = _units(eyeBlinkLeft=closed, eyeBlinkRight=closed)
    first = _chance(keys[4], config.distractors.opening)
    return jnp.clip(gaze, 0.0) * looks, jnp.stack([first * lids, (1 - first) * lids])


def _speech(key: Key[Array, ""], config: PairConfig) -> Float[Array, " u"]:
    keys = jax.random.split(key, 3)
    low, high = config.distractors.speech_px
    size = jax.random.uniform(keys[0], minval=low, maxval=high) * _SPEECH_PER_PX
    size = size * _chance(keys[1], config.distractors.speech)
    amounts = size * jax.random.normal(keys[2], (len(_SPEECH),))
    return _units(**dict(zip(_SPEECH, jnp.abs(amounts), strict=True)))


def _drift(
    key: Key[Array, ""], reach: Float[Array, " a"], config: PairConfig
) -> Float[Array, "3 a"]:
    pixels = config.movement.drift_px * jax.random.normal(key, (3, len(AU_NAMES)))
    return pixels / reach * jnp.asarray(_MUSCLES)


def _head(key: Key[Array, ""], config: PairConfig) -> tuple[Float[Array, "6"], Bool[Array, ""]]:
    keys, head = jax.random.split(key, 3), config.head
    turn = np.deg2rad(head.turn_deg)
    scale = jnp.asarray([turn, turn, turn, head.shift, head.shift, head.scale], jnp.float32)
    tail = jnp.exp(head.spread * jax.random.normal(keys[0]))
    motion = scale * tail * jax.random.normal(keys[1], (6,))
    return motion, _chance(keys[2], head.uncorrected) == 0


def _crop(key: Key[Array, ""], config: PairConfig) -> Float[Array, "2 4"]:
    crop = config.crop
    residual = [
        crop.residual_px, crop.residual_px, np.deg2rad(crop.residual_deg), crop.residual_scale
    ]  # fmt: skip
    framing = [crop.framing_px, crop.framing_px, np.deg2rad(crop.framing_deg), crop.framing_scale]
    return jnp.asarray([residual, framing], jnp.float32) * jax.random.normal(key, (2, 4))


def _chance(key: Key[Array, ""], probability: float) -> Float[Array, ""]:
    return jax.random.bernoulli(key, float(probability)).astype(jnp.float32)


def _units(**weights: Float[Array, ""]) -> Float[Array, " u"]:
    index = np.array([UNIT_NAMES.index(name) for name in weights], np.int32)
    return jnp.zeros(len(UNIT_NAMES)).at[index].add(jnp.stack(list(weights.values())))
