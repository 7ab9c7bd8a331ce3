"""``freestone cluster start``: a cluster on this machine until it is told to stop."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from typing import Any


def _stop_quietly() -> None:
    for name in ("distributed", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def start_cluster(
    workers: int | None, threads: int | None, memory: str, port: int, dashboard_port: int | None, no_dashboard: bool, scheduler_file: str | None
) -> int:
    """Prints the addresses, waits for Ctrl-C or SIGTERM, and ends workers and scheduler."""
    import distributed

    cores = len(os.sched_getaffinity(0))
    workers = workers or (max(1, cores // (threads or min(4, cores))))
    threads = threads or max(1, cores // workers)
    limit: Any = memory if memory == "auto" or not memory.isdigit() else int(memory)
    dashboard = None if no_dashboard else f":{8787 if dashboard_port is None else dashboard_port}"
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=threads, memory_limit=limit, scheduler_port=port, dashboard_address=dashboard, silence_logs=logging.ERROR
        )
    except (OSError, RuntimeError, ValueError) as error:
        print(f"freestone: the cluster cannot be started: {error}", file=sys.stderr)
        return 1
    try:
        if scheduler_file is not None:
            _write_file(scheduler_file, cluster)
        print(f"scheduler  {cluster.scheduler_address}")
        if dashboard is not None:
            print(f"dashboard  {cluster.dashboard_link}")
        print(f"workers    {workers} of {threads} threads; Ctrl-C ends them", flush=True)
        ended.wait()
    finally:
        _stop_quietly()
        with contextlib.suppress(TimeoutError):
            cluster.close(timeout=20)
        if scheduler_file is not None:
            with contextlib.suppress(OSError):
                os.unlink(scheduler_file)
    return 0


def _write_file(path: str, cluster: Any) -> None:
    """As ``dask scheduler --scheduler-file`` writes it; whoever reads it meanwhile sees all of it or nothing."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(cluster.scheduler.identity(), file, indent=2, default=str)
    os.replace(path + ".new", path)
