"""A server in a process of its own, as `mace live --web` runs it."""

import pytest
from livefakes import served


@pytest.fixture(scope="module")
def live_server():
    with served() as address:
        yield address
