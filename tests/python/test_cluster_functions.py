"""Functions of users on a cluster: called there as in threads, with the same bits; their errors; and those that cannot go."""

import ctypes
import dataclasses
import importlib
import os
import random
import sys
import threading
import time

import numpy as np
import pytest

import freestone as fs
from freestone.cluster import Cluster, persist
from freestone.cluster import _checks, _functions, _worker

distributed = pytest.importorskip("distributed")

SEED = random.randrange(2**32)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    print(f"seed {SEED}")
    rng = np.random.default_rng(SEED)
    values = rng.normal(size=(40, 30, 26)).astype("f4")
    values[rng.random(values.shape) < 0.01] = np.nan
    path = tmp_path_factory.mktemp("functions") / "a.zarr"
    fs.asarray(values).write(path, chunks=(7, 12, 26))
    return path


@pytest.fixture
def array(path):
    return fs.open(path)


@pytest.fixture(scope="module")
def in_process():
    """A second cluster: one worker of two threads, in this process."""
    with Cluster(1, 2, processes=False, dashboard_address=None) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield client


def three_ways(client, in_process, *arrays):
    """The results, which have the same bits in threads and on both clusters."""
    here = fs.compute(*arrays, scheduler="threads")
    for threads, memory in ((1, "64MiB"), (2, "1GiB")):
        for expected, got in zip(here, fs.compute(*arrays, threads=threads, memory=memory)):
            np.testing.assert_array_equal(got, expected)
    for where in (client, in_process):
        for expected, got in zip(here, fs.compute(*arrays, scheduler=where)):
            assert got.dtype == expected.dtype
            np.testing.assert_array_equal(got, expected)
    return here


def test_blocks_with_what_they_are_told(client, in_process, array):
    offset = 0.25

    def told(block, factor, block_info=None, block_id=None):
        place = block_info[0]
        assert place["chunk-location"] == block_id and block.shape == tuple(b - a for a, b in place["array-location"])
        return block * factor + offset + block_id[0] - np.nanmean(block)

    blocks = fs.map_blocks(told, array, 3, dtype="f4")
    core = fs.map_blocks(lambda b: b - np.nanmax(b, axis=0), array, core_axes=0, dtype="f8")
    fewer = fs.map_blocks(lambda b: b[::2, :, :1].sum(axis=2), array, drop_axis=2, chunks=((4, 4, 4, 4, 4, 3), None), dtype="f8")
    whole = fs.map_blocks(lambda b, w: b + w["w"].sum(), array, {"w": fs.asarray(np.arange(12.0))}, dtype="f8")
    got = three_ways(client, in_process, blocks, core, fewer, whole)
    values = array.compute()
    np.testing.assert_allclose(got[3], values + np.arange(12.0).sum(), rtol=1e-6)
    np.testing.assert_array_equal(got[1], values.astype("f4") - np.nanmax(values, axis=0))
    assert got[2].shape == (23, 30)


def test_overlaps_lines_and_signatures(client, in_process, array):
    def smooth(block):
        return (block[:-2] + block[1:-1] * 2 + block[2:]) / 4

    halo = fs.map_overlap(smooth, array, depth={0: 1}, boundary="reflect", trim=False, dtype="f4")
    lines = fs.apply_along(lambda v: np.array([np.nanmin(v), np.nanmedian(v)]), array, axis=0)
    mean, spread = fs.apply_gufunc(lambda x: (np.nanmean(x, -1), np.nanstd(x, -1)), "(i)->(),()", array, axis=0, output_dtypes=["f8", "f4"])
    got = three_ways(client, in_process, halo, lines, mean, spread, fs.nansum(halo, axis=1))
    values = array.compute()
    np.testing.assert_allclose(got[1], np.apply_along_axis(lambda v: [np.nanmin(v), np.nanmedian(v)], 0, values))
    padded = np.concatenate([values[:1], values, values[-1:]])
    np.testing.assert_array_equal(got[0], (padded[:-2] + padded[1:-1] * 2 + padded[2:]) / 4)


