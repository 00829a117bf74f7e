import dataclasses

import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from search_cases import LEARNING_RATE, SPACE, TRAIN

from mace.errors import ConfigError, DataError
from mace.models.presets import MODELS
from mace.recipes import FLOW
from mace.search.setting import (
    apply_setting,
    check_networks,
    check_space,
    corners,
    text_of,
)
from mace.search.space import SPACES, SearchSpace, choice, find_space, space_of, value_at


def refused(space, *words, train=TRAIN):
    with pytest.raises(ConfigError) as caught:
        check_space(space, train)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


def test_a_setting_changes_what_it_names_and_nothing_else():
    changed = apply_setting(
        TRAIN,
        {LEARNING_RATE: 3e-3, "train.model": {"widths": [4, 8], "depths": [1, 2]}},
    )
    assert changed.optimiser.learning_rate == 3e-3
    assert changed.model.widths == (4, 8)
    assert changed.model.depths == (1, 2)
    model = dataclasses.replace(changed.model, widths=(4,), depths=(1,))
    assert dataclasses.replace(changed, optimiser=TRAIN.optimiser, model=model) == TRAIN


def test_a_setting_is_said_as_people_write_it():
    setting = {LEARNING_RATE: 0.00312345, "train.model.widths": [8, 16]}
    assert text_of(setting) == "optimiser.learning_rate 0.003123, model.widths [8, 16]"
    assert text_of({}) == "as in the recipe"


def test_the_spaces_that_come_with_mace_fit_the_flow_recipe():
    for space in SPACES.values():
        assert len(check_space(space, FLOW.train)) > 4


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("train.optimizer.learning_rate", "train.optimiser.learning_rate"),
        ("train.optimiser.learning_rte", "train.optimiser.learning_rate"),
        ("optimiser.weight_decay", "train.optimiser.weight_decay"),
        ("train.dropout", "train.model.dropout"),
        ("train.model.dropout.rate", "train.model.dropout"),
    ],
)
def test_a_path_that_does_not_exist_comes_with_the_nearest_one(path, near):
    refused(SearchSpace({path: FloatDistribution(0.0, 0.5)}), path, "does not exist", near)


def test_an_input_cannot_vary_within_a_search():
    refused(SearchSpace({"motion.size": choice((28, 32))}), "motion.size", "one search for each")


def test_values_of_the_wrong_type_or_out_of_range():
    refused(SearchSpace({"train.epochs": FloatDistribution(2.5, 9.5)}), "train.epochs", "int")
    refused(SearchSpace({"train.loss.kind": choice(("focal", "hinge"))}), "hinge", "cross_entropy")
    refused(
        SearchSpace({"train.model.dropout": FloatDistribution(0.0, 1.0)}), "dropout", "dropout < 1"
    )
    refused(SearchSpace({"train.batch_size": IntDistribution(0, 8)}), "batch_size", "0")
    refused(SearchSpace({"train.fine_tune.anchor": FloatDistribution(0.0, 1.0)}), "fine_tune")


def test_contradicting_shapes_show_before_anything_runs():
    space = {
        LEARNING_RATE: FloatDistribution(1e-3, 1e-2),
        "train.model.widths": choice(([4], [4, 8])),
        "train.model.depths": choice(([1], [1, 1])),
    }
    refused(SearchSpace(space), "widths", "depths", "positive block counts")
    # Every two of twelve dimensions meet, even where there are too many corners for all of them.
    many = {
        f"train.augment.{name}": FloatDistribution(0.0, 0.1) for name in ("shift", "scale", "noise")
    }
    many |= {f"train.loss.{name}": FloatDistribution(0.1, 0.2) for name in ("gamma", "beta", "tau")}
    many |= {"train.mixup": FloatDistribution(0.1, 0.2), "train.ema": FloatDistribution(0.1, 0.2)}
    many |= {
        "train.loss.smoothing": FloatDistribution(0.0, 0.1),
        "train.epochs": IntDistribution(1, 9),
    }
    refused(SearchSpace(many | space), "depths")
    together = choice(({"widths": [4], "depths": [1]}, {"widths": [4, 8], "depths": [1, 1]}))
    assert len(check_space(SearchSpace({"train.model": together}), TRAIN)) == 2


def test_networks_are_traced_before_anything_runs():
    configs = check_space(SearchSpace({"train.model.widths": choice(([4], [8]))}), TRAIN)
    check_networks(configs, shape=(28, 28, 3), classes=3)
    with pytest.raises(ConfigError, match=r"28 x 28 x 3 does not fit: .*2 or more"):
        check_networks(configs, shape=(28, 28, 3), classes=1)


def test_a_setting_varied_twice():
    tables = choice(({"dropout": 0.1}, {"dropout": 0.2}))
    space = SearchSpace({"train.model": tables, "train.model.dropout": FloatDistribution(0.0, 0.5)})
    refused(space, "train.model.dropout", "train.model")
    fine = SearchSpace({"train.model": tables, "train.model.head": choice(("average", "max"))})
    assert len(check_space(fine, TRAIN)) == 4


