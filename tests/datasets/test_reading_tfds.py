"""What TFDS expects of a builder, checked as its own test case does but without TensorFlow."""

import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from trees.casme2_tree import ODD, write_sheet, write_tree

from mace.annotation.class_sets import CLASS_SETS
from mace.commands.prepare import default_config, load_builder
from mace.datasets.casme2.casme2_dataset_builder import Builder as Casme2
from mace.datasets.folder.folder_dataset_builder import Builder as Own
from mace.datasets.reading.builder import ClipBuilder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """CASME II through TFDS alone, without `mace prepare`."""
    root, data = tmp_path_factory.mktemp("manual"), tmp_path_factory.mktemp("data")
    write_sheet(root / "CASME2-coding-20140508.xlsx", list(ODD[:3]))
    write_tree(root / "Cropped", list(ODD[:3]))
    builder = Casme2(data_dir=str(data), config="cropped", file_format="array_record")
    builder.download_and_prepare(
        download_dir=str(data / "downloads"),
        download_config=tfds.download.DownloadConfig(manual_dir=str(root)),
    )
    return builder


@pytest.mark.parametrize("builder", [Casme2, Own])
def test_every_configuration_has_info(builder, tmp_path):
    assert issubclass(builder, ClipBuilder)
    assert builder.name in tfds.list_builders(with_community_datasets=False)
    presets = load_builder(builder.name).PRESETS
    assert [config.name for config in builder.BUILDER_CONFIGS] == list(presets)
    assert default_config(load_builder(builder.name)) == presets[0]
    for config in presets:
        made = builder(data_dir=str(tmp_path), config=config)
        assert made.info.name == builder.name
        assert made.info.description
        for name in CLASS_SETS:
            assert f"class_{name}" in made.info.features
    assert builder.get_metadata().tags


def test_samples_come_back_as_they_were_written(built):
    assert built.info.splits["train"].num_examples == 3
    (source,) = [built.as_data_source(split) for split in built.info.splits]
    names = set()
    for sample in source:
        assert set(sample) == set(built.info.features)
        names.add(f"{sample['subject'].decode()}/{sample['clip'].decode()}")
        frames = np.stack(sample["frames"])
        assert frames.dtype == np.uint8
        assert frames.shape[1:] == (128, 128, 1)
        assert len(sample["transforms"]) == len(frames)
        assert np.isnan(sample["landmarks"]).all()
        assert sample["quality"] == b"cropped by the distributor"
        assert 0 <= sample["onset"] < sample["apex"] <= sample["offset"] < len(frames)
    assert names == {"04/EP12_01f", "05/EP09_05f", "05/EP16_04f"}
    assert "tensorflow" not in sys.modules


def test_a_prepared_folder_needs_no_builder(built):
    again = tfds.builder_from_directory(built.data_path)
    assert again.info.features["frames"].shape == built.info.features["frames"].shape
    first, second = (next(iter(b.as_data_source("train"))) for b in (built, again))
    assert first["clip"] == second["clip"]
    assert np.array_equal(np.stack(first["frames"]), np.stack(second["frames"]))
    # Raw and parsed annotation, and what was changed.
    samples = {s["clip"].decode(): s for s in again.as_data_source("train")}
    odd = samples["EP12_01f"]
    assert odd["flags"] == b"apex-missing"
    assert odd["apex_source"] == b"midpoint"
    assert (odd["aus_raw"], odd["emotion_raw"]) == (b"4", b"disgust")
    assert (odd["class_3"], odd["class_5"], odd["class_4"]) == (b"negative", b"disgust", b"")
