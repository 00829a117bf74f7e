import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mace.config import (
    UNHASHED,
    config_hash,
    flattened,
    from_dict,
    hashed_settings,
    setting_rows,
    to_dict,
)
from mace.errors import ConfigError, first_line


class Colour(enum.Enum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class Inner:
    rate: float = 0.5
    sizes: tuple[int, ...] = (1, 2)
    threads: int = field(default=1, metadata=UNHASHED)


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    kind: Literal["a", "b"] = "a"
    patience: int | None = None
    flag: bool = False
    pair: tuple[int, float] = (1, 2.0)
    place: Path = Path("x")
    colour: Colour = Colour.RED
    group: Inner | None = None
    named: Mapping[str, Inner] = field(default_factory=dict)


@given(
    rate=st.floats(allow_nan=False),
    sizes=st.lists(st.integers()).map(tuple),
    patience=st.none() | st.integers(),
    flag=st.booleans(),
)
def test_every_configuration_survives_the_way_to_json_and_back(rate, sizes, patience, flag):
    inner = Inner(rate=rate, sizes=sizes)
    config = Outer(
        inner=inner, patience=patience, flag=flag, group=Inner(), named={"a": inner, "b": Inner()}
    )
    assert from_dict(Outer, to_dict(config)) == config


def test_json_holds_plain_values():
    assert to_dict(Outer(place=Path("a/b"))) == {
        "inner": {"rate": 0.5, "sizes": [1, 2], "threads": 1},
        "kind": "a", "patience": None, "flag": False, "pair": [1, 2.0], "place": "a/b",
        "colour": "red", "group": None, "named": {},
    }  # fmt: skip


def test_a_missing_field_takes_its_default_and_an_integer_may_be_a_float():
    assert from_dict(Outer, {"inner": {"rate": 2}}) == Outer(inner=Inner(rate=2.0))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kin": "a"}, "unknown setting kin; Outer has: inner, kind"),
        ({"inner": {"rat": 1}}, r"unknown setting inner\.rat; Inner has: rate"),
        ({"inner": {"rate": "fast"}}, r"setting inner\.rate is 'fast', expected float"),
        ({"inner": 3}, "setting inner is 3, expected a group of settings"),
        ({"inner": {"sizes": 3}}, r"setting inner\.sizes is 3, expected a list"),
        ({"inner": {"sizes": [1, "b"]}}, r"setting inner\.sizes\[1\] is 'b', expected int"),
        ({"pair": [1]}, "setting pair has 1 entries, expected 2"),
        ({"kind": "c"}, "setting kind is 'c', expected one of: a, b"),
        ({"kind": ["a"]}, r"setting kind is \['a'\], expected one of: a, b"),
        ({"patience": True}, "setting patience is True, expected int"),
        ({"flag": 1}, "setting flag is 1, expected bool"),
        ({"colour": "blue"}, "setting colour is 'blue', expected one of: red"),
        ({"place": 3}, "setting place is 3, expected a path"),
        ({"group": {"rat": 1}}, r"unknown setting group\.rat"),
        ({"named": 3}, "setting named is 3, expected a group of settings"),
        ({"named": {"a": {"rat": 1}}}, r"unknown setting named\.a\.rat; Inner has: rate"),
    ],
)
def test_what_does_not_fit_is_named(values, message):
    with pytest.raises(ConfigError, match=message):
        from_dict(Outer, values)


def test_the_hash_follows_what_decides_numbers_and_nothing_else():
    config = Outer()
    assert len(config_hash(config)) == 12
    assert config_hash(Outer()) == config_hash(config)
    assert config_hash(replace(config, inner=Inner(threads=8))) == config_hash(config)
    assert config_hash(replace(config, inner=Inner(rate=0.6))) != config_hash(config)
    assert "threads" not in hashed_settings(config)["inner"]


def test_nested_settings_have_dotted_paths():
    settings = {"model": {"widths": [4, 8], "stem": {"stride": 4}}, "kind": "focal", "none": {}}
    assert flattened(settings) == {
        "model.widths": [4, 8], "model.stem.stride": 4, "kind": "focal",
    }  # fmt: skip
    assert setting_rows({"kind": "focal"}, "train.") == [("train.kind", "focal")]


def test_of_an_error_the_first_line_is_told_and_of_one_without_words_its_kind():
    assert first_line(ValueError("\n  connection refused\nat line 3")) == "connection refused"
    assert first_line(ValueError()) == "ValueError()"
