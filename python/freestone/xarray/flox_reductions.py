"""Grouped reductions of flox on arrays of Freestone, lazy.

flox (0.11) knows arrays of Dask and Cubed, and takes every other array for NumPy's: it would compute it whole. When flox is imported, its
`groupby_reduce` and `groupby_scan` are told of a third kind: the folds that the engine has are its own, everything else is flox on blocks
that hold the grouped axes whole.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from freestone._array import Array, normal_axis
from freestone._manipulation import moveaxis
from freestone._statistics import group_reduce
from freestone._user import apply_gufunc
from freestone.xarray.block_calls import gufunc
from freestone.xarray.lazy_sources import with_chunks

__all__ = ["install"]

_MODULE = "flox.xarray"
_FOLDS = ("sum", "mean", "min", "max", "var", "std", "count", "first", "last", "any", "all", "prod")


def install() -> None:
    """Tells flox, now or when somebody imports it."""
    if _MODULE in sys.modules:
        _teach(sys.modules[_MODULE])
    elif not any(isinstance(finder, _WhenImported) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenImported())


class _WhenImported(importlib.abc.MetaPathFinder):
    """Finds flox as everybody else does, and tells it as soon as it has run."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_teach(module: Any) -> None:
            run(module)
            _teach(module)

        spec.loader.exec_module = run_and_teach  # type: ignore[method-assign]
        return spec


def _teach(module: Any) -> None:
    import flox
    import flox.core

    theirs = flox.core.groupby_reduce
    if getattr(theirs, "knows_freestone", False):
        return

    @functools.wraps(theirs)
    def groupby_reduce(array: Any, *by: Any, **options: Any) -> Any:
        if not isinstance(array, Array):
            return theirs(array, *(np.asarray(b) if isinstance(b, Array) else b for b in by), **options)
        return _reduced(theirs, array, [np.asarray(b) for b in by], options)

    groupby_reduce.knows_freestone = True  # type: ignore[attr-defined]
    for place in (flox, flox.core, module):
        if hasattr(place, "groupby_reduce"):
            setattr(place, "groupby_reduce", groupby_reduce)
    _teach_scans()


def _teach_scans() -> None:
    import flox
    import flox.scan

    theirs = flox.scan.groupby_scan

    @functools.wraps(theirs)
    def groupby_scan(array: Any, *by: Any, axis: Any = -1, **options: Any) -> Any:
        labels = [np.asarray(b) if isinstance(b, Array) else b for b in by]
        if not isinstance(array, Array):
            return theirs(array, *labels, axis=axis, **options)
        place = normal_axis(axis[0] if isinstance(axis, Sequence) else axis, array.ndim)

        def along(block: Any) -> Any:
            return theirs(block, *labels, axis=-1, **options)

        made = _sample(along, [array.shape[place]], array.dtype)
        return apply_gufunc(along, "(n)->(n)", array, axes=[(place,), (place,)], output_dtypes=[made.dtype], name="flox")

    for holder in (flox, flox.scan):
        if hasattr(holder, "groupby_scan"):
            setattr(holder, "groupby_scan", groupby_scan)


def _sample(function: Callable[[Any], Any], core: Sequence[int], dtype: Any) -> Any:
    """What `function` gives for one line of zeros."""
    return np.asarray(function(np.zeros((1, *core), dtype=dtype)))


def _reduced(theirs: Callable[..., Any], array: Array, by: list[Any], options: dict[str, Any]) -> Any:
    """flox's result for an array of ours: the lazy values, and the groups.

    A line of zeros through flox itself says what groups there are, and their order, the dtype, and what missing groups hold.
    """
    labels = list(np.broadcast_arrays(*by))
    whole = labels[0].ndim
    axis = options.get("axis")
    axes = sorted(normal_axis(k, array.ndim) for k in ([axis] if isinstance(axis, (int, np.integer)) else axis or range(array.ndim - whole, array.ndim)))
    first = min([array.ndim - whole, *axes])
    core = array.shape[first:]
    options = {**options, "axis": tuple(k - array.ndim for k in axes), "method": None}
    function = functools.partial(theirs, **options)
    sampled = function(np.zeros((1, *core), dtype=array.dtype), *by)
    values, groups = np.asarray(sampled[0]), sampled[1:]
    own = _fold(array, by, axes, options, values, groups)
    if own is not None:
        return (own, *groups)

    name = str(options.get("func"))
    front = values.ndim - (1 + len(groups) + whole - len(axes)) if "quantile" in name else 0

    def grouped(block: Any) -> Any:
        made = np.asarray(function(block, *by)[0])
        # Axes that flox puts in front (quantiles) go behind the loops.
        loops = block.ndim - len(core)
        return np.moveaxis(made, list(range(front)), list(range(loops, loops + front))) if front else made

    inside = [f"c{k}" for k in range(len(core))]
    lengths = [*values.shape[:front], *values.shape[front + 1 :]]
    outside = [f"o{k}" for k in range(len(lengths))]
    result = gufunc(
        grouped, f"({','.join(inside)})->({','.join(outside)})", [array], {}, axes=None, axis=None, keepdims=False,
        output_dtypes=[values.dtype], output_sizes=dict(zip(outside, lengths)), vectorize=False, meta=None,
    )  # fmt: skip
    if front:
        loops = array.ndim - len(core)
        result = np.moveaxis(result, list(range(loops, loops + front)), list(range(front)))
    return (result, *groups)


def _fold(array: Array, by: list[Any], axes: list[int], options: dict[str, Any], values: Any, groups: Any) -> Any:
    """The engine's own fold where it has it: one labelled axis, and every group among the labels; else None."""
    name = str(options.get("func"))
    plain = name[3:] if name.startswith("nan") else name
    finalize = dict(options.get("finalize_kwargs") or {})
    ddof = finalize.pop("ddof", 0)
    if plain not in _FOLDS or len(by) != 1 or by[0].ndim != 1 or len(axes) != 1 or len(groups) != 1 or finalize or options.get("min_count"):
        return None
    found = np.asarray(groups[0])
    if found.dtype.kind not in "iufMmbUO" or found.ndim != 1 or options.get("isbin") not in (False, None, (False,)) or options.get("dtype") is not None:
        return None
    labels = by[0]
    keys = np.full(labels.shape, -1, dtype=np.int64)
    for number, label in enumerate(found.tolist() if found.dtype.kind in "UO" else found):
        keys[labels == label] = number
    if len(np.unique(keys[keys >= 0])) != len(found):
        return None  # groups without elements hold what flox says
    if array.dtype.kind not in "fiub" or (plain in ("first", "last") and not name.startswith("nan") and array.dtype.kind == "f"):
        return None
    made = group_reduce(plain, array, keys, len(found), axes[0], skip_nan=name.startswith("nan") or plain == "count", ddof=ddof)
    made = with_chunks(made, [(n,) if k == axes[0] else array.chunks[k] for k, n in enumerate(made.shape)])
    if axes[0] != array.ndim - 1:
        made = moveaxis(made, axes[0], -1)
    return made if made.dtype == values.dtype else made.astype(values.dtype)
