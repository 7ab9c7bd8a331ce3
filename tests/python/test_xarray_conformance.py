"""The same xarray script on NumPy, Dask and Freestone: equal values, types, coordinates; and nothing computes before it is asked for."""

import dask
import numpy as np
import pandas as pd
import pytest

xr = pytest.importorskip("xarray")

import freestone as fs

SEED = 20261127
CHUNKS = {"time": 12, "y": 3, "x": -1}


def made():
    rng = np.random.default_rng(SEED)
    time = pd.date_range("2000-01-01", periods=48, freq="MS")
    a = rng.normal(size=(48, 6, 8)).astype("f4")
    a[rng.random(a.shape) < 0.1] = np.nan
    return xr.Dataset(
        {
            "a": (("time", "y", "x"), a, {"units": "K"}),
            "b": (("y", "x"), rng.normal(size=(6, 8))),
            "i": (("time", "x"), rng.integers(0, 9, (48, 8))),
        },
        coords={"time": time, "y": np.arange(6.0) * 2, "x": np.arange(8.0)},
    )


def whole(d, *dims):
    """Dask refuses core dimensions of several chunks; so does xarray for all."""
    return d.chunk({dim: -1 for dim in dims}) if d.chunks else d


PLAIN = {
    "mean": lambda d: d.mean("time"),
    "mean of all": lambda d: d.mean(),
    "mean with NaN": lambda d: d.mean("time", skipna=False),
    "sum with min_count": lambda d: d.sum("time", min_count=40),
    "std with ddof": lambda d: d.std("time", ddof=1),
    "var": lambda d: d.var(("y", "x")),
    "min": lambda d: d.min(("y", "x")),
    "max": lambda d: d.max(),
    "prod": lambda d: d.prod("x"),
    "count": lambda d: d.count("time"),
    "any": lambda d: (d > 1).any("time"),
    "all": lambda d: (d > -9).all(),
    "argmax": lambda d: d.a.fillna(0).argmax("time"),
    "median": lambda d: whole(d.b, "x").median("x"),
    "quantile": lambda d: whole(d.b, "y", "x").quantile([0.1, 0.5], "x"),
    "quantile of two axes": lambda d: whole(d.b, "y", "x").quantile(0.3, ("y", "x")),
    "reduce": lambda d: d.a.reduce(np.nanmean, "time"),
    "groupby mean": lambda d: d.groupby("time.month").mean(),
    "groupby sum": lambda d: d.groupby("time.season").sum(),
    "groupby std": lambda d: d.groupby("time.month").std(),
    "groupby max": lambda d: d.groupby("time.year").max(),
    "groupby count": lambda d: d.a.groupby("time.year").count(),
    "groupby first": lambda d: d.groupby("time.year").first(),
    "groupby last": lambda d: d.a.groupby("time.year").last(),
    "groupby anomaly": lambda d: d.groupby("time.month") - d.groupby("time.month").mean(),
    "groupby median": lambda d: whole(d, "time").groupby("time.year").median(),
    "groupby quantile": lambda d: whole(d.a.astype("f8"), "time").groupby("time.year").quantile(0.3),
    "groupby quantiles": lambda d: whole(d.a, "time").groupby("time.year").quantile([0.3, 0.6]),
    "groupby map": lambda d: d.a.groupby("time.year").map(lambda g: g - g.mean()),
    "groupby bins": lambda d: d.groupby_bins("x", [0, 3, 8]).mean(),
    "groupby of two axes": lambda d: d.a.groupby("time.year").mean(("time", "x")),
    "groupby cumsum": lambda d: d.a.groupby("time.year").cumsum(),
    "resample": lambda d: d.resample(time="QS").mean(),
    "resample max": lambda d: d.resample(time="YS").max(),
    "resample first": lambda d: d.a.resample(time="YS").first(),
    "resample up": lambda d: whole(d.a.astype("f8").isel(time=slice(0, 4)), "time").resample(time="D").interpolate("linear"),
    "resample ffill": lambda d: d.a.isel(time=slice(0, 3)).resample(time="D").ffill(),
    "rolling mean": lambda d: d.rolling(time=5).mean(),
    "rolling in the middle": lambda d: d.rolling(time=4, center=True, min_periods=2).mean(),
    "rolling max": lambda d: d.rolling(time=3).max(),
    "rolling std": lambda d: d.a.rolling(time=3).std(),
    "rolling median": lambda d: d.b.rolling(x=3).median(),
    "rolling of two axes": lambda d: d.b.rolling(x=3, y=2).sum(),
    "rolling construct": lambda d: d.a.rolling(time=3).construct("w"),
    "rolling reduce": lambda d: d.a.rolling(time=3).reduce(np.nanmax),
    "cumulative": lambda d: d.a.cumulative("time").sum(),
    "coarsen": lambda d: d.coarsen(time=12, x=2).mean(),
    "coarsen max": lambda d: d.coarsen(y=4, boundary="trim").max(),
    "coarsen construct": lambda d: d.a.coarsen(time=12).construct(time=("year", "month")),
    "interp": lambda d: d.b.interp(x=[0.5, 3.25, 9]),
    "interp in time": lambda d: whole(d.a.astype("f8"), "time").interp(time=pd.to_datetime(["2000-01-15", "2001-03-03"])),
    "interp at points": lambda d: d.b.interp(x=xr.DataArray([0.5, 1.5], dims="p"), y=xr.DataArray([1.0, 2.0], dims="p")),
    "interp cubic": lambda d: whole(d.b, "x").interp(x=[0.5, 2.2], method="cubic"),
    "interpolate_na": lambda d: whole(d.a, "time").interpolate_na("time"),
    "pad": lambda d: d.pad(time=2),
    "pad reflect": lambda d: d.a.pad(x=2, mode="reflect"),
    "pad with a number": lambda d: d.i.pad(x=(1, 2), constant_values=7),
    "where": lambda d: d.where(d.a > 0),
    "where with other": lambda d: d.a.where(d.a > 0, -1),
    "where drop": lambda d: d.where(d.x > 3, drop=True),
    "xr.where": lambda d: xr.where(d.a > 0, 1, d.b),
    "fillna": lambda d: d.fillna(0),
    "ffill": lambda d: whole(d, "time").ffill("time"),
    "bfill": lambda d: whole(d, "time").bfill("time"),
    "ffill with limit": lambda d: whole(d.a, "time").ffill("time", limit=1),
    "concat": lambda d: xr.concat([d, d + 1], "time"),
    "concat on a new axis": lambda d: xr.concat([d.a, d.a], "n"),
    "merge": lambda d: xr.merge([d.a, d.b.rename("c")]),
    "combine_first": lambda d: d.a.combine_first(d.b),
    "stack": lambda d: d.a.stack(z=("y", "x")),
    "unstack": lambda d: d.a.stack(z=("y", "x")).unstack(),
    "to_array": lambda d: d[["a", "b"]].to_array(),
    "shift": lambda d: d.shift(time=2),
    "roll": lambda d: d.roll(x=3, roll_coords=True),
    "diff": lambda d: d.diff("time"),
    "cumsum": lambda d: d.cumsum("time"),
    "cumprod": lambda d: d.b.cumprod("x"),
    "isel with arrays": lambda d: d.isel(time=[1, 5, 3], x=slice(None, None, 2)),
    "isel at points": lambda d: d.isel(x=xr.DataArray([0, 1], dims="p"), y=xr.DataArray([1, 2], dims="p")),
    "isel one": lambda d: d.isel(time=-1),
    "sel": lambda d: d.sel(time="2001"),
    "sel nearest": lambda d: d.sel(y=[1.2, 3.3], method="nearest"),
    "reindex": lambda d: d.reindex(x=[0.0, 5, 77]),
    "sortby": lambda d: d.sortby("x", ascending=False),
    "dot": lambda d: xr.dot(d.a.fillna(0), d.b, dim=["y", "x"]),
    "corr": lambda d: xr.corr(d.a, d.a**2, dim="time"),
    "cov": lambda d: xr.cov(d.a, d.b, dim=("y", "x")),
    "weighted mean": lambda d: d.weighted(np.cos(np.deg2rad(d.y))).mean(("y", "x")),
    "differentiate": lambda d: d.b.differentiate("x"),
    "integrate": lambda d: d.b.integrate("x"),
    "cumulative_integrate": lambda d: d.b.cumulative_integrate("x"),
    "curvefit": lambda d: whole(d.b, "x").curvefit("x", lambda x, p, q: p * x + q)["curvefit_coefficients"],
    "apply_ufunc": lambda d: xr.apply_ufunc(
        lambda z: z.mean(-1), whole(d.b, "x"), input_core_dims=[["x"]], dask="parallelized", output_dtypes=[float]
    ),
    "apply_ufunc vectorized": lambda d: xr.apply_ufunc(
        lambda z: np.float32(np.nanmax(z)), whole(d.a, "time"), input_core_dims=[["time"]], vectorize=True, dask="parallelized", output_dtypes=["f4"]
    ),
    "apply_ufunc with a new axis": lambda d: xr.apply_ufunc(
        lambda z: z[..., :3], whole(d.b, "x"), input_core_dims=[["x"]], output_core_dims=[["q"]], dask="parallelized", output_dtypes=[float],
        dask_gufunc_kwargs={"output_sizes": {"q": 3}},
    ),
    "apply_ufunc with times beside": lambda d: xr.apply_ufunc(
        lambda z, t: z * (t.astype("datetime64[M]").astype(int) % 12), d.i, d.time, dask="parallelized", output_dtypes=[int]
    ),
    "map_blocks": lambda d: xr.map_blocks(lambda q: q * 2, d),
    "arithmetic": lambda d: (d - d.mean("time")) / d.std("time"),
    "functions of NumPy": lambda d: np.sqrt(abs(d.a)) + np.exp(d.b),
    "astype": lambda d: d.a.astype("f8"),
    "clip": lambda d: d.clip(-0.5, 0.5),
    "isin": lambda d: d.i.isin([1, 2]),
    "round": lambda d: d.round(1),
    "full_like": lambda d: xr.full_like(d.a, 3),
    "zeros_like": lambda d: xr.zeros_like(d),
    "broadcast": lambda d: xr.broadcast(d.a, d.b)[1],
    "transpose": lambda d: d.transpose("x", ...),
    "expand_dims": lambda d: d.expand_dims(z=3),
    "squeeze": lambda d: d.isel(x=[0]).squeeze(),
    "align": lambda d: xr.align(d.a, d.a.isel(time=slice(3, 9)))[0],
    "unify_chunks": lambda d: d.unify_chunks(),
    "map": lambda d: d.map(np.fabs),
    "shuffle": lambda d: d.a.groupby("time.month").shuffle_to_chunks() if d.chunks else d.a.groupby("time.month").shuffle_to_chunks(),
}  # fmt: skip

