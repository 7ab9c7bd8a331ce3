"""Resolution: one beam, or one a channel, as radio_beam's objects."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import astropy.units as u
import numpy as np
from radio_beam import Beam, Beams

from freestone.astro.conditions import BeamAverageError, BeamAverageWarning, BeamUnitsError, BeamWarning, NoBeamError
from freestone.astro.masks import BooleanArrayMask
from freestone.errors import UserError

__all__ = ["SingleBeam", "ManyBeams", "check_jybeam", "beam_threshold"]

#: The fraction by which areas and axes of beams may differ where channels are mixed.
beam_threshold = 0.01

_CRITERIA = ("sr", "major", "minor", "pa")


def check_jybeam(unit: Any, raise_error_jybm: bool) -> None:
    """Raises or warns where a change of resolution would change the meaning of values per beam."""
    if not unit.is_equivalent(u.Jy / u.beam):
        return
    if raise_error_jybm:
        raise BeamUnitsError(
            "Attempting to change the spatial resolution of a cube with Jy/beam units. Convert first (to), use convolve_to, or set `raise_error_jybm=False`."
        )
    warnings.warn("Changing the spatial resolution of a cube with Jy/beam units. The brightness units may be wrong!", BeamWarning, stacklevel=3)


def _as_beam(beam: Any) -> Any:
    if isinstance(beam, Beam) or beam is None:
        return beam
    if all(hasattr(beam, name) for name in ("major", "minor", "pa")):
        return Beam(major=beam.major, minor=beam.minor, pa=beam.pa)
    raise UserError(f"beam must be a radio_beam.Beam object, or have major, minor and pa; got {beam!r}.")


class SingleBeam:
    """What has one beam in `_beam`."""

    _beam: Any
    unit: Any
    wcs: Any

    @property
    def beam(self) -> Any:
        """The resolution.

        Raises
        ------
        NoBeamError
            There is none.
        """
        if getattr(self, "_beam", None) is None:
            raise NoBeamError("No beam is defined for this object, or the header has none. A `radio_beam.Beam` is set by `with_beam`.")
        return self._beam

    @property
    def pixels_per_beam(self) -> float:
        """Pixels that the beam's solid angle covers."""
        return float(self.beam.pixels_per_beam(self.wcs))

    def check_jybeam_smoothing(self, raise_error_jybm: bool = True) -> None:
        """Raises `BeamUnitsError` (or warns) where values are per beam."""
        check_jybeam(self.unit, raise_error_jybm)


