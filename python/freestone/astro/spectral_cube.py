"""SpectralCube: (spectral, latitude, longitude), with the names of spectral_cube."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
from astropy.io import fits

from freestone import _core
from freestone._array import Array, asarray
from freestone.astro import convert
from freestone.astro.beams import SingleBeam, _as_beam, check_jybeam
from freestone.astro.conditions import BeamWarning, NoBeamError, StokesWarning
from freestone.astro.convolving import areas_ratio, astropys, convolution, image_convolved, kernel_between
from freestone.astro.cube_base import accept, own_options
from freestone.astro.cube_exports import CubeExports
from freestone.astro.cube_parts import CubeParts
from freestone.astro.cube_reductions import CubeReductions
from freestone.astro.cube_smoothing import CubeSmoothing
from freestone.astro.masks import LazyMask, as_mask
from freestone.errors import UserError

__all__ = ["BaseSpectralCube", "SpectralCube"]

_FORMATS = (None, "fits", "casa", "casa_image")


class BaseSpectralCube(CubeParts, CubeReductions, CubeSmoothing, CubeExports):
    """What cubes with one beam and with a beam a channel share."""

    def __init__(
        self, data: Any, wcs: Any = None, mask: Any = None, meta: Any = None, fill_value: float = np.nan, header: Any = None,
        allow_huge_operations: bool = False, disable_huge_flag: bool = False, wcs_tolerance: float = 0.0, use_dask: Any = None,
    ) -> None:  # fmt: skip
        sky = self._sky_of(data, wcs, meta, header)
        self._begin(sky, None, fill_value=fill_value, wcs_tolerance=wcs_tolerance)
        self._meta = {name: value for name, value in (meta or {}).items() if name not in ("BUNIT", "beam", "beams")}
        self.allow_huge_operations, self.disable_huge_flag = allow_huge_operations, disable_huge_flag
        if mask is not None:
            self._mask = as_mask(_turned(mask, data, wcs, header), self.wcs, self.shape)
            self._mask._validate_wcs(self._data, self.wcs, wcs_tolerance)

    @classmethod
    def read(
        cls, filename: Any, format: str | None = None, hdu: int | str | None = None, use_dask: bool | None = None, target_chunksize: int | None = None,
        **options: Any,
    ) -> Any:  # fmt: skip
        """Opens a cube; only metadata is read. Elements that are not finite are masked.

        Parameters
        ----------
        filename : path, URL, or an astropy HDU or HDUList
            ``"cube.fits[DATA]"`` names an extension, as `hdu` does. Of a Stokes axis I is taken, with a `StokesWarning` (see `StokesSpectralCube`).
        format : {"fits", "casa", "casa_image"}, optional
            Told by the file itself when it is left out.
        hdu : int or str, optional
            Of an image of CASA: one of its masks.
        use_dask : bool, optional
            Taken; the engine is the same.
        target_chunksize : int, optional
            Elements of a nominal chunk: chunks of the file are joined along x, then y, then channels, up to it. What user functions get.

        Returns
        -------
        SpectralCube, or VaryingResolutionSpectralCube where channels have beams of their own
        """
        accept(options)
        if format not in _FORMATS:
            raise UserError(f"There is no format {format!r} for cubes; there are 'fits' and 'casa_image'.")
        table = None
        if isinstance(filename, (fits.HDUList, fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)) or hasattr(filename, "header") and hasattr(filename, "data"):
            sky, table = _sky_of_hdu(filename, hdu)
        else:
            if format in ("casa", "casa_image") and not os.path.isdir(filename):
                raise UserError(f"{filename}: it is no image of CASA, which is a folder.")
            path = os.fspath(filename) if hdu is None else f"{os.fspath(filename)}[{hdu}]"
            sky = _core.read_sky(path)
            if len(sky.dims) == 4 and "stokes" in sky.dims:
                sky = stokes_plane(sky, _plane_of_i(sky, sky.dims.index("stokes"), path), path)
            sky = cube_of(sky, path)
        if table is not None:
            sky = sky.with_beams(convert.rows_of_beams(table))
        return cls._from_file(sky, table, target_chunksize)

    @classmethod
    def _from_file(cls, sky: Any, beams: Any = None, target_chunksize: int | None = None) -> Any:
        """A cube of what a file holds, of the class that it has the beams for; elements that are not finite are masked."""
        from freestone.astro.varying_resolution import VaryingResolutionSpectralCube

        kind = VaryingResolutionSpectralCube if sky.beams else SpectralCube
        cube: Any = object.__new__(cls if issubclass(cls, kind) else kind)
        cube._begin(sky, None)
        if target_chunksize is not None:
            cube = cube._on(_joined(cube._data, target_chunksize))
        cube._mask = LazyMask(np.isfinite, cube=cube)
        if sky.beams:
            cube._take_beams(beams)
        return cube


def _turned(mask: Any, data: Any, wcs: Any, header: Any) -> Any:
    """An array of bool that lies as `data` does, with its axes as the cube has them."""
    if not isinstance(mask, (Array, np.ndarray)) or mask.ndim != 3:
        return mask
    cards = convert.cards_of_wcs(wcs) if wcs is not None else convert.cards_of(fits.Header(header, copy=True))
    dims = _core.sky_from(_core.full([int(n) for n in np.shape(data)], 0.0, "float32"), cards, "", None).dims
    if sorted(dims) != ["spectral", "x", "y"]:
        return mask
    return mask.transpose([dims.index(name) for name in ("spectral", "y", "x")])


def _plane_of_i(sky: Any, axis: int, name: str) -> int:
    """Which plane along the Stokes axis is I, or else the first; with a warning where there are others."""
    parameters = np.asarray(sky.coordinates(axis))
    found = np.flatnonzero(abs(parameters - 1) < 1e-6)
    if parameters.size > 1:
        warnings.warn(
            f"{name} holds {parameters.size} Stokes planes, of which {'I' if found.size else 'the first'} is taken. StokesSpectralCube.read takes all.",
            StokesWarning, stacklevel=4,
        )  # fmt: skip
    return int(found[0]) if found.size else 0


def stokes_plane(sky: Any, plane: int, path: str) -> Any:
    """A plane of the Stokes axis of a file, with its beams: a table may have others for each plane."""
    if sky.beams:
        return _core.read_sky(path, plane)
    return _core.sky_slice(sky, [plane if name == "stokes" else slice(None) for name in sky.dims])


def cube_of(sky: Any, name: str) -> Any:
    """The engine's array as (spectral, y, x).

    Raises
    ------
    UserError
        Its axes are others.
    """
    if sorted(sky.dims) != ["spectral", "x", "y"]:
        raise UserError(f"{name}: A spectral cube has the axes (spectral, y, x); here they are ({', '.join(sky.dims)}), of lengths {tuple(sky.data.shape)}.")
    if sky.dims != ["spectral", "y", "x"]:
        sky = _core.sky_transpose(sky, [sky.dims.index(name) for name in ("spectral", "y", "x")])
    return sky


def _sky_of_hdu(given: Any, number: int | str | None) -> tuple[Any, Any]:
    """The engine's array of an astropy HDU or HDUList, and its beams where it has a table of them."""
    table, plane = None, 0
    image = given
    if isinstance(given, fits.HDUList):
        table = next((hdu for hdu in given if hdu.name == "BEAMS" and hasattr(hdu, "columns")), None)
        if number is None:
            number = next((k for k, hdu in enumerate(given) if getattr(hdu, "data", None) is not None and np.ndim(hdu.data) >= 3), 0)
        image = given[number]
    data, header = image.data, image.header
    if data is None or np.ndim(data) not in (3, 4):
        raise UserError(f"The HDU holds {0 if data is None else np.ndim(data)} axes; a cube has three, and perhaps one of Stokes.")
    if np.ndim(data) == 4:
        sky, plane = _of_four_axes(data, header)
    else:
        sky = BaseSpectralCube._sky_of(data, None, None, header)
    return sky, None if table is None else convert.beams_of_table(table, sky.data.shape[0], plane)


