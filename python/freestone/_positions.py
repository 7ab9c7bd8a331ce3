"""Positions of elements: flat and axis by axis, of triangles and diagonals, by NumPy's names."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, Union

import numpy as np

from freestone._array import Array, ArrayLike, applied, asarray
from freestone._creation import arange, shape_of, tri
from freestone._searching import nonzero
from freestone.errors import UserError

__all__ = [
    "diag_indices", "diag_indices_from", "ix_", "ravel_multi_index", "tril_indices", "tril_indices_from", "triu_indices",
    "triu_indices_from", "unravel_index",
]  # fmt: skip


def _strides(name: str, shape: Union[int, Sequence[int]], order: str) -> tuple[list[int], list[int]]:
    """Lengths of the axes, and how far elements of neighbouring positions along each are apart."""
    lengths = shape_of(shape)
    if order not in ("C", "F"):
        raise UserError(f"{name}: order is 'C' or 'F', not {order!r}.")
    axes = range(len(lengths))
    return lengths, [math.prod(lengths[k + 1 :] if order == "C" else lengths[:k]) for k in axes]


def _whole(name: str, value: ArrayLike) -> Array:
    array = asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} takes whole numbers, not {array.dtype}")
    return array.astype(np.int64)


def unravel_index(indices: ArrayLike, shape: Union[int, Sequence[int]], order: str = "C") -> tuple[Array, ...]:
    """Flat positions as positions along each axis.

    Parameters
    ----------
    indices : array_like of int
        Flat positions, any shape; checked when they are at hand.
    shape : int or sequence of int
        Of the array that they are positions of.
    order : {"C", "F"}
        Which axis runs fastest: the last, or the first.

    Returns
    -------
    tuple of Array
        int64, one an axis.

    Raises
    ------
    ValueError
        A position beyond the array.
    """
    flat = _whole("unravel_index", indices)
    lengths, strides = _strides("unravel_index", shape, order)
    if not isinstance(indices, Array):
        values = np.asarray(indices)
        if values.size and (values.min() < 0 or values.max() >= math.prod(lengths)):
            raise ValueError(f"unravel_index: a position beyond an array of shape {tuple(lengths)}")
    return tuple((flat // max(stride, 1)) % max(n, 1) for n, stride in zip(lengths, strides))


def ravel_multi_index(multi_index: Sequence[ArrayLike], dims: Union[int, Sequence[int]], mode: Any = "raise", order: str = "C") -> Array:
    """Positions along each axis as flat positions.

    Parameters
    ----------
    multi_index : sequence of array_like of int
        One an axis; they broadcast.
    dims : sequence of int
        The array's shape.
    mode : {"raise", "wrap", "clip"}, or one an axis
        What positions beyond the array do. "raise" checks those that are at hand.
    order : {"C", "F"}
        Which axis runs fastest: the last, or the first.

    Returns
    -------
    Array
        int64.

    Raises
    ------
    ValueError
        A position beyond the array.
    """
    lengths, strides = _strides("ravel_multi_index", dims, order)
    parts = list(multi_index)
    modes = list(mode) if isinstance(mode, (list, tuple)) else [mode] * len(lengths)
    if not len(parts) == len(lengths) == len(modes):
        raise ValueError(f"ravel_multi_index: {len(parts)} arrays of positions for {len(lengths)} axes")
    result = asarray(0)
    for part, length, stride, rule in zip(parts, lengths, strides, modes):
        place = _whole("ravel_multi_index", part)
        if rule == "wrap":
            place = place % length
        elif rule == "clip":
            place = place.clip(0, length - 1)
        elif rule != "raise":
            raise UserError(f"ravel_multi_index: mode is 'raise', 'wrap' or 'clip', not {rule!r}.")
        elif not isinstance(part, Array) and np.size(part) and (np.min(part) < 0 or np.max(part) >= length):
            raise ValueError(f"ravel_multi_index: a position beyond an axis of {length}")
        result = result + place * stride
    return result


def tril_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """Rows and columns of the elements of a lower triangle.

    Parameters
    ----------
    n, m : int
        Rows and columns; as many columns as rows by default.
    k : int
        The triangle's diagonal: 0 the main one, above 0 those above it.
    """
    rows, columns = nonzero(tri(n, m, k, dtype=bool))
    return rows, columns


def triu_indices(n: int, k: int = 0, m: int | None = None) -> tuple[Array, Array]:
    """Rows and columns of the elements of an upper triangle. Parameters are as in `tril_indices`."""
    rows, columns = nonzero(applied("logical_not", tri(n, m, k - 1, dtype=bool)))
    return rows, columns


def _matrix(name: str, arr: ArrayLike) -> tuple[int, int]:
    shape = asarray(arr).shape
    if len(shape) != 2:
        raise ValueError(f"{name} takes a matrix, not {len(shape)} axes")
    return shape[0], shape[1]


def tril_indices_from(arr: ArrayLike, k: int = 0) -> tuple[Array, Array]:
    """`tril_indices` of a matrix."""
    rows, columns = _matrix("tril_indices_from", arr)
    return tril_indices(rows, k, columns)


def triu_indices_from(arr: ArrayLike, k: int = 0) -> tuple[Array, Array]:
    """`triu_indices` of a matrix."""
    rows, columns = _matrix("triu_indices_from", arr)
    return triu_indices(rows, k, columns)


def diag_indices(n: int, ndim: int = 2) -> tuple[Array, ...]:
    """The positions along each axis of the main diagonal.

    Parameters
    ----------
    n : int
        Length of the axes.
    ndim : int
        How many axes.
    """
    return (arange(n),) * operator.index(ndim)


def diag_indices_from(arr: ArrayLike) -> tuple[Array, ...]:
    """`diag_indices` of an array whose axes have one length."""
    shape = asarray(arr).shape
    if len(shape) < 2 or len(set(shape)) != 1:
        raise ValueError("diag_indices_from takes two axes or more, of one length")
    return diag_indices(shape[0], len(shape))


def ix_(*args: ArrayLike) -> tuple[Array, ...]:
    """Vectors of positions, each along an axis of its own, so that they index a grid. Of bool: where they are true.

    Parameters
    ----------
    *args : array_like, 1-D
    """
    vectors = []
    for k, part in enumerate(args):
        vector = asarray(part)
        if vector.ndim != 1:
            raise ValueError("ix_ takes vectors")
        if vector.dtype.kind == "b":
            vector = nonzero(vector)[0]
        elif vector.size == 0:
            vector = vector.astype(np.int64)
        vectors.append(vector.reshape([-1 if j == k else 1 for j in range(len(args))]))
    return tuple(vectors)
