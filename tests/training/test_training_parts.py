"""Normalisation, statistics, logs, signals, the compilation cache: one small thing each."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from training_cases import CONFIG, make_set

from mace.compilation import keep_compiled
from mace.errors import OutputError
from mace.prediction import normalise
from mace.training.log import run_log
from mace.training.signals import stop_signals
from mace.training.state import channel_statistics, make_fold
from mace.training.step import add_metrics, zero_totals

pytestmark = pytest.mark.accelerator


def test_statistics_are_of_each_channel_of_the_training_clips():
    motion_set = make_set()
    inputs = np.zeros((24, 1, 1, 2, 3), np.float32)
    inputs[:2, ..., 0] = [[[[0.0, 0.0]]], [[[4.0, 4.0]]]]
    inputs[..., 1] = 5.0
    inputs[2:] = 99.0
    small = replace(motion_set, inputs=inputs)
    mean, std = channel_statistics(small, np.array([0, 1]))
    assert mean.tolist() == [2.0, 5.0, 0.0]
    assert std.tolist() == [2.0, 1.0, 1.0]  # a constant channel is not divided by zero
    fold = make_fold(motion_set, np.arange(5), config=CONFIG, seed=0)
    expected = motion_set.inputs[:5].astype(np.float64)
    np.testing.assert_allclose(fold.mean, expected.mean((0, 1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(fold.std, expected.std((0, 1, 2, 3)), rtol=1e-5)
    assert fold.class_counts.tolist() == [2.0, 2.0, 1.0]


def test_normalise_by_training_by_image_or_not():
    images = jnp.asarray([[[[1.0], [3.0]]], [[[5.0], [5.0]]]])
    mean, std = jnp.array([1.0]), jnp.array([2.0])
    by_training = normalise(images, mean, std, kind="training")
    assert by_training.ravel().tolist() == [0.0, 1.0, 2.0, 2.0]
    by_image = normalise(images, mean, std, kind="image")
    assert by_image.ravel().tolist() == [-1.0, 1.0, 0.0, 0.0]
    assert normalise(images, mean, std, kind="none") is images


def test_totals_add_up_and_remember_the_first_bad_step():
    totals = zero_totals()
    for step, loss in enumerate([2.0, np.nan, 4.0, np.nan]):
        metrics = {name: (jnp.float32(loss), jnp.float32(2)) for name in totals["sums"]}
        totals = add_metrics(totals, metrics, jnp.int32(step))
    assert int(totals["bad_step"]) == 1
    assert float(totals["sums"]["accuracy"][1]) == 8


def test_the_log_drops_epochs_that_a_restarted_run_repeats(tmp_path):
    rows = [{"epoch": epoch, "step": 3 * epoch, "loss": 1 / epoch} for epoch in (1, 2, 3)]
    with run_log(tmp_path, []) as write:
        for row in rows:
            write(row)
    with run_log(tmp_path, rows[:1]) as write:
        write(rows[1])
    text = (tmp_path / "metrics.jsonl").read_text()
    assert [json.loads(line) for line in text.splitlines()] == rows[:2]


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path):
    with run_log(tmp_path, []) as write:
        (tmp_path / "metrics.jsonl").unlink()
        (tmp_path / "metrics.jsonl").mkdir()
        with pytest.raises(OutputError, match=r"cannot write .*metrics\.jsonl: Is a directory"):
            write({"epoch": 1, "step": 1, "loss": 0.0})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_remembered_and_the_second_acts_as_before(number):
    caught = []
    previous = signal.signal(number, lambda *_: caught.append("before"))
    try:
        with stop_signals() as stop:
            assert not stop
            os.kill(os.getpid(), number)
            assert stop
            assert stop.signal is number
            assert not caught
            os.kill(os.getpid(), number)
            assert caught == ["before"]
        os.kill(os.getpid(), number)
        assert caught == ["before"] * 2
    finally:
        signal.signal(number, previous)


def test_outside_of_the_main_thread_no_handler_is_installed():
    seen = []

    def run():
        with stop_signals() as stop:
            seen.append(bool(stop))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False]


KEEP = """
import sys
from pathlib import Path
import jax, jax.numpy as jnp
from mace.compilation import keep_compiled
keep_compiled(Path(sys.argv[1]))
jax.jit(lambda x: x * 3 + 1)(jnp.arange(17.0)).block_until_ready()
"""


def test_compiled_programs_are_kept(tmp_path):
    # A process decides at its first compilation whether it keeps programs, so it takes a new one.
    subprocess.run([sys.executable, "-c", KEEP, str(tmp_path)], check=True)
    assert any((tmp_path / "compiled").iterdir())


def test_place_for_compiled_programs_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        keep_compiled(tmp_path / "file")
