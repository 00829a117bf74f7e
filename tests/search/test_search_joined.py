"""Several searches at work on one study, in a file or a database."""

import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

import optuna
import pytest
import sqlalchemy
from optuna.trial import TrialState
from search_cases import (
    choices,
    finished,
    make_plan,
    proposed,
    search,
    start_child,
    wait_for,
)

from mace.errors import ConfigError
from mace.search import study as study_module
from mace.search.sampler import make_pruner, numbers
from mace.search.storage import open_storage, trial_id
from mace.search.stored import read_study
from mace.search.study import Study


def evaluations(folder, storage=""):
    """How often a setting was evaluated, however it ended."""
    study = read_study(folder, storage=storage)
    # Two processes may take the last proposal at one moment; one is no proposal and let go.
    return sum(
        number < study.facts["proposals"]
        for group in study.studies.values()
        for number in numbers(group.get_trials()).values()
    )


def test_two_searches_do_not_write_one_study(tmp_path, pretended):
    out = tmp_path / "s"
    child = start_child(out, "random", 0.5)
    try:
        wait_for(out, 2)
        with pytest.raises(ConfigError, match=rf"process {child.pid}.*--join"):
            search(out, trials=10)
        # Beside it, they share the work.
        joined = search(out, trials=10, join=True)
        assert joined.evaluation is None
        assert joined.evaluated > 0
        assert child.wait(300) == 0
    finally:
        child.kill()
        child.wait()
    # Each setting once: neither took what the other was at work on.
    assert evaluations(out) == finished(out) == 20
    assert len(read_study(out).looks) == 1
    assert proposed(search(out, trials=10)) == proposed(search(tmp_path / "alone", trials=10))


def the_one_that_scores_is_killed(tmp_path, database):
    option = f"database={database}"
    first = start_child(tmp_path / "one", "random", 0.3, option)
    joined = start_child(tmp_path / "two", "random", 0.3, option, "join")
    try:
        wait_for(tmp_path / "one", 2)
        wait_for(tmp_path / "two", 4)
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert joined.poll() is None
        result = search(tmp_path / "one", trials=10, storage=database, name="shared")
        assert joined.wait(300) == 0
    finally:
        for child in (first, joined):
            child.kill()
            child.wait()
    assert result.evaluated > 2
    # Once each, but for what was under way when the first one was killed.
    assert evaluations(tmp_path / "two") <= 24
    assert [one.number for one in result.outcomes if one.group == "1"] == list(range(10))
    alone = search(tmp_path / "alone", trials=10)
    assert proposed(result) == proposed(alone)
    assert choices(result) == choices(alone)
    assert [one.uf1 for one in result.outcomes] == [one.uf1 for one in alone.outcomes]


@pytest.mark.slow
def test_the_one_that_scores_is_killed_and_begins_again_beside_those_that_join(tmp_path, pretended):
    the_one_that_scores_is_killed(tmp_path, f"sqlite:///{tmp_path}/shared.db")


@contextmanager
def postgres(folder):
    """Yield the URL of a PostgreSQL server of our own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    as_user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "nobody")
        for parent in list(folder.parents)[:3]:
            parent.chmod(0o755)
    quietly = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [*as_user, "initdb", "-U", "mace", "-A", "trust", "-D", data], check=True, **quietly
    )
    command = [*as_user, "postgres", "-D", data, "-p", str(port), "-k", folder, "-F"]
    with subprocess.Popen(command, **quietly) as server:
        try:
            for _ in range(300):
                if not subprocess.run(
                    ["pg_isready", "-h", "127.0.0.1", "-p", str(port)], check=False, **quietly
                ).returncode:
                    break
                time.sleep(0.2)
            yield f"postgresql://mace@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGTERM)


@pytest.mark.slow
def test_two_searches_in_postgresql_of_which_one_is_killed(tmp_path, pretended):
    """`uv run --extra postgres pytest -m slow tests/search/test_search_joined.py`."""
    pytest.importorskip("psycopg")
    if not all(map(shutil.which, ("initdb", "postgres", "pg_isready"))):
        pytest.skip("there is no PostgreSQL server to start")
    (tmp_path / "server").mkdir()
    with postgres(tmp_path / "server") as url:
        the_one_that_scores_is_killed(tmp_path, url)
        # Its connections, or they would be found unclosed in some later test.
        storage = open_storage(url)
        storage.remove_session()
        storage.engine.dispose()


def test_what_was_said_before_a_trial_was_ended_is_not_evaluated_again(
    tmp_path, pretended, monkeypatch
):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(optuna.study.Study, "tell", killed)
        with pytest.raises(KeyboardInterrupt):
            search(tmp_path / "s", trials=3)
    assert finished(tmp_path / "s") == 1
    result = search(tmp_path / "s", trials=3)
    assert result.evaluated == 5
    assert proposed(result) == proposed(search(tmp_path / "alone", trials=3))


def left_running(monkeypatch, database, number, folder="", *, machine="elsewhere", silent=0):
    """Have a proposal under way on a machine, whose heart is silent for so many seconds."""
    plan = make_plan(folder, trials=9, storage=database, name="demo", join=not folder)
    with monkeypatch.context() as patch:
        patch.setattr(platform, "node", lambda: machine)
        asked = Study(plan, "1", epochs=2).ask()
    assert asked is not None
    assert asked.number == number
    silence(database, "demo/1", asked.trial, seconds=silent)


def silence(database, name, trial, *, seconds):
    """Have a trial's last heartbeat lie so far back."""
    storage = open_storage(database)
    with storage.engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(
                "UPDATE trial_heartbeats SET heartbeat = "
                f"datetime(heartbeat, '-{seconds} seconds') WHERE trial_id = :id"
            ),
            {"id": trial_id(storage, name, trial)},
        )


