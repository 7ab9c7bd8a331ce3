"""Factors between surface brightnesses: K, Jy/beam, Jy/pix, Jy/sr."""

from __future__ import annotations

from typing import Any

import astropy.constants
import astropy.units as u
import numpy as np

from freestone.astro.conditions import NoBeamError
from freestone.errors import UserError

__all__ = ["brightness_factor"]


def _per_steradian(unit: Any, frequency: Any, beam_area: Any, pixel_area: Any) -> Any:
    """Jy/sr of one of `unit`; None of a unit that is no surface brightness."""
    if unit.is_equivalent(u.Jy / u.sr):
        return unit.to(u.Jy / u.sr)
    if unit.is_equivalent(u.Jy / u.beam):
        if beam_area is None:
            raise NoBeamError("The size of a beam is not known. Set a beam with with_beam.")
        return unit.to(u.Jy / u.beam) / u.Quantity(beam_area).to_value(u.sr)
    if unit.is_equivalent(u.Jy / u.pix):
        if pixel_area is None:
            raise UserError("The size of a pixel is not known: there is no celestial WCS.")
        return unit.to(u.Jy / u.pix) / u.Quantity(pixel_area).to_value(u.sr)
    if unit.is_equivalent(u.K):
        if frequency is None:
            raise UserError("Between kelvin and flux the frequency counts, and it is not known: give freq, or a header with a rest value (RESTFRQ).")
        hertz = u.Quantity(frequency).to(u.Hz, u.spectral())
        return unit.to(u.K) * (2 * astropy.constants.k_B * (hertz / astropy.constants.c) ** 2 * u.K).to_value(u.Jy)
    return None


def brightness_factor(old: Any, new: Any, frequency: Any = None, beam_area: Any = None, pixel_area: Any = None, equivalencies: Any = ()) -> Any:
    """What numbers in `old` are multiplied by to be in `new`: a number, or one a channel.

    Between surface brightnesses by beam, pixel and frequency (Rayleigh-Jeans), unless the units or `equivalencies` say it themselves.

    Raises
    ------
    astropy.units.UnitConversionError
        There is no way between the units.
    """
    try:
        return old.to(new, equivalencies=list(equivalencies))
    except u.UnitConversionError:
        before, after = (_per_steradian(unit, frequency, beam_area, pixel_area) for unit in (old, new))
        if before is None or after is None:
            raise
        return np.asarray(before / after, dtype=float)[()]
