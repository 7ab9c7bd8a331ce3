"""Every operation family against NumPy and SciPy: random shapes, dtypes, chunks, NaN and ties, empty axes; every case by several plans, which
must give the same bytes (tests/oracle)."""

import pathlib
import re
import subprocess
import warnings

import astropy.convolution
import astropy.stats
import numpy as np
import pytest
import scipy.ndimage
import scipy.special
import scipy.stats
import xarray
from conftest import ROOT, SEED
from operations_oracle import COMPLEX, FLOATS, INEXACT, REAL, Case, Maker, check_all, run

CASES = 40


def quietly(f, *args, **kwargs):
    """What NumPy gives, or the type of what it raises; its warnings are about values that are compared anyway."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return f(*args, **kwargs)
        except (ValueError, TypeError, np.linalg.LinAlgError, IndexError) as error:
            return type(error)


def family(make):
    """A test of `CASES` random cases that `make(maker, number)` yields."""

    def test(tmp_path):
        maker = Maker(SEED)
        cases = [case for number in range(CASES) for case in make(maker, number)]
        check_all(cases, SEED, tmp_path)

    test.__doc__ = make.__doc__
    return test


# Reductions: a matrix over name, dtype, NaN and empty axes.

TOLERANCE = {"float32": 2e-6, "complex64": 2e-6, "float64": 1e-12, "complex128": 1e-12}
PLAIN = ["sum", "prod", "mean", "var", "std", "min", "max", "argmin", "argmax", "any", "all", "count_nonzero"]
SKIPPING = {"sum": np.nansum, "prod": np.nanprod, "mean": np.nanmean, "var": np.nanvar, "std": np.nanstd, "min": np.nanmin, "max": np.nanmax}


@pytest.mark.parametrize("name, dtype", [(name, dtype) for name in PLAIN for dtype in REAL + COMPLEX])
def test_reductions_of_every_dtype(name, dtype, tmp_path):
    """NaN, -0, infinities and ties; one axis, some, all; kept and dropped; with and without elements."""
    maker = Maker(SEED + 17 * REAL.index(dtype) if dtype in REAL else SEED)
    cases = []
    for number in range(10):
        rank = int(maker.rng.integers(1, 4))
        shape = maker.shape(rank, 9, zeros=number >= 7)
        scale = 1.3 if name == "prod" else 20
        # Infinities in one part of a complex number: NumPy's division of the mean makes NaN of the other.
        special = 0.1 * (number % 3 == 2 and np.dtype(dtype).kind != "c")
        a = maker.array(shape, dtype, nan=0.1 * (number % 3 == 1), grain=1 if number % 2 else 0, special=special, scale=scale)
        function = getattr(np, name)
        axis = None
        if name.startswith("arg") or maker.chance(0.3):
            axis = int(maker.rng.integers(rank)) if maker.chance(0.7) else None
            axes = [] if axis is None else [axis]
        else:
            axes = maker.axes(rank)
            axis = tuple(axes)
        keep = maker.chance()
        rtol = TOLERANCE.get(dtype, 1e-12) if name in ("sum", "prod", "mean", "var", "std") else 0
        atol = 1e-4 if dtype in ("float32", "complex64") and rtol else 1e-9 if rtol else 0
        if dtype in ("float32", "complex64") and name in ("var", "std"):
            atol = 1e-2  # NumPy accumulates in float32
        cases.append(Case(name, [a], quietly(function, a, axis=axis, keepdims=keep), axes=axes, keep_dims=keep, rtol=rtol, atol=atol))
        if name in SKIPPING:
            expected = quietly(SKIPPING[name], a, axis=axis, keepdims=keep)
            cases.append(Case(name, [a], expected, axes=axes, keep_dims=keep, skip_nan=True, rtol=rtol, atol=atol))
    check_all(cases, SEED, tmp_path)


@family
def test_reductions_with_options(maker, number):
    """dtype and correction."""
    shape = maker.shape(2)
    dtype = maker.pick(REAL)
    a = maker.array(shape, dtype)
    to = maker.pick(["float64", "int64", "complex128"])
    yield Case("sum", [a], quietly(np.sum, a, axis=0, dtype=to), axes=[0], dtype=to, rtol=1e-12, atol=1e-9)
    ddof = int(maker.rng.integers(0, 3))
    x = maker.array(shape, "float64")
    yield Case("var", [x], quietly(np.var, x, axis=1, ddof=ddof), axes=[1], correction=ddof, rtol=1e-11, atol=1e-9)
    yield Case("std", [x], quietly(np.std, x, axis=1, ddof=ddof), axes=[1], correction=ddof, rtol=1e-11, atol=1e-9)


METHODS = ["inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "linear",
           "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest"]


@family
def test_quantiles(maker, number):
    rank = int(maker.rng.integers(1, 4))
    dtype = maker.pick(FLOATS + ["int16", "uint8", "int64"])
    a = maker.array(maker.shape(rank), dtype, nan=0.1 * (number % 3 == 0), grain=maker.pick([0, 2]))
    q = [float(x) for x in np.round(maker.rng.random(int(maker.rng.integers(1, 4))), 3)] + maker.pick([[], [0.0], [1.0, 0.5]])
    axes = [] if maker.chance(0.3) else maker.axes(rank)
    axis = tuple(axes) or None
    method = METHODS[number % len(METHODS)]
    rtol = 1e-5 if dtype == "float32" else 1e-12
    expected = quietly(np.quantile, a, q, axis=axis, method=method)
    # Here floats keep their dtype; NumPy gives float64 for a list of q by some methods.
    keep = (lambda x: x) if isinstance(expected, type) else (lambda x: x.astype(a.dtype if a.dtype.kind == "f" else x.dtype))
    if a.dtype.kind in "iu" and method in ("averaged_inverted_cdf", "midpoint"):
        expected = expected.astype(np.float64)
    yield Case("quantile", [a], keep(expected), axes=axes, q=q, method=method, rtol=rtol, atol=rtol)
    if a.dtype.kind == "f":
        skipped = quietly(np.nanquantile, a, q, axis=axis, method=method)
        yield Case("quantile", [a], keep(skipped), axes=axes, q=q, method=method, skip_nan=True, rtol=rtol, atol=rtol)
        yield Case("median", [a], quietly(np.median, a, axis=axis), axes=axes, rtol=rtol, atol=rtol)
        yield Case("median", [a], quietly(np.nanmedian, a, axis=axis), axes=axes, skip_nan=True, rtol=rtol, atol=rtol)
        yield Case("percentile", [a], quietly(np.percentile, a, 37.5, axis=axis), axes=axes, q=37.5, rtol=rtol, atol=rtol)


def complex_median(a, axis, skip):
    """NumPy's, with NaN in both parts; the mean of the two middle numbers part by part, where NumPy divides."""
    result = quietly(np.nanmedian if skip else np.median, a, axis=axis)
    return np.where(np.isnan(result), a.dtype.type(complex(np.nan, np.nan)), result)


