"""Arrays of xarray's other engines, where they lie in a file on this machine that Freestone reads itself: the same array without their library.

`open_dataset(path, chunked_array_type="freestone", chunks={})` opens with netCDF4, h5netcdf or zarr, of which each reads under one lock, or on one core a
chunk. Once a chunked array is made of it, the file's name, the group and the variable are all that is needed.
"""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import Array
from freestone.errors import Error

__all__ = ["array_in_file"]


def array_in_file(data: Any) -> Array | None:
    """`data`, an array of the engine netcdf4, h5netcdf or zarr, read by Freestone; None where it is something else or cannot be had."""
    try:
        place = _place(data)
        if place is None:
            return None
        path, variable = place
        stat = os.stat(path)
        found = _arrays(path, stat.st_mtime_ns, stat.st_size).get(variable)
    except (OSError, AttributeError, Error):
        return None
    if found is None or found.shape != tuple(data.shape) or found.dtype != np.dtype(data.dtype).newbyteorder("="):
        return None
    return found


def _place(data: Any) -> tuple[str, str] | None:
    """The file and the variable in it, by its path there."""
    kind = type(data).__name__
    if kind in ("NetCDF4ArrayWrapper", "H5NetCDFArrayWrapper"):
        store = data.datastore
        if getattr(store._manager, "_mode", None) != "r":
            return None  # somebody may still write it
        path = store._filename
        group = str(store._group or "").strip("/")
        return (path, f"{group}/{data.variable_name}" if group else data.variable_name) if isinstance(path, str) and os.path.isfile(path) else None
    if kind == "ZarrArrayWrapper":
        array = data._array
        root = getattr(array.store, "root", None)
        if root is None or not os.path.isdir(root) or not array.read_only:
            return None
        return str(root), str(array.path).strip("/")
    return None


@functools.lru_cache(maxsize=64)
def _arrays(path: str, modified: int, size: int) -> dict[str, Array]:
    """The arrays of a file, as they are stored, by name."""
    contents = _core.open_contents(path, {})
    return {v["name"]: Array(v["array"]) for v in contents["variables"] if v["array"] is not None}
