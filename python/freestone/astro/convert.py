"""Between astropy's objects and the engine's strings and numbers."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from radio_beam import Beam, Beams

from freestone import _core
from freestone.astro.conditions import BeamWarning
from freestone.errors import UserError

#: Keywords of a WCS, and those that say what an array is: a header of its own making has them.
_WCS_KEY = re.compile(
    r"(WCSAXES|C(TYPE|UNIT|RPIX|RVAL|DELT|ROTA|NAME|RDER|SYER)\d+|P[CVS]\d+_\d+|CD\d+_\d+|PC\d{6}|RESTFRQ|RESTFREQ|RESTWAV|LONPOLE|LATPOLE|EQUINOX"
    r"|EPOCH|RADESYS|RADECSYS|SPECSYS|SSYSOBS|SSYSSRC|VELREF|VELOSYS|ZSOURCE|MJDREF[IF]?|[AB]P?_(ORDER|\d+_\d+|DMAX))$"
)
_STRUCTURE_KEY = re.compile(r"(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|END|BSCALE|BZERO|BLANK|BUNIT|BMAJ|BMIN|BPA|BEAM|CASAMBM)$")

DOPPLER = {"radio": u.doppler_radio, "optical": u.doppler_optical, "relativistic": u.doppler_relativistic}


def unit_from_text(text: str) -> Any:
    """An astropy unit; "Jy/Beam" in any spelling; one that astropy does not know stays unrecognized, as spelled."""
    if not text or not text.strip():
        return u.dimensionless_unscaled
    unit = u.Unit(text.strip(), parse_strict="silent")
    if not isinstance(unit, u.UnrecognizedUnit):
        return unit
    known = re.sub(r"(?i)\bbeam\b", "beam", re.sub(r"(?i)\bjy\b", "Jy", re.sub(r"\s*/\s*", "/", text.strip())))
    return u.Unit(known, parse_strict="silent")


def text_of_unit(unit: Any) -> str:
    """The spelling of a unit that the engine reads."""
    if unit is None:
        return ""
    unit = u.Unit(unit)
    try:
        return str(unit.to_string("fits"))
    except (ValueError, u.UnitsError):
        return str(unit.to_string())


def beam_from_numbers(numbers: tuple[float, float, float]) -> Any:
    """A `radio_beam.Beam` from degrees."""
    major, minor, pa = (number * u.deg for number in numbers)
    return Beam(major=major, minor=minor, pa=pa)


def numbers_of_beam(beam: Any) -> tuple[float, float, float]:
    """(major, minor, pa) in degrees of anything with these attributes."""
    try:
        major, minor, pa = (float(u.Quantity(getattr(beam, name)).to_value(u.deg)) for name in ("major", "minor", "pa"))
    except (AttributeError, TypeError, u.UnitsError):
        raise UserError(f"A beam has major, minor and pa, each an angle (radio_beam.Beam); got {beam!r}.") from None
    return major, minor, pa


def beams_from_numbers(rows: Iterable[tuple[float, float, float]]) -> Any:
    """`radio_beam.Beams` from rows in degrees, one a channel."""
    table = np.asarray(list(rows), dtype=float).reshape(-1, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Beams(*((table[:, k] * u.deg).to(u.arcsec if k < 2 else u.deg) for k in range(3)), meta=[{"CHAN": k} for k in range(len(table))])


def rows_of_beams(beams: Any) -> list[tuple[float, float, float]]:
    """A row in degrees for each of `radio_beam.Beams`."""
    return [(float(a), float(b), float(c)) for a, b, c in zip(*(u.Quantity(getattr(beams, name)).to_value(u.deg) for name in ("major", "minor", "pa")))]


def beams_of_table(table: Any, channels: int | None = None, plane: int = 0) -> Any:
    """`radio_beam.Beams` of a FITS table of beams: an HDU, its data, or Beams.

    Parameters
    ----------
    channels : int, optional
        So many beams, in the order of the column CHAN; channels without a row have none. Left out: the rows as they are.
    plane : int
        Of a table for several planes (column POL): whose beams.

    Raises
    ------
    UserError
        A row is of another channel; without CHAN there are not `channels` of them.
    """
    if not isinstance(table, Beams):
        data = table.data if hasattr(table, "columns") and hasattr(table, "header") else table
        units = {column.name: u.Unit(column.unit) for column in data.columns if column.unit}
        if "POL" in data.names and len(set(np.asarray(data["POL"]).tolist())) > 1:
            data = data[np.asarray(data["POL"]) == plane]
        fallback = {"BMAJ": u.arcsec, "BMIN": u.arcsec, "BPA": u.deg}
        parts = [u.Quantity(np.asarray(data[name], dtype=float), units.get(name, fallback[name])) for name in fallback]
        rest = [name for name in data.names if name not in fallback]
        facts = [{name: row[name] for name in rest} for row in data]
        if channels is not None and "CHAN" in data.names:
            rows = np.asarray(data["CHAN"], dtype=int)
            if ((rows < 0) | (rows >= channels)).any():
                raise UserError(f"The table of beams has a row for channel {rows[(rows < 0) | (rows >= channels)][0]}, and the cube has {channels} channels.")
            filled = np.full((3, channels), np.nan)
            filled[:, rows] = [part.value for part in parts]
            parts = [u.Quantity(numbers, part.unit) for numbers, part in zip(filled, parts)]
            known = dict(zip(rows.tolist(), facts))
            facts = [known.get(channel, {"CHAN": channel}) for channel in range(channels)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of beams that are NaN
            table = Beams(*parts, meta=facts)
    if channels is not None and len(table) != channels:
        raise UserError(f"There are {len(table)} beams for {channels} channels.")
    return table


def table_of_beams(beams: Any) -> fits.BinTableHDU:
    """The table BEAMS of a FITS file: BMAJ and BMIN in arcsec, BPA in degrees, CHAN, POL."""
    count = len(beams)
    columns = [
        fits.Column(name="BMAJ", format="1E", array=beams.major.to_value(u.arcsec), unit="arcsec"),
        fits.Column(name="BMIN", format="1E", array=beams.minor.to_value(u.arcsec), unit="arcsec"),
        fits.Column(name="BPA", format="1E", array=beams.pa.to_value(u.deg), unit="deg"),
        fits.Column(name="CHAN", format="1J", array=np.arange(count)),
        fits.Column(name="POL", format="1J", array=np.zeros(count, dtype=int)),
    ]
    table = fits.BinTableHDU.from_columns(columns)
    table.header["EXTNAME"], table.header["NCHAN"], table.header["NPOL"] = "BEAMS", count, 1
    return table


def beam_of_header(header: Any) -> Any:
    """The beam that a header names, or None, with a warning where it cannot be made out."""
    try:
        return Beam.from_fits_header(header)
    except Exception as error:  # radio-beam raises its own kinds, KeyError, TypeError
        if "BMAJ" in header:
            warnings.warn(f"The beam of the header is not understood: {error}", BeamWarning, stacklevel=3)
        return None


def spectral_pair(value: Any) -> tuple[float, str]:
    """A spectral coordinate as number and unit; a plain number is in the axis' unit."""
    if isinstance(value, u.Quantity):
        return float(value.value), text_of_unit(value.unit)
    return float(value), ""


