"""The module that holds a network of somebody's own: found, run, and known by its source."""

import ast
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import sysconfig
import traceback
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from mace.errors import ConfigError, first_line

_OURS = __name__.partition(".")[0]
# What modules were when this process ran them.
_LOADED: dict[str, str] = {}


def load(place: str) -> Any:
    """Return the attribute that `module:attribute` names.

    The working directory is looked through last, after everything that is installed.

    Raises:
        ConfigError: if there is none, if its module cannot be run, or if a module of one's own has
            been edited since this process ran it.
    """
    module, _, attribute = place.partition(":")
    file = find_module(module).origin or module
    _unedited(module, file)
    try:
        loaded = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        del _LOADED[module]
        raise ConfigError(
            f"{file} cannot be run: {type(error).__name__}: {first_line(error)}"
            f"{line_of(error, file)}"
        ) from error
    if not hasattr(loaded, attribute):
        there = [name for name, part in vars(loaded).items() if _is_network(part, module)]
        has = f"; its networks: {', '.join(there)}" if there else ""
        raise ConfigError(f"{file} has no {attribute}, which {place} names{has}")
    return getattr(loaded, attribute)


def _is_network(part: object, module: str) -> bool:
    """Say whether something is a Flax module's class that a module defines itself."""
    from flax.linen import Module  # slow, and settings are read without it

    return inspect.isclass(part) and part.__module__ == module and issubclass(part, Module)


def source_of(arch: str) -> str:
    """Return 12 hexadecimal digits of the file of `module:attribute`; nothing for a name of ours.

    What it imports of the folder that its module is found in counts; what is installed elsewhere
    does not.

    Raises:
        ConfigError: if there is no such module.
    """
    module, colon, _ = arch.partition(":")
    if not colon or module.startswith("mace."):
        return ""
    return _digest(module, find_module(module).origin)


def code_of(*things: object) -> str:
    """Return 12 hexadecimal digits of the source of some objects' classes, as far as it is there.

    Of a class in a file that is the whole file, and what it imports of its folder; of one in a
    notebook, or in the script that runs, all classes that are defined there, and nothing that those
    import.

    Raises:
        ConfigError: if a file has been edited since this was asked first.
    """
    digest = hashlib.sha256()
    for kind in map(type, things):
        home = sys.modules.get(kind.__module__)
        if kind.__module__ != "__main__":
            digest.update(_unedited(kind.__module__, getattr(home, "__file__", None)).encode())
            continue
        defined = [part for part in vars(home).values() if inspect.isclass(part)]
        for part in dict.fromkeys([kind, *defined]):
            if part.__module__ == "__main__":
                digest.update(_written(part).encode())
    return digest.hexdigest()[:12]


def _written(kind: type) -> str:
    """Return a class as it is written; a notebook's has no file, but its methods have lines."""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        lines = [kind.__qualname__]
    for name, part in vars(kind).items():
        if isinstance(part, bool | int | float | str | tuple) and not name.startswith("__"):
            lines.append(f"{name}={part!r}")
        elif inspect.isfunction(part):
            with suppress(OSError, TypeError):
                lines.append(inspect.getsource(part))
    return "\n".join(lines)


def _unedited(module: str, file: str | None) -> str:
    """Return the digest of a module's file, which is to be what it was at first."""
    source = _digest(module, file)
    if _LOADED.setdefault(module, source) != source:
        raise ConfigError(
            f"{file}, or what it imports, has changed since it was loaded; start this process anew "
            "(in a notebook, the kernel), lest the results of one network be taken for the other's"
        )
    return source


def _digest(module: str, file: str | None) -> str:
    """Return digits of a module's file and of what it imports of the same folder, at any depth."""
    first = Path(file or "")
    if not first.is_file():  # built in, or a folder
        return ""
    digest = hashlib.sha256(first.read_bytes())
    home = first.parents[module.count(".") + (first.name == "__init__.py")]
    installed = home.is_relative_to(sysconfig.get_path("stdlib")) or "site-packages" in home.parts
    if not installed and module.partition(".")[0] != _OURS:
        waiting, seen = [first], {first}
        while waiting:
            imported = _imported(waiting.pop(), home) - seen
            seen |= imported
            waiting += imported
        for path in sorted(seen - {first}):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _imported(path: Path, home: Path) -> set[Path]:
    """Return the files of a folder that one of them imports, with or without `__init__.py`.

    MACE's own, where it lies there, are not among them. The standard library's `modulefinder` does
    not see packages without `__init__.py`.
    """
    try:
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError):  # said when it is run
        return set()
    names = [(home, alias.name) for n in nodes if isinstance(n, ast.Import) for alias in n.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            base = path.parents[node.level - 1] if node.level else home
            # What is imported from a package may be a module of it.
            parts = [node.module] if node.module else []
            names += [(base, ".".join([*parts, alias.name])) for alias in node.names]
            names += [(base, part) for part in parts]
    files = set()
    for base, name in names:
        place = base.joinpath(*name.split("."))
        if place.relative_to(base).parts[0] != _OURS:
            files |= {place.with_suffix(".py"), place / "__init__.py"}
    return {file for file in files if file.is_file()}


def line_of(error: BaseException, file: str) -> str:
    """Return `, line 3 of my_network.py` of where in that file an error arose; else nothing."""
    if isinstance(error, SyntaxError):  # which says it itself
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return f", line {lines[-1]} of {Path(file).name}" if lines else ""


def find_module(module: str) -> ModuleSpec:
    """Return where a module is, here or among what is installed; those above it are run.

    Raises:
        ConfigError: if there is none, or it is written as a path.
    """
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    # A file that was written a moment ago is not in what was remembered of its folder.
    importlib.invalidate_caches()
    if "/" in module or module.endswith(".py"):
        file = Path(here, module).resolve()
        home = here if file.is_relative_to(here) else file.parent
        name = ".".join(file.relative_to(home).with_suffix("").parts)
        where = "" if home == here else f", in the folder {home} or with that on PYTHONPATH"
        raise ConfigError(
            f"a network of your own is a module as `import` has it, {name}:…{where}; {module} is a "
            "path"
        )
    try:
        there = importlib.util.find_spec(module)
    except (Exception, SystemExit) as error:  # what is above it is run
        raise ConfigError(f"the module {module} cannot be loaded: {first_line(error)}") from error
    if there is None:
        raise ConfigError(
            f"there is no module {module}; write it as a file {module}.py in the working "
            "directory, or install it"
        )
    return there
