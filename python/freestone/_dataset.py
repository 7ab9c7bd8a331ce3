"""Dataset and DataArray: arrays by name, with dimensions, coordinates and attributes. Names and rules are xarray's."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, Union

import numpy as np

from freestone import _core, _runs
from freestone._array import Array, apply
from freestone.errors import UserError

__all__ = ["DataArray", "Dataset"]

Dims = Union[str, int, Iterable[Any], None]
L = TypeVar("L", bound="_Labelled")


def label_of(value: Any) -> Any:
    """A label as the engine takes it: a number, or the text of a time."""
    if isinstance(value, (np.datetime64, datetime.datetime, datetime.date)):
        return str(np.datetime64(value)) if isinstance(value, np.datetime64) else value.isoformat()
    if isinstance(value, str):
        return value
    if hasattr(value, "isoformat"):  # cftime
        return value.isoformat()
    return float(value)


def _bound(value: Any) -> Any:
    return None if value is None else label_of(value)


def _selector(value: Any, one: Callable[[Any], Any], bound: Callable[[Any], Any]) -> Any:
    if isinstance(value, slice):
        return (bound(value.start), bound(value.stop), value.step)
    if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value) == 1:
        return [one(v) for v in value]
    return one(value.item() if isinstance(value, np.ndarray) and value.dtype.kind != "M" else value)


def _position(value: Any) -> Any:
    return None if value is None else int(value)


class Coordinates(Mapping[str, "DataArray"]):
    """Coordinates (or data variables) by name: ``ds.coords["time"]``."""

    def __init__(self, owner: _Labelled, names: Sequence[str]) -> None:
        self._owner, self._names = owner, list(names)

    def __getitem__(self, name: str) -> DataArray:
        if name not in self._names:
            raise KeyError(name)
        return self._owner._array(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<{', '.join(self._names)}>"


class _Labelled:
    """What Dataset and DataArray share: the engine's dataset `_labels`, and how a changed one becomes an object again."""

    __slots__ = ()
    _labels: Any

    def _of(self: L, labels: Any) -> L:
        raise NotImplementedError

    def _array(self, name: str) -> DataArray:
        return DataArray(_core.label_only(self._labels, name), name)

    def _dims(self, dim: Dims) -> list[str]:
        """Names of the axes that `dim` says: names, numbers, several, None or ... for all."""
        names = [name for name, _ in self._labels.dims()]
        if dim is None or dim is ...:
            return names
        several = [dim] if isinstance(dim, (str, int, np.integer)) else list(dim)
        own = self.dims if isinstance(self, DataArray) else names
        return [name if isinstance(name, str) else own[int(name)] for name in several]

    # Parts.

    def sel(self: L, indexers: Mapping[str, Any] | None = None, method: str | None = None, tolerance: float | None = None, **labels: Any) -> L:
        """A part by labels.

        Parameters
        ----------
        indexers, **labels
            For each axis a label, a ``slice`` (both ends belong to it) or a list. Times are texts (``"2001-01"`` means all of it), datetimes, or numbers
            in the coordinate's units. An axis without a coordinate is selected by position.
        method : {None, "nearest", "pad", "backfill"}
            Labels that are not there: an error, the nearest, the next smaller, the next larger one.
        tolerance : float, optional
            Largest distance to a label, in the coordinate's units; of times in seconds.
        """
        wanted = [(dim, _selector(self._flag(dim, value), label_of, _bound)) for dim, value in {**(indexers or {}), **labels}.items()]
        return self._of(_core.label_sel(self._labels, wanted, method or "", None if tolerance is None else float(tolerance)))

    def isel(self: L, indexers: Mapping[str, Any] | None = None, **positions: Any) -> L:
        """A part by positions: for each axis a number, a ``slice`` or a list, negative ones from the end."""
        wanted = [(dim, _selector(value, _position, _position)) for dim, value in {**(indexers or {}), **positions}.items()]
        return self._of(_core.label_isel(self._labels, wanted))

    def _flag(self, dim: str, value: Any) -> Any:
        """The number behind a text that the coordinate's flag_meanings have: "DJF"."""
        meanings = self._meanings(dim)
        if meanings is None:
            return value
        return [meanings.get(v, v) for v in value] if isinstance(value, (list, tuple)) else meanings.get(value, value) if isinstance(value, str) else value

    def _meanings(self, dim: str) -> dict[str, float] | None:
        if dim not in self._labels.coordinate_names():
            return None
        attributes = self._labels.attributes(dim)
        words, values = attributes.get("flag_meanings"), attributes.get("flag_values")
        return dict(zip(words.split(), values)) if isinstance(words, str) and values is not None else None

    def interp(self: L, coords: Mapping[str, Any] | None = None, method: str = "linear", **labels: Any) -> L:
        """Values at other labels of an axis, in float64; NaN outside of the coordinate.

        Parameters
        ----------
        coords, **labels
            For each axis the labels, in the coordinate's units; of times texts and datetimes too.
        method : {"linear", "nearest"}
        """
        if method not in ("linear", "nearest"):
            raise UserError(f"method is 'linear' or 'nearest', not '{method}'.")
        labelled = self._labels
        for dim, value in {**(coords or {}), **labels}.items():
            scalar = np.ndim(value) == 0 or isinstance(value, str)
            given = [label_of(v) for v in ([value] if scalar else value)]
            numbers = [_core.label_time_number(labelled, dim, v) if isinstance(v, str) else v for v in given]
            labelled = _core.label_interp(labelled, dim, numbers, method == "nearest")
            if scalar:
                labelled = _core.label_isel(labelled, [(dim, 0)])
        return self._of(labelled)

    # Groups, windows, weights.

    def groupby(self, group: str) -> Any:
        """Positions that belong together: ``ds.groupby("time.month").mean()``; subtract a result again for anomalies.

        Parameters
        ----------
        group : str
            ``"time.month"``, year, day, hour, dayofyear, season; or a coordinate's name: equal labels.
        """
        from freestone._groups import GroupBy

        return GroupBy(self, group)

    def resample(self, indexer: Mapping[str, str] | None = None, **step: str) -> Any:
        """Bins of a coarser time step: ``ds.resample(time="1MS").mean()``. Steps: YS, QS-DEC, MS, D, h, min, s, with a number in front."""
        from freestone._groups import Resample

        both = {**(indexer or {}), **step}
        if len(both) != 1:
            raise UserError("resample takes one axis, as in resample(time='1MS').")
        return Resample(self, *next(iter(both.items())))

    def rolling(self, dim: Mapping[str, int] | None = None, min_periods: int | None = None, center: bool = False, **window: int) -> Any:
        """Windows along an axis: ``ds.rolling(time=12, center=True).mean()``.

        Parameters
        ----------
        dim, **window
            The axis and how many positions the window holds.
        min_periods : int, optional
            Values that are not NaN which a result takes; default the window.
        center : bool
            The window stands around its position instead of ending there.
        """
        from freestone._groups import Rolling

        both = {**(dim or {}), **window}
        if len(both) != 1:
            raise UserError("rolling takes one axis, as in rolling(time=12).")
        return Rolling(self, *next(iter(both.items())), min_periods, center)

    def weighted(self, weights: DataArray | str) -> Any:
        """Weights for sum, mean, var, std, median and quantile: ``ds.weighted("coslat").mean(("lat", "lon"))``.

        Parameters
        ----------
        weights : DataArray or "coslat"
            Its axes are among those of the data; ``"coslat"`` is the cosine of latitude.
        """
        from freestone._groups import Weighted

        return Weighted(self, weights)

    def climatology(self: L, by: str = "time.month") -> L:
        """Means of the groups of `by`: of the months of all years."""
        return self.groupby(by).mean()

    def anomaly(self: L, by: str = "time.month") -> L:
        """What each position differs from the mean of its group: ``x.groupby(by) - x.groupby(by).mean()``."""
        return self._of(_core.label_anomaly(self._labels, by))

    # Reductions.

    def reduce(self: L, function: str, dim: Dims = None, *, skipna: bool | None = None, q: float = 50.0) -> L:
        """A fold by its name over axes: sum, mean, min, max, std, var, median, count, any, all, argmin, argmax, percentile."""
        return self._of(_core.label_reduce(self._labels, function, self._dims(dim), skipna is not False, float(q)))

    # Results.

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any:
        return _core.label_outputs(self._labels, path, overwrite, format, [], {})

    def to_xarray(self, *, lazy: bool = False) -> Any:
        """The same as an xarray object, with times decoded.

        Parameters
        ----------
        lazy : bool
            The data stay Freestone's arrays inside of it, and are computed when xarray asks for their values; coordinates are computed. Otherwise
            everything is, in one pass.
        """
        import xarray as xr

        from freestone._decoded import decoded_variable

        labels = self._labels
        coordinates = labels.coordinate_names()
        names = [name for name, _ in labels.arrays()]
        computed = [name for name in names if not lazy or name in coordinates]
        cores = [_core.label_array(labels, name) for name in computed]
        values = dict(zip(computed, _core.compute(cores, _runs.run_setup()) if cores else []))
        made = {}
        for name in names:
            dims, _ = _core.label_describe(labels, name)
            data = values[name] if name in values else Array(_core.label_array(labels, name))
            made[name] = decoded_variable(name, dims, data, labels.attributes(name))
        for name, dims, shape, texts, attributes, is_coordinate in labels.texts():
            made[name] = xr.Variable(dims, np.array(texts, dtype=np.str_).reshape(shape), attributes)
            names.append(name)
            if is_coordinate or list(dims) == [name]:
                coordinates.append(name)
        decoded = xr.Dataset(coords={n: made[n] for n in coordinates})
        for name in coordinates:
            meanings = self._meanings(name)
            if meanings is not None:
                words = {v: k for k, v in meanings.items()}
                words_of = np.array([words[v] for v in np.ravel(values[name])]).reshape(np.shape(values[name]))
                decoded = decoded.assign_coords({name: (made[name].dims, words_of)})
        out = xr.Dataset({n: made[n] for n in names if n not in coordinates}, coords=decoded.coords, attrs=labels.attributes(""))
        return out

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        format: str = "",
        memory: str | int | None = None,
        threads: int | None = None,
        unlimited_dims: Sequence[str] | None = None,
        compute: bool = True,
        **storage: Any,
    ) -> _runs.WriteLater | None:
        """Writes a file with coordinates and attributes; the format follows the suffix (``.nc``, ``.zarr``, ``.tif``, ``.fits``).

        Parameters
        ----------
        overwrite, format, memory, threads, compute
            As in `freestone.write`.
        unlimited_dims : sequence of str, optional
            Axes that may grow later, where the format has such (default: those of the file that was opened).
        **storage
            chunks, shards, compress, level, zarr_version, nodata, predictor, interleave, overviews ... as in `Array.write`, of the variables that are no coordinates.
        """
        given = _runs.storage_of(storage)

        def outputs() -> Any:
            return _core.label_outputs(self._labels, os.fspath(path), overwrite, format, None if unlimited_dims is None else list(unlimited_dims), given)

        later = _runs.WriteLater(outputs, {"memory": memory, "threads": threads})
        if not compute:
            return later
        later.compute()
        return None


