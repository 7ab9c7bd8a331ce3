"""Opening files."""

from __future__ import annotations

import os
from typing import Any

from freestone import _core
from freestone._array import Array
from freestone._dataset import Dataset

__all__ = ["open"]


def open(path: str | os.PathLike[str]) -> Any:
    """Opens a file (FITS, npy, netCDF, HDF5, GeoTIFF...) or a Zarr folder. Only metadata is read.

    Parameters
    ----------
    path
        A file, or a part of one: ``"cube.fits[DATA]"``, ``"cube.fits[1]"``, ``"store.zarr/group/array"``.

    Returns
    -------
    Array or Dataset
        A group with named variables gives a `Dataset`, everything else an `Array`.
    """
    opened = _core.open(os.fspath(path))
    return Array(opened) if isinstance(opened, _core.Array) else Dataset(opened)
