"""What was ended goes on, and begins after others; what is another study does not."""

import dataclasses
import signal

import pytest
from optuna.distributions import FloatDistribution
from search_cases import (
    LEARNING_RATE,
    TRAIN,
    choices,
    finished,
    make_plan,
    make_set,
    proposed,
    search,
    start_child,
    wait_for,
)

from mace.errors import ConfigError, DataError
from mace.search.space import SearchSpace
from mace.search.study import Study


@pytest.mark.slow
def test_a_killed_search_ends_as_an_undisturbed_one(tmp_path, pretended):
    undisturbed = search(tmp_path / "undisturbed", trials=10)
    out = tmp_path / "killed"
    for count in (3, 9):
        child = start_child(out)
        wait_for(out, count)
        child.send_signal(signal.SIGKILL)
        child.wait()
    done = finished(out)
    result = search(out, trials=10)
    # One may have been evaluated and not yet told when the process was killed.
    assert 20 - done - result.evaluated in (0, 1)
    assert proposed(result) == proposed(undisturbed)
    assert choices(result) == choices(undisturbed)
    assert [one.uf1 for one in result.outcomes] == [one.uf1 for one in undisturbed.outcomes]
    assert result.evaluation.methods["network"].predicted.tolist() == (
        undisturbed.evaluation.methods["network"].predicted.tolist()
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, ["search.seed 0", "now it is 1"]),
        ({"train": dataclasses.replace(TRAIN, epochs=3)}, ["recipe.train.epochs 2"]),
        (
            {"space": SearchSpace({LEARNING_RATE: FloatDistribution(1e-3, 1e-2)})},
            ["space.", "--from"],
        ),
    ],
)
def test_a_study_is_not_continued_as_another_one(tmp_path, pretended, changes, words):
    search(tmp_path / "s", trials=1)
    with pytest.raises(ConfigError) as caught:
        search(tmp_path / "s", **({"trials": 1} | changes))
    for word in words:
        assert word in str(caught.value)
    with pytest.raises(ConfigError, match="data"):
        search(tmp_path / "s", make_set(seed=1), trials=1)
    # A list is tried whole, whatever others came to.
    listed = SearchSpace(listed=[{LEARNING_RATE: 1e-3}])
    with pytest.raises(ConfigError, match=r"choose another --out .*another --name\)$"):
        search(tmp_path / "s", space=listed, trials=1)


def test_a_search_may_begin_with_what_an_earlier_one_found(tmp_path, pretended, capsys):
    earlier = search(tmp_path / "earlier", trials=12)
    same = search(tmp_path / "same", trials=4, earlier=[earlier.folder])
    best = {
        group: sorted(
            (one for one in earlier.outcomes if one.group == group and one.status == "complete"),
            key=lambda one: (-one.uf1, one.number),
        )[0]
        for group in ("1", "2")
    }
    for group, one in best.items():
        first = next(o for o in same.outcomes if o.group == group and o.number == 0)
        assert dict(first.setting) == dict(one.setting)
    # Proposals alone are taken over: what they come to is computed here.
    assert same.evaluated == 8
    # Dealt otherwise, every earlier group was judged on somebody who is tested now.
    search(tmp_path / "other", trials=4, groups=3, seed=5, earlier=[earlier.folder])
    assert "judged on people who are tested here" in capsys.readouterr().err
    # Other people may be learnt from.
    others = make_set(seed=3)
    others = dataclasses.replace(
        others, subjects=tuple(f"other/{i}" for i in range(6)), fingerprint=""
    )
    result = search(tmp_path / "others", others, trials=4, earlier=[earlier.folder])
    seen = [dict(one.setting) for one in result.outcomes if one.number < 3]
    assert dict(best["1"].setting) in seen
    with pytest.raises(DataError, match="holds no search"):
        search(tmp_path / "nothing", earlier=[tmp_path])


def test_a_person_of_another_spelling_is_the_same_person(tmp_path, pretended, capsys):
    spelt = {"first": "casme2/sub{:02}", "second": "casme2/{:02}"}
    data = {
        name: dataclasses.replace(
            make_set(), subjects=tuple(map(text.format, range(1, 7))), fingerprint=""
        )
        for name, text in spelt.items()
    }
    first = search(tmp_path / "first", data["first"], trials=6)
    search(tmp_path / "second", data["second"], trials=2, groups=3, seed=5, earlier=[first.folder])
    assert capsys.readouterr().err.count("judged on people who are tested here") == 3


def test_nobody_is_heard_again_by_way_of_two_studies(tmp_path, pretended, capsys):
    # The first was judged on the people whom the third tests; the second, on others, began with it.
    first = search(tmp_path / "first", trials=6)
    others = dataclasses.replace(
        make_set(seed=3), subjects=tuple(f"other/{i}" for i in range(6)), fingerprint=""
    )
    second = search(tmp_path / "second", others, trials=2, earlier=[first.folder])
    third = {"trials": 2, "groups": 3, "seed": 5}
    search(tmp_path / "third", earlier=[second.folder], **third)
    told = capsys.readouterr().err
    assert told.count("nothing of second is used for the group that tests made/") == 3
    # Also where the study that lies between was gone on with by a command that does not name it.
    search(tmp_path / "second", others, trials=3)
    search(tmp_path / "fourth", earlier=[second.folder], **third)
    assert "nothing of second is used" in capsys.readouterr().err


def test_first_proposals_are_made_once_and_go_on_where_they_were(tmp_path):
    settings = [
        {LEARNING_RATE: rate, "train.mixup": 0.5, "train.loss.kind": "focal"}
        for rate in (1e-3, 2e-3, 4e-3)
    ]
    candidates = []
    for _ in range(7):  # each time another process
        study = Study(make_plan(tmp_path), "1", epochs=2)
        study.warm_start(settings)
        asked = study.ask()
        candidates += [] if asked is None else [asked]
    assert [candidate.number for candidate in candidates] == list(range(6))
    assert [candidate.setting for candidate in candidates[:3]] == settings
    assert candidates[3].setting not in settings
