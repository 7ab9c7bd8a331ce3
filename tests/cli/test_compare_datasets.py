"""Datasets compared variable by variable, and many files of which not all hold the same."""

import numpy as np
import pytest

xr = pytest.importorskip("xarray")
pytestmark = pytest.mark.filterwarnings("ignore")


def test_compare_looks_at_every_variable_and_coordinate(freestone, tmp_path):
    def dataset(**changed):
        one = xr.Dataset(
            {"tas": (("time", "lat"), np.arange(6.0).reshape(3, 2), {"units": "K"}), "n": ("lat", np.array([2**62, 5]))},
            {"time": np.array(["2000-01-01", "2000-01-02", "2000-01-03"], "M8[ns]"), "lat": ("lat", [10.0, 20.0], {"units": "degrees_north"})},
        )
        return one.assign(changed)

    dataset().to_netcdf(tmp_path / "a.nc", encoding={"time": {"units": "days since 2000-01-01"}})
    dataset().to_netcdf(tmp_path / "b.nc", encoding={"time": {"units": "hours since 1999-12-31"}})
    assert freestone.out("compare a.nc b.nc") == "the same\n"
    dataset(tas=(("time", "lat"), np.arange(6.0).reshape(3, 2) + 1, {"units": "K"})).to_netcdf(tmp_path / "c.nc")
    done = freestone("compare a.nc c.nc")
    assert done.returncode == 1 and "tas: data: 6 of 6 values differ" in done.stdout
    dataset(n=("lat", np.array([2**62 + 1, 5]))).to_netcdf(tmp_path / "d.nc")
    assert "n: data: 1 of 2 values differ" in freestone("compare a.nc d.nc").stdout
    assert freestone.out("compare a.nc d.nc --var tas") == "the same\n"
    dataset(lat=("lat", [10.0, 21.0], {"units": "degrees_north"})).to_netcdf(tmp_path / "e.nc")
    assert "coordinate 'lat'" in freestone("compare a.nc e.nc").stdout and freestone.out("compare a.nc e.nc --data-only") == "the same\n"
    dataset().drop_vars("n").to_netcdf(tmp_path / "f.nc")
    assert "n: only the first has it" in freestone("compare a.nc f.nc").stdout


def test_files_need_to_agree_on_what_is_asked_for_alone(freestone, tmp_path):
    for k, names in enumerate((("tas", "pr"), ("tas",))):
        time = ("time", [0.0 + 2 * k, 1 + 2 * k], {"units": "days since 2000-01-01"})
        xr.Dataset({name: ("time", np.arange(2.0) + k) for name in names}, {"time": time}).to_netcdf(tmp_path / f"x{k}.nc")
    assert float(freestone.out("run 'x*.nc' --var tas ! mean")) == 1
    assert "there is no variable 'pr'" in freestone.fails(1, "run 'x*.nc' ! mean")


def test_the_file_that_differs_is_named_whatever_follows(freestone, tmp_path):
    for k, lat in enumerate(([10.0, 20], [10.0, 21])):
        time = ("time", [0.0 + 2 * k, 1 + 2 * k], {"units": "days since 2000-01-01"})
        xr.Dataset({"tas": (("time", "lat"), np.ones((2, 2)))}, {"time": time, "lat": lat}).to_netcdf(tmp_path / f"x{k}.nc")
    assert "x1.nc: coordinate 'lat' has 21 at position 1, and in x0.nc it has 20" in freestone.fails(1, "run 'x*.nc' ! mean")


def test_images_that_lie_nowhere_are_the_same_in_every_format(freestone, tmp_path):
    """A FITS header without WCS says no more of places than a file of another format; one with a reference says something."""
    fits = pytest.importorskip("astropy.io.fits")
    x = np.arange(12, dtype="f4").reshape(3, 4)
    fits.writeto(tmp_path / "a.fits", x)
    for name in ("a.npy", "a.tif", "a.zarr", "a.nc", "b.fits"):
        freestone.out(f"convert a.fits {name}")
        assert freestone.out(f"compare a.fits {name}") == "the same\n"
    fits.writeto(tmp_path / "placed.fits", x, fits.Header({"CRVAL1": 7.0}))
    done = freestone("compare placed.fits a.npy")
    assert done.returncode == 1 and "world coordinates differ" in done.stdout
