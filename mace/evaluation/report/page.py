"""What the project's pages have in common: template, style, pictures for light and dark screens."""

import base64
import math
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from mace.evaluation.report.figures import DARK, LIGHT, Theme
from mace.files import atomic_path


def template(name: str, *folders: Path) -> Template:
    """Return the template `name`, looked for in `folders` first; it may include `style.html.j2`."""
    environment = Environment(
        loader=FileSystemLoader([*folders, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["score"] = _score
    environment.filters["percent"] = lambda value: f"{100 * value:.0f} %"
    return environment.get_template(name)


def _score(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def themed_picture(
    folder: Path, name: str, draw: Callable[[Theme], bytes | None], description: str
) -> Markup | None:
    """Write the light figure as a file; return it inline, with a dark one for dark screens."""
    light, dark = draw(LIGHT), draw(DARK)
    if light is None or dark is None:
        return None
    write_png(folder, name, light)
    return Markup(
        '<picture><source media="(prefers-color-scheme: dark)" srcset="{}">'
        '<img src="{}" alt="{}"></picture>'
    ).format(inline_png(dark), inline_png(light), description)


def write_png(folder: Path, name: str, data: bytes) -> None:
    """Keep a picture of the page as `folder`/figures/`name`.png."""
    with atomic_path(folder / "figures" / f"{name}.png") as temporary:
        temporary.write_bytes(data)


def inline_png(data: bytes) -> str:
    """Return a PNG file as the address of an image within a page."""
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
