"""GeoTIFF and its like as datasets: what xarray's engine "rasterio" (rioxarray) makes of them.

One variable ``band_data(band, y, x)``, the middles of pixels as coordinates, the bands counted from 1, and ``spatial_ref`` with the reference system and
the transform.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from xarray.coding.common import lazy_elemwise_func

from freestone import _elementwise, _searching
from freestone._array import Array, asarray

__all__ = ["FORMATS", "mask_of", "meant_numbers", "raster_variable", "stands_beside", "with_coordinates"]

FORMATS = ("geotiff", "gdal")

#: Attributes that become coordinates, encodings, or are of the format alone.
_GEO = ("GeoTransform", "crs", "GeoKeyDirectory", "GeoDoubleParams", "GeoAsciiParams", "ModelTiepoint", "RPCCoefficients", "photometric", "colormap", "extra_samples")


def _pixels(stored: dict[str, Any]) -> tuple[int, ...] | None:
    """Bands, rows and columns; None for what is no array of a raster."""
    shape = () if stored["array"] is None else tuple(Array(stored["array"]).shape)
    return (1, *shape) if len(shape) == 2 else shape if len(shape) == 3 else None


def _is_mask(stored: dict[str, Any]) -> bool:
    return stored["name"] == "mask" or stored["name"].endswith("_mask")


def stands_beside(stored: dict[str, Any], variables: list[dict[str, Any]]) -> bool:
    """Whether an image of a file is shown: the first, and pages of its pixels. Overviews and masks say again what the images say."""
    first = next((v for v in variables if _pixels(v) is not None), None)
    if first is None or stored is first:
        return True
    return not _is_mask(stored) and "overview_" not in stored["name"] and _pixels(stored) == _pixels(first)


def mask_of(stored: dict[str, Any], variables: list[dict[str, Any]]) -> Array | None:
    """Where the image `stored` holds something, by the mask that the file has for it."""
    wanted = f"{stored['name']}_mask" if stored["name"] else "mask"
    found = next((v for v in variables if v["name"] == wanted and _pixels(v) is not None), None)
    pixels = _pixels(stored)
    if found is None or pixels is None or _is_mask(stored) or Array(found["array"]).shape != pixels[1:]:
        return None
    return _elementwise.not_equal(Array(found["array"]), 0)


def meant_numbers(array: Array, attributes: dict[str, Any], mask: Array | None) -> tuple[Array, dict[str, Any]]:
    """The numbers of a raster as far as xarray's decoders cannot say what they mean, and the encoding that is left of them.

    A mask is a band of its own, and scales and offsets may be each band's own: what is obeyed here is taken out of `attributes`. Such numbers are
    not to be stored in their former type, which would lose what they became.
    """
    dtype = np.dtype(array.dtype)
    if dtype.kind not in "iuf":
        return array, {}
    bands = array.shape[0] if array.ndim == 3 else 1
    scales, offsets = (_of_bands(attributes.get(key), bands) for key in ("scale", "offset"))
    if mask is None and scales is None and offsets is None:
        return array, {}
    floating = dtype if dtype.kind == "f" else np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)
    made, undone = array.astype(floating), {"dtype": floating}
    if scales is not None or offsets is not None:
        undone.update({f"{key}s": attributes.pop(key) for key in ("scale", "offset") if key in attributes})
        nodata = attributes.pop("nodata", None)
        if isinstance(nodata, (int, float, np.generic)) and nodata == nodata:
            made = _searching.where(_elementwise.equal(array, dtype.type(nodata)), floating.type(np.nan), made)
        made = made.astype(np.float64)
        line = (bands,) + (1,) * (array.ndim - 1) if array.ndim == 3 else ()
        for numbers, function in ((scales, _elementwise.multiply), (offsets, _elementwise.add)):
            if numbers is not None:
                made = function(made, asarray(np.reshape(numbers, line)))
        undone["dtype"] = np.dtype(np.float64)
    if mask is not None:
        made = _searching.where(mask, made, np.dtype(made.dtype).type(np.nan))
    return made, undone


def _of_bands(value: Any, bands: int) -> Any:
    """Numbers of bands where each has its own."""
    return np.asarray(value, dtype=np.float64) if isinstance(value, (list, np.ndarray)) and np.shape(value) == (bands,) else None


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
