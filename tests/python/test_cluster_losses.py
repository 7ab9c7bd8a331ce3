"""Clusters whose workers all go, are paused, run out of memory or of disk, or see other files than the rest."""

import os
import random
import threading

import numpy as np
import pytest

import freestone as fs
from freestone.cluster import Cluster, _scheduler
from runs_under_way import has_chunks, only, slow, when

pytest.importorskip("distributed")

SEED = random.randrange(2**32)


@pytest.fixture(scope="module")
def client():
    from distributed import Client

    with Cluster(2, 1, memory_limit="1GiB", dashboard_address=None) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture
def array(tmp_path):
    """Enough small chunks that a run of it takes some seconds on two workers."""
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    fs.asarray(rng.normal(size=(256, 256, 96))).write(tmp_path / "a.zarr", chunks=(4, 256, 96), compress="zstd", level=1)
    return fs.open(tmp_path / "a.zarr")


def test_a_cluster_that_loses_all_workers_is_an_error_and_the_run_goes_on_elsewhere(client, array, tmp_path, monkeypatch):
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
    np.testing.assert_array_equal(fs.open(tmp_path / "out" / "out.zarr").compute(), slow(array).compute())
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
