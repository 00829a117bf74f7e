"""A folder in the public form of MEGC 2019's flow images, all of RENDERED faces.

It stands in for the public folder, which MACE neither holds nor fetches, in tests and where
settings are chosen, so that the real one stays untouched until the end. Nothing measured on it says
anything about people: `RENDERED.md` in the folder repeats that.

`action_units.csv` lists what a coder would have seen of each (`--units-from`).

What it shows: 442 clips of 68 people in three databases, whose framing, camera, head motion and
mixture of action units differ (`flow_image_databases`), TV-L1 flow with no head motion taken out,
each channel stretched to 8 bits. A share of the labels is wrong, as self-reports are.
Cost: about a minute on two CPU cores.
Command: `python -m mace.experiments.flow_image_folder OUT --seed 0`, then
`mace prepare megc2019_flow --manual-dir OUT`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jaxtyping import Array, Float, Float16, UInt8

from mace.compilation import keep_compiled
from mace.config import to_dict
from mace.data.flow_images import stretch_flow
from mace.datasets.synthetic.movement.action_units import UNITS
from mace.datasets.synthetic.movement.prototypes import EMOTION_NAMES, prototype_table
from mace.datasets.synthetic.pairs.canvas import on_cells
from mace.datasets.synthetic.pairs.cast import Cast, make_cast
from mace.datasets.synthetic.pairs.config import HeadConfig, PairConfig
from mace.datasets.synthetic.pairs.draw import Plans, plan_pairs, present_units
from mace.datasets.synthetic.pairs.estimators import measure
from mace.datasets.synthetic.pairs.rendering import render_pictures
from mace.errors import ConfigError, OutputError
from mace.experiments.flow_image_databases import CLASSES, DATABASES, Database, Slot, deal
from mace.files import atomic_path, write_json, write_text
from mace.motion.conventions import PUBLIC_WINDOW, Window, channels_of, cut
from mace.progress import progress

SIZE = 28
LABELS = "combined_3class_gt.csv"
UNITS_TABLE = "action_units.csv"

_DRAWN = 1536  # plans per person, from which those with the wanted emotions are taken
_STREAM = 0xF10A6
_AT_ONCE = 16
_NOTICE = """# Rendered, not recorded

The flow images in this folder were computed from pictures of rendered heads. They have the form of
the public flow images of MEGC 2019 and share nothing else with them: no face, no subject, no clip.
Whatever is measured on them says nothing about people. `rendered.json` holds the settings and what
each face really shows; `python -m mace.experiments.flow_image_folder` makes the folder again.
"""


@dataclass(frozen=True, kw_only=True)
class FolderConfig:
    """What decides the content of a folder.

    Attributes:
        seed: of everything random, the people included.
        wrong: share of labels that another class is on the face than the label says.
        framing: each edge of a database's window is off by up to this, in eye distances.
        au_spread: how much the shares of the prototypes differ from database to database
            (deviation of their logarithm).
        first: seed of the first person of seed 0; no other rendered set has people from here.
    """

    seed: int = 0
    wrong: float = 0.15
    framing: float = 0.12
    au_spread: float = 0.5
    first: int = 970_000

    def __post_init__(self) -> None:
        if not 0 <= self.wrong <= 1:
            raise ConfigError(f"the share of wrong labels is {self.wrong}, expected 0 to 1")
        if self.seed < 0 or not 0 <= self.framing <= 0.3 or self.au_spread < 0:
            raise ConfigError(
                f"seed {self.seed}, framing {self.framing}, au_spread {self.au_spread}: expected "
                "0 or more, the framing at most 0.3"
            )


def write_folder(
    out: Path, config: FolderConfig, *, databases: Sequence[Database] = DATABASES
) -> Path:
    """Render a folder of flow images and return it; pictures, label file, units and truth.

    Raises:
        OutputError: if `out` is there already and not empty, or cannot be written to.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} exists and is not empty; choose another folder")
    rng = np.random.default_rng([_STREAM, config.seed])
    slots = [slot for database in databases for slot in deal(database, wrong=config.wrong, rng=rng)]
    windows = {database.name: _window(rng, config.framing) for database in databases}
    first = config.first + 1000 * config.seed
    cast = make_cast(range(first, first + sum(d.people for d in databases)), poses_each=1)
    plans = _plans(slots, databases, cast, config, rng)
    counts: Counter[tuple[str, int, int]] = Counter()
    rows: dict[str, dict[str, Any]] = {}
    listed = present_units(plans.unit_px)
    coded = ["clip,aus"]
    with progress("rendering flow images", len(slots)) as advance:
        for database in databases:
            chosen = [k for k, slot in enumerate(slots) if slot.database == database]
            part = jax.tree.map(lambda leaf, chosen=chosen: leaf[chosen], plans)
            reference, target, _ = render_pictures(part, cast, picture=database.picture, seed=first)
            for start in range(0, len(chosen), _AT_ONCE):
                some = slice(start, start + _AT_ONCE)
                flow = measure(reference[some], target[some], estimator="tvl1")
                pictures = flow_pictures(on_cells(flow), windows[database.name])
                for k, picture in zip(chosen[some], pictures, strict=True):
                    slot = slots[k]
                    counts[database.name, slot.person, slot.label] += 1
                    number = counts[database.name, slot.person, slot.label]
                    row, stem = _names(slot, number)
                    name = "/".join(row.split(",")[:3])
                    coded.append(f"{name},{'+'.join(np.array(UNITS)[listed[k]])}")
                    _write_picture(out / "norm_u_v_os" / f"{stem} .png", picture)
                    rows[row] = {
                        "shown": CLASSES[slot.shown],
                        "emotion": slot.emotion,
                        "prototype": prototype_table().names[plans.prototype[k]],
                        "peak_px": round(float(plans.peak_px[k]), 3),
                        "person": int(np.asarray(cast.entries.seeds)[plans.entry[k]]),
                    }
                advance(len(pictures))
    write_text(out / LABELS, "\n".join(rows) + "\n")
    write_text(out / UNITS_TABLE, "\n".join(coded) + "\n")
    write_text(out / "RENDERED.md", _NOTICE)
    notes = {"config": to_dict(config), "databases": [to_dict(d) for d in databases]}
    write_json(out / "rendered.json", notes | {"windows": windows, "clips": rows})
    return out


