#!/usr/bin/env python3
"""What `freestone plan --cluster` says against what runs on local clusters of 1, 2 and 4 workers take.

    .venv/bin/python bench/cluster/model.py --megabytes 400

The model is told of the cores that are here, and, unless --disk says otherwise, of no limit of the disk. Measure on a quiet machine: it decodes a chunk to
see how long that takes.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

import freestone as fs
from freestone.cluster import Cluster

STEPS = {
    "rechunk": ("rechunk --chunks -1,25,25", lambda a: a.rechunk((a.shape[0], 25, 25))),
    "clip": ("sigma-clip --threshold 3 --axis 0", lambda a: fs.sigma_clip(a, 3, axis=0)),
    "mean": ("mean --axis 0", lambda a: fs.nanmean(a, axis=0)),
}


def make(path, megabytes):
    side = 500
    base = np.random.default_rng(1).normal(size=(20, side, side)).astype("f4")
    count = max(2, megabytes * 10**6 // base.nbytes)
    fs.concat([fs.asarray(base + k) for k in range(count)], axis=0).write(path, chunks=(20, 250, 250), compress="zstd", level=1)


def predicted(program, path, step, out, shape):
    """Seconds, and what limits the stages."""
    words = [program, "plan", path, "--cluster", shape, "!", *step.split(), "!", "write", out]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return float(re.search(r"about ([\d.e+-]+) s", text)[1]), ", ".join(re.findall(r"limit +(.+)", text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--memory", default="1GiB", help="of a worker")
    parser.add_argument("--disk", help="bytes a second, such as 500MB")
    parser.add_argument("--rounds", type=int, default=2, help="the fastest counts")
    parser.add_argument("--program", default=pathlib.Path(__file__).resolve().parents[2] / "build/release/bin/freestone")
    given = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores, {given.megabytes} MB")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        make(folder / "a.zarr", given.megabytes)
        for workers in map(int, given.workers.split(",")):
            shape = f"workers={workers},threads=1,cores={cores},memory={given.memory}" + (f",disk={given.disk}" if given.disk else "")
            with Cluster(workers, 1, memory_limit=given.memory, dashboard_address=None) as cluster, fs.settings(scheduler=cluster):
                fs.open(folder / "a.zarr")[:1].sum().compute()  # workers have loaded what they need
                for name, (step, work) in STEPS.items():
                    out = folder / "out.zarr"
                    seconds, limit = predicted(given.program, folder / "a.zarr", step, out, shape)
                    took = []
                    for _ in range(given.rounds):
                        start = time.perf_counter()
                        work(fs.open(folder / "a.zarr")).write(out)
                        took.append(time.perf_counter() - start)
                        shutil.rmtree(out)
                    print(f"{workers} workers  {name:8} predicted {seconds:6.2f} s ({limit})  measured {min(took):6.2f} s  {seconds / min(took):5.2f} of it", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
