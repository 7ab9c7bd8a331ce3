"""Spectra with their axis, unit and beam: astropy Quantity, computed."""

from __future__ import annotations

import os
import warnings
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from radio_beam import Beam

from freestone.astro import convert
from freestone.astro.beams import ManyBeams, SingleBeam
from freestone.astro.conditions import BeamWarning
from freestone.astro.grid import SpectralGrid
from freestone.astro.masks import BooleanArrayMask, CompositeMask
from freestone.astro.projection import LowerDimensionalObject, initial_facts
from freestone.errors import UserError

__all__ = ["BaseOneDSpectrum", "OneDSpectrum", "VaryingResolutionOneDSpectrum"]

#: Reductions give plain numbers with unit, not spectra.
_PLAIN = frozenset(("min", "max", "std", "mean", "sum", "cumsum", "var"))


class BaseOneDSpectrum(LowerDimensionalObject):
    """What spectra with one beam and with a beam a channel share."""

    def __getattribute__(self, name: str) -> Any:
        if name in _PLAIN:
            return getattr(super().__getattribute__("quantity"), name)
        return super().__getattribute__(name)

    @staticmethod
    def _numbers(cls: Any, value: Any, options: dict[str, Any]) -> Any:
        if np.ndim(value) != 1:
            raise UserError("value should be a 1-d array")
        wcs = options.pop("wcs", None)
        if wcs is not None and wcs.wcs.naxis != 1:
            raise UserError("wcs should have one dimension")
        known = {name: options.pop(name, None) for name in ("meta", "mask", "header")}
        spectral_unit, fill_value, tolerance = options.pop("spectral_unit", None), options.pop("fill_value", np.nan), options.pop("wcs_tolerance", 0.0)
        copy = options.pop("copy", True) or None
        dtype = options.pop("dtype", None) or getattr(value, "dtype", None)
        self = u.Quantity(np.asarray(value) if not hasattr(value, "unit") else value, copy=copy, dtype=dtype, subok=False, **options).view(cls)
        self._dress(**initial_facts(self, wcs, known["meta"], known["mask"], known["header"], fill_value, tolerance))
        if spectral_unit is None:
            text = self._header.get("CUNIT1", "")
            spectral_unit = u.Unit(text) if text else (u.Unit(wcs.wcs.cunit[0]) if wcs is not None else None)
        self._spectral_unit = spectral_unit
        return self

    @property
    def spectral_axis(self) -> u.Quantity:
        """Coordinates of the channels."""
        if self._wcs is None:
            return np.arange(self.size) * u.one
        axis = self._wcs.wcs_pix2world(np.arange(self.size, dtype=float), 0)[0] * u.Unit(self._wcs.wcs.cunit[0])
        return axis if self._spectral_unit is None else axis.to(self._spectral_unit)

    @property
    def header(self) -> fits.Header:
        """The header that a file of this has, its axis in `spectral_axis`' unit."""
        header = super().header
        own = header.get("CUNIT1")
        if own and self._spectral_unit is not None and u.Unit(own) != self._spectral_unit:
            scale = u.Unit(own).to(self._spectral_unit)
            header["CDELT1"] = header.get("CDELT1", 1.0) * scale
            header["CRVAL1"] = header.get("CRVAL1", 0.0) * scale
            header["CUNIT1"] = convert.text_of_unit(self._spectral_unit)
        return header

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        if isinstance(key, slice):
            facts: dict[str, Any] = {"wcs": convert.sliced_wcs(self._wcs, key, self.shape), "mask": None if self._mask is None else self._mask[key]}
            if self._beams is not None:
                facts["beams"], facts["goodbeams"] = self._beams[key], None if self._goodbeams is None else self._goodbeams[key]
            return self._again(part.value, **facts)
        plain = u.Quantity(part.value, part.unit, subok=False, dtype=part.dtype, copy=True)
        if self._mask is not None and plain.dtype.kind == "f":
            excluded = self._mask.exclude()[key]
            plain = u.Quantity(np.where(excluded, np.nan, plain.value), plain.unit)
        return plain

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {np.array2string(self._filled(self._fill_value), separator=',')}{self._unitstr}>"

    @staticmethod
    def from_hdu(hdu: Any, ext: int = 0) -> Any:
        """The spectrum of an astropy HDU, or of number `ext` of an HDUList, whose table of beams counts."""
        hdus = hdu if isinstance(hdu, fits.HDUList) else fits.HDUList([hdu])
        line = hdus[ext]
        if np.ndim(line.data) != 1:
            raise UserError("HDU must contain one-dimensional data.")
        text = str(line.header.get("BUNIT", ""))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wcs = WCS(line.header)
        values = line.data.astype(line.data.dtype.newbyteorder("="), copy=False)
        facts = {"unit": convert.unit_from_text(text), "wcs": wcs, "meta": {"BUNIT": text} if text else {}, "header": line.header}
        for table in hdus:
            if table.name == "BEAMS" and hasattr(table, "columns"):
                return VaryingResolutionOneDSpectrum(values, beams=convert.beams_of_table(table), **facts)
        return OneDSpectrum(values, beam=convert.beam_of_header(line.header), **facts)

    def quicklook(self, filename: str | os.PathLike[str] | None = None, drawstyle: str = "steps-mid", **options: Any) -> None:
        """Draws the spectrum into matplotlib's current axes, and saves the figure where `filename` is given."""
        from matplotlib import pyplot

        axes = pyplot.gca()
        axes.plot(self.spectral_axis.value, self._filled(np.nan), drawstyle=drawstyle, **options)
        axes.set_xlabel(self.spectral_axis.unit.to_string())
        axes.set_ylabel(self.unit.to_string())
        if filename is not None:
            pyplot.gcf().savefig(filename)

    def with_spectral_unit(self, unit: Any, velocity_convention: Any = None, rest_value: Any = None) -> Any:
        """The spectral axis in another unit; see `SpectralCube.with_spectral_unit`."""
        wcs = convert.spectral_wcs(self._wcs, unit, velocity_convention, rest_value)
        meta = dict(self.meta)
        if "Original Unit" not in meta:
            meta["Original Unit"], meta["Original Type"] = str(self._wcs.wcs.cunit[0]), str(self._wcs.wcs.ctype[0])
        return self._again(wcs=wcs, spectral_unit=u.Unit(unit), mask=None if self._mask is None else self._mask._moved(wcs), meta=meta)

    def _frequency(self) -> Any:
        if self._wcs is not None and self._wcs.wcs.spec >= 0:
            return self.with_spectral_unit(u.Hz).spectral_axis
        return super()._frequency()

    def spectral_interpolate(self, spectral_grid: u.Quantity, suppress_smooth_warning: bool = False, fill_value: float | None = None) -> Any:
        """The spectrum on another grid of channels, linearly; see `SpectralCube.spectral_interpolate`.

        `fill_value`: of channels outside of the spectrum; None takes the nearest channel, as in spectral_cube.
        """
        grid = SpectralGrid(self.spectral_axis, spectral_grid, suppress_smooth_warning)
        low, high, weight = grid.low, grid.high, grid.weight
        values, included = self._filled(np.nan).astype(float), self.mask.include()
        made = np.where(weight == 0, values[low], (1 - weight) * values[low] + weight * values[high])
        made = made if fill_value is None else np.where(grid.inside, made, fill_value)
        kept = included[low] & included[high] | (weight == 0) & included[low]
        wcs = grid.wcs(self._wcs)
        return self._again(made.astype(self.dtype), wcs=wcs, spectral_unit=spectral_grid.unit, mask=BooleanArrayMask(kept, wcs))

    def spectral_smooth(self, kernel: Any, convolve: Any = None, **options: Any) -> Any:
        """The spectrum convolved with a 1-D kernel; `convolve` and `options` as of astropy.convolution.convolve."""
        from freestone.astro.convolving import convolution

        return self._again(convolution(convolve, options)(self._filled(np.nan), kernel, normalize_kernel=True, **options).astype(self.dtype))


