"""xarray on Freestone against xarray on Dask's threads: the same script, files in the page cache, both results compared.

The mean over time, and the anomaly, of a climate grid: in a packed NetCDF-4 file (int16, scale, offset, fill) whose chunks are time steps, as models and
reanalyses write them, and in a Zarr store (float32) with chunks of days.
"""

import json
import os
import pathlib
import subprocess

import numpy as np
from run import Race

LIMIT = pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/bench_xarray_limits"
SHAPE = (730, 181, 360)  # a year, twice a day, one degree


def _grid():
    import xarray as xr

    rng = np.random.default_rng(7)
    time = np.arange("2001-01-01", "2002-01-01", np.timedelta64(12, "h"), dtype="datetime64[ns]")
    values = rng.normal(15, 8, SHAPE).astype("f4").round(2)
    values[:, rng.random(SHAPE[1:]) < 0.2] = np.nan
    return xr.Dataset(
        {"tas": (("time", "lat", "lon"), values, {"units": "degC"})},
        coords={"time": time, "lat": np.linspace(-90, 90, SHAPE[1]), "lon": np.arange(SHAPE[2]) * 1.0},
    )


def _zarr(folder):
    path = folder / "grid.zarr"
    if not path.exists():
        _grid().to_zarr(path, encoding={"tas": {"chunks": (4, 181, 360)}}, consolidated=False)
    return path


def _netcdf(folder):
    path = folder / "grid.nc"
    if not path.exists():
        packing = {"dtype": "i2", "scale_factor": 0.01, "add_offset": 0.0, "_FillValue": -32768, "zlib": True, "complevel": 1, "chunksizes": (1, 181, 360)}
        _grid().to_netcdf(path, encoding={"tas": packing}, engine="netcdf4")
    return path


def _limit(name, path):
    """Seconds of the bare loop: the best of those that it prints."""
    words = [LIMIT, name, path, len(os.sched_getaffinity(0)), SHAPE[0], SHAPE[1] * SHAPE[2]]
    lines = subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True).stdout.splitlines()
    return min(json.loads(line.split(maxsplit=1)[1])["seconds"] for line in lines)


def _race(title, path, engine, script, target=4.0, limit=None):
    import xarray as xr

    import freestone.xarray  # noqa: F401

    def close_to(a, b):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=2e-4)

    def mine():
        with xr.open_dataset(path, engine="freestone", chunks={}, chunked_array_type="freestone") as ds:
            return script(ds.tas).compute().values

    def theirs():
        import dask

        with dask.config.set(scheduler="threads"), xr.open_dataset(path, engine=engine, chunks={}) as ds:
            return script(ds.tas).compute().values

    race = Race(title, mine, theirs, target=target, peer=f"Dask's threads, engine {engine}", same=close_to)
    if limit is not None:
        race.limit = lambda: _limit(limit, path)
    return race


def mean(options):
    return _race("xarray: mean over time, Zarr", _zarr(options.folder), "zarr", lambda tas: tas.mean("time"), limit="mean")


def anomaly(options):
    return _race("xarray: anomaly, Zarr", _zarr(options.folder), "zarr", lambda tas: tas - tas.mean("time"), limit="anomaly")


def monthly(options):
    return _race("xarray: monthly anomaly's std, Zarr", _zarr(options.folder), "zarr", _monthly, target=None)


def _monthly(tas):
    groups = tas.groupby("time.month")
    return (groups - groups.mean()).std("time")


def packed_mean(options):
    return _race("xarray: mean over time, packed NetCDF-4", _netcdf(options.folder), "netcdf4", lambda tas: tas.mean("time"), limit="mean")


def packed_anomaly(options):
    return _race("xarray: anomaly, packed NetCDF-4", _netcdf(options.folder), "netcdf4", lambda tas: tas - tas.mean("time"), limit="anomaly")


ROWS = {
    "xarray-mean": mean, "xarray-anomaly": anomaly, "xarray-monthly": monthly, "xarray-packed-mean": packed_mean, "xarray-packed-anomaly": packed_anomaly,
}  # fmt: skip
