"""Opening files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from freestone import _core, _program
from freestone._array import Array
from freestone._dataset import Dataset
from freestone._remote import remote_options

__all__ = ["open"]

_program.look_at_hdf5()


def open(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    group: str | None = None,
    concat_dim: str | None = None,
    mask_and_scale: bool = True,
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
    group
        A group of a Zarr, NetCDF-4 or HDF5 file: ``open("x.nc", group="a/b")`` is ``open("x.nc/a/b")``.
    concat_dim
        Of several files: the axis along which they follow each other; default the one whose labels differ.
    mask_and_scale
        False: numbers as they are stored. Otherwise what ``_FillValue`` and ``missing_value`` say, a raster's nodata and its mask, is NaN, and
        ``scale_factor`` and ``add_offset`` are applied. Times are numbers with their units either way.
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
    paths = [path] if isinstance(path, (str, os.PathLike)) else path
    inside = "/" + group.strip("/") if group and group.strip("/") else ""
    names = [os.fspath(p).rstrip("/") + inside if inside else os.fspath(p) for p in paths]
    opened = _core.open(names, remote_options(storage_options), mask_and_scale, concat_dim or "")
    return Array(opened) if isinstance(opened, _core.Array) else Dataset(opened)
