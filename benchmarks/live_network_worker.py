"""One runtime of live_network.py: reads commands from standard input, answers with seconds."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

SETTINGS = json.loads(sys.argv[1])
CORES: int = SETTINGS["cores"]
# XLA sizes its thread pool when it starts, so the cores are chosen before it is imported.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])

import numpy as np  # noqa: E402

FOLDER = Path(SETTINGS["folder"])
type Network = Callable[[np.ndarray], np.ndarray]


def jax_network() -> Network:
    import jax

    from mace.bundle import load_bundle
    from mace.export.loading import load_export
    from mace.export.program import inference_program
    from mace.inference import make_network
    from mace.prediction import prediction_program

    runtime = SETTINGS["runtime"]
    if runtime == "jax_export":
        return make_network(load_export(FOLDER / "export"))
    bundle = load_bundle(FOLDER / "bundle")
    if runtime == "jax":
        return make_network(bundle, dtype=SETTINGS["dtype"])
    if runtime == "jax_default":
        program = jax.jit(inference_program(bundle))
        return lambda x: np.asarray(program(x))
    normalisation, classes = bundle.normalisation, len(bundle.classes)
    plain = prediction_program(
        bundle.model, bundle.motion, classes, normalisation.kind, bundle.flip_average
    )
    variables = jax.device_put(bundle.variables)
    mean, std = (np.asarray(v, np.float32) for v in (normalisation.mean, normalisation.std))
    return lambda x: np.asarray(plain(variables, x, mean, std))


def onnxruntime_network() -> Network:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = CORES, 1
    options.add_free_dimension_override_by_name("b", 1)
    options.log_severity_level = 3
    path = str(FOLDER / "export" / "network.onnx")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"motion": x})[0]


def openvino_network() -> Network:
    import openvino

    model = openvino.Core().read_model(FOLDER / "export" / "network.onnx")
    model.reshape([1, *model.input().partial_shape[1:]])
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": CORES,
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[SETTINGS["dtype"]],
    }
    request = openvino.compile_model(model, "CPU", settings).create_infer_request()

    def network(x: np.ndarray) -> np.ndarray:
        # Its fastest call: the arrays are shared, not copied.
        return request.infer({0: x}, share_inputs=True, share_outputs=True)[0]

    return network


def main() -> None:
    makers = {"onnxruntime": onnxruntime_network, "openvino": openvino_network}
    network = makers.get(SETTINGS["runtime"], jax_network)()
    with np.load(FOLDER / "images.npz") as stored:
        images, expected = stored["images"], stored["expected"]
    for line in sys.stdin:
        command = json.loads(line)
        if command["what"] == "check":
            found = np.stack([np.array(network(image)) for image in images])
            print(json.dumps({"difference": float(np.abs(found - expected).max())}), flush=True)
            continue
        seconds = []
        for call in range(command["calls"]):
            image = images[call % len(images)]
            start = time.perf_counter()
            network(image)
            seconds.append(time.perf_counter() - start)
        print(json.dumps({"seconds": float(np.median(seconds))}), flush=True)


if __name__ == "__main__":
    main()
