"""Runs: what they are told (settings), who watches them (progress, profile), computing and writing."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, cast

from freestone import _core
from freestone._dask import DaskTask
from freestone.errors import UserError

__all__ = ["settings", "get_settings", "progress", "profile", "Profile", "WriteLater", "compute", "persist", "write", "explain"]

_lock = threading.Lock()
_settings: dict[str, Any] = {"memory": None, "threads": 0, "temp_dir": "", "scheduler": None, "resume": False}
# What one piece of work was told, before the settings of the process: those that overlap do not see each other's.
_told: ContextVar[Mapping[str, Any]] = ContextVar("freestone_told", default={})
_observers: list[Any] = []
# Dask's words for this process, and the threads that they mean; None: as many as are set.
_HERE: dict[str, int | None] = {"threads": None, "threading": None, "sync": 1, "synchronous": 1, "single-threaded": 1}


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


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
    scheduler : optional
        Runs go to a Dask cluster: a ``distributed.Client``, ``"tcp://host:8786"``, or a cluster object. ``"threads"``: to this process again.
        A task on a worker of that cluster does its own runs where it is.
    scheduler_file : path, optional
        The same by the ``scheduler.json`` that ``dask scheduler --scheduler-file`` wrote.
    resume : bool, optional
        Writes take up what a run of the same job has left that was killed, here or on a cluster: finished parts of outputs are not made again.
    """

    def __init__(
        self,
        *,
        memory: str | int | None = None,
        threads: int | None = None,
        temp_dir: str | os.PathLike[str] | None = None,
        scheduler: Any = None,
        scheduler_file: str | os.PathLike[str] | None = None,
        resume: bool | None = None,
    ) -> None:
        changed = _changes(memory=memory, threads=threads, temp_dir=temp_dir, scheduler=scheduler, scheduler_file=scheduler_file, resume=resume)
        with _lock:
            self._before = {key: _settings[key] for key in changed}
            _settings.update(changed)
        told = _told.get()
        self._told = {key: told[key] for key in changed if key in told}
        if self._told:
            _told.set({**told, **{key: changed[key] for key in self._told}})

    def __enter__(self) -> settings:
        return self

    def __exit__(self, *_: object) -> None:
        with _lock:
            _settings.update(self._before)
        if self._told:
            _told.set({**_told.get(), **self._told})


def _changes(
    *, memory: Any = None, threads: int | None = None, temp_dir: Any = None, scheduler: Any = None, scheduler_file: Any = None, resume: bool | None = None
) -> dict[str, Any]:
    """What is given of `settings`, checked."""
    changed: dict[str, Any] = {}
    if memory is not None:
        changed["memory"] = memory
    if threads is not None:
        if threads < 1:
            raise UserError("threads is 1 or more.")
        changed["threads"] = int(threads)
    if temp_dir is not None:
        changed["temp_dir"] = os.fspath(temp_dir)
    if resume is not None:
        changed["resume"] = bool(resume)
    if scheduler is not None or scheduler_file is not None:
        changed["scheduler"] = cluster_of(scheduler, scheduler_file)
    trial = {**_now(), **changed}
    _core.run_setup(trial["memory"], trial["threads"], trial["temp_dir"], [])
    return changed


def _now() -> dict[str, Any]:
    with _lock:
        return {**_settings, **_told.get()}


@contextlib.contextmanager
def told(**given: Any) -> Iterator[None]:
    """A context whose work, what it submits too, has some of `settings` that no other thread sees."""
    token = _told.set({**_told.get(), **_changes(**given)})
    try:
        yield
    finally:
        _told.reset(token)


def cluster_of(scheduler: Any, scheduler_file: Any = None) -> Any:
    """What sends runs to a Dask scheduler; None for "threads"."""
    if isinstance(scheduler, str) and scheduler in _HERE:
        if scheduler_file is not None:
            raise UserError("Give one of them: a scheduler, or a scheduler_file.")
        return None
    from freestone.cluster._connect import connect

    return connect(scheduler, scheduler_file=scheduler_file)


def get_settings() -> dict[str, Any]:
    """The settings that a run has now: ``memory`` (bytes), ``threads``, ``temp_dir``, ``scheduler`` (Dask's client, or None)."""
    memory, threads, temp_dir = _core.settings()
    now = _now()
    if now["memory"] is not None:
        memory = _core.parse_bytes(now["memory"])
    return {"memory": memory, "threads": now["threads"] or threads, "temp_dir": now["temp_dir"] or temp_dir, "scheduler": now["scheduler"]}


