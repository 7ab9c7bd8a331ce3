"""NumPy's functions and ufuncs on arrays: lazy where Freestone has them, on computed elements elsewhere."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import ALIASES, FUNCTIONS, Array, apply, asarray, operand

#: NumPy's functions that have another name here.
_OTHER_NAMES = {"round_": "round", "amin": "min", "amax": "max", "absolute": "abs"}
#: Functions of the same name with another meaning, or that ask about objects.
_NOT_OURS = {"array_equal", "allclose", "convolve", "result_type", "can_cast", "may_share_memory", "shares_memory", "min_scalar_type"}

_REDUCE = {
    "add": "sum", "multiply": "prod", "minimum": "min", "maximum": "max", "logical_and": "all", "logical_or": "any",
}  # fmt: skip
_ACCUMULATE = {"add": "cumsum", "multiply": "cumprod", "maximum": "cummax", "minimum": "cummin"}


@functools.cache
def _table() -> dict[Any, Callable[..., Any]]:
    """NumPy's function -> ours."""
    import freestone
    from freestone import fft, linalg

    table: dict[Any, Callable[..., Any]] = {}
    for theirs, ours in ((np, freestone), (np.linalg, linalg), (np.fft, fft)):
        for name in dir(theirs):
            function = getattr(theirs, name)
            mine = getattr(ours, _OTHER_NAMES.get(name, name), None)
            if name in _NOT_OURS or not callable(mine) or isinstance(function, (type, np.ufunc)) or not hasattr(function, "__wrapped__"):
                continue
            # An alias (permute_dims is transpose) does not decide which of ours is meant.
            if function.__name__ == name or function not in table:
                table[function] = mine
    table[np.linalg.diagonal], table[np.linalg.trace] = linalg.diagonal, linalg.trace
    table[np.shape] = lambda a: a.shape
    table[np.ndim] = lambda a: a.ndim
    table[np.size] = lambda a, axis=None: a.size if axis is None else a.shape[axis]
    table[np.iscomplexobj] = lambda x: asarray(x).dtype.kind == "c"
    table[np.isrealobj] = lambda x: asarray(x).dtype.kind != "c"
    table[np.copy] = lambda a, **_: a.copy()
    return table


def _numpy(value: Any) -> Any:
    """`value` with elements in place of arrays."""
    if isinstance(value, Array):
        return np.asarray(value.compute())
    if type(value) in (list, tuple):
        return type(value)(_numpy(part) for part in value)
    if type(value) is dict:
        return {key: _numpy(part) for key, part in value.items()}
    return value


def _takes(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether our function has these parameters."""
    try:
        _signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    return True


@functools.cache
def _signature(function: Callable[..., Any]) -> Any:
    import inspect

    return inspect.signature(function)


def call_function(func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """What ``__array_function__`` gives."""
    given = {key: value for key, value in kwargs.items() if value is not np._NoValue and not (key in ("out", "where") and value is None)}
    mine = _table().get(func)
    if mine is not None and _takes(mine, args, given):
        return mine(*args, **given)
    if isinstance(given.get("out"), Array):
        raise TypeError(f"numpy.{func.__name__} cannot write into an array that is lazy; leave out= away")
    # Whatever else NumPy has works on computed elements.
    return func(*_numpy(args), **_numpy(given))


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``__array_ufunc__`` gives."""
    import freestone

    given = {key: value for key, value in kwargs.items() if not (key == "where" and value is True)}
    called = str(ufunc.__name__)
    name = ALIASES.get(called, called)
    if "out" in given:
        return _into(ufunc, method, inputs, given)
    dtype = given.pop("dtype", None)
    if method == "__call__" and not given:
        if FUNCTIONS.get(name) == len(inputs):
            result = apply(name, *inputs)
        elif ufunc.__name__ in ("divmod", "frexp", "modf"):
            return getattr(freestone, ufunc.__name__)(*inputs)
        elif ufunc.__name__ in ("matmul", "vecdot"):
            result = getattr(freestone, ufunc.__name__)(*inputs) if all(operand(value) is not None for value in inputs) else NotImplemented
        elif ufunc.signature is not None:
            result = freestone.apply_gufunc(ufunc, ufunc.signature, *inputs)
        else:
            return getattr(ufunc, method)(*_numpy(inputs), **({} if dtype is None else {"dtype": dtype}))
        return result if dtype is None or result is NotImplemented else result.astype(dtype)
    if method == "__call__" and ufunc.signature is not None and set(given) <= {"axis", "axes"} and all(operand(value) is not None for value in inputs):
        # Functions of core axes, such as numba's guvectorize makes: block by block.
        return freestone.apply_gufunc(ufunc, ufunc.signature, *inputs, **given)
    if method == "reduce" and name in _REDUCE and set(given) <= {"axis", "keepdims"} and len(inputs) == 1:
        if dtype is not None and name in ("add", "multiply"):
            given["dtype"] = dtype
        return getattr(freestone, _REDUCE[name])(inputs[0], given.pop("axis", 0), **given)
    if method == "accumulate" and name in _ACCUMULATE and set(given) <= {"axis"} and len(inputs) == 1:
        result = getattr(freestone, _ACCUMULATE[name])(inputs[0], given.get("axis", 0))
        return result if dtype is None else result.astype(dtype)
    if method == "outer" and FUNCTIONS.get(name) == 2 and not given:
        first, second = (asarray(value) for value in inputs)
        return apply(name, Array(_core.reshape(first._core, [*first.shape, *([1] * second.ndim)])), second)
    if dtype is not None:
        given["dtype"] = dtype
    return getattr(ufunc, method)(*_numpy(inputs), **_numpy(given))


def _into(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``out=``: an array that is lazy stands for the result afterwards; a NumPy array is filled."""
    targets = kwargs.pop("out")
    if any(isinstance(target, Array) for target in targets):
        result = getattr(ufunc, method)(*inputs, **kwargs)
        results = result if isinstance(result, tuple) else (result,)
        for target, made in zip(targets, results):
            if not isinstance(target, Array):
                raise TypeError("out= has NumPy arrays and arrays that are lazy")
            target._core = target._rebound(asarray(made))._core
        return targets[0] if len(targets) == 1 else targets
    return getattr(ufunc, method)(*_numpy(inputs), out=targets, **_numpy(kwargs))
