"""Clusters that lose workers, schedulers, or the patience of who asked; and what is found out before a run begins."""

import contextlib
import dataclasses
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

import freestone as fs
from freestone.cluster import _checks, _scheduler, _worker
from freestone.cluster._scheduler import SchedulerLost
from runs_under_way import has_chunks, only, slow, when

pytest.importorskip("distributed")

SEED = random.randrange(2**32)


@pytest.fixture
def array(tmp_path):
    """Enough small chunks that a run of it takes some seconds on two workers."""
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    fs.asarray(rng.normal(size=(256, 256, 96))).write(tmp_path / "a.zarr", chunks=(4, 256, 96), compress="zstd", level=1)
    return fs.open(tmp_path / "a.zarr")


def test_a_killed_worker_costs_nothing_but_time(client, array, tmp_path):
    os.mkdir(tmp_path / "out")
    workers = {address: facts["pid"] for address, facts in client.run(_worker.facts).items()}
    victim = random.choice(sorted(workers.values()))
    killed, thread = when(has_chunks(tmp_path / "out"), lambda: os.kill(victim, signal.SIGKILL))
    with fs.settings(scheduler=client):
        slow(array).write(tmp_path / "out" / "out.zarr")
    thread.join()
    assert killed.is_set()
    np.testing.assert_array_equal(fs.open(tmp_path / "out" / "out.zarr").compute(), slow(array).compute())
    only(tmp_path / "out", "out.zarr")
    client.wait_for_workers(2, timeout=60)


def test_a_run_ends_when_no_worker_writes_for_it_any_more(client, array, tmp_path, monkeypatch):
    """Dask runs a range again whose worker has died, although the run has its result already."""
    run_stages, late = _scheduler._Tasks.run_stages, []

    def writes_late(run, payload):
        import time
        from types import SimpleNamespace

        from freestone.cluster import _worker

        before = _worker._opened(run, payload)
        _worker._runs[run] = SimpleNamespace(tiles=lambda *given: time.sleep(1.5))
        try:
            _worker.tiles(payload, run, 0, 0, 1, 1 << 28)
        finally:
            _worker._runs[run] = before
        return time.time()

    def run_stages_and_one_more(tasks):
        run_stages(tasks)
        late.extend((client.submit(writes_late, tasks._id, tasks._sent, pure=False), tasks._id, tasks._sent))
        while not any(client.run(_worker.running, tasks._id).values()):
            time.sleep(0.02)

    monkeypatch.setattr(_scheduler._Tasks, "run_stages", run_stages_and_one_more)
    with fs.settings(scheduler=client):
        (array + 1).write(tmp_path / "out.zarr")
    ended = time.time()
    future, run, payload = late
    assert future.result(timeout=20) <= ended
    with pytest.raises(_worker.TileError, match="Interrupted"):  # nor does any begin
        client.submit(_worker.tiles, payload, run, 0, 0, 1, 1 << 28, pure=False).result(timeout=20)


