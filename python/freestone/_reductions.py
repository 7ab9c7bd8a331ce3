"""Sums, means, extremes over axes, and the same along an axis so far. The bits do not depend on tiles or threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, Axis, apply, asarray, axes_of, names_none, normal_axis, reduced_along
from freestone._dtypes import DTypeLike, dtype_name
from freestone._methods import no_out

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "count", "count_nonzero", "cummax", "cummin", "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "logsumexp", "max", "mean", "min", "nanargmax",
    "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "prod", "ptp", "std", "sum", "var",
]  # fmt: skip


#: What changes no result, for elements that `where` leaves out.
_NEUTRAL = {"sum": 0, "prod": 1, "any": False, "all": True}


def _reduced(
    name: str,
    x: ArrayLike,
    axis: Axis,
    keepdims: bool,
    *,
    skip_nan: bool = False,
    parameters: Sequence[float] = (),
    dtype: DTypeLike = None,
    initial: Any = None,
    where: Any = True,
) -> Array:
    if initial is not None or where is not True:
        return _with_initial(name, asarray(x), axis, keepdims, skip_nan, parameters, dtype, initial, where)
    array, axis, keepdims = reduced_along(asarray(x), axis, keepdims)
    return Array(_core.reduce(name, array._core, axes_of(axis), skip_nan, keepdims, list(parameters), dtype_name(dtype)))


def _with_initial(
    name: str, x: Array, axis: Axis, keepdims: bool, skip_nan: bool, parameters: Sequence[float], dtype: DTypeLike, initial: Any, where: Any
) -> Array:
    """NumPy's `initial`, which every result begins with, and `where`, which leaves elements out."""
    skip_nan = skip_nan and x.dtype.kind in "fc"
    if names_none(axis):
        lengths = list(np.broadcast_shapes(x.shape, np.shape(where)))
        x = Array(_core.broadcast_to(x._core, lengths))
        where = where if where is True else asarray(where)[..., None]
        x, axis, keepdims = reduced_along(x, axis, keepdims)
    if where is not True:
        kept = asarray(where).astype(np.bool_)
        x, kept = (Array(core) for core in _core.broadcast_arrays([x._core, kept._core]))
        if name in ("mean", "variance", "std"):
            return _moment_where(name, x, kept, axis, keepdims, skip_nan, parameters, dtype)
        if name in ("min", "max") and initial is None:
            raise ValueError(f"{name} with where= needs initial=, which stands where nothing is left")
        neutral = _NEUTRAL[name] if name in _NEUTRAL else initial
        x = apply("where", kept, x, asarray(np.asarray(neutral).astype(x.dtype)))
    if name not in ("min", "max"):
        result = _reduced(name, x, axis, keepdims, skip_nan=skip_nan, dtype=dtype)
        if initial is None:
            return result
        return result + asarray(initial).astype(result.dtype) if name == "sum" else result * asarray(initial).astype(result.dtype)
    start = asarray(np.asarray(initial).astype(x.dtype))
    if x.size == 0:
        places = set(range(x.ndim)) if axis is None else {normal_axis(k, x.ndim) for k in axes_of(axis)}
        lengths = [1 if k in places else n for k, n in enumerate(x.shape) if keepdims or k not in places]
        if 0 in [x.shape[k] for k in places]:
            return Array(_core.broadcast_to(start._core, lengths))
    result = _reduced(name, x, axis, keepdims, skip_nan=skip_nan)
    return apply({"min": "fmin", "max": "fmax"}[name] if skip_nan else {"min": "minimum", "max": "maximum"}[name], result, start)


def _moment_where(
    name: str, x: Array, kept: Array, axis: Axis, keepdims: bool, skip_nan: bool, parameters: Sequence[float], dtype: DTypeLike
) -> Array:
    """The mean, variance or standard deviation of the elements where `kept` is true."""
    if dtype is not None:
        x = x.astype(dtype)
    elif x.dtype.kind not in "fc":
        x = x.astype(np.float64)
    if skip_nan:
        kept = apply("logical_and", kept, apply("logical_not", apply("isnan", x)))
    count = _reduced("count_nonzero", kept, axis, True)
    middle = _reduced("sum", x, axis, True, where=kept) / count.astype(np.float64)
    if name == "mean":
        result = middle
    else:
        distance = apply("absolute", x - middle)
        left = apply("maximum", count.astype(np.float64) - (parameters[0] if parameters else 0.0), 0.0)
        result = _reduced("sum", distance * distance, axis, True, where=kept) / left
        result = apply("sqrt", result) if name == "std" else result
    result = result.astype(x.dtype if name == "mean" or x.dtype.kind == "f" else np.real(np.zeros(1, x.dtype)).dtype)
    return result if keepdims else result.squeeze(None if axis is None else tuple(axes_of(axis)))


def sum(
    x: ArrayLike, /, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False, *, initial: Any = None, where: Any = True
) -> Array:
    """Sum over `axis` (an axis, several, or None for all), accumulated in float64. NaN propagates.

    Parameters
    ----------
    x : array_like
    axis : int, sequence of int, or None
    dtype : dtype, optional
        Elements are converted to it first, and the result has it. Default: floats stay, bool and integers give int64 or uint64.
    keepdims : bool
        Reduced axes stay, with length 1.
    initial : number, optional
        Every sum begins with it.
    where : array_like of bool
        Elements where it is false are left out. Broadcasts with `x`.
    """
    return _reduced("sum", x, axis, keepdims, dtype=dtype, initial=initial, where=where)


