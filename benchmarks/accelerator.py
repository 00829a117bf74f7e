"""Everything worth knowing about MACE on an accelerator, in one command and about eight minutes.

    python benchmarks/accelerator.py                      # on whatever device JAX finds
    python benchmarks/accelerator.py --out FILE.jsonl     # results as lines of JSON
    python benchmarks/accelerator.py --tiny               # the same code on toys, on any CPU

Needs no data set, only random arrays and people made up in motion space, and of packages only what
`mace` itself needs to train (docs/accelerators.md). Each part is a process of its own with a time
box; every measurement is on disk as soon as it is made. Stopped by a signal, an error or its box,
it loses nothing: the same command goes on with what is not in the file. Where PyTorch is installed
the same networks are measured in it.

| part | what |
|---|---|
| correctness | forward, gradient, population, live step, TV-L1 and pmap beside this machine's CPU |
| population | 68 folds x 8 settings in one program: STSTNet and the MACNN of 28 px |
| torch_population | the same in PyTorch: the loop over folds, and folds mapped by `torch.func` |
| determinism | two runs of one seed, with and without XLA's deterministic operations |
| plans | population: chunk sizes, forms of loop and convolution, types |
| step | MACNN of 28 and 128 px: images a second and share of the peak, forward and step |
| torch_step | the same in PyTorch, eager and compiled |
| pretraining | pairs of motion space a second, and seconds to the packaged network's score |
| tvl1 | pairs of TV-L1 flow a second |
| live | the live step: delay of a frame with 1 and 8 faces, transfers included |
"""

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # MACE need not be installed

from on_device.results import OutOfTime, Results, read

BOXES = {
    "correctness": 65.0,
    "population": 60.0,
    "torch_population": 35.0,
    "determinism": 45.0,
    "plans": 65.0,
    "step": 50.0,
    "torch_step": 30.0,
    "pretraining": 55.0,
    "tvl1": 20.0,
    "live": 15.0,
}
"""Seconds a part may begin measurements in; in order of importance."""

CPU_SCALE = 5.0
"""A CPU has less to do and takes longer: all of it in under an hour."""

GRACE_S = 20.0
"""Seconds that a part's last measurement may take beyond its box before the part is ended."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("runs/accelerator.jsonl"))
    parser.add_argument(
        "--tiny", action="store_true", help="toys: shows that it runs, not how fast"
    )
    parser.add_argument("--parts", nargs="+", choices=BOXES, default=list(BOXES), metavar="PART")
    parser.add_argument("--scale", type=float, default=1.0, help="of the time boxes")
    parser.add_argument("--torch-python", default=sys.executable, help="has PyTorch, and NumPy")
    parser.add_argument("--child", choices=BOXES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return measure_part(options)
    try:
        now = describe(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if now["platform"] == "cpu":
        options.scale *= CPU_SCALE
    left = [part for part in options.parts if not run_part(part, options)]
    if left:
        print(f"not complete: {', '.join(left)}; the same command goes on with them")
    return 1 if left else 0


def describe(options: argparse.Namespace) -> dict[str, Any]:
    """Return what results depend on; write it if the file's last line of this kind says otherwise.

    Raises:
        ValueError: if the file holds results of another device, or of toys.
    """
    now = environment(options)
    lines = read(options.out, "environment")
    last = lines[-1] if lines else now
    for name in ("device", "tiny"):
        if last[name] != now[name]:
            raise ValueError(
                f"{options.out} holds results of {name} {last[name]}, this is {now[name]}; "
                "give another file with --out"
            )
    if not lines or any(last.get(name) != value for name, value in now.items()):
        Results(options.out, "environment", deadline=0).write("environment", now)
    return now


def environment(options: argparse.Namespace) -> dict[str, Any]:
    """Return what results depend on, asked in another process: JAX takes a device's memory."""
    script = (
        "import json, jax, jaxlib, flax, optax, numpy;"
        "from mace.provenance import provenance;"
        "device = jax.devices()[0];"
        "memory = (device.memory_stats() or {}).get('bytes_limit', 0);"
        "print(json.dumps({'device': device.device_kind, 'devices': jax.device_count(),"
        "'platform': device.platform, 'memory_gb': round(memory / 1e9, 1),"
        "'jax': jax.__version__, 'jaxlib': jaxlib.__version__, 'flax': flax.__version__,"
        "'optax': optax.__version__, 'numpy': numpy.__version__,"
        "'revision': provenance()['git_revision']}))"
    )
    root = str(Path(__file__).resolve().parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    values = json.loads(answer.stdout.splitlines()[-1])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return values | {
        "cores": cores,
        "python": sys.version.split()[0],
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "date": time.strftime("%Y-%m-%d"),
        "tiny": options.tiny,
    }


def run_part(part: str, options: argparse.Namespace) -> bool:
    """Run a part in a process of its own; return whether it is complete."""
    box = box_s(part, options)
    done = {line["name"] for line in read(options.out, part)}
    if "complete" in done:
        return True
    python = options.torch_python if part.startswith("torch") else sys.executable
    command = [python, __file__, "--child", part, "--out", str(options.out)]
    command += ["--scale", str(options.scale)]
    command += ["--tiny"] * options.tiny
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        code = process.wait(box + GRACE_S)
    except subprocess.TimeoutExpired:
        print(f"{part}: ended after its time box", file=sys.stderr)
        code = 1
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return code == 0


def box_s(part: str, options: argparse.Namespace) -> float:
    """Return a part's seconds; toys are not timed, and a busy machine must not end them."""
    return BOXES[part] * options.scale * (10 if options.tiny else 1)


def measure_part(options: argparse.Namespace) -> int:
    """Measure what a part has left, in this process."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    deadline = time.monotonic() + box_s(options.child, options)
    results = Results(options.out, options.child, deadline=deadline)
    module = importlib.import_module(f"on_device.{options.child}")
    try:
        module.measure(results, tiny=options.tiny)
    except OutOfTime:
        return 1
    if results.failed:
        return 1
    results.write("complete", {})
    return 0


def end_with_parent() -> None:
    """End this process when the one that started it has gone, even by SIGKILL."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
