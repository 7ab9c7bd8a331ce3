"""The accessor `.freestone`: runs, plans, files of every format, rasters; and Freestone's own labelled arrays to xarray and back."""

import dask
import numpy as np
import pandas as pd
import pytest

xr = pytest.importorskip("xarray")

import freestone as fs
import freestone.xarray

SEED = 20261129


def made():
    rng = np.random.default_rng(SEED)
    v = rng.normal(280, 10, size=(24, 30, 40)).astype("f4")
    v[rng.random(v.shape) < 0.1] = np.nan
    d = xr.Dataset(
        {"tas": (("time", "lat", "lon"), v, {"units": "K", "levels": [1, 2], "ratio": np.float32(0.5)}), "height": ((), 2.0)},
        coords={"time": pd.date_range("2001-01-01", periods=24, freq="D"), "lat": np.linspace(-60, 60, 30), "lon": np.arange(40.0)},
        attrs={"title": "air"},
    )
    d.tas.encoding = {"dtype": "i2", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32768}
    return d.set_coords("height")


def lazy():
    return made().freestone.chunk(time=6)


def test_chunks_computes_persists():
    d = lazy()
    assert d.freestone.is_lazy and not made().freestone.is_lazy
    assert d.tas.freestone.rechunk({"lat": 10}).chunksizes["lat"] == (10, 10, 10)
    xr.testing.assert_identical(d.freestone.compute(memory="200MiB", threads=1), made())
    kept = (d + 1).freestone.persist()
    assert kept.freestone.is_lazy and kept.tas.attrs == (d + 1).tas.attrs
    xr.testing.assert_identical(kept.compute(), made() + 1)
    assert isinstance((d.tas + 1).freestone.persist().variable._data, fs.Array)
    one = lazy().tas
    assert one.freestone.load() is one and isinstance(one.variable._data, np.ndarray)
    with pytest.raises(fs.MemoryBudgetError):
        xr.DataArray(fs.zeros((20000, 20000)), dims=("y", "x")).freestone.compute(memory="64MiB")
    with pytest.raises(ValueError, match="lazy on Freestone"):
        made().freestone.explain()


def test_tells_plans_and_watches(tmp_path):
    d = lazy()
    assert "stage" in d.tas.mean("time").freestone.explain()
    made().to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    stored = xr.open_dataset(tmp_path / "a.nc", engine="freestone", chunks={}, chunked_array_type="freestone")
    assert stored[["tas"]].freestone.plan()["stages"]
    d.tas.mean("time").freestone.visualize(tmp_path / "plan.svg")
    assert (tmp_path / "plan.svg").stat().st_size > 0
    assert d.freestone.profile().tasks > 0
    xr.testing.assert_identical(d.freestone.progress("none"), made())


@pytest.mark.parametrize("suffix", ["nc", "zarr", "h5"])
@pytest.mark.parametrize("later", [False, True])
def test_writes_datasets_as_xarray_does(suffix, later, tmp_path):
    path = tmp_path / f"out.{suffix}"
    task = lazy().freestone.write(path, compute=not later, compress="zstd" if suffix == "zarr" else "deflate")
    if later:
        assert not path.exists()
        dask.compute(task)
    made().to_netcdf(tmp_path / "theirs.nc", engine="netcdf4")
    theirs = xr.open_dataset(tmp_path / "theirs.nc", engine="netcdf4").load()
    engine = {"nc": "netcdf4", "h5": "netcdf4", "zarr": "zarr"}[suffix]
    options = {"consolidated": False} if suffix == "zarr" else {}
    ours = xr.open_dataset(path, engine=engine, **options).load()
    xr.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert ours.tas.encoding["dtype"] == np.int16 and ours.tas.attrs["units"] == "K" and ours.attrs["title"] == "air"
    assert ours.time.dtype == theirs.time.dtype and "height" in ours.coords
    xr.testing.assert_allclose(xr.open_dataset(path, engine="freestone").load(), theirs, atol=1e-5)
    with pytest.raises(ValueError, match="exists"):
        lazy().freestone.write(path)
    lazy().freestone.write(path, overwrite=True)


