"""NumPy's functions on arrays: elementwise, reductions, order statistics, smoothing. All lazy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import ALIASES, FUNCTIONS, OPTIONAL, Array, Axis, apply, asarray, axes_of, reduced, selected
from freestone.errors import UserError


def _elementwise(name: str, arity: int) -> Callable[..., Array]:
    parameters = ", ".join("abcd"[:arity])
    optional = OPTIONAL[name]
    if name == "where":
        parameters = "condition, a, b"
    if name == "clip":
        parameters = "a, low, high"

    def function(*values: Any) -> Array:
        if not arity - optional <= len(values) <= arity:
            raise TypeError(f"{name}() takes {arity} argument{'s' if arity > 1 else ''}, {len(values)} given")
        result = apply(name, *values)
        if result is NotImplemented:
            raise TypeError(f"{name}() takes arrays and numbers, not {', '.join(type(value).__name__ for value in values)}")
        return result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name}({parameters})\n\nElement by element, as ``numpy.{name}``; broadcasts. Lazy."
    return function


#: A function for each row of the engine's elementwise table.
ELEMENTWISE: dict[str, Callable[..., Array]] = {name: _elementwise(name, arity) for name, arity in FUNCTIONS.items()}
ELEMENTWISE |= {alias: ELEMENTWISE[name] for alias, name in ALIASES.items()}


def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether ``|a - b| <= atol + rtol * |b|``; infinities are close to themselves, NaN to NaN with `equal_nan`."""
    close = ELEMENTWISE["isclose"](a, b, rtol, atol)
    return close | (ELEMENTWISE["isnan"](a) & ELEMENTWISE["isnan"](b)) if equal_nan else close


