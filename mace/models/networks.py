"""Which networks there are: one row each, which names the file that holds it.

Another network is a file of `mace.models` and a row here; a network of somebody else's is
`module:attribute` in place of a name. Nothing is imported before it is built.
"""

import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from mace.errors import ConfigError, first_line

type Norm = Literal["batch", "group", "none"]


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network by the module that holds it, and what a table says about it.

    Attributes:
        place: `module:class`.
        title: what tables call it.
        paper: who described it, and where.
        size: side of the images in the paper, px; None where it suits any.
        channels: what the network looks at.
        published: its name among the published results; empty where it has none.
        weights: how many there are with three classes and three channels, at that size.
        settings: None where every setting of `ModelConfig` means something. Otherwise the settings
            that describe the layers of its paper, and are no choice.
        norms: normalisations that it can have, the paper's first.
        explains: whether Grad-CAM applies: one dense layer behind a pooled map.
    """

    place: str
    title: str
    paper: str = ""
    size: int | None = None
    channels: str = "any"
    published: str = ""
    weights: int | None = None
    settings: Mapping[str, Any] | None = field(default_factory=dict)
    norms: tuple[Norm, ...] = ("none",)
    explains: bool = False


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        "macnn": Network(
            place="mace.models.macnn:MACNN",
            title="MACNN",
            paper="Lai et al. 2020, J. Ambient Intell. Humaniz. Comput. (a reconstruction)",
            weights=758_547,
            settings=None,
            norms=("batch", "group", "none"),
            explains=True,
        ),
        "resnet": Network(
            place="mace.models.resnet:ResNet",
            title="ResNet",
            paper="He et al. 2016, CVPR (basic blocks in MACNN's place)",
            weights=773_223,
            settings=None,
            norms=("batch", "group", "none"),
            explains=True,
        ),
        "macnn_ecnu": Network(
            place="mace.models.macnn_ecnu:SerialMACNN",
            title="MACNN (ECNU)",
            paper="Lai et al. 2020 as read by Zhang et al. 2021, PRICAI (Off-TANet)",
            size=112,
            published="MACNN (ECNU's reading)",
            weights=70_573_923,
            settings={"widths": (32, 64, 128, 256), "dilations": (4, 2), "residual": True},
        ),
        "ststnet": Network(
            place="mace.models.ststnet:STSTNet",
            title="STSTNet",
            paper="Liong et al. 2019, FG",
            size=28,
            channels="u, v, strain",
            published="STSTNet",
            weights=1_683,
            settings={"widths": (3, 5, 8), "depths": (1, 1, 1), "head": "grid", "head_grid": 5},
            norms=("batch", "none"),
            explains=True,
        ),
        "off_apexnet": Network(
            place="mace.models.off_apexnet:OffApexNet",
            title="OFF-ApexNet",
            paper="Gan et al. 2019, Signal Process. Image Commun.",
            size=28,
            channels="u, v",
            published="OFF-ApexNet",
            weights=2_664_475,
            settings={"widths": (6, 16), "depths": (1, 1)},
        ),
        "dual_inception": Network(
            place="mace.models.dual_inception:DualInception",
            title="Dual-Inception",
            paper="Zhou et al. 2019, FG",
            size=28,
            channels="u, v",
            published="Dual-Inception",
            weights=6_449_867,
            settings={"widths": (24, 64), "depths": (1, 1), "dropout": 0.0},
        ),
        "sssnet": Network(
            place="mace.models.sssnet:SSSNet",
            title="SSSNet",
            paper="Varanka et al. 2021 (meb)",
            size=64,
            channels="u, v, strain",
            weights=1_349_251,
            settings={"widths": (32, 64), "depths": (1, 1)},
            norms=("batch",),
        ),
        "rcn_a": Network(
            place="mace.models.rcn:RCNA",
            title="RCN-A",
            paper="Xia et al. 2020, IEEE Trans. Image Process.",
            size=60,
            published="RCN",
            weights=55_747,
            settings={"widths": (64,), "depths": (1,), "head": "grid", "head_grid": 7},
            norms=("batch",),
        ),
        "htnet": Network(
            place="mace.models.htnet:HTNet",
            title="HTNet",
            paper="Wang et al. 2024, Neurocomputing",
            size=28,
            channels="u, v, strain",
            published="HTNet",
            weights=139_582_982,
            settings={"widths": (256, 512, 1024), "depths": (2, 2, 10), "dropout": 0.0},
        ),
        "micro_attention": Network(
            place="mace.models.micro_attention:MicroAttention",
            title="Micro-Attention (ECNU)",
            paper="Wang et al. 2020, Neurocomputing, as read by Zhang et al. 2021, PRICAI",
            size=224,
            published="Micro-Attention (ECNU's reading)",
            weights=53_384_195,
            settings={"widths": (32, 64, 128, 256), "depths": (1, 1, 1, 1)},
            norms=("batch",),
        ),
    }
)
"""The networks by name."""

# What modules of one's own were when this process ran them.
_LOADED: dict[str, str] = {}

CHOICES = ("arch", "dropout", "units", "dtype", "norm", "norm_momentum")
"""Settings that every network of the package has, unless its row says what they are."""


def network_of(arch: str) -> Network:
    """Return the row of a name, or one for `module:attribute`, whose module need not be loaded.

    Raises:
        ConfigError: for another name, or a module that is not there.
    """
    if arch in NETWORKS:
        return NETWORKS[arch]
    module, colon, attribute = arch.partition(":")
    if not (colon and module and attribute):
        raise ConfigError(
            f"there is no network {arch!r}; there are: {', '.join(NETWORKS)}, and "
            "module:attribute for one of your own"
        )
    _find(module)
    return Network(place=arch, title=attribute)


def load(place: str) -> Any:
    """Return the attribute that `module:attribute` names.

    The working directory is looked through last, after everything that is installed.

    Raises:
        ConfigError: if there is none, if its module cannot be run, or if a module of one's own has
            been edited since this process ran it.
    """
    module, _, attribute = place.partition(":")
    file = _find(module).origin or module
    _unedited(module, file)
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        del _LOADED[module]
        raise ConfigError(
            f"{file} cannot be run: {type(error).__name__}: {first_line(error)}"
            f"{line_of(error, file)}"
        ) from error
    if not hasattr(loaded, attribute):
        raise ConfigError(f"{module} has no {attribute}, which {place} names")
    return getattr(loaded, attribute)


def source_of(arch: str) -> str:
    """Return 12 hexadecimal digits of the file of `module:attribute`; nothing for a name of ours.

    What that file imports is not looked into.

    Raises:
        ConfigError: if there is no such module.
    """
    module, colon, _ = arch.partition(":")
    if not colon or module.startswith("mace."):
        return ""
    file = _find(module).origin
    try:
        return hashlib.sha256(Path(file or "").read_bytes()).hexdigest()[:12]
    except OSError:  # built in, or a folder
        return ""


def code_of(*things: object) -> str:
    """Return 12 hexadecimal digits of the source of some objects' classes, as far as it is there.

    Of a class in a file that is the whole file; of one in a notebook, or in the script that runs,
    all classes that are defined there. What those import is not looked into.

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
    try:
        source = hashlib.sha256(Path(file or "").read_bytes()).hexdigest()[:12]
    except OSError:  # built in, or a folder
        source = ""
    if _LOADED.setdefault(module, source) != source:
        raise ConfigError(
            f"{file} has changed since it was loaded; start this process anew (in a notebook, the "
            "kernel), lest the results of one network be taken for the other's"
        )
    return source


def line_of(error: BaseException, file: str) -> str:
    """Return `, line 3 of my_network.py` of where in that file an error arose; else nothing."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    if isinstance(error, SyntaxError):  # which says it itself
        lines = []
    return f", line {lines[-1]} of {Path(file).name}" if lines else ""


def _find(module: str) -> ModuleSpec:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)
    # A file that was written a moment ago is not in what was remembered of its folder.
    importlib.invalidate_caches()
    if "/" in module or module.endswith(".py"):
        name = module.removesuffix(".py").strip("./").replace("/", ".")
        raise ConfigError(
            f"a network of your own is a module as `import` has it, {name}:…, not a path; {module} "
            "is one"
        )
    try:
        there = importlib.util.find_spec(module)
    except Exception as error:  # what is above it is run
        raise ConfigError(f"the module {module} cannot be loaded: {first_line(error)}") from error
    if there is None:
        raise ConfigError(
            f"there is no module {module}; write it as a file {module}.py in the working "
            "directory, or install it"
        )
    return there
