"""Runs on a Dask cluster of two worker processes: the same files and the same bits as in this process."""

import filecmp
import json
import os
import random
import sys

import numpy as np
import pytest

import freestone as fs
from freestone.cluster import Cluster, connect, persist
from freestone.cluster._scheduler import words_of_task

pytest.importorskip("distributed")

SEED = random.randrange(2**32)


@pytest.fixture
def rng():
    print(f"seed {SEED}")
    return np.random.default_rng(SEED)


@pytest.fixture
def cube(tmp_path, rng):
    values = rng.normal(size=(60, 50, 70)).astype("f4")
    values[rng.random(values.shape) < 0.02] = np.nan
    fs.asarray(values).write(tmp_path / "cube.zarr", chunks=(7, 20, 25))
    return tmp_path / "cube.zarr"


def same_files(a, b):
    """Files, or folders of files, byte by byte."""
    if not os.path.isdir(a):
        return filecmp.cmp(a, b, shallow=False)
    compared = filecmp.dircmp(a, b)
    if compared.left_only or compared.right_only or compared.funny_files:
        return False
    return all(same_files(os.path.join(a, name), os.path.join(b, name)) for name in compared.common)


def only(folder, *names):
    """Nothing but these is in the folder: no temporary file, no journal."""
    assert sorted(os.listdir(folder)) == sorted(names)


STEPS = {
    "rechunk": (lambda a: a.rechunk((60, 5, 7)), "out.zarr"),
    "transpose": (lambda a: a.transpose((2, 0, 1)), "out.zarr"),
    "anomaly": (lambda a: a - fs.nanmean(a, axis=0), "out.zarr"),
    "clip": (lambda a: fs.sigma_clip(a, 2.5, axis=0), "out.fits"),
    "mean": (lambda a: fs.nanmean(a, axis=(1, 2)), "out.npy"),
    "mean_first": (lambda a: fs.nanmean(a, axis=0), "out.zarr"),
    "fits": (lambda a: fs.sqrt(abs(a)) + a.T.T, "out.fits"),
}


@pytest.mark.parametrize("step", STEPS)
def test_writes_the_same_file(client, cube, tmp_path, step):
    function, name = STEPS[step]
    os.mkdir(tmp_path / "here")
    os.mkdir(tmp_path / "there")
    with fs.settings(memory="64MiB"):
        function(fs.open(cube)).write(tmp_path / "here" / name)
        with fs.settings(scheduler=client):
            function(fs.open(cube)).write(tmp_path / "there" / name)
    assert same_files(tmp_path / "here" / name, tmp_path / "there" / name)
    only(tmp_path / "there", name)


def test_reductions_have_the_same_bits(client, cube, tmp_path):
    a = fs.open(cube)
    results = [fs.nansum(a), fs.nanmean(a, axis=2), fs.nanstd(a, axis=0), fs.nanmax(a, axis=(0, 2)), fs.nanvar(a)]
    here = fs.compute(*results)
    with fs.settings(scheduler=client):
        there = fs.compute(*results)
    for expected, got in zip(here, there):
        np.testing.assert_array_equal(np.asarray(got), np.asarray(expected))
    np.testing.assert_allclose(there[0], np.nansum(a.compute(), dtype="f8"), rtol=1e-4, atol=1e-2)


def test_states_travel_and_merge_in_order(client, tmp_path, rng):
    # Leaves of many lengths: ranges end inside of nodes of the tree.
    for shape, chunks in [((1000, 12), (3, 12)), ((517, 9, 4), (2, 9, 4)), ((300, 40), (1, 7))]:
        path = tmp_path / f"x{len(shape)}{shape[0]}.zarr"
        fs.asarray(rng.normal(size=shape) * 10.0 ** rng.integers(-8, 8, size=shape)).write(path, chunks=chunks)
        a = fs.open(path)
        results = [a.sum(axis=0), a.std(axis=0), a.sum(), a.mean(axis=0)]
        here = fs.compute(*results, memory="40MiB")
        with fs.settings(scheduler=client):
            there = fs.compute(*results)
        for expected, got in zip(here, there):
            np.testing.assert_array_equal(np.asarray(got), np.asarray(expected))


def test_several_outputs_and_formats_in_one_run(client, cube, tmp_path):
    a = fs.open(cube)

    def targets(folder):
        os.mkdir(folder)
        flat = fs.nanmean(a, axis=0)
        return {folder / "a.zarr": a * 2, folder / "m.tif": flat, folder / "m.nc": flat, folder / "m.npy": flat, folder / "s.fits": fs.nanstd(a, axis=0)}

    fs.write(targets(tmp_path / "here"))
    with fs.settings(scheduler=client):
        fs.write(targets(tmp_path / "there"))
    for name in ("a.zarr", "m.npy", "s.fits"):
        assert same_files(tmp_path / "here" / name, tmp_path / "there" / name), name
    for name in ("m.tif",):
        np.testing.assert_array_equal(fs.open(tmp_path / "there" / name).compute(), fs.open(tmp_path / "here" / name).compute())
    here, there = (fs.open(tmp_path / folder / "m.nc") for folder in ("here", "there"))
    for name in here:
        np.testing.assert_array_equal(there[name].values, here[name].values)
    only(tmp_path / "there", "a.zarr", "m.tif", "m.nc", "m.npy", "s.fits")


