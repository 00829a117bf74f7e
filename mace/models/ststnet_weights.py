"""The weights of STSTNet's authors as ours, one of the 68 files for each subject left out.

`STSTNet_Weights/*.pth` of christy1206/STSTNet hold three convolutions, three batch norms and one
dense layer, which reads 16 maps of 5 x 5 px map by map; ours reads them place by place.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mace.errors import DataError
from mace.models.apply import Variables
from mace.models.torch_file import read_tensors

WIDTHS, CELLS = (3, 5, 8), 5


def read_ststnet(path: str | Path) -> Variables:
    """Return the variables of `make_model(MODELS["ststnet"], classes)` from a file of its authors.

    Their images are BGR pictures as OpenCV reads them, numbers from 0 to 255: strain, v and u. The
    kernels are turned to u, v, strain, the order of MACE.

    Raises:
        DataError: for a file that cannot be read, or of another network.
    """
    tensors = read_tensors(path)
    shapes = {name: value.shape for name, value in tensors.items()}
    classes = shapes.get("fc.weight", (0,))[0]
    expected: dict[str, tuple[int, ...]] = {
        "fc.weight": (classes, CELLS**2 * sum(WIDTHS)), "fc.bias": (classes,),
    }  # fmt: skip
    for i, width in enumerate(WIDTHS, start=1):
        expected |= {f"conv{i}.weight": (width, 3, 3, 3), f"conv{i}.bias": (width,)}
        names = ("weight", "bias", "running_mean", "running_var")
        expected |= {f"bn{i}.{name}": (width,) for name in names}
    for name, shape in expected.items():
        if shapes.get(name) != shape:
            raise DataError(
                f"{path} holds no STSTNet: {name} is {shapes.get(name, 'missing')}, expected "
                f"{shape}"
            )

    kernel = _joined(tensors, "conv", "weight").transpose(2, 3, 1, 0)[:, :, ::-1]
    dense = tensors["fc.weight"].reshape(classes, sum(WIDTHS), CELLS, CELLS)
    dense = dense.transpose(2, 3, 1, 0).reshape(-1, classes)
    return {
        "params": {
            "stem": {
                "conv": {"kernel": _float(kernel), "bias": _joined(tensors, "conv", "bias")},
                "norm": {
                    "scale": _joined(tensors, "bn", "weight"),
                    "bias": _joined(tensors, "bn", "bias"),
                },
            },
            "head": {
                "classes": {"kernel": _float(dense), "bias": _float(tensors["fc.bias"])},
            },
        },
        "batch_stats": {
            "stem": {
                "norm": {
                    "mean": _joined(tensors, "bn", "running_mean"),
                    "var": _joined(tensors, "bn", "running_var"),
                },
            },
        },
    }


def _joined(tensors: Mapping[str, np.ndarray], layer: str, name: str) -> np.ndarray:
    parts = [tensors[f"{layer}{i}.{name}"] for i in range(1, len(WIDTHS) + 1)]
    return _float(np.concatenate(parts))


def _float(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)
