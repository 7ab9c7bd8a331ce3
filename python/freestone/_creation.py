"""Arrays out of nothing: constants, ranges, grids. They take no memory before they are computed."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, applied, asarray, check_device, from_dlpack, from_numpy
from freestone._dtypes import DTypeLike, dtype_name, dtype_of
from freestone.errors import UserError

__all__ = [
    "arange", "array", "asarray", "diag", "empty", "empty_like", "eye", "from_dlpack", "from_numpy", "fromfunction", "full", "full_like", "geomspace", "identity", "indices", "linspace", "logspace", "meshgrid", "ones", "ones_like", "tri", "tril", "triu", "zeros", "zeros_like",
]  # fmt: skip

ShapeLike = Union[int, Sequence[int]]


def shape_of(shape: ShapeLike) -> list[int]:
    """`shape` as the engine has it."""
    lengths = [operator.index(n) for n in shape] if isinstance(shape, (Sequence, np.ndarray)) else [operator.index(shape)]
    if any(n < 0 for n in lengths):
        raise UserError(f"A shape has no lengths below 0: {tuple(lengths)}.")
    return lengths


def chunked(array: Array, chunks: Any) -> Array:
    """`array` with nominal chunks, where they are given: Dask's ``chunks=``."""
    return array if chunks is None or isinstance(chunks, str) and chunks == "auto" else array.rechunk(chunks)


def array(obj: ArrayLike, dtype: DTypeLike = None, *, copy: bool = True, ndmin: int = 0) -> Array:
    """As `asarray`, with a copy of what lies in memory unless `copy` is False, and at least `ndmin` axes."""
    result = asarray(obj, dtype, copy=True if copy else None)
    return Array(_core.expand_axes(result._core, list(range(ndmin - result.ndim)))) if result.ndim < ndmin else result


def full(shape: ShapeLike, fill_value: ArrayLike, dtype: DTypeLike = None, *, device: Any = None, chunks: Any = None) -> Array:
    """Every element `fill_value`.

    Parameters
    ----------
    shape : int or sequence of int
    fill_value : number or array
        An array broadcasts to the shape.
    dtype : dtype, optional
        Default: bool, int64, float64 or complex128, as the number is one.
    """
    check_device(device)
    return chunked(_full(shape_of(shape), fill_value, dtype), chunks)


def _full(lengths: list[int], fill_value: ArrayLike, dtype: DTypeLike) -> Array:
    if isinstance(fill_value, (bool, int, float, complex)) and not isinstance(fill_value, np.generic):
        if dtype is None and not isinstance(fill_value, complex):
            return Array(_core.full(lengths, fill_value, ""))
        dtype = dtype_of(complex if dtype is None else dtype)
        if dtype.kind == "c":
            return Array(_core.full_complex(lengths, complex(fill_value), dtype.name))
        if not isinstance(fill_value, complex) and (dtype.kind == "f" or (dtype.kind in "iu" and not isinstance(fill_value, float))):
            return Array(_core.full(lengths, fill_value, dtype.name))
    return Array(_core.broadcast_to(asarray(fill_value, dtype)._core, lengths))


def zeros(shape: ShapeLike, dtype: DTypeLike = None, *, device: Any = None, chunks: Any = None) -> Array:
    """Zeros; float64 unless `dtype` says otherwise."""
    return full(shape, 0, np.float64 if dtype is None else dtype, device=device, chunks=chunks)


def ones(shape: ShapeLike, dtype: DTypeLike = None, *, device: Any = None, chunks: Any = None) -> Array:
    """Ones; float64 unless `dtype` says otherwise."""
    return full(shape, 1, np.float64 if dtype is None else dtype, device=device, chunks=chunks)


def empty(shape: ShapeLike, dtype: DTypeLike = None, *, device: Any = None, chunks: Any = None) -> Array:
    """Zeros: an array here has no memory that could hold anything else."""
    return zeros(shape, dtype, device=device, chunks=chunks)


def full_like(
    x: ArrayLike, /, fill_value: ArrayLike, dtype: DTypeLike = None, *, device: Any = None, shape: ShapeLike | None = None, chunks: Any = None
) -> Array:
    """Every element `fill_value`; shape and dtype of `x` where they are not given."""
    like = asarray(x)
    return full(like.shape if shape is None else shape, fill_value, like.dtype if dtype is None else dtype, device=device, chunks=chunks)


def zeros_like(
    x: ArrayLike, /, dtype: DTypeLike = None, *, device: Any = None, shape: ShapeLike | None = None, chunks: Any = None
) -> Array:
    """Zeros; shape and dtype of `x` where they are not given."""
    return full_like(x, 0, dtype, device=device, shape=shape, chunks=chunks)


def ones_like(
    x: ArrayLike, /, dtype: DTypeLike = None, *, device: Any = None, shape: ShapeLike | None = None, chunks: Any = None
) -> Array:
    """Ones; shape and dtype of `x` where they are not given."""
    return full_like(x, 1, dtype, device=device, shape=shape, chunks=chunks)