@family
def test_complex_medians(maker, number):
    """By real part, then imaginary part; a number with one NaN part is NaN."""
    rank = int(maker.rng.integers(1, 4))
    a = maker.array(maker.shape(rank), COMPLEX[number % 2], nan=0.1 * (number % 3 == 0), grain=maker.pick([0, 1, 2]))
    if number % 6 == 3:
        a.imag[maker.rng.random(a.shape) < 0.1] = np.nan
    axes = [] if maker.chance(0.3) else maker.axes(rank)
    axis = tuple(axes) or None
    rtol = 1e-6 if number % 2 == 0 else 1e-14
    for skip in (False, True):
        yield Case("median", [a], complex_median(a, axis, skip), axes=axes, skip_nan=skip, rtol=rtol, atol=rtol)


@family
def test_weighted_quantiles(maker, number):
    """Against xarray, and against the plain quantile where all weights are equal; NaN and weights of 0 do not count."""
    rank = int(maker.rng.integers(1, 4))
    dtype = maker.pick(FLOATS + ["int16", "uint8"])
    a = maker.array(maker.shape(rank), dtype, nan=0.1 * (number % 3 == 0), grain=maker.pick([0, 2]))
    axes = [] if maker.chance(0.3) else maker.axes(rank)
    q = maker.pick([0.0, 1.0, 0.5, round(float(maker.rng.random()), 3)])
    # Weights along some of the axes: those of length 1 broadcast.
    weights = np.abs(maker.array(tuple(n if maker.chance(0.8) else 1 for n in a.shape), "float64", grain=maker.pick([0, 8])))
    if number % 5 == 4:
        weights = np.full(a.shape, 0.7)
    names = "abc"[:rank]
    dims = [names[k] for k in axes] or list(names)
    wide, given = xarray.DataArray(a.astype("f8"), dims=list(names)), xarray.DataArray(np.broadcast_to(weights, a.shape), dims=list(names))

    def quantile(x, q):
        found = x.weighted(given).quantile(q, dim=dims, skipna=True)  # without other axes of length 1, too
        return found.expand_dims([name for name in names if name not in dims and name not in found.dims]).transpose(*[name for name in names if name not in dims])

    middle = quietly(quantile, wide, 0.5)
    spread = quietly(quantile, abs(wide - middle), 0.5) * 1.482602218505602
    yield Case("weighted_quantile", [a, weights], quietly(quantile, wide, q).values, axes=axes, q=q, rtol=1e-10, atol=1e-10)
    yield Case("weighted_median", [a, weights], middle.values, axes=axes, rtol=1e-10, atol=1e-10)
    yield Case("weighted_mad_std", [a, weights], spread.values, axes=axes, rtol=1e-10, atol=1e-10)
    if number % 5 == 4:
        plain = quietly(np.nanquantile, a.astype("f8"), q, axis=tuple(axes) or None)
        yield Case("weighted_quantile", [a, weights], np.asarray(plain), axes=axes, q=q, rtol=1e-10, atol=1e-10)


def test_weights_that_are_none(tmp_path):
    """Negative and infinite ones are refused; NaN makes NaN."""
    a = np.arange(6.0).reshape(2, 3)
    check_all([Case("weighted_quantile", [a, np.array([1, np.nan, 1.0])], np.full(2, np.nan), axes=[1], q=0.3)], SEED, tmp_path)
    for bad in (-1.0, np.inf):
        answer = run([Case("weighted_quantile", [a, np.array([1, bad, 1])], None, axes=[1], q=0.3)], Maker(SEED), tmp_path)[0]
        assert "a weight is" in answer["error"] and "finite, and not negative" in answer["error"], answer


