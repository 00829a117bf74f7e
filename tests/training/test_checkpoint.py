import errno

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from mace.errors import CheckpointError, OutputError
from mace.training.checkpoint import CheckpointStore, Snapshot

pytestmark = pytest.mark.accelerator

IDENTITY = {"config": {"optimiser": {"learning_rate": 0.1}, "widths": [4, 8]}, "seed": 0}
ARRAYS = {
    "a": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3), "step": np.int32(7)},
    "none": None,
    "empty": {},
    "pair": (np.float32(1.5), np.zeros(1, np.float32)),
}


@pytest.fixture
def store(tmp_path):
    store = CheckpointStore(tmp_path, IDENTITY)
    yield store
    store.close()


def _save(store, step=3, value=1.0):
    arrays = ARRAYS | {"value": np.float32(value)}
    store.save(step, Snapshot(arrays=arrays, history=[{"epoch": 1, "loss": value}]))


LIKE = ARRAYS | {"value": np.float32(0)}


def test_arrays_and_history_come_back_and_only_the_last_is_kept(store, tmp_path):
    for step in (3, 6):
        _save(store, step, value=step)
    found = store.restore(LIKE)
    assert found.history == [{"epoch": 1, "loss": 6}]
    assert found.arrays["value"] == 6
    assert found.arrays["none"] is None
    np.testing.assert_array_equal(found.arrays["a"]["kernel"], ARRAYS["a"]["kernel"])
    assert found.arrays["a"]["step"].dtype == np.int32
    assert isinstance(found.arrays["pair"], tuple)
    assert [path.name for path in (tmp_path / "checkpoints/latest").iterdir()] == ["6"]


@pytest.mark.usefixtures("two_devices")
@pytest.mark.parametrize("spec", [PartitionSpec("batch"), PartitionSpec()])
def test_what_lay_on_several_devices_is_read_on_the_host(store, spec):
    mesh = jax.make_mesh((2,), ("batch",), axis_types=(AxisType.Auto,), devices=jax.devices()[:2])
    values = np.arange(8, dtype=np.float32).reshape(4, 2)
    spread = jax.device_put(values, NamedSharding(mesh, spec))
    assert len(spread.addressable_shards) == 2
    store.save(1, Snapshot(arrays={"kernel": spread}, history=[]))
    # As plain arrays: a checkpoint of a GPU, or of eight, is read where there is none.
    found = store.restore({"kernel": values}).arrays["kernel"]
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, values)


def test_an_empty_folder_has_no_checkpoint(store):
    assert store.restore(LIKE) is None


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (
            {"config": {"optimiser": {"learning_rate": 0.2}, "widths": [4, 8]}, "seed": 0},
            r"was made with config\.optimiser\.learning_rate = 0\.1, this run has 0\.2; choose",
        ),
        ({"config": IDENTITY["config"], "seed": 1}, "seed = 0, this run has 1"),
        ({"config": IDENTITY["config"]}, "seed = 0, this run has None"),
    ],
)
def test_the_first_differing_setting_is_named(store, tmp_path, identity, message):
    _save(store)
    other = CheckpointStore(tmp_path, identity)
    with pytest.raises(CheckpointError, match=message):
        other.restore(LIKE)
    other.close()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:10]), "is changed"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), "is changed"),
        (lambda path: path.unlink(), "is gone"),
    ],
)
@pytest.mark.parametrize("folder", ["arrays/d", "notes"])
def test_damage_is_one_sentence(store, tmp_path, folder, damage, message):
    _save(store)
    place = tmp_path / "checkpoints/latest/3"
    for path in (place / folder).iterdir():
        damage(path)
    with pytest.raises(CheckpointError, match=rf"latest/3 is damaged \(.*{message}\)") as caught:
        store.restore(LIKE)
    assert "\n" not in str(caught.value)


def test_damage_is_noticed_without_a_list_of_files_too(store, tmp_path):
    _save(store)
    (tmp_path / "checkpoints/latest.json").unlink()
    assert store.restore(LIKE).arrays["value"] == 1
    (tmp_path / "checkpoints/latest/3/notes/metadata").write_text("{")
    with pytest.raises(CheckpointError, match=r"latest/3 is damaged \("):
        store.restore(LIKE)


def test_another_layout_is_refused(store, monkeypatch):
    _save(store)
    monkeypatch.setattr("mace.training.checkpoint.LAYOUT", 99)
    with pytest.raises(CheckpointError, match="another version of MACE"):
        store.restore(LIKE)


def test_a_full_disk_leaves_the_checkpoint_before(store, tmp_path, monkeypatch):
    _save(store)
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutputError, match="No space left on device; free some space"):
        _save(store, 6)
    monkeypatch.undo()
    assert store.restore(LIKE).arrays["value"] == 1
    assert [path.name for path in (tmp_path / "checkpoints/latest").iterdir()] == ["3"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        ValueError('RESOURCE_EXHAUSTED: writing "a": No space left on device [os_error_code=28]'),
    ],
)
def test_a_disk_that_fills_up_while_writing_leaves_nothing_half_written(
    store, tmp_path, monkeypatch, error
):
    def fail(step, **_):
        (tmp_path / f"checkpoints/latest/{step}.orbax-checkpoint-tmp/arrays").mkdir(parents=True)
        raise error

    monkeypatch.setattr(store._manager, "save", fail)
    with pytest.raises(OutputError, match=r"cannot write the checkpoint .*No space left on device"):
        _save(store)
    assert list((tmp_path / "checkpoints/latest").iterdir()) == []
    monkeypatch.undo()
    _save(store)
    assert store.restore(LIKE).arrays["value"] == 1


def test_a_mistake_of_ours_is_not_called_a_full_disk(store, monkeypatch):
    def fail(*_, **__):
        raise ValueError("shapes differ")

    monkeypatch.setattr(store._manager, "save", fail)
    with pytest.raises(ValueError, match="shapes differ"):
        _save(store)


def test_a_half_written_checkpoint_of_a_killed_run_is_swept_up(store, tmp_path):
    _save(store)
    store.close()
    (tmp_path / "checkpoints/latest/6.orbax-checkpoint-tmp/arrays").mkdir(parents=True)
    again = CheckpointStore(tmp_path, IDENTITY)
    assert again.restore(LIKE).arrays["value"] == 1
    assert [path.name for path in (tmp_path / "checkpoints/latest").iterdir()] == ["3"]
    again.close()