def prod(
    x: ArrayLike, /, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False, *, initial: Any = None, where: Any = True
) -> Array:
    """Product over `axis`. See `sum`."""
    return _reduced("prod", x, axis, keepdims, dtype=dtype, initial=initial, where=where)


def mean(x: ArrayLike, /, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False, *, where: Any = True) -> Array:
    """Arithmetic mean over `axis`."""
    return _reduced("mean", x, axis, keepdims, dtype=dtype, where=where)


def std(
    x: ArrayLike,
    /,
    axis: Axis = None,
    dtype: DTypeLike = None,
    *,
    correction: float = 0.0,
    ddof: float | None = None,
    keepdims: bool = False,
    where: Any = True,
) -> Array:
    """Standard deviation about the mean; the divisor is the count less `correction` (NumPy's `ddof`)."""
    return _reduced("std", x, axis, keepdims, dtype=dtype, parameters=[float(correction if ddof is None else ddof)], where=where)


def var(
    x: ArrayLike,
    /,
    axis: Axis = None,
    dtype: DTypeLike = None,
    *,
    correction: float = 0.0,
    ddof: float | None = None,
    keepdims: bool = False,
    where: Any = True,
) -> Array:
    """Variance about the mean; the divisor is the count less `correction` (NumPy's `ddof`)."""
    return _reduced("variance", x, axis, keepdims, dtype=dtype, parameters=[float(correction if ddof is None else ddof)], where=where)


def min(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False, *, initial: Any = None, where: Any = True) -> Array:
    """Least element over `axis`."""
    return _reduced("min", x, axis, keepdims, initial=initial, where=where)


def max(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False, *, initial: Any = None, where: Any = True) -> Array:
    """Greatest element over `axis`."""
    return _reduced("max", x, axis, keepdims, initial=initial, where=where)


def argmin(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Position of the least element (int64): along one axis, or flat over several."""
    return _reduced("argmin", x, axis, keepdims)


def argmax(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Position of the greatest element (int64): along one axis, or flat over several."""
    return _reduced("argmax", x, axis, keepdims)


def any(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False, *, out: None = None, where: Any = True) -> Array:
    """Whether any element over `axis` is not 0."""
    no_out(out)
    return _reduced("any", x, axis, keepdims, where=where)


def all(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False, *, out: None = None, where: Any = True) -> Array:
    """Whether all elements over `axis` are not 0."""
    no_out(out)
    return _reduced("all", x, axis, keepdims, where=where)


def count(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many elements are not NaN (int64)."""
    return _reduced("count", x, axis, keepdims, skip_nan=True)


def count_nonzero(x: ArrayLike, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many elements are not 0 (int64)."""
    return _reduced("count_nonzero", x, axis, keepdims)


def ptp(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The greatest element less the least."""
    array, axis, keepdims = reduced_along(asarray(a), axis, keepdims)
    return Array(_core.ptp(array._core, axes_of(axis), keepdims))


def logsumexp(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """``log(sum(exp(a)))`` without overflow."""
    array, axis, keepdims = reduced_along(asarray(a), axis, keepdims)
    return Array(_core.logsumexp(array._core, axes_of(axis), keepdims))


# What is not NaN.


def nansum(
    a: ArrayLike, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Array:
    """Sum of what is not NaN; 0 where nothing is."""
    return _reduced("sum", a, axis, keepdims, skip_nan=True, dtype=dtype, initial=initial, where=where)


def nanprod(
    a: ArrayLike, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Array:
    """Product of what is not NaN; 1 where nothing is."""
    return _reduced("prod", a, axis, keepdims, skip_nan=True, dtype=dtype, initial=initial, where=where)


def nanmean(a: ArrayLike, axis: Axis = None, dtype: DTypeLike = None, *, keepdims: bool = False, where: Any = True) -> Array:
    """Mean of what is not NaN; NaN where nothing is."""
    return _reduced("mean", a, axis, keepdims, skip_nan=True, dtype=dtype, where=where)


def nanstd(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
    where: Any = True,
) -> Array:
    """Standard deviation of what is not NaN."""
    divisor = [float(ddof if correction is None else correction)]
    return _reduced("std", a, axis, keepdims, skip_nan=True, parameters=divisor, dtype=dtype, where=where)


def nanvar(
    a: ArrayLike,
    axis: Axis = None,
    dtype: DTypeLike = None,
    *,
    ddof: float = 0,
    correction: float | None = None,
    keepdims: bool = False,
    where: Any = True,
) -> Array:
    """Variance of what is not NaN."""
    divisor = [float(ddof if correction is None else correction)]
    return _reduced("variance", a, axis, keepdims, skip_nan=True, parameters=divisor, dtype=dtype, where=where)


def nanmin(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    """Least element that is not NaN; NaN where nothing is."""
    return _reduced("min", a, axis, keepdims, skip_nan=True, initial=initial, where=where)


def nanmax(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    """Greatest element that is not NaN; NaN where nothing is."""
    return _reduced("max", a, axis, keepdims, skip_nan=True, initial=initial, where=where)


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
