"""Axes moved, added and dropped; arrays joined, cut, repeated, padded. Nothing is copied before it is computed."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, Axis, asarray, axes_of, check_device, names_none, normal_axis
from freestone._dtypes import DTypeLike, dtype_of
from freestone.errors import UserError

__all__ = [
    "append", "array_split", "astype", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_shapes", "broadcast_to",
    "column_stack", "concat", "concatenate", "cumulative_trapezoid", "delete", "diff", "dsplit", "dstack", "ediff1d", "expand_dims", "flip", "fliplr", "flipud", "gradient", "hsplit", "hstack", "insert",
    "matrix_transpose", "moveaxis", "pad", "permute_dims", "polyval", "ravel", "rechunk", "repeat", "reshape", "roll", "rollaxis", "rot90", "split",
    "squeeze", "stack", "swapaxes", "tile", "transpose", "trapezoid", "unstack", "unwrap", "vsplit", "vstack",
]  # fmt: skip

Whole = Union[int, Sequence[int]]


def _whole_numbers(value: Any) -> list[int]:
    return [operator.index(part) for part in value] if isinstance(value, (Sequence, np.ndarray)) else [operator.index(value)]


def astype(x: ArrayLike, dtype: DTypeLike, /, *, copy: bool = True, device: Any = None) -> Array:
    """Elements as another type; floating to integer truncates."""
    check_device(device)
    return Array(_core.astype(asarray(x)._core, dtype_of(dtype).name))


# Axes.


def transpose(a: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """Axes in another order; reversed without `axes`."""
    return asarray(a).transpose(axes)


def permute_dims(x: ArrayLike, /, axes: Sequence[int]) -> Array:
    """Axis k of the result is axis ``axes[k]`` of `x`."""
    array = asarray(x)
    order = [normal_axis(axis, array.ndim) for axis in axes]
    if sorted(order) != list(range(array.ndim)):
        raise UserError(f"permute_dims: {tuple(axes)} does not name each of {array.ndim} axes once.")
    return Array(_core.transpose(array._core, order)) if order else array


def matrix_transpose(x: ArrayLike, /) -> Array:
    """The last two axes exchanged."""
    array = asarray(x)
    if array.ndim < 2:
        raise UserError(f"matrix_transpose takes two axes or more, not {array.ndim}.")
    return swapaxes(array, -2, -1)


def moveaxis(x: ArrayLike, source: Whole, destination: Whole, /) -> Array:
    """Axes `source` become numbers `destination`; the others keep their order."""
    return Array(_core.moveaxis(asarray(x)._core, _whole_numbers(source), _whole_numbers(destination)))


def swapaxes(a: ArrayLike, axis1: int, axis2: int) -> Array:
    """Two axes exchanged."""
    array = asarray(a)
    first, second = normal_axis(axis1, array.ndim), normal_axis(axis2, array.ndim)
    order = list(range(array.ndim))
    order[first], order[second] = second, first
    return Array(_core.transpose(array._core, order))


def rollaxis(a: ArrayLike, axis: int, start: int = 0) -> Array:
    """Axis `axis` goes back until it stands before what is now axis `start`."""
    return Array(_core.rollaxis(asarray(a)._core, axis, start))


def squeeze(x: ArrayLike, /, axis: Axis = None) -> Array:
    """Without axes of length 1: all of them, or those given."""
    array = asarray(x)
    axes = [k for k, n in enumerate(array.shape) if n == 1] if axis is None else [normal_axis(k, array.ndim) for k in _whole_numbers(axis)]
    core = array._core
    for k in sorted(axes, reverse=True):
        core = _core.squeeze(core, k)
    return Array(core)


def expand_dims(x: ArrayLike, /, axis: Whole) -> Array:
    """With new axes of length 1: numbers `axis` of the result."""
    array = asarray(x)
    axes = _whole_numbers(axis)
    return Array(_core.expand_axes(array._core, [normal_axis(k, array.ndim + len(axes)) for k in axes]))


def flip(x: ArrayLike, /, axis: Axis = None) -> Array:
    """Reversed along `axis`, or along all axes; along none with ``()``."""
    return asarray(x).copy() if names_none(axis) else Array(_core.flip(asarray(x)._core, axes_of(axis)))


def fliplr(m: ArrayLike) -> Array:
    """Reversed along axis 1."""
    return flip(m, 1)


def flipud(m: ArrayLike) -> Array:
    """Reversed along axis 0."""
    return flip(m, 0)


def rot90(m: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Turned `k` times by 90 degrees in the plane of two axes, from the first towards the second."""
    return Array(_core.rot90(asarray(m)._core, operator.index(k), axes[0], axes[1]))