#: Dask compiles for ten seconds.
SLOW_ON_DASK = ("median",)

#: xarray itself asks for values of these: whether a weight or a fit has NaN, which labels to drop, the labels of an axis.
NOW = {
    "dropna": lambda d: d.a.dropna("time", how="all"),
    "weighted by lazy weights": lambda d: d.weighted(d.b**2).mean(("y", "x")),
    "polyfit": lambda d: whole(d.a, "time").polyfit("time", 1)["polyfit_coefficients"],
    "idxmax": lambda d: d.b.idxmax("x"),
    "idxmax of times": lambda d: d.a.fillna(0).idxmax("time"),
}


def arrays_of(obj):
    return [obj] if isinstance(obj, xr.DataArray) else list(obj.data_vars.values())


def on_freestone(operation):
    with xr.set_options(chunk_manager="freestone"):
        return operation(made().chunk(CHUNKS))


def compare(name, operation, result):
    # numbagg compiles for seconds, and is needed for filling alone.
    with xr.set_options(use_numbagg="fill" in name or "interpolate" in name):
        plain = operation(made())
        expectations = [plain]
        if name not in SLOW_ON_DASK:
            with dask.config.set(scheduler="synchronous"):
                expectations.append(operation(made().chunk(CHUNKS)).compute())
    for expected in expectations:
        xr.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-6)
    for ours, expected in zip(arrays_of(result), arrays_of(plain)):
        assert ours.dims == expected.dims and ours.attrs == expected.attrs
        assert ours.dtype == expected.dtype, f"{name}: {ours.name} is {ours.dtype}, on NumPy {expected.dtype} (seed {SEED})"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(PLAIN))
