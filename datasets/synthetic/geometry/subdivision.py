"""Quads cut in triangles, or once by Catmull and Clark: a sparse matrix, linear in the shape."""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Int32, Int64


def _incidence(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sp.csr_matrix:
    ones = np.ones(rows.size, np.float64)
    return sp.csr_matrix((ones, (rows.ravel(), columns.ravel())), shape)


def _scaled(weights: np.ndarray, matrix: sp.spmatrix) -> sp.csr_matrix:
    return sp.csr_matrix(sp.diags(weights) @ matrix)


def halves(quads: Int64[np.ndarray, "q 4"]) -> Int32[np.ndarray, "2*q 3"]:
    """Return two triangles for each quad: all first halves, then all second ones."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)


def catmull_clark(
    quads: Int64[np.ndarray, "q 4"], vertices: int
) -> tuple[sp.csr_matrix, Int64[np.ndarray, "4*q 4"]]:
    """Subdivide a quad mesh once.

    Fine vertices are ordered: moved old vertices, then edge points, then face points, so an old
    vertex keeps its index. Borders follow the cubic B-spline rule.

    Args:
        quads: vertex indices of each face.
        vertices: number of vertices, including any that no face uses.

    Returns:
        A float32 matrix (fine vertices, vertices), and the four fine quads of each face in order.

    Source: Catmull and Clark, Recursively generated B-spline surfaces on arbitrary topological
    meshes, Computer-Aided Design 10(6), 1978.
    """
    faces = len(quads)
    face_ids = np.repeat(np.arange(faces)[:, None], 4, 1)
    sides = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), 1)
    keys, edge_of_side = np.unique(sides[:, 0] * vertices + sides[:, 1], return_inverse=True)
    edge_of_side = edge_of_side.reshape(faces, 4)
    edges = np.stack([keys // vertices, keys % vertices], 1)
    count = len(edges)

    face_corner = _incidence(face_ids, quads, (faces, vertices))
    face_mean = face_corner * 0.25
    edge_ids = np.repeat(np.arange(count)[:, None], 2, 1)
    edge_ends = _incidence(edge_ids, edges, (count, vertices))
    edge_face = _incidence(edge_of_side, face_ids, (count, faces))

    inner = np.bincount(edge_of_side.ravel(), minlength=count) == 2
    edge_points = _scaled(np.where(inner, 0.25, 0.5), edge_ends) + _scaled(
        inner * 0.25, edge_face @ face_mean
    )

    # Vertex rule: (F + 2R + (n - 3)P) / n inside, (R + P) / 2 on a border, P where unused.
    edge_valence = np.maximum(np.bincount(edges.ravel(), minlength=vertices), 1)
    face_valence = np.bincount(quads.ravel(), minlength=vertices)
    border_ends = edges[~inner]
    border_valence = np.bincount(border_ends.ravel(), minlength=vertices)
    on_border = border_valence > 0
    inside = ~on_border & (face_valence > 0)
    identity = sp.csr_matrix(sp.identity(vertices))
    face_average = _scaled(1 / np.maximum(face_valence, 1), face_corner.T @ face_mean)
    edge_average = _scaled(0.5 / edge_valence, edge_ends.T @ edge_ends)
    border = edge_ends[np.flatnonzero(~inner)]
    border_average = _scaled(0.5 / np.maximum(border_valence, 1), border.T @ border)
    moved = (
        _scaled(inside / edge_valence, face_average)
        + _scaled(inside * 2 / edge_valence, edge_average)
        + _scaled(inside * (edge_valence - 3) / edge_valence, identity)
        + _scaled(on_border * 0.5, border_average)
        + _scaled(np.where(on_border, 0.5, (face_valence == 0) * 1.0), identity)
    )
    matrix = sp.csr_matrix(sp.vstack([moved, edge_points, face_mean]), dtype=np.float32)

    edge_vertex = vertices + edge_of_side
    face_vertex = vertices + count + np.arange(faces)
    fine = np.stack(
        [
            np.stack([quads[:, k], edge_vertex[:, k], face_vertex, edge_vertex[:, k - 1]], 1)
            for k in range(4)
        ],
        1,
    )
    return matrix, fine.reshape(-1, 4)
