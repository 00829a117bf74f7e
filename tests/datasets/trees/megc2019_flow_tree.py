"""A folder of flow images like the ones that circulate for the MEGC2019 composite.

Names, folds and label files are those of the public ones; the pictures are drawn: a blob of motion
where the class moves a face, on a person's own offset, under noise, stretched to 8 bits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

# Clips of each subject: negative, positive, surprise. Counted in the official label file.
FOLDS: dict[str, dict[str, tuple[int, int, int]]] = {
    "casme2": {
        "sub01": (2, 1, 0),
        "sub02": (5, 1, 3),
        "sub03": (4, 0, 1),
        "sub04": (2, 0, 0),
        "sub05": (0, 1, 5),
        "sub06": (1, 1, 2),
        "sub07": (5, 0, 0),
        "sub08": (1, 0, 0),
        "sub09": (5, 5, 0),
        "sub11": (4, 0, 0),
        "sub12": (5, 2, 4),
        "sub13": (0, 2, 0),
        "sub14": (0, 3, 0),
        "sub15": (1, 1, 1),
        "sub16": (1, 2, 0),
        "sub17": (23, 7, 1),
        "sub19": (3, 3, 5),
        "sub20": (2, 0, 0),
        "sub21": (1, 0, 0),
        "sub22": (2, 0, 0),
        "sub23": (7, 1, 0),
        "sub24": (2, 0, 1),
        "sub25": (3, 0, 2),
        "sub26": (9, 2, 0),
    },
    "smic": {
        "s01": (3, 2, 1),
        "s02": (0, 1, 5),
        "s03": (22, 11, 6),
        "s04": (10, 4, 5),
        "s05": (1, 0, 1),
        "s06": (2, 0, 2),
        "s08": (9, 4, 0),
        "s09": (0, 1, 3),
        "s11": (3, 3, 1),
        "s12": (0, 8, 1),
        "s13": (0, 10, 0),
        "s14": (3, 2, 5),
        "s15": (1, 1, 2),
        "s18": (2, 0, 5),
        "s19": (0, 1, 1),
        "s20": (14, 3, 5),
    },
    "samm": {
        "006": (9, 0, 2),
        "007": (1, 5, 2),
        "009": (3, 0, 1),
        "010": (4, 0, 0),
        "011": (13, 7, 0),
        "012": (2, 0, 1),
        "013": (6, 0, 0),
        "014": (2, 7, 1),
        "015": (2, 0, 1),
        "016": (2, 1, 2),
        "017": (3, 0, 1),
        "018": (2, 0, 1),
        "019": (0, 1, 0),
        "020": (2, 2, 0),
        "021": (2, 0, 0),
        "022": (3, 2, 0),
        "023": (1, 0, 0),
        "024": (1, 0, 0),
        "026": (9, 0, 0),
        "028": (1, 0, 2),
        "030": (3, 0, 0),
        "031": (1, 0, 0),
        "032": (4, 0, 0),
        "033": (4, 1, 0),
        "034": (3, 0, 0),
        "035": (7, 0, 1),
        "036": (1, 0, 0),
        "037": (1, 0, 0),
    },
}

CLASSES = ("negative", "positive", "surprise")
SIZE = 28

# Where a class moves a face of 28 px: x, y of the blob and its u, v.
_MOTION = {
    0: ((9.0, 9.0, 0.5, 0.8), (19.0, 9.0, -0.5, 0.8)),
    1: ((9.0, 20.0, -0.7, -0.5), (19.0, 20.0, 0.7, -0.5)),
    2: ((9.0, 6.0, 0.0, -1.0), (19.0, 6.0, 0.0, -1.0)),
}


@dataclass(frozen=True)
class Sample:
    """A line of the label file."""

    database: str
    subject: str
    clip: str
    label: int

    @property
    def name(self) -> str:
        return f"{self.database}/{self.subject}/{self.clip}"

    @property
    def stem(self) -> str:
        """The picture's name: SMIC's clips are named without the zero, as its frames are."""
        clip = self.clip
        if self.database == "smic":
            person, rest = clip.split("_", 1)
            clip = f"s{int(person[1:])}_{rest}"
        return f"{self.subject}_{clip}"


@dataclass
class FlowTree:
    """Where everything was put."""

    root: Path
    labels: Path
    images: dict[str, Path] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)


def composite() -> Iterator[Sample]:
    """Yield all 442 samples of 68 subjects, with names of the databases' own forms."""
    for database, subjects in FOLDS.items():
        for subject, counts in subjects.items():
            for label, count in enumerate(counts):
                for number in range(1, count + 1):
                    clip = {
                        "casme2": f"EP{label + 1:02d}_{number:02d}" + "f" * (number % 2),
                        "smic": f"{subject}_{('ne', 'po', 'sur')[label]}_{number:02d}",
                        "samm": f"{subject}_{label + 1}_{number}",
                    }[database]
                    yield Sample(database, subject, clip, label)


