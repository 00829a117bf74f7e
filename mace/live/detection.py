"""Detecting faces in the background, while frames go on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import UInt8

from mace.face.confirming import Check
from mace.face.detector import Detection, FaceDetector


class BackgroundDetector:
    """Looks in a thread of its own, and confirms tracks in another.

    dlib lets other threads run meanwhile. Frames that come while it looks are not kept. A check
    costs as much as ten frames, and can wait.

    Attributes:
        later: makes a tracker's check answer some frames later.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector
        self._searching = ThreadPoolExecutor(1, "mace-detection")
        self._confirming = ThreadPoolExecutor(1, "mace-confirming")
        self._search = Deferred(self._searching, detector.detect)
        self._closed = False
        self.later: Callable[[Check], Check] = partial(Deferred, self._confirming)

    def detect(self, gray: UInt8[np.ndarray, "h w"]) -> list[Detection] | None:
        """Return the faces that were found since the last call and are still there, and go on.

        What was found may be a frame old or a minute, so it is looked for again close by, in this
        frame, at a tenth of the cost. After `close`, nothing is known.

        Args:
            gray: the frame to look at next; it must not be written to any more.

        Raises:
            BaseException: what the search failed with.
        """
        faces = None if self._closed else self._search(gray)
        if faces is None:
            return None
        here = [self._detector.near(gray, face.centre, face.width) for face in faces]
        return [face for face in here if face is not None]

    def close(self) -> None:
        """Stop looking, and wait for the threads: one inside dlib must not outlive Python."""
        self._closed = True
        for executor in (self._searching, self._confirming):
            executor.shutdown(cancel_futures=True)


class Deferred[**P, T]:
    """A function in another thread: calls give None until there is an answer, to the first call."""

    def __init__(self, executor: ThreadPoolExecutor, function: Callable[P, T]) -> None:
        self._executor, self._function = executor, function
        self._answer: Future[T] | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return the answer to an earlier call, once; where none is awaited, ask.

        Raises:
            BaseException: what the function raised.
        """
        if self._answer is None:
            self._answer = self._executor.submit(self._function, *args, **kwargs)
        if not self._answer.done():
            return None
        answer, self._answer = self._answer, None
        return answer.result()
