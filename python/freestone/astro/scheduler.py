"""Where a cube computes, by Dask's words: `use_dask_scheduler`."""

from __future__ import annotations

import contextlib
from typing import Any

from freestone import _runs
from freestone.errors import UserError

__all__ = ["Scheduler", "SchedulerHandler"]

_NAMES = {None: "threads", "threads": "threads", "threading": "threads", "processes": "processes", "multiprocessing": "processes"} | dict.fromkeys(
    ("synchronous", "sync", "single-threaded"), "synchronous"
)


def _is_cluster(scheduler: Any) -> bool:
    return isinstance(scheduler, str) and "://" in scheduler or any(
        hasattr(candidate, "scheduler_info") for candidate in (scheduler, getattr(scheduler, "__self__", None))
    )


class Scheduler:
    """What `use_dask_scheduler` was told.

    Parameters
    ----------
    name : {"threads", "synchronous", "processes"}, distributed.Client, address, or None
        "processes": Python functions of the user run in processes; the engine's own work in threads. A cluster: its workers run the plans.
    num_workers : int, optional
        Threads; default those of `freestone.settings`.
    """

    def __init__(self, name: Any = None, num_workers: int | None = None) -> None:
        if num_workers is not None and num_workers < 1:
            raise UserError("num_workers is 1 or more.")
        self.cluster: Any = None
        if _is_cluster(name):
            self.cluster = name if isinstance(name, str) or hasattr(name, "scheduler_info") else name.__self__
            self.kind = "threads"
        elif isinstance(name, str) or name is None:
            if name not in _NAMES:
                raise UserError(f"scheduler is 'threads', 'synchronous', 'processes', or a distributed Client, not {name!r}.")
            self.kind = _NAMES[name]
        elif callable(name):
            module = str(getattr(name, "__module__", ""))
            self.kind = "synchronous" if module.endswith("local") else "processes" if "multiprocessing" in module else "threads"
        else:
            raise UserError(f"scheduler is 'threads', 'synchronous', 'processes', or a distributed Client, not {type(name).__name__}.")
        self.threads = 1 if self.kind == "synchronous" else num_workers

    @property
    def workers(self) -> str:
        """Where Python functions of the user run: ``workers=`` of `freestone.map_blocks`."""
        return "processes" if self.kind == "processes" else "threads"

    def running(self) -> contextlib.AbstractContextManager[Any]:
        """The context in which the cube's runs begin."""
        if self.cluster is not None:
            return _runs.settings(scheduler=self.cluster)
        return contextlib.nullcontext() if self.threads is None else _runs.settings(threads=self.threads)


class SchedulerHandler:
    """What `use_dask_scheduler` gives: in a `with`, what was used before comes back at the end."""

    def __init__(self, cube: Any, before: Scheduler) -> None:
        self.cube, self._before = cube, before

    def __enter__(self) -> SchedulerHandler:
        return self

    def __exit__(self, *_: object) -> None:
        self.cube._scheduler = self._before
