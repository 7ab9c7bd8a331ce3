"""Arrays that Python reads part by part: those of other libraries, and Dask's graphs, block by block."""

from __future__ import annotations

import math
import operator
import os
import pickle
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from freestone import _core, _runs
from freestone._array import Array, from_numpy
from freestone._calls import Function
from freestone._dtypes import DTypeLike, dtype_of
from freestone.errors import UserError

__all__ = ["from_array", "from_dask", "from_delayed", "from_npy_stack", "from_zarr"]


def _native(dtype: Any) -> np.dtype[Any]:
    return dtype_of(np.dtype(dtype).newbyteorder("="))


class _Reader:
    """Parts of an object that is indexed as NumPy's arrays are. `token` tells it from all others; its copies have it, too."""

    __slots__ = ("x", "dtype", "lock", "token")

    def __init__(self, x: Any, dtype: np.dtype[Any], lock: Any, token: str) -> None:
        self.x, self.dtype, self.lock, self.token = x, dtype, threading.Lock() if lock is True else lock or None, token

    def __call__(self, start: Sequence[int], shape: Sequence[int]) -> np.ndarray[Any, Any]:
        key = tuple(slice(a, a + n) for a, n in zip(start, shape))
        if self.lock is None:
            return self.plain(self.x[key])
        with self.lock:
            return self.plain(self.x[key])

    def plain(self, part: Any) -> np.ndarray[Any, Any]:
        if isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part):
            if self.dtype.kind not in "fc":
                raise UserError(f"from_array: the array of {self.dtype} has masked elements. Fill them first (filled).")
            part = part.filled(np.nan)
        return np.asarray(part, dtype=self.dtype)

    def __reduce__(self) -> Any:
        return (_Reader, (self.x, self.dtype, self.lock is not None, self.token))


def read_by_parts(x: Any, grid: Sequence[int], name: str, lock: Any = False) -> Array:
    """An array over `x`, which has shape, dtype and NumPy's indexing by slices.

    Parameters
    ----------
    grid : sequence of int
        Lengths of a nominal chunk, 1 or more each; none: data without chunks.
    name : str
        For messages.
    lock : bool or lock
        One thread at a time reads `x`.
    """
    dtype = _native(x.dtype)
    reader = Function(_Reader(x, dtype, lock, uuid.uuid4().hex), "threads")
    return Array(_core.python_source(reader, [operator.index(n) for n in x.shape], dtype.name, list(grid), name))


def from_array(
    x: Any,
    chunks: Any = "auto",
    name: str | bool | None = None,
    lock: Any = False,
    asarray: bool | None = None,
    fancy: bool = True,
    getitem: Any = None,
    meta: Any = None,
    inline_array: bool = False,
) -> Array:
    """An array over an object that is read part by part, as ``dask.array.from_array``: an ``h5py.Dataset``, a ``zarr.Array``, a memory map...

    Parameters
    ----------
    x : object with `shape`, `dtype` and NumPy's indexing by slices
        It is called from several threads. Freestone's and NumPy's arrays are taken as they are, Dask's by `from_dask`.
    chunks : int, sequence, dict of axis to length, or "auto"
        Nominal chunks as in `rechunk`: the blocks that user functions get, and the chunks of files. "auto": those of `x`, where it says so.
    name : str, optional
        For messages.
    lock : bool or lock
        One thread at a time reads `x`.
    getitem : callable, optional
        ``getitem(x, slices)`` reads a part, instead of ``x[slices]``.
    asarray, fancy, meta, inline_array
        Dask's; they change nothing.

    Raises
    ------
    UserError
        `x` has no shape or dtype, or a dtype that Freestone does not compute with; when it is computed, parts of another shape.
    """
    if isinstance(x, Array):
        array = x
    elif type(x) is np.ndarray:
        array = from_numpy(x)
    elif type(x).__module__.startswith("dask.array"):
        array = from_dask(x)
    else:
        if not (hasattr(x, "shape") and hasattr(x, "dtype") and hasattr(x, "__getitem__")):
            raise UserError(f"from_array takes what has shape, dtype and indexing, not {type(x).__name__}.")
        own: Any = getattr(x, "chunks", None)
        regular = isinstance(own, tuple) and len(own) == len(x.shape) and all(isinstance(n, (int, np.integer)) and n > 0 for n in own)
        grid = [int(min(n, max(1, length))) for n, length in zip(own, x.shape)] if regular else []
        array = read_by_parts(x if getitem is None else _Got(x, getitem), grid, name if isinstance(name, str) else type(x).__name__, lock)
    return array if chunks is None or isinstance(chunks, str) and chunks == "auto" else array.rechunk(chunks)


