"""Pages that are written from the code, anew at every build, into `docs/reference/`.

The front door's names (`mace.__all__`), a page for each room of the package, one for each command
from its `--help`, and the texts that lie elsewhere in the repository. So a name, a module or an
option that is new has its place without anybody touching the pages.
"""

import contextlib
import importlib
import io
import itertools
import os
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import mace
from mace.cli import COMMANDS, main

DOCS = Path(__file__).parent
ROOT = DOCS.parent
REFERENCE = DOCS / "reference"

# As a frame walks through them; what is not named here follows by name.
ROOMS = (
    "video", "pictures", "face", "motion", "annotation", "protocols", "data", "inputs",
    "dataset", "augment", "models", "losses", "metrics", "bundle", "prediction", "inference",
    "network", "training", "classifiers", "evaluation", "leakage", "search", "recipes",
    "pretraining", "pretrained", "spotting", "live", "recordings", "review", "export",
)  # fmt: skip
NOT_REFERRED_TO = {"commands", "cli", "experiments", "datasets"}

# Texts of the repository that have a page: where they lie, and what the page is called.
TEXTS = {
    "mace/pretrained/macnn/MODEL_CARD.md": "project/model_card",
    "benchmarks/README.md": "project/benchmarks",
    "examples/README.md": "project/examples",
    "CHANGELOG.md": "project/changelog",
    "CONTRIBUTING.md": "project/contributing",
}

# The page that shows a command at work.
HOW_TO = {
    "reproduce": "evaluate", "prepare": "datasets", "train": "evaluate", "pretrain": "pretrained",
    "evaluate": "evaluate", "search": "searching", "top": "searching", "score": "scores",
    "compare": "scores", "audit": "scores", "report": "evaluate", "live": "live",
    "spot": "spotting", "export": "export", "review": "coding", "doctor": "installation",
    "flow-images": "flow_images",
}  # fmt: skip


def write_reference() -> None:
    """Write `docs/reference/`; a page that has not changed is left alone, and not built again."""
    pages = {"python.md": _front_door(), **dict(_rooms()), **dict(_commands()), **dict(_texts())}
    for path in REFERENCE.rglob("*.md"):
        if str(path.relative_to(REFERENCE)) not in pages:
            path.unlink()
    for name, text in pages.items():
        path = REFERENCE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def _front_door() -> str:
    names = [name for name in mace.__all__ if not name.startswith("_")]
    blocks = []
    for name in names:
        value = getattr(mace, name)
        kind = "class" if isinstance(value, type) else "function"
        members = ":members:\n:show-inheritance:" if kind == "class" else ""
        blocks.append(f"## mace.{name}\n\n{_directive(f'auto{kind}', f'mace.{name}', members)}")
    table = "\n".join(
        f"- [`mace.{name}`](#mace.{name}): {_first_line(getattr(mace, name).__doc__)}"
        for name in names
    )
    return (
        "# Python: `import mace`\n\n"
        "Everything that `import mace` gives. Names are imported when they are first used, so the "
        "import itself takes some milliseconds. The modules behind them are in the "
        "[rooms](rooms/index.md).\n\n" + table + "\n\n" + "\n\n".join(blocks) + "\n"
    )


def _directive(name: str, argument: str, options: str = "") -> str:
    body = "\n".join(f"   {line}" for line in options.strip().splitlines())
    return f"```{{eval-rst}}\n.. {name}:: {argument}\n{body}\n```"


def _rooms() -> Iterator[tuple[str, str]]:
    """Yield a page for each module or package right below `mace`, and their list."""
    names = {
        module.name
        for module in pkgutil.iter_modules(mace.__path__)
        if not module.name.startswith("_")
    } - NOT_REFERRED_TO
    order = [name for name in ROOMS if name in names]
    order += sorted(names - set(order))
    rows = []
    for name in order:
        package = importlib.import_module(f"mace.{name}")
        rows.append(f"- [`mace.{name}`]({name}.md): {_first_line(package.__doc__)}")
        yield f"rooms/{name}.md", _room(f"mace.{name}")
    toctree = _toctree(order)
    yield (
        "rooms/index.md",
        "# The rooms, one by one\n\nModules and what is in them, from their docstrings. In the "
        "order in which a frame meets them, then what all of them use.\n\n"
        + "\n".join(rows)
        + f"\n\n{toctree}\n",
    )


