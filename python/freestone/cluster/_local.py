"""A cluster on this machine."""

from __future__ import annotations

from typing import Any

from freestone.cluster._connect import _distributed, close_client
from freestone.errors import UserError


class Cluster:
    """A Dask cluster of worker processes on this machine, with a dashboard; ``Client(cluster)`` takes it.

    Parameters
    ----------
    n_workers : int
    threads_per_worker : int
    scheduler_port : int
        0: a free one.
    processes : bool
        False: workers are threads of this process.
    memory_limit : str or int
        Of one worker: ``"4GiB"``; "auto" shares the machine's memory.
    dashboard_address : str, optional
        ``":8787"``; ":0" is a free port, None none.
    """

    def __init__(
        self,
        n_workers: int = 1,
        threads_per_worker: int = 1,
        scheduler_port: int = 0,
        processes: bool = True,
        *,
        memory_limit: str | int = "auto",
        dashboard_address: str | None = ":0",
    ) -> None:
        if n_workers < 1 or threads_per_worker < 1:
            raise UserError("A cluster has 1 worker and 1 thread at the least.")
        self._given = {
            "n_workers": n_workers,
            "threads_per_worker": threads_per_worker,
            "scheduler_port": scheduler_port,
            "processes": processes,
            "memory_limit": memory_limit,
            "dashboard_address": dashboard_address,
        }
        self._cluster: Any = None

    def start(self) -> Cluster:
        """Starts it; nothing happens when it runs already."""
        if self._cluster is None:
            self._cluster = _distributed().LocalCluster(**self._given)
        return self

    def stop(self) -> None:
        """Ends workers and scheduler."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            close_client(str(cluster.scheduler_address))
            cluster.close()

    close = stop

    def __enter__(self) -> Cluster:
        return self.start()

    def __await__(self) -> Any:  # Dask's client waits for a cluster to have started
        return self.start()._cluster.__await__()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        where = self.scheduler_address if self._cluster is not None else "not started"
        return f"<freestone.Cluster {where}: {self._given['n_workers']} workers of {self._given['threads_per_worker']} threads>"

    @property
    def scheduler_address(self) -> str:
        """``tcp://127.0.0.1:...``; starts the cluster when it is not running."""
        return str(self.start()._cluster.scheduler_address)

    @property
    def dashboard_link(self) -> str:
        """Where the dashboard is."""
        return str(self.start()._cluster.dashboard_link)

    def __getattr__(self, name: str) -> Any:
        # Whatever else Dask's client asks of a cluster: security, loop, status.
        if name.startswith("__") or name == "_cluster":
            raise AttributeError(name)
        return getattr(self.start()._cluster, name)
