"""Linear algebra by the names of ``numpy.linalg`` and the array API.

Products stream over tiles; decompositions of tall matrices (`qr`, `svd`, `svdvals`) read them block by block.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple, Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, Axis, applied, asarray, axes_of, normal_axis, reduced_along
from freestone._along import apply_gufunc
from freestone._creation import tril, triu, zeros
from freestone._dtypes import DTypeLike
from freestone._elementwise import absolute, sign
from freestone._indexing import take_along_axis
from freestone._manipulation import matrix_transpose
from freestone._products import cross, matmul, outer, tensordot, vecdot
from freestone._products import diagonal as _diagonal
from freestone.errors import UserError

__all__ = [
    "LinAlgError", "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "lstsq", "lu", "matmul", "matrix_norm", "matrix_power", "matrix_rank",
    "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "sfqr", "slogdet", "solve", "solve_triangular", "svd", "svd_compressed", "svdvals", "tensordot", "tensorinv", "tensorsolve",
    "trace", "tsqr", "vecdot", "vector_norm",
]  # fmt: skip

LinAlgError = np.linalg.LinAlgError


class QRResult(NamedTuple):
    """What `qr` gives."""

    Q: Array
    R: Array


class EigResult(NamedTuple):
    """What `eig` gives."""

    eigenvalues: Array
    eigenvectors: Array


class EighResult(NamedTuple):
    """What `eigh` gives."""

    eigenvalues: Array
    eigenvectors: Array


class SlogdetResult(NamedTuple):
    """What `slogdet` gives."""

    sign: Array
    logabsdet: Array


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
    array, axis, keepdims = reduced_along(asarray(x), axis, keepdims)
    return Array(_core.vector_norm(array._core, axes_of(axis), float(ord), keepdims))


def matrix_norm(x: ArrayLike, /, *, keepdims: bool = False, ord: Union[float, str, None] = "fro") -> Array:
    """The norm of the matrices on the last two axes: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    name = "fro" if ord is None else ord if isinstance(ord, str) else f"{float(ord):g}"
    return Array(_core.matrix_norm(asarray(x)._core, name, bool(keepdims)))


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


# Decompositions.


def qr(x: ArrayLike, /, mode: str = "reduced") -> Any:
    """``x = Q @ R`` with orthonormal columns of Q and upper triangular R, whose diagonal is not negative.

    Parameters
    ----------
    mode : {"reduced", "complete", "r", "raw"}
        Q of (..., M, K) with K the smaller of M and N, or of (..., M, M); or R of (..., K, N) alone; or LAPACK's reflectors (..., N, M) and their scales.

    Returns
    -------
    QRResult of Q and R, or R, or a tuple

    Raises
    ------
    UserError
        Another mode.
    """
    if mode not in ("reduced", "complete", "r", "raw"):
        raise UserError(f"qr: mode is 'reduced', 'complete', 'r' or 'raw', not '{mode}'.")
    if mode == "raw":
        array = asarray(x)
        if array.dtype.kind not in "fc":
            array = array.astype(np.float64)
        return apply_gufunc(
            functools.partial(np.linalg.qr, mode="raw"), "(m,n)->(n,m),(k)", array, output_dtypes=[array.dtype] * 2, output_sizes={"k": min(array.shape[-2:])}, name="qr"
        )
    if mode == "r":
        return Array(_core.qr(asarray(x)._core, False)[1])
    return QRResult(*(Array(part) for part in _core.qr(asarray(x)._core, mode == "complete")))


def tsqr(data: ArrayLike, compute_svd: bool = False) -> Any:
    """`qr` of a tall matrix, by the name of ``dask.array.linalg.tsqr``.

    Parameters
    ----------
    data : array_like
    compute_svd : bool
        Its `svd` instead.
    """
    return svd(data, full_matrices=False) if compute_svd else qr(data)


