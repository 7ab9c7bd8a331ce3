"""What reductions of a cube give: images, spectra and numbers with units, as astropy Quantity; lazy ones where asked for."""

from __future__ import annotations

import os
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits

from freestone import _core, _runs
from freestone._array import Array, apply, asarray, from_numpy
from freestone.astro import _convert
from freestone.errors import UserError


class Mask(Array):
    """A lazy array of bool, as comparisons of cubes give it; combine with ``& | ^ ~``."""

    __slots__ = ()

    def include(self) -> np.ndarray:
        """The elements that are kept, as a NumPy array of bool."""
        return np.asarray(self.compute())

    def exclude(self) -> np.ndarray:
        """The elements that are not kept."""
        return ~self.include()

    def __and__(self, other: Any) -> Mask:
        return _mask(apply("logical_and", self, other))

    def __or__(self, other: Any) -> Mask:
        return _mask(apply("logical_or", self, other))

    def __xor__(self, other: Any) -> Mask:
        return _mask(apply("logical_xor", self, other))

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __invert__(self) -> Mask:
        return _mask(apply("logical_not", self))


def _mask(array: Any) -> Any:
    return array if array is NotImplemented else Mask(array._core)


class SkyBase:
    """What cubes and lazy results share: unit, WCS, header, arithmetic. Holds the engine's SkyArray in `_sky`."""

    _sky: Any

    def _like(self, sky: Any) -> Any:
        """The same kind of object on another SkyArray of the same shape."""
        raise NotImplementedError

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self._sky.data.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Elements in all."""
        return self._sky.data.size

    @property
    def dtype(self) -> np.dtype:
        """Type of the elements."""
        return np.dtype(self._sky.data.dtype)

    @property
    def unit(self) -> u.UnitBase:
        """Unit of the elements."""
        return _convert.unit_from_text(self._sky.unit)

    @property
    def wcs(self) -> Any:
        """astropy WCS (which has SI units), or None."""
        return _convert.wcs_of(self._sky)

    @property
    def header(self) -> fits.Header:
        """The header that a file of this has."""
        return _convert.header_of(self._sky, self.dtype, self.unit)

    @property
    def beam(self) -> Any:
        """The resolution, or None."""
        return None if self._sky.beam is None else _convert.beam_from_numbers(self._sky.beam)

    @property
    def beams(self) -> Any:
        """Resolution of each channel (a list), where it varies; otherwise None."""
        return [_convert.beam_from_numbers(beam) for beam in self._sky.beams] or None

    @property
    def array(self) -> Array:
        """The elements as a lazy array without unit; masked ones are NaN."""
        return Array(self._sky.data)

    def write(self, path: str | os.PathLike[str], overwrite: bool = False, format: str | None = None) -> None:
        """Writes a file with WCS, unit and beam; the format follows the suffix. `freestone.write` writes several in one pass."""
        _runs.write({path: self}, overwrite=overwrite, format=format or "")

    def explain(self) -> str:
        """The plan for computing this, in words."""
        return _runs.explain(self)

    def _freestone_arrays(self) -> list[Any]:
        return [self._sky.data]

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any:
        return _core.sky_output(self._sky, path, format, overwrite)

    # Arithmetic.

    def _operand(self, other: Any, unit: u.UnitBase | None) -> Any:
        """`other` as a number or an Array, in `unit`; None: as it is. With unit None the pair of operand and its unit."""
        if isinstance(other, SkyBase):
            own = other.unit
            if unit is not None and own != unit:
                other = other._like(_core.sky_to(other._sky, _convert.text_of_unit(unit)))
            return (other.array, own) if unit is None else other.array
        if isinstance(other, u.UnitBase):
            other = 1 * other
        if isinstance(other, u.Quantity):
            own = other.unit
            values = other.value if unit is None else other.to_value(unit)
            operand = float(values) if np.ndim(values) == 0 else from_numpy(np.asarray(values))
            return (operand, own) if unit is None else operand
        if isinstance(other, (int, float, np.generic)) or isinstance(other, np.ndarray) and other.ndim == 0:
            operand = other.item() if isinstance(other, (np.generic, np.ndarray)) else other
        elif isinstance(other, (Array, np.ndarray)):
            operand = asarray(other)
        else:
            return NotImplemented
        return (operand, u.dimensionless_unscaled) if unit is None else operand

    def _with(self, array: Array, unit: u.UnitBase | None = None) -> Any:
        text = None if unit is None else _convert.text_of_unit(unit)
        return self._like(self._sky.with_data(array._core, text))

    def _additive(self, name: str, other: Any, reflected: bool = False) -> Any:
        operand = self._operand(other, self.unit)
        if operand is NotImplemented:
            return NotImplemented
        return self._with(apply(name, operand, self.array) if reflected else apply(name, self.array, operand))

    def _multiplicative(self, name: str, other: Any, reflected: bool = False) -> Any:
        pair = self._operand(other, None)
        if pair is NotImplemented:
            return NotImplemented
        operand, unit = pair
        if name == "multiply":
            return self._with(apply(name, self.array, operand), self.unit * unit)
        if reflected:
            return self._with(apply(name, operand, self.array), unit / self.unit)
        return self._with(apply(name, self.array, operand), self.unit / unit)

    def _comparison(self, name: str, other: Any) -> Any:
        operand = self._operand(other, self.unit)
        return NotImplemented if operand is NotImplemented else Mask(apply(name, self.array, operand)._core)

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

    def __pow__(self, power: Any) -> Any:
        if not isinstance(power, (int, float, np.generic)):
            raise UserError("The power is one number.")
        power = power.item() if isinstance(power, np.generic) else power
        return self._with(apply("power", self.array, power), self.unit**power)

    def __neg__(self) -> Any:
        return self._with(-self.array)

    def __abs__(self) -> Any:
        return self._with(abs(self.array))

    def __gt__(self, other: Any) -> Any:
        return self._comparison("greater", other)

    def __ge__(self, other: Any) -> Any:
        return self._comparison("greater_equal", other)

    def __lt__(self, other: Any) -> Any:
        return self._comparison("less", other)

    def __le__(self, other: Any) -> Any:
        return self._comparison("less_equal", other)

    def __eq__(self, other: Any) -> Any:
        return self._comparison("equal", other)

    def __ne__(self, other: Any) -> Any:
        return self._comparison("not_equal", other)


class LazyResult(SkyBase):
    """A result that is not computed yet (``compute=False``): compute or write several in one pass with `freestone.compute`, `freestone.write`."""

    def __init__(self, sky: Any) -> None:
        self._sky = sky

    def _like(self, sky: Any) -> LazyResult:
        return LazyResult(sky)

    def compute(self) -> Any:
        """The `Projection`, `OneDSpectrum` or Quantity."""
        return _runs.compute(self)[0]

    def _freestone_result(self, values: list[np.ndarray]) -> Any:
        return quantity_from(self._sky, values[0])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.array, dtype=dtype)

    def __repr__(self) -> str:
        return f"<freestone.astro.LazyResult shape={self.shape}, dtype={self.dtype}, unit={self.unit}>"


class SkyQuantity(u.Quantity):
    """A Quantity that knows its place in the sky or the spectrum, as long as its shape stays."""

    _sky: Any = None

    def __array_finalize__(self, obj: Any) -> None:
        super().__array_finalize__(obj)
        sky = getattr(obj, "_sky", None)
        if sky is not None and tuple(sky.data.shape) == self.shape:
            self._sky = sky

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        keys = key if isinstance(key, tuple) else (key,)
        if part.ndim == 0 or self._sky is None or not all(isinstance(k, (int, np.integer, slice)) for k in keys):
            return u.Quantity(part.value, part.unit, subok=False)
        sky = _core.sky_slice(self._sky, [k if isinstance(k, slice) else int(k) for k in keys])
        return quantity_from(sky, part.value, part.unit)

    def __reduce__(self) -> Any:
        # Pickles as a plain Quantity: coordinates live in the engine.
        return self.quantity.__reduce__()

    @property
    def T(self) -> u.Quantity:  # noqa: N802
        """The axes reversed, as a plain Quantity."""
        return self.view(u.Quantity).T

    @property
    def quantity(self) -> u.Quantity:
        """The same numbers as a plain Quantity."""
        return u.Quantity(self.value, self.unit, subok=False)

    @property
    def array(self) -> np.ndarray:
        """The numbers."""
        return self.value

    @property
    def wcs(self) -> Any:
        """astropy WCS, or None."""
        return None if self._sky is None else _convert.wcs_of(self._sky)

    @property
    def header(self) -> fits.Header:
        """The header that a file of this has."""
        return _convert.header_of(self._placed(), self.dtype, self.unit)

    @property
    def meta(self) -> dict[str, Any]:
        """``BUNIT``, and ``beam`` where known."""
        return {"BUNIT": _convert.text_of_unit(self.unit), **({} if self.beam is None else {"beam": self.beam})}

    @property
    def beam(self) -> Any:
        """The resolution, or None."""
        return None if self._sky is None or self._sky.beam is None else _convert.beam_from_numbers(self._sky.beam)

    @property
    def hdu(self) -> fits.PrimaryHDU:
        """An astropy HDU of the numbers and the header."""
        return fits.PrimaryHDU(self.value, self.header)

    @property
    def hdulist(self) -> fits.HDUList:
        """An astropy HDUList of `hdu`."""
        return fits.HDUList([self.hdu])

    def write(self, path: str | os.PathLike[str], overwrite: bool = False, format: str | None = None) -> None:
        """Writes a file with WCS, unit and beam; the format follows the suffix."""
        _runs.write({path: self}, overwrite=overwrite, format=format or "")

    def _placed(self) -> Any:
        if self._sky is None:
            raise UserError("This array has lost its coordinates: its shape is no longer that of the result it comes from.")
        return self._sky

    def _freestone_arrays(self) -> list[Any]:
        return []

    def _freestone_result(self, values: list[np.ndarray]) -> Any:
        return self

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any:
        sky = self._placed().with_data(from_numpy(self.value)._core, _convert.text_of_unit(self.unit))
        return _core.sky_output(sky, path, format, overwrite)


class Projection(SkyQuantity):
    """An image with WCS, unit and beam: an astropy Quantity, computed."""


class OneDSpectrum(SkyQuantity):
    """A spectrum with its axis, unit and beam: an astropy Quantity, computed."""

    @property
    def spectral_axis(self) -> u.Quantity:
        """Coordinates of the channels."""
        sky = self._placed()
        return np.asarray(sky.coordinates(0)) * _convert.unit_from_text(sky.axis_unit(0))


def quantity_from(sky: Any, values: np.ndarray, unit: u.UnitBase | None = None) -> Any:
    """`values`, what `sky` was computed to, as Projection, OneDSpectrum or Quantity."""
    if unit is None:
        unit = _convert.unit_from_text(sky.unit)
    if values.ndim == 0:
        return u.Quantity(values[()], unit)
    kind: Any = u.Quantity
    if values.ndim == 2:
        kind = Projection
    elif sky.dims == ["spectral"]:
        kind = OneDSpectrum
    # Quantity makes integers floating unless it is told the type.
    result = u.Quantity(values, unit, copy=None, dtype=values.dtype).view(kind)
    if kind is not u.Quantity:
        result._sky = sky
    return result