def _reduction(name: str, text: str) -> Callable[..., Any]:
    def method(self: Any, dim: Dims = None, *, axis: Dims = None, skipna: bool | None = None) -> Any:
        return self.reduce(name, dim if axis is None else axis, skipna=skipna)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"""{text} over axes.

        Parameters
        ----------
        dim, axis : name, number, or several
            Default: all.
        skipna : bool
            NaN is left out (default).
        """
    return method


_REDUCTIONS = {
    "sum": "Sums", "mean": "Means", "min": "Smallest values", "max": "Largest values", "std": "Standard deviations of the population",
    "var": "Variances of the population", "median": "Medians", "count": "How many are not NaN", "any": "Whether any is true", "all": "Whether all are true",
}  # fmt: skip
for _name, _text in _REDUCTIONS.items():
    setattr(_Labelled, _name, _reduction(_name, _text))


class DataArray(_Labelled, Array):
    """One array with its name, dimensions, coordinates and attributes. Lazy as an `Array` is, which it also is.

    ``compute()`` and ``values`` give NumPy arrays, `to_xarray` an ``xarray.DataArray``. Arithmetic meets by the names of axes, and by their
    labels: those that both have.
    """

    __slots__ = ("_labels", "_name")
    __hash__ = object.__hash__

    def __init__(self, labels: Any, name: str) -> None:
        Array.__init__(self, _core.label_array(labels, name))
        self._labels, self._name = labels, name

    def _of(self, labels: Any) -> DataArray:
        return DataArray(labels, self._name)

    @property
    def name(self) -> str:
        """Its name in the dataset."""
        return self._name

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(self._labels.dims_of(self._name))

    @property
    def sizes(self) -> dict[str, int]:
        """Lengths of the axes by name."""
        return dict(zip(self.dims, self.shape))

    @property
    def coords(self) -> Coordinates:
        """Coordinates by name."""
        return Coordinates(self, [n for n in self._labels.coordinate_names() if n != self._name])

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes."""
        return self._labels.attributes(self._name)

    @property
    def values(self) -> np.ndarray:
        """The elements, computed."""
        return np.asarray(self.compute())

    def to_dataset(self) -> Dataset:
        """The dataset of this array alone."""
        return Dataset(self._labels)

    def to_xarray(self, *, lazy: bool = False) -> Any:  # type: ignore[override]
        whole = _Labelled.to_xarray(self, lazy=lazy)
        return whole[self._name] if self._name in whole else whole.coords[self._name]

    to_xarray.__doc__ = _Labelled.to_xarray.__doc__

    def quantile(self, q: float, dim: Dims = None, *, skipna: bool | None = None) -> DataArray:
        """The value below which a share `q` (0 to 1) lies, by linear interpolation."""
        return self.reduce("percentile", dim, skipna=skipna, q=100 * q)

    def where(self, cond: Any, other: Any = np.nan) -> DataArray:
        """This where `cond` holds, else `other`."""
        condition = cond if not isinstance(cond, DataArray) or cond.dims == self.dims else (cond, self)
        if isinstance(condition, tuple):
            raise UserError("where takes a condition with the same axes.")
        return self._with(apply("where", Array(cond._core) if isinstance(cond, Array) else cond, Array(self._core), other))

    def _with(self, array: Array) -> Any:
        return self._of(_core.label_with_array(self._labels, self._name, array._core)) if array.shape == self.shape else array

    def _combined(self, function: str, other: Any, reflected: bool = False) -> Any:
        if isinstance(other, DataArray):
            a, b = (other, self) if reflected else (self, other)
            return DataArray(_core.label_combined(function, a._labels, a._name, b._labels, b._name), a._name)
        mine = Array(self._core)
        result = apply(function, other, mine) if reflected else apply(function, mine, other)
        return self._with(result) if isinstance(result, Array) else result

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        plain = all(isinstance(k, (int, np.integer, slice)) for k in keys) and len(keys) <= self.ndim
        return self.isel(dict(zip(self.dims, keys))) if plain else Array(self._core)[key]

    def __repr__(self) -> str:
        dims = ", ".join(f"{name}: {size}" for name, size in self.sizes.items())
        lines = [f"<freestone.DataArray {self._name!r} ({dims}) {self.dtype}>"]
        return "\n".join(lines + [f"  * {name} {c.dims} {c.dtype}" for name, c in self.coords.items()])

    _repr_html_ = None  # type: ignore[assignment]


def _operator(function: str, reflected: bool) -> Callable[[DataArray, Any], Any]:
    return lambda self, other: self._combined(function, other, reflected)


_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide", "mod": "remainder", "pow": "power", "and": "bitwise_and",
    "or": "bitwise_or", "xor": "bitwise_xor", "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
for _name, _function in _OPERATORS.items():
    setattr(DataArray, f"__{_name}__", _operator(_function, False))
    if _name not in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(DataArray, f"__r{_name}__", _operator(_function, True))
for _name, _function in {"neg": "negative", "abs": "absolute", "invert": "invert"}.items():
    setattr(DataArray, f"__{_name}__", (lambda function: lambda self: self._with(apply(function, Array(self._core))))(_function))


class Dataset(_Labelled, Mapping[str, DataArray]):
    """The arrays of a file or group by name, lazy as they are: ``ds["tas"].mean("time").compute()``.

    Made by `freestone.open`. A variable with one axis and its name is a coordinate: ``time(time)``; so is what others name as theirs (CF's
    coordinates, bounds, grid_mapping). Methods act on every variable that has the axis.
    """

    def __init__(self, labels: Any) -> None:
        self._labels = labels
        self._names = [name for name, _ in labels.arrays()]

    @classmethod
    def from_xarray(cls, dataset: Any) -> Dataset:
        """The arrays of an ``xarray.Dataset`` or a named ``xarray.DataArray``; those that lie on Freestone stay lazy, texts are left out."""
        from freestone.xarray.labelled_arrays import encoded

        return cls(encoded(dataset if hasattr(dataset, "data_vars") else dataset.to_dataset(), packed=False).labels)

    @property
    def _core(self) -> Any:
        return self._labels

    def _of(self, labels: Any) -> Dataset:
        return Dataset(labels)

    def __getitem__(self, name: Any) -> Any:
        if isinstance(name, (list, tuple)):
            kept = [n for n in self._names if n in name or n in self.coords]
            missing = [n for n in name if n not in self._names]
            if missing:
                raise KeyError(missing[0])
            return Dataset(_core.label_keep(self._labels, kept))
        if name not in self._names:
            raise KeyError(name)
        return self._array(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the whole."""
        return self._labels.attributes("")

    def attrs_of(self, name: str) -> dict[str, Any]:
        """Attributes of one variable."""
        self[name]
        return self._labels.attributes(name)

    def dims_of(self, name: str) -> tuple[str, ...]:
        """Names of the axes of one variable; ``""`` for an axis without a name."""
        self[name]
        return tuple(self._labels.dims_of(name))

    @property
    def dims(self) -> dict[str, int]:
        """Names and lengths of the axes."""
        return dict(self._labels.dims())

    sizes = dims

    @property
    def coords(self) -> Coordinates:
        """The variables that are coordinates, by name."""
        return Coordinates(self, self._labels.coordinate_names())

    @property
    def texts(self) -> dict[str, np.ndarray]:
        """Variables of text (names of stations), as NumPy arrays by name: of a dataset as it was opened, of which no part was taken."""
        return {name: np.array(texts, dtype=np.str_).reshape(shape) for name, _, shape, texts, _, _ in self._labels.texts()}

    @property
    def data_vars(self) -> Coordinates:
        """The variables that are not."""
        return Coordinates(self, self._labels.data_names())

    def compute(self, *, memory: str | int | None = None, threads: int | None = None) -> dict[Hashable, Any]:
        """The elements of all variables as NumPy arrays by name, in one pass."""
        return dict(zip(self._names, _runs.compute(*[self[n] for n in self._names], memory=memory, threads=threads)))

    def explain(self, *, memory: str | int | None = None, threads: int | None = None) -> str:
        """The plan for computing all variables, in words. Nothing is read."""
        return _runs.explain(*[self[n] for n in self._names], memory=memory, threads=threads)

    def __repr__(self) -> str:
        lines = [f"<freestone.Dataset of {self._labels.path}>"]
        for name, array in self._labels.arrays():
            dims = ", ".join(self._labels.dims_of(name))
            lines.append(f"  {'*' if name in self.coords else ' '} {name}({dims}) {array.dtype} {array.shape}")
        return "\n".join(lines)
