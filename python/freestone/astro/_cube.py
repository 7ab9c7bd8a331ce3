"""SpectralCube: (spectral, latitude, longitude), with the names of spectral_cube."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits

from freestone import _core, _runs
from freestone._array import Array, apply, asarray
from freestone.astro import _convert
from freestone.astro._results import LazyResult, Mask, SkyBase
from freestone.errors import UserError

#: What steers spectral_cube's scheduling, memory and messages: taken, and without meaning here.
_IGNORED = frozenset(
    "how progressbar parallel num_cores verbose use_memmap save_to_tmp_dir update_function iterate_rays allow_huge memmap "
    "use_dask target_chunksize rechunk check_memory raise_error_jybm convolve".split()
)


def _accept(options: dict[str, Any]) -> None:
    unknown = sorted(set(options) - _IGNORED)
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}")


class _View:
    """Elements by index: ``cube.filled_data[10:20, :, 5]``."""

    def __init__(self, array: Array, unit: u.UnitBase | None) -> None:
        self._array, self._unit = array, unit

    def __getitem__(self, key: Any) -> Any:
        values = self._array[key].compute()
        return values if self._unit is None else u.Quantity(values, self._unit, copy=None, dtype=np.asarray(values).dtype)


class SpectralCube(SkyBase):
    """A cube of which nothing is read before a result is asked for.

    Elements that a mask excludes are NaN for every operation. Operations on cubes give cubes, lazily. Reductions, moments and statistics are
    computed at once, as `Projection` (images), `OneDSpectrum` (spectra) and astropy Quantity (numbers); with ``compute=False`` they
    give a `LazyResult`, so that `freestone.compute` and `freestone.write` do several in one pass over the file.

    Parameters
    ----------
    data : Array, NumPy array or Quantity
        Three axes, in the order of `wcs`.
    wcs : astropy.wcs.WCS
    mask, meta, fill_value, header, beam
        As in spectral_cube.
    """

    def __init__(self, data: Any, wcs: Any = None, mask: Any = None, meta: Any = None, fill_value: float = np.nan, header: Any = None, beam: Any = None) -> None:
        unit = _convert.text_of_unit(data.unit) if isinstance(data, u.Quantity) else str((meta or {}).get("BUNIT", ""))
        values = data.value if isinstance(data, u.Quantity) else data
        full = fits.Header() if header is None else fits.Header(header, copy=True)
        if wcs is not None:
            full.update(wcs.to_header())
        if not unit:
            unit = str(full.get("BUNIT", ""))
        cards = full.tostring(sep="", endcard=False, padding=False)
        sky = _core.cube_from(asarray(values)._core, cards, unit, None if beam is None else _convert.numbers_of_beam(beam))
        self._set(sky, sky.data, fill_value)
        if mask is not None:
            masked = self.with_mask(mask)
            self._set(masked._sky, masked._raw, fill_value)

    def _set(self, sky: Any, raw: Any, fill_value: float) -> None:
        self._sky, self._raw, self._fill_value = sky, raw, fill_value

    def _cube(self, sky: Any, raw: Any = None) -> SpectralCube:
        cube = object.__new__(SpectralCube)
        cube._set(sky, sky.data if raw is None else raw, self._fill_value)
        return cube

    def _like(self, sky: Any) -> SpectralCube:
        return self._cube(sky)

    def _map(self, function: Callable[[Any], Any]) -> SpectralCube:
        """`function` of the elements, and of those without mask."""
        return self._cube(function(self._sky), function(self._sky.with_data(self._raw)).data)

    @classmethod
    def read(cls, filename: Any, format: str | None = None, hdu: int | str | None = None, use_dask: bool | None = None, **options: Any) -> SpectralCube:
        """Opens a cube; only metadata is read.

        Parameters
        ----------
        filename : path, or an astropy HDU or HDUList
            ``"cube.fits[DATA]"`` names an extension, as `hdu` does. Of a Stokes axis the first plane, I, is taken.
        format : {"fits", "casa", "casa_image"}, optional
            Told by the file itself when it is left out.
        hdu : int or str, optional
            Of an image of CASA: one of its masks.
        use_dask, target_chunksize
            Taken as spectral_cube takes them; there is nothing to choose here: neighbouring tiles of a CASA image are read together anyway.
        """
        _accept(options)
        if format not in (None, "fits", "casa", "casa_image"):
            raise UserError(f"There is no format {format!r} for cubes; there are 'fits' and 'casa_image'.")
        if format in ("casa", "casa_image") and not os.path.isdir(filename):
            raise UserError(f"{filename}: it is no image of CASA, which is a folder.")
        if isinstance(filename, fits.HDUList):
            filename = filename[0 if hdu is None else hdu]
        if hasattr(filename, "header") and hasattr(filename, "data"):
            return cls(filename.data, header=filename.header)
        path = os.fspath(filename) if hdu is None else f"{os.fspath(filename)}[{hdu}]"
        cube = object.__new__(cls)
        sky = _core.read_cube(path)
        cube._set(sky, sky.data, np.nan)
        return cube

    def __repr__(self) -> str:
        spectral = "none"
        if self.shape[0]:
            low, high = self.spectral_extrema
            spectral = f"{low:.6g} to {high:.6g}"
        return f"<freestone.astro.SpectralCube shape={self.shape}, dtype={self.dtype}, unit={self.unit}, spectral {spectral}>"

    # Facts.

    @property
    def spectral_axis(self) -> u.Quantity:
        """Coordinates of the channels, in the axis' unit."""
        return np.asarray(self._sky.coordinates(0)) * _convert.unit_from_text(self._sky.axis_unit(0))

    @property
    def spectral_extrema(self) -> tuple[u.Quantity, u.Quantity]:
        """Least and greatest coordinate of a channel."""
        axis = self.spectral_axis
        return axis.min(), axis.max()

    @property
    def meta(self) -> dict[str, Any]:
        """``BUNIT``, and ``beam`` where there is one."""
        return {"BUNIT": self._sky.unit, **({} if self.beam is None else {"beam": self.beam})}

    @property
    def fill_value(self) -> float:
        """What stands for masked elements in `filled_data` and in files."""
        return self._fill_value

    def with_fill_value(self, fill_value: float) -> SpectralCube:
        """The same cube with another fill value."""
        cube = self._cube(self._sky, self._raw)
        cube._fill_value = fill_value
        return cube

    def _filled(self) -> Array:
        if np.isnan(self._fill_value):
            return self.array
        return apply("where", apply("isnan", self.array), float(self._fill_value), self.array)

    @property
    def filled_data(self) -> _View:
        """Elements with unit, masked ones filled: ``cube.filled_data[:]`` is a Quantity."""
        return _View(self._filled(), self.unit)

    @property
    def unitless_filled_data(self) -> _View:
        """Elements without unit, masked ones filled: NumPy arrays."""
        return _View(self._filled(), None)

    @property
    def unmasked_data(self) -> _View:
        """Elements with unit, those that a mask excludes too."""
        return _View(Array(self._raw), self.unit)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self._filled(), dtype=dtype)

    def _freestone_arrays(self) -> list[Any]:
        return [self._filled()._core]

    def _freestone_result(self, values: list[np.ndarray]) -> Any:
        return u.Quantity(values[0], self.unit, copy=None, dtype=values[0].dtype)

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any:
        return _core.sky_output(self._sky.with_data(self._filled()._core), path, format, overwrite)

    @property
    def hdu(self) -> fits.PrimaryHDU:
        """An astropy HDU of all elements and the header."""
        return fits.PrimaryHDU(np.asarray(self), self.header)

    @property
    def hdulist(self) -> fits.HDUList:
        """An astropy HDUList of `hdu`."""
        return fits.HDUList([self.hdu])

    # Masks.

    @property
    def mask(self) -> Mask:
        """Elements that are not NaN, lazily."""
        return Mask(apply("logical_not", apply("isnan", self.array))._core)

    def get_mask_array(self) -> np.ndarray:
        """Elements that are not NaN, as NumPy array of bool."""
        return self.mask.include()

    def with_mask(self, mask: Any, inherit_mask: bool = True) -> SpectralCube:
        """Elements where `mask` (lazy, NumPy, or one of spectral_cube's) is False become NaN, on top of the mask that there is.

        ``inherit_mask=False`` starts from the unmasked elements.
        """
        if not isinstance(mask, Array):
            mask = np.asarray(mask.include() if hasattr(mask, "include") else mask)
        mask = asarray(mask)
        if mask.dtype != bool:
            raise UserError(f"A mask is an array of bool, not {mask.dtype}. A comparison such as cube > 3 * rms makes one.")
        base = self._sky if inherit_mask else self._sky.with_data(self._raw)
        return self._cube(_core.sky_with_mask(base, mask._core), self._raw)

    # Parts.

    def __getitem__(self, key: Any) -> Any:
        """Parts by pixel: a cube; a `Projection`, `OneDSpectrum` or number where positions drop axes."""
        if isinstance(key, (Array, np.ndarray)):
            return self.with_mask(key)
        keys = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in keys:
            at = keys.index(Ellipsis)
            keys[at : at + 1] = [slice(None)] * (4 - len(keys))
        if len(keys) > 3:
            raise IndexError("a cube has three axes")
        keys = [k if isinstance(k, slice) else int(k) for k in keys]
        if all(isinstance(k, slice) for k in keys):
            return self._map(lambda sky: _core.sky_slice(sky, keys))
        return LazyResult(_core.sky_slice(self._sky, keys)).compute()

    def spectral_slab(self, lo: Any, hi: Any) -> SpectralCube:
        """Channels from the one nearest to `lo` to the one nearest to `hi`, in either order (Quantity, or numbers in the axis' unit)."""
        return self._map(lambda sky: _core.spectral_slab(sky, _convert.spectral_pair(lo), _convert.spectral_pair(hi)))

    def closest_spectral_channel(self, value: Any) -> int:
        """The channel nearest to a spectral coordinate."""
        return _core.closest_spectral_channel(self._sky, _convert.spectral_pair(value))

    def subcube(self, xlo: Any = "min", xhi: Any = "max", ylo: Any = "min", yhi: Any = "max", zlo: Any = "min", zhi: Any = "max", rest_value: Any = None) -> SpectralCube:
        """A box: numbers are pixels (as in a slice), Quantities world coordinates (of pixel centres), ``"min"`` and ``"max"`` the edges."""
        if rest_value is not None:
            raise UserError("rest_value: convert the axis first, with_spectral_unit(unit, rest_value=...).")
        pixels, world = [], []
        for lo, hi in ((zlo, zhi), (ylo, yhi), (xlo, xhi)):
            in_pixels = [k for k in (lo, hi) if not isinstance(k, (str, u.Quantity))]
            in_world = [k for k in (lo, hi) if isinstance(k, u.Quantity)]
            if in_pixels and in_world:
                raise UserError("subcube: both ends of an axis in pixels, or both in world coordinates.")
            ends = [None if isinstance(k, str) else k for k in (lo, hi)]
            pixels.append(slice(*(None if k is None else int(k) for k in ends)) if in_pixels else slice(None))
            world.append(ends if in_world else [None, None])
        cube = self[tuple(pixels)] if any(k != slice(None) for k in pixels) else self
        if not any(k is not None for ends in world for k in ends):
            return cube
        spectral = [None if k is None else _convert.spectral_pair(k) for k in world[0]]
        degrees: list[list[Any]] = [[None if k is None else float(k.to_value(u.deg)) for k in ends] for ends in world[1:]]
        latitude, longitude = degrees
        if None not in longitude:
            # Longitudes grow to the east, pixels mostly to the west: the shorter way round is meant.
            longitude = sorted(longitude)
            if longitude[1] - longitude[0] > 180:
                longitude.reverse()
        if None not in latitude:
            latitude.sort()
        return cube._map(lambda sky: _core.subcube(sky, [*longitude, *latitude], *spectral))

    # Units.

    def to(self, unit: Any, equivalencies: Any = ()) -> SpectralCube:
        """Elements in another unit; K, Jy/beam, Jy/pix and Jy/sr by beam, pixel and frequency, without `equivalencies`."""
        return self._map(lambda sky: _core.sky_to(sky, _convert.text_of_unit(unit)))

    def with_spectral_unit(self, unit: Any, velocity_convention: str | None = None, rest_value: u.Quantity | None = None) -> SpectralCube:
        """The spectral axis in another unit: frequency, wavelength or velocity."""
        rest = None if rest_value is None else _convert.spectral_pair(rest_value)
        return self._map(lambda sky: _core.with_spectral_unit(sky, _convert.text_of_unit(unit), velocity_convention, rest))

    def with_beam(self, beam: Any, raise_error_jybm: bool = True) -> SpectralCube:
        """The same elements with another beam. Of a cube in Jy/beam only with ``raise_error_jybm=False``."""
        if raise_error_jybm and "beam" in self._sky.unit and (self._sky.beam is not None or self._sky.beams):
            raise UserError("Another beam changes the meaning of values per beam. Convert first (to), convolve_to, or say raise_error_jybm=False.")
        numbers = _convert.numbers_of_beam(beam)
        return self._map(lambda sky: sky.with_beam(numbers))

    # Clip and smooth.

    def sigma_clip_spectrally(self, threshold: float, maxiters: int | None = 5, **options: Any) -> SpectralCube:
        """Outliers of each spectrum become NaN: `freestone.sigma_clip` along the spectral axis."""
        _accept(options)
        return self._cube(_core.sky_sigma_clip(self._sky, "spectral", float(threshold), -1 if maxiters is None else int(maxiters)))

    def spectral_smooth(self, kernel: Any, **options: Any) -> SpectralCube:
        """Convolves spectra with a 1-D kernel (astropy's or an array, odd length) made to sum to 1; NaN left out and its weight with it."""
        _accept(options)
        return self._cube(_core.sky_smooth(self._sky, _weights(kernel, 1).tolist(), "spectral"))

    def spatial_smooth(self, kernel: Any, **options: Any) -> SpectralCube:
        """Convolves channels with a 2-D kernel (astropy's or an array, odd sizes) made to sum to 1; NaN left out and its weight with it."""
        _accept(options)
        weights = _weights(kernel, 2)
        return self._cube(_core.sky_smooth_2d(self._sky, weights.ravel().tolist(), *weights.shape))

    def convolve_to(self, beam: Any, **options: Any) -> SpectralCube:
        """Channels at the resolution `beam` (radio_beam.Beam, or anything with major, minor and pa)."""
        _accept(options)
        return self._cube(_core.sky_convolve_to(self._sky, _convert.numbers_of_beam(beam)))

    def downsample_axis(self, factor: int, axis: int | str, estimator: Any = "mean", truncate: bool = False, **options: Any) -> SpectralCube:
        """Groups of `factor` pixels become one; `estimator`: mean, sum, min, max, median, or NumPy's function of this name (NaN skipped)."""
        _accept(options)
        name = estimator if isinstance(estimator, str) else getattr(estimator, "__name__", "")
        name = {"amin": "min", "amax": "max"}.get(name, name).removeprefix("nan")
        return self._cube(_core.sky_downsample(self._sky, int(factor), self._axes(axis)[0], name, bool(truncate)))

    # Reductions.

    def _axes(self, axis: Any) -> list[str]:
        if axis is None:
            return []
        axes = axis if isinstance(axis, (tuple, list)) else [axis]
        return [str(k) for k in axes]

    def _reduce(self, function: str, axis: Any, options: dict[str, Any], q: float = 50.0, compute: bool = True) -> Any:
        _accept(options)
        lazy = LazyResult(_core.sky_reduce(self._sky, function, self._axes(axis), q))
        return lazy.compute() if compute else lazy

    def sum(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Sum over `axis` (one, several, None: all); NaN skipped."""
        return self._reduce("sum", axis, options, compute=compute)

    def mean(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Mean; NaN skipped."""
        return self._reduce("mean", axis, options, compute=compute)

    def median(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Median; NaN skipped."""
        return self._reduce("median", axis, options, compute=compute)

    def std(self, axis: Any = None, ddof: int = 0, *, compute: bool = True, **options: Any) -> Any:
        """Standard deviation about the mean; NaN skipped."""
        if ddof == 0:
            return self._reduce("std", axis, options, compute=compute)
        # std with ddof is std without, times sqrt(n / (n - ddof)).
        count = self._reduce("count", axis, options, compute=False).array.astype(float)
        lazy = self._reduce("std", axis, options, compute=False)
        factor = apply("sqrt", apply("where", count > ddof, count / (count - ddof), np.nan))
        lazy = lazy._with(apply("multiply", lazy.array, factor.astype(lazy.dtype)))
        return lazy.compute() if compute else lazy

    def mad_std(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """The scaled median absolute deviation from the median; NaN skipped."""
        return self._reduce("mad_std", axis, options, compute=compute)

    def percentile(self, q: float, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """NumPy's "linear" percentile, `q` in [0, 100]; NaN skipped."""
        return self._reduce("percentile", axis, options, float(q), compute=compute)

    def min(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Least element; NaN skipped."""
        return self._reduce("min", axis, options, compute=compute)

    def max(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Greatest element; NaN skipped."""
        return self._reduce("max", axis, options, compute=compute)

    def argmin(self, axis: Any = None, **options: Any) -> Any:
        """Position of the least element, a NumPy array of int; -1 where all is NaN."""
        return self._positions("argmin", axis, options)

    def argmax(self, axis: Any = None, **options: Any) -> Any:
        """Position of the greatest element, a NumPy array of int; -1 where all is NaN."""
        return self._positions("argmax", axis, options)

    def _positions(self, function: str, axis: Any, options: dict[str, Any]) -> Any:
        return self._reduce(function, axis, options, compute=False).array.compute()

    def statistics(self) -> dict[str, Any]:
        """npts, min, max, sum, sumsq, mean, sigma, rms of all elements that are not NaN (CASA's), in one pass.

        sigma = sqrt((sumsq - sum**2 / npts) / (npts - 1)), rms = sqrt(sumsq / npts).
        """
        fold = _core.compute(_core.statistics_arrays(self._sky), _runs.run_setup())
        npts, *numbers = _core.statistics_of([float(value[()]) for value in fold])
        keys = ("min", "max", "sum", "sumsq", "mean", "sigma", "rms")
        return {"npts": int(npts), **{key: number * (self.unit**2 if key == "sumsq" else self.unit) for key, number in zip(keys, numbers)}}

    # Moments.

    def moment(self, order: int = 0, axis: int | str = 0, *, compute: bool = True, **options: Any) -> Any:
        """Moment of `order` along `axis`, float64: 0 the integral, 1 the mean coordinate, 2 the variance, N the central moment."""
        _accept(options)
        lazy = LazyResult(_core.sky_moment(self._sky, int(order), self._axes(axis)[0]))
        return lazy.compute() if compute else lazy

    def moment0(self, axis: int | str = 0, *, compute: bool = True, **options: Any) -> Any:
        """The integral along `axis`."""
        return self.moment(0, axis, compute=compute, **options)

    def moment1(self, axis: int | str = 0, *, compute: bool = True, **options: Any) -> Any:
        """The mean coordinate along `axis`, weighted by the elements."""
        return self.moment(1, axis, compute=compute, **options)

    def moment2(self, axis: int | str = 0, *, compute: bool = True, **options: Any) -> Any:
        """The variance of the coordinate along `axis`, weighted by the elements."""
        return self.moment(2, axis, compute=compute, **options)

    def linewidth_sigma(self, *, compute: bool = True, **options: Any) -> Any:
        """The square root of moment 2 along the spectral axis."""
        variance = self.moment(2, 0, compute=False, **options)
        lazy = variance._with(apply("sqrt", variance.array), variance.unit**0.5)
        return lazy.compute() if compute else lazy

    def linewidth_fwhm(self, *, compute: bool = True, **options: Any) -> Any:
        """sqrt(8 ln 2) times `linewidth_sigma`: the full width at half maximum of a Gaussian."""
        lazy = self.linewidth_sigma(compute=False, **options) * float(np.sqrt(8 * np.log(2)))
        return lazy.compute() if compute else lazy

    # What spectral_cube on Dask needs, and Freestone does not.

    def rechunk(self, *_: Any, **__: Any) -> SpectralCube:
        """The cube itself: tiles are chosen when a result is planned."""
        return self

    @contextlib.contextmanager
    def _scheduler(self) -> Any:
        yield

    def use_dask_scheduler(self, scheduler: Any = None, num_workers: int | None = None) -> contextlib.AbstractContextManager[None]:
        """Changes nothing; may be used as a context manager. Threads are chosen with `freestone.settings`."""
        return self._scheduler()


def _weights(kernel: Any, ndim: int) -> np.ndarray:
    weights = np.asarray(getattr(kernel, "array", kernel), dtype=float)
    if weights.ndim != ndim:
        raise UserError(f"The kernel has {weights.ndim} axes; {ndim} wanted.")
    return weights