def test_ctrl_c_leaves_an_idle_cluster_and_no_files(client, array, tmp_path):
    os.mkdir(tmp_path / "out")
    client.wait_for_workers(2, timeout=60)
    main = threading.main_thread().ident
    interrupted, thread = when(has_chunks(tmp_path / "out"), lambda: signal.pthread_kill(main, signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with fs.settings(scheduler=client), pytest.raises(KeyboardInterrupt):
            slow(array).write(tmp_path / "out" / "out.zarr")
    finally:
        signal.signal(signal.SIGINT, before)
    thread.join()
    assert interrupted.is_set()
    only(tmp_path / "out")
    assert all(answer == 0 for answer in client.run(_worker.stop, "nobody").values())
    end = time.monotonic() + 60
    while any(client.processing().values()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(client.processing().values())
    with fs.settings(scheduler=client):
        assert fs.asarray(np.arange(10.0)).sum().compute() == 45


def test_a_source_that_one_worker_cannot_read_is_read_by_the_other(client, array, tmp_path, monkeypatch):
    client.wait_for_workers(2, timeout=60)
    broken = sorted(client.scheduler_info()["workers"])[0]

    def spoil():
        from freestone.cluster import _worker

        kept = _worker._opened

        def opened(run, payload):
            raise fs.IoError("a.zarr: Input/output error")

        _worker._kept_opened, _worker._opened = kept, opened

    def mend():
        from freestone.cluster import _worker

        _worker._opened = _worker._kept_opened

    client.run(spoil, workers=[broken])
    try:
        with fs.settings(scheduler=client):
            got = array.sum(axis=0).compute()
    finally:
        client.run(mend, workers=[broken])
    np.testing.assert_array_equal(got, array.sum(axis=0).compute())


def test_a_scheduler_that_goes_is_an_error_and_the_run_goes_on_elsewhere(client, array, tmp_path):
    from distributed import Client

    os.mkdir(tmp_path / "out")
    file = tmp_path / "scheduler.json"
    with contextlib.ExitStack() as stack:
        environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__DASHBOARD__STATUS__TASK_STREAM_LENGTH": "10"}

        def start(*words):
            process = subprocess.Popen([sys.executable, "-m", "distributed.cli." + words[0], *words[1:]], cwd=tmp_path, env=environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = start("dask_scheduler", "--scheduler-file", str(file), "--port", "0", "--no-dashboard")
        start("dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-dashboard", "--memory-limit", "1GiB", "--no-nanny")
        end = time.monotonic() + 60
        while not file.exists() and time.monotonic() < end:
            time.sleep(0.05)
        own = stack.enter_context(Client(scheduler_file=str(file), timeout=60, set_as_default=False))
        own.wait_for_workers(1, timeout=60)
        killed, thread = when(has_chunks(tmp_path / "out"), scheduler.kill)
        with fs.settings(scheduler=own), pytest.raises(SchedulerLost, match="resume"):
            slow(array).write(tmp_path / "out" / "out.zarr")
        thread.join()
        assert killed.is_set()
        assert not (tmp_path / "out" / "out.zarr").exists()
        assert (tmp_path / "out" / ".out.zarr.freestone-journal").exists()
        with contextlib.suppress(Exception):
            own.close(timeout=1)
    # On another cluster.
    with fs.settings(scheduler=client, resume=True):
        slow(array).write(tmp_path / "out" / "out.zarr")
    np.testing.assert_array_equal(fs.open(tmp_path / "out" / "out.zarr").compute(), slow(array).compute())
    only(tmp_path / "out", "out.zarr")


class Answering:
    """What checks see of a client."""

    def __init__(self, **answers):
        self.answers = answers
        self.scheduler = type("Scheduler", (), {"address": "tcp://there:8786"})

    def scheduler_info(self):
        return {"workers": self.answers}

    def run(self, function, *args, on_error):
        return {address: answer(function, *args) if callable(answer) else answer for address, answer in self.answers.items()}


def facts(**other):
    return {**_worker.facts(), "limit": 4 << 30, **other}


def test_workers_of_another_version_are_named():
    with pytest.raises(fs.UserError, match=r"(?s)w2.*0\.0\.1.*w3.*not there"):
        _checks.workers_of(Answering(w1=facts(), w2=facts(version="0.0.1"), w3=ModuleNotFoundError("No module named 'freestone'")))


def test_workers_without_memory_are_named():
    with pytest.raises(fs.MemoryBudgetError, match="w2"):
        _checks.workers_of(Answering(w1=facts(), w2=facts(limit=300 << 20, held=170 << 20)))
    assert _checks.workers_of(Answering(w1=facts(held=0), w2=facts(limit=1 << 30, held=200 << 20))).memory == int(0.6 * (1 << 30)) - (200 << 20)


def test_a_cluster_without_workers():
    with pytest.raises(fs.UserError, match="no workers"):
        _checks.workers_of(Answering(), wait=0)


def test_workers_whose_math_library_computes_other_bits_are_named_where_it_matters(client, array, monkeypatch):
    def other_facts(client, *rest, _workers_of=_checks.workers_of):
        workers = _workers_of(client, *rest)
        first = workers.addresses[0]
        return dataclasses.replace(workers, facts={**workers.facts, first: {**workers.facts[first], "math": "other", "processor": "baseline, glibc 2.17"}})

    monkeypatch.setattr(_checks, "workers_of", other_facts)
    with fs.settings(scheduler=client):
        with pytest.warns(UserWarning, match=r"last bits of exp, log(.|\n)*worker tcp://.*: baseline, glibc 2\.17; here ") as caught:
            fs.exp(array[:4]).sum().compute()
        assert sum("tcp://" in line for line in str(caught[0].message).splitlines()) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            (array[:4] * 2 + 1).sum().compute()
            monkeypatch.undo()
            fs.exp(array[:4]).sum().compute()


def test_the_bits_of_the_math_library_are_known_by_what_it_computes(monkeypatch):
    words = [sys.executable, "-c", "from freestone.cluster import _worker; print(_worker.math_bits())"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == _worker.math_bits()
    # The processor's fused multiply-add, which the library takes where it is, changes last bits: that is what is looked for.
    without = {**os.environ, "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"}
    other = subprocess.run(words, capture_output=True, text=True, check=True, env=without).stdout.strip()
    has_fma = _worker.facts()["processor"].startswith(("x86-64-v3", "x86-64-v4"))
    assert (other != _worker.math_bits()) == has_fma


def test_files_that_a_worker_does_not_see_are_named(tmp_path):
    source = tmp_path / "a.fits"
    source.write_bytes(b"x" * 10)

    def elsewhere(function, files, probes):
        return function([(path.replace("a.fits", "b.fits"), size) for path, size in files], [probe.replace(".freestone", ".other") for probe in probes])

    with pytest.raises(fs.IoError, match=r"(?s)w2: .*b\.fits.*w2: .*another folder") as raised:
        _checks.check_files(Answering(w1=lambda function, *args: function(*args), w2=elsewhere), [str(source)], [str(tmp_path)])
    assert "w1" not in str(raised.value)
    assert os.listdir(tmp_path) == ["a.fits"]
