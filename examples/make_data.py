"""Makes the small files that the pages of the documentation work on: a spectral cube, two years of climate, a raster, an array in Zarr.

    python make_data.py [FOLDER]

Needs astropy and xarray with netCDF4, besides Freestone.
"""

import pathlib
import sys

import numpy as np

import freestone as fs


def cube(folder: pathlib.Path) -> None:
    """cube.fits: a line of 13CO in a rotating disk, float32 (velocity 40, y 48, x 56), in K, with a beam; continuum.fits beside it."""
    from astropy.io import fits

    rng = np.random.default_rng(1)
    v, y, x = np.ogrid[:40, :48, :56]
    centre = 20 + 6 * np.tanh((x - 28) / 8.0)
    brightness = 8 * np.exp(-((x - 28) ** 2 + (y - 24) ** 2) / 200.0)
    continuum = np.full((48, 56), 0.5, "f4")
    line = brightness * np.exp(-0.5 * ((v - centre) / 1.5) ** 2)
    values = (line + continuum + rng.normal(scale=0.3, size=(40, 48, 56))).astype("f4")
    values[rng.random(values.shape) < 1e-4] = 90  # cosmic rays, so to say
    header = fits.Header()
    header.update(
        CTYPE1="RA---TAN", CUNIT1="deg", CRPIX1=28.0, CRVAL1=83.8, CDELT1=-5e-4, CTYPE2="DEC--TAN", CUNIT2="deg", CRPIX2=24.0, CRVAL2=-5.4, CDELT2=5e-4,
        CTYPE3="VRAD", CUNIT3="m/s", CRPIX3=1.0, CRVAL3=-1e4, CDELT3=500.0, RESTFRQ=1.10201354e11, SPECSYS="LSRK", RADESYS="ICRS", BUNIT="K",
        BMAJ=1.5e-3, BMIN=1.2e-3, BPA=20.0, OBJECT="disk",
    )  # fmt: skip
    fits.writeto(folder / "cube.fits", values, header, overwrite=True)
    plane = header.copy()
    for key in ("CTYPE3", "CUNIT3", "CRPIX3", "CRVAL3", "CDELT3"):
        del plane[key]
    fits.writeto(folder / "continuum.fits", continuum, plane, overwrite=True)


def climate(folder: pathlib.Path) -> None:
    """clim_2001.nc, clim_2002.nc: daily air temperature, tas(time, lat, lon) float32 in K on a grid of 10 degrees."""
    import xarray as xr

    rng = np.random.default_rng(2)
    lat, lon = np.arange(-85.0, 90, 10), np.arange(5.0, 360, 10)
    for year in (2001, 2002):
        time = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]").astype("datetime64[ns]")
        season = np.cos(2 * np.pi * (np.arange(len(time)) - 15) / 365)[:, None, None]
        tas = 300 - 0.45 * np.abs(lat)[:, None] - 12 * season * np.sin(np.radians(lat))[:, None] + rng.normal(size=(len(time), len(lat), len(lon)))
        data = xr.Dataset({"tas": (("time", "lat", "lon"), tas.astype("f4"), {"units": "K", "standard_name": "air_temperature"})})
        data = data.assign_coords(time=time, lat=("lat", lat, {"units": "degrees_north"}), lon=("lon", lon, {"units": "degrees_east"}))
        data.attrs["title"] = "an example"
        data.to_netcdf(folder / f"clim_{year}.nc", encoding={"time": {"units": "days since 2001-01-01"}, "tas": {"zlib": True, "chunksizes": (30, 18, 36)}})


def raster(folder: pathlib.Path) -> None:
    """scene.tif: four bands (blue, green, red, near infrared) of uint16 reflectance, scaled by 10000, 300 x 400 pixels of 30 m, nodata 0."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:300, :400]
    green = (np.sin(x / 40.0) * np.cos(y / 30.0) + 1) / 2  # how much grows there
    bands = np.stack([800 - 300 * green, 900 - 200 * green, 1200 - 900 * green, 1500 + 2500 * green]) + rng.normal(scale=20, size=(4, 300, 400))
    values = bands.astype("u2")
    values[:, :20, :30] = 0
    attrs = {"crs": "EPSG:32633", "GeoTransform": "500000 30 0 5200000 0 -30", "nodata": 0, "band_names": ["blue", "green", "red", "nir"]}
    fs.asarray(values).write(folder / "scene.tif", overwrite=True, dims=("band", "y", "x"), attrs=attrs)


def array(folder: pathlib.Path) -> None:
    """big.zarr: float32 (200, 120, 100), in chunks of (10, 60, 50); not that big."""
    noise = fs.random.default_rng(4).normal(size=(200, 120, 100))
    (noise.astype("f4") + 5).write(folder / "big.zarr", overwrite=True, chunks=(10, 60, 50), dims=("time", "y", "x"))


def main() -> None:
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    folder.mkdir(parents=True, exist_ok=True)
    for make in (cube, climate, raster, array):
        make(folder)
    print(f"cube.fits, continuum.fits, clim_2001.nc, clim_2002.nc, scene.tif and big.zarr are in {folder.resolve()}")


if __name__ == "__main__":
    main()
