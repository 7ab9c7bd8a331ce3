"""Array: a description of data, not the data."""

from __future__ import annotations

import builtins
import functools
import operator
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Union, cast

import numpy as np

from freestone import _core, _dask, _methods, _operators, _runs
from freestone._dtypes import DTYPES, DTypeLike, dtype_of
from freestone.errors import UserError

__all__ = ["Array"]

Axis = Union[int, Sequence[int], None]
#: What becomes an array: arrays, NumPy arrays, numbers, nested sequences, tensors of other libraries.
ArrayLike = Any

#: The functions of the engine's elementwise table: name -> number of operands.
FUNCTIONS: dict[str, int] = {name: arity for name, _, arity, _ in _core.function_table()}
#: How many of the last operands may be left out.
OPTIONAL: dict[str, int] = {name: optional for name, _, _, optional in _core.function_table()}
#: Other names of functions, the array API's among them: alias -> name.
ALIASES: dict[str, str] = dict(_core.alias_table())

_API_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")


class Array(_operators.Operators, _methods.Methods, _dask.DaskArray):
    """An array whose elements are read and computed when a result is asked for.

    Made by `freestone.open`, `freestone.asarray`, and by operations on arrays. Arithmetic, comparisons, indexing and reductions follow
    NumPy (types as NumPy 2: Python numbers take the array's type), and the array API standard. ``compute()`` and ``numpy.asarray`` give NumPy arrays, `write` a
    file. ``bool()``, ``int()``, ``float()``, ``item()`` compute.

    ``a += b`` binds the name `a` to a new array; ``a[key] = value`` makes this very object stand for an array with those elements replaced.
    Other arrays that were made from it stay as they were.
    """

    __slots__ = ("_core", "_token", "__weakref__")
    __array_priority__ = 100

    def __init__(self, core: Any) -> None:
        self._core = core
        self._token: tuple[Any, str, list[Any]] | None = None  # the engine's array, and of it: Dask's token, futures of elements on a cluster

    # What it is.

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return cast("tuple[int, ...]", self._core.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""
        return DTYPES[self._core.dtype]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._core.shape)

    @property
    def size(self) -> int:
        """Elements in all."""
        return cast(int, self._core.size)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return cast(int, self._core.nbytes)

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.dtype.itemsize

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Lengths of the nominal chunks along each axis: those of the file, where the axes are still the file's; one for data without chunks."""
        return tuple(_cuts(n, each) for n, each in zip(self._core.shape, self._core.chunks))

    @property
    def chunksize(self) -> tuple[int, ...]:
        """Shape of a nominal chunk that is not cut by an edge."""
        return cast("tuple[int, ...]", self._core.chunks)

    @property
    def numblocks(self) -> tuple[int, ...]:
        """How many nominal chunks there are along each axis."""
        return tuple(len(lengths) for lengths in self.chunks)

    @property
    def device(self) -> str:
        """Where results lie: always ``"cpu"``."""
        return "cpu"

    def to_device(self, device: str, /, *, stream: Any = None) -> Array:
        """The array itself: ``"cpu"`` is the only device."""
        check_device(device)
        if stream is not None:
            raise UserError("to_device: there are no streams on the cpu.")
        return self

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        if not self.shape:
            raise TypeError("iteration over an array without axes")
        return (self[index] for index in range(self.shape[0]))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def _facts(self) -> list[tuple[str, str]]:
        layout = "contiguous" if self._core.is_contiguous else str(self.chunksize)
        return [
            ("shape", str(self.shape)),
            ("dtype", str(self.dtype)),
            ("chunks", layout),
            ("bytes", _core.format_bytes(self.nbytes)),
        ]

    def __repr__(self) -> str:
        return f"<freestone.{type(self).__name__} {', '.join(f'{name}={value}' for name, value in self._facts())}>"

    def _repr_inline_(self, max_width: int) -> str:
        """What xarray shows on one line."""
        layout = "contiguous" if self._core.is_contiguous else f"chunksize={self.chunksize}"
        text = f"freestone.{type(self).__name__}<{layout}>"
        return text if len(text) <= max_width else text[: max(0, max_width - 3)] + "..."

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th style='text-align:left'>{name}</th><td>{value}</td></tr>" for name, value in self._facts())
        from freestone._diagnostics import array_picture

        table = f"<table><caption>freestone.{type(self).__name__}</caption>{rows}</table>"
        return f"<table><tr><td>{table}</td><td>{array_picture(self)}</td></tr></table>"

    # Results.

    def _freestone_arrays(self) -> list[Any]:
        return [self._core]

    def _freestone_result(self, values: list[np.ndarray[Any, Any]]) -> Any:
        return values[0] if values[0].ndim else values[0][()]

    def _freestone_kept(self, cores: list[Any]) -> Array:
        return Array(cores[0])

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any:
        return _core.file_output(self._core, path, format, overwrite, {}, "{}")

    def compute(
        self,
        *,
        memory: str | int | None = None,
        threads: int | None = None,
        num_workers: int | None = None,
        scheduler: Any = None,
        **dask_options: Any,
    ) -> Any:
        """The elements as a NumPy array, or a scalar when there are no axes. `freestone.compute` does several arrays in one pass.

        Parameters
        ----------
        memory, threads
            As in `freestone.settings`, for this run.
        num_workers, scheduler
            Dask's names: `threads`; "threads", or "synchronous" for one thread; a ``distributed.Client`` or an address, as in `freestone.settings`.
        **dask_options
            Dask's others (`optimize_graph`, `traverse`...) are taken and change nothing.
        """
        _runs.without_dasks("compute", dask_options)
        threads = _runs.threads_of(threads, num_workers, scheduler)
        return self._freestone_result(_core.compute([self._core], _runs.run_setup(memory=memory, threads=threads, scheduler=scheduler)))

    def persist(
        self,
        *,
        memory: str | int | None = None,
        threads: int | None = None,
        num_workers: int | None = None,
        scheduler: Any = None,
        **dask_options: Any,
    ) -> Array:
        """The array computed once and kept: in memory while it takes at most half of what is free of the budget, in a temporary file otherwise.

        Parameters are as in `compute`. `freestone.persist` keeps several arrays in one pass.
        """
        (kept,) = _runs.persist(self, memory=memory, threads=threads, num_workers=num_workers, scheduler=scheduler, **dask_options)
        return cast(Array, kept)

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
        shuffle: bool | None = None,
        fletcher32: bool | None = None,
        nodata: float | None = None,
        predictor: int | None = None,
        interleave: str | None = None,
        overviews: str | Sequence[int] | None = None,
        overview_resampling: str | None = None,
        bigtiff: str | bool | None = None,
        dims: Sequence[str] | None = None,
        unlimited_dims: Sequence[str] | None = None,
        append: str | None = None,
        attrs: dict[str, Any] | None = None,
        compute: bool = True,
    ) -> _runs.WriteLater | None:
        """Writes a file; the format follows the suffix. `freestone.write` writes several in one pass.

        Parameters
        ----------
        path
            ``.nc``, ``.h5``, ``.zarr``, ``.fits``, ``.npy``, ``.tif``...
        overwrite, format, memory, threads
            As in `freestone.write`.
        chunks, shards : sequence of int, optional
            Lengths of what is compressed as one piece (default: the array's chunks, else 1 to 4 MiB), and, for Zarr, of a file that holds several.
        compress : str, optional
            GeoTIFF: ``"none"``, ``"deflate"`` (default), ``"lzw"``, ``"zstd"``, ``"packbits"``, ``"lzma"``, ``"jpeg"``, ``"webp"``, ``"lerc"``.
            Zarr: ``"none"``, ``"zstd"``, ``"gzip"``, ``"zlib"``, ``"lz4"``, ``"bz2"``, ``"blosc-lz4"`` (default), ``"blosc-zstd"``...
            NetCDF-4 and HDF5: ``"none"``, ``"deflate"`` (default where a deflated file is copied), ``"zstd"``, ``"lzf"``, ``"lz4"``, ``"bz2"``, ``"blosc-lz4"``...
        level : int, optional
            Of the compression; JPEG and WebP in GeoTIFF: the quality, 1 to 100.
        zarr_version : {3, 2}, optional
        shuffle, fletcher32 : bool, optional
            NetCDF-4 and HDF5: bytes are sorted before they are compressed (default: yes); a checksum behind each chunk.
        nodata : number, optional
            GeoTIFF, NetCDF, Zarr, HDF5, FITS of integers: what NaN becomes in the file, which says so (GDAL's nodata, ``_FillValue``, ``BLANK``).
        predictor : {1, 2, 3}, optional
            GeoTIFF: none, differences, or those of floats (default: what fits the numbers).
        interleave : {"band", "pixel"}, optional
            GeoTIFF: the bands each for itself (default), or those of a pixel together.
        overviews : {"auto", "none"} or sequence of int, optional
            GeoTIFF: smaller images beside the array, made in the same pass: until one fits a tile (the default of ``format="cog"``), none, or by factors
            such as ``(2, 4, 8)``.
        overview_resampling : {"average", "nearest", "rms", "mode", "min", "max"}, optional
            What becomes of four pixels in an overview; what is nodata does not count.
        bigtiff : {"if-needed", "yes", "no"} or bool, optional
            GeoTIFF: offsets of 64 bits, for files beyond 4 GiB.
        dims : sequence of str, optional
            Names of the axes, where the format has them.
        unlimited_dims : sequence of str, optional
            Of `dims`: those that may grow later, where the format has such.
        append : str, optional
            NetCDF-4 and HDF5: the array goes behind what the file has, along this unlimited dimension.
        attrs : dict, optional
            Attributes: numbers, text, and what JSON holds.
        compute : bool
            False: nothing is written before the result's ``compute()``.
        """
        storage = {
            "chunks": chunks, "shards": shards, "compress": compress, "level": level, "zarr_version": zarr_version, "dims": dims,
            "shuffle": shuffle, "fletcher32": fletcher32, "unlimited_dims": unlimited_dims, "append": append, "nodata": nodata,
            "predictor": predictor, "interleave": interleave, "overviews": overviews, "overview_resampling": overview_resampling, "bigtiff": bigtiff,
        }  # fmt: skip
        core = self._core
        later = _runs.WriteLater(
            lambda: [_runs.file_output(core, path, format, overwrite, storage, attrs)], {"memory": memory, "threads": threads}
        )
        if not compute:
            return later
        later.compute()
        return None

    def to_dask(self, chunks: Any = None) -> Any:
        """The array as a ``dask.array.Array``, lazily: a task for each chunk, which runs the engine on one thread for that part.

        Parameters
        ----------
        chunks : optional
            As in ``dask.array.from_array``. Default: the array's chunks; of data without chunks Dask's "auto".
        """
        return _dask.to_dask(self, chunks)

    def to_xarray(self, dims: Sequence[str] | None = None, *, name: str | None = None, coords: Any = None, attrs: Any = None) -> Any:
        """The array in an ``xarray.DataArray``, lazily.

        Parameters
        ----------
        dims : sequence of str, optional
            Names of the axes. Default: xarray's ``dim_0``...
        name, coords, attrs : optional
            As in ``xarray.DataArray``.
        """
        try:
            import xarray
        except ImportError:
            raise UserError("to_xarray needs xarray: pip install xarray") from None
        return xarray.DataArray(self, coords=coords, dims=dims, name=name, attrs=attrs)

    def explain(self, *, memory: str | int | None = None, threads: int | None = None) -> str:
        """The plan for computing this array, in words. Nothing is read."""
        return _runs.explain(self, memory=memory, threads=threads)

    def visualize(self, filename: str | os.PathLike[str] | None = None, format: str | None = None, **dask_options: Any) -> Any:
        """The plan for computing this array as a picture: ``.svg``, ``.pdf`` or ``.png``. See `freestone.visualize`."""
        from freestone._diagnostics import visualize

        return visualize(self, filename=filename, format=format, **dask_options)

    def _values(self) -> np.ndarray[Any, Any]:
        """The elements, read-only where they lie in memory already, computed otherwise."""
        memory = _core.memory_of(self._core)
        return np.asarray(self.compute()) if memory is None else memory

    @property
    def __array_interface__(self) -> dict[str, Any]:
        memory = _core.memory_of(self._core)
        if memory is None:
            raise AttributeError("the elements are not in memory")
        return cast("dict[str, Any]", memory.__array_interface__)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        memory = _core.memory_of(self._core)
        if memory is None:
            if copy is False:
                raise ValueError("The array has no elements in memory; they are computed into a new NumPy array.")
            computed = np.asarray(self.compute())
            return computed if dtype is None else computed.astype(dtype, copy=False)
        return np.array(memory, dtype=dtype, copy=copy)

    def __dlpack__(
        self, /, *, stream: Any = None, max_version: tuple[int, int] | None = None, dl_device: tuple[int, int] | None = None, copy: bool | None = None
    ) -> Any:
        memory = _core.memory_of(self._core)
        values = np.asarray(self.compute()) if memory is None else memory  # what is computed is nobody's memory: no copy of anything
        if memory is not None and (copy or max_version is None or max_version[0] < 1):
            # Older versions cannot say that memory is read-only: consumers get a copy, which is theirs, or are trusted where they refuse one.
            values, copy = (np.asarray(_Lent(memory)), copy) if copy is False else (memory.copy(), None)
        return values.__dlpack__(stream=stream, max_version=max_version, dl_device=cast(Any, dl_device), copy=copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)  # the processor

    def __array_namespace__(self, /, *, api_version: str | None = None) -> Any:
        import freestone

        if api_version is not None and api_version not in _API_VERSIONS:
            raise UserError(f"There is no version {api_version} of the array API here; there are {', '.join(_API_VERSIONS)}.")
        return freestone

    def item(self, *position: Any) -> Any:
        """The only element, or that at `position`, as a Python number."""
        if position:
            return self[position].item() if len(position) > 1 else self[next(iter(position))].item()
        if self.size != 1:
            raise UserError(f"item() of an array of {self.size} elements.")
        return self._values().item()

    def tolist(self) -> Any:
        """The elements as (nested lists of) Python numbers."""
        return self._values().tolist()

    def _number(self, kind: str) -> Any:
        if self.size != 1:
            raise UserError(f"{kind}() of an array of {self.size} elements, shape {self.shape}. Take one element of it first.")
        return self._values().item()

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def __index__(self) -> int:
        if self.dtype.kind not in "iu" or self.ndim != 0:
            raise TypeError(f"only an array of integers without axes is an index, not one of {self.dtype} and shape {self.shape}")
        return int(self._values().item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise UserError(f"The truth of an array of {self.size} elements is ambiguous. Use any() or all().")
        return bool(self._values().item())

    def __reduce__(self) -> Any:
        text, memories, output, objects = _core.describe_graph(self._core)
        if not objects:
            return (_from_graph, (text, memories, output))
        from freestone._calls import Objects

        return (_from_graph, (text, memories, output, Objects(objects)))

    def __copy__(self) -> Array:
        return Array(self._core)

    def __deepcopy__(self, memo: Any) -> Array:
        return Array(self._core)

    def copy(self) -> Array:
        """Another handle on the same elements: item assignment to one does not change the other."""
        if _dask.is_taken_by_from_array():
            return cast(Array, _dask.Blocks(self))
        return Array(self._core)

    # NumPy's functions on arrays stay lazy where Freestone has them.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return _numpy_functions.call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return _numpy_functions.call_function(func, args, kwargs)

    # Parts and other views.

    def __getitem__(self, key: Any) -> Array:
        return _indexing.get_item(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._core = _indexing.with_items(self, key, value)._core

    @property
    def T(self) -> Array:
        """The axes reversed."""
        return Array(_core.transpose(self._core, []))

    @property
    def mT(self) -> Array:
        """The last two axes exchanged."""
        return _manipulation.matrix_transpose(self)

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

    conjugate = conj

    def transpose(self, *axes: Any) -> Array:
        """Axes in another order; without arguments reversed."""
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], Sequence)):
            axes = tuple(axes[0] or ())
        return Array(_core.transpose(self._core, [normal_axis(axis, self.ndim) for axis in axes]))

    def squeeze(self, axis: Axis = None) -> Array:
        """Without axes of length 1: all of them, or those given."""
        return _manipulation.squeeze(self, axis)

    def reshape(self, *shape: Any, order: str = "C") -> Array:
        """The same elements on other axes, in C order unless `order` is ``"F"``; one length may be -1."""
        return _manipulation.reshape(self, shape[0] if len(shape) == 1 else shape, order=order)

    def ravel(self, order: str = "C") -> Array:
        """On one axis, in C order unless `order` is ``"F"``."""
        return _manipulation.ravel(self, order)

    flatten = ravel

    def swapaxes(self, axis1: int, axis2: int) -> Array:
        """Two axes exchanged."""
        return _manipulation.swapaxes(self, axis1, axis2)

    def repeat(self, repeats: Any, axis: int | None = None) -> Array:
        """Every element `repeats` times."""
        return _manipulation.repeat(self, repeats, axis=axis)

    def take(self, indices: Any, axis: int | None = None, mode: str = "raise") -> Array:
        """Elements at positions along an axis."""
        return _indexing.take(self, indices, axis=axis, mode=mode)

    def rechunk(self, chunks: Any = "auto", block_size_limit: int | None = None, **dask_options: Any) -> Array:
        """Other nominal chunks. See `freestone.rechunk`."""
        return _manipulation.rechunk(self, chunks, block_size_limit=block_size_limit, **dask_options)

    def map_blocks(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Array:
        """Calls a function on blocks. See `freestone.map_blocks`."""
        from freestone._user import map_blocks

        return map_blocks(func, self, *args, **kwargs)

    def map_overlap(self, func: Callable[..., Any], depth: Any = 0, boundary: Any = None, trim: bool = True, **kwargs: Any) -> Array:
        """Calls a function on blocks that overlap. See `freestone.map_overlap`."""
        from freestone._user import map_overlap

        return map_overlap(func, self, depth=depth, boundary=boundary, trim=trim, **kwargs)

    def astype(
        self, dtype: DTypeLike, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True, *, device: Any = None
    ) -> Array:
        """Elements as another type; floating to integer truncates.

        Parameters
        ----------
        casting : str
            Which changes of type are allowed, NumPy's names.
        order, subok, copy, device
            As in NumPy and the array API; they change nothing.

        Raises
        ------
        TypeError
            A change that `casting` forbids.
        """
        check_device(device)
        kind = dtype_of(dtype)
        if not np.can_cast(self.dtype, kind, cast(Any, casting)):
            raise TypeError(f"astype: {self.dtype} does not become {kind} by the rule '{casting}'")
        return Array(_core.astype(self._core, kind.name))


@functools.lru_cache(maxsize=256)
def _cuts(length: int, each: int) -> tuple[int, ...]:
    """`length` in pieces of `each`, the last one shorter."""
    whole, rest = divmod(length, max(each, 1))
    return (each,) * whole + ((rest,) if rest or not whole else ())


class _Lent:
    """Memory as NumPy's interface has it, without the word that it is read-only."""

    def __init__(self, memory: np.ndarray[Any, Any]) -> None:
        self._memory = memory
        self.__array_interface__ = {**memory.__array_interface__, "data": (memory.__array_interface__["data"][0], False)}


def _from_graph(text: str, memories: list[np.ndarray[Any, Any]], output: int, objects: Any = ()) -> Array:
    """An array from its pickle."""
    return Array(_core.build_graph(text, memories, output, list(objects)))


def check_device(device: Any) -> None:
    """Raises UserError unless `device` is ``"cpu"`` or None."""
    if device is not None and device != "cpu":
        raise UserError(f"There is one device, 'cpu', not {device!r}.")


def from_numpy(values: ArrayLike) -> Array:
    """An `Array` over a NumPy array's memory, which is not copied when it lies in native byte order and can be looked at as it is.

    float16 is converted: an array of float32.

    Parameters
    ----------
    values : array_like
        What NumPy makes an array of. As long as the array is used its memory must be left as it is.

    Raises
    ------
    UserError
        A type that Freestone does not compute with.
    """
    array = values if type(values) is np.ndarray else np.asarray(values)
    dtype = array.dtype
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    if dtype == np.float16:
        array = array.astype(np.float32)
    elif dtype.name not in DTYPES:
        dtype_of(dtype)
    return Array(_core.from_numpy(array if array.flags.aligned else array.copy()))


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Array:
    """An `Array` over the memory of another library's tensor (``__dlpack__``), which is not copied.

    Raises
    ------
    UserError
        The tensor lies on a device, has a type that Freestone does not compute with, or is none.
    """
    check_device(device)
    if isinstance(x, Array):
        return asarray(x, copy=True) if copy else x
    if not hasattr(x, "__dlpack__"):
        raise UserError(f"from_dlpack: {type(x).__name__} has no __dlpack__.")
    if x.__dlpack_device__()[0] not in (1, 3):  # kDLCPU, kDLCUDAHost
        raise UserError(f"from_dlpack: the {type(x).__name__} lies on a device, not in this computer's memory. Copy it there first.")
    values = np.from_dlpack(x)
    return from_numpy(values.copy() if copy else values)


def asarray(obj: ArrayLike, /, dtype: DTypeLike = None, *, device: Any = None, copy: bool | None = None) -> Array:
    """`obj` as an `Array`: itself, or over the memory of a NumPy array or tensor, or of what NumPy makes of it.

    Parameters
    ----------
    obj : array_like
        Array, NumPy array, tensor (``__dlpack__``), number, or nested sequence of numbers and arrays.
    dtype : dtype, optional
        Default: that of `obj`, float32 for float16; Python's numbers give bool, int64, float64 or complex128.
    copy : bool, optional
        True: the memory of `obj` is not used afterwards. False: an error where it would have to be copied. Default: only where it must be.
    """
    check_device(device)
    if isinstance(obj, Array):
        array = obj
        if copy:
            memory = _core.memory_of(obj._core)
            array = Array(obj._core) if memory is None else from_numpy(memory.copy())
        if dtype is not None and dtype_of(dtype) != array.dtype:
            if copy is False:
                raise ValueError(f"An array of {array.dtype} becomes one of {dtype_of(dtype)} by a copy only.")
            array = array.astype(dtype)
        return array
    if isinstance(obj, (list, tuple)) and _has_arrays(obj):
        if copy is False:
            raise ValueError("A sequence becomes an array by a copy only.")
        stacked = _manipulation.stack([asarray(part) for part in obj])
        return stacked if dtype is None else stacked.astype(dtype)
    if hasattr(obj, "__dlpack__") and not isinstance(obj, (np.ndarray, np.generic)):
        array = from_dlpack(obj, copy=copy)
        return array if dtype is None else asarray(array, dtype, copy=copy)
    if copy is None:
        return from_numpy(np.asarray(obj, dtype=None if dtype is None else dtype_of(dtype)))
    values = np.array(obj, dtype=None if dtype is None else dtype_of(dtype), copy=copy)
    if not copy and values.dtype == np.float16:
        raise ValueError("An array of float16 becomes one of float32 by a copy only.")
    return from_numpy(values)


def _has_arrays(obj: Any) -> bool:
    return builtins.any(isinstance(part, Array) or (isinstance(part, (list, tuple)) and _has_arrays(part)) for part in obj)


def operand(value: Any) -> Any:
    """`value` as the engine's functions take it: an array, or a number of Python's, which is weak; None for anything else."""
    if isinstance(value, Array):
        return value._core
    # Python's numbers are weak, NumPy's are arrays without axes (np.float64 is both: NumPy 2 treats it as its own).
    if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, (np.ndarray, np.generic, list, tuple)):
        return asarray(value)._core
    if hasattr(value, "__dlpack__"):
        return from_dlpack(value)._core
    return None


