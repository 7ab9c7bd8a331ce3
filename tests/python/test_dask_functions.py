"""Functions that Dask's users call with functions and blocks of their own, against Dask: blockwise, reduction, coarsen, store, and what reads and writes."""

import operator
import threading
import time

import dask
import dask.array as da
import freestone as fs
import numpy as np
import pytest

X = np.random.default_rng(6).normal(size=(7, 10))
Y = np.random.default_rng(7).normal(size=(10, 5))


def pair(values=X, chunks=(3, 4)):
    return (fs, fs.from_numpy(values).rechunk(chunks)), (da, da.from_array(values, chunks=chunks))


def equal(call, values=X, chunks=(3, 4), rtol=0.0):
    ours, theirs = (np.asarray(call(xp, a)) for xp, a in pair(values, chunks))
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)


# blockwise


def test_blockwise_is_dasks():
    def product(a, b):
        return sum(np.dot(p, q) for p, q in zip(a, b)) if isinstance(a, list) else np.dot(a, b)

    def other(xp):
        return xp.asarray(Y).rechunk((4, 2))

    for call in (
        lambda xp, a: xp.blockwise(operator.add, "ij", a, "ij", a, "ij", dtype=float),
        lambda xp, a: xp.blockwise(operator.add, "ij", a, "ij", a[0], "j", dtype=float),
        lambda xp, a: xp.blockwise(np.transpose, "ji", a, "ij", dtype=float),
        lambda xp, a: xp.blockwise(np.multiply.outer, "ijkl", a, "ij", other(xp), "kl", dtype=float),
        lambda xp, a: xp.blockwise(lambda b, c, k: b * c + k, "ij", a, "ij", 3, None, k=0.5, dtype=float),
        lambda xp, a: xp.blockwise(lambda b: b[:, None], "izj", a, "ij", new_axes={"z": 1}, dtype=float),
        lambda xp, a: xp.blockwise(lambda b: np.stack([b] * 3), "zij", a, "ij", new_axes={"z": 3}, dtype=float),
        lambda xp, a: xp.blockwise(lambda b: np.concatenate([b, b]), "ij", a, "ij", adjust_chunks={"i": lambda n: 2 * n}, dtype=float),
        lambda xp, a: xp.blockwise(lambda b: b[:, :1], "ij", a, "ij", adjust_chunks={"j": 1}, dtype=float),
        lambda xp, a: xp.blockwise(lambda b: b[:, :1], "ij", a, "ij", adjust_chunks={"j": (1, 1, 1)}, dtype=float),
    ):  # fmt: skip
        equal(call)
    for concatenate in (True, False):
        equal(lambda xp, a, c=concatenate: xp.blockwise(product, "ik", a, "ij", other(xp), "jk", concatenate=c, dtype=float), rtol=1e-13)


def test_a_reduction_over_no_axis_is_one_of_every_block():
    for keepdims in (False, True):
        equal(
            lambda xp, a, k=keepdims: xp.reduction(
                a, lambda b, axis, keepdims: b.sum(axis, keepdims=keepdims) + len(b), lambda b, axis, keepdims: b.sum(axis, keepdims=keepdims) * 2, axis=(), keepdims=k, dtype=float
            )
        )


