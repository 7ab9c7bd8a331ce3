"""What the field puts on xarray, on Freestone's arrays: flox, numbagg, cf-xarray, rioxarray."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

xr = pytest.importorskip("xarray")

import freestone as fs

SEED = 20261130


def made(dtype="f8"):
    rng = np.random.default_rng(SEED)
    v = (rng.normal(size=(365, 5, 6)) * 10).astype(dtype)
    if np.dtype(dtype).kind == "f":
        v[rng.random(v.shape) < 0.1] = np.nan
        v[40:60, 2, 3] = np.nan
    return xr.DataArray(
        v, dims=("time", "lat", "lon"), name="tas", attrs={"units": "K"},
        coords={"time": pd.date_range("2001-01-01", periods=365), "lat": ("lat", np.arange(5.0), {"units": "degrees_north", "standard_name": "latitude"}),
                "lon": ("lon", np.arange(6.0), {"units": "degrees_east", "standard_name": "longitude"})},
    )  # fmt: skip


def on_freestone(array):
    return array.chunk(time=100, lat=2, chunked_array_type="freestone")


FUNCTIONS = ["sum", "mean", "max", "min", "count", "prod", "all", "any", "var", "std", "first", "last", "median", "quantile", "nanmean", "nansum", "nanvar", "nanfirst", "argmax"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("function, dtype", [(function, dtype) for function in FUNCTIONS for dtype in ("f4", "f8", "i4") if dtype != "i4" or not function.startswith("nan")])
def test_flox_reduces_lazily(function, dtype, runs):
    flox = pytest.importorskip("flox")
    from flox.xarray import xarray_reduce

    array, options = made(dtype), {}
    if function == "quantile":
        options["q"] = 0.4
    month = array.time.dt.month
    skipna = {} if function.startswith("nan") or function in ("count", "all", "any", "argmax") else {"skipna": dtype != "i4"}
    if function.startswith("nan"):
        expected, _ = flox.groupby_reduce(array.transpose(..., "time").values, month.values, func=function)
        lazy, groups = flox.groupby_reduce(on_freestone(array).transpose(..., "time").data, month.values, func=function)
        assert isinstance(lazy, fs.Array) and not runs and list(groups) == list(range(1, 13))
        np.testing.assert_allclose(lazy.compute(), expected, rtol=2e-5 if dtype == "f4" else 1e-10)
        assert lazy.dtype == expected.dtype
        return
    expected = xarray_reduce(array, month, func=function, **skipna, **options)
    lazy = xarray_reduce(on_freestone(array), month, func=function, **skipna, **options)
    assert isinstance(lazy.variable._data, fs.Array) and not runs
    xr.testing.assert_allclose(lazy.compute(), expected, rtol=2e-4 if dtype == "f4" and function == "prod" else 2e-5)
    assert lazy.dtype == expected.dtype and lazy.dims == expected.dims


@pytest.mark.filterwarnings("ignore")
def test_flox_groups_of_two_and_in_bins(runs):
    pytest.importorskip("flox")
    from flox.xarray import xarray_reduce

    array = made()
    for by, more in (
        ((array.time.dt.month, array.lat > 2), {"expected_groups": (None, [False, True])}),
        ((array.lon,), {"expected_groups": pd.IntervalIndex.from_breaks([0, 2, 4, 9])}),
        ((array.time.dt.month,), {"expected_groups": np.arange(0, 14)}),
    ):
        expected = xarray_reduce(array, *by, func="mean", **more)
        lazy = xarray_reduce(on_freestone(array), *by, func="mean", **more)
        assert isinstance(lazy.variable._data, fs.Array) and not runs
        xr.testing.assert_allclose(lazy.compute(), expected)
        runs.clear()


def test_flox_that_is_imported_first_or_last_is_told():
    pytest.importorskip("flox")
    script = """
import numpy as np, xarray as xr, sys
{first}
a = xr.DataArray(np.arange(12.0), dims="x", coords={{"x": [1, 2, 3] * 4}}).chunk(x=4, chunked_array_type="freestone")
{last}
import freestone as fs
m = a.groupby("x").mean()
assert isinstance(m.variable._data, fs.Array), type(m.variable._data)
assert m.values.tolist() == [4.5, 5.5, 6.5]
b = xr.DataArray(np.arange(12.0), dims="x", coords={{"x": [1, 2, 3] * 4}})
assert b.groupby("x").mean().values.tolist() == [4.5, 5.5, 6.5]
"""
    for first, last in (("import flox.xarray", ""), ("", "assert 'flox.xarray' not in sys.modules")):
        subprocess.run([sys.executable, "-c", script.format(first=first, last=last)], check=True)


@pytest.mark.filterwarnings("ignore")
def test_numbagg_runs_on_blocks(runs):
    numbagg = pytest.importorskip("numbagg")
    array = made()
    a = fs.asarray(array.values).rechunk((100, 2, 6))
    for ours, theirs in (
        (numbagg.ffill(a, axis=0), numbagg.ffill(array.values, axis=0)),
        (numbagg.move_mean(a, window=5, min_count=2, axis=0), numbagg.move_mean(array.values, window=5, min_count=2, axis=0)),
    ):
        assert isinstance(ours, fs.Array) and not runs
        np.testing.assert_allclose(ours.compute(), theirs)
        runs.clear()
    lazy = on_freestone(array).chunk(time=-1, chunked_array_type="freestone").bfill("time")
    assert not runs
    xr.testing.assert_allclose(lazy.compute(), array.bfill("time"))
    exponential = on_freestone(array).chunk(time=-1, chunked_array_type="freestone").rolling_exp(time=5).mean()
    xr.testing.assert_allclose(exponential.compute(), array.rolling_exp(time=5).mean())


def test_cf_xarray_finds_axes_and_stays_lazy(runs):
    pytest.importorskip("cf_xarray")
    lazy = on_freestone(made()).to_dataset()
    zonal = lazy.cf["tas"].cf.mean("longitude")
    assert isinstance(zonal.variable._data, fs.Array) and not runs
    xr.testing.assert_allclose(zonal.compute(), made().mean("lon"))
    xr.testing.assert_allclose(lazy.tas.cf.sel(latitude=3.0).compute(), made().sel(lat=3.0))


@pytest.mark.filterwarnings("ignore")
def test_rioxarray_clips_reprojects_and_writes(tmp_path):
    rioxarray = pytest.importorskip("rioxarray")
    rng = np.random.default_rng(SEED)
    plain = xr.DataArray(
        rng.random((2, 40, 50)).astype("f4"), dims=("band", "y", "x"), name="v",
        coords={"band": [1, 2], "y": 4600000 - 30.0 * np.arange(40), "x": 500000 + 30.0 * np.arange(50)},
    ).rio.write_crs("EPSG:32633")  # fmt: skip
    lazy = plain.chunk(chunked_array_type="freestone")
    assert lazy.rio.crs == plain.rio.crs and lazy.rio.bounds() == plain.rio.bounds()
    box = (500100, 4599000, 501000, 4599900)
    clipped = lazy.rio.clip_box(*box)
    assert isinstance(clipped.variable._data, fs.Array)
    xr.testing.assert_allclose(clipped.compute(), plain.rio.clip_box(*box))
    xr.testing.assert_allclose(lazy.rio.reproject("EPSG:4326").compute(), plain.rio.reproject("EPSG:4326"))
    lazy.rio.to_raster(tmp_path / "a.tif")
    np.testing.assert_array_equal(rioxarray.open_rasterio(tmp_path / "a.tif").values, plain.values)
