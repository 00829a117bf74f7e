"""MACE's half of population.py: all folds as one population, in this process."""

import json
import os
import sys
import time
from pathlib import Path

SETTINGS = json.loads(sys.argv[1])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: SETTINGS["cores"]])

import numpy as np  # noqa: E402

from mace.augment.config import NO_AUGMENT  # noqa: E402
from mace.compilation import keep_compiled  # noqa: E402
from mace.data.motion_set import MotionSet  # noqa: E402
from mace.models.apply import count_parameters  # noqa: E402
from mace.models.presets import MODELS  # noqa: E402
from mace.models.runtime import keep_heap  # noqa: E402
from mace.motion.config import MotionConfig  # noqa: E402
from mace.recipes import FLOW_IMAGES  # noqa: E402
from mace.training.compiling import COMPILATIONS  # noqa: E402
from mace.training.config import TrainConfig  # noqa: E402
from mace.training.fit import train_population  # noqa: E402
from mace.training.member import Member  # noqa: E402
from mace.training.plan import make_plan  # noqa: E402

NETWORKS = {"ststnet": MODELS["ststnet_plain"], "macnn": FLOW_IMAGES.train.model}


def load(path: Path) -> MotionSet:
    with np.load(path) as data:
        inputs, labels, groups = data["inputs"], data["labels"], data["groups"]
    return MotionSet(
        inputs=inputs[:, None],
        labels=labels,
        groups=groups,
        subjects=tuple(f"random/{i}" for i in range(groups.max() + 1)),
        clips=tuple(map(str, range(len(labels)))),
        classes=("a", "b", "c"),
        motion=MotionConfig(size=28),
    )


def main() -> None:
    keep_heap()
    keep_compiled(Path(SETTINGS["cache"]))
    motion_set = load(Path(SETTINGS["data"]))
    config = TrainConfig(
        model=NETWORKS[SETTINGS["network"]],
        augment=NO_AUGMENT,
        epochs=SETTINGS["epochs"],
        batch_size=SETTINGS["batch"],
    )
    for line in sys.stdin:
        folds = json.loads(line)["folds"]
        wall, cpu = time.perf_counter(), time.process_time()
        members = [
            Member(config=config, train_index=np.flatnonzero(motion_set.groups != fold))
            for fold in range(folds)
        ]
        results = train_population(motion_set, members)
        answer = {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "compiled": COMPILATIONS.count,
            "compile_seconds": COMPILATIONS.seconds,
            "plan": str(make_plan(config.model, 28, members=folds)),
        }
        assert all(result.status == "finished" for result in results)
        assert results[0].fitted is not None
        weights = count_parameters(results[0].fitted.variables)
        print(json.dumps(answer | {"weights": weights}), flush=True)


if __name__ == "__main__":
    main()
