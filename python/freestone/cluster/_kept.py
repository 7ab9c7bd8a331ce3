"""Arrays that a client of Dask persisted: their elements stay on a worker, and are fetched part by part."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from freestone._array import Array
from freestone._foreign import read_by_parts
from freestone.errors import IoError


def _part(values: Any, key: Any) -> Any:
    return np.array(np.asarray(values)[key])


class _Remote:
    """The result of a future, indexed as NumPy's arrays are.

    Here a task on the cluster takes each part out of it. In another process, which may be the very worker that would have to run that task, the
    result is fetched whole, once, or was handed to the task (`ComputedWith`).
    """

    def __init__(self, future: Any, key: str, shape: tuple[int, ...], dtype: Any, whole: bool = False) -> None:
        self.kept_by, self.key, self.shape, self.dtype = future, key, shape, np.dtype(dtype)
        self.ndim = len(shape)
        self._whole = whole
        self._values: Any = None
        self._lock = threading.Lock()

    def __getitem__(self, key: Any) -> Any:
        from distributed import CancelledError

        handed = _handed.get(self.key)
        if handed:
            return _part(handed[-1], key)
        try:
            if not self._whole:
                return self.kept_by.client.submit(_part, self.kept_by, key, pure=False).result()
            with self._lock:
                if self._values is None:
                    self._values = self.kept_by.result()
            return _part(self._values, key)
        except CancelledError as error:
            raise IoError(f"The array was left on a cluster as {self.key}, and is not there any more: it was cancelled or lost.") from error

    def __reduce__(self) -> Any:
        return (_Remote, (self.kept_by, self.key, self.shape, self.dtype.str, True))


#: Results of futures that the running tasks were given, by key; once for each task.
_handed: dict[str, list[Any]] = {}
_handing = threading.Lock()


class ComputedWith:
    """A task: ``compute()`` where the results of futures, which Dask hands to it, are at hand."""

    def __init__(self, compute: Callable[[], Any], keys: list[str]) -> None:
        self._compute, self._keys = compute, keys

    def __call__(self, results: list[Any]) -> Any:
        with _handing:
            for key, value in zip(self._keys, results):
                _handed[key] = [*_handed.get(key, ()), value]
        try:
            return self._compute()
        finally:
            with _handing:
                for key in self._keys:
                    _handed[key] = _handed[key][1:]
                    if not _handed[key]:
                        del _handed[key]


class KeptArray(Array):
    """An array whose elements a cluster keeps, as ``client.persist`` gives it: ``distributed.futures_of`` finds its future.

    When the last array goes that needs them, so do the elements.
    """

    __slots__ = ("_future", "_kept")

    def __init__(self, future: Any, shape: tuple[int, ...], dtype: Any) -> None:
        super().__init__(read_by_parts(_Remote(future, future.key, shape, dtype), [max(n, 1) for n in shape], future.key)._core)
        self._future = future
        self._kept = self._core

    def _dask_graph(self) -> dict[Any, Any]:
        return {self._future.key: self._future} if self._core is self._kept else super()._dask_graph()

    def __dask_keys__(self) -> list[str]:
        return [self._future.key] if self._core is self._kept else super().__dask_keys__()