def test_files_and_persisted_blocks(client, array, tmp_path):
    made = fs.map_blocks(lambda b: np.nan_to_num(b) ** 2, array, dtype="f4")
    (tmp_path / "here").mkdir(), (tmp_path / "there").mkdir()
    made.write(tmp_path / "here" / "a.fits")
    with fs.settings(scheduler=client):
        made.write(tmp_path / "there" / "a.fits")
        kept = persist(made, chunks=(20, 30, 26))
        np.testing.assert_array_equal(client.compute(kept, sync=True), made.compute(scheduler="threads"))
        np.testing.assert_array_equal((made + 1).persist().compute(), made.compute(scheduler="threads") + 1)
    assert (tmp_path / "here" / "a.fits").read_bytes() == (tmp_path / "there" / "a.fits").read_bytes()
    assert os.listdir(tmp_path / "there") == ["a.fits"]


def test_xarray_and_spectral_cubes(client, path, cube, monkeypatch):
    from freestone.cluster import _scheduler

    runs = []
    tasks = _scheduler._Tasks.__init__
    monkeypatch.setattr(_scheduler._Tasks, "__init__", lambda self, *args: (runs.append(args[4]), tasks(self, *args))[1])
    xarray = pytest.importorskip("xarray")
    values = xarray.DataArray(fs.open(path).rechunk((40, 15, 26)), dims=("t", "y", "x"))

    def slope(lines):
        return np.nan_to_num(lines) @ np.arange(lines.shape[-1])

    fitted = xarray.apply_ufunc(slope, values, input_core_dims=[["t"]], dask="parallelized", output_dtypes=["f8"])
    here = fitted.compute().values
    spectra = cube.apply_function_parallel_spectral(lambda spectrum: spectrum - np.nanmedian(spectrum))
    images = cube.apply_function_parallel_spatial(lambda image: image * 2)
    expected = [part.unmasked_data[:].value for part in (spectra, images)]
    with fs.settings(scheduler=client):
        np.testing.assert_array_equal(fitted.compute().values, here)
        for part, values in zip((spectra, images), expected):
            np.testing.assert_array_equal(part.unmasked_data[:].value, values)
    assert [len(functions.calls) for functions in runs] == [1, 1, 1]
    np.testing.assert_allclose(here, np.einsum("tyx,t->yx", np.nan_to_num(fs.open(path).compute().astype("f8")), np.arange(40)), rtol=1e-4, atol=1e-3)


def test_compiled_functions_of_numba_go_too(client, array):
    numba = pytest.importorskip("numba")

    @numba.njit
    def fill(a, out):
        for i in range(a.size):
            out.flat[i] = a.flat[i] * 3

    @numba.cfunc("float64(float64, float64)")
    def hypot(a, b):
        return (a * a + b * b) ** 0.5

    wide = array.astype("f8")
    arrays = [array.map_blocks(fill, dtype="f8"), fs.map_blocks(hypot, wide, wide + 1, dtype="f8", elementwise=True)]
    here, there = fs.compute(*arrays), fs.compute(*arrays, scheduler=client)
    for expected, got in zip(here, there):
        np.testing.assert_array_equal(got, expected)
    values = array.compute().astype("f8")
    np.testing.assert_array_equal(there[0], values * 3)
    np.testing.assert_allclose(there[1], np.hypot(values, values + 1), rtol=1e-12)


def test_a_function_goes_once_and_is_loaded_once_on_a_worker(client, array, monkeypatch):
    sent = []
    packed = _functions.packed
    monkeypatch.setattr(_functions, "packed", lambda functions: sent.append(packed(functions)) or sent[-1])
    ballast = np.random.default_rng(0).bytes(1 << 20)

    def longest(line):
        return len(ballast) + line.size

    a, b = (fs.apply_along(longest, part, axis=0, dtype="i8", shape=()) for part in (array, array + 1))
    np.testing.assert_array_equal((a + b).compute(scheduler=client), np.full((30, 26), 2 * ((1 << 20) + 40)))
    assert len(sent) == 1 and len(sent[0].calls) == 2 and len(sent[0].pickles) == 1
    assert 1 << 20 < sent[0].nbytes() < 3 << 19


