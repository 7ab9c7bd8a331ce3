"""Rasters as xarray objects, lazy on Freestone, with the accessor ``.freestone``.

>>> from freestone import geo
>>> scene = geo.open("scene.tif")                                   # doctest: +SKIP
>>> ndvi = geo.index("ndvi", scene, red=3, nir=4)                   # doctest: +SKIP
>>> ndvi.freestone.write("ndvi.tif", compress="lzw")                # doctest: +SKIP

Needs xarray. rioxarray's ``.rio`` works on the same objects.
"""

from __future__ import annotations

from freestone.geo._rasters import index, indices, open, sensor_bands

__all__ = ["index", "indices", "open", "sensor_bands"]
