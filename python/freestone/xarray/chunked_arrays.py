"""The chunk manager: what xarray asks of a library of chunked arrays, answered by Freestone.

xarray finds it by the entry point ``xarray.chunkmanagers``; its users say ``chunked_array_type="freestone"`` or
``xarray.set_options(chunk_manager="freestone")``. Chunks are a hint here: the planner chooses tiles. They decide two things, the blocks that
user functions are called with, and the chunks of files that are written. Lengths along an axis are equal but the last; of unequal ones the
greatest is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from xarray.namedarray.parallelcompat import ChunkManagerEntrypoint

from freestone import _blockwise, _runs, _storing
from freestone._array import Array
from freestone._user import map_blocks
from freestone.errors import UserError
from freestone.xarray import block_calls, dataset_chunks, flox_reductions, foreign_indexing
from freestone.xarray.array_api import ArrayApi
from freestone.xarray.backend_arrays import array_of_backend
from freestone.xarray.chunk_grids import AUTO_CHUNK_BYTES, Chunks, normalized_chunks
from freestone.xarray.lazy_sources import array_from_slices, is_computable, with_chunks

__all__ = ["ChunkManager"]


def run_options(options: dict[str, Any]) -> dict[str, Any]:
    """Memory, threads and scheduler of a run among options in Dask's words; what else Dask has, is not asked here."""
    scheduler = options.get("scheduler")
    if callable(scheduler) and not hasattr(scheduler, "submit"):  # a function of Dask's: that of a client stands for it, others for this process
        owner = getattr(scheduler, "__self__", None)
        scheduler = owner if hasattr(owner, "submit") else None
    threads = _runs.threads_of(options.get("threads"), options.get("num_workers"), scheduler)
    return {"memory": options.get("memory"), "threads": threads, "scheduler": scheduler}


