"""Changing the resolution of cubes and images to a given beam."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import astropy.units as u
import numpy as np
from radio_beam.utils import BeamError

from freestone import _core
from freestone._array import Array, asarray
from freestone._user import map_blocks
from freestone.astro import convert
from freestone.astro.conditions import BeamWarning
from freestone.errors import UserError

__all__ = ["areas_ratio", "astropys", "convolution", "convolved_image", "convolved_channels", "kernel_between", "image_convolved"]

_MOST_PIXELS = 8191  # a side: pixel scale and beam do not fit


def astropys(convolve: Any, options: dict[str, Any]) -> bool:
    """Whether `convolve` with `options` is what the engine does itself: astropy's convolve or convolve_fft with NaN interpolated, 0 outside."""
    if convolve is not None:
        from astropy.convolution import convolve as direct
        from astropy.convolution import convolve_fft

        if convolve not in (direct, convolve_fft):
            return False
    known = {"boundary": ("fill",), "fill_value": (0, 0.0), "nan_treatment": ("interpolate",), "normalize_kernel": (True,), "allow_huge": (True, False)}
    return all(name in known and value in known[name] for name, value in options.items())


def convolution(convolve: Callable[..., Any] | None, options: dict[str, Any]) -> Callable[..., Any]:
    """The function to convolve with; TypeError, now and not when a result is asked for, where it has no such options."""
    if convolve is None:
        from astropy.convolution import convolve as astropys_convolve

        convolve = astropys_convolve
    assert convolve is not None
    parameters = inspect.signature(convolve).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        unknown = sorted(set(options) - set(parameters))
        if unknown:
            raise TypeError(f"unexpected keyword argument {unknown[0]!r}")
    return convolve


def kernel_between(old: Any, new: Any, pixel: u.Quantity) -> np.ndarray[Any, Any] | None:
    """The weights that bring an image from beam `old` to `new`, of odd sizes; None where they are the same.

    Raises
    ------
    UserError
        `new` does not enclose `old`, or the kernel would be enormous.
    """
    if new == old:
        return None
    try:
        difference = new.deconvolve(old)
    except (ValueError, BeamError) as error:
        raise UserError(f"The beam {new} does not enclose the present one, {old}, so there is no kernel between them.") from error
    if float((difference.major / pixel).to_value(u.one)) * 16 / 2.35 > _MOST_PIXELS:
        raise UserError(f"The kernel {difference} is more than {_MOST_PIXELS} pixels of {pixel.to(u.arcsec):.3g} wide: pixel scale and beam do not fit.")
    return np.ascontiguousarray(difference.as_kernel(pixel).array, dtype=float)


def image_convolved(array: Array, kernel: np.ndarray[Any, Any]) -> Array:
    """The last two axes convolved with a kernel made to sum to 1: NaN interpolated, 0 outside."""
    weights = kernel / kernel.sum()
    return Array(_core.convolve_2d(array._core, weights.ravel().tolist(), *weights.shape, "interpolate"))


def areas_ratio(unit: Any, old: Any, new: Any) -> float:
    """Jy/beam is a flux in one beam: a larger one holds more."""
    return float((new.sr / old.sr).to_value(u.one)) if unit.is_equivalent(u.Jy / u.beam) else 1.0


def convolved_image(image: Any, beam: Any, convolve: Callable[..., Any] | None, options: dict[str, Any]) -> Any:
    """`Projection.convolve_to`."""
    image._raise_wcs_no_celestial()
    beam = convert.beam_from_numbers(convert.numbers_of_beam(beam)) if not hasattr(beam, "deconvolve") else beam
    kernel = kernel_between(image.beam, beam, image.pixel_area**0.5)
    if kernel is None:
        warnings.warn("The given beam is identical to the current beam. Skipping convolution.", BeamWarning, stacklevel=3)
        return image
    values = image._filled(np.nan)
    if astropys(convolve, options):
        made = image_convolved(asarray(np.ascontiguousarray(values)), kernel).compute()
    else:
        made = convolution(convolve, options)(values, kernel, **{"normalize_kernel": True, **options})
    made = made * areas_ratio(image.unit, image.beam, beam)
    return image._again(made.astype(image.dtype if image.dtype.kind == "f" else float), beam=beam)


def convolved_channels(data: Array, beams: list[Any], good: Any, beam: Any, pixel: u.Quantity, unit: Any, allow_smaller: bool, workers: str) -> Array:
    """Channels (n, y, x), each convolved with the kernel from its own beam to `beam`, in blocks of some channels.

    A channel whose beam is invalid or the same stays as it is; so does one that `beam` does not enclose with `allow_smaller`.
    """
    differences: list[Any] = []
    ratios: list[float] = []
    for channel, own in enumerate(beams):
        difference, ratio = None, 1.0
        if good[channel] and beam != own:
            try:
                difference = beam.deconvolve(own)
                ratio = areas_ratio(unit, own, beam)
            except (ValueError, BeamError) as error:
                if not allow_smaller:
                    raise UserError(
                        f"The beam {beam} does not enclose that of channel {channel}, {own}. Take cube.common_beam(), mask channels "
                        "(mask_out_bad_beams), or say allow_smaller=True, which leaves such channels as they are."
                    ) from error
        differences.append(difference)
        ratios.append(ratio)
    widest = max((float((d.major / pixel).to_value(u.one)) for d in differences if d is not None), default=0.0)
    if widest * 16 / 2.35 > _MOST_PIXELS:
        raise UserError(f"A kernel of {widest:.3g} pixels is enormous: pixel scale and beams do not fit.")

    def convolved(block: np.ndarray[Any, Any], block_info: Any = None) -> np.ndarray[Any, Any]:
        first = block_info[0]["array-location"][0][0]
        kernels: list[Any] = []
        for channel in range(first, first + block.shape[0]):
            difference = differences[channel]
            kernels.append(None if difference is None else np.ascontiguousarray(difference.as_kernel(pixel).array, dtype=float))
        made = _core.convolve_planes(np.ascontiguousarray(block), kernels)
        factors = np.array(ratios[first : first + block.shape[0]])
        if np.any(factors != 1):
            made *= factors.astype(made.dtype)[:, None, None]
        return np.asarray(made)

    floating = data if data.dtype.kind == "f" else data.astype(float)
    return map_blocks(convolved, floating, dtype=floating.dtype, core_axes=(1, 2), workers="threads", memory_factor=3.0)
