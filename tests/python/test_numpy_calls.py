"""NumPy's functions called on lazy arrays with NumPy's own arguments: the result stays lazy and is NumPy's; what writes, writes."""

import freestone as fs
import numpy as np
import pytest

SEED = 31
RNG = np.random.default_rng(SEED)
X = RNG.normal(size=(4, 6))
X[1, 2] = np.nan
WHOLE = RNG.integers(-9, 9, (4, 6))
MASK = WHOLE > 0
VECTOR = X[0]
WEIGHTS = np.array([1, 2, 1, 1, 3, 2])


def close(got, want, label):
    if isinstance(want, (tuple, list)):
        assert len(got) == len(want), label
        for one, other in zip(got, want):
            close(one, other, label)
        return
    values, wanted = np.asarray(got), np.asarray(want)
    assert values.shape == wanted.shape, label
    assert values.dtype == wanted.dtype, f"{label}: {values.dtype}, not {wanted.dtype}"
    np.testing.assert_allclose(values, wanted, rtol=1e-12, atol=1e-13, err_msg=label)


def lazy(value):
    return all(lazy(part) for part in value) if isinstance(value, (tuple, list)) else isinstance(value, fs.Array)


# What is called, of an array x, one of whole numbers n and a vector v.
CALLS = {
    "sum where": lambda x, n, v: np.sum(x, axis=0, where=MASK),
    "sum by name": lambda x, n, v: np.sum(a=x, axis=1, keepdims=True),
    "sum by position": lambda x, n, v: np.sum(x, 0, None, None, True),
    "sum initial": lambda x, n, v: np.sum(n, initial=5),
    "prod where initial": lambda x, n, v: np.prod(x, axis=1, initial=2.0, where=MASK),
    "max initial": lambda x, n, v: np.max(n, axis=0, initial=3),
    "min where": lambda x, n, v: np.min(n, axis=1, initial=8, where=MASK),
    "nanmax initial": lambda x, n, v: np.nanmax(x, axis=0, initial=0.5),
    "nansum where": lambda x, n, v: np.nansum(x, axis=0, where=MASK, initial=1.0),
    "mean where": lambda x, n, v: np.mean(n, axis=1, where=MASK),
    "nanmean where": lambda x, n, v: np.nanmean(x, axis=(0, 1), where=MASK),
    "std where": lambda x, n, v: np.std(n, axis=1, ddof=1, where=MASK, keepdims=True),
    "nanvar where": lambda x, n, v: np.nanvar(x, where=MASK),
    "std by position": lambda x, n, v: np.std(x, 0, None, None, 1),
    "std correction": lambda x, n, v: np.std(x, axis=0, correction=1),
    "any where": lambda x, n, v: np.any(n, axis=0, where=MASK),
    "all where": lambda x, n, v: np.all(n, where=MASK),
    "maximum.reduce initial": lambda x, n, v: np.maximum.reduce(n, axis=0, initial=0),
    "add.reduce where": lambda x, n, v: np.add.reduce(n, where=MASK),
    "add casting": lambda x, n, v: np.add(x, 1, casting="same_kind"),
    "median by position": lambda x, n, v: np.median(x, 0, None, False, True),
    "clip by name": lambda x, n, v: np.clip(x, a_min=0, a_max=1),
    "nan_to_num by position": lambda x, n, v: np.nan_to_num(x, True, 5.0),
    "angle": lambda x, n, v: np.angle(x + 1j, deg=True),
    "svd of values only": lambda x, n, v: np.linalg.svd(n, compute_uv=False),
    "stack dtype": lambda x, n, v: np.stack([x, x], 1, dtype="f4"),
    "vstack dtype": lambda x, n, v: np.vstack([x, x], dtype="f4"),
    "concatenate casting": lambda x, n, v: np.concatenate([x, n], 1, dtype="f4", casting="same_kind"),
    "block": lambda x, n, v: np.block([[x, x + 1], [np.ones((1, 6)), np.zeros((1, 6))]]),
    "block of vectors": lambda x, n, v: np.block([v, 3, v]),
    "apply_over_axes": lambda x, n, v: np.apply_over_axes(np.sum, x, [0, 1]),
    "piecewise": lambda x, n, v: np.piecewise(x, [x < 0, x > 1], [lambda q: -q, 7.0, np.sqrt(np.e)]),
    "i0": lambda x, n, v: np.i0(v),
    "fix": lambda x, n, v: np.fix(x * 9),
    "iscomplex": lambda x, n, v: np.iscomplex(x),
    "isreal": lambda x, n, v: np.isreal(n),
    "spacing": lambda x, n, v: np.spacing(v),
    "unravel_index": lambda x, n, v: np.unravel_index(abs(n), (3, 2, 5)),
    "unravel_index F": lambda x, n, v: np.unravel_index(abs(n), (3, 2, 5), order="F"),
    "ravel_multi_index": lambda x, n, v: np.ravel_multi_index((abs(n) % 4, abs(n) % 7), (4, 7)),
    "ravel_multi_index modes": lambda x, n, v: np.ravel_multi_index((n, n), (4, 7), mode=("wrap", "clip"), order="F"),
    "tril_indices_from": lambda x, n, v: np.tril_indices_from(x, -1),
    "triu_indices_from": lambda x, n, v: np.triu_indices_from(x, 2),
    "ix_": lambda x, n, v: np.ix_(v > 0, n[0]),
    "lexsort": lambda x, n, v: np.lexsort((v, abs(n[0]) % 2)),
    "trim_zeros": lambda x, n, v: np.trim_zeros(np.concatenate([v * 0, v, v * 0]), "f"),
    "resize": lambda x, n, v: np.resize(n, (5, 7)),
    "vander": lambda x, n, v: np.vander(v, 3, increasing=True),
    "diagflat": lambda x, n, v: np.diagflat(n[:2, :2], 1),
    "cov fweights": lambda x, n, v: np.cov(n, fweights=WEIGHTS),
    "cov aweights": lambda x, n, v: np.cov(n, aweights=WEIGHTS / 2, ddof=0),
    "cov of both": lambda x, n, v: np.cov(n.T, rowvar=False, fweights=WEIGHTS, aweights=WEIGHTS / 3),
    "ediff1d": lambda x, n, v: np.ediff1d(v, to_end=[1.0, 2.0], to_begin=0.0),
    "histogram rule": lambda x, n, v: np.histogram(v, bins="sturges"),
    "histogram2d edges": lambda x, n, v: np.histogram2d(v, n[0] * 1.0, bins=[[-1, 0.5, 2], [-9, 0, 8]]),
    "histogram2d the same edges": lambda x, n, v: np.histogram2d(v, v, bins=[-2.0, 0.0, 0.5, 2.0], density=True),
    "histogramdd mixed": lambda x, n, v: np.histogramdd((n.T * 1.0)[:, :2], bins=[3, [-9, -2, 0, 8]], weights=WEIGHTS * 1.0),
    "linspace of arrays": lambda x, n, v: np.linspace(v, 3 * v + 1, 5, axis=1),
    "einsum of numbers": lambda x, n, v: np.einsum(n, [0, 1], v, [1], [0]),
    "interp period": lambda x, n, v: np.interp(v, [5.0, 1.0, 3.0], [1.0, 2.0, -1.0], period=6),
    "unique axis": lambda x, n, v: np.unique(n % 2, axis=1, return_counts=True),
    "zeros like": lambda x, n, v: np.zeros((2, 3), like=x),
    "arange like": lambda x, n, v: np.arange(1, 7, 2, like=x),
    "eye like": lambda x, n, v: np.eye(3, 4, k=1, like=x),
    "asarray like": lambda x, n, v: np.asarray([1, 2], dtype="f4", like=x),
    "convolve": lambda x, n, v: np.convolve(v, [1.0, 2.0, 0.5]),
    "sliding windows": lambda x, n, v: np.lib.stride_tricks.sliding_window_view(x, 3, axis=1),
    "tensordot by name": lambda x, n, v: np.tensordot(a=x, b=v, axes=1),
    "roll by name": lambda x, n, v: np.roll(a=x, shift=2, axis=1),
    "isin kind": lambda x, n, v: np.isin(n, [1, 2, -3], kind="sort"),
    "reshape order": lambda x, n, v: np.reshape(n, (6, 4), order="F"),
    "ravel order": lambda x, n, v: np.ravel(n, order="F"),
}