def test_blockwise_by_the_finest_chunks_with_blocks_of_new_axes_and_without_arrays():
    y = np.arange(10.0)

    def row(xp, each):
        return da.from_array(y, chunks=each) if xp is da else fs.asarray(y).rechunk(each)

    for call in (
        lambda xp: xp.blockwise(lambda b, c: b + c + b.shape[0], "i", row(xp, 10), "i", row(xp, 5), "i", dtype=float),
        lambda xp: xp.blockwise(lambda b, c: b * len(c), "i", row(xp, 6), "i", row(xp, 3), "i", dtype=float),
        lambda xp: xp.blockwise(lambda b: np.stack([b] * 3, -1) + len(b), "iz", row(xp, 4), "i", new_axes={"z": (3, 3)}, dtype=float),
        lambda xp: xp.blockwise(lambda b: np.full((2, len(b)), b.sum()), "zi", row(xp, 4), "i", new_axes={"z": (2, 2, 2)}, dtype=float),
        *(
            lambda xp, n=n: xp.blockwise(lambda b: np.ones((5, len(b))), "zi", row(xp, 4), "i", new_axes={"z": 2}, adjust_chunks={"z": n}, dtype=float)
            for n in (5, (5,), lambda n: 2 * n + 1)
        ),
        lambda xp: xp.blockwise(lambda: np.ones((2, 3)), "xy", new_axes={"x": 2, "y": 3}, dtype=float),
        lambda xp: xp.blockwise(lambda v: np.full((2, 3), v), "xy", 7, None, new_axes={"x": (2, 2), "y": 3}, dtype=int),
        lambda xp: xp.blockwise(lambda v: np.asarray(v * 2), "", 7, None, dtype=int),
        lambda xp: xp.blockwise(lambda b: np.repeat(b, 2), "i", row(xp, 4), "i", adjust_chunks={"i": lambda n: 2 * n}, dtype=float),
        lambda xp: row(xp, 5).map_blocks(lambda b: np.repeat(b, 3), chunks=(15,), dtype=float).map_blocks(np.cumsum, dtype=float),
    ):
        ours, theirs = call(fs), call(da)
        np.testing.assert_array_equal(ours, theirs.compute())
        assert ours.dtype == theirs.dtype and ours.chunks == theirs.chunks


def test_blockwise_gives_lists_of_the_blocks_that_dask_gives():
    seen = {}
    for xp, a in pair():
        found = seen[xp] = []

        def look(b, c, found=found):
            found.append((tuple(p.shape for p in b), tuple(tuple(p.shape for p in row) for row in c)))
            return np.zeros(b[0].shape[0])

        xp.blockwise(look, "i", a, "ij", xp.asarray(np.ones((10, 6))).rechunk((4, 4)), "jk", dtype=float).compute(scheduler="synchronous")
    assert sorted(seen[fs]) == sorted(found for found in seen[da] if found[0])  # Dask tries it on nothing, too


def test_blockwise_refuses_labels_that_do_not_fit():
    a = fs.asarray(X)
    for call, message in (
        (lambda: fs.blockwise(operator.neg, "ij", a), "in turn"), (lambda: fs.blockwise(operator.neg, "ij", a, "i"), "1 labels for an array of 2 axes"),
        (lambda: fs.blockwise(operator.neg, "i", a, "ii"), "stands twice"), (lambda: fs.blockwise(operator.neg, "ijk", a, "ij"), "new_axes={'k': length}"),
        (lambda: fs.blockwise(operator.add, "ij", a, "ij", a, "ji"), "length 10 and 7"), (lambda: fs.blockwise(operator.neg, "ij", a, "ij", new_axes={"i": 2}), "among new_axes"),
    ):  # fmt: skip
        with pytest.raises(fs.UserError, match=message):
            call()


def test_blocks_of_arrays_that_broadcast_follow_the_chunks_of_all():
    shapes = []
    a, b = fs.ones((6, 1)).rechunk((2, 1)), fs.ones((1, 9)).rechunk((1, 4))
    fs.map_blocks(lambda p, q: shapes.append((p.shape, q.shape)) or p + q, a, b, dtype=float).compute()
    assert sorted(set(shapes)) == [((2, 1), (1, 1)), ((2, 1), (1, 4))] and len(shapes) == 9


def test_unify_chunks_is_dasks():
    for made in ([fs, fs.ones((8, 6)).rechunk((4, 6)), fs.ones((6,)).rechunk(3)], [da, da.ones((8, 6), chunks=(4, 6)), da.ones(6, chunks=3)]):
        chunks, (x, y) = made[0].unify_chunks(made[1], "ij", made[2], "j")
        assert chunks == {"i": (4, 4), "j": (3, 3)} and x.chunks == ((4, 4), (3, 3)) and y.chunks == ((3, 3),)