def atleast_1d(*arys: ArrayLike) -> Any:
    """At least one axis; a tuple for several arrays."""
    return _each(arys, lambda a: Array(_core.expand_axes(a._core, list(range(1 - a.ndim)))))


def atleast_2d(*arys: ArrayLike) -> Any:
    """At least two axes, new ones in front; a tuple for several arrays."""
    return _each(arys, lambda a: Array(_core.expand_axes(a._core, list(range(2 - a.ndim)))))


def atleast_3d(*arys: ArrayLike) -> Any:
    """At least three axes: (n) becomes (1, n, 1), (m, n) becomes (m, n, 1); a tuple for several arrays."""
    places: dict[int, list[int]] = {0: [0, 1, 2], 1: [0, 2], 2: [2]}
    return _each(arys, lambda a: Array(_core.expand_axes(a._core, places.get(a.ndim, []))))


def _each(arrays: Sequence[ArrayLike], made: Any) -> Any:
    results = tuple(made(asarray(a)) for a in arrays)
    return results[0] if len(results) == 1 else results


# Shapes.


def reshape(x: ArrayLike, /, shape: Whole, *, copy: bool | None = None, order: str = "C") -> Array:
    """The same elements on other axes.

    Parameters
    ----------
    x : array_like
    shape : int or sequence of int
        As many elements as `x` has; one length may be -1.
    copy : bool, optional
        Changes nothing: the result is described, not made.
    order : {"C", "F", "A", "K"}
        In which order elements are taken and put: the last axis fastest, or with "F" the first. "A" and "K" are "C", whatever the order in memory.
    """
    if order not in ("C", "A", "K", "F"):
        raise UserError(f"reshape: order is 'C' or 'F', not {order!r}.")
    if order == "F":
        lengths = _whole_numbers(shape)
        return Array(_core.transpose(_core.reshape(_core.transpose(asarray(x)._core, []), lengths[::-1]), []))
    return Array(_core.reshape(asarray(x)._core, _whole_numbers(shape)))


def ravel(a: ArrayLike, order: str = "C") -> Array:
    """On one axis, in C order unless `order` is ``"F"``."""
    return reshape(a, -1, order=order)


def broadcast_to(x: ArrayLike, /, shape: Whole) -> Array:
    """Axes of length 1, and missing leading axes, repeated."""
    return Array(_core.broadcast_to(asarray(x)._core, _whole_numbers(shape)))


def broadcast_arrays(*arrays: ArrayLike) -> list[Array]:
    """All broadcast to the shape that they share."""
    return [Array(core) for core in _core.broadcast_arrays([asarray(a)._core for a in arrays])]


def broadcast_shapes(*shapes: Whole) -> tuple[int, ...]:
    """The shape that all broadcast to."""
    return tuple(_core.broadcast_shape([_whole_numbers(shape) for shape in shapes])) if shapes else ()


