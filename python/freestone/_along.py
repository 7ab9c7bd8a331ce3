"""User functions along core axes: with a signature, and line by line."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, asarray, normal_axis
from freestone._calls import BLOCK_ELEMENTS, SAMPLE_ELEMENTS, Call, Function, fitted, name_of, sampled
from freestone._dtypes import DTypeLike, dtype_of
from freestone.errors import UserError

__all__ = ["apply_along", "apply_along_axis", "apply_gufunc", "as_gufunc", "gufunc"]

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
    keepdims: bool = False,
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
    keepdims : bool
        The core axes stay, with length 1, where outputs have none and all inputs have as many.
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
    if keepdims and (any(outs) or len({len(names) for names in ins}) != 1):
        raise UserError("apply_gufunc: keepdims takes outputs without core axes, and inputs that have as many.")
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
    label = name or name_of(func)
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
        if core_size > SAMPLE_ELEMENTS:
            raise UserError(f"apply_gufunc: a sample of {core_size} elements is not tiny. Give output_dtypes.")
        tiny = [np.ones([1] * (a.ndim - len(names)) + [sizes[label] for label in names], dtype=a.dtype) for a, names in zip(moved, ins)]
        dtypes = sampled(label, lambda: whole(*tiny, **kwargs))
    if len(dtypes) != len(outs):
        raise UserError(f"apply_gufunc: the signature has {len(outs)} outputs, dtypes are known for {len(dtypes)}.")
    out_axes = [[*range(len(loops)), *[-1] * len(names)] for names in outs]
    out_shapes = [[*loops, *(sizes[label] for label in names)] for names in outs]
    rank = len(loops)
    facts = {
        "extents": list(loops), "steps": [1] * rank, "block": block, "before": [0] * rank, "after": [0] * rank, "edges": [("none", 0.0)] * rank,
        "inputs": inputs, "memory_factor": float(memory_factor),
    }  # fmt: skip
    one = _OneBlock(Function(whole, workers), label, kwargs, dtypes, single)
    made = Call(one, label, facts, [(dtype.name, roles, shape) for dtype, roles, shape in zip(dtypes, out_axes, out_shapes)]).arrays(moved)
    results = []
    for a, names, place in zip(made, outs, places[len(ins) :]):
        if place is not None and names:
            core = [normal_axis(k, a.ndim) for k in place]
            a = Array(_core.moveaxis(a._core, list(range(a.ndim - len(names), a.ndim)), core))
        if keepdims:
            count = len(ins[0])
            place = place or places[0] or range(-count, 0)
            a = Array(_core.expand_axes(a._core, [normal_axis(k, a.ndim + count) for k in place]))
        results.append(a)
    return results[0] if single else tuple(results)


class gufunc:  # noqa: N801, Dask's name
    """A function with core axes, to be called on arrays: `apply_gufunc` with the same arguments every time, as ``dask.array.gufunc``."""

    def __init__(self, pyfunc: Callable[..., Any], *, signature: str, **options: Any) -> None:
        _signature(signature)
        self.pyfunc, self.signature, self.options = pyfunc, signature, options
        self.__name__, self.__doc__ = name_of(pyfunc), pyfunc.__doc__

    def __repr__(self) -> str:
        return f"<freestone.gufunc {self.__name__} {self.signature}>"

    def __call__(self, *args: ArrayLike, **kwargs: Any) -> Any:
        return apply_gufunc(self.pyfunc, self.signature, *args, **{**self.options, **kwargs})


def as_gufunc(signature: str, **options: Any) -> Callable[[Callable[..., Any]], gufunc]:
    """A decorator that makes a `gufunc`.

    Parameters
    ----------
    signature : str
    **options
        As in `apply_gufunc`.
    """
    return lambda pyfunc: gufunc(pyfunc, signature=signature, **options)


class _OneBlock:
    """What the engine calls for each block."""

    __slots__ = ("function", "name", "kwargs", "dtypes", "single")

    def __init__(self, function: Function, name: str, kwargs: Mapping[str, Any], dtypes: Sequence[np.dtype[Any]], single: bool) -> None:
        self.function, self.name, self.kwargs, self.dtypes, self.single = function, name, dict(kwargs), list(dtypes), single

    def __call__(self, values: list[Any], start: Any, extent: Any, before: Any, made: list[Any]) -> list[Any]:
        result = self.function(*values, **self.kwargs)
        results = (result,) if self.single and not isinstance(result, tuple) else tuple(result)
        if len(results) != len(made):
            raise UserError(f"The function {self.name} gave {len(results)} results, its signature says {len(made)}.")
        return [fitted(part, shape, dtype, self.name) for part, shape, dtype in zip(results, made, self.dtypes)]

    def __reduce__(self) -> Any:
        return (_OneBlock, (self.function, self.name, self.kwargs, self.dtypes, self.single))


class _Lines:
    """A function of one line, called on blocks of lines, the axis last."""

    def __init__(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], lengths: list[int], dtype: Any, vectorized: bool) -> None:
        self.func, self.args, self.kwargs, self.lengths, self.dtype, self.vectorized = func, args, kwargs, lengths, dtype, vectorized
        self.__name__ = name_of(func)

    def __call__(self, block: Any) -> Any:
        if self.vectorized:
            return self.func(block, *self.args, **self.kwargs)
        out = np.empty((*block.shape[:-1], *self.lengths), dtype=self.dtype)
        for position in np.ndindex(*block.shape[:-1]):
            out[position] = self.func(block[position], *self.args, **self.kwargs)
        return out


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
    left = max(1, BLOCK_ELEMENTS // max(1, core_size))
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
    name = name_of(func)
    if dtype is None or shape is None:
        if length > SAMPLE_ELEMENTS:
            raise UserError(f"apply_along: a line of {length} elements is no tiny sample. Give dtype= and shape=.")
        made: list[Any] = []

        def sample() -> Any:
            line = np.ones((1, length) if vectorized else (length,), dtype=array.dtype)
            made.append(np.asarray(func(line, *args, **kwargs)))
            return made[0]

        found = sampled(name, sample)[0]
        inferred = made[0].shape[1:] if vectorized else made[0].shape
        dtype, shape = found if dtype is None else dtype, inferred if shape is None else shape
    lengths = [operator.index(n) for n in (shape if isinstance(shape, Sequence) else [shape or 0])]
    labels = [f"o{i}" for i in range(len(lengths))]

    lines = _Lines(func, args, kwargs, lengths, dtype, vectorized)
    result: Array = apply_gufunc(
        lines, f"(i)->({','.join(labels)})", array, axes=[(place,), tuple(range(place, place + len(labels)))] if labels else [(place,), ()],
        output_dtypes=[dtype], output_sizes=dict(zip(labels, lengths)), workers=workers, memory_factor=memory_factor, name=name,
    )  # fmt: skip
    return result


def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: ArrayLike, *args: Any, dtype: DTypeLike = None, shape: Any = None, **kwargs: Any) -> Array:
    """`apply_along` with NumPy's and Dask's order of arguments."""
    return apply_along(func1d, arr, *args, axis=axis, dtype=dtype, shape=shape, **kwargs)
