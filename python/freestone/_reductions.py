"""Sums, means, extremes over axes, and the same along an axis so far. The bits do not depend on tiles or threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from freestone import _core
from freestone._array import Array, ArrayLike, Axis, asarray, axes_of, normal_axis
from freestone._dtypes import DTypeLike, dtype_name

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count", "count_nonzero", "cummax", "cummin", "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "logsumexp", "max", "mean", "min", "nanargmax",
    "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "prod", "ptp", "std", "sum", "var",
]  # fmt: skip


def _reduced(
    name: str, x: ArrayLike, axis: Axis, keepdims: bool, *, skip_nan: bool = False, parameters: Sequence[float] = (), dtype: DTypeLike = None
) -> Array:
    core = asarray(x)._core
    if isinstance(axis, Sequence) and len(axis) == 0:
        # Nothing is reduced: every element for itself, along a new axis.
        return Array(_core.reduce(name, _core.expand_dims(core, len(core.shape)), [-1], skip_nan, False, list(parameters), dtype_name(dtype)))
    return Array(_core.reduce(name, core, axes_of(axis), skip_nan, bool(keepdims), list(parameters), dtype_name(dtype)))


def sum(x: ArrayLike, /, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False) -> Array:
    """Sum over `axis` (an axis, several, or None for all), accumulated in float64. NaN propagates.

    Parameters
    ----------
    x : array_like
    axis : int, sequence of int, or None
    dtype : dtype, optional
        Elements are converted to it first, and the result has it. Default: floats stay, bool and integers give int64 or uint64.
    keepdims : bool
        Reduced axes stay, with length 1.
    """
    return _reduced("sum", x, axis, keepdims, dtype=dtype)


def prod(x: ArrayLike, /, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False) -> Array:
    """Product over `axis`. See `sum`."""
    return _reduced("prod", x, axis, keepdims, dtype=dtype)


def mean(x: ArrayLike, /, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False) -> Array:
    """Arithmetic mean over `axis`."""
    return _reduced("mean", x, axis, keepdims, dtype=dtype)


def std(x: ArrayLike, /, axis: Axis = None, dtype: DTypeLike = None, *, correction: float = 0.0, ddof: float | None = None, keepdims: bool = False) -> Array:
    """Standard deviation about the mean; the divisor is the count less `correction` (NumPy's `ddof`)."""
    return _reduced("std", x, axis, keepdims, dtype=dtype, parameters=[float(correction if ddof is None else ddof)])


def var(x: ArrayLike, /, axis: Axis = None, dtype: DTypeLike = None, *, correction: float = 0.0, ddof: float | None = None, keepdims: bool = False) -> Array:
    """Variance about the mean; the divisor is the count less `correction` (NumPy's `ddof`)."""
    return _reduced("variance", x, axis, keepdims, dtype=dtype, parameters=[float(correction if ddof is None else ddof)])


def min(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Least element over `axis`."""
    return _reduced("min", x, axis, keepdims)


def max(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Greatest element over `axis`."""
    return _reduced("max", x, axis, keepdims)


def argmin(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Position of the least element (int64): along one axis, or flat over several."""
    return _reduced("argmin", x, axis, keepdims)


def argmax(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Position of the greatest element (int64): along one axis, or flat over several."""
    return _reduced("argmax", x, axis, keepdims)


def any(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False, *, out: None = None) -> Array:
    """Whether any element over `axis` is not 0."""
    return _reduced("any", x, axis, keepdims)


def all(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False, *, out: None = None) -> Array:
    """Whether all elements over `axis` are not 0."""
    return _reduced("all", x, axis, keepdims)


def count(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many elements are not NaN (int64)."""
    return _reduced("count", x, axis, keepdims, skip_nan=True)


def count_nonzero(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many elements are not 0 (int64)."""
    return _reduced("count_nonzero", x, axis, keepdims)


def ptp(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The greatest element less the least."""
    return Array(_core.ptp(asarray(a)._core, axes_of(axis), bool(keepdims)))


def logsumexp(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """``log(sum(exp(a)))`` without overflow."""
    return Array(_core.logsumexp(asarray(a)._core, axes_of(axis), bool(keepdims)))


# What is not NaN.


def nansum(a: ArrayLike, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False) -> Array:
    """Sum of what is not NaN; 0 where nothing is."""
    return _reduced("sum", a, axis, keepdims, skip_nan=True, dtype=dtype)


def nanprod(a: ArrayLike, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False) -> Array:
    """Product of what is not NaN; 1 where nothing is."""
    return _reduced("prod", a, axis, keepdims, skip_nan=True, dtype=dtype)


def nanmean(a: ArrayLike, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False) -> Array:
    """Mean of what is not NaN; NaN where nothing is."""
    return _reduced("mean", a, axis, keepdims, skip_nan=True, dtype=dtype)


def nanstd(a: ArrayLike, axis: Axis = None, dtype: DTypeLike = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Standard deviation of what is not NaN."""
    return _reduced("std", a, axis, keepdims, skip_nan=True, parameters=[float(ddof)], dtype=dtype)


def nanvar(a: ArrayLike, axis: Axis = None, dtype: DTypeLike = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Variance of what is not NaN."""
    return _reduced("variance", a, axis, keepdims, skip_nan=True, parameters=[float(ddof)], dtype=dtype)


def nanmin(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Least element that is not NaN; NaN where nothing is."""
    return _reduced("min", a, axis, keepdims, skip_nan=True)


def nanmax(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Greatest element that is not NaN; NaN where nothing is."""
    return _reduced("max", a, axis, keepdims, skip_nan=True)


def nanargmin(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Position of the least element that is not NaN; -1 where nothing is (NumPy raises there)."""
    return _reduced("argmin", a, axis, keepdims, skip_nan=True)


def nanargmax(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Position of the greatest element that is not NaN; -1 where nothing is (NumPy raises there)."""
    return _reduced("argmax", a, axis, keepdims, skip_nan=True)


# So far.


def _cumulative(name: str, x: ArrayLike, axis: int | None, dtype: DTypeLike = None, include_initial: bool = False, skip_nan: bool = False) -> Array:
    array = asarray(x)
    if axis is None:
        array, axis = (array.ravel() if array.ndim != 1 else array), 0
    place = normal_axis(axis, array.ndim)
    return Array(_core.cumulative(name, array._core, place, dtype_name(dtype), bool(include_initial), skip_nan))


def _only_axis(x: ArrayLike, axis: int | None) -> int | None:
    """The axis, or None for an array without axes, which counts as one element."""
    if axis is None:
        if asarray(x).ndim > 1:
            raise ValueError("An array of several axes needs axis=.")
        return 0 if asarray(x).ndim else None
    return axis


def cumulative_sum(x: ArrayLike, /, *, axis: int | None = None, dtype: DTypeLike = None, include_initial: bool = False) -> Array:
    """Sums of the elements so far; with `include_initial` a 0 before them. `axis` may be left out where there is one."""
    return _cumulative("sum", x, _only_axis(x, axis), dtype, include_initial)


def cumulative_prod(x: ArrayLike, /, *, axis: int | None = None, dtype: DTypeLike = None, include_initial: bool = False) -> Array:
    """Products of the elements so far; with `include_initial` a 1 before them. `axis` may be left out where there is one."""
    return _cumulative("prod", x, _only_axis(x, axis), dtype, include_initial)


def cumsum(a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    """Sums of the elements so far; without `axis` of the flat array."""
    return _cumulative("sum", a, axis, dtype)


def cumprod(a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    """Products of the elements so far; without `axis` of the flat array."""
    return _cumulative("prod", a, axis, dtype)


def nancumsum(a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    """`cumsum`, NaN counting as 0."""
    return _cumulative("sum", a, axis, dtype, skip_nan=True)


def nancumprod(a: ArrayLike, axis: int | None = None, dtype: DTypeLike = None) -> Array:
    """`cumprod`, NaN counting as 1."""
    return _cumulative("prod", a, axis, dtype, skip_nan=True)


def cummax(a: ArrayLike, axis: int = -1) -> Array:
    """The greatest element so far; from a NaN on, NaN (``numpy.maximum.accumulate``)."""
    return _cumulative("max", a, axis)


def cummin(a: ArrayLike, axis: int = -1) -> Array:
    """The least element so far; from a NaN on, NaN (``numpy.minimum.accumulate``)."""
    return _cumulative("min", a, axis)


amax, amin = max, min
