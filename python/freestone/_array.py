"""Array: a description of data, not the data."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Union

import numpy as np

from freestone import _core, _runs
from freestone._remote import remote_options
from freestone.errors import UserError

__all__ = ["Array", "asarray", "from_dlpack", "from_numpy", "open"]

Axis = Union[int, Sequence[int], None]

#: The functions of the engine's elementwise table: name -> number of operands.
FUNCTIONS: dict[str, int] = {name: arity for name, _, arity, _ in _core.function_table()}
#: How many of the last operands may be left out.
OPTIONAL: dict[str, int] = {name: optional for name, _, _, optional in _core.function_table()}
#: Other names of functions, the array API's among them: alias -> name.
ALIASES: dict[str, str] = dict(_core.alias_table())


class Array:
    """An array whose elements are read and computed when a result is asked for.

    Made by `freestone.open`, `freestone.from_numpy`, and by operations on arrays. Arithmetic, comparisons, indexing and reductions follow
    NumPy (types as NumPy 2: Python numbers take the array's type). ``compute()`` and ``numpy.asarray`` give NumPy arrays, `write` a file.
    """

    __slots__ = ("_core",)
    __array_priority__ = 100
    __hash__ = object.__hash__

    def __init__(self, core: Any) -> None:
        self._core = core

    # What it is.

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self._core.shape

    @property
    def dtype(self) -> np.dtype:
        """Type of the elements."""
        return np.dtype(self._core.dtype)

    @property
    def real(self) -> Array:
        """The real part; of real numbers the array itself."""
        return apply("real", self)

    @property
    def imag(self) -> Array:
        """The imaginary part; of real numbers 0."""
        return apply("imag", self)

    def conj(self) -> Array:
        """The complex conjugate."""
        return apply("conjugate", self)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._core.shape)

    @property
    def size(self) -> int:
        """Elements in all."""
        return self._core.size

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._core.nbytes

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def chunks(self) -> tuple[int, ...]:
        """Nominal chunk: that of the file, where the axes are still the file's; the whole shape for data without chunks."""
        return self._core.chunks

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        for index in range(len(self)):
            yield self[index]

    def _facts(self) -> list[tuple[str, str]]:
        layout = "contiguous" if self._core.is_contiguous else str(self.chunks)
        return [
            ("shape", str(self.shape)),
            ("dtype", str(self.dtype)),
            ("chunks", layout),
            ("bytes", _core.format_bytes(self.nbytes)),
        ]

    def __repr__(self) -> str:
        return f"<freestone.{type(self).__name__} {', '.join(f'{name}={value}' for name, value in self._facts())}>"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th style='text-align:left'>{name}</th><td>{value}</td></tr>" for name, value in self._facts())
        return f"<table><caption>freestone.Array</caption>{rows}</table>"

    # Results.

    def _freestone_arrays(self) -> list[Any]:
        return [self._core]

    def _freestone_result(self, values: list[np.ndarray]) -> Any:
        return values[0] if values[0].ndim else values[0][()]

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any:
        return _core.file_output(self._core, path, format, overwrite, {}, "{}")

    def compute(self, *, memory: str | int | None = None, threads: int | None = None) -> Any:
        """The elements as a NumPy array, or a scalar when there are no axes. `freestone.compute` does several arrays in one pass."""
        return _runs.compute(self, memory=memory, threads=threads)[0]

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        format: str = "",
        memory: str | int | None = None,
        threads: int | None = None,
        chunks: Sequence[int] | None = None,
        shards: Sequence[int] | None = None,
        compress: str | None = None,
        level: int | None = None,
        zarr_version: int | None = None,
        dims: Sequence[str] | None = None,
        attrs: dict[str, Any] | None = None,
    ) -> None:
        """Writes a file; the format follows the suffix. `freestone.write` writes several in one pass.

        Parameters
        ----------
        path
            ``.fits``, ``.npy`` or ``.zarr``.
        overwrite, format, memory, threads
            As in `freestone.write`.
        chunks, shards : sequence of int, optional
            Zarr: lengths of what is compressed as one piece (default: the array's chunks, else about 4 MiB), and of a file that holds several.
        compress : str, optional
            Zarr: ``"none"``, ``"zstd"``, ``"gzip"``, ``"zlib"``, ``"lz4"``, ``"bz2"``, ``"blosc-lz4"`` (default), ``"blosc-zstd"``...
        level : int, optional
            Zarr: of the compression.
        zarr_version : {3, 2}, optional
        dims : sequence of str, optional
            Zarr: names of the axes.
        attrs : dict, optional
            Attributes: numbers, text, and what JSON holds.
        """
        storage = {"chunks": chunks, "shards": shards, "compress": compress, "level": level, "zarr_version": zarr_version, "dims": dims}
        given = {key: list(value) if key in ("chunks", "shards", "dims") else value for key, value in storage.items() if value is not None}
        output = _core.file_output(self._core, os.fspath(path), format, overwrite, given, json.dumps(attrs) if attrs else "{}")
        _core.write([output], _runs.run_setup(memory=memory, threads=threads))

    def explain(self, *, memory: str | int | None = None, threads: int | None = None) -> str:
        """The plan for computing this array, in words. Nothing is read."""
        return _runs.explain(self, memory=memory, threads=threads)

    def __dlpack__(self, **options: Any) -> Any:
        return np.asarray(self.compute()).__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # the processor

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("A freestone.Array has no elements in memory; they are computed into a new NumPy array.")
        values = np.asarray(self.compute())
        return values if dtype is None else values.astype(dtype, copy=False)

    def item(self) -> Any:
        """The only element, as a Python number."""
        if self.size != 1:
            raise UserError(f"item() of an array of {self.size} elements.")
        return np.asarray(self.compute()).item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise UserError(f"The truth of an array of {self.size} elements is ambiguous. Use any() or all().")
        return bool(self.item())

    # Operators.

    def __add__(self, other: Any) -> Array:
        return apply("add", self, other)

    def __radd__(self, other: Any) -> Array:
        return apply("add", other, self)

    def __sub__(self, other: Any) -> Array:
        return apply("subtract", self, other)

    def __rsub__(self, other: Any) -> Array:
        return apply("subtract", other, self)

    def __mul__(self, other: Any) -> Array:
        return apply("multiply", self, other)

    def __rmul__(self, other: Any) -> Array:
        return apply("multiply", other, self)

    def __truediv__(self, other: Any) -> Array:
        return apply("divide", self, other)

    def __rtruediv__(self, other: Any) -> Array:
        return apply("divide", other, self)

    def __floordiv__(self, other: Any) -> Array:
        return apply("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Array:
        return apply("floor_divide", other, self)

    def __mod__(self, other: Any) -> Array:
        return apply("remainder", self, other)

    def __rmod__(self, other: Any) -> Array:
        return apply("remainder", other, self)

    def __pow__(self, other: Any) -> Array:
        return apply("power", self, other)

    def __rpow__(self, other: Any) -> Array:
        return apply("power", other, self)

    def __and__(self, other: Any) -> Array:
        return apply("bitwise_and", self, other)

    def __rand__(self, other: Any) -> Array:
        return apply("bitwise_and", other, self)

    def __or__(self, other: Any) -> Array:
        return apply("bitwise_or", self, other)

    def __ror__(self, other: Any) -> Array:
        return apply("bitwise_or", other, self)

    def __xor__(self, other: Any) -> Array:
        return apply("bitwise_xor", self, other)

    def __rxor__(self, other: Any) -> Array:
        return apply("bitwise_xor", other, self)

    def __lshift__(self, other: Any) -> Array:
        return apply("left_shift", self, other)

    def __rlshift__(self, other: Any) -> Array:
        return apply("left_shift", other, self)

    def __rshift__(self, other: Any) -> Array:
        return apply("right_shift", self, other)

    def __rrshift__(self, other: Any) -> Array:
        return apply("right_shift", other, self)

    def __divmod__(self, other: Any) -> tuple[Array, Array]:
        return apply("floor_divide", self, other), apply("remainder", self, other)

    def __rdivmod__(self, other: Any) -> tuple[Array, Array]:
        return apply("floor_divide", other, self), apply("remainder", other, self)

    def __eq__(self, other: Any) -> Array:  # type: ignore[override]
        return apply("equal", self, other)

    def __ne__(self, other: Any) -> Array:  # type: ignore[override]
        return apply("not_equal", self, other)

    def __lt__(self, other: Any) -> Array:
        return apply("less", self, other)

    def __le__(self, other: Any) -> Array:
        return apply("less_equal", self, other)

    def __gt__(self, other: Any) -> Array:
        return apply("greater", self, other)

    def __ge__(self, other: Any) -> Array:
        return apply("greater_equal", self, other)

    def __neg__(self) -> Array:
        return apply("negative", self)

    def __pos__(self) -> Array:
        return apply("positive", self)

    def __abs__(self) -> Array:
        return apply("absolute", self)

    def __invert__(self) -> Array:
        return apply("invert", self)

    # NumPy's functions on arrays stay lazy where Freestone has them.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = ALIASES.get(ufunc.__name__, ufunc.__name__)
        if method != "__call__" or kwargs or FUNCTIONS.get(name) != len(inputs):
            return NotImplemented
        return apply(name, *inputs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        import freestone

        name = {"amin": "min", "amax": "max", "round_": "round"}.get(func.__name__, func.__name__)
        mine = getattr(freestone, name, None) if name in freestone.NUMPY_FUNCTIONS else None
        if mine is not None:
            kwargs = {key: value for key, value in kwargs.items() if value is not np._NoValue}
            return mine(*args, **kwargs)
        # Whatever else NumPy has works on computed elements.
        return func(*_computed(args), **_computed(kwargs))

    # Parts and other views.

    def __getitem__(self, key: Any) -> Array:
        keys = list(key) if isinstance(key, tuple) else [key]
        given = sum(1 for k in keys if k is not None and k is not Ellipsis)
        if sum(1 for k in keys if k is Ellipsis) > 1:
            raise IndexError("an index has at most one ellipsis ('...')")
        if given > self.ndim:
            raise IndexError(f"too many indices: the array has {self.ndim} axes, {given} were indexed")
        if Ellipsis not in [k for k in keys if k is Ellipsis]:
            keys.append(Ellipsis)
        slices: list[Any] = []
        new_axes: list[int] = []
        out_axis = 0
        for k in keys:
            if k is None:
                new_axes.append(out_axis)
                out_axis += 1
            elif k is Ellipsis:
                slices += [slice(None)] * (self.ndim - given)
                out_axis += self.ndim - given
            elif isinstance(k, slice):
                slices.append(slice(*(None if part is None else operator.index(part) for part in (k.start, k.stop, k.step))))
                out_axis += 1
            else:
                slices.append(self._position(k, len(slices)))
        result = _core.slice(self._core, slices)
        for axis in new_axes:
            result = _core.expand_dims(result, axis)
        return Array(result)

    def _position(self, key: Any, axis: int) -> int:
        if isinstance(key, (bool, np.bool_)):
            raise IndexError("an index is an integer, a slice, None or '...'; choose elements with where()")
        try:
            position = operator.index(key)
        except TypeError:
            raise IndexError("an index is an integer, a slice, None or '...'; choose elements with where()") from None
        if not -self.shape[axis] <= position < self.shape[axis]:
            raise IndexError(f"index {position} is out of range for axis {axis} of length {self.shape[axis]}")
        return position

    def transpose(self, *axes: Any) -> Array:
        """Axes in another order; without arguments reversed."""
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], Sequence)):
            axes = tuple(axes[0] or ())
        return Array(_core.transpose(self._core, [axis % self.ndim if -self.ndim <= axis < self.ndim else axis for axis in axes]))

    @property
    def T(self) -> Array:
        """The axes reversed."""
        return self.transpose()

    def squeeze(self, axis: Axis = None) -> Array:
        """Without axes of length 1: all of them, or those given."""
        axes = [k for k, n in enumerate(self.shape) if n == 1] if axis is None else axes_of(axis)
        core = self._core
        for k in sorted((axis % max(self.ndim, 1) for axis in axes), reverse=True):
            core = _core.squeeze(core, k)
        return Array(core)

    def astype(self, dtype: Any) -> Array:
        """Elements as another type; floating to integer truncates."""
        return Array(_core.astype(self._core, np.dtype(dtype).name))

    # Reductions.

    def sum(self, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Array:
        """Sum, accumulated in float64. NaN propagates; see `freestone.nansum`."""
        return reduced("sum", self, axis, keepdims, dtype=dtype)

    def prod(self, axis: Axis = None, *, dtype: Any = None, keepdims: bool = False) -> Array:
        """Product."""
        return reduced("prod", self, axis, keepdims, dtype=dtype)

    def mean(self, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """Arithmetic mean."""
        return reduced("mean", self, axis, keepdims)

    def std(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
        """Standard deviation about the mean; the divisor is the count less `ddof`."""
        return reduced("std", self, axis, keepdims, parameters=[float(ddof)])

    def var(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Array:
        """Variance about the mean; the divisor is the count less `ddof`."""
        return reduced("variance", self, axis, keepdims, parameters=[float(ddof)])

    def min(self, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """Least element."""
        return reduced("min", self, axis, keepdims)

    def max(self, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """Greatest element."""
        return reduced("max", self, axis, keepdims)

    def argmin(self, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """Position of the least element: along one axis, or flat over several."""
        return reduced("argmin", self, axis, keepdims)

    def argmax(self, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """Position of the greatest element: along one axis, or flat over several."""
        return reduced("argmax", self, axis, keepdims)

    def any(self, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """Whether any element is not 0."""
        return reduced("any", self, axis, keepdims)

    def all(self, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """Whether all elements are not 0."""
        return reduced("all", self, axis, keepdims)

    def median(self, axis: Axis = None, *, keepdims: bool = False) -> Array:
        """Median; the mean of the two middle values."""
        return selected("median", self, axis, keepdims)

    def clip(self, low: Any, high: Any) -> Array:
        """Elements below `low` become `low`, above `high` become `high`."""
        return apply("clip", self, low, high)

    def round(self) -> Array:
        """The nearest whole numbers, halves to even."""
        return apply("round", self)


def _computed(value: Any) -> Any:
    if isinstance(value, Array):
        return np.asarray(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_computed(part) for part in value)
    if isinstance(value, dict):
        return {key: _computed(part) for key, part in value.items()}
    return value


def open(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    target_chunksize: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Any:
    """Opens a file, a Zarr folder or an image of CASA, on this machine or behind a URL; several files as one dataset.

    Only metadata and coordinates are read; a file compressed by gzip is decompressed.

    Parameters
    ----------
    path
        A file, or a part of one: ``"cube.fits[DATA]"``, ``"cube.fits[1]"``, ``"store.zarr/group/array"``, ``"x.image[mask0]"``. A pattern,
        ``"clim_*.nc"``, or a list of files: what follows each other along the coordinate that differs.
        A URL: ``"https://host/cube.fits"``, ``"s3://bucket/store.zarr"``.
    target_chunksize
        Taken as spectral_cube takes it; neighbouring tiles of a CASA image are read together anyway.
    storage_options
        How a URL is reached, in the words of fsspec and s3fs: ``anon``, ``key``, ``secret``, ``token``, ``profile``, ``endpoint_url``, ``requester_pays``,
        ``client_kwargs`` (``endpoint_url``, ``region_name``, ``headers``), ``config_kwargs`` (``s3``: ``addressing_style``), ``headers``, ``timeout``,
        ``retries``. Without them the environment says it (``AWS_ACCESS_KEY_ID``, ``AWS_PROFILE``, ``FREESTONE_REMOTE_TIMEOUT`` ...).

    Returns
    -------
    Array or Dataset
        A file with named variables gives a `Dataset`, everything else an `Array`.
    """
    from freestone._dataset import Dataset

    paths = [path] if isinstance(path, (str, os.PathLike)) else path
    opened = _core.open([os.fspath(p) for p in paths], remote_options(storage_options))
    return Array(opened) if isinstance(opened, _core.Array) else Dataset(opened)


def from_numpy(values: Any) -> Array:
    """An `Array` over a NumPy array's memory, which is not copied when it lies in C order and native byte order."""
    values = np.asarray(values)
    if not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    if values.dtype.kind not in "biufc" or values.dtype.itemsize > (16 if values.dtype.kind == "c" else 8) or values.dtype == np.float16:
        raise UserError(f"Freestone computes with bool, integers, float32, float64, complex64 and complex128, not {values.dtype}. Convert the array first (astype).")
    # ascontiguousarray would give an array without axes one.
    return Array(_core.from_numpy(values if values.flags.c_contiguous else np.ascontiguousarray(values)))


def from_dlpack(value: Any) -> Array:
    """An `Array` over the memory of another library's tensor (``__dlpack__``), as `from_numpy`. Raises UserError for one on a device."""
    if isinstance(value, Array):
        return value
    if not hasattr(value, "__dlpack__"):
        raise UserError(f"from_dlpack: {type(value).__name__} has no __dlpack__.")
    if value.__dlpack_device__()[0] not in (1, 3):  # kDLCPU, kDLCUDAHost
        raise UserError(f"from_dlpack: the {type(value).__name__} lies on a device, not in this computer's memory. Copy it there first.")
    return from_numpy(np.from_dlpack(value))


def asarray(value: Any) -> Array:
    """`value` as an `Array`: itself, or over the memory of a NumPy array, of a tensor (``__dlpack__``), or of what NumPy makes of it."""
    if isinstance(value, Array):
        return value
    return from_dlpack(value) if hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray) else from_numpy(value)


def _operand(value: Any) -> Any:
    if isinstance(value, Array):
        return value._core
    # Python's numbers are weak, NumPy's are arrays without axes (np.float64 is both: NumPy 2 treats it as its own).
    if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, (np.ndarray, np.generic, list, tuple)):
        return from_numpy(value)._core
    return None


def apply(name: str, *values: Any) -> Array:
    """The function `name` of the elementwise table; NotImplemented for values that are neither arrays nor numbers."""
    operands = [_operand(value) for value in values]
    if any(operand is None for operand in operands):
        return NotImplemented
    if not any(isinstance(operand, _core.Array) for operand in operands):
        operands[0] = from_numpy(values[0])._core
    return Array(_core.elementwise(name, *operands))


def axes_of(axis: Axis) -> list[int]:
    """`axis` as the engine has it: a list, empty for all."""
    if axis is None:
        return []
    if isinstance(axis, Sequence):
        if len(axis) == 0:
            raise UserError("axis=() reduces nothing. Give an axis, several, or None for all.")
        return [operator.index(k) for k in axis]
    return [operator.index(axis)]


def reduced(name: str, a: Any, axis: Axis, keepdims: bool, *, skip_nan: bool = False, parameters: Sequence[float] = (), dtype: Any = None) -> Array:
    """The reduction `name`."""
    type_name = "" if dtype is None else np.dtype(dtype).name
    return Array(_core.reduce(name, asarray(a)._core, axes_of(axis), skip_nan, bool(keepdims), list(parameters), type_name))


def selected(name: str, a: Any, axis: Axis, keepdims: bool, *, skip_nan: bool = False, q: float = 50.0) -> Array:
    """The order statistic `name`."""
    array = asarray(a)
    axes = axes_of(axis)
    core = _core.select(name, array._core, float(q), axes, skip_nan)
    if keepdims:
        for k in sorted(k % array.ndim for k in axes) if axes else range(array.ndim):
            core = _core.expand_dims(core, k)
    return Array(core)
