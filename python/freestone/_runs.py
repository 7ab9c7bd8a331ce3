"""Runs: what they are told (settings), who watches them (progress, profile), computing and writing."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from freestone import _core
from freestone.errors import UserError

__all__ = ["settings", "get_settings", "progress", "profile", "Profile", "compute", "write", "explain"]

_lock = threading.Lock()
_settings: dict[str, Any] = {"memory": None, "threads": 0, "temp_dir": ""}
_observers: list[Any] = []


@runtime_checkable
class _Computable(Protocol):
    """What `compute` and `write` take: arrays, and results of freestone.astro."""

    def _freestone_arrays(self) -> list[Any]: ...

    def _freestone_result(self, values: list[np.ndarray]) -> Any: ...

    def _freestone_output(self, path: str, format: str, overwrite: bool) -> Any: ...


class settings:
    """Settings of the runs that follow, for all threads: ``fs.settings(memory="2GiB")``.

    As a context manager (``with fs.settings(threads=2): ...``) what was set before comes back at the end.

    Parameters
    ----------
    memory : str or int, optional
        Budget of a run: bytes, or text such as ``"512MiB"``. Default: the environment's FREESTONE_MEMORY, else half of what the process may use.
    threads : int, optional
        Threads that compute. Default: FREESTONE_THREADS, else one a core.
    temp_dir : path, optional
        Folder of intermediate results that do not fit the budget. Default: FREESTONE_TEMP_DIR, else TMPDIR, else /var/tmp.
    """

    def __init__(self, *, memory: str | int | None = None, threads: int | None = None, temp_dir: str | os.PathLike[str] | None = None) -> None:
        changed: dict[str, Any] = {}
        if memory is not None:
            changed["memory"] = memory
        if threads is not None:
            if threads < 1:
                raise UserError("threads is 1 or more.")
            changed["threads"] = int(threads)
        if temp_dir is not None:
            changed["temp_dir"] = os.fspath(temp_dir)
        with _lock:
            trial = {**_settings, **changed}
            _core.run_setup(trial["memory"], trial["threads"], trial["temp_dir"], [])
            self._before = {key: _settings[key] for key in changed}
            _settings.update(changed)

    def __enter__(self) -> settings:
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _settings.update(self._before)


def get_settings() -> dict[str, Any]:
    """The settings that a run has now: ``memory`` (bytes), ``threads``, ``temp_dir``."""
    memory, threads, temp_dir = _core.settings()
    with _lock:
        now = dict(_settings)
    if now["memory"] is not None:
        memory = _core.parse_bytes(now["memory"])
    return {"memory": memory, "threads": now["threads"] or threads, "temp_dir": now["temp_dir"] or temp_dir}


def run_setup(**overrides: Any) -> Any:
    """The setup of a run now: settings (some of them overridden) and observers."""
    with _lock:
        now = {**_settings, **{key: value for key, value in overrides.items() if value is not None}}
        return _core.run_setup(now["memory"], now["threads"], now["temp_dir"], list(_observers))


class _Watch:
    """A context in which every run is watched by one observer."""

    def __init__(self, observer: Any) -> None:
        self._observer = observer

    def __enter__(self) -> Any:
        if self._observer is not None:
            with _lock:
                _observers.append(self._observer)
        return self

    def __exit__(self, *_: object) -> None:
        if self._observer is not None:
            with _lock:
                _observers.remove(self._observer)


class progress(_Watch):
    """Shows the progress of the runs inside: ``with fs.progress(): ...``

    Parameters
    ----------
    mode : {"bar", "auto", "json", "none"}
        A bar on stderr; a bar only on a terminal and for runs that take long; lines of JSON; nothing.
    """

    def __init__(self, mode: str = "bar") -> None:
        super().__init__(_core.make_progress(mode))


class Profile(_Watch):
    """Where the time, the bytes and the memory of the runs inside went: ``with fs.profile() as p: ...``"""

    def __init__(self) -> None:
        super().__init__(_core.Profile())

    def text(self) -> str:
        """A table for people: totals, then a line for each stage and operation."""
        return self._observer.text()

    def show(self) -> None:
        """Prints `text`."""
        print(self.text())

    def json(self) -> dict[str, Any]:
        """Everything as one object."""
        return json.loads(self._observer.json())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes ``.json``, or a page that needs nothing else, ``.html``."""
        self._observer.save(os.fspath(path))

    def _repr_html_(self) -> str:
        return f"<pre>{self.text()}</pre>"

    @property
    def bytes_read(self) -> int:
        """Bytes fetched from files."""
        return self._observer.bytes_read

    @property
    def bytes_written(self) -> int:
        """Bytes of elements written to files."""
        return self._observer.bytes_written

    @property
    def bytes_spilled(self) -> int:
        """Bytes of elements written to temporary stores on disk."""
        return self._observer.bytes_spilled

    @property
    def tasks(self) -> int:
        """Tiles finished."""
        return self._observer.tasks

    @property
    def wall_seconds(self) -> float:
        """From the first event to the last."""
        return self._observer.wall_seconds

    @property
    def peak_leased_bytes(self) -> int:
        """The most memory that was taken from the budget."""
        return self._observer.peak_leased_bytes

    @property
    def peak_resident_bytes(self) -> int:
        """The most memory that the process held."""
        return self._observer.peak_resident_bytes


