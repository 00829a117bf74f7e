"""Pairs of real texture moved by a known smooth field."""

import cv2
import numpy as np
import pytest
import skimage.data


def textured_pair(
    seed: int, amplitude: float, size: int = 128
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a face crop, the same crop warped, and the float32 displacement (h, w, 2) in px."""
    margin = 24
    side = size + 2 * margin
    face = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)[0:220, 110:330]
    face = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(seed).normal(size=(side, side, 2)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), 0.1 * size)
    field *= amplitude / np.abs(field).max()
    y, x = np.mgrid[:side, :side].astype(np.float32)
    # Sampling the target at p + f gives the reference, to first order in a smooth field.
    moved = cv2.remap(face, x - field[..., 0], y - field[..., 1], cv2.INTER_CUBIC)
    inner = slice(margin, margin + size)
    return face[inner, inner].copy(), moved[inner, inner].copy(), field[inner, inner].copy()


@pytest.fixture(scope="session")
def pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Four pairs at 128 px: uint8 references, uint8 targets, float32 fields of 0.5 to 4 px."""
    made = [textured_pair(seed, amplitude) for seed, amplitude in enumerate((0.5, 1.0, 2.0, 4.0))]
    references, targets, fields = (np.stack(part) for part in zip(*made, strict=True))
    return references, targets, fields
