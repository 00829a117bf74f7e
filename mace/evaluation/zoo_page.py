"""The page of the zoo, written by `mace zoo --page`: what is known, and what has been measured."""

from collections.abc import Sequence

from mace.evaluation.zoo import Result, network_rows, verdict
from mace.models.networks import NETWORKS

INTRODUCTION = """# The field's networks
*Written by `mace zoo --results docs/zoo.csv --page docs/zoo.md`; do not edit by hand.*

Every network that micro-expression papers compare themselves with, one file each in `mace/models`, by name wherever a network is named:

```sh
mace zoo                                                          # this table
mace evaluate --recipe.train.model.arch off_apexnet               # likewise train, search, ...
mace zoo --dataset megc2019_flow --seeds 3                        # every row trained alike
```
```python
mace.cross_validate("off_apexnet", X, y, groups)
```

## What is published
Weights are counted with three classes and three channels at the paper's size, and equal those of a PyTorch model of the same layers (`benchmarks/zoo.py`); each file's docstring has the table of layers and the choices that its paper leaves open. Published scores are those of the composite of MEGC 2019 (442 clips of 68 people, leave one subject out), as printed in the sources of `mace compare`; what is known to be wrong with one stands beside it. *Best test epoch* means that the code keeps, for each person left out, the epoch that predicts best for that very person.
"""

MEASURED = """
## What each is worth when all are trained alike
"""

NOTHING = """
Nothing has been measured yet for this page. `mace zoo --dataset NAME --seeds 3 --results docs/zoo.csv --page docs/zoo.md` adds a table; it goes on where it was interrupted.
"""

PROTOCOL = """
One recipe for all rows (`FLOW`, or `FLOW_IMAGES` for ready-made images): input, augmentation, optimiser, epochs, folds and seeds are the same, and nothing was chosen for a network. Images have the size that its paper has; ready-made ones are what they are, and `macnn` and `resnet` have the recipe's own size and settings. So this is not what a network can reach with settings of its own (`mace search` chooses those without the tested people). Kernel ridge sees the same images. Intervals, 95 %, come from drawing whole people; a lead whose interval holds 0 is called *no better*.
"""

OWN = """
## A network of your own
A file beside your data, with a Flax module that takes `classes`, is a row: `mace zoo --dataset NAME --networks my_network:Tiny off_apexnet`. [A tutorial](tutorials/own_network.ipynb) does it.
"""


def zoo_page(results: Sequence[Result]) -> str:
    """Return the page in Markdown; figures are those of `results` and of the published sources."""
    rows = network_rows()
    parts = [INTRODUCTION, table(list(rows[0]), [list(row.values()) for row in rows]), MEASURED]
    parts += measured(results) if results else [NOTHING]
    return "\n".join([*parts, OWN]).replace("\n\n\n", "\n\n")


def measured(results: Sequence[Result]) -> list[str]:
    """Return what was measured in Markdown, a table for each data set."""
    parts = [PROTOCOL]
    for dataset in dict.fromkeys(result.dataset for result in results):
        own = [result for result in results if result.dataset == dataset]
        first = own[0]
        parts.append(f"### {dataset}\n{first.clips} clips of {first.people} people.\n")
        heading = [
            "network", "images", "weights", "epochs", "seeds", "UF1", "UAR",
            "ahead of kernel ridge", "", "seconds", "code",
        ]  # fmt: skip
        parts.append(table(heading, [measured_row(result) for result in own]) + "\n")
    return parts


def measured_row(result: Result) -> list[str]:
    """Return one line of the measured table."""
    return [
        NETWORKS[result.network].title if result.network in NETWORKS else result.network,
        f"{result.size} px",
        f"{result.weights:,}",
        str(result.epochs),
        str(result.seeds),
        f"{result.uf1:.3f} [{result.uf1_low:.3f}, {result.uf1_high:.3f}]",
        f"{result.uar:.3f} [{result.uar_low:.3f}, {result.uar_high:.3f}]",
        f"{result.ahead:+.3f} [{result.ahead_low:+.3f}, {result.ahead_high:+.3f}]",
        verdict(result),
        f"{result.seconds:.0f}",
        result.revision[:9],
    ]


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a table in Markdown."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
