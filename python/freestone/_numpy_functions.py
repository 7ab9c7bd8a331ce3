"""NumPy's functions and ufuncs on arrays: lazy where Freestone has them, on computed elements elsewhere."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import ALIASES, FUNCTIONS, Array, apply, asarray, operand
from freestone._dtypes import DTYPES

#: NumPy's functions that have another name here.
_OTHER_NAMES = {"round_": "round", "amin": "min", "amax": "max", "absolute": "abs"}
#: Functions of the same name with another meaning, or that ask about objects.
_NOT_OURS = {"array_equal", "allclose", "convolve", "result_type", "can_cast", "may_share_memory", "shares_memory", "min_scalar_type"}

#: Functions that make arrays, and make ours where ``like=`` is one.
_CREATING = ("arange", "array", "asarray", "asanyarray", "empty", "eye", "full", "identity", "ones", "tri", "zeros")
#: Functions that write into an array, which stands for the result afterwards.
_WRITING = ("copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask")

_REDUCE = {
    "add": "sum", "multiply": "prod", "minimum": "min", "maximum": "max", "logical_and": "all", "logical_or": "any",
}  # fmt: skip
#: Arguments of ufuncs that change nothing here.
_USUAL = {"where": (True,), "casting": ("same_kind",), "order": ("K", "C", "A", "F"), "subok": (True, False)}
_ACCUMULATE = {"add": "cumsum", "multiply": "cumprod", "maximum": "cummax", "minimum": "cummin"}


@functools.cache
def _table() -> dict[Any, Callable[..., Any]]:
    """NumPy's function -> ours."""
    import freestone
    from freestone import fft, lib, linalg

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
    table[np.copy] = lambda a: asarray(a).copy()
    for name in _CREATING:
        table[getattr(np, name)] = getattr(freestone, name)
    for name in _WRITING:
        table[getattr(np, name)] = getattr(freestone, name)
    table[np.nan_to_num] = _nan_to_num
    table[np.lib.stride_tricks.sliding_window_view] = lib.stride_tricks.sliding_window_view
    table[np.convolve] = lambda a, v, mode="full": freestone.convolve(a, v, mode=mode)
    return table


def is_ours(function: Any) -> bool:
    """Whether it is a function of ours, or one of NumPy's that we have."""
    return str(getattr(function, "__module__", "")).split(".")[0] == "freestone" or function in _table()


def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """As ours, and as NumPy's without a copy: the array stands for the result afterwards."""
    import freestone

    result = freestone.nan_to_num(x, nan, posinf, neginf)
    if not copy and isinstance(x, Array):
        x._core = result._core
    return result


def _numpy(value: Any) -> Any:
    """`value` with elements in place of arrays."""
    if isinstance(value, Array):
        return np.asarray(value.compute())
    if type(value) in (list, tuple):
        return type(value)(_numpy(part) for part in value)
    if type(value) is dict:
        return {key: _numpy(part) for key, part in value.items()}
    return value


#: NumPy's parameters that mean nothing to an array that is described: its elements have no order in memory, no class and no memory to spare.
_MEANINGLESS = {"order", "subok", "overwrite_input", "kind", "like", "assume_unique", "hermitian"}
#: NumPy's names of parameters that have another name here.
_OTHER_PARAMETERS = {"a_min": "min", "a_max": "max"}


@functools.cache
def _parameters(function: Callable[..., Any]) -> Any:
    """The parameters of a function by name, and what binds arguments to them; None for one that does not tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    return signature, signature.parameters


@functools.cache
def _named(function: Callable[..., Any]) -> frozenset[str]:
    """The parameters that a function takes by name, where it takes one by position; none otherwise."""
    known = _parameters(function)
    places = [] if known is None else list(known[1].values())
    if not places or places[0].kind is places[0].VAR_POSITIONAL or any(p.default is p.empty and p.kind < p.VAR_POSITIONAL for p in places[1:]):
        return frozenset()
    return frozenset(p.name for p in places if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))


def _translated(
    theirs: Callable[..., Any], ours: Callable[..., Any], args: Any, kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]] | None:
    """Arguments that NumPy's function was called with as our function takes them; None where it has no such parameter."""
    given, mine = _parameters(theirs), _parameters(ours)
    if given is None or mine is None:
        return None if mine is None or not _binds(mine[0], args, kwargs) else (list(args), kwargs)
    try:
        bound = given[0].bind(*args, **kwargs).arguments
    except TypeError:
        return None
    places, takes = list(mine[1].values()), mine[1]
    first: dict[int, Any] = {}
    rest: list[Any] = []
    named: dict[str, Any] = {}
    for place, (name, parameter) in enumerate(given[1].items()):
        if name not in bound:
            continue
        value = bound[name]
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = list(value)
        elif parameter.kind is parameter.VAR_KEYWORD:
            named.update(value)
        elif value is np._NoValue or (name in ("out", "where") and value is None) or name in _MEANINGLESS and name not in takes:
            continue
        elif (other := _OTHER_PARAMETERS.get(name, name)) in takes and takes[other].kind is not parameter.POSITIONAL_ONLY:
            named[other] = value
        elif place < len(places) and places[place].kind is parameter.POSITIONAL_ONLY:
            first[place] = value
        elif name == "casting":
            if value not in ("same_kind", "unsafe"):
                return None
        elif not _is_default(value, parameter.default):
            return None
    leading = [first[place] for place in sorted(first)]
    if sorted(first) != list(range(len(first))):
        return None
    if rest:  # what stands before *args goes by position
        for parameter in places[len(leading) :]:
            if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD or parameter.name not in named:
                break
            leading.append(named.pop(parameter.name))
    return (leading + rest, named) if _binds(mine[0], leading + rest, named) else None


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (isinstance(value, (bool, int, float, str)) and type(value) is type(default) and bool(value == default))