def rechunk(
    x: ArrayLike,
    /,
    chunks: Any = "auto",
    *,
    block_size_limit: int | None = None,
    threshold: Any = None,
    balance: bool = False,
    method: str | None = None,
) -> Array:
    """Other nominal chunks: what a chunked file has when the array is written, and what user functions are called with.

    Parameters
    ----------
    x : array_like
    chunks : int, sequence, dict of axis to length, or "auto"
        -1 is one chunk along the axis, "auto" as long as makes chunks of about 4 MiB, None as it is. Of several lengths along an axis, as
        `Array.chunks` has them, the greatest. Text such as ``"1MiB"`` is "auto" along all axes, with chunks of that size.
    block_size_limit : int, optional
        Bytes of a chunk, for "auto".
    threshold, balance, method
        As in Dask, and without effect: nothing is moved.
    """
    array = asarray(x)
    if isinstance(chunks, str) and chunks != "auto":
        chunks, block_size_limit = "auto", _core.parse_bytes(chunks)
    if isinstance(chunks, dict):
        lengths: list[Any] = [None] * array.ndim
        for axis, length in chunks.items():
            lengths[normal_axis(axis, array.ndim)] = length
    else:
        lengths = list(chunks) if isinstance(chunks, (Sequence, np.ndarray)) and not isinstance(chunks, str) else [chunks] * array.ndim
    if len(lengths) != array.ndim:
        raise UserError(f"rechunk: {len(lengths)} lengths for {array.ndim} axes.")
    lengths = [max(given, default=1) if isinstance(given, (tuple, list)) else given for given in lengths]
    if block_size_limit is not None and "auto" in lengths:
        lengths = _of_bytes(array, lengths, block_size_limit)
    known = {None: 0, "auto": 0}
    plain = [now if given is None else known[given] if given == "auto" else operator.index(given) for given, now in zip(lengths, array.chunksize)]
    return Array(_core.rechunk(array._core, plain))