def profile() -> Profile:
    """A new `Profile`."""
    return Profile()


def compute(*items: Any, memory: str | int | None = None, threads: int | None = None) -> tuple[Any, ...]:
    """Computes several results together, in as few passes over their data as can be.

    Parameters
    ----------
    *items
        Arrays, lazy results of `freestone.astro`, and anything else, which is returned as it is.
    memory, threads
        As in `settings`, for this run.

    Returns
    -------
    tuple
        For each item its result: NumPy arrays, or scalars for arrays without axes.

    Raises
    ------
    MemoryBudgetError
        The results do not fit the budget: write them to files instead.
    """
    arrays: list[Any] = []
    parts: list[tuple[int, int] | None] = []
    for item in items:
        if isinstance(item, _Computable):
            own = item._freestone_arrays()
            parts.append((len(arrays), len(arrays) + len(own)))
            arrays += own
        else:
            parts.append(None)
    values = _core.compute(arrays, run_setup(memory=memory, threads=threads)) if arrays else []
    return tuple(
        item if part is None else item._freestone_result(values[part[0] : part[1]]) for item, part in zip(items, parts)
    )


def outputs_of(targets: Mapping[Any, Any], format: str, overwrite: bool) -> list[Any]:
    """The engine's outputs for a mapping of paths to arrays."""
    from freestone._array import asarray

    outputs = []
    for path, item in targets.items():
        if not isinstance(item, _Computable):
            item = asarray(item)
        output = item._freestone_output(os.fspath(path), format, overwrite)
        outputs += output if isinstance(output, list) else [output]
    return outputs


def write(targets: Mapping[Any, Any], *, overwrite: bool = False, format: str = "", memory: str | int | None = None, threads: int | None = None) -> None:
    """Writes several results together, in as few passes over their data as can be.

    Parameters
    ----------
    targets : mapping of path to array
        The format follows the suffix. Arrays may be lazy, NumPy arrays, or results of `freestone.astro`.
    overwrite : bool
        Replace files that exist. Without it an existing file is an error, and nothing is touched.
    format : str
        The name of a format, for all files, instead of the suffix.
    memory, threads
        As in `settings`, for this run.
    """
    outputs = outputs_of(targets, format, overwrite)
    if outputs:
        _core.write(outputs, run_setup(memory=memory, threads=threads))


def explain(*items: Any, memory: str | int | None = None, threads: int | None = None) -> str:
    """The plan for computing `items` together, in words: stages, tiles, bytes, peak memory. Nothing is read."""
    outputs = [_core.planned_output(array) for item in items for array in item._freestone_arrays()]
    return _core.explain(outputs, run_setup(memory=memory, threads=threads))
