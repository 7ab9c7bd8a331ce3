"""Parts of a cube: by pixel, by coordinate, by mask, by region."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import astropy.units as u
import numpy as np

from freestone import _core, _runs
from freestone._array import Array
from freestone._reductions import any as any_of
from freestone.astro import convert
from freestone.astro.conditions import SliceWarning
from freestone.astro.coordinates import nearest_pixels
from freestone.astro.cube_base import CubeBase
from freestone.astro.lazy_result import LazyResult
from freestone.astro.masks import as_mask
from freestone.astro.projection import Slice
from freestone.errors import UserError

__all__ = ["Boxes", "CubeParts", "keys_of"]


def keys_of(key: Any, shape: tuple[int, ...]) -> list[Any]:
    """A slice or a position for each axis of a cube.

    Raises
    ------
    IndexError
        More than three, or a position that is not there.
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [slice(None)] * (4 - len(keys))
    if len(keys) > 3:
        raise IndexError("Too many indices: a cube has three axes.")
    keys = [k if isinstance(k, slice) else operator.index(k) for k in keys] + [slice(None)] * (3 - len(keys))
    for axis, k in enumerate(keys):
        if not isinstance(k, slice) and not -shape[axis] <= k < shape[axis]:
            raise IndexError(f"index {k} is out of bounds for axis {axis} with size {shape[axis]}")
    return keys


class Boxes:
    """Parts that are boxes: one cube's coordinates and masks choose the box, which is cut out of all."""

    shape: Any
    with_mask: Callable[..., Any]
    minimal_subcube: Callable[..., Any]

    @property
    def _chooser(self) -> CubeParts:
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        raise NotImplementedError

    def spectral_slab(self, lo: Any, hi: Any) -> Any:
        """Channels from the one nearest to `lo` to the one nearest to `hi`, in either order (Quantity, or numbers in the axis' unit)."""
        first, last = sorted((self._chooser.closest_spectral_channel(lo), self._chooser.closest_spectral_channel(hi)))
        if first == last:
            warnings.warn(
                "The maximum and minimum spectral channel in the spectral slab are identical; this indicates that one or both are likely incorrect "
                "and/or out of range.", SliceWarning, stacklevel=2,
            )  # fmt: skip
        return self[first : last + 1]

    def subcube(
        self, xlo: Any = "min", xhi: Any = "max", ylo: Any = "min", yhi: Any = "max", zlo: Any = "min", zhi: Any = "max", rest_value: Any = None
    ) -> Any:
        """A box.

        Parameters
        ----------
        xlo, xhi, ylo, yhi, zlo, zhi : int, Quantity, "min" or "max"
            Numbers are pixels, as in a slice. Quantities are world coordinates: of a corner of the sky together, the nearest pixel, included;
            of the spectrum, the nearest channel, included.
        rest_value : Quantity, optional
            With which `zlo` and `zhi` are read.
        """
        view = self._chooser._box(xlo, xhi, ylo, yhi, zlo, zhi, rest_value)
        return self if view == tuple(slice(0, n) for n in self.shape) else self[view]

    # By mask.

    def subcube_slices_from_mask(self, region_mask: Any, spatial_only: bool = False) -> tuple[slice, slice, slice]:
        """The slices of the smallest box that holds all elements that `region_mask` includes; with `spatial_only` all channels.

        An empty mask gives slices of length 0.
        """
        return self._chooser._box_of_mask(region_mask, spatial_only)

    def subcube_from_mask(self, region_mask: Any) -> Any:
        """The smallest box that holds all elements that `region_mask` includes."""
        return self[self.subcube_slices_from_mask(region_mask)]

    # By region.

    def subcube_from_ds9region(self, ds9_region: str, allow_empty: bool = False) -> Any:
        """The part in regions of the text of a DS9 file; see `subcube_from_regions`."""
        if not isinstance(ds9_region, str):
            raise TypeError(f"{ds9_region!r} should be a DS9 string")
        from regions import Regions

        return self.subcube_from_regions(Regions.parse(ds9_region, format="ds9"), allow_empty)

    def subcube_from_crtfregion(self, crtf_region: str, allow_empty: bool = False) -> Any:
        """The part in regions of CASA's text format, given as text or as the name of a file; see `subcube_from_regions`."""
        if not isinstance(crtf_region, str):
            raise TypeError(f"{crtf_region!r} should be a CRTF string")
        from regions import Regions

        if crtf_region.lstrip().startswith("#CRTF") or "[[" in crtf_region:
            return self.subcube_from_regions(Regions.parse(crtf_region, format="crtf"), allow_empty)
        return self.subcube_from_regions(Regions.read(crtf_region, format="crtf"), allow_empty)

    def subcube_from_regions(self, region_list: Sequence[Any], allow_empty: bool = False, minimize: bool = True) -> Any:
        """The part in a list of regions of the package regions, in sky or pixel coordinates; elements outside of them do not count.

        Parameters
        ----------
        region_list : sequence of regions.Region
            One with ``meta["include"]`` False or "-" cuts out. A ``range`` in `meta` (frequencies or velocities) of all of them chooses the channels.
        allow_empty : bool
            False: no overlap is an error.
        minimize : bool
            Cut off what is masked at the edges.
        """
        view, inside = self._chooser._box_of_regions(region_list, allow_empty)
        if inside is None:
            return self[view]
        part = self[view].with_mask(inside[None])
        return part.minimal_subcube() if minimize else part


