"""Products of matrices and vectors."""

from __future__ import annotations

import operator
import string
from collections.abc import Sequence
from typing import Any, Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, asarray, normal_axis
from freestone._dtypes import DTypeLike
from freestone.errors import UserError

__all__ = ["cross", "diagonal", "dot", "einsum", "inner", "kron", "matmul", "outer", "tensordot", "trace", "vdot", "vecdot"]


def matmul(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """(..., m, k) times (..., k, n) is (..., m, n); a vector on the left is a row, on the right a column."""
    return Array(_core.matmul(asarray(x1)._core, asarray(x2)._core))


def tensordot(x1: ArrayLike, x2: ArrayLike, /, axes: Union[int, tuple[Any, Any]] = 2) -> Array:
    """The sum of products over `axes`: pairs of axes, or a number, the last of `x1` and the first of `x2`."""
    a, b = asarray(x1), asarray(x2)
    if isinstance(axes, (int, np.integer)):
        n = operator.index(axes)
        if not 0 <= n <= min(a.ndim, b.ndim):
            raise UserError(f"tensordot over {n} axes of arrays with {a.ndim} and {b.ndim}.")
        first, second = list(range(a.ndim - n, a.ndim)), list(range(n))
    else:
        first, second = ([operator.index(k) for k in part] if isinstance(part, Sequence) else [operator.index(part)] for part in axes)
    return Array(_core.tensordot(a._core, b._core, first, second))


def vecdot(x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Array:
    """The sum of ``conj(x1) * x2`` along one axis, the others broadcast."""
    a, b = asarray(x1), asarray(x2)
    if axis >= 0:
        rank = max(a.ndim, b.ndim)
        axis = normal_axis(axis, rank) - rank
    return Array(_core.vecdot(a._core, b._core, axis))


def dot(a: ArrayLike, b: ArrayLike) -> Array:
    """``numpy.dot``: numbers multiply, vectors give their inner product, else the last axis of `a` with the second last of `b`."""
    x, y = asarray(a), asarray(b)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if y.ndim == 1 or x.ndim <= 2 >= y.ndim:
        return matmul(x, y)
    return tensordot(x, y, ([x.ndim - 1], [y.ndim - 2]))


def inner(a: ArrayLike, b: ArrayLike) -> Array:
    """The sum of products over the last axes of both."""
    x, y = asarray(a), asarray(b)
    return x * y if x.ndim == 0 or y.ndim == 0 else tensordot(x, y, ([x.ndim - 1], [y.ndim - 1]))


def vdot(a: ArrayLike, b: ArrayLike) -> Array:
    """The sum of ``conj(a) * b`` of the flat arrays."""
    return vecdot(asarray(a).ravel(), asarray(b).ravel())


def outer(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Every element of one vector times every element of the other."""
    return Array(_core.outer(asarray(x1).ravel()._core, asarray(x2).ravel()._core))


def kron(a: ArrayLike, b: ArrayLike) -> Array:
    """The Kronecker product."""
    return Array(_core.kron(asarray(a)._core, asarray(b)._core))


def cross(x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Array:
    """The cross product of vectors of three elements along `axis`, the others broadcast."""
    return Array(_core.cross(asarray(x1)._core, asarray(x2)._core, operator.index(axis)))


def einsum(subscripts: Any, *operands: Any, optimize: Any = True) -> Array:
    """Sums of products written with one letter an axis: ``einsum("ij,jk->ik", a, b)`` multiplies matrices, as ``numpy.einsum``.

    Axes may be numbered instead: ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.
    """
    if not isinstance(subscripts, str):
        subscripts, arrays = _lettered([subscripts, *operands])
    else:
        arrays = list(operands)
    return Array(_core.einsum(subscripts, [asarray(a)._core for a in arrays]))


def _lettered(given: list[Any]) -> tuple[str, list[Any]]:
    """``a, [0, 1], b, [1, 2], [0, 2]`` as ``"ab,bc->ac", a, b``."""

    def text_of(axes: Any) -> str:
        try:
            return "".join("..." if axis is Ellipsis else string.ascii_letters[operator.index(axis)] for axis in axes)
        except (TypeError, IndexError):
            raise UserError("einsum: axes are numbered from 0 to 51: einsum(a, [0, 1], b, [1, 2], [0, 2]).") from None

    output = given.pop() if len(given) % 2 else None
    text = ",".join(text_of(axes) for axes in given[1::2])
    return text if output is None else f"{text}->{text_of(output)}", given[::2]


def diagonal(a: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Elements whose positions on two axes differ by `offset`; the diagonal is the last axis."""
    return Array(_core.diagonal(asarray(a)._core, operator.index(offset), axis1, axis2))


def trace(a: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DTypeLike = None) -> Array:
    """The sum of the diagonal of two axes."""
    return diagonal(a, offset, axis1, axis2).sum(-1, dtype=dtype)
