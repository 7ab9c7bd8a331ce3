"""Functions of blocks, with a halo and without: what `map_blocks` and `map_overlap` have in common."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from freestone import _core, _indexing, _manipulation
from freestone._array import Array, asarray, normal_axis
from freestone._calls import BLOCK_ELEMENTS, SAMPLE_ELEMENTS, Call, Function, dtype_from, fitted, name_of, sampled
from freestone._dtypes import DTypeLike
from freestone.errors import UserError

__all__ = ["BOUNDARIES", "block_of", "call_on_blocks", "parameters_of"]

BOUNDARIES = ("none", "reflect", "periodic", "nearest", "mirror", "wrap")


def block_of(shape: Sequence[int], arrays: Sequence[Array], whole: Sequence[int] = ()) -> list[int]:
    """The nominal block of loop axes: chunks where the arrays have them, slabs of a megabyte elsewhere; axes in `whole` in one block.

    The first array of that shape decides; where none has all axes, along each of them the first that has it and chunks.
    """
    leader = next((a for a in arrays if list(a.shape) == list(shape)), None)
    chunked = [a for a in arrays if not a._core.is_contiguous] if leader is None else [] if leader._core.is_contiguous else [leader]
    block = [max(1, n) for n in shape]
    if chunked:
        for k, n in enumerate(shape):
            own = ((a, k - len(shape) + a.ndim) for a in chunked)
            block[k] = next((max(1, a.chunksize[place]) for a, place in own if place >= 0 and a.shape[place] == n), block[k])
    else:
        left = BLOCK_ELEMENTS
        for k in range(len(shape) - 1, -1, -1):
            block[k] = min(block[k], max(1, left))
            left //= block[k]
    for k in whole:
        block[k] = max(1, shape[k])
    return block


def _listed(axes: Any) -> list[int]:
    return [] if axes is None else [operator.index(k) for k in axes] if isinstance(axes, Sequence) else [operator.index(axes)]


# Arrays among the other arguments.


class _Place:
    """Where an array stood in a list, a dict, or by name: the whole of it goes there."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> Any:
        return (_Place, (self.number,))


def _without_arrays(value: Any, found: list[Array]) -> Any:
    if isinstance(value, Array):
        found.append(value)
        return _Place(len(found) - 1)
    if type(value) in (list, tuple, set):
        return type(value)(_without_arrays(part, found) for part in value)
    if type(value) is dict:
        return {key: _without_arrays(part, found) for key, part in value.items()}
    return value


def _with_values(value: Any, values: Sequence[Any]) -> Any:
    if type(value) is _Place:
        return values[value.number]
    if type(value) in (list, tuple, set):
        return type(value)(_with_values(part, values) for part in value)
    if type(value) is dict:
        return {key: _with_values(part, values) for key, part in value.items()}
    return value


# Depths and boundaries, axis by axis.


def depths_of(name: str, depth: Any, rank: int, arrays: int) -> tuple[list[int], list[int]]:
    """The halo before and after the block on each axis, from Dask's forms: a number, a sequence or a dict by axis, of numbers or (before, after)."""
    if isinstance(depth, list) and len(depth) == arrays and all(isinstance(part, (Mapping, Sequence)) for part in depth):
        each = [depths_of(name, part, rank, 1) for part in depth]
        if any(part != each[0] for part in each):
            raise UserError(f"{name}: one depth for all arrays, not {', '.join(str(part) for part in depth)}.")
        return each[0]

    def one(value: Any) -> tuple[int, int]:
        before, after = value if isinstance(value, Sequence) else (value, value)
        pair = operator.index(before), operator.index(after)
        if min(pair) < 0:
            raise UserError(f"{name}: a depth of {min(pair)}.")
        return pair

    pairs = [(0, 0)] * rank
    if isinstance(depth, Mapping):
        for axis, value in depth.items():
            pairs[normal_axis(axis, rank)] = one(value)
    elif isinstance(depth, Sequence):
        if len(depth) != rank:
            raise UserError(f"{name}: {len(depth)} depths for {rank} axes.")
        pairs = [one(value) for value in depth]
    else:
        pairs = [one(depth)] * rank
    return [before for before, _ in pairs], [after for _, after in pairs]


