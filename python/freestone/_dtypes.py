"""Types of elements, and the rules by which they meet (NumPy 2's, which are the array API's)."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from freestone.errors import UserError

if TYPE_CHECKING:
    from freestone._array import Array

__all__ = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "complex64", "complex128",
    "bool_", "can_cast", "finfo", "iinfo", "isdtype", "promote_types", "result_type",
]  # fmt: skip

#: What NumPy takes as a dtype: ``numpy.float32``, ``"f4"``, ``float``, a `numpy.dtype`.
DTypeLike = Any

bool = bool_ = np.bool_
int8, int16, int32, int64 = np.int8, np.int16, np.int32, np.int64
uint8, uint16, uint32, uint64 = np.uint8, np.uint16, np.uint32, np.uint64
float32, float64 = np.float32, np.float64
complex64, complex128 = np.complex64, np.complex128

#: The types that Freestone computes with: name -> dtype.
DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name)
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "complex64", "complex128",
    )
}  # fmt: skip

_KINDS = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float32", "float64"),
    "complex floating": ("complex64", "complex128"),
}
_KINDS["integral"] = _KINDS["signed integer"] + _KINDS["unsigned integer"]
_KINDS["numeric"] = _KINDS["integral"] + _KINDS["real floating"] + _KINDS["complex floating"]


def dtype_of(dtype: DTypeLike) -> np.dtype[Any]:
    """`dtype` as a `numpy.dtype` in native byte order.

    Raises
    ------
    UserError
        A type that Freestone does not compute with.
    """
    given = np.dtype(dtype)
    known = DTYPES.get(given.name)
    if known is None:
        raise UserError(f"Freestone computes with bool, integers, float32, float64, complex64 and complex128, not {given}. Convert the array first (astype).")
    return known


def dtype_name(dtype: DTypeLike) -> str:
    """The engine's name of `dtype`; "" for None."""
    return "" if dtype is None else dtype_of(dtype).name


def _dtype_in(value: Any) -> Any:
    """The dtype of an array, or what else was given."""
    return value if isinstance(value, type) else getattr(value, "dtype", value)


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The type that all arguments convert to.

    Parameters
    ----------
    *arrays_and_dtypes : Array, dtype or Python number
        Python's numbers are weak: they take the type of what stands beside them where they can.
    """
    if not arrays_and_dtypes:
        raise UserError("result_type needs at least one array or dtype.")
    is_weak = [isinstance(value, (builtins.bool, int, float, complex)) and not isinstance(value, np.generic) for value in arrays_and_dtypes]
    parts = [value if weak else np.dtype(_dtype_in(value)) for value, weak in zip(arrays_and_dtypes, is_weak)]
    kind = np.result_type(*parts)
    # Times and texts meet as NumPy has it; they are no arrays of ours.
    return kind if kind.kind in "mMUSO" else dtype_of(kind)


def promote_types(type1: DTypeLike, type2: DTypeLike) -> np.dtype[Any]:
    """The type that both convert to."""
    return dtype_of(np.promote_types(dtype_of(type1), dtype_of(type2)))


def can_cast(from_: Any, to: DTypeLike, /) -> builtins.bool:
    """Whether every value of `from_`, a dtype or an array, is a value of `to`."""
    return np.can_cast(np.dtype(_dtype_in(from_)), np.dtype(to))


def isdtype(dtype: DTypeLike, kind: Union[str, DTypeLike, tuple[Any, ...]]) -> builtins.bool:
    """Whether `dtype` is of a kind.

    Parameters
    ----------
    dtype
    kind : str, dtype, or tuple of them
        "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"; of several one is enough.
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if isinstance(kind, str) and kind not in DTYPES:
        if kind not in _KINDS:
            raise UserError(f"isdtype: there is no kind '{kind}'. There are: {', '.join(_KINDS)}.")
        return np.dtype(dtype).name in _KINDS[kind]
    return np.dtype(dtype) == np.dtype(kind)


class finfo:
    """The limits of a floating type; of a complex one those of its parts.

    Attributes
    ----------
    bits : int
    eps, max, min, smallest_normal : float
    dtype : numpy.dtype
    """

    def __init__(self, type: Any, /) -> None:
        try:
            info = np.finfo(_dtype_in(type))
        except ValueError as error:
            raise UserError(f"finfo: {error}") from None
        self.bits = int(info.bits)
        self.eps = float(info.eps)
        self.max = float(info.max)
        self.min = float(info.min)
        self.smallest_normal = float(info.smallest_normal)
        self.tiny = self.smallest_normal
        self.resolution = float(info.resolution)
        self.dtype = np.dtype(info.dtype)

    def __repr__(self) -> str:
        return f"finfo(min={self.min}, max={self.max}, eps={self.eps}, dtype={self.dtype})"


class iinfo:
    """The limits of an integer type.

    Attributes
    ----------
    bits, max, min : int
    dtype : numpy.dtype
    """

    def __init__(self, type: Any, /) -> None:
        try:
            info = np.iinfo(_dtype_in(type))
        except ValueError as error:
            raise UserError(f"iinfo: {error}") from None
        self.bits = int(info.bits)
        self.max = int(info.max)
        self.min = int(info.min)
        self.dtype = np.dtype(info.dtype)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"
