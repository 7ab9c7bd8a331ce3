"""Writing arrays into what takes blocks by ``target[slices] = block``: variables of netCDF4 and h5py, arrays of Zarr, NumPy arrays.

All arrays go in one run: what they share is computed once, and nothing is held but the blocks that are on their way. And what Dask's users write
arrays with: `to_zarr`, `to_hdf5`, `to_npy_stack`.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import operator
import os
import pickle
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from freestone import _runs
from freestone._array import Array, ArrayLike, asarray
from freestone._delayed import Delayed
from freestone._foreign import from_array
from freestone._user import map_blocks
from freestone.errors import UserError

__all__ = ["store", "to_hdf5", "to_npy_stack", "to_zarr"]

_BLOCK_BYTES = 8 << 20
#: Arrays up to this many bytes are computed whole and written in one piece.
_SMALL_BYTES = 1 << 20


#: One block at a time, over all runs: the libraries of files keep what all their files share, and are called by one thread.
_one_at_a_time = threading.Lock()


class _Target:
    """One target: its blocks, its lock, and the part of it that is written."""

    def __init__(self, source: Array, target: Any, region: Any, lock: Any) -> None:
        self.source, self.target = source, target
        self.places = [(0, 1)] * source.ndim if region is None else _placed(source, target, region)
        self.block, free = _block_of(source, target, self.places)
        self.lock = None if lock is False or (lock is None and free) else _one_at_a_time if lock in (None, True) else lock

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(self.target, np.ndarray):
            raise UserError("store: a NumPy array of this process cannot be filled by a worker in another one. Store into a file, or on scheduler='threads'.")
        return self.__dict__

    def key(self, start: Sequence[int], extent: Sequence[int]) -> Any:
        spans = zip(start, extent)
        parts: list[Any] = []
        for place in self.places:
            if isinstance(place, int):
                parts.append(place)
                continue
            (s, n), (o, step) = next(spans), place
            parts.append(slice(o + s * step, o + (s + n - 1) * step + 1 if n else o + s * step, step if step != 1 else None))
        return tuple(parts) if parts else ...

    def put(self, start: Sequence[int], block: np.ndarray[Any, Any]) -> None:
        with self.lock if self.lock is not None else contextlib.nullcontext():
            self.target[self.key(start, block.shape)] = block

    def put_and_get(self, start: Sequence[int], block: np.ndarray[Any, Any]) -> Any:
        """The block as it is stored."""
        self.put(start, block)
        with self.lock if self.lock is not None else contextlib.nullcontext():
            return np.ma.getdata(self.target[self.key(start, block.shape)])


def _placed(source: Array, target: Any, region: Any) -> list[Any]:
    """Where a region lies, axis by axis of the target: a position, or the start and step of the next axis of `source`."""
    parts = list(region) if isinstance(region, (tuple, list)) else [region]
    parts += [slice(None)] * (len(target.shape) - len(parts))
    places: list[Any] = []
    lengths: list[int | None] = []  # None: to the end, which may move
    for part, n in zip(parts, target.shape):
        if not isinstance(part, slice):
            try:
                position = operator.index(part)
            except TypeError:
                raise UserError(f"store: a region is a tuple of slices and whole numbers, not {part!r}.") from None
            places.append(position + n if position < 0 else position)
            continue
        start, stop, step = (value if value is None else operator.index(value) for value in (part.start, part.stop, part.step))
        step = 1 if step is None else step
        if step <= 0:
            raise UserError(f"store: the step of a region is 1 or more, not {step}. Store the array the other way round, x[::-1], instead.")
        first = 0 if start is None else max(0, start + n) if start < 0 else start
        places.append((first, step))
        lengths.append(None if stop is None else len(range(first, stop + n if stop < 0 else stop, step)))
    if len(parts) != len(target.shape) or len(lengths) != source.ndim or any(a not in (None, b) for a, b in zip(lengths, source.shape)):
        raise UserError(f"store: an array of shape {source.shape} does not fit the region {region!r} of a target of shape {tuple(target.shape)}.")
    return places


def _stored_chunks(target: Any) -> list[int] | None:
    """The chunks in which `target` stores its elements, where it says so: shards first, which are written as one."""
    inner = getattr(target, "_array", None)  # xarray's wrapper around an array of Zarr
    for thing in (target, inner):
        for name in ("shards", "chunks"):
            found = getattr(thing, name, None)
            if isinstance(found, tuple) and found and all(isinstance(n, int) for n in found):
                return list(found)
    if hasattr(target, "get_array"):  # xarray's wrapper around a variable of a file
        with contextlib.suppress(Exception):
            target = target.get_array(needs_lock=False)
    found = target.chunking() if hasattr(target, "chunking") else getattr(target, "chunks", None)
    return [int(n) for n in found] if isinstance(found, (tuple, list)) and found else None


def _block_of(source: Array, target: Any, places: Sequence[Any]) -> tuple[list[int], bool]:
    """The blocks in which `source` is handed over, and whether they may go side by side: where nobody else writes what a block touches."""
    stored = _stored_chunks(target) or []
    alone = known = len(stored) == len(places) > 0
    chunks: list[int] = []  # along the axes of the source
    for place, u, n in zip(places, stored if known else [1] * len(places), getattr(target, "shape", source.shape)):
        if isinstance(place, int):
            alone = alone and u == 1
            continue
        end = place[0] + source.shape[len(chunks)]
        alone = alone and place[1] == 1 and place[0] % max(1, u) == 0 and (end % max(1, u) == 0 or end == n)
        chunks.append(max(1, u))
    if not known:
        chunks = [1] * source.ndim if source._core.is_contiguous else [max(1, n) for n in source.chunksize]
    block = [min(u, max(1, n)) for u, n in zip(chunks, source.shape)]
    is_zarr = any(type(thing).__module__.partition(".")[0] == "zarr" for thing in (target, getattr(target, "_array", None)))
    for k in reversed(range(source.ndim)):
        room = _BLOCK_BYTES // max(1, math.prod(block) * source.itemsize)
        if room < 2:
            break
        block[k] = min(block[k] * room, -(-source.shape[k] // block[k]) * block[k])
    return [max(1, n) for n in block], isinstance(target, np.ndarray) or (is_zarr and alone)


class StoreLater(_runs.WriteLater):
    """Arrays that are to be stored: what ``store(..., compute=False)`` gives, and xarray wraps.

    ``compute()`` stores them; `freestone.compute` stores several, and computes others, in one run; Dask's ``compute`` and progress bars take it as a
    collection.
    """

    def __init__(self, targets: Sequence[_Target], settings: dict[str, Any]) -> None:
        super().__init__(lambda: [], settings)
        self._targets = list(targets)
        self._key = f"freestone-store-{id(self):x}"

    def __repr__(self) -> str:
        return f"<freestone.StoreLater of {len(self._targets)} arrays: compute() stores them>"

    def _split(self) -> tuple[list[_Target], list[_Target]]:
        """Targets that are written in one piece, and those that are written block by block while they are computed."""
        small = [t for t in self._targets if t.source.nbytes <= _SMALL_BYTES]
        return small, [t for t in self._targets if t.source.nbytes > _SMALL_BYTES]

    def _is_done_here(self) -> bool:
        return bool(self._split()[1])

    def _freestone_arrays(self) -> list[Any]:
        small, large = self._split()
        return [t.source._core for t in small] + [_stored(t)._core for t in large]

    def _freestone_result(self, values: list[np.ndarray[Any, Any]]) -> None:
        for target, value in zip(self._split()[0], values):
            target.put([0] * value.ndim, value)

    def compute(
        self, *, memory: str | int | None = None, threads: int | None = None, num_workers: int | None = None, scheduler: Any = None, **_: Any
    ) -> None:
        """Stores now. Parameters are as in `freestone.compute`; what else Dask's callers give is let go."""
        super().compute(memory=memory, threads=threads, num_workers=num_workers, scheduler=scheduler)


