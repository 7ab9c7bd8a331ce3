"""The elements, coordinates, masks and units of a cube."""

from __future__ import annotations

import operator
import os
import warnings
from collections.abc import Callable
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits

from freestone import _core, _runs
from freestone._array import Array, apply, asarray
from freestone.astro import convert
from freestone.astro.arithmetic import SkyArithmetic
from freestone.astro.conditions import WCSWarning
from freestone.astro.coordinates import ByIndex, SpatialCoordinates
from freestone.astro.masks import BooleanArrayMask, CompositeMask, MaskBase, as_mask
from freestone.astro.scheduler import Scheduler, SchedulerHandler
from freestone.errors import UserError

__all__ = ["CubeBase", "accept", "own_options"]

#: What steers spectral_cube's scheduling, memory and messages: taken, and without meaning here.
_IGNORED = frozenset(
    "how progressbar parallel num_cores verbose use_memmap memmap_dir backend update_function update_size iterate_rays allow_huge memmap "
    "use_dask check_memory threshold block_size_limit reduce check_endian includemask".split()
)


#: Those of them that methods which pass options on keep to themselves.
_STEERING = frozenset(
    "how progressbar parallel num_cores verbose use_memmap memmap_dir backend update_function update_size iterate_rays".split()
)


def own_options(options: dict[str, Any], ours: bool = False) -> dict[str, Any]:
    """The options that go to the user's function, or to astropy's: all but those that steer spectral_cube.

    `ours`: the function is none of the user's, and has no memory to be allowed.
    """
    return {name: value for name, value in options.items() if name not in _STEERING and not (ours and name == "allow_huge")}


_AXES = {"spectral": 0, "y": 1, "x": 2}


def axis_number(axis: Any) -> int:
    """An axis of a cube as a number from 0; numbers out of range stay, for the error of the one who uses them."""
    if isinstance(axis, str) and axis in _AXES:
        return _AXES[axis]
    try:
        number = operator.index(axis)
    except TypeError:
        raise UserError(f"axis {axis!r} is not in (spectral, y, x), and no number from 0 to 2.") from None
    return number % 3 if -3 <= number < 3 else number


def accept(options: dict[str, Any]) -> None:
    """Raises TypeError for options that spectral_cube does not have either."""
    unknown = sorted(set(options) - _IGNORED)
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}")


