"""The MEGC 2019 composite from three prepared data sets and the label file in its forms."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds
from trees.megc2019_flow_tree import composite, label_text
from trees.megc2019_tree import make_sources
from trees.preparing import samples_of

from mace.commands.prepare import run
from mace.data.loading import load_clips
from mace.datasets.megc2019.megc2019_dataset_builder import Builder
from mace.datasets.megc2019.reading import read
from mace.datasets.reading import correcting
from mace.errors import ConfigError, DataError

SAMPLES = list(composite())
FEW = [s for s in SAMPLES if s.subject in ("sub01", "sub02", "s01", "s03", "006", "007")]
CONFIGS = {"casme2": "cropped", "samm": "raw", "smic": "hs_cropped"}


def prepare_sources(root, samples, data_dir, names=tuple(CONFIGS)):
    make_sources(root, samples)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            correcting,
            "correct_clip",
            lambda frames, *, onset, config: correcting.as_they_are(list(frames), config),
        )
        for name in names:
            run(name, config=CONFIGS[name], manual_dir=root / name, data_dir=data_dir, workers=1)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """All 442 clips of three frames, prepared."""
    root = tmp_path_factory.mktemp("sources")
    prepare_sources(root / "in", SAMPLES, root / "data")
    return root / "data"


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """The clips of six subjects, prepared."""
    root = tmp_path_factory.mktemp("few")
    prepare_sources(root / "in", FEW, root / "data")
    return root / "data"


def write_labels(folder, samples, form="plain"):
    folder.mkdir(parents=True, exist_ok=True)
    name = {"plain": "combined_3class_gt.csv", "blank-lines": "combined_3class_gt-2.csv"}[form]
    (folder / name).write_text(label_text(samples, form))
    return folder


def report_in(data_dir, config="cropped"):
    (path,) = data_dir.glob(f"megc2019/{config}/*/preparation.json")
    return json.loads(path.read_text())


@pytest.mark.slow
def test_all_442_clips_of_68_subjects(prepared, tmp_path, capsys):
    labels = write_labels(tmp_path / "labels", SAMPLES)
    assert "samm,6,006_" in (labels / "combined_3class_gt.csv").read_text()
    run("megc2019", config="cropped", manual_dir=labels, data_dir=prepared)
    report = report_in(prepared)
    assert (report["rows"], report["samples"], report["drops"], report["repairs"]) == (
        442,
        442,
        0,
        0,
    )
    counts = {"negative": 250, "positive": 109, "surprise": 83}
    assert report["classes"]["3"] == report["emotions"] == report["published"]["counts"] == counts
    assert report["apex_sources"] == {"annotated": 278, "estimated": 164}
    clips = load_clips(prepared / "megc2019")
    assert len({clip.person for clip in clips}) == 68
    assert Counter(clip.database for clip in clips) == {"casme2": 145, "smic": 164, "samm": 133}
    assert {clip.name for clip in clips} == {sample.name for sample in SAMPLES}
    truth = {sample.name: sample.label for sample in SAMPLES}
    names = ("negative", "positive", "surprise")
    assert all(clip.classes["3"] == clip.emotion == names[truth[clip.name]] for clip in clips)

    capsys.readouterr()
    run("megc2019", config="cropped", manual_dir=labels, data_dir=prepared)
    assert "already prepared" in capsys.readouterr().err


def test_frames_are_those_of_the_sources_bit_for_bit(few, tmp_path):
    labels = write_labels(tmp_path, FEW)
    run("megc2019", config="cropped", manual_dir=labels, data_dir=few)
    (folder,) = few.glob("megc2019/cropped/*")
    ours = samples_of(folder)
    (source,) = few.glob("smic/hs_cropped/*")
    theirs = samples_of(source)
    sample, twin = ours["s03/s03_po_02"], theirs["s03/s03_po_02"]
    assert np.array_equal(np.stack(sample["frames"]), np.stack(twin["frames"]))
    assert np.array_equal(sample["transforms"], twin["transforms"])
    assert (sample["onset"], sample["apex"], sample["offset"]) == (0, 1, 2)
    assert ours["sub01/EP01_01f"]["emotion_raw"] == b"disgust"
    assert ours["006/006_1_1"]["class_objective"] == b"I"


def test_tfds_alone_makes_it_too(few, tmp_path):
    labels = write_labels(tmp_path, FEW)
    builder = Builder(data_dir=str(few), config="cropped", file_format="array_record")
    shutil.rmtree(builder.data_path, ignore_errors=True)
    tfds.disable_progress_bar()
    builder.download_and_prepare(
        download_dir=str(tmp_path / "downloads"),
        download_config=tfds.download.DownloadConfig(manual_dir=str(labels)),
    )
    assert len(samples_of(Path(builder.data_path))) == len(FEW)


def test_what_is_not_prepared_is_dropped_with_its_reason(few, tmp_path):
    labels = write_labels(tmp_path, SAMPLES, "blank-lines")
    reading = read(labels, few, "cropped")
    assert reading.rows == 442
    assert len(reading.picks) == len(FEW)
    reasons = Counter(change.reason for change in reading.changes if change.kind == "drop")
    counts = Counter(s.database for s in SAMPLES if s not in FEW)
    assert reasons == {
        "casme2/cropped lacks it": counts["casme2"],
        "samm/raw lacks it": counts["samm"],
        "smic/hs_cropped lacks it": counts["smic"],
    }
    # Neither casme2/raw_selected nor smic/hs is there, samm/raw is.
    reading = read(labels, few, "raw")
    missing = {c.reason for c in reading.changes if c.code == "database-missing"}
    assert missing == {
        "casme2 is not prepared: mace prepare casme2 --config raw_selected or --config raw",
        "smic is not prepared: mace prepare smic --config hs or --config hs_e",
    }
    with pytest.raises(DataError, match="which --strict refuses"):
        run("megc2019", config="cropped", manual_dir=labels, data_dir=few, strict=True)


def test_the_label_file_decides_and_says_so(few, tmp_path):
    text = label_text(FEW, "plain").replace("sub01,EP01_01f,0", "sub01,EP01_01f,2")
    (tmp_path / "labels.csv").write_text(text)
    reading = read(tmp_path, few, "cropped")
    (change,) = [change for change in reading.changes if change.code == "label-differs"]
    assert change.clip == "casme2/sub01/EP01_01f"
    assert "casme2/cropped has it as negative (disgust)" in change.reason
    assert reading.picks[0].texts["class_3"] == "surprise"


def test_a_drop_of_the_source_gives_its_reason(tmp_path):
    samples = [s for s in SAMPLES if s.subject in ("sub01", "s01", "007")]
    make_sources(tmp_path / "in", samples)
    gone = next(s for s in samples if s.database == "casme2")
    folder = tmp_path / "in" / "casme2" / "Cropped" / gone.subject / gone.clip
    folder.rename(folder.with_name("elsewhere"))
    data = tmp_path / "data"
    run("casme2", config="cropped", manual_dir=tmp_path / "in" / "casme2", data_dir=data, workers=1)
    reading = read(write_labels(tmp_path / "labels", samples), data, "cropped")
    (change,) = [change for change in reading.changes if change.clip == gone.name]
    assert change.reason.startswith("dropped from casme2/cropped: ")
    (path,) = data.glob("casme2/cropped/*/preparation.json")
    path.write_text("{}")
    with pytest.raises(DataError, match=r"is damaged .*; prepare casme2/cropped again"):
        read(tmp_path / "labels", data, "cropped")


def test_sentences_for_what_is_missing(few, tmp_path):
    with pytest.raises(DataError, match="none of casme2, samm and smic is prepared"):
        read(write_labels(tmp_path / "labels", FEW), tmp_path, "raw")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no label file"):
        read(tmp_path / "empty", few, "raw")
    with pytest.raises(ConfigError, match="no configuration 'full'; known: raw, cropped"):
        run("megc2019", config="full", manual_dir=tmp_path, data_dir=few)
