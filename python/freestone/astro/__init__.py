"""Spectral cubes with units, coordinates and beams, under the names of the package spectral_cube.

>>> from freestone.astro import SpectralCube
>>> cube = SpectralCube.read("cube.fits")                                     # doctest: +SKIP
>>> cube.sigma_clip_spectrally(3).moment(order=1).write("m1.fits")            # doctest: +SKIP

Needs astropy and radio-beam; reproject and regions where they are asked for.
"""

from freestone.astro.conditions import *
from freestone.astro.lazy_result import LazyResult
from freestone.astro.masks import BooleanArrayMask, CompositeMask, FunctionMask, InvertedMask, LazyComparisonMask, LazyMask, MaskBase
from freestone.astro.mosaic import combine_headers, mosaic_cubes
from freestone.astro.projection import LowerDimensionalObject, Projection, Slice
from freestone.astro.spectral_cube import BaseSpectralCube, SpectralCube
from freestone.astro.spectrum import OneDSpectrum, VaryingResolutionOneDSpectrum
from freestone.astro.stacking import fourier_shift, stack_cube, stack_spectra
from freestone.astro.stokes import StokesSpectralCube
from freestone.astro.varying_resolution import VaryingResolutionSpectralCube

#: spectral_cube's names of its classes on Dask.
DaskSpectralCube = SpectralCube
DaskVaryingResolutionSpectralCube = VaryingResolutionSpectralCube
Mask = MaskBase
