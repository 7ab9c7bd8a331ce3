"""Rows of climate data: NetCDF-4 in, means and anomalies out."""

import json
import pathlib
import shutil
import sys

from make_climate import ensure_small, ensure_years
from race import FREESTONE, PROGRAMS, Peer, Row

HERE = pathlib.Path(__file__).resolve().parent
LIMIT = PROGRAMS / "bench_climate_limits"


def fields(ours, theirs):
    """Whether two netCDF files hold the same tas, to what float32 sums in another order differ by."""
    import numpy as np
    import xarray as xr

    with xr.open_dataset(ours) as a, xr.open_dataset(theirs) as b:
        x, y = a["tas"].values.squeeze(), b["tas"].values.squeeze()
        if x.shape != y.shape:
            return f"shapes {x.shape} and {y.shape}"
        return "" if np.allclose(x, y, rtol=2e-4, equal_nan=True) else f"largest difference {np.nanmax(np.abs(x - y))}"


def numbers(key, ours, theirs):
    """Whether the printed numbers are the same."""
    a, b = json.loads(ours.read_text().splitlines()[-1]), json.loads(theirs.read_text().splitlines()[-1])
    x, y = a["value"] if "value" in a else a[key], b[key]
    return "" if abs(x - y) <= 1e-3 * abs(y) else f"{x} and {y}"


def xarray(name):
    return lambda s: [sys.executable, HERE / "peer_climate.py", name, s.data, s.output]


def cdo(*operators):
    return lambda s: [shutil.which("cdo") or "cdo", "-s", "-O", "-P", str(s.threads), *operators, "-mergetime", *sorted(s.data.glob("clim_*.nc")), s.output]


def run(*words):
    return lambda s: [FREESTONE, "run", s.data / "clim_*.nc", "--var", "tas", "--memory", s.memory, *words, *(["!", "write", s.output] if s.output.suffix == ".nc" else [])]


def count_of(ours, theirs):
    a, b = json.loads(ours.read_text()), json.loads(theirs.read_text().splitlines()[-1])
    return "" if a["dims"]["time"] == b["time"] else f"{a['dims']['time']} and {b['time']} steps"


def limit(name):
    return lambda s: [LIMIT, name, s.threads, *sorted(s.data.glob("clim_*.nc"))]


ROWS = [
    Row("time_mean", "mean over time of 8 NetCDF-4 files, 2 GB decoded", ensure_years, run("!", "mean", "--dim", "time"),
        [Peer("xarray, Dask", xarray("time_mean"), 4), Peer("cdo timmean", cdo("-timmean"), 3)], ".nc", fields, limit("decode")),
    Row("climatology", "means of the months of the same files", ensure_years, run("!", "climatology"),
        [Peer("xarray, Dask", xarray("climatology"), 4), Peer("cdo ymonmean", cdo("-ymonmean"), 3)], ".nc", fields, limit("decode")),
    Row("anomaly", "standard deviation of what the same files differ from their months", ensure_years, run("--format", "json", "!", "anomaly", "!", "std"),
        [Peer("xarray, Dask", xarray("anomaly"), 3)], "", lambda a, b: numbers("std", a, b), limit("decode")),
    Row("open_2000", "metadata of 2,000 NetCDF-4 files as one dataset", ensure_small, lambda s: [FREESTONE, "info", s.data / "s_*.nc", "--json"],
        [Peer("open_mfdataset", xarray("metadata"), 5)], "", count_of),
]