def convention_name(convention: Any) -> str | None:
    """"radio", "optical", "relativistic" of a name or an equivalency of astropy's."""
    if convention is None or isinstance(convention, str):
        return convention
    for name, equivalency in DOPPLER.items():
        if convention is equivalency:
            return name
    raise UserError("The velocity convention is 'radio', 'optical' or 'relativistic', or an equivalency such as astropy.units.doppler_radio.")


def cards_of_wcs(wcs: WCS | None) -> str:
    """The cards of an astropy WCS with all digits of its numbers, which `to_header` rounds."""
    if wcs is None:
        return ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs.wcs.set()
        header = wcs.to_header(relax=True)
    parameters = wcs.wcs
    for axis in range(parameters.naxis):
        for key, values in (("CRPIX", parameters.crpix), ("CRVAL", parameters.crval), ("CDELT", parameters.get_cdelt())):
            header[f"{key}{axis + 1}"] = float(values[axis])
        for other in range(parameters.naxis):
            value = float(parameters.get_pc()[axis, other])
            if value != (axis == other):
                header[f"PC{axis + 1}_{other + 1}"] = value
    for key, number in (("RESTFRQ", parameters.restfrq), ("RESTWAV", parameters.restwav)):
        if number:
            header[key] = float(number)
    return str(header.tostring(sep="", endcard=False, padding=False))


