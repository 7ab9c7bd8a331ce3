"""Arrays over what others can read: backend arrays of xarray, NumPy arrays, anything that takes slices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import Array, asarray, from_numpy
from freestone._dtypes import DTYPES

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
    name = f"read {type(getattr(data, 'array', data)).__name__}"

    def fetch(values: list[Any], start: Any, extent: Any, before: Any, made: list[Any]) -> list[Any]:
        part = data[tuple(slice(int(s), int(s) + int(n)) for s, n in zip(start, extent))]
        return [np.ascontiguousarray(np.asarray(part), dtype=dtype)]

    facts = {
        "name": name, "identity": "", "free": False, "contiguous": False, "boundary": "none", "constant": 0.0, "memory_factor": 2.0,
        "loops": list(shape), "block": block, "halo": [0] * len(shape), "inputs": [[]],
    }  # fmt: skip
    nothing = from_numpy(np.zeros((), np.bool_))
    made = _core.user_function(_python(fetch, name), [nothing._core], facts, [(dtype.name, list(range(len(shape))), list(shape))])
    return with_chunks(Array(made[0]), chunks)


def _python(function: Callable[..., Any], name: str) -> Any:
    from freestone import _interrupts

    run = _interrupts.interruptible(function)
    return _core.python_function(run, name)