class OneDSpectrum(BaseOneDSpectrum, SingleBeam):
    """A spectrum with its axis, unit, mask and beam.

    Parameters
    ----------
    value : array_like or Quantity, one axis
    beam : radio_beam.Beam, optional
    read_beam : bool
        Take the beam from the header where `beam` is not given.
    unit, dtype, copy, wcs, meta, mask, header, spectral_unit, fill_value, wcs_tolerance
        As of `Projection`; `wcs` has one axis.
    """

    def __new__(cls, value: Any, beam: Any = None, read_beam: bool = False, **options: Any) -> Any:
        self = cls._numbers(cls, value, options)
        if beam is None:
            beam = self._meta.get("beam") or (convert.beam_of_header(self._header) if read_beam else None)
        if beam is not None:
            self._beam = self._meta["beam"] = beam
        return self

    def with_beam(self, beam: Any, raise_error_jybm: bool = True) -> Any:
        """The same numbers with another beam. In Jy/beam only with ``raise_error_jybm=False``."""
        if not isinstance(beam, Beam):
            raise UserError("beam must be a radio_beam.Beam object.")
        self.check_jybeam_smoothing(raise_error_jybm=raise_error_jybm)
        return self._again(beam=beam)


class VaryingResolutionOneDSpectrum(BaseOneDSpectrum, ManyBeams):
    """A spectrum with a beam for each channel.

    Parameters
    ----------
    value : array_like or Quantity, one axis
    beams : radio_beam.Beams, or a FITS table of them
    goodbeams_mask : array of bool, optional
        Channels whose beam is to be used; default those that are finite.
    unit, dtype, copy, wcs, meta, mask, header, spectral_unit, fill_value, wcs_tolerance
        As of `OneDSpectrum`.
    """

    def __new__(cls, value: Any, beams: Any = None, read_beam: bool = False, goodbeams_mask: Any = None, **options: Any) -> Any:
        self = cls._numbers(cls, value, options)
        if beams is None:
            beams = self._meta.get("beams")
        if beams is None:
            raise UserError("A spectrum of varying resolution has beams: radio_beam.Beams, one a channel.")
        self._beams = self._meta["beams"] = convert.beams_of_table(beams)
        if len(self._beams) != self.size:
            raise UserError(f"There are {len(self._beams)} beams for {self.size} channels.")
        self._goodbeams = goodbeams_mask
        return self

    def _with_beam_table(self, beams: Any, good: Any, mask: Any, threshold: Any) -> Any:
        own = mask if self._mask is None else self._mask if mask is None else CompositeMask(self._mask, mask)
        made = self._again(beams=beams, goodbeams=good, mask=own, meta={**self.meta, "beams": beams})
        if threshold is not None:
            made.beam_threshold = threshold
        return made

    def _beam_area(self) -> Any:
        return self._beams.sr

    @property
    def hdu(self) -> fits.PrimaryHDU:
        """Without the beams; `hdulist` has them."""
        warnings.warn("There are multiple beams for this spectrum that are being ignored when creating the HDU.", BeamWarning, stacklevel=2)
        return fits.PrimaryHDU(self.value, self.header)

    @property
    def hdulist(self) -> fits.HDUList:
        """The spectrum and the table of its beams."""
        return fits.HDUList([fits.PrimaryHDU(self.value, self.header), convert.table_of_beams(self._beams)])
