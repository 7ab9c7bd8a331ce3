"""User functions on their way into the engine: what is called, where it runs, how its results are made to fit, and how it travels in a pickle."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from freestone import _core, _interrupts, _runs
from freestone._array import Array
from freestone._dtypes import DTypeLike, dtype_of
from freestone.errors import UserError

__all__ = ["BLOCK_ELEMENTS", "Call", "Function", "Objects", "dtype_from", "fitted", "name_of", "sampled", "tried", "SAMPLE_ELEMENTS"]

BLOCK_ELEMENTS = 1 << 18  # of data without chunks: a megabyte of float32
SAMPLE_ELEMENTS = 1 << 20


def name_of(function: Any) -> str:
    """The function's name, for messages."""
    return str(getattr(function, "__name__", None) or type(function).__name__)


class Function:
    """A Python function, called here or in a process; Ctrl-C stops it. Runs that it begins belong to the task of Dask that described the call."""

    __slots__ = ("function", "workers", "_owner", "_run", "_worker")

    def __init__(self, function: Callable[..., Any], workers: str) -> None:
        if workers not in ("threads", "processes"):
            raise UserError(f"workers is 'threads' or 'processes', not {workers!r}.")
        self.function, self.workers = function, workers
        self._run: Callable[..., Any] | None = None
        self._worker = _runs.worker_here()
        self._owner = _interrupts.owner_here()
        if workers == "processes":
            self._started()

    def _started(self) -> Callable[..., Any]:
        if self.workers == "threads":
            self._run = _interrupts.interruptible(self.function, self._owner)
        else:
            from freestone import _processes

            self._run = _processes.remote(self.function, self._owner)
        return self._run

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        run = self._run or self._started()
        if self._worker is None:
            return run(*args, **kwargs)
        from freestone.cluster._inside import work_for

        with work_for(self._worker):
            return run(*args, **kwargs)

    def __reduce__(self) -> Any:
        return (Function, (self.function, self.workers))


class Call:
    """One user function for the engine, and what the engine must know of it.

    Parameters
    ----------
    function : callable
        Of Python: ``function(values, start, shape, before, made)`` gives a list of arrays, one an output; or, when `compiled`, the user's own.
    name : str
        For messages.
    facts : dict
        ``extents``, ``steps``, ``block``, ``before``, ``after``, ``edges``, ``inputs`` as in the engine's user_function, and what differs from
        the defaults of ``free`` and ``memory_factor``.
    outputs : sequence
        (dtype, axes, shape) of each.
    compiled : tuple, optional
        What `freestone._compiled.find` takes beside the function.
    """

    __slots__ = ("function", "name", "facts", "outputs", "compiled")

    def __init__(self, function: Any, name: str, facts: dict[str, Any], outputs: Sequence[Any], compiled: Any = None) -> None:
        self.function, self.name, self.outputs, self.compiled = function, name, list(outputs), compiled
        defaults = {"name": name, "identity": f"{name} {uuid.uuid4().hex}", "free": False, "contiguous": compiled is not None, "memory_factor": 2.0}
        self.facts = {**defaults, **facts}

    def __call__(self, cores: Sequence[Any]) -> list[Any]:
        """The engine's arrays of the results; `cores` are the engine's arrays of the inputs."""
        made: list[Any] = _core.user_function(self.entry(), list(cores), self.facts, self.outputs, self)
        return made

    def entry(self) -> Any:
        """What the engine calls."""
        if self.compiled is None:
            return _core.python_function(self.function, self.name)
        from freestone import _compiled

        return _core.compiled_function(*_compiled.find(self.function, *self.compiled))  # type: ignore[misc]

    def arrays(self, inputs: Sequence[Array]) -> list[Array]:
        """The results."""
        return [Array(core) for core in self([a._core for a in inputs])]

    def __reduce__(self) -> Any:
        return (Call, (self.function, self.name, self.facts, self.outputs, self.compiled))


class Objects:
    """Python objects in the pickle of an array: by cloudpickle where it is installed, so that functions of notebooks and scripts travel, too."""

    __slots__ = ("objects",)

    def __init__(self, objects: list[Any]) -> None:
        self.objects = objects

    def __reduce__(self) -> Any:
        from freestone import _processes

        try:
            return (pickle.loads, (_processes.dumps(self.objects),))
        except Exception as error:
            raise pickle.PicklingError(
                f"an array made by a user function cannot be pickled: {error}. Install cloudpickle, or define the function in a module."
            ) from error


def tried(name: str, call: Callable[[], Any]) -> Any:
    """What `call` gives on a tiny sample."""
    try:
        with np.errstate(all="ignore"):
            return call()
    except Exception as error:
        raise UserError(
            f"{name}: the dtype of its result could not be found: called on a tiny sample, the function raised {type(error).__name__}: {error}. Give dtype=."
        ) from error


def sampled(name: str, call: Callable[[], Any]) -> list[np.dtype[Any]]:
    """The types of what `call` gives on a tiny sample."""
    made = tried(name, call)
    return [dtype_of(np.asarray(part).dtype) for part in (made if isinstance(made, tuple) else (made,))]


def fitted(result: Any, shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> np.ndarray[Any, Any]:
    """What a function gave, in the shape and type that it was declared to have."""
    array = np.asarray(result)
    if array.shape != shape:
        try:
            array = np.broadcast_to(array, shape)
        except ValueError:
            raise UserError(f"The function {name} gave shape {array.shape} for a block that has shape {shape}.") from None
    return np.ascontiguousarray(array, dtype=dtype).reshape(shape)


def dtype_from(dtype: DTypeLike, meta: Any) -> np.dtype[Any] | None:
    """The declared type, if there is one."""
    if dtype is not None:
        return dtype_of(dtype)
    return None if meta is None else dtype_of(meta.dtype)
