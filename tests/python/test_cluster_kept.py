"""Arrays that a client of Dask persists: their elements stay on the cluster, are found, used, cancelled and freed by Dask's own functions."""

import gc
import time

import dask
import numpy as np
import pytest

import freestone as fs
from freestone.cluster import futures_of as our_futures_of

distributed = pytest.importorskip("distributed")


def gone(client, key, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if key not in client.who_has():
            return True
        time.sleep(0.05)
    return False


def test_persist_by_dasks_client(tmp_path):
    values = np.random.default_rng(8).normal(size=(30, 40))
    np.save(tmp_path / "a.npy", values)
    a = fs.open(tmp_path / "a.npy")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        kept = client.persist(a + 1)
        futures = distributed.futures_of(kept)
        assert isinstance(kept, fs.Array) and len(futures) == 1 and our_futures_of(kept) == futures
        with client.as_current():
            distributed.wait(futures, timeout=60)
        assert list(client.who_has())  # on a worker
        np.testing.assert_array_equal(np.asarray(kept), values + 1)
        assert kept[3, 4].compute() == values[3, 4] + 1
        want = (values + 1).sum()
        # What is made of it: here, by our tasks, by Dask's, beside collections of Dask.
        assert (kept * 2).sum().compute() == pytest.approx(2 * want)
        assert kept.sum().compute(scheduler=client) == pytest.approx(want)
        assert client.compute(kept.sum(), sync=True) == pytest.approx(want)
        np.testing.assert_array_equal(client.compute(kept, sync=True), values + 1)
        with client.as_current():
            both, total = dask.compute(kept, kept.mean())
        np.testing.assert_array_equal(both, values + 1)
        assert total == pytest.approx(values.mean() + 1)
        pair, number = client.persist([a * 2, a.sum()])
        assert number.compute() == pytest.approx(values.sum()) and pair.shape == (30, 40)
        assert distributed.futures_of(client.persist(kept))[0].key == futures[0].key

        client.cancel(pair)
        with pytest.raises(fs.IoError, match="cancelled or lost"):
            pair.compute()

        # An array that stands for something else now is computed, not fetched.
        changed = client.persist(a + 5)
        changed[0, 0] = 7
        assert client.compute(changed, sync=True)[0, 0] == 7

        key = futures[0].key
        derived = kept - 1
        del kept, futures, both
        gc.collect()
        np.testing.assert_allclose(np.asarray(derived), values)
        del derived
        gc.collect()
        assert gone(client, key), client.who_has()
