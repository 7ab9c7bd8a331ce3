"""What a worker may take, and runs that tasks on a worker begin themselves: ``client.compute(array)``, functions of users."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from freestone.cluster._connect import workers_known

# Of a worker's limit; Dask itself holds back new tasks at 0.7 or 0.8 of it, and ends the worker at 0.95.
SHARE = 0.6
LEAST = 32 << 20

#: The worker for whose task a thread works that Dask does not know: one of the pool of futures, or of a run that calls a function.
working_for: ContextVar[Any] = ContextVar("freestone_worker", default=None)


def held_bytes() -> int:
    """Resident bytes of this process."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def limit_of(worker: Any) -> int | None:
    """The bytes that a worker of Dask may hold; None without a limit."""
    limit = getattr(getattr(worker, "memory_manager", None), "memory_limit", None)
    return int(limit) if limit else None


def budget_of(limit: int, held: int) -> int:
    """What runs on a worker with such a limit may take, which holds so much already."""
    return int(SHARE * limit) - held


def worker_here() -> Any:
    """The worker that runs the calling task, or the task for which the caller works on another thread; None elsewhere."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.get_worker()
    except ValueError:
        return working_for.get()


@contextlib.contextmanager
def work_for(worker: Any) -> Iterator[None]:
    """A context that belongs to a task of `worker`, whichever the thread."""
    token = working_for.set(worker)
    try:
        yield
    finally:
        working_for.reset(token)


def worker_memory() -> int | None:
    """The budget of a run that a task begins: its thread's part of the worker's. None elsewhere."""
    worker = worker_here()
    limit = limit_of(worker)
    return None if limit is None else max(LEAST, budget_of(limit, held_bytes()) // max(1, worker.state.nthreads))


def inside_of(client: Any) -> bool:
    """Whether the caller is a task on a worker of the client's cluster: were it to wait for tasks there, it would wait for its own thread."""
    worker = worker_here()
    return worker is not None and worker.address in workers_known(client)
