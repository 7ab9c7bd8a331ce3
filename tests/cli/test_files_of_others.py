"""Files of the field's own libraries with features that are unusual and legal: what becomes of them in other formats, opened by those libraries."""

import time

import h5py
import netCDF4
import numpy as np
import pytest
import zarr
from astropy.io import fits

xr = pytest.importorskip("xarray")
rasterio = pytest.importorskip("rasterio")
from rasterio.transform import Affine  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def opened(path, **options):
    """In xarray by the library of the suffix."""
    engine = {".zarr": "zarr", ".h5": "h5netcdf"}.get(path.suffix, "netcdf4")
    with xr.open_dataset(path, engine=engine, **options) as f:
        return f.load()


@pytest.fixture
def odd(freestone, random):
    """Packed numbers with a valid range, coordinates that do not grow, numbers alone, bounds, axes without coordinates."""
    with netCDF4.Dataset(freestone.folder / "a.nc", "w") as f:
        for name, length in (("time", None), ("lat", 4), ("lon", 5), ("nv", 2)):
            f.createDimension(name, length)
        time = f.createVariable("time", "i4", ("time",))
        time.setncatts({"units": "hours since 1990-01-01 06:00", "calendar": "360_day", "bounds": "time_bnds"})
        time[:] = [0, 48, 24]
        f.createVariable("time_bnds", "i4", ("time", "nv"))[:] = [[-12, 12], [36, 60], [12, 36]]
        f.createVariable("lat", "f4", ("lat",))[:] = [10, 30, 20, 40]
        f.createVariable("lon", "f8", ("lon",))[:] = [350, 355, 0, 5, 10]
        tas = f.createVariable("tas", "i2", ("time", "lat", "lon"), fill_value=-32767, zlib=True)
        tas.set_auto_maskandscale(False)
        tas.setncatts({"scale_factor": np.float32(0.01), "add_offset": np.float32(273.15), "valid_range": np.array([-1000, 1000], "i2"), "units": "K", "coordinates": "height"})
        x = random.integers(-1500, 1500, (3, 4, 5)).astype("i2")
        x[0, 0, 0] = -32767
        tas[:] = x
        f.createVariable("height", "f8", ())[...] = 2
        f.createVariable("number", "i4", ())[...] = 7
        f.createVariable("weight", "f4", ("nv", "lat"))[:] = random.random((2, 4))
    return freestone


@pytest.mark.parametrize("name, option", [("b.nc", ""), ("b.nc", "--as netcdf3"), ("b.zarr", "--zarr-version 2"), ("b.zarr", "--zarr-version 3"), ("b.h5", "")])
def test_odd_netcdf_is_the_same_dataset(odd, name, option):
    odd.out(f"convert a.nc {name}", option)
    for decode in (False, True):
        expected, found = (opened(odd.folder / file, decode_cf=decode) for file in ("a.nc", name))
        assert set(found.variables) == set(expected.variables)
        for key, variable in expected.variables.items():
            assert found[key].dims == variable.dims, key
            np.testing.assert_allclose(found[key].values.astype("f8") if variable.dtype.kind != "O" else np.arange(3), variable.values.astype("f8") if variable.dtype.kind != "O" else np.arange(3), rtol=1e-6)
        assert set(found.coords) - {"time_bnds"} == set(expected.coords)
    odd.out(f"compare a.nc {name} --rtol 1e-6")


def test_a_number_alone_in_zarr_2_has_dimensions(freestone):
    """xarray opens no group in which an array has no _ARRAY_DIMENSIONS."""
    with h5py.File(freestone.folder / "a.h5", "w") as f:
        f["number"] = 3.5
        f["x"] = np.arange(3.0)
        f["x"].dims[0].label = "t"
    freestone.out("convert a.h5 b.zarr --zarr-version 2")
    assert zarr.open(freestone.folder / "b.zarr", mode="r")["number"].attrs["_ARRAY_DIMENSIONS"] == []
    assert float(opened(freestone.folder / "b.zarr")["number"]) == 3.5


