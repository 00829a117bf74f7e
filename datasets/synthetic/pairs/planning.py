"""What happens in the pairs of a whole cast, drawn at once."""

import functools
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np

from mace.datasets.synthetic.pairs.cast import Cast
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.draw import Plans, draw_plans

_PLAN_STREAM = 0x914A5


@jax.tree_util.register_dataclass
@dataclass
class _Habits:
    """What is drawn depends on, one person per row of a leading axis."""

    reach: jax.Array
    gain: jax.Array
    asymmetry: jax.Array
    anatomy: jax.Array


@functools.partial(jax.jit, static_argnames=("count", "config"))
def _draw(numbers: jax.Array, habits: _Habits, *, count: int, config: PairConfig) -> Plans:
    def one(number: jax.Array, habit: _Habits) -> Plans:
        return draw_plans(jax.random.key(number), habit, count=count, config=config)

    return jax.vmap(one)(numbers, habits)


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
    seeds = np.asarray(cast.seeds)[::poses]
    numbers = [np.random.SeedSequence([_PLAN_STREAM, seed, s]).generate_state(1) for s in seeds]
    habits = _Habits(
        *(
            jnp.asarray(v).reshape(cast.people, poses, *v.shape[1:])
            for v in (cast.reach, cast.gain, cast.asymmetry, cast.anatomy)
        )
    )
    drawn = jax.device_get(
        _draw(jnp.asarray(np.concatenate(numbers)), habits, count=pairs_each, config=config)
    )
    first = np.arange(cast.people, dtype=np.int32)[:, None] * np.int32(poses)
    drawn = replace(drawn, entry=drawn.entry + first)
    return jax.tree.map(lambda v: v.reshape(cast.people * pairs_each, *v.shape[2:]), drawn)
