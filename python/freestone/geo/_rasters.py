"""Opening rasters, and spectral indices of their bands."""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

import freestone
import freestone.xarray  # noqa: F401  (registers the accessor)
from freestone import _core
from freestone._array import Array, asarray
from freestone.errors import UserError

__all__ = ["index", "indices", "open", "sensor_bands"]


def sensor_bands(sensor: str) -> list[str]:
    """Names of the bands in files of a sensor, the first band first: ``"rgb"``, ``"bgrn"``, ``"l8"``, ``"s2"`` ...

    Raises
    ------
    UserError
        No such sensor; lists them.
    """
    return list(_core.sensor_bands(sensor))


def indices() -> dict[str, tuple[list[str], str, str]]:
    """The spectral indices by name: the bands that each takes, its formula, what it shows."""
    return {name: (bands, formula, what) for name, bands, formula, what in _core.spectral_index_table()}


def open(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    band_names: Sequence[Any] | None = None,
    sensor: str | None = None,
    mask: bool = True,
    chunks: Any = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Any:
    """Opens a raster, or several of one grid stacked along ``band``, as an ``xarray.DataArray`` with axes band, y, x. Nothing but metadata is read.

    Parameters
    ----------
    path : path, URL, or sequence of them
        What Freestone reads; of several files each has one band or more, and all the same pixels.
    band_names : sequence, optional
        Labels of ``band``; default: the sensor's names, else 1, 2, 3 ...
    sensor : str, optional
        Says the names: see `sensor_bands`.
    mask : bool
        What is "no data" becomes NaN, and scale and offset are obeyed. False: the stored numbers.
    chunks : dict, optional
        Nominal chunks; default the file's.

    Returns
    -------
    xarray.DataArray
        Lazy, with coordinates band, y, x, spatial_ref.

    Raises
    ------
    UserError
        Files of different pixels; band names that are not as many as the bands.
    """
    paths = [path] if isinstance(path, (str, os.PathLike)) else list(path)
    if not paths:
        raise UserError("geo.open: there is no file in the list.")
    scenes = []
    for each in paths:
        dataset = xr.open_dataset(
            os.fspath(each), engine="freestone", chunks=chunks or {}, chunked_array_type="freestone", mask_and_scale=mask, storage_options=storage_options
        )
        if len(dataset.data_vars) != 1:
            raise UserError(f"{os.fspath(each)}: a raster has one image; this file has {', '.join(map(str, dataset.data_vars))}. Name one: FILE[NAME].")
        scenes.append(next(iter(dataset.data_vars.values())))
    first = scenes[0]
    for each, scene in zip(paths[1:], scenes[1:]):
        if scene.sizes["y"] != first.sizes["y"] or scene.sizes["x"] != first.sizes["x"] or scene.freestone.transform != first.freestone.transform:
            raise UserError(f"{os.fspath(each)}: its pixels are not those of {os.fspath(paths[0])}. Reproject one of them first.")
    whole = first
    if len(scenes) > 1:
        whole = xr.concat([s.assign_coords(x=first.x, y=first.y) if "x" in first.coords else s for s in scenes], "band", combine_attrs="override")
        whole = whole.assign_coords(band=np.arange(1, whole.sizes["band"] + 1))
    names = list(band_names) if band_names is not None else sensor_bands(sensor) if sensor is not None else None
    if names is not None:
        if len(names) != whole.sizes.get("band", 1):
            raise UserError(f"geo.open: {len(names)} names for {whole.sizes.get('band', 1)} bands.")
        whole = whole.assign_coords(band=names)
    return whole


def index(name: str, scene: Any, *, sensor: str | None = None, nodata: float | None = None, **bands: Any) -> Any:
    """A spectral index of a scene's bands, in float64.

    Parameters
    ----------
    name : str
        "ndvi", "evi", "nbr" ...: see `indices`.
    scene : xarray.DataArray with an axis ``band``, or xarray.Dataset with a variable for each band
    sensor : str, optional
        Says which band is which: see `sensor_bands`.
    nodata : number, optional
        Pixels with it in any of the bands are NaN. NaN is so in any case.
    **bands
        For each band that the index takes its label (or its number, from 1): ``red=3, nir=4``. Default: the label that is its name.

    Returns
    -------
    xarray.DataArray
        Lazy where the scene is.

    Raises
    ------
    UserError
        No such index; a band that it takes is not known; the scene has no bands.
    """
    table = indices()
    if name not in table:
        _core.spectral_index(name, {})  # says which there are
    wanted = table[name][0]
    unknown = [band for band in bands if band not in wanted]
    if unknown:
        raise UserError(f"index {name} takes {', '.join(wanted)}, not {', '.join(unknown)}.")
    places = dict(zip(sensor_bands(sensor), range(1, 1000))) if sensor is not None else {}
    parts = {band: _band(scene, bands.get(band, places.get(band, band)), band, name) for band in wanted}
    arrays = {}
    for band, part in parts.items():
        data = part.variable._data if isinstance(part.variable._data, Array) else asarray(part.values)
        if nodata is not None:
            data = data.astype(np.promote_types(data.dtype, np.float32))
            data = freestone.where(data == nodata, np.nan, data)
        arrays[band] = data._core
    made = Array(_core.spectral_index(name, arrays))
    like = next(iter(parts.values()))
    lazy = builtins.any(isinstance(p.variable._data, Array) for p in parts.values())
    result = like.copy(data=made if lazy else np.asarray(made.compute())).rename(name)
    result.attrs = {"long_name": table[name][2], "formula": table[name][1]}
    result.encoding = {key: value for key, value in like.encoding.items() if key == "grid_mapping"}
    return result.drop_vars("band", errors="ignore")


def _band(scene: Any, label: Any, band: str, name: str) -> Any:
    if hasattr(scene, "data_vars") and label in scene.data_vars and "band" not in scene[label].dims:
        return scene[label]
    if hasattr(scene, "data_vars"):
        if len(scene.data_vars) != 1:
            raise UserError(f"index {name}: the dataset has no variable {label!r} for its band {band}. Say which: {band}='NAME'.")
        scene = next(iter(scene.data_vars.values()))
    if "band" not in scene.dims:
        raise UserError(f"index {name}: the array has no axis 'band'.")
    labels = scene.coords["band"].values.tolist() if "band" in scene.coords else list(range(1, scene.sizes["band"] + 1))
    if label in labels:
        return scene.isel(band=labels.index(label))
    if isinstance(label, (int, np.integer)) and 1 <= label <= scene.sizes["band"]:
        return scene.isel(band=int(label) - 1)
    raise UserError(f"index {name}: which band is {band}? There are {', '.join(map(str, labels))}. Say {band}=LABEL or sensor=.")
