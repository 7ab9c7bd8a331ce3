"""Sorting, finding, counting what is different."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from freestone import _core, _runs
from freestone._array import Array, ArrayLike, applied, asarray, from_numpy, normal_axis
from freestone.errors import UserError

__all__ = [
    "allclose", "argsort", "argtopk", "argwhere", "array_equal", "flatnonzero", "in1d", "intersect1d", "isin", "mode", "nonzero", "searchsorted",
    "setdiff1d", "setxor1d", "sort", "topk", "union1d", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values", "where",
]  # fmt: skip


def where(condition: ArrayLike, x1: ArrayLike = None, x2: ArrayLike = None, /) -> Any:
    """Elements of `x1` where `condition` is true, of `x2` elsewhere; with one argument `nonzero`."""
    if x1 is None and x2 is None:
        return nonzero(condition)
    if x1 is None or x2 is None:
        raise TypeError("where() takes one argument or three")
    foreign = [value for value in (x1, x2) if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "mMUSO"]
    if foreign:
        return np.where(np.asarray(condition), x1, x2)  # times and texts are no arrays of ours: now
    return applied("where", asarray(condition), x1, x2)


def nonzero(x: ArrayLike, /) -> tuple[Array, ...]:
    """Positions of what is not 0, in C order: an int64 array for each axis. Counts now."""
    array = asarray(x)
    if array.ndim == 0:
        raise UserError("nonzero of an array without axes. Use atleast_1d.")
    return tuple(Array(core) for core in _core.nonzero(array._core, _runs.run_setup()))


def argwhere(a: ArrayLike) -> Array:
    """Positions of what is not 0: one row each, one column an axis. Counts now."""
    array = asarray(a)
    return Array(_core.argwhere(array._core, _runs.run_setup()))


def flatnonzero(a: ArrayLike) -> Array:
    """Positions of what is not 0 in the flat array. Counts now."""
    return nonzero(asarray(a).ravel())[0]


# Sorting.


def sort(x: ArrayLike, /, axis: int | None = -1, *, descending: bool = False, stable: bool = True, kind: str | None = None) -> Array:
    """Sorted along `axis`, with None flattened first. NaN comes last, upwards and downwards."""
    array = asarray(x)
    if axis is None:
        array, axis = array.ravel(), -1
    return Array(_core.sort(array._core, normal_axis(axis, array.ndim), bool(descending)))


def argsort(x: ArrayLike, /, axis: int | None = -1, *, descending: bool = False, stable: bool = True, kind: str | None = None) -> Array:
    """The positions along `axis` (int64) that sort `x`. Equal elements keep their order."""
    array = asarray(x)
    if axis is None:
        array, axis = array.ravel(), -1
    return Array(_core.argsort(array._core, normal_axis(axis, array.ndim), bool(descending)))


def topk(a: ArrayLike, k: int, axis: int = -1) -> Array:
    """The `k` greatest elements along `axis`, greatest first; with a negative `k` the least, least first."""
    array = asarray(a)
    return Array(_core.topk(array._core, abs(k), normal_axis(axis, array.ndim), k >= 0))


def argtopk(a: ArrayLike, k: int, axis: int = -1) -> Array:
    """The positions of `topk` along `axis`."""
    array = asarray(a)
    return Array(_core.argtopk(array._core, abs(k), normal_axis(axis, array.ndim), k >= 0))


def mode(a: ArrayLike, axis: int | None = None) -> tuple[Any, Any]:
    """The most frequent value (the least of several) and how often it occurs: along `axis`, lazy; over all elements, now."""
    array = asarray(a)
    if axis is None:
        value, count = _core.mode_of_all(array._core, _runs.run_setup())
        return from_numpy(value), int(count)
    values, counts = _core.mode(array._core, normal_axis(axis, array.ndim))
    return Array(values), Array(counts)


def searchsorted(x1: ArrayLike, x2: ArrayLike, /, side: str = "left", sorter: ArrayLike | None = None) -> Array:
    """Where `x2` would be inserted into the rising vector `x1` to keep it in order (int64)."""
    if side not in ("left", "right"):
        raise UserError(f"searchsorted: side is 'left' or 'right', not '{side}'.")
    points, values = asarray(x1), asarray(x2)
    if sorter is not None:
        points = Array(_core.take_along_axis(points._core, asarray(sorter)._core, 0))
    return Array(_core.searchsorted(points._core, values._core, side == "right"))


# What is different.


class UniqueAll(NamedTuple):
    """What `unique_all` gives."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCounts(NamedTuple):
    """What `unique_counts` gives."""

    values: Array
    counts: Array


class UniqueInverse(NamedTuple):
    """What `unique_inverse` gives."""

    values: Array
    inverse_indices: Array


