"""What groupby, resample, rolling and weighted give: waiting for the reduction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from freestone import _core
from freestone._array import Array, apply
from freestone.errors import UserError

__all__ = ["GroupBy", "Resample", "Rolling", "Weighted"]

_FOLDS = ("sum", "mean", "min", "max", "std", "var", "count", "first", "last", "any", "all")


def _fold(name: str, text: str) -> Callable[..., Any]:
    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        return self._fold(name, *arguments, **options)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = text
    return method


class _Groups:
    """Positions of an axis that belong together; each group is folded to one."""

    def __init__(self, owner: Any, dim: str, by: str, is_resampling: bool) -> None:
        self._owner, self._dim, self._by, self._is_resampling = owner, dim, by, is_resampling

    def _fold(self, name: str, skipna: bool | None = None) -> Any:
        function = {"var": "variance"}.get(name, name)
        labels = _core.label_group_reduce(self._owner._labels, self._dim, self._by, self._is_resampling, function, skipna is not False)
        return self._owner._of(self._ordered(labels))

    def _ordered(self, labels: Any) -> Any:
        return labels

    def reduce(self, function: str, *, skipna: bool | None = None) -> Any:
        """A fold by its name: sum, mean, min, max, std, var, count, first, last, any, all."""
        return self._fold(function, skipna)


for _name in _FOLDS:
    setattr(_Groups, _name, _fold(_name, f"The {_name} of each group; NaN is left out unless ``skipna=False``."))


class GroupBy(_Groups):
    """Groups by a part of a date or by equal labels. Arithmetic with a result of theirs gives each position its group's value."""

    def __init__(self, owner: Any, group: str) -> None:
        super().__init__(owner, group.rsplit(".", 1)[0], group, False)

    def _ordered(self, labels: Any) -> Any:
        if not self._by.endswith(".season"):
            return labels
        # xarray has seasons in the order of their names.
        rank = [0.0, 2.0, 1.0, 3.0]
        seasons = [float(v) for v in _core.compute([_core.label_array(labels, "season")], _core_setup())[0]]
        return _core.label_isel(labels, [("season", sorted(range(len(seasons)), key=lambda i: rank.index(seasons[i])))])

    def _with(self, function: str, other: Any) -> Any:
        labels = getattr(other, "_labels", None)
        if labels is None:
            raise UserError("Arithmetic with groups takes a Dataset or DataArray that has a value for each group, such as groupby(...).mean().")
        return self._owner._of(_core.label_group_with(self._owner._labels, self._by, function, labels))

    def __sub__(self, other: Any) -> Any:
        return self._with("subtract", other)

    def __add__(self, other: Any) -> Any:
        return self._with("add", other)

    def __mul__(self, other: Any) -> Any:
        return self._with("multiply", other)

    def __truediv__(self, other: Any) -> Any:
        return self._with("divide", other)


class Resample(_Groups):
    """Bins of a coarser time step."""

    def __init__(self, owner: Any, dim: str, step: str) -> None:
        super().__init__(owner, dim, step, True)


class Rolling:
    """Windows along an axis."""

    def __init__(self, owner: Any, dim: str, window: int, min_periods: int | None, center: bool) -> None:
        self._owner, self._dim, self._window, self._min_periods, self._center = owner, dim, int(window), min_periods, center

    def _fold(self, name: str) -> Any:
        function = {"var": "variance"}.get(name, name)
        labels = _core.label_rolling(self._owner._labels, function, self._dim, self._window, self._center, self._min_periods)
        return self._owner._of(self._with_enough(labels) if name == "count" else labels)

    def _with_enough(self, labels: Any) -> Any:
        """Counts below min_periods are NaN, as xarray has it."""
        least = self._window if self._min_periods is None else self._min_periods
        for name in labels.data_names():
            if self._dim in labels.dims_of(name):
                count = Array(_core.label_array(labels, name))
                labels = _core.label_with_array(labels, name, apply("where", count >= least, count, float("nan"))._core)
        return labels


for _name in ("sum", "mean", "min", "max", "std", "var", "median", "count"):
    setattr(Rolling, _name, _fold(_name, f"The {_name} of each window; NaN is left out."))


class Weighted:
    """Reductions with weights, in float64."""

    def __init__(self, owner: Any, weights: Any) -> None:
        if isinstance(weights, str):
            if weights != "coslat":
                raise UserError(f"weights is a DataArray or 'coslat', not '{weights}'.")
            self._weights, self._name = _core.label_cos_latitude(owner._labels), "weights"
        elif hasattr(weights, "_labels") and hasattr(weights, "name"):
            self._weights, self._name = weights._labels, weights.name
        else:
            raise UserError("weights is a DataArray or 'coslat'.")
        self._owner = owner

    def _fold(self, name: str, dim: Any = None, q: float = 0.5) -> Any:
        return self._owner._of(_core.label_weighted(self._owner._labels, name, self._weights, self._name, self._owner._dims(dim), 100 * q))

    def quantile(self, q: float, *, dim: Any = None) -> Any:
        """The weighted quantile `q` in [0, 1] over axes (default: all), by xarray's rule; NaN is left out, and its weight with it.

        Equal weights give ``quantile``. The axes are seen whole.
        """
        if not 0 <= q <= 1:
            raise UserError(f"quantile: q = {q} is not between 0 and 1.")
        return self._fold("percentile", dim, q)


for _name in ("sum", "mean", "std", "var", "median"):
    setattr(Weighted, _name, _fold(_name, f"The weighted {_name} over axes (default: all); NaN is left out, and its weight with it."))


def _core_setup() -> Any:
    from freestone import _runs

    return _runs.run_setup()
