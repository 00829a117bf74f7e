"""A server in a process of its own, as `mace live --web` runs it."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@contextlib.contextmanager
def served(*arguments):
    """Run `serve_fakes.py` and yield the page's address."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "serve_fakes.py"), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


@pytest.fixture(scope="module")
def live_server():
    with served() as address:
        yield address