def threads_set() -> int:
    """What `settings` has for the threads of the whole process; 0: nothing, so that the engine's own number counts."""
    return cast(int, _settings["threads"])


def worker_here() -> Any:
    """The worker of Dask for whose task the caller works; None elsewhere."""
    if "distributed.worker" not in sys.modules:
        return None
    from freestone.cluster import _inside

    return _inside.worker_here()


def run_setup(**overrides: Any) -> Any:
    """The setup of a run now: settings, some of them overridden as in `settings`, and observers."""
    now = {**_now(), **{key: value for key, value in overrides.items() if value is not None}}
    with _lock:
        cluster = now["scheduler"]
        memory = now["memory"]
        if memory is None and "distributed.worker" in sys.modules:
            from freestone.cluster._inside import worker_memory

            memory = worker_memory()
        setup = _core.run_setup(memory, now["threads"], now["temp_dir"], list(_observers))
    setup.resume = now["resume"]
    client = None if cluster is None else cluster_of(cluster)
    if client is not None:
        from freestone.cluster._inside import inside_of
        from freestone.cluster._scheduler import ClusterScheduler

        if not inside_of(client):
            setup.use_cluster(ClusterScheduler(client, now["temp_dir"]))
    return setup


def threads_of(threads: int | None, num_workers: int | None, scheduler: Any) -> int | None:
    """The number of threads by Dask's names."""
    if isinstance(scheduler, str) and _HERE.get(scheduler) == 1:
        return 1
    if isinstance(scheduler, str) and scheduler not in _HERE and ":" not in scheduler:
        raise UserError(f"scheduler is 'threads' or 'synchronous', a distributed.Client, or an address such as tcp://host:8786, not {scheduler!r}.")
    return threads if num_workers is None else num_workers


#: Arguments of Dask's ``compute`` that have no meaning here, and are taken.
DASK_ONLY = frozenset(("optimize_graph", "traverse", "get", "pool", "chunksize", "sync", "retries", "priority", "workers", "allow_other_workers", "resources"))


#: Arguments of `compute` and `persist`.
RUN_OPTIONS = frozenset(("memory", "threads", "num_workers", "scheduler"))


def without_dasks(name: str, options: dict[str, Any]) -> None:
    """Raises TypeError for an argument that is not one of Dask's either."""
    for option in options:
        if option not in DASK_ONLY:
            raise TypeError(f"{name}() has no argument {option!r}; it has memory, threads, num_workers and scheduler")


def watch(observer: Any) -> None:
    """Every run that begins from now on is watched by `observer`."""
    with _lock:
        _observers.append(observer)


def unwatch(observer: Any) -> None:
    """Ends one `watch`."""
    with _lock:
        for place, watching in enumerate(_observers):
            if watching is observer:
                del _observers[place]
                return


class _Watch:
    """A context in which every run is watched by one observer."""

    def __init__(self, observer: Any) -> None:
        self._observer = observer

    def __enter__(self) -> Any:
        if self._observer is not None:
            watch(self._observer)
        return self

    def __exit__(self, *_: object) -> None:
        if self._observer is not None:
            unwatch(self._observer)


class progress(_Watch):
    """Shows the progress of the runs inside: ``with fs.progress(): ...``; of futures: ``fs.progress(futures)``, which waits for them.

    Parameters
    ----------
    *futures : Future, or iterable of them
        Whose bar is shown until all have ended: ours, or those of ``distributed``.
    mode : {"bar", "auto", "json", "none"}
        A bar on stderr; a bar only on a terminal and for runs that take long; lines of JSON; nothing. May stand first.
    notebook, multi, complete, group_by
        As in ``distributed.progress``, and without effect: tqdm knows whether it runs in a notebook.
    """

    def __init__(
        self, *futures: Any, mode: str = "bar", notebook: bool | None = None, multi: bool = True, complete: bool = True, group_by: Any = None
    ) -> None:
        if futures and isinstance(futures[0], str):
            mode, *rest = futures
            if rest:
                raise UserError("progress takes a mode, or futures.")
            futures = ()
        super().__init__(None if futures else _core.make_progress(mode))
        if futures:
            _show_until_done([one for part in futures for one in (part if isinstance(part, (list, tuple, set)) else [part])])