def test_functions_in_processes_of_workers(client, array):
    seen = fs.map_blocks(lambda b: np.full(b.shape, os.getpid()), array, dtype="i8", workers="processes").compute(scheduler=client)
    workers = set(client.run(os.getpid).values())
    pids = set(np.unique(seen).tolist())
    assert not pids & (workers | {os.getpid()}) and 1 <= len(pids) <= len(workers)
    assert {int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1]) for pid in pids} <= workers
    with pytest.raises(fs.UserError, match="SIGKILL"):
        fs.map_blocks(lambda b: os.kill(os.getpid(), 9), array, dtype="f4", workers="processes").compute(scheduler=client)


def test_errors_are_those_of_the_function_and_say_where(client, array, tmp_path):
    def careful(block, block_id=None):
        if block_id == (3, 1, 0):
            raise ZeroDivisionError("nothing to divide by")
        return block

    (tmp_path / "out").mkdir()
    with pytest.raises(ZeroDivisionError, match="nothing to divide by") as caught:
        fs.map_blocks(careful, array, dtype="f4").write(tmp_path / "out" / "a.fits", compute=False).compute(scheduler=client)
    assert os.listdir(tmp_path / "out") == []
    remote = str(caught.value.__cause__)
    assert "in careful" in remote and "ZeroDivisionError: nothing to divide by" in remote
    for notes in (remote, "\n".join(getattr(caught.value, "__notes__", [remote]))):
        assert "the function careful on worker tcp://" in notes and "region [" in notes

    class Own(Exception):
        def __init__(self, first, second):
            super().__init__(first)
            self.lock = threading.Lock()

    def raises_own(block):
        raise Own("cannot travel", 2)

    with pytest.raises(fs.UserError, match="The function raises_own failed: Own: cannot travel"):
        fs.map_blocks(raises_own, array, dtype="f4").compute(scheduler=client)
    with pytest.raises(fs.UserError, match=r"gave shape \(3,\) for a block"):
        fs.map_blocks(lambda b: np.zeros(3), array, dtype="f4").compute(scheduler=client)
    # Nothing is left of it on the workers.
    np.testing.assert_array_equal(fs.map_blocks(lambda b: b, array, dtype="f4").compute(scheduler=client), array.compute())


def test_what_cannot_be_pickled_is_refused_before_anything_is_made(client, array, tmp_path):
    lock = threading.Lock()

    def locked(block):
        with lock:
            return block

    libm = ctypes.CDLL("libm.so.6")
    libm.cbrt.restype, libm.cbrt.argtypes = ctypes.c_double, [ctypes.c_double]
    for made, words in ((fs.map_blocks(locked, array, dtype="f4"), "The function locked cannot be sent .*lock.*threads"),
                        (fs.map_blocks(libm.cbrt, array.astype("f8"), dtype="f8", elementwise=True), "The function cbrt cannot be sent .*compiled code in the memory")):
        with pytest.raises(fs.UserError, match=words):
            made.write(tmp_path / "a.fits", compute=False).compute(scheduler=client)
        assert os.listdir(tmp_path) == []
        with fs.settings(scheduler=client):
            made.compute(scheduler="threads")


