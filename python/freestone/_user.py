"""User functions on blocks and on blocks with a halo; those along axes are in `_along`.

What a function needs is declared; its dtype may be inferred by calling it on a tiny sample. Python functions run in threads, or in processes
with ``workers="processes"``. Compiled functions (numba's ``cfunc`` and ``njit``, ctypes, cffi, Cython's capsules) run without the GIL.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

import numpy as np

from freestone._along import apply_along, apply_along_axis, apply_gufunc, as_gufunc, gufunc
from freestone._array import Array
from freestone._blocks import call_on_blocks
from freestone._creation import zeros
from freestone._dtypes import DTypeLike

__all__ = ["apply_along", "apply_along_axis", "apply_gufunc", "as_gufunc", "gufunc", "map_blocks", "map_overlap"]

Axes = Union[int, Sequence[int], None]
Depth = Union[int, Sequence[Any], Mapping[int, Any]]


def map_blocks(
    func: Callable[..., Any],
    *args: Any,
    name: str | None = None,
    token: str | None = None,
    dtype: DTypeLike = None,
    chunks: Any = None,
    drop_axis: Axes = None,
    new_axis: Axes = None,
    enforce_ndim: bool = False,
    meta: Any = None,
    core_axes: Axes = None,
    elementwise: bool = False,
    workers: str = "threads",
    memory_factor: float = 2.0,
    **kwargs: Any,
) -> Array:
    """Calls a function on blocks of arrays, as ``dask.array.map_blocks``.

    Parameters
    ----------
    func : callable
        Gets a NumPy array for each array among `args` (a copy of its own), gives one. Compiled functions: see the page on user functions.
        Without an array it makes blocks of the lengths that `chunks` says, axis by axis.
    *args : Array or anything else
        Arrays broadcast against each other; what is no array is passed on as it is. Arrays inside lists, tuples and dicts go to every call whole.
    name, token : str, optional
        For messages.
    dtype : dtype, optional
        Of the result. Default: that of what `func` gives on a tiny sample.
    chunks : sequence of int, None or sequence of int, optional
        Lengths of the result's axes within a block: of every block, or, as a sequence, block by block. None or -1: as in the arrays, or 1 for a new axis.
        Default: all None.
    drop_axis : int or sequence of int, optional
        Axes that the result does not have; `func` sees them whole.
    new_axis : int or sequence of int, optional
        Axes of the result that the arrays do not have.
    enforce_ndim : bool
        What `func` gives must have all axes of its block, and is not broadcast.
    meta : array, optional
        Says the dtype.
    core_axes : int or sequence of int, optional
        Axes that `func` sees whole. Other axes are cut in nominal chunks (`Array.chunksize`; 1 MB of data without), whatever the plan.
    elementwise : bool
        Every element of the result needs only those at its place: any part will do.
    workers : {"threads", "processes"}
        Where Python code runs. Processes: functions and blocks are pickled.
    memory_factor : float
        Memory that `func` takes, in parts of its inputs' bytes.
    **kwargs
        Passed on; arrays go whole. `block_id` and `block_info` are given as Dask does where `func` has such a parameter.

    Returns
    -------
    Array

    Raises
    ------
    UserError
        No array, or axes and chunks that do not fit; when it is computed, a result that does not fit its block.
    """
    if chunks is not None and not any(isinstance(a, (Array, np.ndarray)) for a in args):
        func, args, chunks = _of_nothing(func, args, chunks)
    return call_on_blocks(
        "map_blocks", func, args, kwargs, name=name or token, dtype=dtype, chunks=chunks, drop_axis=drop_axis, new_axis=new_axis, meta=meta,
        core_axes=core_axes, enforce_ndim=enforce_ndim, elementwise=elementwise, workers=workers, memory_factor=memory_factor,
    )  # fmt: skip


def _of_nothing(func: Callable[..., Any], args: tuple[Any, ...], chunks: Any) -> tuple[Callable[..., Any], tuple[Any, ...], Any]:
    """A function that makes blocks out of nothing, as one of an array with an element for each block."""
    lengths = [tuple(part) if isinstance(part, (tuple, list)) else (part,) for part in (chunks if isinstance(chunks, (tuple, list)) else [chunks])]
    blocks = zeros([len(part) for part in lengths], bool).rechunk(1)

    @functools.wraps(func)
    def made(_: Any, *rest: Any, **kwargs: Any) -> Any:
        return func(*rest, **kwargs)

    return made, (blocks, *args), tuple(lengths)


def map_overlap(
    func: Callable[..., Any],
    *args: Any,
    depth: Depth = 0,
    boundary: Any = None,
    trim: bool = True,
    align_arrays: bool = True,
    allow_rechunk: bool = True,
    name: str | None = None,
    token: str | None = None,
    dtype: DTypeLike = None,
    chunks: Any = None,
    drop_axis: Axes = None,
    new_axis: Axes = None,
    meta: Any = None,
    elementwise: bool = False,
    workers: str = "threads",
    memory_factor: float = 2.0,
    **kwargs: Any,
) -> Array:
    """Calls a function on blocks of arrays that overlap, as ``dask.array.map_overlap``.

    Parameters
    ----------
    func : callable
        Gets blocks with `depth` more elements on both sides of each axis, gives one of the same shape, of which the halo is cut off, or the
        block without the halo.
    *args : Array or anything else
        As in `map_blocks`.
    depth : int, sequence, or dict of axis to int or pair of int
        The halo; a pair is (before, after).
    boundary : {"none", "reflect", "periodic", "nearest", "mirror"}, number, or sequence or dict of axis to one of them
        What stands beyond the array's edges. "none" (the default): nothing, blocks at the edges have less of a halo.
    trim : bool
        False: `func` gives blocks without the halo.
    align_arrays, allow_rechunk : bool
        As in Dask, and without effect: blocks of all arrays are cut alike, and depths may be greater than chunks.
    name, token, dtype, chunks, drop_axis, new_axis, meta, elementwise, workers, memory_factor, **kwargs
        As in `map_blocks`; with `elementwise` every element of the result needs only what lies within `depth` of it.

    Returns
    -------
    Array

    Raises
    ------
    UserError
        As `map_blocks`; a depth below 0, an unknown boundary, or one of them for another number of axes.
    """
    if isinstance(func, (Array, np.ndarray)) and args and callable(args[0]):
        func, args = args[0], (func, *args[1:])  # Dask's older order
    function: Any = func
    return call_on_blocks(
        "map_overlap", function, args, kwargs, name=name or token, dtype=dtype, chunks=chunks, drop_axis=drop_axis, new_axis=new_axis, meta=meta,
        elementwise=elementwise, workers=workers, memory_factor=memory_factor, depth=depth, boundary=boundary, trim=trim,
    )  # fmt: skip