def test_two_that_score_need_not_know_of_each_other(tmp_path, pretended):
    options = {"trials": 2, "storage": f"sqlite:///{tmp_path}/shared.db", "name": "demo"}
    first, second = (search(tmp_path / name, **options) for name in ("first", "second"))
    assert second.evaluated == 0
    assert choices(second) == choices(first)
    assert (tmp_path / "second" / "outer" / "results.json").exists()
    # One choice after as many settings is one look, whoever looks.
    assert len(read_study(tmp_path / "second").looks) == 1


def test_what_a_machine_that_is_gone_left_is_evaluated(tmp_path, pretended, monkeypatch):
    options = {"storage": f"sqlite:///{tmp_path}/shared.db", "name": "demo"}
    search(tmp_path / "first", trials=1, **options)
    left_running(monkeypatch, options["storage"], 1, "/s", silent=600)
    left_running(monkeypatch, options["storage"], 2, silent=600)  # one that had joined
    # On this machine the lock of its folder says so, at once.
    left_running(monkeypatch, options["storage"], 3, tmp_path / "s", machine=platform.node())
    result = search(tmp_path / "s", trials=6, **options)
    assert result.evaluated == 10
    (study,) = [s for g, s in read_study(tmp_path / "s").studies.items() if g == "1"]
    states = [trial.state for trial in study.get_trials()]
    assert states.count(TrialState.FAIL) == 3
    assert proposed(result) == proposed(search(tmp_path / "alone", trials=6))


def running(study):
    return sum(trial.state == TrialState.RUNNING for trial in study.trials())


def test_what_was_killed_before_it_said_so_falls_silent_all_the_same(tmp_path, monkeypatch):
    plan = make_plan(tmp_path / "s", trials=2)
    dead, study = (Study(plan, "1", epochs=2) for _ in range(2))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study_module, "trial_id", killed)
        with pytest.raises(KeyboardInterrupt):
            dead.ask()
    study.recover()  # its silence counts from now
    assert running(study) == 1
    silence(plan.storage, "s/1", 0, seconds=600)
    study.recover()
    assert running(study) == 0
    asked = [study.ask() for _ in range(3)]
    assert [candidate.number for candidate in asked if candidate] == [0, 1]


def test_what_nobody_is_at_work_on_is_not_done(tmp_path):
    plan = make_plan(tmp_path / "s", trials=1)
    dead, waiting, third = (Study(plan, "1", epochs=2) for _ in range(3))
    assert dead.ask()
    assert waiting.ask() is None
    third.recover(begin=True)  # failed, and not yet proposed again
    assert (running(waiting), waiting.done, waiting.proposals) == (0, 0, 1)
    assert waiting.ask().number == 0


def test_a_proposal_that_runs_again_competes_once(tmp_path):
    plan = make_plan(tmp_path / "s", trials=4, prune="asha", first_rung=1)
    study = Study(plan, "1", epochs=9)
    pruner = make_pruner(plan.config, 9)

    def report(candidate, score):
        identifier = trial_id(open_storage(plan.storage), "s/1", candidate.trial)
        open_storage(plan.storage).set_trial_intermediate_value(identifier, 1, score)
        return pruner.prune(study.optuna, open_storage(plan.storage).get_trial(identifier))

    for score in (0.9, 0.8, 0.7):
        report(study.ask(), score)
    worst = study.ask()
    assert report(worst, 0.1)
    study.optuna.tell(worst.trial, state=TrialState.FAIL)
    again = study.ask()
    assert again.number == worst.number
    assert report(again, 0.1)
    rungs = [
        value
        for trial in study.trials()
        if trial.state != TrialState.FAIL
        for name, value in trial.system_attrs.items()
        if name == "completed_rung_0"
    ]
    assert sorted(rungs) == [0.1, 0.7, 0.8, 0.9]


def test_a_minute_of_silence_counts_from_the_last_heartbeat_whoever_looks(tmp_path):
    plan = make_plan(tmp_path / "s", trials=1, join=True)
    at_work, study = (Study(plan, "1", epochs=2) for _ in range(2))
    assert at_work.ask()
    silence(plan.storage, "s/1", 0, seconds=50)
    study.recover()
    assert running(study) == 1
    silence(plan.storage, "s/1", 0, seconds=20)
    study.recover()
    assert running(study) == 0


def test_a_trial_that_is_taken_over_while_it_is_proposed_is_left_to_the_other(
    tmp_path, monkeypatch
):
    study, other = (Study(make_plan(tmp_path, trials=3), "1", epochs=2) for _ in range(2))

    def slow(storage, name, trial):
        monkeypatch.setattr(study_module, "trial_id", trial_id)
        other.optuna.tell(trial, state=TrialState.FAIL)  # as its silence would have it
        return trial_id(storage, name, trial)

    monkeypatch.setattr(study_module, "trial_id", slow)
    candidates = [study.ask() for _ in range(4)]
    numbers = [candidate.number for candidate in candidates if candidate]
    assert numbers == [0, 1, 2]