@family
def test_clipping_and_smoothing_of_cubes(maker, number):
    """What spectral cubes are worked on with, against astropy: NaN left out, edges as its."""
    rank = int(maker.rng.integers(2, 4))
    dtype = FLOATS[number % 2]
    a = maker.array(maker.shape(rank, 24), dtype, nan=0.1 * (number % 3 == 0))
    a[maker.rng.random(a.shape) < 0.05] *= 20
    axis = int(maker.rng.integers(rank))
    rtol, atol = (3e-6, 1e-4) if dtype == "float32" else (1e-12, 1e-10)
    threshold = maker.pick([2.0, 2.5, 3.0])
    clipped = quietly(astropy.stats.sigma_clip, a.astype("f8"), sigma=threshold, axis=axis, masked=False, copy=True)
    yield Case("sigma_clip", [a], clipped.astype(dtype), axis=axis, threshold=threshold)
    axes = maker.axes(rank)
    yield Case("mad_std", [a], quietly(astropy.stats.mad_std, a, axis=tuple(axes), ignore_nan=True), axes=axes, skip_nan=True, rtol=rtol, atol=atol)
    line = np.abs(maker.rng.normal(size=2 * int(maker.rng.integers(1, 4)) + 1)) + 0.1
    plane = np.abs(maker.rng.normal(size=(3, 5))) + 0.1
    along = [1] * rank
    along[axis] = len(line)

    def smooth(x, kernel):
        return quietly(astropy.convolution.convolve, x.astype("f8"), kernel, boundary="fill", nan_treatment="interpolate", normalize_kernel=False)

    def smoothed(kernel):
        return np.where(np.isnan(a), np.nan, smooth(a, kernel)).astype(dtype)

    if min(a.shape) > 6 and not np.isnan(a).any():
        yield Case("convolve", [a], smoothed(line.reshape(along)), axis=axis, kernel=list(line), rtol=rtol, atol=atol)
        yield Case("convolve_2d", [a], smoothed(plane.reshape([1] * (rank - 2) + [3, 5])), kernel=list(plane.ravel()), shape=[3, 5], rtol=rtol, atol=atol)
    if a.shape[axis] >= 2:
        whole = a.shape[axis] // 2 * 2
        pairs = np.moveaxis(a, axis, -1)[..., :whole].reshape(*np.delete(a.shape, axis), whole // 2, 2).astype("f8")
        expected = np.moveaxis(quietly(np.nanmean, pairs, axis=-1), -1, axis).astype(dtype)
        yield Case("downsample", [a], expected, factor=2, axes=[axis], rtol=rtol, atol=atol)


@family
def test_cumulative(maker, number):
    rank = int(maker.rng.integers(1, 4))
    dtype = (REAL + COMPLEX)[number % 13]
    a = maker.array(maker.shape(rank, 12), dtype, nan=0.05, scale=1.5)
    axis = int(maker.rng.integers(rank))
    rtol = TOLERANCE.get(dtype, 0) * 20
    for op, function, skipping in (("cumulative_sum", np.cumulative_sum, np.nancumsum), ("cumulative_prod", np.cumulative_prod, np.nancumprod)):
        initial = maker.chance()
        yield Case(op, [a], quietly(function, a, axis=axis, include_initial=initial), axis=axis, include_initial=initial, rtol=rtol, atol=rtol)
        if a.dtype.kind in "fc":
            yield Case(op, [a], quietly(skipping, a, axis=axis), axis=axis, skip_nan=True, rtol=rtol, atol=rtol)
    yield Case("cummax", [a], np.maximum.accumulate(a, axis=axis), axis=axis)
    yield Case("cummin", [a], np.minimum.accumulate(a, axis=axis), axis=axis)


@family
def test_average_ptp_logsumexp(maker, number):
    rank = int(maker.rng.integers(1, 4))
    a = maker.array(maker.shape(rank), "float64", scale=3)
    axes = maker.axes(rank)
    axis = tuple(axes)
    weights = np.abs(maker.array(a.shape, "float64")) + 0.1
    yield Case("ptp", [a], np.ptp(a, axis=axis), axes=axes)
    yield Case("average", [a, weights], np.average(a, axis=axis, weights=weights), axes=axes, rtol=1e-12)
    yield Case("logsumexp", [a], scipy.special.logsumexp(a, axis=axis), axes=axes, rtol=1e-12, atol=1e-12)


# Counting.


@family
def test_histograms(maker, number):
    a = maker.array(maker.shape(2, 30), maker.pick(["float32", "float64", "int32", "uint8"]), grain=maker.pick([0, 1]))
    bins = int(maker.rng.integers(1, 20))
    counts, edges = np.histogram(a, bins)
    yield Case("histogram", [a], [counts, edges], bins=bins)
    low, high = sorted(float(x) for x in maker.rng.normal(size=2) * 20)
    counts, edges = np.histogram(a, bins, range=(low, high), density=False)
    yield Case("histogram", [a], [counts, edges], bins=bins, range=[low, high])
    x = maker.array(maker.shape(1, 50), maker.pick(["uint8", "int64", "uint32"]), scale=5)
    x = np.abs(x)
    length = int(x.max()) + 1 + int(maker.rng.integers(3))
    yield Case("bincount", [x], np.bincount(x.astype(np.int64), minlength=length), length=length)
    weights = maker.array(x.shape, "float64")
    yield Case("bincount", [x, weights], np.bincount(x.astype(np.int64), weights, length), length=length, rtol=1e-12, atol=1e-12)


@family
def test_groups(maker, number):
    """By loops over the groups."""
    rank = int(maker.rng.integers(1, 4))
    a = maker.array(maker.shape(rank, 12), "float64", nan=0.1)
    axis = int(maker.rng.integers(rank))
    groups = int(maker.rng.integers(1, 5))
    keys = maker.rng.integers(0, groups, a.shape[axis])
    keys[: min(groups, keys.size)] = np.arange(min(groups, keys.size))  # no empty group where there is room
    for name, function in (("sum", np.nansum), ("mean", np.nanmean), ("max", np.nanmax), ("std", np.nanstd)):
        if keys.size < groups and name == "max":
            continue
        parts = [quietly(function, np.compress(keys == g, a, axis=axis), axis=axis) for g in range(groups)]
        if any(isinstance(part, type) for part in parts):
            continue
        yield Case("group_reduce", [a, keys], np.stack(parts, axis=axis), axis=axis, groups=groups, name=name, skip_nan=True, rtol=1e-12, atol=1e-12)


# Order.


@family
def test_sorting(maker, number):
    """Stable, NaN last, ties in order of position; topk by a full sort."""
    rank = int(maker.rng.integers(1, 4))
    dtype = (REAL + COMPLEX)[number % 13]
    a = maker.array(maker.shape(rank, 20), dtype, nan=0.1, grain=maker.pick([0, 5]))
    if a.dtype.kind == "c" and maker.chance():
        a.imag[maker.rng.random(a.shape) < 0.2] = np.nan
    axis = int(maker.rng.integers(rank))
    yield Case("sort", [a], np.sort(a, axis=axis, kind="stable"), axis=axis)
    yield Case("argsort", [a], np.argsort(a, axis=axis, kind="stable"), axis=axis)
    if a.dtype.kind == "f":
        down = np.where(np.isnan(a), np.nan, -a)
        order = np.argsort(down, axis=axis, kind="stable")
        yield Case("argsort", [a], order, axis=axis, descending=True)
        k = int(maker.rng.integers(0, a.shape[axis] + 1))
        first = np.take(order, np.arange(k), axis=axis)
        yield Case("topk", [a], [np.take_along_axis(a, first, axis=axis), first], axis=axis, k=k)
    if a.dtype.kind in "iub":
        mode = scipy.stats.mode(a.astype(np.uint8) if a.dtype.kind == "b" else a, axis=axis)
        yield Case("mode", [a], [mode.mode.astype(dtype), mode.count], axis=axis)


@family
def test_searching(maker, number):
    dtype = maker.pick(["float64", "float32", "int32", "uint8"])
    points = np.sort(maker.array(maker.shape(1, 30), dtype, nan=0.05, grain=3))
    values = maker.array(maker.shape(2, 15), dtype, nan=0.1, grain=3)
    for right in (False, True):
        side = "right" if right else "left"
        yield Case("searchsorted", [points, values], np.searchsorted(points, values, side=side), right=right)
        bins = np.unique(points[~np.isnan(points)] if points.dtype.kind == "f" else points)
        yield Case("digitize", [values, bins], np.digitize(values, bins, right=right), right=right)
        if bins.size < 2:
            continue  # NumPy takes one bin as rising
        yield Case("digitize", [values, bins[::-1]], np.digitize(values, bins[::-1], right=right), right=right, falling=True)
    yield Case("isin", [values, points], np.isin(values, points))
    x = np.unique(maker.array((12,), "float64"))
    y = maker.array(x.shape, "float64")
    v = maker.array(maker.shape(2, 15), "float64", nan=0.1)
    yield Case("interp", [v, x, y], np.interp(v, x, y), rtol=1e-12, atol=1e-12)


# Shapes.


@family
def test_shapes(maker, number):
    rank = int(maker.rng.integers(1, 4))
    dtype = maker.pick(REAL + COMPLEX)
    a = maker.array(maker.shape(rank, 8, zeros=number % 4 == 0), dtype)
    axis = int(maker.rng.integers(rank))
    yield Case("concat", [a, a], np.concatenate([a, a], axis=axis), axis=axis)
    yield Case("stack", [a, a], np.stack([a, a], axis=axis), axis=axis)
    if a.shape[axis]:
        yield Case("unstack", [a], list(np.unstack(a, axis=axis)), axis=axis)
    shift = int(maker.rng.integers(-20, 20))
    yield Case("roll", [a], np.roll(a, shift), shift=shift)
    yield Case("roll", [a], np.roll(a, shift, axis), shifts=[shift], axes=[axis])
    n = int(maker.rng.integers(0, 3))
    yield Case("diff", [a], quietly(np.diff, a, n=n, axis=axis), n=n, axis=axis)
    order = [int(k) for k in maker.rng.permutation(rank)]
    yield Case("permute_dims", [a], np.transpose(a, order), axes=order)
    yield Case("moveaxis", [a], np.moveaxis(a, axis, -1), source=[axis], destination=[-1])
    yield Case("flip", [a], np.flip(a, axis), axes=[axis])
    yield Case("reshape", [a], a.reshape(-1), shape=[a.size])
    times = int(maker.rng.integers(0, 4))
    yield Case("repeat", [a], np.repeat(a, times, axis), times=times, axis=axis)
    reps = [int(n) for n in maker.rng.integers(1, 3, int(maker.rng.integers(1, 4)))]
    yield Case("tile", [a], np.tile(a, reps), reps=reps)
    yield Case("broadcast_to", [a], np.broadcast_to(a, (3, *a.shape)), shape=[3, *a.shape])
    if rank >= 2:
        k = int(maker.rng.integers(-5, 6))
        yield Case("tril", [a], np.tril(a, k), k=k)
        yield Case("triu", [a], np.triu(a, k), k=k)
        yield Case("rot90", [a], np.rot90(a, k), k=k)
        yield Case("diagonal", [a], np.diagonal(a, k, -2, -1), offset=k)
    if a.shape[axis]:
        indices = [int(i) for i in maker.rng.integers(-a.shape[axis], a.shape[axis], 7)]
        yield Case("take", [a], np.take(a, indices, axis), indices=indices, axis=axis)
        places = maker.rng.integers(0, a.shape[axis], a.shape)
        yield Case("take_along_axis", [a, places], np.take_along_axis(a, places, axis), axis=axis)
    x, y = maker.array((4,), "float64"), maker.array((3,), "float64")
    yield Case("meshgrid", [x, y], list(np.meshgrid(x, y)))
    yield Case("meshgrid", [x, y], list(np.meshgrid(x, y, indexing="ij")), indexing="ij")


@family
def test_padding(maker, number):
    rank = int(maker.rng.integers(1, 4))
    mode = ["constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap"][number % 10]
    a = maker.array(maker.shape(rank, 8), maker.pick(["float64", "int32"]))
    widths = [[int(n) for n in maker.rng.integers(0, 12, 2)] for _ in range(rank)]
    yield Case("pad", [a], np.pad(a, widths, mode), widths=widths, mode=mode, rtol=1e-12, atol=1e-12)


@family
def test_conversions(maker, number):
    a = maker.array(maker.shape(2), (REAL + COMPLEX)[number % 13], scale=5)
    to = maker.pick(COMPLEX if a.dtype.kind == "c" else REAL + COMPLEX)
    if a.dtype.kind == "f" and np.dtype(to).kind == "u":
        a = np.abs(a)
    yield Case("astype", [a], a.astype(to), dtype=to)


# Linear algebra.


@family
def test_products(maker, number):
    dtype = maker.pick(INEXACT + ["int32", "bool", "int64"])
    lead = maker.shape(int(maker.rng.integers(0, 3)), 3)
    m, k, n = maker.shape(3, 20)
    a, b = maker.array((*lead, m, k), dtype), maker.array((k, n), dtype)
    rtol = TOLERANCE.get(dtype, 0) * 10
    atol = 1e-2 if dtype in ("float32", "complex64") else 1e-9 if rtol else 0
    yield Case("matmul", [a, b], np.matmul(a, b), rtol=rtol, atol=atol)
    yield Case("matmul", [a, b[:, 0]], np.matmul(a, b[:, 0]), rtol=rtol, atol=atol)
    c = maker.array((n, k, m), dtype)
    yield Case("tensordot", [a[(0,) * len(lead)], c], np.tensordot(a[(0,) * len(lead)], c, ([0, 1], [2, 1])), a_axes=[0, 1], b_axes=[2, 1], rtol=rtol, atol=atol)
    yield Case("vecdot", [a, a], np.vecdot(a, a), axis=-1, rtol=rtol, atol=atol)
    yield Case("outer", [b[:, 0], b[0]], np.outer(b[:, 0], b[0]), rtol=rtol, atol=atol)
    yield Case("kron", [b, c[0]], np.kron(b, c[0]), rtol=rtol, atol=atol)
    if dtype != "bool":
        x, y = maker.array((*lead, m, 3), dtype), maker.array((m, 3), dtype)
        yield Case("cross", [x, y], np.cross(x, y), axis=-1, rtol=rtol, atol=atol)
        yield Case("einsum", [b, c, a[(0,) * len(lead)]], np.einsum("kn,nkm,mk->mk", b, c, a[(0,) * len(lead)]), subscripts="kn,nkm,mk->mk", rtol=rtol * 100, atol=atol * 1000)
        yield Case("trace", [c], np.trace(c, 1, -2, -1), offset=1, rtol=rtol, atol=atol)
    else:
        yield Case("cross", [maker.array((m, 3), dtype)] * 2, TypeError, axis=-1)


def positive(maker, lead, n, dtype):
    x = maker.array((*lead, n, n + 2), dtype, scale=1)
    return np.matmul(x, np.conj(np.swapaxes(x, -1, -2))) + np.eye(n, dtype=dtype)


def is_eigen(case, w, v):
    a = case.arrays[0].astype(np.complex128 if np.iscomplexobj(case.arrays[0]) else np.float64)
    tol = case.rtol * max(1, np.abs(a).max(initial=0)) * max(1, a.shape[-1])
    assert w.dtype == case.expected[0].dtype and v.dtype == case.expected[1].dtype
    np.testing.assert_allclose(w, case.expected[0], atol=tol, err_msg=str(case))
    np.testing.assert_allclose(a @ v, v * w[..., None, :], atol=tol, err_msg=str(case))
    np.testing.assert_allclose(np.conj(np.swapaxes(v, -1, -2)) @ v, np.broadcast_to(np.eye(w.shape[-1]), v.shape), atol=case.rtol * 20)


def is_qr(case, q, r):
    a = case.arrays[0]
    tol = case.rtol * max(1, np.abs(a).max(initial=0)) * 10
    assert q.shape == case.expected[0].shape and r.shape == case.expected[1].shape, str(case)
    np.testing.assert_allclose(q @ r, a, atol=tol, err_msg=str(case))
    np.testing.assert_allclose(np.conj(np.swapaxes(q, -1, -2)) @ q, np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], q.shape[-1], q.shape[-1])), atol=case.rtol * 20)
    np.testing.assert_array_equal(np.tril(r, -1), 0)
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    assert (diagonal.real >= 0).all() and (diagonal.imag == 0).all()


