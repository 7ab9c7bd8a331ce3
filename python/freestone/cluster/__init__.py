"""Clusters: the same plan on ``dask.distributed``.

>>> from dask.distributed import Client
>>> client = Client("tcp://scheduler:8786")                        # doctest: +SKIP
>>> with fs.settings(scheduler=client):                            # doctest: +SKIP
...     fs.open("big.zarr").mean(axis=0).write("mean.zarr")

A task is a range of tiles of one stage of the plan, run by the engine in the worker; Dask's scheduler places tasks, does those of lost workers
again, and shows them on its dashboard. docs/clusters.md says what a cluster must have.
"""

from __future__ import annotations

from freestone.cluster._connect import connect, use_dask_scheduler
from freestone.cluster._handles import cancel, futures_of, restart
from freestone.cluster._local import Cluster
from freestone.cluster._persist import persist

__all__ = ["Cluster", "cancel", "connect", "futures_of", "persist", "restart", "use_dask_scheduler"]