def empty_like(
    x: ArrayLike, /, dtype: DTypeLike = None, *, device: Any = None, shape: ShapeLike | None = None, chunks: Any = None
) -> Array:
    """Zeros; shape and dtype of `x` where they are not given."""
    return zeros_like(x, dtype, device=device, shape=shape, chunks=chunks)


def _is_integer(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or (isinstance(value, (Array, np.ndarray)) and value.dtype.kind in "iu")


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: DTypeLike = None, device: Any = None, chunks: Any = None) -> Array:
    """Numbers from `start` (with one argument from 0) to before `stop`, `step` apart; int64 for integers, else float64."""
    check_device(device)
    if stop is None:
        start, stop = 0, start
    if step is None:
        step = 1
    if all(_is_integer(value) for value in (start, stop, step)):
        bounds = [operator.index(value) for value in (start, stop, step)]
        kind = np.dtype(np.int64) if dtype is None else dtype_of(dtype)
        if kind.kind in "iu" and all(-(2**63) <= value < 2**63 for value in bounds):
            return chunked(Array(_core.arange_integers(*bounds, kind.name)), chunks)
    kind = np.dtype(np.float64) if dtype is None else dtype_of(dtype)
    made = Array(_core.arange(float(start), float(stop), float(step), kind.name if kind.kind == "f" else "float64"))
    return chunked(made if kind.kind == "f" else made.astype(kind), chunks)


def linspace(
    start: Any,
    stop: Any,
    /,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike = None,
    axis: int = 0,
    *,
    device: Any = None,
    chunks: Any = None,
) -> Any:
    """`num` numbers from `start` to `stop`, which is among them with `endpoint`. Of arrays, which broadcast, along a new axis.

    Returns
    -------
    Array, or (Array, float)
        With `retstep` the distance between neighbours, too. Integer dtypes take the floor.
    """
    check_device(device)
    count = operator.index(num)
    if np.ndim(start) or np.ndim(stop):
        return _lines_between(asarray(start), asarray(stop), count, endpoint, retstep, dtype, axis)
    if isinstance(start, (complex, np.complexfloating)) or isinstance(stop, (complex, np.complexfloating)):
        first, last = complex(start), complex(stop)
        real, imag = (linspace(a, b, count, endpoint=endpoint) for a, b in ((first.real, last.real), (first.imag, last.imag)))
        values = real + imag * 1j
        step: Any = (last - first) / max(count - (1 if endpoint else 0), 1)
    else:
        kind = np.dtype(np.float64) if dtype is None else dtype_of(dtype)
        name = kind.name if kind.kind in "fiu" else "float64"
        values = Array(_core.linspace(float(start), float(stop), count, bool(endpoint), name))
        step = _core.linspace_step(float(start), float(stop), count, bool(endpoint))
    if dtype is not None:
        values = values.astype(dtype)
    values = chunked(values, chunks)
    return (values, step) if retstep else values


def _lines_between(first: Array, last: Array, count: int, endpoint: bool, retstep: bool, dtype: DTypeLike, axis: int) -> Any:
    """`linspace` of arrays."""
    from freestone._manipulation import concat, moveaxis

    if count < 0:
        raise ValueError(f"linspace: {count} numbers")
    parts = count - 1 if endpoint else count
    first, last = (a if a.dtype.kind in "fc" else a.astype(np.float64) for a in (first, last))
    whole = last - first
    step = whole / parts if parts > 0 else whole * float("nan")
    numbers = Array(_core.arange(0.0, float(count), 1.0, "float64")).reshape([count] + [1] * whole.ndim).astype(whole.dtype)
    values = numbers * (step if parts > 0 else whole) + first
    if endpoint and count > 1:
        values = concat([values[:-1], Array(_core.broadcast_to(_core.expand_dims(last._core, 0), [1, *values.shape[1:]]))])
    if dtype is not None:
        kind = dtype_of(dtype)
        values = (applied("floor", values) if kind.kind in "iu" else values).astype(kind)
    values = moveaxis(values, 0, axis)
    return (values, step) if retstep else values


def logspace(start: float, stop: float, num: int = 50, endpoint: bool = True, base: float = 10.0, dtype: DTypeLike = None) -> Array:
    """`base` to the power of ``linspace(start, stop, num)``."""
    return Array(_core.logspace(float(start), float(stop), operator.index(num), bool(endpoint), float(base), dtype_name(dtype or np.float64)))


def geomspace(start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: DTypeLike = None) -> Array:
    """`num` numbers with equal ratios from `start` to `stop`."""
    return Array(_core.geomspace(float(start), float(stop), operator.index(num), bool(endpoint), dtype_name(dtype or np.float64)))


