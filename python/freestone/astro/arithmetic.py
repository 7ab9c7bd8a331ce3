"""Arithmetic and comparisons of cubes and lazy results, with units."""

from __future__ import annotations

import operator
from typing import Any

import astropy.units as u
import numpy as np

from freestone import _core
from freestone._array import Array, apply, asarray, from_numpy
from freestone.astro import convert
from freestone.astro.masks import LazyComparisonMask
from freestone.errors import UserError

__all__ = ["SkyArithmetic"]


class SkyArithmetic:
    """Operators of what has elements (`array`), a unit, and makes its like of other elements (`_with`)."""

    unit: Any
    wcs: Any
    array: Array
    _operands: Array  # the elements that operators take

    def _with(self, array: Array, unit: Any = None, other: Any = None) -> Any:
        """The same kind of object on `array`; `other` is the second operand, whose mask counts too."""
        raise NotImplementedError

    def _in_unit(self, unit: Any) -> Array:
        """The elements in another unit."""
        raise NotImplementedError

    def _operand(self, other: Any, unit: Any) -> Any:
        """`other` as a number or an Array, in `unit`; with unit None the pair of operand and its unit."""
        if isinstance(other, SkyArithmetic):
            own = other.unit
            values = other._operands if unit is None or own == unit else other._in_unit(unit)
            return (values, own) if unit is None else values
        if isinstance(other, u.UnitBase):
            other = 1 * other
        if isinstance(other, u.Quantity):
            own = other.unit
            numbers = other.value if unit is None else other.to_value(unit)
            operand = float(numbers) if np.ndim(numbers) == 0 else from_numpy(np.asarray(numbers))
            return (operand, own) if unit is None else operand
        if isinstance(other, (int, float, np.generic)) or isinstance(other, np.ndarray) and other.ndim == 0:
            operand = other.item() if isinstance(other, (np.generic, np.ndarray)) else other
        elif isinstance(other, (Array, np.ndarray)):
            operand = asarray(other)
        else:
            return NotImplemented
        return (operand, u.dimensionless_unscaled) if unit is None else operand

    def _additive(self, name: str, other: Any, reflected: bool = False) -> Any:
        operand = self._operand(other, self.unit)
        if operand is NotImplemented:
            return NotImplemented
        return self._with(apply(name, operand, self._operands) if reflected else apply(name, self._operands, operand), None, other)

    def _multiplicative(self, name: str, other: Any, reflected: bool = False) -> Any:
        pair = self._operand(other, None)
        if pair is NotImplemented:
            return NotImplemented
        operand, unit = pair
        if name == "multiply":
            return self._with(apply(name, self._operands, operand), self.unit * unit, other)
        if reflected:
            return self._with(apply(name, operand, self._operands), unit / self.unit, other)
        return self._with(apply(name, self._operands, operand), self.unit / unit, other)

    def _comparison(self, function: Any, other: Any) -> Any:
        operand = self._operand(other, self.unit)
        return NotImplemented if operand is NotImplemented else LazyComparisonMask(function, operand, data=self._operands, wcs=self.wcs)

    __array_priority__ = 1000
    __array_ufunc__ = None
    __hash__ = object.__hash__

    def __add__(self, other: Any) -> Any:
        return self._additive("add", other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._additive("subtract", other)

    def __rsub__(self, other: Any) -> Any:
        return self._additive("subtract", other, reflected=True)

    def __mul__(self, other: Any) -> Any:
        return self._multiplicative("multiply", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self._multiplicative("divide", other)

    def __rtruediv__(self, other: Any) -> Any:
        return self._multiplicative("divide", other, reflected=True)

    def __floordiv__(self, other: Any) -> Any:
        return self._multiplicative("floor_divide", other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._multiplicative("floor_divide", other, reflected=True)

    def __pow__(self, power: Any) -> Any:
        if not isinstance(power, (int, float, np.generic)):
            raise UserError("The power is one number.")
        power = power.item() if isinstance(power, np.generic) else power
        return self._with(apply("power", self._operands, power), self.unit**power)

    def __neg__(self) -> Any:
        return self._with(-self._operands)

    def __abs__(self) -> Any:
        return self._with(abs(self._operands))

    def __gt__(self, other: Any) -> Any:
        return self._comparison(operator.gt, other)

    def __ge__(self, other: Any) -> Any:
        return self._comparison(operator.ge, other)

    def __lt__(self, other: Any) -> Any:
        return self._comparison(operator.lt, other)

    def __le__(self, other: Any) -> Any:
        return self._comparison(operator.le, other)

    def __eq__(self, other: Any) -> Any:
        return self._comparison(operator.eq, other)

    def __ne__(self, other: Any) -> Any:
        return self._comparison(operator.ne, other)


def converted(sky: Any, unit: Any) -> Array:
    """The elements of the engine's `sky` in another unit."""
    return Array(_core.sky_to(sky, convert.text_of_unit(unit)).data)


__all__ += ["converted"]
