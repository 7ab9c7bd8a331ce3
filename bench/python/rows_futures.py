"""Small calls: 20,000 of them as futures against dask.delayed and a LocalCluster, and an array of ten elements."""

import numpy as np
from run import Race

CALLS = 20_000


def increment(x):
    return x + 1


def _mine():
    import freestone as fs

    return sum(fs.gather([fs.submit(increment, i) for i in range(CALLS)]))


def submits(options):
    import dask

    def theirs():
        return sum(dask.compute(*[dask.delayed(increment)(i) for i in range(CALLS)], scheduler="threads"))

    return Race(f"{CALLS} submits", _mine, theirs, target=10, peer="dask.delayed, threads")


def cluster_submits(options):
    import dask
    from distributed import Client, LocalCluster

    dask.config.set({"distributed.admin.log-format": ""})
    cluster = LocalCluster(n_workers=1, threads_per_worker=2, processes=True, dashboard_address=None)
    client = Client(cluster)

    def theirs():
        return sum(client.gather([client.submit(increment, i, pure=False) for i in range(CALLS)]))

    def close():
        client.close()
        cluster.close()

    return Race(f"{CALLS} submits", _mine, theirs, target=50, peer="LocalCluster", close=close)


def tiny(options):
    import dask.array as da
    import freestone as fs

    x, times = np.arange(10.0), 500
    a, d = (fs.asarray(x) + 1) * 2, (da.from_array(x) + 1) * 2

    def mine():
        for _ in range(times):
            result = a.compute()
        return float(result.sum())

    def theirs():
        for _ in range(times):
            result = d.compute(scheduler="threads")
        return float(result.sum())

    return Race(f"{times} computes of 10 elements", mine, theirs, peer="dask.array")


ROWS = {"submits": submits, "cluster-submits": cluster_submits, "tiny": tiny}
