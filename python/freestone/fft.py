"""Fourier transforms by the names of ``numpy.fft`` and the array API.

float32 and complex64 give complex64, everything else complex128. `n` and `s` crop axes or fill them up with zeros. `norm` says what is
divided by n: "backward" the inverse, "ortho" each by the root, "forward" the forward transform.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from freestone import _core
from freestone._array import Array, ArrayLike, Axis, asarray, axes_of, check_device, names_none
from freestone._creation import chunked
from freestone._dtypes import DTypeLike

__all__ = [
    "fft", "fft2", "fft_wrap", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "irfft", "irfft2", "irfftn",
    "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip


def _one(name: str, x: ArrayLike, n: int | None, axis: int, norm: str | None) -> Array:
    return Array(_core.transform(name, asarray(x)._core, None if n is None else operator.index(n), operator.index(axis), norm or "backward"))


def _several(name: str, x: ArrayLike, s: Sequence[int] | None, axes: Sequence[int] | None, norm: str | None) -> Array:
    array = asarray(x)
    if axes is not None and len(axes) == 0:
        return array.astype("complex64" if array.dtype.name in ("float32", "complex64") else "complex128")
    lengths = [] if s is None else [operator.index(n) for n in s]
    return Array(_core.transforms(name, array._core, lengths, axes_of(axes), norm or "backward"))


def fft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Array:
    """The transform along an axis: element k is the sum of ``x[j] exp(-2 pi i j k / n)``."""
    return _one("fft", x, n, axis, norm)


def ifft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Array:
    """The inverse of `fft`."""
    return _one("ifft", x, n, axis, norm)


def rfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Array:
    """Of real numbers: the first n / 2 + 1 elements of `fft`; the others are their mirror image."""
    return _one("rfft", x, n, axis, norm)


def irfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Array:
    """The `n` real numbers of such a half; without `n` 2 (length - 1)."""
    return _one("irfft", x, n, axis, norm)


def hfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Array:
    """The real spectrum of a signal of which `x` is the first half, the rest its conjugate mirror image."""
    return _one("hfft", x, n, axis, norm)


def ihfft(x: ArrayLike, /, n: int | None = None, axis: int = -1, norm: str | None = "backward") -> Array:
    """The inverse of `hfft`."""
    return _one("ihfft", x, n, axis, norm)


def fftn(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = "backward") -> Array:
    """`fft` along several axes, by default all."""
    return _several("fftn", x, s, axes, norm)


def ifftn(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = "backward") -> Array:
    """The inverse of `fftn`."""
    return _several("ifftn", x, s, axes, norm)


def rfftn(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = "backward") -> Array:
    """`rfft` along the last axis, `fft` along the others."""
    return _several("rfftn", x, s, axes, norm)


def irfftn(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] | None = None, norm: str | None = "backward") -> Array:
    """The inverse of `rfftn`."""
    return _several("irfftn", x, s, axes, norm)


def fft2(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: str | None = "backward") -> Array:
    """`fftn` over the last two axes."""
    return fftn(x, s, axes, norm)


def ifft2(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: str | None = "backward") -> Array:
    """`ifftn` over the last two axes."""
    return ifftn(x, s, axes, norm)


def rfft2(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: str | None = "backward") -> Array:
    """`rfftn` over the last two axes."""
    return rfftn(x, s, axes, norm)


def irfft2(x: ArrayLike, /, s: Sequence[int] | None = None, axes: Sequence[int] = (-2, -1), norm: str | None = "backward") -> Array:
    """`irfftn` over the last two axes."""
    return irfftn(x, s, axes, norm)


def _frequencies(core: Any, dtype: DTypeLike) -> Array:
    return Array(core) if dtype is None else Array(core).astype(dtype)


def fftfreq(n: int, /, d: float = 1.0, *, dtype: DTypeLike = None, device: Any = None, chunks: Any = None) -> Array:
    """Frequencies of the elements of an `fft` of `n` samples that are `d` apart, in cycles a unit of it; in nominal `chunks`."""
    check_device(device)
    return chunked(_frequencies(_core.fftfreq(operator.index(n), float(d)), dtype), chunks)


def rfftfreq(n: int, /, d: float = 1.0, *, dtype: DTypeLike = None, device: Any = None, chunks: Any = None) -> Array:
    """Frequencies of the elements of an `rfft`. See `fftfreq`."""
    check_device(device)
    return chunked(_frequencies(_core.rfftfreq(operator.index(n), float(d)), dtype), chunks)


def fft_wrap(fft_func: Any, kind: str | None = None, dtype: DTypeLike = None) -> Any:
    """Freestone's transform of the name of a function of NumPy's or scipy's, as ``dask.array.fft.fft_wrap``.

    Parameters
    ----------
    fft_func : callable
        ``numpy.fft.fft``, ``scipy.fft.rfft2``...
    kind : str, optional
        Its name, where it has another one.
    dtype : dtype, optional
        As in Dask, and without effect.
    """
    name = kind or str(getattr(fft_func, "__name__", ""))
    if not name.endswith(("fft", "fft2", "fftn")) or name not in __all__:
        raise ValueError(f"fft_wrap: {name or fft_func!r} is no Fourier transform")
    return globals()[name]


def fftshift(x: ArrayLike, /, axes: Axis = None) -> Array:
    """Zero frequency in the middle of `axes` (all without)."""
    return asarray(x).copy() if names_none(axes) else Array(_core.fftshift(asarray(x)._core, axes_of(axes)))


def ifftshift(x: ArrayLike, /, axes: Axis = None) -> Array:
    """The inverse of `fftshift`."""
    return asarray(x).copy() if names_none(axes) else Array(_core.ifftshift(asarray(x)._core, axes_of(axes)))
