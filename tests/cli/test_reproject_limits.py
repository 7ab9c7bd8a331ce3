"""reproject and extract at their limits: poles, too many pixels, places that are none."""

import re

import numpy as np
import pytest
import rasterio
from affine import Affine
from astropy.io import fits
from astropy.wcs import WCS
from conftest import needs_plugin, spectral_header

needs_proj = needs_plugin("proj", "libproj-dev")


@needs_proj
def test_the_tile_over_a_pole_is_in_the_memory_that_was_planned(freestone):
    # Seen from the pole, one tile has all longitudes of the map.
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", width=21600, height=10800, count=1, dtype="float32", crs="EPSG:4326", tiled=True,
                       transform=Affine(1 / 60, 0, -180, 0, -1 / 60, 90), SPARSE_OK=True, nodata=-1) as raster:
        raster.write(np.full((1, 512, 512), 7, "f4"), window=rasterio.windows.Window(10240, 512, 512, 512))
    freestone.out("run a.tif --memory 64MiB --profile p.txt ! reproject --crs EPSG:3995 --resolution 6000 --bbox -9000000,-9000000,3000000,3000000 ! max")
    said = re.search(r"process ([0-9.]+) MiB at most", (freestone.folder / "p.txt").read_text())
    assert float(said.group(1)) < 64 + 200


def test_more_pixels_than_a_map_holds(freestone, cube):
    said = freestone.fails(1, "plan cube.fits ! reproject --crs galactic --resolution 1e-9deg ! write out.fits")
    assert "Take larger pixels" in said


def test_places_that_are_none(freestone, cube):
    assert "is no latitude" in freestone.fails(2, "run cube.fits ! extract --point 24,185")
    assert "is no angle" in freestone.fails(2, f"run cube.fits ! extract --point {'9' * 400}h,30")


def test_a_path_that_begins_with_one_place_twice(freestone, random):
    data = random.normal(3, 2, (6, 40, 50)).astype("f4")
    fits.PrimaryHDU(data, spectral_header()).writeto(freestone.folder / "a.fits")
    places = [f"{p.ra.deg:.12f} {p.dec.deg:.12f}\n" for p in WCS(spectral_header()).celestial.pixel_to_world([6.1, 30.7], [5.3, 20.2])]
    (freestone.folder / "once.txt").write_text("".join(places))
    (freestone.folder / "twice.txt").write_text("".join([places[0], *places]))
    for name in ("once", "twice"):
        freestone.out(f"run a.fits ! extract --path {name}.txt --width 3 ! write {name}.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "twice.npy"), np.load(freestone.folder / "once.npy"))


def test_of_a_dataset_the_images_change_whatever_comes_first(freestone, random):
    import xarray as xr

    lat, lon = np.arange(40.0, 30, -1), np.arange(5.0, 25)
    tas = xr.DataArray(random.normal(size=(3, 10, 20)), {"time": [0, 1, 2], "lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})}, ("time", "lat", "lon"))
    series = xr.DataArray(np.arange(3.0), {"time": [0, 1, 2]}, ("time",))
    xr.Dataset({"series": series, "tas": tas}).to_netcdf(freestone.folder / "a.nc")
    freestone.out("run a.nc ! reproject --resolution 0.5 ! write out.nc")
    with xr.open_dataset(freestone.folder / "out.nc") as made:
        np.testing.assert_array_equal(made.series, series)
        np.testing.assert_allclose(made.tas, np.repeat(np.repeat(tas.values, 2, axis=1), 2, axis=2))
    freestone.out("run a.nc ! extract --point 7.2,38.9 ! write point.nc")
    with xr.open_dataset(freestone.folder / "point.nc") as made:
        np.testing.assert_array_equal(made.series, series)
        np.testing.assert_array_equal(made.tas, tas[:, 1, 2])
    series.rename("a").to_dataset().assign(b=series * 2).to_netcdf(freestone.folder / "lines.nc")
    assert "no image" in freestone.fails(1, "run lines.nc ! reproject --resolution 0.5 ! write no.nc")