def test_to_netcdf_and_to_zarr_whatever_the_suffix(tmp_path):
    lazy().freestone.to_netcdf(tmp_path / "a.nc", unlimited_dims=["time"])
    lazy().freestone.to_zarr(tmp_path / "b.store", chunks=[6, 30, 40])
    for path, engine in ((tmp_path / "a.nc", "netcdf4"), (tmp_path / "b.store", "freestone")):
        xr.testing.assert_allclose(xr.open_dataset(path, engine=engine).tas.load(), made().tas, atol=6e-3)


def test_texts_go_along_and_objects_are_refused(tmp_path):
    d = lazy().assign_coords(station=("lat", np.array([f"s{i}" for i in range(30)])))
    d.freestone.to_netcdf(tmp_path / "a.nc")
    assert list(xr.open_dataset(tmp_path / "a.nc", engine="netcdf4").station.values[:2]) == ["s0", "s1"]
    with pytest.raises(ValueError, match="attribute 'bad'"):
        lazy().assign_attrs(bad={"a": 1}).freestone.to_netcdf(tmp_path / "b.nc")
    with pytest.raises(ValueError, match="one array"):
        lazy().assign(more=lazy().tas).freestone.write(tmp_path / "c.npy")


def test_writes_one_array_to_formats_of_one(tmp_path):
    plane = (lazy().tas.mean("time", keep_attrs=True) * 2).rename("plane")
    plane.freestone.write(tmp_path / "a.npy")
    plane.freestone.write(tmp_path / "a.fits")
    np.testing.assert_allclose(np.load(tmp_path / "a.npy"), made().tas.mean("time") * 2, rtol=1e-6)
    np.testing.assert_allclose(fs.open(tmp_path / "a.fits").compute(), made().tas.mean("time") * 2, rtol=1e-6)


@pytest.mark.parametrize("name", ["a.fts", "a.gtiff", "A.TIF", "a.im"])
def test_the_engine_says_which_formats_hold_one_array(name, tmp_path):
    plane = lazy().tas.mean("time").rename("plane")
    with pytest.raises(fs.UserError, match="holds one array, here are"):
        plane.to_dataset().assign(more=plane).freestone.write(tmp_path / name)
    plane.to_dataset().freestone.write(tmp_path / name)
    np.testing.assert_allclose(np.squeeze(fs.open(tmp_path / name).compute()), made().tas.mean("time"), rtol=1e-6)


def test_a_suffix_that_names_no_format_is_said_before_anything_runs(tmp_path):
    with pytest.raises(fs.UserError, match="names no format"):
        lazy().freestone.write(tmp_path / "a.xyz", compute=False)


def scene(tmp_path, bands=4):
    rasterio = pytest.importorskip("rasterio")
    rng = np.random.default_rng(SEED)
    values = rng.integers(1, 4000, (bands, 50, 60)).astype("u2")
    values[:, 3, 4] = 0
    path = tmp_path / "scene.tif"
    profile = {"driver": "GTiff", "width": 60, "height": 50, "count": bands, "dtype": "uint16", "crs": "EPSG:32633", "nodata": 0, "tiled": True, "blockxsize": 16, "blockysize": 16}
    with rasterio.open(path, "w", transform=rasterio.transform.from_origin(500000, 4600000, 30, 30), **profile) as out:
        out.write(values)
    return path, values


@pytest.mark.filterwarnings("ignore")
def test_rasters_know_where_they_lie(tmp_path):
    from freestone import geo

    path, values = scene(tmp_path)
    raster = geo.open(path)
    assert raster.dims == ("band", "y", "x") and isinstance(raster.variable._data, fs.Array)
    assert raster.freestone.crs.to_epsg() == 32633
    assert raster.freestone.transform == (500000, 30, 0, 4600000, 0, -30)
    assert raster.freestone.bounds == (500000, 4600000 - 1500, 500000 + 1800, 4600000)
    assert raster.freestone.resolution == (30, 30) and raster.freestone.nodata == 0
    assert np.isnan(raster.values[:, 3, 4]).all()
    part = raster.isel(y=slice(10, None), x=slice(5, None))
    assert part.freestone.transform == (500150, 30, 0, 4600000 - 300, 0, -30)


