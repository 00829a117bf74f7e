"""Settings of the documentation site.

uv run --group docs sphinx-build -W --keep-going -j 2 docs build/site

builds it into `build/site/index.html`, links checked and notebooks executed.
"""

import re
import sys
from pathlib import Path
from typing import TypeAliasType

sys.path.insert(0, str(Path(__file__).parent))

from docutils import nodes
from from_code import from_markdown, relinked, write_reference
from sphinx.roles import XRefRole
from sphinx.util import logging

import mace

logger = logging.getLogger(__name__)

project = "MACE"
author = "The MACE developers"
copyright = "the MACE developers; Apache-2.0"
version = release = mace.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["README.md"]

# Docstrings put code between single backticks; where it is a full name of ours it is a link.
default_role = "name"
toc_object_entries = False
# A class may have the name of another room's; where a signature says no more, either is linked.
suppress_warnings = ["ref.python"]
# What scikit-learn adds to its estimators, whose text points to pages of its own.
autodoc_default_options = {
    "exclude-members": "set_fit_request, set_score_request, set_predict_request, "
    "set_predict_proba_request, set_partial_fit_request"
}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
napoleon_use_ivar = True
napoleon_numpy_docstring = False

myst_enable_extensions = ["deflist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_output_stderr = "remove"  # progress
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_ipywidgets_js = {}  # would be fetched from elsewhere when a page is looked at

smartquotes = False  # options begin with two hyphens
html_theme = "furo"
html_title = "MACE"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
# Formulas are few and are written out: MathJax would be fetched from elsewhere.
html_math_renderer = "none"
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = "$ "


def _rewrite(app, docname, source):
    path = Path(app.env.doc2path(docname))
    if path.suffix == ".md" and "reference" not in path.relative_to(app.srcdir).parts:
        source[0] = relinked(source[0], f"docs/{path.relative_to(app.srcdir)}")


def _name(role, raw, text, line, inliner, options=None, content=None):
    """A role: a link where `text` begins with `mace.`, code otherwise."""
    if text.startswith("mace."):
        return XRefRole()("py:obj", f":py:obj:`{text}`", text, line, inliner)
    return [nodes.literal(raw, text)], []


def _plain(app, what, name, obj, options, lines):
    lines[:] = from_markdown(lines)


def _with_aliases(app, what, name, obj, skip, options):
    """Document type aliases, whose value says enough: signatures link to them."""
    if not isinstance(obj, TypeAliasType) or name.startswith("_"):
        return None
    try:
        obj.__value__  # noqa: B018 - it is evaluated when it is first asked for
    except NameError:  # of a name that is there for type checkers alone
        return None
    return False


# What a browser would fetch by itself when a page is looked at; links are for people.
FETCHED = re.compile(
    r"""<(?:script|img|link|iframe|source|video)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>"""
    r"""|url\(["']?(?:https?:)?//[^)]*\)|@import\s+["'](?:https?:)?//[^;]*"""
)


def _nothing_from_outside(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    for path in sorted(Path(app.outdir).rglob("*")):
        if path.suffix in (".html", ".css"):
            for match in FETCHED.finditer(path.read_text("utf-8")):
                logger.warning("%s fetches %s", path.name, match[0])


def setup(app):
    """Write the pages that come from the code before the others are read."""
    app.add_html_math_renderer("none", inline_renderers=(None, None))
    app.add_role("name", _name)
    app.connect("builder-inited", lambda app: write_reference())
    app.connect("build-finished", _nothing_from_outside)
    app.connect("source-read", _rewrite)
    app.connect("autodoc-skip-member", _with_aliases)
    app.connect("autodoc-process-docstring", _plain, priority=400)  # before napoleon