class ManyBeams:
    """What has a beam for each channel in `_beams`, of which `_goodbeams` says the valid ones."""

    _beams: Any
    _goodbeams: Any
    unit: Any
    wcs: Any
    shape: Any
    beam_threshold: float = beam_threshold
    with_spectral_unit: Callable[..., Any]
    _with_beam_table: Callable[..., Any]

    @property
    def beams(self) -> Any:
        """`radio_beam.Beams` of the channels that are not masked for their beam."""
        return self._beams[self.goodbeams_mask]

    @property
    def unmasked_beams(self) -> Any:
        """`radio_beam.Beams` of all channels."""
        return self._beams

    @property
    def goodbeams_mask(self) -> np.ndarray[Any, Any]:
        """Channels whose beam is finite and not masked."""
        if getattr(self, "_goodbeams", None) is not None:
            return np.asarray(self._goodbeams, dtype=bool)
        return np.asarray(self._beams.isfinite, dtype=bool)

    @property
    def pixels_per_beam(self) -> list[float]:
        """Pixels that each beam's solid angle covers."""
        return [float(beam.pixels_per_beam(self.wcs)) for beam in self.beams]

    def check_jybeam_smoothing(self, raise_error_jybm: bool = True) -> None:
        """Raises `BeamUnitsError` (or warns) where values are per beam."""
        check_jybeam(self.unit, raise_error_jybm)

    def jtok_factors(self, equivalencies: Any = ()) -> np.ndarray[Any, Any]:
        """Kelvin for 1 Jy/beam, for each channel with a valid beam."""
        frequencies = self.with_spectral_unit(u.Hz).spectral_axis[self.goodbeams_mask]
        return np.array([u.Jy.to(u.K, equivalencies=[*beam.jtok_equiv(f), *equivalencies]) for beam, f in zip(self.beams, frequencies)])

    def identify_bad_beams(
        self, threshold: float, reference_beam: Any = None, criteria: Sequence[str] = ("sr", "major", "minor"), mid_value: Any = np.nanmedian
    ) -> np.ndarray[Any, Any]:
        """Channels whose beam differs from the middle one by at most `threshold`, as an array of bool.

        Parameters
        ----------
        threshold : float
            Fraction.
        reference_beam : radio_beam.Beam, optional
            Instead of the middle values.
        criteria : sequence of {"sr", "major", "minor", "pa"}
        mid_value : callable
            Finds the middle value; default the median.
        """
        if not set(criteria) <= set(_CRITERIA):
            raise UserError(f"Criteria must be one of the allowed options: {', '.join(_CRITERIA)}.")
        if reference_beam is None:
            reference_beam = Beam(**{name: u.Quantity(mid_value(getattr(self._beams, name))) for name in ("major", "minor", "pa")})
        good = np.ones(len(self._beams), dtype=bool)
        for name in criteria:
            middle = getattr(reference_beam, name)
            with np.errstate(invalid="ignore", divide="ignore"):
                difference = np.abs(((getattr(self._beams, name) - middle) / middle).to_value(u.one))
            good &= difference <= threshold
        return good

    def mask_out_bad_beams(
        self, threshold: float, reference_beam: Any = None, criteria: Sequence[str] = ("sr", "major", "minor"), mid_value: Any = np.nanmedian
    ) -> Any:
        """The same with the channels masked that `identify_bad_beams` finds; `threshold` becomes the object's `beam_threshold`."""
        good = self.identify_bad_beams(threshold, reference_beam, criteria, mid_value)
        mask = BooleanArrayMask(good.reshape((-1,) + (1,) * (len(self.shape) - 1)), self.wcs, shape=tuple(self.shape))
        return self._with_beam_table(self._beams, self.goodbeams_mask & good, mask, threshold)

    def with_beams(self, beams: Any, goodbeams_mask: Any = None, raise_error_jybm: bool = True) -> Any:
        """The same elements with other beams: `radio_beam.Beams`, one a channel."""
        self.check_jybeam_smoothing(raise_error_jybm=raise_error_jybm)
        if not isinstance(beams, Beams):
            raise UserError("beams must be a radio_beam.Beams object.")
        if len(beams) != self.shape[0]:
            raise UserError(f"There are {len(beams)} beams for {self.shape[0]} channels.")
        return self._with_beam_table(beams, goodbeams_mask, None, None)

    def average_beams(self, threshold: float, mask: Any = "compute", warn: bool = False) -> Any:
        """The arithmetic mean of beams that are nearly the same.

        Parameters
        ----------
        threshold : float or dict
            The fraction by which area, major and minor axis may differ from the mean's; a dict has ``sr``, ``major``, ``minor``.
        mask : "compute", None, or array of bool
            Which channels count: "compute" and None, those with a valid beam; an array of bool says it (per channel, or of the cube).
        warn : bool
            Say that it was done.

        Raises
        ------
        BeamAverageError
            They differ more, or none is left.
        """
        good = self.goodbeams_mask
        if mask is not None and not isinstance(mask, str):
            included = np.asarray(mask, dtype=bool)
            good = good & (included if included.ndim == 1 else included.any(axis=tuple(range(1, included.ndim))))
        if not good.any():
            raise BeamAverageError(f"All beams were excluded using threshold {threshold}.")
        mean = self._beams.average_beam(includemask=good)
        differences = []
        for name in ("sr", "major", "minor"):
            values, middle = getattr(self._beams, name)[good], getattr(mean, name)
            most = float(np.max(np.abs(((values - middle) / middle).to_value(u.one))))
            limit = threshold[name] if isinstance(threshold, dict) else threshold
            if most > limit:
                differences.append(f"Beam {name}s differ by up to {most:.4g}x, which is greater than the threshold {limit}")
        if differences:
            raise BeamAverageError("\n".join([*differences, "Convolve to a common beam first: cube.convolve_to(cube.common_beam())."]))
        if warn:
            warnings.warn(
                f"Arithmetic beam averaging is being performed, which is permitted because the beams differ by <{threshold}.", BeamAverageWarning, stacklevel=2
            )
        return mean

    def common_beam(self, **options: Any) -> Any:
        """The smallest beam that encloses all valid ones: radio_beam's `Beams.common_beam` (its defaults: tolerance 1e-4, 200 samples)."""
        return self.beams.common_beam(**options)
