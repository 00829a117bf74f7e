"""What the network says of the faces in a frame, and what it said before."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from mace.face.config import CropConfig, FaceConfig
from mace.face.tracked import Status, TrackedFace
from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.crowd import Seen
from mace.live.labelled import LabelledFrame
from mace.live.neutral import Neutral, check_neutral
from mace.live.quality import Gauge
from mace.live.sources.frame import Frame
from mace.live.step import StepInput, StepOutput, begin, live_motion, make_step, outside_flow


@dataclass(frozen=True)
class _Question:
    """What the step is asked about one face."""

    reference: UInt8[np.ndarray, "s s"]
    target: UInt8[np.ndarray, "s s"]
    keep: float
    resting: bool
    renewed: bool


class _Person:
    """What is remembered of the person in one place of the step's batch."""

    def __init__(self, config: LiveConfig, crop: CropConfig) -> None:
        self._config = config
        self.gauge = Gauge(crop, config.quality)
        self._recent: deque[tuple[float, UInt8[np.ndarray, "s s"]]] = deque()
        self._remembered = 0.0  # when
        self._shown = (-1, -1)  # identity, and keyframe
        self._renewed = True  # since the step was last asked
        self.neutral = Neutral(config)
        self.smoothed: Float[np.ndarray, " k"] | None = None

    def ask(self, time: float, seen: Seen) -> _Question | None:
        """Return what is to be asked now; None of a face that is not registered."""
        face, shown = seen.face, (seen.identity, seen.face.reference_id)
        renewed = shown != self._shown
        # Until the step is told: the frame may go without a question, or be skipped.
        self._renewed |= renewed
        if seen.identity != self._shown[0]:
            self.neutral = Neutral(self._config)
        if renewed or face.status is not Status.TRACKED:
            # Crops of two keyframes differ by the landmarks' error; comparing them shows motion
            # where there is none.
            self._recent.clear()
            self.smoothed = None
            self._shown = shown
        reference = self._reference(time, face)
        if reference is None or face.crop is None or face.status is not Status.TRACKED:
            return None
        resting = self.neutral.resting(time)
        return _Question(reference, face.crop, self._keep(time), resting, self._renewed)

    def remember(self, time: float, smoothed: Float[np.ndarray, " k"] | None) -> None:
        """Remember what was said, or that nothing was."""
        self._remembered, self.smoothed, self._renewed = time, smoothed, False

    def _reference(self, time: float, face: TrackedFace) -> UInt8[np.ndarray, "s s"] | None:
        if self._config.reference == "neutral" or face.crop is None:
            return face.reference
        self._recent.append((time, face.crop))
        # The oldest crop kept is the youngest one that is at least `recent_s` old.
        while len(self._recent) > 1 and self._recent[1][0] <= time - self._config.recent_s:
            self._recent.popleft()
        return self._recent[0][1]

    def _keep(self, time: float) -> float:
        if self.smoothed is None or self._config.smoothing_s == 0:
            return 0.0
        # By the clock, not by the frame, so that 30 and 200 fps are smoothed alike.
        return math.exp(-(time - self._remembered) / self._config.smoothing_s)


class Predictor:
    """Names the faces of one frame after the other; one compiled call does for all of them.

    Raises:
        ConfigError: if the neutral seconds are to be measured and the network reads no flow.
    """

    def __init__(
        self, bundle: Model, *, face: FaceConfig, config: LiveConfig, live: bool = False
    ) -> None:
        check_neutral(config, bundle.motion)
        self._bundle = bundle
        self._motion = live_motion(bundle, config, live=live)
        self._people = [_Person(config, face.crop) for _ in range(config.faces)]
        shape = {"faces": config.faces, "crop": face.crop.size, "rests": config.adapt_s > 0}
        blank = np.zeros((face.crop.size, face.crop.size), np.uint8)
        # No frame is to wait for a compiler, Numba's or XLA's, and neither for the other.
        with ThreadPoolExecutor(1) as aside:
            tried = aside.submit(
                outside_flow, blank[None], blank[None], motion=self._motion, where=(0,)
            )
            self._step = make_step(bundle, **shape)
            tried.result()
        self._state = begin(bundle, **shape)
        # A place that nobody is in keeps what it has.
        self._nobody = _Question(blank, blank, keep=1.0, resting=False, renewed=False)

    def __call__(
        self, frame: Frame, people: Sequence[Seen], *, skip: bool = False
    ) -> tuple[LabelledFrame, ...]:
        """Return what is known about everybody in a frame.

        Args:
            frame: the frame.
            people: who is seen in it, nobody twice.
            skip: leave the network out, for want of time: what it said last holds on.
        """
        asked = {
            one.place: question
            for one in people
            if (question := self._people[one.place].ask(frame.time, one)) is not None
        }
        output = None if skip or not asked else self._run(asked)
        return tuple(self._label(frame, one, asked.get(one.place), output) for one in people)

    def _run(self, asked: Mapping[int, _Question]) -> StepOutput:
        every = [asked.get(place, self._nobody) for place in range(len(self._people))]
        reference = _batch([one.reference for one in every])
        target = _batch([one.target for one in every])
        given = StepInput(
            reference=reference,
            target=target,
            flow=outside_flow(reference, target, motion=self._motion, where=tuple(asked)),
            keep=np.array([one.keep for one in every], np.float32),
            resting=np.array([one.resting for one in every]),
            renewed=np.array([one.renewed for one in every]),
        )
        self._state, output = self._step(self._state, given)
        return output

    def _label(
        self, frame: Frame, seen: Seen, asked: _Question | None, output: StepOutput | None
    ) -> LabelledFrame:
        classes, person = self._bundle.classes, self._people[seen.place]
        inputs = probabilities = None
        state = ""
        if output is not None and asked is not None:
            inputs = np.asarray(output.images)[seen.place]
            state = person.neutral.state(inputs, resting=asked.resting)
            if state:
                person.remember(frame.time, None)
            else:
                probabilities = np.asarray(output.probabilities)[seen.place]
                person.remember(frame.time, np.asarray(output.smoothed)[seen.place])
        smoothed = person.smoothed if asked is not None else None
        return LabelledFrame(
            index=frame.index,
            time=frame.time,
            face=seen.face,
            classes=len(classes),
            inputs=inputs,
            probabilities=probabilities,
            smoothed=smoothed,
            label=None if smoothed is None else classes[int(smoothed.argmax())],
            state=state,
            identity=seen.identity,
            quality=person.gauge.measure(seen.face, frame.time),
        )


def _batch(crops: list[UInt8[np.ndarray, "s s"]]) -> UInt8[np.ndarray, "f s s"]:
    """Return crops as one array; the crop itself where there is but one."""
    return crops[0][None] if len(crops) == 1 else np.stack(crops)
