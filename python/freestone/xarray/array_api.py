"""Freestone's functions with the parameter ``chunks`` that xarray gives to those that make arrays."""

from __future__ import annotations

from typing import Any

import freestone
from freestone._array import Array, asarray
from freestone.xarray.chunk_grids import normalized_chunks
from freestone.xarray.lazy_sources import array_from_slices, with_chunks

__all__ = ["ArrayApi"]


def _chunked(array: Array, chunks: Any) -> Array:
    return array if chunks is None else with_chunks(array, normalized_chunks(chunks, array.shape, itemsize=array.itemsize))


class ArrayApi:
    """The namespace `freestone`, in which ``full``, ``zeros``, ``ones``, ``empty``, ``arange`` and ``from_array`` take chunks."""

    def __getattr__(self, name: str) -> Any:
        return getattr(freestone, name)

    @staticmethod
    def full(shape: Any, fill_value: Any, dtype: Any = None, *, chunks: Any = None, **_: Any) -> Array:
        """Every element `fill_value`."""
        return _chunked(freestone.full(shape, fill_value, dtype=dtype), chunks)

    @staticmethod
    def zeros(shape: Any, dtype: Any = None, *, chunks: Any = None, **_: Any) -> Array:
        """Zeros."""
        return _chunked(freestone.zeros(shape, dtype=dtype), chunks)

    @staticmethod
    def ones(shape: Any, dtype: Any = None, *, chunks: Any = None, **_: Any) -> Array:
        """Ones."""
        return _chunked(freestone.ones(shape, dtype=dtype), chunks)

    @staticmethod
    def empty(shape: Any, dtype: Any = None, *, chunks: Any = None, **_: Any) -> Array:
        """Zeros."""
        return _chunked(freestone.zeros(shape, dtype=dtype), chunks)

    @staticmethod
    def arange(*bounds: Any, dtype: Any = None, chunks: Any = None, **_: Any) -> Array:
        """Whole numbers in order."""
        return _chunked(freestone.arange(*bounds, dtype=dtype), chunks)

    @staticmethod
    def from_array(x: Any, chunks: Any = "auto", **_: Any) -> Array:
        """An array over `x`."""
        if isinstance(x, (int, float, complex, list, tuple)):
            x = asarray(x)
        return array_from_slices(x, normalized_chunks(chunks, x.shape, itemsize=x.dtype.itemsize))
