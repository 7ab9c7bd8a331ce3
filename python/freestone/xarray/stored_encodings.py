"""How a variable is stored, in the words of xarray's engines: ``encoding``; and its attributes, without what is none of the user's."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["attribute_values", "encoding_of", "is_hidden", "zarr_document"]

_JSON_FORMATS = ("zarr", "kerchunk")
_HDF5_FORMATS = ("hdf5", "netcdf4")


def attribute_values(triples: Sequence[tuple[str, Any, str]], format: str) -> dict[str, Any]:
    """Attributes by key: numbers in their stored types, lists as arrays, where the format has them as JSON as Python has it."""
    made: dict[str, Any] = {}
    for key, value, comment in triples:
        if comment == "JSON" and isinstance(value, str):
            made[key] = json.loads(value)
        elif isinstance(value, list) and format in _JSON_FORMATS:
            made[key] = value
        elif isinstance(value, list) and value and not isinstance(value[0], str):
            made[key] = np.asarray(value, dtype=_typed(comment))
        elif _typed(comment) is not None and isinstance(value, (int, float)) and not isinstance(value, bool):
            made[key] = np.dtype(comment).type(value)
        else:
            made[key] = value
    return made


def _typed(comment: str) -> Any:
    return comment if comment in ("float32", "int8", "int16", "int32", "uint8", "uint16", "uint32", "uint64", "float64", "int64") else None


def is_hidden(key: str, format: str) -> bool:
    """Whether an attribute belongs to the format: xarray's engines do not show it."""
    return key in ("_NCProperties", "_ARRAY_DIMENSIONS", "_nc3_strict", "_Netcdf4Coordinates", "_Netcdf4Dimid", "_NCCOPY") or (
        format == "zarr" and key.lower().startswith("_nc")
    )


def encoding_of(stored: dict[str, Any], dims: Sequence[str], data: Any, format: str, path: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """The encoding of a variable. What `attributes` say of storage moves there."""
    for key in [key for key in attributes if is_hidden(key, format)]:
        del attributes[key]
    if format in _JSON_FORMATS:
        _zarr_fill(stored, data, attributes)
    if "_FillValue" in attributes:
        fill = attributes["_FillValue"]
        if np.dtype(data.dtype).kind in "fiu" and isinstance(fill, (int, float, np.generic)):
            attributes["_FillValue"] = np.dtype(data.dtype).type(fill)
    encoding: dict[str, Any] = {"dtype": np.dtype(data.dtype)}
    chunking = stored["chunking"]
    if format in _JSON_FORMATS:
        encoding = _zarr(chunking, dims, data, stored.get("document", {}))
    elif format in _HDF5_FORMATS:
        encoding.update(_hdf5(chunking, dims))
        encoding["source"], encoding["original_shape"] = path, tuple(data.shape)
        if "least_significant_digit" in attributes:
            encoding["least_significant_digit"] = attributes.pop("least_significant_digit")
    elif chunking is not None and len(chunking[0]) == len(dims):
        encoding["preferred_chunks"] = dict(zip(dims, chunking[0]))
        encoding["source"] = path
    else:
        encoding["source"], encoding["original_shape"] = path, tuple(data.shape)
    return encoding


_FILTERS = {"zlib": "zlib", "zstd": "zstd", "bz2": "bzip2", "shuffle": "shuffle", "fletcher32": "fletcher32"}


def _hdf5(chunking: Any, dims: Sequence[str]) -> dict[str, Any]:
    """As netCDF4-python's filters() and chunking() have it."""
    if not dims:
        return {"contiguous": True, "chunksizes": None, **_no_filters()} if chunking is None else {**_no_filters()}
    if chunking is None:
        return {"contiguous": True, "chunksizes": None, **_no_filters()}
    lengths, codecs = chunking
    found = {**_no_filters(), "contiguous": False, "chunksizes": tuple(lengths), "preferred_chunks": dict(zip(dims, lengths))}
    for name, text in codecs:
        word = next((ours for key, ours in _FILTERS.items() if name.startswith(key)), None)
        if word is not None:
            found[word] = True
        level = json.loads(text).get("level") if text else None
        if level is not None and word in ("zlib", "zstd", "bzip2"):
            found["complevel"] = int(level)
    return found


def _no_filters() -> dict[str, Any]:
    return {"zlib": False, "szip": False, "zstd": False, "bzip2": False, "blosc": False, "shuffle": False, "complevel": 0, "fletcher32": False}


def zarr_document(path: str, name: str) -> dict[str, Any]:
    """What a Zarr store on this machine says of an array; nothing where it cannot be looked at."""
    for file in (".zarray", "zarr.json"):
        with contextlib.suppress(OSError, ValueError), open(os.path.join(path, name, file), encoding="utf-8") as opened:
            found = json.load(opened)
            return found if isinstance(found, dict) else {}
    return {}


def _zarr_fill(stored: dict[str, Any], data: Any, attributes: dict[str, Any]) -> None:
    """xarray's rule: version 2 means what is missing by its fill_value; version 3 by an attribute."""
    document, dtype = stored.get("document", {}), np.dtype(data.dtype)
    if document.get("zarr_format") == 2 and dtype.kind in "fiub":
        attributes.pop("_FillValue", None)
        fill = document.get("fill_value")
        if isinstance(fill, str):
            fill = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}.get(fill)
        if fill is not None:
            attributes["_FillValue"] = dtype.type(fill)


def _zarr(chunking: Any, dims: Sequence[str], data: Any, document: dict[str, Any]) -> dict[str, Any]:
    """As xarray's engine zarr has it. Codecs are objects of zarr's, so they are there where zarr is installed and the store is on this machine."""
    lengths = tuple(chunking[0]) if chunking is not None else tuple(data.shape)
    found: dict[str, Any] = {"chunks": lengths, "preferred_chunks": dict(zip(dims, lengths))}
    if document:
        try:
            import zarr
            from zarr.storage import MemoryStore, StorePath

            array: Any = zarr.Array.from_dict(StorePath(MemoryStore()), document)
        except Exception:  # whatever a library of another version makes of it: the array itself is read without it
            return found
        found.update(compressors=array.compressors, filters=array.filters, shards=array.shards)
        if array.metadata.zarr_format == 3:
            found["serializer"] = array.serializer
            found["fill_value"] = array.fill_value
    return found