def _show_until_done(futures: list[Any]) -> None:
    """A bar of futures that have ended, until all have."""
    for future in futures:
        if not hasattr(future, "add_done_callback"):
            raise UserError(f"progress takes futures, not {type(future).__name__}. Runs inside are shown by: with progress(): ...")
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for future in futures:
        future.add_done_callback(ended.put)
    try:
        from tqdm.auto import tqdm

        bar: Any = tqdm(total=len(futures), unit="task")
    except ImportError:
        bar = None
    from freestone._futures import waiting

    try:
        for _ in futures:
            with waiting():
                ended.get()
            if bar is not None:
                bar.update()
    finally:
        if bar is not None:
            bar.close()


class Profile(_Watch):
    """Where the time, the bytes and the memory of the runs inside went: ``with fs.profile() as p: ...``"""

    def __init__(self) -> None:
        super().__init__(_core.Profile())

    def __repr__(self) -> str:
        return f"<freestone.Profile {self.wall_seconds:.3g} s, {self.tasks} tasks, {_core.format_bytes(self.bytes_read)} read>"

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


def compute(
    *items: Any,
    memory: str | int | None = None,
    threads: int | None = None,
    num_workers: int | None = None,
    scheduler: Any = None,
    **dask_options: Any,
) -> tuple[Any, ...]:
    """Computes several results together, in as few passes over their data as can be.

    Parameters
    ----------
    *items
        Arrays, lazy results of `freestone.astro`, delayed calls and writes, futures, objects of xarray, collections of Dask; and lists, tuples, sets and
        dicts of them. Anything else is returned as it is.
    memory, threads
        As in `settings`, for this run.
    num_workers, scheduler
        Dask's names: `threads`; "threads", or "synchronous" for one thread; a ``distributed.Client`` or an address, as in `settings`.
    **dask_options
        Dask's others (`optimize_graph`...) are taken and change nothing; with `traverse=False` lists and the like are returned as they are.

    Returns
    -------
    tuple
        For each item its result: NumPy arrays, or scalars for arrays without axes.

    Raises
    ------
    MemoryBudgetError
        The results do not fit the budget: write them to files instead.
    """
    without_dasks("compute", dask_options)
    if dask_options.get("traverse", True) and any(type(item) in _CONTAINERS for item in items):
        lazy: list[Any] = []
        _lazy_in(items, lazy)
        values = compute(*lazy, memory=memory, threads=threads, num_workers=num_workers, scheduler=scheduler)
        made: tuple[Any, ...] = _replaced(items, {id(item): value for item, value in zip(lazy, values)})
        return made
    given = {"memory": memory, "threads": threads_of(threads, num_workers, scheduler), "scheduler": scheduler}
    items = tuple(_part_of_run(item) for item in items)
    results: list[Any] = list(items)
    arrays: list[Any] = []
    parts: list[tuple[int, int, int]] = []
    background: list[int] = []
    others: list[int] = []
    writes: list[tuple[int, WriteLater]] = []
    for place, item in enumerate(items):
        if hasattr(item, "_freestone_arrays"):
            own = item._freestone_arrays()
            parts.append((place, len(arrays), len(arrays) + len(own)))
            arrays += own
        elif isinstance(item, WriteLater):
            writes.append((place, item))
        elif hasattr(item, "_freestone_compute"):
            background.append(place)
        elif _is_collection(item):
            others.append(place)
    with told(**given) if background or others or parts else contextlib.nullcontext():  # what runs in the background has no other way to know
        futures = [(place, items[place]._freestone_compute()) for place in background]
        if writes:
            written = [output for _, item in writes for output in item._outputs()]
            _core.write(written, run_setup(**_of_writes([item for _, item in writes], given)))
            for place, _ in writes:
                results[place] = None
        if parts:
            stores = [item for item in items if isinstance(item, WriteLater) and hasattr(item, "_freestone_arrays")]
            values = _core.compute(arrays, run_setup(**_of_writes(stores, given))) if arrays else []
            for place, first, end in parts:
                results[place] = items[place]._freestone_result(values[first:end])
        for place in others:
            results[place] = items[place].compute()
        for place, future in futures:
            results[place] = future.result()
    return tuple(results)


