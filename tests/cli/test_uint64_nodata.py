"""Whole numbers that int64 does not hold mean nothing, too: nodata, _FillValue and other attributes of uint64, exactly, from each format to each."""

import itertools
import json
import shutil
import subprocess

import h5py
import netCDF4
import numpy as np
import pytest
import rasterio
import tifffile
import zarr
from astropy.io import fits

LAST = 2**64 - 1
NAMES = ["a.tif", "a.nc", "a.h5", "a.zarr", "a.nc3.nc", "a.fits"]
FORMATS = {"a.nc3.nc": "--as netcdf3"}


def values_with(random, nodata):
    """Numbers that float64 does not tell from `nodata`, and `nodata` here and there."""
    x = nodata - random.integers(1, 1000, (30, 40)).astype("u8")
    x[random.random(x.shape) < 0.2] = nodata
    return x


def make(path, x, nodata):
    """By the field's own libraries."""
    if path.name.endswith(".tif"):
        # rasterio gives nodata as float64.
        tifffile.imwrite(path, x, extratags=[(42113, "s", 0, str(nodata), True)])
    elif path.name.endswith(".nc"):
        with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_DATA" if ".nc3" in path.name else "NETCDF4") as f:
            f.createDimension("y", x.shape[0]), f.createDimension("x", x.shape[1])
            f.createVariable("data", "u8", ("y", "x"), fill_value=np.uint64(nodata))[:] = x
    elif path.name.endswith(".h5"):
        with h5py.File(path, "w") as f:
            f["data"] = x
            f["data"].attrs["_FillValue"] = np.uint64(nodata)
    elif path.name.endswith(".zarr"):
        a = zarr.open_group(path, mode="w", zarr_format=2).create_array("data", shape=x.shape, dtype="u8", chunks=(20, 20), fill_value=nodata)
        a[:] = x
        a.attrs["_ARRAY_DIMENSIONS"] = ["y", "x"]
    else:
        hdu = fits.PrimaryHDU((x ^ np.uint64(2**63)).view("i8"))
        hdu.writeto(path)
        with fits.open(path, mode="update", do_not_scale_image_data=True) as hdus:
            hdus[0].header["BZERO"], hdus[0].header["BLANK"] = 2**63, nodata - 2**63


def read(path):
    """Numbers as they are stored, and which of them means nothing."""
    if path.name.endswith(".tif"):
        with tifffile.TiffFile(path) as f:
            nodata = f.pages[0].tags[42113].value
            if shutil.which("gdalinfo"):
                (band,) = json.loads(subprocess.run(["gdalinfo", "-json", path], capture_output=True, check=True).stdout)["bands"]
                assert band["type"] == "UInt64" and int(band["noDataValue"]) == int(nodata)
            return f.pages[0].asarray(), int(nodata)
    if path.name.endswith(".nc"):
        with netCDF4.Dataset(path) as f:
            f.set_auto_maskandscale(False)
            v = next(v for v in f.variables.values() if v.ndim == 2)
            return v[:], v._FillValue if "_FillValue" in v.ncattrs() else v.nodata
    if path.name.endswith(".h5"):
        with h5py.File(path) as f:
            v = next(v for v in f.values() if v.ndim == 2)
            return v[()], v.attrs["_FillValue" if "_FillValue" in v.attrs else "nodata"]
    if path.name.endswith(".zarr"):
        a = zarr.open(path, mode="r")
        a = a if isinstance(a, zarr.Array) else next(a for _, a in a.arrays() if a.ndim == 2)
        return a[:], a.attrs["_FillValue" if "_FillValue" in a.attrs else "nodata"]
    with fits.open(path, do_not_scale_image_data=True) as hdus:
        assert hdus[0].header["BZERO"] == 2**63
        return hdus[0].data.astype("i8").view("u8") ^ np.uint64(2**63), hdus[0].header["BLANK"] + 2**63


@pytest.mark.parametrize("source, target", list(itertools.product(NAMES, NAMES)))
def test_nodata_and_numbers_are_kept(freestone, random, source, target):
    for nodata in (LAST, 2**63, 2**64 - 2049):
        x = values_with(random, nodata)
        make(freestone.folder / source, x, nodata)
        freestone.out(f"convert {source} out-{target} --overwrite", FORMATS.get(target, ""))
        values, found = read(freestone.folder / f"out-{target}")
        np.testing.assert_array_equal(values, x)
        assert int(found) == nodata
        for name in (source, f"out-{target}"):
            freestone.out(f"run {name} ! write {name}.npy --overwrite")
            np.testing.assert_array_equal(np.isnan(np.load(freestone.folder / f"{name}.npy")), x == nodata)
        if source != "a.fits":
            assert str(nodata) in freestone.out("info", source, "" if source == "a.tif" else "--var data")
        shutil.rmtree(freestone.folder / source) if source == "a.zarr" else (freestone.folder / source).unlink()


