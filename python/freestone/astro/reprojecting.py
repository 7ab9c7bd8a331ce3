"""Cubes and images on other grids of the sky."""

from __future__ import annotations

import warnings
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from freestone import _core
from freestone._array import Array, apply, asarray
from freestone._indexing import take
from freestone._user import map_blocks
from freestone.astro import convert
from freestone.astro.grid import SpectralGrid
from freestone.astro.masks import BooleanArrayMask
from freestone.errors import UserError

__all__ = ["order_of", "reproject_cube", "reproject_image", "sky_positions", "target_of"]

_ORDERS = {"nearest-neighbor": 0, "nearest": 0, "bilinear": 1, "biquadratic": 2, "bicubic": 3}


def order_of(order: Any) -> int:
    """0 to 3, of a number or reproject's name."""
    number = _ORDERS.get(order) if isinstance(order, str) else order
    if number not in (0, 1, 2, 3):
        raise UserError(f"The order of interpolation is one of {', '.join(_ORDERS)}, or 0 to 3; not {order!r}.")
    return int(number)


def target_of(header: Any) -> tuple[WCS, tuple[int, ...]]:
    """WCS and shape of a header, or of a WCS that knows its shape."""
    if isinstance(header, WCS):
        if header.array_shape is None:
            raise UserError("The WCS has no array_shape, so the size of the result is not known. Give a header, or set wcs.array_shape.")
        return header, tuple(header.array_shape)
    if not isinstance(header, fits.Header):
        if isinstance(header, (str, bytes)) or not hasattr(header, "keys"):
            raise UserError(f"reproject takes a FITS header, or a WCS with array_shape, not {header!r}.")
        header = fits.Header(header)
    try:
        shape = tuple(int(header[f"NAXIS{k}"]) for k in range(int(header["NAXIS"]), 0, -1))
    except KeyError as error:
        keyword = str(error).strip("\"'").removeprefix("Keyword '").partition("'")[0]
        raise UserError(f"The header to reproject to has no {keyword}: it must say the shape of the result (NAXIS, NAXIS1, ...).") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return WCS(header, naxis=len(shape)), shape


def sky_positions(old: WCS, new: WCS, shape: tuple[int, int], roundtrip: bool = True) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Rows and columns in the pixels of the celestial `old` of the pixels of the celestial `new`; NaN where there are none.

    `roundtrip`: also where the way back does not end at the pixel, as reproject has it.
    """
    from astropy.wcs.utils import pixel_to_pixel

    rows, columns = np.indices(shape, dtype=float)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        x, y = pixel_to_pixel(new, old, columns, rows)
        if roundtrip:
            back_x, back_y = pixel_to_pixel(old, new, x, y)
            lost = ~((abs(back_x - columns) < 1) & (abs(back_y - rows) < 1))
            x, y = np.where(lost, np.nan, x), np.where(lost, np.nan, y)
    return np.ascontiguousarray(y, dtype=float), np.ascontiguousarray(x, dtype=float)


def _sampled(planes: np.ndarray[Any, Any], rows: Any, columns: Any, order: int) -> np.ndarray[Any, Any]:
    """Values of planes (n, y, x) at positions."""
    if order < 2:
        return np.asarray(_core.sample_planes(np.ascontiguousarray(planes), rows, columns, order == 1))
    from scipy.ndimage import map_coordinates

    ny, nx = planes.shape[1:]
    inside = (rows >= -0.5) & (rows <= ny - 0.5) & (columns >= -0.5) & (columns <= nx - 0.5)
    places = np.array([np.clip(np.nan_to_num(rows), 0, ny - 1), np.clip(np.nan_to_num(columns), 0, nx - 1)])
    out = np.empty((planes.shape[0], *rows.shape), dtype=planes.dtype)
    for k, plane in enumerate(planes):
        out[k] = np.where(inside, map_coordinates(plane, places, order=order, mode="constant", cval=np.nan), np.nan)
    return out


def reproject_image(image: Any, header: Any, order: Any) -> Any:
    """`Projection.reproject`."""
    image._raise_wcs_no_celestial()
    wcs, shape = target_of(header)
    if len(shape) != 2 or not wcs.has_celestial:
        raise UserError(f"An image is reprojected to two axes of the sky; the header has {len(shape)}.")
    rows, columns = sky_positions(image.wcs.celestial, wcs.celestial, (shape[0], shape[1]))
    values = image._filled(np.nan)
    floating = values if values.dtype.kind == "f" else values.astype(float)
    made = _sampled(np.ascontiguousarray(floating[None]), rows, columns, order_of(order))[0]
    own = header if isinstance(header, fits.Header) else None
    return image._again(made, wcs=wcs, header=image._header if own is None else own, mask=BooleanArrayMask(np.isfinite(made), wcs))


def _whole_wcs(cube: Any, target: WCS, shape: tuple[int, ...]) -> tuple[WCS, tuple[int, int, int], Any]:
    """The WCS of the result in the order of a cube, its shape, and its channels where they are others than the cube's."""
    if not target.has_celestial:
        raise UserError("The header to reproject to has no two axes of the sky.")
    if target.wcs.naxis == 2:
        return _merged(cube.wcs, target.celestial), (cube.shape[0], shape[0], shape[1]), None
    if target.wcs.naxis != 3 or target.wcs.spec < 0:
        raise UserError(f"The header to reproject to has {target.wcs.naxis} axes; a cube has two of the sky and one of the spectrum.")
    order = [target.wcs.lng, target.wcs.lat, target.wcs.spec]
    lengths = shape[::-1]
    own = target.sub([k + 1 for k in order])
    count = int(lengths[order[2]])
    if str(own.wcs.ctype[2])[:4] != str(cube.wcs.wcs.ctype[2])[:4]:
        raise UserError(
            f"The cube's spectral axis is of type {cube.wcs.wcs.ctype[2]}, the header's of {own.wcs.ctype[2]}. Convert it first: with_spectral_unit."
        )
    channels = own.sub([3]).all_pix2world(np.arange(count, dtype=float), 0)[0] * u.Unit(own.wcs.cunit[2])
    present = cube.spectral_axis
    same = count == cube.shape[0] and bool(np.allclose(channels.to_value(present.unit), present.value, rtol=1e-9))
    return own, (count, int(lengths[order[1]]), int(lengths[order[0]])), None if same else channels


