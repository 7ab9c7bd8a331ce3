"""The backend engine: ``xarray.open_dataset(path, engine="freestone")`` for every format that Freestone reads.

What the file says is given to xarray as it is stored; xarray's own decoders say what it means. So names, dtypes, attributes and encodings are
those of xarray's engines. Bytes are read and decoded by Freestone: only those that are asked for, on all cores, under no lock.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, cast

from xarray.backends.common import BackendEntrypoint
from xarray.backends.store import StoreBackendEntrypoint

from freestone.xarray.file_contents import FileStore, can_open, group_paths, open_contents

__all__ = ["FreestoneBackendEntrypoint"]


class FreestoneBackendEntrypoint(BackendEntrypoint):
    """Opens files, Zarr stores, CASA images, kerchunk references and URLs."""

    description = "Open what Freestone reads: NetCDF, HDF5, Zarr, GeoTIFF, FITS, CASA images, kerchunk references, here or behind URLs"
    supports_groups = True

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether the name, or the first bytes, are of a format that Freestone reads."""
        return can_open(filename_or_obj)

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        mask_and_scale: Any = True,
        decode_times: Any = True,
        concat_characters: Any = True,
        decode_coords: Any = True,
        drop_variables: str | Iterable[str] | None = None,
        use_cftime: bool | None = None,
        decode_timedelta: Any = None,
        group: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Opens a file, or a group of it, as a Dataset. Only metadata are read.

        Parameters
        ----------
        filename_or_obj : path or URL
            A part in brackets is taken: ``"cube.fits[DATA]"``.
        mask_and_scale, decode_times, concat_characters, decode_coords, drop_variables, use_cftime, decode_timedelta
            As in `xarray.open_dataset`.
        group : str, optional
            ``"a/b"``: a group of a NetCDF-4, HDF5 or Zarr file.
        storage_options : mapping, optional
            How a URL is reached; as in `freestone.open`.

        Raises
        ------
        IoError, DataError, UserError
            As `freestone.open`; UserError: the group is not there.
        """
        return _decoded(
            FileStore(_path_of(filename_or_obj), group, storage_options, is_masked=mask_and_scale is True), mask_and_scale=mask_and_scale, decode_times=decode_times,
            concat_characters=concat_characters, decode_coords=decode_coords, drop_variables=drop_variables, use_cftime=use_cftime,
            decode_timedelta=decode_timedelta,
        )  # fmt: skip

    def open_groups_as_dict(
        self, filename_or_obj: Any, *, group: str | None = None, storage_options: Mapping[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        """Every group of a file as a Dataset, by its path. The file is opened once; `options` are as of `open_dataset`."""
        path = _path_of(filename_or_obj)
        contents = open_contents(path, storage_options)
        base = "/" + (group or "").strip("/")
        inside = [name for name in group_paths(contents) if name == base or base == "/" or name.startswith(base + "/")]
        return {
            name if base == "/" else "/" + name[len(base) :].lstrip("/"): _decoded(
                FileStore(path, name, storage_options, contents, is_masked=options.get("mask_and_scale", True) is True), **options
            )
            for name in inside
        }

    def open_datatree(self, filename_or_obj: Any, **options: Any) -> Any:
        """All groups as a DataTree."""
        from xarray import DataTree

        return DataTree.from_dict(self.open_groups_as_dict(filename_or_obj, **options))


def _decoded(store: FileStore, *, mask_and_scale: Any = True, **options: Any) -> Any:
    """What is stored, decoded by xarray."""
    dataset = StoreBackendEntrypoint().open_dataset(cast(Any, store), mask_and_scale=mask_and_scale, **options)
    return store.finished(dataset)


def _path_of(given: Any) -> str:
    if isinstance(given, (str, os.PathLike)):
        return os.fspath(given)
    raise TypeError(f"The engine 'freestone' opens paths and URLs, not {type(given).__name__}. Write it to a file first.")
