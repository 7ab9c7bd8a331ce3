"""Compiled functions by their address: numba's ``cfunc`` and ``njit``, ctypes, cffi, Cython's capsules. They run without the GIL.

How one is called follows from its C signature, with pointers to each input's block, then to each output's, in C order:

``void f(const T* in, ..., U* out, ..., int64_t n)``
    Blocks of n elements.
``void f(const T* in, ..., U* out, ..., int64_t n0, int64_t n1, ...)``
    The lengths of the first input's block, its halo included.
``T f(T)``, ``T f(T, T)``, ``T f(T, T, T)``
    Every element by itself; all of one type: float, double, int32 or int64.

A function of ``numba.njit`` is wrapped: it gets arrays, and gives one or, when it has a parameter for it, fills the output's.
"""

from __future__ import annotations

import ctypes
import functools
import re
import sys
from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from freestone.errors import UserError

__all__ = ["built", "find", "portable"]

#: An argument of a compiled function: "pointer", or the dtype of a number.
_Argument = Any

_C_TYPES = {
    "float": "float32", "double": "float64", "int": "int32", "long": "int64", "long long": "int64", "Py_ssize_t": "int64", "ssize_t": "int64",
    "int64_t": "int64", "int32_t": "int32", "intptr_t": "int64", "npy_intp": "int64", "npy_int64": "int64", "__pyx_t_5numpy_int64_t": "int64",
    "size_t": "int64", "signed long": "int64", "unsigned long": "int64", "void": "void", "bool": "bool", "char": "int8",
}  # fmt: skip


#: The base of ctypes' functions, which has no public name.
_C_FUNCTION: Any = ctypes.CFUNCTYPE(None).__mro__[1]


def find(
    function: Any, inputs: Sequence[np.dtype[Any]], ranks: Sequence[int], outputs: Sequence[np.dtype[Any]], out_ranks: Sequence[int], loops: int
) -> tuple[int, str, Any] | None:
    """The address, how it is called, and what keeps it alive; None when `function` is not compiled.

    Raises
    ------
    UserError
        A signature that fits no way of calling, or not these arrays.
    """
    numba = sys.modules.get("numba")
    if numba is not None and hasattr(function, "py_func") and hasattr(function, "nopython_signatures"):
        wrapper = _wrapped(function, tuple(d.name for d in inputs), tuple(ranks), tuple(d.name for d in outputs), tuple(out_ranks), loops)
        return int(wrapper.address), "arrays", wrapper
    known = _address_and_types(function)
    if known is None:
        return None
    address, result, arguments = known
    convention = _convention(result, arguments, len(inputs), len(outputs), ranks[0])
    if convention is None:
        raise UserError(
            f"The compiled function {result}({', '.join(str(a) for a in arguments)}) is called in none of the ways that Freestone knows: one pointer "
            f"for each of {len(inputs)} inputs and {len(outputs)} outputs, then one length or {ranks[0]}; or numbers of one type only."
        )
    if convention == "scalar":
        types = {d.name for d in (*inputs, *outputs)}
        if types != {result}:
            raise UserError(f"The compiled function computes {result}; the arrays are {', '.join(sorted(types))}. Convert them (astype), and give dtype='{result}'.")
    else:
        for given, array in zip(arguments, (*inputs, *outputs)):
            if given not in ("void*", f"{array.name}*"):
                raise UserError(f"The compiled function takes {given}, an array is {array.name}. Convert it (astype), or give dtype=.")
    return address, convention, function


class _Source:
    """A function of numba's ``cfunc`` in other processes: what it is compiled of."""

    def __init__(self, function: Any) -> None:
        compiler = function._compiler
        self.function, self.signature = function._pyfunc, function._sig
        self.locals, self.options = dict(compiler.locals), {key: value for key, value in compiler.targetoptions.items() if key != "nopython"}

    def compiled(self) -> Any:
        import numba

        return numba.cfunc(self.signature, locals=self.locals, **self.options)(self.function)


def portable(function: Any) -> Any:
    """What can be pickled and gives the compiled function again, by `built`.

    Raises
    ------
    UserError
        It is machine code in the memory of this process, and nothing else.
    """
    if hasattr(function, "py_func") and hasattr(function, "nopython_signatures"):
        return function
    if hasattr(function, "address") and hasattr(function, "_sig"):
        return _Source(function)
    raise UserError(f"it is compiled code in the memory of this process ({type(function).__name__}). Those of numba (njit, cfunc) can go.")


def built(function: Any) -> Any:
    """The compiled function of what `portable` gave."""
    return function.compiled() if isinstance(function, _Source) else function


def _convention(result: str, arguments: Sequence[str], inputs: int, outputs: int, rank: int) -> str | None:
    pointers = inputs + outputs
    if result == "void" and all(a.endswith("*") for a in arguments[:pointers]) and all(a == "int64" for a in arguments[pointers:]):
        numbers = len(arguments) - pointers
        if numbers == 1:
            return "size"
        if numbers == rank:
            return "shape"
    if outputs == 1 and len(arguments) == inputs and set(arguments) == {result} and not result.endswith("*"):
        return "scalar"
    return None


