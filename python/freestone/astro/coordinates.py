"""World coordinates of the pixels of cubes and images."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import astropy.units as u
import numpy as np
from astropy.wcs.utils import proj_plane_pixel_area

from freestone.astro.conditions import WCSCelestialError
from freestone.errors import UserError

__all__ = ["ByIndex", "SpatialCoordinates", "nearest_pixels"]


class ByIndex:
    """Something that is asked for by index: ``cube.world[0]``."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def __getitem__(self, view: Any) -> Any:
        return self._function(view)


class SpatialCoordinates:
    """What cubes and images say of the sky. Needs `wcs`, `shape` and `ndim`."""

    wcs: Any
    shape: Any
    ndim: Any
    _spectral_unit: Any = None

    @property
    def _has_wcs_celestial(self) -> bool:
        return self.wcs is not None and bool(self.wcs.has_celestial)

    def _raise_wcs_no_celestial(self) -> None:
        if not self._has_wcs_celestial:
            raise WCSCelestialError("WCS does not contain two spatial axes.")

    def _sky_map(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Latitude and longitude of every pixel of a channel, in degrees."""
        rows, columns = np.indices(self.shape[-2:], dtype=float)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            celestial = self.wcs.celestial
            first, second = celestial.all_pix2world(columns.ravel(), rows.ravel(), 0)
        pair = (second, first) if celestial.wcs.lng == 0 else (first, second)
        return pair[0].reshape(rows.shape), pair[1].reshape(rows.shape)

    def _world(self, view: Any) -> list[u.Quantity]:
        self._raise_wcs_no_celestial()
        latitude, longitude = (part * u.deg for part in self._sky_map())
        if self.ndim == 2:
            return [latitude[view], longitude[view]]
        spectral = self.spectral_axis  # type: ignore[attr-defined]
        parts = [spectral[:, None, None], latitude[None], longitude[None]]
        return [u.Quantity(np.broadcast_to(part.value, self.shape)[view], part.unit) for part in parts]

    @property
    def world(self) -> ByIndex:
        """World coordinates by index: ``v, y, x = cube.world[0:3]``, ``y, x = image.world[:]``; Quantities of the shape of the part."""
        return ByIndex(self._world)

    def flattened_world(self, view: Any = ()) -> list[u.Quantity]:
        """`world`, each coordinate as one line."""
        return [part.ravel() for part in self._world(view)]

    def world_spines(self) -> list[u.Quantity]:
        """The coordinates along each axis, through the reference pixel of the others; upstream has the name only.

        Raises
        ------
        UserError
            Rows are not of one latitude, or columns not of one longitude, to a hundredth of a pixel.
        """
        self._raise_wcs_no_celestial()
        latitude, longitude = self._sky_map()
        row, column = self.shape[-2] // 2, self.shape[-1] // 2
        spines = [latitude[:, column] * u.deg, longitude[row] * u.deg]
        scale = proj_plane_pixel_area(self.wcs.celestial) ** 0.5
        cosine = np.cos(np.radians(latitude))
        wander = max(np.nanmax(abs(latitude - latitude[:, column : column + 1])), np.nanmax(abs((longitude - longitude[row]) * cosine)))
        if wander > 0.01 * scale:
            raise UserError("world_spines: the coordinates are rotated or curved, so one line an axis does not say where the pixels lie. Use world.")
        return spines if self.ndim == 2 else [self.spectral_axis, *spines]  # type: ignore[attr-defined]

    @property
    def spatial_coordinate_map(self) -> list[u.Quantity]:
        """Latitude and longitude of the pixels of a channel."""
        self._raise_wcs_no_celestial()
        return [part * u.deg for part in self._sky_map()]

    @property
    def world_extrema(self) -> u.Quantity:
        """((longitude, longitude), (latitude, latitude)), the least and the greatest of the four corners, in degrees."""
        self._raise_wcs_no_celestial()
        last_y, last_x = self.shape[-2] - 1, self.shape[-1] - 1
        corners = np.array([(0, 0), (last_x, 0), (0, last_y), (last_x, last_y)], dtype=float)
        celestial = self.wcs.celestial
        world = celestial.all_pix2world(corners, 0)
        longitude, latitude = world[:, celestial.wcs.lng], world[:, celestial.wcs.lat]
        return u.Quantity([(longitude.min(), longitude.max()), (latitude.min(), latitude.max())], u.deg)

    @property
    def longitude_extrema(self) -> u.Quantity:
        """Least and greatest longitude of the corners."""
        return self.world_extrema[0]

    @property
    def latitude_extrema(self) -> u.Quantity:
        """Least and greatest latitude of the corners."""
        return self.world_extrema[1]

    @property
    def pixel_area(self) -> u.Quantity:
        """Solid angle of a pixel at the reference point."""
        self._raise_wcs_no_celestial()
        return proj_plane_pixel_area(self.wcs.celestial) * u.deg**2


def nearest_pixels(sky: SpatialCoordinates, xlo: Any, xhi: Any, ylo: Any, yhi: Any) -> tuple[slice, slice]:
    """Rows and columns of a box given by pixels, by world coordinates (a corner at a time, the nearest pixel, both included), or "min" and "max".

    Where one coordinate of a corner is of the world, the other, left open, is the end of the map that this corner lies at, as in spectral_cube.
    """
    for value in (xlo, xhi, ylo, yhi):
        if hasattr(value, "unit") and not value.unit.is_equivalent(u.deg):
            raise u.UnitsError("The X and Y slices must be specified in degree-equivalent units.")
    ny, nx = sky.shape[-2:]
    sky_map: Any = None

    def corner(x: Any, y: Any, low: bool) -> tuple[int, int]:
        nonlocal sky_map
        edge = "min" if low else "max"
        x_is_pixel, y_is_pixel = not hasattr(x, "unit"), not hasattr(y, "unit")
        if x_is_pixel and y_is_pixel:
            return int((0 if low else nx) if x == edge else x), int((0 if low else ny) if y == edge else y)
        if sky_map is None:
            sky._raise_wcs_no_celestial()
            sky_map = sky._sky_map()
        latitude, longitude = sky_map
        cosine = np.cos(np.radians(latitude))
        distance: Any = 0.0
        if not x_is_pixel:
            distance = distance + (((longitude - x.to_value(u.deg) + 180) % 360 - 180) * cosine) ** 2
        elif x != edge:
            distance = distance + np.where(np.arange(nx) == int(x) - (not low), 0.0, np.inf)[None]
        if not y_is_pixel:
            distance = distance + (latitude - y.to_value(u.deg)) ** 2
        elif y != edge:
            distance = distance + np.where(np.arange(ny) == int(y) - (not low), 0.0, np.inf)[:, None]
        # An open end lies at the edge of the pixels.
        if x_is_pixel and x == edge:
            distance = distance + np.where(np.arange(nx) == (0 if low else nx - 1), 0.0, np.inf)[None]
        if y_is_pixel and y == edge:
            distance = distance + np.where(np.arange(ny) == (0 if low else ny - 1), 0.0, np.inf)[:, None]
        row, column = np.unravel_index(int(np.nanargmin(distance)), latitude.shape)
        return int(column) + (not low), int(row) + (not low)

    (x0, y0), (x1, y1) = corner(xlo, ylo, True), corner(xhi, yhi, False)

    def ordered(first: int, end: int, low: Any, high: Any) -> slice:
        # Longitudes grow to the east, pixels mostly to the west: the ends may come in either order.
        if first >= end and (hasattr(low, "unit") or hasattr(high, "unit")):
            first, end = end - 1, first + 1
        return slice(first, end)

    return ordered(y0, y1, ylo, yhi), ordered(x0, x1, xlo, xhi)
