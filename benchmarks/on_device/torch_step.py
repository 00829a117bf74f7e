"""The programs of `step.py` in PyTorch: eager, and by `torch.compile`, in channels-last layout.

float32 may use TF32, as JAX does by default; bfloat16 is PyTorch's autocast.
"""

import contextlib
from collections.abc import Callable
from typing import Any

from on_device.results import Results, timed

try:
    import torch
except ModuleNotFoundError:
    torch = None


def measure(results: Results, *, tiny: bool) -> None:
    """Time eager steps first, since compiling takes long, then the compiled ones."""
    if torch is None:
        results.measure("absent", lambda: {"skipped": "PyTorch is not installed"})
        return
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    modes, batches, dtypes = ("eager", "compiled"), (64, 1, 1024, 4096), ("float32", "bfloat16")
    if tiny or not torch.cuda.is_available():
        modes, batches, dtypes = ("eager",), (2,) if tiny else (8, 1), ("float32",)
    for mode in modes:
        for batch in batches if mode == "eager" else batches[:2]:
            for what in ("step", "forward"):
                for size in (28,) if tiny else (128, 28):
                    for dtype in dtypes:
                        results.measure(
                            f"macnn{size}/{what}/{dtype}/{batch}/{mode}",
                            lambda a=(size, what, batch, dtype, mode): speed(*a),
                        )


def speed(size: int, what: str, batch: int, dtype: str, mode: str) -> dict[str, Any]:
    """Time one program."""
    run = program(size, what, batch, dtype, compiled=mode == "compiled")
    seconds = timed(run, repeats=5)
    return {"images_a_second": batch / seconds["median_s"]} | seconds


def program(size: int, what: str, batch: int, dtype: str, *, compiled: bool) -> Callable[[], None]:
    """Return a call that runs the program once and waits for it."""
    from torch_networks import MACNN, macnn28

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = (macnn28() if size == 28 else MACNN()).to(device, memory_format=torch.channels_last)
    network = network.train() if what == "step" else network.eval()
    called = torch.compile(network) if compiled else network
    adam = torch.optim.Adam(network.parameters(), lr=1e-3, fused=device == "cuda")
    images = torch.zeros(batch, 3, size, size, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(batch, device=device) % 3
    low = dtype == "bfloat16"
    cast = torch.autocast(device, torch.bfloat16) if low else contextlib.nullcontext()

    def forward() -> None:
        with torch.inference_mode(), cast:
            called(images)
        _wait(device)

    def step() -> None:
        adam.zero_grad(set_to_none=True)
        with cast:
            logits = called(images)
        torch.nn.functional.cross_entropy(logits, labels).backward()
        adam.step()
        _wait(device)

    return forward if what == "forward" else step


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