def _offset(k: Any, rows: int, columns: int) -> int:
    """The number of a diagonal; all beyond the corners are alike."""
    return max(-rows - 1, min(operator.index(k), columns + 1))


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: DTypeLike = None, device: Any = None, chunks: Any = None) -> Array:
    """Ones where column - row = `k`, zeros elsewhere."""
    check_device(device)
    rows = operator.index(n_rows)
    columns = rows if n_cols is None else operator.index(n_cols)
    return chunked(Array(_core.eye(rows, columns, _offset(k, rows, columns), dtype_name(np.float64 if dtype is None else dtype))), chunks)


def identity(n: int, dtype: DTypeLike = None) -> Array:
    """The unit matrix."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike = None, chunks: Any = None) -> Array:
    """Ones where column - row <= `k`, zeros elsewhere."""
    rows = operator.index(N)
    columns = rows if M is None else operator.index(M)
    return chunked(Array(_core.tri(rows, columns, _offset(k, rows, columns), dtype_name(np.float64 if dtype is None else dtype))), chunks)


def _rows_of(x: ArrayLike) -> Array:
    array = asarray(x)
    return array if array.ndim != 1 else Array(_core.broadcast_to(array._core, [array.shape[0], array.shape[0]]))


def tril(x: ArrayLike, /, k: int = 0) -> Array:
    """`x` with zeros above the `k`-th diagonal of its last two axes; of a vector, of the square matrix of such rows."""
    array = _rows_of(x)
    rows, columns = array.shape[-2:] if array.ndim > 1 else (0, 0)
    return Array(_core.tril(array._core, _offset(k, rows, columns)))


def triu(x: ArrayLike, /, k: int = 0) -> Array:
    """`x` with zeros below the `k`-th diagonal of its last two axes; of a vector, of the square matrix of such rows."""
    array = _rows_of(x)
    rows, columns = array.shape[-2:] if array.ndim > 1 else (0, 0)
    return Array(_core.triu(array._core, _offset(k, rows, columns)))


def diag(v: ArrayLike, k: int = 0) -> Array:
    """A matrix with `v` on its `k`-th diagonal; of a matrix the diagonal."""
    given = asarray(v)
    if given.ndim == 2:
        return Array(_core.diagonal(given._core, operator.index(k), 0, 1))
    if given.ndim != 1:
        raise UserError(f"diag takes one axis or two, not {given.ndim}.")
    n = given.shape[0] + abs(k)
    before = (max(-k, 0), max(k, 0))
    # Column j of row i holds v[i] where j - i = k.
    rows = Array(_core.pad(given._core, [(before[0], n - given.shape[0] - before[0])], "constant", [(0.0, 0.0)], [], False))
    mask = eye(n, k=k, dtype=np.bool_)
    return Array(_core.elementwise("where", mask._core, _core.expand_dims(rows._core, 1), zeros((), given.dtype)._core))


def indices(dimensions: Sequence[int], dtype: DTypeLike = int, sparse: bool = False, chunks: Any = None) -> Any:
    """Positions along every axis of a grid: one array with a leading axis, or with `sparse` a tuple of arrays that broadcast."""
    shape = shape_of(dimensions)
    if sparse:
        axes = [arange(n, dtype=dtype) for n in shape]
        return tuple(Array(_core.expand_axes(a._core, [k for k in range(len(shape)) if k != axis])) for axis, a in enumerate(axes))
    grids = [Array(grid).astype(dtype) for grid in _core.indices(shape)]
    if not grids:
        return zeros((0,), dtype)
    lengths = chunks if chunks is None or isinstance(chunks, str) else [1, *(chunks if isinstance(chunks, Sequence) else [chunks] * len(shape))]
    return chunked(Array(_core.stack([grid._core for grid in grids], 0)), lengths)


def meshgrid(*arrays: ArrayLike, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> list[Array]:
    """Grids of 1-D coordinates.

    Parameters
    ----------
    indexing : {"xy", "ij"}
        The first coordinate runs along axis 1 and the second along axis 0, or each along its own.
    sparse : bool
        Other axes of length 1 instead of whole grids.
    """
    if indexing not in ("xy", "ij"):
        raise UserError(f"indexing is 'xy' or 'ij', not '{indexing}'.")
    axes = [asarray(a) for a in arrays]
    axes = [Array(_core.reshape(a._core, [-1])) if a.ndim != 1 else a for a in axes]
    if not sparse:
        return [Array(grid) for grid in _core.meshgrid([a._core for a in axes], indexing == "xy")] if axes else []
    rank = len(axes)
    places = [1, 0, *range(2, rank)] if indexing == "xy" and rank > 1 else list(range(rank))
    return [Array(_core.expand_axes(a._core, [k for k in range(rank) if k != place])) for a, place in zip(axes, places)]


def fromfunction(function: Callable[..., Any], shape: Sequence[int], *, dtype: DTypeLike = float, chunks: Any = None, **kwargs: Any) -> Array:
    """What `function` makes of the positions along every axis, as ``numpy.fromfunction``."""
    return chunked(asarray(function(*(Array(grid).astype(dtype) for grid in _core.indices(shape_of(shape))), **kwargs)), chunks)