def _room(name: str) -> str:
    package = importlib.import_module(name)
    text = [f"# `{name}`", ""]
    if not hasattr(package, "__path__"):
        return "\n".join([*text, _module(name)])
    text += [_directive("automodule", name), ""]
    for module in _modules(package.__path__, name):
        text += [f"## `{module}`", "", _module(module), ""]
    return "\n".join(text)


def _modules(path: list[str], name: str) -> Iterator[str]:
    for module in sorted(pkgutil.walk_packages(path, f"{name}."), key=lambda each: each.name):
        if not any(part.startswith("_") for part in module.name.split(".")):
            yield module.name


def _module(name: str) -> str:
    source = Path(importlib.import_module(name).__file__ or "")
    # `mace/datasets` is a link to `datasets`: say where the file itself lies.
    place = source.resolve().relative_to(ROOT)
    return f"`{place}`\n\n" + _directive("automodule", name, ":members:")


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n\n")[0].replace("\n", " ")


def _commands() -> Iterator[tuple[str, str]]:
    """Yield a page for each command, and their list."""
    for name in COMMANDS:
        yield f"commands/{name}.md", _command_page(name, _help(name))
    rows = "\n".join(
        f"| [`mace {name}`]({name}.md) | {command.summary} | {_how_to(name)} |"
        for name, command in COMMANDS.items()
    )
    yield (
        "commands/index.md",
        "# Command line\n\nWhat `mace COMMAND --help` says, a page for each command.\n\n"
        f"| command | | at work |\n|---|---|---|\n{rows}\n\n{_toctree(list(COMMANDS))}\n",
    )


def _how_to(command: str) -> str:
    page = HOW_TO.get(command)
    return f"[{page}](../../{page}.md)" if page else ""