# reduction


def sum_of(block, axis, keepdims):
    return np.sum(block, axis=axis, keepdims=keepdims)


def count_and_sum(block, axis, keepdims):
    return {"n": np.ones(block.shape).sum(axis=axis, keepdims=keepdims), "total": block.sum(axis=axis, keepdims=keepdims)}


def together(parts, axis, keepdims):
    return {key: sum_of(parts[key], axis, keepdims) for key in parts}


def mean_of(parts, axis, keepdims):
    return sum_of(parts["total"], axis, keepdims) / sum_of(parts["n"], axis, keepdims)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 2), -1])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("split_every", [None, 2, {0: 2, 1: 3, 2: 2}])
def test_reduction_is_dasks(axis, keepdims, split_every):
    values = np.random.default_rng(1).normal(size=(13, 9, 7))
    if isinstance(split_every, dict):  # Dask wants the reduced axes alone
        kept = range(3) if axis is None else [k % 3 for k in np.atleast_1d(axis)]
        split_every = {k: n for k, n in split_every.items() if k in kept}
    how = {"axis": axis, "keepdims": keepdims, "split_every": split_every, "dtype": float}
    # The same tree: the same bits.
    equal(lambda xp, a: xp.reduction(a, sum_of, sum_of, **how), values, (2, 4, 3))
    # Dicts, which this Dask does not take any more.
    ours = fs.reduction(fs.asarray(values).rechunk((2, 4, 3)), count_and_sum, mean_of, combine=together, **how)
    np.testing.assert_allclose(np.asarray(ours), values.mean(axis, keepdims=keepdims), rtol=1e-14, atol=1e-15)


def test_reduction_by_lists_weights_and_larger_parts():
    def flat(parts):
        return [q for p in parts for q in flat(p)] if isinstance(parts, list) else [parts]

    def greatest(parts, axis, keepdims):
        return np.maximum.reduce([p if isinstance(p, np.ndarray) else p[0] for p in flat(parts)]) if keepdims else np.maximum.reduce(flat(parts)).squeeze(axis)

    values = np.random.default_rng(2).normal(size=(11, 12))
    equal(lambda xp, a: xp.reduction(a, lambda b, axis, keepdims: b.max(axis, keepdims=keepdims), greatest, axis=(0, 1), concatenate=False, dtype=float), values, (2, 3))

    def weighed(block, weights=None, axis=None, keepdims=False):
        return (block * weights).sum(axis, keepdims=keepdims)

    equal(lambda xp, a: xp.reduction(a, weighed, sum_of, axis=1, weights=np.arange(12.0), dtype=float), values, (2, 3))

    def three(block, axis, keepdims):
        return -np.sort(-block, axis=axis[0])[:3]

    ours = fs.reduction(fs.asarray(values).rechunk((4, 5)), three, three, axis=0, keepdims=True, output_size=3, split_every=2)
    np.testing.assert_array_equal(np.asarray(ours), -np.sort(-values, axis=0)[:3])
    # Parts of a dtype that the engine does not have.
    pairs = fs.reduction(
        fs.asarray(values).rechunk((4, 5)), lambda b, axis, keepdims: b.sum(axis, keepdims=True).astype("f2"), lambda p, axis, keepdims: p.astype("f8").sum(axis, keepdims=keepdims)
    )
    assert pairs.dtype == np.float64 and abs(float(pairs) - values.sum()) < 0.1
    assert fs.reduction(fs.asarray(values), sum_of, sum_of).dtype == np.float64
    with pytest.raises(fs.UserError, match="of objects"):
        fs.reduction(fs.asarray(values), lambda b, axis, keepdims: {"a": object()}, mean_of)


