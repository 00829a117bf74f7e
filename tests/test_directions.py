"""Imports run downward: a room knows the rooms below it, and nothing of those beside or above."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

# From the bottom up; rooms of one line do not know each other. docs/architecture.md walks upward.
FLOORS = (
    ("errors", "locks", "machine", "progress", "provenance"),
    (
        "annotation",
        "compilation",
        "config",
        "files",
        "hosts",
        "metrics",
        "pictures",
        "result_folders",
        "serving",
        "workers",
    ),
    ("losses", "protocols", "video"),
    ("face",),
    ("descriptors", "motion", "spotting"),
    ("augment", "data", "datasets", "models"),
    ("bundle",),
    ("emfacs", "prediction", "pretrained"),
    ("export", "unit_prediction"),
    ("adaptation", "inference", "places"),
    ("kernel_ridge", "network"),
    ("live", "training"),
    ("classifiers", "recipes", "recordings"),
    ("inputs", "review", "shallow"),
    ("dataset", "evaluation"),
    ("leakage", "pretraining", "search"),
    ("mace",),  # `import mace`, which names what it gives and imports nothing before it is asked
    ("cli", "commands", "experiments"),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module of the package by its room."""
    for path in sorted(ROOT.joinpath("mace").glob("*.py")):
        yield "mace" if path.stem == "__init__" else path.stem, path
    for folder in (*ROOT.joinpath("mace").iterdir(), ROOT / "datasets", ROOT / "experiments"):
        if folder.is_dir() and not folder.is_symlink():
            for path in sorted(folder.rglob("*.py")):
                yield folder.name, path


def imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the rooms that a module imports from, wherever in it, and in which lines."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports name their module in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = f"{name}.".partition(".")
            if package == "mace" and rest != "__version__.":  # which is imported before anything
                yield rest.split(".")[0] or "mace", node.lineno


def test_no_room_imports_from_beside_or_above():
    upward = [
        f"{path.relative_to(ROOT)}:{line}: {room} imports from {other}, which is not below it"
        for room, path in modules()
        for other, line in imported(ast.parse(path.read_text(encoding="utf-8")))
        if other != room and FLOOR[other] >= FLOOR[room]
    ]
    assert not upward, "\n".join(["move what is needed down:", *upward])


def test_a_room_is_entered_by_its_modules():
    # `import mace` is the one front door; a name elsewhere has one home and one way to it.
    for path in ROOT.joinpath("mace").rglob("*/__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{path} does not say what the room is for"
        assert len(tree.body) == 1, f"{path} holds more than its docstring"
