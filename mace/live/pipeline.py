"""From frames to results: the tracker, the motion and the network that stored clips use.

Nothing here is a second version of anything: `FaceTracker` also corrects stored clips, and the
functions that make inputs and predictions also make those of an evaluation, so that a clip played
as a video gets the probabilities it got when it was stored, unless the person's neutral seconds are
taken into account (`mace.live.neutral`).
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace

from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.engine import LiveEngine
from mace.live.results import Result
from mace.live.sources.frame import Frame


def predict_frames(
    frames: Iterable[Frame], *, bundle: Model, config: LiveConfig, fps: float = 0.0
) -> Iterator[Result]:
    """Yield what every frame of `frames` gives, once and in order.

    The first results come a few frames late, because the tracker wants several frames to be sure
    of a new face's canonical pose.

    Args:
        frames: of one source.
        bundle: the network.
        config: settings.
        fps: frames a second of the source, 0 where it does not say.
    """
    with closing(LiveEngine(bundle, config, fps=fps)) as engine:
        held: Result | None = None
        for result in _every(frames, engine):
            if held is not None:
                yield held
            held = result
        if held is not None:
            # What became certain by the stream's end belongs to the last frame.
            yield replace(held, events=held.events + engine.inference.finish())


def _every(frames: Iterable[Frame], engine: LiveEngine) -> Iterator[Result]:
    for frame in frames:
        yield from engine.push(frame)
    yield from engine.finish()
