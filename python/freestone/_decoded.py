"""Computed variables as xarray has them: times, characters, and the types of NumPy that integers stand for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["decoded_variable"]

_NO_TIME = np.iinfo(np.int64).min


def decoded_variable(name: str, dims: Sequence[str], data: Any, attributes: Mapping[str, Any]) -> Any:
    """An ``xarray.Variable`` of what was computed, with times decoded and characters joined; what is lazy stays as it is.

    Times that xarray cannot decode ("months since 1850-01-01") stay numbers with their units, and a warning says so.
    """
    import xarray as xr

    kept = dict(attributes)
    if not isinstance(data, np.ndarray):
        return xr.Variable(dims, data, kept)
    meant = kept.get("numpy_dtype")
    if isinstance(meant, str) and meant[:1] == "S" and data.dtype == np.uint8:
        del kept["numpy_dtype"]
        data = data.view("S1")
    elif isinstance(meant, str) and data.dtype == np.int64 and np.dtype(meant).kind in "mM":
        del kept["numpy_dtype"]
        data = data.view(meant)
    elif "since" in str(kept.get("units", "")) and data.dtype == np.int64 and (data == _NO_TIME).any():
        data = np.where(data == _NO_TIME, np.nan, data.astype(np.float64))
    variable = xr.Variable(dims, data, kept)
    try:
        return xr.decode_cf(xr.Dataset({"it": variable}), mask_and_scale=False, decode_coords=False).variables["it"]
    except (ValueError, OverflowError) as error:
        warnings.warn(f"The times of '{name}' stay numbers: {error}", stacklevel=4)
        return variable