def test_gives_what_numpy_and_dask_give_and_stays_lazy(name, runs):
    operation = PLAIN[name]
    lazy = on_freestone(operation)
    assert not runs, f"{name} computed {len(runs)} times before it was asked to"
    assert any(isinstance(a.variable._data, fs.Array) for a in arrays_of(lazy)), f"{name} has nothing lazy"
    compare(name, operation, lazy.compute())
    assert runs


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(NOW))
def test_gives_what_numpy_and_dask_give(name):
    compare(name, NOW[name], on_freestone(NOW[name]).compute())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["groupby mean", "groupby std", "groupby last", "groupby anomaly", "groupby quantile", "resample"])
def test_groups_without_flox(name, runs):
    with xr.set_options(use_flox=False):
        lazy = on_freestone(PLAIN[name])
        assert not runs
        compare(name, PLAIN[name], lazy.compute())


def test_chunks_are_kept_and_named():
    with xr.set_options(chunk_manager="freestone"):
        d = made().chunk(CHUNKS)
        assert dict(d.chunks) == {"time": (12,) * 4, "y": (3, 3), "x": (8,)}
        assert d.a.chunksizes["time"] == (12,) * 4
        assert d.chunk(time=10).a.chunks[0] == (10, 10, 10, 10, 8)
        assert d.chunk(time=(20, 20, 8)).a.chunks[0] == (20, 20, 8)
        assert d.groupby("time.month").mean().a.chunksizes["y"] == (3, 3)
        assert (d + 1).a.chunksizes["y"] == (3, 3)
        assert dict(d.mean("time").chunks) == {"y": (3, 3), "x": (8,)}
    with pytest.raises(ValueError, match="add up to"):
        made().a.chunk({"time": (5, 5)}, chunked_array_type="freestone")


