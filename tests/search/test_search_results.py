import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from search_cases import TRAIN, make_set

from mace.errors import OutputError
from mace.search.config import SearchConfig
from mace.search.groups import make_groups
from mace.search.naming import code_version, result_key
from mace.search.results import InnerCurve, Outcome, Results, outcome_text, ranked


def outcome(key: str, **changes) -> Outcome:
    values = {
        "key": key,
        "group": "1",
        "number": 0,
        "setting": {"train.mixup": 0.1, "train.model.widths": [4, 8]},
        "status": "complete",
        "uf1": 0.5,
        "epochs": 2,
        "rungs": ((1, 0.4), (2, 0.5)),
        "confusion": ((1, 2), (3, 4)),
        "folds": (InnerCurve(loss=(1.0, 0.5), uf1=((2, 0.5),)),),
    }
    return Outcome(**(values | changes))


def test_what_was_appended_is_read_back(tmp_path):
    results = Results(tmp_path / "new")
    assert results.load() == {}
    first, second = outcome("a"), outcome("b", status="diverged", uf1=None, confusion=())
    results.append(first)
    results.append(second)
    assert results.load() == {"a": first, "b": second}


def test_torn_lines_are_passed_over_and_swallow_nothing(tmp_path):
    results = Results(tmp_path)
    results.append(outcome("a"))
    whole = results.path.read_bytes()
    results.path.write_bytes(whole + whole.replace(b'"a"', b'"b"')[:40])
    assert list(results.load()) == ["a"]
    results.append(outcome("c"))
    assert list(results.load()) == ["a", "c"]
    results.path.write_bytes(b"\xff\xfe\x00 not JSON\n[1, 2]\n\n" + results.path.read_bytes())
    assert list(results.load()) == ["a", "c"]


def test_files_merge_by_concatenation_and_the_first_counts(tmp_path):
    one, other = Results(tmp_path / "one"), Results(tmp_path / "other")
    one.append(outcome("a", uf1=0.1))
    one.append(outcome("b"))
    other.append(outcome("a", uf1=0.9))
    other.append(outcome("c"))
    one.path.write_bytes(one.path.read_bytes() + other.path.read_bytes())
    assert list(one.load()) == ["a", "b", "c"]
    assert one.load()["a"].uf1 == 0.1


APPEND = """
import dataclasses, pathlib, sys
from mace.search.results import Results, read_outcome
results, one = Results(pathlib.Path(sys.argv[1])), read_outcome(sys.argv[3])
for i in range(50):
    results.append(dataclasses.replace(one, key=f"{sys.argv[2]}{i}"))
"""


def test_many_processes_share_a_file(tmp_path):
    line = outcome_text(outcome("a", reason="x" * 3000))
    command = [sys.executable, "-c", APPEND, str(tmp_path)]
    children = [subprocess.Popen([*command, name, line]) for name in "abcd"]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]
    assert len(Results(tmp_path).load()) == 200
    assert len(Results(tmp_path).path.read_bytes().splitlines()) == 200


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="file"):
        Results(tmp_path / "file").append(outcome("a"))


def test_the_better_comes_first_and_the_earlier_of_equals():
    found = ranked(
        [
            outcome("a", uf1=0.5, number=3),
            outcome("b", uf1=0.7, number=5),
            outcome("c", uf1=0.7, number=4),
            outcome("d", uf1=0.9, status="pruned"),
            outcome("e", uf1=None, status="diverged"),
        ]
    )
    assert [one.key for one in found] == ["c", "b", "a"]


def test_a_name_depends_on_all_that_decides_the_score():
    motion_set = make_set()
    config = SearchConfig(groups=2, inner_folds=2)
    one, other = make_groups(motion_set, config)

    def key(train=TRAIN, group=one, config=config, data="d", code="c"):
        return result_key(train, group, config=config, fingerprint=data, code=code)

    names = {
        key(),
        key(train=dataclasses.replace(TRAIN, mixup=0.1)),
        key(group=other),
        key(config=dataclasses.replace(config, seed=1)),
        key(config=dataclasses.replace(config, prune="asha")),
        key(config=dataclasses.replace(config, latency=True)),
        key(data="e"),
        key(code="x"),
    }
    assert len(names) == 8
    # How many proposals there are, or how they are found, does not change what one is worth.
    assert key(config=dataclasses.replace(config, trials=99, sampler="qmc", per_job=3)) == key()
    assert key(train=dataclasses.replace(TRAIN, checkpoint_every=1)) == key()
    assert len(code_version()) == 12


def test_groups_and_inner_folds_keep_people_apart():
    motion_set = make_set(subjects=9, clips=3)
    groups = make_groups(motion_set, SearchConfig(groups=4, inner_folds=3))
    tested = np.concatenate([group.tested for group in groups])
    assert sorted(tested) == list(range(len(motion_set)))
    for group in groups:
        own = set(motion_set.groups[group.tested])
        answered = np.concatenate([fold.test_index for fold in group.folds])
        assert sorted(answered) == sorted(group.outside)
        for fold in group.folds:
            trained, judged = (
                set(motion_set.groups[index]) for index in (fold.train_index, fold.test_index)
            )
            assert not trained & judged
            assert not (trained | judged) & own