@pytest.mark.parametrize("name", CALLS)
def test_stays_lazy_and_is_numpys(name):
    with np.errstate(all="ignore"):
        want = CALLS[name](X, WHOLE, VECTOR)
    got = CALLS[name](fs.from_numpy(X), fs.from_numpy(WHOLE), fs.from_numpy(VECTOR))
    assert lazy(got), f"{name}: {got!r}"
    close(got, want, name)


def test_reductions_of_nothing_with_initial():
    for shape, axis in (((0, 3), 0), ((3, 0), None), ((2, 0, 4), (0, 1))):
        x = np.zeros(shape)
        for name in ("sum", "prod", "min", "max", "nanmin", "nanmax"):
            for keepdims in (False, True):
                close(getattr(fs, name)(fs.from_numpy(x), axis, initial=2.0, keepdims=keepdims), getattr(np, name)(x, axis, initial=2.0, keepdims=keepdims), name)
    with pytest.raises(ValueError, match="initial"):
        fs.max(fs.ones(3), where=[True, False, True])


def test_reductions_where_of_every_type():
    for dtype in ("?", "i1", "u2", "i8", "f4", "f8", "c8", "c16"):
        x = (RNG.normal(size=(5, 4)) * 5).astype(dtype)
        kept = RNG.random((5, 4)) < 0.6
        for name in ("sum", "prod", "mean", "std", "var", "any", "all", "nansum", "nanmean"):
            for axis in (None, 0, (0, 1)):
                if dtype == "?" and name in ("std", "var"):
                    continue
                with np.errstate(all="ignore"):
                    want = getattr(np, name)(x, axis=axis, where=kept)
                got = getattr(fs, name)(fs.from_numpy(x), axis=axis, where=kept)
                assert got.dtype == want.dtype, (name, dtype)
                np.testing.assert_allclose(np.asarray(got), want, rtol=3e-5 if dtype in ("f4", "c8") else 1e-11, err_msg=f"{name} {dtype} {axis}")