def _unique(x: ArrayLike) -> UniqueAll:
    array = asarray(x)
    values, counts, first, inverse = _core.unique(array._core, _runs.run_setup())
    return UniqueAll(from_numpy(values), from_numpy(first), Array(inverse), from_numpy(counts))


def _unique_with_nan_apart(x: ArrayLike) -> UniqueAll:
    """By the array API every NaN is a value of its own."""
    array = asarray(x)
    found = _unique(array)
    if array.dtype.kind not in "fc" or found.values.size == 0 or not bool(applied("isnan", found.values[-1])):
        return found
    is_nan = applied("isnan", array)
    places = flatnonzero(is_nan)
    numbers, count = found.values.size - 1, places.size
    rank = Array(_core.cumulative("sum", is_nan.ravel()._core, 0, "int64", False, False)).reshape(array.shape)
    return UniqueAll(
        Array(_core.concat([found.values[:-1]._core, _core.broadcast_to(found.values[-1:]._core, [count])], 0)),
        Array(_core.concat([found.indices[:-1]._core, places._core], 0)),
        where(is_nan, rank + (numbers - 1), found.inverse_indices),
        Array(_core.concat([found.counts[:-1]._core, _core.full([count], 1, "int64")], 0)),
    )


def unique_all(x: ArrayLike, /) -> UniqueAll:
    """The different elements, their first positions, the place of each element among them, and how often they occur. Runs now."""
    return _unique_with_nan_apart(x)


def unique_counts(x: ArrayLike, /) -> UniqueCounts:
    """The different elements and how often they occur. Runs now."""
    result = _unique_with_nan_apart(x)
    return UniqueCounts(result.values, result.counts)


def unique_inverse(x: ArrayLike, /) -> UniqueInverse:
    """The different elements and the place of each element among them. Runs now."""
    result = _unique_with_nan_apart(x)
    return UniqueInverse(result.values, result.inverse_indices)


def unique_values(x: ArrayLike, /) -> Array:
    """The different elements. Runs now."""
    return _unique_with_nan_apart(x).values


def unique(
    ar: ArrayLike, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: int | None = None
) -> Any:
    """The different elements, rising, all NaN as one, as ``numpy.unique``. Runs now, in one pass; only different values are held.

    With `axis` the different parts of the array along it: NumPy does that, of all elements in memory.
    """
    if axis is not None:
        numpys: Any = np.unique
        made = numpys(np.asarray(ar), return_index, return_inverse, return_counts, axis)
        return tuple(asarray(part) for part in made) if isinstance(made, tuple) else asarray(made)
    result = _unique(ar)
    wanted = [
        part
        for part, asked in ((result.indices, return_index), (result.inverse_indices, return_inverse), (result.counts, return_counts))
        if asked
    ]
    return (result.values, *wanted) if wanted else result.values


def isin(x1: ArrayLike, x2: ArrayLike, /, *, invert: bool = False, assume_unique: bool = False) -> Array:
    """Whether each element of `x1` is one of `x2`."""
    return Array(_core.isin(asarray(x1)._core, asarray(x2).ravel()._core, bool(invert)))


def in1d(ar1: ArrayLike, ar2: ArrayLike, *, invert: bool = False) -> Array:
    """`isin` of the flat array."""
    return isin(asarray(ar1).ravel(), ar2, invert=invert)


def _sets(name: str, ar1: ArrayLike, ar2: ArrayLike) -> Array:
    return from_numpy(_core.set_operation(name, asarray(ar1)._core, asarray(ar2)._core, _runs.run_setup()))


def union1d(ar1: ArrayLike, ar2: ArrayLike) -> Array:
    """The different values of both arrays together, rising. Runs now."""
    return _sets("union", ar1, ar2)


def intersect1d(ar1: ArrayLike, ar2: ArrayLike) -> Array:
    """The values of both alike, rising. Runs now."""
    return _sets("intersection", ar1, ar2)


def setdiff1d(ar1: ArrayLike, ar2: ArrayLike) -> Array:
    """The values of the first that the second has not, rising, in the dtype of the first. Runs now."""
    first = asarray(ar1)
    values = _sets("difference", first, ar2)
    return (values.real if values.dtype.kind == "c" and first.dtype.kind != "c" else values).astype(first.dtype)


def setxor1d(ar1: ArrayLike, ar2: ArrayLike) -> Array:
    """The values of either alone, rising. Runs now."""
    return _sets("either", ar1, ar2)


# Whole arrays.


def array_equal(a1: ArrayLike, a2: ArrayLike, equal_nan: bool = False) -> Array:
    """Whether shapes and all elements are equal; NaN is equal to NaN with `equal_nan`."""
    return Array(_core.array_equal(asarray(a1)._core, asarray(a2)._core, bool(equal_nan)))


def allclose(a: ArrayLike, b: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether all elements are close, as `isclose` has it."""
    return Array(_core.allclose(asarray(a)._core, asarray(b)._core, float(rtol), float(atol), bool(equal_nan)))
