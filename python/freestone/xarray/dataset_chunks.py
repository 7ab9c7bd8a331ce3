"""Chunks of a whole dataset: where variables on Freestone have different ones along a dimension, the finest.

xarray raises there, because blocks of Dask's would not meet. Freestone's chunks are hints, and what a reduction gives has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from freestone._array import Array

__all__ = ["install"]


def _with_hints(strict: Callable[[Iterable[Any]], Any]) -> Callable[[Iterable[Any]], Any]:
    def get_chunksizes(variables: Iterable[Any]) -> Any:
        held = list(variables)
        try:
            return strict(held)
        except ValueError:
            if not all(isinstance(v._data, Array) for v in held if hasattr(v._data, "chunks")):
                raise
        finest: dict[Any, tuple[int, ...]] = {}
        for variable in held:
            if isinstance(variable._data, Array):
                for dim, lengths in zip(variable.dims, variable._data.chunks):
                    if len(lengths) > len(finest.get(dim, ())):
                        finest[dim] = lengths
        return type(strict([]))(finest)

    return get_chunksizes


def install() -> None:
    """Tells xarray; done again it changes nothing."""
    from xarray.core import common, dataarray, dataset, datatree

    for module in (common, dataset, dataarray, datatree):
        known: Any = getattr(module, "get_chunksizes", None)
        if known is not None and known.__module__ != __name__:
            setattr(module, "get_chunksizes", _with_hints(known))
