"""The newest version of a table first, and the plain name before its copies."""

import random

import pytest

from mace.datasets.reading.editions import base_name, edition

ORDERS = [
    ["x_v10.xlsx", "x_v2.1.xlsx", "x_v2.xlsx", "x_v2 (1).xlsx", "x_v1.xls", "x.xlsx"],
    ["x_v2 - Copy.xlsx", "x_v1.xlsx"],
    ["s_v2.xlsx", "s_v2.csv", "s_v2 - 副本.xlsx"],
    ["s_v2.csv", "s_v2\uff081\uff09.csv"],
    ["s_v2.xlsx", "Copy of s_v2.xlsx"],
    ["s_v2.xlsx", "复件 s_v2.xlsx"],
    ["s_v2.xlsx", "s_v2_backup.xlsx"],
    ["s_v2.xlsx", "s_v2 2.xlsx"],
    ["c-20190701.xlsx", "c-20140508.xlsx", "c.xlsx"],
    ["a_2019.xlsx", "a.xlsx", "a_orig.xlsx"],
    ["CAS(ME)^2code_final(Updated).xlsx", "CAS(ME)^2code_final.xlsx"],
    ["release v1.1.xlsx", "release v1.xlsx"],
    ["表 第2版.xlsx", "表 第1版.xlsx"],
]


@pytest.mark.parametrize("names", ORDERS)
def test_the_order_of_versions_and_copies(names):
    for seed in range(3):
        mixed = random.Random(seed).sample(names, len(names))
        assert sorted(mixed, key=edition) == names
    assert len({base_name(name) for name in names if " 2." not in name}) == 1


@pytest.mark.parametrize(
    "name", ["", ".xlsx", "copy.xlsx", "(1).csv", "v.xls", "副本.xlsx", "v" * 300]
)
def test_any_name_has_a_place(name):
    assert sorted(["x_v2.xlsx", name], key=edition)
    assert isinstance(base_name(name), str)


def test_parts_of_a_data_set_are_no_versions_of_each_other():
    names = [
        "DFME_train.xlsx",
        "DFME_testA.xlsx",
        "DFME_testB.csv",
        "Section A.xls",
        "Section B.xls",
    ]
    assert len({base_name(name) for name in names}) == len(names)