def test_data_of_this_process_goes_along(client, cube, rng, tmp_path):
    weights = rng.normal(size=(60, 50, 70)).astype("f4")
    a = fs.open(cube)
    with fs.settings(scheduler=client):
        got = fs.nansum(a * weights, axis=0).compute()
    np.testing.assert_array_equal(got, fs.nansum(a * weights, axis=0).compute())


def test_persisted_arrays_are_used_by_later_runs(client, cube):
    a = fs.open(cube)
    with fs.settings(scheduler=client):
        kept = (a + 1).persist()
        got = kept.compute()
        there = fs.nanmax(kept, axis=1).compute()
    np.testing.assert_array_equal(got, (a + 1).compute())
    np.testing.assert_array_equal(there, fs.nanmax(a + 1, axis=1).compute())
    np.testing.assert_array_equal(kept.compute(), got)


def test_an_existing_file_is_refused_and_kept(client, cube, tmp_path):
    fs.asarray([1, 2]).write(tmp_path / "out.npy")
    with fs.settings(scheduler=client), pytest.raises(fs.UserError, match="exists already"):
        fs.open(cube).mean(axis=0).write(tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), [1, 2])


def test_a_damaged_chunk_is_an_error_that_names_it_and_the_worker(client, cube, tmp_path):
    chunk = next(os.path.join(root, name) for root, _, names in os.walk(cube) for name in names if name != "zarr.json")
    with open(chunk, "r+b") as file:
        file.truncate(20)
    os.mkdir(tmp_path / "out")
    with fs.settings(scheduler=client), pytest.raises(fs.DataError, match="worker tcp://") as raised:
        (fs.open(cube) * 2).write(tmp_path / "out" / "out.zarr")
    assert "cube.zarr" in str(raised.value)
    only(tmp_path / "out")


def test_progress_counts_all_tiles(client, cube, capfd, tmp_path):
    with fs.settings(scheduler=client), fs.progress("json"):
        fs.nanmean(fs.open(cube), axis=0).write(tmp_path / "m.npy")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    assert lines[-1]["event"] == "done" and lines[-1]["fraction"] == 1
    assert lines[-1]["tasks_done"] == lines[-1]["tasks"] > 0


def test_names_for_the_dashboard():
    assert words_of_task("sigma-clip along axis 0") == "sigma clip along axis 0"
    assert len(words_of_task("elementwise (" + ", ".join(["subtract"] * 40) + ")")) <= 60


def test_settings_by_address_and_back(client):
    with fs.settings(scheduler=client.scheduler.address):
        assert fs.get_settings()["scheduler"].scheduler.address == client.scheduler.address
        with fs.settings(scheduler="threads"):
            assert fs.get_settings()["scheduler"] is None
    assert fs.get_settings()["scheduler"] is None
    assert connect(client) is client


@pytest.fixture
def sent(monkeypatch):
    """What goes to a cluster."""
    from freestone.cluster._scheduler import ClusterScheduler

    seen = []
    for name in ("compute", "write", "persist"):
        kept = getattr(ClusterScheduler, name)
        monkeypatch.setattr(ClusterScheduler, name, lambda self, *args, name=name, kept=kept: (seen.append((name, self.client.scheduler.address)), kept(self, *args))[1])
    return seen


def test_the_scheduler_of_a_call_is_where_it_runs(client, cube, tmp_path, sent):
    a, where = fs.nanmean(fs.open(cube), axis=0), client.scheduler.address
    expected = a.compute()
    assert sent == []
    np.testing.assert_array_equal(a.compute(scheduler=client), expected)
    np.testing.assert_array_equal(fs.compute(a, 1, scheduler=where)[0], expected)
    np.testing.assert_array_equal(a.persist(scheduler=client).compute(), expected)
    a.write(tmp_path / "a.npy", compute=False).compute(scheduler=client)
    fs.compute(fs.write({tmp_path / "b.npy": a}, compute=False), scheduler=client)
    np.testing.assert_array_equal(fs.delayed(lambda: a.compute())().compute(scheduler=client), expected)
    np.testing.assert_array_equal(fs.compute(fs.delayed(lambda: a.compute())(), scheduler=client)[0], expected)
    assert sent == [(name, where) for name in ("compute", "compute", "persist", "write", "write", "compute", "compute")]
    with fs.settings(scheduler=client):
        for here in ("threads", "synchronous"):
            a.compute(scheduler=here), a.persist(scheduler=here), fs.compute(a, fs.delayed(lambda: a.compute())(), scheduler=here)
    assert len(sent) == 7
    with pytest.raises(fs.UserError, match="tcp://host"):
        a.persist(scheduler="a cluster")
    with pytest.raises(fs.UserError, match="not function"):
        a.compute(scheduler=lambda: None)


