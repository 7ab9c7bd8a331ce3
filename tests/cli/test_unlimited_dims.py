"""Dimensions that may grow stay so from file to file, where the format has such."""

import numpy as np
import pytest

netCDF4 = pytest.importorskip("netCDF4")
h5py = pytest.importorskip("h5py")


def growing(path):
    with netCDF4.Dataset(path) as f:
        return {name for name, dim in f.dimensions.items() if dim.isunlimited()}


def make(path, kind="NETCDF4", dims=("time",), order=("time", "x")):
    with netCDF4.Dataset(path, "w", format=kind) as f:
        for name, length in {"time": 4, "x": 5}.items():
            f.createDimension(name, None if name in dims else length)
        time = f.createVariable("time", "f8", ("time",))
        time.units, time[:] = "days since 2001-01-01", np.arange(4)
        bounds = f.createVariable("time_bnds", "f8", ("time", "x"))
        bounds[:] = np.arange(20).reshape(4, 5)
        f.createVariable("tas", "f4", order)[:] = np.arange(20).reshape([{"time": 4, "x": 5}[d] for d in order])


@pytest.mark.parametrize("kind", ["NETCDF4", "NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("to", ["netcdf4", "netcdf3", "hdf5"])
def test_convert_keeps_them(freestone, kind, to):
    make(freestone.folder / "a.nc", kind)
    freestone.out("convert a.nc b.nc --as", to)
    if to == "hdf5":
        with h5py.File(freestone.folder / "b.nc") as f:
            assert f["tas"].maxshape == (None, 5) and f["time"].maxshape == (None,)
            np.testing.assert_array_equal(f["tas"][:], np.arange(20).reshape(4, 5))
    else:
        assert growing(freestone.folder / "b.nc") == {"time"}
        with netCDF4.Dataset(freestone.folder / "b.nc") as f:
            np.testing.assert_array_equal(f["tas"][:], np.arange(20).reshape(4, 5))
    freestone.out("convert a.nc c.zarr")


def test_pipelines_keep_those_that_are_left(freestone):
    make(freestone.folder / "a.nc")
    freestone.out("run a.nc --var tas ! select --index time=1:3 ! write b.nc")
    assert growing(freestone.folder / "b.nc") == {"time"}
    freestone.out("run a.nc --var tas ! mean --dim time ! write c.nc")
    assert growing(freestone.folder / "c.nc") == set()
    freestone.out("convert a.nc d.nc --unlimited none")
    assert growing(freestone.folder / "d.nc") == set()
    freestone.out("convert a.nc e.nc --unlimited x")
    assert growing(freestone.folder / "e.nc") == {"x"}


def test_files_that_were_joined_grow_on(freestone):
    for number in range(3):
        with netCDF4.Dataset(freestone.folder / f"m{number}.nc", "w") as f:
            f.createDimension("time", None)
            time = f.createVariable("time", "f8", ("time",))
            time.units, time[:] = "days since 2001-01-01", [2 * number, 2 * number + 1]
            f.createVariable("tas", "f4", ("time",))[:] = [number, -number]
    freestone.out("convert 'm*.nc' all.nc")
    assert growing(freestone.folder / "all.nc") == {"time"}
    with netCDF4.Dataset(freestone.folder / "m3.nc", "w") as f:
        f.createDimension("time", 1)
        time = f.createVariable("time", "f8", ("time",))
        time.units, time[:] = "days since 2001-01-01", [6]
        f.createVariable("tas", "f4", ("time",))[:] = [9]
    freestone.out("run m3.nc ! write all.nc --append time")
    with netCDF4.Dataset(freestone.folder / "all.nc") as f:
        np.testing.assert_array_equal(f["tas"][:], [0, 0, 1, -1, 2, -2, 9])


def test_what_netcdf3_cannot_have_is_left_out(freestone):
    make(freestone.folder / "two.nc", dims=("time", "x"))
    freestone.out("convert two.nc a.nc --as netcdf3")
    assert growing(freestone.folder / "a.nc") == {"time"}
    make(freestone.folder / "second.nc", order=("x", "time"))
    freestone.out("convert second.nc b.nc --as netcdf3")
    assert growing(freestone.folder / "b.nc") == set()
    said = freestone.fails(1, "convert second.nc c.nc --as netcdf3 --unlimited time")
    assert "time" in said and "c.nc" in said
