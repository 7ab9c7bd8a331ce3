"""Order statistics, histograms, averages, smoothing."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from freestone import _core, _runs
from freestone._array import Array, ArrayLike, Axis, applied, asarray, axes_of, from_numpy, normal_axis, reduced_along
from freestone._dtypes import DTypeLike, dtype_of
from freestone.errors import UserError

__all__ = [
    "average", "bincount", "convolve", "corrcoef", "cov", "digitize", "downsample", "group_reduce", "histogram", "histogram2d", "histogram_bin_edges", "histogramdd", "interp", "mad_std", "median", "nanmedian",
    "nanpercentile", "nanquantile", "percentile", "quantile", "rolling", "sigma_clip",
]  # fmt: skip


# Order statistics.


def _kept(core: Any, array: Array, axis: Axis, leading: int = 0) -> Array:
    """`core` with the reduced axes back, of length 1, behind `leading` others."""
    axes = range(array.ndim) if axis is None else sorted(normal_axis(k, array.ndim) for k in axes_of(axis))
    for k in axes:
        core = _core.expand_dims(core, k + leading)
    return Array(core)


def _selected(name: str, a: ArrayLike, axis: Axis, keepdims: bool, *, skip_nan: bool = False, q: float = 50.0) -> Array:
    array, axis, keepdims = reduced_along(asarray(a), axis, keepdims)
    core = _core.select(name, array._core, float(q), axes_of(axis), skip_nan)
    return _kept(core, array, axis) if keepdims else Array(core)


def median(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Median over `axis`, the mean of the two middle values; NaN propagates."""
    return _selected("median", a, axis, keepdims)


