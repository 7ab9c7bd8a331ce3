"""User functions as xarray declares them: gufuncs, labelled axes. What the engine cannot hold (texts, times) goes beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from freestone._array import Array, asarray
from freestone._user import apply_gufunc
from freestone.errors import UserError
from freestone.xarray.lazy_sources import is_computable, with_chunks

__all__ = ["blockwise", "gufunc", "unified_chunks"]


def _beside(args: Sequence[Any]) -> tuple[list[Any], Callable[[Sequence[Any]], list[Any]]]:
    """Arguments that the engine can hold, and what makes the first ones of them again: times are whole numbers on their way."""
    given: list[Any] = []
    kinds: list[Any] = []
    for value in args:
        array: Any = value if isinstance(value, Array) else np.asarray(value)
        is_time = not isinstance(array, Array) and array.dtype.kind in "mM"
        given.append(array.view(np.int64) if is_time else array)
        kinds.append(array.dtype if is_time else None)

    def back(values: Sequence[Any]) -> list[Any]:
        return [value if kind is None else np.asarray(value).view(kind) for value, kind in zip(values, kinds)]

    return given, back


def gufunc(
    func: Callable[..., Any], signature: str, args: Sequence[Any], kwargs: Mapping[str, Any], *, axes: Any, axis: int | None, keepdims: bool, output_dtypes: Any,
    output_sizes: Mapping[str, int] | None, vectorize: bool, meta: Any,
) -> Any:  # fmt: skip
    """`freestone.apply_gufunc` for what xarray gives it.

    A function that takes objects or texts, or gives them or times, is called now and on the whole.
    """
    given, back = _beside(args)
    wanted = output_dtypes if isinstance(output_dtypes, (list, tuple)) else [] if output_dtypes is None else [output_dtypes]
    apart = [a for a in given if not isinstance(a, Array) and not is_computable(a.dtype)]
    if apart or any(dtype is not None and not is_computable(dtype) for dtype in wanted):
        whole = np.vectorize(func, signature=_plain(signature)) if vectorize else func
        return whole(*back([np.asarray(a) for a in given]), **kwargs)

    def called(*values: Any) -> Any:
        return func(*back(values), **kwargs)

    called.__name__ = str(getattr(func, "__name__", type(func).__name__))
    result: Any = apply_gufunc(
        called, signature, *given, axes=axes, axis=axis, output_dtypes=output_dtypes, output_sizes=output_sizes, vectorize=vectorize, meta=meta
    )
    before, after = ([len([n for n in group.split(",") if n]) for group in re.findall(r"\(([^)]*)\)", side)] for side in signature.split("->"))
    if axes is None and axis is None:
        result = _with_loop_chunks(result, given, before, after)
    if not keepdims:
        return result
    ranks = before
    results = [np.expand_dims(part, tuple(range(-max(ranks, default=0), 0))) for part in (result if isinstance(result, tuple) else (result,))]
    return tuple(results) if isinstance(result, tuple) else results[0]


def _with_loop_chunks(result: Any, given: Sequence[Any], before: Sequence[int], after: Sequence[int]) -> Any:
    """The results with the chunks that the inputs have along the axes that are looped over."""
    parts = result if isinstance(result, tuple) else (result,)
    made = []
    for part, core in zip(parts, after):
        loops = part.ndim - core
        chunks: list[Sequence[int]] = [(n,) for n in part.shape]
        for a, own in zip(given, before):
            if isinstance(a, Array):
                for k in range(1, min(loops, a.ndim - own) + 1):
                    lengths = a.chunks[a.ndim - own - k]
                    if sum(lengths) == part.shape[loops - k] and len(lengths) > len(chunks[loops - k]):
                        chunks[loops - k] = lengths
        made.append(with_chunks(part, chunks))
    return tuple(made) if isinstance(result, tuple) else made[0]


def _plain(signature: str) -> str:
    return re.sub(r"\s", "", signature)


def unified_chunks(args: Sequence[Any]) -> tuple[dict[Any, tuple[int, ...]], list[Array]]:
    """Of pairs of array and labels: the chunks of each label, the finest that any array has, and the arrays with them."""
    arrays, labels = [asarray(a) for a in args[0::2]], list(args[1::2])
    finest: dict[Any, tuple[int, ...]] = {}
    for array, names in zip(arrays, labels):
        for name, lengths in zip(names or (), array.chunks):
            known = finest.get(name)
            if known is None or (sum(known) <= 1 < sum(lengths)) or (sum(known) == sum(lengths) and len(lengths) > len(known)):
                finest[name] = lengths
    unified = [
        with_chunks(a, [finest[n] if sum(finest[n]) == length else (length,) for n, length in zip(names or (), a.shape)]) for a, names in zip(arrays, labels)
    ]
    return finest, unified


def blockwise(
    func: Callable[..., Any], out: Sequence[Any], args: Sequence[Any], kwargs: Mapping[str, Any], *, dtype: Any, adjust_chunks: Mapping[Any, Any] | None,
    new_axes: Mapping[Any, Any] | None, concatenate: bool, name: str | None,
) -> Array:  # fmt: skip
    """A function on blocks of arrays whose axes have labels, as ``dask.array.blockwise``.

    Labels of the result are cut in blocks; labels that it does not have, and those whose length changes, are seen whole. Without `concatenate`
    the function gets the blocks along labels that the result does not have as a list, here of one.
    """
    added = {label: (sum(n) if isinstance(n, Sequence) else int(n)) for label, n in (new_axes or {}).items()}
    pairs = list(zip(args[0::2], args[1::2]))
    arrays = [asarray(value) for value, labels in pairs if labels is not None]
    labelled = [list(labels) for _, labels in pairs if labels is not None]
    lengths: dict[Any, int] = {}
    for array, labels in zip(arrays, labelled):
        for label, n in zip(labels, array.shape):
            if lengths.setdefault(label, n) != n and 1 not in (n, lengths[label]):
                raise UserError(f"blockwise: axis '{label}' has length {lengths[label]} and {n}.")
            lengths[label] = max(lengths[label], n)
    changed = dict(adjust_chunks or {})
    loops = [label for label in out if label in lengths and label not in changed]
    made_whole = [label for label in out if label not in loops]
    sizes = {label: _changed(changed[label], lengths[label]) if label in changed else lengths.get(label, added.get(label, 1)) for label in made_whole}
    moved, backs = zip(*(_loops_first(a, labels, loops) for a, labels in zip(arrays, labelled))) if arrays else ((), ())
    core = {label: f"c{k}" for k, label in enumerate(label for label in lengths if label not in loops)}
    inside = ["(" + ",".join(core[label] for label in labels if label not in loops) + ")" for labels in labelled]
    outside = [f"o{k}" for k in range(len(made_whole))]

    def called(*values: Any) -> Any:
        blocks = iter(zip(values, backs, labelled))
        given = []
        for value, labels in pairs:
            if labels is None:
                given.append(value)
                continue
            block, back, names = next(blocks)
            part: Any = back(block)
            for _ in range(0 if concatenate else sum(n not in out for n in names)):
                part = [part]
            given.append(part)
        result = np.asarray(func(*given, **kwargs))
        return np.transpose(result, [list(out).index(label) for label in (*loops, *made_whole)])

    called.__name__ = str(name or getattr(func, "__name__", type(func).__name__))
    result: Array = apply_gufunc(
        called, f"{','.join(inside)}->({','.join(outside)})", *moved, output_dtypes=None if dtype is None else [dtype],
        output_sizes=dict(zip(outside, (sizes[label] for label in made_whole))),
    )  # fmt: skip
    order = [*loops, *made_whole]
    return result if order == list(out) else result.transpose([order.index(label) for label in out])


def _loops_first(array: Array, labels: Sequence[Any], loops: Sequence[Any]) -> tuple[Array, Callable[[Any], Any]]:
    """`array` with an axis for each of the loops in front, and what gives a block of it its own axes again."""
    own = [label for label in loops if label in labels]
    order = [labels.index(label) for label in (*own, *(label for label in labels if label not in loops))]
    turned = array.transpose(order) if order != sorted(order) else array
    where = tuple(slice(None) if label in labels else None for label in loops)
    spread = turned[where] if None in where else turned

    def back(block: Any) -> Any:
        parts = block[tuple(slice(None) if label in labels else 0 for label in loops)]
        return np.transpose(parts, np.argsort(order))

    return spread, back


def _changed(rule: Any, length: int) -> int:
    return int(rule(length)) if callable(rule) else sum(rule) if isinstance(rule, Sequence) else int(rule)
