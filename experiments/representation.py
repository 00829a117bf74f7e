"""Does the network need the apex face, its difference from the onset, or the flow between them?

Lai, Chen, Jia and Qian 2020, "Real-time micro-expression recognition based on ResNet and atrous
convolutions", give the network the corrected face; most later work gives it optical flow (Liong et
al. 2019, "Shallow triple stream three-dimensional CNN (STSTNet) for micro-expression recognition").
The same network sees the annotated pair of frames alone, in four representations, none with further
pairs for augmentation; only the number of input channels differs.

Expected: appearance at chance (UF1 about 0.2 for five classes), because every rendered person shows
every class under the same conditions and a change of half a pixel does not show in a still of 28 px
(on real people the face can give away the class, as some people show some classes only); difference
well above; flow best, as it measures the movement and little else. TV-L1 and DIS close together.

Cost: four settings of 2 s a fold, and minutes of TV-L1: 5 minutes on one core for two seeds.
Command: `python -m mace.experiments.representation`.
"""

from collections.abc import Mapping
from dataclasses import replace

from mace.data.config import VariantConfig
from mace.experiments.study import STUDY, Setting, Study
from mace.experiments.study_command import main
from mace.experiments.study_figures import draw_dots
from mace.experiments.study_results import Pooled
from mace.motion.config import MotionConfig


def sweep() -> tuple[Setting, ...]:
    """Return the four inputs."""
    base = STUDY.motion
    inputs: dict[str, MotionConfig] = {
        "appearance of the apex": replace(base, representation="appearance"),
        "difference": replace(base, representation="difference"),
        "flow, TV-L1": replace(base, flow="tvl1"),
        "flow, DIS": base,
    }
    one_pair = replace(STUDY, variants=VariantConfig(extra=0))
    return tuple(
        Setting(name=name, recipe=replace(one_pair, motion=motion))
        for name, motion in inputs.items()
    )


def draw(settings: Mapping[str, Pooled]) -> bytes:
    """Draw UF1 of each input."""
    return draw_dots(settings)


STUDY_OF = Study(
    name="representation",
    about=__doc__ or "",
    sweep=sweep,
    draw=draw,
    pairs=(
        ("appearance of the apex", "difference"),
        ("difference", "flow, DIS"),
        ("difference", "flow, TV-L1"),
        ("flow, TV-L1", "flow, DIS"),
    ),
    reading="as expected, the apex face alone is at chance, the difference of the two faces is "
    "far above it and flow far above that; the two flows are not seen to differ. The "
    "paper's input is a face, and real faces may tell more than rendered ones; what they "
    "then tell is in part who somebody is.",
)

if __name__ == "__main__":
    main(STUDY_OF)