def _of_bytes(array: Array, lengths: list[Any], limit: int) -> list[Any]:
    """`lengths` with numbers for "auto": axes cut alike, until a chunk has at most `limit` bytes."""
    if limit < 1:
        raise UserError(f"rechunk: chunks of {limit} bytes.")
    now = [array.chunksize[k] if given is None else n if given in ("auto", -1) else min(operator.index(given), n) for k, (given, n) in enumerate(zip(lengths, array.shape))]
    free = [k for k, given in enumerate(lengths) if given == "auto"]
    while math.prod(now) * array.itemsize > limit and any(now[k] > 1 for k in free):
        longest = max(free, key=lambda k: now[k])
        now[longest] = -(-now[longest] // 2)
    return [max(now[k], 1) if given == "auto" else given for k, given in enumerate(lengths)]


# Joining and cutting.


def concat(arrays: Sequence[ArrayLike], /, *, axis: int | None = 0) -> Array:
    """The arrays one after another along `axis`; with None flattened first. The type follows from all of them."""
    parts = [asarray(a) for a in arrays]
    if axis is None:
        parts, axis = [ravel(a) for a in parts], 0
    return Array(_core.concat([a._core for a in parts], operator.index(axis)))


def concatenate(arrays: Sequence[ArrayLike], axis: int | None = 0, *, dtype: DTypeLike = None, allow_unknown_chunksizes: bool = True) -> Array:
    """The arrays one after another along `axis`; with None flattened first.

    Parameters
    ----------
    arrays : sequence of array_like
    axis : int or None
    dtype : dtype, optional
        Of the result. Default: it follows from all of them.
    allow_unknown_chunksizes : bool
        Dask's, and without effect: sizes are known.
    """
    return _typed(concat(arrays, axis=axis), dtype)


def append(arr: ArrayLike, values: ArrayLike, axis: int | None = None) -> Array:
    """`values` after `arr` along `axis`; with None both flattened."""
    return concat([arr, values], axis=axis)


def stack(arrays: Sequence[ArrayLike], /, axis: int = 0, *, dtype: DTypeLike = None) -> Array:
    """The arrays side by side along a new axis, number `axis` of the result."""
    return _typed(Array(_core.stack([asarray(a)._core for a in arrays], operator.index(axis))), dtype)


def _typed(array: Array, dtype: DTypeLike) -> Array:
    return array if dtype is None else array.astype(dtype)


def unstack(x: ArrayLike, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The positions of `axis`, each an array without it."""
    return tuple(Array(core) for core in _core.unstack(asarray(x)._core, operator.index(axis)))


def vstack(tup: Sequence[ArrayLike], *, dtype: DTypeLike = None) -> Array:
    """One above the other: along axis 0, vectors as rows."""
    return _typed(concat([atleast_2d(a) for a in tup], axis=0), dtype)


def hstack(tup: Sequence[ArrayLike], *, dtype: DTypeLike = None) -> Array:
    """Side by side: along axis 1, vectors along axis 0."""
    parts = [atleast_1d(a) for a in tup]
    return _typed(concat(parts, axis=0 if parts and parts[0].ndim == 1 else 1), dtype)


def dstack(tup: Sequence[ArrayLike]) -> Array:
    """Behind each other: along axis 2."""
    return concat([atleast_3d(a) for a in tup], axis=2)


def column_stack(tup: Sequence[ArrayLike]) -> Array:
    """Side by side, vectors as columns."""
    parts = [asarray(a) for a in tup]
    return concat([atleast_2d(a).T if a.ndim < 2 else a for a in parts], axis=1)


def array_split(ary: ArrayLike, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """Cut along `axis`: into a number of nearly equal parts, or before the positions given."""
    array = asarray(ary)
    axis = normal_axis(axis, array.ndim)
    length = array.shape[axis]
    if isinstance(indices_or_sections, (Sequence, np.ndarray)):
        edges = [0, *(operator.index(i) for i in indices_or_sections), length]
    else:
        sections = operator.index(indices_or_sections)
        if sections < 1:
            raise UserError("array_split: the number of parts is 1 or more.")
        each, more = divmod(length, sections)
        edges = [each * i + min(i, more) for i in range(sections + 1)]
    before = (slice(None),) * axis
    return [array[before + (slice(first, end),)] for first, end in zip(edges, edges[1:])]


def split(ary: ArrayLike, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """As `array_split`, into equal parts only."""
    array = asarray(ary)
    if not isinstance(indices_or_sections, (Sequence, np.ndarray)) and array.shape[axis] % operator.index(indices_or_sections):
        raise UserError(f"split: {array.shape[axis]} positions are not {indices_or_sections} equal parts. array_split makes unequal ones.")
    return array_split(array, indices_or_sections, axis)


def vsplit(ary: ArrayLike, indices_or_sections: Any) -> list[Array]:
    """`split` along axis 0."""
    return split(ary, indices_or_sections, 0)


def hsplit(ary: ArrayLike, indices_or_sections: Any) -> list[Array]:
    """`split` along axis 1; of a vector along axis 0."""
    array = asarray(ary)
    return split(array, indices_or_sections, 1 if array.ndim > 1 else 0)


def dsplit(ary: ArrayLike, indices_or_sections: Any) -> list[Array]:
    """`split` along axis 2."""
    return split(ary, indices_or_sections, 2)


def delete(arr: ArrayLike, obj: Any, axis: int | None = None) -> Array:
    """Without the positions `obj` (integers, a slice, or a mask) of `axis`; with None of the flat array."""
    array = asarray(arr)
    if axis is None:
        array, axis = ravel(array), 0
    length = array.shape[axis]
    if isinstance(obj, slice):
        gone = list(range(length)[obj])
    else:
        given = np.asarray(obj)
        gone = [int(i) for i in (np.flatnonzero(given) if given.dtype == np.bool_ else given.ravel())]
    return Array(_core.remove(array._core, gone, normal_axis(axis, array.ndim)))


def insert(arr: ArrayLike, obj: Any, values: ArrayLike, axis: int | None = None) -> Array:
    """`values` before position `obj` of `axis`; with None of the flat array.

    Parameters
    ----------
    arr : array_like
    obj : int, slice, or sequence of int or bool
        Positions in `arr`; several take one part of `values` each, as ``numpy.insert`` has it.
    values : array_like
        Converted to the dtype of `arr`.
    axis : int, optional
    """
    array, more = asarray(arr), asarray(values)
    if axis is None:
        array, axis, more = ravel(array), 0, ravel(more)
    place = normal_axis(axis, array.ndim)
    extent = array.shape[place]
    places = np.arange(*obj.indices(extent)) if isinstance(obj, slice) else np.asarray(obj)
    if places.dtype == bool:
        places = np.flatnonzero(places)
    elif places.size == 0:
        places = places.astype(np.intp)
    if places.dtype.kind not in "iu" or places.ndim > 1:
        raise UserError(f"insert: positions are whole numbers, one or a list, not {obj!r}.")
    more = more.astype(array.dtype)
    if places.size == 1:
        more = more[(None,) * (array.ndim - more.ndim)] if more.ndim < array.ndim else more
        if places.ndim == 0:
            more = moveaxis(more, 0, place)  # as a[:, position] = values goes
        more = broadcast_to(more, [more.shape[k] if k == place else n for k, n in enumerate(array.shape)])
        return Array(_core.insert(array._core, int(places.reshape(())), more._core, place))
    for position in places:
        if not -extent <= position <= extent:
            raise UserError(f"insert: position {position} of an axis of {extent}. Give {-extent} to {extent}.")
    more = broadcast_to(more, [places.size if k == place else n for k, n in enumerate(array.shape)])
    places = np.where(places < 0, places + extent, places)
    order = np.argsort(places, kind="stable")
    sources = np.full(extent + places.size, -1)
    sources[places[order] + np.arange(places.size)] = extent + order
    sources[sources < 0] = np.arange(extent)
    return concat([array, more], axis=place)[(slice(None),) * place + (sources,)]


# Repeating, rolling, padding.


def repeat(x: ArrayLike, repeats: Any, /, *, axis: int | None = None) -> Array:
    """Every element `repeats` times: one number, or one a position, along `axis` or of the flat array."""
    array = asarray(x)
    if axis is None:
        array, axis = ravel(array), 0
    if isinstance(repeats, (int, np.integer)):
        return Array(_core.repeat(array._core, operator.index(repeats), axis))
    counts = np.asarray(repeats)
    if counts.size == 0:
        counts = counts.astype(np.intp)
    if counts.dtype.kind not in "iu":
        raise UserError(f"repeat: the numbers are integers, not {counts.dtype}.")
    counts = counts.ravel().tolist()
    if len(counts) == 1 and array.shape[axis] != 1:
        return Array(_core.repeat(array._core, counts[0], axis))
    return Array(_core.repeat_each(array._core, counts, axis))


def tile(A: ArrayLike, reps: Whole, /) -> Array:
    """The whole array ``reps[k]`` times along axis k; missing leading axes are made."""
    return Array(_core.tile(asarray(A)._core, _whole_numbers(reps)))


def roll(x: ArrayLike, /, shift: Whole, axis: Axis = None) -> Array:
    """Position i of an axis goes to i + shift, round the end; without an axis in C order, as if flat."""
    core = asarray(x)._core
    if axis is None:
        return Array(_core.roll_flat(core, sum(_whole_numbers(shift))))
    shifts, axes = _whole_numbers(shift), axes_of(axis)
    if len(axes) == 1 and len(shifts) > 1:
        axes = axes * len(shifts)
    result = core
    for s, k in zip(shifts * len(axes) if len(shifts) == 1 else shifts, axes, strict=True):
        result = _core.roll(result, [s], [k])
    return Array(result)


def _pairs(value: Any, kind: Any) -> list[tuple[Any, Any]]:
    """NumPy's widths and values: one number, a pair, or a pair an axis."""
    given = np.asarray(value)
    if given.ndim == 0:
        return [(kind(given.item()), kind(given.item()))]
    if given.ndim == 1:
        parts = given.tolist()
        return [(kind(parts[0]), kind(parts[-1]))]
    return [(kind(row[0]), kind(row[-1])) for row in given.tolist()]


def pad(array: ArrayLike, pad_width: Any, mode: str = "constant", **kwargs: Any) -> Array:
    """An array with a border.

    Parameters
    ----------
    array : array_like
    pad_width : int, pair, or pair an axis
        How much before and after.
    mode : {"constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "reflect", "symmetric", "wrap", "empty"}
    constant_values, end_values, stat_length, reflect_type
        As ``numpy.pad``.
    """
    a = asarray(array)
    if isinstance(pad_width, dict):
        widths: Any = [(0, 0)] * a.ndim
        for axis, width in pad_width.items():
            widths[normal_axis(axis, a.ndim)] = _pairs(width, operator.index)[0]
        pad_width = widths or 0
    values = kwargs.pop("constant_values", 0) if mode == "constant" else kwargs.pop("end_values", 0) if mode == "linear_ramp" else 0
    stat_length = kwargs.pop("stat_length", None)
    odd = kwargs.pop("reflect_type", "even") == "odd"
    if kwargs:
        raise UserError(f"pad: mode '{mode}' has no option {', '.join(kwargs)}.")
    lengths = [] if stat_length is None else _pairs(stat_length, operator.index)
    if a.ndim == 0:
        return a
    if a.dtype.kind == "c" and mode in ("constant", "linear_ramp"):  # what stands at the ends may be complex, too
        real, imag = (
            Array(_core.pad(part._core, _pairs(pad_width, operator.index), mode, _pairs(values, take), lengths, odd))
            for part, take in ((a.real, lambda v: float(complex(v).real)), (a.imag, lambda v: float(complex(v).imag)))
        )
        return (real + imag * 1j).astype(a.dtype)
    return Array(_core.pad(a._core, _pairs(pad_width, operator.index), mode, _pairs(values, float), lengths, odd))


# Differences.


def diff(x: ArrayLike, /, n: int = 1, axis: int = -1, prepend: ArrayLike | None = None, append: ArrayLike | None = None) -> Array:
    """The `n`-th difference along `axis`; of bools: where neighbours differ. `prepend` and `append` are put before and after first."""
    array = asarray(x)
    ends = [None if end is None else _end(array, end, axis)._core for end in (prepend, append)]
    return Array(_core.diff(array._core, operator.index(n), operator.index(axis), *ends))


def _end(array: Array, end: ArrayLike, axis: int) -> Array:
    part = asarray(end)
    if part.ndim:
        return part
    return broadcast_to(part, [1 if k == normal_axis(axis, array.ndim) else n for k, n in enumerate(array.shape)])


def ediff1d(ary: ArrayLike, to_end: ArrayLike | None = None, to_begin: ArrayLike | None = None) -> Array:
    """Differences between neighbours of the flat array, in its dtype.

    Parameters
    ----------
    ary : array_like
    to_end, to_begin : array_like, optional
        What goes behind and before the differences.
    """
    flat = ravel(ary)
    ends = [None if part is None else ravel(part).astype(flat.dtype) for part in (to_begin, to_end)]
    parts = [part for part in (ends[0], diff(flat), ends[1]) if part is not None]
    return parts[0] if len(parts) == 1 else concat(parts)


def gradient(f: ArrayLike, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """Second-order central differences, one-sided at the edges, as ``numpy.gradient``: `varargs` are distances, or coordinates of axes.

    Returns
    -------
    Array, or list of Array
        One for each axis.
    """
    array = asarray(f)
    if array.dtype.kind not in "fc":
        array = array.astype(np.float64)
    axes = list(range(array.ndim)) if axis is None else [normal_axis(k, array.ndim) for k in axes_of(axis)]
    if len(varargs) not in (0, 1, len(axes)):
        raise UserError("gradient takes one distance for all axes, or a distance or coordinates an axis.")
    if any(np.ndim(h) for h in varargs):
        given = list(varargs) * (len(axes) if len(varargs) == 1 else 1)
        found = [
            _gradient_at(array, np.asarray(h, dtype=np.float64), k, edge_order) if np.ndim(h) else gradient(array, h, axis=k, edge_order=edge_order)
            for k, h in zip(axes, given)
        ]
        return found[0] if len(found) == 1 else found
    if edge_order not in (1, 2):
        raise UserError("gradient: edge_order is 1 or 2.")
    steps = [1.0] * len(axes) if not varargs else [float(h) for h in varargs] * (len(axes) if len(varargs) == 1 else 1)
    results = []
    for k, h in zip(axes, steps):
        if array.shape[k] < edge_order + 1:
            raise UserError(f"gradient: an axis of {array.shape[k]} positions is too short; {edge_order + 1} are needed.")

        def at(first: int | None, end: int | None) -> Array:
            return array[(slice(None),) * k + (slice(first, end),)]

        inner = (at(2, None) - at(None, -2)) / (2 * h)
        if edge_order == 1:
            first, last = (at(1, 2) - at(0, 1)) / h, (at(-1, None) - at(-2, -1)) / h
        else:
            first = at(0, 1) * (-1.5 / h) + at(1, 2) * (2 / h) + at(2, 3) * (-0.5 / h)
            last = at(-3, -2) * (0.5 / h) + at(-2, -1) * (-2 / h) + at(-1, None) * (1.5 / h)
        results.append(concat([first, inner, last], axis=k))
    return results[0] if len(results) == 1 else results


def _gradient_at(array: Array, places: np.ndarray[Any, Any], axis: int, edge_order: int) -> Array:
    """Differences of second order between uneven coordinates, as ``numpy.gradient`` has them."""
    n = array.shape[axis]
    if places.shape != (n,):
        raise UserError(f"gradient: coordinates of shape {places.shape} for an axis of {n} positions.")
    if edge_order not in (1, 2) or n < edge_order + 1:
        raise UserError(f"gradient: edge_order is 1 or 2, and an axis of {n} positions is too short for {edge_order}.")
    steps = np.diff(places)
    if (steps == steps[0]).all():
        result: Array = gradient(array, float(steps[0]), axis=axis, edge_order=edge_order)
        return result

    def along(values: Any) -> Array:
        return reshape(asarray(np.asarray(values, dtype=np.float64)), [-1 if k == axis else 1 for k in range(array.ndim)])

    def at(first: int | None, end: int | None) -> Array:
        return array[(slice(None),) * axis + (slice(first, end),)]

    def three(first: int, weights: Sequence[float]) -> Array:
        end = first + 3
        parts = [at(k, k + 1 if k != -1 else None) * float(w) for k, w in zip(range(first, end), weights)]
        return parts[0] + parts[1] + parts[2]

    before, after = steps[:-1], steps[1:]
    inner = at(0, -2) * along(-after / (before * (before + after))) + at(1, -1) * along((after - before) / (before * after))
    inner = inner + at(2, None) * along(before / (after * (before + after)))
    if edge_order == 1:
        first, last = (at(1, 2) - at(0, 1)) / float(steps[0]), (at(-1, None) - at(-2, -1)) / float(steps[-1])
    else:
        a, b = float(steps[0]), float(steps[1])
        first = three(0, [-(2 * a + b) / (a * (a + b)), (a + b) / (a * b), -a / (b * (a + b))])
        a, b = float(steps[-2]), float(steps[-1])
        last = three(-3, [b / (a * (a + b)), -(b + a) / (a * b), (2 * b + a) / (b * (a + b))])
    return concat([first, inner, last], axis=axis).astype(array.dtype)


def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: float = 1.0, axis: int = -1) -> Array:
    """The integral along `axis` by trapezoids, of samples at `x` or `dx` apart."""
    array = asarray(y)
    if x is None:
        return Array(_core.trapezoid(array._core, float(dx), operator.index(axis)))
    return Array(_core.trapezoid_at(array._core, asarray(x)._core, operator.index(axis)))


def cumulative_trapezoid(y: ArrayLike, dx: float = 1.0, axis: int = -1, *, initial: float | None = None) -> Array:
    """The running integral, one element shorter than the axis, or with ``initial=0`` as long as it (scipy's)."""
    if initial not in (None, 0):
        raise UserError("cumulative_trapezoid: initial is 0 or None.")
    return Array(_core.cumulative_trapezoid(asarray(y)._core, float(dx), operator.index(axis), initial is not None))


def unwrap(p: ArrayLike, axis: int = -1, *, period: float = 6.283185307179586) -> Array:
    """Phases without jumps: differences of neighbours beyond half a period become their complement."""
    return Array(_core.unwrap(asarray(p)._core, float(period), operator.index(axis)))


def polyval(p: ArrayLike, x: ArrayLike) -> Array:
    """``p[0] x ** (n - 1) + ... + p[n - 1]``; coefficients and `x` of any dtype, as ``numpy.polyval`` promotes them."""
    coefficients, array = np.asarray(p), asarray(x)
    if coefficients.dtype == np.float64 and array.dtype == np.float64:
        return Array(_core.polyval(coefficients.tolist(), array._core))
    result = array.astype(np.result_type(array.dtype, coefficients.dtype) if coefficients.size else array.dtype)
    result = Array(_core.broadcast_to(asarray(np.zeros((), result.dtype))._core, list(array.shape)))
    for c in coefficients:
        result = result * array + asarray(np.asarray(c))
    return result