@pytest.mark.parametrize(
    "make",
    [
        lambda: SearchSpace({"train.mixup": FloatDistribution(1.0, 1.0)}),
        lambda: SearchSpace({"train.mixup": FloatDistribution(0.0, float("nan"))}),
        lambda: choice(()),
        lambda: choice((1, 1)),
        lambda: choice(([1, 2], (1, 2))),
        lambda: SearchSpace(),
        lambda: SearchSpace({"train.mixup": choice((0.1, 0.2))}, [{"train.mixup": 0.1}]),
        lambda: SearchSpace({"train.mixup": FloatDistribution(0.1, 0.2)}).grid(),
        lambda: SearchSpace(
            {"train.mixup": FloatDistribution(0.1, 0.2)}, points={"train.mixup": 1}
        ),
    ],
)
def test_ranges_that_are_none(make):
    with pytest.raises(ConfigError):
        make()


def test_ranges_reach_both_ends():
    rates = FloatDistribution(1e-4, 1e-1, log=True)
    grid = SearchSpace({"train.mixup": rates}, points={"train.mixup": 4}).grid()
    assert [setting["train.mixup"] for setting in grid] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    assert {value_at(IntDistribution(2, 4), i / 99) for i in range(100)} == {2, 3, 4}
    whole = IntDistribution(1, 9, log=True)
    assert {value_at(whole, i / 999) for i in range(1000)} == set(range(1, 10))
    assert {value_at(choice("ab"), i / 9) for i in range(10)} == {"a", "b"}
    assert len(list(corners(SPACE))) == 8


TOML = """
[space]
"train.optimiser.learning_rate" = { uniform = [3e-4, 1e-2], log = true, points = 3 }
train.epochs = { integer = [2, 6] }
train.loss.kind = { choice = ["cross_entropy", "focal"] }
train.model = { choice = [{ widths = [4], depths = [1] }, { widths = [4, 8], depths = [1, 1] }] }
"""


def test_networks_are_a_choice_whatever_settings_the_recipe_has():
    space = SearchSpace(ranges={"train.model.arch": choice(["macnn", "ststnet", "off_apexnet"])})
    configs = check_space(space, FLOW.train)
    assert [config.model.arch for config in configs] == ["macnn", "ststnet", "off_apexnet"]
    assert configs[0] == FLOW.train
    assert configs[1].model == MODELS["ststnet"]
    check_networks(configs, shape=(28, 28, 3), classes=3)
    with pytest.raises(ConfigError, match="sees u and v apart"):
        check_networks(configs, shape=(28, 28, 1), classes=3)


def test_a_list_of_settings_and_back():
    space = SearchSpace(listed=[{}, {"train.mixup": 0.2}, {"train.model.widths": (8,)}])
    model = dataclasses.replace(TRAIN.model, widths=(8,))
    assert check_space(space, TRAIN) == [
        TRAIN,
        dataclasses.replace(TRAIN, mixup=0.2),
        dataclasses.replace(TRAIN, model=model),
    ]
    listed = [{}, {"train.mixup": 0.2}, {"train.model.widths": [8]}]
    assert space_of(space.to_dict()).listed == listed


def test_a_space_from_a_file_and_back(tmp_path):
    (tmp_path / "mine.toml").write_text(TOML)
    space = find_space(str(tmp_path / "mine.toml"))
    assert space.ranges[LEARNING_RATE] == FloatDistribution(3e-4, 1e-2, log=True)
    assert space.points == {LEARNING_RATE: 3}
    assert space.ranges["train.epochs"] == IntDistribution(2, 6)
    assert len(check_space(space, TRAIN)) == 16
    assert space_of(space.to_dict()).to_dict() == space.to_dict()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["nothing", "[space]"]),
        ("[spaces]\n", ["spaces"]),
        ("[space]\n'train.mixup' = { unifrom = [0, 1] }", ["did you mean uniform?"]),
        ("[space]\n'train.mixup' = { uniform = [0, 1], steps = 3 }", ["steps"]),
        ("[space]\n'train.mixup' = { uniform = [0, 1, 2] }", ["train.mixup.uniform has 3 entries"]),
        ("[space]\n'train.mixup' = { uniform = 3 }", ["list"]),
        ("[space]\n'train.mixup' = 3", ["3"]),
        (
            "[space]\n'train.mixup' = { uniform = [0, 1], log = 1 }",
            ["train.mixup.log is 1", "bool"],
        ),
        ("[space]\n'train.mixup' = { uniform = [0, 1], log = true }", ["uniform", "log"]),
        ("[space]\n'train.mixup' = { uniform = [true, 2] }", ["train.mixup.uniform[0] is True"]),
        ("[space]\n'train.mixup' = { uniform = [0, 1], points = 1 }", ["1 points"]),
        (
            "[space]\n'train.epochs' = { integer = [1.5, 3] }",
            ["train.epochs.integer[0] is 1.5", "int"],
        ),
        ("[space]\n'train.epochs' = { integer = [3, 1] }", ["train.epochs is {'integer': [3, 1]}"]),
        ("[space]\n'train.loss.kind' = { choice = [] }", ["no values"]),
        ("space = 3", ["[space]"]),
        ("settings = [3]", ["table"]),
    ],
)
def test_files_that_are_no_space(tmp_path, text, words):
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        find_space(str(path))
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"none\.toml"):
        find_space(str(tmp_path / "none.toml"))
    (tmp_path / "torn.toml").write_text("[space")
    with pytest.raises(DataError, match=r"torn\.toml"):
        find_space(str(tmp_path / "torn.toml"))
    with pytest.raises(ConfigError, match="flow"):
        find_space("flows")