def is_svd(case, u, s, vh):
    a = case.arrays[0]
    tol = case.rtol * max(1, np.abs(a).max(initial=0)) * 10
    for got, expected in zip((u, s, vh), case.expected, strict=True):
        assert got.shape == expected.shape and got.dtype == expected.dtype, str(case)
    np.testing.assert_allclose(s, case.expected[1], atol=tol, err_msg=str(case))
    k = s.shape[-1]
    np.testing.assert_allclose(u[..., :k] * s[..., None, :] @ vh[..., :k, :], a, atol=tol, err_msg=str(case))
    for basis in (u, np.conj(np.swapaxes(vh, -1, -2))):
        eye = np.broadcast_to(np.eye(basis.shape[-1]), (*basis.shape[:-2], basis.shape[-1], basis.shape[-1]))
        np.testing.assert_allclose(np.conj(np.swapaxes(basis, -1, -2)) @ basis, eye, atol=case.rtol * 20, err_msg=str(case))


@family
def test_stacked_matrices(maker, number):
    """Square ones: determinants, solutions, Cholesky, eigenvalues."""
    dtype = INEXACT[number % 4] if number % 5 else "int32"
    lead = maker.shape(int(maker.rng.integers(0, 3)), 4)
    n = int(maker.rng.integers(1, 9))
    single = dtype in ("float32", "complex64")
    rtol = 1e-3 if single else 1e-9
    a = maker.array((*lead, n, n), dtype, scale=2) + (5 * np.eye(n)).astype(dtype)
    if np.linalg.cond(a.astype(np.complex128)).max() < 1e4:
        b = maker.array((n, int(maker.rng.integers(1, 4))), dtype)
        yield Case("inv", [a], np.linalg.inv(a), rtol=rtol, atol=rtol)
        yield Case("solve", [a, b], np.linalg.solve(a, b), rtol=rtol, atol=rtol * 20)
        yield Case("solve", [a, b[:, 0]], np.linalg.solve(a, b[:, 0]), rtol=rtol, atol=rtol * 20)
        yield Case("det", [a], np.linalg.det(a), rtol=rtol, atol=rtol)
        sign, size = np.linalg.slogdet(a)
        yield Case("slogdet", [a], [sign, size], rtol=rtol, atol=rtol)
        yield Case("matrix_power", [a], np.linalg.matrix_power(a, 3), n=3, rtol=rtol, atol=rtol * 100)
        yield Case("matrix_power", [a], np.linalg.matrix_power(a, 0), n=0)
        yield Case("cond", [a], np.linalg.cond(a), rtol=rtol * 10)
    p = positive(maker, lead, n, dtype if dtype != "int32" else "float64")
    yield Case("cholesky", [p], np.linalg.cholesky(p), rtol=rtol, atol=rtol)
    yield Case("cholesky", [p], np.linalg.cholesky(p, upper=True), rtol=rtol, atol=rtol, upper=True)
    h = p - 3 * np.eye(n, dtype=p.dtype)
    yield Case("eigh", [h], list(np.linalg.eigh(h)), check=is_eigen, rtol=1e-5 if single else 1e-13)
    yield Case("eigvalsh", [h], np.linalg.eigvalsh(h), rtol=rtol, atol=rtol)


