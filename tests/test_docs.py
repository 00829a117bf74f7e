"""What the pages name is there; the site itself is built, and its links checked, in .ci/run."""

import json
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
TUTORIALS = sorted(ROOT.glob("docs/tutorials/*.ipynb"))
# Written by pages of their own at every build.
BUILT = ROOT / "docs" / "reference"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page):
    named = re.findall(
        r"`((?:mace|datasets|experiments|benchmarks|tests|docs)/[\w./-]*)(?= [^`]*`|`)",
        page.read_text(encoding="utf-8"),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    files = [(page.parent / link).resolve() for link in links]
    assert [file for file in files if not file.is_relative_to(BUILT) and not file.exists()] == []


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda tutorial: tutorial.stem)
def test_tutorials_are_stored_without_outputs(tutorial):
    cells = json.loads(tutorial.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []


def test_examples_are_copied_as_they_are_typed():
    lines = [">>> 2 * 3", "6", "", "A * is no markup, `a * b` is code."]
    from_markdown = runpy.run_path(str(ROOT / "docs" / "from_code.py"))["from_markdown"]
    assert from_markdown(lines) == [*lines[:3], r"A \* is no markup, `a * b` is code."]