def _stored(target: _Target) -> Array:
    """An array without axes, which is computed by storing."""

    def put(start: Sequence[int], block: Any) -> Any:
        target.put(start, block)
        return np.zeros(block.shape, np.bool_)

    return _by_blocks(target, put, np.bool_).any()


def _by_blocks(target: _Target, put: Callable[[Sequence[int], Any], Any], dtype: Any) -> Array:
    """What `put` gives for the blocks in which the target is written."""

    def called(block: Any, block_info: Any = None) -> Any:
        return block if block_info is None else put([int(start) for start, _ in block_info[0]["array-location"]], block)

    whole = [k for k, (block, n) in enumerate(zip(target.block, target.source.shape)) if block >= n]
    return map_blocks(called, target.source.rechunk(target.block) if target.block else target.source, dtype=dtype, core_axes=whole, name="store")


def store(
    sources: Any,
    targets: Any,
    lock: Any = None,
    regions: Any = None,
    compute: bool = True,
    return_stored: bool = False,
    load_stored: bool | None = None,
    **options: Any,
) -> Any:
    """Stores arrays into targets that take blocks by slices, as ``dask.array.store``: all of them in one run.

    Parameters
    ----------
    sources, targets : an array and a target, or sequences of them
        A target is what ``target[slices] = block`` writes into: a variable of h5py or netCDF4, an array of Zarr, a NumPy array; or a delayed one.
    lock : bool or lock, optional
        Held while a block is handed over. Default: one of the process for everything but NumPy arrays, and arrays of Zarr whose stored chunks begin and
        end where the region does. True: that one for all; False: none.
    regions : tuple of slices and int, or a sequence of them or None, optional
        The part of each target that is written.
    compute : bool
        False: nothing is stored before the result's ``compute()``.
    return_stored : bool
        Arrays that read what was stored; without `compute`, arrays whose blocks are stored when they are computed, and read again.
    load_stored : bool, optional
        With `return_stored`: their elements are read at once.
    **options
        `memory`, `threads`, `num_workers` and `scheduler`, of the run. Targets over 1 MiB are written block by block from this process, so the run is here, whatever the scheduler.

    Returns
    -------
    None, StoreLater or tuple of Array
        Without `compute`, and with `return_stored`.
    """
    arrays = [asarray(a) for a in (sources if isinstance(sources, (list, tuple)) else [sources])]
    places = [t.compute() if isinstance(t, Delayed) else t for t in (targets if isinstance(targets, (list, tuple)) else [targets])]
    if not isinstance(regions, list) and not (isinstance(regions, tuple) and any(isinstance(part, (tuple, list)) for part in regions)):
        regions = [regions] * len(arrays)
    if not len(arrays) == len(places) == len(regions):
        raise UserError(f"store: {len(arrays)} arrays, {len(places)} targets, {len(regions)} regions.")
    _runs.without_dasks("store", {key: value for key, value in options.items() if key not in _runs.RUN_OPTIONS | {"flush"}})
    threads = _runs.threads_of(options.get("threads"), options.get("num_workers"), options.get("scheduler"))
    settings = {"memory": options.get("memory"), "threads": threads, "scheduler": options.get("scheduler")}
    parts = [_Target(a, t, r, lock) for a, t, r in zip(arrays, places, regions)]
    if return_stored and not compute:
        return tuple(_by_blocks(part, part.put_and_get, part.target.dtype) for part in parts)
    later = StoreLater(parts, settings)
    if not compute:
        return later
    later.compute()
    if not return_stored:
        return None
    stored = [from_array(part.target, lock=part.lock or False)[... if region is None else region] for part, region in zip(parts, regions)]
    return _runs.persist(*stored) if load_stored else tuple(stored)


