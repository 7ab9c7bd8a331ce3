"""A deflated file that is copied, cut or joined stays deflated; what is computed is not compressed unasked."""

import numpy as np
import pytest

import freestone as fs

h5py = pytest.importorskip("h5py")
netCDF4 = pytest.importorskip("netCDF4")


def make(path, start=0, **packed):
    values = np.arange(start, start + 4 * 300 * 250).reshape(4, 300, 250) % 1000
    with netCDF4.Dataset(path, "w") as f:
        for name, length in {"time": None, "y": 300, "x": 250}.items():
            f.createDimension(name, length)
        time = f.createVariable("time", "f8", ("time",))
        time.units, time[:] = "days since 2001-01-01", start + np.arange(4)
        tas = f.createVariable("tas", "i2" if packed else "f4", ("time", "y", "x"), zlib=True, complevel=7, chunksizes=(2, 150, 125))
        tas.setncatts(packed)
        tas.set_auto_maskandscale(False)
        tas[:] = values
    return values


def filters(path, name="tas"):
    with h5py.File(path) as f:
        return f[name].compression, f[name].compression_opts, f[name].shuffle, f[name].chunks


def test_convert(freestone):
    values = make(freestone.folder / "a.nc")
    freestone.out("convert a.nc b.nc")
    assert filters(freestone.folder / "b.nc") == ("gzip", 7, True, (2, 150, 125))
    with netCDF4.Dataset(freestone.folder / "b.nc") as f:
        np.testing.assert_array_equal(f["tas"][:], values)
    freestone.out("convert a.nc c.h5 --level 2 --shuffle no")
    assert filters(freestone.folder / "c.h5")[:3] == ("gzip", 2, False)
    freestone.out("convert a.nc d.nc --compress none")
    assert filters(freestone.folder / "d.nc")[0] is None
    freestone.out("convert a.nc e.nc --compress lzf")
    assert filters(freestone.folder / "e.nc")[:3] == ("lzf", None, True)
    freestone.out("convert d.nc f.nc")
    assert filters(freestone.folder / "f.nc")[0] is None


def test_files_in_a_row_and_parts_of_them(freestone):
    first, second = make(freestone.folder / "a1.nc"), make(freestone.folder / "a2.nc", 4)
    freestone.out("convert a*.nc all.nc")
    assert filters(freestone.folder / "all.nc")[:3] == ("gzip", 7, True)
    with netCDF4.Dataset(freestone.folder / "all.nc") as f:
        np.testing.assert_array_equal(f["tas"][:], np.concatenate([first, second]))
    freestone.out("run all.nc --var tas ! select --index time=1:3 ! write part.nc")
    assert filters(freestone.folder / "part.nc")[:3] == ("gzip", 7, True)
    for step in ("mean", "median"):
        freestone.out(f"run all.nc --var tas ! {step} --dim time ! write {step}.nc")
        assert filters(freestone.folder / f"{step}.nc")[0] is None


def test_packed_numbers_are_packed_and_deflated_again(freestone):
    values = make(freestone.folder / "a.nc", scale_factor=0.5, add_offset=3.0, _FillValue=np.int16(7))
    fs.open(freestone.folder / "a.nc").isel(time=slice(1, 3)).write(freestone.folder / "b.nc")
    assert filters(freestone.folder / "b.nc")[:3] == ("gzip", 7, True)
    with h5py.File(freestone.folder / "b.nc") as f:
        np.testing.assert_array_equal(f["tas"][:], values[1:3])
    fs.open(freestone.folder / "a.nc").mean("time").write(freestone.folder / "c.nc")
    assert filters(freestone.folder / "c.nc")[0] is None


@pytest.mark.parametrize("more", ["", "--dtype f8"])
def test_chunks_that_were_asked_for_are_kept(freestone, more):
    np.save(freestone.folder / "x.npy", np.arange(60.0 * 80, dtype="f4").reshape(60, 80))
    freestone.out("run x.npy ! rechunk --chunks 20,20 ! write r.h5", more)
    assert filters(freestone.folder / "r.h5", "data") == (None, None, False, (20, 20))
