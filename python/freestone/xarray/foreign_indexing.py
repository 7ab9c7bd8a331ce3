"""Indexing that xarray keeps for Dask, given to arrays of Freestone too.

xarray (2026.9) refuses vectorised indexing of arrays of the array API, and indices that are lazy themselves. Both are added to its own adapters
for arrays of Freestone; for everything else they do what they did.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from xarray.core import indexing, nputils

from freestone._array import Array
from freestone._user import map_blocks
from freestone.xarray.lazy_sources import is_computable

__all__ = ["install"]


def _picked(values: Any, key: tuple[Any, ...]) -> Any:
    """``values[key]`` with the axes of index arrays in front. A lazy index of one axis keeps the result lazy."""
    if len(key) == 1 and isinstance(key[0], Array) and values.ndim == 1 and is_computable(values.dtype) and key[0].ndim:
        held = np.asarray(values)
        return map_blocks(lambda block: held[block], key[0], dtype=held.dtype, elementwise=True, name="take")
    plain = tuple(np.asarray(part) if isinstance(part, Array) else part for part in key)
    return nputils.NumpyVIndexAdapter(values)[plain]


def install() -> None:
    """Adds what is missing; done again it changes nothing."""
    adapter = indexing.ArrayApiIndexingAdapter
    if adapter._vindex_get.__module__ == __name__:
        return
    refuse, refuse_numpy = adapter._vindex_get, indexing.NumpyIndexingAdapter._vindex_get

    def vindex_get(self: Any, indexer: Any) -> Any:
        return _picked(self.array, indexer.tuple) if isinstance(self.array, Array) else refuse(self, indexer)

    def numpy_vindex_get(self: Any, indexer: Any) -> Any:
        if any(isinstance(part, Array) for part in indexer.tuple):
            return _picked(self.array, indexer.tuple)
        return refuse_numpy(self, indexer)

    def pandas_vindex_get(original: Any) -> Any:
        def get(self: Any, indexer: Any) -> Any:
            if any(isinstance(part, Array) for part in indexer.tuple):
                return _picked(np.asarray(self.get_duck_array()), indexer.tuple)
            return original(self, indexer)

        return get

    adapter._vindex_get = vindex_get
    indexing.NumpyIndexingAdapter._vindex_get = numpy_vindex_get
    indexing.PandasIndexingAdapter._vindex_get = pandas_vindex_get(indexing.PandasIndexingAdapter._vindex_get)
