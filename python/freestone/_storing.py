"""Writing arrays into what takes blocks by ``target[slices] = block``: variables of netCDF4 and h5py, arrays of Zarr, NumPy arrays.

All arrays go in one run: what they share is computed once, and nothing is held but the blocks that are on their way. And what Dask's users write
arrays with: `to_zarr`, `to_hdf5`, `to_npy_stack`.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import pickle
import threading
from collections.abc import Mapping, Sequence
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


class _Target:
    """One target: its blocks, its lock, and the part of it that is written."""

    def __init__(self, source: Array, target: Any, region: Any, lock: Any) -> None:
        self.source, self.target = source, target
        self.start = [0] * source.ndim
        self.step = [1] * source.ndim
        if region is not None:
            parts = list(region) if isinstance(region, (tuple, list)) else [region]
            parts += [slice(None)] * (source.ndim - len(parts))
            for k, part in enumerate(parts):
                if not isinstance(part, slice):
                    raise UserError("store: regions are tuples of slices.")
                self.start[k], _, self.step[k] = part.indices(int(target.shape[k]))
        self.block, aligned = _block_of(source, target, self.start, self.step)
        self.lock = lock if lock is not None or aligned else threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(self.target, np.ndarray):
            raise UserError("store: a NumPy array of this process cannot be filled by a worker in another one. Store into a file, or on scheduler='threads'.")
        return self.__dict__

    def key(self, start: Sequence[int], extent: Sequence[int]) -> tuple[slice, ...]:
        return tuple(
            slice(o + s * step, o + (s + n - 1) * step + 1 if n else o + s * step, step if step != 1 else None)
            for s, n, o, step in zip(start, extent, self.start, self.step)
        )

    def put(self, start: Sequence[int], block: np.ndarray[Any, Any]) -> None:
        with self.lock if self.lock is not None else contextlib.nullcontext():
            self.target[self.key(start, block.shape) if block.ndim else ...] = block


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
            variable = target.get_array(needs_lock=False)
            found = variable.chunking() if hasattr(variable, "chunking") else getattr(variable, "chunks", None)
            if isinstance(found, (tuple, list)):
                return [int(n) for n in found]
    return None


def _block_of(source: Array, target: Any, start: Sequence[int], step: Sequence[int]) -> tuple[list[int], bool]:
    """The blocks in which `source` is handed over, and whether no two of them touch the same stored chunk."""
    stored = _stored_chunks(target)
    known = stored is not None and len(stored) == source.ndim
    unit = [max(1, n) for n in (stored if stored is not None and known else [1] * source.ndim if source._core.is_contiguous else source.chunksize)]
    unit = [min(u, max(1, n)) for u, n in zip(unit, source.shape)]
    aligned = not known or all(o % u == 0 and s == 1 for o, u, s in zip(start, stored or unit, step))
    block = list(unit)
    for k in reversed(range(source.ndim)):
        room = _BLOCK_BYTES // max(1, math.prod(block) * source.itemsize)
        if room < 2:
            break
        block[k] = min(block[k] * room, -(-source.shape[k] // block[k]) * block[k])
    return [max(1, n) for n in block], aligned


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

    def put(block: Any, block_info: Any = None) -> Any:
        if block_info is not None:
            target.put([int(start) for start, _ in block_info[0]["array-location"]], block)
        return np.zeros(block.shape, np.bool_)

    whole = [k for k, (block, n) in enumerate(zip(target.block, target.source.shape)) if block >= n]
    return map_blocks(put, target.source.rechunk(target.block), dtype=np.bool_, core_axes=whole, name="store").any()


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
        Held while a block is handed over. Targets whose stored chunks do not begin where the blocks do have one of their own.
    regions : tuple of slices, or a sequence of them or None, optional
        The part of each target that is written.
    compute : bool
        False: nothing is stored before the result's ``compute()``.
    return_stored : bool
        Arrays that read what was stored.
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
    if return_stored and not compute:
        raise UserError("store: what is not stored yet cannot be read. Leave return_stored=True or compute=False away.")
    held = threading.Lock() if lock is True else None if lock is False else lock
    _runs.without_dasks("store", {key: value for key, value in options.items() if key not in ("memory", "threads", "num_workers", "scheduler", "flush")})
    threads = _runs.threads_of(options.get("threads"), options.get("num_workers"), options.get("scheduler"))
    settings = {"memory": options.get("memory"), "threads": threads, "scheduler": options.get("scheduler")}
    later = StoreLater([_Target(a, t, r, held) for a, t, r in zip(arrays, places, regions)], settings)
    if not compute:
        return later
    later.compute()
    if not return_stored:
        return None
    stored = [from_array(target, lock=held is not None)[... if region is None else region] for target, region in zip(places, regions)]
    return tuple(array.persist() if load_stored else array for array in stored)


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