# By Dask's names.


def to_zarr(
    arr: ArrayLike,
    url: Any,
    component: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    region: Any = None,
    compute: bool = True,
    return_stored: bool = False,
    *,
    overwrite: bool = False,
    **options: Any,
) -> Any:
    """Writes Zarr, as ``dask.array.to_zarr``.

    Parameters
    ----------
    arr : array_like
    url : path, or an array of zarr
        An array that is there already is stored into (`store`).
    component : str, optional
        An array inside of the store.
    storage_options : mapping, optional
        Must be empty: what is written lies on this machine.
    region : tuple of slices, optional
        The part of an array that is there already.
    compute, return_stored : bool
        As in `store`.
    overwrite : bool
        Replace what is there.
    **options
        As in `Array.write`.
    """
    array = asarray(arr)
    if storage_options:
        raise UserError("to_zarr writes to this machine's disks; storage_options are for reading.")
    if not isinstance(url, (str, os.PathLike)):
        return store(array, url, regions=region, compute=compute, return_stored=return_stored)
    if region is not None:
        raise UserError("to_zarr: region= is a part of an array that is there. Give the array, zarr.open_array(path, mode='r+'), instead of the path.")
    path = os.fspath(url) if component is None else _inside(os.fspath(url), component, options.get("zarr_version"))
    later = array.write(path, format="zarr", overwrite=overwrite, compute=compute, **options)
    if compute and return_stored:
        from freestone._open import open as opened

        return (opened(path),)
    return later


