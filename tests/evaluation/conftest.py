import pytest
from evaluation_cases import make_set

from mace.data.motion_set import MotionSet


@pytest.fixture(scope="session")
def motion_set() -> MotionSet:
    return make_set()