def test_is_shown_without_computing(runs):
    d = made().chunk(CHUNKS, chunked_array_type="freestone")
    assert "freestone.Array<chunksize=(12, 3, 8)>" in repr(d) and "freestone" in d._repr_html_() and "chunks" in repr(d.a)
    assert not runs


def test_auto_chunks_keep_to_their_size():
    from freestone.xarray.chunk_grids import normalized_chunks

    rng = np.random.default_rng(SEED)
    for _ in range(50):
        shape = tuple(int(n) for n in rng.integers(1, 5000, 3))
        chunks = normalized_chunks("auto", shape, itemsize=8, limit=1 << 20)
        assert tuple(sum(lengths) for lengths in chunks) == shape
        assert np.prod([max(lengths) for lengths in chunks]) * 8 <= 1 << 20
        kept = normalized_chunks(("auto", 10, -1), shape, itemsize=4, limit=1 << 22, previous=(7, None, None))
        assert max(kept[1]) == min(10, shape[1]) and kept[2] == (shape[2],)
    assert normalized_chunks((5, 5, 2), (12,)) == ((5, 5, 2),)
    assert normalized_chunks({0: 4}, (9, 3)) == ((4, 4, 1), (3,))
    assert normalized_chunks(("1KiB",), (1000,), itemsize=8)[0][0] == 128
    for wrong in ((0,), (-2,), ((3, 3),), (1, 2)):
        with pytest.raises(ValueError, match="chunks"):
            normalized_chunks(wrong, (7,))


def test_texts_and_times_stay_as_they_are():
    d = xr.Dataset({"t": ("x", pd.date_range("2000", periods=3)), "s": ("x", np.array(["a", "b", "c"])), "v": ("x", np.arange(3.0))})
    lazy = d.chunk(x=2, chunked_array_type="freestone")
    assert isinstance(lazy.v.variable._data, fs.Array)
    xr.testing.assert_identical(lazy.compute(), d)


def test_lazy_arrays_of_others_are_read_by_block(tmp_path, runs):
    path = tmp_path / "a.nc"
    made().to_netcdf(path, engine="netcdf4")
    with xr.open_dataset(path, engine="netcdf4", chunks={"time": 7}, chunked_array_type="freestone") as d:
        assert d.a.chunks[0] == (7,) * 6 + (6,)
        anomaly = d.a - d.a.mean("time")
        assert not runs
        expected = made().a - made().a.mean("time")
        xr.testing.assert_allclose(anomaly.compute(), expected, atol=1e-6)
        # A file that Freestone reads itself is read by it, whatever opened it.
        assert "NetCDF4ArrayWrapper" not in anomaly.freestone.explain()


