"""xarray on Freestone: the chunk manager, the backend engine, and the accessor ``.freestone``.

xarray finds the first two by itself (entry points ``xarray.chunkmanagers`` and ``xarray.backends``):

>>> import xarray as xr
>>> ds = xr.open_mfdataset("clim_*.nc", engine="freestone", chunked_array_type="freestone", chunks={})    # doctest: +SKIP
>>> ds.tas.mean("time").compute()                                                                          # doctest: +SKIP

Importing this package registers the accessor.
"""

from __future__ import annotations

from freestone.xarray.accessor import DataArrayAccessor, DatasetAccessor
from freestone.xarray.chunk_manager import ChunkManager
from freestone.xarray.store import StoreLater

__all__ = ["ChunkManager", "DataArrayAccessor", "DatasetAccessor", "StoreLater"]