def test_a_reduction_holds_a_few_blocks():
    # 512 MiB by blocks of 1 MiB within 64 MiB: the tree is not seen whole.
    x = fs.ones((1 << 13, 1 << 13)).rechunk((512, 256))
    most = []

    def biggest(part, axis, keepdims):
        most.append(part.size)
        return part.sum(axis=axis, keepdims=keepdims)

    assert float(fs.reduction(x, sum_of, biggest).compute(memory="64MiB")) == 2**26
    assert max(most) <= 4


# coarsen


@pytest.mark.parametrize("function", ["mean", "sum", "max", "nanmedian", "std"])
def test_coarsen_is_dasks(function):
    for axes, trim in (({0: 2}, True), ({0: 3, 1: 5}, True), ({1: 2}, False), ({-1: 5}, False)):
        if -1 not in axes:
            equal(lambda xp, a, ax=axes, t=trim: xp.coarsen(getattr(np, function), a, ax, trim_excess=t), rtol=1e-14)
        ours = fs.coarsen(getattr(fs, function), fs.asarray(X), axes, trim_excess=trim)
        own = fs.coarsen(lambda b, axis: getattr(np, function)(b, axis=axis), fs.asarray(X).rechunk((3, 4)), axes, trim_excess=trim)
        np.testing.assert_allclose(np.asarray(ours), np.asarray(own), rtol=1e-14)
    with pytest.raises(ValueError, match=r"\{0: 2\} do not align with array shape \(7, 10\)"):
        fs.coarsen(np.mean, fs.asarray(X), {0: 2})
    assert fs.coarsen(np.sum, fs.asarray(X), {0: 7}, keepdims=False).shape == (1, 10)


# store


def test_store_takes_what_dask_takes(tmp_path):
    h5py = pytest.importorskip("h5py")
    zarr = pytest.importorskip("zarr")
    big = np.random.default_rng(3).normal(size=(600, 500))
    for xp in (fs, da):
        a, b = xp.asarray(big).rechunk((100, 250)), xp.asarray(X)
        with h5py.File(tmp_path / f"{xp.__name__}.h5", "w") as file:
            first = file.create_dataset("a", (700, 500), "f8", chunks=(64, 64))
            second = zarr.create_array(store=tmp_path / f"{xp.__name__}.zarr", shape=(7, 20), dtype="f4", chunks=(2, 3))
            later = xp.store([a * 2, b], [first, second], regions=[(slice(50, 650), slice(None)), (slice(0, 7), slice(0, 20, 2))], compute=False, lock=True)
            assert not first[...].any()
            dask.compute(later)
            want = np.zeros((700, 500))
            want[50:650] = big * 2
            np.testing.assert_array_equal(first[...], want)
            np.testing.assert_array_equal(second[:, ::2], X.astype("f4"))
            assert not second[:, 1::2].any()
            target = np.zeros(X.shape)
            assert b.store(target) is None or xp is da
            np.testing.assert_array_equal(target, X)
            stored = xp.store([b, b], [np.zeros(X.shape), np.zeros((9, 10))], regions=[None, (slice(1, 8),)] if xp is fs else None, return_stored=True) if xp is fs else None
            if stored:
                assert [np.array_equal(np.asarray(s), X) for s in stored] == [True, True]
    slot = fs.delayed(lambda: target)()
    fs.store(fs.asarray(X) + 1, slot)
    np.testing.assert_array_equal(target, X + 1)
    for wrong, message in (
        (lambda: fs.store([fs.asarray(X)], [target, target]), "1 arrays, 2 targets"),
        (lambda: fs.store(fs.asarray(X), target, regions=(slice(None, None, -1),)), "step of a region is 1 or more, not -1"),
        (lambda: fs.store(fs.asarray(X), target, regions=(slice(0, 5),)), r"shape \(7, 10\) does not fit the region"),
        (lambda: fs.store(fs.asarray(X), target, regions=("a",)), "slices and whole numbers, not 'a'"),
    ):  # fmt: skip
        with pytest.raises(fs.UserError, match=message):
            wrong()
    with pytest.raises(TypeError, match="no argument 'region'"):
        fs.store(fs.asarray(X), target, region=None)


