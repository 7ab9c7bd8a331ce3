"""Arrays of a file behind xarray's lazy wrappers, and the way back: what xarray wrapped and decoded lazily, as an array of ours.

xarray's engines give arrays that are read on indexing, and its decoders wrap functions around them. `array_of_backend` turns the ones that it
knows into the engine's own operations, so that reading, decoding and what follows are one pass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from xarray.backends.common import BackendArray
from xarray.coding import common, variables
from xarray.core import indexing, nputils

from freestone import _elementwise, _searching
from freestone._array import Array, asarray
from freestone.xarray.lazy_sources import is_computable
from freestone.xarray.native_files import array_in_file

__all__ = ["FreestoneBackendArray", "array_of_backend"]

_HELD_BYTES = 1 << 16


class FreestoneBackendArray(BackendArray):
    """An array of a file as xarray's engines give them: indexing reads what was asked for.

    Coordinates are short, and xarray reads each of them several times while it opens a dataset (the first element, the last, all of them): what has
    one axis and no more than 64 KiB is read whole, once, and held.

    Parameters
    ----------
    array : Array
    meant : dtype, optional
        What the bytes of the elements mean, when it is nothing to compute with: characters.
    """

    def __init__(self, array: Array, meant: Any = None) -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = np.dtype(array.dtype if meant is None else meant)
        self._held: Any = None

    def __getitem__(self, key: Any) -> Any:
        if self.array.ndim == 1 and self.array.nbytes <= _HELD_BYTES:
            if self._held is None:
                self._held = np.asarray(self.array.compute())
            values = np.array(_picked(self._held, key))  # a copy: whoever asks may change it
        else:
            values = np.asarray(_picked(self.array, key).compute())
        return values if values.dtype == self.dtype else values.view(self.dtype)


def _picked(array: Any, key: Any) -> Any:
    """The part of `array` that an indexer of xarray's means: lazy of an `Array`, at once of one of NumPy's."""
    if isinstance(key, indexing.VectorizedIndexer):
        return nputils.NumpyVIndexAdapter(array)[key.tuple]
    if isinstance(key, indexing.OuterIndexer):
        for axis, part in reversed(list(enumerate(key.tuple))):
            array = array[(slice(None),) * axis + (part,)]
        return array
    if all(part == slice(None) for part in key.tuple if isinstance(part, slice)) and all(isinstance(part, slice) for part in key.tuple):
        return array
    return array[key.tuple]


def array_of_backend(data: Any) -> Array | None:
    """`data`, an array of xarray's lazy kinds, as one of ours; None where something in it is not known."""
    if isinstance(data, Array):
        return data
    if isinstance(data, FreestoneBackendArray):
        return data.array if is_computable(data.dtype) else None
    if isinstance(data, (indexing.LazilyIndexedArray, indexing.LazilyVectorizedIndexedArray)):
        inner = array_of_backend(data.array)
        return None if inner is None else _picked(inner, data.key)
    if isinstance(data, common._ElementwiseFunctionArray):
        inner = array_of_backend(data.array)
        return None if inner is None or not is_computable(data.dtype) else _decoded(inner, data.func)
    if isinstance(data, (variables.NativeEndiannessArray, variables.BoolTypeArray)):
        inner = array_of_backend(data.array)
        return None if inner is None else inner.astype(data.dtype)
    if isinstance(data, _WRAPPERS):
        return array_of_backend(data.array)
    return array_in_file(data) if isinstance(data, BackendArray) else None


_WRAPPERS = (
    indexing.ImplicitToExplicitIndexingAdapter, indexing.CopyOnWriteArray, indexing.MemoryCachedArray, indexing.ArrayApiIndexingAdapter,
    indexing.NdArrayLikeIndexingAdapter,
)  # fmt: skip


def _decoded(array: Array, function: Any) -> Array | None:
    """`function` of xarray's decoders on `array`, in the engine's own operations; None for another."""
    if not isinstance(function, functools.partial) or function.args:
        return None
    known = _DECODERS.get(function.func)
    try:
        return None if known is None else known(array, **function.keywords)
    except TypeError:  # another xarray, other parameters
        return None


def _masked(array: Array, *, encoded_fill_values: Any, decoded_fill_value: Any, dtype: Any) -> Array:
    values = array.astype(dtype)
    missing = None
    for fill in encoded_fill_values:
        if fill != fill:
            continue  # NaN is equal to nothing, and is missing already
        is_fill = _elementwise.equal(values, fill)
        missing = is_fill if missing is None else missing | is_fill
    return values if missing is None else _searching.where(missing, np.asarray(decoded_fill_value, dtype=values.dtype)[()], values)


def _scaled(array: Array, *, scale_factor: Any, add_offset: Any, dtype: Any) -> Array:
    values = array.astype(dtype)
    if scale_factor is not None:
        values = (values * scale_factor).astype(dtype)
    if add_offset is not None:
        values = (values + add_offset).astype(dtype)
    return values


def _as_dtype(array: Array, *, dtype: Any) -> Array:
    return asarray(array).astype(dtype)


_DECODERS: dict[Any, Callable[..., Array]] = {
    variables._apply_mask: _masked, variables._scale_offset_decoding: _scaled, np.asarray: _as_dtype,
}  # fmt: skip
