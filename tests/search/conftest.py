from pathlib import Path

import pytest


@pytest.fixture
def pretended(monkeypatch):
    """Settings that cost nothing; the class that was asked for them."""
    import search_cases

    search_cases.pretend(monkeypatch)
    return search_cases.Pretended


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """A folder with prepared data and a space to search."""
    import typed_search

    home = tmp_path_factory.mktemp("home")
    typed_search.prepare(home)
    return home


@pytest.fixture(scope="session")
def undisturbed(home):
    """A search that nobody disturbed, for others to be compared with."""
    import typed_search

    with typed_search.TypedSearch(home, "undisturbed", "--engine.workers", "4") as search:
        search.start()
        search.finish(1800)
    return search
