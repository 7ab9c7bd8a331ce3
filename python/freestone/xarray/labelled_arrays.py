"""xarray's objects as Freestone's own labelled arrays, encoded as CF has it: for plans and files of any format that Freestone writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import Array, asarray
from freestone.errors import UserError
from freestone.xarray.lazy_sources import is_computable

__all__ = ["Encoded", "attribute_triples", "encoded"]


class Encoded:
    """A dataset of the engine, and the texts that go beside it."""

    def __init__(self, labels: Any, texts: list[Any]) -> None:
        self.labels, self.texts = labels, texts


def attribute_triples(attributes: Mapping[Any, Any], owner: str) -> list[tuple[str, Any, str]]:
    """(key, value, type) of each attribute.

    Raises
    ------
    UserError
        A value that is neither a number, a text, nor a list of them.
    """
    made = []
    for key, value in attributes.items():
        kind = str(value.dtype) if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "iuf" else ""
        plain = value.tolist() if isinstance(value, (np.ndarray, np.generic)) else list(value) if isinstance(value, (list, tuple, set)) else value
        if isinstance(plain, bytes):
            plain = plain.decode(errors="replace")
        items = plain if isinstance(plain, list) else [plain]
        if not all(isinstance(item, (bool, int, float, str)) for item in items) or (isinstance(plain, list) and len({isinstance(i, str) for i in items}) > 1):
            raise UserError(f"{owner}: attribute '{key}' is {type(value).__name__}; files hold numbers, texts and lists of them. Convert or drop it.")
        if isinstance(plain, list) and not plain:
            continue
        made.append((str(key), plain, "" if kind in ("int64", "float64") else kind))
    return made


def encoded(dataset: Any, *, packed: bool = True) -> Encoded:
    """`dataset` (of xarray) as a dataset of the engine: times are numbers with units. Arrays of ours stay lazy.

    Parameters
    ----------
    packed : bool
        Encodings (scale_factor, _FillValue, dtype) are obeyed, as `Dataset.to_netcdf` does. False: numbers as they are.
    """
    from xarray import conventions

    coordinates = set(dataset.coords)
    if not packed:
        dataset = dataset.copy(deep=False)
        for variable in dataset.variables.values():
            variable.encoding = {key: value for key, value in variable.encoding.items() if key in ("units", "calendar")}
    # Variables, with what coordinates say in attributes, as xarray writes them.
    variables, attributes = conventions.cf_encoder(*conventions.encode_dataset_coordinates(dataset))
    made, texts = [], []
    for name, variable in variables.items():
        data = variable._data if isinstance(variable._data, Array) else variable.values
        if not isinstance(data, Array) and not is_computable(data.dtype) and data.dtype.kind not in "OSU":
            raise UserError(f"variable '{name}': files hold numbers and texts, not {data.dtype}. Drop it, or convert it.")
        words = attribute_triples({k: v for k, v in variable.attrs.items() if packed or not (k == "_FillValue" and v != v)}, f"variable '{name}'")
        dims = [str(dim) for dim in variable.dims]
        if data.dtype.kind in "OSU":
            values = [item.decode() if isinstance(item, bytes) else str(item) for item in np.ravel(data).tolist()]
            texts.append((str(name), dims, list(data.shape), values, words))
            continue
        is_auxiliary = name in coordinates and list(variable.dims) != [name]
        made.append((str(name), asarray(data)._core, dims, words, is_auxiliary))
    return Encoded(_core.make_dataset(made, attribute_triples(attributes, "the dataset")), texts)
