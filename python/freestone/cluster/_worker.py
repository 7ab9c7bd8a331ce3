"""What workers do: this module is imported by the worker's process, and its functions are what tasks call."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import math
import os
import struct
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from freestone import _core, _interrupts
from freestone.cluster import _functions, _inside
from freestone.errors import Error

_KEPT_RUNS = 4  # plans with open sources, in each worker
_CANCELLED = "cancelled", "Interrupted."

_lock = threading.Lock()
_opening: dict[str, threading.Lock] = {}
_runs: OrderedDict[str, Any] = OrderedDict()
_flags: dict[str, set[Any]] = {}
_stopped: OrderedDict[str, None] = OrderedDict()


class TileError(Exception):
    """An error of the engine in a worker: its kind, message and context, and where; or what a function of the user raised."""

    def __init__(self, worker: str, kind: str, message: str, raised: _functions.Raised | None = None) -> None:
        super().__init__(worker, kind, message, raised)
        self.worker = worker
        self.kind = kind
        self.message = message
        self.raised = raised

    def __str__(self) -> str:
        return f"{self.message} (on worker {self.worker})"


@dataclass(frozen=True)
class Payload:
    """What all tasks of a run are given."""

    plan: bytes
    functions: _functions.Sent | None = None

    def __sizeof__(self) -> int:  # for Dask
        return len(self.plan) + (0 if self.functions is None else self.functions.nbytes()) + 64


def _address() -> str:
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:  # called outside of a task
        return f"process {os.getpid()}"


def _opened(run: str, payload: Payload) -> Any:
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
        lent = _functions.lent(payload.functions, run)
        worker = _core.TileWorker(payload.plan)
        del lent  # the worker has its own
        with _lock:
            _runs[run] = worker
            _opening.pop(run, None)
            while len(_runs) > _KEPT_RUNS:
                _runs.popitem(last=False)
        return worker


def tiles(payload: Payload, run: str, stage: int, first: int, last: int, memory: int, states: list[bytes] | None = None) -> tuple[list[Any], bytes]:
    """Runs tiles of a stage. Gives parts of results in memory, ``(root, start, values)``, and states of reductions for `merge`."""
    flag = _core.CancelFlag()
    with _lock:
        if run in _stopped:
            raise TileError(_address(), *_CANCELLED)
        _flags.setdefault(run, set()).add(flag)
    trouble: TileError
    try:
        done: tuple[list[Any], bytes] = _opened(run, payload).tiles(stage, first, last, states or [], memory, flag)
        return done
    except _functions.FunctionFailed as failed:
        trouble = TileError(_address(), *(_CANCELLED if _is_stopped(run) else ("user", failed.message)), _functions.Raised.of(failed))
    except _functions.CannotLoad as error:
        message = str(error)
        trouble = TileError(_address(), "user", f"{message[:1].upper()}{message[1:]}.{_functions.advice(message)}")
    except Error as error:
        trouble = TileError(_address(), error.kind, str(error))
    except MemoryError:
        trouble = TileError(_address(), "memory", "The system gave no more memory.")
    except KeyboardInterrupt:  # it came when the function had just ended
        trouble = TileError(_address(), *_CANCELLED)
    finally:
        with _lock:
            flags = _flags.get(run, set())
            flags.discard(flag)
            if not flags:
                _flags.pop(run, None)
    raise trouble  # here, so that Dask does not pickle what led to it


def _is_stopped(run: str) -> bool:
    with _lock:
        return run in _stopped


def merge(payload: Payload, run: str, stage: int, memory: int, done: list[tuple[list[Any], bytes]]) -> tuple[list[Any], bytes]:
    """Merges the states that ranges of one group have left, in the order of the merge tree, whatever the order here."""
    parts, states = tiles(payload, run, stage, 0, 0, memory, [states for _, states in done])
    return [part for earlier, _ in done for part in earlier] + parts, states


def end(run: str) -> int:
    """Lets no task of a run in this process begin any more; those that are running go on. Returns how many are."""
    with _lock:
        _stopped[run] = None
        while len(_stopped) > 1000:
            _stopped.popitem(last=False)
        return len(_flags.get(run, ()))


def stop(run: str) -> int:
    """Asks the tasks of a run in this process to stop, and those that are still to come not to begin. Returns how many are running."""
    end(run)
    with _lock:
        flags = list(_flags.get(run, ()))
    for flag in flags:
        flag.request()
    if flags:
        _interrupts.interrupt(run)  # functions of Python cannot look at a flag
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


@functools.lru_cache(maxsize=1)
def math_bits() -> str:
    """A digest of what the system's math library computes, whose last bits follow its version and whether the processor has FMA."""
    points = [0.001 + 0.0137 * k for k in range(1500)]
    inside = [k / 1500 for k in range(1, 1500)]
    values = [function(x) for function in (math.exp, math.expm1, math.log, math.log1p, math.sin, math.cos, math.tan, math.atan, math.tanh) for x in points]
    values += [function(x) for function in (math.asin, math.acos, math.atanh) for x in inside]
    values += [x**0.3 for x in points]
    return hashlib.sha256(struct.pack(f"{len(values)}d", *values)).hexdigest()[:16]


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
        "processor": f"{_core.cpu_level()}, {os.confstr('CS_GNU_LIBC_VERSION') or 'another C library'}",
        "math": math_bits(),
        "python": "{}.{}".format(*sys.version_info),
        "host": os.uname().nodename,
        "pid": os.getpid(),
    }


async def try_functions(sent: _functions.Sent) -> str:
    """Loads functions and lets them go again. Says what is wrong, "" if nothing is."""

    def load() -> str:
        try:
            _functions.loaded(sent, "")
        except _functions.CannotLoad as error:
            return str(error)
        return ""

    return await asyncio.get_running_loop().run_in_executor(None, load)  # modules may take long, and the worker must answer meanwhile


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