class _Got:
    """An object whose parts a function reads."""

    __slots__ = ("x", "getitem", "shape", "dtype")

    def __init__(self, x: Any, getitem: Callable[[Any, Any], Any]) -> None:
        self.x, self.getitem, self.shape, self.dtype = x, getitem, x.shape, x.dtype

    def __getitem__(self, key: Any) -> Any:
        return self.getitem(self.x, key)


def from_delayed(value: Any, shape: Any, dtype: DTypeLike = None, meta: Any = None, name: str | None = None) -> Array:
    """An array of one chunk out of a delayed value, as ``dask.array.from_delayed``; `stack` and `concatenate` join many.

    Parameters
    ----------
    value : Delayed
        Of Freestone or Dask, or whatever has ``compute()``. Computed when elements are asked for, by every run anew.
    shape : tuple of int
        That of the array which it gives.
    dtype : dtype, optional
    meta : array, optional
        Says the dtype, where it is not given. One of both is needed.
    name : str, optional
        For messages.

    Raises
    ------
    UserError
        No dtype; when it is computed, a value of another shape.
    """
    from freestone._calls import dtype_from
    from freestone._user import map_blocks

    kind = dtype_from(dtype, meta)
    if kind is None:
        raise UserError("from_delayed: what the value holds is not known before it is computed. Give dtype=.")
    if not hasattr(value, "compute"):
        raise UserError(f"from_delayed takes a delayed value, not {type(value).__name__}. freestone.delayed makes one.")
    lengths = [operator.index(n) for n in (shape if isinstance(shape, Iterable) else [shape])]
    return map_blocks(_Computed(value), chunks=[(n,) for n in lengths], dtype=kind, enforce_ndim=True, name=name or str(getattr(value, "key", "delayed")))


class _Computed:
    """A function without arguments that computes a delayed value on the thread that calls it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> Any:
        return self.value.compute(scheduler="synchronous")


def from_npy_stack(dirname: str | os.PathLike[str], mmap_mode: str | None = "r") -> Array:
    """The array that ``to_npy_stack`` wrote, ours or Dask's.

    Parameters
    ----------
    dirname
        The folder.
    mmap_mode
        Dask's; files are read part by part, and never mapped.
    """
    from freestone._manipulation import concat
    from freestone._open import open as opened

    folder = os.fspath(dirname)
    with open(os.path.join(folder, "info"), "rb") as file:
        info = _Info(file).load()
    axis = int(info["axis"])
    parts = [opened(os.path.join(folder, f"{k}.npy")) for k in range(len(info["chunks"][axis]))]
    return concat(parts, axis=axis).rechunk([max(1, *lengths) for lengths in info["chunks"]])


class _Info(pickle.Unpickler):
    """The file ``info`` of such a folder: numbers, tuples, a dtype, and nothing that could run."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "numpy" and name == "dtype":
            return np.dtype
        raise UserError(f"from_npy_stack: the file 'info' holds {module}.{name}; chunks, dtype and axis were expected.")


def from_zarr(
    url: Any, component: str | None = None, storage_options: Any = None, chunks: Any = None, name: str | None = None, inline_array: bool = False, **kwargs: Any
) -> Array:
    """An array of a Zarr store, as ``dask.array.from_zarr``. `open` opens it as well, and everything else.

    Parameters
    ----------
    url : path, or an array of zarr
    component : str, optional
        An array inside of the store.
    storage_options : mapping, optional
        As in `open`.
    chunks : optional
        Nominal chunks as in `rechunk`. Default: those that are stored.
    name, inline_array, **kwargs
        Dask's; they change nothing.
    """
    if isinstance(url, (str, os.PathLike)):
        from freestone._open import open as opened

        array = opened(os.fspath(url) if component is None else f"{os.fspath(url).rstrip('/')}/{component}", storage_options=storage_options)
        if not isinstance(array, Array):
            raise UserError(f"from_zarr: {os.fspath(url)} holds several arrays, {', '.join(map(str, array))}. Give component=.")
    else:
        array = from_array(url)
    return array if chunks is None else array.rechunk(chunks)


