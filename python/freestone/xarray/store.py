"""Writing arrays into what takes blocks by ``target[slices] = block``: variables of netCDF4 and h5py, arrays of Zarr, NumPy arrays.

All arrays go in one run: what they share is computed once, and nothing is held but the blocks that are on their way.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from freestone import _core, _runs
from freestone._array import Array, asarray
from freestone._user import map_blocks
from freestone.errors import UserError

__all__ = ["StoreLater", "store"]

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
    sources: Any, targets: Any, *, lock: Any = None, regions: Any = None, compute: bool = True, flush: bool = True, return_stored: bool = False, **kwargs: Any
) -> StoreLater | None:
    """Stores arrays into targets that take blocks by slices.

    Parameters
    ----------
    sources, targets : an array and a target, or sequences of them
    lock : bool or lock, optional
        Held while a block is handed over. Targets whose stored chunks do not begin where the blocks do have one of their own.
    regions : tuple of slices, or a sequence of them or None, optional
        The part of each target that is written.
    compute : bool
        False: nothing is stored before the result's ``compute()``.
    memory, threads, num_workers, scheduler
        Of the run. Targets over 1 MiB are written block by block from this process, so the run is here, whatever the scheduler.
    """
    arrays = list(sources) if isinstance(sources, (list, tuple)) else [sources]
    places = list(targets) if isinstance(targets, (list, tuple)) else [targets]
    if regions is None or not isinstance(regions, list):
        regions = [regions] * len(arrays)
    if not len(arrays) == len(places) == len(regions):
        raise UserError(f"store: {len(arrays)} arrays, {len(places)} targets, {len(regions)} regions.")
    if return_stored:
        raise UserError("store: open what has been stored instead of return_stored=True.")
    held = threading.Lock() if lock is True else None if lock is False else lock
    threads = _runs.threads_of(kwargs.get("threads"), kwargs.get("num_workers"), kwargs.get("scheduler"))
    settings = {"memory": kwargs.get("memory"), "threads": threads, "scheduler": kwargs.get("scheduler")}
    later = StoreLater([_Target(asarray(a), t, r, held) for a, t, r in zip(arrays, places, regions)], settings)
    if not compute:
        return later
    later.compute()
    return None


