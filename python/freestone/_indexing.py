"""Parts of arrays: slices, positions, masks; and arrays with parts replaced."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from freestone import _core, _runs
from freestone._array import Array, ArrayLike, asarray, from_numpy, normal_axis
from freestone.errors import UserError

__all__ = ["choose", "compress", "extract", "put_along_axis", "select", "take", "take_along_axis"]


def _positions(value: ArrayLike, what: str) -> np.ndarray[Any, Any]:
    """An index array: int64 in memory. An array that is lazy is computed."""
    array = np.asarray(value)
    if array.size == 0 and not isinstance(value, (Array, np.ndarray)):
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise IndexError(f"{what} takes integers, not {array.dtype}")
    return np.ascontiguousarray(array, dtype=np.int64).reshape(array.shape)


def _is_mask(key: Any) -> bool:
    if isinstance(key, (Array, np.ndarray, np.generic)):
        return bool(key.dtype == np.bool_)
    return isinstance(key, bool)


def _plain(key: Any) -> Any:
    """An index as the engine has it: None, Ellipsis, a slice or number of whole numbers, or an array in memory."""
    if key is None or key is Ellipsis:
        return key
    if isinstance(key, slice):
        return slice(*(None if part is None else operator.index(part) for part in (key.start, key.stop, key.step)))
    if isinstance(key, (str, bytes, float, complex)) and not isinstance(key, np.generic):
        raise IndexError("an index is an integer, a slice, None, '...', or an array of integers or bool")
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        return int(key)
    if _is_mask(key) or (isinstance(key, (list, tuple)) and np.asarray(key).dtype == np.bool_):
        return np.array(key, order="C", copy=None)  # ascontiguousarray would give a single bool an axis
    if isinstance(key, (Array, np.ndarray)) and key.ndim == 0 and key.dtype.kind in "iu":
        return operator.index(key)
    if not isinstance(key, (Array, np.ndarray, list, tuple)):
        try:
            return operator.index(cast(Any, key))
        except TypeError:
            raise IndexError("an index is an integer, a slice, None, '...', or an array of integers or bool") from None
    return _positions(key, "an index")


def _axes_taken(key: Any) -> int:
    """How many axes of the array an index stands for."""
    if key is None or key is Ellipsis:
        return 0
    return key.ndim if isinstance(key, np.ndarray) and key.dtype == np.bool_ else 1


def _keys(array: Array, key: Any) -> list[Any]:
    keys = [_plain(k) for k in (key if isinstance(key, tuple) else (key,))]
    if sum(1 for k in keys if k is Ellipsis) > 1:
        raise IndexError("an index has at most one ellipsis ('...')")
    given = sum(_axes_taken(k) for k in keys)
    if given > array.ndim:
        raise IndexError(f"too many indices: the array has {array.ndim} axes, {given} were indexed")
    axis = 0
    picked: list[Any] = []
    for k in keys:
        picked.append(k)
        if k is Ellipsis:
            axis += array.ndim - given
            continue
        if isinstance(k, int) and not -array.shape[axis] <= k < array.shape[axis]:
            raise IndexError(f"index {k} is out of range for axis {axis} of length {array.shape[axis]}")
        if isinstance(k, np.ndarray) and k.dtype != np.bool_ and k.size:
            low, high, length = int(k.min()), int(k.max()), array.shape[axis]
            if low < -length or high >= length:
                raise IndexError(f"index {low if low < -length else high} is out of range for axis {axis} of length {length}")
        if isinstance(k, np.ndarray) and k.dtype == np.bool_:
            part = array.shape[axis : axis + k.ndim]
            if k.shape != part:
                if not _is_empty_for(k.shape, part):
                    raise IndexError(f"a mask of shape {k.shape} for axes of shape {part}")
                picked[-1:] = k.nonzero()
        axis += _axes_taken(k)
    return picked


def _slice_core(core: Any, keys: Sequence[Any]) -> Any:
    """Slices, integers and new axes: views."""
    ndim = len(core.shape)
    given = sum(1 for k in keys if k is not None and k is not Ellipsis)
    slices: list[Any] = []
    new_axes: list[int] = []
    out_axis = 0
    for k in keys:
        if k is None:
            new_axes.append(out_axis)
            out_axis += 1
        elif k is Ellipsis:
            slices += [slice(None)] * (ndim - given)
            out_axis += ndim - given
        else:
            slices.append(k)
            out_axis += isinstance(k, slice)
    result = _core.slice(core, slices)
    for axis in new_axes:
        result = _core.expand_dims(result, axis)
    return result


def _is_empty_for(mask: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Whether a mask differs from the axes only where it has length 0, which the array API lets pick nothing."""
    return len(mask) == len(axes) and all(m in (n, 0) for m, n in zip(mask, axes))


