"""xarray's objects in runs with others: their arrays of Freestone's, and the objects with what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from freestone._array import Array

__all__ = ["ObjectRun"]


class ObjectRun:
    """What `freestone.compute` and `freestone.persist` see of a Dataset or DataArray."""

    def __init__(self, obj: Any) -> None:
        self._obj = obj
        self._dataset = obj if hasattr(obj, "data_vars") else obj._to_temp_dataset()
        self._names = [name for name, variable in self._dataset.variables.items() if isinstance(variable._data, Array)]

    def _freestone_arrays(self) -> list[Any]:
        return [self._dataset.variables[name]._data._core for name in self._names]

    def _freestone_result(self, values: list[np.ndarray[Any, Any]]) -> Any:
        return self._with(dict(zip(self._names, values))).compute()  # what others left lazy

    def _freestone_kept(self, cores: list[Any]) -> Any:
        if not self._names:
            return self._obj.persist()
        # xarray itself does not keep arrays of several kinds together.
        others = {name: variable._data.persist() for name, variable in self._dataset.variables.items() if name not in self._names and hasattr(variable._data, "persist")}
        return self._with({**dict(zip(self._names, map(Array, cores))), **others})

    def _with(self, values: Mapping[Any, Any]) -> Any:
        made = self._dataset.copy(deep=False)
        for name, value in values.items():
            made.variables[name].data = value
        return made if self._dataset is self._obj else self._obj._from_temp_dataset(made)
