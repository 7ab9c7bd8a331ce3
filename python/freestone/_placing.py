"""Functions of NumPy that write into an array: a lazy one stands for the new array afterwards, others made from it stay as they were."""

from __future__ import annotations

from typing import Any

import numpy as np

from freestone._array import Array, ArrayLike, apply, asarray
from freestone._composed import resize
from freestone._indexing import _positions
from freestone.errors import UserError

__all__ = ["copyto", "fill_diagonal", "place", "put", "putmask"]


def _target(name: str, array: Any) -> Array:
    if not isinstance(array, Array):
        raise UserError(f"{name} writes into an Array, not {type(array).__name__}. NumPy's function writes into NumPy's arrays.")
    return array


def copyto(dst: Array, src: ArrayLike, casting: str = "same_kind", where: ArrayLike = True) -> None:
    """``dst[...] = src`` where `where` is true: `dst` stands for the new array afterwards.

    Parameters
    ----------
    dst : Array
    src : array_like
        Broadcasts to `dst`.
    casting : str
        Which changes of type are allowed, NumPy's names.
    where : array_like of bool
        Broadcasts to `dst`.

    Raises
    ------
    TypeError
        The type of `src` does not become that of `dst` by that rule.
    """
    array = _target("copyto", dst)
    weak = isinstance(src, (bool, int, float, complex)) and not isinstance(src, np.generic)
    if not weak and not np.can_cast(asarray(src).dtype, array.dtype, casting):  # type: ignore[arg-type]
        raise TypeError(f"copyto: {asarray(src).dtype} does not become {array.dtype} by the rule '{casting}'")
    if where is True:
        array[...] = src
        return
    after = array.copy()
    after[...] = src
    array._core = array._rebound(apply("where", asarray(where).astype(np.bool_), after, array))._core


def putmask(a: Array, mask: ArrayLike, values: ArrayLike) -> None:
    """``a.flat[n] = values[n]`` where `mask` is true, `values` repeated as often as it takes: `a` stands for the new array afterwards.

    Parameters
    ----------
    a : Array
    mask : array_like of bool
        Of the shape of `a`.
    values : array_like
    """
    array, chosen, given = _target("putmask", a), asarray(mask).astype(np.bool_), asarray(values).ravel()
    if chosen.shape != array.shape:
        raise ValueError(f"putmask: a mask of shape {chosen.shape} for an array of shape {array.shape}")
    if given.size == 0 or array.size == 0:
        return
    whole = given.astype(array.dtype)
    if whole.size > 1:
        whole = resize(whole, array.shape)
    else:
        whole = whole.reshape((1,) * array.ndim)
    array._core = array._rebound(apply("where", chosen, whole, array))._core


def place(arr: Array, mask: ArrayLike, vals: ArrayLike) -> None:
    """The elements where `mask` is true become `vals`, in order and repeated: `arr` stands for the new array afterwards.

    Parameters
    ----------
    arr : Array
    mask : array_like of bool
        As many elements as `arr`.
    vals : array_like, 1-D
    """
    array, chosen, given = _target("place", arr), asarray(mask).astype(np.bool_), asarray(vals).ravel()
    if chosen.size != array.size:
        raise ValueError(f"place: a mask of {chosen.size} elements for an array of {array.size}")
    chosen = chosen.reshape(array.shape)
    count = int(chosen.sum())
    if count == 0:
        return
    if given.size == 0:
        raise ValueError("place: there are no values")
    if given.size == 1:
        array[chosen] = given
        return
    array[chosen] = resize(given, count)


def put(a: Array, ind: ArrayLike, v: ArrayLike, mode: str = "raise") -> None:
    """``a.flat[ind] = v``, `v` repeated: `a` stands for the new array afterwards.

    Parameters
    ----------
    a : Array
    ind : array_like of int
        Positions in the flat array. Computed if it is lazy.
    v : array_like
    mode : {"raise", "wrap", "clip"}
        What positions beyond the array do.
    """
    array, places, given = _target("put", a), _positions(ind, "put").ravel(), np.asarray(v).ravel()
    if mode not in ("raise", "wrap", "clip"):
        raise UserError(f"put: mode is 'raise', 'wrap' or 'clip', not '{mode}'.")
    if places.size == 0 or given.size == 0:
        return
    if mode == "wrap" and array.size:
        places = places % array.size
    elif mode == "clip":
        places = np.clip(places, 0, array.size - 1)
    flat = array.ravel()
    flat[places] = np.resize(given, places.size)
    array._core = array._rebound(flat.reshape(array.shape))._core


def fill_diagonal(a: Array, val: ArrayLike, wrap: bool = False) -> None:
    """The main diagonal becomes `val`, repeated: `a` stands for the new array afterwards.

    Parameters
    ----------
    a : Array
        Two axes; or more, all of one length.
    val : array_like
    wrap : bool
        The diagonal of a tall matrix begins again after each square.
    """
    array = _target("fill_diagonal", a)
    if array.ndim < 2:
        raise ValueError("fill_diagonal: the array has at least two axes")
    if array.ndim == 2:
        step = array.shape[1] + 1
        end = array.size if wrap else min(array.size, array.shape[1] * array.shape[1])
    else:
        if len(set(array.shape)) != 1:
            raise ValueError("fill_diagonal: all axes have one length")
        step = 1 + sum(int(np.prod(array.shape[k:])) for k in range(1, array.ndim))
        end = array.size
    put(array, np.arange(0, end, step), val)