def _address_and_types(function: Any) -> tuple[int, str, list[str]] | None:
    if isinstance(function, _C_FUNCTION):
        return _of_ctypes(function)
    if type(function).__name__ == "PyCapsule":
        return _of_capsule(function)
    if type(function).__module__ == "_cffi_backend" and "CData" in type(function).__name__:
        return _of_cffi(function)
    if hasattr(function, "address") and hasattr(function, "_sig"):  # numba.cfunc
        signature = function._sig
        return int(function.address), _numba_type(signature.return_type), [_numba_type(a) for a in signature.args]
    return None


def _numba_type(kind: Any) -> str:
    text = str(kind)
    if text in ("none", "void"):
        return "void"
    pointer = re.fullmatch(r"\*?(\w+)\*?", text)
    name = {"intp": "int64", "uint64": "int64", "i64": "int64"}.get(pointer.group(1), pointer.group(1)) if pointer else text
    return name + "*" if "*" in text and name != "void" else "void*" if "*" in text else name


def _of_ctypes(function: Any) -> tuple[int, str, list[str]]:
    if not function.argtypes:
        raise UserError("A ctypes function needs argtypes (and restype), which say how it is called.")

    def name(kind: Any) -> str:
        if kind is None:
            return "void"
        if kind is ctypes.c_void_p:
            return "void*"
        if isinstance(kind, type) and issubclass(kind, ctypes._Pointer):
            return np.dtype(cast(Any, kind)._type_).name + "*"
        return np.dtype(kind).name

    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    return address, name(function.restype), [name(kind) for kind in function.argtypes]


def _c_type(text: str) -> str:
    words = [word for word in text.replace("*", " * ").split() if word not in ("const", "restrict", "volatile")]
    stars = words.count("*")
    base = " ".join(word for word in words if word != "*")
    known = _C_TYPES.get(base, base)
    return known + "*" * stars


def _of_capsule(capsule: Any) -> tuple[int, str, list[str]]:
    """Cython's ``__pyx_capi__``: the capsule's name is the C signature."""
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    name = get_name(capsule)
    found = re.fullmatch(r"\s*(.*?)\s*\(([^()]*)\)\s*", (name or b"").decode())
    if found is None:
        raise UserError(f"The capsule's name {name!r} is no C signature such as 'void (float *, float *, Py_ssize_t)'.")
    arguments = [_c_type(part) for part in found.group(2).split(",")]
    return int(get_pointer(capsule, name) or 0), _c_type(found.group(1)), arguments


def _of_cffi(function: Any) -> tuple[int, str, list[str]]:
    backend: Any = sys.modules["_cffi_backend"]
    kind = backend.typeof(function)
    if kind.kind != "function":
        raise UserError(f"{kind.cname} is no function pointer.")
    address = int(backend.cast(backend.new_primitive_type("intptr_t"), function))
    return address, _c_type(kind.result.cname), [_c_type(a.cname) for a in kind.args]


@functools.lru_cache(maxsize=256)
def _wrapped(function: Any, inputs: tuple[str, ...], ranks: tuple[int, ...], outputs: tuple[str, ...], out_ranks: tuple[int, ...], loops: int) -> Any:
    """A C function around one of njit: pointers and lengths become arrays."""
    numba: Any = sys.modules["numba"]
    fills = function.py_func.__code__.co_argcount == len(inputs) + len(outputs)
    lines = ["def call(ins, outs, numbers):"]
    at = 0
    names: dict[str, list[str]] = {"ins": [], "outs": []}
    for side, types, dimensions in (("ins", inputs, ranks), ("outs", outputs, out_ranks)):
        for number, (dtype, rank) in enumerate(zip(types, dimensions)):
            shape = "".join(f"numbers[{at + k}], " for k in range(rank))
            at += rank
            name = f"{side}{number}"
            lines.append(f"    {name} = carray({side}[{number}], ({shape}), {dtype})")
            names[side].append(name)
    if fills:
        lines.append(f"    function({', '.join(names['ins'] + names['outs'])})")
    else:
        results = [f"made{k}" for k in range(len(outputs))]
        lines.append(f"    {', '.join(results)} = function({', '.join(names['ins'])})")
        for name, made, rank in zip(names["outs"], results, out_ranks):
            if rank == 0:
                lines.append(f"    {name}[()] = {made}")
                continue
            # What has the halo still is cut to the block.
            starts = [f"numbers[{at + k}]" if k < loops else "0" for k in range(rank)]
            cut = ", ".join(f"{start}:{start} + {name}.shape[{k}]" for k, start in enumerate(starts))
            lines.append(f"    if {made}.shape == {name}.shape:")
            lines.append(f"        {name}[...] = {made}")
            lines.append("    else:")
            lines.append(f"        {name}[...] = {made}[{cut}]")
    scope: dict[str, Any] = {"carray": numba.carray, "function": function, **{name: getattr(np, name if name != "bool" else "bool_") for name in {*inputs, *outputs}}}
    if "bool" in scope:
        scope["bool"] = np.bool_
    exec("\n".join(lines), scope)
    types = numba.types
    pointers = types.CPointer(types.voidptr)
    try:
        return numba.cfunc(types.void(pointers, pointers, types.CPointer(types.int64)), nopython=True)(scope["call"])
    except numba.core.errors.NumbaError as error:
        raise UserError(f"numba cannot compile {function.__name__} for these arrays: {error}") from error
