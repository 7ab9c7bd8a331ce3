"""Many NetCDF files: open, look, reduce, write later under a progress bar.

    python many_files.py [--files 24] [--folder many_files]

Makes a file a month of hourly air temperature on a grid, opens all of them as one dataset, looks at it without reading data, describes the climatology, the
anomaly's extremes and the global mean, and writes each to a NetCDF file: nothing runs before ``compute``, and all of it shares passes over
the files. Needs xarray with netCDF4 (to make the files) and, for the bar of the last part, tqdm.
"""

from __future__ import annotations

import argparse
import pathlib
import time

import numpy as np
import xarray as xr

import freestone as fs


def make_files(folder: pathlib.Path, files: int, lat: int, lon: int, step_hours: int) -> None:
    """t2m_2001-01.nc and so on: t2m(time, lat, lon), packed in int16 as reanalyses are, compressed in chunks of a day."""
    rng = np.random.default_rng(0)
    latitudes, longitudes = np.linspace(-89, 89, lat), np.linspace(0, 360, lon, endpoint=False)
    for month in np.arange("2001-01", files, dtype="datetime64[M]"):
        times = np.arange(month, month + 1, np.timedelta64(step_hours, "h"), dtype="datetime64[h]").astype("datetime64[ns]")
        season = np.cos(2 * np.pi * (times.astype("datetime64[D]").astype(int) % 365) / 365)[:, None, None]
        values = 288 - 0.4 * np.abs(latitudes)[:, None] - 10 * season * np.sin(np.radians(latitudes))[:, None] + rng.normal(size=(len(times), lat, lon))
        data = xr.Dataset({"t2m": (("time", "lat", "lon"), values.astype("f4"), {"units": "K", "long_name": "2 metre temperature"})})
        data = data.assign_coords(time=times, lat=("lat", latitudes, {"units": "degrees_north"}), lon=("lon", longitudes, {"units": "degrees_east"}))
        packing = {"dtype": "i2", "scale_factor": 0.005, "add_offset": 280.0, "_FillValue": -32768, "zlib": True, "complevel": 1}
        encoding = {"t2m": {**packing, "chunksizes": (24 // step_hours, lat, lon)}, "time": {"units": "hours since 2001-01-01"}}
        data.to_netcdf(folder / f"t2m_{month}.nc", encoding=encoding)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=24, help="months")
    parser.add_argument("--lat", type=int, default=91)
    parser.add_argument("--lon", type=int, default=180)
    parser.add_argument("--step-hours", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("many_files"))
    options = parser.parse_args()
    folder: pathlib.Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    print(f"making {options.files} files in {folder}")
    make_files(folder, options.files, options.lat, options.lon, options.step_hours)

    # Open: metadata and coordinates of all files, in parallel. The order of names does not matter.
    begun = time.perf_counter()
    ds = fs.open(str(folder / "t2m_*.nc"))
    print(f"\nopened as one in {time.perf_counter() - begun:.3f} s\n{ds}")

    # Look: still no data.
    t2m = ds["t2m"]
    print(f"\n{t2m}\n{t2m.nbytes / 1e9:.2f} GB when unpacked")

    # Reduce: descriptions.
    climatology = t2m.climatology()
    anomaly = t2m.anomaly()
    warmest, coldest = anomaly.max("time"), anomaly.min("time")
    series = t2m.weighted("coslat").mean(("lat", "lon"))
    print("\nwhat the climatology will take:\n" + climatology.explain())

    # Write later: each is an object with compute(), which fs.compute takes too, several in as few passes as can be.
    writes = [
        climatology.write(folder / "climatology.nc", overwrite=True, compute=False),
        warmest.write(folder / "warmest.nc", overwrite=True, compute=False),
        coldest.write(folder / "coldest.nc", overwrite=True, compute=False),
        series.write(folder / "series.nc", overwrite=True, compute=False),
    ]
    begun = time.perf_counter()
    with fs.ProgressBar():
        fs.compute(*writes)
    print(f"reduced and written in {time.perf_counter() - begun:.2f} s")

    # In the background: a future, while other things go on.
    future = t2m.resample(time="1D").mean().write(folder / "daily.zarr", overwrite=True, compute=False).submit()
    print(f"the daily means are {future.status}")
    future.result()

    # What was written opens in xarray.
    with xr.open_dataset(folder / "climatology.nc") as check:
        print(f"\n{check.t2m.dims} {check.t2m.shape}: {float(check.t2m[0].sel(lat=slice(30, 90)).mean()):.2f} K north of 30 degrees in January")


if __name__ == "__main__":
    main()
