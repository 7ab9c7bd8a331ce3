"""Cubes with a beam for each channel."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from astropy.io import fits

from freestone._array import Array
from freestone.astro import convert
from freestone.astro.beams import ManyBeams, _as_beam
from freestone.astro.conditions import BeamWarning
from freestone.astro.convolving import areas_ratio, astropys, convolution, convolved_channels, kernel_between
from freestone.astro.cube_base import own_options
from freestone.astro.masks import BooleanArrayMask, CompositeMask, MaskBase
from freestone.astro.spectral_cube import BaseSpectralCube, SpectralCube
from freestone.errors import UserError

__all__ = ["VaryingResolutionSpectralCube"]


class VaryingResolutionSpectralCube(BaseSpectralCube, ManyBeams):
    """A cube whose channels have beams of their own.

    What mixes channels (reductions and moments over the spectral axis) needs beams that differ by at most `beam_threshold` (0.01) in area and
    axes, and gives their mean; otherwise it raises: convolve to a common beam first. Channels without a valid beam are masked.

    Parameters
    ----------
    data, wcs, mask, meta, fill_value, header, wcs_tolerance
        As of `SpectralCube`.
    beams, beam_table : radio_beam.Beams, or a FITS table of them
        One a channel.
    goodbeams_mask : array of bool, optional
        Channels whose beam is to be used; default those that are finite.
    major_unit, minor_unit
        Taken; a table says its units, arcsec by default.
    """

    def __init__(
        self, data: Any, *args: Any, beams: Any = None, beam_table: Any = None, goodbeams_mask: Any = None, beam_threshold: float = 0.01,
        major_unit: Any = None, minor_unit: Any = None, **options: Any,
    ) -> None:  # fmt: skip
        meta = options.get("meta") or {}
        given = beams if beams is not None else beam_table if beam_table is not None else meta.get("beams")
        if given is None:
            raise UserError("A cube of varying resolution has beams: radio_beam.Beams, one a channel.")
        super().__init__(data, *args, **options)
        table = convert.beams_of_table(given, self.shape[0])
        self._sky = self._sky.with_beams(convert.rows_of_beams(table))
        self._take_beams(table, goodbeams_mask)
        self.beam_threshold = beam_threshold

    def _take_beams(self, beams: Any, goodbeams_mask: Any = None) -> None:
        """Takes the beams of `_sky` as radio_beam's, masks channels without."""
        self._beams = convert.beams_from_numbers(self._sky.beams) if beams is None else beams
        self._goodbeams = goodbeams_mask
        good = self.goodbeams_mask
        if not good.all():
            mask = BooleanArrayMask(good[:, None, None], self.wcs, shape=self.shape)
            self._mask = mask if self._mask is None else CompositeMask(self._mask, mask)

    def _with_beam_table(self, beams: Any, good: Any, mask: MaskBase | None, threshold: Any) -> Any:
        own = self._mask if mask is None else mask if self._mask is None else CompositeMask(self._mask, mask)
        made = self._but(self._sky.with_beams(convert.rows_of_beams(beams)), beams=beams, goodbeams=good, mask=own)
        if threshold is not None:
            made.beam_threshold = threshold
        return made

    def _sliced(self, keys: list[Any], mask: Any, meta: Any) -> Any:
        made = super()._sliced(keys, mask, meta)
        made._beams = self._beams[keys[0]]
        made._goodbeams = None if self._goodbeams is None else np.asarray(self._goodbeams)[keys[0]]
        return made

    def _facts(self, axis: Any) -> dict[str, Any]:
        facts = super()._facts(axis)
        removed = self._numbers(axis)
        if 0 in removed:
            if len(removed) < 3:
                facts["beam"] = self.average_beams(self.beam_threshold, warn=True)
                facts["meta"]["beam"] = facts["beam"]
            else:
                self.average_beams(self.beam_threshold)
        elif removed == (1, 2):
            facts["beams"], facts["goodbeams"] = self._beams, self._goodbeams
            facts["meta"]["beams"] = self._beams
        return facts

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        channel = key[0] if isinstance(key, tuple) else key
        if hasattr(part, "_dress"):
            if isinstance(channel, (int, np.integer)) and part.ndim == 2:
                part._dress(beam=self._beams[int(channel)], beams=None)
                part._meta["beam"] = part._beam
            elif part.ndim == 1:
                rows = channel if isinstance(channel, slice) else slice(None)
                part._dress(beams=self._beams[rows], goodbeams=None if self._goodbeams is None else np.asarray(self._goodbeams)[rows])
                part._meta["beams"] = part._beams
        return part

    @property
    def beam(self) -> Any:
        """There is none: `beams`.

        Raises
        ------
        AttributeError
        """
        raise AttributeError("A cube of varying resolution has no one beam; it has beams. See common_beam and convolve_to.")

    @property
    def meta(self) -> dict[str, Any]:
        """What is known beside the coordinates: ``BUNIT``, ``beams``, and what the constructor was given."""
        return {**super().meta, "beams": self._beams}

    @property
    def hdu(self) -> fits.PrimaryHDU:
        """There is none: the beams need a table, see `hdulist`.

        Raises
        ------
        UserError
        """
        raise UserError("For VaryingResolutionSpectralCube's, use hdulist instead of hdu.")

    @property
    def hdulist(self) -> fits.HDUList:
        """All elements, which are computed, with the header; and the table of all beams."""
        return fits.HDUList([fits.PrimaryHDU(np.asarray(self), self.header), convert.table_of_beams(self._beams)])

    def with_beam(self, beam: Any, raise_error_jybm: bool = True) -> Any:
        """A `SpectralCube` of the same elements with one beam. Of a cube in Jy/beam only with ``raise_error_jybm=False``."""
        self.check_jybeam_smoothing(raise_error_jybm=raise_error_jybm)
        return self._single(self._data, _as_beam(beam))

    def _single(self, array: Array, beam: Any) -> SpectralCube:
        made = object.__new__(SpectralCube)
        made.__dict__.update(self._but(self._sky.with_data(array._core).with_beam(convert.numbers_of_beam(beam))).__dict__)
        for name in ("_beams", "_goodbeams", "beam_threshold"):
            made.__dict__.pop(name, None)
        made._cache["beam"] = beam
        return made

    def convolve_to(self, beam: Any, allow_smaller: bool = False, convolve: Any = None, save_to_tmp_dir: bool = False, **options: Any) -> SpectralCube:
        """A `SpectralCube` with every channel at the resolution `beam`, each convolved with its own kernel.

        Parameters
        ----------
        beam : radio_beam.Beam
            ``cube.common_beam()`` is the smallest that encloses all.
        allow_smaller : bool
            Leave channels as they are that `beam` does not enclose; False: they are an error. Its Jy/beam are not scaled then.
        convolve, save_to_tmp_dir, options
            As of `SpectralCube.convolve_to`.
        """
        own = own_options(options, ours=convolve is None)
        beam = _as_beam(beam)
        if not hasattr(beam, "deconvolve"):
            raise UserError(f"A beam has major, minor and pa, each an angle (radio_beam.Beam); got {beam!r}.")
        pc = self.wcs.celestial.wcs.get_pc()
        if pc[0, 1] != 0 or pc[1, 0] != 0:
            warnings.warn(
                "The kernels do not know of the rotation between pixels and sky: where beams are not round, they lie askew.", BeamWarning, stacklevel=2
            )
        pixel = self.pixel_area**0.5
        data = self._blocked(self._filled(), (1, 2))
        table = [self._beams[k] for k in range(len(self._beams))]
        if astropys(convolve, own):
            made = convolved_channels(data, table, self.goodbeams_mask, beam, pixel, self.unit, allow_smaller, self._scheduler.workers)
        else:
            made = self._convolved_by(convolve, own, table, beam, pixel, allow_smaller)
        return self._single(made, beam)._kept(save_to_tmp_dir)

    def _convolved_by(self, convolve: Any, options: dict[str, Any], table: list[Any], beam: Any, pixel: Any, allow_smaller: bool) -> Array:
        """The same with a function of the user's."""
        own_convolve = convolution(convolve, options)
        kernels: list[Any] = []
        for own, good in zip(table, self.goodbeams_mask):
            try:
                kernels.append(kernel_between(own, beam, pixel) if good else None)
            except UserError:
                if not allow_smaller:
                    raise
                kernels.append(None)

        def function(block: np.ndarray[Any, Any], block_info: Any = None) -> Any:
            first = block_info[0]["array-location"][0][0]
            out = np.empty_like(block)
            for k, image in enumerate(block):
                kernel = kernels[first + k]
                if kernel is None:
                    out[k] = image
                else:
                    out[k] = own_convolve(image, kernel, **{"normalize_kernel": True, **options}) * areas_ratio(self.unit, table[first + k], beam)
            return out

        return self._called(function, (1, 2), True, {})

    def _after_downsampling(self, before: Any, factor: int, axis: int) -> None:
        if axis == 0:
            # Groups of channels have the mean of their beams, which hardly differ: that was checked.
            raise_if_different = before.average_beams(before.beam_threshold)
            self._beams = convert.beams_from_numbers([convert.numbers_of_beam(raise_if_different)] * self.shape[0])
            self._goodbeams = None
            self._sky = self._sky.with_beams(convert.rows_of_beams(self._beams))

    def spectral_interpolate(self, *args: Any, **options: Any) -> Any:
        """Refused: channels of different resolution would be mixed."""
        raise AttributeError("VaryingResolutionSpectralCubes can't be spectrally interpolated. Convolve to a common resolution with `convolve_to` first.")

    def spectral_smooth(self, *args: Any, **options: Any) -> Any:
        """Refused: channels of different resolution would be mixed."""
        raise AttributeError("VaryingResolutionSpectralCubes can't be spectrally smoothed. Convolve to a common resolution with `convolve_to` first.")

    def spectral_filter(self, *args: Any, **options: Any) -> Any:
        """Refused: channels of different resolution would be mixed."""
        raise AttributeError("VaryingResolutionSpectralCubes can't be spectrally filtered. Convolve to a common resolution with `convolve_to` first.")
