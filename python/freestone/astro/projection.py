"""Images with WCS, unit and beam: astropy Quantity, computed."""

from __future__ import annotations

import os
import warnings
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from radio_beam import Beam

from freestone import _core, _runs
from freestone._array import from_numpy
from freestone.astro import convert
from freestone.astro.beams import SingleBeam
from freestone.astro.brightness import brightness_factor
from freestone.astro.conditions import SliceWarning
from freestone.astro.coordinates import ByIndex, SpatialCoordinates, nearest_pixels
from freestone.astro.masks import BooleanArrayMask, MaskBase, as_mask
from freestone.errors import UserError

__all__ = ["LowerDimensionalObject", "Projection", "Slice"]

_CARRIED = ("_wcs", "_meta", "_mask", "_header", "_beam", "_beams", "_goodbeams", "_spectral_unit", "_fill_value", "_wcs_tolerance")


class LowerDimensionalObject(u.Quantity):
    """What images and spectra share: a Quantity with WCS, header, mask and meta, which it keeps as long as its shape stays."""

    _wcs: Any = None
    _meta: Any = None
    _mask: Any = None
    _header: Any = None
    _beam: Any = None
    _beams: Any = None
    _goodbeams: Any = None
    _spectral_unit: Any = None
    _fill_value: float = np.nan
    _wcs_tolerance: float = 0.0

    def _dress(self, **facts: Any) -> Any:
        for name, value in facts.items():
            setattr(self, "_" + name, value)
        return self

    def __array_finalize__(self, obj: Any) -> None:
        super().__array_finalize__(obj)
        if isinstance(obj, LowerDimensionalObject) and obj.shape == self.shape:
            for name in _CARRIED:
                setattr(self, name, getattr(obj, name, None))

    def __reduce__(self) -> Any:
        facts = {name: getattr(self, name) for name in _CARRIED if name not in ("_mask", "_wcs")}
        return _rebuilt, (type(self), np.asarray(self.value), self.unit, facts, convert.cards_of_wcs(self._wcs), self._mask_array())

    def _mask_array(self) -> Any:
        return None if self._mask is None else self._mask.include()

    # Facts.

    @property
    def wcs(self) -> Any:
        """astropy WCS, or None."""
        return self._wcs

    @property
    def meta(self) -> dict[str, Any]:
        """What is known beside the coordinates: ``BUNIT``, ``beam``..."""
        return {} if self._meta is None else self._meta

    @property
    def mask(self) -> Any:
        """Which elements count."""
        return self._all_included() if self._mask is None else self._mask

    def _all_included(self) -> MaskBase:
        return BooleanArrayMask(np.ones(self.shape, dtype=bool), self._wcs)

    @property
    def header(self) -> fits.Header:
        """The header that a file of this has."""
        header = convert.header_from(
            convert.cards_of_wcs(self._wcs), convert.cards_of(convert.plain_header(self._header)), self.shape, self.dtype, self.unit, self._beam
        )  # fmt: skip
        convert.add_meta(header, self.meta)
        return header

    @property
    def array(self) -> np.ndarray[Any, Any]:
        """The numbers."""
        return np.asarray(self.value)

    @property
    def quantity(self) -> u.Quantity:
        """The same numbers as a plain Quantity."""
        return u.Quantity(self.value, self.unit, subok=False, dtype=self.dtype)

    @property
    def T(self) -> u.Quantity:  # noqa: N802
        """The axes reversed, as a plain Quantity."""
        return self.view(u.Quantity).T

    @property
    def hdu(self) -> fits.PrimaryHDU:
        """An astropy HDU of the numbers and the header."""
        return fits.PrimaryHDU(self.value, self.header)

    @property
    def hdulist(self) -> fits.HDUList:
        """An astropy HDUList of `hdu`."""
        return fits.HDUList([self.hdu])

    @classmethod
    def read(cls, filename: Any, ext: int = 0) -> Any:
        """Reads a FITS file: a `Projection` of an image, a spectrum of a line."""
        with fits.open(os.fspath(filename)) as opened:
            opened[ext].data  # noqa: B018 - read before the file is closed
            return cls.from_hdu(opened, ext)

    @staticmethod
    def from_hdu(hdu: Any, ext: int = 0) -> Any:
        """Of an astropy HDU or HDUList; see the classes."""
        raise UserError("from_hdu is a method of Projection and OneDSpectrum.")

    def write(self, path: str | os.PathLike[str], overwrite: bool = False, format: str | None = None) -> None:
        """Writes a file with WCS, unit and beam; the format follows the suffix."""
        _runs.write({path: self}, overwrite=overwrite, format=format or "")

    # Values by mask.

    def _filled(self, fill: float) -> np.ndarray[Any, Any]:
        values = np.asarray(self.value)
        if self._mask is None:
            return values
        return np.where(self._mask.include(), values, np.asarray(fill, dtype=np.result_type(values.dtype, np.float32)))

    @property
    def filled_data(self) -> ByIndex:
        """Elements by index, those that are masked filled: ``image.filled_data[:]`` is a Quantity."""
        return ByIndex(lambda view: u.Quantity(self._filled(self._fill_value)[view], self.unit, copy=None))

    @property
    def unitless_filled_data(self) -> ByIndex:
        """The same without unit."""
        return ByIndex(lambda view: self._filled(self._fill_value)[view])

    def filled(self, fill_value: float | None = None) -> u.Quantity:
        """All elements, those that are masked filled."""
        return u.Quantity(self._filled(self._fill_value if fill_value is None else fill_value), self.unit, copy=None)

    @property
    def fill_value(self) -> float:
        """What stands for masked elements."""
        return self._fill_value

    def with_fill_value(self, fill_value: float) -> Any:
        """The same with another fill value."""
        return self._again(fill_value=fill_value)

    def shrink_mask(self) -> Any:
        """Drops a mask that excludes nothing (NumPy's name)."""
        if self._mask is not None and not self._mask.any():
            self._mask = None
        return self

    def _again(self, values: Any = None, unit: Any = None, **facts: Any) -> Any:
        """The same kind of object with some things changed."""
        kept = {name[1:]: getattr(self, name) for name in _CARRIED}
        kept.update(facts)
        numbers = np.asarray(self.value if values is None else values)
        own = self.unit if unit is None else u.Unit(unit)
        made = u.Quantity(numbers, own, copy=None, dtype=numbers.dtype).view(type(self))
        kept["meta"] = {**(kept["meta"] or {}), "BUNIT": convert.text_of_unit(own)}
        if kept.get("beam") is not None:
            kept["meta"]["beam"] = kept["beam"]
        return made._dress(**kept)

    def _frequency(self) -> Any:
        rest = self._wcs.wcs.restfrq if self._wcs is not None else 0
        if not rest and self._header is not None:
            rest = self._header.get("RESTFRQ", 0)
        return rest * u.Hz if rest else None

    def _beam_area(self) -> Any:
        return None if self._beam is None else self._beam.sr

    def to(self, unit: Any, equivalencies: Any = (), freq: Any = None, copy: bool = True) -> Any:
        """Elements in another unit; K, Jy/beam, Jy/pix and Jy/sr by beam, pixel and frequency.

        Parameters
        ----------
        unit : unit or str
        equivalencies : list, optional
            As of astropy.units, before our own.
        freq : Quantity, optional
            Default: that of the channels, or the header's rest frequency.
        """
        unit = u.Unit(unit)
        if unit == self.unit:
            return self
        pixel = self.pixel_area if isinstance(self, SpatialCoordinates) and self._has_wcs_celestial else None
        factor = brightness_factor(self.unit, unit, self._frequency() if freq is None else freq, self._beam_area(), pixel, equivalencies)
        return self._again((np.asarray(self.value) * factor).astype(self.dtype if self.dtype.kind == "f" else float), unit)

    # What runs and files need.

    def _freestone_arrays(self) -> list[Any]:
        return []

    def _freestone_result(self, values: list[np.ndarray[Any, Any]]) -> Any:
        return self

    def _placed(self) -> Any:
        """The engine's object of this."""
        if self._wcs is None:
            raise UserError("This array has lost its coordinates: its shape is no longer that of the result it comes from.")
        beam = None if self._beam is None else convert.numbers_of_beam(self._beam)
        cards = convert.cards_of_wcs(self._wcs) + convert.cards_of(convert.plain_header(self._header))
        sky = _core.sky_from(from_numpy(np.ascontiguousarray(self._filled(self._fill_value)))._core, cards, convert.text_of_unit(self.unit), beam)
        return sky if self._beams is None else sky.with_beams(convert.rows_of_beams(self._beams))

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any:
        return _core.sky_output(self._placed(), path, format, overwrite)


