"""`tfds.testing.DatasetBuilderTestCase` on every builder and configuration.

`uv run --group dev --group tfds pytest tests/tfds`; TensorFlow, which this alone needs, is not
installed otherwise, and then nothing here is collected.
"""

import csv
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import cases
from trees.casme2_tree import ODD, write_sheet, write_tree
from trees.casme3_tree import casme3_rows, make_casme3
from trees.casme_squared_tree import make_casme_squared
from trees.casme_tree import make_casme
from trees.dfme_tree import dfme_rows, make_dfme
from trees.drawn import write_frames
from trees.four_dme_tree import four_dme_rows, make_four_dme
from trees.long_trees import make_samm_long, pictures, samm_row
from trees.megc2019_flow_tree import composite, label_text
from trees.megc2019_flow_tree import make_tree as make_flow
from trees.megc2019_tree import make_sources
from trees.mmew_tree import make_mmew, mmew_rows
from trees.samm_tree import make_samm
from trees.smic_tree import make_cut, make_long

from mace.commands.prepare import run
from mace.datasets.casme.casme_dataset_builder import Builder as Casme
from mace.datasets.casme2.casme2_dataset_builder import Builder as Casme2
from mace.datasets.casme3.casme3_dataset_builder import Builder as Casme3
from mace.datasets.casme_squared.casme_squared_dataset_builder import Builder as CasmeSquared
from mace.datasets.dfme.dfme_dataset_builder import Builder as Dfme
from mace.datasets.folder.folder_dataset_builder import Builder as Folder
from mace.datasets.four_dme.four_dme_dataset_builder import Builder as FourDme
from mace.datasets.megc2019.megc2019_dataset_builder import Builder as Megc2019
from mace.datasets.megc2019_flow.megc2019_flow_dataset_builder import Builder as Megc2019Flow
from mace.datasets.mmew.mmew_dataset_builder import Builder as Mmew
from mace.datasets.samm.samm_dataset_builder import Builder as Samm
from mace.datasets.smic.smic_dataset_builder import Builder as Smic
from mace.datasets.synthetic.presets import PRESETS
from mace.datasets.synthetic.synthetic_dataset_builder import Builder as Synthetic
from mace.datasets.synthetic.synthetic_dataset_builder import config_for


class CasmeTest(cases.BuilderCase):
    DATASET_CLASS = Casme
    SPLITS = {"train": 3}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        make_casme(root, form="merged", keep=3)
        make_casme(root, form="merged", keep=3, cropped=True)


class CasmeSectionsTest(cases.BuilderCase):
    DATASET_CLASS = Casme
    BUILDER_CONFIG_NAMES_TO_TEST = ["raw"]  # noqa: RUF012
    SPLITS = {"train": 4}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        make_casme(root, keep=2)


class Casme2Test(cases.BuilderCase):
    DATASET_CLASS = Casme2
    SPLITS = {"train": 3}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        rows = list(ODD[6:9])
        write_sheet(root / "CASME2-coding-20140508.xlsx", rows)
        write_tree(root / "Cropped", rows)
        write_tree(root / "CASME2-RAW", rows, "raw")
        write_tree(root / "CASME2_RAW_selected", rows, "raw_selected")


class SammTest(cases.BuilderCase):
    DATASET_CLASS = Samm
    BUILDER_CONFIG_NAMES_TO_TEST = ["raw", "cropped"]  # noqa: RUF012
    SPLITS = {"train": 3}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        make_samm(root, keep=3)
        shutil.copytree(root / "SAMM", root / "SAMM_cropped")


class SammLongTest(cases.BuilderCase):
    DATASET_CLASS = Samm
    BUILDER_CONFIG_NAMES_TO_TEST = ["long"]  # noqa: RUF012
    SPLITS = {"train": 2}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        rows = [samm_row("006_1_1", 5, 8, 12), samm_row("006_1_2", 14, 15, 19, "Macro")]
        make_samm_long(root, rows, {"006_1": pictures(20), "006_2": pictures(9)})


class SmicTest(cases.BuilderCase):
    DATASET_CLASS = Smic
    SPLITS = {"train": 6}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        for camera in ("HS", "VIS", "NIR"):
            make_cut(root, camera=camera, keep=6)
            make_cut(root, camera=camera, cropped=True, keep=6)
            make_long(root, camera=camera, keep=6)


