"""The accessor ``.freestone`` of xarray's objects: runs, plans, profiles and files on Freestone's engine, and words for rasters."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from freestone import _core, _runs
from freestone._array import Array
from freestone.errors import UserError
from freestone.xarray import rasters
from freestone.xarray.labelled_arrays import attribute_triples, encoded

__all__ = ["DataArrayAccessor", "DatasetAccessor"]


class _Accessor:
    """What Dataset and DataArray share."""

    def __init__(self, obj: Any) -> None:
        self._obj = obj

    def _dataset(self) -> Any:
        raise NotImplementedError

    def _arrays(self) -> list[Array]:
        found = [v._data for v in self._dataset().variables.values() if isinstance(v._data, Array)]
        if not found:
            raise UserError('Nothing here is lazy on Freestone. Open it with chunked_array_type="freestone", chunks={}, or say .freestone.chunk().')
        return found

    # Laziness.

    def chunk(self, chunks: Any = None, **dims: Any) -> Any:
        """The same with Freestone's lazy arrays: ``ds.freestone.chunk(time=12)``; what is one already gets other nominal chunks."""
        wanted = {**(chunks or {}), **dims} if isinstance(chunks, (Mapping, type(None))) else chunks
        return self._obj.chunk(wanted, chunked_array_type="freestone")

    rechunk = chunk

    @property
    def is_lazy(self) -> bool:
        """Whether any array is one of Freestone's that waits to be computed."""
        return any(isinstance(v._data, Array) for v in self._dataset().variables.values())

    # Runs.

    def compute(self, *, memory: str | int | None = None, threads: int | None = None) -> Any:
        """The same with NumPy arrays, all computed together.

        Parameters
        ----------
        memory, threads
            As in `freestone.settings`, for this run.
        """
        return self._obj.compute(memory=memory, threads=threads)

    def load(self, *, memory: str | int | None = None, threads: int | None = None) -> Any:
        """Computes in place."""
        return self._obj.load(memory=memory, threads=threads)

    def persist(self, *, memory: str | int | None = None, threads: int | None = None) -> Any:
        """Computed once and kept: in memory while it takes at most half of what is free of the budget, in a temporary file otherwise."""
        return _runs.persist(self._obj, memory=memory, threads=threads)[0]

    def explain(self, *, memory: str | int | None = None, threads: int | None = None) -> str:
        """The plan for computing all of it, in words. Nothing is read."""
        return _runs.explain(*self._arrays(), memory=memory, threads=threads)

    def plan(self, *, memory: str | int | None = None, threads: int | None = None) -> dict[str, Any]:
        """The plan for computing all of it: stages, tiles, bytes, peak memory."""
        outputs = [_core.planned_output(a._core) for a in self._arrays()]
        return json.loads(_core.plan_json(outputs, _runs.run_setup(memory=memory, threads=threads)))

    def visualize(self, filename: str | os.PathLike[str] = "freestone.svg") -> Any:
        """The plan as a picture. See `freestone.visualize`."""
        from freestone._diagnostics import visualize

        return visualize(self._arrays(), filename=filename)

    def profile(self, *, memory: str | int | None = None, threads: int | None = None) -> Any:
        """Computes all of it, for what it took: a `freestone.Profile`. The results are dropped."""
        with _runs.profile() as watched:
            self.compute(memory=memory, threads=threads)
        return watched

    def progress(self, mode: str = "bar") -> Any:
        """Computes all of it under a progress bar; the same with NumPy arrays."""
        with _runs.progress(mode):
            return self.compute()

    # Files.

    def to_netcdf(self, path: str | os.PathLike[str], *, compute: bool = True, unlimited_dims: Sequence[str] | None = None, **options: Any) -> Any:
        """Writes NetCDF by Freestone's own writer: compressed on all cores, and whole or not at all. Options as in `write`."""
        options.setdefault("format", "" if _is_netcdf(os.fspath(path)) else "netcdf4")
        return self.write(path, compute=compute, unlimited_dims=unlimited_dims, **options)

    def to_zarr(self, path: str | os.PathLike[str], *, compute: bool = True, **options: Any) -> Any:
        """Writes a Zarr store by Freestone's own writer. Options as in `write`."""
        options.setdefault("format", "zarr")
        return self.write(path, compute=compute, **options)

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        format: str = "",
        compute: bool = True,
        unlimited_dims: Sequence[str] | None = None,
        append: str = "",
        memory: str | int | None = None,
        threads: int | None = None,
        **storage: Any,
    ) -> _runs.WriteLater | None:
        """Writes a file of any format that Freestone writes, with coordinates and attributes; the format follows the suffix.

        Parameters
        ----------
        path : ``.nc``, ``.zarr``, ``.h5``, ``.tif``, ``.fits``, ``.npy`` ...
            Encodings of variables (dtype, scale_factor, _FillValue, units of time) are obeyed. Formats with one array take a DataArray.
        overwrite, format, memory, threads, **storage
            As in `Array.write`: chunks, compress, level, shards, zarr_version, nodata, predictor, overviews ... of all variables that are no coordinates.
        compute : bool
            False: nothing is written before the result's ``compute()``, which Dask's ``compute`` and progress bars take, too.
        unlimited_dims, append
            Dimensions that may grow later (default: ``encoding["unlimited_dims"]``, where the format has such); the one along which the data go
            behind what the file has.
        """
        target = os.fspath(path)
        given = _runs.storage_of(storage)
        part = self._for_format(target, format)

        unlimited = self._unlimited(target, format) if unlimited_dims is None and not append else list(unlimited_dims or ())

        def outputs() -> list[Any]:
            if isinstance(part, rasters.Alone):
                attributes = {key: value for key, value, _ in attribute_triples(part.attributes, "the array")}
                return [_runs.file_output(part.array._core, target, format, overwrite, {**given, "dims": part.dims}, attributes)]
            return list(_core.dataset_outputs(part.labels, target, overwrite, format, unlimited, append, given, part.texts))

        later = _runs.WriteLater(outputs, {"memory": memory, "threads": threads})
        if not compute:
            return later
        later.compute()
        return None

    def _for_format(self, path: str, format: str) -> Any:
        """What goes into the file: a dataset, or one array where the format holds one."""
        _, holds_several = _core.format_for(path, format)
        if holds_several:
            return encoded(self._dataset())
        return rasters.alone(self._one())

    def _unlimited(self, path: str, format: str) -> list[str]:
        """The dimensions that the encoding says may grow, where the format has such."""
        dataset = self._dataset()
        known = self._obj.encoding.get("unlimited_dims", ())
        wanted = sorted({known} if isinstance(known, str) else set(known))
        return list(_core.unlimited_dims_in(path, format, wanted, [list(map(str, v.dims)) for v in dataset.variables.values()]))

    def _one(self) -> Any:
        """The one array that is meant."""
        data = list(self._dataset().data_vars)
        if len(data) != 1:
            names = ", ".join(map(str, data)) or "none"
            raise UserError(f"A file of this format holds one array, here are {names}. Take one: ds['{data[0] if data else 'name'}'].")
        return self._dataset()[data[0]]

    # Rasters.

    @property
    def crs(self) -> Any:
        """The coordinate reference system as rasterio's or pyproj's object where one is installed, else as text; None where none is known."""
        return rasters.crs_of(self._obj)

    @property
    def nodata(self) -> Any:
        """What stands for "no data" in the file, or None."""
        return rasters.nodata_of(self._one())

    @property
    def transform(self) -> tuple[float, ...] | None:
        """Six numbers from pixel to place, in GDAL's order; None for coordinates that are not evenly spaced."""
        return rasters.transform_of(self._obj)

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """(left, bottom, right, top) of the pixels' outer edges."""
        return rasters.bounds_of(self._obj)

    @property
    def resolution(self) -> tuple[float, float] | None:
        """Width and height of a pixel, positive."""
        transform = self.transform
        return None if transform is None else (float(np.hypot(transform[1], transform[4])), float(np.hypot(transform[2], transform[5])))

    def index(self, name: str, **bands: Any) -> Any:
        """A spectral index: ``scene.freestone.index("ndvi", red=3, nir=4)``. See `freestone.geo.index`."""
        from freestone.geo import index

        return index(name, self._obj, **bands)


def _is_netcdf(path: str) -> bool:
    """Whether the suffix is one of NetCDF's."""
    try:
        return str(_core.format_for(path, "")[0]).startswith("netcdf")
    except UserError:  # it names no format
        return False


@xr.register_dataset_accessor("freestone")
class DatasetAccessor(_Accessor):
    """``Dataset.freestone``."""

    def _dataset(self) -> Any:
        return self._obj


@xr.register_dataarray_accessor("freestone")
class DataArrayAccessor(_Accessor):
    """``DataArray.freestone``."""

    def _dataset(self) -> Any:
        array = self._obj
        return array.to_dataset(name="data" if array.name is None or array.name in array.coords else array.name)
