"""Spectral cubes with units, coordinates and beams, under the names of the package spectral_cube.

>>> from freestone.astro import SpectralCube
>>> cube = SpectralCube.read("cube.fits")                                     # doctest: +SKIP
>>> cube.sigma_clip_spectrally(3).moment(order=1).write("m1.fits")            # doctest: +SKIP

Needs astropy; beams are `radio_beam.Beam` when radio-beam is installed.
"""

from freestone.astro._cube import SpectralCube
from freestone.astro._results import LazyResult, Mask, OneDSpectrum, Projection

__all__ = ["SpectralCube", "Projection", "OneDSpectrum", "LazyResult", "Mask"]