def nanmedian(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> Array:
    """Median of what is not NaN."""
    return _selected("median", a, axis, keepdims, skip_nan=True)


def _quantiles(a: ArrayLike, q: ArrayLike, scale: float, axis: Axis, method: str, keepdims: bool, skip_nan: bool) -> Array:
    array = asarray(a)
    given = np.asarray(q, dtype=float)
    if given.ndim == 0 and method == "linear":
        return _selected("percentile", array, axis, keepdims, skip_nan=skip_nan, q=float(given) * (100 / scale))
    array, axis, keepdims = reduced_along(array, axis, keepdims)
    core = _core.quantile(array._core, (given.ravel() / scale).tolist(), axes_of(axis), method, skip_nan)
    result = _kept(core, array, axis, 1) if keepdims else Array(core)
    return result.reshape(given.shape + result.shape[1:]) if given.ndim != 1 else result


def quantile(a: ArrayLike, q: ArrayLike, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """The quantiles `q`, each in [0, 1], over `axis`; NaN propagates.

    Parameters
    ----------
    a : array_like
    q : number or array_like
        The axes of several come first in the result.
    axis : int, sequence of int, or None
    method : str
        NumPy's: "linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf", "closest_observation",
        "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased".
    """
    return _quantiles(a, q, 1.0, axis, method, keepdims, False)


def nanquantile(a: ArrayLike, q: ArrayLike, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """`quantile` of what is not NaN."""
    return _quantiles(a, q, 1.0, axis, method, keepdims, True)


def percentile(a: ArrayLike, q: ArrayLike, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """`quantile` with `q` in [0, 100]."""
    return _quantiles(a, q, 100.0, axis, method, keepdims, False)


def nanpercentile(a: ArrayLike, q: ArrayLike, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Array:
    """`percentile` of what is not NaN."""
    return _quantiles(a, q, 100.0, axis, method, keepdims, True)


def mad_std(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False, ignore_nan: bool = False) -> Array:
    """The median absolute deviation from the median, times 1.4826: the standard deviation of normal noise (astropy.stats.mad_std)."""
    return _selected("mad_std", a, axis, keepdims, skip_nan=ignore_nan)


def sigma_clip(
    a: ArrayLike,
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
    a : array_like
    threshold : float
        In units of the deviation, above 0; for `low` and `high` where they are not given.
    center : {"median", "mean"}
    deviation : {"std", "mad_std"}
        The population standard deviation, or the scaled median absolute deviation.
    """
    below, above = threshold if low is None else low, threshold if high is None else high
    if below is None or above is None:
        raise UserError("sigma_clip needs a threshold, or both low and high.")
    iterations = -1 if maxiters is None else int(maxiters)
    return Array(_core.sigma_clip(asarray(a)._core, int(axis), float(below), float(above), iterations, center, deviation))


# Averages and their like.


def average(a: ArrayLike, axis: Axis = None, weights: ArrayLike | None = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    """``sum(a * weights) / sum(weights)``; the mean without weights. Weights broadcast, or lie along the one axis.

    Returns
    -------
    Array, or with `returned` (Array, Array)
        The average, and the sums of the weights.
    """
    array = asarray(a)
    if weights is None:
        mean = array.mean(axis, keepdims=keepdims)
        return (mean, mean * 0 + array.size / max(mean.size, 1)) if returned else mean
    given = asarray(weights)
    mean = Array(_core.average(array._core, given._core, axes_of(axis), bool(keepdims)))
    if not returned:
        return mean
    if given.ndim == 1 and array.ndim > 1 and isinstance(axis, int):
        given = given.reshape([-1 if k == normal_axis(axis, array.ndim) else 1 for k in range(array.ndim)])
    sums = Array(_core.broadcast_to(given._core, list(array.shape))).sum(axis, keepdims=keepdims)
    return mean, sums.astype(mean.dtype)


def cov(
    m: ArrayLike,
    y: ArrayLike | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: ArrayLike | None = None,
    aweights: ArrayLike | None = None,
    *,
    dtype: DTypeLike = None,
) -> Array:
    """The covariance matrix of variables that are rows (columns without `rowvar`), as ``numpy.cov``: float64 or complex128."""
    less = (0 if bias else 1) if ddof is None else operator.index(ddof)
    variables, rows = _variables("cov", m, y, rowvar)
    if fweights is None and aweights is None:
        matrix = Array(_core.cov(variables, rows, float(less)))
    else:
        matrix = _weighted_cov(Array(variables) if rows else Array(variables).T, fweights, aweights, less)
    return matrix if dtype is None else matrix.astype(dtype)


def _weighted_cov(x: Array, fweights: ArrayLike | None, aweights: ArrayLike | None, less: int) -> Array:
    """The covariance of rows whose observations have weights."""
    x = x.reshape(1, -1) if x.ndim == 1 else x
    x = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    weights = asarray(1.0)
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        one = asarray(given)
        if one.shape != x.shape[1:]:
            raise ValueError(f"cov: {name} of shape {one.shape} for {x.shape[1]} observations")
        if name == "fweights" and one.dtype.kind not in "iu":
            raise TypeError("cov: fweights are whole numbers")
        weights = weights * one
    total = weights.sum()
    centred = x - (x * weights).sum(1, keepdims=True) / total
    if less == 0:
        left = total
    elif aweights is None:
        left = total - less
    else:
        left = total - less * (weights * asarray(aweights)).sum() / total
    product = (centred * weights) @ centred.conj().T
    return (product / left.clip(0)).squeeze()


def corrcoef(x: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True, *, dtype: DTypeLike = None) -> Array:
    """The matrix of Pearson's correlations, as ``numpy.corrcoef``: float64 or complex128."""
    matrix = Array(_core.corrcoef(*_variables("corrcoef", x, y, rowvar)))
    matrix = matrix if dtype is None else matrix.astype(dtype)
    # Rounding may leave the range of correlations, which NumPy cuts off; it leaves a single variable as it is.
    return matrix if matrix.dtype.kind == "c" or matrix.ndim == 0 else matrix.clip(-1, 1)


def _variables(name: str, m: ArrayLike, y: ArrayLike | None, rowvar: bool) -> tuple[Any, bool]:
    """The engine's array of all variables, and whether they are its rows."""
    x = asarray(m)
    if x.ndim not in (1, 2):
        raise UserError(f"{name} takes one axis or two, not {x.ndim}.")
    if y is None:
        return x._core, bool(rowvar)
    more = asarray(y)
    if more.ndim not in (1, 2):
        raise UserError(f"{name} takes one axis or two, not {more.ndim}.")
    rows = [_core.expand_dims(part._core, 0) if part.ndim == 1 else part._core if rowvar else part.T._core for part in (x, more)]
    return _core.concat(rows, 0), True


# Counting.


def _histogram_range(range: Any) -> tuple[float, float] | None:
    return None if range is None else (float(range[0]), float(range[1]))


def histogram(
    a: ArrayLike, bins: Any = 10, range: Any = None, density: bool = False, weights: ArrayLike | None = None, axis: Axis = None
) -> tuple[Array, Array]:
    """How many elements lie in each bin, in one pass (two where the range is not given), as ``numpy.histogram``.

    Parameters
    ----------
    a : array_like
    bins : int, array_like or str
        A number of even bins, or their rising edges; or one of NumPy's rules ("auto", "fd"...), for which all elements are computed now.
    range : (float, float), optional
        Default: from the least to the greatest element.
    density : bool
        Divided by the sum and the bins' widths.
    weights : array_like, optional
        Summed instead of counted.
    axis : int, sequence of int, or None
        Counted over these axes; the others come before the bins in the result.

    Returns
    -------
    counts, edges : Array
    """
    core = asarray(a)._core
    given = None if weights is None else asarray(weights)._core
    if isinstance(bins, str):  # NumPy's rules need all elements at once
        bins = np.histogram_bin_edges(np.asarray(a), bins, range)
    if np.ndim(bins) == 0:
        counts, edges = _core.histogram(core, operator.index(bins), _histogram_range(range), given, bool(density), axes_of(axis))
    else:
        counts, edges = _core.histogram_edges(core, asarray(bins)._core, given, bool(density), axes_of(axis))
    return Array(counts), Array(edges[0])


def histogram_bin_edges(a: ArrayLike, bins: Any = 10, range: Any = None) -> Array:
    """The edges that `histogram` uses."""
    return histogram(a, bins, range)[1]


def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: bool = False, weights: ArrayLike | None = None
) -> tuple[Array, list[Array]]:
    """A histogram over several coordinates, as ``numpy.histogramdd``.

    Parameters
    ----------
    sample : array of shape (n, d), or sequence of d arrays
    bins : int, or sequence of int or array_like
        Numbers of even bins, or rising edges, for all coordinates or one each.
    """
    if isinstance(sample, (list, tuple)):
        coordinates = [asarray(part)._core for part in sample]
    else:
        array = asarray(sample)
        coordinates = _core.unstack(array._core, 1)
    if isinstance(bins, (Sequence, np.ndarray)):
        if len(bins) != len(coordinates):
            raise ValueError(f"histogramdd: bins for {len(bins)} of {len(coordinates)} coordinates")
        if any(np.ndim(each) for each in bins):
            return _histogram_between_edges([Array(core) for core in coordinates], list(bins), range, density, weights)
    numbers = [operator.index(n) for n in bins] if isinstance(bins, (Sequence, np.ndarray)) else [operator.index(bins)] * len(coordinates)
    ranges = [] if range is None else [(float(low), float(high)) for low, high in range]
    given = None if weights is None else asarray(weights)._core
    counts, edges = _core.histogramdd(coordinates, numbers, ranges, given, bool(density))
    return Array(counts).astype(np.float64), [Array(edge) for edge in edges]


def _histogram_between_edges(
    coordinates: list[Array], bins: list[Any], range: Any, density: bool, weights: ArrayLike | None
) -> tuple[Array, list[Array]]:
    """A histogram whose bins have edges of their own: each point's bin along each coordinate, and all of them counted as one number."""
    edges = [
        np.asarray(histogram_bin_edges(x, each, None if range is None else range[k])) if np.ndim(each) == 0 else np.asarray(each)
        for k, (x, each) in enumerate(zip(coordinates, bins))
    ]
    for each in edges:
        if each.ndim != 1 or each.size < 2 or not (np.diff(each) >= 0).all():
            raise ValueError("histogramdd: edges rise, and there are two at least")
    lengths = [each.size - 1 for each in edges]
    place, inside = asarray(0), asarray(True)
    for x, each, length in zip(coordinates, edges, lengths):
        at = digitize(x, each) - 1 - (x == float(each[-1]))  # the last edge belongs to the last bin
        inside = inside & (at >= 0) & (at < length)
        place = place * length + at
    place = applied("where", inside, place, -1)
    count = int(np.prod(lengths))
    counts, _ = histogram(place, count, (-0.5, count - 0.5), weights=weights)
    result = counts.reshape(lengths).astype(np.float64)
    if density:
        for k, each in enumerate(edges):
            result = result / np.diff(each).reshape([-1 if j == k else 1 for j, _ in enumerate(edges)])
        result = result / counts.sum()
    return result, [asarray(each) for each in edges]


def histogram2d(
    x: ArrayLike, y: ArrayLike, bins: Any = 10, range: Any = None, density: bool = False, weights: ArrayLike | None = None
) -> tuple[Array, Array, Array]:
    """A histogram over two coordinates, as ``numpy.histogram2d``: `bins` is a number, rising edges, or one of them for each coordinate."""
    if isinstance(bins, (Sequence, np.ndarray)) and len(bins) not in (1, 2):
        bins = [bins, bins]  # the same edges for both, as NumPy has it
    elif isinstance(bins, (Sequence, np.ndarray)) and len(bins) == 1:
        bins = [bins[0], bins[0]]
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]


def bincount(x: ArrayLike, /, weights: ArrayLike | None = None, minlength: int = 0) -> Array:
    """How often each of 0, 1, 2 ... occurs, or the sum of its weights. Finds the greatest value now."""
    given = None if weights is None else asarray(weights)._core
    return Array(_core.bincount(asarray(x)._core, given, operator.index(minlength), _runs.run_setup()))


def digitize(x: ArrayLike, bins: ArrayLike, right: bool = False) -> Array:
    """The number of the bin of each element, as ``numpy.digitize``; `bins` rise or fall."""
    edges = np.asarray(bins)
    falling = edges.size > 1 and bool(edges[0] > edges[-1])
    return Array(_core.digitize(asarray(x)._core, from_numpy(edges)._core, bool(right), falling))


def interp(
    x: ArrayLike, xp: ArrayLike, fp: ArrayLike, left: float | None = None, right: float | None = None, period: float | None = None
) -> Array:
    """Linear interpolation between points (`xp`, `fp`) with rising `xp`, as ``numpy.interp``; with `period`, `xp` in any order and around."""
    if period is not None:
        if period == 0:
            raise ValueError("interp: a period of 0")
        around = abs(float(period))
        places, values = np.asarray(xp, dtype=np.float64) % around, np.asarray(fp)
        order = np.argsort(places)
        places, values = places[order], values[order]
        places = np.concatenate((places[-1:] - around, places, places[:1] + around))
        return interp(asarray(x) % around, places, np.concatenate((values[-1:], values, values[:1])))
    return Array(_core.interp(asarray(x)._core, asarray(xp)._core, asarray(fp)._core, left, right))


def group_reduce(name: str, a: ArrayLike, keys: ArrayLike, groups: int, axis: int = 0, *, skip_nan: bool = True, ddof: float = 0) -> Array:
    """Reduces the positions of `axis` that have the same key.

    Parameters
    ----------
    name : str
        "sum", "mean", "min", "max", "prod", "var", "std", "count", "any", "all", "argmin", "argmax", "first" or "last".
    a : array_like
    keys : array_like of integers
        As long as `axis`: 0 ... groups - 1, or -1 to leave a position out. May be lazy.
    groups : int
        The length of the axis in the result.
    """
    name = {"var": "variance"}.get(name, name)
    parameters = [float(ddof)] if name in ("variance", "std") else []
    return Array(_core.group_reduce(name, asarray(a)._core, asarray(keys)._core, operator.index(groups), int(axis), bool(skip_nan), parameters))


# Windows.


def rolling(
    name: str, a: ArrayLike, window: int, axis: int = 0, *, center: bool = False, min_periods: int | None = None, ddof: float = 0
) -> Array:
    """"sum", "mean", "min", "max", "var", "std", "median" or "count" of the last `window` positions along `axis`.

    NaN, and what lies beyond the array, is left out; a result of fewer values than `min_periods` (default: `window`) is NaN, as in pandas.
    """
    name = {"var": "variance"}.get(name, name)
    return Array(_core.rolling(name, asarray(a)._core, operator.index(window), int(axis), bool(center), min_periods, float(ddof)))


def convolve(a: ArrayLike, kernel: Any, axis: int | None = None, *, nan_treatment: str = "interpolate", mode: str | None = None) -> Array:
    """Convolves with `kernel` as it is (not normalised); outside of the array lies 0.

    Parameters
    ----------
    a : array_like
    kernel : array_like
        Odd lengths: 1-D with `axis` (default: the last), or 2-D over the last two axes. 1-D of any length with `mode`.
    nan_treatment : {"interpolate", "fill", "propagate"}
        NaN is left out and its weight too (astropy's rule), counts as 0, or spreads.
    mode : {"full", "same", "valid"}, optional
        ``numpy.convolve`` along one axis: wherever both overlap, as long as the longer of both, or where they overlap whole. NaN
        spreads, and the dtype is NumPy's. Default: an array of the shape of `a`, by the rule of `nan_treatment`.
    """
    if mode is not None:
        return _convolved_as_numpy(a, kernel, axis, mode)
    weights = np.asarray(getattr(kernel, "array", kernel), dtype=float)
    core = asarray(a)._core
    if weights.ndim == 1:
        return Array(_core.convolve(core, weights.tolist(), -1 if axis is None else int(axis), nan_treatment))
    if weights.ndim != 2 or axis is not None:
        raise UserError("A kernel has one axis (with axis=), or two, for the last two axes of the array.")
    return Array(_core.convolve_2d(core, weights.ravel().tolist(), *weights.shape, nan_treatment))


def _convolved_as_numpy(a: ArrayLike, kernel: Any, axis: int | None, mode: str) -> Array:
    """`convolve` with NumPy's modes."""
    from freestone._manipulation import pad

    if mode not in ("full", "same", "valid"):
        raise UserError(f"convolve: mode is 'full', 'same' or 'valid', not {mode!r}.")
    array, weights = asarray(a), getattr(kernel, "array", kernel)
    if np.ndim(weights) > 1 or array.ndim == 0:
        raise UserError(f"convolve: with mode= the kernel is a vector, not one of {np.ndim(weights)} axes, and the array has an axis.")
    if array.ndim == 1 and np.size(weights) > array.size:
        array, weights = asarray(weights), array  # the longer one is the array
    weights = np.atleast_1d(np.asarray(weights))
    place = normal_axis(-1 if axis is None else axis, array.ndim)
    n, m = array.shape[place], weights.size
    if n == 0 or m == 0:
        raise ValueError("convolve: an array of no elements")
    kind = np.result_type(array.dtype, dtype_of(weights.dtype))
    rim = {"full": (m - 1, m - 1), "same": (m // 2, m - 1 - m // 2), "valid": (0, 0)}[mode]
    wide = pad(array.astype(kind), [rim if k == place else (0, 0) for k in range(array.ndim)])
    length = wide.shape[place] - m + 1
    if length < 1:
        # Longer than the axis: NumPy lets it slide over the array the other way round.
        raise UserError(f"convolve: a kernel of {m} for an axis of {n}.")

    def part(first: int) -> Array:
        return wide[(slice(None),) * place + (slice(first, first + length),)]

    if kind.kind == "f":
        whole = Array(_core.correlate(wide._core, weights[::-1].astype(float).tolist(), [m], False, "constant", 0.0, [place]))
        return whole[(slice(None),) * place + (slice(m // 2, m // 2 + length),)]
    if kind.kind == "b":
        return functools.reduce(lambda x, y: x | y, [part(m - 1 - k) & bool(w) for k, w in enumerate(weights)])
    return functools.reduce(lambda x, y: x + y, [part(m - 1 - k) * asarray(w.astype(kind)) for k, w in enumerate(weights)])


def downsample(a: ArrayLike, factor: int, axis: Axis = None, *, function: str = "mean", keep_rest: bool = False) -> Array:
    """Groups of `factor` neighbours become one: their mean, sum, min, max or median, NaN skipped.

    Positions past the last whole group are dropped, or with `keep_rest` make a shorter group.
    """
    array = asarray(a)
    axes = list(range(array.ndim)) if axis is None else axes_of(axis)
    return Array(_core.downsample(array._core, int(factor), axes, function, keep_rest))
