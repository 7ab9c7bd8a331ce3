"""Rows of climate data: NetCDF-4 in, means and anomalies out."""

import json
import pathlib
import shutil
import sys

from make_climate import ensure_many_chunks, ensure_small, ensure_years
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


def everything(ours, theirs):
    """Whether two netCDF files hold the same steps of tas, their times too; read a year at a time."""
    import numpy as np
    import xarray as xr

    with xr.open_dataset(ours, decode_times=False) as a, xr.open_dataset(theirs, decode_times=False) as b:
        if a["tas"].shape != b["tas"].shape:
            return f"shapes {a['tas'].shape} and {b['tas'].shape}"
        if a["tas"].encoding.get("complevel") not in (4, None) or a["tas"].encoding["chunksizes"] != b["tas"].encoding["chunksizes"]:
            return f"stored otherwise: {a['tas'].encoding} and {b['tas'].encoding}"
        if not np.array_equal(a["time"].values, b["time"].values):
            return "the times differ"
        for first in range(0, a.sizes["time"], 240):
            part = {"time": slice(first, first + 240)}
            if not np.array_equal(a["tas"].isel(part).values, b["tas"].isel(part).values, equal_nan=True):
                return f"steps from {first} differ"
    return ""


def numbers(key, ours, theirs):
    """Whether the printed numbers are the same."""
    a, b = json.loads(ours.read_text().splitlines()[-1]), json.loads(theirs.read_text().splitlines()[-1])
    x, y = a["value"] if "value" in a else a[key], b[key]
    return "" if abs(x - y) <= 1e-3 * abs(y) else f"{x} and {y}"


def xarray(name):
    return lambda s: [sys.executable, HERE / "peer_climate.py", name, s.data, s.output]


def cdo(*operators):
    return lambda s: [shutil.which("cdo") or "cdo", "-s", "-O", "-P", str(s.threads), *operators, "[", "-mergetime", *sorted(s.data.glob("clim_*.nc")), "]", s.output]


def run(*words):
    return lambda s: [FREESTONE, "run", s.data / "clim_*.nc", "--var", "tas", "--memory", s.memory, *words, *(["!", "write", s.output] if s.output.suffix == ".nc" else [])]


def count_of(ours, theirs):
    a, b = json.loads(ours.read_text()), json.loads(theirs.read_text().splitlines()[-1])
    return "" if a["dims"]["time"] == b["time"] else f"{a['dims']['time']} and {b['time']} steps"


def chunks_of(ours, theirs):
    """Whether what was printed is the array whose chunks the other listed."""
    a, b = json.loads(ours.read_text()), json.loads(theirs.read_text().splitlines()[-1])
    return "" if a["hdus"][0]["shape"] == b["shape"] and b["chunks"] == b["shape"][0] else f"{a['hdus'][0]['shape']} and {b}"


def limit(name):
    return lambda s: [LIMIT, name, s.threads, *sorted(s.data.glob("clim_*.nc"))]


ROWS = [
    Row("time_mean", "mean over time of 8 NetCDF-4 files, 2 GB decoded", ensure_years, run("!", "mean", "--dim", "time"),
        [Peer("xarray, Dask", xarray("time_mean"), 4), Peer("cdo timmean", cdo("-timmean"), 3)], ".nc", fields, limit("mean")),
    Row("climatology", "means of the months of the same files", ensure_years, run("!", "climatology"),
        [Peer("xarray, Dask", xarray("climatology"), 4), Peer("cdo ymonmean", cdo("-ymonmean"), 3)], ".nc", fields, limit("climatology")),
    Row("anomaly", "standard deviation of what the same files differ from their months", ensure_years, run("--format", "json", "!", "anomaly", "!", "std"),
        [Peer("xarray, Dask", xarray("anomaly"), 3)], "", lambda a, b: numbers("std", a, b), limit("anomaly")),
    Row("rewrite", "the same files as one, deflate of level 4 and shuffle", ensure_years,
        lambda s: [FREESTONE, "convert", s.data / "clim_*.nc", s.output, "--var", "tas", "--memory", s.memory, "--compress", "deflate", "--level", "4"],
        [Peer("xarray, Dask", xarray("rewrite"), 4)], ".nc", everything,
        lambda s: [LIMIT, "rewrite", s.threads, s.output, *sorted(s.data.glob("clim_*.nc"))]),
    Row("open_2000", "metadata of 2,000 NetCDF-4 files as one dataset", ensure_small, lambda s: [FREESTONE, "info", s.data / "s_*.nc", "--json"],
        [Peer("open_mfdataset", xarray("metadata"), 5)], "", count_of),
    # Their library (2.x in the wheel) has a call that lists chunks in bulk; those before 1.14 take minutes.
    Row("chunk_table", "a table of 200,000 chunks (HDF5)", ensure_many_chunks, lambda s: [FREESTONE, "info", s.data / "chunks.h5", "--json"],
        [Peer("h5py chunk_iter", lambda s: [sys.executable, HERE / "peer_climate.py", "chunk_table", s.data, s.output], 0)], "", chunks_of, at_most=1.0),
]