_CONTAINERS = frozenset((list, tuple, set, frozenset, dict))


def _part_of_run(item: Any) -> Any:
    """`item`, an object of xarray as what tells its arrays."""
    xarray = sys.modules.get("xarray")
    if xarray is not None and isinstance(item, (xarray.Dataset, xarray.DataArray)):
        from freestone.xarray.object_runs import ObjectRun

        return ObjectRun(item)
    return item


def _is_collection(item: Any) -> bool:
    """Whether it is a collection of Dask, or an object of xarray, which looks like one."""
    return not isinstance(item, type) and hasattr(item, "__dask_graph__") and hasattr(item, "compute")


def _lazy_in(value: Any, found: list[Any]) -> None:
    """What can be computed, in containers of containers."""
    if type(value) in _CONTAINERS:
        for part in value.values() if type(value) is dict else value:
            _lazy_in(part, found)
    elif hasattr(value, "_freestone_arrays") or hasattr(value, "_freestone_compute") or isinstance(value, WriteLater) or _is_collection(value):
        found.append(value)


def _replaced(value: Any, made: Mapping[int, Any]) -> Any:
    """Containers with what was made in place of what is lazy."""
    if type(value) is dict:
        return {key: _replaced(part, made) for key, part in value.items()}
    if type(value) in _CONTAINERS:
        return type(value)(_replaced(part, made) for part in value)
    return made.get(id(value), value)


def persist(*items: Any, traverse: bool = True, **options: Any) -> tuple[Any, ...]:
    """Several results computed and kept, as ``dask.persist``; arrays all together, in as few passes over their data as can be.

    What is kept lies in memory while it takes at most half of what is free of the budget, in temporary files otherwise.

    Parameters
    ----------
    *items
        Arrays, delayed values, objects of xarray, collections of Dask, in lists, tuples, sets and dicts, too; anything else is returned as it is.
    traverse : bool
        False: lists and the like are returned as they are.
    **options
        As in `compute`.
    """
    lazy: list[Any] = []
    if traverse:
        _lazy_in(items, lazy)
    else:
        lazy = [item for item in items if type(item) not in _CONTAINERS]
    arrays: list[Any] = []
    parts: list[tuple[int, Any, int, int]] = []
    made: dict[int, Any] = {}
    for item in {id(item): item for item in lazy}.values():
        part = _part_of_run(item)
        if hasattr(part, "_freestone_kept"):
            own = part._freestone_arrays()
            parts.append((id(item), part, len(arrays), len(arrays) + len(own)))
            arrays += own
        elif hasattr(item, "persist"):
            made[id(item)] = item.persist(**options)
    if arrays:
        without_dasks("persist", {name: value for name, value in options.items() if name not in RUN_OPTIONS})
        threads = threads_of(options.get("threads"), options.get("num_workers"), options.get("scheduler"))
        arrays = _core.persist(arrays, run_setup(memory=options.get("memory"), threads=threads, scheduler=options.get("scheduler")))
    for number, part, first, end in parts:
        made[number] = part._freestone_kept(arrays[first:end])
    kept: tuple[Any, ...] = _replaced(items, made)
    return kept


def _of_writes(writes: list[WriteLater], given: Mapping[str, Any]) -> dict[str, Any]:
    """What one run for several writes is told: what is given now, otherwise what was said where they were described."""
    told = dict(given)
    for write in writes:
        for key, value in write._settings.items():
            if value is None or given.get(key) is not None:
                continue
            if told.get(key) not in (None, value):
                raise UserError(f"The writes were described with {key}={told[key]!r} and {key}={value!r}; for one run of both give {key}= to compute.")
            told[key] = value
    if any(write._is_done_here() for write in writes):
        told["scheduler"] = "threads"
    return told