def _binds(signature: inspect.Signature, args: Any, kwargs: dict[str, Any]) -> bool:
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return False
    return True


def call_function(func: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    """What ``__array_function__`` gives."""
    given = {key: value for key, value in kwargs.items() if value is not np._NoValue and not (key in ("out", "where") and value is None)}
    mine = _table().get(func)
    if func.__name__ in _WRITING and args and not isinstance(args[0], Array):
        mine = None  # into memory of NumPy's
    if mine is not None and len(args) == 1 and given.keys() <= _named(mine):
        return mine(args[0], **given)  # nothing to translate
    if mine is not None:
        translated = _translated(func, mine, args, given)
        if translated is not None:
            return mine(*translated[0], **translated[1])
    if isinstance(given.get("out"), Array):
        raise TypeError(f"numpy.{func.__name__} cannot write into an array that is lazy; leave out= away")
    # Whatever else NumPy has works on computed elements.
    return func(*_numpy(args), **_numpy(given))


class _OfArrays:
    """A ufunc of its arrays alone: its other arguments are known."""

    __slots__ = ("ufunc", "inputs", "options")

    def __init__(self, ufunc: Any, inputs: list[Any], options: dict[str, Any]) -> None:
        self.ufunc, self.inputs, self.options = ufunc, inputs, options

    def __call__(self, *blocks: Any) -> Any:
        rest = iter(blocks)
        return self.ufunc(*(next(rest) if value is None else value for value in self.inputs), **self.options)


def _by_blocks(ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A ufunc that is not NumPy's (of scipy, or by ``numba.vectorize``): lazy, and called on parts of arrays, without the GIL while it computes.

    What gives objects, or elements of another type that the engine does not have, is called now and on the whole.
    """
    from freestone._along import apply_gufunc
    from freestone._user import map_blocks

    if any(operand(value) is None for value in inputs):
        return NotImplemented
    # Numbers stay what they are: Python's are weak.
    places = [not isinstance(value, (bool, int, float, complex, np.generic)) for value in inputs]
    arrays = [asarray(value) for value, is_array in zip(inputs, places) if is_array]
    one = _OfArrays(ufunc, [None if is_array else value for value, is_array in zip(inputs, places)], options)
    with np.errstate(all="ignore"):
        made = one(*(np.ones((1,) * a.ndim, a.dtype) for a in arrays))
    dtypes = [np.asarray(part).dtype for part in (made if isinstance(made, tuple) else (made,))]
    if any(dtype.name not in DTYPES for dtype in dtypes):
        return ufunc(*_numpy(inputs), **options)
    if len(dtypes) == 1:
        return map_blocks(one, *arrays, dtype=dtypes[0], elementwise=True, name=str(ufunc.__name__))
    none = ",".join(["()"] * len(arrays)), ",".join(["()"] * len(dtypes))
    return apply_gufunc(one, f"{none[0]}->{none[1]}", *arrays, output_dtypes=dtypes, name=str(ufunc.__name__))


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What ``__array_ufunc__`` gives."""
    import freestone

    given = {key: value for key, value in kwargs.items() if not (key in _USUAL and type(value) in (bool, str) and value in _USUAL[key])}
    called = str(ufunc.__name__)
    if getattr(np, called, None) is not ufunc:
        called = ""  # of somebody else, whatever its name
    name = ALIASES.get(called, called)
    if "out" in given:
        return _into(ufunc, method, inputs, given)
    dtype = given.pop("dtype", None)
    if method == "__call__" and not given:
        if FUNCTIONS.get(name) == len(inputs):
            result = apply(name, *inputs)
        elif called in ("divmod", "frexp", "modf", "spacing"):
            return getattr(freestone, called)(*inputs)
        elif called in ("matmul", "vecdot"):
            result = getattr(freestone, called)(*inputs) if all(operand(value) is not None for value in inputs) else NotImplemented
        elif ufunc.signature is not None:
            result = freestone.apply_gufunc(ufunc, ufunc.signature, *inputs)
        else:
            return _by_blocks(ufunc, inputs, {} if dtype is None else {"dtype": dtype})
        return result if dtype is None or result is NotImplemented else result.astype(dtype)
    if method == "__call__" and ufunc.signature is not None and set(given) <= {"axis", "axes"} and all(operand(value) is not None for value in inputs):
        # Functions of core axes, such as numba's guvectorize makes: block by block.
        return freestone.apply_gufunc(ufunc, ufunc.signature, *inputs, **given)
    reduction = getattr(freestone, _REDUCE[name]) if method == "reduce" and name in _REDUCE and len(inputs) == 1 else None
    if reduction is not None and _binds(_parameters(reduction)[0], inputs, given):
        if dtype is not None and name in ("add", "multiply"):
            given["dtype"] = dtype
        return reduction(inputs[0], given.pop("axis", 0), **given)
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
