#!/usr/bin/env python3
"""Kills a random worker of a cluster every second while it rechunks an array, again and again; each result must be right.

A run in which nothing was killed has shown nothing: it counts as one that failed.

    .venv/bin/python tests/campaigns/cluster_kills.py --runs 50
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

import numpy as np

import freestone as fs
from freestone.cluster import Cluster, _worker


class Killer:
    """Kills a worker whenever `seconds` have gone by, as long as it lives."""

    def __init__(self, client, seconds, choose):
        self.client, self.seconds, self.choose, self.kills = client, seconds, choose, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _work(self):
        while not self._ended.wait(self.seconds):
            answers = self.client.run(_worker.facts, on_error="return")
            pids = sorted(facts["pid"] for facts in answers.values() if isinstance(facts, dict))
            if not pids:
                continue
            try:
                os.kill(self.choose(pids), signal.SIGKILL)
                self.kills += 1
            except ProcessLookupError:
                continue


def campaign(folder, runs, shape, chunks, seconds, seed, workers=2):
    """Returns (right results of runs in which a worker was killed, kills)."""
    from distributed import Client

    chance = random.Random(seed)
    folder = pathlib.Path(folder)
    values = np.random.default_rng(seed).normal(size=shape).astype("f4")
    fs.asarray(values).write(folder / "a.zarr", chunks=chunks, compress="zstd")
    right = kills = 0
    with Cluster(workers, 1, memory_limit="1GiB", dashboard_address=None) as cluster, Client(cluster) as client:
        for number in range(runs):
            out = folder / "out.zarr"
            shutil.rmtree(out, ignore_errors=True)
            client.wait_for_workers(1, timeout=120)
            start = time.monotonic()
            with Killer(client, seconds, chance.choice) as killer, fs.settings(scheduler=client):
                fs.open(folder / "a.zarr").rechunk((shape[0], chunks[1] // 8, chunks[2] // 8)).write(out)
            equal = bool(np.array_equal(fs.open(out).compute(), values))
            left = sorted(name for name in os.listdir(folder) if name not in ("a.zarr", "out.zarr"))
            right += equal and not left and killer.kills > 0
            kills += killer.kills
            print(f"run {number + 1}: {'right' if equal else 'WRONG'}, {killer.kills or 'NO'} kills, {time.monotonic() - start:.1f} s{', left: ' + str(left) if left else ''}",
                  flush=True)
    return right, kills


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=1.0, help="between kills")
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--folder", help="where the files go (default: a temporary folder)")
    given = parser.parse_args()
    print(f"seed {given.seed}")
    side = 256
    shape = (max(64, given.megabytes * 10**6 // (4 * side * side)), side, side)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        right, kills = campaign(folder, given.runs, shape, (8, side, side), given.seconds, given.seed)
    print(f"{right} of {given.runs} right and with kills, {kills} kills")
    return 0 if right == given.runs else 1


if __name__ == "__main__":
    sys.exit(main())
