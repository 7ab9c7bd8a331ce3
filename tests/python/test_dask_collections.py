"""Arrays in Dask's graphs, and arrays that go to Dask and come back."""

import _thread
import pickle
import sys
import time
import warnings

import freestone as fs
import numpy as np
import pytest

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")


def test_dask_computes_arrays_of_both_kinds_at_once():
    x = np.random.default_rng(1).normal(size=(40, 30))
    a, d = fs.asarray(x), da.from_array(x, chunks=(10, 30))
    assert dask.compute(a[0, 0], d[0, 1], a[0, 2], d[0, 3]) == tuple(x[0, :4])
    assert dask.compute(d[0, 1], a[0, 2], d[0, 3], a[0, 0]) == tuple(x[0, [1, 2, 3, 0]])
    assert dask.compute(dask.delayed(1), fs.delayed(pow)(2, 3), dask.delayed(5), fs.delayed(7)) == (1, 8, 5, 7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours, theirs, inside = dask.compute(a.sum(axis=0), d.sum(axis=0), {"most": a.max(), "list": [a.min(), 3]})
    np.testing.assert_allclose(ours, theirs)
    assert inside == {"most": x.max(), "list": [x.min(), 3]}
    np.testing.assert_array_equal(dask.delayed(np.sort)(a[:, 0]).compute(), np.sort(x[:, 0]))
    (kept,) = dask.persist(a + 1)
    assert type(kept) is fs.Array
    np.testing.assert_array_equal(kept.compute(), x + 1)


@pytest.mark.parametrize("scheduler", ["threads", "sync"])
def test_several_arrays_in_one_graph_share_a_run(scheduler, tmp_path):
    x = np.random.default_rng(2).normal(size=(300, 1000))
    fs.write({tmp_path / "x.npy": x})
    a = fs.open(tmp_path / "x.npy")
    with fs.profile() as alone:
        a.sum().compute()
    with fs.profile() as p:
        total, most, scaled = dask.compute(a.sum(), a.max(), (a * 2).min(), scheduler=scheduler)
    assert p.bytes_read == alone.bytes_read
    np.testing.assert_allclose([total, most, scaled], [x.sum(), x.max(), 2 * x.min()])


def test_libraries_that_look_for_dask_arrays_do_not_take_ours_for_one():
    a = fs.asarray(np.ones((3, 4)))
    assert not dask.is_dask_collection(a)
    xarray = pytest.importorskip("xarray")
    from xarray.namedarray.pycompat import is_duck_dask_array

    assert not is_duck_dask_array(a)
    labelled = (a * 2).to_xarray(["y", "x"], name="twice", attrs={"units": "K"})
    assert isinstance(labelled, xarray.DataArray) and isinstance(labelled.data, fs.Array)
    np.testing.assert_array_equal(np.asarray(labelled.data), np.full((3, 4), 2.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(da.from_array(a, chunks=2).sum().compute(), 12)


def test_tokens_follow_operations_elements_and_files(tmp_path):
    x = np.arange(10.0)
    token = dask.base.tokenize
    assert token(fs.asarray(x) + 1) == token(fs.asarray(x.copy()) + 1)
    assert token(fs.asarray(x) + 1) != token(fs.asarray(x) + 2)
    assert token(fs.asarray(x) + 1) != token(fs.asarray(x[::-1]) + 1)
    assert token(fs.asarray(x)) != token(fs.asarray(x.reshape(2, 5)))
    fs.write({tmp_path / "x.npy": x})
    a = fs.open(tmp_path / "x.npy")
    before = token(a)
    assert before == token(pickle.loads(pickle.dumps(a)))
    fs.write({tmp_path / "x.npy": x + 1}, overwrite=True)
    assert before != token(fs.open(tmp_path / "x.npy"))


def test_arrays_of_one_name_are_two_arrays():
    class Filled:
        shape, dtype = (4, 3), np.dtype("f8")

        def __init__(self, value):
            self.value = value

        def __getitem__(self, key):
            return np.full(self.shape, self.value)[key]

    a, b = (fs.from_array(Filled(value), name="field") for value in (1.0, 2.0))
    assert dask.base.tokenize(a) != dask.base.tokenize(b)
    assert dask.base.tokenize(a) == dask.base.tokenize(pickle.loads(pickle.dumps(a))) != dask.base.tokenize(pickle.loads(pickle.dumps(b)))
    ours = dask.compute(a.sum(), b.sum(), a.to_dask(chunks=2).sum() + b.to_dask(chunks=2).sum())
    assert ours == (12, 24, 36)
    d = [da.full((4, 3), value, chunks=2) for value in (1.0, 2.0)]
    assert dask.compute(*(fs.from_dask(one).sum() for one in d)) == (12, 24)


def test_elements_are_hashed_once(monkeypatch):
    from freestone import _core

    hashed = []
    describe = _core.describe_graph
    monkeypatch.setattr(_core, "describe_graph", lambda core: (hashed.append(1), describe(core))[1])
    a = fs.asarray(np.arange(12.0))
    np.testing.assert_array_equal(dask.compute(a)[0], np.arange(12.0))
    dask.compute(a, a)
    a.to_dask()
    token = dask.base.tokenize(a)
    assert len(hashed) == 1
    a[0] = 5  # another array
    assert dask.base.tokenize(a) != token and len(hashed) == 2
    assert dask.compute(a)[0][0] == 5


def test_to_dask_is_lazy_and_has_a_task_a_chunk(tmp_path):
    x = np.random.default_rng(3).integers(0, 100, (50, 70)).astype("i4")
    fs.asarray(x).write(tmp_path / "x.zarr", chunks=(20, 30))
    a = fs.open(tmp_path / "x.zarr")
    with fs.profile() as p:
        d = (a + 1).to_dask()
        part = d[3:8, ::7]
    assert p.bytes_read == 0
    assert d.chunks == ((20, 20, 10), (30, 30, 10)) and d.dtype == x.dtype
    np.testing.assert_array_equal(part.compute(), x[3:8, ::7] + 1)
    np.testing.assert_array_equal(d.T.sum(axis=0).compute(), (x + 1).sum(axis=1))
    assert (a + 1).to_dask(chunks=(50, 35)).chunks == ((50,), (35, 35))
    assert fs.asarray(x).to_dask().compute().tolist() == x.tolist()


def test_from_dask_computes_blocks_when_they_are_read():
    x = np.random.default_rng(4).normal(size=(60, 50))
    calls = []

    def noted(block):
        calls.append(block.shape)
        return block * 2

    d = da.from_array(x, chunks=(20, 25)).map_blocks(noted, dtype="f8", meta=np.empty((0, 0)))
    a = fs.from_dask(d)
    assert a.shape == x.shape and a.chunksize == (20, 25) and a.dtype == x.dtype and calls == []
    np.testing.assert_array_equal(a[:20, 25:].compute(), 2 * x[:20, 25:])
    assert calls == [(20, 25)]
    np.testing.assert_allclose((a.mean(axis=0) + 1).compute(), (2 * x).mean(axis=0) + 1)
    np.testing.assert_array_equal(fs.from_array(d)[3:44:7, ::-1].compute(), 2 * x[3:44:7, ::-1])
    back = pickle.loads(pickle.dumps(a))
    np.testing.assert_array_equal(back.compute(), 2 * x)


def test_from_dask_of_irregular_chunks_and_of_what_all_blocks_need():
    x = np.random.default_rng(5).normal(size=(60, 50))
    d = da.from_array(x, chunks=((7, 30, 23), (50,)))
    a = fs.from_dask(d - d.mean())
    with fs.settings(threads=2, memory="64MiB"):
        np.testing.assert_allclose(a.compute(), x - x.mean(), atol=1e-14)
        np.testing.assert_allclose(a[5:40, 3].compute(), (x - x.mean())[5:40, 3], atol=1e-14)
    means = []
    slow = da.from_array(x, chunks=(10, 50)).map_blocks(lambda b: means.append(1) or b.mean(keepdims=True), chunks=(1, 1), dtype="f8", meta=np.empty((0, 0)))
    shared = fs.from_dask(da.from_array(x, chunks=(10, 50)) - slow.sum())
    np.testing.assert_allclose(shared.compute(), x - sum(x[k : k + 10].mean() for k in range(0, 60, 10)), atol=1e-13)
    assert len(means) == 6  # not for each block
    empty = fs.from_dask(da.zeros((0, 4), chunks=(1, 2)))
    assert empty.compute().shape == (0, 4)
    assert fs.from_dask(da.from_array(x, chunks=30).sum()).compute() == pytest.approx(x.sum())


def test_from_dask_names_what_it_cannot_take():
    d = da.from_array(np.arange(10.0), chunks=5)
    with pytest.raises(fs.UserError, match="compute_chunk_sizes"):
        fs.from_dask(d[d > 3])
    with pytest.raises(fs.UserError, match="not ndarray"):
        fs.from_dask(np.arange(3))
    with pytest.raises(ValueError, match="could not convert"):
        fs.from_dask(d.map_blocks(lambda b: float("broken"), dtype="f8", meta=np.empty(0))).compute()
    with pytest.raises(fs.UserError, match="the array says"):
        fs.from_dask(d.map_blocks(lambda b: b[:2], dtype="f8", meta=np.empty(0))).compute()


def test_there_and_back_again_in_little_memory(tmp_path):
    x = np.random.default_rng(6).normal(size=(400, 1000)).astype("f4")
    fs.asarray(x).write(tmp_path / "x.zarr", chunks=(50, 1000))
    with fs.settings(memory="64MiB", threads=2):
        d = (fs.open(tmp_path / "x.zarr") * 2).to_dask()
        a = fs.from_dask(d + 1) - 1
        np.testing.assert_allclose(a.compute(), 2 * x, atol=1e-5)
        nested = fs.from_dask(fs.from_dask(a.to_dask() * 2).to_dask() + 1, num_workers=1)
        np.testing.assert_allclose(nested.compute(), 4 * x + 1, atol=1e-4)
        a.write(tmp_path / "y.zarr")
    np.testing.assert_allclose(fs.open(tmp_path / "y.zarr").compute(), 2 * x, atol=1e-5)


def test_from_array_reads_part_by_part(tmp_path):
    x = np.random.default_rng(7).integers(0, 9, (40, 30)).astype(">i4")
    read = []

    class File:
        shape, dtype, chunks = x.shape, x.dtype, (10, 30)

        def __getitem__(self, key):
            read.append(key)
            return x[key]

    a = fs.from_array(File())
    assert a.chunksize == (10, 30) and a.dtype == np.dtype("i4") and not read
    np.testing.assert_array_equal(a[12:17].compute(), x[12:17])
    assert all(key[0].start >= 10 and key[0].stop <= 20 for key in read)
    assert fs.from_array(File(), chunks=(20, 15)).chunksize == (20, 15)
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", data=x, chunks=(8, 30))
        np.testing.assert_array_equal(fs.from_array(file["x"], lock=True).sum(axis=0).compute(), x.sum(axis=0))
    masked = np.ma.masked_equal(np.arange(5.0), 3)
    np.testing.assert_array_equal(fs.from_array(masked).compute(), [0, 1, 2, np.nan, 4])

    class Short(File):
        def __getitem__(self, key):
            return x[:1]

    with pytest.raises(fs.UserError, match="it was said to be int32 of"):
        fs.from_array(Short(), name="short").compute()
    with pytest.raises(fs.UserError, match="indexing, not int"):
        fs.from_array(3)


def test_workers_have_dasks_names_everywhere():
    a = fs.asarray(np.arange(6.0))
    seen = []
    noting = a.map_blocks(lambda b: seen.append(fs.get_settings()["threads"]) or b, dtype="f8")
    assert a.compute(num_workers=4, scheduler="threads").tolist() == a.compute(scheduler="sync").tolist()
    assert fs.compute(a.sum(), noting, num_workers=1)[0] == 15 and fs.compute(a.sum(), scheduler="synchronous") == (15,)
    assert fs.delayed(lambda: 3)().compute(num_workers=2, scheduler="threads") == 3
    assert a.persist(num_workers=2).compute().tolist() == a.compute().tolist()
    with pytest.raises(fs.UserError, match="scheduler is"):
        fs.compute(a, scheduler="processes")


def test_blocks_of_an_array_that_dask_takes_are_numpys(tmp_path, monkeypatch):
    x = np.random.default_rng(8).normal(size=(30, 40)).astype("f4")
    a = fs.asarray(x).rechunk((10, 20))
    seen = []

    def look(block):
        seen.append(type(block))
        return block + 1

    d = da.from_array(a, chunks=a.chunksize)
    assert d.chunks == a.chunks and type(d._meta) is np.ndarray
    np.testing.assert_array_equal(d.map_blocks(look, dtype="f4").compute(scheduler="sync"), x + 1)
    assert set(seen) == {np.ndarray}
    assert da.from_array(a, chunks=15).name == da.from_array(fs.asarray(x).rechunk((10, 20)), chunks=15).name
    assert isinstance(a.copy(), fs.Array)
    failed = []
    monkeypatch.setattr(sys, "unraisablehook", failed.append)
    _thread.start_new_thread(a.copy, ())  # nobody calls it
    time.sleep(0.1)
    assert not failed
    # xarray, where ``chunk`` means Dask, and what follows takes blocks as they are.
    xr = pytest.importorskip("xarray")
    ds = xr.Dataset({"t": (("time", "x"), a)}, coords={"time": np.arange(30)}).chunk(time=10)
    assert isinstance(ds.t.data, da.Array)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds.isel(time=slice(0, 10)).to_zarr(tmp_path / "t.zarr")
        ds.isel(time=slice(10, 30)).to_zarr(tmp_path / "t.zarr", append_dim="time")
        with xr.open_zarr(tmp_path / "t.zarr") as back:
            np.testing.assert_array_equal(back.t.values, x)
    np.testing.assert_allclose(ds.t.chunk(time=-1).groupby(ds.time % 3).quantile(0.3).values, xr.DataArray(x, dims=("time", "x"), coords={"time": np.arange(30)}).groupby(ds.time % 3).quantile(0.3).values, rtol=1e-6)