def _nothing_of(array: Array, axes: int) -> Array:
    """What a mask of the first axes picks that is nowhere True."""
    core = _slice_core(array._core, [slice(0, 0)])
    return Array(core if axes == 1 else _core.reshape(core, [0, *array.shape[axes:]]))


def get_item(array: Array, key: Any) -> Array:
    """``array[key]``. A mask that is lazy is counted now."""
    if isinstance(key, Array) and key.dtype == np.bool_ and key.ndim:
        if key.shape != array.shape[: key.ndim]:
            if _is_empty_for(key.shape, array.shape[: key.ndim]):
                return _nothing_of(array, key.ndim)
            raise IndexError(f"a mask of shape {key.shape} for an array of shape {array.shape}")
        return Array(_core.boolean_index(array._core, key._core, _runs.run_setup()))
    keys = _keys(array, key)
    if not any(isinstance(k, np.ndarray) for k in keys):
        return Array(_slice_core(array._core, keys))
    if any(isinstance(k, np.ndarray) and k.ndim == 0 for k in keys):
        return Array(_bool_scalars(array._core, keys))
    return Array(_core.index(array._core, keys))


def _bool_scalars(core: Any, keys: list[Any]) -> Any:
    """Masks without axes: a new axis of length 1 or 0 at the front, as NumPy has it where they are the only index arrays."""
    if any(isinstance(k, np.ndarray) and k.ndim for k in keys):
        raise IndexError("a mask without axes beside index arrays")
    wanted = all(bool(k) for k in keys if isinstance(k, np.ndarray))
    rest = [k for k in keys if not isinstance(k, np.ndarray)]
    result = _core.expand_dims(_slice_core(core, rest) if rest else core, 0)
    return result if wanted else _core.slice(result, [slice(0, 0)])


# Assignment.


def _apply(name: str, *cores: Any) -> Any:
    return _core.elementwise(name, *cores)


def _value_like(array: Array, value: ArrayLike) -> Any:
    """`value` in the type of `array`; numbers that do not fit are an error, as in NumPy."""
    if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
        return from_numpy(np.full((), value, dtype=array.dtype) if array.dtype.kind != "b" else np.asarray(bool(value)))._core
    given = asarray(value)
    if given.dtype.kind == "c" and array.dtype.kind != "c":
        raise TypeError(f"complex values do not become {array.dtype}; take real, imag or abs of them")
    return _core.astype(given._core, array.dtype.name)


def _fitted(core: Any, shape: Sequence[int]) -> Any:
    """`core` broadcast to `shape`; leading axes of length 1 that are too many go, as in NumPy."""
    while len(core.shape) > len(shape) and core.shape[0] == 1:
        core = _core.squeeze(core, 0)
    return _core.broadcast_to(core, list(shape))


#: Smaller arrays in memory are copied by an assignment: loops that fill one element by element would make a graph of thousands of nodes.
_SMALL_BYTES = 1 << 16


def _at_hand(value: Any) -> Any:
    """`value` with NumPy's arrays in place of ours; raises _Lazy for one that is not in memory."""
    if isinstance(value, tuple):
        return tuple(_at_hand(part) for part in value)
    if isinstance(value, Array):
        memory = _core.memory_of(value._core)
        if memory is None:
            raise _Lazy
        return memory
    return value


class _Lazy(Exception):
    """Something is not in memory."""


