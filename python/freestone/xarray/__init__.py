"""xarray on Freestone: the chunk manager, the backend engine, and the accessor ``.freestone``.

xarray finds the first two by itself (entry points ``xarray.chunkmanagers`` and ``xarray.backends``):

>>> import xarray as xr
>>> ds = xr.open_mfdataset("clim_*.nc", engine="freestone", chunked_array_type="freestone", chunks={})    # doctest: +SKIP
>>> ds.tas.mean("time").compute()                                                                          # doctest: +SKIP

Importing this package registers the accessor.
"""

from __future__ import annotations

import xarray as _xarray

if tuple(int(part) for part in _xarray.__version__.split(".")[:2] if part.isdigit()) < (2025, 6):
    # Of all errors xarray forgives an entry point this one: others go on to work.
    raise ModuleNotFoundError(f"freestone.xarray needs xarray 2025.6 or newer, here is {_xarray.__version__}. pip install -U xarray")

from freestone.xarray.accessor import DataArrayAccessor, DatasetAccessor  # noqa: E402
from freestone.xarray.chunked_arrays import ChunkManager  # noqa: E402
from freestone._storing import StoreLater  # noqa: E402

__all__ = ["ChunkManager", "DataArrayAccessor", "DatasetAccessor", "StoreLater"]
