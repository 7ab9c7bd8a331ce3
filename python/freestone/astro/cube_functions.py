"""The user's functions on spectra, channels and the whole of a cube."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import astropy.units as u
import numpy as np

from freestone import _core
from freestone._array import Array, asarray
from freestone._user import apply_along, map_blocks
from freestone.astro.cube_base import CubeBase, accept, own_options
from freestone.astro.lazy_result import LazyResult
from freestone.errors import UserError

__all__ = ["CubeFunctions"]

_BLOCK_ELEMENTS = 1 << 20  # 4 MiB of float32: enough to make a call worth its while


class CubeFunctions(CubeBase):
    """Calling functions."""

    def _blocked(self, data: Array, spans: tuple[int, ...]) -> Array:
        """`data` with nominal chunks that span the axes `spans`: the cube's own where they do, some megabytes otherwise."""
        shape, chunks = data.shape, data.chunksize
        if not data._core.is_contiguous and all(chunks[axis] == shape[axis] for axis in spans):
            return data
        block = [shape[axis] if axis in spans else 1 for axis in range(3)]
        left = max(1, _BLOCK_ELEMENTS // max(1, int(np.prod([shape[axis] for axis in spans], dtype=int))))
        for axis in reversed([axis for axis in range(3) if axis not in spans]):
            block[axis] = max(1, min(shape[axis], left))
            left = max(1, left // block[axis])
        return data.rechunk(tuple(max(1, n) for n in block))

    def _called(
        self, function: Callable[..., Any], spans: tuple[int, ...], accepts_chunks: bool, options: dict[str, Any], new_length: int | None = None,
        dtype: Any = None,
    ) -> Array:  # fmt: skip
        """`function` of blocks that span the axes `spans`, of the elements with masked ones filled."""
        data = self._blocked(self._filled(self._fill_value), spans)
        dtype = dtype or (data.dtype if data.dtype.kind == "f" else np.dtype(float))
        length = self.shape[0] if new_length is None else new_length
        wants_info = "block_info" in _parameters(function)

        def one(block: np.ndarray[Any, Any], block_info: Any = None) -> Any:
            given = {**options, "block_info": block_info} if wants_info else options  # of this call: others run beside it
            if accepts_chunks:
                return np.asarray(function(block, **given), dtype=dtype)
            if spans == (0,):
                out = np.empty((length, *block.shape[1:]), dtype=dtype)
                for y in range(block.shape[1]):
                    for x in range(block.shape[2]):
                        out[:, y, x] = function(block[:, y, x], **given)
                return out
            out = np.empty(block.shape, dtype=dtype)
            for channel in range(block.shape[0]):
                out[channel] = function(block[channel], **given)
            return out

        one.__name__ = getattr(function, "__name__", type(function).__name__)
        workers = self._scheduler.workers
        if new_length is None:
            return map_blocks(one, data, dtype=dtype, core_axes=spans, workers=workers)
        return map_blocks(one, data, dtype=dtype, drop_axis=0, new_axis=0, chunks=(new_length, None, None), workers=workers)

    def apply_function_parallel_spectral(
        self, function: Callable[..., Any], accepts_chunks: bool = False, return_new_cube: bool = True, save_to_tmp_dir: bool = False, **options: Any
    ) -> Any:
        """A function of every spectrum, on all cores, lazily; masked elements have the cube's `fill_value`.

        Parameters
        ----------
        function : callable
            Gets a spectrum (an array with one axis), or with `accepts_chunks` many: (channels, rows, columns), of which it may change none of the
            lengths. Gives the same shape. With a parameter ``block_info`` it is told where the block lies, as Dask tells.
        accepts_chunks : bool
        return_new_cube : bool
            False: the result is a `freestone.Array`, and `function` may give another number of values a spectrum (parameters of a fit).
        save_to_tmp_dir : bool
            Compute now and keep; see `rechunk`.
        **options
            Go to `function`; spectral_cube's ``num_cores``, ``parallel``, ``verbose``, ``use_memmap``... do not.
        """
        own = own_options(options)
        if return_new_cube:
            return self._on(self._called(function, (0,), accepts_chunks, own))._kept(save_to_tmp_dir)
        sample = self._computed(self._filled(self._fill_value)[:, : min(1, self.shape[1]), : min(1, self.shape[2])])
        given = {**own, "block_info": None} if "block_info" in _parameters(function) else own
        made = np.asarray(function(sample, **given) if accepts_chunks else function(sample[:, 0, 0], **given))
        if accepts_chunks and made.ndim != 3:
            raise UserError(f"The function gives {made.ndim} axes for a block of three; it keeps rows and columns: (values, rows, columns).")
        length = made.shape[0] if made.ndim else 1
        return self._called(function, (0,), accepts_chunks, own, length, made.dtype)

    def apply_function_parallel_spatial(
        self, function: Callable[..., Any], accepts_chunks: bool = False, save_to_tmp_dir: bool = False, **options: Any
    ) -> Any:
        """A function of every channel, on all cores, lazily; masked elements have the cube's `fill_value`.

        As `apply_function_parallel_spectral`; `function` gets an image, or with `accepts_chunks` (channels, rows, columns).
        """
        return self._on(self._called(function, (1, 2), accepts_chunks, own_options(options)))._kept(save_to_tmp_dir)

    def apply_function_parallel_base(self, iteration_data: Any, function: Callable[..., Any], applicator: Callable[..., Any], **options: Any) -> Any:
        """spectral_cube's inner loop: ``applicator((values, included, ...), outcube, function)`` for each item of `iteration_data`, in a new cube.

        The result is in memory. `apply_function_parallel_spectral` and `apply_function_parallel_spatial` are lazy and bounded.
        """
        out = np.empty(self.shape, dtype=self.dtype if self.dtype.kind == "f" else float)
        for item in iteration_data:
            applicator(item, outcube=out, function=function, **own_options(options))
        return self._on(asarray(out))

    def apply_function(
        self, function: Callable[..., Any], axis: Any = None, weights: Any = None, unit: Any = None, projection: bool = False, keep_shape: bool = False,
        save_to_tmp_dir: bool = False, **options: Any,
    ) -> Any:  # fmt: skip
        """A function of the elements that count along `axis`, one line at a time, or of all of them.

        Parameters
        ----------
        function : callable
            Gets an array with one axis, without masked elements (with `keep_shape`: all, masked ones filled), gives a number.
        axis : int or None
        weights : array, optional
            Of the cube's shape: elements are multiplied by it.
        unit : unit, optional
            Of the result.
        projection : bool
            Give a `Projection`.
        keep_shape : bool
            `function` gives a line as long as it gets, the result is an array of the cube's shape.
        **options
            Go to `function`.
        """
        own = own_options(options)
        if axis is None:
            out = function(self.flattened(weights=weights).value, **own)
            return out if unit is None else u.Quantity(getattr(out, "value", out), unit)
        (axis,) = (k % 3 for k in (axis if isinstance(axis, (tuple, list)) else [axis]))
        data = self._filled(self._fill_value if keep_shape else np.nan)
        if weights is not None:
            data = data * asarray(np.asarray(weights))
        data = self._blocked(data, (axis,))
        included = None if keep_shape else self._included()
        arguments = [data] if included is None else [data, included.rechunk(data.chunksize)]

        def line(values: np.ndarray[Any, Any], kept: Any) -> Any:
            if keep_shape:
                return function(values, **own)
            valid = values if kept is None else values[kept]
            made = function(valid, **own) if valid.size else np.nan
            return getattr(made, "value", made)

        def block(values: np.ndarray[Any, Any], kept: Any = None) -> Any:
            moved = np.moveaxis(values, axis, 0)
            kept = None if kept is None else np.moveaxis(kept, axis, 0)
            out = np.empty(moved.shape if keep_shape else moved.shape[1:], dtype=float)
            for i in range(moved.shape[1]):
                for j in range(moved.shape[2]):
                    out[..., i, j] = line(moved[:, i, j], None if kept is None else kept[:, i, j])
            return np.moveaxis(out, 0, axis) if keep_shape else out

        if keep_shape:
            made = map_blocks(block, *arguments, dtype=float, core_axes=axis, workers=self._scheduler.workers)
        else:
            made = map_blocks(block, *arguments, dtype=float, drop_axis=axis, workers=self._scheduler.workers)
        if keep_shape or not projection:
            values = self._computed(made)
            return values if unit is None else u.Quantity(values, unit, copy=None)
        return self._projected(made, (axis,), unit)

    def apply_numpy_function(
        self, function: Callable[..., Any], fill: float = np.nan, reduce: bool = True, how: Any = "auto", projection: bool = False, unit: Any = None,
        check_endian: bool = False, progressbar: bool = False, includemask: bool = False, save_to_tmp_dir: bool = False, **options: Any,
    ) -> Any:  # fmt: skip
        """A function of NumPy (or of NumPy's form, as bottleneck's) of all elements, masked ones being `fill`.

        NumPy's functions stay in the engine where it has them; others get the elements along `axis`, block by block, or all in memory.

        Parameters
        ----------
        function : callable
            ``numpy.nanmax``...
        fill : float
        projection : bool
            Give a `Projection` (one axis gone) or `OneDSpectrum` (both spatial axes gone).
        unit : unit, optional
            Of the result.
        axis, and other options
            Go to `function`.
        """
        data = self._filled(fill)
        axis = options.get("axis")
        module = str(getattr(function, "__module__", "")) or type(function).__module__
        if module.startswith("numpy") or isinstance(function, np.ufunc):
            made = function(data, **options)
        elif isinstance(axis, (int, np.integer)):
            rest = {name: value for name, value in options.items() if name != "axis"}
            made = apply_along(
                lambda lines: function(lines, axis=-1, **rest), self._blocked(data, (int(axis) % 3,)), axis=int(axis), dtype=float, shape=(), vectorized=True
            )  # fmt: skip
        else:
            made = function(self._computed(data), **options)
        if projection and axis is not None:
            return self._projected(asarray(made), tuple(k % 3 for k in (axis if isinstance(axis, (tuple, list)) else [axis])), unit)
        values = self._computed(made)[()] if isinstance(made, Array) else made
        return values if unit is None else u.Quantity(values, unit, copy=None)

    def _projected(self, array: Array, axes: tuple[int, ...], unit: Any) -> Any:
        """`array`, what is left when `axes` are gone, with its coordinates."""
        sky = _core.sky_reduce(self._filled_sky, "count", [str(k) for k in axes], 50.0)
        text = "" if unit is None else str(u.Unit(unit).to_string())
        lazy = LazyResult(sky.with_data(array._core, text), {"meta": dict(self._meta), "fill_value": self._fill_value})
        with self._scheduler.running():
            return lazy.compute()

    def chunked(self, chunksize: int = 1000) -> Any:
        """The elements that count, as Quantities of at most `chunksize` of them, in order; upstream has the name only."""
        accept({})
        if chunksize < 1:
            raise UserError("chunksize is 1 or more.")
        for channel in range(self.shape[0]):
            values = self.flattened(slice=(slice(channel, channel + 1),))
            for first in range(0, values.size, chunksize):
                yield values[first : first + chunksize]


def _parameters(function: Any) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()
