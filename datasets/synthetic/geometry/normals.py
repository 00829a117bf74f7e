"""Normals of a mesh, and how much of the sky or of a lamp each vertex sees."""

import numpy as np
from jaxtyping import Float32, Int32
from numba import njit

from mace.datasets.synthetic.geometry.raster import rasterise_depth


@njit(fastmath=True, cache=True)
def vertex_normals(
    points: Float32[np.ndarray, "n 3"], triangles: Int32[np.ndarray, "t 3"]
) -> Float32[np.ndarray, "n 3"]:
    """Unit normals, averaged over the adjacent triangles by area."""
    normals = np.zeros_like(points)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = (
            points[b, 0] - points[a, 0],
            points[b, 1] - points[a, 1],
            points[b, 2] - points[a, 2],
        )
        vx, vy, vz = (
            points[c, 0] - points[a, 0],
            points[c, 1] - points[a, 1],
            points[c, 2] - points[a, 2],
        )
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            normals[k, 0] += nx
            normals[k, 1] += ny
            normals[k, 2] += nz
    tiny = np.float32(1e-12)
    for i in range(normals.shape[0]):
        length = (
            np.sqrt(
                normals[i, 0] * normals[i, 0]
                + normals[i, 1] * normals[i, 1]
                + normals[i, 2] * normals[i, 2]
            )
            + tiny
        )
        for k in range(3):
            normals[i, k] /= length
    return normals


@njit(fastmath=True, cache=True)
def _lit_fraction(
    points: Float32[np.ndarray, "n 3"],
    depth: Float32[np.ndarray, "y x"],
    bias: np.float32,
) -> Float32[np.ndarray, " n"]:
    height, width = depth.shape
    out = np.empty(points.shape[0], np.float32)
    for i in range(points.shape[0]):
        lit = 0
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                x, y = int(points[i, 0]) + dx, int(points[i, 1]) + dy
                if x < 0 or y < 0 or x >= width or y >= height or points[i, 2] > depth[y, x] - bias:
                    lit += 1
        out[i] = np.float32(lit / 9)
    return out


def visibility(
    points: Float32[np.ndarray, "n 3"],
    triangles: Int32[np.ndarray, "t 3"],
    direction: np.ndarray,
    *,
    resolution: int = 256,
    bias: float = 0.035,
) -> Float32[np.ndarray, " n"]:
    """Fraction of a distant lamp that each vertex sees, by a shadow map, filtered over 3 texels.

    Args:
        points: positions in decimetres.
        triangles: the occluding surface.
        direction: from the head to the lamp.
        resolution: side of the shadow map in texels.
        bias: depth in decimetres below which a surface does not shadow itself.

    Source: Williams, Casting curved shadows on curved surfaces, SIGGRAPH 1978; filtering after
    Reeves, Salesin and Cook, Rendering antialiased shadows with depth maps, SIGGRAPH 1987.
    """
    towards = direction / np.linalg.norm(direction)
    up = np.array([0.0, 1.0, 0.0]) if abs(towards[1]) < 0.95 else np.array([1.0, 0.0, 0.0])
    right = np.cross(up, towards)
    right /= np.linalg.norm(right)
    basis = np.stack([right, np.cross(towards, right), towards], 1).astype(np.float32)
    turned = np.ascontiguousarray(points @ basis, np.float32)
    low, high = turned[:, :2].min(0), turned[:, :2].max(0)
    turned[:, :2] = (turned[:, :2] - low) * np.float32((resolution - 4) / (high - low).max()) + 2
    depth = np.empty((resolution, resolution), np.float32)
    rasterise_depth(turned, triangles, depth)
    return _lit_fraction(turned, depth, np.float32(bias))
