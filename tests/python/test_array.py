"""Arrays against NumPy."""

import gc
import operator
import weakref

import freestone as fs
import numpy as np
import pytest
from freestone import _elementwise
from freestone._array import ALIASES, FUNCTIONS

TYPES = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]


def sample(dtype, shape=(5, 6, 7), seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) * 20
    if np.dtype(dtype).kind == "u":
        x = abs(x)
    return (x > 0) if dtype == "bool" else x.astype(dtype)


def test_facts():
    x = sample("f4")
    a = fs.from_numpy(x)
    assert (a.shape, a.dtype, a.ndim, a.size, a.nbytes, len(a)) == (x.shape, x.dtype, 3, 210, 840, 5)
    assert "shape=(5, 6, 7)" in repr(a) and "float32" in repr(a)
    assert "<table>" in a._repr_html_() and "840 B" in a._repr_html_()
    for shape in ((5, 6), (7, 0), (0,), ()):
        b = fs.from_numpy(np.zeros(shape)).rechunk([2] * len(shape)) if 0 not in shape else fs.from_numpy(np.zeros(shape))
        assert b.numblocks == tuple(len(lengths) for lengths in b.chunks), shape


def test_repr_computes_nothing():
    x = sample("f4")
    with fs.profile() as p:
        repr(fs.from_numpy(x).sum() * 2), fs.from_numpy(x)._repr_html_()
    assert p.tasks == 0
    with fs.profile() as p:
        fs.from_numpy(x).sum().compute()
    assert p.tasks > 0


@pytest.mark.parametrize("name, dtype", [(name, dtype) for name in ("add", "sub", "mul", "truediv") for dtype in TYPES if (name, dtype) != ("sub", "bool")])
def test_arithmetic_follows_numpy(dtype, name):
    op = getattr(operator, name)
    x, y = sample(dtype), sample(dtype, seed=2)
    with np.errstate(all="ignore"):
        for mine, theirs in [
            (op(fs.from_numpy(x), fs.from_numpy(y)), op(x, y)),
            (op(fs.from_numpy(x), y), op(x, y)),
            (op(x, fs.from_numpy(y)), op(x, y)),
            (op(fs.from_numpy(x), 3), op(x, 3)),
            (op(3, fs.from_numpy(x)), op(3, x)),
            (op(fs.from_numpy(x), 2.5), op(x, 2.5)),
        ]:
            if theirs.dtype == np.float16:
                continue  # which Freestone has not
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine.compute(), theirs)


def test_numpy_scalars_are_strong_and_python_scalars_weak():
    a = fs.from_numpy(sample("f4"))
    assert (a * 2.0).dtype == np.float32
    assert (a * np.float64(2)).dtype == np.float64
    assert (np.float32(2) * a).dtype == np.float32