class ChunkManager(ChunkManagerEntrypoint["Array"]):
    """Freestone's arrays inside of xarray's objects."""

    array_cls = Array
    available = True

    def __init__(self) -> None:
        foreign_indexing.install()
        dataset_chunks.install()
        flox_reductions.install()

    # Chunks.

    def is_chunked_array(self, data: Any) -> bool:
        """Whether `data` is an array of ours."""
        return isinstance(data, Array)

    def chunks(self, data: Any) -> Chunks:
        """Lengths of the chunks along each axis."""
        return data.chunks

    def normalize_chunks(
        self, chunks: Any, shape: Any = None, limit: int | None = None, dtype: Any = None, previous_chunks: Any = None
    ) -> Any:
        """The lengths that `chunks` means, for each axis."""
        if shape is None:
            shape = tuple(sum(lengths) for lengths in chunks)
        itemsize = 8 if dtype is None or np.dtype(dtype).kind == "O" else max(1, np.dtype(dtype).itemsize)
        return normalized_chunks(chunks, shape, itemsize=itemsize, limit=limit, previous=previous_chunks)

    def get_auto_chunk_size(self) -> int:
        """Bytes of a chunk that xarray is to choose."""
        return AUTO_CHUNK_BYTES

    def from_array(self, data: Any, chunks: Any, **kwargs: Any) -> Any:
        """A lazy array over `data`; of texts, times and objects `data` itself, which xarray reads lazily where it can."""
        if not is_computable(data.dtype):
            return getattr(data, "array", data)
        lengths = self.normalize_chunks(chunks, tuple(data.shape), dtype=data.dtype)
        ours = array_of_backend(data)
        return array_from_slices(data, lengths) if ours is None else with_chunks(ours, lengths)

    def rechunk(self, data: Any, chunks: Any, **kwargs: Any) -> Any:
        """Other nominal chunks; axes that are not named keep theirs."""
        if isinstance(chunks, dict):
            chunks = tuple(chunks.get(k, lengths) for k, lengths in enumerate(data.chunks))
        return with_chunks(data, self.normalize_chunks(chunks, data.shape, dtype=data.dtype, previous_chunks=data.chunks))

    def unify_chunks(self, *args: Any, **kwargs: Any) -> Any:
        """The chunks of each label, and the arrays with them."""
        return _blockwise.unify_chunks(*args)

    # Results.

    def compute(self, *data: Any, **kwargs: Any) -> Any:
        """NumPy arrays in place of arrays of ours, all in as few passes as can be."""
        values = _runs.compute(*data, **run_options(kwargs))
        return tuple(np.asarray(value) if isinstance(given, Array) else value for given, value in zip(data, values))

    def persist(self, *data: Any, **kwargs: Any) -> Any:
        """Arrays computed once, all in as few passes as can be, and kept."""
        return _runs.persist(*data, traverse=False, **run_options(kwargs))

    def store(self, sources: Any, targets: Any, **kwargs: Any) -> Any:
        """Writes arrays into what takes ``target[slices] = block``. See `freestone.store`."""
        return _storing.store(sources, targets, **{**kwargs, **run_options(kwargs), "num_workers": None})

    # Functions.

    @property
    def array_api(self) -> Any:
        """The namespace of functions."""
        return ArrayApi()

    def reduction(
        self,
        arr: Any,
        func: Callable[..., Any],
        combine_func: Callable[..., Any] | None = None,
        aggregate_func: Callable[..., Any] | None = None,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
    ) -> Any:
        """A reduction by user functions. See `freestone.reduction`."""
        return _blockwise.reduction(
            arr, func, aggregate_func or combine_func or func, axis, keepdims, arr.dtype if dtype is None else dtype, combine=combine_func
        )

    def scan(
        self, func: Callable[..., Any], binop: Callable[..., Any], ident: float, arr: Any, axis: int | None = None, dtype: Any = None, **kwargs: Any
    ) -> Any:
        """A cumulative function along an axis, which it sees whole."""
        if axis is None:
            raise UserError("scan: give the axis.")
        place = axis % arr.ndim

        def along(block: Any) -> Any:
            return func(block, axis=place)

        along.__name__ = str(getattr(func, "__name__", "scan"))
        return map_blocks(along, arr, dtype=arr.dtype if dtype is None else dtype, core_axes=[place])

    def apply_gufunc(
        self,
        func: Callable[..., Any],
        signature: str,
        *args: Any,
        axes: Any = None,
        axis: int | None = None,
        keepdims: bool = False,
        output_dtypes: Any = None,
        output_sizes: dict[str, int] | None = None,
        vectorize: bool | None = None,
        allow_rechunk: bool = False,
        meta: Any = None,
        **kwargs: Any,
    ) -> Any:
        """A function of core axes, called on blocks of the others. See `freestone.apply_gufunc`."""
        return block_calls.gufunc(
            func, signature, args, kwargs, axes=axes, axis=axis, keepdims=keepdims, output_dtypes=output_dtypes, output_sizes=output_sizes,
            vectorize=bool(vectorize), meta=meta,
        )  # fmt: skip

    def map_blocks(
        self, func: Callable[..., Any], *args: Any, dtype: Any = None, chunks: Any = None, drop_axis: Any = None, new_axis: Any = None, **kwargs: Any
    ) -> Any:
        """A function on blocks. See `freestone.map_blocks`. What gives texts, times or objects is called now, on the whole."""
        if dtype is not None and not is_computable(dtype):
            return func(*(np.asarray(a) if isinstance(a, Array) else a for a in args), **kwargs)
        known = {key: value for key, value in kwargs.items() if key not in ("token", "meta", "name", "enforce_ndim")}
        return map_blocks(
            func, *args, dtype=dtype, chunks=chunks, drop_axis=drop_axis, new_axis=new_axis, meta=kwargs.get("meta"), name=kwargs.get("name"), **known
        )

    def blockwise(
        self,
        func: Callable[..., Any],
        out_ind: Iterable[Any],
        *args: Any,
        name: str | None = None,
        token: Any = None,
        dtype: Any = None,
        adjust_chunks: Any = None,
        new_axes: Any = None,
        align_arrays: bool = True,
        concatenate: bool | None = None,
        meta: Any = None,
        **kwargs: Any,
    ) -> Any:
        """A function on blocks of arrays whose axes have labels. See `freestone.blockwise`."""
        return _blockwise.blockwise(
            func, out_ind, *args, name=name, dtype=dtype, adjust_chunks=adjust_chunks, new_axes=new_axes, concatenate=concatenate, meta=meta, **kwargs
        )

    def shuffle(self, x: Any, indexer: list[list[int]], axis: int, chunks: Any) -> Any:
        """The positions of an axis in another order."""
        order = [position for group in indexer for position in group]
        return x.take(np.asarray(order, dtype=np.int64), axis=axis)


