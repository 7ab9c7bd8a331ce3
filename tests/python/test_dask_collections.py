"""Arrays in Dask's graphs, and arrays that go to Dask and come back."""

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


def test_tokens_follow_operations_and_elements():
    x = np.arange(10.0)
    token = dask.base.tokenize
    assert token(fs.asarray(x) + 1) == token(fs.asarray(x.copy()) + 1)
    assert token(fs.asarray(x) + 1) != token(fs.asarray(x) + 2)
    assert token(fs.asarray(x) + 1) != token(fs.asarray(x[::-1]) + 1)
    assert token(fs.asarray(x)) != token(fs.asarray(x.reshape(2, 5)))


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
