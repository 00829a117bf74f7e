"""Pairs a second: clips of two frames, pairs rendered into the crop, pairs in motion space.

    uv run python benchmarks/pairs.py [--people 4] [--pairs 16] [--repeats 2] [--stored 64]

One core, processor time of this thread, side by side in one run; building a person is counted, for
as many pairs as are made of one. The first row of pictures is `render_clip` (two frames of 320 x
240 px), before any face is sought in them; the second is `render_pictures` with all nuisances of
the picture; the third is `exact_fields`, compiled, whose time is elapsed time on all devices, since
XLA has threads of its own. The last is what pre-training waits for: people built, pairs drawn,
rendered, measured by DIS and stored by a process on each core (`make_pairs`), elapsed time, start
and compilation counted.
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable

import jax

from mace.datasets.synthetic.clips.clip import render_clip
from mace.datasets.synthetic.clips.config import ClipConfig
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.pairs.cast import make_cast
from mace.datasets.synthetic.pairs.config import PairConfig
from mace.datasets.synthetic.pairs.draw import draw_plans, plan_pairs
from mace.datasets.synthetic.pairs.field import exact_fields
from mace.datasets.synthetic.pairs.rendering import render_pictures
from mace.datasets.synthetic.pairs.stored import make_pairs
from mace.datasets.synthetic.person.person import make_person
from mace.datasets.synthetic.picture.picture_config import PictureConfig

_CLIP = ClipConfig(width=320, height=240, eye_distance=70.0, frames=2)
_STREAM = 512


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Return how long one call takes."""
    start = clock()
    work()
    return clock() - start


def clips(people: int, pairs: int) -> None:
    """Render as the clips of the data set are rendered."""
    for person in range(people):
        subject = Subject(person)
        for number in range(pairs):
            render_clip(subject, emotion="happiness", seed=number, config=_CLIP)


def main() -> None:
    parser = argparse.ArgumentParser(description="Pairs a second of every route")
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--pairs", type=int, default=16, help="of every person")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--stored", type=int, default=64, help="people of the last row")
    arguments = parser.parse_args()
    people, pairs = arguments.people, arguments.pairs
    count = people * pairs

    config, picture = PairConfig(), PictureConfig()
    cast = make_cast(range(people), poses_each=2)
    plans = plan_pairs(cast, pairs_each=pairs, seed=0, config=config)
    one = jax.tree.map(lambda v: v[:1], plans)
    stream = jax.jit(
        lambda key, there: exact_fields(
            draw_plans(key, there.entries, count=_STREAM, config=config), there
        )
    )
    there, key = cast.on_device(), jax.random.key(0)
    # Everything once, so that nothing is compiled while the clock runs.
    clips(1, 1)
    render_pictures(one, cast, picture=picture)
    jax.block_until_ready(stream(key, there))

    rows: dict[str, list[float]] = {}
    for _ in range(arguments.repeats):
        timed = {
            "clips, two frames of 320 x 240": seconds(
                lambda: clips(people, pairs), time.thread_time
            )
            / count,
            "pairs in the crop": seconds(
                lambda: render_pictures(plans, cast, picture=picture), time.thread_time
            )
            / count,
            "of it the people": seconds(
                lambda: [make_person(p) for p in range(people)], time.thread_time
            )
            / count,
            "motion space": seconds(
                lambda: jax.block_until_ready(stream(key, there)), time.perf_counter
            )
            / _STREAM,
        }
        for name, value in timed.items():
            rows.setdefault(name, []).append(value)
    if arguments.stored:
        stored = functools.partial(make_pairs, range(arguments.stored), pairs)
        rows["stored, a process on each core"] = [
            seconds(stored, time.perf_counter) / (arguments.stored * pairs)
        ]
    before = statistics.median(rows["clips, two frames of 320 x 240"])
    print(f"{people} people x {pairs} pairs, medians of {arguments.repeats}")
    print(f"{'':32s}  ms a pair  pairs/s  ratio")
    for name, values in rows.items():
        each = statistics.median(values)
        print(f"{name:32s}  {1e3 * each:9.2f}  {1 / each:7.1f}  {before / each:5.1f}")


if __name__ == "__main__":
    main()