def _help(command: str) -> str:
    """Return the help page of a command as it is printed where no terminal is."""
    page = io.StringIO()
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with contextlib.redirect_stdout(page), contextlib.suppress(SystemExit):
            main([command, "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if columns is not None:
            os.environ["COLUMNS"] = columns
    return page.getvalue()


def _command_page(name: str, page: str) -> str:
    """Turn a help page into Markdown: headings for groups, a definition for each option.

    A help page has its groups as headings at one space above a line of dashes, what is said of a
    group above a second such line, options at two spaces, and what is said of them two spaces
    behind or at eight and more in the next lines.
    """
    usage, _, rest = page.partition("\n\n")
    text = [f"# mace {name}", "", "```text", " ".join(usage.split()), "```", ""]
    if _how_to(name):
        text += [f"At work: {_how_to(name)}.", ""]
    lines = [line.rstrip() for line in rest.splitlines()]
    starts = [index - 1 for index, line in enumerate(lines) if re.fullmatch(r" -{20,}", line)]
    # Below a heading; the second line of dashes, if there is one, ends what is said of the group.
    heads = [index for index in starts if index >= 0 and re.fullmatch(r" \S.*", lines[index])]
    text += [_prose(line) for line in lines[: heads[0] if heads else None]] + [""]
    for begin, end in itertools.pairwise([*heads, len(lines)]):
        text += [f"## {lines[begin].strip()}", ""]
        block = lines[begin + 2 : end]
        rule = next((k for k, line in enumerate(block) if re.fullmatch(r"  -{20,}", line)), None)
        if rule is not None:
            text += [_prose(" ".join(line.strip() for line in block[:rule])), ""]
            block = block[rule + 1 :]
        for option, explanation in _options(block):
            text += [f"`{option}`", f": {_prose(explanation)}", ""]
    return "\n".join(text) + "\n"


def _options(lines: list[str]) -> Iterator[tuple[str, str]]:
    option, words = "", []
    for line in filter(None, lines):
        head = re.match(r"  (\S.*?)(?:\s{2,}(.*))?$", line) if line[2:3].strip() else None
        if head is None:
            words.append(line.strip())
            continue
        if option and not words:  # the option's own line was broken
            option = f"{option}{head[1]}"
            words = [head[2]] if head[2] else []
            continue
        if option:
            yield option, " ".join(words)
        option, words = head[1], [head[2]] if head[2] else []
    if option:
        yield option, " ".join(words)


def _prose(text: str) -> str:
    """Keep what Markdown would take for markup outside of backticks as it is."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*_<>\[\]$|])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def _texts() -> Iterator[tuple[str, str]]:
    """Yield the texts that lie elsewhere in the repository, with their links mended."""
    for place in [*TEXTS, *_data_set_texts()]:
        source = ROOT / place
        if source.is_file():
            text = relinked(source.read_text("utf-8"), place, page_of(place))
            titled = text.startswith("# ")
            yield page_of(place), text if titled else f"# {source.parent.name}\n\n{text}"
    yield (
        "datasets/index.md",
        "# Data sets, one by one\n\nWhat each reader expects, repairs and counts. How to prepare "
        "one, and what happens to a clip: [data sets](../../datasets.md).\n\n"
        + _listed([place.split("/")[1] for place in _data_set_texts()]),
    )
    names = [Path(name).name for place, name in TEXTS.items() if (ROOT / place).is_file()]
    yield (
        "project/index.md",
        "# The project\n\nTexts of the repository: the packaged network's card, what was measured, "
        "what has changed.\n\n" + _listed(names),
    )


def _data_set_texts() -> list[str]:
    return [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("datasets/*/README.md"))]


def page_of(place: str) -> str | None:
    """Return the page below `docs/reference` of a file of the repository, None if it has none."""
    if place in TEXTS and (ROOT / place).is_file():
        return f"{TEXTS[place]}.md"
    if place in _data_set_texts():
        return f"datasets/{place.split('/')[1]}.md"
    return None


def relinked(text: str, place: str, page: str | None = None) -> str:
    """Turn links to files of the repository into links to their pages.

    Args:
        text: Markdown.
        place: where it lies, relative to the repository's root; its links are relative to that.
        page: where it will be read, below `docs/reference`; None where it lies.

    Returns:
        The same text. A link to a file without a page becomes the file's name as code.
    """
    here = (ROOT / place).parent
    target_folder = here if page is None else (REFERENCE / page).parent

    def link(match: re.Match[str]) -> str:
        label, address, anchor = match["label"], match["address"], match["anchor"] or ""
        if re.match(r"[a-z]+:", address):
            return match[0]
        file = (here / address).resolve()
        if not file.is_relative_to(ROOT):
            return match[0]
        inside = str(file.relative_to(ROOT))
        new = page_of(inside)
        if new is not None:
            return f"[{label}]({os.path.relpath(REFERENCE / new, target_folder)}{anchor})"
        if file.is_relative_to(DOCS):
            return f"[{label}]({os.path.relpath(file, target_folder)}{anchor})"
        return f"{label} (`{inside}`)" if file.exists() else match[0]

    return re.sub(
        r"(?<!!)\[(?P<label>[^\]]*)\]\((?P<address>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)", link, text
    )


def from_markdown(lines: list[str]) -> list[str]:
    """Return a docstring of ours, which is Markdown at most, as reStructuredText.

    What is between backticks and what is typed at a prompt stays; stars, bars and trailing
    underscores stand for themselves; tables become tables.
    """
    text: list[str] = []
    typed = False
    for line in lines:
        typed = bool(line.strip()) and (typed or line.lstrip().startswith(">>> "))
        if typed:
            text.append(line)
            continue
        row = re.fullmatch(r"(\s*)\|(.*)\|\s*", line)
        if row is None:
            parts = line.split("`")
            parts[::2] = [re.sub(r"([*|]|(?<=\w)_(?!\w))", r"\\\1", part) for part in parts[::2]]
            text.append("`".join(parts))
        elif set(row[2]) <= set("-|: "):
            continue
        else:
            indent = row[1]
            if not text or not text[-1].startswith(f"{indent}     - "):
                text += [f"{indent}.. list-table::", f"{indent}   :header-rows: 1", ""]
            first, *others = [cell.strip() or "\\" for cell in row[2].split("|")]
            text += [f"{indent}   * - {first}", *(f"{indent}     - {cell}" for cell in others)]
    return text


def _listed(pages: list[str]) -> str:
    return "```{toctree}\n:titlesonly:\n\n" + "\n".join(pages) + "\n```\n"


def _toctree(pages: list[str]) -> str:
    return "```{toctree}\n:hidden:\n:titlesonly:\n\n" + "\n".join(pages) + "\n```"
