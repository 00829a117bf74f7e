"""Several searches at work on one study."""

import signal

import optuna
import pytest
from search_cases import choices, proposed, search, start_child, wait_for

from mace.errors import ConfigError
from mace.search.folder import StudyFolder
from mace.search.results import Results


def test_two_searches_do_not_write_one_study(tmp_path, pretended):
    out = tmp_path / "s"
    child = start_child(out, "random", 0.05)
    wait_for(Results(out), 2)
    try:
        with pytest.raises(ConfigError, match=rf"process {child.pid}.*--join"):
            search(out, trials=20)
        # Beside it, they share the work.
        joined = search(out, trials=20, join=True)
        assert joined.evaluation is None
        assert joined.evaluated > 2
        assert child.wait(300) == 0
    finally:
        child.kill()
        child.wait()
    # Each setting once: neither took what the other was at work on.
    assert len((out / "results.jsonl").read_bytes().splitlines()) == 40
    assert len(Results(out).load()) == 40
    assert StudyFolder(out).read_chosen() is not None
    assert proposed(search(out, trials=20)) == proposed(search(tmp_path / "alone", trials=20))


@pytest.mark.slow
@pytest.mark.parametrize(
    "storage",
    [
        "{home}/shared.log",
        pytest.param("sqlite:///{home}/shared.db", marks=pytest.mark.slow),
    ],
)
def test_the_one_that_scores_is_killed_and_begins_again_beside_those_that_join(
    tmp_path, pretended, storage
):
    storage = storage.replace("{home}", str(tmp_path))
    option = f"storage={storage}"
    first = start_child(tmp_path / "one", "random", 0.3, option)
    joined = start_child(tmp_path / "two", "random", 0.3, option, "join")
    try:
        wait_for(Results(tmp_path / "one"), 2)
        wait_for(Results(tmp_path / "two"), 1)
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert joined.poll() is None
        result = search(tmp_path / "one", trials=20, storage=storage, name="shared")
        assert joined.wait(300) == 0
    finally:
        first.kill()
        joined.kill()
        first.wait()
        joined.wait()
    lines = {name: list(Results(tmp_path / name).load().values()) for name in ("one", "two")}
    keys = [one.key for one in lines["one"]]
    assert len(keys) == len(set(keys)) == 40
    assert {one.key for one in lines["two"]} <= set(keys)
    # Each was evaluated once, but for one that was stored and not yet told when all was killed.
    evaluations = {(one.key, one.finished) for found in lines.values() for one in found}
    assert len(evaluations) <= 41
    assert [one.number for one in result.outcomes if one.group == "1"] == list(range(20))
    alone = search(tmp_path / "alone", trials=20)
    assert proposed(result) == proposed(alone)
    assert choices(result) == choices(alone)


def test_what_was_said_before_a_trial_was_ended_is_not_evaluated_again(
    tmp_path, pretended, monkeypatch
):
    shared = {"trials": 3, "storage": str(tmp_path / "shared.log"), "name": "shared"}

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(optuna.study.Study, "tell", killed)
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path / "one", **shared)
    (said,) = Results(tmp_path / "one").load().values()
    result = search(tmp_path / "two", **shared)
    assert result.evaluated == 5
    (taken_over,) = [one for one in result.outcomes if one.key == said.key]
    assert taken_over == said
    assert proposed(result) == proposed(search(tmp_path / "alone", trials=3))
