"""Runs that tasks on a worker begin themselves: ``client.compute(array)``, functions of users."""

from __future__ import annotations

import os
import sys
from typing import Any

# Of a worker's limit, as for runs that are sent to it.
_SHARE = 0.6
_LEAST = 32 << 20


def _worker_here() -> Any:
    """The worker that runs the calling task; None elsewhere."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.get_worker()
    except ValueError:
        return None


def worker_memory() -> int | None:
    """The budget of a run that a task begins: its thread's part of 0.6 of the worker's limit, less what the worker holds. None elsewhere."""
    worker = _worker_here()
    limit = None if worker is None else getattr(worker.memory_manager, "memory_limit", None)
    if not limit:
        return None
    with open("/proc/self/statm") as file:
        held = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return max(_LEAST, (int(_SHARE * limit) - held) // max(1, worker.state.nthreads))
