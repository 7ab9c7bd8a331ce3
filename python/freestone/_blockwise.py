"""Functions of blocks whose axes have labels, and what is made of them: reductions in a tree, and coarser grids."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np

from freestone import _numpy_functions
from freestone._array import Array, ArrayLike, Axis, asarray, axes_of, names_none, normal_axis
from freestone._blocks import block_of, call_on_blocks, parameters_of
from freestone._calls import dtype_from, name_of, sampled, tried
from freestone._creation import zeros
from freestone._dtypes import DTYPES, DTypeLike
from freestone._methods import no_out
from freestone.errors import UserError

__all__ = ["blockwise", "coarsen", "reduction", "unify_chunks"]

#: How many blocks become one at once, over all axes.
_SPLIT_EVERY = 4


def _chunk_along(arrays: Sequence[Array], labelled: Sequence[Sequence[Any]], label: Any, length: int) -> int:
    """The nominal chunk of an axis: that of the first array that has it, and chunks."""
    for array, labels in zip(arrays, labelled):
        if label in labels and array.shape[labels.index(label)] == length and not array._core.is_contiguous:
            return max(1, array.chunksize[labels.index(label)])
    return max(1, length)


def _lengths_of(name: str, arrays: Sequence[Array], labelled: Sequence[Sequence[Any]]) -> dict[Any, int]:
    """The length of every label."""
    lengths: dict[Any, int] = {}
    for array, labels in zip(arrays, labelled):
        if len(labels) != array.ndim:
            raise UserError(f"{name}: {len(labels)} labels for an array of {array.ndim} axes.")
        if len(set(labels)) != len(labels):
            raise UserError(f"{name}: a label stands twice among those of one array, {tuple(labels)}. Take its diagonal first.")
        for label, n in zip(labels, array.shape):
            if lengths.setdefault(label, n) != n and 1 not in (n, lengths[label]):
                raise UserError(f"{name}: axis {label!r} has length {lengths[label]} and {n}.")
            lengths[label] = n if lengths[label] == 1 else lengths[label]
    return lengths


def unify_chunks(*args: Any, **kwargs: Any) -> tuple[dict[Any, tuple[int, ...]], list[Any]]:
    """Arrays with the same nominal chunks along the same labels, as ``dask.array.unify_chunks``.

    Parameters
    ----------
    *args : Array and labels, in turn
        ``unify_chunks(x, "ij", y, "jk")``. What has None for labels is given back.

    Returns
    -------
    dict, list
        The chunks along each label, the finest that an array has; and the arrays, rechunked.
    """
    values, labelled = list(args[0::2]), list(args[1::2])
    arrays = [value if labels is None else asarray(value) for value, labels in zip(values, labelled)]
    finest: dict[Any, tuple[int, ...]] = {}
    for array, labels in zip(arrays, labelled):
        for label, lengths in zip(labels or (), () if labels is None else array.chunks):
            known = finest.get(label)
            if known is None or (sum(known) <= 1 < sum(lengths)) or (sum(known) == sum(lengths) and len(lengths) > len(known)):
                finest[label] = lengths
    for k, (array, labels) in enumerate(zip(arrays, labelled)):
        if labels is not None:
            wanted = [finest[label] if sum(finest[label]) == n else (n,) for label, n in zip(labels, array.shape)]
            if any(len(a) != len(b) for a, b in zip(wanted, array.chunks)):
                arrays[k] = array.rechunk([max(1, *lengths) if lengths else 1 for lengths in wanted])
    return finest, arrays


def _listed(block: Any, cuts: Sequence[tuple[int, int, int]], leaf: Callable[[Any], Any] = lambda part: part) -> Any:
    """A block as (nested lists of) its parts: `cuts` are axis, length of a part and length in all, outermost first."""
    if not cuts:
        return leaf(block)
    axis, each, length = cuts[0]
    if block.shape[axis] == length:
        parts = np.split(block, range(each, length, each), axis=axis)
    else:  # one that broadcasts
        parts = [block] * max(1, -(-length // each))
    return [_listed(part, cuts[1:], leaf) for part in parts]


@dataclass
class _Labelled:
    """A function of blocks that have axes of their own, called on blocks that have all axes."""

    function: Callable[..., Any]
    values: list[Any]  # what is no array; None where one goes
    places: list[int]
    present: list[tuple[Any, ...]]  # array by array: which axes it has ...
    order: list[list[int]]  # ... in which order ...
    cuts: list[list[tuple[int, int, int]]]  # ... and how it is cut where the result has none
    __name__: str = field(default="function")

    def __call__(self, *blocks: Any, **kwargs: Any) -> Any:
        given = list(self.values)
        for block, place, present, order, cuts in zip(blocks, self.places, self.present, self.order, self.cuts):
            given[place] = _listed(np.transpose(block[present], order), cuts)
        return self.function(*given, **kwargs)


def blockwise(
    func: Callable[..., Any],
    out_ind: Iterable[Any],
    *args: Any,
    name: str | None = None,
    token: str | None = None,
    dtype: DTypeLike = None,
    adjust_chunks: Mapping[Any, Any] | None = None,
    new_axes: Mapping[Any, Any] | None = None,
    align_arrays: bool = True,
    concatenate: bool | None = None,
    meta: Any = None,
    workers: str = "threads",
    memory_factor: float = 2.0,
    **kwargs: Any,
) -> Array:
    """Calls a function on blocks of arrays whose axes have labels, as ``dask.array.blockwise``.

    >>> blockwise(operator.add, "ij", x, "ij", y, "j")                      # doctest: +SKIP
    >>> blockwise(np.dot, "ik", x, "ij", y, "jk", concatenate=True)         # doctest: +SKIP

    Parameters
    ----------
    func : callable
        Gets a block of each array, with the array's own axes.
    out_ind : iterable of label
        The axes of the result.
    *args : array and labels, in turn
        Labels None: the value is passed on as it is. There may be no array at all.
    name, token : str, optional
        For messages.
    adjust_chunks : dict of label to function, int or sequence of int, optional
        Lengths of the result's blocks where they are others: of the blocks' lengths, of every block, or block by block.
    new_axes : dict of label to int or tuple of int, optional
        Lengths of axes that no array has; of several, the lengths of blocks, for each of which `func` is called.
    align_arrays : bool
        Blocks are those of the array that has the most along an axis; False: of the first that has chunks there.
    concatenate : bool, optional
        Along labels that the result does not have, `func` gets the whole axis as one array; without it, lists of blocks.
    meta : array, optional
        Says the dtype.
    **kwargs
        Passed on.

    Returns
    -------
    Array

    Raises
    ------
    UserError
        Labels that do not fit the arrays or the result; when it is computed, a result that does not fit its block.
    """
    if len(args) % 2:
        raise UserError("blockwise takes arrays and their labels in turn; the last one has no labels.")
    out, values = list(out_ind), list(args[0::2])
    places = [k for k, labels in enumerate(args[1::2]) if labels is not None]
    labelled: list[list[Any]] = [list(args[2 * k + 1]) for k in places]
    arrays = [asarray(values[k]) for k in places]
    lengths = _lengths_of("blockwise", arrays, labelled)
    if align_arrays:
        arrays = unify_chunks(*(part for pair in zip(arrays, labelled) for part in pair))[1]
    added, changed = dict(new_axes or {}), dict(adjust_chunks or {})
    for label in out:
        if (label in lengths) == (label in added):
            raise UserError(
                f"blockwise: label {label!r} of the result is one of an array and among new_axes."
                if label in added
                else f"blockwise: label {label!r} of the result is none of an array's. Give new_axes={{{label!r}: length}}."
            )
    blocks = {label: [operator.index(n) for n in (parts if isinstance(parts, Sequence) else [parts])] for label, parts in added.items()}
    blocks = {label: parts for label, parts in blocks.items() if len(parts) > 1 or not arrays}
    if blocks or not arrays:  # an array that no function sees has the blocks of axes that no other has
        labelled.append(list(blocks))
        arrays.append(zeros([len(parts) for parts in blocks.values()], np.bool_))
        if blocks:
            arrays[-1] = arrays[-1].rechunk(1)
        lengths.update({label: len(parts) for label, parts in blocks.items()})
        changed = {**blocks, **changed}
        added = {label: parts for label, parts in added.items() if label not in blocks}
    order = [*(label for label in out if label in lengths), *(label for label in lengths if label not in out)]
    inner = [label for label in order if label not in out]
    one = _Labelled(func, [None if k in places else value for k, value in enumerate(values)], places, [], [], [], name or token or name_of(func))
    moved = []
    for array, labels in zip(arrays, labelled):
        own = [label for label in order if label in labels]
        turned = array.transpose([labels.index(label) for label in own]) if own != labels else array
        moved.append(turned[tuple(slice(None) if label in labels else None for label in order)])
        one.present.append(tuple(slice(None) if label in labels else 0 for label in order))
        one.order.append([own.index(label) for label in labels])
        cut = [] if concatenate else [label for label in labels if label in inner]
        one.cuts.append([(labels.index(label), _chunk_along(arrays, labelled, label, lengths[label]), lengths[label]) for label in cut])
    return call_on_blocks(
        "blockwise", one, moved, kwargs, name=one.__name__, dtype=dtype, chunks=[_length(added.get(label), changed.get(label)) for label in out],
        drop_axis=[order.index(label) for label in inner], new_axis=[k for k, label in enumerate(out) if label in added], meta=meta, elementwise=False,
        workers=workers, memory_factor=memory_factor,
    )  # fmt: skip


def _length(added: Any, changed: Any) -> Any:
    """What `chunks` says of an axis that is new or has other lengths."""
    if added is not None:
        length = operator.index(added[0] if isinstance(added, Sequence) else added)
        return length if changed is None else changed(length) if callable(changed) else changed
    return changed if changed is None or callable(changed) or isinstance(changed, Sequence) else _always(changed)


def _always(length: int) -> Callable[[int], int]:
    """The length of every block, for `chunks`."""
    return lambda _: operator.index(length)


# Reductions.


@dataclass
class _Record:
    """What blocks are reduced to where that is no array of ours, a dict or a tuple of arrays: a number of bytes for every element."""

    names: list[Any] | None  # of a dict; None: a tuple
    single: bool  # one array, of a dtype that the engine does not have
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, value: Any) -> _Record | None:
        parts = list(value.values()) if isinstance(value, Mapping) else list(value) if isinstance(value, (tuple, list)) else [value]
        dtypes = [np.asarray(part).dtype for part in parts]
        single = not isinstance(value, (Mapping, tuple, list))
        if single and dtypes[0].name in DTYPES:
            return None
        if any(dtype.hasobject for dtype in dtypes):
            raise UserError(f"reduction: blocks are reduced to arrays, or to dicts or tuples of them, not to {type(value).__name__} of objects.")
        return cls(list(value) if isinstance(value, Mapping) else None, single, np.dtype([(f"f{k}", dtype) for k, dtype in enumerate(dtypes)]))

    def packed(self, value: Any) -> np.ndarray[Any, Any]:
        parts = [value] if self.single else [value[name] for name in self.names] if self.names is not None else list(value)
        record = np.empty((*np.broadcast_shapes(*(np.shape(part) for part in parts)), 1), self.dtype)
        for name, part in zip(self.dtype.names or (), parts):
            record[name] = np.asarray(part)[..., None]
        return record.view(np.uint8)

    def unpacked(self, block: np.ndarray[Any, Any]) -> Any:
        record = np.ascontiguousarray(block).view(self.dtype)[..., 0]
        parts = [np.ascontiguousarray(record[name]) for name in self.dtype.names or ()]
        return parts[0] if self.single else dict(zip(self.names, parts)) if self.names is not None else tuple(parts)


@dataclass
class _Step:
    """One level of the tree: parts of before, as the function takes them, to parts, or to results."""

    function: Callable[..., Any]
    before: _Record | None
    after: _Record | None
    lists: bool
    cuts: list[tuple[int, int]]
    __name__: str = field(default="reduction")

    def __call__(self, block: Any, *weights: Any) -> Any:
        part = self.before.unpacked if self.before is not None else lambda block: block
        value = _listed(block, [(axis, each, block.shape[axis]) for axis, each in self.cuts], part) if self.lists else part(block)
        made = self.function(value, *(np.broadcast_to(w, block.shape) for w in weights))
        return made if self.after is None else self.after.packed(made)


def _splits(split_every: Any, axes: Sequence[int], rank: int) -> dict[int, int]:
    if isinstance(split_every, Mapping):
        given = {normal_axis(k, rank): operator.index(n) for k, n in split_every.items()}
        return {axis: max(2, given.get(axis, 2)) for axis in axes}
    each = int((_SPLIT_EVERY if split_every is None or split_every is False else operator.index(split_every)) ** (1 / max(1, len(axes))))
    return dict.fromkeys(axes, max(2, each))


def reduction(
    x: ArrayLike,
    chunk: Callable[..., Any],
    aggregate: Callable[..., Any],
    axis: Axis = None,
    keepdims: bool = False,
    dtype: DTypeLike = None,
    split_every: Union[int, Mapping[int, int], None] = None,
    combine: Callable[..., Any] | None = None,
    name: str | None = None,
    out: None = None,
    concatenate: bool = True,
    output_size: int = 1,
    meta: Any = None,
    weights: ArrayLike | None = None,
    *,
    workers: str = "threads",
    memory_factor: float = 2.0,
) -> Array:
    """A reduction by functions of one's own, in a tree, as ``dask.array.reduction``.

    Parameters
    ----------
    x : array_like
    chunk : callable
        ``chunk(block, axis=, keepdims=True)``, with `weights` ``chunk(block, weights, axis=, keepdims=True)``, of every nominal chunk. Gives an array
        in which the reduced axes have length `output_size`, or a dict or tuple of such.
    aggregate : callable
        ``aggregate(parts, axis=, keepdims=)`` gives the result.
    axis : int, sequence of int or None, optional
        Functions get a tuple.
    dtype : dtype, optional
        Of the result, and handed to `chunk` and `aggregate` where they take it. Default: found on a tiny sample.
    split_every : int or dict of axis to int, optional
        How many parts are combined at once, over all axes or along each (default: 4).
    combine : callable, optional
        ``combine(parts, axis=, keepdims=True)``, on the levels between. Default: `aggregate`.
    name : str, optional
        For messages.
    concatenate : bool
        False: functions get parts as lists, nested by axis, instead of one array.
    output_size : int
        Length of the reduced axes in a part, and in the result with `keepdims`.
    meta : array, optional
        Says the dtype.
    weights : array_like, optional
        Broadcast to the shape of `x`.

    Returns
    -------
    Array
    """
    no_out(out)
    array = asarray(x)
    rank = array.ndim
    axes = tuple(normal_axis(k, rank) for k in (range(rank) if axis is None else () if names_none(axis) else axes_of(axis)))
    splits, size, wanted = _splits(split_every, axes, rank), operator.index(output_size), dtype_from(dtype, meta)
    label = name or name_of(aggregate)

    def told(function: Callable[..., Any], keepdims: bool = True) -> Callable[..., Any]:
        known = {"dtype": dtype} if dtype is not None and "dtype" in parameters_of(function) else {}
        return functools.partial(function, axis=axes, keepdims=keepdims, **known)

    first, middle, last = told(chunk), functools.partial(combine or aggregate, axis=axes, keepdims=True), told(aggregate, keepdims)
    others = [] if weights is None else [asarray(np.broadcast_to(weights, array.shape) if isinstance(weights, np.ndarray) else weights)]
    sample = tried(label, lambda: first(np.ones((1,) * rank, array.dtype), *(np.ones((1,) * rank, w.dtype) for w in others)))
    record = _Record.of(sample)
    part_dtype = np.dtype(np.uint8) if record is not None else np.asarray(sample).dtype
    for _ in () if concatenate else axes:
        sample = [sample]
    found = sampled(label, lambda: last(sample))[0] if wanted is None else wanted
    ends = [] if record is None else [rank]  # the axis of a record's bytes

    def step(function: Callable[..., Any], blocks: Sequence[Array], before: bool, **how: Any) -> Array:
        final = function is last
        cuts = [(k, size) for k in sorted(axes)]
        one = _Step(function, record if before else None, None if final else record, before and not concatenate, cuts, label)
        lengths: list[Any] = [_always(size) if k in axes else None for k in range(rank) if k not in how.get("drop_axis", ())]
        if record is not None and not final:
            lengths.append(record.dtype.itemsize if not before else None)
        return call_on_blocks(
            "reduction", one, blocks, {}, name=label, dtype=found if final else part_dtype, chunks=lengths, meta=None, elementwise=False,
            workers=workers, memory_factor=memory_factor, **{"drop_axis": None, "new_axis": None, **how},
        )  # fmt: skip

    block = block_of(array.shape, [array])
    counts = {k: -(-array.shape[k] // block[k]) for k in axes}
    parts = step(first, [array.rechunk(block) if array.ndim else array, *others], False, new_axis=ends)
    while any(counts[k] > splits[k] for k in axes):
        parts = parts.rechunk([splits[k] * size if k in axes else block[k] for k in range(rank)] + [-1] * len(ends))
        parts = step(middle, [parts], True, core_axes=ends)
        counts = {k: -(-n // splits[k]) for k, n in counts.items()}
    parts = parts.rechunk([-1 if k in axes else block[k] for k in range(rank)] + [-1] * len(ends)) if parts.ndim else parts
    return step(last, [parts], True, drop_axis=ends, core_axes=axes) if keepdims else step(last, [parts], True, drop_axis=[*axes, *ends])


# Coarser grids.


@dataclass
class _Coarse:
    """A reduction of what lies together in a block."""

    function: Callable[..., Any]
    factors: list[int]
    kwargs: dict[str, Any]
    __name__: str = field(default="coarsen")

    def __call__(self, block: Any) -> Any:
        split = [part for n, factor in zip(block.shape, self.factors) for part in (n // factor, factor)]
        return self.function(np.reshape(block, split), axis=tuple(range(1, len(split), 2)), **self.kwargs)


def coarsen(reduction: Callable[..., Any], x: ArrayLike, axes: Mapping[int, int], trim_excess: bool = False, **kwargs: Any) -> Array:
    """Neighbours become one element by a reduction, as ``dask.array.coarsen``.

    >>> coarsen(np.mean, x, {0: 2, 1: 2})                                   # doctest: +SKIP

    Parameters
    ----------
    reduction : callable
        ``reduction(array, axis=tuple, **kwargs)``: of NumPy's, Freestone's or one's own. Functions that Freestone does not have are called block by block.
    x : array_like
    axes : dict of axis to int
        How many elements become one.
    trim_excess : bool
        Elements at the end that are too few are left out; otherwise an error.
    **kwargs
        Handed to `reduction`.

    Returns
    -------
    Array

    Raises
    ------
    ValueError
        A factor that does not divide its axis, without `trim_excess`.
    """
    array = asarray(x)
    factors = [1] * array.ndim
    for axis, factor in axes.items():
        factors[normal_axis(axis, array.ndim)] = operator.index(factor)
    if min(factors, default=1) < 1:
        raise UserError(f"coarsen: a factor of {min(factors)}.")
    if any(n % factor for n, factor in zip(array.shape, factors)):
        if not trim_excess:
            raise ValueError(f"Coarsening factors {dict(axes)} do not align with array shape {array.shape}. Give trim_excess=True.")
        array = array[tuple(slice(0, n // factor * factor) for n, factor in zip(array.shape, factors))]
    if str(getattr(reduction, "__module__", "")).startswith("dask."):
        reduction = getattr(np, reduction.__name__)
    one = _Coarse(reduction, factors, kwargs, name_of(reduction))
    if _numpy_functions.is_ours(reduction):
        split: list[int] = []
        within = []
        for n, factor in zip(array.shape, factors):
            split.append(n // factor)
            if factor > 1 or set(factors) == {1}:
                within.append(len(split))
                split.append(factor)
        return asarray(reduction(array.reshape(split), axis=tuple(within), **kwargs))
    block = [max(1, n // factor) * factor for n, factor in zip(block_of(array.shape, [array]), factors)]
    dtype = sampled(one.__name__, lambda: one(np.ones(factors, array.dtype)))[0]
    return call_on_blocks(
        "coarsen", one, [array.rechunk(block)], {}, name=one.__name__, dtype=dtype,
        chunks=[None if factor == 1 else _divided_by(factor) for factor in factors], drop_axis=None, new_axis=None, meta=None, elementwise=False,
        workers="threads", memory_factor=2.0,
    )  # fmt: skip


def _divided_by(factor: int) -> Callable[[int], int]:
    return lambda length: length // factor