def draw_flow(rng: np.random.Generator, label: int, *, noise: float = 0.12) -> np.ndarray:
    """Return a picture, uint8 (28, 28, 3), channels u, v, strain, each stretched by itself."""
    grid_y, grid_x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    flow = rng.normal(0, noise, (SIZE, SIZE, 2)) + rng.normal(0, 0.1, 2)
    flow = cv2.GaussianBlur(flow, (5, 5), 0)
    strength = rng.uniform(0.2, 1.0)
    for x, y, u, v in _MOTION[label]:
        x, y = x + rng.normal(0, 1.5), y + rng.normal(0, 1.5)
        blob = np.exp(-((grid_x - x) ** 2 + (grid_y - y) ** 2) / (2 * 3.0**2))
        flow += strength * rng.uniform(0.3, 1) * blob[..., None] * np.array([u, v])
    ux, uy = np.gradient(flow[..., 0], axis=1), np.gradient(flow[..., 0], axis=0)
    vx, vy = np.gradient(flow[..., 1], axis=1), np.gradient(flow[..., 1], axis=0)
    strain = np.sqrt(ux**2 + vy**2 + (uy + vx) ** 2 / 2)
    return np.stack([_stretch(c) for c in (flow[..., 0], flow[..., 1], strain)], axis=-1)


def make_tree(
    root: Path,
    *,
    form: Literal["plain", "blank-lines", "header"] = "plain",
    blank_before_dot: bool = True,
    samples: list[Sample] | None = None,
    seed: int = 0,
) -> FlowTree:
    """Write pictures and labels in one of the circulating forms, nested as a zip leaves them."""
    rng = np.random.default_rng(seed)
    folder = root / "Download (1)" / "norm_u_v_os"
    folder.mkdir(parents=True)
    tree = FlowTree(root, root / "Download (1)" / _label_name(form))
    tree.samples = list(composite()) if samples is None else samples
    for sample in tree.samples:
        path = folder / f"{sample.stem}{' ' * blank_before_dot}.png"
        write_picture(path, draw_flow(rng, sample.label))
        tree.images[sample.name] = path
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    tree.labels.write_text(label_text(tree.samples, form), encoding="utf-8")
    return tree


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write red, green, blue (or gray) as they are meant; OpenCV wants blue first."""
    assert cv2.imwrite(str(path), picture[..., ::-1] if picture.ndim == 3 else picture)


def label_text(samples: list[Sample], form: str) -> str:
    """Return a label file's text."""
    if form == "header":
        lines = ["dataset,sub,filename_o,label,apex,imagename,sub_filename"]
        lines += [f"{s.database},{s.subject},{s.clip},{s.label},,{s.stem}.jpg," for s in samples]
        return "\n".join(lines) + "\n"
    lines = []
    for sample in samples:
        subject = sample.subject
        if sample.database == "samm":
            subject = subject.lstrip("0")
        lines.append(f"{sample.database},{subject},{sample.clip},{sample.label}")
        if form == "blank-lines":
            lines.append(",,,")
    return "\n".join(lines) + "\n"


def _label_name(form: str) -> str:
    return {
        "plain": "combined_3class_gt.csv",
        "blank-lines": "combined_3class_gt-2.csv",
        "header": "combined_3_class2_for_optical_flow.csv",
    }[form]


def _stretch(channel: np.ndarray) -> np.ndarray:
    low, high = channel.min(), channel.max()
    return np.round(255 * (channel - low) / (high - low)).astype(np.uint8)