def test_axes_without_coordinates_beside_such_with(freestone):
    """In HDF5 they have scales where an array has one: h5netcdf opens nothing else."""
    with netCDF4.Dataset(freestone.folder / "a.nc", "w") as f:
        for name, length in (("t", 3), ("nv", 2), ("q", 4), ("alone", 5)):
            f.createDimension(name, length)
        f.createVariable("t", "f8", ("t",))[:] = [1, 2, 3]
        f.createVariable("a", "f8", ("t", "nv"))[:] = np.arange(6.0).reshape(3, 2)
        f.createVariable("b", "f8", ("nv", "q"))[:] = np.arange(8.0).reshape(2, 4)
        f.createVariable("c", "f8", ("alone",))[:] = np.arange(5.0)
        f.createGroup("g").createVariable("d", "f8", ("q", "t"))[:] = np.ones((4, 3))
    freestone.out("convert a.nc b.h5")
    with h5py.File(freestone.folder / "b.h5") as f:
        assert [[d.label for d in f[k].dims] for k in ("a", "b", "g/d")] == [["t", "nv"], ["nv", "q"], ["q", "t"]]
        assert all(len(d) == 1 for k in ("a", "b", "g/d") for d in f[k].dims) and len(f["c"].dims[0]) == 0
    freestone.out("convert b.h5 c.nc")
    with netCDF4.Dataset(freestone.folder / "c.nc") as f:
        assert set(f.variables) == {"t", "a", "b", "c"} and f["b"].dimensions == ("nv", "q") and f["g/d"].dimensions == ("q", "t")
    freestone.out("convert a.nc d.h5 --var a,b")
    found = opened(freestone.folder / "d.h5")
    assert found["a"].dims == ("t", "nv") and found["b"].dims == ("nv", "q")


def test_thousands_of_axes_without_coordinates(freestone):
    count = 2000
    with netCDF4.Dataset(freestone.folder / "a.nc", "w") as f:
        f.createDimension("t", 3)
        f.createVariable("t", "f8", ("t",))[:] = [1, 2, 3]
        for k in range(count):
            f.createDimension(f"x{k}", 2)
            f.createVariable(f"v{k}", "f4", ("t", f"x{k}"))[:] = k
    start = time.monotonic()
    freestone.out("convert a.nc b.nc")
    to_netcdf = time.monotonic() - start
    freestone.out("convert a.nc b.h5")
    assert time.monotonic() - start - to_netcdf < 4 * to_netcdf + 1  # with a pass over all for each axis it was 14 times
    with h5py.File(freestone.folder / "b.h5") as f:
        assert all([len(d) for d in f[f"v{k}"].dims] == [1, 1] for k in range(count))


def test_an_axis_whose_name_is_none_of_hdf5(freestone):
    group = zarr.open_group(freestone.folder / "a.zarr", mode="w", zarr_format=3)
    group.create_array("t", data=np.arange(2.0), dimension_names=["t"])
    group.create_array("a", data=np.ones((2, 3)), dimension_names=["t", "."])
    freestone.out("convert a.zarr b.h5")
    with h5py.File(freestone.folder / "b.h5") as f:
        assert [d.label for d in f["a"].dims] == ["t", "."]


@pytest.mark.parametrize("option", ["", "--as netcdf3"])
def test_truth_is_truth_in_netcdf(freestone, option):
    x = xr.Dataset({"flag": ("x", np.array([True, False, True]))})
    x.to_netcdf(freestone.folder / "a.nc")
    x.to_zarr(freestone.folder / "a.zarr")
    with h5py.File(freestone.folder / "a.h5", "w") as f:
        f["flag"] = x["flag"].values
    for name in ("a.nc", "a.zarr", "a.h5"):
        freestone.out(f"convert {name} b.nc --overwrite", option)
        found = opened(freestone.folder / "b.nc")["flag"]
        assert found.dtype == bool and list(found.values) == [True, False, True]
        assert "bool" in freestone.out("info b.nc --var flag")


def test_several_grid_mappings(freestone, random):
    pyproj = pytest.importorskip("pyproj")
    with netCDF4.Dataset(freestone.folder / "a.nc", "w") as f:
        for name, values in (("y", [3, 2, 1, 0]), ("x", [0, 1, 2, 3, 4])):
            f.createDimension(name, len(values))
            v = f.createVariable(name, "f8", (name,))
            v[:] = np.array(values) * 1000.0 + 5e5
            v.standard_name = f"projection_{name}_coordinate"
        for name, code in (("latlon", 4326), ("utm", 32633)):
            f.createVariable(name, "i4", ()).setncatts(pyproj.CRS(code).to_cf())
        for name in ("lat", "lon"):
            f.createVariable(name, "f8", ("y", "x"))[:] = random.random((4, 5))
        b = f.createVariable("b", "f4", ("y", "x"))
        b.setncatts({"grid_mapping": "latlon: lat lon utm: x y", "coordinates": "lat lon"})
        b[:] = random.random((4, 5))
    # Both describe: there is one array.
    for name in ("b.tif", "b.nc", "b.zarr"):
        freestone.out(f"convert a.nc {name}")
    with rasterio.open(freestone.folder / "b.tif") as f:
        assert f.crs.to_epsg() == 32633 and f.transform == Affine(1000, 0, 499500, 0, -1000, 503500)
    for name in ("b.nc", "b.zarr"):
        found = opened(freestone.folder / name, decode_coords="all")
        assert set(found.coords) == {"y", "x", "lat", "lon", "latlon", "utm"} and list(found.data_vars) == ["b"]
        assert pyproj.CRS.from_cf(found["utm"].attrs).to_epsg() == 32633 and pyproj.CRS.from_cf(found["latlon"].attrs).to_epsg() == 4326


