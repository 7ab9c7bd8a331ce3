"""A file as xarray's decoders take it: variables as they are stored, with attributes, and how they are stored as encodings."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from xarray.backends.common import AbstractDataStore
from xarray.core import indexing
from xarray.core.variable import Variable

from freestone import _core
from freestone._array import Array
from freestone._remote import remote_options
from freestone.errors import UserError
from freestone.xarray import raster_coordinates
from freestone.xarray.backend_arrays import FreestoneBackendArray
from freestone.xarray.stored_encodings import attribute_values, encoding_of, is_hidden, zarr_document

__all__ = ["FileStore", "can_open", "group_paths", "open_contents"]

_SUFFIXES = (
    ".nc", ".nc3", ".nc4", ".cdf", ".netcdf", ".h5", ".hdf5", ".he5", ".hdf", ".zarr", ".tif", ".tiff", ".gtiff", ".fits", ".fit", ".fts", ".fz",
    ".image", ".im", ".npy", ".vrt", ".jp2",
)  # fmt: skip
_MAGIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n", b"SIMPLE  =", b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"\x93NUMPY")


def can_open(given: Any) -> bool:
    """Whether the suffix or the first bytes are those of a format that is read here. Nothing else is looked at."""
    if not isinstance(given, (str, os.PathLike)):
        return False
    path, _ = _core.split_selector(os.fspath(given))
    name = path.rstrip("/").lower().split("?")[0]
    if name.endswith(".gz"):
        name = name[:-3]
    if name.endswith(_SUFFIXES):
        return True
    with contextlib.suppress(OSError):
        if os.path.isdir(path):
            return any(os.path.exists(os.path.join(path, part)) for part in (".zgroup", ".zarray", "zarr.json", "table.dat"))
        with open(path, "rb") as file:
            start = file.read(4096)
        return start.startswith(_MAGIC) or (name.endswith(".json") and b'"refs"' in start)
    return False


def group_paths(contents: dict[str, Any]) -> list[str]:
    """The groups of a file: "/", those that it lists, and those that hold variables, with those above them."""
    found = {"/"} | {"/" + path for path in contents["groups"]}
    for variable in contents["variables"]:
        parts = variable["name"].split("/")[:-1] if contents["is_group"] else []
        for k in range(len(parts)):
            found.add("/" + "/".join(parts[: k + 1]))
    return sorted(found)


def open_contents(path: str, storage_options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What the engine says of a file: format, attributes, groups, variables. A selector in brackets is not looked at."""
    contents: dict[str, Any] = _core.open_contents(_core.split_selector(path)[0], remote_options(storage_options))
    return contents


