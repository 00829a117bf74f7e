"""Times as a ratio of two networks that are timed in turns."""

from dataclasses import replace

import pytest

from mace.experiments import latency_accuracy
from mace.models.config import ModelConfig
from mace.motion.config import MotionConfig


def test_twice_the_time_is_a_ratio_of_two(monkeypatch):
    times = {ModelConfig(): 0.25, ModelConfig(widths=(8,), depths=(1,)): 0.5}
    monkeypatch.setattr(
        latency_accuracy, "_timed_call", lambda model, motion, *, classes: times[model]
    )
    monkeypatch.setattr(latency_accuracy, "_seconds", lambda seconds: seconds)
    reference, other = times
    ratio = latency_accuracy.latency_ratio(other, reference, MotionConfig(size=28), classes=5)
    assert ratio == 2.0


def test_real_network_is_timed(monkeypatch):
    monkeypatch.setattr(latency_accuracy, "_CALLS", 2)
    monkeypatch.setattr(latency_accuracy, "_TURNS", 2)
    small = ModelConfig(arch="resnet", widths=(4,), depths=(1,), norm="group")
    motion = MotionConfig(size=28)
    ratio = latency_accuracy.latency_ratio(small, replace(small, widths=(6,)), motion, classes=3)
    assert 0 < ratio == pytest.approx(ratio)
    assert ratio < 1000
