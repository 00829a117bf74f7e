"""Inputs that differ in nothing else."""

from dataclasses import replace

from mace.experiments.representation import sweep


def test_settings_differ_in_the_input_alone():
    first, *others = sweep()
    for other in others:
        motion = first.recipe.motion
        same = replace(other, name=first.name, recipe=replace(other.recipe, motion=motion))
        assert same == first
        assert other.recipe.motion.size == motion.size
