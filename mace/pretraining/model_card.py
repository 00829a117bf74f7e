"""The model card: what a pre-trained network is, what it is for, and what was measured of it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mace.bundle import Bundle
from mace.files import write_json, write_text
from mace.models.apply import count_parameters
from mace.pretraining.config import PretrainingConfig

_HEAD = """# Model card: MACNN, pre-trained on rendered faces

Written by `{command}`; every figure below is from that run.

## What it is
A network of {parameters:,} parameters that names the movement between two pictures of one face,
onset and apex, from their optical flow: negative, positive or surprise, in the sense of MEGC 2019,
and the FACS action units that make it.
It was trained on {pairs:,} rendered onset-apex pairs of {people:,} synthetic people and on motion
fields of the same people, made up while it learnt. **It has learnt from no picture of a real
person**; versions of its recipe were compared on rendered people and on the one photograph below,
and one mistake of the rendering was seen on real clips (under What was measured).
Heads: MakeHuman's CC0 data; action units: FACS as in `movement/prototypes.py` and
`person/anatomy.py` of `datasets/synthetic`, where the sources are.

Input: u, v and optical strain at {size} x {size}, each channel of each image brought to mean 0 and
deviation 1. So it also reads flow images that others have stretched; `mace/motion/conventions.py`
states what it was made to bear. Weights: {bytes:,} bytes, under the licence of the code.

`mace live` and `mace spot` temper its probabilities by {temperature:.2f}, which was fitted on the
validation people of `mace/pretraining/pair_tests.py`, in both kinds of recording.

## What it is for
- A first answer where there are no labels, and a start for fine-tuning where there are few
  (`mace evaluate --zero-shot pretrained`, `mace train --init pretrained`).
- A baseline that no licence stands in the way of, the same for everybody.
- `mace live` on one's own face.

## What it must not be used for
- Judging people: not in hiring, policing, borders, schools, insurance, health or lie detection. A
  movement is not a feeling, a feeling is not a fact, and most feelings show in no such movement.
- Watching anybody who has not agreed to it.
- As evidence about real faces beyond what was measured on real faces. **All figures on this page
  are of rendered ones**, and rendered faces are cleaner, and more alike, than people are.

## What was measured
{measured_on}
Four recipes before this one were measured on these people as well. In two of them AU7, AU10 and
AU14 moved otherwise and alike in everybody, so that their figures do not compare; the third and
the fourth had a quarter and half as many people, and what was made up had the errors of a modelled
estimator (UF1 0.817 and 0.827 on `same`, 0.783 and 0.785 on `shifted`).
That the three units did not move as people's do was seen by asking an earlier network about 278
real clips of MEGC 2019's composite, whose sheets name units; how they move now was written by
FACS's descriptions, and nothing was fitted to those clips or chosen on them. Everything else was
chosen on the validation people, by another unseen estimator. No weight was learnt from either.

### Against a logistic regression on the same pixels of the same training pairs
UF1 over both presentations (public flow images, our own clips), 95 % intervals over people.

{scores}

`same` differs from training in its people. `shifted` also in lenses, pose, light, tone curves,
skin, glasses and compression. {unseen} was used in no training.

### Action units
Outputs for {unit_names}.

Area under the ROC curve and F1 of calling what is above the unit's own threshold, which was fitted
on the validation people, on `same` and `shifted` in both presentations; strength (median, and its
median error, px of the 128-px crop) and side (share right where one half makes at most a third) as
our own clips show them. A unit is there if it moves the skin by 15 % of the pair's strongest.

{units}

### Other emotions
Read from the action units by the prototypes of each (`mace/emfacs.py`), every class taken as
equally likely: anger, contempt, disgust, fear, happiness, sadness and surprise, which share units.

{emotions}

### Other crops
UF1 on `shifted` by `{window_estimator}`, as public images, before and after `--adapt`, which
chooses windows, over which predictions are averaged, and order and signs of the channels on half of
the people, without a label, for the other half.

{windows}

### A photograph set in motion
The face of `skimage.data.astronaut`, moved by displacement fields of action units of 1 to 2 px
(px of the 128-px crop, eye distance 51), sensor noise 1 gray level, DIS flow, {warps} warps.
Share named rightly: {photo_own:.1%} presented as our own clips, {photo_public:.1%} as public
images. By prototype (own, public):

{prototypes}

### Who and what
UF1 on `same`, DIS flow, both presentations. Groups are of rendered heads; "sex" and "age" are
sliders of a mesh, and tell whether the geometry matters, not how the network treats people.

{groups}

## Limits
- The classes are prototypes of action units. What people show when they report a feeling agrees
  with them only in part; a score on real clips is bounded by that before it is by the network.
