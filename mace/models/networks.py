"""Which networks there are: one row each, which names the file that holds it.

Another network is a file of `mace.models` and a row here; a network of somebody else's is
`module:attribute` in place of a name. Nothing is imported before it is built.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from mace.errors import ConfigError
from mace.models.own_module import find_module

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
        weights: how many there are with three classes and three channels, at that size;
            0 of one's own.
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
    weights: int = 0
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
            published="STSTNet, PyTorch (authors)",
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
            published="SSSNet, fixed epochs (meb)",
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
        raise no_network(arch, NETWORKS)
    find_module(module)
    return Network(place=arch, title=attribute)


def no_network(name: str, names: Iterable[str]) -> ConfigError:
    """Return the error of a name that is none of these, with the one that was meant, if one is."""
    names = list(names)
    spelt = name.casefold().replace("-", "_").replace(" ", "_")
    near = difflib.get_close_matches(spelt, names, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return ConfigError(
        f"there is no network {name!r}; {meant}there are: {', '.join(names)}, and "
        "module:attribute for one of your own"
    )
