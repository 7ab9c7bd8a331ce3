"""From one grid of channels to another, linearly."""

from __future__ import annotations

import re
import warnings
from typing import Any

import astropy.units as u
import numpy as np

from freestone.astro.conditions import SmoothingWarning
from freestone.errors import UserError

__all__ = ["SpectralGrid"]


class SpectralGrid:
    """Between which channels of `old` each channel of `new` lies: ``(1 - weight) * values[low] + weight * values[high]``.

    Both grids may grow or fall. Channels outside of `old` have the nearest one and are not `inside`.

    Raises
    ------
    UserError
        A grid has no unit, is not monotonic, or the new one is not evenly spaced.
    """

    def __init__(self, old: u.Quantity, new: u.Quantity, suppress_smooth_warning: bool = False) -> None:
        if not hasattr(new, "unit") or new.ndim != 1 or new.size == 0:
            raise UserError("The spectral grid is a Quantity with one axis.")
        self.grid = new
        before = old.to_value(new.unit)
        after = np.asarray(new.value, dtype=float)
        steps = np.diff(after)
        if steps.size and not np.allclose(steps, steps.mean(), rtol=1e-7, atol=0):
            raise UserError("Output grid must be linear: its channels are evenly spaced.")
        falls = before.size > 1 and before[-1] < before[0]
        rising = before[::-1] if falls else before
        if np.any(np.diff(rising) <= 0):
            raise UserError("The spectral axis is not monotonic, so it cannot be interpolated.")
        step = abs(steps.mean()) if steps.size else 0.0
        if before.size > 1 and step > 2 * abs(np.mean(np.diff(before))) and not suppress_smooth_warning:
            warnings.warn("Input grid has too small a spacing. The data should be smoothed prior to resampling.", SmoothingWarning, stacklevel=3)
        count = before.size
        place = np.interp(after, rising, np.arange(count, dtype=float))
        # A grid that is said in other units is the same to the last bits.
        slack = 1e-9 * (abs(rising[1] - rising[0]) if count > 1 else abs(rising[0]))
        self.inside = (after >= rising[0] - slack) & (after <= rising[-1] + slack)
        if falls:
            place = count - 1 - place
        nearest = np.rint(place)
        place = np.where(abs(place - nearest) < 1e-9, nearest, place)
        self.low = np.floor(place).astype(np.int64)
        self.high = np.minimum(self.low + 1, count - 1)
        self.weight = place - self.low

    def wcs(self, wcs: Any) -> Any:
        """`wcs` with the new channels along its last axis."""
        made = wcs.deepcopy()
        axis = made.wcs.naxis - 1
        steps = np.diff(self.grid.value)
        # Asking for matrix and increments makes a WCS regular, in SI units: that comes before anything is changed.
        cdelt, pc = np.array(made.wcs.get_cdelt()), np.array(made.wcs.get_pc())
        if made.wcs.has_cd():
            # A matrix CD holds the increments: taken apart, so that the channel's is set alone.
            matrix = np.array(made.wcs.cd)
            cdelt = np.sqrt((matrix**2).sum(axis=1))
            pc = matrix / cdelt[:, None]
            del made.wcs.cd
        pc[axis, axis] = 1
        cdelt[axis] = steps.mean() if steps.size else (cdelt[axis] * u.Unit(made.wcs.cunit[axis])).to_value(self.grid.unit)
        # An axis that was linear in something else ("VOPT-F2W") is linear in itself now.
        kind = str(made.wcs.ctype[axis])
        made.wcs.pc = pc
        made.wcs.cdelt = cdelt
        made.wcs.crpix[axis] = 1
        made.wcs.crval[axis] = self.grid[0].value
        made.wcs.cunit[axis] = convert_unit(self.grid.unit)
        if re.fullmatch(r"....-[A-Z]2[A-Z]", kind):
            made.wcs.ctype[axis] = kind[:4]
        made.wcs.set()
        return made


def convert_unit(unit: Any) -> str:
    """The spelling of a unit in FITS."""
    return str(unit.to_string("fits"))
