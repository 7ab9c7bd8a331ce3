"""Results that are not computed yet, and what they are when they are: images, spectra and numbers with units."""

from __future__ import annotations

import os
from typing import Any

import astropy.units as u
import numpy as np

from freestone import _core, _runs
from freestone._array import Array
from freestone.astro import convert
from freestone.astro.arithmetic import SkyArithmetic, converted
from freestone.astro.projection import Projection
from freestone.astro.spectrum import OneDSpectrum, VaryingResolutionOneDSpectrum

__all__ = ["LazyResult", "quantity_from"]


class LazyResult(SkyArithmetic):
    """A result that is not computed yet (``compute=False``): compute or write several in one pass with `freestone.compute`, `freestone.write`."""

    def __init__(self, sky: Any, facts: dict[str, Any] | None = None) -> None:
        self._sky, self._facts = sky, facts or {}

    def __repr__(self) -> str:
        return f"<freestone.astro.LazyResult shape={self.shape}, dtype={self.dtype}, unit={self.unit}>"

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(self._sky.data.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return np.dtype(self._sky.data.dtype)

    @property
    def unit(self) -> Any:
        """Unit of the elements."""
        return convert.unit_from_text(self._sky.unit)

    @property
    def wcs(self) -> Any:
        """astropy WCS (which has SI units), or None."""
        return convert.wcs_from_cards(self._sky.wcs_cards)

    @property
    def array(self) -> Array:  # type: ignore[override]
        """The elements as a lazy array without unit."""
        return Array(self._sky.data)

    @property
    def _operands(self) -> Array:  # type: ignore[override]
        return self.array

    def _with(self, array: Array, unit: Any = None, other: Any = None) -> LazyResult:
        return LazyResult(self._sky.with_data(array._core, None if unit is None else convert.text_of_unit(unit)), self._facts)

    def _in_unit(self, unit: Any) -> Array:
        return converted(self._sky, unit)

    def compute(self) -> Any:
        """The `Projection`, `OneDSpectrum` or Quantity."""
        return _runs.compute(self)[0]

    def explain(self) -> str:
        """The plan for computing this, in words."""
        return _runs.explain(self)

    def write(self, path: str | os.PathLike[str], overwrite: bool = False, format: str | None = None) -> None:
        """Computes and writes a file with WCS, unit and beam; the format follows the suffix."""
        _runs.write({path: self}, overwrite=overwrite, format=format or "")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self.array, dtype=dtype)

    def _freestone_arrays(self) -> list[Any]:
        return [self._sky.data]

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any:
        return _core.sky_output(self._sky, path, format, overwrite)

    def _freestone_result(self, values: list[np.ndarray[Any, Any]]) -> Any:
        return quantity_from(self._sky, values[0], **self._facts)


def quantity_from(sky: Any, values: np.ndarray[Any, Any], kind: Any = Projection, unit: Any = None, meta: dict[str, Any] | None = None, **facts: Any) -> Any:
    """`values`, what the engine's `sky` was computed to, as Projection (or another image, `kind`), spectrum, or Quantity."""
    unit = convert.unit_from_text(sky.unit) if unit is None else unit
    if values.ndim == 0:
        return u.Quantity(values[()], unit, dtype=values.dtype)
    made: Any = u.Quantity
    if values.ndim == 2:
        made = kind
    elif sky.dims == ["spectral"]:
        made = VaryingResolutionOneDSpectrum if sky.beams else OneDSpectrum
    # Quantity makes integers floating unless it is told the type.
    result = u.Quantity(values, unit, copy=None, dtype=values.dtype).view(made)
    if made is u.Quantity:
        return result
    wcs = convert.wcs_from_cards(sky.wcs_cards)
    known: dict[str, Any] = {"wcs": wcs, "meta": {**(meta or {}), "BUNIT": convert.text_of_unit(unit)}}
    if sky.header_cards:
        from astropy.io import fits

        known["header"] = fits.Header.fromstring(sky.header_cards)
    if sky.dims == ["spectral"]:
        known["spectral_unit"] = convert.unit_from_text(sky.axis_unit(0))
    if sky.beams:
        if made is VaryingResolutionOneDSpectrum:
            known["beams"] = convert.beams_from_numbers(sky.beams)
            known["meta"]["beams"] = known["beams"]
    elif sky.beam is not None:
        known["beam"] = known["meta"]["beam"] = convert.beam_from_numbers(sky.beam)
    known.update(facts)
    return result._dress(**known)