def test_a_module_that_workers_lack_is_an_error_that_names_them(client, array, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def thrice(block):\n    return block * 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("only_here")
    made = fs.map_blocks(module.thrice, array, dtype="f4")
    try:
        with pytest.raises(fs.UserError, match="the function thrice cannot be loaded: ModuleNotFoundError.*only_here") as caught:
            made.compute(scheduler=client)
        assert all(address in str(caught.value) for address in client.scheduler_info()["workers"]) and "register_pickle_by_value" in str(caught.value)
        # Too many bytes to try all workers first: the task says it.
        monkeypatch.setattr(_checks, "_MOST_TRIED", 0)
        with pytest.raises(fs.UserError, match="The function thrice cannot be loaded.*only_here.*on worker tcp://"):
            made.compute(scheduler=client)
        import cloudpickle

        cloudpickle.register_pickle_by_value(module)
        try:
            np.testing.assert_array_equal(made.compute(scheduler=client), array.compute() * np.float32(3))
        finally:
            cloudpickle.unregister_pickle_by_value(module)
    finally:
        del sys.modules["only_here"]


def test_workers_with_another_python_are_named(client, array):
    workers = _checks.workers_of(client)
    assert {facts["python"] for facts in workers.facts.values()} == {"{}.{}".format(*sys.version_info)}
    first, other = workers.addresses
    sent = _functions.Sent({}, ())
    with pytest.raises(fs.UserError, match=r"has Python 2\.7, here is 3\.\d+") as caught:
        _checks.check_functions(client, sent, dataclasses.replace(workers, facts={**workers.facts, first: {**workers.facts[first], "python": "2.7"}}))
    assert first in str(caught.value) and other not in str(caught.value)


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_tasks_that_are_stopped_stop_their_functions(in_process, array, workers, tmp_path):
    """The functions of one run, and not those of another."""
    from freestone import _interrupts

    begun = tmp_path / "begun"

    def forever(block):
        begun.touch()
        while True:
            time.sleep(0.01)

    ended = []

    def run():
        try:
            fs.map_blocks(forever, array, dtype="f4", workers=workers).compute(scheduler=in_process)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        end = time.monotonic() + 20
        while not begun.exists() and time.monotonic() < end:
            time.sleep(0.02)
        run_id = next(iter(_worker._flags))
        _interrupts.interrupt("another run")
        time.sleep(0.3)
        assert not ended and _worker.running(run_id)
        while _worker.running(run_id) and time.monotonic() < end:
            _worker.stop(run_id)
            time.sleep(0.05)
        assert not _worker.running(run_id)
    finally:
        _interrupts.interrupt()
        thread.join(20)
    assert len(ended) == 1 and isinstance(ended[0], fs.Error) and ended[0].kind == "cancelled"


def test_a_run_that_was_left_is_taken_up_with_its_functions(client, array, tmp_path, monkeypatch):
    made = fs.map_blocks(lambda b: b * 2, array, dtype="f4")
    from freestone.cluster import _scheduler

    done = []
    taken = _scheduler._Tasks._take

    def lose(self, *args):
        taken(self, *args)
        done.append(1)
        if len(done) == 1:
            raise _scheduler.SchedulerLost("gone")

    with fs.settings(scheduler=client):
        monkeypatch.setattr(_scheduler._Tasks, "_take", lose)
        with pytest.raises(fs.IoError, match="resume"):
            made.write(tmp_path / "a.zarr", chunks=(7, 12, 26))
        monkeypatch.setattr(_scheduler._Tasks, "_take", taken)
        with fs.settings(resume=True):
            made.write(tmp_path / "a.zarr", chunks=(7, 12, 26))
    np.testing.assert_array_equal(fs.open(tmp_path / "a.zarr").compute(), made.compute())


def test_few_tasks_take_a_small_plan_along(client):
    """Dask would put them all on the worker where the plan lies, until others steal them."""
    from freestone.cluster._scheduler import _Range, _Tasks

    tasks = _Tasks(client, None, 2, 1 << 30)
    tasks._payload = future = object()

    def given(ranges, plan):
        tasks._sent = _worker.Payload(plan)
        return tasks._payload_of([_Range(k, k + 1, 0, False) for k in range(ranges)])

    assert given(1, b"x" * 1000) is tasks._sent and given(4, b"x" * 60000) is tasks._sent
    # Dask spreads many by itself, and makes a key of its own of what is over 100 kB.
    assert given(5, b"x") is future and given(2, b"x" * 100000) is future
