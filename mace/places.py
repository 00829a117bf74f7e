"""Where data sets and runs lie, and which data sets there are; light enough for `--help`."""

import importlib.util
import os
from pathlib import Path

from mace.errors import DataError
from mace.export.layout import is_export
from mace.pretrained.bundle_files import bundle_path

DATA_DIR = Path(os.environ.get("MACE_DATA_DIR", "data"))
RUNS_DIR = Path(os.environ.get("MACE_RUNS_DIR", "runs"))


def model_folder(name: Path) -> Path:
    """Return the folder of an exported or a trained network, which may be `pretrained`.

    Raises:
        CheckpointError: if there is none.
    """
    return name if is_export(name) else bundle_path(name)


def installed_datasets() -> tuple[str, ...]:
    """Return the names that `mace prepare` knows: one folder with a builder each."""
    spec = importlib.util.find_spec("mace.datasets")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    root = Path(spec.submodule_search_locations[0])
    return tuple(sorted(path.parent.name for path in root.glob("*/prepare.py")))


def prepared_datasets(data_dir: Path) -> dict[str, Path]:
    """Return the prepared data sets below `data_dir`, "name/config" to the newest version."""
    found: dict[str, Path] = {}
    # TFDS lays them out as name/config/version/dataset_info.json.
    for info in sorted(data_dir.glob("*/*/*/dataset_info.json")):
        version = info.parent
        found[f"{version.parent.parent.name}/{version.parent.name}"] = version
    return found


def prepared_dataset(dataset: str, *, data_dir: Path) -> Path:
    """Return the folder of the prepared data set `dataset`, such as `synthetic/demo`.

    The configuration may be left out where only one is prepared.

    Raises:
        DataError: if it is not prepared, or several are meant; the message lists what is there.
    """
    prepared = prepared_datasets(data_dir)
    name, _, config = dataset.partition("/")
    meant = [
        place
        for place in prepared
        if place == dataset or (not config and place.startswith(f"{name}/"))
    ]
    if len(meant) > 1:
        raise DataError(f"{dataset} is prepared as {', '.join(meant)}; name one of them")
    if not meant:
        there = ", ".join(prepared) or "nothing"
        where = f"{dataset} is not prepared in {data_dir} ({there} is there)"
        known = installed_datasets()
        if name not in known:
            raise DataError(f"{where}, and `mace prepare` knows no {name}, only {', '.join(known)}")
        config, _, seed = config.partition("-seed")
        licensed = "" if name == "synthetic" else "FOLDER"
        options = {"--config": config, "--seed": seed, "--manual-dir": licensed}
        how = " ".join([f"mace prepare {name}", *(f"{k} {v}" for k, v in options.items() if v)])
        raise DataError(f"{where}; `{how}` prepares it")
    return prepared[meant[0]]
