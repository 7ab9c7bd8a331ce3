"""What somebody does in a notebook, from starting a cluster to closing it; and one script in three places."""

import contextlib
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import freestone as fs
from freestone.cluster import Cluster, cancel, futures_of, persist, restart, use_dask_scheduler

distributed = pytest.importorskip("distributed")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_a_session(tmp_path, capfd):
    values = np.random.default_rng(3).normal(size=(40, 30, 20))
    fs.asarray(values).write(tmp_path / "a.zarr", chunks=(10, 15, 20))
    with Cluster(n_workers=2, threads_per_worker=1, memory_limit="1GiB", dashboard_address=None) as cluster:
        with distributed.Client(cluster.scheduler_address, set_as_default=False) as client, use_dask_scheduler(client):
            a = fs.open(tmp_path / "a.zarr")
            x = (a - a.mean(axis=0)).T
            with fs.progress("json"):
                np.testing.assert_allclose(x.max(axis=0).compute(), (values - values.mean(0)).T.max(0), rtol=1e-12)
            last = json.loads([line for line in capfd.readouterr().err.splitlines() if line.startswith("{")][-1])
            assert last["event"] == "done" and last["fraction"] == 1
            kept = persist(x, chunks=(10, 10, 40))
            futures = futures_of(kept)
            assert len(futures) == 2 * 3
            with client.as_current():
                distributed.wait(futures, timeout=60)
            np.testing.assert_allclose(client.compute(kept, sync=True), (values - values.mean(0)).T, rtol=1e-12)
            assert float(client.compute(kept.sum(), sync=True)) == pytest.approx((values - values.mean(0)).sum(), abs=1e-9)
            names = {key if isinstance(key, str) else key[0] for key in client.who_has()}
            assert any(name.startswith("freestone-persisted-") for name in names)
            cancel(kept)
            assert all(future.cancelled() for future in futures)
            restart()
            client.wait_for_workers(2, timeout=60)
            assert a.sum().compute() == fs.open(tmp_path / "a.zarr").sum().compute(scheduler="threads")
        assert fs.get_settings()["scheduler"] is None
    assert sorted(os.listdir(tmp_path)) == ["a.zarr"]


def test_names_on_the_dashboard(tmp_path):
    values = np.random.default_rng(4).normal(size=(40, 30, 20))
    fs.asarray(values).write(tmp_path / "a.zarr", chunks=(10, 15, 20))
    with Cluster(1, 1, processes=False, dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        events = []
        plugin = _Prefixes(events)
        cluster.scheduler.add_plugin(plugin)
        with fs.settings(scheduler=client):
            fs.open(tmp_path / "a.zarr").mean(axis=0).write(tmp_path / "m.zarr")
    assert any(name.startswith("mean over axes 0") for name in events), events


class _Prefixes(distributed.diagnostics.plugin.SchedulerPlugin):
    def __init__(self, seen):
        self.seen = seen

    def transition(self, key, start, finish, *args, **kwargs):
        if finish == "memory":
            self.seen.append(distributed.utils.key_split(key))


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("anywhere", ROOT / "examples" / "anywhere.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_script_three_ways(script, tmp_path):
    data = tmp_path / "data"
    script.make(data, 0.4)
    outs = {name: tmp_path / name for name in ("threads", "local", "file")}
    for out in outs.values():
        out.mkdir()
    script.work(data, outs["threads"])
    with contextlib.ExitStack() as stack:
        file = tmp_path / "scheduler.json"
        started = subprocess.Popen([sys.executable, "-m", "freestone.cluster", "start", "--workers", "2", "--threads", "1", "--memory", "1GiB",
                                    "--no-dashboard", "--scheduler-file", str(file)], stdout=subprocess.PIPE, text=True)
        stack.callback(started.wait)
        stack.callback(started.terminate)
        assert started.stdout.readline().startswith("scheduler ")
        with fs.settings(scheduler_file=file):
            script.work(data, outs["file"])
    with Cluster(2, 1, memory_limit="1GiB", dashboard_address=None) as cluster, fs.settings(scheduler=cluster):
        script.work(data, outs["local"])
    for way in ("local", "file"):
        assert sorted(os.listdir(outs[way])) == sorted(os.listdir(outs["threads"]))
        for name in ("clipped.fits", "m0.fits", "m1.fits", "anomaly.zarr", "series.zarr"):
            assert subprocess.run(["diff", "-r", outs["threads"] / name, outs[way] / name]).returncode == 0, (way, name)
        here, there = (fs.open(folder / "mean.nc") for folder in (outs["threads"], outs[way]))
        for name in here:
            np.testing.assert_array_equal(there[name].values, here[name].values)
        np.testing.assert_array_equal(fs.open(outs[way] / "ndvi.tif").compute(), fs.open(outs["threads"] / "ndvi.tif").compute())