def _assigned_in_memory(array: Array, key: Any, value: ArrayLike) -> Array | None:
    """The assignment done at once, where everything is small and at hand; None elsewhere."""
    if array.nbytes > _SMALL_BYTES:
        return None
    memory = _core.memory_of(array._core)
    if memory is None and not _core.is_made_of_nothing(array._core):
        return None
    try:
        position, given = _at_hand(key), _at_hand(value)
    except _Lazy:
        return None
    values = np.array(array._values() if memory is None else memory)
    try:
        values[position] = given
    except ValueError as error:
        raise UserError(str(error)) from None
    return from_numpy(values)


def with_items(array: Array, key: Any, value: ArrayLike) -> Array:
    """`array` after ``array[key] = value``."""
    given = _value_like(array, value)  # refuses what does not become the array's type
    at_once = _assigned_in_memory(array, key, value)
    if at_once is not None:
        return at_once
    if _is_mask(key) and np.ndim(key):
        return _with_masked(array, asarray(key), given)
    keys = _keys(array, key)
    if any(isinstance(k, np.ndarray) for k in keys):
        return _with_positions(array, keys, given)
    # A region of slices: new axes and single positions of the key are axes of the value only.
    full = [k for k in keys if k is not None]
    count = len([k for k in full if k is not Ellipsis])
    at = next((i for i, k in enumerate(full) if k is Ellipsis), len(full))
    full = [*full[:at], *[slice(None)] * (array.ndim - count), *full[at + 1 :]]
    target = _slice_core(array._core, keys)
    region = _fitted(given, target.shape)
    axis = 0
    for k in keys:  # new axes of the key have length 1 in the value
        if k is None:
            region = _core.squeeze(region, axis)
        elif k is Ellipsis:
            axis += array.ndim - count
        else:
            axis += isinstance(k, slice)
    slices: list[Any] = []
    flips: list[int] = []
    for axis, k in enumerate(full):
        if isinstance(k, slice):
            first, end, step = k.indices(array.shape[axis])
            taken = range(first, end, step)
            if len(taken) == 0:
                return Array(array._core)
            if step < 0:
                flips.append(axis)
                taken = taken[::-1]
            slices.append(slice(taken.start, taken[-1] + 1, taken.step))
        else:
            position = normal_axis(k, array.shape[axis])
            slices.append(slice(position, position + 1, 1))
            region = _core.expand_dims(region, axis)
    if flips:
        region = _core.flip(region, flips)
    if array.ndim == 0:
        return Array(region)
    return Array(_core.put_slice(array._core, slices, region))


def _with_masked(array: Array, mask: Array, value: Any) -> Array:
    if mask.shape != array.shape[: mask.ndim]:
        raise IndexError(f"a mask of shape {mask.shape} for an array of shape {array.shape}")
    condition = mask._core
    behind = list(array.shape[mask.ndim :])
    over_all = _core.reshape(condition, list(mask.shape) + [1] * len(behind)) if behind else condition
    # One value for every place that is true, or the same for all.
    if len(value.shape) == len(behind) + 1 and value.shape[0] != 1:
        count = int(Array(_core.reduce("count_nonzero", condition, [], False, False, [], "")).item())
        if count != value.shape[0]:
            raise UserError(f"{value.shape[0]} values for {count} places of the mask.")
        if count == 0:
            return Array(array._core)
        flat = _core.reshape(condition, [-1])
        order = _core.cumulative("sum", flat, 0, "int64", False, False)
        order = _apply("maximum", _apply("subtract", order, 1), 0)
        value = _fitted(value, [count, *behind])
        order = _core.broadcast_to(_core.reshape(order, [-1] + [1] * len(behind)), [flat.shape[0], *behind])
        value = _core.reshape(_core.take_along_axis(value, order, 0), list(array.shape))
    else:
        value = _fitted(value, [1] * mask.ndim + behind if len(value.shape) > len(behind) else behind)
    return Array(_apply("where", over_all, value, array._core))