def test_functions_that_write_make_the_array_stand_for_the_result():
    big = RNG.normal(size=(90, 120))  # too big to be changed in memory at once
    for x in (X, big):
        mask, whole = x > 0.3, np.arange(x.size).reshape(x.shape)
        writes = {
            "copyto": lambda a: np.copyto(a, 3),
            "copyto where": lambda a: np.copyto(a, whole, casting="unsafe", where=mask),
            "copyto row": lambda a: np.copyto(a, np.arange(x.shape[1])),
            "putmask": lambda a: np.putmask(a, mask, [1.0, 2.0, 3.0]),
            "putmask one": lambda a: np.putmask(a, mask, 7),
            "place": lambda a: np.place(a, mask, [4.0, 5.0]),
            "put": lambda a: np.put(a, [0, 5, -1], [8.0, 9.0]),
            "put clip": lambda a: np.put(a, [0, 10**6], 1.5, mode="clip"),
            "fill_diagonal": lambda a: np.fill_diagonal(a, [1.0, 2.0]),
            "fill_diagonal wrap": lambda a: np.fill_diagonal(a, 0, wrap=True),
            "put_along_axis": lambda a: np.put_along_axis(a, np.zeros((x.shape[0], 1), int), 5.0, 1),
            "nan_to_num": lambda a: np.nan_to_num(a, copy=False, nan=4.0),
        }
        for name, write in writes.items():
            want, a = x.copy(), fs.from_numpy(x)
            before = a + 0
            write(want)
            write(a)
            np.testing.assert_array_equal(np.asarray(a), want, err_msg=name)
            np.testing.assert_array_equal(np.asarray(before), x, err_msg=f"{name}: an array made before")
    tall, a = np.zeros((7, 3)), fs.zeros((7, 3))
    np.fill_diagonal(tall, 1, wrap=True)
    np.fill_diagonal(a, 1, wrap=True)
    np.testing.assert_array_equal(np.asarray(a), tall)
    target = np.zeros(3)
    np.copyto(target, fs.arange(3))
    assert target.tolist() == [0, 1, 2]
    with pytest.raises(TypeError, match="same_kind"):
        np.copyto(fs.arange(3), 1.5 * fs.ones(3))


