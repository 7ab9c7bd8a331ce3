"""Spectra and cubes stacked on a velocity."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import astropy.units as u
import numpy as np

from freestone._array import asarray
from freestone._user import map_blocks
from freestone.astro.conditions import BadVelocitiesWarning
from freestone.astro.lazy_result import quantity_from
from freestone.astro.spectral_cube import SpectralCube
from freestone.errors import UserError

__all__ = ["fourier_shift", "stack_cube", "stack_spectra"]


def fourier_shift(x: np.ndarray[Any, Any], shift: Any, axis: int = 0, add_pad: bool = False, pad_size: tuple[int, int] | None = None) -> np.ndarray[Any, Any]:
    """An array shifted along `axis` by a number of pixels that need not be whole, through Fourier space.

    Parameters
    ----------
    x : ndarray
        NaN counts as 0, and what was NaN by more than a half is NaN again.
    shift : float, or array that broadcasts to the other axes
    add_pad : bool
        Put zeros at the ends first, so that nothing comes around: `pad_size` (before, after), or as many as `shift` needs.
    """
    moved = np.moveaxis(np.asarray(x), axis, 0)
    bad = ~np.isfinite(moved)
    if bad.all() and not add_pad:
        return x
    values = np.where(bad, 0.0, moved)
    if add_pad:
        if pad_size is None:
            ends = int(np.ceil(np.nanmax(np.abs(shift))))
            pad_size = (ends, 0) if np.nanmax(shift) > 0 else (0, ends)
        widths = [tuple(pad_size)] + [(0, 0)] * (values.ndim - 1)
        values, bad = np.pad(values, widths), np.pad(bad, widths)
    frequencies = np.fft.fftfreq(values.shape[0]).reshape((-1,) + (1,) * (values.ndim - 1))
    phase = np.exp(-2j * np.pi * frequencies * np.asarray(shift))

    def shifted(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.real(np.fft.ifft(np.fft.fft(array, axis=0) * phase, axis=0))

    out = shifted(values)
    if bad.any():
        out = np.where((shifted(bad.astype(float)) > 0.5) | bad.all(axis=0), np.nan, out)
    return np.moveaxis(out, 0, axis)


def stack_spectra(
    cube: Any, velocity_surface: Any, v0: Any = None, stack_function: Callable[..., Any] = np.nanmean, xy_posns: Any = None, num_cores: int = 1,
    chunk_size: int = -1, progressbar: bool = False, pad_edges: bool = True, vdiff_tol: float = 0.01,
) -> Any:  # fmt: skip
    """Spectra shifted so that the velocity of each lies at `v0`, and combined to one.

    Parameters
    ----------
    cube : SpectralCube
    velocity_surface : Quantity, shape (y, x)
        The velocity of each spectrum; NaN leaves it out. A moment 1, say.
    v0 : Quantity, optional
        Default: the mean of the axis.
    stack_function : callable
        ``stack_function(spectra, axis=0)``; numpy.nanmean and numpy.nansum, mean and sum in the engine, others on all shifted spectra in memory.
    xy_posns : (rows, columns), optional
        These spectra alone.
    pad_edges : bool
        Room at the ends, so that nothing comes around.
    vdiff_tol : float
        How much the width of channels may change over the axis.
    num_cores, chunk_size, progressbar
        Taken, and without meaning.
    """
    surface = u.Quantity(velocity_surface, subok=False)
    if surface.shape != tuple(cube.shape[1:]):
        raise UserError(f"Velocity surface map does not match cube spatial dimensions: {surface.shape} for {tuple(cube.shape[1:])}.")
    axis = cube.spectral_axis
    wanted = surface.to_value(axis.unit)
    if xy_posns is not None:
        chosen = np.zeros(wanted.shape, dtype=bool)
        chosen[tuple(xy_posns)] = True
        wanted = np.where(chosen, wanted, np.nan)
    if not np.isfinite(wanted).any():
        raise UserError("velocity_surface contains no finite values.")
    if v0 is None:
        centre = float(axis.value.mean())
    else:
        if not isinstance(v0, u.Quantity) or not v0.unit.is_equivalent(axis.unit):
            raise u.UnitsError(f"v0 must be a quantity with units equivalent to the cube's spectral unit {axis.unit}.")
        centre = float(v0.to_value(axis.unit))
        if not axis.value.min() <= centre <= axis.value.max():
            raise UserError("v0 must be within the range of the spectral axis of the cube.")
    steps = np.diff(axis.value)
    if not np.isclose(abs(steps[-1]), abs(steps[0]), rtol=vdiff_tol):
        raise UserError("Cannot shift spectra on a non-linear axes: convert it to one of even spacing (spectral_interpolate).")
    outside = (wanted > axis.value.max()) | (wanted < axis.value.min())
    if outside.any():
        warnings.warn("Some velocities are outside the allowed range and will be masked out.", BadVelocitiesWarning, stacklevel=2)
        wanted = np.where(outside, np.nan, wanted)
    shifts = -(wanted - centre) / steps[0]
    before = after = 0
    if pad_edges:
        before, after = max(0, int(-np.ceil(np.nanmin(shifts)))), max(0, int(np.ceil(np.nanmax(shifts))))
    length = cube.shape[0] + before + after

    def shifted(block: np.ndarray[Any, Any], block_info: Any = None) -> np.ndarray[Any, Any]:
        (y0, y1), (x0, x1) = block_info[0]["array-location"][1:]
        own = shifts[y0:y1, x0:x1]
        made = fourier_shift(block.astype(float), np.nan_to_num(own)[None], 0, add_pad=True, pad_size=(before, after))
        return np.where(np.isnan(own)[None] | ~np.isfinite(block).any(axis=0)[None], np.nan, made)

    data = cube._blocked(cube._filled(), (0,))
    spectra = map_blocks(shifted, data, dtype=float, drop_axis=0, new_axis=0, chunks=(length, None, None))
    name = getattr(stack_function, "__name__", "")
    if str(getattr(stack_function, "__module__", "")).startswith("numpy") and name in ("nanmean", "nansum"):
        import freestone

        reduced = getattr(freestone, name)(spectra, axis=(1, 2))
        with cube._scheduler.running():
            values = np.asarray(reduced.compute())
    else:
        kept = np.isfinite(shifts)
        rows = cube._computed(spectra.transpose((1, 2, 0))[asarray(kept)])
        values = np.asarray(stack_function(rows, axis=0))
    line = cube[:, 0, 0]
    wcs = line.wcs.deepcopy()
    wcs.wcs.crpix[0] += before
    wcs.wcs.set()
    skeleton = line._placed().with_data(asarray(np.zeros(cube.shape[0]))._core)
    beam = None if hasattr(cube, "beams") else cube._beam
    skeleton = skeleton.without_beam() if beam is None else skeleton
    return quantity_from(skeleton, values, unit=cube.unit, meta=dict(cube._meta), wcs=wcs, beam=beam)


def stack_cube(
    cube: Any, linelist: Sequence[u.Quantity], vmin: u.Quantity, vmax: u.Quantity, average: Callable[..., Any] = np.nanmean, convolve_beam: Any = None,
    return_hdu: bool = False, return_cutouts: bool = False,
) -> Any:  # fmt: skip
    """Parts of cubes around lines, on the velocity grid of the first, averaged.

    Parameters
    ----------
    cube : SpectralCube, or list of them
        Of one spatial grid.
    linelist : sequence of Quantity
        Rest frequencies.
    vmin, vmax : Quantity
        The range of radio velocities around each line.
    average : callable
        ``average(cubes, axis=0)``, of NumPy; numpy.nanmean by default.
    convolve_beam : radio_beam.Beam, optional
        Where resolutions differ.
    return_hdu, return_cutouts : bool
        Give an HDU; give the list of parts too.
    """
    cubes = list(cube) if isinstance(cube, (list, tuple)) else [cube]
    if any(part.shape[1:] != cubes[0].shape[1:] for part in cubes):
        raise UserError("If you pass multiple cubes, they must have the same spatial shape.")
    parts: list[Any] = []
    lines = []
    for rest in linelist:
        for one in cubes:
            slab = one.with_spectral_unit(u.km / u.s, "radio", rest).spectral_slab(vmin, vmax)
            if slab.shape[0] <= 1:
                continue
            if hasattr(slab, "beams") or convolve_beam is not None:
                if convolve_beam is None:
                    raise UserError("If any of the input cubes have varying resolution, or different ones, convolve_beam must be specified.")
                slab = slab.convolve_to(convolve_beam)
            lines.append(rest)
            parts.append(slab)
    if not parts:
        raise UserError("stack_cube: no line lies within the cubes with more than one channel.")
    beams = {None if part._beam is None else (part._beam.major.value, part._beam.minor.value, part._beam.pa.value) for part in parts}
    if len(beams) > 1:
        raise UserError("If the cubes have different resolution, `convolve_beam` must be specified.")
    reference = parts[0]
    regridded = [reference, *(part.spectral_interpolate(reference.spectral_axis, fill_value=np.nan) for part in parts[1:])]
    import freestone

    stacked = freestone.stack([part._filled() for part in regridded], axis=0)
    mean = asarray(average(stacked, axis=0)).astype(reference.dtype)
    wcs = reference.wcs.deepcopy()
    wcs.wcs.restfrq = 0.0
    meta = {**reference._meta, "BUNIT": reference._sky.unit, "stacked_lines": lines}
    result = SpectralCube(mean, wcs=wcs, meta=meta, header=reference.header, beam=reference._beam)
    given = result.hdu if return_hdu else result
    return (given, regridded) if return_cutouts else given
