"""GeoTIFF and its like as datasets: what xarray's engine "rasterio" (rioxarray) makes of them.

One variable ``band_data(band, y, x)``, the middles of pixels as coordinates, the bands counted from 1, and ``spatial_ref`` with the reference system and
the transform.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from xarray.coding.common import lazy_elemwise_func

__all__ = ["FORMATS", "raster_variable", "with_coordinates"]

FORMATS = ("geotiff", "gdal")

#: Attributes that become coordinates, encodings, or are of the format alone.
_GEO = ("GeoTransform", "crs", "GeoKeyDirectory", "GeoDoubleParams", "GeoAsciiParams", "ModelTiepoint", "photometric", "colormap", "extra_samples")


def raster_variable(variable: Any) -> tuple[Any, Any, Any]:
    """A variable of a raster, its axes band, y, x, with CF's names for what CF has names for, and the words of the format gone; its transform; its CRS."""
    attributes = dict(variable.attrs)
    transform, crs = attributes.get("GeoTransform"), attributes.get("crs")
    for key in _GEO:
        attributes.pop(key, None)
    for theirs, ours in (("nodata", "_FillValue"), ("scale", "scale_factor"), ("offset", "add_offset")):
        value = attributes.pop(theirs, None)
        if isinstance(value, (int, float, np.generic)):
            attributes[ours] = np.dtype(variable.dtype).type(value) if ours == "_FillValue" else float(value)
    bands = attributes.pop("band_names", None)
    if bands is not None:
        attributes["long_name"] = bands[0] if isinstance(bands, list) and len(bands) == 1 else tuple(bands) if isinstance(bands, list) else bands
    made = variable.copy(deep=False)
    made.dims = ("band", "y", "x")
    made.attrs = attributes
    return made, transform, crs


def _floating(variable: Any) -> Any:
    """A variable in the type that has NaN, as rioxarray gives every masked raster, whether anything is "no data" in it or not."""
    if variable.dtype.kind not in "iu":
        return variable
    dtype = np.dtype(np.float32 if variable.dtype.itemsize <= 2 else np.float64)
    made = variable.copy(deep=False)
    made._data = lazy_elemwise_func(variable._data, functools.partial(np.asarray, dtype=dtype), dtype)
    return made


def with_coordinates(dataset: Any, found: dict[str, Any], *, is_masked: bool) -> Any:
    """`dataset` with band, y, x and spatial_ref."""
    if is_masked:
        dataset = dataset.assign({name: _floating(dataset.variables[name]) for name in dataset.data_vars})
    transform, crs = found.get("transform"), found.get("crs")
    sizes = dataset.sizes
    coordinates: dict[str, Any] = {}
    if "band" in sizes:
        coordinates["band"] = ("band", np.arange(1, sizes["band"] + 1, dtype=np.int64))
    numbers = None if transform is None else [float(n) for n in (transform.split() if isinstance(transform, str) else np.ravel(transform))]
    if numbers is not None and len(numbers) == 6 and numbers[2] == 0 and numbers[4] == 0 and "x" in sizes and "y" in sizes:
        coordinates["x"] = ("x", numbers[0] + numbers[1] * (np.arange(sizes["x"]) + 0.5))
        coordinates["y"] = ("y", numbers[3] + numbers[5] * (np.arange(sizes["y"]) + 0.5))
    described = _described(crs)
    if numbers is not None and len(numbers) == 6:
        described["GeoTransform"] = " ".join(str(float(n)) for n in numbers)
    coordinates["spatial_ref"] = ((), np.int64(0), described)
    made = dataset.assign_coords(coordinates)
    for name in made.data_vars:
        made[name].encoding["grid_mapping"] = "spatial_ref"
    made.encoding = dataset.encoding
    return made


def _described(crs: Any) -> dict[str, Any]:
    """The reference system in CF's words, as rioxarray writes it: by pyproj, or rasterio, where one is installed."""
    if not isinstance(crs, str) or not crs:
        return {}
    try:
        from pyproj import CRS

        described = dict(CRS.from_user_input(crs).to_cf())
        described["spatial_ref"] = described["crs_wkt"]
        return described
    except ImportError:
        pass
    try:
        from rasterio.crs import CRS as RasterCRS

        text = RasterCRS.from_user_input(crs).to_wkt()
        return {"crs_wkt": text, "spatial_ref": text}
    except ImportError:
        return {"crs_wkt": crs, "spatial_ref": crs}
