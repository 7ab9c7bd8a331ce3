"""One workload of scripts/bench arrays with Dask: peer.py WORKLOAD FOLDER OUTPUT. Prints {"seconds": ..., "numbers": [...]};
`peer.py overhead` prints what a task costs, as bench_overhead does.

Threads on all cores, and the chunks that suit each workload best: those of the data where they do, otherwise the
rechunking that Dask's own documentation recommends. Seconds are from opening the data to the last result, imports not
counted. bench/arrays/workloads.cpp has the same definitions for Freestone.
"""

import json
import os
import pathlib
import sys
import time

import dask
import dask.array as da
import numpy as np
import zarr
from zarr.codecs import BloscCodec

THREADS = int(os.environ.get("BENCH_THREADS", len(os.sched_getaffinity(0))))


def opened(folder, name):
    return da.from_zarr(folder / f"{name}.zarr")


def total(x):
    """Results larger than a number are compared by their sum."""
    return float(np.sum(np.asarray(x), dtype="f8"))


def write(x, chunks, output):
    target = zarr.create_array(output, shape=x.shape, chunks=chunks, dtype=x.dtype, overwrite=True,
                               compressors=[BloscCodec(cname="lz4", clevel=5, shuffle="shuffle")])
    da.store(x.rechunk(chunks), target, lock=False)
    return []


def rechunk(folder, output):
    x = opened(folder, "a")
    n = x.shape[0]
    return write(x, (n, n // 10, n // 10), output)


def tiles_to_rows(folder, output):
    x = opened(folder, "tall")
    n = x.shape[0]
    return write(x, (max(1, n // 100), n // 2, n), output)


def transpose_sum(folder, output):
    x = opened(folder, "a")
    x = x.rechunk((x.shape[0] // 10,) * 3)
    return [float((x + x.transpose(2, 1, 0)).sum().compute())]


def median(folder, output):
    x = opened(folder, "a")
    n = x.shape[0]
    return [total(da.median(x.rechunk((n, n // 10, n // 10)), axis=0).compute())]


def elementwise_sum(folder, output):
    return [float((opened(folder, "a") + opened(folder, "b")).sum().compute())]


def anomaly(folder, output):
    x = opened(folder, "a")
    return [float(((x - x.mean(axis=0)) ** 2).mean().compute())]


def quadratic_mean(folder, output):
    a, b = opened(folder, "a"), opened(folder, "b")
    return [float((a**2 + b**2 + 2 * a * b).mean().compute())]


def double_difference(folder, output):
    x = opened(folder, "a")
    d = x[1:] - x[:-1]
    return [float((d[:, 1:] - d[:, :-1]).sum().compute())]


def vorticity(folder, output):
    u, v = opened(folder, "a"), opened(folder, "b")
    dv = (v[:, :, 1:] - v[:, :, :-1])[:, 1:]
    du = (u[:, 1:] - u[:, :-1])[:, :, 1:]
    return [float(abs(dv - du).mean().compute())]


def filter_mean(folder, output):
    x = opened(folder, "a")
    return [float(da.nanmean(da.where(x > 0.5, x, np.float32(np.nan))).compute())]


def access_slices(folder, output):
    x = opened(folder, "a")
    n = x.shape[0]
    parts = [x[n // 10 : n // 5], x[:, n // 2], x[:, :, 3 : n - 3 : 7], x[n // 3 : n // 3 + 5, : n // 4, n // 2 :]]
    return [float(s) for s in dask.compute(*[part.sum() for part in parts])]


def residual_sum(folder, output):
    x = opened(folder, "a")
    return [float((x - x.mean(axis=0)).sum().compute())]


def grouped_mean(folder, output):
    x = opened(folder, "a")
    return [total(da.stack([x[g::12].mean(axis=0) for g in range(12)]).compute())]


def matmul(folder, output):
    return [float((opened(folder, "m") @ opened(folder, "n")).sum().compute())]


def overhead():
    """Blocks of one number on one thread (making the graph counts, as planning does for Freestone), and callables on two."""

    class Nothing:
        def __setitem__(self, key, value):
            pass

    def row(what, count, begun):
        print(json.dumps({"what": what, "count": count, "microseconds_each": 1e6 * (time.perf_counter() - begun) / count}))

    for count in (10_000, 100_000):
        x = da.zeros(count, chunks=1)
        begun = time.perf_counter()
        da.store(x + 1.0, Nothing(), lock=False, scheduler="synchronous")
        row("empty tiles", count, begun)
    begun = time.perf_counter()
    dask.compute(*[dask.delayed(int)(i) for i in range(20_000)], scheduler="threads", num_workers=2)
    row("submitted callables", 20_000, begun)


WORKLOADS = [rechunk, transpose_sum, median, elementwise_sum, anomaly, quadratic_mean, tiles_to_rows, double_difference, vorticity, filter_mean,
             access_slices, residual_sum, grouped_mean, matmul]


def main():
    if sys.argv[1] == "overhead":
        return overhead()
    name, folder, output = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    workload = {function.__name__: function for function in WORKLOADS}[name]
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        begun = time.perf_counter()
        numbers = workload(folder, output)
        seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "numbers": numbers}))


if __name__ == "__main__":
    main()
