"""Between astropy's objects and the engine's strings and numbers."""

from __future__ import annotations

from typing import Any, NamedTuple

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from freestone.errors import UserError

try:
    from radio_beam import Beam as _RadioBeam
except ImportError:
    _RadioBeam = None


class Beam(NamedTuple):
    """Full widths at half maximum and position angle, where radio-beam is not installed."""

    major: u.Quantity
    minor: u.Quantity
    pa: u.Quantity


def unit_from_text(text: str) -> u.UnitBase:
    """An astropy unit; one that astropy does not know stays unrecognized, as spelled."""
    return u.Unit(text, parse_strict="silent") if text else u.dimensionless_unscaled


def text_of_unit(unit: Any) -> str:
    """The spelling of a unit that the engine reads."""
    if unit is None:
        return ""
    unit = u.Unit(unit)
    try:
        return unit.to_string("fits")
    except (ValueError, u.UnitsError):
        return unit.to_string()


def beam_from_numbers(numbers: tuple[float, float, float]) -> Any:
    """A beam from degrees."""
    major, minor, pa = (number * u.deg for number in numbers)
    return Beam(major, minor, pa) if _RadioBeam is None else _RadioBeam(major=major, minor=minor, pa=pa)


def numbers_of_beam(beam: Any) -> tuple[float, float, float]:
    """(major, minor, pa) in degrees of anything with these attributes."""
    try:
        return tuple(float(u.Quantity(getattr(beam, name)).to_value(u.deg)) for name in ("major", "minor", "pa"))  # type: ignore[return-value]
    except (AttributeError, TypeError, u.UnitsError):
        raise UserError(f"A beam has major, minor and pa, each an angle (radio_beam.Beam); got {beam!r}.") from None


def spectral_pair(value: Any) -> tuple[float, str]:
    """A spectral coordinate as number and unit; a plain number is in the axis' unit."""
    if isinstance(value, u.Quantity):
        return float(value.value), text_of_unit(value.unit)
    return float(value), ""


def header_of(sky: Any, dtype: np.dtype, unit: u.UnitBase) -> fits.Header:
    """The header that a file of this array would have."""
    header = fits.Header()
    header["SIMPLE"] = True
    header["BITPIX"] = fits.hdu.image.DTYPE2BITPIX.get(np.dtype(dtype).name, -64)
    shape = sky.data.shape
    header["NAXIS"] = len(shape)
    for k, length in enumerate(reversed(shape)):
        header[f"NAXIS{k + 1}"] = length
    if unit != u.dimensionless_unscaled or sky.unit:
        header["BUNIT"] = text_of_unit(unit)
    if sky.beam is not None:
        header["BMAJ"], header["BMIN"], header["BPA"] = sky.beam
    header.extend(fits.Header.fromstring(sky.wcs_cards), update=True)
    header.extend(fits.Header.fromstring(sky.header_cards), unique=True)
    return header


def wcs_of(sky: Any) -> WCS | None:
    """An astropy WCS, or None where there is none."""
    if not sky.wcs_cards:
        return None
    return WCS(fits.Header.fromstring(sky.wcs_cards), fix=False)
