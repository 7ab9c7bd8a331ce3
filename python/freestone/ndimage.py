"""Filters of images and cubes by the names of ``scipy.ndimage``: each element from a window around it, lazily, tile by tile with a halo.

Array edges go on as `mode` says: ``"reflect"`` (d c b a | a b c d), ``"mirror"`` (d c b | a b c d), ``"nearest"``, ``"wrap"`` or ``"constant"``. Means and
weighted sums add in float64; float32 and complex numbers stay what they are, whole numbers give float64. What orders keeps its dtype.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, asarray, normal_axis
from freestone.errors import UserError

__all__ = [
    "convolve", "correlate", "gaussian_filter", "maximum_filter", "median_filter", "minimum_filter", "percentile_filter", "uniform_filter",
]  # fmt: skip

Lengths = Union[int, Sequence[int]]
Axes = Union[int, Sequence[int], None]


def _axes(array: Array, axes: Axes) -> list[int]:
    if axes is None:
        return list(range(array.ndim))
    return [normal_axis(k, array.ndim) for k in (axes if isinstance(axes, Sequence) else [axes])]


def _kernel(name: str, input: ArrayLike, weights: ArrayLike, mode: str, cval: float, axes: Axes) -> Array:
    array, kernel = asarray(input), np.asarray(weights, dtype=np.float64)
    places = _axes(array, axes)
    if kernel.ndim != len(places):
        raise UserError(f"{name}: weights have {kernel.ndim} axes, they go along {len(places)}.")
    return Array(_core.correlate(array._core, kernel.ravel().tolist(), list(kernel.shape), name == "convolve", mode, float(cval), places))


def convolve(input: ArrayLike, weights: ArrayLike, mode: str = "reflect", cval: float = 0.0, *, axes: Axes = None) -> Array:
    """The convolution with `weights`, whose centre is the element ``shape // 2``.

    Parameters
    ----------
    input : array_like
    weights : array_like
        As many axes as `axes`.
    mode : str
        How edges go on, see the module.
    cval : float
        Beyond the edges, with "constant".
    axes : int or sequence of int, optional
        That `weights` go along. Default: all.

    Returns
    -------
    Array
        Of the shape of `input`.

    Raises
    ------
    UserError
        Weights of another rank, an unknown mode.
    """
    return _kernel("convolve", input, weights, mode, cval, axes)


def correlate(input: ArrayLike, weights: ArrayLike, mode: str = "reflect", cval: float = 0.0, *, axes: Axes = None) -> Array:
    """The sum of `weights` times the elements around each: `convolve` without the mirrored weights. Parameters are as there."""
    return _kernel("correlate", input, weights, mode, cval, axes)


def gaussian_filter(
    input: ArrayLike, sigma: float | Sequence[float], *, mode: str = "reflect", cval: float = 0.0, truncate: float = 4.0, axes: Axes = None
) -> Array:
    """Smooths by a normal curve, axis by axis.

    Parameters
    ----------
    input : array_like
    sigma : float or sequence of float
        Standard deviation in elements, for all axes or one each.
    mode, cval, axes
        As in `convolve`.
    truncate : float
        The curve ends at so many sigmas.
    """
    array = asarray(input)
    sigmas = [float(s) for s in sigma] if isinstance(sigma, Sequence) else [float(sigma)]
    return Array(_core.gaussian_filter(array._core, sigmas, float(truncate), mode, float(cval), _axes(array, axes)))


def _box(name: str, input: ArrayLike, size: Lengths, mode: str, cval: float, axes: Axes, percentile: float = 0.0) -> Array:
    array = asarray(input)
    sizes = [operator.index(n) for n in size] if isinstance(size, Sequence) else [operator.index(size)]
    return Array(_core.box_filter(name, array._core, sizes, float(percentile), mode, float(cval), _axes(array, axes)))


def uniform_filter(input: ArrayLike, size: Lengths = 3, *, mode: str = "reflect", cval: float = 0.0, axes: Axes = None) -> Array:
    """The mean of the box of `size` (one number, or one an axis) around each element. Other parameters are as in `convolve`."""
    return _box("uniform", input, size, mode, cval, axes)


def minimum_filter(input: ArrayLike, size: Lengths, *, mode: str = "reflect", cval: float = 0.0, axes: Axes = None) -> Array:
    """The least element of the box of `size` around each; NaN wins. Other parameters are as in `convolve`."""
    return _box("minimum", input, size, mode, cval, axes)


def maximum_filter(input: ArrayLike, size: Lengths, *, mode: str = "reflect", cval: float = 0.0, axes: Axes = None) -> Array:
    """The greatest element of the box of `size` around each; NaN wins. Other parameters are as in `convolve`."""
    return _box("maximum", input, size, mode, cval, axes)


def median_filter(input: ArrayLike, size: Lengths, *, mode: str = "reflect", cval: float = 0.0, axes: Axes = None) -> Array:
    """The element of rank n // 2 of the n in the box of `size` around each; NaN counts as greatest. Other parameters are as in `convolve`."""
    return _box("median", input, size, mode, cval, axes)


def percentile_filter(input: ArrayLike, percentile: float, size: Lengths, *, mode: str = "reflect", cval: float = 0.0, axes: Axes = None) -> Array:
    """The element of rank ``n * percentile / 100`` of the n in the box of `size` around each. Other parameters are as in `convolve`."""
    if not -100 <= percentile <= 100:
        raise UserError(f"percentile_filter: percentile is from 0 to 100, not {percentile}.")
    return _box("percentile", input, size, mode, cval, axes, percentile + 100 if percentile < 0 else percentile)
