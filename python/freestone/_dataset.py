"""Dataset: the arrays of a group, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from freestone import _core
from freestone._array import Array

__all__ = ["Dataset"]


class Dataset(Mapping[str, Array]):
    """The arrays of a group by name, lazy as they are: ``ds["tas"].mean(0).compute()``.

    Made by `freestone.open`. A variable with one axis and its name is a coordinate: ``time(time)``.
    """

    def __init__(self, core: Any) -> None:
        self._core = core
        self._arrays = {name: Array(array) for name, array in core.arrays()}

    def __getitem__(self, name: str) -> Array:
        if name not in self._arrays:
            raise KeyError(name)
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the group."""
        return self._core.attributes("")

    def attrs_of(self, name: str) -> dict[str, Any]:
        """Attributes of one variable."""
        self[name]
        return self._core.attributes(name)

    def dims_of(self, name: str) -> tuple[str, ...]:
        """Names of the axes of one variable; ``""`` for an axis without a name."""
        self[name]
        return tuple(self._core.dims_of(name))

    @property
    def dims(self) -> dict[str, int]:
        """Names and lengths of the axes."""
        return dict(self._core.dims())

    @property
    def coords(self) -> list[str]:
        """Names of the variables that are coordinates."""
        return self._core.coordinate_names()

    @property
    def data_vars(self) -> list[str]:
        """Names of the variables that are not."""
        return self._core.data_names()

    def __repr__(self) -> str:
        lines = [f"freestone.Dataset of {self._core.path}"]
        for name, array in self._arrays.items():
            dims = ", ".join(self.dims_of(name))
            lines.append(f"  {'*' if name in self.coords else ' '} {name}({dims}) {array.dtype} {array.shape}")
        return "\n".join(lines)
