"""Reductions, positions, statistics and moments of a cube."""

from __future__ import annotations

import operator
import warnings
from typing import Any, cast

import astropy.units as u
import numpy as np

from freestone import _core, _runs
from freestone._array import apply
from freestone.astro.conditions import SliceWarning, VarianceWarning, WCSCelestialError
from freestone.astro.cube_base import CubeBase, accept, axis_number
from freestone.astro.lazy_result import LazyResult
from freestone.errors import UserError

__all__ = ["CubeReductions"]


class CubeReductions(CubeBase):
    """What takes axes away. Masked elements and NaN are skipped; sums of float32 accumulate in float64.

    Results are computed at once, as `Projection` (images), `OneDSpectrum` (spectra) and astropy Quantity (numbers); with ``compute=False``
    they are a `LazyResult`, so that `freestone.compute` and `freestone.write` do several in one pass over the file. `how`, `progressbar`
    and the like are taken, and without meaning.
    """

    def _axes(self, axis: Any) -> list[str]:
        if axis is None:
            return []
        return [str(k) for k in (axis if isinstance(axis, (tuple, list)) else [axis])]

    def _numbers(self, axis: Any) -> tuple[int, ...]:
        """The axes as numbers from 0."""
        if axis is None:
            return (0, 1, 2)
        return tuple(sorted(axis_number(k) for k in (axis if isinstance(axis, (tuple, list)) else [axis])))

    def _facts(self, axis: Any) -> dict[str, Any]:
        """What a result over `axis` is told beyond its WCS; the class with many beams checks and averages them."""
        return {"meta": {**self._meta, "collapse_axis": axis}, "fill_value": self._fill_value, "wcs_tolerance": self._wcs_tolerance}

    def _finish(self, lazy: LazyResult, compute: bool) -> Any:
        if not compute:
            return lazy
        with self._scheduler.running():
            return lazy.compute()

    def _reduce(self, function: str, axis: Any, options: dict[str, Any], q: float = 50.0, compute: bool = True) -> Any:
        accept({name: value for name, value in options.items() if name not in ("projection", "unit", "ignore_nan", "keepdims")})
        removed = self._numbers(axis)
        if len(removed) == 2 and 0 in removed and compute:
            warnings.warn(
                "Averaging over a spatial and a spectral dimension cannot produce a Projection quantity (no WCS is preserved).", SliceWarning, stacklevel=3
            )
        facts = self._facts(axis)
        return self._finish(LazyResult(_core.sky_reduce(self._filled_sky, function, self._axes(axis), q), facts), compute)

    def sum(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Sum over `axis` (one, several, None: all); nothing left gives NaN."""
        return self._reduce("sum", axis, options, compute=compute)

    def mean(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Mean over `axis`."""
        return self._reduce("mean", axis, options, compute=compute)

    def median(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Median over `axis`."""
        return self._reduce("median", axis, options, compute=compute)

    def std(self, axis: Any = None, ddof: int = 0, *, compute: bool = True, **options: Any) -> Any:
        """Standard deviation about the mean; the divisor is the count less `ddof`."""
        if ddof == 0:
            return self._reduce("std", axis, options, compute=compute)
        # std with ddof is std without, times sqrt(n / (n - ddof)).
        count = self._reduce("count", axis, options, compute=False).array.astype(float)
        lazy = self._reduce("std", axis, options, compute=False)
        factor = apply("sqrt", apply("where", count > ddof, count / (count - ddof), np.nan))
        return self._finish(lazy._with(apply("multiply", lazy.array, factor.astype(lazy.dtype))), compute)

    def mad_std(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """The scaled median absolute deviation from the median over `axis`."""
        return self._reduce("mad_std", axis, options, compute=compute)

    def percentile(self, q: float, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """NumPy's "linear" percentile over `axis`, `q` in [0, 100]."""
        return self._reduce("percentile", axis, options, float(q), compute=compute)

    def min(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Least element over `axis`."""
        return self._reduce("min", axis, options, compute=compute)

    def max(self, axis: Any = None, *, compute: bool = True, **options: Any) -> Any:
        """Greatest element over `axis`."""
        return self._reduce("max", axis, options, compute=compute)

    def argmin(self, axis: Any = None, **options: Any) -> Any:
        """Position of the least element along `axis`, a NumPy array of int; -1 where nothing is left."""
        return self._positions("argmin", axis, options)

    def argmax(self, axis: Any = None, **options: Any) -> Any:
        """Position of the greatest element along `axis`, a NumPy array of int; -1 where nothing is left."""
        return self._positions("argmax", axis, options)

    def _positions(self, function: str, axis: Any, options: dict[str, Any]) -> Any:
        accept(options)
        lazy = LazyResult(_core.sky_reduce(self._filled_sky, function, self._axes(axis), 50.0))
        with self._scheduler.running():
            return lazy.array.compute()

    def argmax_world(self, axis: int, **options: Any) -> u.Quantity:
        """World coordinate of the greatest element along `axis`, a `Projection`; NaN where nothing is left.

        Raises
        ------
        WCSCelestialError
            Along a spatial axis of a sky that is not aligned with the pixels.
        """
        return self._world_of("argmax", axis, options)

    def argmin_world(self, axis: int, **options: Any) -> u.Quantity:
        """World coordinate of the least element along `axis`, a `Projection`; see `argmax_world`."""
        return self._world_of("argmin", axis, options)

    def _world_of(self, function: str, axis: int, options: dict[str, Any]) -> Any:
        (axis,) = self._numbers(axis)
        positions = np.asarray(self._positions(function, axis, options))
        if axis == 0:
            spine = self.spectral_axis
            coordinates = spine.value[np.maximum(positions, 0)]
            unit = spine.unit
        else:
            pc = self.wcs.wcs.get_pc()
            if pc[0, 1] != 0 or pc[1, 0] != 0:
                raise WCSCelestialError("argmax_world and argmin_world along a spatial axis require the celestial axes to be aligned along image axes.")
            world = self._sky_map()[axis - 1]
            where = np.maximum(positions, 0)
            across = np.arange(self.shape[3 - axis])[None]
            coordinates = world[where, across] if axis == 1 else world[across, where]
            unit = u.deg
        values = np.where(positions < 0, np.nan, coordinates)
        sky = _core.sky_reduce(self._filled_sky, function, [str(axis)], 50.0)
        return LazyResult(sky, self._facts(axis))._freestone_result([values])._again(values, unit)

    def statistics(self) -> dict[str, Any]:
        """npts, min, max, sum, sumsq, mean, sigma, rms of all elements that count (CASA's), in one pass, in float64.

        sigma = sqrt((sumsq - sum**2 / npts) / (npts - 1)), rms = sqrt(sumsq / npts).
        """
        with self._scheduler.running():
            fold = _core.compute(_core.statistics_arrays(self._filled_sky), _runs.run_setup())
        npts, *numbers = _core.statistics_of([float(value[()]) for value in fold])
        keys = ("min", "max", "sum", "sumsq", "mean", "sigma", "rms")
        return {"npts": int(npts), **{key: number * (self.unit**2 if key == "sumsq" else self.unit) for key, number in zip(keys, numbers)}}

    # Moments.

    def moment(self, order: int = 0, axis: Any = 0, how: Any = "auto", *, compute: bool = True, **options: Any) -> Any:
        """Moment of `order` along `axis`, float64: 0 the integral, 1 the mean coordinate, N the central moment (2 is a variance).

        Along the spectral axis the coordinate is that of the channels (moment 1 is absolute); along a spatial one the angle from the first pixel.
        """
        accept(options)
        number = self._numbers(axis)
        if len(number) != 1:
            raise UserError("moment: give one axis.")
        if number == (0,) and order == 2:
            warnings.warn(
                "Note that the second moment returned will be a variance map. To get a linewidth map, use linewidth_fwhm() or linewidth_sigma() instead.",
                VarianceWarning, stacklevel=2,
            )  # fmt: skip
        return self._finish(self._moment(order, number[0]), compute)

    def _moment(self, order: int, axis: int) -> LazyResult:
        facts = self._facts(axis)
        facts["meta"].update(moment_order=order, moment_axis=axis, moment_method="auto")
        try:
            number = operator.index(cast(Any, int(order) if order in range(99) else order))  # 1.0 is an order, too
        except TypeError:
            raise UserError(f"moment: an order is a whole number from 0, not {order!r}.") from None
        return LazyResult(_core.sky_moment(self._filled_sky, number, str(axis)), facts)

    def moment0(self, axis: Any = 0, how: Any = "auto", *, compute: bool = True, **options: Any) -> Any:
        """The integral along `axis`."""
        return self.moment(0, axis, how, compute=compute, **options)

    def moment1(self, axis: Any = 0, how: Any = "auto", *, compute: bool = True, **options: Any) -> Any:
        """The mean coordinate along `axis`, weighted by the elements."""
        return self.moment(1, axis, how, compute=compute, **options)

    def moment2(self, axis: Any = 0, how: Any = "auto", *, compute: bool = True, **options: Any) -> Any:
        """The variance of the coordinate along `axis`, weighted by the elements."""
        return self.moment(2, axis, how, compute=compute, **options)

    def _width(self) -> LazyResult:
        variance = self._moment(2, 0)
        return variance._with(apply("sqrt", variance.array), variance.unit**0.5)

    def linewidth_sigma(self, how: Any = "auto", *, compute: bool = True, **options: Any) -> Any:
        """The square root of moment 2 along the spectral axis."""
        accept(options)
        return self._finish(self._width(), compute)

    def linewidth_fwhm(self, how: Any = "auto", *, compute: bool = True, **options: Any) -> Any:
        """sqrt(8 ln 2) times `linewidth_sigma`: the full width at half maximum of a Gaussian."""
        accept(options)
        return self._finish(self._width() * float(np.sqrt(8 * np.log(2))), compute)
