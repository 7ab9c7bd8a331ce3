"""A run on a cluster: ranges of tiles become Dask's tasks, stage by stage; what is done goes into the journal and to who watches."""

from __future__ import annotations

import queue
import re
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from freestone import _core
from freestone import errors as _errors
from freestone.cluster import _checks, _functions, _worker
from freestone.cluster._connect import workers_known
from freestone.errors import DataError, Error, InternalError, IoError, MemoryBudgetError, UserError

_LOST_SECONDS = 6.0  # without the scheduler, before it counts as gone
_MOST_ATTEMPTS = 12  # of a range whose worker was killed
_MOST_WORKERS = 3  # on which a range may fail to read or write
_STOP_SECONDS = 20.0
_LOOK_SECONDS = 5.0  # in which no task has ended, before it is asked which workers can run one
_IDLE_SECONDS = 120.0  # in which none could, before they count as gone

_MOST_ALONG_EACH = 64 << 10  # bytes of a plan that a task takes along; what is over 100 kB Dask makes a value of its own, with a name that all runs share
_MOST_ALONG = 4 << 20  # of those in the tasks of a stage

_DEATHS = ("KilledWorker", "CommClosedError", "NoValidWorkerError")  # Dask's words for a task whose workers went

_BY_KIND: dict[str, type[Error]] = {
    "user": _errors.UserError,
    "data": DataError,
    "io": IoError,
    "memory": MemoryBudgetError,
    "cancelled": _errors.Cancelled,
}


class ClusterLost(IoError):
    """The cluster cannot go on with a run that was under way; what is finished stays for one that takes it up."""


class SchedulerLost(ClusterLost):
    """The scheduler has gone."""


class WorkersLost(ClusterLost):
    """All workers have gone, or are paused, and none has come back."""


@dataclass
class _Range:
    first: int
    last: int
    group: int
    leaves_states: bool
    attempts: int = 0
    failed_on: list[str] = field(default_factory=list)
    inputs: list[tuple[Any, _Range]] = field(default_factory=list)  # of a merge: futures of what it merges, and from where that is


def words_of_task(what: str) -> str:
    """A name for Dask's dashboard, which groups tasks by what stands before the first hyphen."""
    words = re.sub(r"\s+", " ", what.replace("-", " ")).strip()
    if len(words) > 60:
        words = words[:57].rstrip(" ,(") + "..."
    return words if words[:1].isalpha() else f"stage {words}".strip()


class ClusterScheduler:
    """What `freestone.settings` has for a cluster: the engine's runs go through it.

    Parameters
    ----------
    client : distributed.Client
    work_folder : str
        Folder for results between stages, which all workers and this process see; "": beside the first output.
    """

    def __init__(self, client: Any, work_folder: str = "") -> None:
        self.client = client
        self._work_folder = work_folder

    def compute(self, cores: Sequence[Any], setup: Any) -> list[Any]:
        """Results as NumPy arrays, all computed together."""
        limit = _core.setup_memory(setup)
        needed = sum(_core.array_bytes(core) for core in cores)
        if needed > limit:
            raise MemoryBudgetError(
                f"The result takes {_core.format_bytes(needed)}, more than the budget of {_core.format_bytes(limit)}. Write it to a file instead (write), or "
                "raise the budget."
            )
        results = [_core.MemoryResult(core) for core in cores]
        self._run([result.output for result in results], setup, False)
        return [result.value() for result in results]

    def write(self, outputs: Sequence[Any], setup: Any) -> None:
        """Writes all outputs together."""
        self._run(outputs, setup, setup.resume)

    def persist(self, cores: Sequence[Any], setup: Any) -> list[Any]:
        """Arrays computed once, all together, and kept in stores in the work folder, each of which goes with the last array that uses it."""
        kept = [_core.KeptStore(core, self._work_folder, setup) for core in cores]
        self._run([store.output for store in kept], setup, False)
        return [store.array() for store in kept]

    def _run(self, outputs: Sequence[Any], setup: Any, resume: bool) -> None:
        run_on_cluster(self.client, lambda memory, threads: _core.ClusterRun(outputs, setup, memory, threads, self._work_folder, resume))