@pytest.mark.parametrize("name", ["b.nc", "b.h5"])
def test_a_rotated_raster_keeps_its_place(freestone, random, name):
    x = random.integers(0, 100, (6, 7)).astype("i2")
    transform = Affine.translation(5e5, 5.2e6) * Affine.rotation(30) * Affine.scale(30, -20)
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=6, width=7, dtype="int16", crs="EPSG:32633", transform=transform) as f:
        f.write(x, 1)
    freestone.out(f"convert a.tif {name}")
    found = opened(freestone.folder / name, decode_coords="all")
    assert list(found.data_vars) == ["data"] and found.rio.crs.to_epsg() == 32633 if hasattr(found, "rio") else True
    mapping = found["data"].encoding.get("grid_mapping") or found["data"].attrs["grid_mapping"]
    np.testing.assert_allclose([float(v) for v in found[mapping].attrs["GeoTransform"].split()], transform.to_gdal())
    if name == "b.nc":
        with rasterio.open(freestone.folder / name) as f:
            assert f.crs.to_epsg() == 32633
            np.testing.assert_array_equal(f.read(1), x)
    freestone.out(f"convert {name} c.tif")
    with rasterio.open(freestone.folder / "c.tif") as f:
        assert f.crs.to_epsg() == 32633 and f.transform.almost_equals(transform)
        np.testing.assert_array_equal(f.read(1), x)


@pytest.mark.parametrize("name, option", [("b.nc", ""), ("b.zarr", "--zarr-version 2"), ("b.zarr", "--zarr-version 3"), ("b.h5", "")])
def test_groups_keep_what_they_say_of_themselves(freestone, name, option):
    with netCDF4.Dataset(freestone.folder / "a.nc", "w") as f:
        f.createDimension("x", 3)
        f.createVariable("top", "f8", ("x",))[:] = 1
        f.title = "the whole"
        for path in ("g", "g/h"):
            group = f.createGroup(path)
            group.setncatts({"title": f"of {path}", "numbers": np.array([1, 2], "i2")})
            group.createVariable("v", "f8", ("x",))[:] = 2
    freestone.out(f"convert a.nc {name}", option)
    for path in ("", "g", "g/h"):
        expected = opened(freestone.folder / "a.nc", group=path or None).attrs
        if name.endswith(".h5"):
            with h5py.File(freestone.folder / name) as f:
                found = dict(f[path or "/"].attrs)
        else:
            found = opened(freestone.folder / name, group=path or None).attrs
        assert found["title"] == expected["title"] and list(found.get("numbers", [])) == list(expected.get("numbers", []))


def test_convert_tells_of_other_images(freestone):
    images = [fits.PrimaryHDU(), fits.ImageHDU(np.arange(6.0).reshape(2, 3), name="SCI"), fits.ImageHDU(np.ones((2, 3)), name="ERR"), fits.ImageHDU(np.zeros((2, 3), "i2"))]
    fits.HDUList(images).writeto(freestone.folder / "a.fits")
    done = freestone("convert a.fits b.npy")
    assert done.returncode == 0 and "a.fits: its first image is taken; ERR, 3 are left out. --var names another." in done.stderr
    assert freestone("convert a.fits c.npy --var ERR").stderr == "" and freestone("convert a.fits[3] d.npy").stderr == ""
    assert np.load(freestone.folder / "c.npy").sum() == 6 and np.load(freestone.folder / "d.npy").dtype == "i2"


def test_complex_images_are_not_of_fits(freestone):
    np.save(freestone.folder / "a.npy", np.ones((2, 3), "c8"))
    assert "b.fits: FITS images hold no complex64 numbers" in freestone.fails(1, "convert a.npy b.fits")
