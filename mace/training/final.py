"""The network that is kept: trained on every clip, with all that a bundle says about it."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mace.bundle import Bundle, save_bundle
from mace.config import to_dict
from mace.data.motion_set import MotionSet
from mace.face.config import FaceConfig
from mace.hosts.agreement import by_writer
from mace.prediction import typical_images
from mace.pretrained.bundle_files import BundleFile
from mace.training.config import MixConfig, TrainConfig
from mace.training.fit import fit
from mace.training.fitted import make_bundle
from mace.training.mixing import load_mix


def train_final(
    inputs: MotionSet,
    config: TrainConfig,
    *,
    seed: int,
    out: Path,
    start: BundleFile | None = None,
    mix: MixConfig | None = None,
    temperature: float = 1.0,
) -> None:
    """Train on every clip and save the bundle; its quality is what the cross-validation said.

    The bundle says what it was trained on, its `start` and what is mixed in included, and the
    `temperature` that the predictions for clips held out called for. It names action units if it
    has learnt them and its `start` names them.
    """
    begun = None if start is None else start.load()
    mixed = None if mix is None else load_mix(mix)
    fitted = fit(
        inputs,
        np.arange(len(inputs)),
        config=config,
        seed=seed,
        start=begun,
        mix=mixed,
        run_dir=out.with_name(f"{out.name}-run"),
        label="training the final model",
    )
    people = inputs.subjects + (() if mixed is None else mixed.motion_set.subjects)
    databases = {subject.split("/")[0] for subject in people}
    if begun is not None:
        databases |= set(begun.trained_on)
    trained_on = tuple(sorted(databases))

    def save() -> None:
        bundle = make_bundle(fitted, face=to_dict(FaceConfig()), trained_on=trained_on)
        bundle = _naming_units(bundle, begun)
        typical = typical_images(bundle, inputs.inputs[:, 0], inputs.labels)
        save_bundle(out, replace(bundle, typical=typical, temperature=temperature))

    by_writer(save)


def _naming_units(bundle: Bundle, begun: Bundle | None) -> Bundle:
    """Return a bundle whose units have the thresholds of the start; without units it did not name.

    Annotations say which units are there, and no more: how far they move the skin, and on which
    side, a network knows from its start alone.
    """
    names = bundle.model.units
    if begun is not None and set(names) <= set(begun.model.units):
        fitted = dict(zip(begun.model.units, begun.unit_thresholds, strict=False))  # () by default
        thresholds = tuple(fitted[name] for name in names if name in fitted)
        return replace(bundle, unit_thresholds=thresholds)
    params = bundle.variables["params"]
    head = {name: leaf for name, leaf in params["head"].items() if name != "units"}
    variables = {**bundle.variables, "params": {**params, "head": head}}
    return replace(bundle, model=replace(bundle.model, units=()), variables=variables)