@pytest.mark.parametrize("text, nodata", [(str(LAST), LAST), ("9223372036854775808", 2**63), ("9223372036854775808.0", 2**63), ("7", 7)])
def test_nodata_may_be_chosen(freestone, random, text, nodata):
    x = random.integers(8, 100, (20, 30)).astype("f8")
    x[3, 4:9] = np.nan
    np.save(freestone.folder / "x.npy", x)
    for name in ("a.tif", "a.nc", "a.zarr", "a.h5"):
        freestone.out(f"run x.npy ! write {name} --dtype uint64 --nodata {text}")
        values, found = read(freestone.folder / name)
        assert int(found) == nodata
        np.testing.assert_array_equal(values, np.where(np.isnan(x), nodata, np.nan_to_num(x).astype("u8")).astype("u8"))
    said = freestone("run x.npy ! write b.tif --dtype uint64 --nodata 18446744073709551616").stderr
    assert "uint64 has no such number" in said and "0 to 18446744073709551615 are" in said


def test_floating_nodata_of_uint64(freestone, random):
    """GDAL's text may be a floating number, of which some stand on the edge of the type."""
    for nodata in (2**63, 2**64 - 2**11):
        x = random.integers(0, 1000, (20, 30)).astype("f8")
        x[2, 3:8] = nodata
        with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=20, width=30, dtype="float64", nodata=nodata) as f:
            f.write(x, 1)
        freestone.out("run a.tif ! write b.tif --dtype uint64 --overwrite")
        values, found = read(freestone.folder / "b.tif")
        assert int(found) == nodata
        np.testing.assert_array_equal(values == nodata, x == nodata)
    # What the type does not hold becomes its last, and no other number with it.
    x[2, 3:8] = 2.0**64
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=20, width=30, dtype="float64", nodata=2.0**64) as f:
        f.write(x, 1)
    freestone.out("run a.tif ! write b.tif --dtype uint64 --overwrite")
    values, found = read(freestone.folder / "b.tif")
    assert int(found) == LAST
    np.testing.assert_array_equal(values == LAST, x == 2.0**64)


def test_overviews_leave_it_out(freestone, random):
    x = values_with(random, LAST)
    make(freestone.folder / "a.tif", x, LAST)
    freestone.out("convert a.tif b.tif --chunks 16,16 --overviews 2 --overview-resampling min")
    with rasterio.open(freestone.folder / "b.tif") as f:
        blocks = x.reshape(15, 2, 20, 2).min((1, 3))
        np.testing.assert_array_equal(f.read(1, out_shape=(15, 20)), blocks)
    freestone.out("convert a.tif c.tif --chunks 16,16 --overviews 2 --overview-resampling max")
    with rasterio.open(freestone.folder / "c.tif") as f:
        inside = np.where(x == LAST, 0, x).reshape(15, 2, 20, 2).max((1, 3))
        np.testing.assert_array_equal(f.read(1, out_shape=(15, 20)), np.where(inside == 0, LAST, inside).astype("u8"))


def test_other_attributes_are_exact(freestone):
    numbers = {"one": np.uint64(LAST), "range": np.array([5, LAST], "u8"), "small": np.uint64(3)}
    for name in ("a.nc", "a.nc3.nc", "a.h5"):
        if name == "a.h5":
            with h5py.File(freestone.folder / name, "w") as f:
                f["data"] = np.arange(6, dtype="u8")
                f["data"].attrs.update(numbers)
        else:
            with netCDF4.Dataset(freestone.folder / name, "w", format="NETCDF3_64BIT_DATA" if "nc3" in name else "NETCDF4") as f:
                f.createDimension("x", 6)
                f.createVariable("data", "u8", ("x",))[:] = np.arange(6)
                f["data"].setncatts(numbers)
        for target in NAMES[1:5]:
            freestone.out(f"convert {name} out-{target} --overwrite", FORMATS.get(target, ""))
            path = freestone.folder / f"out-{target}"
            if target.endswith(".nc"):
                with netCDF4.Dataset(path) as f:
                    found = {k: f["data"].getncattr(k) for k in numbers}
            elif target.endswith(".h5"):
                with h5py.File(path) as f:
                    found = dict(f["data"].attrs)
            else:
                a = zarr.open(path, mode="r")
                found = dict((a if isinstance(a, zarr.Array) else a["data"]).attrs)
            assert int(found["one"]) == LAST and int(found["small"]) == 3 and [int(v) for v in found["range"]] == [5, LAST], (name, target)
        freestone.out(f"convert {name} out.fits --overwrite")
        assert fits.getheader(freestone.folder / "out.fits")["ONE"] == LAST