# What reads and writes.


def test_variables_of_netcdf4_are_written_one_block_at_a_time(tmp_path):
    netCDF4 = pytest.importorskip("netCDF4")
    arrays = [fs.random.default_rng(k).random((1000, 400)).rechunk((100, 100)) for k in range(4)]
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 1000)
        file.createDimension("y", 400)
        fs.store(arrays, [file.createVariable(f"v{k}", "f8", ("x", "y"), zlib=True, chunksizes=(300, 170)) for k in range(4)])
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert all(np.array_equal(file[f"v{k}"][...], a.compute()) for k, a in enumerate(arrays))


class Watched:
    """A target that sees whether two blocks come at once."""

    def __init__(self, shape):
        self.array, self.shape, self.dtype = np.zeros(shape), shape, np.dtype(float)
        self.busy, self.met = threading.Lock(), False

    def __setitem__(self, key, block):
        alone = self.busy.acquire(blocking=False)
        self.met |= not alone
        time.sleep(0.002)
        self.array[key] = block
        if alone:
            self.busy.release()


def test_regions_of_one_target_have_one_lock(tmp_path):
    zarr = pytest.importorskip("zarr")
    target = Watched((600, 500))
    fs.store([fs.ones((300, 500)), fs.full((300, 500), 2.0)], [target, target], regions=[(slice(0, 300),), (slice(300, 600),)])
    assert not target.met and np.array_equal(target.array[::300, 0], [1, 2])
    stored = zarr.create_array(store=tmp_path / "a.zarr", shape=(300, 400, 500), dtype="f8", chunks=(100, 400, 500))
    ones = fs.ones((150, 400, 500))
    fs.store([ones, ones * 2], [stored, stored], regions=[(slice(0, 150),), (slice(150, 300),)])  # both in one chunk
    assert (stored[:150] == 1).all() and (stored[150:] == 2).all()


def test_regions_with_positions_and_arrays_that_are_stored_when_computed():
    for xp in (fs, da):
        target = np.zeros((3, 7, 4, 10))
        xp.store(xp.asarray(X), target, regions=(1, slice(None), -1, slice(None)))
        want = np.zeros((3, 7, 4, 10))
        want[1, :, -1] = X
        np.testing.assert_array_equal(target, want)
    later = np.zeros((9, 10), np.float32)
    (stored,) = fs.store(fs.asarray(X), later, regions=(slice(1, 8), slice(None)), compute=False, return_stored=True)
    assert not later.any()
    np.testing.assert_array_equal(stored.max().compute(), X.astype("f4").max())
    np.testing.assert_array_equal(stored.compute(), X.astype("f4"))
    np.testing.assert_array_equal(later[1:8], X.astype("f4"))


def test_delayed_values_become_arrays():
    calls = []

    def load(k):
        calls.append(k)
        return np.full((4, 5), k, "f4")

    for xp, delayed in ((fs, fs.delayed), (da, dask.delayed), (fs, dask.delayed)):
        calls.clear()
        stack = xp.stack([xp.from_delayed(delayed(load)(k), shape=(4, 5), dtype="f4") for k in range(6)])
        assert stack.shape == (6, 4, 5) and stack.dtype == np.float32 and not calls
        np.testing.assert_array_equal(np.asarray(stack.mean(axis=(1, 2))), np.arange(6))
        assert sorted(calls) == list(range(6))
    assert fs.from_delayed(fs.delayed(lambda: 3.5)(), (), meta=np.zeros(())).compute() == 3.5
    with pytest.raises(fs.UserError, match=r"gave shape \(4, 5\)|gave 2 axes"):
        fs.from_delayed(fs.delayed(load)(1), (4,), "f4").compute()
    with pytest.raises(fs.UserError, match="Give dtype="):
        fs.from_delayed(fs.delayed(load)(1), (4, 5))
    blocks = fs.asarray(X).rechunk((3, 4)).to_delayed()
    assert blocks.shape == (3, 3) and isinstance(blocks[0, 0], fs.Delayed)
    np.testing.assert_array_equal(np.block([[b.compute() for b in row] for row in blocks]), X)


