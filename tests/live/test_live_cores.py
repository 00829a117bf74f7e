"""Cores for the live loop."""

import os
import subprocess
import sys

import cv2
import pytest

from mace.live.cores import stages_side_by_side


def test_opencv_uses_one_core_and_locks_change_hands_soon_for_as_long_as_asked():
    before = cv2.getNumThreads(), sys.getswitchinterval()
    with stages_side_by_side():
        assert cv2.getNumThreads() == 1
        assert sys.getswitchinterval() == pytest.approx(0.00002)
    assert (cv2.getNumThreads(), sys.getswitchinterval()) == before


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="a system without affinities")
def test_xla_gets_one_thread_and_every_thread_all_cores():
    code = """
import os
from mace.live.cores import start_on_one_core
allowed = os.sched_getaffinity(0)
start_on_one_core()
threads = [int(name) for name in os.listdir("/proc/self/task")]
assert all(os.sched_getaffinity(thread) == allowed for thread in threads), "narrowed"
names = [open(f"/proc/self/task/{t}/comm").read().strip() for t in threads]
print(len([name for name in names if "XLAEigen" in name]))
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert int(found.stdout) <= 1
