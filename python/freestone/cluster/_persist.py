"""Results that stay on a cluster's workers, as arrays of Dask."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np

from freestone import _core, _runs
from freestone.cluster._connect import client_of
from freestone.cluster._inside import inside_of
from freestone.cluster._scheduler import run_on_cluster
from freestone.errors import InternalError, UserError

Box = tuple[tuple[int, ...], tuple[int, ...]]


def persist(array: Any, scheduler: Any = None, chunks: Any = "auto") -> Any:
    """The array computed now and left in the memory of the workers, as a ``dask.array.Array``.

    ``distributed.futures_of`` finds its futures; when the last handle on it goes, so does the memory.

    Parameters
    ----------
    array : Array
    scheduler : optional
        As in `freestone.settings`; default: the one that is set.
    chunks : optional
        As Dask normalises them: blocks of what comes out.

    Returns
    -------
    dask.array.Array
        Of the same shape and dtype.

    Raises
    ------
    UserError
        There is no cluster, or it is called by a task on one of its workers.
    """
    from dask.array import Array
    from dask.array.core import normalize_chunks

    client = client_of(scheduler, "persist on a cluster")
    if inside_of(client):
        raise UserError("persist: a task cannot leave an array on the cluster that runs it: it would wait for the thread that it has. Give its values back instead.")
    core = _runs.arrays_of(array)[0]
    setup = _runs.run_setup()
    result = _core.MemoryResult(core)
    shape, dtype = tuple(array.shape), np.dtype(array.dtype)
    kept = run_on_cluster(client, lambda memory, threads: _core.ClusterRun([result.output], setup, memory, threads, "", False), keep=True)
    boxes: list[list[Box]] = client.gather([client.submit(_boxes, future, pure=False) for future in kept])
    grid = normalize_chunks(chunks, shape, dtype=dtype)
    name = f"freestone-persisted-{uuid.uuid4().hex}"
    blocks = {}
    for place in itertools.product(*(range(len(lengths)) for lengths in grid)):
        start = tuple(sum(lengths[:at]) for lengths, at in zip(grid, place))
        extent = tuple(lengths[at] for lengths, at in zip(grid, place))
        wanted = [future for future, parts in zip(kept, boxes) if any(_meet(part, (start, extent)) for part in parts)]
        key = (name, *place)
        blocks[key] = client.submit(_block, wanted, start, extent, dtype.str, key=key, pure=False)
    return Array(blocks, name, grid, dtype=dtype, meta=np.empty((0,) * len(shape), dtype))


def _boxes(done: tuple[list[Any], bytes]) -> list[Box]:
    return [(tuple(start), tuple(values.shape)) for _, start, values in done[0]]


def _meet(a: Box, b: Box) -> bool:
    return all(i < k + m and k < i + n for i, n, k, m in zip(a[0], a[1], b[0], b[1]))


def _block(done: Sequence[tuple[list[Any], bytes]], start: tuple[int, ...], extent: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    """One block out of the parts that meet it."""
    out = np.empty(extent, dtype)
    filled = 0
    for parts, _ in done:
        for _, corner, values in parts:
            lo = [max(a, b) for a, b in zip(start, corner)]
            hi = [min(a + n, b + m) for a, n, b, m in zip(start, extent, corner, values.shape)]
            if any(b <= a for a, b in zip(lo, hi)):
                continue
            part = values[tuple(slice(a - c, b - c) for a, b, c in zip(lo, hi, corner))]
            out[tuple(slice(a - c, b - c) for a, b, c in zip(lo, hi, start))] = part
            filled += part.size
    if filled != out.size:
        raise InternalError("A block of a persisted array lacks elements.")
    return out