def _rebuilt(kind: Any, values: Any, unit: Any, facts: dict[str, Any], cards: str, mask: Any) -> Any:
    made = u.Quantity(values, unit, copy=None, dtype=values.dtype).view(kind)
    wcs = convert.wcs_from_cards(cards)
    made._dress(wcs=wcs, mask=None if mask is None else BooleanArrayMask(mask, wcs), **{name[1:]: value for name, value in facts.items()})
    return made


def initial_facts(values: Any, wcs: Any, meta: Any, mask: Any, header: Any, fill_value: float, wcs_tolerance: float) -> dict[str, Any]:
    """What constructors of images and spectra check and keep."""
    known = None if mask is None or mask is np.ma.nomask else as_mask(mask, wcs, values.shape)
    if known is not None:
        known._validate_wcs(values, wcs, wcs_tolerance)
    return {
        "wcs": wcs, "meta": dict(meta or {}), "mask": known, "header": fits.Header() if header is None else header, "fill_value": fill_value,
        "wcs_tolerance": wcs_tolerance,
    }  # fmt: skip


class Projection(LowerDimensionalObject, SpatialCoordinates, SingleBeam):
    """An image with WCS, unit, mask and beam.

    Parameters
    ----------
    value : array_like or Quantity, shape (y, x)
    unit : unit, optional
    wcs : astropy.wcs.WCS of two axes, optional
    meta : dict, optional
    mask : array of bool or mask, optional
    header : astropy.io.fits.Header, optional
        Cards that are carried along.
    beam : radio_beam.Beam, optional
    fill_value : float
    read_beam : bool
        Take the beam from the header where `beam` is not given.
    """

    def __new__(
        cls, value: Any, unit: Any = None, dtype: Any = None, copy: bool = True, wcs: Any = None, meta: Any = None, mask: Any = None, header: Any = None,
        beam: Any = None, fill_value: float = np.nan, read_beam: bool = False, wcs_tolerance: float = 0.0,
    ) -> Any:  # fmt: skip
        if np.ndim(value) != 2:
            raise UserError("value should be a 2-d array")
        if wcs is not None and wcs.wcs.naxis != 2:
            raise UserError("wcs should have two dimensions")
        numbers = u.Quantity(value, unit=unit, dtype=dtype or getattr(value, "dtype", None), copy=copy or None, subok=False)
        self = numbers.view(cls)
        self._dress(**initial_facts(self, wcs, meta, mask, header, fill_value, wcs_tolerance))
        if beam is None:
            beam = self._meta.get("beam") or (convert.beam_of_header(header) if read_beam and header is not None else None)
        if beam is not None:
            self._beam = self._meta["beam"] = beam
        return self

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        keys = key if isinstance(key, tuple) else (key,)
        if part.ndim != 2 or not all(isinstance(k, slice) or k is Ellipsis for k in keys):
            if None in keys:
                warnings.warn(f"The part {key} has no place in the WCS; it is a plain Quantity.", SliceWarning, stacklevel=2)
            return u.Quantity(part.value, part.unit, subok=False, dtype=part.dtype)
        return self._again(
            part.value, wcs=convert.sliced_wcs(self._wcs, key, self.shape), mask=None if self._mask is None else self._mask[key]
        )  # fmt: skip

    @staticmethod
    def from_hdu(hdu: Any, ext: int = 0) -> Any:
        """The image of an astropy HDU, or of number `ext` of an HDUList."""
        if isinstance(hdu, fits.HDUList):
            hdu = hdu[ext]
        if np.ndim(hdu.data) != 2:
            raise UserError("HDU must contain two-dimensional data.")
        text = str(hdu.header.get("BUNIT", ""))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wcs = WCS(hdu.header)
        values = hdu.data.astype(hdu.data.dtype.newbyteorder("="), copy=False)
        meta = {"BUNIT": text} if text else {}
        return Projection(values, unit=convert.unit_from_text(text), wcs=wcs, meta=meta, header=hdu.header, beam=convert.beam_of_header(hdu.header))

    def with_beam(self, beam: Any, raise_error_jybm: bool = True) -> Any:
        """The same numbers with another beam. Of an image in Jy/beam only with ``raise_error_jybm=False``."""
        if not isinstance(beam, Beam):
            raise UserError("beam must be a radio_beam.Beam object.")
        self.check_jybeam_smoothing(raise_error_jybm=raise_error_jybm)
        return self._again(beam=beam)

    def subimage(self, xlo: Any = "min", xhi: Any = "max", ylo: Any = "min", yhi: Any = "max") -> Any:
        """A box: numbers are pixels, Quantities world coordinates, ``"min"`` and ``"max"`` the edges."""
        return self[nearest_pixels(self, xlo, xhi, ylo, yhi)]

    def convolve_to(self, beam: Any, convolve: Any = None, **options: Any) -> Any:
        """The image at the resolution `beam`; the kernel is the deconvolved beam, Jy/beam is scaled by the ratio of the areas.

        Parameters
        ----------
        beam : radio_beam.Beam
        convolve : callable, optional
            Another function to convolve with, of astropy.convolution's signature; `options` go to it.
        """
        from freestone.astro.convolving import convolved_image

        return convolved_image(self, beam, convolve, options)

    def reproject(self, header: Any, order: Any = "bilinear") -> Any:
        """The image on the grid of `header`; see `SpectralCube.reproject`."""
        from freestone.astro.reprojecting import reproject_image

        return reproject_image(self, header, order)

    def quicklook(self, filename: str | os.PathLike[str] | None = None, use_aplpy: bool = True, aplpy_kwargs: Any = None) -> None:
        """Draws the image with matplotlib on its coordinates, and saves it where `filename` is given.

        `use_aplpy` and `aplpy_kwargs` are taken and do nothing. The figure and the image stay as ``figure`` and ``image``.
        """
        from matplotlib import pyplot

        self.figure = pyplot.figure()
        axes = self.figure.add_subplot(projection=self._wcs if self._has_wcs_celestial else None)
        self.image = axes.imshow(self._filled(np.nan), origin="lower", interpolation="nearest", cmap="gray_r")
        self.figure.colorbar(self.image, label=self.unit.to_string())
        if filename is not None:
            self.figure.savefig(filename)


class Slice(Projection):
    """A `Projection` that is one channel, or one row or column of a cube."""


__all__ += ["initial_facts"]
