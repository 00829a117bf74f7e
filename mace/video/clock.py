"""Time stamps to seconds since the first frame, however a container keeps its clock."""

import numpy as np

# A forward leap beyond this is another clock where a format may change it, as transport streams do.
_LEAP_S = 10.0
# Stamps are rounded to the container's unit; a step back by no more is rounding or disorder.
_ROUNDING_S = 0.05
_LEAST_STEP_S = 1e-6
# Of a rate that varies, less than this without a frame hides no movement; and no fewer frames.
_GAP_S, _GAP_FRAMES = 0.2, 4
# A rate is constant where so many steps are as long as the usual one, up to rounding and a tenth;
# then so many of them without a frame are a gap.
_CONSTANT, _ROUNDED_S, _MISSING = 0.85, 0.0011, 1.7


class Clock:
    """Gives every frame its time, in the order of showing; times strictly increase.

    Args:
        fps: usual frames per second; 0 where nobody knows.
        fixed: count by `fps` and heed no stamp.
        leaps: whether the format's clock may leap, so that a long pause is none.

    Attributes:
        unstamped: frames without a stamp, which were put one frame after those before them.
        disordered: frames whose stamp is not after that of the frame before.
        leapt: times after which the clock leapt, in s; it is taken to have gone on.
        end: when the last frame is over, in s.
    """

    def __init__(self, fps: float, *, fixed: bool, leaps: bool) -> None:
        self._fps, self._fixed, self._leaps = fps, fixed, leaps
        self._base: float | None = None
        self._times: list[float] = []
        self.unstamped = 0
        self.disordered = 0
        self.leapt: list[float] = []
        self.end = 0.0

    def __call__(self, number: int, stamp: float | None, length: float = 0.0) -> float:
        """Return the time in s of a frame.

        Args:
            number: of the frame, from 0.
            stamp: its time by the container, in s; None where that does not say.
            length: how long it is shown, in s; 0 likewise.
        """
        step = 1 / self._fps if self._fps else _LEAST_STEP_S
        time = number / self._fps if self._fixed else self._by_stamp(stamp, step)
        self._times.append(time)
        self.end = np.inf if self._fixed else time + max(length, step)
        return time

    def gaps(self) -> list[tuple[float, float]]:
        """Return (time, length) of the stretches without a frame so far, in s."""
        if self._fixed or len(self._times) < 3:
            return []
        times = np.array(self._times)
        steps = np.diff(times)
        usual = float(np.median(steps))
        even = np.abs(steps - usual) < 0.1 * usual + _ROUNDED_S
        longest = max(_GAP_S, _GAP_FRAMES * usual)
        if even.mean() >= _CONSTANT:
            longest = _MISSING * usual + _ROUNDED_S
        wide = steps > longest
        return list(zip(times[:-1][wide].tolist(), steps[wide].tolist(), strict=True))

    def _by_stamp(self, stamp: float | None, step: float) -> float:
        self.unstamped += stamp is None
        if not self._times:
            self._base = stamp
            return 0.0
        last = self._times[-1]
        after = last + step
        if stamp is None:
            return after
        if self._base is None:
            self._base = stamp - after
        time = stamp - self._base
        ahead = time - last
        if ahead < -max(_ROUNDING_S, 4 * step) or (self._leaps and ahead > _LEAP_S):
            self.leapt.append(last)
            self._base = stamp - after
            return after
        self.disordered += time <= last
        return max(time, last + _LEAST_STEP_S)