def test_convolution_with_numpys_modes():
    for trial in range(60):
        n, m = (int(k) for k in RNG.integers(1, 12, 2))
        kinds = RNG.choice(["f8", "f4", "i4", "u1", "c16", "?"], 2)
        a, v = (RNG.integers(-4, 5, k).astype(kind) for k, kind in zip((n, m), kinds))
        for mode in ("full", "same", "valid"):
            label = f"{a.tolist()} with {v.tolist()}, {mode}, {kinds}, trial {trial}, seed {SEED}"
            close(fs.convolve(fs.from_numpy(a), v, mode=mode), np.convolve(a, v, mode), label)
            close(np.convolve(fs.from_numpy(a), v, mode=mode), np.convolve(a, v, mode), label)
            close(np.correlate(fs.from_numpy(a), fs.from_numpy(v), mode), np.correlate(a, v, mode), label)
    rows = RNG.normal(size=(3, 9))
    for mode in ("full", "same", "valid"):
        want = np.array([np.convolve(row, [1.0, -2.0], mode) for row in rows])
        close(fs.convolve(fs.from_numpy(rows), [1.0, -2.0], axis=1, mode=mode), want, mode)
        close(fs.convolve(fs.from_numpy(rows.T), [1.0, -2.0], axis=0, mode=mode), want.T, mode)
    assert np.isnan(np.asarray(fs.convolve([1.0, np.nan, 2.0], [1.0, 1.0], mode="full"))).tolist() == [False, True, True, False]
    with pytest.raises(fs.UserError, match="'full', 'same' or 'valid'"):
        fs.convolve(fs.ones(4), [1.0], mode="reflect")


def test_gradient_at_even_coordinates_is_that_of_a_distance():
    for dtype in ("f4", "f8", "c8"):
        x = RNG.normal(size=(7, 5)).astype(dtype)
        x[3, 2] = np.nan
        for places in (np.arange(7) * 0.5, np.array([0, 1, 3, 4, 8, 9, 9.5])):
            got, want = fs.gradient(fs.from_numpy(x), places, axis=0), np.gradient(x, places, axis=0)
            assert got.dtype == want.dtype
            np.testing.assert_allclose(np.asarray(got), want, rtol=1e-5, atol=1e-6)


def test_methods_that_work_in_place():
    a, x = fs.from_numpy(WHOLE), WHOLE.copy()
    before = a + 0
    assert a.sort(axis=0) is None
    x.sort(axis=0)
    np.testing.assert_array_equal(np.asarray(a), x)
    a.put([0, -1], [70, 80])
    x.put([0, -1], [70, 80])
    np.testing.assert_array_equal(np.asarray(a), x)
    np.testing.assert_array_equal(np.asarray(before), WHOLE)


def test_padding_complex_arrays():
    for dtype in ("c8", "c16"):
        x = (RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))).astype(dtype)
        for options in ({"mode": "linear_ramp"}, {"mode": "linear_ramp", "end_values": 2 - 3j}, {"constant_values": 1j}, {"constant_values": (1, 2j)}, {"mode": "mean"}):
            got, want = fs.pad(fs.from_numpy(x), ((1, 2), (2, 0)), **options), np.pad(x, ((1, 2), (2, 0)), **options)
            assert got.dtype == want.dtype
            np.testing.assert_allclose(np.asarray(got), want, rtol=1e-5, err_msg=str(options))
