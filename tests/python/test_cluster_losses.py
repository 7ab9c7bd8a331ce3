"""Clusters whose workers all go, are paused, run out of memory or of disk, or see other files than the rest."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from types import SimpleNamespace

import numpy as np
import pytest

import freestone as fs
from freestone.cluster import Cluster, _scheduler, _worker
from runs_under_way import has_chunks, only, slow, when

pytest.importorskip("distributed")

SEED = random.randrange(2**32)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("array") / "a.zarr"
    rng = np.random.default_rng(SEED)
    fs.asarray(rng.normal(size=(256, 256, 96))).write(path, chunks=(4, 256, 96), compress="zstd", level=1)
    return path


@pytest.fixture
def array(path):
    """Enough small chunks that a run of it takes some seconds on two workers."""
    print(f"seed {SEED}")
    return fs.open(path)


@pytest.fixture(scope="module")
def expected(path):
    """What `slow` makes of it."""
    return slow(fs.open(path)).compute()


def test_a_cluster_that_loses_all_workers_is_an_error_and_the_run_goes_on_elsewhere(client, array, expected, tmp_path, monkeypatch):
    from distributed import Client

    monkeypatch.setattr(_scheduler, "_LOOK_SECONDS", 0.5)
    monkeypatch.setattr(_scheduler, "_IDLE_SECONDS", 2.0)
    os.mkdir(tmp_path / "out")
    with Cluster(1, 1, memory_limit="1GiB", dashboard_address=None) as cluster, Client(cluster, set_as_default=False) as own:
        gone, thread = when(has_chunks(tmp_path / "out"), lambda: cluster.scale(0))
        with fs.settings(scheduler=own), pytest.raises(_scheduler.WorkersLost, match="lost all its workers.*resume"):
            slow(array).write(tmp_path / "out" / "out.zarr")
        thread.join()
        assert gone.is_set()
        assert not (tmp_path / "out" / "out.zarr").exists()
    with fs.settings(scheduler=client, resume=True):
        slow(array).write(tmp_path / "out" / "out.zarr")
    np.testing.assert_array_equal(fs.open(tmp_path / "out" / "out.zarr").compute(), expected)
    only(tmp_path / "out", "out.zarr")


def test_a_range_is_not_kept_for_a_worker_that_has_gone(array, monkeypatch):
    """One worker cannot read; the other, which is to have its ranges, ends itself and comes back at another address."""
    from distributed import Client

    def cannot_read():
        def opened(run, payload):
            raise fs.IoError("a.zarr: Input/output error")

        from freestone.cluster import _worker

        _worker._opened = opened

    def ends_itself():
        from freestone.cluster import _worker

        _worker._opened = lambda run, payload: os._exit(1)

    with Cluster(2, 1, memory_limit="1GiB", dashboard_address=None) as cluster, Client(cluster, set_as_default=False) as own:
        own.wait_for_workers(2, timeout=60)
        broken, dying = sorted(own.scheduler_info()["workers"])
        own.run(cannot_read, workers=[broken])
        own.run(ends_itself, workers=[dying])
        got = []

        def run():
            try:
                got.append(array.sum(axis=0).compute(scheduler=own))
            except fs.IoError as error:
                got.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(60)
        assert got, "the run waits for ever"
    if isinstance(got[0], fs.IoError):  # the other was not back yet
        assert "Input/output error (on worker" in str(got[0])
    else:
        np.testing.assert_array_equal(got[0], array.sum(axis=0).compute())


# Memory. A worker is paused from 0.8 of its limit on, and ended at 0.95; a task has up to 0.06 here, and gives it back.

LIMIT = 1 << 30


def hold(fraction, dask_worker):
    """Memory of nobody's task: together with what the process has already so much of the worker's limit."""
    import numpy

    from freestone.cluster import _inside

    dask_worker.held_by_a_test = numpy.ones(int(fraction * LIMIT) - _inside.held_bytes(), "u1")


def let_go(dask_worker):
    dask_worker.held_by_a_test = None


def statuses(client):
    return {address: facts["status"] for address, facts in client.scheduler_info()["workers"].items()}


def pids(client):
    """Those of the workers that answer."""
    return {facts["pid"] for facts in client.run(_worker.facts, on_error="ignore").values()}


def is_busy(client):
    """Whether workers have been given tasks."""
    return lambda: any(client.processing().values())


@pytest.fixture(scope="module")
def small():
    """A client of two small workers."""
    from distributed import Client

    with Cluster(2, 1, memory_limit=LIMIT, dashboard_address=None) as cluster, Client(cluster, set_as_default=False) as client:
        yield client


def test_a_paused_worker_is_waited_for_by_nobody(small, array, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(_scheduler, "_LOOK_SECONDS", 0.5)
    os.mkdir(tmp_path / "out")
    small.wait_for_workers(2, timeout=60)
    paused = sorted(statuses(small))[0]
    held, thread = when(is_busy(small), lambda: small.run(hold, 0.875, workers=[paused]))
    seen, next_task = [], _scheduler._Tasks._next

    def next_once_it_is_paused(tasks, *arguments):
        if not seen:
            watched, watcher = when(lambda: statuses(small).get(paused) == "paused", lambda: None)
            watcher.join()
            seen.append(watched.is_set())
        return next_task(tasks, *arguments)

    monkeypatch.setattr(_scheduler._Tasks, "_next", next_once_it_is_paused)
    try:
        with fs.settings(scheduler=small):
            slow(array).write(tmp_path / "out" / "out.zarr")
        thread.join()
        assert held.is_set() and seen == [True]
    finally:
        small.run(let_go)
    np.testing.assert_array_equal(fs.open(tmp_path / "out" / "out.zarr").compute(), expected)
    only(tmp_path / "out", "out.zarr")


@pytest.mark.parametrize("ours", [0, 1])
def test_a_paused_worker_that_is_busy_with_tasks_of_others_is_not_waited_for(monkeypatch, ours):
    busy = {"status": "paused", "metrics": {"task_counts": {"executing": 1}}}
    client = SimpleNamespace(
        status="running", scheduler_info=lambda: {"workers": {"a": busy, "b": {"status": "running"}}}, run=lambda *_, workers, on_error: dict.fromkeys(workers, ours)
    )
    moved = []
    monkeypatch.setattr(_scheduler, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(_scheduler._Tasks, "_move", lambda self, number, words, stuck, able: moved.append((stuck, able)))
    _scheduler._Tasks(client, None, 1, 1, False)._check_workers(0, "")
    assert moved == ([] if ours else [(["a"], ["b"])])


def test_workers_that_are_all_paused_are_an_error_and_the_run_goes_on_later(small, array, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(_scheduler, "_LOOK_SECONDS", 0.5)
    monkeypatch.setattr(_scheduler, "_IDLE_SECONDS", 2.0)
    os.mkdir(tmp_path / "out")
    small.wait_for_workers(2, timeout=60)
    stages, stage = [], _scheduler._Tasks._stage

    def stage_when_all_are_paused(tasks, *arguments):
        if not stages:
            small.run(hold, 0.875)
            paused, watcher = when(lambda: set(statuses(small).values()) == {"paused"}, lambda: None)
            watcher.join()
            stages.append(paused.is_set())
        return stage(tasks, *arguments)

    monkeypatch.setattr(_scheduler._Tasks, "_stage", stage_when_all_are_paused)
    try:
        with fs.settings(scheduler=small), pytest.raises(_scheduler.WorkersLost, match="All 2 workers have been paused.*resume"):
            slow(array).write(tmp_path / "out" / "out.zarr")
        assert stages == [True]
        assert not (tmp_path / "out" / "out.zarr").exists()
        with fs.settings(scheduler=small), pytest.raises(fs.MemoryBudgetError, match="too little memory(?s:.*)worker tcp"):
            array.sum().compute()
    finally:
        small.run(let_go)
    with fs.settings(scheduler=small, resume=True):
        slow(array).write(tmp_path / "out" / "out.zarr")
    np.testing.assert_array_equal(fs.open(tmp_path / "out" / "out.zarr").compute(), expected)
    only(tmp_path / "out", "out.zarr")


def test_a_worker_that_runs_out_of_memory_is_ended_by_its_nanny_and_the_run_goes_on(small, array, expected, tmp_path):
    os.mkdir(tmp_path / "out")
    small.wait_for_workers(2, timeout=60)
    before = {address: facts["pid"] for address, facts in small.run(_worker.facts).items()}
    ended = sorted(before)[1]
    held, thread = when(has_chunks(tmp_path / "out"), lambda: small.run(hold, 1.2, workers=[ended], on_error="return"))
    with fs.settings(scheduler=small):
        slow(array).write(tmp_path / "out" / "out.zarr")
    thread.join()
    assert held.is_set()
    np.testing.assert_array_equal(fs.open(tmp_path / "out" / "out.zarr").compute(), expected)
    only(tmp_path / "out", "out.zarr")
    back, thread = when(lambda: len(after := pids(small)) == 2 and before[ended] not in after, lambda: None)
    thread.join()
    assert back.is_set()


# Disks and files, in name spaces of mounts of their own.


def in_own_mounts(words, *arguments, **options):
    """A shell's words in a name space of mounts, which goes with it; skipped where the system allows none."""
    with tempfile.TemporaryDirectory() as folder:
        probe = subprocess.run(["unshare", *UNSHARE, "sh", "-c", 'mount -t tmpfs none "$0"', folder], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip("nothing can be mounted here")
    return subprocess.run(["unshare", *UNSHARE, "sh", "-ec", words, "sh", *map(str, arguments)], text=True, **options)


UNSHARE = ["--mount"] if os.getuid() == 0 else ["--mount", "--map-root-user"]

FULL_DISK = """
import json, os, sys
import freestone as fs, numpy as np
from freestone.cluster import Cluster
from distributed import Client

if __name__ == "__main__":
    source, small, folder, what = sys.argv[1:]
    temp_dir = small if what == "work" else folder
    out = os.path.join(small if what == "output" else folder, "out.tif" if what == "work" else "out.zarr")
    said = {}
    with Cluster(2, 1, memory_limit="1GiB", dashboard_address=None) as cluster, Client(cluster) as client, fs.settings(scheduler=client):
        a = fs.open(source)
        try:
            with fs.settings(temp_dir=temp_dir):
                (a[:, :, 0] * 2 if what == "work" else a * 2).write(out)
        except fs.Error as error:
            said["error"], said["kind"] = str(error), error.kind
        said["left"] = sorted(os.listdir(small)) + sorted(os.listdir(folder))
        said["sum"] = float(a[:3, :3, 0].sum().compute())
    print(json.dumps(said))
"""


@pytest.mark.parametrize("what", ["output", "work"])
def test_a_disk_that_is_full_is_one_error_and_nothing_is_left(tmp_path, what):
    rng = np.random.default_rng(SEED)
    print(f"seed {SEED}")
    values = rng.normal(size=(1500, 1500, 3))
    fs.asarray(values).write(tmp_path / "a.zarr", chunks=(100, 1500, 3))
    for name in ("small", "folder"):
        os.mkdir(tmp_path / name)
    (tmp_path / "full.py").write_text(FULL_DISK)
    ran = in_own_mounts('mount -t tmpfs -o size=8m none "$1"; shift; exec "$@"', tmp_path / "small", sys.executable, tmp_path / "full.py", tmp_path / "a.zarr",
                        tmp_path / "small", tmp_path / "folder", what, capture_output=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["kind"] == "io" and ("the disk is full" in said["error"] or "MiB free. Free some space" in said["error"]), said
    assert str(tmp_path / "small") in said["error"]
    assert said["left"] == []
    assert said["sum"] == pytest.approx(values[:3, :3, 0].sum())


HIDDEN = """
import json, os, subprocess, sys
import freestone as fs
from freestone.cluster import _checks
from distributed import Client, LocalCluster

if __name__ == "__main__":
    source, folder, out = sys.argv[1:]
    said = {}
    with LocalCluster(n_workers=1, threads_per_worker=1, memory_limit="1GiB", dashboard_address=None) as cluster, Client(cluster) as client:
        words = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--nthreads", "1", "--memory-limit", "1GiB", "--no-nanny", "--no-dashboard"]
        hides = ["unshare", "--mount", "sh", "-ec", 'mount -t tmpfs none "$0"; exec "$@"', folder, *words]
        blind = subprocess.Popen(hides, stderr=subprocess.DEVNULL)
        client.wait_for_workers(2, timeout=60)
        a = fs.open(source)
        try:
            a.sum().compute(scheduler=client)
        except fs.Error as error:
            said["before"] = str(error)
        # Not seen before the run begins: as when it goes while the run is under way.
        _checks.check_files = lambda *_: None
        fs.compute(fs.write({out: a * 2}, compute=False), scheduler=client)
        blind.kill()
        blind.wait()
    print(json.dumps(said))
"""


def test_a_source_that_one_worker_does_not_see(tmp_path):
    values = np.random.default_rng(SEED).normal(size=(64, 50, 40))
    print(f"seed {SEED}")
    for name in ("data", "out"):
        os.mkdir(tmp_path / name)
    fs.asarray(values).write(tmp_path / "data" / "a.fits")
    (tmp_path / "hidden.py").write_text(HIDDEN)
    ran = in_own_mounts('exec "$@"', sys.executable, tmp_path / "hidden.py", tmp_path / "data" / "a.fits", tmp_path / "data", tmp_path / "out" / "out.fits",
                        capture_output=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    assert "worker tcp://" in said["before"] and f"{tmp_path / 'data' / 'a.fits'}: No such file" in said["before"]
    assert said["before"].count("worker tcp://") == 1
    np.testing.assert_array_equal(fs.open(tmp_path / "out" / "out.fits").compute(), values * 2)
    only(tmp_path / "out", "out.fits")