def run_on_cluster(client: Any, make: Callable[[int, int], Any], keep: bool = False) -> list[Any]:
    """Runs what ``make(task_memory, task_threads)`` plans on the workers of `client`.

    With `keep` parts of results in memory stay on the workers: returns the futures of tasks that have some, as `_worker.tiles` gives them.

    Raises
    ------
    UserError
        The plan calls a function of the user that cannot go to workers, or that they cannot load.
    Error
        As a run in this process; and when workers lack what it needs, when the scheduler goes, when a range of tiles has failed on several workers.
    """
    if client.status != "running":
        raise IoError(f"The Dask client is {client.status}: its scheduler is not there.")
    workers = _checks.workers_of(client)
    try:  # a lane for each thread that Dask has
        lanes, memory, run = workers.lanes, workers.memory, make(workers.memory // workers.threads, 1)
    except MemoryBudgetError:
        if workers.threads == 1:
            raise
        lanes, memory, run = len(workers.addresses), workers.memory, make(workers.memory, workers.threads)
    functions = _functions.packed(run.functions())
    if functions is not None:
        _checks.check_functions(client, functions, workers)
    if run.uses_math_library():
        _checks.check_math(workers)
    _checks.check_files(client, run.sources(), run.folders())
    run.begin()
    tasks = _Tasks(client, run, lanes, memory, functions, keep)
    try:
        tasks.run_stages()
        tasks.settle()
        run.finish()
        return tasks.kept
    except ClusterLost as lost:
        if isinstance(lost, WorkersLost):
            tasks.stop()
        if run.leave(str(lost)):
            raise type(lost)(f"{lost} What is finished stays on the disk: the same run with resume goes on from it, on another cluster or here.") from None
        raise
    except KeyboardInterrupt:
        tasks.stop()
        run.abort("Interrupted.")
        raise
    except BaseException as error:
        tasks.stop()
        run.abort(str(error))
        raise
    finally:
        tasks.forget()


class _Tasks:
    """The tasks of one run."""

    def __init__(self, client: Any, run: Any, lanes: int, memory: int, functions: _functions.Sent | None = None, keep: bool = False) -> None:
        self._client = client
        self._keep = keep
        self.kept: list[Any] = []
        self._run = run
        self._lanes = lanes
        self._memory = memory
        self._functions = functions
        self._id = uuid.uuid4().hex
        self._numbers = 0
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pending: dict[Any, _Range] = {}
        self._lost_since: float | None = None
        self._idle_since: float | None = None
        self._looked = time.monotonic()
        self._payload: Any = None
        self._sent: _worker.Payload | None = None

    def run_stages(self) -> None:
        """All stages, one after the other."""
        stages = self._run.stages()
        self._send_plan()
        for stage in stages:
            self._run.stage_begins(stage["number"])
            self._stage(stage)
            self._run.stage_ends(stage["number"])

    def _send_plan(self) -> None:
        if self._sent is None:
            self._sent = _worker.Payload(self._run.payload(), self._functions)
        self._payload = self._client.submit(_same, self._sent, key=self._key("plan"), pure=False)

    def _payload_of(self, ranges: Sequence[_Range]) -> Any:
        """What tasks of these ranges are given: the plan that lies on a worker, or itself.

        Few tasks Dask puts where what they need lies, all on one worker, until it steals them a second later. Those take it along.
        """
        assert self._sent is not None
        size = sys.getsizeof(self._sent)
        few = len(ranges) <= 2 * self._lanes and size <= _MOST_ALONG_EACH and len(ranges) * size <= _MOST_ALONG
        return self._sent if few else self._payload

    def _stage(self, stage: dict[str, Any]) -> None:
        number, words = stage["number"], words_of_task(stage["what"])
        ranges = [_Range(*numbers) for numbers in self._run.ranges(number, self._lanes)]
        waiting: dict[int, list[tuple[Any, _Range]]] = {}  # states of a group that is not whole yet
        left: dict[int, int] = {}
        for one in ranges:
            if one.leaves_states:
                left[one.group] = left.get(one.group, 0) + 1
        self._submit(number, words, ranges)
        while self._pending:
            future = self._next(number, words)
            one = self._pending.pop(future)
            if future.status != "finished":
                self._again(number, words, one, future)
                continue
            if one.leaves_states:
                self._run.tiles_done(number, one.first, one.last)
                waiting.setdefault(one.group, []).append((future, one))
                left[one.group] -= 1
                if left[one.group] == 0:
                    self._submit_merge(number, words, _Range(0, 0, one.group, False, inputs=waiting.pop(one.group)))
                continue
            self._take(future, number, words, one)

    def _take(self, future: Any, number: int, words: str, one: _Range) -> None:
        if self._keep:
            self.kept.append(future)
            self._run.tiles_done(number, one.first, one.last)
            return
        try:
            parts, states = self._result(future)
        except Exception as error:
            if type(error).__name__ not in _DEATHS:
                raise
            self._again(number, words, one, future)  # lost before it was fetched, and workers died that made it again
            return
        if states:
            raise InternalError("A range of tiles left states of a reduction that nobody merges.")
        for root, start, values in parts:
            self._run.take_part(root, list(start), values)
        self._run.tiles_done(number, one.first, one.last)

    def _submit_merge(self, number: int, words: str, merged: _Range, workers: list[str] | None = None) -> None:
        merged.attempts += 1
        future = self._client.submit(
            _worker.merge,
            self._payload,
            self._id,
            number,
            self._memory,
            [future for future, _ in merged.inputs],
            key=self._key(f"merge of {words}"),
            pure=False,
            priority=1,
            **_rather_on(workers),
        )
        self._pending[future] = merged
        future.add_done_callback(self._done.put)

    def _key(self, words: str) -> str:
        self._numbers += 1
        return f"{words}-{self._id}-{self._numbers}"

    def _submit(self, number: int, words: str, ranges: list[_Range], workers: list[str] | None = None) -> None:
        futures = self._futures(number, words, ranges, workers)
        for future, one in zip(futures, ranges):
            self._pending[future] = one
        for future in futures:
            future.add_done_callback(self._done.put)

    def _futures(self, number: int, words: str, ranges: list[_Range], workers: list[str] | None = None) -> list[Any]:
        futures: list[Any] = self._client.map(
            _tiles,
            [one.first for one in ranges],
            [one.last for one in ranges],
            payload=self._payload_of(ranges),
            run=self._id,
            stage=number,
            memory=self._memory,
            key=[self._key(words) for _ in ranges],
            pure=False,
            **_rather_on(workers),
        )
        for one in ranges:
            one.attempts += 1
        return futures

    def _next(self, number: int, words: str) -> Any:
        """The next task that has ended; looks meanwhile whether the scheduler is there, and workers."""
        while True:
            try:
                future = self._done.get(timeout=0.25)
            except queue.Empty:
                self._check_scheduler()
                self._check_workers(number, words)
                continue
            self._looked, self._idle_since = time.monotonic(), None
            if future in self._pending:
                return future

    def _check_scheduler(self) -> None:
        if self._client.status == "running":
            self._lost_since = None
            return
        now = time.monotonic()
        if self._lost_since is None:
            self._lost_since = now
        if now - self._lost_since > _LOST_SECONDS or self._client.status in ("closed", "closing"):
            raise SchedulerLost("The Dask scheduler has gone: it was stopped, or this machine cannot reach it any more.")

    def _check_workers(self, number: int, words: str) -> None:
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS or self._client.status != "running":
            return
        self._looked = now
        workers = workers_known(self._client)
        able = [address for address, facts in workers.items() if facts.get("status", "running") == "running"]
        paused = [address for address in workers if address not in able]
        tasks = self._client.run(_worker.running, self._id, workers=paused, on_error="return") if paused else {}
        busy = [address for address in paused if isinstance(tasks.get(address), int) and tasks[address] > 0]  # others' tasks are not waited for
        stuck = [address for address in paused if address not in busy]
        if able or busy:
            self._idle_since = None
            if able and stuck:
                self._move(number, words, stuck, able)
            return
        if self._idle_since is None:
            self._idle_since = now
        if now - self._idle_since >= _IDLE_SECONDS:
            what = (
                f"The cluster has lost all its workers, and none has come back for {now - self._idle_since:.0f} s."
                if not workers
                else f"All {len(workers)} workers have been paused for {now - self._idle_since:.0f} s: they hold more memory than Dask lets workers work with "
                "(distributed.worker.memory.pause). Restart them, or let go of what they hold."
            )
            raise WorkersLost(what)

    def _move(self, number: int, words: str, stuck: list[str], able: list[str]) -> None:
        """Ranges that wait on paused workers go to others: Dask leaves the last ones there."""
        by_worker = self._client.processing()
        given = {key for keys in by_worker.values() for key in keys}
        waiting = {key for address in stuck for key in by_worker.get(address, ())}
        has_plan = self._payload.key not in waiting
        if not has_plan:
            self._send_plan()
        for future, one in list(self._pending.items()):
            renewed = self._renew_inputs(number, words, one, lambda future: future.key in waiting)
            if future.key not in waiting and not renewed and (has_plan or future.key in given):
                continue
            del self._pending[future]
            future.cancel()
            one.attempts -= 1  # nobody has died
            self._submit_again(number, words, one, able)

    def _result(self, future: Any) -> Any:
        try:
            return future.result(timeout=600)
        except (OSError, TimeoutError) as error:
            self._wait_for_scheduler()
            raise IoError(f"A result could not be fetched from the cluster: {error}") from None

    def _wait_for_scheduler(self) -> None:
        while self._client.status != "running":
            self._check_scheduler()
            time.sleep(0.2)

    def _again(self, number: int, words: str, one: _Range, future: Any) -> None:
        """Submits a range once more, where that may help.

        Raises
        ------
        Error
            It does not.
        """
        if future.status in ("cancelled", "lost"):
            self._wait_for_scheduler()
            raise _errors.Cancelled("The run's tasks were cancelled on the cluster.")
        error = future.exception()
        name = type(error).__name__
        if name in _DEATHS:
            if one.attempts >= _MOST_ATTEMPTS:
                raise IoError(
                    f"Workers died again and again while they ran tiles {one.first} to {one.last} of '{words}', the last time: {error}. Do they have the memory "
                    "that their limit promises?"
                )
            # Dask gives up what was there already, too, when it was lost and its workers died again.
            if self._payload.status == "error":
                self._send_plan()
            self._renew_inputs(number, words, one, lambda future: future.status == "error")
            self._submit_again(number, words, one)
            return
        if not isinstance(error, _worker.TileError):
            if isinstance(error, (ImportError, AttributeError)):
                raise UserError(f"A worker does not have this version of freestone: {error}")
            raise IoError(f"A task failed on the cluster: {name}: {error}")
        if error.raised is not None and error.kind != "cancelled":
            raise error.raised.exception(error.worker)
        one.failed_on.append(error.worker)
        others = [address for address in workers_known(self._client) if address not in one.failed_on]
        if error.kind == "io" and len(one.failed_on) < _MOST_WORKERS and others:
            self._submit_again(number, words, one, others)
            return
        where = ", ".join(one.failed_on)
        raise _BY_KIND.get(error.kind, InternalError)(f"{error.message} (on {'worker' if len(one.failed_on) == 1 else 'workers'} {where})")

    def _submit_again(self, number: int, words: str, one: _Range, workers: list[str] | None = None) -> None:
        if one.inputs:
            self._submit_merge(number, words, one, workers)
        else:
            self._submit(number, words, [one], workers)

    def _renew_inputs(self, number: int, words: str, merged: _Range, is_lost: Callable[[Any], bool]) -> bool:
        """What a range merges is made again where it is lost. Says whether any was."""
        lost = [k for k, (future, _) in enumerate(merged.inputs) if is_lost(future)]
        ranges = [merged.inputs[k][1] for k in lost]
        for k, one, future in zip(lost, ranges, self._futures(number, words, ranges) if ranges else []):
            merged.inputs[k] = future, one
        return bool(lost)

    def settle(self) -> None:
        """Waits until no worker is at work for this run, and none begins.

        Dask runs a task again whose worker died before Dask heard that its result is not wanted any more. Such a one writes into outputs that are whole
        already; it must end what it has begun.
        """
        if self._keep:
            return  # parts of results that stay on workers are made again when they are lost; they are not in files
        while self._ask_workers(_worker.end):
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends all tasks, and waits until none of them works any more."""
        futures = list(self._pending)
        self._pending.clear()
        try:
            if futures:
                self._client.cancel(futures, force=True)
        except (OSError, RuntimeError, TimeoutError, ValueError):
            return  # as in _ask_workers
        end = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < end and self._ask_workers(_worker.stop):
            time.sleep(0.1)

    def _ask_workers(self, question: Callable[[str], int]) -> bool:
        """Whether any worker answers with a number above 0."""
        try:
            answers = self._client.run(question, self._id, on_error="return")
        except (OSError, RuntimeError, TimeoutError, ValueError):
            return False  # whoever cannot be told to stop is not there
        return any(isinstance(answer, int) and answer > 0 for answer in answers.values())

    def forget(self) -> None:
        """Workers close what they have open."""
        self._pending.clear()
        self._payload = self._sent = None
        if self._client.status != "running":
            return
        try:
            self._client.run(_worker.forget, self._id, on_error="return")
        except (OSError, RuntimeError, TimeoutError, ValueError):
            return


def _rather_on(workers: list[str] | None) -> dict[str, Any]:
    """For Dask: on one of these workers; elsewhere when they have gone, else it would wait for their addresses for ever."""
    return {"workers": workers, "allow_other_workers": True} if workers else {}


def _same(value: Any) -> Any:
    return value


def _tiles(first: int, last: int, *, payload: _worker.Payload, run: str, stage: int, memory: int) -> tuple[list[Any], bytes]:
    return _worker.tiles(payload, run, stage, first, last, memory)