def test_stacks_of_npy_are_dasks(tmp_path):
    (_, ours), (_, theirs) = pair()
    fs.to_npy_stack(tmp_path / "ours", ours, axis=1)
    da.to_npy_stack(tmp_path / "theirs", theirs, axis=1)
    for folder in ("ours", "theirs"):
        back = fs.from_npy_stack(tmp_path / folder)
        assert back.chunks[1] == (4, 4, 2)
        np.testing.assert_array_equal(np.asarray(back), X)
        np.testing.assert_array_equal(np.asarray(da.from_npy_stack(tmp_path / folder)), X)
    (tmp_path / "ours/info").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(fs.UserError, match="holds os.system|holds posix.system"):
        fs.from_npy_stack(tmp_path / "ours")


def test_zarr_and_hdf5_by_dasks_names(tmp_path):
    h5py = pytest.importorskip("h5py")
    zarr = pytest.importorskip("zarr")
    (_, a), _ = pair()
    fs.to_zarr(a, tmp_path / "a.zarr")
    for back in (fs.from_zarr(tmp_path / "a.zarr"), fs.from_zarr(zarr.open_array(tmp_path / "a.zarr", mode="r"), chunks=(7, 2)), da.from_zarr(tmp_path / "a.zarr")):
        np.testing.assert_array_equal(np.asarray(back), X)
    assert fs.from_zarr(tmp_path / "a.zarr").chunksize == (3, 4)
    (back,) = fs.to_zarr(a, tmp_path / "group.zarr", component="x/y", return_stored=True)
    np.testing.assert_array_equal(np.asarray(back), X)
    np.testing.assert_array_equal(np.asarray(fs.from_zarr(tmp_path / "group.zarr", component="x/y")), X)
    target = zarr.create_array(store=tmp_path / "b.zarr", shape=(9, 10), dtype="f8", chunks=(3, 5))
    a.to_zarr(target, region=(slice(2, 9), slice(None)))
    np.testing.assert_array_equal(target[2:], X)
    for wrong in (lambda: a.to_zarr(tmp_path / "a.zarr", region=(slice(0, 7),)), lambda: a.to_zarr("s3://x", storage_options={"anon": True})):
        with pytest.raises(fs.UserError):
            wrong()
    a.to_hdf5(tmp_path / "a.h5", "/deep/x")
    fs.to_hdf5(tmp_path / "a.h5", {"/y": a + 1, "/z": fs.asarray(np.arange(3))}, compression="gzip")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["deep/x"].chunks == (3, 4) and file["y"].compression == "gzip"
        np.testing.assert_array_equal(file["deep/x"][...], X)
        np.testing.assert_array_equal(file["y"][...], X + 1)
        np.testing.assert_array_equal(file["z"][...], np.arange(3))


def test_from_array_takes_what_dask_takes():
    class Thing:
        shape, dtype = X.shape, X.dtype

        def __getitem__(self, key):
            return X[key]

    made = fs.from_array(Thing(), chunks=(3, 4), name=False, lock=True, asarray=False, fancy=False, meta=np.zeros(0), inline_array=True)
    np.testing.assert_array_equal(np.asarray(made), X)
    np.testing.assert_array_equal(np.asarray(fs.from_array(Thing(), getitem=lambda x, key: x[key] * 2)), 2 * X)


# Small ones.


