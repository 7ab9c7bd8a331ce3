"""Arrays over what others can read: backend arrays of xarray, NumPy arrays, anything that takes slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from freestone._array import Array, asarray, from_numpy
from freestone._creation import zeros
from freestone._dtypes import DTYPES
from freestone._user import map_blocks

__all__ = ["array_from_slices", "is_computable", "with_chunks"]


def is_computable(dtype: Any) -> bool:
    """Whether Freestone computes with elements of `dtype`: numbers and bool; no texts, times or objects."""
    return np.dtype(dtype).name in DTYPES


def with_chunks(array: Array, chunks: Sequence[Sequence[int]]) -> Array:
    """`array` with nominal chunks of the greatest of the lengths along each axis."""
    each = [max(lengths, default=0) for lengths in chunks]
    whole = [n == length for n, length in zip(each, array.shape)]
    if all(whole) and array._core.is_contiguous or list(array.chunksize) == each:
        return array
    return array.rechunk([max(1, n) for n in each])


def array_from_slices(data: Any, chunks: Sequence[Sequence[int]]) -> Array:
    """An array whose elements are fetched from `data` by slices, a nominal chunk at a time, when a result is asked for.

    Parameters
    ----------
    data : object with shape, dtype and ``__getitem__``
        Called from several threads.
    chunks : lengths along every axis
    """
    if isinstance(data, Array):
        return with_chunks(data, chunks)
    if isinstance(data, np.ndarray):
        return with_chunks(from_numpy(data), chunks)
    shape = tuple(int(n) for n in data.shape)
    dtype = np.dtype(data.dtype).newbyteorder("=")
    if 0 in shape or not shape:
        return asarray(np.asarray(data[...] if not shape else data[(slice(0, 0),) * len(shape)]).reshape(shape).astype(dtype, copy=False))
    block = [max(1, max(lengths, default=1)) for lengths in chunks]

    def fetch(carrier: Any, block_info: Any = None) -> Any:
        if block_info is None:  # asked for its dtype
            return np.zeros(carrier.shape, dtype=dtype)
        where = block_info[0]["array-location"]
        return np.asarray(data[tuple(slice(int(start), int(stop)) for start, stop in where)])

    # The blocks of an array of nothing say where to read.
    whole = [k for k, (each, n) in enumerate(zip(block, shape)) if each >= n]
    name = f"read {type(getattr(data, 'array', data)).__name__}"
    return map_blocks(fetch, zeros(shape, np.bool_).rechunk(block), dtype=dtype, core_axes=whole, name=name)
