"""Dask's protocols: arrays and delayed work of Freestone in Dask's `compute`, and arrays that go over and come back.

Everything that Dask asks of a collection is answered here. An `Array` is one task of a graph, `compute`, for as long as a scheduler runs on this
machine; several of them in one graph become one task, so that they share a pass over their data. `to_dask` gives a task a chunk instead.

Libraries ask `dask.is_dask_collection` of an array to find out whether to call the functions of ``dask.array``. An `Array` has its own: it tells
what it is to Dask's own `compute`, `persist`, `optimize`, `delayed` and clients, and to nobody else (`_is_hidden`).
"""

from __future__ import annotations

import hashlib
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from freestone import _core
from freestone.errors import UserError

if TYPE_CHECKING:
    from freestone._array import Array

__all__ = ["Blocks", "DaskArray", "DaskTask", "is_taken_by_from_array", "joined", "to_dask"]


def _first(results: Any) -> Any:
    return results[0]


class _Threads:
    """`__dask_scheduler__`: Dask's threads. The function itself, for collections in one graph must have the same."""

    def __get__(self, *_: Any) -> Any:
        from dask.threaded import get

        return get


class DaskTask:
    """What Dask's compute and progress bars take as one task of a graph, by Dask's collection protocol: something with `compute` and a key."""

    __slots__ = ()
    _key: str

    def compute(self) -> Any:
        """The result."""
        raise NotImplementedError

    def __dask_graph__(self) -> dict[str, Any]:
        return {self._key: (self.compute,)}

    def __dask_keys__(self) -> list[str]:
        return [self._key]

    def __dask_tokenize__(self) -> str:
        return self._key

    def __dask_postcompute__(self) -> Any:
        return (_first, ())

    def __dask_postpersist__(self) -> Any:
        return (lambda graph, *_, rename=None: self, ())

    @property
    def __dask_optimize__(self) -> Callable[..., Any]:
        # That of Dask's delayed calls, which stand beside these: Dask gives results in the order of its groups of optimisations.
        from dask.delayed import Delayed

        return cast("Callable[..., Any]", Delayed.__dask_optimize__)

    __dask_scheduler__ = _Threads()


class DaskArray:
    """The part of `Array` that Dask sees."""

    __slots__ = ()
    _core: Any

    @property
    def __dask_graph__(self) -> Callable[[], dict[Any, Any]]:
        if _is_hidden():
            raise AttributeError("__dask_graph__")
        return self._dask_graph

    def _dask_graph(self) -> dict[Any, Any]:
        (key,) = self.__dask_keys__()
        futures = self._dask_facts()[1]
        if futures:  # Dask hands their results to the task
            from freestone.cluster._kept import ComputedWith

            return {key: (ComputedWith(self._dask_task, [future.key for future in futures]), futures)}
        return {key: (self._dask_task,)}

    def _dask_task(self) -> Any:
        return cast("Array", self).compute()

    def __dask_keys__(self) -> list[str]:
        return ["freestone-" + self.__dask_tokenize__()]

    def __dask_tokenize__(self) -> str:
        return self._dask_facts()[0]

    def _dask_facts(self) -> tuple[str, list[Any]]:
        """The token, and futures of elements that a cluster keeps."""
        # The elements in memory are part of it: hashed once, while the array stands for the same (item assignment makes it another one).
        array = cast("Array", self)
        known = array._token
        if known is None or known[0] is not array._core:
            known = array._token = (array._core, *_facts_of(array._core))
        return known[1], known[2]

    def __dask_postcompute__(self) -> Any:
        return (_first, ())

    def __dask_postpersist__(self) -> Any:
        (key,) = self.__dask_keys__()
        array = cast("Array", self)
        return (_persisted, (key, array.shape, array.dtype.str))

    @property
    def __dask_optimize__(self) -> Callable[..., Any]:
        return _Optimize()

    __dask_scheduler__ = _Threads()


def _is_hidden() -> bool:
    """Whether the one who asks would take an answer for ``dask.array``: a library by `dask.is_dask_collection`, or ``dask.array`` itself."""
    asking = sys._getframe(2)
    if asking.f_code.co_name != "is_dask_collection" or asking.f_globals.get("__name__") != "dask.base" or asking.f_back is None:
        return False
    module = str(asking.f_back.f_globals.get("__name__", ""))
    return module.partition(".")[0] not in ("dask", "distributed", "freestone") or module.startswith(("dask.array", "dask.dataframe"))


