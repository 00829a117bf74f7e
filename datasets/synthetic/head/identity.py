"""Who the person is: a head shape and a style, drawn from one seed."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from mace.datasets.synthetic.head.assets import LOCAL, head_assets
from mace.datasets.synthetic.head.mesh import head_mesh

_ENDINGS = (
    ("decr", "incr"),
    ("down", "up"),
    ("in", "out"),
    ("backward", "forward"),
    ("concave", "convex"),
    ("compress", "uncompress"),
    ("l", "r"),
)
_OPPOSITE = {low: high for low, high in _ENDINGS}
_HIGH = {high: low for low, high in _ENDINGS}

# How far each family of local targets may go, as a share of its full range. The first match counts;
# 0 leaves out what moves the head as a whole and would only look like another camera.
_LIMITS = (
    ("head-trans", 0.0),
    ("head-angle", 0.0),
    ("head-back-scale", 0.0),
    ("neck-trans", 0.0),
    ("asym", 0.35),
    ("head-", 0.55),
    ("neck", 0.4),
    ("measure-neck", 0.35),
    ("eye-trans", 0.5),
    ("eye-", 0.55),
    ("eyebrows", 0.9),
    ("nose-trans", 0.45),
    ("mouth-trans", 0.4),
    ("nose", 0.75),
    ("mouth", 0.55),
    ("chin", 0.6),
    ("cheek", 0.75),
    ("ear", 0.7),
    ("forehead", 0.85),
)
_DEFAULT_LIMIT = 0.5

# sRGB is approximated by a power law in both directions; the tone curve is not photometric anyway.
GAMMA = 2.2
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def to_linear(colour: object) -> Float32[np.ndarray, "..."]:
    """Linear light from 8-bit display values."""
    return (np.asarray(colour, np.float32) / np.float32(255)) ** np.float32(GAMMA)


_SKIN_TONES = to_linear(
    [
        [243, 214, 196],
        [232, 190, 163],
        [216, 168, 136],
        [188, 138, 106],
        [148, 102, 76],
        [104, 70, 52],
        [74, 50, 40],
    ]
)
_HAIR_COLOURS = to_linear(
    [[18, 14, 12], [34, 24, 18], [62, 42, 28], [110, 78, 48], [158, 126, 84], [140, 136, 132]]
)
_IRIS_COLOURS = to_linear(
    [[50, 30, 18], [84, 54, 30], [112, 92, 50], [88, 104, 86], [92, 120, 150], [110, 120, 128]]
)


@dataclass(frozen=True)
class Style:
    """What the head looks like beyond its shape.

    Attributes:
        male: from 0 (female) to 1 (male).
        age: from 0 (young) to about 0.85 (old).
        tone: linear luminance of the skin.
        hair: of hair, brows and beard.
        iris: of the iris.
        shine: of the hair, about 0.1 to 0.6.
        cut: length of the hair.
        beard: density of the stubble, 0 to 1.
    """

    male: float
    age: float
    tone: float
    hair: float
    iris: float
    shine: float
    cut: str
    beard: float


def _limit(stem: str) -> float:
    return next((limit for prefix, limit in _LIMITS if stem.startswith(prefix)), _DEFAULT_LIMIT)


def _macro_weights(
    rng: np.random.Generator, ancestry: np.ndarray, male: float, age: float
) -> dict[str, float]:
    """Mix ancestry, sex, age, weight and muscle, whose targets exist for every corner."""
    sexes, ages = {"female": 1 - male, "male": male}, {"young": 1 - age, "old": age}
    weight, muscle = rng.normal(0, 0.5), rng.normal(0, 0.35)
    mix: dict[str, float] = {}
    for sex, sex_share in sexes.items():
        for era, age_share in ages.items():
            share = sex_share * age_share
            for name, part in zip(("african", "asian", "caucasian"), ancestry, strict=True):
                mix[f"{name}-{sex}-{era}"] = float(part) * share
            body = f"universal-{sex}-{era}"
            heavy = "max" if weight > 0 else "min"
            strong = "max" if muscle > 0 else "min"
            mix[f"{body}-averagemuscle-{heavy}weight"] = share * min(abs(weight), 0.9)
            mix[f"{body}-{strong}muscle-averageweight"] = share * min(abs(muscle), 0.8)
    return mix


def _local_weights(rng: np.random.Generator) -> dict[str, float]:
    """Random local shape; opposite targets form one axis, and left and right nearly agree."""
    names = head_assets().of_kind(LOCAL)
    known = set(names)
    shared: dict[str, float] = {}
    weights: dict[str, float] = {}
    for name in names:
        stem, _, ending = name.rpartition("-")
        low = ending if ending in _OPPOSITE else _HIGH.get(ending, "")
        high = _OPPOSITE.get(low, "")
        paired = f"{stem}-{low}" in known and f"{stem}-{high}" in known
        if paired and ending == high:
            continue
        axis = (stem if paired else name).removeprefix("l-").removeprefix("r-")
        if axis in shared:
            value = shared[axis] + rng.normal(0, 0.05)
        else:
            value = shared[axis] = rng.normal(0, 0.55) * (rng.random() < 0.8)
        value = float(np.clip(value, -1.5, 1.5)) * _limit(axis)
        if paired:
            weights[f"{stem}-{high}"], weights[f"{stem}-{low}"] = max(value, 0), max(-value, 0)
        else:
            weights[name] = max(value, 0) * 0.6
    return weights


def draw_identity(rng: np.random.Generator) -> tuple[Float32[np.ndarray, "v 3"], Style]:
    """Draw coarse vertices in decimetres, eyes in the average place, and a style."""
    ancestry = rng.dirichlet([0.22, 0.25, 0.25])
    male = float(rng.beta(0.25, 0.25))
    age = float(rng.beta(0.6, 0.9) * 0.9)
    assets, mesh = head_assets(), head_mesh()
    weights = _macro_weights(rng, ancestry, male, age) | _local_weights(rng)
    shape = assets.vertices + assets.blend(weights)

    def eye_middle(points: np.ndarray) -> np.ndarray:
        return np.mean([points[eye].mean(0) for eye in mesh.coarse_eyes], 0)

    shape = (shape - eye_middle(shape) + eye_middle(mesh.average)).astype(np.float32)
    return shape, _draw_style(rng, ancestry, male, age)


def _draw_style(rng: np.random.Generator, ancestry: np.ndarray, male: float, age: float) -> Style:
    shade = np.clip(ancestry @ [5.2, 1.6, 0.6] + rng.normal(0, 0.55), 0, 5.8)
    step = int(shade)
    tone = _SKIN_TONES[step] * (step + 1 - shade) + _SKIN_TONES[step + 1] * (shade - step)
    dark = float(ancestry[0] + ancestry[1])
    fair = 1 - dark
    hair_odds = np.array(
        [2 + 3 * dark, 2, 1.6 * fair, 1.4 * fair**2, 1.0 * fair**2, 0.2 + 2.5 * age]
    )
    iris_odds = np.array([3 + 4 * dark, 2, fair, 0.8 * fair, 1.3 * fair**2, 0.9 * fair**2])
    is_male = male > 0.5
    cut_odds = [0.2, 0.42, 0.24, 0.14] if is_male else [0.03, 0.3, 0.67, 0.0]
    skin = (tone * rng.normal(1, 0.035, 3)).astype(np.float32)
    hair = _HAIR_COLOURS[rng.choice(6, p=hair_odds / hair_odds.sum())]
    hair = (hair * rng.uniform(0.8, 1.25)).astype(np.float32)
    return Style(
        male=male,
        age=age,
        tone=float(skin @ _LUMA),
        hair=float(hair @ _LUMA),
        iris=float(_IRIS_COLOURS[rng.choice(6, p=iris_odds / iris_odds.sum())] @ _LUMA),
        shine=float(hair.mean() ** 0.5),
        cut=str(rng.choice(["buzz", "short", "medium", "bald"], p=cut_odds)),
        beard=float(np.clip(rng.normal(0.35, 0.45), 0, 1)) if is_male else 0.0,
    )
