"""Images that are the same, or nearly: by their pixels, and by small copies of them.

N images, T × T pixels of a small copy, C channels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from automl.data.decoding.arrays import blocks_of

COPY_SIDE = 16
"""Side of a small copy, in pixels; an image that is smaller is its own copy."""
NEAR_CORRELATION = 0.99
"""Correlation of two small copies' gray values: what survives another compression, size or brightness."""
FLAT_DEVIATION = 2.0
"""Gray levels; an image of less has nothing to be recognized by, and is near to none."""
TILE = 2048
GATE_DIMENSIONS = 64
MOST_CANDIDATES = 1 << 16
"""Pairs of a tile; with more of them the whole tile is compared, which takes less memory."""
ROUNDING = 1e-4
"""Error of products in float32."""
_SAMPLE = 2000


@dataclass(frozen=True)
class Fingerprints:
    """What is kept of each image to compare it with all others."""

    digests_N: npt.NDArray[np.bytes_]
    """16 bytes that are equal where all pixels are."""
    copies_NTTC: npt.NDArray[np.uint8]


def take_fingerprints(images_MHWC: npt.NDArray[np.uint8], rows_N: npt.NDArray[np.int64]) -> Fingerprints:
    """Read each image once, a few megabytes at a time."""
    digests, copies = [], []
    for rows in blocks_of((len(rows_N), *images_MHWC.shape[1:])):
        block_NHWC = images_MHWC[rows_N[rows]]
        digests += [hashlib.blake2b(image, digest_size=16).digest() for image in block_NHWC]
        copies.append(small_copies(block_NHWC))
    return Fingerprints(np.array(digests, "V16"), np.concatenate(copies))


def small_copies(images_NHWC: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Means over a grid of at most 16 × 16 fields of equal size."""
    _, height, width, _ = images_NHWC.shape
    rows_TH, columns_TW = _field_means(height), _field_means(width)
    means = np.einsum("th,nhwc,uw->ntuc", rows_TH, images_NHWC.astype(np.float32), columns_TW, optimize=True)
    copies_NTTC: npt.NDArray[np.uint8] = np.rint(means).astype(np.uint8)
    return copies_NTTC


def _field_means(side: int) -> npt.NDArray[np.float32]:
    """Weights, T × side, that average each field's pixels; a pixel on a border counts for both by its parts."""
    fields = min(side, COPY_SIDE)
    edges = np.linspace(0, side, fields + 1)
    starts, ends = edges[:-1, None], edges[1:, None]
    pixels = np.arange(side)[None]
    weights_TS = np.clip(np.minimum(ends, pixels + 1) - np.maximum(starts, pixels), 0, 1)
    means_TS: npt.NDArray[np.float32] = (weights_TS * fields / side).astype(np.float32)
    return means_TS


def exact_groups(digests_N: npt.NDArray[np.bytes_]) -> npt.NDArray[np.int64]:
    """The number of each image's group; images whose pixels are all equal share one."""
    return np.unique(digests_N, return_inverse=True)[1].reshape(-1)


def near_groups(copies_NTTC: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """The number of each image's group; images that look alike, or have one between them that does, share one.

    All pairs are compared, tile by tile, so time grows with the square of the number of images, and memory does not.
    """
    units_ND = _unit_vectors(copies_NTTC)
    gates_NG = _gates(units_ND)
    count = len(units_ND)
    pairs = [np.empty((2, 0), np.int64)]
    for rows in _blocks(count, TILE):
        for columns in _blocks(count, TILE, start=rows.start):
            found_2P = _alike(units_ND[rows], units_ND[columns], gates_NG[rows], gates_NG[columns])
            pairs.append(_forest(found_2P, rows.stop - rows.start, columns.stop - columns.start))
            pairs[-1] += [[rows.start], [columns.start]]
    return _components(np.concatenate(pairs, axis=1), count)


def _unit_vectors(copies_NTTC: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Gray values of mean 0 and length 1, so that a product of two is their correlation; zeros for a flat image."""
    gray_ND = copies_NTTC.mean(axis=-1, dtype=np.float32).reshape(len(copies_NTTC), -1)
    gray_ND -= gray_ND.mean(axis=1, keepdims=True)
    deviations_N1 = gray_ND.std(axis=1, keepdims=True)
    lengths_N1 = np.linalg.norm(gray_ND, axis=1, keepdims=True)
    units_ND: npt.NDArray[np.float32] = np.zeros_like(gray_ND)
    np.divide(gray_ND, lengths_N1, out=units_ND, where=deviations_N1 >= FLAT_DEVIATION)
    return units_ND


def _gates(units_ND: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Shorter vectors whose products are never below those of the whole ones, and mostly near them.

    They are the parts along the main directions of a sample, and the length of what is left: by Cauchy and Schwarz,
    the product of two rests is at most the product of their lengths.
    """
    sample_SD = units_ND[:: max(1, len(units_ND) // _SAMPLE)]
    directions_GD = np.linalg.svd(sample_SD, full_matrices=False)[2][: GATE_DIMENSIONS - 1]
    parts_NG = units_ND @ directions_GD.T
    rests_N = np.linalg.norm(units_ND - parts_NG @ directions_GD, axis=1)
    return np.column_stack([parts_NG, rests_N])


def _alike(
    rows_RD: npt.NDArray[np.float32],
    columns_CD: npt.NDArray[np.float32],
    row_gates_RG: npt.NDArray[np.float32],
    column_gates_CG: npt.NDArray[np.float32],
) -> npt.NDArray[np.int64]:
    """All pairs (row, column) that look alike, 2 × P."""
    candidates_2P = np.array(np.nonzero(row_gates_RG @ column_gates_CG.T >= NEAR_CORRELATION - ROUNDING))
    if candidates_2P.shape[1] > MOST_CANDIDATES:
        return np.array(np.nonzero(rows_RD @ columns_CD.T >= NEAR_CORRELATION))
    rows_P, columns_P = candidates_2P
    correlations_P = np.einsum("pd,pd->p", rows_RD[rows_P], columns_CD[columns_P])
    return candidates_2P[:, correlations_P >= NEAR_CORRELATION]


def _forest(pairs_2P: npt.NDArray[np.int64], rows: int, columns: int) -> npt.NDArray[np.int64]:
    """At most rows + columns pairs that join the same images as all of them."""
    if pairs_2P.shape[1] <= rows + columns:
        return pairs_2P
    groups = _components(pairs_2P + np.array([[0], [rows]]), rows + columns)
    row_groups, column_groups = groups[:rows], groups[rows:]
    of_column, of_row = np.full((2, rows + columns), -1)
    of_column[column_groups], of_row[row_groups] = np.arange(columns), np.arange(rows)
    joined_2P = np.concatenate(
        [[np.arange(rows), of_column[row_groups]], [of_row[column_groups], np.arange(columns)]], axis=1
    )
    return joined_2P[:, (joined_2P >= 0).all(axis=0)]


def _components(pairs_2P: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    graph = coo_array((np.ones(pairs_2P.shape[1], np.bool_), tuple(pairs_2P)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _blocks(count: int, size: int, *, start: int = 0) -> Iterator[slice]:
    for first in range(start, count, size):
        yield slice(first, min(first + size, count))
