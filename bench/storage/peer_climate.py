"""One climate workload with xarray on Dask: peer_climate.py WORKLOAD FOLDER OUTPUT. Prints {"seconds": ...}, from opening the files to the last
byte written, imports not counted. Threads on all cores; chunks as they lie in the files."""

import json
import os
import pathlib
import sys
import time

import dask
import xarray as xr

THREADS = int(os.environ.get("BENCH_THREADS", len(os.sched_getaffinity(0))))


def opened(folder):
    return xr.open_mfdataset(sorted(folder.glob("clim_*.nc")), chunks={"time": 24, "lat": 180, "lon": 360}, combine="by_coords")


def time_mean(folder, output):
    opened(folder)[["tas"]].mean("time").to_netcdf(output)


def climatology(folder, output):
    opened(folder)[["tas"]].groupby("time.month").mean().to_netcdf(output)


def anomaly(folder, output):
    tas = opened(folder)[["tas"]]
    groups = tas.groupby("time.month")
    print(json.dumps({k: float(v) for k, v in (groups - groups.mean())["tas"].std().to_dataset(name="std").compute().items()}))


def metadata(folder, output):
    with xr.open_mfdataset(sorted(folder.glob("s_*.nc")), combine="by_coords") as ds:
        print(json.dumps({"time": ds.sizes["time"], "shape": ds["tas"].shape}))


def rewrite(folder, output):
    as_before = {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": (24, 180, 360)}
    opened(folder)[["tas"]].to_netcdf(output, encoding={"tas": as_before}, unlimited_dims=["time"])


def chunk_table(folder, output):
    import h5py

    table = []
    with h5py.File(folder / "chunks.h5") as file:
        x = file["x"]
        x.id.chunk_iter(lambda chunk: table.append((chunk.chunk_offset, chunk.byte_offset, chunk.size)))
        print(json.dumps({"shape": x.shape, "chunks": len(table)}))


def main():
    name, folder, output = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    workload = {f.__name__: f for f in (time_mean, climatology, anomaly, rewrite, metadata, chunk_table)}[name]
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        begun = time.perf_counter()
        workload(folder, output)
        seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