class _Held:
    """A task that gives what is known already."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> Any:
        return self.value


class _DaskBlocks:
    """Blocks of a Dask array, computed by Dask's threaded scheduler when they are read.

    A block's tasks are those that it needs and that are not known. What several blocks need and is small (a mean over the whole) is kept, so that it
    is computed once; what is large is computed again. A block of which a part is read is kept until the rest is, while there is room.
    """

    KEPT_BYTES = 64 << 20
    SMALL_BYTES = 1 << 20

    def __init__(self, array: Any, workers: int | None) -> None:
        self.array, self.workers, self.token = array, workers, array.name
        self.edges = [np.concatenate([[0], np.cumsum(lengths)]).astype(int).tolist() for lengths in array.chunks]
        self._coming: dict[Any, threading.Event] = {}
        self._new_locks()
        self._warm = False
        self._graph: dict[Any, Any] | None = None
        self._needs: dict[Any, Any] = {}
        self._name = array.name
        self._shared: set[Any] = set()
        self._kept: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._bytes = 0
        self._parts: OrderedDict[Any, list[Any]] = OrderedDict()  # block, elements that nobody has read yet

    def __reduce__(self) -> Any:
        return (_DaskBlocks, (self.array, self.workers))

    def _new_locks(self) -> None:
        self._owner, self._lock, self._first = os.getpid(), threading.Lock(), threading.Lock()
        self._coming.clear()
        self._pool: ThreadPoolExecutor | None = None

    def _prepare(self) -> None:
        import dask.base
        from dask.optimization import cull

        (optimized,) = dask.base.optimize(self.array)
        keys = list(_flat(optimized.__dask_keys__()))
        graph, needs = cull(dict(optimized.__dask_graph__()), keys)
        users: dict[Any, int] = {}
        for parts in needs.values():
            for part in parts:
                users[part] = users.get(part, 0) + 1
        outputs = set(keys)
        self._shared = {key for key, count in users.items() if count > 1 or key in outputs}
        self._name, self._needs, self._graph = optimized.name, needs, dict(graph)

    def _keep(self, key: Any, value: Any, *_: Any) -> None:
        if key not in self._shared:
            return
        from dask.sizeof import sizeof

        size = int(sizeof(value))
        if size > self.SMALL_BYTES:
            return
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (value, size)
                self._bytes += size
            while self._bytes > self.KEPT_BYTES:
                self._bytes -= self._kept.popitem(last=False)[1][1]

    def _tasks(self, keys: Iterable[Any]) -> dict[Any, Any]:
        assert self._graph is not None
        tasks: dict[Any, Any] = {}
        stack = list(keys)
        with self._lock:
            while stack:
                key = stack.pop()
                if key in tasks:
                    continue
                if key in self._kept:
                    self._kept.move_to_end(key)
                    tasks[key] = (_Held(self._kept[key][0]),)
                else:
                    tasks[key] = self._graph[key]
                    stack.extend(self._needs[key])
        return tasks

    def _blocks(self, keys: list[Any]) -> Any:
        from dask.threaded import get

        workers = self.workers or _runs.get_settings()["threads"]
        with self._lock:
            if self._pool is None:
                # Of this array alone: its tasks may wait for a run that reads another such array.
                self._pool = ThreadPoolExecutor(workers, thread_name_prefix="freestone-dask")
        made = get(self._tasks(keys), keys, pool=self._pool, num_workers=workers, callbacks=((None, None, None, self._keep, None),))
        return [np.asarray(block) for block in made]

    def _size_of(self, position: Sequence[int]) -> list[int]:
        return [edges[k + 1] - edges[k] for edges, k in zip(self.edges, position)]

    def _read(self, keys: list[Any], positions: list[Any], start: Sequence[int], shape: Sequence[int]) -> list[Any]:
        """Blocks: those of which others have read a part, those that others are computing, and new ones."""
        taken = {}  # elements that are read here, of blocks that are not read whole
        for key, position in zip(keys, positions):
            size = self._size_of(position)
            begin = [edges[k] for edges, k in zip(self.edges, position)]
            part = math.prod(min(a + n, b + m) - max(a, b) for a, n, b, m in zip(start, shape, begin, size))
            if part < math.prod(size):
                taken[key] = part
        found: dict[Any, Any] = {}
        while True:
            with self._lock:
                for key in taken:
                    if key in self._parts and key not in found:
                        found[key] = self._parts[key][0]
                missing = [key for key in keys if key not in found]
                mine = [key for key in missing if key not in taken or key not in self._coming]
                others = [self._coming[key] for key in missing if key in taken and key in self._coming]
                self._coming.update({key: threading.Event() for key in mine if key in taken})
            try:
                if mine:
                    found.update(zip(mine, self._blocks(mine)))
            finally:
                with self._lock:
                    for key in mine:
                        if key in taken:
                            if key in found:
                                self._parts[key] = [found[key], np.size(found[key])]
                            self._coming.pop(key).set()
            if not others:
                break
            for event in others:
                event.wait()
        with self._lock:
            for key, part in taken.items():
                if key in self._parts:
                    self._parts[key][1] -= part
                    if self._parts[key][1] <= 0:
                        del self._parts[key]
            while self._parts and sum(block.nbytes for block, _ in self._parts.values()) > self.KEPT_BYTES:
                self._parts.popitem(last=False)
        return [found[key] for key in keys]

    def __call__(self, start: Sequence[int], shape: Sequence[int]) -> np.ndarray[Any, Any]:
        if self._owner != os.getpid():
            self._new_locks()  # a lane that held them was not forked along
        with self._first:
            if self._graph is None:
                self._prepare()
        pieces = []
        for edges, a, n in zip(self.edges, start, shape):
            first = int(np.searchsorted(edges, a, "right")) - 1
            last = int(np.searchsorted(edges, a + n, "left"))
            pieces.append([k for k in range(first, last) if edges[k + 1] > edges[k]])
        positions = [tuple(p) for p in np.stack(np.meshgrid(*pieces, indexing="ij"), -1).reshape(-1, len(pieces)).tolist()] if pieces else [()]
        keys = [(self._name, *position) for position in positions]
        if self._warm:
            blocks = self._read(keys, positions, start, shape)
        else:
            with self._first:  # what all blocks share is computed once, not by every lane
                blocks = self._read(keys, positions, start, shape)
                self._warm = True
        out = np.empty(tuple(shape), dtype=_native(self.array.dtype))
        for position, block in zip(positions, blocks):
            begin = [edges[k] for edges, k in zip(self.edges, position)]
            expected = tuple(self._size_of(position))
            if block.shape != expected:
                raise UserError(f"from_dask: block {position} has shape {block.shape}, the array says {expected}.")
            inside = tuple(slice(max(a, b) - b, min(a + n, b + size) - b) for a, n, b, size in zip(start, shape, begin, expected))
            there = tuple(slice(max(a, b) - a, min(a + n, b + size) - a) for a, n, b, size in zip(start, shape, begin, expected))
            out[there] = block[inside]
        return out


def _flat(keys: Any) -> Iterable[Any]:
    for key in keys:
        if isinstance(key, list):
            yield from _flat(key)
        else:
            yield key


def from_dask(array: Any, *, num_workers: int | None = None) -> Array:
    """An array whose blocks are those of a ``dask.array.Array``, lazily: each is computed when it is read.

    Dask's threaded scheduler computes a block, with what it needs. Small results that several blocks need are computed once; what is large and shared is
    computed again for each block, so graphs of whole-array steps are better computed by Dask first (``persist``), or written as steps of Freestone.

    Parameters
    ----------
    array : dask.array.Array
    num_workers : int, optional
        Threads of Dask. Default: as many as compute here.

    Raises
    ------
    UserError
        It is no Dask array, its chunks are not known, or it has a dtype that Freestone does not compute with.
    """
    if not (hasattr(array, "__dask_graph__") and hasattr(array, "chunks") and hasattr(array, "dtype")):
        raise UserError(f"from_dask takes a dask.array.Array, not {type(array).__name__}.")
    if any(np.isnan(n) for lengths in array.chunks for n in lengths):
        raise UserError("from_dask: the chunks of the array are not known. Call its compute_chunk_sizes() first.")
    dtype = _native(array.dtype)
    shape = [int(n) for n in array.shape]
    grid = [max(1, *lengths) for lengths in array.chunks]
    reader = Function(_DaskBlocks(array, num_workers), "threads")
    return Array(_core.python_source(reader, shape, dtype.name, [int(n) for n in grid], f"dask {array.name}"))