@pytest.mark.filterwarnings("ignore")
def test_indices_are_their_formulas_and_are_written_with_their_place(tmp_path):
    from freestone import geo

    rioxarray = pytest.importorskip("rioxarray")
    path, values = scene(tmp_path)
    raster = geo.open(path, band_names=["blue", "green", "red", "nir"])
    ndvi = geo.index("ndvi", raster)
    assert isinstance(ndvi.variable._data, fs.Array) and ndvi.dims == ("y", "x")
    red, nir = (np.where(values[k] == 0, np.nan, values[k].astype("f8")) for k in (2, 3))
    np.testing.assert_allclose(ndvi.values, (nir - red) / (nir + red), rtol=1e-12)
    xr.testing.assert_equal(raster.freestone.index("ndvi", red=3, nir=4).load(), ndvi.load())
    ndvi.freestone.write(tmp_path / "ndvi.tif", compress="lzw")
    again = rioxarray.open_rasterio(tmp_path / "ndvi.tif", masked=True)
    np.testing.assert_allclose(again.values[0], ndvi.values)
    assert again.rio.crs.to_epsg() == 32633 and tuple(again.rio.transform())[:6] == (30, 0, 500000, 0, -30, 4600000)
    assert set(geo.indices()) > {"ndvi", "evi"} and geo.sensor_bands("bgrn") == ["blue", "green", "red", "nir"]
    stacked = geo.open([path, path])
    assert stacked.sizes["band"] == 8
    for wrong, words in (("ndvi", "=LABEL"), ("nvdi", "nvdi")):
        with pytest.raises(ValueError, match=words):
            geo.index(wrong, geo.open(path, band_names=["a", "b", "c", "d"]))
    with pytest.raises(ValueError, match="takes"):
        geo.index("ndvi", raster, blue=1)
    with pytest.raises(ValueError, match="names for 4 bands"):
        geo.open(path, sensor="rgb")


@pytest.mark.filterwarnings("ignore")
def test_own_datasets_become_xarrays_and_come_back(tmp_path):
    made().to_netcdf(tmp_path / "a.nc", engine="netcdf4")
    theirs = xr.open_dataset(tmp_path / "a.nc", engine="netcdf4").load()
    own = fs.open(tmp_path / "a.nc")
    for given in (own.to_xarray(), own.to_xarray(lazy=True)):
        xr.testing.assert_allclose(given.load(), theirs, atol=1e-5)
        assert set(given.coords) == set(theirs.coords)
    kept = own.to_xarray(lazy=True)
    assert isinstance(kept.tas.variable._data, fs.Array)
    back = fs.Dataset.from_xarray(kept)
    assert "tas" in back and set(back.coords) >= {"time", "lat", "lon"}
    np.testing.assert_allclose(back["tas"].mean("time").compute(), theirs.tas.mean("time"), rtol=1e-5)
    xr.testing.assert_allclose(back.to_xarray().tas, theirs.tas, atol=1e-5)
    monthly = back.groupby("time.month").mean()["tas"].compute()
    np.testing.assert_allclose(monthly, theirs.tas.groupby("time.month").mean(), rtol=1e-5)


def test_plain_arrays_in_xarray_have_chunks():
    a = xr.DataArray(fs.zeros((10, 7)).rechunk((4, 7)), dims=("y", "x"))
    assert a.chunks == ((4, 4, 2), (7,)) and a.chunksizes["y"] == (4, 4, 2)
    both = a + xr.DataArray(np.ones((10, 7)), dims=("y", "x")).chunk(y=5, chunked_array_type="freestone")
    np.testing.assert_array_equal(both.compute(), np.ones((10, 7)))
