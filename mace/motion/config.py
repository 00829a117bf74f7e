"""Settings of the input representations."""

import dataclasses
from typing import Literal

from mace.errors import ConfigError

REFERENCE_SIZE = 128
"""Flow is given in pixels of a crop of this size, whatever the size of the crop it came from."""

WHOLE_CROP = (0.0, 0.0, 1.0, 1.0)
"""The framing that cuts nothing."""

EYE_DISTANCE = 51.2
"""Between the eyes in the 128-px crop of the face correction, in px, which motions are given in."""

OWN_FRAMING = (0.06, 0.144, 0.94, 0.996)
"""From brows to chin, as shares of the crop; `mace.motion.conventions` has it in eye distances."""

_SMALLEST_WINDOW = 0.1  # of the crop's side, 13 px of 128: less is no face


@dataclasses.dataclass(frozen=True)
class DisConfig:
    """Parameters of OpenCV's DIS flow, starting from its MEDIUM preset.

    The presets stop at half resolution (MEDIUM) or a quarter (FAST, ULTRAFAST), which flattens a
    sub-pixel motion. On rendered faces without nuisances the median correlation with the exact
    motion was 0.63 for ULTRAFAST, 0.71 for FAST, 0.89 for MEDIUM and 0.96 at full resolution, the
    slope 0.50, 0.44, 0.72 and 0.88. On 160 noisy clips of 5 classes, logistic regression on 16 × 16
    fields of unseen people reached a UF1 of 0.81 with MEDIUM and 0.89 with these defaults. They
    cost 2.5 times MEDIUM; its own stride and iterations at full resolution cost 4 times and gave
    0.90. Set 1, 3, 25 and true for MEDIUM.

    Attributes:
        finest_scale: 0 ends at the crop's own resolution, 1 at half of it.
        patch_stride: distance of the 8-px patches on every scale.
        iterations: gradient descent steps per patch.
        propagate: patches may start from their neighbours' motion; made for large motions.
        refinements: rounds of variational refinement on every scale.
    """

    finest_scale: int = 0
    patch_stride: int = 4
    iterations: int = 12
    propagate: bool = False
    refinements: int = 5

    def __post_init__(self) -> None:
        if not 0 <= self.finest_scale <= 4:
            raise ConfigError(f"DIS setting finest_scale is {self.finest_scale}, expected 0 to 4")
        if not 1 <= self.patch_stride <= 8:
            raise ConfigError(
                f"DIS setting patch_stride is {self.patch_stride}, expected 1 to 8 pixels"
            )
        if self.iterations < 1:
            raise ConfigError(f"DIS setting iterations is {self.iterations}, expected 1 or more")
        if self.refinements < 0:
            raise ConfigError(f"DIS setting refinements is {self.refinements}, expected 0 or more")


@dataclasses.dataclass(frozen=True)
class TvL1Config:
    """Parameters of the TV-L1 flow; names, meaning and defaults are scikit-image's.

    Attributes:
        attachment: λ, weight of the brightness term; smaller gives a smoother field.
        tightness: θ, coupling of the brightness and the smoothness half-problems.
        num_warp: most times the target is warped on each level of the pyramid.
        num_iter: fixed-point iterations after each warp.
        tol: a level ends early once the mean squared update of a warp (px²) falls below this.
        prefilter: median-filter (3×3) the field before each warp.
    """

    attachment: float = 15.0
    tightness: float = 0.3
    num_warp: int = 5
    num_iter: int = 10
    tol: float = 1e-4
    prefilter: bool = False

    def __post_init__(self) -> None:
        for name in ("attachment", "tightness", "num_warp", "num_iter"):
            if getattr(self, name) <= 0:
                raise ConfigError(
                    f"TV-L1 setting {name} is {getattr(self, name)}, expected more than 0"
                )
        if self.tol < 0:
            raise ConfigError(f"TV-L1 setting tol is {self.tol}, expected 0 or more")