def _inside(store: str, component: str, version: int | None) -> str:
    """The path of an array inside of a store, whose groups are made."""
    name, text = (".zgroup", '{"zarr_format": 2}') if version == 2 else ("zarr.json", '{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    parts = [part for part in component.split("/") if part]
    for count in range(len(parts)):
        group = os.path.join(store, *parts[:count])
        os.makedirs(group, exist_ok=True)
        if not any(os.path.exists(os.path.join(group, known)) for known in ("zarr.json", ".zgroup")):
            with open(os.path.join(group, name), "w", encoding="ascii") as file:
                file.write(text)
    return os.path.join(store, *parts)


def to_hdf5(filename: str | os.PathLike[str], *args: Any, chunks: Any = True, **kwargs: Any) -> None:
    """Writes arrays into an HDF5 file, which may have others already, as ``dask.array.to_hdf5``. Needs h5py; `Array.write` does not, and is faster.

    Parameters
    ----------
    filename
        A file, made where there is none.
    *args : str and array, or dict of str to array
        ``to_hdf5("a.h5", "/x", x)``, ``to_hdf5("a.h5", {"/x": x, "/y": y})``.
    chunks : tuple of int, True or None
        Stored chunks; True: those of the array.
    **kwargs
        As in ``h5py.File.create_dataset``: ``compression="gzip"``...
    """
    if len(args) == 1 and isinstance(args[0], Mapping):
        arrays = {name: asarray(a) for name, a in args[0].items()}
    elif len(args) == 2 and isinstance(args[0], str):
        arrays = {args[0]: asarray(args[1])}
    else:
        raise UserError("to_hdf5 takes a name and an array, or a dict of them.")
    try:
        import h5py
    except ImportError:
        raise UserError("to_hdf5 needs h5py: pip install h5py") from None
    with h5py.File(os.fspath(filename), "a") as file:
        made = [
            file.require_dataset(name, a.shape, a.dtype, chunks=(a.chunksize if 0 not in a.shape and a.ndim else None) if chunks is True else chunks, **kwargs)
            for name, a in arrays.items()
        ]
        store(list(arrays.values()), made)


def to_npy_stack(dirname: str | os.PathLike[str], x: ArrayLike, axis: int = 0) -> None:
    """Writes a folder of ``.npy`` files, one a chunk along `axis`, as ``dask.array.to_npy_stack``. `from_npy_stack` reads it.

    Parameters
    ----------
    dirname
        Made where there is none.
    x : array_like
    axis : int
    """
    array, folder = asarray(x), os.fspath(dirname)
    place = range(array.ndim)[axis]
    lengths = array.chunks[place]
    edges = [0, *itertools.accumulate(lengths)]
    before = (slice(None),) * place
    os.makedirs(folder, exist_ok=True)
    _runs.write({os.path.join(folder, f"{k}.npy"): array[before + (slice(a, b),)] for k, (a, b) in enumerate(zip(edges, edges[1:]))}, overwrite=True)
    chunks = tuple(lengths if k == place else (n,) for k, n in enumerate(array.shape))
    with open(os.path.join(folder, "info"), "wb") as file:
        pickle.dump({"chunks": chunks, "dtype": array.dtype, "axis": place}, file)