def test_gufuncs_as_objects():
    @fs.as_gufunc(signature="(i)->()", output_dtypes=float)
    def mean(block):
        """The mean."""
        return block.mean(axis=-1)

    np.testing.assert_allclose(np.asarray(mean(fs.asarray(X))), X.mean(-1), rtol=1e-15)
    np.testing.assert_allclose(np.asarray(fs.gufunc(lambda b: b.mean(-1), signature="(i)->()", axis=0, output_dtypes=float)(fs.asarray(X))), X.mean(0), rtol=1e-14)
    assert repr(mean) == "<freestone.gufunc mean (i)->()>" and mean.__doc__ == "The mean."


def test_push_isnull_and_moment():
    holes = np.where(np.random.default_rng(4).random((9, 12)) < 0.6, np.nan, X.mean())
    holes[0, 0] = 2
    holes = np.where(np.isnan(holes), np.nan, np.random.default_rng(8).normal(size=holes.shape))

    def pushed(a, n):
        out = a.copy()
        for row in out:
            since, last = 0, np.nan
            for k, value in enumerate(row):
                since, last = (0, value) if not np.isnan(value) else (since + 1, last)
                row[k] = last if n is None or since <= n else np.nan
        return out

    for n in (None, 1, 3, 50):
        np.testing.assert_array_equal(np.asarray(fs.push(fs.asarray(holes), n, 1)), pushed(holes, n))
        np.testing.assert_array_equal(np.asarray(fs.push(fs.asarray(holes.T), n, 0)), pushed(holes, n).T)
    assert fs.push(fs.asarray([1, 2]), None, 0).dtype == np.int64
    equal(lambda xp, a: xp.isnull(a), holes)
    equal(lambda xp, a: xp.notnull(a), holes)
    equal(lambda xp, a: xp.moment(a, 3, axis=0), rtol=1e-13)
    assert fs.euler_gamma == np.euler_gamma


# Names and arguments.


def test_arguments_that_dasks_functions_have():
    square = X[:7, :7] + 4 * np.eye(7)
    definite = square @ square.T
    for call in (
        lambda xp, a: xp.concatenate([a, a], axis=1, allow_unknown_chunksizes=True),
        lambda xp, a: xp.shuffle(a, [[1, 0], [5, 3, 3]], axis=0),
        lambda xp, a: xp.triu(a, 1) + xp.tril(a, -2),
        lambda xp, a: xp.fft.fft_wrap(np.fft.rfft)(a.rechunk((3, -1))),
        lambda xp, a: xp.fft.fftfreq(10, 0.1, chunks=5),
        lambda xp, a: xp.fft.rfftfreq(10, chunks=5),
        lambda xp, a: xp.linalg.cholesky(xp.asarray(definite).rechunk((7, 7)), lower=True),
        lambda xp, a: xp.linalg.cholesky(xp.asarray(definite).rechunk((7, 7)), lower=False),
        lambda xp, a: xp.linalg.solve(xp.asarray(definite).rechunk((7, 7)), xp.asarray(X[:, 0]).rechunk(7), sym_pos=True),
        lambda xp, a: xp.linalg.solve(xp.asarray(square).rechunk((7, 7)), xp.asarray(X[:, 0]).rechunk(7), assume_a="gen"),
        lambda xp, a: xp.histogramdd(a[:, :2].rechunk((3, 2)), bins=(4, 3), range=((-3, 3), (-3, 3)))[0],
        lambda xp, a: xp.histogram2d(a[0], a[1], bins=4, range=((-3, 3), (-3, 3)))[0],
        *(lambda xp, a, k=k: xp.linalg.lu(xp.asarray(square).rechunk((7, 7)))[k] for k in range(3)),
    ):
        equal(call, rtol=1e-12)
    stack = np.random.default_rng(8).normal(size=(3, 4, 4))
    p, lower, upper = (np.asarray(part) for part in fs.linalg.lu(fs.asarray(stack)))
    np.testing.assert_allclose(p @ lower @ upper, stack, atol=1e-12)
    with pytest.raises(ValueError, match="no Fourier transform"):
        fs.fft.fft_wrap(np.fft.fftshift)


# Results.


