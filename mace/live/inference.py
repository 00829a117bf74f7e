"""The stage of inference: what the network says of everybody in a frame, now and before.

A person's own neutral seconds mend what the statistics of many clips cannot. The keyframe lies a
fraction of a pixel beside where the face rests, so every frame carries the same motion; its mean
over the neutral seconds is taken out of the flow (by the step). And a network that brings every
image to one scale stretches the noise of a still face until it looks like motion; so a motion below
the floor, a high quantile of what the neutral seconds showed, gets no label.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mace.errors import ConfigError
from mace.face.config import CropConfig, FaceConfig
from mace.face.tracked import Status
from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.faces import Observation
from mace.live.quality import Gauge
from mace.live.results import FaceResult, State
from mace.live.sources.frame import Frame
from mace.live.step import Query, StepOutput, Stepper, live_motion
from mace.motion.config import MotionConfig

# A blink or a swallow among the neutral seconds must not make everything still.
FLOOR_QUANTILE = 0.95
# Of the pixels: strong enough where a small part of the face moves, deaf to a single bad patch.
STRENGTH_QUANTILE = 0.95


def strength_px(inputs: Float[np.ndarray, "h w c"]) -> float:
    """Return how far the face moves, in px of the 128-px crop: a high quantile over its pixels."""
    return float(np.quantile(np.hypot(inputs[..., 0], inputs[..., 1]), STRENGTH_QUANTILE))


def check_neutral(config: LiveConfig, motion: MotionConfig) -> None:
    """See whether what is asked of the neutral seconds can be measured.

    Raises:
        ConfigError: if anything is to be measured and the network reads no flow.
    """
    if config.adapt_s > 0 and motion.representation != "flow":
        raise ConfigError(
            f"live.adapt_s measures flow, this model reads {motion.representation}; leave it out"
        )


class Neutral:
    """Says of each input of one person whether it counts as neutral, as still, or as neither.

    The first `adapt_s` seconds of a face are neutral. After a new keyframe the floor holds on,
    being a matter of camera and light.
    """

    def __init__(self, config: LiveConfig) -> None:
        self._config = config
        self._begun: float | None = None
        self._seen: list[Float[np.ndarray, "h w c"]] = []
        self.floor_px = 0.0

    def resting(self, time: float) -> bool:
        """Return whether the face is neutral by agreement at `time`, in s."""
        if self._begun is None:
            self._begun = time
        return time - self._begun < self._config.adapt_s

    def state(self, inputs: Float[np.ndarray, "h w c"], *, resting: bool) -> State:
        """Return what the network's input for this moment counts as."""
        if resting:
            self._seen.append(np.array(inputs))
            return "neutral"
        if self._seen:
            seen = np.stack(self._seen)
            strengths = [strength_px(motion) for motion in seen - seen.mean(axis=0)]
            self.floor_px = float(np.quantile(strengths, FLOOR_QUANTILE))
            self._seen = []
        return "still" if self.floor_px and strength_px(inputs) < self.floor_px else ""


class _Person:
    """What is remembered of the person in one slot of the step's batch."""

    def __init__(self, config: LiveConfig, crop: CropConfig) -> None:
        self._config = config
        self.gauge = Gauge(crop, config.quality)
        self._remembered = 0.0  # when
        self._shown = (-1, -1)  # identity, and keyframe
        self._renewed = True  # since the step was last run
        self.neutral = Neutral(config)
        self.smoothed: Float[np.ndarray, " k"] | None = None

    def query(self, time: float, observation: Observation) -> Query | None:
        """Return what the step is to be given now; None of a face that is not registered."""
        face = observation.face
        shown = observation.identity, face.reference_id
        renewed = shown != self._shown
        # Until the step is told: the frame may go without a query, or be skipped.
        self._renewed |= renewed
        if observation.identity != self._shown[0]:
            self.neutral = Neutral(self._config)
        if renewed or face.status is not Status.TRACKED:
            self.smoothed = None
            self._shown = shown
        if face.reference is None or face.crop is None or face.status is not Status.TRACKED:
            return None
        resting = self.neutral.resting(time)
        return Query(face.reference, face.crop, self._keep(time), resting, self._renewed)

    def remember(self, time: float, smoothed: Float[np.ndarray, " k"] | None) -> None:
        """Remember what was said, or that nothing was."""
        self._remembered, self.smoothed, self._renewed = time, smoothed, False

    def _keep(self, time: float) -> float:
        if self.smoothed is None or self._config.smoothing_s == 0:
            return 0.0
        # By the clock, not by the frame, so that 30 and 200 fps are smoothed alike.
        return math.exp(-(time - self._remembered) / self._config.smoothing_s)


class InferenceStage:
    """Names the faces of one frame after the other; one compiled call does for all of them.

    Raises:
        ConfigError: if the neutral seconds are to be measured and the network reads no flow.
    """

    def __init__(
        self, model: Model, *, face: FaceConfig, config: LiveConfig, live: bool = False
    ) -> None:
        check_neutral(config, model.motion)
        self._model = model
        self._people = [_Person(config, face.crop) for _ in range(config.faces)]
        self._step = Stepper(
            model,
            motion=live_motion(model, config, live=live),
            faces=config.faces,
            crop=face.crop.size,
            rests=config.adapt_s > 0,
        )

    def __call__(
        self, frame: Frame, people: Sequence[Observation], *, skip: bool = False
    ) -> tuple[FaceResult, ...]:
        """Return what is known about everybody in a frame.

        With `skip` the network is left out, for want of time: what it said last holds on.
        """
        queries = {
            person.slot: query
            for person in people
            if (query := self._people[person.slot].query(frame.time, person)) is not None
        }
        output = None if skip or not queries else self._step(queries)
        return tuple(
            self._result(frame, person, queries.get(person.slot), output) for person in people
        )

    def _result(
        self,
        frame: Frame,
        observation: Observation,
        query: Query | None,
        output: StepOutput | None,
    ) -> FaceResult:
        classes, slot = self._model.classes, observation.slot
        person = self._people[slot]
        inputs = probabilities = None
        state = ""
        if output is not None and query is not None:
            inputs = np.asarray(output.images)[slot]
            state = person.neutral.state(inputs, resting=query.resting)
            if state:
                person.remember(frame.time, None)
            else:
                probabilities = np.asarray(output.probabilities)[slot]
                person.remember(frame.time, np.asarray(output.smoothed)[slot])
        smoothed = person.smoothed if query is not None else None
        return FaceResult(
            index=frame.index,
            time=frame.time,
            face=observation.face,
            classes=classes,
            inputs=inputs,
            probabilities=probabilities,
            smoothed=smoothed,
            label=None if smoothed is None else classes[int(smoothed.argmax())],
            state=state,
            identity=observation.identity,
            quality=person.gauge.measure(observation.face, frame.time),
        )
