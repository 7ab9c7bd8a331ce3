"""What workers do: this module is imported by the worker's process, and its functions are what tasks call."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Any

from freestone import _core
from freestone.cluster import _inside
from freestone.errors import Error

_KEPT_RUNS = 4  # plans with open sources, in each worker

_lock = threading.Lock()
_opening: dict[str, threading.Lock] = {}
_runs: OrderedDict[str, Any] = OrderedDict()
_flags: dict[str, set[Any]] = {}
_stopped: OrderedDict[str, None] = OrderedDict()


class TileError(Exception):
    """An error of the engine in a worker: its kind, message and context, and where."""

    def __init__(self, worker: str, kind: str, message: str) -> None:
        super().__init__(worker, kind, message)
        self.worker = worker
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} (on worker {self.worker})"


def _address() -> str:
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:  # called outside of a task
        return f"process {os.getpid()}"


def _opened(run: str, payload: bytes) -> Any:
    """The engine's side of a run in this process, opened once."""
    with _lock:
        if run in _runs:
            _runs.move_to_end(run)
            return _runs[run]
        opening = _opening.setdefault(run, threading.Lock())
    with opening:
        with _lock:
            if run in _runs:
                return _runs[run]
        worker = _core.TileWorker(payload)
        with _lock:
            _runs[run] = worker
            _opening.pop(run, None)
            while len(_runs) > _KEPT_RUNS:
                _runs.popitem(last=False)
        return worker


def tiles(payload: bytes, run: str, stage: int, first: int, last: int, memory: int, states: list[bytes] | None = None) -> tuple[list[Any], bytes]:
    """Runs tiles of a stage. Gives parts of results in memory, ``(root, start, values)``, and states of reductions for `merge`."""
    flag = _core.CancelFlag()
    with _lock:
        if run in _stopped:
            raise TileError(_address(), "cancelled", "Interrupted.")
        _flags.setdefault(run, set()).add(flag)
    try:
        done: tuple[list[Any], bytes] = _opened(run, payload).tiles(stage, first, last, states or [], memory, flag)
        return done
    except Error as error:
        raise TileError(_address(), error.kind, str(error)) from None
    except MemoryError:
        raise TileError(_address(), "memory", "The system gave no more memory.") from None
    finally:
        with _lock:
            flags = _flags.get(run, set())
            flags.discard(flag)
            if not flags:
                _flags.pop(run, None)


def merge(payload: bytes, run: str, stage: int, memory: int, done: list[tuple[list[Any], bytes]]) -> tuple[list[Any], bytes]:
    """Merges the states that ranges of one group have left, in the order of the merge tree, whatever the order here."""
    parts, states = tiles(payload, run, stage, 0, 0, memory, [states for _, states in done])
    return [part for earlier, _ in done for part in earlier] + parts, states


def stop(run: str) -> int:
    """Asks the tasks of a run in this process to stop, and those that are still to come not to begin. Returns how many are running."""
    with _lock:
        _stopped[run] = None
        while len(_stopped) > 1000:
            _stopped.popitem(last=False)
        flags = list(_flags.get(run, ()))
    for flag in flags:
        flag.request()
    return len(flags)


def running(run: str) -> int:
    """How many tasks of a run this process has under way."""
    with _lock:
        return len(_flags.get(run, ()))


def forget(run: str) -> None:
    """Lets go of what a run has open in this process."""
    with _lock:
        _runs.pop(run, None)
        _opening.pop(run, None)


def facts(dask_worker: Any = None) -> dict[str, Any]:
    """What this process is, for the checks before a run."""
    import freestone

    return {
        "version": freestone.__version__,
        "plan": _core.plan_version(),
        "threads": int(dask_worker.state.nthreads) if dask_worker is not None else 1,
        "limit": _inside.limit_of(dask_worker),
        "default_memory": _core.settings()[0],
        "held": _inside.held_bytes(),
        "host": os.uname().nodename,
        "pid": os.getpid(),
    }


def look_at(files: list[tuple[str, int]], probes: list[str]) -> list[str]:
    """What is wrong with files (path, bytes) and folders (by a file in each) as this process sees them."""
    wrong = []
    for path, size in files:
        try:
            status = os.stat(path)
        except OSError as error:
            wrong.append(f"{path}: {error.strerror}")
            continue
        if not os.access(path, os.R_OK):
            wrong.append(f"{path}: no permission to read it")
        elif size >= 0 and status.st_size != size:
            wrong.append(f"{path}: it has {status.st_size} bytes here, {size} where the plan was made")
    for probe in probes:
        folder = os.path.dirname(probe)
        if not os.path.isdir(folder):
            wrong.append(f"{folder}: no such folder")
        elif not os.path.exists(probe):
            wrong.append(f"{folder}: is another folder here than where the plan was made")
        elif not os.access(folder, os.W_OK):
            wrong.append(f"{folder}: no permission to write")
    return wrong