class WriteLater(DaskTask):
    """Writes that are described and not begun: what ``write(..., compute=False)`` gives.

    ``compute()`` writes, ``submit()`` writes in the background, `freestone.compute` writes several in as few passes as can be.
    """

    def __init__(self, outputs: Any, settings: Mapping[str, Any]) -> None:
        self._outputs = outputs
        self._settings = dict(settings)
        self._key = f"freestone-write-{id(self):x}"

    def __repr__(self) -> str:
        return "<freestone.WriteLater: compute() writes>"

    def _is_done_here(self) -> bool:
        """Whether only this process can write it."""
        return False

    def compute(
        self, *, memory: str | int | None = None, threads: int | None = None, num_workers: int | None = None, scheduler: Any = None
    ) -> None:
        """Writes now. Parameters are as in `freestone.compute`."""
        compute(self, memory=memory, threads=threads, num_workers=num_workers, scheduler=scheduler)

    def submit(self) -> Any:
        """Writes in the background; a `Future`."""
        from freestone._futures import submit

        return submit(self.compute)


_LISTS = frozenset(("chunks", "shards", "dims", "unlimited_dims"))
#: How a file is stored, as `Array.write` has it.
_STORAGE = _LISTS | {
    "compress", "level", "zarr_version", "shuffle", "fletcher32", "append", "nodata", "predictor", "interleave", "overviews", "overview_resampling", "bigtiff",
}  # fmt: skip


def storage_of(storage: Mapping[str, Any]) -> dict[str, Any]:
    """What is given of `storage`, None being nothing, as the engine takes it.

    Raises
    ------
    TypeError
        There is no such option.
    """
    given: dict[str, Any] = {}
    for key, value in storage.items():
        if key not in _STORAGE:
            raise TypeError(f"write() has no option {key!r}; those of how a file is stored are {', '.join(sorted(_STORAGE))}")
        if value is not None:
            is_number = hasattr(value, "item") and (getattr(value, "ndim", 0) == 0 or (key != "overviews" and value.size == 1))
            given[key] = list(value) if key in _LISTS else value.item() if is_number else value
    return given


def file_output(
    core: Any, path: str | os.PathLike[str], format: str, overwrite: bool, storage: Mapping[str, Any], attrs: Mapping[str, Any] | None
) -> Any:
    """The engine's output for one array and one file; `storage` as in `Array.write`, where None is not given."""
    return _core.file_output(core, os.fspath(path), format, overwrite, storage_of(storage), json.dumps(attrs) if attrs else "{}")


def outputs_of(targets: Mapping[Any, Any], format: str, overwrite: bool) -> list[Any]:
    """The engine's outputs for a mapping of paths to arrays."""
    from freestone._array import asarray

    outputs = []
    for path, item in targets.items():
        if not hasattr(item, "_freestone_output"):
            item = asarray(item)
        output = item._freestone_output(os.fspath(path), format, overwrite)
        outputs += output if isinstance(output, list) else [output]
    return outputs


def write(
    targets: Mapping[Any, Any],
    *,
    overwrite: bool = False,
    format: str = "",
    compute: bool = True,
    memory: str | int | None = None,
    threads: int | None = None,
) -> WriteLater | None:
    """Writes several results together, in as few passes over their data as can be.

    Parameters
    ----------
    targets : mapping of path to array
        The format follows the suffix. Arrays may be lazy, NumPy arrays, or results of `freestone.astro`.
    overwrite : bool
        Replace files that exist. Without it an existing file is an error, and nothing is touched.
    format : str
        The name of a format, for all files, instead of the suffix.
    compute : bool
        False: nothing is written before the result's ``compute()``.
    memory, threads
        As in `settings`, for this run.
    """
    kept = dict(targets)
    later = WriteLater(lambda: outputs_of(kept, format, overwrite), {"memory": memory, "threads": threads})
    if not compute:
        return later
    if kept:
        later.compute()
    return None


def arrays_of(item: Any) -> list[Any]:
    """The engine's arrays of what `compute` takes.

    Raises
    ------
    UserError
        It has none.
    """
    item = _part_of_run(item)
    if not hasattr(item, "_freestone_arrays"):
        raise UserError(f"This takes arrays, not {type(item).__name__}.")
    arrays: list[Any] = item._freestone_arrays()
    return arrays


def explain(*items: Any, memory: str | int | None = None, threads: int | None = None) -> str:
    """The plan for computing `items` together, in words: stages, tiles, bytes, peak memory. Nothing is read.

    Results that are larger than the budget are planned as written to a file.
    """
    outputs = [_core.planned_output(array) for item in items for array in arrays_of(item)]
    text: str = _core.explain(outputs, run_setup(memory=memory, threads=threads))
    return text
