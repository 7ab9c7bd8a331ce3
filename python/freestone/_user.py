"""User functions on blocks, on blocks with a halo, along an axis, and with a signature.

What a function needs is declared; its dtype may be inferred by calling it on a tiny sample. Python functions run in threads, or in processes
with ``workers="processes"``. Compiled functions (numba's ``cfunc`` and ``njit``, ctypes, cffi, Cython's capsules) run without the GIL.
"""

from __future__ import annotations

import inspect
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Union

import numpy as np

from freestone import _core, _interrupts
from freestone._array import Array, ArrayLike, asarray, normal_axis
from freestone._dtypes import DTypeLike, dtype_of
from freestone.errors import UserError

__all__ = ["apply_along", "apply_along_axis", "apply_gufunc", "map_blocks", "map_overlap"]

Axes = Union[int, Sequence[int], None]
Depth = Union[int, Sequence[Any], Mapping[int, Any]]

_BLOCK_ELEMENTS = 1 << 18  # of data without chunks: a megabyte of float32
_SAMPLE_ELEMENTS = 1 << 20


def _block_of(shape: Sequence[int], array: Array | None, whole: Sequence[int] = ()) -> list[int]:
    """The nominal block of loop axes: chunks where the array has them, slabs of a megabyte elsewhere; axes in `whole` in one block."""
    if array is not None and not array._core.is_contiguous:
        block = [max(1, n) for n in array.chunksize]
    else:
        block = [1] * len(shape)
        left = _BLOCK_ELEMENTS
        for k in range(len(shape) - 1, -1, -1):
            block[k] = min(max(shape[k], 1), max(1, left))
            left //= block[k]
    for k in whole:
        block[k] = max(1, shape[k])
    return block


def _name_of(function: Any) -> str:
    return str(getattr(function, "__name__", None) or type(function).__name__)


class _Call:
    """One user function on its way into the engine: what it loops over, how its results are made to fit."""

    def __init__(self, function: Any, name: str | None, workers: str) -> None:
        if workers not in ("threads", "processes"):
            raise UserError(f"workers is 'threads' or 'processes', not {workers!r}.")
        self.function = function
        self.name = name or _name_of(function)
        self.workers = workers
        self.facts: dict[str, Any] = {
            "name": self.name, "identity": "", "free": False, "contiguous": False, "boundary": "none", "constant": 0.0, "memory_factor": 2.0,
        }  # fmt: skip

    def compiled(self, inputs: Sequence[np.dtype[Any]], ranks: Sequence[int], outputs: Sequence[np.dtype[Any]], out_ranks: Sequence[int], loops: int) -> Any:
        """The engine's function when this one is compiled, else None."""
        from freestone import _compiled

        found = _compiled.find(self.function, inputs, ranks, outputs, out_ranks, loops)
        if found is None:
            return None
        self.facts["contiguous"] = True
        self.facts["memory_factor"] = 1.0
        return _core.compiled_function(*found)

    def run(self, call: Any, arrays: Sequence[Array], loops: Sequence[int], block: Sequence[int], halo: Sequence[int], inputs: Any, outputs: Any) -> list[Array]:
        facts = {**self.facts, "loops": list(loops), "block": list(block), "halo": list(halo), "inputs": [list(axes) for axes in inputs]}
        made = _core.user_function(call, [a._core for a in arrays], facts, outputs)
        return [Array(core) for core in made]


def _sampled(name: str, call: Callable[[], Any]) -> list[np.dtype[Any]]:
    """The types of what `call` gives on a tiny sample."""
    try:
        with np.errstate(all="ignore"):
            made = call()
    except Exception as error:
        raise UserError(
            f"{name}: the dtype of its result could not be found: called on a tiny sample, the function raised {type(error).__name__}: {error}. Give dtype=."
        ) from error
    return [dtype_of(np.asarray(part).dtype) for part in (made if isinstance(made, tuple) else (made,))]


