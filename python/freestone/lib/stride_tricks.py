"""Windows that slide over arrays, by NumPy's names."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, Axis, asarray, normal_axis
from freestone.errors import UserError

__all__ = ["sliding_window_view"]

#: Windows of at most this many positions are slices side by side, which one pass over the data serves; wider ones are picked by position.
_MOST_SLICES = 64


def sliding_window_view(
    x: ArrayLike, window_shape: Union[int, Sequence[int]], axis: Axis = None, *, subok: bool = False, writeable: bool = False, automatic_rechunk: bool = True
) -> Array:
    """All windows of `x`, on new axes at the end, as ``numpy.lib.stride_tricks.sliding_window_view``. Lazy: a reduction over a window never holds them all.

    Parameters
    ----------
    x : array_like
    window_shape : int or sequence of int
        Lengths of the windows along `axis`; the axes get shorter by as much, less one.
    axis : int or sequence of int, optional
        Default: all axes.
    subok, writeable, automatic_rechunk
        Taken as NumPy and Dask take them; they change nothing.
    """
    array = asarray(x)
    lengths = [operator.index(n) for n in window_shape] if isinstance(window_shape, Sequence) else [operator.index(window_shape)]
    axes = list(range(array.ndim)) if axis is None else [axis] if not isinstance(axis, Sequence) else list(axis)
    axes = [normal_axis(k, array.ndim) for k in axes]
    if len(lengths) != len(axes):
        raise UserError(f"sliding_window_view: {len(lengths)} lengths of windows for {len(axes)} axes.")
    for length, place in zip(lengths, axes):
        if not 0 < length <= array.shape[place]:
            raise UserError(f"sliding_window_view: a window of {length} along axis {place}, which has length {array.shape[place]}.")
        array = _windows(array, length, place)
    return array


def _windows(array: Array, length: int, axis: int) -> Array:
    count = array.shape[axis] - length + 1
    before: tuple[Any, ...] = (slice(None),) * axis
    if length <= _MOST_SLICES:
        return Array(_core.stack([array[before + (slice(first, first + count),)]._core for first in range(length)], array.ndim))
    positions = np.arange(count, dtype=np.int64)[:, None] + np.arange(length, dtype=np.int64)
    picked = array[before + (positions,)]
    return Array(_core.moveaxis(picked._core, [axis + 1], [array.ndim]))