def edges_of(name: str, boundary: Any, rank: int) -> list[tuple[str, float]]:
    """What stands beyond the edges of each axis: a rule and its constant."""
    if isinstance(boundary, Mapping):
        rules: list[Any] = ["none"] * rank
        for axis, value in boundary.items():
            rules[normal_axis(axis, rank)] = value
    elif isinstance(boundary, (tuple, list)):
        if len(boundary) != rank:
            raise UserError(f"{name}: {len(boundary)} boundaries for {rank} axes.")
        rules = list(boundary)
    else:
        rules = [boundary] * rank
    edges = []
    for rule in rules:
        rule = "none" if rule is None else rule
        if isinstance(rule, str):
            if rule not in BOUNDARIES:
                raise UserError(f"{name}: boundary is 'none', 'reflect', 'periodic', 'nearest', 'mirror' or a number, not '{rule}'.")
            edges.append((rule, 0.0))
        else:
            edges.append(("constant", float(rule)))
    return edges


# One block.


@dataclass
class _OneBlock:
    """What the engine calls for each block of a Python function."""

    function: Function
    name: str
    args: list[Any]
    kwargs: dict[str, Any]
    places: list[int]
    shapes: list[tuple[int, ...]]
    inputs: list[list[int]]
    extents: list[int]
    block: list[int]
    stepped: list[bool]
    out_axes: list[int]
    out_shape: list[int]
    lengths: list[Any]
    dtype: Any
    trim: bool
    exact: bool
    before: list[int]
    after: list[int]
    asks: tuple[str, ...]

    def arguments(self, values: Sequence[Any]) -> tuple[list[Any], dict[str, Any]]:
        given, kwargs = list(self.args), self.kwargs
        if len(values) > len(self.places):
            nested = values[len(self.places) :]
            given, kwargs = _with_values(given, nested), _with_values(kwargs, nested)
        for place, value in zip(self.places, values):
            given[place] = value
        return given, kwargs

    def __call__(self, values: list[Any], start: Any, extent: Any, before: Any, made: list[Any]) -> list[Any]:
        number = [at if steps else at // n for at, n, steps in zip(start, self.block, self.stepped)]
        begin = [at * n if steps else at for at, n, steps in zip(start, self.block, self.stepped)]
        length = [min(n, whole - at) if steps else size for at, n, whole, size, steps in zip(begin, self.block, self.extents, extent, self.stepped)]
        shape: list[int] = []  # of the result ...
        place: list[Any] = []  # ... in `made`, which has two axes where chunks change
        at = 0
        for loop, lengths in zip(self.out_axes, self.lengths):
            if lengths is None:
                shape.append(made[0][at])
                place.append(slice(None))
            else:
                shape.append(lengths[number[loop]])
                place += [0, slice(0, shape[-1])]
            at += 1 if lengths is None else 2
        position = tuple(number[loop] if loop >= 0 else 0 for loop in self.out_axes)
        given, kwargs = self.arguments(values)
        if self.asks:
            kwargs = dict(kwargs)
            if "block_id" in self.asks:
                kwargs["block_id"] = position
            if "block_info" in self.asks:
                kwargs["block_info"] = self.info(number, begin, length, position, shape)
        result = self.function(*given, **kwargs)
        if self.exact and np.ndim(result) != len(shape):
            raise UserError(f"The function {self.name} gave {np.ndim(result)} axes for a block that has {len(shape)}.")
        if any(self.before) or any(self.after):
            result = self.trimmed(np.asarray(result), shape, before, length, values[: len(self.places)])
        array = fitted(result, tuple(shape), self.dtype, self.name)
        if len(made[0]) == len(shape):
            return [array]
        padded = np.zeros(made[0], dtype=self.dtype)
        padded[tuple(place)] = array
        return [padded]

    def trimmed(self, result: np.ndarray[Any, Any], shape: Sequence[int], before: Any, length: Sequence[int], values: Sequence[Any]) -> Any:
        """The result without the halo that it still has."""
        around = dict.fromkeys(range(len(length)), 0)
        for value, roles in zip(values, self.inputs):
            for n, loop in zip(value.shape, roles):
                around[loop] = max(around.get(loop, 0), n)
        cut, fits = [slice(None)] * result.ndim, result.ndim == len(shape)
        for k, loop in enumerate(self.out_axes if fits else ()):
            if result.shape[k] != shape[k]:
                fits = fits and self.trim and loop >= 0 and self.lengths[k] is None and result.shape[k] == around[loop]
                cut[k] = slice(before[loop], before[loop] + length[loop])
        if not fits:
            raise UserError(f"The function {self.name} gave shape {result.shape} for a block of {values[0].shape} with its halo, {tuple(shape)} without.")
        return result[tuple(cut)]

    def info(self, number: Any, begin: Any, length: Any, position: Any, made: Any) -> dict[Any, Any]:
        """Dask's dictionary: where the block lies, for each array and for the result."""
        counts = [-(-whole // n) for whole, n in zip(self.extents, self.block)]

        def facts(shape: Sequence[int], roles: Sequence[int]) -> dict[str, Any]:
            numbers, at, where = [], [], []
            for n, loop in zip(shape, roles):
                along = loop >= 0 and not (n == 1 and self.extents[loop] != 1)
                numbers.append(counts[loop] if along else 1)
                at.append(number[loop] if along else 0)
                where.append((begin[loop], begin[loop] + length[loop]) if along else (0, n))
            return {"shape": tuple(shape), "num-chunks": tuple(numbers), "array-location": where, "chunk-location": tuple(at)}

        info: dict[Any, Any] = {place: facts(shape, roles) for place, shape, roles in zip(self.places, self.shapes, self.inputs)}
        result = facts(self.out_shape, self.out_axes)
        for k, (loop, lengths) in enumerate(zip(self.out_axes, self.lengths)):
            if lengths is not None:
                first = sum(lengths[: number[loop]])
                result["array-location"][k] = (first, first + lengths[number[loop]])
        info[None] = {**result, "chunk-location": position, "chunk-shape": tuple(made), "dtype": self.dtype}
        return info


# Chunks of the result.


def _lengths_of_result(name: str, chunks: Any, out_axes: list[int], extents: list[int], block: list[int]) -> tuple[list[int], list[Any]]:
    """Lengths of the new axes, by axis of the result; and for axes whose blocks get other lengths those, block by block, otherwise None."""
    new = [1] * len(out_axes)
    changed: list[Any] = [None] * len(out_axes)
    if chunks is None:
        return new, changed
    given = list(chunks) if isinstance(chunks, Sequence) else [chunks] * len(out_axes)
    if len(given) != len(out_axes):
        raise UserError(f"{name}: chunks has {len(given)} lengths, the result {len(out_axes)} axes.")
    for k, (n, loop) in enumerate(zip(given, out_axes)):
        if loop < 0:
            new[k] = 1 if n is None else sum(n) if isinstance(n, Sequence) else operator.index(n)
            continue
        count = -(-extents[loop] // block[loop])
        before = [min(block[loop], extents[loop] - i * block[loop]) for i in range(count)]
        if n is None or (not callable(n) and not isinstance(n, Sequence) and operator.index(n) in (-1, block[loop])):
            continue
        made: list[Any] = [n(part) for part in before] if callable(n) else list(n) if isinstance(n, Sequence) else [n] * count
        lengths = [operator.index(part) for part in made]
        if len(lengths) != count:
            raise UserError(f"{name}: chunks has {len(lengths)} lengths for axis {k} of the result, the array has {count} blocks there.")
        if min(lengths, default=0) < 0:
            raise UserError(f"{name}: a chunk of {min(lengths)}.")
        changed[k] = None if lengths == before else lengths
    return new, changed


def _is_regular(lengths: Sequence[int]) -> bool:
    """Whether all chunks but the last have the length of the longest."""
    return all(n == max(lengths) for n in lengths[:-1])


def _joined(array: Array, lengths: list[Any], name: str) -> Array:
    """An array in which axes of blocks and of what is in them stand side by side, with both as one."""
    shape, at = [], 0
    for part in lengths:
        shape.append(array.shape[at] if part is None else array.shape[at] * array.shape[at + 1])
        at += 1 if part is None else 2
    joined = _manipulation.reshape(array, shape)
    for axis, part in enumerate(lengths):
        if part is None or sum(part) == joined.shape[axis]:
            continue
        most = max(part)
        if _is_regular(part):
            joined = joined[(slice(None),) * axis + (slice(0, sum(part)),)]
        else:
            positions = np.concatenate([np.arange(n) + number * most for number, n in enumerate(part)])
            joined = _indexing.take(joined, positions, axis=axis)
    return joined


def parameters_of(function: Any) -> set[str]:
    """The names of a function's parameters; none where it does not say."""
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


def call_on_blocks(
    what: str,
    func: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    name: str | None,
    dtype: DTypeLike,
    chunks: Any,
    drop_axis: Any,
    new_axis: Any,
    meta: Any,
    core_axes: Any = None,
    enforce_ndim: bool = False,
    elementwise: bool,
    workers: str,
    memory_factor: float,
    depth: Any = 0,
    boundary: Any = None,
    trim: bool = True,
) -> Array:
    """`map_blocks` and `map_overlap`, which is `what`."""
    if not callable(func) and type(func).__name__ not in ("PyCapsule", "_CDataBase", "CData"):
        raise UserError(f"{what} takes a function and arrays, not {type(func).__name__} first.")
    function, label = Function(func, workers), name or name_of(func)
    places = [i for i, a in enumerate(args) if isinstance(a, (Array, np.ndarray))]
    arrays = [asarray(args[i]) for i in places]
    if not arrays:
        raise UserError(f"{what} needs an array.")
    nested: list[Array] = []
    others = _without_arrays([None if i in places else a for i, a in enumerate(args)], nested)
    by_name = _without_arrays(dict(kwargs), nested)

    shape = tuple(_core.broadcast_shape([list(a.shape) for a in arrays]))
    rank = len(shape)
    leader = next((a for a in arrays if a.shape == shape), arrays[0])
    dropped = sorted({normal_axis(k, rank) for k in _listed(drop_axis)})
    whole = sorted({normal_axis(k, rank) for k in _listed(core_axes)})
    kept = [k for k in range(rank) if k not in dropped]
    number = {axis: i for i, axis in enumerate(kept)}
    extents = [shape[k] for k in kept]
    added = sorted(normal_axis(k, len(kept) + len(_listed(new_axis))) for k in _listed(new_axis))
    out_axes: list[int] = list(range(len(kept)))
    for k in added:
        out_axes.insert(k, -1)

    all_before, all_after = depths_of(what, depth, rank, len(arrays))
    edges = edges_of(what, boundary, rank)
    if any((all_before[k] or all_after[k]) and shape[k] == 0 and edges[k][0] != "none" for k in range(rank)):
        raise UserError(f"{what}: an array of shape {shape} has no elements to go beyond the edges with.")
    if any(all_before[k] or all_after[k] for k in dropped):
        raise UserError(f"{what}: an axis that is dropped is seen whole and has no halo; give it a depth of 0.")
    before, after = [all_before[k] for k in kept], [all_after[k] for k in kept]

    full = block_of(shape, arrays, whole)
    block = [full[k] for k in kept]
    inputs = [[number.get(k + rank - a.ndim, -1) for k in range(a.ndim)] for a in arrays]
    new_lengths, lengths = _lengths_of_result(what, chunks, out_axes, extents, block)
    stepped = [any(loop == k and lengths[i] is not None for i, loop in enumerate(out_axes)) for k in range(len(kept))]
    loops = [-(-n // b) if steps else n for n, b, steps in zip(extents, block, stepped)]
    out_shape = [new_lengths[i] if loop < 0 else sum(lengths[i]) if lengths[i] is not None else extents[loop] for i, loop in enumerate(out_axes)]
    made_axes: list[int] = []
    made_shape: list[int] = []
    for i, loop in enumerate(out_axes):
        made_axes.append(loop)
        made_shape.append(out_shape[i] if lengths[i] is None else loops[loop])
        if lengths[i] is not None:
            made_axes.append(-1)
            made_shape.append(max(lengths[i], default=0))
    facts: dict[str, Any] = {
        "extents": extents, "steps": [b if steps else 1 for b, steps in zip(block, stepped)], "block": [1 if steps else b for b, steps in zip(block, stepped)],
        "before": before, "after": after, "edges": [edges[k] for k in kept], "inputs": inputs, "memory_factor": float(memory_factor),
        "free": bool(elementwise) and not (whole or dropped or added or any(stepped)),
    }  # fmt: skip

    wanted = dtype_from(dtype, meta)
    changes = any(stepped)
    if not (kwargs or nested or changes) and len(places) == len(args):
        from freestone import _compiled

        typed = wanted or leader.dtype
        asked = ([a.dtype for a in arrays], [a.ndim for a in arrays], [typed], [len(out_axes)], len(kept))
        if _compiled.find(func, *asked) is not None:
            return Call(func, label, {**facts, "memory_factor": 1.0}, [(typed.name, out_axes, out_shape)], asked).arrays(arrays)[0]
    if not callable(func):
        raise UserError(f"{what}: the compiled function {label} takes arrays alone, and gives blocks of the lengths that it gets.")

    known = parameters_of(func)
    asks = tuple(key for key in ("block_id", "block_info") if key in known and key not in kwargs)
    one = _OneBlock(
        function=function, name=label, args=others, kwargs=by_name, places=places, shapes=[a.shape for a in arrays], inputs=inputs, extents=extents,
        block=block, stepped=stepped, out_axes=out_axes, out_shape=out_shape, lengths=lengths, dtype=wanted, trim=trim, exact=enforce_ndim,
        before=before, after=after, asks=asks,
    )  # fmt: skip
    if wanted is None:
        tiny = [
            np.ones(tuple(min(n, 1) + (all_before[k + rank - a.ndim] + all_after[k + rank - a.ndim] if n > 1 else 0) for k, n in enumerate(a.shape)), dtype=a.dtype)
            for a in arrays
        ]
        tiny += [np.ones(a.shape if a.size <= SAMPLE_ELEMENTS else (1,) * a.ndim, dtype=a.dtype) for a in nested]
        given, by_name = one.arguments(tiny)
        extra: dict[str, Any] = {key: (0,) * len(out_axes) if key == "block_id" else None for key in asks}
        one.dtype = sampled(label, lambda: func(*given, **by_name, **extra))[0]
    facts["inputs"] = inputs + [[-1] * a.ndim for a in nested]
    made = Call(one, label, facts, [(one.dtype.name, made_axes, made_shape)]).arrays([*arrays, *nested])[0]
    if not changes:
        return made
    blocks = [(block[loop] if loop >= 0 else -1) if part is None else max(part, default=1) if _is_regular(part) else -1 for loop, part in zip(out_axes, lengths)]
    return _joined(made, lengths, what).rechunk([each or 1 for each in blocks])