def apply(name: str, *values: Any) -> Array:
    """The function `name` of the elementwise table; NotImplemented for values that are neither arrays nor numbers."""
    if name == "power":
        _check_power(*values)
    operands = [operand(value) for value in values]
    for given in operands:
        if given is None:
            return NotImplemented
    if not builtins.any(isinstance(given, _core.Array) for given in operands):
        operands[0] = from_numpy(values[0])._core
    return Array(_core.elementwise(name, *operands))


def _check_power(x: Any, exponent: Any) -> None:
    """Raises ValueError for whole numbers to a negative whole number, which would be 0."""
    if isinstance(exponent, int) and exponent < 0 and isinstance(x, Array) and x.dtype.kind in "iu":
        raise ValueError(f"whole numbers ({x.dtype}) to the power of {exponent}: convert them to floating numbers first (astype)")


def applied(name: str, *values: Any) -> Array:
    """As `apply`, with a TypeError instead of NotImplemented."""
    result = apply(name, *values)
    if result is NotImplemented:
        raise TypeError(f"{name}() takes arrays and numbers, not {', '.join(type(value).__name__ for value in values)}")
    return result


def normal_axis(axis: Any, ndim: int) -> int:
    """`axis` counted from the front.

    Raises
    ------
    numpy.exceptions.AxisError
        Out of range.
    """
    number = operator.index(axis)
    if not -ndim <= number < ndim:
        raise np.exceptions.AxisError(number, ndim)
    return number + ndim if number < 0 else number


def axes_of(axis: Axis) -> list[int]:
    """`axis` as the engine has it: a list, empty for all."""
    if axis is None:
        return []
    if isinstance(axis, Sequence):
        if len(axis) == 0:
            raise UserError("axis=() names no axis. Give an axis, several, or None for all.")
        return [operator.index(k) for k in axis]
    return [operator.index(axis)]


def names_none(axis: Any) -> bool:
    """Whether `axis` is an empty sequence: NumPy's word for none at all."""
    return isinstance(axis, Sequence) and len(axis) == 0


def reduced_along(x: Array, axis: Axis, keepdims: bool) -> tuple[Array, Axis, bool]:
    """What a reduction is given. ``axis=()`` reduces nothing: every element for itself, along a new axis."""
    if names_none(axis):
        return Array(_core.expand_dims(x._core, x.ndim)), -1, False
    return x, axis, bool(keepdims)


# These modules need Array, and Array's methods need them.
from freestone import _indexing, _manipulation, _numpy_functions  # noqa: E402
