"""`mace.analyse`, `mace.stream`, `mace.spot`, `mace.load`: recordings and pictures, from Python."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mace
from mace.bundle import save_bundle
from mace.errors import CheckpointError, ConfigError, DataError, OutputError
from mace.live.config import LiveConfig, SourceConfig
from mace.live.sources.stored import IterableSource, Paced
from mace.live.streaming import iterate_results


@pytest.fixture(scope="module")
def model(bundle, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model"
    save_bundle(path, bundle)
    return path


@pytest.fixture(scope="module")
def session(brow_flash, model):
    return mace.analyse(brow_flash.frames, fps=60, model=model, video=False)


def test_the_movement_is_found_with_its_time(session):
    micro = session.events.query("kind == 'micro'")
    assert len(micro) == 1
    assert micro.iloc[0]["onset"] == pytest.approx(0.4, abs=0.06)
    assert micro.iloc[0]["offset"] == pytest.approx(0.68, abs=0.08)
    assert "brow" in micro.iloc[0]["regions"]
    assert micro.iloc[0]["label"] in ("negative", "positive", "surprise")
    assert "brow" in session._repr_html_()


def test_every_frame_has_a_row(session, brow_flash):
    frames = session.frames
    assert len(frames) == len(brow_flash.frames)
    np.testing.assert_allclose(frames["timestamp"], np.arange(75) / 60, atol=1e-6)
    likely = frames[["p_negative", "p_positive", "p_surprise"]].dropna().sum(axis=1)
    np.testing.assert_allclose(likely, 1, atol=1e-4)


def test_a_session_is_drawn_and_kept(session, tmp_path):
    axes = session.plot(probabilities=True)
    assert axes.get_xlabel() == "s"
    assert {"micro", "surprise"} <= {text.get_text() for text in axes.get_legend().get_texts()}
    assert "person 0" in [text.get_text() for text in axes.get_yticklabels()]
    assert "surprise" not in [text.get_text() for text in session.plot().get_legend().get_texts()]
    folder = session.save(tmp_path / "out")
    assert json.loads((folder / "session.json").read_text())["complete"]
    assert pd.read_csv(folder / "frames.csv").shape == session.frames.shape
    events = pd.read_csv(folder / "events.csv")
    assert events.columns.tolist() == session.events.columns.tolist()
    pd.testing.assert_frame_equal(events[["kind", "onset"]], session.events[["kind", "onset"]])
    with pytest.raises(OutputError, match="exists already"):
        session.save(tmp_path / "out")


def test_a_temporary_session_goes_with_its_object(surprise, model):
    session = mace.analyse(surprise.frames[:4], fps=50, model=model, video=False)
    folder = session.folder
    assert folder.is_dir()
    del session
    assert not folder.exists()


def test_times_of_the_frames_are_those_of_the_events(brow_flash, model, session):
    late = [(7 + i / 60, frame) for i, frame in enumerate(brow_flash.frames)]
    events = mace.spot(late, model=model)
    assert events.attrs["frames"] == 75
    columns = ["kind", "onset", "apex", "offset"]
    pd.testing.assert_frame_equal(events[columns], session.events[columns], atol=0.03)


def test_a_stream_gives_every_frame_of_pictures(surprise, model):
    frames = surprise.frames[:6]
    results = list(mace.stream(frames, fps=50, model=model))
    assert [result.frame.index for result in results] == list(range(6))
    assert results[-1].faces[0].tracked
    assert repr(results[-1]).startswith("frame 5 at 0.100 s: ")
    for result in mace.stream(iter(frames), fps=50, model=model):
        assert result.frame.index == 0
        break


def test_a_source_at_its_own_pace_misses_a_slow_reader_and_ends(surprise_folder, model):
    asked = SourceConfig(realtime=True, fps=50)
    indices = []
    for result in mace.stream(surprise_folder, model=model, asked=asked):
        indices.append(result.frame.index)
        time.sleep(0.05)
    assert indices == sorted(indices)
    assert len(indices) < len(list(surprise_folder.iterdir()))


def test_what_happens_to_a_source_comes_as_a_warning(surprise, bundle, model):
    frames = surprise.frames[:3]
    with pytest.warns(UserWarning, match="has 25 frames per second") as told:
        assert len(list(mace.stream(frames, fps=25, model=model))) == 3
    assert [Path(warning.filename).name for warning in told] == [Path(__file__).name]
    camera = Paced(IterableSource([*frames, frames[0][:-8]], fps=50))
    with pytest.warns(UserWarning, match=r"^0\.1 s: pictures gives") as told:
        list(iterate_results(camera, bundle, LiveConfig()))
    assert len(told) == 1


def test_a_recording_too_slow_for_brief_movements_is_remarked_on(surprise, model):
    frames = surprise.frames[:4]
    session = mace.analyse(frames, fps=25, model=model, video=False)
    assert "has 25 frames per second" in session._repr_html_()
    assert session.facts["remarks"][0] in mace.spot(frames, fps=25, model=model).attrs["remarks"]


@pytest.mark.parametrize(
    ("source", "options", "error", "message"),
    [
        ("no.mp4", {}, DataError, "there is no video at no.mp4"),
        ([], {"fps": 50}, DataError, "holds no images"),
        (np.zeros((48, 64, 3), np.uint8), {"fps": 50}, DataError, "is one picture"),
        ([np.zeros((8, 8))], {"fps": 50}, DataError, "is float64 of the shape"),
        ([np.zeros((8, 8), np.uint8)], {}, DataError, "nobody says when pictures were taken"),
        ("x.mp4", {"model": "nothing"}, CheckpointError, "there is no model at nothing"),
        (
            [(1.0, np.zeros((64, 64), np.uint8)), (0.5, np.zeros((64, 64), np.uint8))],
            {},
            DataError,
            "times must increase",
        ),
    ],
)
def test_what_cannot_be_analysed(source, options, error, message, model):
    with pytest.raises(error, match=message):
        mace.analyse(source, **{"model": model, "video": False} | options)


def test_a_network_names_pairs(surprise, model, session):
    network = mace.load(model)
    assert network.classes == ("negative", "positive", "surprise")
    onset, apex = surprise.frames[surprise.onset], surprise.frames[surprise.apex]
    likely = network.predict_proba(onset, apex)
    assert likely.shape == (1, 3)
    np.testing.assert_allclose(likely.sum(), 1, rtol=1e-5)
    both = network.predict_proba(np.stack([onset, onset]), np.stack([apex, apex]))
    np.testing.assert_allclose(both, np.repeat(likely, 2, axis=0), atol=1e-5)
    assert network.predict(onset, apex).tolist() == [network.classes[likely.argmax()]]
    motion = np.zeros((2, 28, 28, 3), np.float32)
    assert network.predict_proba(motion).shape == (2, 3)
    for arguments, error in (
        ((onset,), ConfigError),
        ((motion, motion), ConfigError),
        ((onset, apex[:-1]), DataError),
        ((motion[:, :4],), DataError),
        ((np.zeros_like(onset), np.zeros_like(onset)), DataError),
    ):
        with pytest.raises(error):
            network.predict(*arguments)