class CubeBase(SkyArithmetic, SpatialCoordinates):
    """Elements (spectral, latitude, longitude) with WCS, unit, mask and header. Nothing is read before a result is asked for."""

    _sky: Any  # the engine's array with its sky, without the mask
    _mask: MaskBase | None
    _fill_value: float
    _meta: dict[str, Any]
    _scheduler: Scheduler
    _wcs_tolerance: float
    allow_huge_operations: bool
    disable_huge_flag: bool

    def _begin(self, sky: Any, mask: MaskBase | None, **facts: Any) -> None:
        self._sky, self._mask = sky, mask
        self._fill_value, self._meta, self._scheduler, self._wcs_tolerance = np.nan, {}, Scheduler(), 0.0
        self.allow_huge_operations, self.disable_huge_flag = False, False
        self._cache: dict[str, Any] = {}
        for name, value in facts.items():
            setattr(self, "_" + name, value)

    @staticmethod
    def _sky_of(data: Any, wcs: Any, meta: Any, header: Any) -> Any:
        """The engine's array of what a constructor is given."""
        unit = str((meta or {}).get("BUNIT", "")) or (convert.text_of_unit(data.unit) if hasattr(data, "unit") else "")
        values = data.value if hasattr(data, "unit") and hasattr(data, "value") else data
        full = fits.Header() if header is None else fits.Header(header, copy=True)
        cards = convert.cards_of(full) if wcs is None else convert.cards_of_wcs(wcs) + convert.cards_of(convert.plain_header(full))
        unit = convert.text_of_unit(convert.unit_from_text(unit or str(full.get("BUNIT", ""))))
        sky = _core.cube_from(asarray(values)._core, cards, unit, None)
        beam = convert.beam_of_header(full) if "BMAJ" in full else None
        return sky if beam is None else sky.with_beam(convert.numbers_of_beam(beam))

    def __getstate__(self) -> dict[str, Any]:
        sky = self._sky
        state = {name: value for name, value in self.__dict__.items() if name not in ("_sky", "_cache", "_scheduler")}
        state["_parts"] = (Array(sky.data), sky.wcs_cards, sky.header_cards, sky.unit, sky.beam, list(sky.beams))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        array, wcs_cards, header_cards, unit, beam, beams = state.pop("_parts")
        sky = _core.cube_from(array._core, wcs_cards, unit, beam).with_header(header_cards)
        self.__dict__.update(state, _sky=sky.with_beams(beams) if beams else sky, _cache={}, _scheduler=Scheduler())

    # Copies with something changed.

    def _but(self, sky: Any = None, **facts: Any) -> Any:
        """The same cube with some things changed."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made._cache = {}
        made._meta = dict(self._meta)
        if sky is not None:
            made._sky = sky
        for name, value in facts.items():
            setattr(made, "_" + name, value)
        return made

    def _on(self, array: Array, unit: Any = None) -> Any:
        """The same coordinates and mask, other elements."""
        return self._but(self._sky.with_data(array._core, None if unit is None else convert.text_of_unit(unit)))

    def _map(self, function: Callable[[Any], Any], **facts: Any) -> Any:
        return self._but(function(self._sky), **facts)

    def _with(self, array: Array, unit: Any = None, other: Any = None) -> Any:
        made = self._on(array, unit)
        if isinstance(other, CubeBase):
            if other.shape == self.shape and not convert.same_wcs(self.wcs, other.wcs, max(self._wcs_tolerance, 1e-6)):
                warnings.warn("Cube WCSs do not match, but their shapes do", WCSWarning, stacklevel=4)
            if other._mask is not None:
                own = BooleanArrayMask(other._mask._lazy(other._data, other.wcs), self.wcs)
                made._mask = own if self._mask is None else CompositeMask(self._mask, own)
        return made

    def _in_unit(self, unit: Any) -> Array:
        return self.to(unit)._data

    @property
    def _operands(self) -> Array:  # type: ignore[override]
        return Array(self._sky.data)

    # Elements.

    @property
    def _data(self) -> Array:
        """The elements without mask, lazily."""
        return Array(self._sky.data)

    def _included(self) -> Array | None:
        """The elements of the mask, lazily."""
        return None if self._mask is None else self._mask._lazy(self._data, self.wcs)

    def _filled(self, fill: float = np.nan) -> Array:
        """The elements with `fill` where the mask excludes them, lazily."""
        key = f"filled {fill!r}"
        if key not in self._cache:
            included = self._included()
            self._cache[key] = self._data if included is None else apply("where", included, self._data, float(fill))
        return self._cache[key]

    @property
    def _filled_sky(self) -> Any:
        """The engine's array with NaN where the mask excludes elements."""
        return self._sky if self._mask is None else self._sky.with_data(self._filled()._core)

    def _computed(self, array: Array) -> np.ndarray[Any, Any]:
        with self._scheduler.running():
            return np.asarray(array.compute())

    def _quantity(self, values: Any) -> u.Quantity:
        return u.Quantity(values, self.unit, copy=None, dtype=np.asarray(values).dtype)

    @property
    def array(self) -> Array:  # type: ignore[override]
        """The elements as a lazy array without unit; masked ones are NaN."""
        return self._filled()

    @property
    def filled_data(self) -> ByIndex:
        """Elements by index, masked ones filled: ``cube.filled_data[:]`` is a Quantity."""
        return ByIndex(lambda view: self._quantity(self._computed(self._filled(self._fill_value)[view])))

    @property
    def unitless_filled_data(self) -> ByIndex:
        """The same as NumPy arrays without unit."""
        return ByIndex(lambda view: self._computed(self._filled(self._fill_value)[view]))

    @property
    def unmasked_data(self) -> ByIndex:
        """Elements by index, those that the mask excludes too: Quantities."""
        return ByIndex(lambda view: self._quantity(self._computed(self._data[view])))

    def filled(self, fill_value: float | u.Quantity | None = None) -> u.Quantity:
        """All elements, masked ones filled with `fill_value`, or the cube's. A quantity is converted to the cube's unit."""
        return self._quantity(self._computed(self._filled(self._fill_value if fill_value is None else self._number(fill_value))))

    def _number(self, value: float | u.Quantity) -> float:
        """A number in the cube's unit."""
        return float(value.to_value(self.unit) if isinstance(value, u.Quantity) else value)

    @property
    def fill_value(self) -> float:
        """What stands for masked elements in `filled_data` and in files."""
        return self._fill_value

    def with_fill_value(self, fill_value: float | u.Quantity) -> Any:
        """The same cube with another fill value. A quantity is converted to the cube's unit."""
        return self._but(fill_value=self._number(fill_value))

    def unmasked_copy(self) -> Any:
        """The same cube without mask."""
        return self._but(mask=None)

    def flattened(self, slice: Any = (), weights: Any = None) -> u.Quantity:
        """The elements that are not masked as one line, of the whole cube or a part; times `weights` (of the cube's shape) where given."""
        data, included = self._data[slice], self._included()
        if weights is not None:
            data = data * asarray(np.asarray(weights))[slice]
        return self._quantity(self._computed(data.reshape(-1) if included is None else data[included[slice]]))

    def flattened_world(self, view: Any = ()) -> list[u.Quantity]:
        """World coordinates of the elements that are not masked, in the order of `flattened`; spectral_cube's has those of all elements."""
        included = self._included()
        world = self._world(view)
        if included is None:
            return [part.ravel() for part in world]
        kept = self._computed(included[view])
        return [part[kept] for part in world]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self._computed(self._filled(self._fill_value)), dtype=dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def _freestone_arrays(self) -> list[Any]:
        return [self._filled(self._fill_value)._core]

    def _freestone_result(self, values: list[np.ndarray[Any, Any]]) -> Any:
        return self._quantity(values[0])

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any:
        return _core.sky_output(self._sky.with_data(self._filled(self._fill_value)._core), path, format, overwrite)

    # Facts.

    @property
    def shape(self) -> tuple[int, int, int]:
        """Lengths of the axes (spectral, latitude, longitude)."""
        return tuple(self._sky.data.shape)

    @property
    def ndim(self) -> int:
        """3."""
        return 3

    @property
    def size(self) -> int:
        """Elements in all."""
        return int(self._sky.data.size)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return np.dtype(self._sky.data.dtype)

    @property
    def base(self) -> None:
        """None: the elements are not a view of NumPy's."""
        return None

    @property
    def unit(self) -> Any:
        """Unit of the elements."""
        return convert.unit_from_text(self._sky.unit)

    @property
    def _unit(self) -> Any:
        return self.unit if self._sky.unit else None

    @property
    def unitless(self) -> Any:
        """The same elements without unit."""
        return self._on(self._data, u.dimensionless_unscaled)

    @property
    def wcs(self) -> Any:
        """astropy WCS of the three axes (which has SI units)."""
        if "wcs" not in self._cache:
            self._cache["wcs"] = convert.wcs_from_cards(self._sky.wcs_cards)
        return self._cache["wcs"]

    @property
    def _wcs(self) -> Any:
        return self.wcs

    @property
    def meta(self) -> dict[str, Any]:
        """What is known beside the coordinates: ``BUNIT``, ``beam``, and what the constructor was given."""
        known = {**self._meta, "BUNIT": self._sky.unit}
        if self._sky.beam is not None:
            known["beam"] = convert.beam_from_numbers(self._sky.beam)
        return known

    @property
    def header(self) -> fits.Header:
        """The header that a file of this has."""
        beam = None if self._sky.beam is None else convert.beam_from_numbers(self._sky.beam)
        header = convert.header_from(self._sky.wcs_cards, self._sky.header_cards, self.shape, self.dtype, self.unit, beam)
        convert.add_meta(header, self._meta)
        return header

    @property
    def _header(self) -> fits.Header:
        """The cards that are neither WCS nor structure."""
        return fits.Header.fromstring(self._sky.header_cards)

    @property
    def spectral_axis(self) -> u.Quantity:
        """Coordinates of the channels, in the axis' unit."""
        if "spectral_axis" not in self._cache:
            self._cache["spectral_axis"] = np.asarray(self._sky.coordinates(0))
        return self._cache["spectral_axis"].copy() * self._spectral_unit

    @property
    def _spectral_unit(self) -> Any:
        return convert.unit_from_text(self._sky.axis_unit(0))

    @property
    def spectral_extrema(self) -> u.Quantity:
        """Least and greatest coordinate of a channel."""
        axis = self.spectral_axis
        return u.Quantity([axis.min(), axis.max()])

    @property
    def velocity_convention(self) -> Any:
        """astropy's equivalency (``doppler_radio``...) of an axis in velocity, or None."""
        kind = str(self.wcs.wcs.ctype[2])[:4]
        return {"VRAD": u.doppler_radio, "VOPT": u.doppler_optical, "VELO": u.doppler_relativistic, "ZOPT": u.doppler_optical}.get(kind)

    def __repr__(self) -> str:
        unit = "" if not self._sky.unit else f" and unit={self.unit}"
        lines = [f"{type(self).__name__} with shape={self.shape}{unit} and chunk size {self._data.chunksize}:"]
        types, units = self.wcs.wcs.ctype, self.wcs.wcs.cunit
        ranges: list[Any] = [None, None, None]
        if self.size:
            if self._has_wcs_celestial:
                ranges[:2] = [self.longitude_extrema, self.latitude_extrema]
            ranges[2] = self.spectral_extrema
        named = [("x", 2, 0, str(units[0])), ("y", 1, 1, str(units[1])), ("s", 0, 2, str(self._spectral_unit))]
        for letter, axis, number, spelled in named:
            pair = ranges[number]
            text = "none" if pair is None else f"{pair[0]:12.6f}:{pair[1]:12.6f}"
            lines.append(f" n_{letter}: {self.shape[axis]:6d}  type_{letter}: {str(types[number]):8s}  unit_{letter}: {spelled:5s}  range: {text}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{self!r}</pre>{self._data._repr_html_()}"

    # Masks.

    @property
    def mask(self) -> MaskBase | None:
        """Which elements count, or None for all."""
        return self._mask

    def get_mask_array(self) -> np.ndarray[Any, Any]:
        """Which elements count, as NumPy array of bool."""
        included = self._included()
        return np.ones(self.shape, dtype=bool) if included is None else self._computed(included)

    def with_mask(self, mask: Any, inherit_mask: bool = True, wcs_tolerance: float | None = None) -> Any:
        """Elements where `mask` is False do not count, on top of the mask that there is.

        Parameters
        ----------
        mask : mask, or array of bool that broadcasts to the cube
            Masks of here or of spectral_cube, lazy arrays, NumPy arrays.
        inherit_mask : bool
            False: this mask alone.
        wcs_tolerance : float, optional
            The relative difference by which the mask's WCS may be another; default that of the cube.
        """
        made = as_mask(mask, self.wcs, self.shape)
        made._validate_wcs(self._data, self.wcs, self._wcs_tolerance if wcs_tolerance is None else wcs_tolerance)
        if self._mask is not None and inherit_mask:
            made = CompositeMask(self._mask, made) if wcs_tolerance is None else CompositeMask(self._mask, made._moved(self.wcs))
        return self._but(mask=made)

    def mask_channels(self, goodchannels: Any) -> Any:
        """Channels where `goodchannels` (an array of bool, one a channel) is False do not count."""
        good = np.asarray(goodchannels)
        if good.ndim != 1 or good.shape[0] != self.shape[0]:
            raise UserError(f"goodchannels has shape {good.shape}; it must be a boolean array of length {self.shape[0]}, one a channel.")
        return self.with_mask(good.astype(bool)[:, None, None])

    # Units.

    def to(self, unit: Any, equivalencies: Any = ()) -> Any:
        """Elements in another unit; K, Jy/beam, Jy/pix and Jy/sr by beam, pixel and frequency.

        `equivalencies`, as of astropy.units, are tried first.
        """
        unit = u.Unit(unit)
        if unit == self.unit:
            return self
        if equivalencies:
            try:
                factor = self.unit.to(unit, equivalencies=list(equivalencies))
            except u.UnitConversionError:
                factor = None
            if factor is not None:
                return self._on((self._data.astype(float) * float(factor)).astype(self.dtype if self.dtype.kind == "f" else float), unit)
        return self._map(lambda sky: _core.sky_to(sky, convert.text_of_unit(unit)))

    def with_spectral_unit(self, unit: Any, velocity_convention: Any = None, rest_value: u.Quantity | None = None) -> Any:
        """The spectral axis in another unit: frequency, wavelength or velocity.

        Parameters
        ----------
        unit : unit or str
        velocity_convention : {"radio", "optical", "relativistic"} or astropy's equivalency
            Needed from frequency or wavelength to velocity.
        rest_value : Quantity, optional
            Rest frequency or wavelength in vacuum; default the header's.
        """
        rest = None if rest_value is None else convert.spectral_pair(rest_value)
        convention = convert.convention_name(velocity_convention)
        made = self._map(lambda sky: _core.with_spectral_unit(sky, convert.text_of_unit(unit), convention, rest))
        if "Original Unit" not in made._meta:
            made._meta["Original Unit"], made._meta["Original Type"] = str(self.wcs.wcs.cunit[2]), str(self.wcs.wcs.ctype[2])
        if self._mask is not None:
            made._mask = self._mask._moved(made.wcs)
        return made

    # Files.

    def write(self, filename: str | os.PathLike[str], overwrite: bool = False, format: str | None = None, compute: bool = True) -> Any:
        """Writes a file with WCS, unit, beams and header, tile by tile; masked elements get the cube's `fill_value`.

        Parameters
        ----------
        filename : path
            The format follows the suffix: ``.fits``, ``.image`` folders are not written, ``.zarr``, ``.nc``, ``.h5``, ``.npy``...
        overwrite : bool
            Replace a file that exists.
        format : str, optional
            Instead of the suffix.
        compute : bool
            False: nothing is written before the result's ``compute()``.
        """
        with self._scheduler.running():
            return _runs.write({filename: self}, overwrite=overwrite, format=format or "", compute=compute)

    @property
    def hdu(self) -> fits.PrimaryHDU:
        """An astropy HDU of all elements, which are computed, and the header. `write` needs no memory for them."""
        return fits.PrimaryHDU(np.asarray(self), self.header)

    @property
    def hdulist(self) -> fits.HDUList:
        """An astropy HDUList of `hdu`."""
        return fits.HDUList([self.hdu])

    def explain(self) -> str:
        """The plan for computing all elements, in words."""
        return _runs.explain(self)

    def visualize(self, filename: str | os.PathLike[str] = "freestone.svg", **_: Any) -> Any:
        """The plan for computing all elements as a picture: ``.svg``, ``.pdf`` or ``.png``."""
        from freestone._diagnostics import visualize

        return visualize(self._filled(self._fill_value), filename=filename)

    def display_dask_array(self) -> Any:
        """Shows the elements' shape and chunks in a notebook, and gives the lazy array."""
        array = self._filled(self._fill_value)
        try:
            from IPython.display import display
        except ImportError:
            return array
        show: Any = display
        show(array)
        return array

    # Chunks and schedulers.

    def rechunk(self, chunks: Any = "auto", threshold: Any = None, block_size_limit: int | None = None, save_to_tmp_dir: bool = False, **options: Any) -> Any:
        """The same elements with other nominal chunks: what user functions get as blocks, and what chunked files are written in.

        The engine's own operations choose their tiles themselves.

        Parameters
        ----------
        chunks : int, tuple, dict or "auto"
            -1 is one chunk along an axis, "auto" as long as makes chunks of about 4 MiB; a tuple of tuples, as Dask has, counts by its longest.
        threshold : int
            Taken, and without meaning.
        block_size_limit : int, optional
            Bytes of an "auto" chunk.
        save_to_tmp_dir : bool
            Compute the cube now and keep the elements: in memory while it takes at most half of what is free of the budget, otherwise in a temporary file
            (`freestone.settings(temp_dir=...)` says where) that goes when the cube does.
        """
        accept(options)
        made = self._on(self._data.rechunk(_chunk_lengths(chunks, self.shape, self._data.chunksize, self.dtype.itemsize, block_size_limit)))
        return made._kept(save_to_tmp_dir)

    def _kept(self, save: bool) -> Any:
        """The cube itself, or, where `save`, with its elements computed once and kept."""
        if not save:
            return self
        with self._scheduler.running():
            return self._on(self._data.persist())

    def use_dask_scheduler(self, scheduler: Any = None, num_workers: int | None = None) -> SchedulerHandler:
        """Where this cube, and what is made of it from now on, computes. May be used as a function or as a context manager.

        Parameters
        ----------
        scheduler : {"threads", "synchronous", "processes"}, or distributed.Client
            "synchronous" is one thread; "processes" has Python functions of the user run in processes. Of a cluster see `freestone.astro.scheduler`.
        num_workers : int, optional
            Threads; default all cores.
        """
        before = self._scheduler
        self._scheduler = Scheduler(scheduler, num_workers)
        return SchedulerHandler(self, before)


def _chunk_lengths(chunks: Any, shape: tuple[int, ...], now: tuple[int, ...], itemsize: int, limit: int | None) -> list[int]:
    """Lengths of nominal chunks out of all that Dask takes."""
    if isinstance(chunks, dict):
        given: list[Any] = [chunks.get(k, chunks.get(k - len(shape))) for k in range(len(shape))]
    else:
        given = list(chunks) if isinstance(chunks, (tuple, list)) else [chunks] * len(shape)
    if len(given) != len(shape):
        raise UserError(f"rechunk: {len(given)} lengths for {len(shape)} axes.")
    lengths: list[Any] = []
    for length, whole, own in zip(given, shape, now):
        if isinstance(length, (tuple, list)):
            length = max(length)
        if isinstance(length, str) and length != "auto":
            limit, length = _core.parse_bytes(length), "auto"
        lengths.append(own if length is None else whole if length == -1 else length)
    target = max(1, (limit or 4 << 20) // itemsize)
    autos = [k for k, length in enumerate(lengths) if length == "auto"]
    left = target // max(1, int(np.prod([n for n in lengths if n != "auto"], dtype=int)))
    # Axes that are short are whole; the others share what is left.
    for place, k in enumerate(sorted(autos, key=lambda axis: shape[axis])):
        side = max(1, int(round(max(1, left) ** (1 / (len(autos) - place)))))
        lengths[k] = max(1, min(shape[k], side))
        left //= lengths[k]
    return [max(1, min(int(n), max(whole, 1))) for n, whole in zip(lengths, shape)]