def test_compute_and_persist_look_into_lists_and_dicts():
    inc = fs.delayed(lambda v: v + 1)
    a = fs.asarray(X)
    nested = {"a": inc(1), "b": [a.sum(), (inc(2), "text", 5)], "c": {"d": a[0]}}
    (made,) = fs.compute(nested)
    assert made["a"] == 2 and made["b"][1] == (3, "text", 5) and list(made) == ["a", "b", "c"]
    np.testing.assert_allclose(made["b"][0], X.sum())
    np.testing.assert_array_equal(made["c"]["d"], X[0])
    assert fs.compute([inc(k) for k in range(4)]) == ([1, 2, 3, 4],)
    same = inc(1)
    assert fs.compute([same, same], 3) == ([2, 2], 3)
    assert fs.compute([inc(1)], traverse=False)[0][0].compute() == 2
    # Collections of others.
    xr = pytest.importorskip("xarray")
    labelled, number = fs.compute(xr.DataArray(a, dims=("y", "x")).mean("y"), [da.ones(3).sum()])
    np.testing.assert_allclose(labelled.values, X.mean(0))
    assert isinstance(labelled.data, np.ndarray) and number == [3.0]
    calls = []
    kept, [other], word = fs.persist(fs.delayed(lambda: calls.append(1) or 7)(), [a * 2], "word")
    assert kept.compute() == 7 and (kept + 1).compute() == 8 and calls == [1] and word == "word"
    np.testing.assert_array_equal(np.asarray(other), X * 2)


def test_work_that_waits_for_work_does_not_stand_in_its_way():
    # More tasks than threads, each of which waits for another one, two deep.
    def deeper(k):
        return fs.submit(lambda: fs.submit(operator.add, k, 1).result() + 1).result() + 1

    assert fs.gather(fs.map(deeper, range(12))) == [k + 3 for k in range(12)]
    assert fs.gather(fs.map(lambda k: fs.delayed(operator.neg)(k).compute(), range(12))) == [-k for k in range(12)]
    # Delayed values that are arrays of delayed values that are arrays.
    blocks = fs.stack([fs.from_delayed(fs.delayed(np.full)((4, 5), k), (4, 5), float) for k in range(12)]).to_delayed().ravel()
    assert fs.compute([fs.delayed(np.mean)(block) for block in blocks]) == ([float(k) for k in range(12)],)


def test_one_thread_runs_delayed_calls_by_itself():
    threads = []

    def look(*values):
        threads.append(threading.get_ident())
        return sum(values)

    look_later = fs.delayed(look)
    shared = look_later(1, fs.scatter(2))
    total = look_later(shared, look_later(shared, [3, 4][0]), fs.submit(abs, -5))
    assert total.compute(scheduler="synchronous") == 14 and set(threads) == {threading.get_ident()} and len(threads) == 3
    deep = look_later(0)
    for _ in range(3000):
        deep = deep + 1
    assert deep.compute(scheduler="sync") == deep.compute() == 3000


def test_values_are_scattered_as_by_a_client():
    futures = fs.scatter([1, "two"])
    assert [f.result() for f in futures] == [1, "two"] and fs.scatter({"a": 3})["a"].result() == 3 and fs.scatter(4).result() == 4
    assert fs.submit(operator.add, fs.scatter(5), 1).result() == 6


def test_calls_are_drawn(tmp_path):
    inc = fs.delayed(lambda v: v + 1)
    total = fs.delayed(sum)([inc(k, dask_key_name=f"inc-{k}") for k in range(3)])
    picture = total.visualize(tmp_path / "calls.svg")
    text = (tmp_path / "calls.svg").read_text()
    assert all(f"inc-{k}" in text for k in range(3)) and total.key in text and picture.path == str(tmp_path / "calls.svg")
    assert fs.visualize(total, inc(9), filename=tmp_path / "two.pdf").path.endswith("two.pdf") and (tmp_path / "two.pdf").stat().st_size > 500