class FileStore(AbstractDataStore):
    """The variables of a file or of a group in it, as they are stored.

    Parameters
    ----------
    path : str
    group : str, optional
    storage_options : mapping, optional
    contents : dict, optional
        What `open_contents` said of the file already.
    is_masked : bool
        Of a raster: what its mask leaves out is NaN, and bands that have scales and offsets of their own have them applied.
    """

    def __init__(
        self, path: str, group: str | None, storage_options: Mapping[str, Any] | None, contents: dict[str, Any] | None = None, *, is_masked: bool = False
    ) -> None:
        self.path, self.selector = _core.split_selector(path)
        self.contents = open_contents(path, storage_options) if contents is None else contents
        self.group = (group or "").strip("/")
        self.attributes = attribute_values(self._group_attributes() if self.group else self.contents["attributes"], self.contents["format"])
        self.raster: dict[str, Any] = {}
        self.lengths: dict[str, int] = {}
        self.is_raster = not self.contents["is_group"] and self.contents["format"] in raster_coordinates.FORMATS
        self.is_masked = is_masked

    def _group_attributes(self) -> Any:
        if not self.contents["is_group"]:
            raise UserError(f"{self.path}: a {self.contents['format']} file has no groups, so no '{self.group}'.")
        groups = [path.lstrip("/") for path in group_paths(self.contents)[1:]]
        if self.group not in groups:
            raise UserError(f"{self.path}: there is no group '{self.group}'. There {'are ' + ', '.join(groups) if groups else 'are no groups'}.")
        return self.contents["groups"].get(self.group, [])

    def get_attrs(self) -> Any:
        """Attributes of the file or group."""
        return {key: value for key, value in self.attributes.items() if not is_hidden(key, self.contents["format"])}

    def get_variables(self) -> Any:
        """Variables by name."""
        made: dict[str, Variable] = {}
        for stored in self.contents["variables"]:
            name = self._name(stored)
            if name is None:
                continue
            variable = self._variable(name, stored)
            if variable is not None:
                made[name] = variable
        if not made and self.contents["variables"]:
            notes = [v["note"] for v in self.contents["variables"] if v["note"]]
            if notes and not self.group:
                raise UserError(f"{self.path}: nothing in it can be read: {notes[0]}.")
        return made

    def get_dimensions(self) -> Any:
        """Names and lengths of dimensions."""
        return {dim: n for variable in self.get_variables().values() for dim, n in variable.sizes.items()}

    def get_encoding(self) -> Any:
        """What is known of the dataset: the file, and the dimensions that may grow."""
        encoding: dict[str, Any] = {"source": self.path}
        known = self.contents["unlimited_dims"]
        unlimited = set(known) & set(self.get_dimensions()) if known else set()
        if unlimited:
            encoding["unlimited_dims"] = unlimited
        return encoding

    def _name(self, stored: dict[str, Any]) -> str | None:
        """The variable's name in the dataset; None for one that is not of this group or is not meant."""
        if self.contents["is_group"]:
            name = stored["name"]
            if self.group:
                if not name.startswith(self.group + "/"):
                    return None
                name = name[len(self.group) + 1 :]
            return None if "/" in name else name
        if stored["array"] is None and stored["texts"] is None:
            return None
        if self.selector and self.selector not in (stored["name"], str(stored["number"])):
            return None
        if self.is_raster and not self.selector and not raster_coordinates.stands_beside(stored, self.contents["variables"]):
            return None
        if stored["name"]:
            return str(stored["name"])
        if self.contents["format"] in raster_coordinates.FORMATS:
            return "band_data"
        return f"hdu{stored['number']}" if stored["number"] else "data"

    def _variable(self, name: str, stored: dict[str, Any]) -> Variable | None:
        if self.contents["format"] == "zarr":
            stored["document"] = zarr_document(self.path, stored["name"])
        attributes = attribute_values(stored["attributes"], self.contents["format"])
        meant = attributes.pop("numpy_dtype", None)
        if stored["texts"] is not None:
            shape, values = stored["texts"]
            return Variable(stored["dims"], np.array(values, dtype=np.str_).reshape(shape), attributes, {"dtype": np.array(values, dtype=np.str_).dtype})
        if stored["array"] is None:
            return None
        array = Array(stored["array"])
        undone: dict[str, Any] = {}
        if self.is_raster and self.is_masked:
            array, undone = raster_coordinates.meant_numbers(array, attributes, raster_coordinates.mask_of(stored, self.contents["variables"]))
        if self.is_raster and array.ndim == 2:
            array = array[None]
            stored = {**stored, "dims": ["band", *stored["dims"]]}
            if stored["chunking"] is not None:
                stored["chunking"] = ([1, *stored["chunking"][0]], stored["chunking"][1])
        is_text = isinstance(meant, str) and meant.startswith("S")
        data: Any = indexing.LazilyIndexedArray(FreestoneBackendArray(array, meant if is_text else None))
        dims = [dim or f"{name}_axis{k}" for k, dim in enumerate(stored["dims"])]
        if len(dims) != data.ndim:
            named = not dims and not self.contents["is_group"] and data.ndim <= len(_PLAIN_DIMS)
            dims = _PLAIN_DIMS[len(_PLAIN_DIMS) - data.ndim :] if named else [f"{name}_axis{k}" for k in range(data.ndim)]
            if any(self.lengths.setdefault(dim, n) != n for dim, n in zip(dims, data.shape)):
                dims = [f"{name}_{dim}" for dim in dims]  # another image's axes of that name have other lengths
        encoding = encoding_of(stored, dims, data, self.contents["format"], self.path, attributes)
        encoding.update(undone)
        variable = Variable(dims, data, attributes, encoding)
        if self.is_raster and variable.ndim == 3:
            variable, transform, crs = raster_coordinates.raster_variable(variable)
            self.raster.setdefault("transform", transform)
            self.raster.setdefault("crs", crs)
        return variable

    def finished(self, dataset: Any) -> Any:
        """`dataset` with what a format has beside its arrays: coordinates of rasters."""
        dataset.set_close(None)  # nothing is held open
        return raster_coordinates.with_coordinates(dataset, self.raster, is_masked=self.is_masked) if self.is_raster else dataset


#: Of arrays whose format has no names.
_PLAIN_DIMS = ["v", "u", "t", "z", "y", "x"]