def _fitted(result: Any, shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> np.ndarray[Any, Any]:
    """What a function gave, in the shape and type that it was declared to have."""
    array = np.asarray(result)
    if array.shape != shape:
        try:
            array = np.broadcast_to(array, shape)
        except ValueError:
            raise UserError(f"The function {name} gave shape {array.shape} for a block that has shape {shape}.") from None
    return np.ascontiguousarray(array, dtype=dtype).reshape(shape)


def _runner(function: Callable[..., Any], workers: str) -> Callable[..., Any]:
    """`function`, called here or in a process; Ctrl-C stops it."""
    if workers == "threads":
        return _interrupts.interruptible(function)
    from freestone import _processes

    return _processes.remote(function)


def _dtype_from(dtype: DTypeLike, meta: Any) -> np.dtype[Any] | None:
    if dtype is not None:
        return dtype_of(dtype)
    return None if meta is None else dtype_of(meta.dtype)


def _parameters(function: Any) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


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
    *args : Array or anything else
        Arrays broadcast against each other; what is no array is passed on as it is.
    name : str, optional
        For messages.
    dtype : dtype, optional
        Of the result. Default: that of what `func` gives on a tiny sample.
    chunks : sequence of int, optional
        With `new_axis`: the lengths of the result's axes within a block; only those of new axes matter. Default 1.
    drop_axis : int or sequence of int, optional
        Axes that the result does not have; `func` sees them whole.
    new_axis : int or sequence of int, optional
        Axes of the result that the arrays do not have.
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
        Passed on. `block_id` and `block_info` are given as Dask does where `func` has such a parameter.

    Returns
    -------
    Array
    """
    arrays = [asarray(a) for a in args if isinstance(a, (Array, np.ndarray))]
    if not arrays:
        raise UserError("map_blocks needs an array.")
    places = [i for i, a in enumerate(args) if isinstance(a, (Array, np.ndarray))]
    shape = tuple(_core.broadcast_shape([list(a.shape) for a in arrays]))
    rank = len(shape)
    leader = next((a for a in arrays if a.shape == shape), arrays[0])
    call = _Call(func, name or token, workers)
    call.facts["memory_factor"] = float(memory_factor)

    dropped = sorted({normal_axis(k, rank) for k in _listed(drop_axis)})
    seen_whole = sorted({normal_axis(k, rank) for k in _listed(core_axes)})
    kept = [k for k in range(rank) if k not in dropped]
    loops = [shape[k] for k in kept]
    number = {axis: i for i, axis in enumerate(kept)}
    added = sorted(normal_axis(k, len(kept) + len(_listed(new_axis))) for k in _listed(new_axis))
    out_axes: list[int] = list(range(len(kept)))
    for k in added:
        out_axes.insert(k, -1)
    lengths = _new_lengths(chunks, out_axes)
    out_shape = [loops[loop] if loop >= 0 else lengths[i] for i, loop in enumerate(out_axes)]

    full = _block_of(shape, leader if leader.shape == shape else None, seen_whole)
    block = [full[k] for k in kept]
    inputs = [[number.get(k + rank - a.ndim, -1) for k in range(a.ndim)] for a in arrays]
    for a, roles in zip(arrays, inputs):  # a dropped axis that broadcasts stays of length 1
        for k, loop in enumerate(roles):
            if loop < 0 and a.shape[k] == 1 and shape[k + rank - a.ndim] != 1:
                roles[k] = -1
    call.facts["free"] = bool(elementwise) and not seen_whole and not dropped and not added

    wanted = _dtype_from(dtype, meta)
    known = _parameters(func)
    asks_id, asks_info = "block_id" in known and "block_id" not in kwargs, "block_info" in known and "block_info" not in kwargs

    compiled = None if kwargs or len(places) != len(args) else call.compiled(
        [a.dtype for a in arrays], [a.ndim for a in arrays], [wanted or leader.dtype], [len(out_axes)], len(loops)
    )  # fmt: skip
    if compiled is not None:
        typed = (wanted or leader.dtype).name
        return call.run(compiled, arrays, loops, block, [0] * len(loops), inputs, [(typed, out_axes, out_shape)])[0]

    def arguments(values: Sequence[Any]) -> list[Any]:
        given = list(args)
        for place, value in zip(places, values):
            given[place] = value
        return given

    def extras(start: Sequence[int], extent: Sequence[int], made: Sequence[int]) -> dict[str, Any]:
        position = [0 if k in dropped else start[number[k]] // block[number[k]] for k in range(rank)]
        at = [position[k] for k in kept]
        at_out = tuple(at[loop] if loop >= 0 else 0 for loop in out_axes)
        more: dict[str, Any] = {}
        if asks_id:
            more["block_id"] = at_out
        if asks_info:
            more["block_info"] = _block_info(arrays, places, inputs, loops, block, start, extent, out_axes, out_shape, at_out, made, out_dtype)
        return more

    out_dtype: Any = wanted
    if wanted is None:
        tiny = [np.ones(tuple(min(n, 1) for n in a.shape), dtype=a.dtype) for a in arrays]
        none = {key: None for key, asked in (("block_id", asks_id), ("block_info", asks_info)) if asked}
        if asks_id:
            none["block_id"] = (0,) * len(out_axes)  # type: ignore[assignment]
        out_dtype = _sampled(call.name, lambda: func(*arguments(tiny), **kwargs, **none))[0]
    run = _runner(func, workers)

    def one_block(values: list[Any], start: Any, extent: Any, before: Any, made: list[Any]) -> list[Any]:
        result = run(*arguments(values), **kwargs, **extras(start, extent, made[0]))
        if enforce_ndim and np.ndim(result) != len(out_axes):
            raise UserError(f"The function {call.name} gave {np.ndim(result)} axes for a block that has {len(out_axes)}.")
        return [_fitted(result, made[0], out_dtype, call.name)]

    return call.run(
        _core.python_function(one_block, call.name), arrays, loops, block, [0] * len(loops), inputs, [(out_dtype.name, out_axes, out_shape)]
    )[0]


def _listed(axes: Axes) -> list[int]:
    return [] if axes is None else [operator.index(k) for k in axes] if isinstance(axes, Sequence) else [operator.index(axes)]


def _new_lengths(chunks: Any, out_axes: list[int]) -> list[int]:
    """Lengths of the new axes, by axis of the result."""
    if chunks is None:
        return [1] * len(out_axes)
    given = list(chunks) if isinstance(chunks, Sequence) else [chunks] * len(out_axes)
    if len(given) != len(out_axes):
        raise UserError(f"map_blocks: chunks has {len(given)} lengths, the result {len(out_axes)} axes.")
    return [sum(n) if isinstance(n, Sequence) else operator.index(n) for n in given]


def _block_info(
    arrays: Any, places: Any, inputs: Any, loops: Any, block: Any, start: Any, extent: Any, out_axes: Any, out_shape: Any, at_out: Any, made: Any, dtype: Any
) -> dict[Any, Any]:
    """Dask's dictionary: where the block lies, for each array and for the result."""
    info: dict[Any, Any] = {}

    def facts(shape: Sequence[int], roles: Sequence[int]) -> dict[str, Any]:
        numbers, at, where = [], [], []
        for n, loop in zip(shape, roles):
            along = loop >= 0 and not (n == 1 and loops[loop] != 1)
            numbers.append(-(-n // block[loop]) if along else 1)
            at.append(start[loop] // block[loop] if along else 0)
            where.append((start[loop], start[loop] + extent[loop]) if along else (0, n))
        return {"shape": tuple(shape), "num-chunks": tuple(numbers), "array-location": where, "chunk-location": tuple(at)}

    for place, a, roles in zip(places, arrays, inputs):
        info[place] = facts(a.shape, roles)
    info[None] = {**facts(out_shape, out_axes), "chunk-shape": tuple(made), "dtype": dtype}
    return info


def _depths(depth: Depth, rank: int) -> list[int]:
    def one(value: Any) -> int:
        n = max(operator.index(part) for part in value) if isinstance(value, Sequence) else operator.index(value)
        if n < 0:
            raise UserError(f"map_overlap: a depth of {n}.")
        return n

    if isinstance(depth, Mapping):
        depths = [0] * rank
        for axis, value in depth.items():
            depths[normal_axis(axis, rank)] = one(value)
        return depths
    if isinstance(depth, Sequence):
        if len(depth) != rank:
            raise UserError(f"map_overlap: {len(depth)} depths for {rank} axes.")
        return [one(value) for value in depth]
    return [one(depth)] * rank


def map_overlap(
    func: Callable[..., Any],
    *args: Any,
    depth: Depth = 0,
    boundary: Any = None,
    trim: bool = True,
    name: str | None = None,
    dtype: DTypeLike = None,
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
    *args : Array
        All of one shape.
    depth : int, sequence, or dict of axis to int
    boundary : {"none", "reflect", "periodic", "nearest", "mirror"}, number, or dict of axis to one of them
        What stands beyond the array's edges. "none" (the default): nothing, blocks at the edges have less of a halo.
    trim : bool
        False: `func` gives blocks without the halo.
    name, dtype, meta, elementwise, workers, memory_factor, **kwargs
        As in `map_blocks`; with `elementwise` every element of the result needs only what lies within `depth` of it.
    """
    if isinstance(func, (Array, np.ndarray)) and args and callable(args[0]):
        func, args = args[0], (func, *args[1:])  # Dask's older order
    arrays = [asarray(a) for a in args if isinstance(a, (Array, np.ndarray))]
    if not arrays or len(arrays) != len(args):
        raise UserError("map_overlap takes arrays, and what else the function needs by name.")
    shape = arrays[0].shape
    if any(a.shape != shape for a in arrays):
        raise UserError(f"map_overlap: arrays of shapes {', '.join(str(a.shape) for a in arrays)}. Give them of one shape (broadcast_to).")
    rank = len(shape)
    depths = _depths(depth, rank)
    call = _Call(func, name, workers)
    call.facts["memory_factor"] = float(memory_factor)
    call.facts["free"] = bool(elementwise)
    rule = boundary
    if isinstance(boundary, Mapping):
        rules = {boundary.get(k, "none") for k in range(rank) if depths[k]} or {"none"}
        if len(rules) > 1:
            raise UserError("map_overlap: one boundary for all axes with a depth.")
        rule = rules.pop()
    if rule is None:
        rule = "none"
    if isinstance(rule, str):
        if rule not in ("none", "reflect", "periodic", "nearest", "mirror", "wrap"):
            raise UserError(f"map_overlap: boundary is 'none', 'reflect', 'periodic', 'nearest', 'mirror' or a number, not '{rule}'.")
        call.facts["boundary"] = rule
    else:
        call.facts["boundary"], call.facts["constant"] = "constant", float(rule)
    if call.facts["boundary"] != "none" and any(d and n == 0 for d, n in zip(depths, shape)):
        raise UserError(f"map_overlap: an array of shape {shape} has no elements to go beyond the edges with.")

    axes = list(range(rank))
    block = _block_of(shape, arrays[0])
    wanted = _dtype_from(dtype, meta)
    out_dtype: Any = wanted
    ranks = [rank] * len(arrays)
    compiled = None if kwargs else call.compiled([a.dtype for a in arrays], ranks, [wanted or arrays[0].dtype], [rank], rank)
    if compiled is not None:
        out_dtype = wanted or arrays[0].dtype
        return call.run(compiled, arrays, shape, block, depths, [axes] * len(arrays), [(out_dtype.name, axes, list(shape))])[0]
    if wanted is None:
        tiny = [np.ones(tuple(1 + 2 * d for d in depths), dtype=a.dtype) for a in arrays]
        out_dtype = _sampled(call.name, lambda: func(*tiny, **kwargs))[0]
    run = _runner(func, workers)

    def one_block(values: list[Any], start: Any, extent: Any, before: Any, made: list[Any]) -> list[Any]:
        result = np.asarray(run(*values, **kwargs))
        if trim and result.shape == values[0].shape and result.shape != made[0]:
            result = result[tuple(slice(b, b + n) for b, n in zip(before, made[0]))]
        elif result.shape != made[0]:
            raise UserError(f"The function {call.name} gave shape {result.shape} for a block of {values[0].shape} with its halo, {made[0]} without.")
        return [_fitted(result, made[0], out_dtype, call.name)]

    function = _core.python_function(one_block, call.name)
    return call.run(function, arrays, shape, block, depths, [axes] * len(arrays), [(out_dtype.name, axes, list(shape))])[0]


_DIMENSIONS = r"\(\s*(?:[A-Za-z_]\w*\s*(?:,\s*[A-Za-z_]\w*\s*)*)?\)"


def _signature(text: str) -> tuple[list[list[str]], list[list[str]]]:
    """The core axes of inputs and outputs: "(i,j),(j)->(i)"."""
    compact = re.sub(r"\s", "", text)
    some = rf"(?:{_DIMENSIONS}(?:,{_DIMENSIONS})*)?"
    if not re.fullmatch(rf"{some}->{some}", compact):
        raise UserError(f"apply_gufunc: '{text}' is no signature such as '(i,j),(j)->(i)'.")
    before, after = compact.split("->")
    parts = [[[name for name in group.split(",") if name] for group in re.findall(r"\(([^)]*)\)", side)] for side in (before, after)]
    return parts[0], parts[1]


def apply_gufunc(
    func: Callable[..., Any],
    signature: str,
    *args: ArrayLike,
    axes: Any = None,
    axis: int | None = None,
    output_dtypes: Any = None,
    output_sizes: Mapping[str, int] | None = None,
    vectorize: bool = False,
    meta: Any = None,
    allow_rechunk: bool = True,
    name: str | None = None,
    workers: str = "threads",
    memory_factor: float = 2.0,
    **kwargs: Any,
) -> Any:
    """Calls a function with core axes, as ``dask.array.apply_gufunc``: it sees them whole and last, and loops over the others.

    Parameters
    ----------
    func : callable
        Gets blocks whose last axes are the core axes; with `vectorize` one set of core axes at a time.
    signature : str
        Core axes of inputs and outputs: ``"(i),(i)->()"``.
    *args : array_like
        The other axes broadcast.
    axes : list of tuple, optional
        Which axes of each input and output are its core axes; default the last.
    axis : int, optional
        The one core axis of all of them.
    output_dtypes : dtype or sequence of dtype, optional
        Default: found on a tiny sample.
    output_sizes : dict, optional
        Lengths of core axes that only outputs have.
    """
    ins, outs = _signature(signature)
    arrays = [asarray(a) for a in args]
    if len(arrays) != len(ins):
        raise UserError(f"apply_gufunc: the signature has {len(ins)} inputs, {len(arrays)} were given.")
    single = len(outs) == 1
    places = _core_places(ins, outs, axes, axis)
    sizes: dict[str, int] = dict(output_sizes or {})
    moved = []
    for number, (a, names) in enumerate(zip(arrays, ins)):
        if a.ndim < len(names):
            raise UserError(f"apply_gufunc: input {number} has {a.ndim} axes, its core axes are {len(names)}.")
        core = [normal_axis(k, a.ndim) for k in places[number]] if places[number] is not None else list(range(a.ndim - len(names), a.ndim))
        a = a.transpose([*(k for k in range(a.ndim) if k not in core), *core]) if core else a
        for label, n in zip(names, a.shape[a.ndim - len(names) :]):
            if sizes.setdefault(label, n) != n:
                raise UserError(f"apply_gufunc: core axis '{label}' has length {sizes[label]} and {n}.")
        moved.append(a)
    for names in outs:
        for label in names:
            if label not in sizes:
                raise UserError(f"apply_gufunc: the length of core axis '{label}' is not known. Give output_sizes.")
    loops = _core.broadcast_shape([list(a.shape[: a.ndim - len(names)]) for a, names in zip(moved, ins)]) if moved else []
    inputs = [
        [*range(len(loops) - (a.ndim - len(names)), len(loops)), *[-1] * len(names)] for a, names in zip(moved, ins)
    ]  # fmt: skip
    call = _Call(func, name, workers)
    call.facts["memory_factor"] = float(memory_factor)
    core_size = max([math.prod(sizes[label] for label in names) for names in (*ins, *outs)] + [1])
    block = _loop_block(loops, moved, ins, core_size)

    dtypes: list[np.dtype[Any]]
    whole = np.vectorize(func, signature=signature) if vectorize else func
    if output_dtypes is not None:
        given = output_dtypes if isinstance(output_dtypes, (list, tuple)) else [output_dtypes] * len(outs)
        dtypes = [dtype_of(d) for d in given]
    elif meta is not None:
        dtypes = [dtype_of(m.dtype) for m in (meta if isinstance(meta, (list, tuple)) else [meta])]
    else:
        if core_size > _SAMPLE_ELEMENTS:
            raise UserError(f"apply_gufunc: a sample of {core_size} elements is not tiny. Give output_dtypes.")
        tiny = [np.ones([1] * (a.ndim - len(names)) + [sizes[label] for label in names], dtype=a.dtype) for a, names in zip(moved, ins)]
        dtypes = _sampled(call.name, lambda: whole(*tiny, **kwargs))
    if len(dtypes) != len(outs):
        raise UserError(f"apply_gufunc: the signature has {len(outs)} outputs, dtypes are known for {len(dtypes)}.")
    out_axes = [[*range(len(loops)), *[-1] * len(names)] for names in outs]
    out_shapes = [[*loops, *(sizes[label] for label in names)] for names in outs]
    run = _runner(whole, workers)

    def one_block(values: list[Any], start: Any, extent: Any, before: Any, made: list[Any]) -> list[Any]:
        result = run(*values, **kwargs)
        results = (result,) if single and not isinstance(result, tuple) else tuple(result)
        if len(results) != len(made):
            raise UserError(f"The function {call.name} gave {len(results)} results, its signature says {len(made)}.")
        return [_fitted(part, shape, dtype, call.name) for part, shape, dtype in zip(results, made, dtypes)]

    made = call.run(
        _core.python_function(one_block, call.name), moved, loops, block, [0] * len(loops), inputs,
        [(dtype.name, roles, shape) for dtype, roles, shape in zip(dtypes, out_axes, out_shapes)],
    )  # fmt: skip
    results = []
    for a, names, place in zip(made, outs, places[len(ins) :]):
        if place is not None and names:
            core = [normal_axis(k, a.ndim) for k in place]
            a = Array(_core.moveaxis(a._core, list(range(a.ndim - len(names), a.ndim)), core))
        results.append(a)
    return results[0] if single else tuple(results)


def _core_places(ins: Any, outs: Any, axes: Any, axis: int | None) -> list[Any]:
    if axes is not None and axis is not None:
        raise UserError("apply_gufunc: give axes or axis, not both.")
    if axis is not None:
        return [(axis,) if len(names) == 1 else None for names in (*ins, *outs)]
    if axes is None:
        return [None] * (len(ins) + len(outs))
    given: list[Any] = [k if isinstance(k, (tuple, list)) else (k,) for k in axes]
    if len(given) == len(ins):
        given = [*given, *([()] * len(outs))] if all(not names for names in outs) else [*given, *([None] * len(outs))]
    if len(given) != len(ins) + len(outs):
        raise UserError("apply_gufunc: axes has one entry for each input and each output.")
    return given


def _loop_block(loops: Sequence[int], arrays: Sequence[Array], ins: Any, core_size: int) -> list[int]:
    for a, names in zip(arrays, ins):
        if not a._core.is_contiguous and list(a.shape[: a.ndim - len(names)]) == list(loops):
            return [max(1, n) for n in a.chunksize[: a.ndim - len(names)]]
    block = [1] * len(loops)
    left = max(1, _BLOCK_ELEMENTS // max(1, core_size))
    for k in range(len(loops) - 1, -1, -1):
        block[k] = min(max(loops[k], 1), max(1, left))
        left //= block[k]
    return block


def apply_along(
    func: Callable[..., Any],
    a: ArrayLike,
    *args: Any,
    axis: int = 0,
    dtype: DTypeLike = None,
    shape: Sequence[int] | int | None = None,
    vectorized: bool = False,
    workers: str = "threads",
    memory_factor: float = 2.0,
    **kwargs: Any,
) -> Array:
    """Calls a function on every line along `axis`, as ``numpy.apply_along_axis``.

    Parameters
    ----------
    func : callable
        Gets one axis, gives a number or an array of fixed shape. With `vectorized` it gets blocks of lines, the axis last.
    a : array_like
    *args, **kwargs
        Passed on.
    dtype, shape : optional
        Of what `func` gives for a line; default: found by calling it on one line of ones. Its axes take the place of `axis`.
    """
    array = asarray(a)
    place = normal_axis(axis, array.ndim)
    length = array.shape[place]
    name = _name_of(func)
    if dtype is None or shape is None:
        if length > _SAMPLE_ELEMENTS:
            raise UserError(f"apply_along: a line of {length} elements is no tiny sample. Give dtype= and shape=.")
        made: list[Any] = []

        def sample() -> Any:
            line = np.ones((1, length) if vectorized else (length,), dtype=array.dtype)
            made.append(np.asarray(func(line, *args, **kwargs)))
            return made[0]

        found = _sampled(name, sample)[0]
        inferred = made[0].shape[1:] if vectorized else made[0].shape
        dtype, shape = found if dtype is None else dtype, inferred if shape is None else shape
    lengths = [operator.index(n) for n in shape] if isinstance(shape, Sequence) else [operator.index(shape)]
    labels = [f"o{i}" for i in range(len(lengths))]

    def lines(block: Any) -> Any:
        if vectorized:
            return func(block, *args, **kwargs)
        out = np.empty((*block.shape[:-1], *lengths), dtype=dtype)
        for position in np.ndindex(*block.shape[:-1]):
            out[position] = func(block[position], *args, **kwargs)
        return out

    lines.__name__ = name
    result: Array = apply_gufunc(
        lines, f"(i)->({','.join(labels)})", array, axes=[(place,), tuple(range(place, place + len(labels)))] if labels else [(place,), ()],
        output_dtypes=[dtype], output_sizes=dict(zip(labels, lengths)), workers=workers, memory_factor=memory_factor, name=name,
    )  # fmt: skip
    return result


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: ArrayLike, *args: Any, dtype: DTypeLike = None, shape: Any = None, **kwargs: Any) -> Array:
    """`apply_along` with NumPy's and Dask's order of arguments."""
    return apply_along(func1d, arr, *args, axis=axis, dtype=dtype, shape=shape, **kwargs)