def test_tasks_on_a_worker_do_their_runs_where_they_are(client, cube, sent):
    from distributed import Client

    expected = float(fs.nansum(fs.open(cube)).compute())

    def told(path, address):
        import freestone

        with freestone.settings(scheduler=address):
            return float(freestone.nansum(freestone.open(path)).compute())

    # As many as there are threads: none would be left for what they wait for.
    futures = client.map(told, [os.fspath(cube)] * 2, address=client.scheduler.address, pure=False)
    assert client.gather(futures) == [expected] * 2
    with Cluster(1, 1, processes=False, dashboard_address=None) as cluster, Client(cluster, set_as_default=False) as own, fs.settings(scheduler=own):
        future = own.submit(lambda: float(fs.nansum(fs.open(cube)).compute()), pure=False)
        assert future.result(timeout=60) == expected
        assert sent == []
        assert own.compute(fs.nansum(fs.open(cube)), sync=True) == expected
        with pytest.raises(fs.UserError, match="a task cannot leave an array"):
            own.submit(lambda: persist(fs.open(cube)), pure=False).result(timeout=60)
        # Another cluster's workers are not waited for by those of this one.
        where = client.scheduler.address
        assert own.submit(lambda: float(fs.nansum(fs.open(cube)).compute(scheduler=where)), pure=False).result(timeout=60) == expected
    assert sent == [("compute", client.scheduler.address)]


def _by_submit(path, address):
    with fs.settings(scheduler=address):
        return float(fs.submit(lambda: fs.open(path).sum().compute()).result())


def _by_delayed(path, address):
    return float(fs.delayed(lambda: fs.open(path).sum().compute())().compute(scheduler=address))


def _by_write(path, address):
    with fs.settings(scheduler=address):
        fs.open(path).write(path + ".zarr", compute=False).submit().result()
    return float(fs.open(path + ".zarr").sum().compute(scheduler="threads"))


def _by_function(path, address):
    with fs.settings(scheduler=address):
        return float(fs.map_blocks(lambda block: block + float(fs.open(path).sum().compute()), fs.asarray(np.zeros((4, 4))), dtype="f8").compute()[0, 0])


@pytest.mark.parametrize("way", [_by_submit, _by_delayed, _by_write, _by_function])
def test_tasks_do_runs_of_other_threads_where_they_are(tmp_path, way):
    import cloudpickle
    from distributed import Client

    path = os.fspath(tmp_path / "a.zarr")
    fs.asarray(np.arange(20000.0).reshape(200, 100)).write(path, chunks=(50, 50))
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        with Cluster(1, 1, memory_limit="1GiB", dashboard_address=None) as cluster, Client(cluster, set_as_default=False) as own:
            assert own.submit(way, path, own.scheduler.address, pure=False).result(timeout=15) == np.arange(20000.0).sum()
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


@pytest.mark.parametrize("how", ["store", "later", "together", "settings"])
def test_large_targets_of_store_are_written_from_this_process(client, sent, how):
    pytest.importorskip("xarray")
    from freestone import store

    values = np.arange(350000.0).reshape(700, 500)
    arrays = [fs.asarray(values).rechunk((100, 500)) * 2, fs.asarray(values[:5]) + 1]
    targets = [np.zeros((700, 500)), np.zeros((5, 500))]
    if how == "store":
        store(arrays, targets, scheduler=client)
    elif how == "later":
        store(arrays, targets, compute=False, scheduler=client).compute()
    elif how == "together":
        fs.compute(store(arrays, targets, compute=False), scheduler=client)
    else:
        with fs.settings(scheduler=client):
            store(arrays, targets)
    np.testing.assert_array_equal(targets[0], values * 2)
    np.testing.assert_array_equal(targets[1], values[:5] + 1)
    assert sent == []
    store(arrays[1:], targets[1:], scheduler=client)
    assert len(sent) == 1


def test_nobody_at_an_address(monkeypatch):
    monkeypatch.setattr("freestone.cluster._connect._CONNECT_SECONDS", 1)
    with pytest.raises(fs.IoError, match="127.0.0.1:9"):
        fs.settings(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(fs.IoError, match="no such scheduler file"):
        fs.settings(scheduler_file="/nowhere/scheduler.json")
    with pytest.raises(fs.UserError, match="tcp://host"):
        fs.settings(scheduler="cluster")
