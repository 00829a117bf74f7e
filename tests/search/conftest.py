import pytest
import search_cases


@pytest.fixture
def pretended(monkeypatch):
    """Settings that cost nothing; the class that was asked for them."""
    search_cases.pretend(monkeypatch)
    return search_cases.Pretended
