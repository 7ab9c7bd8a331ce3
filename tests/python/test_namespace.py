"""The namespace against NumPy's: one script, run with `xp` one and the other, gives equal types, shapes and values."""

import inspect
import itertools
import operator
import pickle
import threading

import freestone as fs
import numpy as np
import pytest

REAL = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]
NUMBERS = [*REAL, "c8", "c16"]
ALL = ["?", *NUMBERS]


def numbers(rng, dtype, shape):
    """Small numbers of a type, with ties, zeros, and NaN among the floats."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        return rng.integers(0 if dtype.kind == "u" else -9, 10, shape).astype(dtype)
    x = np.round(rng.normal(size=shape) * 4, 1)
    if dtype.kind == "c":
        x = x + 1j * np.round(rng.normal(size=shape) * 4, 1)
    return np.asarray(x, dtype=dtype)


def same(mine, theirs, rtol=0.0, label=""):
    if isinstance(theirs, (tuple, list)):
        assert len(mine) == len(theirs), label
        for a, b in zip(mine, theirs):
            same(a, b, rtol, label)
        return
    theirs = np.asarray(theirs)
    assert isinstance(mine, fs.Array), f"{label}: {type(mine)}"
    assert mine.shape == theirs.shape, f"{label}: {mine.shape} {theirs.shape}"
    assert mine.dtype == theirs.dtype, f"{label}: {mine.dtype} {theirs.dtype}"
    if rtol:
        np.testing.assert_allclose(np.asarray(mine), theirs, rtol=rtol, atol=rtol, err_msg=label)
    else:
        np.testing.assert_array_equal(np.asarray(mine), theirs, err_msg=label)


def square(xp, a):
    """Matrices that have an inverse."""
    return a[:, :4, :] + 9 * xp.eye(4)


def definite(xp, a):
    """Symmetric matrices whose eigenvalues are above 0."""
    m = a[:, :4, :]
    return xp.matmul(m, xp.matrix_transpose(xp.conj(m))) + 5 * xp.eye(4)


def product(xp, factors):
    return xp.matmul(factors[0], factors[1])


# A script: what it is called, the types that it runs on, the error that rounding may make, and what it does with a namespace and arrays.
SCRIPTS = [
    ("concat", ALL, 0, lambda xp, a, b, v: xp.concat([a, b, a], axis=1)),
    ("concat flat", ALL, 0, lambda xp, a, b, v: xp.concat([a, v], axis=None)),
    ("stack", ALL, 0, lambda xp, a, b, v: xp.stack([a, b], axis=-1)),
    ("unstack", ALL, 0, lambda xp, a, b, v: xp.unstack(a, axis=1)),
    ("vstack", ALL, 0, lambda xp, a, b, v: xp.vstack([v, v])),
    ("hstack", ALL, 0, lambda xp, a, b, v: xp.hstack([a, b])),
    ("dstack", ALL, 0, lambda xp, a, b, v: xp.dstack([v, v])),
    ("column_stack", ALL, 0, lambda xp, a, b, v: xp.column_stack([v, v])),
    ("split", ALL, 0, lambda xp, a, b, v: xp.array_split(a, 2, axis=1) + xp.split(v, [2, 3])),
    ("reshape", ALL, 0, lambda xp, a, b, v: xp.reshape(a, (-1, 2))),
    ("ravel", ALL, 0, lambda xp, a, b, v: xp.ravel(a)),
    ("permute_dims", ALL, 0, lambda xp, a, b, v: xp.permute_dims(a, (2, 0, 1))),
    ("moveaxis", ALL, 0, lambda xp, a, b, v: xp.moveaxis(a, (0, 1), (-1, 0))),
    ("swapaxes", ALL, 0, lambda xp, a, b, v: xp.swapaxes(a, 0, -1)),
    ("rollaxis", ALL, 0, lambda xp, a, b, v: xp.rollaxis(a, 2)),
    ("expand_dims", ALL, 0, lambda xp, a, b, v: xp.expand_dims(a, axis=(0, -1))),
    ("squeeze", ALL, 0, lambda xp, a, b, v: xp.squeeze(a[:1], axis=0)),
    ("flip", ALL, 0, lambda xp, a, b, v: xp.flip(a, axis=(0, 2))),
    ("rot90", ALL, 0, lambda xp, a, b, v: xp.rot90(a, 3, (0, 2))),
    ("roll", ALL, 0, lambda xp, a, b, v: xp.roll(a, (1, -2), axis=(0, 1))),
    ("roll flat", ALL, 0, lambda xp, a, b, v: xp.roll(a, 5)),
    ("repeat", ALL, 0, lambda xp, a, b, v: xp.repeat(a, 3, axis=1)),
    ("repeat each", ALL, 0, lambda xp, a, b, v: xp.repeat(v, xp.asarray([2, 0, 1, 3, 1]))),
    ("tile", ALL, 0, lambda xp, a, b, v: xp.tile(a, (2, 1, 1, 2))),
    ("pad", REAL, 0, lambda xp, a, b, v: xp.pad(a, ((1, 2), (0, 0), (3, 1)), mode="symmetric")),
    ("pad value", REAL, 0, lambda xp, a, b, v: xp.pad(a, 1, constant_values=3)),
    ("broadcast", ALL, 0, lambda xp, a, b, v: xp.broadcast_arrays(a, v[:4])),
    ("atleast", ALL, 0, lambda xp, a, b, v: [xp.atleast_1d(v[0]), xp.atleast_2d(v), xp.atleast_3d(v), xp.atleast_3d(a[0])]),
    ("tril", ALL, 0, lambda xp, a, b, v: [xp.tril(a, k=1), xp.triu(a, k=-1)]),
    ("diag", ALL, 0, lambda xp, a, b, v: [xp.diag(v, 2), xp.diag(v, -1), xp.diag(a[0], 1)]),
    ("diff", NUMBERS, 0, lambda xp, a, b, v: [xp.diff(a, n=2, axis=1), xp.diff(v, prepend=v[:1], append=v[:2])]),
    ("gradient", ["f4", "f8", "i4"], 1e-6, lambda xp, a, b, v: list(xp.gradient(a[:, :, :4], 2.0)) + [xp.gradient(v, edge_order=2)]),
    ("where", ALL, 0, lambda xp, a, b, v: xp.where(a == b, a, b)),
    ("clip", REAL, 0, lambda xp, a, b, v: [xp.clip(a, 2, 5), xp.clip(a, 1, None), xp.clip(a, None, 3)]),
    ("matmul", NUMBERS, 1e-5, lambda xp, a, b, v: [xp.matmul(a[:, :, :3], b[:, :3, :]), a[0, :, :3] @ b[0, :3, 0]]),
    ("tensordot", NUMBERS, 1e-5, lambda xp, a, b, v: [xp.tensordot(a, b, axes=([0, 1], [0, 1])), xp.tensordot(v, v, axes=0)]),
    ("vecdot", NUMBERS, 1e-5, lambda xp, a, b, v: [xp.vecdot(a, b, axis=-1), xp.vecdot(v, v)]),
    ("outer", NUMBERS, 1e-6, lambda xp, a, b, v: xp.outer(v, v)),
    ("kron", NUMBERS, 1e-6, lambda xp, a, b, v: xp.kron(a[0, :2, :2], b[0])),
    ("einsum", NUMBERS, 1e-5, lambda xp, a, b, v: [xp.einsum("ijk,ijl->il", a, b), xp.einsum("iik->k", a[:, :2])]),
    ("trace", NUMBERS, 1e-6, lambda xp, a, b, v: [xp.trace(a), xp.diagonal(a, 1, 1, 2)]),
    ("sort", ALL, 0, lambda xp, a, b, v: [xp.sort(a, axis=1), xp.sort(v)]),
    ("argsort", ALL, 0, lambda xp, a, b, v: xp.argsort(a, axis=0, stable=True)),
    ("searchsorted", REAL, 0, lambda xp, a, b, v: [xp.searchsorted(xp.sort(v), a), xp.searchsorted(xp.sort(v), a, side="right")]),
    ("isin", REAL, 0, lambda xp, a, b, v: [xp.isin(a, v), xp.isin(a, v, invert=True)]),
    ("unique", ["?", *REAL], 0, lambda xp, a, b, v: xp.unique(a, return_index=True, return_inverse=True, return_counts=True)),
    ("unique_all", ["?", *REAL], 0, lambda xp, a, b, v: list(xp.unique_all(a))),
    ("unique_inverse", REAL, 0, lambda xp, a, b, v: [xp.sort(xp.unique_values(a)), xp.take(*xp.unique_inverse(v))]),
    ("nonzero", ALL, 0, lambda xp, a, b, v: [*xp.nonzero(a), xp.flatnonzero(a), xp.argwhere(a)]),
    ("count_nonzero", ALL, 0, lambda xp, a, b, v: [xp.count_nonzero(a, axis=1), xp.count_nonzero(a, axis=(0, 2), keepdims=True)]),
    ("cumsum", ALL, 1e-6, lambda xp, a, b, v: [xp.cumsum(a, axis=1), xp.cumsum(a), xp.cumulative_sum(a, axis=0, include_initial=True)]),
    ("cumprod", REAL, 1e-4, lambda xp, a, b, v: [xp.cumprod(v), xp.cumulative_prod(v, include_initial=True)]),
    ("quantile", ["f8"], 1e-12, lambda xp, a, b, v: [xp.quantile(a, [0.1, 0.6], axis=(0, 1)), xp.percentile(a, 30, axis=1, keepdims=True)]),
    ("quantile method", ["f8"], 0, lambda xp, a, b, v: [xp.quantile(a, 0.3, axis=0, method=m) for m in ("lower", "higher", "nearest", "hazen")]),
    ("average", ["f8"], 1e-12, lambda xp, a, b, v: [xp.average(a, axis=1, weights=abs(b) + 1), *xp.average(a, axis=0, weights=abs(b) + 1, returned=True)]),
    ("cov", ["?", "i2", "u1", "f4", "f8", "c8", "c16"], 1e-12, lambda xp, a, b, v: [xp.cov(a[0]), xp.corrcoef(a[0]), xp.cov(v), xp.cov(a[0], rowvar=False, ddof=0)]),
    ("cov of two", ["i2", "f4", "f8", "c16"], 1e-12, lambda xp, a, b, v: [xp.cov(v, v[::-1], bias=True), xp.cov(a[0], b[1]), xp.corrcoef(v, v * v), xp.corrcoef(a[0], b[0], rowvar=False)]),
    ("histogram", ["f8", "i4"], 0, lambda xp, a, b, v: [*xp.histogram(a, 7), *xp.histogram(a, bins=[-4.0, 0.0, 1.0, 9.0])]),
    ("histogram2d", ["f8"], 0, lambda xp, a, b, v: [part.astype(float) for part in xp.histogram2d(xp.ravel(a), xp.ravel(b), bins=[4, 3])]),
    ("bincount", ["u1"], 0, lambda xp, a, b, v: [xp.bincount(v), xp.bincount(v, minlength=20)]),
    ("digitize", REAL, 0, lambda xp, a, b, v: [xp.digitize(a, np.array([0, 2, 5])), xp.digitize(a, np.array([5, 2, 0]), right=True)]),
    ("interp", ["f8"], 1e-12, lambda xp, a, b, v: xp.interp(a, np.arange(5.0), np.arange(5.0) ** 2, left=-1.0)),
    ("take", ALL, 0, lambda xp, a, b, v: [xp.take(a, xp.asarray([[0, 2], [1, -1]]), axis=1), xp.take(v, [4, 0, 0])]),
    ("take_along_axis", REAL, 0, lambda xp, a, b, v: xp.take_along_axis(a, xp.argsort(a, axis=1), axis=1)),
    ("compress", ALL, 0, lambda xp, a, b, v: [xp.compress(np.array([True, False, True]), a, axis=2), xp.extract(a == a, a)]),
    ("select", ["f8"], 0, lambda xp, a, b, v: xp.select([a > 2, a > 0], [a, b], -1.0)),
    ("meshgrid", ["f8"], 0, lambda xp, a, b, v: [*xp.meshgrid(v, v[:2]), *xp.meshgrid(v, v[:3], v[:2], indexing="ij", sparse=True)]),
    ("indices", ["f8"], 0, lambda xp, a, b, v: [xp.indices((2, 3)), *xp.indices((2, 3), sparse=True)]),
    ("round", ["f4", "f8", "i4", "c16"], 1e-6, lambda xp, a, b, v: [xp.round(a), xp.round(a * 0.37, 1), xp.round(a, -1)]),
    ("nan_to_num", ["f8"], 0, lambda xp, a, b, v: [xp.nan_to_num(a / 0), xp.isclose(a, b, atol=1.0)]),
    ("parts", ["f8"], 0, lambda xp, a, b, v: [*xp.modf(a), *xp.frexp(a), *xp.divmod(a, 3)]),
    ("ptp", REAL, 0, lambda xp, a, b, v: [xp.ptp(a, axis=1), xp.max(a, axis=(0, 1)), xp.min(a, keepdims=True)]),
    ("argmax", REAL, 0, lambda xp, a, b, v: [xp.argmax(a, axis=1), xp.argmin(a), xp.argmin(v, keepdims=True)]),
    ("any", ALL, 0, lambda xp, a, b, v: [xp.any(a, axis=1), xp.all(a, axis=(0, 2)), xp.any(a, axis=())]),
    ("sum", ALL, 1e-5, lambda xp, a, b, v: [xp.sum(a, axis=1), xp.sum(a), xp.sum(a, axis=(0, 2), keepdims=True), xp.sum(a, axis=())]),
    ("prod", REAL, 1e-4, lambda xp, a, b, v: [xp.prod(v), xp.prod(a, axis=1)]),
    ("mean", NUMBERS, 1e-5, lambda xp, a, b, v: [xp.mean(a, axis=1), xp.std(a, axis=0, correction=1), xp.var(a, axis=(1, 2), keepdims=True)]),
    ("linalg", ["f8", "f4"], 1e-4, lambda xp, a, b, v: [xp.linalg.vector_norm(a, axis=(0, 1), ord=3), xp.linalg.matrix_norm(a), xp.linalg.norm(v, 1), xp.linalg.cross(a[:, :, :3], b[:, :, :3])]),
    ("solve", ["f8", "c16"], 1e-8, lambda xp, a, b, v: [xp.linalg.inv(square(xp, a)), xp.linalg.det(square(xp, a)), *xp.linalg.slogdet(square(xp, a)), xp.linalg.solve(square(xp, a), a[:, :4, :2])]),
    ("symmetric", ["f8", "c16"], 1e-8, lambda xp, a, b, v: [xp.linalg.cholesky(definite(xp, a)), xp.linalg.eigvalsh(definite(xp, a)), xp.linalg.eigh(definite(xp, a))[0], abs(xp.linalg.eigh(definite(xp, a))[1])]),
    ("factors", ["f8", "c16"], 1e-8, lambda xp, a, b, v: [xp.linalg.svdvals(a), xp.linalg.svd(a)[1], xp.linalg.matrix_rank(a), xp.linalg.pinv(a), xp.linalg.cond(a), abs(xp.linalg.qr(a)[1]), product(xp, xp.linalg.qr(a, mode="complete"))]),
    ("powers", ["f8"], 1e-8, lambda xp, a, b, v: [xp.linalg.matrix_power(square(xp, a), 3), xp.linalg.matrix_power(square(xp, a), -2), xp.linalg.multi_dot([a[0], a[1].T, a[0]])]),
    ("matrix_norm", ["f8", "c16"], 1e-8, lambda xp, a, b, v: [xp.linalg.matrix_norm(a, ord=k, keepdims=k == 1) for k in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)]),
    ("lstsq", ["f8"], 1e-8, lambda xp, a, b, v: [part.astype(float) for part in xp.linalg.lstsq(a[0], a[1])]),
    ("sets", ["?", *REAL], 0, lambda xp, a, b, v: [xp.union1d(a, v), xp.intersect1d(a, v), xp.setdiff1d(a, v), xp.setxor1d(a, v)]),
    ("splice", ALL, 0, lambda xp, a, b, v: [xp.delete(a, [0, 2], axis=1), xp.delete(v, slice(1, 3)), xp.insert(a, 2, a[:, 0], axis=1)]),
    ("calculus", ["f8"], 1e-10, lambda xp, a, b, v: [xp.trapezoid(a, axis=1), xp.trapezoid(a, np.arange(4.0) ** 2), xp.unwrap(a), xp.polyval([1.0, 2.0, -3.0], a)]),
    ("fft", ["f4", "f8", "c16", "i4"], 2e-4, lambda xp, a, b, v: [xp.fft.fft(a), xp.fft.ifft(a, n=7, axis=1), xp.fft.fftn(a, axes=(0, 2), norm="ortho"), xp.fft.fftshift(a, axes=1), xp.fft.fft2(a)]),
    ("rfft", ["f4", "f8", "i4"], 2e-4, lambda xp, a, b, v: [xp.fft.rfft(a), xp.fft.irfft(xp.fft.rfft(a), n=3), xp.fft.rfftn(a), xp.fft.fftfreq(7, d=0.5), xp.fft.rfftfreq(8)]),
]  # fmt: skip
# What NumPy's complex128 results of float32 data are here: complex64, as the array API has it.


@pytest.mark.parametrize("name, dtypes, rtol, script", SCRIPTS, ids=[row[0] for row in SCRIPTS])
def test_script_gives_what_numpy_gives(name, dtypes, rtol, script):
    for seed in range(3):
        for dtype in dtypes:
            rng = np.random.default_rng(seed)
            values = numbers(rng, dtype, (2, 5, 4)), numbers(rng, dtype, (2, 5, 4)), numbers(rng, dtype, (5,))
            with np.errstate(all="ignore"):
                theirs = script(np, *values)
                mine = script(fs, *(fs.asarray(x) for x in values))
            same(mine, theirs, rtol, f"{name} of {dtype}, seed {seed}")


@pytest.mark.parametrize("symbol", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "lshift", "rshift", "matmul"])
def test_in_place_operators_bind_a_new_array(symbol):
    in_place, plain = getattr(operator, "i" + symbol.rstrip("_")), getattr(operator, symbol)
    integers = symbol in ("and_", "or_", "xor", "lshift", "rshift")
    x = np.arange(1, 10, dtype="i4" if integers else "f8").reshape(3, 3)
    a = before = fs.asarray(x)
    a = in_place(a, fs.asarray(x))
    assert a is not before and a.dtype == x.dtype
    np.testing.assert_array_equal(a, plain(x, x))
    np.testing.assert_array_equal(before, x)


def test_whole_arrays_are_compared():
    a, b = fs.asarray([1.0, np.nan]), fs.asarray([1.0, np.nan])
    assert not fs.array_equal(a, b) and fs.array_equal(a, b, equal_nan=True) and not fs.array_equal(a, b[:1])
    assert fs.allclose([1.0, 2.0], [1.0, 2.0 + 1e-9]) and not fs.allclose([1.0], [1.1])


def test_in_place_keeps_type_and_shape():
    a = fs.asarray(np.arange(4))
    with pytest.raises(TypeError, match="does not become int64"):
        a += 0.5
    b = fs.asarray(np.arange(4.0, dtype="f4"))
    b += fs.asarray(np.ones(4))
    assert b.dtype == np.float32
    with pytest.raises(fs.UserError, match="shape"):
        b += fs.asarray(np.ones((3, 4)))


def random_key(rng, shape):
    """A key of any kind for an array of this shape."""
    kinds = rng.integers(0, 10, len(shape))
    keys = []
    length = int(rng.integers(1, 4))
    for n, kind in zip(shape, kinds):
        if kind < 3:
            first, end = sorted(rng.integers(-n - 1, n + 2, 2))
            keys.append(slice(int(first) if rng.random() < 0.7 else None, int(end) if rng.random() < 0.7 else None, int(rng.choice([1, 2, -1, -3]))))
        elif kind < 5:
            keys.append(int(rng.integers(-n, n)))
        elif kind < 7:
            keys.append(rng.integers(-n, n, (length,)))
        elif kind == 7:
            keys.append(rng.random(n) < 0.5 if rng.random() < 0.3 else slice(None))
        else:
            keys.append(slice(None))
    masks = [k for k in keys if isinstance(k, np.ndarray) and k.dtype == bool]
    if masks and sum(isinstance(k, np.ndarray) for k in keys) > 1:
        keys = [k if not isinstance(k, np.ndarray) or k is masks[0] else slice(None) for k in keys]
    if rng.random() < 0.3:
        keys.insert(int(rng.integers(0, len(keys) + 1)), None)
    if rng.random() < 0.3:
        keys = [*keys[: len(keys) // 2], Ellipsis]
    return tuple(keys)


def test_indexing_of_all_kinds():
    for seed in range(400):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(4, 5, 6))
        key = random_key(rng, x.shape)
        lazy = tuple(fs.asarray(k) if isinstance(k, np.ndarray) and rng.random() < 0.5 else k for k in key)
        same(fs.asarray(x)[lazy], x[key], label=f"seed {seed}, key {key}")


@pytest.mark.parametrize("lazy", [False, True])
def test_assignment_of_all_kinds(lazy, monkeypatch):
    if lazy:  # as for arrays that are large
        monkeypatch.setattr("freestone._indexing._SMALL_BYTES", -1)
    for seed in range(400):
        rng = np.random.default_rng(1000 + seed)
        x = rng.normal(size=(4, 5, 6)).astype("f4")
        key = random_key(rng, x.shape)
        if any(k is None for k in key):
            key = tuple(k for k in key if k is not None)
        part = x[key]
        value = rng.normal(size=part.shape) if rng.random() < 0.5 else 7
        if isinstance(value, np.ndarray) and value.ndim and rng.random() < 0.3:
            value = value[:1]
        a = fs.asarray(x.copy())
        old = a * 1
        expected = x.copy()
        expected[key] = value
        a[key] = fs.asarray(value) if isinstance(value, np.ndarray) and rng.random() < 0.5 else value
        same(a, expected, label=f"seed {seed}, key {key}")
        np.testing.assert_array_equal(old, x)


def test_single_bools_and_far_diagonals():
    x = np.arange(6.0).reshape(2, 3)
    for flag in (True, False):
        same(fs.asarray(x)[flag], x[flag])
        same(fs.asarray(x)[fs.asarray(flag)], x[flag])
        same(fs.asarray(2.0)[fs.asarray(flag)], np.asarray(2.0)[flag])
    for k in (2**63, -(2**63), 3, -2):
        same(fs.eye(3, k=k), np.eye(3, k=k) if abs(k) < 9 else np.zeros((3, 3)))
        same(fs.tril(fs.asarray(x), k=k), np.tril(x, k=max(-9, min(k, 9))))
    a = fs.asarray(x)
    for options in ({}, {"copy": False}, {"copy": True}, {"max_version": (1, 0)}, {"max_version": (1, 0), "copy": False}):
        a.__dlpack__(**options)
    assert (a + 1).__dlpack__(copy=False) is not None


@pytest.mark.parametrize("lazy", [False, True])
def test_masks_are_counted_first(lazy, monkeypatch):
    if lazy:
        monkeypatch.setattr("freestone._indexing._SMALL_BYTES", -1)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(6, 7, 3))
        a = fs.asarray(x)
        same(a[a > 0.3], x[x > 0.3])
        same(a[a.sum(2) > 0.3], x[x.sum(2) > 0.3])
        values = rng.normal(size=(int((x > 0.3).sum()),))
        expected = x.copy()
        expected[x > 0.3] = values
        a[a > 0.3] = values
        same(a, expected)
        rows = rng.random(6) < 0.5
        expected[rows] = rng.normal(size=(int(rows.sum()), 7, 3))
        a[fs.asarray(rows)] = expected[rows]
        same(a, expected)
        a[a < 0] = 0
        expected[expected < 0] = 0
        same(a, expected)
    with pytest.raises(fs.UserError, match="2 (input )?values"):
        b = fs.asarray(np.arange(5.0))
        b[b > 1] = [1.0, 2.0]
    with pytest.raises(IndexError, match="a mask of shape"):
        b[fs.asarray(np.ones(4, bool))]


def test_filling_element_by_element_makes_no_long_graph():
    a = fs.zeros((20, 20), dtype="i4")
    for i in range(20):
        for j in range(20):
            a[i, j] = i * j
    assert len(a.explain()) < 4000 and np.asarray(a, copy=False).flags.c_contiguous
    np.testing.assert_array_equal(a, np.outer(np.arange(20), np.arange(20)))


def test_numbers_compute_and_say_what_they_cannot():
    a = fs.asarray(np.array(3))
    assert (int(a), float(a), bool(a), complex(a), operator.index(a), [0, 1, 2, 4][a]) == (3, 3.0, True, 3 + 0j, 3, 4)
    b = fs.asarray(np.arange(4.0))
    for convert in (int, float, complex):
        with pytest.raises(fs.UserError, match=r"of an array of 4 elements, shape \(4,\)"):
            convert(b)
    with pytest.raises(fs.UserError, match="ambiguous"):
        bool(b)
    with pytest.raises(TypeError, match="only an array of integers"):
        operator.index(fs.asarray(1.0))
    with pytest.raises(TypeError, match="without axes"):
        iter(a)
    assert [float(x) for x in b] == [0, 1, 2, 3] and b.tolist() == [0, 1, 2, 3] and 2.0 in b and 9.0 not in b


def test_creation():
    for xp in (np, fs):
        kind = np.asarray if xp is np else lambda x: x
        made = [
            xp.zeros((2, 3)), xp.ones(4, dtype="i2"), xp.full((2, 2), 3), xp.full((2,), 1.5), xp.full((2,), True), xp.full(3, 2, dtype="c8"),
            xp.arange(5), xp.arange(1, 9, 3), xp.arange(0.0, 1.0, 0.25), xp.arange(5, dtype="f4"), xp.arange(9, 0, -2),
            xp.linspace(0, 1, 7), xp.linspace(0, 10, 5, endpoint=False, dtype="f4"), xp.linspace(1j, 3, 4),
            xp.eye(3, k=1), xp.eye(2, 4, dtype="i4"), xp.identity(3), xp.tri(3, 4, 1), xp.zeros_like(kind(np.ones((2, 2), "u1"))),
            xp.full_like(kind(np.ones((2, 2), "f4")), 7), xp.logspace(0, 3, 4), xp.geomspace(1, 1000, 4), xp.asarray([[1, 2], [3, 4]]),
            xp.asarray(3), xp.asarray(2.5), xp.asarray(True), xp.asarray(1j), xp.asarray([1, 2.5]),
        ]  # fmt: skip
        if xp is np:
            theirs = made
        else:
            same(made, theirs, 1e-12)
    a = fs.asarray(np.arange(3))
    same(fs.asarray([a, a + 1]), np.stack([np.arange(3), np.arange(3) + 1]))
    same(fs.asarray([a[0], 5]), np.array([0, 5]))
    with pytest.raises(fs.UserError, match="one device"):
        fs.zeros(3, device="gpu")
    with pytest.raises(fs.UserError, match="not float16"):
        fs.zeros(3, dtype="f2")


def test_memory_goes_in_and_out_without_a_copy():
    x = np.arange(24.0).reshape(4, 6)
    for values in (x, x.T, x[::2, ::-1], x[:, 2]):
        a = fs.asarray(values)
        assert np.shares_memory(np.asarray(a), x)
        np.testing.assert_array_equal((a + 1).compute(), values + 1)
        assert np.shares_memory(np.from_dlpack(a), x)
    out = np.asarray(fs.asarray(x))
    with pytest.raises(ValueError, match="read-only"):
        out[0] = 1  # what others may look at stays as it is

    class Interface:
        __array_interface__ = x.__array_interface__

    assert np.shares_memory(np.asarray(fs.asarray(Interface())), x)
    assert not np.shares_memory(np.asarray(fs.asarray(x, copy=True)), x)
    with pytest.raises(ValueError):
        fs.asarray(x, dtype="f4", copy=False)
    lazy = fs.asarray(x) + 1
    with pytest.raises(ValueError, match="no elements in memory"):
        np.asarray(lazy, copy=False)
    assert not hasattr(lazy, "__array_interface__")


def test_two_arrays_over_equal_memory_are_two():
    x, y = np.arange(4.0), np.arange(4.0)
    a, b = fs.asarray(x), fs.asarray(y)
    x[0] = 5
    np.testing.assert_array_equal(a, [5, 1, 2, 3])
    np.testing.assert_array_equal(b, [0, 1, 2, 3])


def test_numpys_functions_stay_lazy():
    x = np.random.default_rng(4).normal(size=(6, 8))
    a = fs.asarray(x)
    calls = [
        lambda v: np.concatenate([v, v]), lambda v: np.stack([v, v], axis=1), lambda v: np.cumsum(v, axis=1), lambda v: np.std(v, axis=0, ddof=1),
        lambda v: np.quantile(v, [0.2, 0.4], axis=1), lambda v: np.sort(v, axis=0), lambda v: np.linalg.norm(v, axis=1), lambda v: np.fft.fft(v),
        lambda v: np.einsum("ij,kj->ik", v, v), lambda v: np.pad(v, 1), lambda v: np.roll(v, 2, axis=1), lambda v: np.dot(v, v.T),
        lambda v: np.where(v > 0, v, 0), lambda v: np.add.reduce(v, axis=1), lambda v: np.maximum.accumulate(v, axis=0),
        lambda v: np.multiply.outer(v[0], v[1]), lambda v: np.matmul(v, v.T), lambda v: np.median(v, axis=1), lambda v: np.nanmax(v, axis=0),
        lambda v: np.histogram(v, 5)[0], lambda v: np.take(v, [1, 2], axis=0), lambda v: np.moveaxis(v, 0, 1), lambda v: np.clip(v, -1, 1),
        lambda v: np.divmod(v, 0.3)[1], lambda v: np.zeros_like(v), lambda v: np.broadcast_to(v, (2, 6, 8)), np.transpose, lambda v: np.transpose(v, (1, 0)), lambda v: np.ptp(v, axis=0),
    ]  # fmt: skip
    for number, call in enumerate(calls):
        same(call(a), call(x), 1e-12, f"call {number}")
    assert isinstance(np.packbits(a > 0, axis=1), np.ndarray)  # what is not here is computed
    np.testing.assert_array_equal(np.partition(a, 3, axis=1), np.partition(x, 3, axis=1))
    target = fs.asarray(x)
    np.add(a, 1, out=target)
    np.testing.assert_array_equal(target, x + 1)
    into = np.empty_like(x)
    np.add(a, 1, out=into)
    np.testing.assert_array_equal(into, x + 1)


def test_dtypes():
    assert fs.result_type(np.int32, fs.float32) == np.float64 and fs.result_type(fs.asarray(np.ones(2, "f4")), 3.0) == np.float32
    assert fs.can_cast(fs.int8, fs.int16) and not fs.can_cast(fs.float64, fs.float32)
    assert fs.isdtype(fs.float32, "real floating") and fs.isdtype(fs.asarray([1]).dtype, ("bool", "integral")) and not fs.isdtype(fs.bool, "numeric")
    assert fs.finfo(fs.complex64).eps == np.finfo("f4").eps and isinstance(fs.finfo(fs.float32).max, float) and fs.iinfo(fs.uint8).max == 255
    with pytest.raises(fs.UserError, match="no kind"):
        fs.isdtype(fs.float32, "float")
    info = fs.__array_namespace_info__()
    assert info.default_dtypes()["real floating"] == fs.float64 and set(info.dtypes(kind="bool")) == {"bool"} and info.devices() == ["cpu"]
    assert fs.asarray(1).__array_namespace__(api_version="2024.12") is fs


def test_every_function_says_what_it_does():
    for name, function in inspect.getmembers(fs, callable):
        if not name.startswith("_") and not inspect.isclass(function):
            assert function.__doc__ and function.__doc__.strip().split("\n")[0].endswith((".", ":")), name


def test_random_numbers_are_those_of_the_seed():
    one, other = fs.random.default_rng(5), fs.random.default_rng(5)
    for draw in (
        lambda g: g.random((3, 4)), lambda g: g.normal(1, 2, 5), lambda g: g.integers(3, 9, (7,)), lambda g: g.poisson(4, 6),
        lambda g: g.exponential(2.0, (2, 2)), lambda g: g.permutation(9), lambda g: g.choice(fs.asarray(np.arange(5.0)), (3, 2)),
    ):  # fmt: skip
        np.testing.assert_array_equal(draw(one), draw(other))
    x = np.asarray(fs.random.default_rng(1).normal(3, 2, (400, 500)))
    assert abs(x.mean() - 3) < 0.02 and abs(x.std() - 2) < 0.02
    drawn = np.asarray(fs.random.default_rng(2).integers(2, 6, 1000, endpoint=True))
    assert set(drawn.tolist()) == {2, 3, 4, 5, 6}
    assert sorted(np.asarray(fs.random.default_rng(3).permutation(50)).tolist()) == list(range(50))
    with pytest.raises(fs.UserError, match="seed"):
        fs.random.default_rng(-1)


def test_pickles_hold_the_graph(tmp_path):
    x = np.random.default_rng(6).normal(size=(20, 30)).astype("f4")
    np.save(tmp_path / "x.npy", x)
    a = fs.open(tmp_path / "x.npy")
    for lazy in (
        a, a.T[::2], (a - a.mean(0)) / a.std(0), fs.median(a, axis=1), fs.fft.fft(a), fs.sort(a, axis=0), a[[3, 1, 1]], fs.asarray(x.T) @ x,
        fs.random.default_rng(1).normal(size=(5, 5)), fs.concat([a, a + 1]), fs.quantile(a, [0.2, 0.5], axis=0), fs.zeros((3, 4)), a[a > 0],
    ):  # fmt: skip
        again = pickle.loads(pickle.dumps(lazy))
        assert again.shape == lazy.shape and again.dtype == lazy.dtype
        np.testing.assert_array_equal(again, lazy)
    assert len(pickle.dumps((a - a.mean(0)) / a.std(0))) < 20000  # what lies in files stays there
    lock = threading.Lock()
    with pytest.raises(pickle.PicklingError, match="made by a user function"):
        pickle.dumps(a.map_blocks(lambda b: b if lock else b, dtype="f4"))
    with pytest.raises(fs.DataError, match="damaged"):
        type(a)(fs._core.build_graph("[]", [], 0, []))


def test_linalg_has_what_numpys_has():
    rng = np.random.default_rng(17)
    x = rng.normal(size=(3, 5, 5))
    for dtype in ("f4", "f8", "c8", "c16"):
        m = x.astype(dtype)
        values, vectors = fs.linalg.eig(fs.asarray(m))
        assert values.dtype == np.dtype("c8" if m.itemsize == 4 or dtype == "c8" else "c16") and values.shape == (3, 5)
        w, v = values.compute(), vectors.compute()
        np.testing.assert_allclose(m @ v, v * w[:, None, :], atol=1e-4 if m.dtype.char in "fF" else 1e-10)
        np.testing.assert_allclose(np.sort_complex(fs.linalg.eigvals(m).compute()), np.sort_complex(np.linalg.eigvals(m)), rtol=1e-3, atol=1e-4)
    r = fs.linalg.qr(x, mode="r").compute()
    np.testing.assert_allclose(np.abs(r), np.abs(np.linalg.qr(x, mode="r")), atol=1e-12)
    t = rng.normal(size=(4, 6, 8, 3))
    np.testing.assert_allclose(fs.linalg.tensorinv(t, ind=2).compute(), np.linalg.tensorinv(t, ind=2), atol=1e-9)
    a, b = rng.normal(size=(6, 4, 2, 3, 4)), rng.normal(size=(6, 4))
    np.testing.assert_allclose(fs.linalg.tensorsolve(a, b).compute(), np.linalg.tensorsolve(a, b), atol=1e-9)
    a = rng.normal(size=(2, 3, 6, 4, 4))
    np.testing.assert_allclose(fs.linalg.tensorsolve(a, b[:, :4], axes=(0, 1, 4)).compute(), np.linalg.tensorsolve(a, b[:, :4], axes=(0, 1, 4)), atol=1e-9)
    with pytest.raises(fs.UserError, match="square"):
        fs.linalg.eig(np.ones((2, 3)))
    with pytest.raises(fs.UserError, match="no square matrix"):
        fs.linalg.tensorinv(np.ones((2, 3, 4)))
    missing = set(np.linalg.__all__) - set(fs.linalg.__all__)
    assert missing == set(), missing


def test_results_of_linalg_have_numpys_shapes_and_names():
    rng = np.random.default_rng(4)
    tall, vector, square = rng.normal(size=(6, 4)), rng.normal(size=6), rng.normal(size=(4, 4)) + 4 * np.eye(4)
    definite, stack, wide = square @ square.T, rng.normal(size=(2, 5, 4, 4)) + 5 * np.eye(4), rng.normal(size=(3, 6))

    def facts(result):
        if isinstance(result, tuple):
            return getattr(result, "_fields", None), [facts(part) for part in result]
        return np.asarray(result).shape, np.asarray(result).dtype.kind

    for name, arguments in {
        "lstsq": [(tall, vector), (tall, rng.normal(size=(6, 3))), (wide, vector[:3]), (wide, rng.normal(size=(3, 2))), (square, vector[:4]), (tall.astype("f4"), vector.astype("f4"))],
        "qr": [(tall,), (tall, "complete"), (wide,), (stack,)], "svd": [(tall,), (wide,), (stack,), (tall, False)], "eig": [(square,), (stack,)], "eigh": [(definite,), (definite, "U")],
        "eigvals": [(square,)], "eigvalsh": [(definite,), (definite, "U")], "slogdet": [(square,), (stack,)], "det": [(square,), (stack,)], "inv": [(square,), (stack,)],
        "pinv": [(tall,), (wide,), (stack,), (tall, 0.3)], "matrix_rank": [(tall,), (stack,), (vector,), (0 * vector,), (tall, 1.5)],
        "cond": [(tall,), (stack,), *((square, p) for p in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"))], "norm": [(tall,), (tall, "nuc"), (vector, 3), (stack,)],
        "cholesky": [(definite,)], "solve": [(square, vector[:4]), (square, tall[:4]), (stack, square)], "matrix_power": [(square, 3), (square, -2), (stack, 2)],
        "svdvals": [(tall,), (stack,)], "trace": [(stack,)], "diagonal": [(stack,)], "matrix_norm": [(stack,)], "vector_norm": [(stack,)], "vecdot": [(tall, tall)],
    }.items():  # fmt: skip
        for given in arguments:
            theirs = getattr(np.linalg, name)(*given)
            for function in (getattr(fs.linalg, name), getattr(np.linalg, name)):
                ours = function(*(fs.asarray(value) if isinstance(value, np.ndarray) else value for value in given))
                assert facts(ours) == facts(theirs), (name, given)
                if name not in ("eig", "eigh", "svd", "qr"):  # whose signs are nobody's
                    for mine, want in zip(ours if isinstance(ours, tuple) else (ours,), theirs if isinstance(theirs, tuple) else (theirs,)):
                        np.testing.assert_allclose(np.asarray(mine), want, rtol=2e-4 if np.asarray(want).dtype == np.float32 else 1e-9, err_msg=name)
    for name, arguments, options in (
        ("qr", (tall, "raw"), {}), ("qr", (stack, "raw"), {}), ("qr", (wide.astype("f4"), "raw"), {}), ("svd", (definite,), {"compute_uv": False, "hermitian": True}),
        ("pinv", (definite,), {"hermitian": True}), ("pinv", (stack + stack.mT, 1e-3), {"hermitian": True}), ("matrix_rank", (definite,), {"hermitian": True}),
        ("matrix_rank", (np.ones((3, 3)),), {"hermitian": True}), ("matrix_rank", (stack + stack.mT, 9.0), {"hermitian": True}),
        *(("cond", (m, p), {}) for m in (np.zeros((3, 3)), np.stack([square, definite])) for p in (None, 2, -2, 1, np.inf, "fro", "nuc") if p != "nuc" or m.any()),
    ):  # fmt: skip
        expected = getattr(np.linalg, name)(*arguments, **options)
        for function in (getattr(fs.linalg, name), getattr(np.linalg, name)):
            ours = function(fs.asarray(arguments[0]), *arguments[1:], **options)
            for mine, want in zip(ours if isinstance(ours, tuple) else (ours,), expected if isinstance(expected, tuple) else (expected,), strict=True):
                assert np.asarray(mine).dtype == want.dtype
                np.testing.assert_allclose(np.asarray(mine), want, rtol=1e-5 if want.dtype == np.float32 else 1e-9, atol=1e-12, err_msg=name)
    for shape in ((0, 0), (2, 0, 0)):
        for name, rtol in itertools.product(("pinv", "matrix_rank"), (None, 0.1)):
            expected = getattr(np.linalg, name)(np.zeros(shape), rtol=rtol, hermitian=True)
            got = np.asarray(getattr(fs.linalg, name)(fs.zeros(shape), rtol=rtol, hermitian=True))
            assert got.shape == np.shape(expected) and not got.any()
        for p in (1, -1, np.inf, "fro", "nuc"):
            with pytest.raises(np.linalg.LinAlgError, match="empty"):
                fs.linalg.cond(fs.zeros(shape), p)
    skewed = stack + stack.mT + 1j * (stack - stack.mT)
    u, s, vh = (np.asarray(part) for part in fs.linalg.svd(fs.asarray(skewed), hermitian=True))
    np.testing.assert_allclose(u * s[..., None, :] @ vh, skewed, atol=1e-12)
    np.testing.assert_allclose(s, np.linalg.svd(skewed, compute_uv=False))
    assert fs.linalg.lstsq(tall, vector)[2].dtype == np.linalg.lstsq(tall, vector)[2].dtype
    for lower in (False, True):
        np.testing.assert_allclose(fs.linalg.solve_triangular(fs.asarray(square), vector[:4], lower=lower), np.linalg.solve((np.tril if lower else np.triu)(square), vector[:4]))
    np.testing.assert_allclose(fs.linalg.tsqr(fs.asarray(tall), compute_svd=True)[1], np.linalg.svd(tall)[1])
    np.testing.assert_allclose(np.asarray(fs.linalg.sfqr(wide).Q) @ np.asarray(fs.linalg.tsqr(wide).R), wide)
    # The triangle that is not read may hold anything.
    upper = np.triu(definite) + np.tril(rng.normal(size=(4, 4)), -1)
    np.testing.assert_allclose(np.asarray(fs.linalg.eigvalsh(upper, "U")), np.linalg.eigvalsh(definite))
    complex_ = square + 1j * rng.normal(size=(4, 4))
    hermitian = complex_ @ complex_.conj().T
    values, vectors = fs.linalg.eigh(hermitian, UPLO="U")
    np.testing.assert_allclose(np.asarray(vectors * values @ vectors.conj().T), hermitian, rtol=1e-10, atol=1e-10)
    with pytest.raises(ValueError, match="UPLO is 'L' or 'U'"):
        fs.linalg.eigh(definite, "X")


def test_compressed_singular_values_are_near_the_true_ones():
    rng = np.random.default_rng(5)
    for kind in ("f8", "c16"):
        left = np.linalg.qr(rng.normal(size=(300, 20)) + (1j * rng.normal(size=(300, 20)) if kind == "c16" else 0))[0]
        right = np.linalg.qr(rng.normal(size=(200, 20)))[0]
        values = 2.0 ** -np.arange(20)
        matrix = (left * values @ right.T).astype(kind)
        a = fs.from_numpy(matrix).rechunk((50, 200))
        for how in ({}, {"n_power_iter": 2}, {"iterator": "QR", "n_power_iter": 1}):
            u, s, vh = fs.linalg.svd_compressed(a, 6, seed=3, **how)
            assert u.shape == (300, 6) and s.shape == (6,) and vh.shape == (6, 200)
            np.testing.assert_allclose(np.asarray(s), values[:6], rtol=1e-3)
            np.testing.assert_allclose(np.asarray(u * s @ vh), left[:, :6] * values[:6] @ right.T[:6], atol=2e-2)
            assert (np.real(np.asarray(vh)).sum(1) >= 0).all()
        np.testing.assert_array_equal(*(np.asarray(fs.linalg.svd_compressed(a, 3, seed=8).S) for _ in range(2)))
    for wrong in (lambda: fs.linalg.svd_compressed(rng.normal(size=3), 2), lambda: fs.linalg.svd_compressed(rng.normal(size=(3, 3)), 2, iterator="none")):
        with pytest.raises(fs.UserError):
            wrong()


def test_ndimage_equals_scipys():
    from scipy import ndimage

    rng = np.random.default_rng(18)
    x = rng.normal(size=(7, 40, 50))
    kernel = rng.normal(size=(3, 4))
    for mode in ("reflect", "mirror", "nearest", "wrap", "constant"):
        a = fs.rechunk(fs.asarray(x), (3, 16, 20))
        np.testing.assert_allclose(fs.ndimage.convolve(a, kernel, mode, 1.5, axes=(1, 2)).compute(), np.stack([ndimage.convolve(p, kernel, mode=mode, cval=1.5) for p in x]), atol=1e-12)
        np.testing.assert_allclose(fs.ndimage.correlate(a[0], kernel, mode, 2.5).compute(), ndimage.correlate(x[0], kernel, mode=mode, cval=2.5), atol=1e-12)
        np.testing.assert_allclose(fs.ndimage.gaussian_filter(a, (1.0, 2.0, 0.5), mode=mode).compute(), ndimage.gaussian_filter(x, (1.0, 2.0, 0.5), mode=mode), atol=1e-12)
        np.testing.assert_allclose(fs.ndimage.uniform_filter(a, (3, 5), mode=mode, axes=(0, 2)).compute(), ndimage.uniform_filter(x, (3, 1, 5), mode=mode), atol=1e-12)
        for name in ("minimum", "maximum", "median"):
            np.testing.assert_array_equal(getattr(fs.ndimage, f"{name}_filter")(a, 3, mode=mode).compute(), getattr(ndimage, f"{name}_filter")(x, 3, mode=mode))
        np.testing.assert_array_equal(fs.ndimage.percentile_filter(a[0], 20, 5, mode=mode).compute(), ndimage.percentile_filter(x[0], 20, 5, mode=mode))
    with pytest.raises(fs.UserError, match="mode is 'reflect'"):
        fs.ndimage.uniform_filter(x, mode="sideways")
    with pytest.raises(fs.UserError, match="weights have 1 axes"):
        fs.ndimage.convolve(x, [1, 2, 3])


def _documented():
    """Every public function and class, with its name for people."""
    import inspect

    for module in (fs, fs.linalg, fs.fft, fs.random, fs.ndimage):
        for name in getattr(module, "__all__", dir(module)):
            thing = getattr(module, name)
            if name.startswith("_") or inspect.ismodule(thing) or not callable(thing) or not getattr(thing, "__module__", "").startswith("freestone"):
                continue
            yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing):
                for part, member in vars(thing).items():
                    if not part.startswith("_") and (inspect.isfunction(member) or isinstance(member, (property, classmethod, staticmethod))):
                        yield f"{module.__name__}.{name}.{part}", getattr(member, "__func__", member)


def test_every_public_name_has_a_docstring_and_every_function_its_parameters():
    import inspect

    without, lacking = [], []
    for name, thing in _documented():
        text = inspect.getdoc(thing)
        if not text:
            without.append(name)
            continue
        if not inspect.isfunction(thing) or name.count(".") > 1 + (name.split(".")[1] in ("linalg", "fft", "random", "ndimage")):
            continue
        if "arameters are as" in text:
            continue
        section = text.partition("Parameters\n----------\n")[2]
        said = {part.strip(" *") for line in section.splitlines() if line[:1].strip() for part in line.partition(" :")[0].split(",")}
        for parameter in inspect.signature(thing).parameters:
            if parameter not in said and not parameter.startswith("_"):
                lacking.append(f"{name}({parameter})")
    assert not without, without
    assert not lacking, lacking


@pytest.mark.parametrize("p", [1, -1, np.inf, -np.inf, "fro"])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c16"])
def test_matrices_without_inverse_have_an_infinite_condition(p, dtype):
    matrices = np.array([[[1, 2], [2, 4]], [[1, 2], [3, 4]], [[0, 0], [0, 0]]], dtype)
    ours, theirs = fs.linalg.cond(matrices, p).compute(), np.linalg.cond(matrices, p)
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours[:2], theirs[:2], rtol=1e-5)
    assert np.isinf(ours[2])


@pytest.mark.parametrize(("function", "other"), [("pinv", "rcond"), ("matrix_rank", "tol")])
def test_two_tolerances_are_refused(function, other):
    with pytest.raises(ValueError, match=f"{function} takes {other}.* not both"):
        getattr(fs.linalg, function)(np.eye(2), 0.1, rtol=0.1)