class _Sliced:
    """Something that gives slices, and nothing else."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.ndim, self.seen = values, values.shape, values.dtype, values.ndim, []

    def __getitem__(self, key):
        self.seen.append(key)
        return self.values[key]


def test_whatever_gives_slices_is_read_by_its_chunks():
    from freestone.xarray.chunked_arrays import ChunkManager

    rng = np.random.default_rng(SEED)
    data = _Sliced(rng.random((20, 30)))
    lazy = ChunkManager().from_array(data, (7, 30))
    assert lazy.chunks == ((7, 7, 6), (30,)) and not data.seen
    np.testing.assert_array_equal((lazy * 2)[3:9].compute(), data.values[3:9] * 2)
    assert {key[0].indices(20)[0] for key in data.seen} <= {0, 7}


def test_store_writes_regions_under_a_lock():
    from freestone.xarray.chunked_arrays import ChunkManager

    rng = np.random.default_rng(SEED)
    a, b = rng.random((300, 700)), rng.random((40,))
    into, also = np.zeros((310, 1500)), np.zeros(40)
    manager = ChunkManager()
    later = manager.store([fs.asarray(a) * 2, fs.asarray(b)], [into, also], regions=[(slice(5, 305), slice(0, 1400, 2)), None], lock=True, compute=False)
    assert not into.any()
    later.compute()
    expected = np.zeros_like(into)
    expected[5:305, 0:1400:2] = a * 2
    np.testing.assert_array_equal(into, expected)
    np.testing.assert_array_equal(also, b)


class _Target:
    """Takes blocks and remembers which; stored in chunks."""

    def __init__(self, shape, chunks):
        self.values, self.shape, self.chunks, self.boxes = np.zeros(shape), shape, chunks, []

    def __setitem__(self, key, block):
        self.boxes.append(tuple((part.start, part.stop) for part in key))
        self.values[key] = block


@pytest.mark.parametrize("chunks", [(900, 1000), (300, 1000), (900, 250), (7, 1000), (450, 128)])
def test_no_two_blocks_touch_a_stored_chunk(chunks):
    from freestone import store

    a, target = np.random.default_rng(SEED).random((900, 1000)), _Target((900, 1000), chunks)
    store(fs.asarray(a) + 1, target)
    np.testing.assert_array_equal(target.values, a + 1)
    for box in target.boxes:
        for (start, stop), chunk, n in zip(box, chunks, a.shape):
            assert start % chunk == 0 and (stop % chunk == 0 or stop == n)


@pytest.mark.parametrize("write", ["netcdf4", "h5netcdf", "scipy", "zarr", "zarr regions"])
@pytest.mark.parametrize("later", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_files_are_those_of_dask(write, later, tmp_path):
    if write == "h5netcdf":
        pytest.importorskip("h5netcdf")
    results = []
    for manager in ("dask", "freestone"):
        with xr.set_options(chunk_manager=manager):
            d = made().chunk({"time": 12, "y": 3}) * 2
            path = tmp_path / f"{manager}.out"
            if write == "zarr":
                delayed = d.to_zarr(path, compute=not later)
            elif write == "zarr regions":
                d.to_zarr(path, compute=False)
                part = d.isel(time=slice(12, 36)).drop_vars([n for n in ("b", "y", "x") if n in d])
                delayed = part.to_zarr(path, region={"time": slice(12, 36)}, compute=not later, safe_chunks=False)
            else:
                delayed = d.to_netcdf(path, engine=write, compute=not later)
            if later:
                delayed.compute()
        results.append(xr.open_dataset(path, engine="zarr" if "zarr" in write else write).load())
    xr.testing.assert_identical(results[0], results[1])
    assert results[0].a.encoding.get("chunks") == results[1].a.encoding.get("chunks")


def test_delayed_files_are_a_collection_of_dask(tmp_path):
    d = made().chunk(CHUNKS, chunked_array_type="freestone")
    both = [d.to_netcdf(tmp_path / "a.nc", compute=False), (d + 1).to_zarr(tmp_path / "a.zarr", compute=False)]
    dask.compute(*both)
    xr.testing.assert_allclose(xr.open_dataset(tmp_path / "a.nc"), made())
    xr.testing.assert_allclose(xr.open_zarr(tmp_path / "a.zarr", consolidated=False), made() + 1)


def test_functions_of_core_axes_stay_lazy(runs):
    numba = pytest.importorskip("numba")

    @numba.guvectorize([(numba.float64[:], numba.float64[:])], "(n)->()")
    def total(values, out):
        out[0] = values.sum()

    rng = np.random.default_rng(SEED)
    a = rng.random((30, 40))
    lazy = total(fs.asarray(a))
    assert isinstance(lazy, fs.Array) and not runs
    np.testing.assert_allclose(lazy.compute(), a.sum(-1))
    np.testing.assert_allclose(total(fs.asarray(a), axis=0).compute(), a.sum(0))


def test_windows_are_those_of_numpy():
    rng = np.random.default_rng(SEED)
    for _ in range(20):
        a = rng.random(tuple(rng.integers(1, 90, 2)))
        shape = [int(rng.integers(1, n + 1)) for n in a.shape]
        np.testing.assert_array_equal(fs.lib.stride_tricks.sliding_window_view(a, shape).compute(), np.lib.stride_tricks.sliding_window_view(a, shape))
        np.testing.assert_array_equal(
            fs.lib.stride_tricks.sliding_window_view(a, shape[0], axis=0).compute(), np.lib.stride_tricks.sliding_window_view(a, shape[0], axis=0)
        )
    with pytest.raises(ValueError, match="window"):
        fs.lib.stride_tricks.sliding_window_view(np.zeros(3), 4)


def test_gradients_between_uneven_coordinates_are_those_of_numpy():
    rng = np.random.default_rng(SEED)
    a, x, y = rng.random((7, 9)), np.cumsum(rng.random(7) + 0.1), np.cumsum(rng.random(9) + 0.1)
    for order in (1, 2):
        for ours, theirs in zip(fs.gradient(a, x, y, edge_order=order), np.gradient(a, x, y, edge_order=order)):
            np.testing.assert_allclose(ours.compute(), theirs, rtol=1e-12)
        np.testing.assert_allclose(fs.gradient(a, y, axis=1, edge_order=order).compute(), np.gradient(a, y, axis=1, edge_order=order), rtol=1e-12)


def test_reshape_in_fortran_order_and_einsum_of_masks():
    rng = np.random.default_rng(SEED)
    a = rng.random((4, 6))
    np.testing.assert_array_equal(fs.reshape(a, (3, 8), order="F").compute(), a.reshape((3, 8), order="F"))
    np.testing.assert_allclose(fs.einsum("ab,a->", a > 0.5, a[:, 0]).compute(), np.einsum("ab,a->", a > 0.5, a[:, 0]))


def test_blockwise_is_that_of_dask():
    import dask.array as da
    from freestone.xarray.chunked_arrays import ChunkManager

    rng = np.random.default_rng(SEED)
    a, b, c = rng.random((12, 8)), rng.random((8, 6)), rng.random((8,))
    blocks = {"a": (4, 8), "b": (8, 3), "c": (8,)}
    ours = {n: fs.asarray(v).rechunk(blocks[n]) for n, v in (("a", a), ("b", b), ("c", c))}
    theirs = {n: da.from_array(v, chunks=blocks[n]) for n, v in (("a", a), ("b", b), ("c", c))}
    manager = ChunkManager()
    for call in (
        lambda blockwise, x: blockwise(np.dot, "ik", x["a"], "ij", x["b"], "jk", dtype="f8", concatenate=True),
        lambda blockwise, x: blockwise(lambda p, q: p.T * q[:, None], "ji", x["a"], "ij", x["c"], "j", dtype="f8"),
        lambda blockwise, x: blockwise(lambda p, n: p * n, "ij", x["a"], "ij", 3, None, dtype="f8"),
        lambda blockwise, x: blockwise(lambda p: np.repeat(p[:, :, None], 2, axis=2), "ijz", x["a"], "ij", new_axes={"z": 2}, dtype="f8"),
        lambda blockwise, x: blockwise(lambda p: p[0].sum(-1), "i", x["a"], "ij", dtype="f8", concatenate=False),
        lambda blockwise, x: blockwise(lambda p: p[:, ::2], "ij", x["a"], "ij", adjust_chunks={"j": lambda n: n // 2}, dtype="f8"),
    ):
        np.testing.assert_allclose(call(manager.blockwise, ours).compute(), call(da.blockwise, theirs).compute())