@family
def test_decompositions_of_any_shape(maker, number):
    dtype = INEXACT[number % 4]
    lead = maker.shape(int(maker.rng.integers(0, 3)), 3)
    m, n = maker.shape(2, 9)
    a = maker.array((*lead, m, n), dtype, scale=2)
    if number % 3 == 0:  # of lower rank
        a[..., -1] = a[..., 0]
        a[..., n // 2] = 0
    tight = 1e-5 if dtype in ("float32", "complex64") else 1e-13
    loose = 1e-3 if dtype in ("float32", "complex64") else 1e-9
    full = maker.chance()
    yield Case("qr", [a], list(np.linalg.qr(a, "complete" if full else "reduced")), check=is_qr, complete=full, rtol=tight)
    yield Case("svd", [a], list(np.linalg.svd(a, full_matrices=full)), check=is_svd, full_matrices=full, rtol=tight)
    yield Case("svdvals", [a], np.linalg.svdvals(a), rtol=loose, atol=loose)
    yield Case("matrix_rank", [a], np.linalg.matrix_rank(a))
    # Not rtol, which this case uses for its tolerance; singular values are far from the default.
    yield Case("pinv", [a], np.linalg.pinv(a, rtol=1e-5 if "64" not in dtype else 1e-12).astype(dtype), rtol=loose * 10, atol=loose)
    order = maker.pick(["fro", "nuc", "1", "-1", "2", "-2", "inf", "-inf"])
    numpy_order = order if order in ("fro", "nuc") else float(order) if "inf" in order else int(order)
    yield Case("matrix_norm", [a], np.linalg.matrix_norm(a, ord=numpy_order), order=order, rtol=loose, atol=loose)
    power = maker.pick([0, 1, 2, 3, 0.5, -1])
    yield Case("vector_norm", [a], np.linalg.vector_norm(a, axis=-1, ord=power), axes=[-1], order=power, rtol=loose, atol=loose)
    yield Case("vector_norm", [a], np.linalg.vector_norm(a, axis=0, ord=-np.inf), axes=[0], infinite="-inf", rtol=loose)
    if not lead and number % 3:
        b = maker.array((m, 2), dtype)
        x, residuals, rank, s = np.linalg.lstsq(a, b)
        residuals = (np.abs(b - a @ x) ** 2).sum(axis=0)
        yield Case("lstsq", [a, b], [x, residuals, np.int64(rank), s], rtol=loose * 100, atol=loose * 100)


@family
def test_what_has_no_solution(maker, number):
    """Singular and indefinite matrices are errors that name the place."""
    n = int(maker.rng.integers(2, 6))
    a = maker.array((3, n, n), "float64")
    a[1, :, 0] = 0
    yield Case("inv", [a], np.linalg.LinAlgError)
    yield Case("solve", [a, a], np.linalg.LinAlgError)
    yield Case("cholesky", [-positive(maker, (), n, "complex128")], np.linalg.LinAlgError)
    yield Case("det", [a[1]], np.linalg.det(a[1]))
    yield Case("slogdet", [a[1]], list(np.linalg.slogdet(a[1])))


@family
def test_covariances(maker, number):
    dtype = maker.pick(["float64", "complex128", "int32"])
    a = maker.array((int(maker.rng.integers(1, 6)), int(maker.rng.integers(3, 30))), dtype)
    columns = maker.chance()
    yield Case("cov", [a], quietly(np.cov, a, rowvar=not columns), columns=columns, rtol=1e-12, atol=1e-9)
    yield Case("cov", [a[0]], np.cov(a[0]), rtol=1e-12, atol=1e-9)
    if a.shape[0] > 1:
        yield Case("corrcoef", [a], np.corrcoef(a), rtol=1e-12, atol=1e-12)
    b = maker.array((a.shape[1], 4), dtype)
    c = maker.array((4, 3), dtype)
    yield Case("multi_dot", [a, b, c], np.linalg.multi_dot([a, b, c]), rtol=1e-12, atol=1e-8)
    yield Case("multi_dot", [a[0], b, c[:, 0]], np.linalg.multi_dot([a[0], b, c[:, 0]]), rtol=1e-12, atol=1e-8)


# Fourier transforms.


@family
def test_fourier_transforms(maker, number):
    dtype = maker.pick(INEXACT)
    rank = int(maker.rng.integers(1, 4))
    a = maker.array(maker.shape(rank, 12), dtype, scale=1)
    axis = int(maker.rng.integers(rank))
    norm = maker.pick(["backward", "ortho", "forward"])
    n = maker.pick([None, int(maker.rng.integers(1, 20))])
    rtol = 1e-4 if dtype in ("float32", "complex64") else 1e-11
    options = {"axis": axis, "norm": norm, "rtol": rtol, "atol": rtol}
    for name in ("fft", "ifft"):
        yield Case(name, [a], getattr(np.fft, name)(a, n, axis, norm), n=n, **options)
    if a.dtype.kind == "f":
        for name in ("rfft", "ihfft"):
            yield Case(name, [a], getattr(np.fft, name)(a, n, axis, norm), n=n, **options)
    for name in ("irfft", "hfft"):
        length = n or max(1, 2 * (a.shape[axis] - 1))
        yield Case(name, [a], getattr(np.fft, name)(a, length, axis, norm), n=length, **options)
    axes = [int(k) for k in maker.rng.permutation(rank)[: int(maker.rng.integers(1, rank + 1))]]
    many = {"axes": axes, "norm": norm, "rtol": rtol, "atol": rtol}
    yield Case("fftn", [a], np.fft.fftn(a, axes=axes, norm=norm), **many)
    yield Case("ifftn", [a], np.fft.ifftn(a, axes=axes, norm=norm), **many)
    if a.dtype.kind == "f":
        yield Case("rfftn", [a], np.fft.rfftn(a, axes=axes, norm=norm), **many)
    lengths = [int(x) for x in maker.rng.integers(1, 9, len(axes))]
    yield Case("irfftn", [a], np.fft.irfftn(a, lengths, axes, norm), lengths=lengths, **many)
    yield Case("fftshift", [a], np.fft.fftshift(a, axes), axes=axes)
    yield Case("ifftshift", [a], np.fft.ifftshift(a, axes), axes=axes)
    k = int(maker.rng.integers(1, 40))
    yield Case("fftfreq", [], [np.fft.fftfreq(k, 0.3), np.fft.rfftfreq(k, 0.3)], n=k, d=0.3)


# Windows.


@family
def test_filters(maker, number):
    rank = int(maker.rng.integers(1, 3))
    mode = ["reflect", "mirror", "nearest", "wrap", "constant"][number % 5]
    dtype = maker.pick(["float64", "float32", "complex128"]) if number % 2 else "float64"
    a = maker.array(maker.shape(rank, 15), dtype)
    cval = float(maker.rng.integers(-3, 4))
    # SciPy adds in another order, and of float32 in float64 as here.
    rtol, atol = (1e-5, 1e-4) if dtype == "float32" else (1e-11, 1e-10)
    border = {"mode": mode, "cval": cval}
    shape = [int(n) for n in maker.rng.integers(1, 6, rank)]
    kernel = maker.rng.normal(size=shape)
    near = {"rtol": rtol, "atol": atol}
    yield Case("correlate", [a], scipy.ndimage.correlate(a, kernel, **border), kernel=kernel.ravel().tolist(), shape=shape, **border, **near)
    yield Case("convolve_nd", [a], scipy.ndimage.convolve(a, kernel, **border), kernel=kernel.ravel().tolist(), shape=shape, **border, **near)
    yield Case("uniform_filter", [a], scipy.ndimage.uniform_filter(a, shape, **border), sizes=shape, **border, **near)
    sigmas = [float(x) for x in np.round(maker.rng.random(rank) * 2 + 0.2, 2)]
    yield Case("gaussian_filter", [a], scipy.ndimage.gaussian_filter(a, sigmas, **border), sigmas=sigmas, **border, **near)
    if a.dtype.kind == "c":
        return
    for name in ("minimum_filter", "maximum_filter", "median_filter"):
        yield Case(name, [a], getattr(scipy.ndimage, name)(a, size=tuple(shape), **border), sizes=shape, **border)
    percentile = float(maker.rng.integers(0, 101))
    yield Case("percentile_filter", [a], scipy.ndimage.percentile_filter(a, percentile, size=tuple(shape), **border), sizes=shape, percentile=percentile, **border)


@family
def test_rolling(maker, number):
    """By pandas."""
    pandas = pytest.importorskip("pandas")
    a = maker.array((int(maker.rng.integers(1, 30)), 3), "float64", nan=0.15)
    window = int(maker.rng.integers(1, 12))
    least = int(maker.rng.integers(1, window + 1))
    frame = pandas.DataFrame(a)
    for name in ("sum", "mean", "min", "max", "median", "variance", "std"):
        rolled = getattr(frame.rolling(window, min_periods=least), "var" if name == "variance" else name)
        expected = rolled(ddof=1) if name in ("variance", "std") else rolled()
        yield Case("rolling", [a], expected.to_numpy(), name=name, window=window, axis=0, min_periods=least, ddof=1, rtol=1e-9, atol=1e-9)


# Calculus, splices, and sorting in passes.


@family
def test_calculus(maker, number):
    import scipy.integrate

    rank = int(maker.rng.integers(1, 4))
    a = maker.array(tuple(n + 1 for n in maker.shape(rank, 12)), maker.pick(["float64", "complex128", "int32"]))
    axis = int(maker.rng.integers(rank))
    at = np.cumsum(maker.rng.random(a.shape[axis]) + 0.1)
    near = {"rtol": 1e-11, "atol": 1e-10, "axis": axis}
    yield Case("gradient", [a], np.gradient(a, 0.5, axis=axis), spacing=0.5, **near)
    yield Case("gradient", [a, at], np.gradient(a, at, axis=axis), **near)
    yield Case("trapezoid", [a], np.trapezoid(a, dx=0.5, axis=axis), spacing=0.5, **near)
    yield Case("trapezoid", [a, at], np.trapezoid(a, at, axis=axis), **near)
    yield Case("cumulative_trapezoid", [a], scipy.integrate.cumulative_trapezoid(a, dx=2, axis=axis, initial=0), spacing=2, include_initial=True, **near)
    x = maker.array(a.shape, "float64", scale=4)
    yield Case("unwrap", [x], np.unwrap(x, axis=axis), **near)
    steps = maker.array(a.shape, "float64", grain=1, scale=4)
    yield Case("unwrap", [steps], np.unwrap(steps, axis=axis, period=4), period=4, **near)
    coefficients = maker.rng.normal(size=int(maker.rng.integers(0, 5))).tolist()
    yield Case("polyval", [x], np.polyval(coefficients, x), coefficients=coefficients, rtol=1e-12, atol=1e-12)
    v = maker.array(maker.shape(1, 30), "float64")
    kernel = maker.rng.normal(size=int(maker.rng.integers(1, 12))).tolist()
    mode = maker.pick(["full", "same", "valid"])
    yield Case("convolve_1d", [v], np.convolve(v, kernel, mode), kernel=kernel, mode=mode, rtol=1e-12, atol=1e-10)


@family
def test_splices(maker, number):
    rank = int(maker.rng.integers(1, 4))
    dtype = maker.pick(REAL)
    a = maker.array(maker.shape(rank, 9), dtype, grain=5)
    axis = int(maker.rng.integers(rank))
    n = a.shape[axis]
    count = int(maker.rng.integers(1, 6))
    yield Case("array_split", [a], np.array_split(a, count, axis), count=count, axis=axis)
    positions = sorted(int(p) for p in maker.rng.integers(0, n + 1, 2))
    yield Case("split_at", [a], np.split(a, positions, axis), positions=positions, axis=axis)
    gone = [int(p) for p in maker.rng.integers(-n, n, int(maker.rng.integers(0, 4)))]
    yield Case("remove", [a], np.delete(a, gone, axis), gone=gone, axis=axis)
    at = int(maker.rng.integers(0, n + 1))
    new = maker.array(a.shape[:axis] + (2,) + a.shape[axis + 1 :], dtype)
    yield Case("insert", [a, new], np.insert(a, [at] * 2, new, axis), at=at, axis=axis)
    x = maker.array(a.shape, "float64", nan=0.1)
    yield Case("select_first", [a > 3, a < 0, x, x * 2], np.select([a > 3, a < 0], [x, x * 2], 7.0), otherwise=7.0)
    y = x if maker.chance() else x + 1e-9
    for equal_nan in (False, True):
        yield Case("array_equal", [x, y], np.bool_(np.array_equal(x, y, equal_nan=equal_nan)), equal_nan=equal_nan)
        yield Case("allclose", [x, y], np.bool_(np.allclose(x, y, equal_nan=equal_nan)), equal_nan=equal_nan)


@family
def test_sorting_in_passes(maker, number):
    """What long axes take: lengths about every boundary of the passes, sorted, reversed, constant, few values, NaN."""
    dtype = (REAL + COMPLEX)[number % 13]
    n = [1, 2, 3, 15, 16, 17, 53, 54, 55, 128, 129, 1000, 2001, 4394][number % 14]
    lead = maker.shape(int(maker.rng.integers(0, 2)), 3)
    a = maker.array((*lead, n), dtype, nan=maker.pick([0, 0.1]), grain=maker.pick([0, 1, 30]))
    if number % 4 == 1:
        a = np.sort(a, axis=-1)[..., ::-1]
    axis = int(maker.rng.integers(len(lead) + 1))
    a = np.ascontiguousarray(np.moveaxis(a, -1, axis))
    yield Case("sort_in_passes", [a], [np.sort(a, axis=axis, kind="stable"), np.argsort(a, axis=axis, kind="stable")], axis=axis)


# What says that nothing is forgotten.


def test_every_operation_of_the_program_is_tested():
    known = subprocess.run(["operations", "--list"], capture_output=True, text=True, check=True).stdout.split()
    text = pathlib.Path(__file__).read_text()
    untested = [name for name in known if f'"{name}"' not in text and name != "elementwise"]
    assert untested == [], untested  # elementwise: by tests/ops and tests/python


def test_the_page_of_operations_names_functions_of_numpy():
    """Names of the second column that look like NumPy's are."""
    rows = re.findall(r"^\| `[\w:]+` \| ([^|]+) \|", (ROOT / "docs" / "operations.md").read_text(), re.M)
    names = [name.strip() for row in rows for name in row.split(",")]
    own = [name for name in names if re.fullmatch(r"[a-z_0-9]+(\.[A-Za-z_0-9]+)*", name) and name.split(".")[0] not in ("scipy", "astropy", "dask", "skimage")]
    assert len(own) > 120
    for name in own:
        found = np
        for part in name.split("."):
            found = getattr(found, part, None)
        assert found is not None, f"docs/operations.md: numpy has no {name}"
