#!/usr/bin/env python3
"""scripts/bench cluster: Freestone against Dask's own collections on the same LocalCluster of small workers, in turns.

Rows: rechunk (swap axes), median over the first axis, anomaly (x - mean over time), clip (what is beyond 3 deviations of the median becomes NaN); and overhead, the same run on local
threads. A row of Dask that does not end within the limit, or whose workers are killed, counts as such. When files of the cluster and of threads differ, the exit
code is 1.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile
import time
import warnings

import numpy as np

ROWS = ("rechunk", "median", "anomaly", "clip")


def make(folder, megabytes):
    import freestone as fs

    side = 500
    times = max(40, megabytes * 10**6 // (4 * side * side))
    path = folder / f"a{megabytes}.zarr"
    if not path.exists():
        rng = np.random.default_rng(1)
        base = rng.normal(size=(20, side, side)).astype("f4")
        a = fs.concat([fs.asarray(base + k) for k in range(times // 20)], axis=0)
        a.write(path, chunks=(20, 250, 250), compress="zstd", level=1)
    return path


def ours(row, path, out):
    import freestone as fs

    a = fs.open(path)
    if row == "rechunk":
        a.rechunk((a.shape[0], 25, 25)).write(out, overwrite=True)
    elif row == "median":
        fs.median(a, axis=0).write(out, overwrite=True)
    elif row == "anomaly":
        (a - a.mean(axis=0)).write(out, overwrite=True)
    elif row == "clip":
        center, deviation = fs.median(a, axis=0), a.std(axis=0)
        fs.where(abs(a - center) > 3 * deviation, np.float32(np.nan), a).write(out, overwrite=True)


def theirs(row, path, out):
    import dask.array as da

    a = da.from_zarr(str(path))
    if row == "rechunk":
        x = a.rechunk((a.shape[0], 25, 25))
    elif row == "median":
        x = da.median(a, axis=0)
    elif row == "anomaly":
        x = a - a.mean(axis=0)
    elif row == "clip":
        x = da.where(abs(a - da.median(a, axis=0)) > 3 * a.std(axis=0), np.float32(np.nan), a)
    x.to_zarr(str(out), overwrite=True)


def timed(function, *words):
    start = time.perf_counter()
    function(*words)
    return time.perf_counter() - start


def race_theirs(row, path, out, limit, memory):
    """In a cluster of its own, which is killed when it takes too long: (seconds or None, why)."""
    import concurrent.futures

    from distributed import Client, LocalCluster

    with LocalCluster(2, threads_per_worker=1, memory_limit=memory, dashboard_address=None, silence_logs=50) as cluster, Client(cluster) as client:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(timed, theirs, row, path, out)
            try:
                return future.result(timeout=limit), ""
            except concurrent.futures.TimeoutError:
                client.close()
                return None, f"not within {limit:.0f} s"
            except Exception as error:
                return None, type(error).__name__


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--megabytes", type=int, default=2000)
    parser.add_argument("--memory", default="1GiB", help="of a worker")
    parser.add_argument("--limit", type=float, default=240, help="seconds for a row of Dask")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder")
    parser.add_argument("--data", help="folder in which the array is kept for the next time")
    parser.add_argument("--json")
    parser.add_argument("--no-dask", action="store_true", help="only Freestone, on the cluster and on local threads")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    import freestone as fs
    from distributed import Client
    from freestone.cluster import Cluster

    results = []
    with tempfile.TemporaryDirectory(dir=given.folder) as temporary:
        folder = pathlib.Path(temporary)
        path = make(pathlib.Path(given.data or folder), given.megabytes)
        for row in given.rows.split(","):
            for _ in range(given.rounds):
                result = {"row": row}
                with Cluster(2, 1, memory_limit=given.memory, dashboard_address=None) as cluster, Client(cluster) as client, fs.settings(scheduler=client):
                    result["cluster"] = timed(ours, row, path, folder / "ours.zarr")
                with fs.settings(threads=2, memory="1GiB"):
                    result["threads"] = timed(ours, row, path, folder / "threads.zarr")
                result["same"] = not os.system(f"diff -rq {folder / 'ours.zarr'} {folder / 'threads.zarr'} > /dev/null")
                result["overhead_ok"] = result["cluster"] <= 1.15 * result["threads"] + 1
                line = f"{row:8}  cluster {result['cluster']:6.2f} s  threads {result['threads']:6.2f} s ({'within' if result['overhead_ok'] else 'over'} 15 % + 1 s)"
                line += "" if result["same"] else "  FILES DIFFER"
                if not given.no_dask:
                    result["dask"], result["why"] = race_theirs(row, path, folder / "dask.zarr", given.limit, given.memory)
                    line += f"  dask {result['dask']:6.2f} s, {result['dask'] / result['cluster']:.1f} times" if result["dask"] else f"  dask {result['why']}"
                print(line, flush=True)
                results.append(result)
                for name in ("ours", "threads", "dask"):
                    shutil.rmtree(folder / f"{name}.zarr", ignore_errors=True)
    if given.json:
        pathlib.Path(given.json).write_text(json.dumps(results, indent=1))
    return 0 if all(result["same"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
