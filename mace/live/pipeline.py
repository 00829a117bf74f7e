"""The line of stages: a frame in; who is there, what their faces do, and what that is called out.

    faces (detect, match, update tracks) -> inference -> spotting

It has no thread and no clock of its own, so a recording gives the same results every time;
`mace.live.runner` puts threads around it. Nothing here is a second version of anything: the tracker
also corrects stored clips, and the functions that make inputs and predictions also make those of an
evaluation, so that a clip played as a video gets the probabilities it got when it was stored,
unless the person's neutral seconds are taken into account (`mace.live.inference`).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.faces import FaceStage, Observation
from mace.live.inference import InferenceStage
from mace.live.results import Result
from mace.live.sources.frame import Frame
from mace.live.spotting import SpottingStage, can_spot
from mace.spotting.events import Event


class Pipeline:
    """The stages, one after the other.

    Args:
        model: the network.
        config: settings.
        live: detect faces in the background and never wait; otherwise every frame is predicted
            for, in order, just as stored clips are.
        fps: frames a second of the source, 0 where it does not say.

    Attributes:
        faces: the stage of the faces, for whoever runs it in a thread of its own.
    """

    def __init__(
        self, model: Model, config: LiveConfig, *, live: bool = False, fps: float = 0.0
    ) -> None:
        self.faces = FaceStage.of(model, config, live=live, fps=fps)
        face = self.faces.face
        self._inference = InferenceStage(model, face=face, config=config, live=live)
        self._spotting = SpottingStage(model, config, face=face) if can_spot(model) else None

    def push(self, frame: Frame) -> list[Result]:
        """Return the results that are ready with this frame, in order."""
        return [self.infer(*observed) for observed in self.faces.push(frame)]

    def finish(self) -> list[Result]:
        """Return the results of the frames that still wait, at the end of a stream."""
        return [self.infer(*observed) for observed in self.faces.finish()]

    def infer(self, frame: Frame, people: Sequence[Observation], *, skip: bool = False) -> Result:
        """Return the result of a frame that the stage of the faces is through with.

        With `skip` the network is left out, for want of time.
        """
        faces = self._inference(frame, people, skip=skip)
        if self._spotting is None:
            return Result(frame, faces)
        events = self._spotting.push(faces)
        return Result(frame, self._spotting.with_moving(faces), events)

    def last_events(self) -> tuple[Event, ...]:
        """Return the events that were waiting for more frames, after `finish`."""
        return () if self._spotting is None else self._spotting.finish()

    def due(self, frame: Frame) -> bool:
        """Return whether spotting needs what the network sees in this frame."""
        return self._spotting is not None and self._spotting.due(frame.time)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What may have been missed, in sentences; complete after `last_events`."""
        return () if self._spotting is None else tuple(self._spotting.remarks)

    def reset_reference(self) -> None:
        """Take the next frame with a face for the new neutral reference."""
        self.faces.renew()

    def close(self) -> None:
        """End what runs in the background."""
        self.faces.close()


def predict_frames(
    frames: Iterable[Frame], *, model: Model, config: LiveConfig, fps: float = 0.0
) -> Iterator[Result]:
    """Yield what every frame of one source gives, once and in order; arguments as of `Pipeline`.

    The first results come a few frames late, because the tracker wants several frames to be sure
    of a new face's canonical pose.
    """
    with closing(Pipeline(model, config, fps=fps)) as pipeline:

        def every() -> Iterator[Result]:
            for frame in frames:
                yield from pipeline.push(frame)
            yield from pipeline.finish()

        yield from with_last_events(every(), pipeline)


def with_last_events(results: Iterable[Result], pipeline: Pipeline) -> Iterator[Result]:
    """Yield results, the last one with what became certain by the stream's end."""
    held: Result | None = None
    for result in results:
        if held is not None:
            yield held
        held = result
    if held is not None:
        yield replace(held, events=held.events + pipeline.last_events())