@dataclasses.dataclass(frozen=True)
class MotionConfig:
    """How a pair of aligned faces becomes the input of a network.

    Attributes:
        representation: `appearance` is the target frame itself (the paper's setting),
            `difference` is target minus reference, `flow` is (u, v, optical strain); `own` are
            arrays of the user's, whose channels only their maker knows: no two frames can be
            turned into them, and nothing that needs to know may change them.
        flow: `dis` is OpenCV's dense inverse search, `tvl1` is our TV-L1 in JAX; `patches` is our
            own inverse search without refinement, fifteen times as fast as `dis` and noisier, for
            frames that come by the hundred a second (benchmarks/live_accuracy.py says what a
            network trained on `dis` makes of it); `images` are ready-made flow images, which no two
            frames can be turned into (`mace.data.flow_images`).
        size: side of the output in pixels, 28 to 224.
        framing: left, top, right and bottom of the window that is shrunk to `size`, as shares of
            the crop; whole pixels of it are cut after everything else was computed. Mirror images
            assume that it is as wide to the left as to the right.
        detrend: what `flow` takes out as left-over head motion before the strain: nothing, the
            median shift, or a robust affine field (worth up to 0.02 of UF1 in the same trial).
        smooth: standard deviation (px of the 128-px crop) of the Gaussian that smooths u and v
            before the strain; 0 for none.
        match_light: `difference` and TV-L1 first match the target's gray levels to the
            reference's by a robust line (flicker, exposure).
        dis: parameters of the DIS flow.
        tvl1: parameters of the TV-L1 flow.
    """

    representation: Literal["appearance", "difference", "flow", "own"] = "flow"
    flow: Literal["dis", "tvl1", "patches", "images"] = "dis"
    size: int = 64
    framing: tuple[float, float, float, float] = WHOLE_CROP
    detrend: Literal["none", "median", "affine"] = "affine"
    smooth: float = 0.0
    match_light: bool = True
    dis: DisConfig = DisConfig()
    tvl1: TvL1Config = TvL1Config()

    def __post_init__(self) -> None:
        if not 28 <= self.size <= 224:
            raise ConfigError(f"motion setting size is {self.size}, expected 28 to 224 pixels")
        left, top, right, bottom = self.framing
        for low, high in ((left, right), (top, bottom)):
            if not (low >= 0 and high <= 1 and high - low >= _SMALLEST_WINDOW):
                raise ConfigError(
                    f"motion setting framing is {self.framing}, expected left, top, right and "
                    f"bottom between 0 and 1, at least {_SMALLEST_WINDOW} apart"
                )
        if not 0 <= self.smooth <= 8:
            raise ConfigError(f"motion setting smooth is {self.smooth}, expected 0 to 8 pixels")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConventionConfig:
    """Ranges of the conventions.

    Attributes:
        size: side of what the network sees.
        public: share of a batch that is presented as public flow images are, the rest as ours.
        jitter: each edge of the window moves by up to this, uniformly, in eye distances.
        loose: share of windows that are of another laboratory: moved up or down by `shift` and of
            another width, with both edges up to `stretch` times nearer or farther.
        shift: by how much they move, in eye distances, down positive: more forehead is commoner
            than less.
        stretch: see `loose`.
    """

    size: int = 28
    public: float = 0.5
    jitter: float = 0.12
    loose: float = 0.6
    shift: tuple[float, float] = (-0.65, 0.15)
    stretch: float = 1.25

    def __post_init__(self) -> None:
        for name in ("public", "loose"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"conventions.{name} is {getattr(self, name)}, expected 0 to 1")
        if not 0 <= self.jitter <= 0.5:
            raise ConfigError(f"conventions.jitter is {self.jitter}, expected 0 to 0.5")
        if not -1 <= self.shift[0] <= self.shift[1] <= 1:
            raise ConfigError(f"conventions.shift is {self.shift}, expected -1 <= low <= high <= 1")
        if not 1 <= self.stretch <= 2:
            raise ConfigError(f"conventions.stretch is {self.stretch}, expected 1 to 2")
