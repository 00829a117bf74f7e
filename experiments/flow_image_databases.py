"""Three rendered databases in place of the three whose public flow images make the MEGC 2019 set.

Their sizes, numbers of people and classes are those of the composite (See et al., "MEGC 2019", FG
2019); which person shows how many of what is drawn. How each is recorded and framed is made up, in
the direction in which the real ones differ: CASME II a close, clean picture, SMIC a noisy one with
half the face's resolution and self-reported classes, SAMM a gray one under flickerless light.
"""

from dataclasses import dataclass, field

import numpy as np

from mace.datasets.synthetic.picture.picture_config import PictureConfig
from mace.errors import ConfigError

CLASSES = ("negative", "positive", "surprise")
"""Names of the labels 0, 1 and 2 of the public files."""

_AT_LEAST = 0.3  # a person's part of the clips, before it is multiplied by habits


@dataclass(frozen=True, kw_only=True)
class Database:
    """One of the databases that a folder is made of.

    Attributes:
        name: as in the public label files: `casme2`, `smic` or `samm`.
        people: how many.
        counts: clips by class.
        negative: emotions that are called negative, and their shares.
        uncorrected: share of pairs whose crops stay where the onset's was.
        peak_px: about the range of the peak skin displacement, in px of the 128-px crop.
        picture: how it is recorded.
    """

    name: str
    people: int
    counts: tuple[int, int, int]
    negative: tuple[tuple[str, float], ...]
    uncorrected: float = 0.5
    peak_px: tuple[float, float] = (0.2, 2.2)
    picture: PictureConfig = field(default_factory=PictureConfig)

    def __post_init__(self) -> None:
        if not 1 <= self.people <= sum(self.counts):
            raise ConfigError(
                f"{self.name} has {self.people} people and {sum(self.counts)} clips; expected at "
                "least one person, and a clip for each"
            )

    @property
    def emotions(self) -> tuple[dict[str, float], ...]:
        """Emotions of each class, with their shares."""
        return dict(self.negative), {"happiness": 1.0}, {"surprise": 1.0}


DATABASES = (
    Database(
        name="casme2",
        people=24,
        counts=(88, 32, 25),
        negative=(("disgust", 0.68), ("repression", 0.32)),
        uncorrected=0.4,
        picture=PictureConfig(native_px=(90.0, 130.0), noise=0.9, light=1.0, compressed=0.8),
    ),
    Database(
        name="smic",
        people=16,
        counts=(70, 51, 43),
        negative=(("disgust", 0.3), ("sadness", 0.3), ("fear", 0.2), ("anger", 0.2)),
        uncorrected=0.8,
        peak_px=(0.2, 1.8),
        picture=PictureConfig(native_px=(50.0, 80.0), noise=2.0, light=1.4, flicker=0.6),
    ),
    Database(
        name="samm",
        people=28,
        counts=(92, 26, 15),
        negative=(
            ("anger", 0.55),
            ("contempt", 0.13),
            ("disgust", 0.10),
            ("fear", 0.09),
            ("sadness", 0.07),
            ("repression", 0.06),
        ),
        uncorrected=0.6,
        peak_px=(0.2, 1.6),
        picture=PictureConfig(native_px=(110.0, 150.0), noise=1.4, light=0.8, flicker=0.2),
    ),
)
"""The composite: 442 clips of 68 people."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A clip to be made.

    Attributes:
        database: which.
        person: number of the person in the database, from 0.
        label: what the label file will say, 0 to 2.
        shown: class on the face; another one for a wrong label.
        emotion: on the face.
        corrected: whether its crops follow the head.
    """

    database: Database
    person: int
    label: int
    shown: int
    emotion: str
    corrected: bool


def deal(database: Database, *, wrong: float, rng: np.random.Generator) -> list[Slot]:
    """Deal the clips of a database to its people, every one of whom gets at least one.

    Few people have many clips, and a person's clips tend to be of one class, as in the composite.
    """
    labels = np.repeat(np.arange(3), database.counts)
    rng.shuffle(labels)
    activity = _AT_LEAST + rng.lognormal(0, 0.9, database.people)
    taste = rng.gamma(1.0, 1.0, (database.people, 3))
    weights = activity[:, None] * (taste / taste.sum(1, keepdims=True) + 0.1)
    weights /= weights.sum(0)
    people = np.array([rng.choice(database.people, p=weights[:, label]) for label in labels])
    people[: database.people] = rng.permutation(database.people)
    slots = []
    for person, label in sorted(zip(people.tolist(), labels.tolist(), strict=True)):
        shown = label
        if rng.random() < wrong:
            others = np.array(database.counts, np.float64)
            others[label] = 0
            shown = int(rng.choice(3, p=others / others.sum())) if others.any() else label
        emotions = database.emotions[shown]
        shares = np.array(list(emotions.values()))
        emotion = str(rng.choice(list(emotions), p=shares / shares.sum()))
        slots.append(
            Slot(
                database=database,
                person=person,
                label=label,
                shown=shown,
                emotion=emotion,
                corrected=bool(rng.random() >= database.uncorrected),
            )
        )
    return slots
