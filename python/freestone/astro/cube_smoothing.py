"""Clipping, smoothing, interpolating and regridding a cube."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import astropy.units as u
import numpy as np

from freestone import _core
from freestone._array import Array, apply, asarray
from freestone._indexing import take
from freestone._statistics import sigma_clip
from freestone._user import map_blocks
from freestone.astro.convolving import astropys, convolution, image_convolved
from freestone.astro.cube_base import accept, axis_number, own_options
from freestone.astro.cube_functions import CubeFunctions
from freestone.astro.grid import SpectralGrid
from freestone.astro.masks import LazyMask
from freestone.errors import UserError

__all__ = ["CubeSmoothing"]

_GROUPS = {"amin": "min", "amax": "max", "average": "mean"}


class CubeSmoothing(CubeFunctions):
    """What changes elements by their neighbours. Lazy; the type of the elements stays; `save_to_tmp_dir` computes now and keeps (see `rechunk`)."""

    check_jybeam_smoothing: Callable[..., None]

    def sigma_clip_spectrally(self, threshold: float, save_to_tmp_dir: bool = False, **options: Any) -> Any:
        """Outliers of each spectrum become NaN, by the rule of astropy.stats.sigma_clip; the cube's mask stays as it is.

        Parameters
        ----------
        threshold : float
            In units of the deviation.
        save_to_tmp_dir : bool
        maxiters : int or None
            Default 5.
        cenfunc, stdfunc
            "median" or "mean"; "std" or "mad_std". Other functions, ``grow`` and the like run in astropy, block by block.
        sigma_lower, sigma_upper : float, optional
        """
        own = own_options(options, ours=True)
        center, deviation = own.get("cenfunc", "median"), own.get("stdfunc", "std")
        if isinstance(center, str) and isinstance(deviation, str) and set(own) <= {"maxiters", "cenfunc", "stdfunc", "sigma_lower", "sigma_upper"}:
            clipped = sigma_clip(
                self._finite(), threshold, 0, own.get("maxiters", 5), low=own.get("sigma_lower"), high=own.get("sigma_upper"), center=center,
                deviation=deviation,
            )  # fmt: skip
            return self._on(clipped)._kept(save_to_tmp_dir)

        def clip(spectra: np.ndarray[Any, Any]) -> Any:
            from astropy.stats import sigma_clip as astropys_clip

            return astropys_clip(spectra, sigma=threshold, axis=0, masked=False, copy=True, **own)

        return self.apply_function_parallel_spectral(clip, accepts_chunks=True, save_to_tmp_dir=save_to_tmp_dir)

    def _finite(self) -> Array:
        """The elements, NaN where they are masked or infinite."""
        data = self._filled()
        return data if data.dtype.kind != "f" else apply("where", apply("isfinite", data), data, float("nan"))

    # Smoothing.

    def spectral_smooth(self, kernel: Any, convolve: Callable[..., Any] | None = None, save_to_tmp_dir: bool = False, **options: Any) -> Any:
        """Spectra convolved with a 1-D kernel made to sum to 1: NaN left out and its weight with it, 0 outside; the mask stays as it is.

        Parameters
        ----------
        kernel : astropy.convolution.Kernel1D, or array of odd length
        convolve : callable, optional
            Another function, of the signature of astropy.convolution.convolve; it and other `options` run in Python, block by block.
        """
        weights = _weights(kernel, 1)
        own = own_options(options, ours=convolve is None)
        if astropys(convolve, own):
            made = Array(_core.convolve(self._filled()._core, (weights / _nonzero(weights)).tolist(), 0, "interpolate"))
            return self._on(made)._kept(save_to_tmp_dir)
        function = convolution(convolve, own)

        def smooth(block: np.ndarray[Any, Any], **rest: Any) -> Any:
            return function(block, weights[:, None, None], **{"normalize_kernel": True, **rest})

        return self.apply_function_parallel_spectral(smooth, accepts_chunks=True, save_to_tmp_dir=save_to_tmp_dir, **own)

    def spatial_smooth(
        self, kernel: Any, convolve: Callable[..., Any] | None = None, raise_error_jybm: bool = True, save_to_tmp_dir: bool = False, **options: Any
    ) -> Any:
        """Channels convolved with a 2-D kernel made to sum to 1; as `spectral_smooth`. In Jy/beam only with ``raise_error_jybm=False``."""
        self.check_jybeam_smoothing(raise_error_jybm=raise_error_jybm)
        weights = _weights(kernel, 2)
        _nonzero(weights)
        own = own_options(options, ours=convolve is None)
        if astropys(convolve, own):
            return self._on(image_convolved(self._filled(), weights))._kept(save_to_tmp_dir)
        function = convolution(convolve, own)

        def smooth(image: np.ndarray[Any, Any], **rest: Any) -> Any:
            return function(image, weights, **{"normalize_kernel": True, **rest})

        return self.apply_function_parallel_spatial(smooth, save_to_tmp_dir=save_to_tmp_dir, **own)

    def spectral_filter(self, ksize: int, filter: Callable[..., Any], raise_error_jybm: bool = True, save_to_tmp_dir: bool = False, **options: Any) -> Any:
        """Spectra through a filter of scipy.ndimage, ``filter(block, size, **options)``, `ksize` channels wide."""
        if not float(ksize).is_integer() or ksize < 1:
            raise TypeError(f"ksize should be an integer of 1 or more (got {ksize})")
        size = (int(ksize), 1, 1)
        return self.apply_function_parallel_spectral(
            lambda block, **rest: filter(block, size, **rest), accepts_chunks=True, save_to_tmp_dir=save_to_tmp_dir, **own_options(options)
        )

    def spectral_smooth_median(
        self, ksize: int, raise_error_jybm: bool = True, filter: Callable[..., Any] | None = None, save_to_tmp_dir: bool = False, **options: Any
    ) -> Any:
        """Spectra through a running median of `ksize` channels: scipy.ndimage.median_filter with its `options`."""
        return self.spectral_filter(ksize, _median_filter(filter), raise_error_jybm, save_to_tmp_dir, **own_options(options, ours=filter is None))

    def spatial_filter(self, ksize: Any, filter: Callable[..., Any], raise_error_jybm: bool = True, save_to_tmp_dir: bool = False, **options: Any) -> Any:
        """Channels through a filter of scipy.ndimage, ``filter(image, size=ksize, **options)``. In Jy/beam only with ``raise_error_jybm=False``."""
        self.check_jybeam_smoothing(raise_error_jybm=raise_error_jybm)
        return self.apply_function_parallel_spatial(
            lambda image, **rest: filter(image, size=ksize, **rest), save_to_tmp_dir=save_to_tmp_dir, **own_options(options)
        )

    def spatial_smooth_median(
        self, ksize: Any, raise_error_jybm: bool = True, filter: Callable[..., Any] | None = None, save_to_tmp_dir: bool = False, **options: Any
    ) -> Any:
        """Channels through a running median of `ksize` x `ksize` pixels: scipy.ndimage.median_filter with its `options`."""
        return self.spatial_filter(ksize, _median_filter(filter), raise_error_jybm, save_to_tmp_dir, **own_options(options, ours=filter is None))

    # Other grids.

    def spectral_interpolate(
        self, spectral_grid: u.Quantity, suppress_smooth_warning: bool = False, fill_value: float | None = None, force_rechunk: bool = True,
        save_to_tmp_dir: bool = False, **options: Any,
    ) -> Any:  # fmt: skip
        """The cube on another, evenly spaced grid of channels, linearly; rising or falling.

        Parameters
        ----------
        spectral_grid : Quantity
            In a unit that the spectral axis' converts to by a factor.
        suppress_smooth_warning : bool
            No warning when the grid is more than twice as coarse as the axis.
        fill_value : float, optional
            Of channels outside of the cube; None takes the nearest channel.
        """
        accept(options)
        grid = SpectralGrid(self.spectral_axis, spectral_grid, suppress_smooth_warning)
        data = self._filled()
        floating = data if data.dtype.kind == "f" else data.astype(float)
        weight = asarray(grid.weight[:, None, None])
        low = take(floating, grid.low, axis=0).astype(float)
        high = take(floating, grid.high, axis=0).astype(float)
        # On a channel its neighbour does not count, not even as NaN.
        made = apply("where", asarray((grid.weight == 0)[:, None, None]), low, low * (1 - weight) + high * weight)
        if fill_value is not None and not grid.inside.all():
            made = apply("where", asarray(grid.inside[:, None, None]), made, float(fill_value))
        made = made.astype(floating.dtype)
        return self._regridded(made, grid.wcs(self.wcs))._kept(save_to_tmp_dir)

    def _regridded(self, array: Array, wcs: Any) -> Any:
        """`array` on another grid; what is not finite does not count."""
        from freestone.astro import convert

        sky = _core.cube_from(array._core, convert.cards_of_wcs(wcs), self._sky.unit, self._sky.beam)
        made = self._but(sky.with_header(self._sky.header_cards))
        made._mask = LazyMask(np.isfinite, data=array, wcs=made.wcs)
        return made

    def downsample_axis(
        self, factor: int, axis: Any, estimator: Any = np.nanmean, truncate: bool = False, use_memmap: bool = True, progressbar: Any = True,
        save_to_tmp_dir: bool = False,
    ) -> Any:  # fmt: skip
        """Groups of `factor` pixels along `axis` become one.

        Parameters
        ----------
        factor : int
        axis : int
        estimator : callable or str
            mean, sum, min, max, median and NumPy's functions of these names run in the engine, NaN skipped; others are called block by block
            with ``axis=``.
        truncate : bool
            Drop the rest behind the last whole group; otherwise it makes a shorter group.
        """
        factor = operator.index(factor)
        if factor < 1:
            raise UserError("downsample_axis: factor is 1 or more.")
        number = axis_number(axis)
        name = estimator if isinstance(estimator, str) else getattr(estimator, "__name__", "")
        name = _GROUPS.get(name, name).removeprefix("nan")
        engines = isinstance(estimator, str) or str(getattr(estimator, "__module__", "")).startswith("numpy")
        if engines and name in ("mean", "sum", "min", "max", "median"):
            sky = _core.sky_downsample(self._filled_sky, factor, str(number), name, bool(truncate))
        else:
            if isinstance(estimator, str):
                raise UserError(f"downsample_axis: there is no estimator {estimator!r}; there are mean, sum, min, max, median, and functions.")
            like = _core.sky_downsample(self._filled_sky, factor, str(number), "mean", bool(truncate))
            sky = like.with_data(self._grouped(estimator, factor, number, tuple(like.data.shape))._core)
        made = self._but(sky)
        # A group counts where one of its elements does.
        if self._mask is not None:
            made._mask = LazyMask(np.isfinite, data=Array(sky.data), wcs=made.wcs)
        made._after_downsampling(self, factor, number)
        return made._kept(save_to_tmp_dir)

    def _after_downsampling(self, before: Any, factor: int, axis: int) -> None:
        """What else changes; the class with many beams has them to care for."""

    def _grouped(self, estimator: Callable[..., Any], factor: int, axis: int, shape: tuple[int, ...]) -> Array:
        data = self._blocked(self._filled(), (axis,))
        length = shape[axis]
        dtype = data.dtype if data.dtype.kind == "f" else np.dtype(float)

        def groups(block: np.ndarray[Any, Any]) -> Any:
            parts = []
            for k in range(length):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    parts.append(estimator(np.take(block, range(k * factor, min((k + 1) * factor, block.shape[axis])), axis=axis), axis=axis))
            return np.stack(parts, axis=axis)

        chunks = tuple(length if k == axis else None for k in range(3))
        return map_blocks(groups, data, dtype=dtype, drop_axis=axis, new_axis=axis, chunks=chunks, workers=self._scheduler.workers)

    def reproject(
        self, header: Any, order: Any = "bilinear", use_memmap: bool = False, filled: bool = True, save_to_tmp_dir: bool = False, **options: Any
    ) -> Any:
        """The cube on the grid of `header`, channel by channel, in bounded memory; what lies outside does not count.

        Parameters
        ----------
        header : astropy.io.fits.Header, or astropy.wcs.WCS with ``array_shape``
            Of three axes. Where its channels are others than the cube's, they are interpolated linearly; of two axes: an image's, all channels stay.
        order : {"nearest-neighbor", "bilinear", "biquadratic", "bicubic"} or 0 to 3
            0 and 1 run in the engine; splines of order 2 and 3 in scipy, as reproject does, a channel at a time.
        filled : bool
            False: elements that the mask excludes count.
        roundtrip_coords : bool
            Leave out pixels whose coordinates do not come back (reproject's default, True).
        """
        from freestone.astro.reprojecting import reproject_cube

        return reproject_cube(self, header, order, filled, options)._kept(save_to_tmp_dir)


def _weights(kernel: Any, ndim: int) -> np.ndarray[Any, Any]:
    values = getattr(kernel, "array", kernel)
    if isinstance(values, u.Quantity):
        raise u.UnitsError("The convolution kernel should be defined without a unit.")
    weights = np.asarray(values, dtype=float)
    if weights.ndim != ndim:
        raise UserError(f"The kernel has {weights.ndim} axes; {ndim} wanted.")
    if any(n % 2 == 0 for n in weights.shape):
        raise UserError(f"The kernel has an even length, {weights.shape}; its middle must be an element.")
    return weights


def _nonzero(weights: np.ndarray[Any, Any]) -> float:
    total = float(weights.sum())
    if abs(total) <= 1e-8:
        raise UserError(f"The kernel sums to {total}, so it cannot be made to sum to 1.")
    return total


def _median_filter(filter: Callable[..., Any] | None) -> Callable[..., Any]:
    if filter is not None:
        return filter
    from scipy.ndimage import median_filter

    found: Callable[..., Any] = median_filter
    return found