def nan_to_num(a: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """`nan` for NaN, `posinf` and `neginf` for the infinities (by default the largest finite numbers). Integers stay."""
    array = asarray(a)
    if array.dtype.kind not in "fc":
        return array
    limits = np.finfo(array.dtype)
    high, low = (float(limits.max) if posinf is None else posinf), (float(limits.min) if neginf is None else neginf)
    return ELEMENTWISE["nan_to_num"](array, nan, high, low)


def divmod(a: Any, b: Any) -> tuple[Array, Array]:
    """Quotient, rounded down, and remainder."""
    return ELEMENTWISE["floor_divide"](a, b), ELEMENTWISE["remainder"](a, b)


def frexp(a: Any) -> tuple[Array, Array]:
    """Mantissa in [0.5, 1) and exponent of 2."""
    return ELEMENTWISE["frexp_mantissa"](a), ELEMENTWISE["frexp_exponent"](a)


def modf(a: Any) -> tuple[Array, Array]:
    """Fraction and whole part, both with the sign of the element."""
    return ELEMENTWISE["modf_fraction"](a), ELEMENTWISE["modf_whole"](a)


def sum(a: Any, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Array:
    """Sum over `axis` (an axis, several, or None for all), accumulated in float64. NaN propagates."""
    return reduced("sum", a, axis, keepdims, dtype=dtype)


def prod(a: Any, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Array:
    """Product over `axis`."""
    return reduced("prod", a, axis, keepdims, dtype=dtype)


def mean(a: Any, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Array:
    """Arithmetic mean over `axis`."""
    return reduced("mean", a, axis, keepdims, dtype=dtype)


def std(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Standard deviation about the mean; the divisor is the count less `ddof`."""
    return reduced("std", a, axis, keepdims, parameters=[float(ddof)])


def var(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Variance about the mean; the divisor is the count less `ddof`."""
    return reduced("variance", a, axis, keepdims, parameters=[float(ddof)])


def min(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Least element over `axis`."""
    return reduced("min", a, axis, keepdims)


def max(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Greatest element over `axis`."""
    return reduced("max", a, axis, keepdims)


def argmin(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Position of the least element: along one axis, or flat over several."""
    return reduced("argmin", a, axis, keepdims)


def argmax(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Position of the greatest element: along one axis, or flat over several."""
    return reduced("argmax", a, axis, keepdims)


def any(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Whether any element over `axis` is not 0."""
    return reduced("any", a, axis, keepdims)


def all(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Whether all elements over `axis` are not 0."""
    return reduced("all", a, axis, keepdims)


def count(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """How many elements are not NaN (int64)."""
    return reduced("count", a, axis, keepdims, skip_nan=True)


def count_nonzero(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """How many elements are not 0 (int64)."""
    return reduced("count_nonzero", a, axis, keepdims)


def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """The largest element less the smallest."""
    return Array(_core.ptp(asarray(a)._core, axes_of(axis), bool(keepdims)))


def average(a: Any, axis: Axis = None, weights: Any = None, *, keepdims: bool = False) -> Array:
    """``sum(a * weights) / sum(weights)``; the mean without weights. Weights broadcast, or lie along the one axis."""
    if weights is None:
        return mean(a, axis, keepdims=keepdims)
    return Array(_core.average(asarray(a)._core, asarray(weights)._core, axes_of(axis), bool(keepdims)))


def logsumexp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """``log(sum(exp(a)))`` without overflow."""
    return Array(_core.logsumexp(asarray(a)._core, axes_of(axis), bool(keepdims)))


def nansum(a: Any, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Array:
    """Sum of what is not NaN; 0 where nothing is."""
    return reduced("sum", a, axis, keepdims, skip_nan=True, dtype=dtype)


def nanprod(a: Any, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Array:
    """Product of what is not NaN; 1 where nothing is."""
    return reduced("prod", a, axis, keepdims, skip_nan=True, dtype=dtype)


def nanmean(a: Any, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Array:
    """Mean of what is not NaN; NaN where nothing is."""
    return reduced("mean", a, axis, keepdims, skip_nan=True, dtype=dtype)


def nanstd(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Standard deviation of what is not NaN."""
    return reduced("std", a, axis, keepdims, skip_nan=True, parameters=[float(ddof)])


def nanvar(a: Any, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
    """Variance of what is not NaN."""
    return reduced("variance", a, axis, keepdims, skip_nan=True, parameters=[float(ddof)])


def nanmin(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Least element that is not NaN; NaN where nothing is."""
    return reduced("min", a, axis, keepdims, skip_nan=True)


def nanmax(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Greatest element that is not NaN; NaN where nothing is."""
    return reduced("max", a, axis, keepdims, skip_nan=True)


def nanargmin(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Position of the least element that is not NaN; -1 where nothing is (NumPy raises there)."""
    return reduced("argmin", a, axis, keepdims, skip_nan=True)


def nanargmax(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Position of the greatest element that is not NaN; -1 where nothing is (NumPy raises there)."""
    return reduced("argmax", a, axis, keepdims, skip_nan=True)


def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Median over `axis`; NaN propagates."""
    return selected("median", a, axis, keepdims)


def nanmedian(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Median of what is not NaN."""
    return selected("median", a, axis, keepdims, skip_nan=True)


def percentile(a: Any, q: float, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """NumPy's "linear" percentile, one `q` in [0, 100]; NaN propagates."""
    return selected("percentile", a, axis, keepdims, q=_one_number(q))


def nanpercentile(a: Any, q: float, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """NumPy's "linear" percentile of what is not NaN, one `q` in [0, 100]."""
    return selected("percentile", a, axis, keepdims, skip_nan=True, q=_one_number(q))


def _one_number(q: Any) -> float:
    if np.ndim(q) != 0:
        raise UserError("q is one number. Ask for several percentiles one by one, and compute them together with freestone.compute.")
    return float(q)


def mad_std(a: Any, axis: Axis = None, *, keepdims: bool = False, ignore_nan: bool = False) -> Array:
    """The median absolute deviation from the median, times 1.4826: the standard deviation of normal noise (astropy.stats.mad_std)."""
    return selected("mad_std", a, axis, keepdims, skip_nan=ignore_nan)


def sigma_clip(
    a: Any,
    threshold: float | None = 3.0,
    axis: int = 0,
    maxiters: int | None = 5,
    *,
    low: float | None = None,
    high: float | None = None,
    center: str = "median",
    deviation: str = "std",
) -> Array:
    """Replaces outliers along `axis` by NaN.

    At most `maxiters` times (None: until nothing drops) what lies outside centre - low * deviation ... centre + high * deviation of what is
    left is dropped: the rule of astropy.stats.SigmaClip.

    Parameters
    ----------
    threshold : float
        In units of the deviation, above 0; for `low` and `high` where they are not given.
    center : {"median", "mean"}
    deviation : {"std", "mad_std"}
        The population standard deviation, or the scaled median absolute deviation.
    """
    bounds = [threshold if bound is None else bound for bound in (low, high)]
    if None in bounds:
        raise UserError("sigma_clip needs a threshold, or both low and high.")
    iterations = -1 if maxiters is None else int(maxiters)
    return Array(_core.sigma_clip(asarray(a)._core, int(axis), float(bounds[0]), float(bounds[1]), iterations, center, deviation))  # type: ignore[arg-type]


def convolve(a: Any, kernel: Any, axis: int | None = None, *, nan_treatment: str = "interpolate") -> Array:
    """Convolves with `kernel` as it is (not normalised); outside of the array lies 0.

    Parameters
    ----------
    kernel : array_like
        Odd lengths: 1-D with `axis` (default: the last), or 2-D over the last two axes.
    nan_treatment : {"interpolate", "fill", "propagate"}
        NaN is left out and its weight too (astropy's rule), counts as 0, or spreads.
    """
    weights = np.asarray(getattr(kernel, "array", kernel), dtype=float)
    core = asarray(a)._core
    if weights.ndim == 1:
        return Array(_core.convolve(core, weights.tolist(), -1 if axis is None else int(axis), nan_treatment))
    if weights.ndim != 2 or axis is not None:
        raise UserError("A kernel has one axis (with axis=), or two, for the last two axes of the array.")
    return Array(_core.convolve_2d(core, weights.ravel().tolist(), *weights.shape, nan_treatment))


def transpose(a: Any, axes: Sequence[int] | None = None) -> Array:
    """Axes in another order; reversed without `axes`."""
    return asarray(a).transpose(axes)


def squeeze(a: Any, axis: Axis = None) -> Array:
    """Without axes of length 1."""
    return asarray(a).squeeze(axis)


def expand_dims(a: Any, axis: int) -> Array:
    """With a new axis of length 1 before `axis`."""
    array = asarray(a)
    return Array(_core.expand_dims(array._core, axis + array.ndim + 1 if axis < 0 else axis))


def flip(a: Any, axis: Axis = None) -> Array:
    """Reversed along `axis`, or along all axes."""
    array = asarray(a)
    core = array._core
    for k in range(array.ndim) if axis is None else [axis] if isinstance(axis, int) else axis:
        core = _core.flip(core, k)
    return Array(core)


def broadcast_to(a: Any, shape: Sequence[int]) -> Array:
    """Axes of length 1, and missing leading axes, repeated."""
    return Array(_core.broadcast_to(asarray(a)._core, list(shape)))


def astype(a: Any, dtype: Any) -> Array:
    """Elements as another type."""
    return asarray(a).astype(dtype)


def downsample(a: Any, factor: int, axis: Axis = None, *, function: str = "mean", keep_rest: bool = False) -> Array:
    """Groups of `factor` neighbours become one: their mean, sum, min, max or median, NaN skipped.

    Positions past the last whole group are dropped, or with `keep_rest` make a shorter group.
    """
    array = asarray(a)
    axes = list(range(array.ndim)) if axis is None else [axis] if isinstance(axis, int) else list(axis)
    return Array(_core.downsample(array._core, int(factor), axes, function, keep_rest))


REDUCTIONS = (
    "sum prod mean std var min max argmin argmax any all count count_nonzero ptp average nansum nanprod nanmean nanstd nanvar nanmin nanmax nanargmin nanargmax "
    "median nanmedian percentile nanpercentile"
).split()
OTHERS = "logsumexp isclose nan_to_num divmod frexp modf mad_std sigma_clip convolve transpose squeeze expand_dims flip broadcast_to astype downsample".split()
__all__ = [*REDUCTIONS, *OTHERS]
