"""Reductions of every type over every axis against NumPy."""

import itertools
import warnings

import freestone as fs
import numpy as np
import pytest

TYPES = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"]
SHAPES = [(7,), (1,), (5, 6), (3, 1, 11), (2, 17, 5), (0, 4), (4, 0)]
AXES = [None, 0, -1, (0, 1), (0, -1)]


def sample(dtype, shape, seed, missing=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) * 9
    kind = np.dtype(dtype).kind
    if kind == "b":
        return x > 0
    if kind == "c":
        x = x + 1j * rng.normal(size=shape)
        x[rng.random(shape) < missing] = complex(np.nan, 1)
    elif kind == "f":
        x[rng.random(shape) < missing] = np.nan
    return (abs(x) if kind == "u" else x).astype(dtype)


def numpys(name, x, *arguments, **options):
    """NumPy's result in the precision that Freestone accumulates in, and the dtype that it has."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        dtype = getattr(np, name)(x, *arguments, **options).dtype
        wide = x.astype({"f": "f8", "c": "c16"}[x.dtype.kind]) if x.dtype.kind in "fc" else x
        return getattr(np, name)(wide, *arguments, **options), dtype


class Agreement:
    """Results and what NumPy has for them; compared when the block ends, all computed in one go."""

    def __enter__(self):
        self.results, self.wanted = [], []
        return self

    def __exit__(self, error, *rest):
        if error is not None:
            return
        for values, (expected, tolerance, label) in zip(fs.compute(*self.results), self.wanted):
            with np.errstate(all="ignore"):
                np.testing.assert_allclose(values, expected, rtol=tolerance, atol=tolerance * 10, err_msg=label)

    def __call__(self, name, x, axis, **options):
        if "ddof" in options and x.size == 0:
            return
        exact = x.dtype.kind not in "fc" or x.dtype.itemsize // (2 if x.dtype.kind == "c" else 1) == 8
        label = f"{name} of {x.dtype}{x.shape} over {axis} {options}"
        result = getattr(fs, name)(fs.from_numpy(x), axis, **options)
        expected, dtype = numpys(name, x, axis=axis, **options)
        assert result.dtype == dtype, label
        assert result.shape == np.shape(expected), label
        with np.errstate(all="ignore"):
            expected = np.asarray(expected).astype(dtype)
        # One pass for all; arrays without elements by themselves.
        self.results.append(result if x.size else result.compute())
        self.wanted.append((expected, 0 if dtype.kind in "biu" else 1e-12 if exact else 2e-6, label))


def cases():
    for k, (shape, axis) in enumerate(itertools.product(SHAPES, AXES)):
        if axis is None or isinstance(axis, int) or len(shape) > 1:
            yield k, shape, axis


@pytest.mark.parametrize("dtype", TYPES)
def test_every_reduction(dtype):
    with Agreement() as agree:
        for seed, shape, axis in cases():
            x = sample(dtype, shape, seed, 0.1 if seed % 2 else 0.0)
            for name in ("sum", "prod", "mean", "any", "all", "count_nonzero"):
                agree(name, x, axis, keepdims=seed % 3 == 0)
            for name in ("var", "std"):
                for ddof in (0, 1, 0.5, 40):
                    agree(name, x, axis, ddof=ddof)
            lengths = x.shape if axis is None else [x.shape[k] for k in np.atleast_1d(axis)]
            if 0 in lengths:
                with pytest.raises(fs.UserError, match="no elements"):
                    fs.min(fs.from_numpy(x), axis)
                continue
            for name in ("min", "max"):
                agree(name, x, axis)
            if dtype != "bool":
                agree("ptp", x, axis)
            if axis is None or isinstance(axis, int):
                agree("argmin", x, axis, keepdims=seed % 3 == 0)
                agree("argmax", x, axis)


@pytest.mark.parametrize("dtype", TYPES)
def test_what_skips_nan(dtype):
    with Agreement() as agree:
        for seed, shape, axis in cases():
            x = sample(dtype, shape, seed, 0.9 if seed % 3 == 0 else 0.3)
            for name in ("nansum", "nanprod", "nanmean"):
                agree(name, x, axis)
            for name in ("nanvar", "nanstd"):
                for ddof in (0, 1, 3):
                    agree(name, x, axis, ddof=ddof)
            lengths = x.shape if axis is None else [x.shape[k] for k in np.atleast_1d(axis)]
            if 0 not in lengths:
                agree("nanmin", x, axis)
                agree("nanmax", x, axis)
            if x.dtype.kind == "f" and isinstance(axis, int) and 0 not in x.shape:
                filled = np.isnan(x).all(axis=axis)
                expected = np.where(filled, -1, np.nanargmin(np.where(np.expand_dims(filled, axis), 0, x), axis=axis))
                np.testing.assert_array_equal(fs.nanargmin(fs.from_numpy(x), axis), expected)


@pytest.mark.parametrize("wanted", ["bool", "i2", "u8", "f4", "f8", "c16"])
def test_dtype_of_sum_prod_and_mean(wanted):
    for dtype in ("bool", "i1", "u4", "f4", "f8"):
        x = sample(dtype, (4, 9), 3)
        for name in ("sum", "prod", "mean"):
            if (name == "mean" or dtype[0] == "f") and np.dtype(wanted).kind in "biu":
                continue  # NumPy's mean in integers is no mean, and its casts of negative floats are the processor's
            expected = getattr(np, name)(x, axis=0, dtype=wanted)
            result = getattr(fs, name)(fs.from_numpy(x), 0, dtype=wanted)
            assert result.dtype == expected.dtype, (name, dtype)
            np.testing.assert_allclose(result.compute(), expected, rtol=1e-5, err_msg=f"{name} {dtype}")
    with pytest.raises(fs.UserError, match="imaginary"):
        fs.sum(fs.from_numpy(sample("c8", (3,), 1)), dtype="f8")


def test_extremes():
    x = np.array([[2**63 - 1, 2, -(2**63)], [2**60 + 1, 2**60, 5]])
    for name in ("sum", "prod", "min", "max", "argmax"):
        np.testing.assert_array_equal(getattr(fs, name)(fs.from_numpy(x), 1), getattr(np, name)(x, axis=1), err_msg=name)
    y = np.array([1.0, np.inf, -0.0, 3.0, np.nan])
    for name in ("min", "max", "sum", "argmin", "argmax", "any", "all", "nanmin", "nanmax", "nanargmax"):
        np.testing.assert_array_equal(getattr(fs, name)(fs.from_numpy(y)), getattr(np, name)(y), err_msg=name)
    # One NaN part makes a complex number NaN.
    z = np.array([1 + 2j, complex(np.nan, 5), complex(7, np.nan), 4j])
    for name in ("nansum", "nanprod", "nanmean", "nanvar"):
        np.testing.assert_allclose(getattr(fs, name)(fs.from_numpy(z)).compute(), getattr(np, name)(z), rtol=1e-15, err_msg=name)
    assert fs.count(fs.from_numpy(z)).compute() == 2


def test_order_statistics_of_one_number_without_axes():
    for dtype in ("i1", "f4", "c16"):
        a = fs.from_numpy(np.array(3, dtype))
        for name in ("median", "nanmedian"):
            np.testing.assert_array_equal(getattr(fs, name)(a), getattr(np, name)(np.array(3, dtype)), err_msg=name)
    for name in ("percentile", "nanpercentile", "quantile", "nanquantile"):
        for q in (0.5, [0.0, 0.25]):
            for method in ("linear", "lower", "hazen"):
                got, want = getattr(fs, name)(fs.from_numpy(np.array(2.5)), q, method=method), getattr(np, name)(np.array(2.5), q, method=method)
                np.testing.assert_array_equal(got, want, err_msg=name, strict=True)
    assert float(fs.mad_std(fs.from_numpy(np.array(2.5)))) == 0


def test_average_and_logsumexp():
    from scipy.special import logsumexp

    for dtype in ("i4", "f4", "f8"):
        x, w = sample(dtype, (5, 6, 7), 1), abs(sample("f8", (5, 6, 7), 2))
        for axis in (None, 1, (0, 2)):
            np.testing.assert_allclose(fs.average(fs.from_numpy(x), axis, w).compute(), np.average(x, axis, w), rtol=2e-6)
            np.testing.assert_allclose(fs.logsumexp(fs.from_numpy(x * 100), axis).compute(), logsumexp(x * 100.0, axis), rtol=2e-6, atol=1e-9)
        np.testing.assert_allclose(fs.average(fs.from_numpy(x), 1, w[0, :, 0]).compute(), np.average(x, 1, w[0, :, 0]), rtol=2e-6)
        assert fs.average(fs.from_numpy(x), 1, w, keepdims=True).shape == (5, 1, 7)
    for edge in ([-np.inf, -np.inf], [np.inf, 1.0], [np.nan, 1.0], [-np.inf, 3.0]):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(fs.logsumexp(fs.from_numpy(np.array(edge))).compute(), logsumexp(edge))


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var"])
def test_complex_bits_do_not_depend_on_strides_and_threads(name):
    x = sample("c8", (40, 300, 70), 5)
    plain = getattr(fs, name)(fs.from_numpy(x), (0, 2))
    moved = getattr(fs, name)(fs.from_numpy(np.ascontiguousarray(x.T)).T, (0, 2))
    with fs.settings(threads=1):
        one = plain.compute()
    for threads in (2, 4):
        with fs.settings(threads=threads):
            for array in (plain, moved):
                assert array.compute().tobytes() == one.tobytes()


@pytest.mark.parametrize("shape", [(3, 4), (), (0, 3)])
def test_no_axis_is_reduced_over_none(shape):
    names = (
        "sum prod any all max min mean std var ptp median nansum nanprod nanmax nanmin nanmean nanstd nanvar nanmedian count_nonzero quantile nanquantile percentile nanpercentile flip"
    )
    rng = np.random.default_rng(9)
    where = np.asarray(rng.random(shape) > 0.5)
    values = np.where(rng.random(shape) > 0.7, np.nan, rng.normal(size=shape))
    for name in names.split():
        theirs, ours = getattr(np, name), getattr(fs, name)
        arguments = (0.3,) if "quantile" in name or "percentile" in name else ()
        if arguments and 0 in shape or "median" in name and 0 in shape:
            continue  # NumPy cannot
        cases = [{}] if name == "flip" else [{}, {"keepdims": True}]
        if name in ("sum", "prod", "any", "all", "mean", "std", "var"):
            cases.append({"where": where})
        if name in ("sum", "prod", "max", "min"):
            cases += [{"initial": 0.5}, {"initial": 0.5, "where": where}]
        for x in (values, np.nan_to_num(values * 5).astype(int)):
            for options in cases:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")
                    expected = theirs(x, *arguments, axis=(), **options)
                got = ours(fs.asarray(x), *arguments, axis=(), **options)
                assert got.dtype == expected.dtype and got.shape == expected.shape, (name, options)
                np.testing.assert_array_equal(np.asarray(got), expected, err_msg=f"{name} {options}")


def test_what_is_moved_along_no_axis_is_an_array_of_its_own():
    for function in (fs.flip, fs.fft.fftshift, fs.fft.ifftshift):
        x = fs.asarray(np.arange(4.0))
        moved = function(x, ())
        moved[0] = 9
        assert x.compute().tolist() == [0, 1, 2, 3] and moved.compute().tolist() == [9, 1, 2, 3]