def _facts_of(core: Any) -> tuple[str, list[Any]]:
    """What stands for an array in Dask's keys: the same for the same operations on the same files and elements, in every process; and futures."""
    futures = []
    digest = hashlib.blake2b(digest_size=16)
    text, memories, output, objects = _core.describe_graph(core)
    digest.update(f"{text}|{output}".encode())
    for memory in memories:
        digest.update(f"|{memory.dtype.str}{memory.shape}".encode())
        digest.update(np.ascontiguousarray(memory).view(np.uint8).data)
    for made in objects:
        if isinstance(made, tuple):  # what reads a source in Python, and its facts; a user function is told apart by its parameters
            reader = made[0].function
            digest.update(f"|{reader.token}|{made[1:]}".encode())
            future = getattr(getattr(reader, "x", None), "kept_by", None)
            if future is not None:
                futures.append(future)
    return digest.hexdigest(), futures


def _persisted(
    graph: Mapping[Any, Any], key: Any, shape: tuple[int, ...], dtype: str, *, rename: Mapping[Any, Any] | None = None
) -> Array:
    """What Dask's ``persist`` gives: over the elements here, or those that a worker keeps."""
    from freestone._array import asarray

    value = graph[(rename or {}).get(key, key)]
    if hasattr(value, "result") and hasattr(value, "client"):
        from freestone.cluster._kept import KeptArray

        return KeptArray(value, shape, dtype)
    return asarray(value)


class _Optimize:
    """What `dask.array` does with a graph, after `joined`.

    It equals the function of ``dask.array``: Dask gives results in another order when the collections of one call have optimisations that differ.
    """

    __slots__ = ("_theirs",)

    def __init__(self) -> None:
        from dask.array import Array

        self._theirs = Array.__dask_optimize__

    def __call__(self, graph: Any, keys: Any, **settings: Any) -> Any:
        return self._theirs(joined(graph), keys, **settings)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Optimize) or other is self._theirs

    def __hash__(self) -> int:
        return hash(self._theirs)

    def __dask_tokenize__(self) -> Any:
        return "freestone-optimize"

    def __reduce__(self) -> Any:
        return (_Optimize, ())


class _Together:
    """Several arrays computed in one run."""

    __slots__ = ("arrays",)

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.arrays = tuple(arrays)

    def __call__(self) -> tuple[Any, ...]:
        from freestone._runs import compute

        return compute(*self.arrays)

    def __reduce__(self) -> Any:
        return (_Together, (self.arrays,))


def _array_of(task: Any) -> Array | None:
    """The array that a task of a graph computes."""
    function = task[0] if isinstance(task, tuple) and len(task) == 1 else getattr(task, "func", None)
    return getattr(function, "__self__", None) if getattr(function, "__func__", None) is DaskArray._dask_task else None


def joined(graph: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A graph of Dask in which all arrays are computed by one task."""
    arrays = {key: array for key, task in dict(graph).items() if (array := _array_of(task)) is not None}
    if len(arrays) < 2:
        return graph
    run = "freestone-run-" + hashlib.blake2b("".join(sorted(arrays)).encode(), digest_size=16).hexdigest()
    made: dict[Any, Any] = {**graph, run: (_Together(list(arrays.values())),)}
    for number, key in enumerate(arrays):
        made[key] = (operator.getitem, run, number)
    return made


def is_taken_by_from_array() -> bool:
    """Whether the one who asks for a copy is Dask's `from_array`: its blocks are to be of NumPy, and not lazy arrays inside of a lazy array."""
    asking = sys._getframe(1).f_back
    return asking is not None and asking.f_code.co_name == "from_array" and asking.f_globals.get("__name__") == "dask.array.core"


class Blocks:
    """An array as Dask's `from_array` reads it: each part is a run of its own, on the thread that asks for it."""

    __slots__ = ("array", "shape", "dtype", "ndim", "chunks")

    def __init__(self, array: Array) -> None:
        self.array, self.shape, self.dtype, self.ndim, self.chunks = array, array.shape, array.dtype, array.ndim, array.chunks

    def __dask_tokenize__(self) -> str:
        return self.array.__dask_tokenize__()

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        return np.asarray(self.array[key].compute(threads=1))

    def __reduce__(self) -> Any:
        return (Blocks, (self.array,))


def to_dask(array: Array, chunks: Any = None) -> Any:
    """`array` as a ``dask.array.Array``; see `Array.to_dask`."""
    try:
        import dask.array
    except ImportError:
        raise UserError("to_dask needs Dask: pip install dask") from None
    if chunks is None:
        chunks = "auto" if array._core.is_contiguous else tuple(max(1, n) for n in array.chunksize)
    meta = np.empty((0,) * array.ndim, dtype=array.dtype)
    return dask.array.from_array(cast(Any, Blocks(array)), chunks=chunks, name="freestone-blocks-" + array.__dask_tokenize__(), meta=meta)
