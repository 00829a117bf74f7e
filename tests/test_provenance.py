"""Provenance names the code and the packages a result came from."""

from mace.provenance import PACKAGES, git_revision, provenance


def test_every_package_that_makes_numbers_has_a_version():
    packages = provenance()["packages"]
    assert set(packages) == set(PACKAGES)
    assert all(packages.values())


def test_revision_is_a_commit_or_absent():
    revision = git_revision()
    assert revision is None or len(revision.removesuffix("-dirty")) == 40
