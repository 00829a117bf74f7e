"""What do atrous branches and their receptive field give, at an equal number of weights?

The method of Lai, Chen, Jia and Qian 2020, "Real-time micro-expression recognition based on ResNet
and atrous convolutions", replaces the convolutions of a residual network by parallel ones of
several rates. Rates widen what a unit sees at no cost in weights (Yu and Koltun 2016, "Multi-scale
context aggregation by dilated convolutions"), and may leave holes (Wang et al. 2018,
"Understanding convolution for semantic segmentation", section 3.2). The same network with other
rates has exactly as many weights; the plain residual network (He et al. 2016) is widened to about
as many. The stem halves the picture only, so that the receptive field differs on an input of 28 px:
22 px with rate 1, up to all of it and more.

Expected: little. The head keeps the place of what it sees on a 4 x 4 grid, so a unit need not see
the whole face; a small advantage of several rates over one is plausible, none is certain.

Cost: six settings of 5 s a fold, 6 minutes on one core for two seeds.
Command: `python -m mace.experiments.dilation`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mace.evaluation.results import Evaluation
from mace.experiments.network_size import count_weights
from mace.experiments.study import STUDY, Setting, Study
from mace.experiments.study_command import main
from mace.experiments.study_figures import draw_dots
from mace.experiments.study_results import Pooled
from mace.models.config import ModelConfig
from mace.models.receptive import receptive_field

WIDTHS = (12, 16)
# Two plain 3x3 convolutions of a block hold fewer weights than three branches and their fusion.
PLAIN_WIDTHS = (14, 20)
PLAIN = "plain ResNet"
RATES = ((1, 2, 3), (1, 1, 1), (1, 1, 2), (1, 2, 4), (2, 2, 2))


@dataclass(frozen=True, kw_only=True)
class Config(Setting):
    """A network (in the recipe)."""

    def measure(self, evaluation: Evaluation, *, seed: int) -> Mapping[str, float | None]:
        """Return the receptive field, px of the input, and the number of weights."""
        model, classes = self.recipe.train.model, len(evaluation.classes)
        return {
            "field": float(receptive_field(model).size),
            "weights": float(count_weights(model, self.recipe.motion, classes=classes)),
        }


def sweep() -> tuple[Config, ...]:
    """Return the rates, and the plain network."""
    base = replace(STUDY.train.model, stem_stride=2, widths=WIDTHS)
    models: dict[str, ModelConfig] = {
        setting_name(rates): replace(base, dilations=rates) for rates in RATES
    }
    models[PLAIN] = replace(base, arch="resnet", widths=PLAIN_WIDTHS)
    return tuple(
        Config(name=name, recipe=replace(STUDY, train=replace(STUDY.train, model=model)))
        for name, model in models.items()
    )


def setting_name(rates: tuple[int, ...]) -> str:
    """Return what a setting is called."""
    return f"rates {', '.join(map(str, rates))}"


def draw(settings: Mapping[str, Pooled]) -> bytes:
    """Draw UF1 of each network beside its receptive field."""
    return draw_dots(
        {f"{name} ({pooled.extra('field'):.0f} px)": pooled for name, pooled in settings.items()}
    )


STUDY_OF = Study(
    name="dilation",
    about=__doc__ or "",
    sweep=sweep,
    draw=draw,
    pairs=tuple(
        (other, setting_name(RATES[0])) for other in (*map(setting_name, RATES[1:]), PLAIN)
    ),
    reading="as expected, neither another set of rates nor the plain network is seen to differ "
    "from rates 1, 2, 3 on 28 px. This says nothing about larger pictures, or about heads "
    "that forget the place.",
    extras={"field": "receptive field, px", "weights": "weights"},
)

if __name__ == "__main__":
    main(STUDY_OF)
