"""The methods of an array that are functions of the namespace, or have names that NumPy's and Dask's users know."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union

import numpy as np

import freestone
from freestone._dtypes import DTypeLike, dtype_of
from freestone.errors import UserError

if TYPE_CHECKING:
    from freestone._array import Array

__all__ = ["Methods"]

Axis = Union[int, Sequence[int], None]


def no_out(out: Any) -> None:
    """Raises where a result shall be written into an array: NumPy passes None."""
    if out is not None:
        raise TypeError("a lazy result cannot be written into `out`; leave it away, or compute and copy")


class Methods:
    """The part of `Array` that calls functions of the same names.

    Reductions take Dask's `split_every`, which changes nothing: how they are cut is the planner's. NumPy's `out` must be None.
    """

    __slots__ = ()

    # Reductions.

    def sum(
        self: Any,
        axis: Axis = None,
        dtype: DTypeLike = None,
        keepdims: bool = False,
        *,
        initial: Any = None,
        where: Any = True,
        out: None = None,
        split_every: Any = None,
    ) -> Array:
        """Sum, accumulated in float64. NaN propagates; see `freestone.nansum`."""
        no_out(out)
        return freestone.sum(self, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)

    def prod(
        self: Any,
        axis: Axis = None,
        dtype: DTypeLike = None,
        keepdims: bool = False,
        *,
        initial: Any = None,
        where: Any = True,
        out: None = None,
        split_every: Any = None,
    ) -> Array:
        """Product."""
        no_out(out)
        return freestone.prod(self, axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)

    def mean(
        self: Any,
        axis: Axis = None,
        dtype: DTypeLike = None,
        keepdims: bool = False,
        *,
        where: Any = True,
        out: None = None,
        split_every: Any = None,
    ) -> Array:
        """Arithmetic mean."""
        no_out(out)
        return freestone.mean(self, axis, dtype=dtype, keepdims=keepdims, where=where)

    def std(
        self: Any,
        axis: Axis = None,
        dtype: DTypeLike = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
        where: Any = True,
        out: None = None,
        split_every: Any = None,
    ) -> Array:
        """Standard deviation about the mean; the divisor is the count less `ddof`."""
        no_out(out)
        return freestone.std(self, axis, dtype, ddof=ddof, keepdims=keepdims, where=where)

    def var(
        self: Any,
        axis: Axis = None,
        dtype: DTypeLike = None,
        *,
        ddof: float = 0,
        keepdims: bool = False,
        where: Any = True,
        out: None = None,
        split_every: Any = None,
    ) -> Array:
        """Variance about the mean; the divisor is the count less `ddof`."""
        no_out(out)
        return freestone.var(self, axis, dtype, ddof=ddof, keepdims=keepdims, where=where)

    def min(
        self: Any, axis: Axis = None, keepdims: bool = False, *, initial: Any = None, where: Any = True, out: None = None, split_every: Any = None
    ) -> Array:
        """Least element."""
        no_out(out)
        return freestone.min(self, axis, keepdims, initial=initial, where=where)

    def max(
        self: Any, axis: Axis = None, keepdims: bool = False, *, initial: Any = None, where: Any = True, out: None = None, split_every: Any = None
    ) -> Array:
        """Greatest element."""
        no_out(out)
        return freestone.max(self, axis, keepdims, initial=initial, where=where)

    def ptp(self: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """The greatest element less the least."""
        return freestone.ptp(self, axis, keepdims=keepdims)

    def argmin(self: Any, axis: Axis = None, *, keepdims: bool = False, out: None = None, split_every: Any = None) -> Array:
        """Position of the least element: along one axis, or flat over several."""
        no_out(out)
        return freestone.argmin(self, axis, keepdims=keepdims)

    def argmax(self: Any, axis: Axis = None, *, keepdims: bool = False, out: None = None, split_every: Any = None) -> Array:
        """Position of the greatest element: along one axis, or flat over several."""
        no_out(out)
        return freestone.argmax(self, axis, keepdims=keepdims)

    def any(self: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, out: None = None, split_every: Any = None) -> Array:
        """Whether any element is not 0."""
        no_out(out)
        return freestone.any(self, axis, keepdims, where=where)

    def all(self: Any, axis: Axis = None, keepdims: bool = False, *, where: Any = True, out: None = None, split_every: Any = None) -> Array:
        """Whether all elements are not 0."""
        no_out(out)
        return freestone.all(self, axis, keepdims, where=where)

    def cumsum(self: Any, axis: int | None = None, dtype: DTypeLike = None, *, out: None = None, method: str | None = None) -> Array:
        """Sums of the elements so far."""
        no_out(out)
        return freestone.cumsum(self, axis, dtype)

    def cumprod(self: Any, axis: int | None = None, dtype: DTypeLike = None, *, out: None = None, method: str | None = None) -> Array:
        """Products of the elements so far."""
        no_out(out)
        return freestone.cumprod(self, axis, dtype)

    def median(self: Any, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """Median; the mean of the two middle values."""
        return freestone.median(self, axis, keepdims=keepdims)

    def moment(self: Any, order: int, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False, ddof: float = 0) -> Array:
        """The central moment of `order`. See `freestone.moment`."""
        return freestone.moment(self, order, axis, dtype, keepdims, ddof)

    # Order.

    def argsort(self: Any, axis: int = -1) -> Array:
        """The positions that sort an axis."""
        return freestone.argsort(self, axis=axis)

    def sort(self: Any, axis: int = -1, kind: str | None = None, *, stable: bool | None = None) -> None:
        """Sorts along an axis, as NumPy's method does in place: this object stands for the new array. `freestone.sort` gives another one."""
        array: Any = self
        array._core = freestone.sort(self, axis=axis)._core

    def put(self: Any, indices: Any, values: Any, mode: str = "raise") -> None:
        """``a.flat[indices] = values``: this object stands for the new array. See `freestone.put`."""
        freestone.put(self, indices, values, mode)

    def searchsorted(self: Any, v: Any, side: str = "left", sorter: Any = None) -> Array:
        """Where `v` would be inserted into this rising vector. See `freestone.searchsorted`."""
        return freestone.searchsorted(self, v, side, sorter)

    def topk(self: Any, k: int, axis: int = -1, split_every: Any = None) -> Array:
        """The `k` greatest elements along an axis. See `freestone.topk`."""
        return freestone.topk(self, k, axis)

    def argtopk(self: Any, k: int, axis: int = -1, split_every: Any = None) -> Array:
        """The positions of `topk`."""
        return freestone.argtopk(self, k, axis)

    # Parts.

    def nonzero(self: Any) -> tuple[Array, ...]:
        """Positions of what is not 0, an array an axis. Counts now."""
        return freestone.nonzero(self)

    def choose(self: Any, choices: Any) -> Array:
        """Element by element from the choice whose number stands here."""
        return freestone.choose(self, choices)

    def compress(self: Any, condition: Any, axis: int | None = None) -> Array:
        """What stands along `axis` where `condition` is true."""
        return freestone.compress(condition, self, axis)

    def dot(self: Any, other: Any) -> Array:
        """The product of vectors or matrices, as ``numpy.dot``."""
        return freestone.dot(self, other)

    def diagonal(self: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
        """The diagonal of two axes."""
        return freestone.diagonal(self, offset, axis1, axis2)

    def trace(self: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike = None) -> Array:
        """The sum of the diagonal of two axes."""
        return freestone.sum(freestone.diagonal(self, offset, axis1, axis2), -1, dtype=dtype)

    def clip(self: Any, min: Any = None, max: Any = None) -> Array:
        """Elements below `min` become `min`, above `max` become `max`."""
        return freestone.clip(self, min, max)

    def round(self: Any, decimals: int = 0) -> Array:
        """The nearest numbers with so many decimals, halves to even."""
        return freestone.round(self, decimals)

    def fill(self: Any, value: Any) -> None:
        """Every element becomes `value`: this object stands for the new array."""
        self[...] = value

    def view(self: Any, dtype: Any = None) -> Array:
        """The array itself; as another type, elements of the same size with the same bytes."""
        if dtype is None or not isinstance(dtype, (str, type, np.dtype)) or dtype_of(dtype) == self.dtype:
            return self.copy()
        kind = dtype_of(dtype)
        if kind.itemsize != self.itemsize:
            raise UserError(f"view: elements of {self.dtype} have {self.itemsize} bytes, those of {kind} {kind.itemsize}.")
        from freestone._user import map_blocks

        return map_blocks(lambda block: block.view(kind), self, dtype=kind, elementwise=True)

    def tobytes(self: Any, order: str = "C") -> bytes:
        """The bytes of all elements, which are computed."""
        return bytes(self._values().tobytes("F" if order == "F" else "C"))

    # What Dask's users know.

    @property
    def npartitions(self: Any) -> int:
        """How many nominal chunks there are."""
        return int(np.prod(self.numblocks, dtype=np.int64))

    @property
    def blocks(self: Any) -> Blocks:
        """The array by nominal chunks: ``a.blocks[0, 1:3]`` is the part that those chunks hold."""
        return Blocks(self)

    partitions = blocks

    @property
    def vindex(self: Any) -> PointIndex:
        """The array by points: ``a.vindex[rows, columns]`` is one element a pair; other axes, with slices over all, come last."""
        return PointIndex(self)

    def to_zarr(self: Any, *args: Any, **kwargs: Any) -> Any:
        """`write` as Zarr. See `freestone.to_zarr`."""
        return freestone.to_zarr(self, *args, **kwargs)

    def to_hdf5(self: Any, filename: Union[str, os.PathLike[str]], datapath: str, **kwargs: Any) -> None:
        """Writes into an HDF5 file. See `freestone.to_hdf5`."""
        freestone.to_hdf5(filename, datapath, self, **kwargs)

    def store(self: Any, target: Any, **kwargs: Any) -> Any:
        """Stores into what takes blocks by slices. See `freestone.store`."""
        return freestone.store(self, target, **kwargs)

    def to_delayed(self: Any, optimize_graph: bool = True) -> Any:
        """Every nominal chunk as a delayed value, in a NumPy array of objects."""
        made = np.empty(self.numblocks, dtype=object)
        for place in np.ndindex(*made.shape):
            made[place] = freestone.delayed(self.blocks[place].compute)()
        return made

    def compute_chunk_sizes(self: Any) -> Array:
        """The array itself: its shape is always known."""
        array: Array = self
        return array

    def to_svg(self: Any, size: int = 500) -> str:
        """A picture of shape and chunks, as SVG."""
        from freestone._diagnostics import array_picture

        return array_picture(self)


class Blocks:
    """An array that is indexed by its nominal chunks. Made by `Array.blocks`."""

    def __init__(self, array: Array) -> None:
        self._array = array

    @property
    def shape(self) -> tuple[int, ...]:
        """How many chunks there are along each axis."""
        return self._array.numblocks

    @property
    def size(self) -> int:
        """How many there are in all."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __repr__(self) -> str:
        return f"<freestone.Blocks {self.shape} of {self._array!r}>"

    def __getitem__(self, key: Any) -> Array:
        keys = list(key) if isinstance(key, tuple) else [key]
        if Ellipsis in [part for part in keys if not isinstance(part, (list, np.ndarray))]:
            place = next(k for k, part in enumerate(keys) if part is Ellipsis)
            keys[place : place + 1] = [slice(None)] * (self._array.ndim - len(keys) + 1)
        if len(keys) > self._array.ndim:
            raise IndexError(f"{len(keys)} positions of chunks for {self._array.ndim} axes")
        result = self._array
        for axis, (part, lengths) in enumerate(zip(keys, self._array.chunks)):
            edges = [0, *itertools.accumulate(lengths)]
            chosen = np.arange(len(lengths))[part if isinstance(part, slice) else np.atleast_1d(part)]
            before: tuple[Any, ...] = (slice(None),) * axis
            if chosen.size and (np.diff(chosen) == 1).all():
                result = result[before + (slice(edges[int(chosen[0])], edges[int(chosen[-1]) + 1]),)]
            else:
                places = [np.arange(edges[k], edges[k + 1]) for k in chosen]
                result = result[before + (np.concatenate(places) if places else np.zeros(0, np.int64),)]
        return result

    def ravel(self) -> list[Array]:
        """Every chunk as an array, in C order."""
        return [self[place] for place in np.ndindex(*self.shape)]


class PointIndex:
    """An array that is indexed by points. Made by `Array.vindex`."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def __repr__(self) -> str:
        return f"<freestone.PointIndex of {self._array!r}>"

    def __getitem__(self, key: Any) -> Array:
        keys = list(key) if isinstance(key, tuple) else [key]
        keys += [slice(None)] * (self._array.ndim - len(keys))
        points = [axis for axis, part in enumerate(keys) if not isinstance(part, slice)]
        if any(isinstance(part, slice) and part != slice(None) for part in keys):
            raise IndexError("vindex takes positions, and slices over whole axes")
        if not points:
            return self._array.copy()
        rest = [axis for axis in range(self._array.ndim) if axis not in points]
        moved = self._array.transpose([*points, *rest])
        return moved[tuple(np.asarray(keys[axis]) for axis in points)]