def flow_pictures(
    fields: Float16[np.ndarray, "n r r 2"], window: Window
) -> UInt8[np.ndarray, "n 28 28 3"]:
    """Return fields on the canvas as public flow images: a window, stretched to 8 bits."""
    images = _shown(jnp.asarray(fields, jnp.float32), jnp.asarray(window, jnp.float32))
    return stretch_flow(np.asarray(images))


@jax.jit
def _shown(fields: Float[Array, "n r r 2"], window: Float[Array, "4"]) -> Float[Array, "n s s 3"]:
    return cut(channels_of(fields), jnp.tile(window, (len(fields), 1)), size=SIZE)


def _window(rng: np.random.Generator, reach: float) -> Window:
    left, top, right, bottom = np.array(PUBLIC_WINDOW) + rng.uniform(-reach, reach, 4)
    return float(left), float(top), float(right), float(bottom)


def _plans(
    slots: Sequence[Slot],
    databases: Sequence[Database],
    cast: Cast,
    config: FolderConfig,
    rng: np.random.Generator,
) -> Plans:
    """Return what happens in each slot: of the person's drawn pairs one that fits it, none twice.

    All are drawn in one go, since XLA takes longer to compile the drawing than to draw.
    """
    pairs = PairConfig(head=HeadConfig(uncorrected=0.5))
    drawn = plan_pairs(cast, pairs_each=_DRAWN, seed=config.first + config.seed, config=pairs)
    first, shares = {}, {}
    for database in databases:
        first[database.name] = sum(d.people for d in databases[: len(first)])
        spread = rng.normal(0, config.au_spread, len(prototype_table().names))
        shares[database.name] = np.exp(spread)
    free = np.ones(len(drawn.emotion), bool)
    chosen = []
    for slot in slots:
        name, (low, high) = slot.database.name, slot.database.peak_px
        start = (first[name] + slot.person) * _DRAWN
        theirs = slice(start, start + _DRAWN)
        fitting = free[theirs] & (drawn.emotion[theirs] == EMOTION_NAMES.index(slot.emotion))
        fitting &= drawn.corrected[theirs] == slot.corrected
        fitting &= (drawn.peak_px[theirs] >= low / 2) & (drawn.peak_px[theirs] <= high)
        weights = fitting * shares[name][drawn.prototype[theirs]]
        if not weights.any():
            raise ConfigError(
                f"person {slot.person} of {name} is to show {slot.emotion} more often than "
                f"{_DRAWN} drawn pairs do; choose another seed"
            )
        chosen.append(start + int(rng.choice(_DRAWN, p=weights / weights.sum())))
        free[chosen[-1]] = False
    return jax.tree.map(lambda leaf: np.asarray(leaf)[chosen], drawn)


def _names(slot: Slot, number: int) -> tuple[str, str]:
    """Return the row of the label file and the picture's name, as the real ones are written."""
    name, person, label = slot.database.name, slot.person + 1, slot.label
    if name == "samm":
        person += 5
        return f"samm,{person},{person:03d}_{label + 1}_{number},{label}", (
            f"{person:03d}_{person:03d}_{label + 1}_{number}"
        )
    if name == "smic":
        clip = f"{('ne', 'po', 'sur')[label]}_{number:02d}"
        return f"smic,s{person:02d},s{person:02d}_{clip},{label}", f"s{person:02d}_s{person}_{clip}"
    clip = f"EP{label + 1:02d}_{number:02d}" + "f" * (number % 2)
    return f"{name},sub{person:02d},{clip},{label}", f"sub{person:02d}_{clip}"


def _write_picture(path: Path, picture: UInt8[np.ndarray, "h w 3"]) -> None:
    _, data = cv2.imencode(".png", picture[..., ::-1])  # OpenCV wants blue first
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.tobytes())


def main(out: Annotated[Path, tyro.conf.Positional], config: FolderConfig) -> None:
    """Write a folder of rendered flow images in the public form of MEGC 2019's.

    Args:
        out: the folder, new or empty.
        config: its content.
    """
    keep_compiled()
    folder = write_folder(out, config)
    print(
        f"rendered flow images are in {folder} (mace prepare megc2019_flow --manual-dir {folder})"
    )


if __name__ == "__main__":
    tyro.cli(main, config=(tyro.conf.OmitArgPrefixes,))