def sfqr(data: ArrayLike) -> Any:
    """`qr` by the name of ``dask.array.linalg.sfqr``. Parameters are as in `tsqr`."""
    return qr(data)


def svd(x: ArrayLike, /, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """``x = U @ diag(S) @ Vh``, S falling; without `full_matrices` U and Vh have no more columns and rows than S has elements.

    Parameters
    ----------
    hermitian : bool
        `x` is symmetric or Hermitian: its lower triangle is read, and eigenvalues are computed, which is less work.

    Returns
    -------
    SVDResult, or Array
        U, S and Vh; S alone without `compute_uv`.
    """
    if hermitian:
        values, vectors = eigh(x)
        sizes, order = absolute(values), absolute(values).argsort(axis=-1)[..., ::-1]
        if not compute_uv:
            return take_along_axis(sizes, order, axis=-1)
        vectors = take_along_axis(vectors, order[..., None, :] + zeros(vectors.shape, np.int64), axis=-1)
        signs = take_along_axis(sign(values), order, axis=-1)
        return SVDResult(vectors, take_along_axis(sizes, order, axis=-1), _adjoint(vectors * signs[..., None, :]))
    if not compute_uv:
        return svdvals(x)
    return SVDResult(*(Array(part) for part in _core.svd(asarray(x)._core, bool(full_matrices))))


def svdvals(x: ArrayLike, /) -> Array:
    """The singular values, falling."""
    return Array(_core.svdvals(asarray(x)._core))


def svd_compressed(
    a: ArrayLike,
    k: int,
    iterator: str = "power",
    n_power_iter: int = 0,
    n_oversamples: int = 10,
    seed: Any = None,
    compute: bool = False,
    coerce_signs: bool = True,
) -> SVDResult:
    """The `k` greatest singular values and their vectors, nearly, by random projection, as ``dask.array.linalg.svd_compressed``.

    Halko, Martinsson, Tropp: Finding structure with randomness (SIAM Review 53, 2011), algorithms 4.3, 4.4 and 5.1. `a` is read twice, and twice more for each iteration.

    Parameters
    ----------
    k : int
        How many.
    iterator : {"power", "QR"}
        What is done between: nothing, or the columns are made orthonormal, which keeps small values.
    n_power_iter : int
        Iterations: the more, the nearer, where singular values fall slowly.
    n_oversamples : int
        Columns of the projection beyond `k`.
    seed : int or Generator, optional
        Of the projection.
    compute : bool
        Dask's; each result is computed when it is asked for.
    coerce_signs : bool
        Rows of Vh have sums that are not below 0, so that signs are always the same.
    """
    from freestone.random import default_rng

    array = asarray(a)
    if array.ndim != 2:
        raise UserError(f"svd_compressed takes a matrix, not {array.ndim} axes.")
    if iterator not in ("power", "QR"):
        raise UserError(f"svd_compressed: iterator is 'power' or 'QR', not {iterator!r}.")
    rows, columns = array.shape
    width = min(operator.index(k) + operator.index(n_oversamples), rows, columns)
    turned = _adjoint(array)

    def between(y: Array) -> Array:
        return asarray(qr(y).Q) if iterator == "QR" else y

    projected = between(matmul(array, default_rng(seed).standard_normal((columns, width)).astype(array.dtype)))
    for _ in range(n_power_iter):
        projected = between(matmul(array, between(matmul(turned, projected))))
    basis = qr(projected).Q
    # a ~ basis @ (basis^H a); the small matrix is wide, so its transpose is decomposed.
    left, values, right = svd(matmul(turned, basis), full_matrices=False)
    u, vh = matmul(basis, _adjoint(right))[:, :k], _adjoint(left)[:k]
    if coerce_signs:
        signs = np.where(np.real(vh.sum(1)) < 0, -1, 1).astype(u.dtype)
        u, vh = u * signs, vh * signs[:, None]
    return SVDResult(u, values[:k], vh)


def _adjoint(x: Array) -> Array:
    return matrix_transpose(x.conj() if x.dtype.kind == "c" else x)


def _by_lapack(function: Any, x: ArrayLike, outputs: str) -> Any:
    """NumPy's function of stacks of square matrices, whose results are complex."""
    array = asarray(x)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise UserError(f"{function.__name__} takes square matrices on the last two axes, not shape {array.shape}.")
    dtype = "complex64" if array.dtype in (np.float32, np.complex64) else "complex128"
    return apply_gufunc(function, f"(i,i)->{outputs}", array, output_dtypes=[dtype] * outputs.count(")"), name=function.__name__)


def eig(x: ArrayLike, /) -> EigResult:
    """Eigenvalues, in no order, and eigenvectors (columns) of square matrices, both complex. Each matrix is seen whole by LAPACK."""
    return EigResult(*_by_lapack(np.linalg.eig, x, "(i),(i,i)"))


def eigvals(x: ArrayLike, /) -> Array:
    """The eigenvalues of square matrices, complex and in no order. Each matrix is seen whole by LAPACK."""
    values: Array = _by_lapack(np.linalg.eigvals, x, "(i)")
    return values


def _of_triangle(x: ArrayLike, triangle: str) -> Any:
    """Hermitian matrices whose lower triangle is that which shall be read."""
    array = asarray(x)
    if triangle.upper() not in ("L", "U"):
        raise ValueError(f"UPLO is 'L' or 'U', not {triangle!r}")
    if triangle.upper() == "L" or array.ndim < 2:
        return array._core
    return _adjoint(array)._core


def eigh(x: ArrayLike, /, UPLO: str = "L") -> EighResult:
    """Eigenvalues, rising, and eigenvectors (columns) of symmetric or Hermitian matrices, of which one triangle is read.

    Parameters
    ----------
    UPLO : {"L", "U"}
        The lower or the upper one.
    """
    return EighResult(*(Array(part) for part in _core.eigh(_of_triangle(x, UPLO))))


def eigvalsh(x: ArrayLike, /, UPLO: str = "L") -> Array:
    """The eigenvalues of symmetric or Hermitian matrices, rising. Parameters are as in `eigh`."""
    return Array(_core.eigvalsh(_of_triangle(x, UPLO)))


def cholesky(x: ArrayLike, /, *, upper: bool = False, lower: bool | None = None) -> Array:
    """The lower triangle L with ``x = L @ L^H``, or with `upper` U with ``x = U^H @ U``.

    Parameters
    ----------
    x : array_like
        Symmetric or Hermitian and positive definite.
    upper : bool
    lower : bool, optional
        Dask's word for the contrary of `upper`.
    """
    if lower is not None:
        upper = not lower
    return Array(_core.cholesky(asarray(x)._core, bool(upper)))


# Determinants, inverses, equations.


def det(x: ArrayLike, /) -> Array:
    """The determinant."""
    return Array(_core.det(asarray(x)._core))


def slogdet(x: ArrayLike, /) -> SlogdetResult:
    """The sign of the determinant and the logarithm of its absolute value."""
    return SlogdetResult(*(Array(part) for part in _core.slogdet(asarray(x)._core)))


def inv(x: ArrayLike, /) -> Array:
    """The inverse. A matrix that has none is an error when it is computed."""
    return Array(_core.inv(asarray(x)._core))


def solve(x1: ArrayLike, x2: ArrayLike, /, sym_pos: bool = False, assume_a: str = "gen") -> Array:
    """The x with ``x1 @ x = x2``, for a vector (one axis) or matrices; leading axes broadcast.

    Parameters
    ----------
    sym_pos, assume_a
        What Dask and scipy can be told of `x1`, and without effect: all matrices are solved alike.
    """
    return Array(_core.solve(asarray(x1)._core, asarray(x2)._core))


def lu(a: ArrayLike) -> tuple[Array, Array, Array]:
    """``a = P @ L @ U`` with a permutation P, L lower and U upper triangular, as ``dask.array.linalg.lu``. Each matrix is seen whole by scipy.

    Returns
    -------
    P, L, U
    """
    try:
        import scipy.linalg
    except ImportError:
        raise UserError("lu needs scipy: pip install scipy") from None
    array = asarray(a)
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise UserError(f"lu takes square matrices on the last two axes, not shape {array.shape}.")
    if array.dtype.kind not in "fc":
        array = array.astype(np.float64)
    real = np.dtype(array.dtype.char.lower())
    p, lower, upper = apply_gufunc(scipy.linalg.lu, "(i,i)->(i,i),(i,i),(i,i)", array, output_dtypes=[real, array.dtype, array.dtype], vectorize=array.ndim > 2, name="lu")
    return p, lower, upper


def solve_triangular(a: ArrayLike, b: ArrayLike, lower: bool = False) -> Array:
    """`solve` with a triangle of `a`, as ``dask.array.linalg.solve_triangular``.

    Parameters
    ----------
    a, b : array_like
    lower : bool
        The lower triangle instead of the upper one.
    """
    return solve((tril if lower else triu)(asarray(a)), b)


def _as_square(name: str, array: Array, rows: int, columns: int) -> Array:
    if rows != columns:
        raise UserError(f"{name}: axes of {rows} and of {columns} elements make no square matrix of shape {array.shape}.")
    return array.reshape(rows, columns)


def tensorinv(a: ArrayLike, ind: int = 2) -> Array:
    """The inverse of `a` as a map from its last axes to its first `ind`, as ``numpy.linalg.tensorinv``."""
    array = asarray(a)
    first, last = array.shape[:ind], array.shape[ind:]
    return inv(_as_square("tensorinv", array, math.prod(first), math.prod(last))).reshape(*last, *first)


def tensorsolve(a: ArrayLike, b: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """The x with ``tensordot(a, x, x.ndim) == b``, as ``numpy.linalg.tensorsolve``; `axes` of `a` go to its end first."""
    array, right = asarray(a), asarray(b)
    if axes is not None:
        moved = [normal_axis(k, array.ndim) for k in axes]
        array = array.transpose([*(k for k in range(array.ndim) if k not in moved), *moved])
    last = array.shape[right.ndim :]
    return solve(_as_square("tensorsolve", array, right.size, math.prod(last)), right.ravel()).reshape(*last)


def _large(values: Array, rtol: ArrayLike) -> Array:
    """Which singular values are greater than `rtol`, one for each matrix, times the greatest."""
    return values > (values.max(-1, keepdims=True) if values.shape[-1] else 0) * asarray(rtol)[..., None]


def pinv(x: ArrayLike, /, rcond: ArrayLike | None = None, hermitian: bool = False, *, rtol: ArrayLike | None = None) -> Array:
    """The Moore-Penrose inverse; singular values up to `rtol`, or `rcond`, times the greatest count as 0.

    Parameters
    ----------
    rcond, rtol : array_like, optional
        NumPy's and the array API's names of the same. Default: max(M, N) times the dtype's epsilon.
    hermitian : bool
        As in `svd`.
    """
    if rcond is not None and rtol is not None:
        raise ValueError("pinv takes rcond or rtol, which are two names of the same, not both")
    array, rtol = asarray(x), rcond if rtol is None else rtol
    if not hermitian and (rtol is None or np.ndim(rtol) == 0):
        return Array(_core.pinv(array._core, None if rtol is None else float(rtol)))
    u, s, vh = svd(array, full_matrices=False, hermitian=hermitian)
    if rtol is None:
        rtol = max(array.shape[-2:]) * np.finfo(s.dtype).eps
    inverse = Array(_core.elementwise("where", _large(s, rtol)._core, (1 / s)._core, (s * 0)._core))
    return matmul(matrix_transpose(vh.conj()) * inverse[..., None, :], matrix_transpose(u.conj()))


def matrix_rank(x: ArrayLike, /, tol: ArrayLike | None = None, hermitian: bool = False, *, rtol: ArrayLike | None = None) -> Array:
    """How many singular values are greater than `rtol` times the greatest (default: max(M, N) times the dtype's epsilon), or than `tol`.

    Of a vector, whether an element is not 0.

    Parameters
    ----------
    tol : array_like, optional
        Singular values up to this count as 0.
    rtol : array_like, optional
        Those up to this part of the greatest.
    hermitian : bool
        As in `svd`.
    """
    if tol is not None and rtol is not None:
        raise ValueError("matrix_rank takes tol, which is absolute, or rtol, which is relative, not both")
    array = asarray(x)
    if array.ndim < 2:
        return (array != 0).any().astype(np.int64)
    if tol is None and not hermitian and (rtol is None or np.ndim(rtol) == 0):
        return Array(_core.matrix_rank(array._core, None if rtol is None else float(rtol)))
    values = svd(array, compute_uv=False, hermitian=hermitian)
    if tol is not None:
        return asarray((values > asarray(tol)[..., None]).sum(-1))
    return _large(values, max(array.shape[-2:]) * np.finfo(values.dtype).eps if rtol is None else rtol).sum(-1)


def cond(x: ArrayLike, p: Any = None) -> Array:
    """The greatest singular value divided by the least; with `p` the norm of that order times that of the inverse.

    Parameters
    ----------
    p : {None, 2, -2, 1, -1, inf, -inf, "fro", "nuc"}
    """
    array = asarray(x)
    if p is None or p in (2, -2):
        known = Array(_core.cond(array._core))
        known = 1 / known if p == -2 else known
        # Nothing divided by nothing is infinite; what is not a number stays so.
        undefined = applied("logical_and", applied("isnan", known), applied("logical_not", applied("isnan", array).any((-2, -1))))
        return applied("where", undefined, np.asarray(np.inf, known.dtype), known)
    # A matrix that has no inverse stands as the identity, and its number is infinite.
    if array.ndim < 2 or array.shape[-1] != array.shape[-2]:
        raise UserError(f"cond: with p={p!r} of square matrices on the last two axes, not of shape {array.shape}.")
    if array.shape[-1] == 0:
        raise LinAlgError("cond is not defined on empty arrays")
    singular = slogdet(array).sign == 0
    whole = applied("where", singular[..., None, None], np.eye(array.shape[-1], dtype=array.dtype), array)
    known = matrix_norm(array, ord=p) * matrix_norm(inv(whole), ord=p)
    return applied("where", singular, np.asarray(np.inf, known.dtype), known)


def lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> tuple[Array, Array, Array, Array]:
    """Least squares: the solution, sums of squared residuals, ranks and singular values, as ``numpy.linalg.lstsq``; stacks broadcast.

    The sums have shape (1,) for a vector `b`, (K,) for K columns, and (0,) where `a` has no more rows than columns. Where the rank is less than the
    columns NumPy leaves them out, too: here they are given, for the rank is not known before it is computed.
    """
    left, right = asarray(a), asarray(b)
    x, residuals, rank, values = (Array(part) for part in _core.lstsq(left._core, right._core, rcond))
    if left.ndim == 2 and left.shape[0] <= left.shape[1]:
        residuals = residuals.reshape(-1)[:0]
    elif right.ndim == 1:
        residuals = residuals[..., None]
    return x, residuals, rank.astype(np.int32), values


def matrix_power(x: ArrayLike, n: int, /) -> Array:
    """The matrix times itself, `n` times; 0 gives the identity, below 0 powers of the inverse."""
    return Array(_core.matrix_power(asarray(x)._core, operator.index(n)))


def multi_dot(arrays: Sequence[ArrayLike]) -> Array:
    """The product of several matrices, cheapest pair first."""
    return Array(_core.multi_dot([asarray(a)._core for a in arrays]))
