"""Linear algebra by the names of ``numpy.linalg`` and the array API.

Products stream over tiles; decompositions of tall matrices (`qr`, `svd`, `svdvals`) read them block by block.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, Axis, asarray, axes_of, normal_axis
from freestone._dtypes import DTypeLike
from freestone._manipulation import matrix_transpose
from freestone._products import cross, matmul, outer, tensordot, vecdot
from freestone._products import diagonal as _diagonal
from freestone.errors import UserError

__all__ = [
    "LinAlgError", "cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "norm", "outer", "pinv", "qr", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm",
]  # fmt: skip

LinAlgError = np.linalg.LinAlgError


class QRResult(NamedTuple):
    """What `qr` gives."""

    Q: Array
    R: Array


class SVDResult(NamedTuple):
    """What `svd` gives."""

    U: Array
    S: Array
    Vh: Array


def diagonal(x: ArrayLike, /, *, offset: int = 0) -> Array:
    """The diagonal of the last two axes."""
    return _diagonal(x, offset, -2, -1)


def trace(x: ArrayLike, /, *, offset: int = 0, dtype: DTypeLike = None) -> Array:
    """The sum of the diagonal of the last two axes."""
    return diagonal(x, offset=offset).sum(-1, dtype=dtype)


def vector_norm(x: ArrayLike, /, *, axis: Axis = None, keepdims: bool = False, ord: float = 2) -> Array:
    """``sum(abs(x) ** ord) ** (1 / ord)`` over `axis`; infinite orders give the greatest or least, 0 how many are not 0."""
    array = asarray(x)
    if isinstance(axis, (tuple, list)) and len(axis) == 0:
        return Array(_core.vector_norm(_core.expand_dims(array._core, array.ndim), [-1], float(ord), False))
    return Array(_core.vector_norm(array._core, axes_of(axis), float(ord), bool(keepdims)))


def matrix_norm(x: ArrayLike, /, *, keepdims: bool = False, ord: Union[float, str, None] = "fro") -> Array:
    """The norm of the matrices on the last two axes: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    array = asarray(x)
    if array.ndim < 2:
        raise UserError(f"matrix_norm takes two axes or more, not {array.ndim}.")
    if ord in ("fro", None):
        return vector_norm(array, axis=(-2, -1), keepdims=keepdims)
    if ord in ("nuc", 2, -2):
        values = svdvals(array)
        result = values.sum(-1) if ord == "nuc" else values.max(-1) if ord == 2 else values.min(-1)
    elif ord in (1, -1, math.inf, -math.inf):
        sums = abs(array).sum(-2 if ord in (1, -1) else -1)
        result = sums.max(-1) if ord in (1, math.inf) else sums.min(-1)
    else:
        raise UserError(f"matrix_norm: ord is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, not {ord!r}.")
    return result[..., None, None] if keepdims else result


def norm(x: ArrayLike, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """`vector_norm` or `matrix_norm`, as ``numpy.linalg.norm`` chooses."""
    array = asarray(x)
    if axis is None and ord is None:
        return vector_norm(array, keepdims=keepdims)
    axes = list(range(array.ndim)) if axis is None else [normal_axis(k, array.ndim) for k in axes_of(axis)]
    if len(axes) == 1:
        return vector_norm(array, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2:
        raise UserError("norm takes one axis, or two.")
    rest = [k for k in range(array.ndim) if k not in axes]
    result = matrix_norm(array.transpose([*rest, *axes]), ord="fro" if ord is None else ord)
    if keepdims:
        for k in sorted(axes):
            result = Array(_core.expand_dims(result._core, k))
    return result


def qr(x: ArrayLike, /, *, mode: str = "reduced") -> QRResult:
    """``x = Q @ R`` with orthonormal columns of Q and upper triangular R, whose diagonal is not negative."""
    if mode != "reduced":
        raise UserError(f"qr: mode '{mode}' is not available.")
    return QRResult(*(Array(part) for part in _core.qr(asarray(x)._core)))


def svd(x: ArrayLike, /, *, full_matrices: bool = True) -> SVDResult:
    """``x = U @ diag(S) @ Vh``, S falling."""
    if full_matrices:
        raise UserError("svd: full_matrices=True is not available; give full_matrices=False.")
    return SVDResult(*(Array(part) for part in _core.svd(asarray(x)._core)))


def svdvals(x: ArrayLike, /) -> Array:
    """The singular values, falling."""
    return Array(_core.svdvals(asarray(x)._core))


def matrix_rank(x: ArrayLike, /, *, rtol: ArrayLike | None = None) -> Array:
    """How many singular values are greater than `rtol` times the greatest (default: max(M, N) times the dtype's epsilon)."""
    array = asarray(x)
    values = svdvals(array)
    factor = max(array.shape[-2:]) * float(np.finfo(values.dtype).eps) if rtol is None else asarray(rtol)[..., None]
    return (values > values.max(-1, keepdims=True) * factor).sum(-1)


def pinv(x: ArrayLike, /, *, rtol: ArrayLike | None = None) -> Array:
    """The Moore-Penrose inverse; singular values up to `rtol` times the greatest count as 0."""
    array = asarray(x)
    u, s, vh = svd(array, full_matrices=False)
    factor = max(array.shape[-2:]) * float(np.finfo(s.dtype).eps) if rtol is None else asarray(rtol)[..., None]
    large = s > s.max(-1, keepdims=True) * factor
    inverse = Array(_core.elementwise("where", large._core, (1 / s)._core, (s * 0)._core))
    return matmul(matrix_transpose(vh.conj()) * inverse[..., None, :], matrix_transpose(u.conj()))


def matrix_power(x: ArrayLike, n: int, /) -> Array:
    """The matrix times itself, `n` times."""
    array = asarray(x)
    if n < 0:
        raise UserError("matrix_power of a negative number is not available.")
    result = None
    square = array
    while n:
        if n & 1:
            result = square if result is None else matmul(result, square)
        n >>= 1
        if n:
            square = matmul(square, square)
    if result is None:
        unit = Array(_core.eye(array.shape[-1], None, 0, array.dtype.name))
        return Array(_core.broadcast_to(unit._core, list(array.shape)))
    return result
