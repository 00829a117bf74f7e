"""What live tracking and the fast flow cost in accuracy, on rendered clips that nobody trained on.

    uv run python benchmarks/live_accuracy.py --people 24

Every clip of `synthetic/demo` is rendered again and named three ways by the packaged network, at
its annotated apex: as a stored clip (corrected onset to apex, as `mace prepare` and `mace
evaluate --zero-shot` do), as a recording through the live loop's engine (`--live.flow trained`),
and as a camera's frames (`auto`: the fast flow, confirmations in the background). The video begins
with the neutral frames before the onset, the first of which becomes the reference. Clips of no
polarity (`others`) are left out. Shares right, and the time of both flows for a pair.
"""

import statistics
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import jax
import numpy as np
import tyro

from mace.annotation.class_sets import classes_of
from mace.bundle import Bundle, load_bundle
from mace.compilation import keep_compiled
from mace.config import from_dict
from mace.datasets.synthetic.clips.clip import RenderedClip, render_clip
from mace.datasets.synthetic.clips.subject import Subject
from mace.datasets.synthetic.movement.prototypes import CLASSES
from mace.datasets.synthetic.presets import PRESETS
from mace.errors import DataError
from mace.face.clip import correct_clip
from mace.face.config import FaceConfig
from mace.live.config import LiveConfig
from mace.live.pipeline import Pipeline
from mace.live.sources.frame import Frame
from mace.motion.dis import dis_flow
from mace.motion.patches import patch_flow
from mace.motion.representation import represent
from mace.prediction import predict
from mace.pretrained.bundle_files import PRETRAINED, bundle_path
from mace.progress import progress


@dataclass(frozen=True)
class Config:
    """How much to render."""

    people: int = 24
    seed: int = 0


def clips(config: Config) -> list[tuple[str, RenderedClip]]:
    """Return the demo's clips of some other people, with their polarities."""
    preset = PRESETS["demo"]
    made: list[tuple[str, RenderedClip]] = []
    total = config.people * preset.clips
    with progress("rendering", total) as advance:
        for number in range(total):
            emotion = CLASSES[number % len(CLASSES)]
            polarity = classes_of("synthetic", emotion).get("3")
            if polarity is not None:
                person = Subject(10_000 + config.seed * 1000 + number // preset.clips)
                clip = render_clip(person, emotion=emotion, seed=number, config=preset.clip)
                made.append((polarity, clip))
            advance()
    return made


def stored(bundle: Bundle, clip: RenderedClip) -> str:
    """Return what the network says of the stored clip."""
    face = from_dict(FaceConfig, bundle.face)
    crops = correct_clip(clip.frames, onset=clip.onset, config=face).frames
    onset, apex = (crops[index : index + 1] for index in (clip.onset, clip.apex))
    answer = predict(bundle, represent(onset, apex, config=bundle.motion))[0]
    return bundle.classes[int(answer.argmax())]


def played(bundle: Bundle, clip: RenderedClip, config: LiveConfig, *, live: bool) -> str | None:
    """Return what the live engine says of the apex as it comes by; None if it says nothing."""
    with closing(Pipeline(bundle, config, live=live, fps=clip.fps)) as engine:
        results = []
        first = np.asarray(clip.frames[0])
        # A camera has shown the face for a while; then the looking-out has found it.
        before = 20 if live else 0
        for index, image in enumerate([*[first] * before, *clip.frames]):
            time.sleep(0.02 if index < before else 0.0)
            frame = Frame(index, index / clip.fps, np.asarray(image))
            results += engine.push(frame)
        results += engine.finish()
        at = next(one for one in results if one.frame.index == before + clip.apex)
    answers = [face.probabilities for face in at.faces if face.probabilities is not None]
    return bundle.classes[int(answers[0].argmax())] if answers else None


def main(config: Config) -> None:
    keep_compiled()
    bundle = load_bundle(bundle_path(Path(PRETRAINED)))
    right = {"stored": 0, "played, flow as trained": 0, "live, fast flow": 0}
    silent, total = 0, 0
    made = clips(config)
    with progress("naming", len(made)) as advance:
        for truth, clip in made:
            advance()
            try:
                right["stored"] += stored(bundle, clip) == truth
            except DataError:
                continue  # no face found: `mace prepare` renders such a clip again
            total += 1
            trained, fast = LiveConfig(flow="trained"), LiveConfig()
            right["played, flow as trained"] += played(bundle, clip, trained, live=False) == truth
            answer = played(bundle, clip, fast, live=True)
            right["live, fast flow"] += answer == truth
            silent += answer is None
    for name, count in right.items():
        print(f"{name:28s} {count} of {total}, {count / total:.3f}")
    print(f"no answer at the apex: {silent}")
    pair = np.asarray(made[0][1].frames[:2])[:, 100:228, 100:228]
    cv2.setNumThreads(1)
    for name, measure in (("as trained", dis_flow), ("fast", patch_flow)):
        times = []
        for _ in range(100):
            begun = time.perf_counter()
            measure(pair[:1], pair[1:])
            times.append(time.perf_counter() - begun)
        print(f"flow of a pair, {name:12s} {1e3 * statistics.median(times):.2f} ms")


if __name__ == "__main__":
    jax.config.update("jax_platforms", "cpu")
    main(tyro.cli(Config))
