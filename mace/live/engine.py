"""Frames in, results out: who is there, what their faces do, and what that is called.

The engine has no thread and no clock of its own, so a recording gives the same results every time;
`mace.live.loop` puts threads around it.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from mace.config import from_dict
from mace.face.config import FaceConfig
from mace.face.detector import FaceDetector
from mace.inference import Model
from mace.live.config import LiveConfig
from mace.live.crowd import Crowd, Seen
from mace.live.later import in_background
from mace.live.lookout import Background, Lookout, Prompt
from mace.live.predictor import Predictor
from mace.live.results import Result
from mace.live.sources.frame import Frame
from mace.live.spotting import LiveSpotter, can_spot
from mace.spotting.events import Event

# Time between two confirmations that what is tracked is a face, in s.
_CHECK_S = 1.5
# Time between two searches of a file for a face that is lost, or in doubt, in s.
_SEARCH_S = 0.05
# How long a face may fail to register before its keyframe is renewed, in s: longer than a blink.
_DOUBT_S = 0.5
# Frames a second of a source that does not say.
_USUAL_FPS = 30.0


class FaceStage:
    """The first half of the engine: who is in a frame, and where.

    Args:
        bundle: the network, which says what its crops look like.
        config: how many people are followed.
        live: look for faces in the background and never wait; otherwise every frame is predicted
            for, in order, just as stored clips are.
        fps: frames a second of the source, 0 where it does not say.
    """

    def __init__(self, bundle: Model, config: LiveConfig, *, live: bool, fps: float = 0.0) -> None:
        face = from_dict(FaceConfig, bundle.face, where="face.")
        detector = FaceDetector(face.detector)
        self._lookout: Lookout = Background(detector) if live else Prompt(detector)
        self._confirming = ThreadPoolExecutor(1, "mace-confirming") if live else None
        rate = fps or _USUAL_FPS
        searched = max(face.search_interval, round(_SEARCH_S * rate))
        self.face = face = replace(
            face,
            patience=max(round(_DOUBT_S * rate), 1),
            partial=True,
            search_interval=1 if live else searched,  # looking out in the background costs nothing
            check_interval=max(face.check_interval, round(_CHECK_S * rate)),
        )
        later = None if self._confirming is None else in_background(self._confirming)
        self._crowd = Crowd(
            face, config, lookout=self._lookout, patient=not live, rate=rate, later=later
        )
        self._frames: deque[Frame] = deque()

    def push(self, frame: Frame) -> list[tuple[Frame, tuple[Seen, ...]]]:
        """Return the frames that are ready now, with who is seen in them."""
        self._frames.append(frame)
        return self._paired(self._crowd.push(frame.image, frame.time))

    def finish(self) -> list[tuple[Frame, tuple[Seen, ...]]]:
        """Return the frames that still wait, at the end of a stream."""
        return self._paired(self._crowd.finish())

    def renew(self) -> None:
        """Take the next frame with a face for the new reference."""
        self._crowd.renew()

    def close(self) -> None:
        """End the search for faces."""
        self._lookout.close()
        if self._confirming is not None:
            self._confirming.shutdown(cancel_futures=True)

    def _paired(self, seen: list[tuple[Seen, ...]]) -> list[tuple[Frame, tuple[Seen, ...]]]:
        return [(self._frames.popleft(), one) for one in seen]


class LiveEngine:
    """Both halves, one after the other.

    Args:
        bundle: the network.
        config: settings.
        live: see `FaceStage`.
        fps: see `FaceStage`.
    """

    def __init__(
        self, bundle: Model, config: LiveConfig, *, live: bool = False, fps: float = 0.0
    ) -> None:
        self.faces = FaceStage(bundle, config, live=live, fps=fps)
        self.inference = InferenceStage(bundle, config, face=self.faces.face, live=live)

    def push(self, frame: Frame) -> list[Result]:
        """Return the results that are ready with this frame, in order."""
        return [self.inference.push(*seen) for seen in self.faces.push(frame)]

    def finish(self) -> list[Result]:
        """Return the results of the frames that still wait, at the end of a stream."""
        return [self.inference.push(*seen) for seen in self.faces.finish()]

    def reset_reference(self) -> None:
        """Take the next frame with a face for the new neutral reference."""
        self.faces.renew()

    def close(self) -> None:
        """End what runs in the background."""
        self.faces.close()


class InferenceStage:
    """The second half of the engine: what the faces do.

    Args:
        bundle: the network.
        config: settings.
        face: of the first half.
        live: see `LiveConfig.flow`.
    """

    def __init__(
        self, bundle: Model, config: LiveConfig, *, face: FaceConfig, live: bool = False
    ) -> None:
        self._predict = Predictor(bundle, face=face, config=config, live=live)
        spots = can_spot(bundle, config)
        self._spotter = LiveSpotter(bundle, config, face=face) if spots else None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What may have been missed, in sentences; complete after `finish`."""
        return () if self._spotter is None else tuple(self._spotter.remarks)

    def push(self, frame: Frame, seen: tuple[Seen, ...], *, skip: bool = False) -> Result:
        """Return what a frame gave.

        Args:
            frame: the frame.
            seen: who is in it.
            skip: leave the network out, for want of time.
        """
        faces = self._predict(frame, seen, skip=skip)
        if self._spotter is None:
            return Result(frame, faces)
        events = self._spotter.push(faces)
        return Result(frame, self._spotter.with_moving(faces), events)

    def due(self, frame: Frame) -> bool:
        """Say whether spotting needs what the network sees in this frame."""
        return self._spotter is not None and self._spotter.due(frame.time)

    def finish(self) -> tuple[Event, ...]:
        """Return the events that were waiting for more frames, at the end of a stream."""
        return () if self._spotter is None else self._spotter.finish()