def _with_positions(array: Array, keys: list[Any], value: Any) -> Array:
    """Positions in memory: where each element of the array is taken from, the last of several values winning."""
    # What the key picks, as flat positions of the indexed axes; slices and the like of other axes are part of them.
    flat = np.arange(array.size, dtype=np.int64).reshape(array.shape)
    picked = flat[tuple(keys)]
    if picked.size == 0:
        return Array(array._core)
    source = np.full(array.size, -1, dtype=np.int64)
    source[picked.ravel()] = np.arange(picked.size, dtype=np.int64)
    where = from_numpy(source.reshape(array.shape))._core
    values = _core.reshape(_fitted(value, picked.shape), [-1])
    taken = _core.take(values, np.maximum(source, 0).reshape(array.shape), 0, "raise")
    return Array(_apply("where", _apply("greater_equal", where, 0), taken, array._core))


# Functions.


def take(x: ArrayLike, indices: ArrayLike, /, axis: int | None = None, mode: str = "raise") -> Array:
    """Elements at positions along `axis`, or of the flat array.

    Parameters
    ----------
    x : array_like
    indices : array_like of integers
        Any shape, which replaces the axis. Computed if it is lazy. Negative ones count from the end.
    mode : {"raise", "wrap", "clip"}
        What positions beyond the axis do.
    """
    array = asarray(x)
    if mode not in ("raise", "wrap", "clip"):
        raise UserError(f"take: mode is 'raise', 'wrap' or 'clip', not '{mode}'.")
    return Array(_core.take(array._core, _positions(indices, "take"), None if axis is None else normal_axis(axis, array.ndim), mode))


def take_along_axis(x: ArrayLike, indices: ArrayLike, /, axis: int | None = -1) -> Array:
    """``out[..., j, ...] = x[..., indices[..., j, ...], ...]`` along `axis`; the other axes broadcast. `indices` may be lazy."""
    array, positions = asarray(x), asarray(indices)
    if axis is None:
        array, axis = array.ravel(), 0
    return Array(_core.take_along_axis(array._core, positions._core, normal_axis(axis, array.ndim)))


def put_along_axis(arr: Array, indices: ArrayLike, values: ArrayLike, axis: int) -> None:
    """``arr[..., indices[..., j, ...], ...] = values[..., j, ...]``: `arr` stands for the new array afterwards."""
    positions = _positions(indices, "put_along_axis")
    axis = normal_axis(axis, arr.ndim)
    grid: list[Any] = [np.arange(n).reshape([-1 if j == k else 1 for j in range(arr.ndim)]) for k, n in enumerate(arr.shape)]
    grid[axis] = positions
    arr[tuple(grid)] = values


def compress(condition: ArrayLike, a: ArrayLike, axis: int | None = None) -> Array:
    """What stands along `axis` where `condition` is true; a short condition leaves the rest out."""
    array = asarray(a)
    mask = np.ascontiguousarray(np.asarray(condition), dtype=np.bool_)
    return Array(_core.compress(mask, array._core, None if axis is None else normal_axis(axis, array.ndim)))


def extract(condition: ArrayLike, arr: ArrayLike) -> Array:
    """Elements of the flat array where the flat condition holds. Counts now."""
    return asarray(arr).ravel()[asarray(condition).ravel().astype(np.bool_)]


def select(condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0) -> Array:
    """Of several choices the one whose condition is the first that holds, else `default`."""
    if len(condlist) != len(choicelist):
        raise UserError(f"select: {len(condlist)} conditions and {len(choicelist)} choices.")
    result: Any = default
    kind = np.result_type(*[value if isinstance(value, (int, float, complex)) else asarray(value).dtype for value in (*choicelist, default)])
    for condition, choice in zip(reversed(condlist), reversed(choicelist)):
        result = Array(_apply("where", asarray(condition)._core, asarray(choice)._core, asarray(result)._core))
    return asarray(result).astype(kind)


def choose(a: ArrayLike, choices: Sequence[ArrayLike]) -> Array:
    """Element by element from the choice whose number stands in `a`."""
    number = asarray(a)
    kind = np.result_type(*[asarray(choice).dtype for choice in choices])
    return select([number == i for i in range(len(choices))], choices, asarray(np.zeros((), kind)))
