#!/usr/bin/env python3
"""Kills a random worker of a cluster every second while it rechunks an array, again and again; each result must be right.

    .venv/bin/python tests/campaigns/cluster_kills.py --runs 50

Only runs in which a worker was killed count. A run that has not ended after --limit seconds shows where it stands and ends the campaign.
"""

import argparse
import faulthandler
import logging
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

import dask
import numpy as np

import freestone as fs
from freestone.cluster import Cluster, _worker


# LocalCluster takes a worker for good out of the cluster when there is none of its name 15 s after one was lost: with kills faster than workers start
# it has none left soon.
dask.config.set({"distributed.deploy.lost-worker-timeout": "1h"})


class Killer:
    """Kills a worker whenever `seconds` have gone by, the first time before, as long as it lives.

    `short` is how often there were fewer than `workers` then: those killed before had not started again.
    """

    def __init__(self, client, seconds, chance, workers):
        self.client, self.seconds, self.chance, self.workers, self.kills, self.short = client, seconds, chance, workers, 0, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _work(self):
        wait = self.seconds * self.chance.uniform(0.2, 1)
        while not self._ended.wait(wait):
            wait = self.seconds
            answers = self.client.run(_worker.facts, on_error="return")
            pids = sorted(facts["pid"] for facts in answers.values() if isinstance(facts, dict))
            self.short += len(pids) < self.workers
            if not pids:
                continue
            try:
                os.kill(self.chance.choice(pids), signal.SIGKILL)
                self.kills += 1
            except ProcessLookupError:
                continue


def campaign(folder, runs, shape, chunks, seconds, seed, limit, workers=2):
    """Returns (right results, runs without a kill, kills, of them with fewer workers than there should be)."""
    from distributed import Client

    chance = random.Random(seed)
    folder = pathlib.Path(folder)
    values = np.random.default_rng(seed).normal(size=shape).astype("f4")
    fs.asarray(values).write(folder / "a.zarr", chunks=chunks, compress="zstd")
    right = number = without = kills = short = 0
    with Cluster(workers, 1, memory_limit="1GiB", dashboard_address=None) as cluster, Client(cluster) as client:
        while number < runs and without < runs:
            out = folder / "out.zarr"
            shutil.rmtree(out, ignore_errors=True)
            client.wait_for_workers(workers, timeout=120)
            faulthandler.dump_traceback_later(limit, exit=True)
            start, error = time.monotonic(), None
            with Killer(client, seconds, chance, workers) as killer, fs.settings(scheduler=client):
                try:
                    fs.open(folder / "a.zarr").rechunk((shape[0], chunks[1] // 8, chunks[2] // 8)).write(out)
                except fs.Error as raised:
                    error = raised
            took = time.monotonic() - start
            faulthandler.cancel_dump_traceback_later()
            if error is None and killer.kills == 0:
                without += 1
                continue
            number += 1
            equal = error is None and bool(np.array_equal(fs.open(out).compute(), values))
            left = sorted(name for name in os.listdir(folder) if name not in ("a.zarr", "out.zarr"))
            right += equal and not left
            kills += killer.kills
            short += killer.short
            words = "right" if equal else "WRONG" if error is None else f"ERROR {error}"
            few = f" ({killer.short} times not all workers were back)" if killer.short else ""
            print(f"run {number}: {words}, {killer.kills} kills{few}, {took:.1f} s{', left: ' + str(left) if left else ''}", flush=True)
    return right, without, kills, short


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=1.0, help="between kills")
    parser.add_argument("--megabytes", type=int, default=600)
    parser.add_argument("--limit", type=float, default=300, help="seconds that a run may take")
    parser.add_argument("--seed", type=int, default=random.randrange(2**31))
    parser.add_argument("--folder", help="where the files go (default: a temporary folder)")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    logging.disable(logging.CRITICAL)  # that workers have gone is no news here
    side = 256
    shape = (max(64, given.megabytes * 10**6 // (4 * side * side)), side, side)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        right, without, kills, short = campaign(folder, given.runs, shape, (8, side, side), given.seconds, given.seed, given.limit)
    print(f"{right} of {given.runs} right, {kills} kills; {without} runs had ended before a worker was killed and do not count")
    if short > kills // 2:
        print(f"Mostly ({short} times) the workers killed before were not back: they were killed faster than they start. Give more --seconds.")
    return 0 if right == given.runs else 1


if __name__ == "__main__":
    sys.exit(main())
