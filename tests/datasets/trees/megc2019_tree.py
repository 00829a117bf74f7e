"""The three data sets of the composite, each as small as the named clips allow."""

from collections.abc import Sequence
from pathlib import Path

from trees.casme2_tree import Casme2Row
from trees.casme2_tree import write_sheet as write_casme2
from trees.drawn import write_frames
from trees.megc2019_flow_tree import Sample
from trees.samm_tree import SammRow
from trees.samm_tree import write_sheet as write_samm

_EMOTIONS = {
    "casme2": ("disgust", "happiness", "surprise"),
    "samm": ("Anger", "Happiness", "Surprise"),
}
_FOLDERS = ("negative", "positive", "surprise")


def make_sources(root: Path, samples: Sequence[Sample], *, frames: int = 3) -> None:
    """Write `casme2` (cropped), `samm` and `smic` (hs, cropped) below `root`."""
    casme2, samm = [], []
    for sample in samples:
        numbers = range(1, frames + 1)
        if sample.database == "casme2":
            emotion = _EMOTIONS["casme2"][sample.label]
            casme2.append(Casme2Row(sample.subject[3:], sample.clip, 1, 2, frames, 4, emotion))
            folder = root / "casme2" / "Cropped" / sample.subject / sample.clip
            write_frames(folder, ((f"reg_img{n}.jpg", n) for n in numbers))
        elif sample.database == "samm":
            emotion = _EMOTIONS["samm"][sample.label]
            samm.append(
                SammRow(sample.subject, sample.clip, 1, 2, frames, "4", emotion, 1, 1, frames)
            )
            folder = root / "samm" / sample.subject / sample.clip
            write_frames(folder, ((f"{sample.subject}_{n:05d}.jpg", n) for n in numbers))
        else:
            person, rest = sample.clip.split("_", 1)
            subject = f"s{int(person[1:])}"
            folder = root / "smic" / "SMIC_all_cropped" / "HS" / subject / "micro"
            folder = folder / _FOLDERS[sample.label] / f"{subject}_{rest}"
            write_frames(folder, ((f"reg_image{n:06d}.bmp", n) for n in numbers))
    write_casme2(root / "casme2" / "CASME2-coding-20140508.xlsx", casme2)
    write_samm(root / "samm" / "SAMM_Micro_FACS_Codes_v2.xlsx", samm)
