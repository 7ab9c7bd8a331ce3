"""Functions of NumPy and Dask that are a few calls of others."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, Axis, applied, asarray, axes_of, normal_axis
from freestone._creation import diag, shape_of, zeros
from freestone._dtypes import DTypeLike
from freestone._indexing import take
from freestone._manipulation import concat, tile
from freestone._reductions import cummax
from freestone._searching import argsort, argwhere, sort
from freestone._statistics import convolve
from freestone.errors import UserError

__all__ = [
    "apply_over_axes", "argpartition", "asanyarray", "bartlett", "blackman", "block", "correlate", "diagflat", "fix", "hamming", "hanning",
    "i0", "iscomplex", "iscomplexobj", "isnull", "isreal", "isrealobj", "kaiser", "lexsort", "moment", "ndim", "notnull", "partition", "piecewise", "push",
    "resize", "shape", "shuffle", "size", "spacing", "trim_zeros", "vander",
]  # fmt: skip


def asanyarray(a: ArrayLike, dtype: DTypeLike = None) -> Array:
    """`asarray`."""
    return asarray(a, dtype)


# What an array is.


def shape(a: ArrayLike) -> tuple[int, ...]:
    """The lengths of the axes."""
    return asarray(a).shape


def ndim(a: ArrayLike) -> int:
    """How many axes."""
    return asarray(a).ndim


def size(a: ArrayLike, axis: Axis = None) -> int:
    """How many elements, in all or along axes."""
    array = asarray(a)
    lengths = array.shape if axis is None else [array.shape[normal_axis(k, array.ndim)] for k in axes_of(axis)]
    return int(np.prod(lengths, dtype=np.int64))


def iscomplexobj(x: ArrayLike) -> bool:
    """Whether the dtype is complex."""
    return asarray(x).dtype.kind == "c"


def isrealobj(x: ArrayLike) -> bool:
    """Whether the dtype is not complex."""
    return asarray(x).dtype.kind != "c"


# Element by element.


def fix(x: ArrayLike) -> Array:
    """The whole number towards 0."""
    return applied("trunc", asarray(x))


def iscomplex(x: ArrayLike) -> Array:
    """Whether the imaginary part is not 0."""
    return applied("not_equal", applied("imag", asarray(x)), 0)


def isreal(x: ArrayLike) -> Array:
    """Whether the imaginary part is 0."""
    return applied("equal", applied("imag", asarray(x)), 0)


def isnull(values: ArrayLike) -> Array:
    """Whether it is NaN, as ``pandas.isnull``."""
    return applied("isnan", asarray(values))


def notnull(values: ArrayLike) -> Array:
    """Whether it is not NaN, as ``pandas.notnull``."""
    return applied("logical_not", isnull(values))


def spacing(x: ArrayLike) -> Array:
    """The distance to the next floating number away from 0, with the sign of `x`."""
    array = applied("positive", asarray(x))
    array = array if array.dtype.kind == "f" else array + 0.0
    away = applied("nextafter", array, applied("copysign", asarray(np.asarray(np.inf, array.dtype)), array)) - array
    # Behind the greatest number comes infinity; the distance on its other side is the same.
    return applied("where", applied("isinf", away), array - applied("nextafter", array, asarray(np.zeros((), array.dtype))), away)


def i0(x: ArrayLike) -> Array:
    """The modified Bessel function of the first kind, order 0."""
    from freestone._user import map_blocks

    array = asarray(x)
    if array.dtype.kind == "c":
        raise TypeError("i0 takes real numbers")
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    return map_blocks(np.i0, array, dtype=array.dtype, elementwise=True)


def piecewise(x: ArrayLike, condlist: Sequence[ArrayLike], funclist: Sequence[Any], *args: Any, **kw: Any) -> Array:
    """Of several functions, or numbers, the one whose condition holds; the last of several.

    Parameters
    ----------
    x : array_like
    condlist : sequence of array_like of bool
        Each of the shape of `x`.
    funclist : sequence of callable or number
        One a condition, and perhaps one more, for where none holds (default: 0). A function is one of arrays: it is called with all of `x`.
    *args, **kw
        Handed to functions.

    Returns
    -------
    Array
        Shape and dtype of `x`.
    """
    array = asarray(x)
    conditions = list(condlist) if isinstance(condlist, (list, tuple)) and not np.isscalar(condlist[0]) else [condlist]
    masks = [asarray(condition).astype(np.bool_) for condition in conditions]
    pieces = list(funclist)
    if len(pieces) == len(masks) + 1:
        other = pieces.pop()
    elif len(pieces) == len(masks):
        other = 0
    else:
        raise ValueError(f"piecewise: {len(pieces)} functions for {len(masks)} conditions; as many, or one more")

    def made(piece: Any) -> Any:
        value = asarray(piece(array, *args, **kw) if callable(piece) else piece)
        return value.astype(array.dtype)

    result = Array(_core.broadcast_to(made(other)._core, list(array.shape)))
    for mask, piece in zip(masks, pieces):
        result = applied("where", mask, made(piece), result)
    return result


def moment(a: ArrayLike, order: int, axis: Axis = None, dtype: DTypeLike = None, keepdims: bool = False, ddof: float = 0) -> Array:
    """The central moment of `order`: the sum of powers of distances from the mean, by the count less `ddof`.

    Parameters
    ----------
    order : int
        0 gives 1, 1 gives 0, 2 the variance.
    """
    array = asarray(a, dtype)
    array = array if array.dtype.kind in "fc" else array.astype(np.float64)
    total = ((array - array.mean(axis, keepdims=True)) ** order).sum(axis, keepdims=keepdims)
    return total / (array.size / max(total.size, 1) - ddof)


def push(array: ArrayLike, n: int | None, axis: int) -> Array:
    """Every NaN becomes the last number before it along `axis`, as ``bottleneck.push``; no more than `n` positions on, when that is a number.

    Parameters
    ----------
    array : array_like
    n : int, optional
    axis : int
    """
    values = asarray(array)
    if values.dtype.kind not in "fc":
        return values
    place = normal_axis(axis, values.ndim)
    here = asarray(np.arange(values.shape[place]).reshape([-1 if k == place else 1 for k in range(values.ndim)]))
    last = cummax(applied("where", applied("isnan", values), -1, here), axis=place)
    pushed = Array(_core.take_along_axis(values._core, applied("maximum", last, 0)._core, place))
    return pushed if n is None else applied("where", here - last <= operator.index(n), pushed, np.nan)


# Order.


def partition(a: ArrayLike, kth: Any, axis: int | None = -1) -> Array:
    """Sorted along `axis`, which puts the elements `kth`, and what is less and more, where ``numpy.partition`` promises them.

    Parameters
    ----------
    a : array_like
    kth : int or sequence of int
        Positions that must be right; checked only.
    """
    return sort(_with_places("partition", a, kth, axis), axis=axis)


def argpartition(a: ArrayLike, kth: Any, axis: int | None = -1) -> Array:
    """The positions of `partition` along `axis` (int64). Parameters are as there."""
    return argsort(_with_places("argpartition", a, kth, axis), axis=axis)


def _with_places(name: str, a: ArrayLike, kth: Any, axis: int | None) -> Array:
    array = asarray(a)
    length = array.size if axis is None else array.shape[normal_axis(axis, array.ndim)]
    for k in np.atleast_1d(kth):
        if not -length <= operator.index(k) < length:
            raise ValueError(f"{name}: position {k} of an axis of {length}")
    return array


def lexsort(keys: Any, axis: int = -1) -> Array:
    """The positions that sort by several keys, the last of them first (int64).

    Parameters
    ----------
    keys : sequence of array_like, or array_like
        Keys, one behind the other along the first axis.
    """
    parts = [asarray(key) for key in keys]
    if not parts:
        raise TypeError("lexsort needs one key at least")
    place = normal_axis(axis, parts[0].ndim)
    order = argsort(parts[0], axis=place)
    for key in parts[1:]:
        again = argsort(Array(_core.take_along_axis(key._core, order._core, place)), axis=place)
        order = Array(_core.take_along_axis(order._core, again._core, place))
    return order


# Shapes.


def block(arrays: Any) -> Array:
    """Arrays joined as nested lists say: those of the innermost lists along the last axis, then along the one before.

    Parameters
    ----------
    arrays : array_like, or nested list of array_like
    """

    def depth_of(part: Any) -> int:
        if not isinstance(part, list):
            return 0
        if not part:
            raise ValueError("block: a list is empty")
        depths = {depth_of(each) for each in part}
        if len(depths) != 1:
            raise ValueError("block: lists are nested to different depths")
        return depths.pop() + 1

    def rank_of(part: Any) -> int:
        return max(rank_of(each) for each in part) if isinstance(part, list) else asarray(part).ndim

    depth = depth_of(arrays)
    rank = max(depth, rank_of(arrays))

    def joined(part: Any, level: int) -> Array:
        if not isinstance(part, list):
            array = asarray(part)
            return Array(_core.expand_axes(array._core, list(range(rank - array.ndim))))
        return concat([joined(each, level + 1) for each in part], axis=rank - depth + level)

    return joined(arrays, 0)


def apply_over_axes(func: Callable[..., Any], a: ArrayLike, axes: Union[int, Sequence[int]]) -> Array:
    """``func(a, axis)`` for one axis after another; axes that it takes away come back with length 1.

    Parameters
    ----------
    func : callable
        Of an array and an axis: ``freestone.sum``, ``numpy.max``...
    a : array_like
    axes : int or sequence of int
    """
    result = asarray(a)
    rank = result.ndim
    for axis in axes_of(axes):
        place = normal_axis(axis, rank)
        made = asarray(func(result, place))
        result = Array(_core.expand_dims(made._core, place)) if made.ndim == rank - 1 else made
        if result.ndim != rank:
            raise ValueError(f"apply_over_axes: the function gave {made.ndim} axes of {rank}")
    return result


def diagflat(v: ArrayLike, k: int = 0) -> Array:
    """A matrix with the flat elements on a diagonal."""
    return diag(asarray(v).ravel(), k=k)


def shuffle(x: ArrayLike, indexer: Sequence[Sequence[int]], axis: int, chunks: Any = "auto") -> Array:
    """The positions of lists, one list behind the other, along an axis, as ``dask.array.shuffle``; `chunks` changes nothing.

    Parameters
    ----------
    x : array_like
    indexer : sequence of sequence of int
        Positions that stay together.
    axis : int
    """
    positions = [operator.index(place) for group in indexer for place in group]
    return take(x, np.asarray(positions, dtype=np.int64), axis=axis)


def resize(a: ArrayLike, new_shape: Union[int, Sequence[int]]) -> Array:
    """The flat elements, repeated as often as it takes, in another shape; zeros where there are none.

    Parameters
    ----------
    a : array_like
    new_shape : int or sequence of int
    """
    flat, lengths = asarray(a).ravel(), shape_of(new_shape)
    count = int(np.prod(lengths, dtype=np.int64))
    if flat.size == 0 or count == 0:
        return zeros(lengths, flat.dtype)
    return tile(flat, -(-count // flat.size))[:count].reshape(lengths)


def trim_zeros(filt: ArrayLike, trim: str = "fb") -> Array:
    """An array without the zeros at its ends, along every axis. Finds them now.

    Parameters
    ----------
    filt : array_like
    trim : str
        Of ``"f"``, the front, and ``"b"``, the back.
    """
    array = asarray(filt)
    if not set(trim.lower()) <= {"f", "b"}:
        raise UserError(f"trim_zeros: trim is made of 'f' and 'b', not {trim!r}.")
    places = np.asarray(argwhere(array))
    if places.shape[0] == 0:
        return array[(slice(0, 0),) * array.ndim]
    firsts, lasts = places.min(0), places.max(0) + 1
    front, back = "f" in trim.lower(), "b" in trim.lower()
    return array[tuple(slice(int(a) if front else 0, int(b) if back else None) for a, b in zip(firsts, lasts))]


def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Array:
    """Powers of a vector as columns, the highest first.

    Parameters
    ----------
    x : array_like, 1-D
    N : int, optional
        Columns. Default: as many as `x` has elements.
    increasing : bool
        The lowest power first.
    """
    array = asarray(x)
    if array.ndim != 1:
        raise ValueError("vander takes a vector")
    columns = array.shape[0] if N is None else operator.index(N)
    kind = np.promote_types(array.dtype, np.int64)
    powers = np.arange(columns) if increasing else np.arange(columns)[::-1]
    return applied("power", Array(_core.expand_dims(array.astype(kind)._core, 1)), asarray(powers.astype(kind)))


# Signals.


def correlate(a: ArrayLike, v: ArrayLike, mode: str = "valid") -> Array:
    """The cross-correlation of two vectors, as ``numpy.correlate``: ``sum(a[n + k] * conj(v[n]))``.

    Parameters
    ----------
    a, v : array_like, 1-D
    mode : {"valid", "same", "full"}
        Where both overlap whole, as long as the longer one, or wherever they overlap.
    """
    first, second = asarray(a), asarray(v)
    if first.ndim != 1 or second.ndim != 1:
        raise ValueError("correlate takes vectors")
    if second.size > first.size:  # NumPy then slides the shorter one, and turns the result
        return _conjugate(correlate(second, first, mode))[::-1]
    return convolve(first, _conjugate(second)[::-1], mode=mode)


def _conjugate(array: Array) -> Array:
    return applied("conjugate", array) if array.dtype.kind == "c" else array


def bartlett(M: int) -> Array:
    """The triangular window of `M` points.

    Parameters
    ----------
    M : int
        Points; below 1 none.
    """
    return asarray(np.bartlett(M))


def blackman(M: int) -> Array:
    """The Blackman window of `M` points. Parameters are as in `bartlett`."""
    return asarray(np.blackman(M))


def hamming(M: int) -> Array:
    """The Hamming window of `M` points. Parameters are as in `bartlett`."""
    return asarray(np.hamming(M))


def hanning(M: int) -> Array:
    """The Hann window of `M` points. Parameters are as in `bartlett`."""
    return asarray(np.hanning(M))


def kaiser(M: int, beta: float) -> Array:
    """The Kaiser window of `M` points.

    Parameters
    ----------
    M : int
        Points; below 1 none.
    beta : float
        The shape: 0 is a rectangle.
    """
    return asarray(np.kaiser(M, beta))