def _of_four_axes(data: Any, header: Any) -> tuple[Any, int]:
    """The engine's array of Stokes I, and which plane that is."""
    unit = convert.text_of_unit(convert.unit_from_text(str(header.get("BUNIT", ""))))
    beam = convert.beam_of_header(header) if "BMAJ" in header else None
    numbers = None if beam is None else convert.numbers_of_beam(beam)
    sky = _core.sky_from(asarray(data)._core, convert.cards_of(header), unit, numbers)
    others = [k for k, name in enumerate(sky.dims) if name not in ("spectral", "y", "x")]
    if len(others) != 1:
        raise UserError(f"Of four axes, three are (spectral, y, x) and one is Stokes; here they are ({', '.join(sky.dims)}).")
    plane = _plane_of_i(sky, others[0], "The HDU")
    return cube_of(_core.sky_slice(sky, [plane if k == others[0] else slice(None) for k in range(4)]), "HDU"), plane


def _joined(data: Array, elements: int) -> Array:
    """Nominal chunks joined along x, then y, then channels, up to a number of elements."""
    if elements < 1:
        raise UserError("target_chunksize is 1 or more elements.")
    chunks = list(data.chunksize) if not data._core.is_contiguous else [1, 1, data.shape[2]]
    for axis in (2, 1, 0):
        rest = max(1, int(np.prod([max(1, n) for k, n in enumerate(chunks) if k != axis], dtype=int)))
        chunks[axis] = max(1, min(data.shape[axis], chunks[axis] * max(1, elements // max(1, rest * chunks[axis]))))
    return data.rechunk(tuple(chunks))


class SpectralCube(BaseSpectralCube, SingleBeam):
    """A cube of which nothing is read before a result is asked for.

    Operations on cubes give cubes, lazily. Reductions, moments and statistics are computed at once, as `Projection` (images),
    `OneDSpectrum` (spectra) and astropy Quantity (numbers); with ``compute=False`` they give a `LazyResult`, so that
    `freestone.compute` and `freestone.write` do several in one pass over the file.

    Parameters
    ----------
    data : Array, NumPy array or Quantity
        Three axes, in the order of `wcs`.
    wcs : astropy.wcs.WCS
        Left out: that of `header`.
    mask, meta, fill_value, header, beam, wcs_tolerance
        As in spectral_cube. `beam`: default that of `meta` or `header`.
    allow_huge_operations, disable_huge_flag, use_dask
        Taken, and without meaning: no operation loads the cube.
    """

    def __init__(
        self, data: Any, wcs: Any = None, mask: Any = None, meta: Any = None, fill_value: float = np.nan, header: Any = None,
        allow_huge_operations: bool = False, beam: Any = None, wcs_tolerance: float = 0.0, use_dask: Any = None, read_beam: bool = True,
        disable_huge_flag: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(data, wcs, mask, meta, fill_value, header, allow_huge_operations, disable_huge_flag, wcs_tolerance, use_dask)
        beam = _as_beam(beam if beam is not None else (meta or {}).get("beam"))
        if beam is not None:
            self._sky = self._sky.with_beam(convert.numbers_of_beam(beam))
            self._cache["beam"] = beam

    @property
    def _beam(self) -> Any:
        if self._sky.beam is None:
            return None
        if "beam" not in self._cache:
            self._cache["beam"] = convert.beam_from_numbers(self._sky.beam)
        return self._cache["beam"]

    def common_beam(self, **_: Any) -> Any:
        """The beam itself."""
        return self.beam

    def with_beam(self, beam: Any, raise_error_jybm: bool = True) -> Any:
        """The same elements with another beam. Of a cube in Jy/beam that has one only with ``raise_error_jybm=False``."""
        if self._sky.beam is not None:
            check_jybeam(self.unit, raise_error_jybm)
        return self._map(lambda sky: sky.with_beam(convert.numbers_of_beam(_as_beam(beam))))

    def with_beams(self, beams: Any, goodbeams_mask: Any = None, raise_error_jybm: bool = True) -> Any:
        """A `VaryingResolutionSpectralCube` of the same elements: `radio_beam.Beams`, one a channel."""
        from freestone.astro.varying_resolution import VaryingResolutionSpectralCube

        if self._sky.beam is not None:
            check_jybeam(self.unit, raise_error_jybm)
        if len(beams) != self.shape[0]:
            raise UserError(f"There are {len(beams)} beams for {self.shape[0]} channels.")
        made = object.__new__(VaryingResolutionSpectralCube)
        made.__dict__.update(self._but(self._sky.with_beams(convert.rows_of_beams(beams))).__dict__)
        made._take_beams(beams, goodbeams_mask)
        return made

    def convolve_to(self, beam: Any, convolve: Any = None, save_to_tmp_dir: bool = False, **options: Any) -> Any:
        """Channels at the resolution `beam`; the cube that it is called on stays as it was, its header too.

        The kernel is the deconvolved beam. Outside lies 0, NaN is interpolated, the mask stays as it is. Jy/beam is scaled by the ratio of the
        areas; an equal beam gives the cube itself.

        Parameters
        ----------
        beam : radio_beam.Beam, or anything with major, minor and pa
        convolve : callable, optional
            Another function, of the signature of astropy.convolution.convolve; it and other `options` run in Python, channel by channel.
        save_to_tmp_dir : bool
            Compute now and keep; see `rechunk`.
        """
        own = own_options(options, ours=convolve is None)
        beam = _as_beam(convert.beam_from_numbers(convert.numbers_of_beam(beam)) if not hasattr(beam, "deconvolve") else beam)
        old = self._beam
        if old is None:
            raise NoBeamError("convolve_to: the data has no beam. Give it one: BMAJ, BMIN and BPA (degrees) in its header, or with_beam.")
        kernel = kernel_between(old, beam, self.pixel_area**0.5)
        if kernel is None:
            warnings.warn("The given beam is identical to the current beam. Skipping convolution.", BeamWarning, stacklevel=2)
            return self
        ratio = areas_ratio(self.unit, old, beam)
        if astropys(convolve, own):
            made = self._on(image_convolved(self._filled(), kernel) * ratio if ratio != 1 else image_convolved(self._filled(), kernel))
        else:
            own_convolve = convolution(convolve, own)

            def function(image: np.ndarray[Any, Any], **rest: Any) -> Any:
                return own_convolve(image, kernel, **{"normalize_kernel": True, **rest}) * ratio

            made = self.apply_function_parallel_spatial(function, **own)
        return made._map(lambda sky: sky.with_beam(convert.numbers_of_beam(beam)))._kept(save_to_tmp_dir)
