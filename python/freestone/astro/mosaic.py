"""Several fields as one cube."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from astropy.io import fits
from astropy.wcs import WCS

from freestone._array import apply, asarray
from freestone.astro import convert
from freestone.errors import UserError

__all__ = ["combine_headers", "mosaic_cubes"]


def _header_of(skies: Sequence[tuple[tuple[int, ...], WCS]], first: fits.Header, options: dict[str, Any]) -> fits.Header:
    from reproject.mosaicking import find_optimal_celestial_wcs

    best, shape = find_optimal_celestial_wcs(list(skies), auto_rotate=options.pop("auto_rotate", False), **options)
    header = fits.Header(first, copy=True)
    for key in [key for key in header if key.startswith(("PC", "CD1_", "CD2_", "PV"))]:
        del header[key]
    header["NAXIS"], header["NAXIS1"], header["NAXIS2"] = 3, int(shape[1]), int(shape[0])
    header.update(fits.Header.fromstring(convert.cards_of_wcs(best)))
    header["WCSAXES"] = 3
    return header


def combine_headers(header1: fits.Header, header2: fits.Header, **options: Any) -> fits.Header:
    """The header of a field that holds both, with the channels of the first; `options` go to reproject's `find_optimal_celestial_wcs`."""
    skies = [(WCS(header).celestial.array_shape, WCS(header).celestial) for header in (header1, header2)]
    return _header_of(skies, header1, dict(options))


def mosaic_cubes(
    cubes: Sequence[Any], spectral_block_size: int | None = None, combine_header_kwargs: dict[str, Any] | None = None, header: fits.Header | None = None,
    **options: Any,
) -> Any:  # fmt: skip
    """Cubes reprojected onto one grid, and averaged where they overlap; lazily, in bounded memory.

    Every element is the mean of those cubes that have a value there. (spectral_cube counts cubes by the mask of their first channel.)

    Parameters
    ----------
    cubes : sequence of SpectralCube
        Of one unit or convertible ones; those with other channels than the first are interpolated.
    spectral_block_size : int, optional
        Taken, and without meaning.
    combine_header_kwargs : dict, optional
        For reproject's `find_optimal_celestial_wcs`.
    header : astropy.io.fits.Header, optional
        The grid of the result; default the smallest that holds all.
    **options
        Go to `SpectralCube.reproject`: ``order``, ``roundtrip_coords``.
    """
    if not cubes:
        raise UserError("mosaic_cubes: there are no cubes.")
    first = cubes[0]
    if header is None:
        skies = [(cube.shape[1:], cube.wcs.celestial) for cube in cubes]
        header = _header_of(skies, first.header, dict(combine_header_kwargs or {}))
    total: Any = None
    count: Any = None
    placed = None
    for cube in cubes:
        moved = cube.to(first.unit).reproject(header, **options)
        placed = placed or moved
        values = moved._filled()
        valid = apply("isfinite", values)
        part = apply("where", valid, values, 0.0).astype(float)
        number = valid.astype(float)
        total, count = (part, number) if total is None else (total + part, count + number)
    assert placed is not None
    mean = apply("where", count > 0, total / count, float("nan")).astype(placed.dtype)
    return placed._regridded(asarray(mean), placed.wcs)
