"""Warnings and errors, under spectral_cube's names.

Errors are also `freestone.UserError` (and so ValueError), which says what is wrong and what to do.
"""

from __future__ import annotations

from astropy.utils.exceptions import AstropyUserWarning

from freestone.errors import UserError

__all__ = [
    "SpectralCubeWarning", "VarianceWarning", "SliceWarning", "BeamAverageWarning", "BeamWarning", "StokesWarning", "PossiblySlowWarning",
    "SmoothingWarning", "NonFiniteBeamsWarning", "WCSWarning", "FITSWarning", "BadVelocitiesWarning", "SchedulerWarning",
    "WCSCelestialError", "NoBeamError", "BeamUnitsError", "BeamAverageError",
]  # fmt: skip


class SpectralCubeWarning(AstropyUserWarning):
    """Any warning about a cube."""


class VarianceWarning(SpectralCubeWarning):
    """Moment 2 is a variance, not a width."""


class SliceWarning(SpectralCubeWarning):
    """A part has lost coordinates, or is not what was probably meant."""


class BeamAverageWarning(SpectralCubeWarning):
    """Beams were averaged arithmetically."""


class BeamWarning(SpectralCubeWarning):
    """A resolution is missing, or a change of it does not change values that depend on it."""


class StokesWarning(SpectralCubeWarning):
    """Of several Stokes parameters one was taken."""


class PossiblySlowWarning(SpectralCubeWarning):
    """Never raised here: nothing loads the whole cube."""


class SmoothingWarning(SpectralCubeWarning):
    """An output grid is too coarse for an input that was not smoothed."""


class NonFiniteBeamsWarning(SpectralCubeWarning):
    """Channels without a valid beam are masked."""


class WCSWarning(SpectralCubeWarning):
    """A WCS has lost a projection."""


class FITSWarning(SpectralCubeWarning):
    """A FITS header says something unusual."""


class BadVelocitiesWarning(SpectralCubeWarning):
    """Velocities lie outside of the spectral axis."""


class SchedulerWarning(SpectralCubeWarning):
    """Work runs elsewhere than asked."""


class WCSCelestialError(UserError):
    """There are no two axes of the sky."""


class NoBeamError(UserError, AttributeError):
    """There is no beam."""


class BeamUnitsError(UserError):
    """A change of resolution would change the meaning of values per beam."""


class BeamAverageError(UserError):
    """The beams of channels differ too much for an operation that mixes them."""