class CasmeSquaredTest(cases.BuilderCase):
    DATASET_CLASS = CasmeSquared
    BUILDER_CONFIG_NAMES_TO_TEST = ["micro"]  # noqa: RUF012
    SPLITS = {"train": 6}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        make_casme_squared(root)


class CasmeSquaredMacroTest(CasmeSquaredTest):
    BUILDER_CONFIG_NAMES_TO_TEST = ["macro"]  # noqa: RUF012
    SPLITS = {"train": 2}  # noqa: RUF012


class Casme3Test(cases.BuilderCase):
    DATASET_CLASS = Casme3
    BUILDER_CONFIG_NAMES_TO_TEST = ["part_a"]  # noqa: RUF012
    SPLITS = {"train": 3}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        make_casme3(root, casme3_rows()[:3])


class MmewTest(cases.BuilderCase):
    DATASET_CLASS = Mmew
    SPLITS = {"train": 3}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        make_mmew(root, mmew_rows()[:3])


class FourDmeTest(cases.BuilderCase):
    DATASET_CLASS = FourDme
    SPLITS = {"train": 3}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        make_four_dme(root, four_dme_rows()[:3])


class DfmeTest(cases.BuilderCase):
    DATASET_CLASS = Dfme
    SPLITS = {"train": 5}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        sheets = {"DFME_train.xlsx": dfme_rows(3), "DFME_testA.csv": dfme_rows(2, first=3)}
        make_dfme(root, sheets)


class FolderTest(cases.BuilderCase):
    DATASET_CLASS = Folder
    SPLITS = {"train": 2}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        lines = [["subject", "clip", "onset", "apex", "offset", "emotion", "fps"]]
        for person in ("anna", "bert"):
            write_frames(root / person / "one", ((f"{n}.png", n) for n in range(1, 10)))
            lines.append([person, "one", "2", "5", "8", "surprise", "200"])
        with (root / "annotations.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)


class Megc2019Test(cases.BuilderCase):
    """The composite is made from prepared sets, which lie in the same folder as it."""

    DATASET_CLASS = Megc2019
    SPLITS = {"train": 9}  # noqa: RUF012
    SOURCES = {  # noqa: RUF012
        "casme2": ("raw_selected", "cropped"),
        "samm": ("raw",),
        "smic": ("hs", "hs_cropped"),
    }
    sources: Path

    @classmethod
    def write(cls, root: Path) -> None:
        samples = [s for s in composite() if s.subject in ("sub01", "s05", "s19", "015")][:9]
        (root / "combined_3class_gt.csv").write_text(label_text(samples, "plain"))
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        made, cls.sources = Path(folder.name, "in"), Path(folder.name, "data")
        make_sources(made, samples)
        # The same drawn frames as if they were whole ones.
        shutil.copytree(made / "smic" / "SMIC_all_cropped", made / "smic" / "SMIC_all_raw")
        for path in (made / "smic" / "SMIC_all_raw").rglob("reg_*"):
            path.rename(path.with_name(path.name.removeprefix("reg_")))
        shutil.copytree(made / "casme2" / "Cropped", made / "casme2" / "CASME2_RAW_selected")
        for path in (made / "casme2" / "CASME2_RAW_selected").rglob("reg_*"):
            path.rename(path.with_name(path.name.removeprefix("reg_")))
        with cases.drawn_frames():
            for name, configs in cls.SOURCES.items():
                for config in configs:
                    run(
                        name,
                        config=config,
                        manual_dir=made / name,
                        data_dir=cls.sources,
                        workers=1,
                    )

    def setUp(self) -> None:
        super().setUp()
        shutil.copytree(self.sources, self.tmp_dir, dirs_exist_ok=True)


class Megc2019FlowTest(cases.BuilderCase):
    DATASET_CLASS = Megc2019Flow
    SPLITS = {"train": 6}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        make_flow(root, samples=list(composite())[140:146])


class SyntheticTest(cases.BuilderCase):
    """Rendered faces, corrected as they are in earnest."""

    DATASET_CLASS = Synthetic
    BUILDER_CONFIG_NAMES_TO_TEST = [  # noqa: RUF012
        config_for(replace(PRESETS["tiny"], name="two", subjects=1, clips=2)),
    ]
    SPLITS = {"train": 2}  # noqa: RUF012

    @classmethod
    def write(cls, root: Path) -> None:
        """Nothing: the faces are rendered."""
