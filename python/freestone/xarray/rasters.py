"""Rasters as xarray objects: where their pixels lie, in which reference system, what stands for "no data"."""

from __future__ import annotations

from typing import Any

import numpy as np

from freestone._array import Array, asarray
from freestone.errors import UserError
from freestone.xarray.lazy_sources import is_computable

__all__ = ["Alone", "alone", "bounds_of", "crs_of", "nodata_of", "transform_of"]

_X, _Y = ("x", "lon", "longitude", "easting"), ("y", "lat", "latitude", "northing")


class Alone:
    """One array as formats that hold one take it."""

    def __init__(self, array: Array, dims: list[str], attributes: dict[str, Any]) -> None:
        self.array, self.dims, self.attributes = array, dims, attributes


def _mapping(obj: Any) -> Any:
    """The variable that describes the projection, or None."""
    names = [obj.encoding.get("grid_mapping"), obj.attrs.get("grid_mapping")]
    if hasattr(obj, "data_vars"):
        names += [v.encoding.get("grid_mapping") or v.attrs.get("grid_mapping") for v in obj.data_vars.values()]
    for name in [n.split(":")[0].split()[0] for n in names if isinstance(n, str) and n] + ["spatial_ref", "crs"]:
        if name in obj.coords:
            return obj.coords[name]
        if hasattr(obj, "data_vars") and name in obj.data_vars:
            return obj[name]
    return None


def crs_text(obj: Any) -> str | None:
    """The reference system as WKT or "EPSG:32633"."""
    mapping = _mapping(obj)
    for attributes in ([] if mapping is None else [mapping.attrs]) + [obj.attrs]:
        for key in ("crs_wkt", "spatial_ref", "esri_pe_string", "crs"):
            if isinstance(attributes.get(key), str) and attributes[key]:
                return attributes[key]
    if mapping is not None and mapping.attrs.get("grid_mapping_name") == "latitude_longitude":
        return "EPSG:4326"
    return None


def crs_of(obj: Any) -> Any:
    """The reference system as an object of rasterio or pyproj, else as text."""
    text = crs_text(obj)
    if text is None:
        return None
    try:
        from rasterio.crs import CRS

        return CRS.from_user_input(text)
    except ImportError:
        pass
    try:
        from pyproj import CRS as ProjectionCRS

        return ProjectionCRS.from_user_input(text)
    except ImportError:
        return text


def nodata_of(array: Any) -> Any:
    """What the file has for "no data"."""
    for words in (array.encoding, array.attrs):
        for key in ("_FillValue", "missing_value", "nodata"):
            if words.get(key) is not None:
                return words[key]
    return None


def _axis(obj: Any, names: tuple[str, ...]) -> Any:
    for dim in obj.dims:
        low = str(dim).lower()
        if low in names or (dim in obj.coords and obj.coords[dim].attrs.get("axis") == ("X" if names is _X else "Y")):
            return dim
    return None


def _even(values: Any) -> tuple[float, float] | None:
    """First label and step of labels that are evenly spaced, to a thousandth of the step."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or numbers.size < 2:
        return None
    step = (numbers[-1] - numbers[0]) / (numbers.size - 1)
    if step == 0 or np.abs(np.diff(numbers) - step).max() > 1e-3 * abs(step):
        return None
    return float(numbers[0]), float(step)


def transform_of(obj: Any) -> tuple[float, ...] | None:
    """Six numbers from pixel to place, of the corner of a pixel, in GDAL's order."""
    x, y = _axis(obj, _X), _axis(obj, _Y)
    if x is not None and y is not None and x in obj.coords and y in obj.coords:
        across, down = _even(obj.coords[x]), _even(obj.coords[y])
        if across is not None and down is not None:
            return (across[0] - across[1] / 2, across[1], 0.0, down[0] - down[1] / 2, 0.0, down[1])
    mapping = _mapping(obj)
    for attributes in ([] if mapping is None else [mapping.attrs]) + [obj.attrs]:
        given = attributes.get("GeoTransform")
        if given is not None:
            numbers = [float(n) for n in (given.split() if isinstance(given, str) else np.ravel(given))]
            return tuple(numbers) if len(numbers) == 6 else None
    return None


def bounds_of(obj: Any) -> tuple[float, float, float, float] | None:
    """(left, bottom, right, top) of the outer edges."""
    t = transform_of(obj)
    x, y = _axis(obj, _X), _axis(obj, _Y)
    if t is None or x is None or y is None:
        return None
    width, height = obj.sizes[x], obj.sizes[y]
    corners = [(t[0] + t[1] * c + t[2] * r, t[3] + t[4] * c + t[5] * r) for c in (0, width) for r in (0, height)]
    xs, ys = [p[0] for p in corners], [p[1] for p in corners]
    return (min(xs), min(ys), max(xs), max(ys))


def alone(array: Any) -> Alone:
    """`array` with what a format that holds one array can say: attributes, CRS, transform, nodata, names of axes."""
    from xarray import conventions

    encoding = {k: v for k, v in array.encoding.items() if k in ("dtype", "scale_factor", "add_offset", "_FillValue", "missing_value")}
    stored = array.variable.copy(deep=False)
    stored.encoding = encoding
    stored = conventions.encode_cf_variable(stored, name=array.name)
    if not is_computable(stored.dtype):
        raise UserError(f"A file of this format holds numbers, not {stored.dtype}.")
    attributes = {key: value for key, value in stored.attrs.items() if key not in ("grid_mapping", "coordinates")}
    for key, other in (("_FillValue", "nodata"), ("scale_factor", "scale"), ("add_offset", "offset")):
        if key in attributes:
            attributes[other] = attributes.pop(key)
    text, transform = crs_text(array), transform_of(array)
    if text is not None:
        attributes["crs"] = _epsg(array) or text
    if transform is not None:
        attributes["GeoTransform"] = [float(n) for n in transform]
    data = stored._data if isinstance(stored._data, Array) else stored.values
    return Alone(asarray(data), [str(dim) for dim in array.dims], attributes)


def _epsg(obj: Any) -> str | None:
    crs = crs_of(obj)
    code = crs.to_epsg() if hasattr(crs, "to_epsg") else None
    return None if code is None else f"EPSG:{code}"