def _merged(cube: WCS, sky: WCS) -> WCS:
    """The axes of the sky of one, the spectral axis of the other."""
    header = fits.Header.fromstring(convert.cards_of_wcs(sky))
    spectral = fits.Header.fromstring(convert.cards_of_wcs(cube))
    header["WCSAXES"] = 3
    for key in ("CTYPE3", "CUNIT3", "CRPIX3", "CRVAL3", "CDELT3", "PC3_3", "RESTFRQ", "RESTWAV", "SPECSYS", "VELREF"):
        if key in spectral:
            header[key] = spectral[key]
    made = convert.wcs_from_cards(convert.cards_of(header))
    assert made is not None
    return made


def reproject_cube(cube: Any, header: Any, order: Any, filled: bool, options: dict[str, Any]) -> Any:
    """`SpectralCube.reproject`."""
    number = order_of(order)
    known = {"roundtrip_coords", "parallel", "block_size", "return_footprint", "hdu_in", "use_memmap", "independent_celestial_slices"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}")
    cube._raise_wcs_no_celestial()
    target, shape = target_of(header)
    wcs, size, channels = _whole_wcs(cube, target, shape)
    rows, columns = sky_positions(cube.wcs.celestial, wcs.celestial, (size[1], size[2]), bool(options.get("roundtrip_coords", True)))
    if not np.isfinite(rows).any():
        raise UserError("The header to reproject to does not overlap with the cube, or coordinates do not come back (roundtrip_coords=False lets them pass).")
    data = cube._filled(cube._fill_value) if filled else cube._data
    floating = data if data.dtype.kind == "f" else data.astype(float)
    if channels is not None:
        floating = _between_channels(floating, SpectralGrid(cube.spectral_axis, channels, suppress_smooth_warning=True))
    floating = cube._blocked(floating, (1, 2))

    def sample(block: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return _sampled(block, rows, columns, number)

    made = map_blocks(sample, floating, dtype=floating.dtype, drop_axis=(1, 2), new_axis=(1, 2), chunks=(None, size[1], size[2]))
    return cube._regridded(made, wcs)


def _between_channels(data: Array, grid: SpectralGrid) -> Array:
    weight = asarray(grid.weight[:, None, None])
    low, high = (take(data, places, axis=0).astype(float) for places in (grid.low, grid.high))
    made = apply("where", asarray((grid.weight == 0)[:, None, None]), low, low * (1 - weight) + high * weight)
    return apply("where", asarray(grid.inside[:, None, None]), made, float("nan")).astype(data.dtype)