def wcs_from_cards(cards: str) -> WCS | None:
    """An astropy WCS (which has SI units), or None of no cards."""
    if not cards:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return WCS(fits.Header.fromstring(cards), fix=False)


def cards_of(header: fits.Header) -> str:
    """A header as one string."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(header.tostring(sep="", endcard=False, padding=False))


def plain_header(header: Any) -> fits.Header:
    """What of a header is neither WCS nor structure, unit or beam."""
    out = fits.Header()
    if header is None:
        return out
    for card in fits.Header(header, copy=True).cards:
        if not _WCS_KEY.match(card.keyword) and not _STRUCTURE_KEY.match(card.keyword):
            out.append(card)
    return out


def header_from(wcs_cards: str, header_cards: str, shape: tuple[int, ...], dtype: np.dtype[Any], unit: Any, beam: Any) -> fits.Header:
    """The header that a file of such an array has."""
    header = fits.Header()
    header["SIMPLE"] = True
    header["BITPIX"] = fits.hdu.image.DTYPE2BITPIX.get(np.dtype(dtype).name, -64)
    header["NAXIS"] = len(shape)
    for k, length in enumerate(reversed(shape)):
        header[f"NAXIS{k + 1}"] = length
    header["BUNIT"] = text_of_unit(unit)
    if beam is not None:
        header["BMAJ"], header["BMIN"], header["BPA"] = numbers_of_beam(beam)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header.extend(fits.Header.fromstring(wcs_cards), update=True)
        header.extend(fits.Header.fromstring(header_cards), unique=True)
    return header


def add_meta(header: fits.Header, meta: dict[str, Any]) -> None:
    """What `meta` says beyond a header, as spectral_cube writes it: short keys as cards, long ones as comments."""
    for key, value in meta.items():
        if not isinstance(key, str) or key in ("beam", "beams") or key.upper() in header:
            continue
        if len(key) > 8:
            header["COMMENT"] = f"{key}={value}"
            continue
        try:
            header[key.upper()] = str(value)
        except ValueError:
            pass  # no text that a card holds


def spectral_wcs(wcs: WCS, unit: Any, convention: Any = None, rest_value: Any = None) -> WCS:
    """`wcs` with its spectral axis in another unit."""
    rest = None if rest_value is None else spectral_pair(rest_value)
    cards = _core.spectral_cards(cards_of_wcs(wcs), wcs.wcs.naxis, text_of_unit(unit), convention_name(convention), rest)
    converted = wcs_from_cards(cards)
    assert converted is not None
    return converted


def same_wcs(a: WCS, b: WCS, tolerance: float = 0.0) -> bool:
    """Types equal, and numbers to `tolerance` (relative; 1e-9 at least, for roundings of headers)."""
    pa, pb = a.wcs, b.wcs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pa.set()
        pb.set()
    if pa.naxis != pb.naxis or [str(t) for t in pa.ctype] != [str(t) for t in pb.ctype]:
        return False
    close = max(float(tolerance or 0.0), 1e-9)
    return all(
        np.allclose(x, y, rtol=close, atol=floor)
        for x, y, floor in (
            (pa.crpix, pb.crpix, close), (pa.crval, pb.crval, 1e-12), (pa.get_cdelt(), pb.get_cdelt(), 0.0), (pa.get_pc(), pb.get_pc(), 1e-9)
        )
    )  # fmt: skip


def sliced_wcs(wcs: WCS | None, view: Any, shape: tuple[int, ...]) -> WCS | None:
    """The WCS of ``array[view]``: positions drop axes, steps of either sign are followed; None where an axis of a pair is lost."""
    if wcs is None:
        return None
    keys = list(view) if isinstance(view, tuple) else [view]
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [slice(None)] * (len(shape) - len(keys) + 1)
    keys += [slice(None)] * (len(shape) - len(keys))
    sky = _core.sky_from(_core.full([int(n) for n in shape], 0.0, "float32"), cards_of_wcs(wcs), "", None)
    return wcs_from_cards(_core.sky_slice(sky, [k if isinstance(k, slice) else int(k) for k in keys]).wcs_cards)