class CubeParts(Boxes, CubeBase):
    """Selecting."""

    @property
    def _chooser(self) -> CubeParts:
        return self

    def __getitem__(self, key: Any) -> Any:
        """Parts by pixel: a cube; a `Slice`, `OneDSpectrum` or number where positions drop axes; with a mask as `with_mask`."""
        if isinstance(key, (Array, np.ndarray)) or hasattr(key, "include"):
            return self.with_mask(key)
        keys = keys_of(key, self.shape)
        view = tuple(keys)
        meta = {**self._meta, "slice": [*self._meta.get("slice", []), [(k.start, k.stop, k.step) if isinstance(k, slice) else k for k in keys]]}
        mask = None if self._mask is None else self._mask[view]
        if all(isinstance(k, slice) for k in keys):
            return self._sliced(keys, mask, meta)
        part = _core.sky_slice(self._sky, keys)
        # Values where the mask excludes them are NaN, and the part knows its mask.
        filled = _core.sky_slice(self._filled_sky, keys)
        with self._scheduler.running():
            values = _runs.compute(Array(filled.data))[0]
        if not np.ndim(values):
            return u.Quantity(values, self.unit, dtype=np.asarray(values).dtype)
        facts = {"kind": Slice, "meta": meta, "fill_value": self._fill_value, "wcs_tolerance": self._wcs_tolerance}
        result = LazyResult(part, facts)._freestone_result([values])
        if mask is not None and hasattr(result, "_dress"):
            result._dress(mask=mask._moved(result._wcs))
        return result

    def _sliced(self, keys: list[Any], mask: Any, meta: Any) -> Any:
        return self._but(_core.sky_slice(self._sky, keys), mask=mask, meta=meta)

    def closest_spectral_channel(self, value: Any) -> int:
        """The channel nearest to a spectral coordinate, a Quantity of the axis' kind (or convertible by its rest value)."""
        return int(_core.closest_spectral_channel(self._sky, convert.spectral_pair(value)))

    def _box(self, xlo: Any, xhi: Any, ylo: Any, yhi: Any, zlo: Any, zhi: Any, rest_value: Any) -> tuple[slice, slice, slice]:
        """The slices that `subcube` means."""
        cube = self
        if rest_value is not None:
            cube = self.with_spectral_unit(self._spectral_unit, rest_value=rest_value)
        ends = []
        for value, edge, at in ((zlo, "min", 0), (zhi, "max", self.shape[0])):
            if hasattr(value, "unit"):
                if not value.unit.is_equivalent(self._spectral_unit):
                    raise u.UnitsError("Spectral units are not equivalent to the spectral slice. Use `.with_spectral_unit` first.")
                ends.append(cube.closest_spectral_channel(value))
            else:
                ends.append(at if isinstance(value, str) and value == edge else operator.index(value))
        united = [hasattr(value, "unit") for value in (zlo, zhi)]
        if ends[1] < ends[0]:
            ends.reverse()
            united.reverse()
        if united[1]:
            ends[1] += 1
        rows, columns = nearest_pixels(self, xlo, xhi, ylo, yhi)
        view = (slice(*ends), rows, columns)
        for name, part, n in zip("zyx", view, self.shape):
            if len(range(*part.indices(n))) == 0 and part.start == part.stop:
                raise UserError(f"The slice in the {name} direction will remove all elements. For one channel give an index.")
        return view

    def _box_of_mask(self, region_mask: Any, spatial_only: bool) -> tuple[slice, slice, slice]:
        mask = as_mask(region_mask, self.wcs, self.shape)
        mask._validate_wcs(self._data, self.wcs, self._wcs_tolerance)
        lazy = mask._lazy(self._data, self.wcs)
        with self._scheduler.running():
            along = _runs.compute(*(any_of(lazy, axis=tuple(k for k in range(3) if k != axis)) for axis in range(3)))
        if not along[0].any():
            return (slice(0), slice(0), slice(0))
        found = [slice(int(np.argmax(line)), int(len(line) - np.argmax(line[::-1]))) for line in along]
        return (slice(None) if spatial_only else found[0], found[1], found[2])

    def minimal_subcube(self, spatial_only: bool = False) -> Any:
        """The smallest box that holds all elements of the cube's own mask."""
        return self if self._mask is None else self[self.subcube_slices_from_mask(self._mask, spatial_only=spatial_only)]

    def _box_of_regions(self, region_list: Sequence[Any], allow_empty: bool) -> tuple[tuple[slice, slice, slice], np.ndarray[Any, Any] | None]:
        """The slices of the box around regions, and which of its pixels lie in them; None where none does."""
        import regions

        pixel_regions = []
        for region in region_list:
            if isinstance(region, regions.SkyRegion):
                pixel_regions.append(region.to_pixel(self.wcs.celestial))
            elif isinstance(region, regions.PixelRegion):
                pixel_regions.append(region)
            else:
                raise TypeError(f"'{region}' should be `regions.Region` object")
        if not pixel_regions:
            raise UserError("subcube_from_regions: there are no regions.")
        whole = _united(pixel_regions)
        box = whole.bounding_box
        if box.ixmax <= 0 or box.iymax <= 0 or box.ixmin >= self.shape[2] or box.iymin >= self.shape[1]:
            if not allow_empty:
                raise UserError("Region is outside of cube.")
            warnings.warn("The derived subset is empty: the region does not overlap with the cube (but allow_empty=True).", SliceWarning, stacklevel=2)
            return (slice(0, 0), slice(0, 0), slice(0, 0)), None
        ranges = [region.meta.get("range") for region in pixel_regions]
        channels = self._channels_of(ranges, pixel_regions) if all(pair is not None for pair in ranges) else slice(None)
        rows = slice(max(box.iymin, 0), min(box.iymax, self.shape[1]))
        columns = slice(max(box.ixmin, 0), min(box.ixmax, self.shape[2]))
        image = whole.to_mask().to_image(self.shape[1:])
        return (channels, rows, columns), np.asarray(image, dtype=bool)[rows, columns]

    def _channels_of(self, ranges: Sequence[Any], pixel_regions: Sequence[Any]) -> slice:
        """The channels that the ranges of regions span, each by its own convention and rest frequency."""
        ends = []
        for pair, region in zip(ranges, pixel_regions):
            cube = self
            rest = region.meta.get("restfreq")
            convention = str(region.meta.get("veltype", "radio")).lower()
            quantities = [u.Quantity(value) for value in pair]
            if quantities[0].unit.is_equivalent(u.m / u.s) != self._spectral_unit.is_equivalent(u.m / u.s) or rest is not None:
                cube = self.with_spectral_unit(
                    quantities[0].unit, convention if quantities[0].unit.is_equivalent(u.m / u.s) else None, None if rest is None else u.Quantity(rest)
                )  # fmt: skip
            ends += [cube.closest_spectral_channel(value) for value in quantities]
        return slice(min(ends), max(ends) + 1)


def _united(pixel_regions: Sequence[Any]) -> Any:
    """One region of several: those that are included together, without those that are excluded."""

    def is_included(region: Any) -> bool:
        return region.meta.get("include", True) not in (False, 0, "-")

    included = [region for region in pixel_regions if is_included(region)]
    excluded = [region for region in pixel_regions if not is_included(region)]
    if not included:
        raise UserError("subcube_from_regions: all regions are excluded ones.")
    whole = reduce(operator.or_, included)
    return whole if not excluded else _without(whole, reduce(operator.or_, excluded))


def _without(whole: Any, hole: Any) -> Any:
    from regions import CompoundPixelRegion

    return CompoundPixelRegion(whole, hole, lambda a, b: np.logical_and(a, np.logical_not(b)))