- A still face has no class of its own: ask only where something moves (`--live.adapt-s`).
- Movements below about 0.4 px are mostly below the noise of cameras and of flow estimators.
"""


def write_card(
    folder: Path,
    bundle: Bundle,
    measured: Mapping[str, Any],
    *,
    config: PretrainingConfig,
    command: str,
) -> None:
    """Write `measured.json` and `MODEL_CARD.md` into the folder of a bundle.

    Raises:
        OutputError: if they cannot be written.
    """
    write_json(folder / "measured.json", measured)
    card = render_card(
        measured,
        parameters=count_parameters(bundle.variables),
        size=bundle.motion.size,
        weights=(folder / "weights.npz").stat().st_size,
        people=config.people,
        pairs=config.people * config.pairs_each,
        temperature=bundle.temperature,
        command=command,
    )
    write_text(folder / "MODEL_CARD.md", card)


def render_card(
    measured: Mapping[str, Any],
    *,
    parameters: int,
    size: int,
    weights: int,
    people: int,
    pairs: int,
    temperature: float,
    command: str,
) -> str:
    """Return the card as Markdown.

    Args:
        measured: from `measure_network`.
        parameters: of the network.
        size: side of its input.
        weights: size of the weights in bytes.
        people: that it was trained on.
        pairs: that were rendered for it.
        temperature: of the bundle.
        command: that made it.
    """
    photo = measured["photograph"]
    groups = measured["groups"] | {"light": measured["light"]}
    part = "The test half" if measured["part"] == "test" else "The validation half"
    unseen = measured["unseen"]["shifted"]
    return _HEAD.format(
        command=command,
        parameters=parameters,
        size=size,
        bytes=weights,
        people=people,
        pairs=pairs,
        temperature=temperature,
        measured_on=(
            f"{part} of `mace/pretraining/pair_tests.py`: people that training does not know."
        ),
        scores=_scores(measured["scores"]),
        unseen=f"The estimator `{unseen}`",
        warps=photo["warps"],
        photo_own=photo["own"],
        photo_public=photo["public"],
        prototypes=_prototypes(photo["prototypes"]),
        groups=_groups(groups),
        unit_names=", ".join(f"AU{unit}" for unit in measured["units"]["same"]),
        units=_units(measured["units"]),
        emotions=_emotions(measured["emotions"]),
        window_estimator=unseen,
        windows=_windows(measured["windows"]),
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _interval(value: Iterable[float]) -> str:
    low, high = value
    return f"[{low:.3f}, {high:.3f}]"


def _scores(scores: Mapping[str, Any]) -> str:
    return _table(
        ("test set, estimator", "network UF1", "UAR", "logistic UF1", "network is ahead by"),
        (
            (
                name,
                f"{row['network']['uf1']:.3f} {_interval(row['network']['interval'])}",
                f"{row['network']['uar']:.3f}",
                f"{row['logistic']['uf1']:.3f}",
                f"{row['lead']['uf1']:.3f} {_interval(row['lead']['interval'])}",
            )
            for name, row in scores.items()
        ),
    )


def _prototypes(prototypes: Mapping[str, Any]) -> str:
    return _table(
        ("prototype", "warps", "own", "public"),
        (
            (name, str(row["warps"]), f"{row['own']:.0%}", f"{row['public']:.0%}")
            for name, row in prototypes.items()
        ),
    )


def _units(tests: Mapping[str, Any]) -> str:
    def row(unit: str) -> tuple[str, ...]:
        same, shifted = tests["same"][unit], tests["shifted"][unit]
        return (
            f"AU{unit}",
            f"{same['auc']:.2f}, {shifted['auc']:.2f}",
            f"{same['f1']:.2f}, {shifted['f1']:.2f}",
            f"{same['f1 below 0.6 px']:.2f}, {same['f1 0.6 px and more']:.2f}",
            f"{same['f1 turned below 5 degrees']:.2f}, {same['f1 turned 5 degrees and more']:.2f}",
            f"{same['px']:.2f}, {same['px_error']:.2f}",
            "none" if same["side"] is None else f"{same['side']:.0%}",
        )

    def mean(name: str) -> str:
        return ", ".join(
            f"{sum(unit[name] for unit in test.values()) / len(test):.2f}"
            for test in (tests["same"], tests["shifted"])
        )

    return _table(
        (
            "unit", "AUC same, shifted", "F1 same, shifted", "F1 below 0.6 px, above",
            "F1 turned below 5 degrees, above", "px, error", "side",
        ),
        (*map(row, tests["same"]), ("mean", mean("auc"), mean("f1"), "", "", "", "")),
    )  # fmt: skip


def _emotions(tests: Mapping[str, Any]) -> str:
    return _table(
        ("test set", "pairs", "UF1", "UAR"),
        (
            (name, str(row["pairs"]), f"{row['uf1']:.3f}", f"{row['uar']:.3f}")
            for name, row in tests.items()
        ),
    )


def _windows(windows: Mapping[str, Any]) -> str:
    return _table(
        ("images", "as they are", "after --adapt"),
        ((name, f"{row['before']:.3f}", f"{row['after']:.3f}") for name, row in windows.items()),
    )


def _groups(groups: Mapping[str, Any]) -> str:
    return _table(
        ("", "group", "people", "pairs", "UF1"),
        (
            (
                title,
                name,
                str(row["people"]),
                str(row["pairs"]),
                f"{row['uf1']:.3f} {_interval(row['interval'])}",
            )
            for title, members in groups.items()
            for name, row in members.items()
        ),
    )