@pytest.mark.parametrize("name", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_comparisons(name):
    op = getattr(operator, name)
    x, y = sample("i4"), sample("i4", seed=2)
    np.testing.assert_array_equal(op(fs.from_numpy(x), fs.from_numpy(y)), op(x, y))
    np.testing.assert_array_equal(op(fs.from_numpy(x), 4), op(x, 4))


def test_every_elementwise_function():
    rng = np.random.default_rng(3)
    x, y = (rng.uniform(0.1, 0.9, size=(4, 9)) for _ in range(2))
    for name, arity in FUNCTIONS.items():
        if not hasattr(np, name) or name in ("ldexp", "isclose", "nan_to_num"):
            continue  # the whole table, over all types, is in test_elementwise.py
        ours = getattr(fs, name) if name not in ("round",) else fs.round
        inputs = [x, y, y + 0.2][:arity]
        if name == "arccosh":
            inputs = [x + 1]
        if name in ("bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift", "bitwise_count", "gcd", "lcm"):
            inputs = [(v * 100).astype("i4") for v in inputs]
        if name == "where":
            inputs = [x > 0.5, x, y]
        if name == "clip":
            inputs = [x, 0.3, 0.6]
        with np.errstate(all="ignore"):
            expected = getattr(np, name)(*inputs)
        result = ours(*(fs.from_numpy(v) if isinstance(v, np.ndarray) else v for v in inputs))
        assert result.dtype == expected.dtype, name
        np.testing.assert_allclose(result.compute(), expected, rtol=1e-14, err_msg=name)
    made_of_two = {"frexp_mantissa", "frexp_exponent", "modf_fraction", "modf_whole"}
    assert (set(FUNCTIONS) | set(ALIASES)) - made_of_two - {"where"} <= set(_elementwise.__all__)


KEYS = [
    3, -1, slice(None), slice(1, 4), slice(None, None, -1), slice(4, 0, -2), slice(-3, None), Ellipsis, None,
    (slice(None), 2), (Ellipsis, 1), (1, Ellipsis, slice(None, None, 3)), (None, 0, None, slice(1, 3)), (1, 2, 3),
    (slice(3, 1),), (slice(None, None, 7), slice(10, None, -3)),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_indexing(key):
    x = sample("f8")
    mine = fs.from_numpy(x)[key]
    assert mine.shape == np.asarray(x[key]).shape
    np.testing.assert_array_equal(mine.compute(), x[key])


def test_bad_indices():
    a = fs.from_numpy(sample("f8"))
    for key in (5, -6, (0, 0, 0, 0), "x", (Ellipsis, Ellipsis), 1.5, [0, 5], [0.5], np.ones(4, bool), np.ones((5, 7), bool)):
        with pytest.raises(IndexError):
            a[key]
    with pytest.raises(ValueError):
        a[::0]
    assert len(list(a)) == 5


def test_views():
    x = sample("f4")
    a = fs.from_numpy(x)
    np.testing.assert_array_equal(a.T.compute(), x.T)
    np.testing.assert_array_equal(a.transpose(1, -1, 0).compute(), x.transpose(1, -1, 0))
    np.testing.assert_array_equal(np.transpose(a, (2, 0, 1)), x.transpose(2, 0, 1))
    np.testing.assert_array_equal(fs.flip(a, 1), np.flip(x, 1))
    np.testing.assert_array_equal(fs.expand_dims(a, -1), x[..., None])
    np.testing.assert_array_equal(fs.squeeze(a[:1, :, :1]), x[0, :, 0])
    np.testing.assert_array_equal(fs.broadcast_to(a[0], (3, 6, 7)), np.broadcast_to(x[0], (3, 6, 7)))
    np.testing.assert_array_equal(a.astype("i2").compute(), x.astype("i2"))


AXES = [None, 0, 1, -1, (0, 1), (0, 2), (2, 1), (0, 1, 2)]


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(axis, keepdims):
    x = sample("f4")
    a = fs.from_numpy(x)
    wide = x.astype(float)
    for name in ("sum", "mean", "std", "var", "min", "max", "median"):
        expected = getattr(np, name)(wide, axis=axis, keepdims=keepdims)
        result = getattr(a, name)(axis, keepdims=keepdims)
        assert result.dtype == np.float32 and result.shape == np.shape(expected), name
        np.testing.assert_allclose(result.compute(), expected, rtol=2e-6, atol=1e-5, err_msg=name)
    for name in ("any", "all"):
        np.testing.assert_array_equal(getattr(a > 5, name)(axis, keepdims=keepdims), getattr(np, name)(x > 5, axis=axis, keepdims=keepdims))
    if axis is None or isinstance(axis, int):
        for name in ("argmin", "argmax"):
            np.testing.assert_array_equal(getattr(a, name)(axis, keepdims=keepdims), getattr(np, name)(x, axis=axis, keepdims=keepdims))
    np.testing.assert_allclose(a.std(axis, ddof=1).compute(), np.std(wide, axis=axis, ddof=1), rtol=1e-6)


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_nan_functions(axis):
    x = sample("f8")
    x[np.random.default_rng(5).random(x.shape) < 0.2] = np.nan
    a = fs.from_numpy(x)
    for name in ("nansum", "nanmean", "nanstd", "nanvar", "nanmin", "nanmax", "nanmedian"):
        np.testing.assert_allclose(getattr(fs, name)(a, axis).compute(), getattr(np, name)(x, axis=axis), rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(fs.nanpercentile(a, 30, axis).compute(), np.nanpercentile(x, 30, axis=axis), rtol=1e-12)
    if axis is None or isinstance(axis, int):
        np.testing.assert_array_equal(fs.nanargmax(a, axis), np.nanargmax(x, axis=axis))
    for name in ("sum", "mean", "min", "median"):  # without nan-, NaN propagates
        np.testing.assert_array_equal(np.isnan(getattr(fs, name)(a, axis)), np.isnan(getattr(np, name)(x, axis=axis)))


@pytest.mark.parametrize("dtype", ["bool", "i2", "i8", "u1", "u8"])
def test_reductions_of_integers(dtype):
    x = sample(dtype)
    a = fs.from_numpy(x)
    for name in ("sum", "min", "max", "prod"):
        expected = getattr(np, name)(x, axis=0)
        assert getattr(a, name)(0).dtype == expected.dtype, name
        np.testing.assert_array_equal(getattr(a, name)(0), expected)
    np.testing.assert_allclose(a.mean().compute(), x.mean(), rtol=1e-14)


def test_numpy_functions_stay_lazy():
    x = sample("f4")
    a = fs.from_numpy(x)
    for lazy in (np.sqrt(a), np.add(x, a), np.mean(a, axis=0), np.nanstd(a, axis=(0, 1)), np.where(a > 0, a, 0.0), np.transpose(a)):
        assert isinstance(lazy, fs.Array)
    np.testing.assert_allclose(np.cumsum(a, axis=0), np.cumsum(x, axis=0), rtol=2e-5, atol=1e-5)  # NumPy adds in float32


def test_sigma_clip_is_astropys():
    from astropy.stats import SigmaClip

    x = np.random.default_rng(8).standard_t(2, size=(60, 5, 6)).astype("f4")
    x[3, 2] = np.nan
    expected = SigmaClip(2.5, maxiters=5)(x, axis=0, masked=False, copy=True)
    np.testing.assert_array_equal(fs.sigma_clip(fs.from_numpy(x), 2.5, axis=0), expected)


def test_mad_std_and_convolve_are_astropys():
    from astropy.convolution import Gaussian1DKernel, convolve
    from astropy.stats import mad_std

    x = sample("f8", (40, 3))
    np.testing.assert_allclose(fs.mad_std(x, 0).compute(), mad_std(x, axis=0), rtol=1e-14)
    kernel = Gaussian1DKernel(1.5)
    expected = np.stack([convolve(x[:, k], kernel) for k in range(3)], axis=1)
    weights = kernel.array / kernel.array.sum()
    np.testing.assert_allclose(fs.convolve(x, weights, axis=0).compute(), expected, atol=1e-10)


def test_results_share_memory_with_nobody_and_live_on():
    a = fs.from_numpy(np.arange(6.0))
    y = (a + 1).compute()
    del a
    gc.collect()
    y[0] = 7
    np.testing.assert_array_equal(y, [7, 2, 3, 4, 5, 6])


def test_numpy_memory_is_kept_while_used_and_freed_after():
    class Held(np.ndarray):
        pass

    x = np.arange(1000.0).view(Held)
    gone = weakref.ref(x)
    a = fs.from_numpy(x)
    assert np.shares_memory(np.asarray(x), x)
    b = a * 2
    del x, a
    gc.collect()
    assert b.sum().compute() == 999000
    del b
    gc.collect()
    assert gone() is None


def test_compute_together_reads_once(cube_path):
    a = fs.open(cube_path)
    # One thread: of so small a file a second tile would read what lies between its rows once more.
    with fs.profile() as p, fs.settings(threads=1):
        mean, high, one = fs.compute(fs.nanmean(a, 0), fs.nanmax(a), 1)
    assert p.bytes_read == a.nbytes and one == 1
    assert mean.shape == a.shape[1:] and np.ndim(high) == 0


@pytest.mark.parametrize("suffix", [".fits", ".npy"])
def test_write_and_open(tmp_path, suffix):
    x = sample("f4")
    path = tmp_path / f"x{suffix}"
    (fs.from_numpy(x) * 2).write(path)
    np.testing.assert_array_equal(fs.open(path), x * 2)
    with pytest.raises(ValueError, match="exists"):
        fs.from_numpy(x).write(path)
    fs.from_numpy(x).write(path, overwrite=True)
    np.testing.assert_array_equal(fs.open(path), x)


def test_write_together(tmp_path):
    x = sample("f8")
    a = fs.from_numpy(x)
    fs.write({tmp_path / "a.npy": a + 1, tmp_path / "b.fits": a.sum(0), tmp_path / "c.npy": x})
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), x + 1)
    np.testing.assert_allclose(fs.open(tmp_path / "b.fits"), x.sum(0), rtol=1e-14)
    np.testing.assert_array_equal(np.load(tmp_path / "c.npy"), x)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8", "u2", "u4"])
def test_every_bitpix(tmp_path, dtype):
    from astropy.io import fits

    x = sample(dtype)
    fits.writeto(tmp_path / "x.fits", x)
    a = fs.open(tmp_path / "x.fits")
    assert a.dtype == x.dtype
    np.testing.assert_array_equal(a, x)


class Tensor:
    """Another library's: it knows DLPack and nothing else."""

    def __init__(self, values, device=(1, 0)):
        self.values, self.device = values, device

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.device


def test_dlpack_in_and_out():
    values = np.arange(24, dtype="f4").reshape(4, 6)
    np.testing.assert_array_equal(fs.from_dlpack(Tensor(values.T[::2])).compute(), values.T[::2])
    a = fs.from_dlpack(Tensor(values))
    values[0, 0] = 7
    assert a[0, 0].compute() == 7  # not copied
    assert fs.from_dlpack(a) is a
    np.testing.assert_array_equal(fs.asarray(Tensor(values)) + 1, values + 1)
    np.testing.assert_array_equal(np.from_dlpack(a * 2), values * 2)
    with pytest.raises(fs.UserError, match="the Tensor lies on a device"):
        fs.from_dlpack(Tensor(values, device=(2, 0)))
    with pytest.raises(fs.UserError, match="list has no __dlpack__"):
        fs.from_dlpack([1, 2])


def test_half_precision_comes_in_as_float32():
    x = np.random.default_rng(3).normal(0, 100, (7, 12)).astype("f2")
    x[0, :5] = [np.inf, -np.inf, np.nan, 6e-8, -0.0]
    for values in (x, x.T, x[::2, ::-3], x[3], x[2, 2]):
        array = fs.asarray(values)
        assert array.dtype == np.float32
        np.testing.assert_array_equal(np.asarray(array.compute()), np.asarray(values).astype("f4"))
    taken = fs.asarray(x)
    x[:] = 0
    assert float(abs(taken[1]).sum().compute()) > 0, "it is a copy"
    with pytest.raises(ValueError, match="float16"):
        fs.asarray(x, copy=False)
