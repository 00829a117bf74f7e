"""`mace search` on a cluster; `uv run --extra ray pytest -m slow tests/search/executors`."""

import pytest

pytest.importorskip("ray", exc_type=ImportError)
from typed_search import TypedSearch, assert_same


@pytest.fixture(autouse=True)
def cache(home, monkeypatch):
    """The cluster's workers find what the undisturbed search has compiled, and only that."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))


@pytest.mark.slow
def test_search_whose_cluster_loses_a_machine_ends_as_an_undisturbed_one(
    home, undisturbed, cluster
):
    first, _ = cluster.add(2), cluster.add(2)
    options = ("--engine.kind", "ray", "--engine.address", cluster.address)
    with TypedSearch(home, "on-ray", *options) as search:
        search.start()
        search.wait_until(lambda: search.done >= 40 and len(search.places()) == 4)
        cluster.cut_off(first)
        search.finish(1800)
    assert_same(search, undisturbed)
