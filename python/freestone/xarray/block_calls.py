"""Gufuncs as xarray declares them. What the engine cannot hold (texts, times) goes beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from freestone._array import Array
from freestone._user import apply_gufunc
from freestone.xarray.lazy_sources import is_computable, with_chunks

__all__ = ["gufunc"]


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
