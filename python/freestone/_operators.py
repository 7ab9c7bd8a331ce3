"""The operators of an array: arithmetic, comparisons, bits, products of matrices, and those in place, which bind a new array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from freestone import _array
from freestone.errors import UserError

if TYPE_CHECKING:
    from freestone._array import Array

__all__ = ["Operators"]


def _matmul(a: Any, b: Any) -> Array:
    from freestone._products import matmul

    return matmul(a, b)


class Operators:
    """The part of `Array` that Python's operators call."""

    __slots__ = ()
    __hash__ = object.__hash__

    def __add__(self, other: Any) -> Array:
        return _array.apply("add", self, other)

    def __radd__(self, other: Any) -> Array:
        return _array.apply("add", other, self)

    def __sub__(self, other: Any) -> Array:
        return _array.apply("subtract", self, other)

    def __rsub__(self, other: Any) -> Array:
        return _array.apply("subtract", other, self)

    def __mul__(self, other: Any) -> Array:
        return _array.apply("multiply", self, other)

    def __rmul__(self, other: Any) -> Array:
        return _array.apply("multiply", other, self)

    def __truediv__(self, other: Any) -> Array:
        return _array.apply("divide", self, other)

    def __rtruediv__(self, other: Any) -> Array:
        return _array.apply("divide", other, self)

    def __floordiv__(self, other: Any) -> Array:
        return _array.apply("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Array:
        return _array.apply("floor_divide", other, self)

    def __mod__(self, other: Any) -> Array:
        return _array.apply("remainder", self, other)

    def __rmod__(self, other: Any) -> Array:
        return _array.apply("remainder", other, self)

    def __pow__(self, other: Any) -> Array:
        return _array.apply("power", self, other)

    def __rpow__(self, other: Any) -> Array:
        return _array.apply("power", other, self)

    def __and__(self, other: Any) -> Array:
        return _array.apply("bitwise_and", self, other)

    def __rand__(self, other: Any) -> Array:
        return _array.apply("bitwise_and", other, self)

    def __or__(self, other: Any) -> Array:
        return _array.apply("bitwise_or", self, other)

    def __ror__(self, other: Any) -> Array:
        return _array.apply("bitwise_or", other, self)

    def __xor__(self, other: Any) -> Array:
        return _array.apply("bitwise_xor", self, other)

    def __rxor__(self, other: Any) -> Array:
        return _array.apply("bitwise_xor", other, self)

    def __lshift__(self, other: Any) -> Array:
        return _array.apply("left_shift", self, other)

    def __rlshift__(self, other: Any) -> Array:
        return _array.apply("left_shift", other, self)

    def __rshift__(self, other: Any) -> Array:
        return _array.apply("right_shift", self, other)

    def __rrshift__(self, other: Any) -> Array:
        return _array.apply("right_shift", other, self)

    def __divmod__(self, other: Any) -> tuple[Array, Array]:
        return _array.apply("floor_divide", self, other), _array.apply("remainder", self, other)

    def __rdivmod__(self, other: Any) -> tuple[Array, Array]:
        return _array.apply("floor_divide", other, self), _array.apply("remainder", other, self)

    def __matmul__(self, other: Any) -> Array:
        return NotImplemented if _array.operand(other) is None else _matmul(self, other)

    def __rmatmul__(self, other: Any) -> Array:
        return NotImplemented if _array.operand(other) is None else _matmul(other, self)

    def __eq__(self, other: Any) -> Array:  # type: ignore[override]
        return _array.apply("equal", self, other)

    def __ne__(self, other: Any) -> Array:  # type: ignore[override]
        return _array.apply("not_equal", self, other)

    def __lt__(self, other: Any) -> Array:
        return _array.apply("less", self, other)

    def __le__(self, other: Any) -> Array:
        return _array.apply("less_equal", self, other)

    def __gt__(self, other: Any) -> Array:
        return _array.apply("greater", self, other)

    def __ge__(self, other: Any) -> Array:
        return _array.apply("greater_equal", self, other)

    def __neg__(self) -> Array:
        return _array.apply("negative", self)

    def __pos__(self) -> Array:
        return _array.apply("positive", self)

    def __abs__(self) -> Array:
        return _array.apply("absolute", self)

    def __invert__(self) -> Array:
        return _array.apply("invert", self)

    def _rebound(self: Any, result: Array) -> Array:
        """What ``a += b`` binds `a` to: `result` in the shape and type of this array."""
        if result is NotImplemented or (result.dtype == self.dtype and result.shape == self.shape):
            return result
        if result.shape != self.shape:
            raise UserError(f"In place, the result has shape {result.shape}, but the array has shape {self.shape}.")
        if not np.can_cast(result.dtype, self.dtype, "same_kind"):
            raise TypeError(f"in place, a result of {result.dtype} does not become {self.dtype}; write a = a + b, or convert it (astype)")
        return result.astype(self.dtype)

    def __iadd__(self, other: Any) -> Array:
        return self._rebound(self + other)

    def __isub__(self, other: Any) -> Array:
        return self._rebound(self - other)

    def __imul__(self, other: Any) -> Array:
        return self._rebound(self * other)

    def __itruediv__(self, other: Any) -> Array:
        return self._rebound(self / other)

    def __ifloordiv__(self, other: Any) -> Array:
        return self._rebound(self // other)

    def __imod__(self, other: Any) -> Array:
        return self._rebound(self % other)

    def __ipow__(self, other: Any) -> Array:
        return self._rebound(self**other)

    def __iand__(self, other: Any) -> Array:
        return self._rebound(self & other)

    def __ior__(self, other: Any) -> Array:
        return self._rebound(self | other)

    def __ixor__(self, other: Any) -> Array:
        return self._rebound(self ^ other)

    def __ilshift__(self, other: Any) -> Array:
        return self._rebound(self << other)

    def __irshift__(self, other: Any) -> Array:
        return self._rebound(self >> other)

    def __imatmul__(self, other: Any) -> Array:
        return self._rebound(self @ other)
