"""Writing from xarray: stores computed with others, and what a run of the chunk manager is told."""

import freestone as fs
import numpy as np
import pytest

dask = pytest.importorskip("dask")
xr = pytest.importorskip("xarray")

from freestone import _runs  # noqa: E402
from freestone.xarray import ChunkManager, StoreLater  # noqa: E402
from freestone import store  # noqa: E402


@pytest.fixture
def two():
    """A large array, whose blocks go one by one, and a small one, which goes whole; their values; targets of zeros."""
    rng = np.random.default_rng(41)
    values = [rng.normal(size=(700, 500)), rng.normal(size=(5, 7)).astype("f4")]
    arrays = [fs.asarray(values[0]).rechunk((100, 500)) * 2.0, fs.asarray(values[1]) + 1]
    return arrays, [values[0] * 2.0, values[1] + 1], [np.zeros(v.shape, v.dtype) for v in values]


def later_of(two):
    arrays, _, targets = two
    return store(arrays, targets, compute=False)


def assert_stored(two):
    for want, target in zip(two[1], two[2]):
        np.testing.assert_array_equal(target, want)


@pytest.mark.parametrize(
    "compute", [fs.compute, dask.compute, lambda *items: (items[0].compute(), *fs.compute(*items[1:]))], ids=["freestone", "dask", "own"]
)
def test_a_store_computed_with_others_is_written(two, compute):
    later = later_of(two)
    assert isinstance(later, StoreLater) and not any(target.any() for target in two[2])
    other = np.zeros((30, 40))
    # In this order: Dask mixes up the results of its own delayed calls and arrays in another.
    made = compute(later, store(fs.full((30, 40), 3.0), other, compute=False), fs.asarray(np.arange(4.0)).sum())
    assert made[0] is None and made[1] is None and made[2] == 6
    assert_stored(two)
    assert (other == 3).all()


def test_a_store_and_a_file_are_written_together(two, tmp_path):
    fs.compute(later_of(two), fs.ones((3, 3)).write(tmp_path / "ones.npy", compute=False))
    assert_stored(two)
    assert (np.load(tmp_path / "ones.npy") == 1).all()


def test_stores_computed_together_share_a_pass(two, runs):
    arrays, _, targets = two
    again = [np.zeros_like(t) for t in targets]
    fs.compute(store(arrays, targets, compute=False), store(arrays, again, compute=False))
    assert len(runs) == 1
    assert_stored(two)
    np.testing.assert_array_equal(again[0], targets[0])


def test_what_a_store_was_told_reaches_the_run_with_others(two, tmp_path):
    arrays, _, targets = two
    later = store(arrays, targets, compute=False, memory="1KiB")
    for items in ((later,), (later, fs.asarray(np.arange(4.0)).sum())):
        with pytest.raises(fs.MemoryBudgetError):
            fs.compute(*items)
    with pytest.raises(fs.UserError, match="memory='1KiB' and memory='64MiB'"):
        fs.compute(later, store(arrays, targets, compute=False, memory="64MiB"))
    assert not any(target.any() for target in targets)
    # Files are another run.
    fs.compute(store(arrays, targets, compute=False, memory="64MiB"), fs.write({tmp_path / "a.npy": arrays[1]}, compute=False, memory="32MiB"))
    fs.compute(later, memory="64MiB")
    assert_stored(two)


def test_store_in_the_background_and_twice(two):
    later = later_of(two)
    assert later.submit().result() is None
    assert_stored(two)
    for target in two[2]:
        target[...] = 0
    dask.persist(later)
    assert_stored(two)


def test_explain_a_store(two):
    assert "stage" in fs.explain(later_of(two)).lower()


@pytest.fixture
def told(monkeypatch):
    """What runs are told."""
    seen = []
    setup, compute, persist = _runs.run_setup, _runs.compute, _runs.persist

    def here(options):
        return {**options, "scheduler": None}

    monkeypatch.setattr(_runs, "run_setup", lambda **given: (seen.append(given), setup(**here(given)))[1])
    # What compute is told itself does not reach the setup in here; what stores were described with does.
    monkeypatch.setattr(_runs, "compute", lambda *items, **given: (compute(*items, **here(given)), seen[-1].update({k: v for k, v in given.items() if v is not None}))[0])
    monkeypatch.setattr(_runs, "persist", lambda *items, **given: (persist(*items, **here(given)), seen.__setitem__(-1, given))[0])
    return seen


class Client:
    """What tells a client of Dask."""

    submit = map = run = cancel = scheduler_info = get = lambda self, *_: None


def test_the_scheduler_reaches_every_run(told, two):
    manager, array, client = ChunkManager(), two[0][1], Client()
    manager.compute(array, scheduler=client)
    manager.persist(array, scheduler=client)
    manager.store([array], [two[2][1]], scheduler=client)
    manager.compute(array, scheduler=client.get)
    assert [run["scheduler"] for run in told] == [client] * 4
    np.testing.assert_array_equal(two[2][1], two[1][1])
    told.clear()
    manager.compute(array, scheduler="synchronous")
    manager.compute(array, scheduler=dask.get)
    assert [run["threads"] for run in told] == [1, None]
    with pytest.raises(fs.UserError, match="scheduler"):
        manager.compute(array, scheduler="sometimes")


def test_arrays_of_this_process_are_not_filled_by_workers_of_a_cluster(two):
    cloudpickle = pytest.importorskip("cloudpickle")
    with pytest.raises(fs.UserError, match="NumPy array.*worker"):
        cloudpickle.dumps(later_of(two)._targets[0])
