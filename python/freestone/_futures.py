"""Work as futures: functions that run in the background, on threads of this process.

>>> import freestone as fs
>>> future = fs.submit(pow, 2, 10)
>>> future.result()
1024

A future among the arguments stands for its result: the work begins when all of them are done, and no thread waits for it.
"""

from __future__ import annotations

import contextlib
import contextvars
import itertools
import os
import queue
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Iterable, Iterator, ValuesView
from concurrent.futures import CancelledError
from typing import Any, NamedTuple, cast

from freestone import _core, _interrupts, _runs
from freestone.errors import UserError

__all__ = ["CancelledError", "Future", "as_completed", "cancel", "fire_and_forget", "gather", "map", "scatter", "submit", "wait"]

_PENDING, _RUNNING, _FINISHED, _ERROR, _CANCELLED = "pending", "running", "finished", "error", "cancelled"
_DONE = frozenset((_FINISHED, _ERROR, _CANCELLED))

_lock = threading.Lock()  # of the states and callbacks of all futures
NUMBERS = itertools.count(1)


class Future:
    """The result of a function that runs, or will run, in the background. Made by `submit` and `map`."""

    __slots__ = ("_work", "_call", "_context", "_state", "_result", "_waiting", "_callbacks", "_number", "_name", "__weakref__")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._work: Any = (function, args, kwargs)
        self._call: Any = None  # what `retry` runs again
        self._context: contextvars.Context | None = contextvars.copy_context()
        worker = _runs.worker_here()
        if worker is not None:
            from freestone.cluster._inside import working_for

            self._context.run(working_for.set, worker)
        self._state = _PENDING
        self._result: Any = None
        self._waiting = 0
        self._callbacks: list[Callable[[Future], Any]] | None = None
        self._number: int | None = next(NUMBERS)
        self._name: str = getattr(function, "__name__", type(function).__name__)

    @property
    def key(self) -> str:
        """A name of its own: the one it was given, or the function's and a number."""
        return self._name if self._number is None else f"{self._name}-{self._number}"

    @property
    def status(self) -> str:
        """ "pending", "running", "finished", "error" or "cancelled"."""
        self.done()  # who waits for it to change asks so, too
        return self._state

    def __repr__(self) -> str:
        return f"<freestone.Future {self.key}: {self._state}>"

    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        if self._state in _DONE:
            return True
        _pool.asked_in_vain(self)
        return False

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._state == _CANCELLED

    def running(self) -> bool:
        """Whether it runs now."""
        return self._state == _RUNNING

    @property
    def type(self) -> Any:
        """The type of the result; None before it is there."""
        return type(self._result) if self.status == _FINISHED else None

    def release(self) -> None:
        """Nothing: the result goes when nobody holds the future. For Dask's sake."""

    def retry(self) -> None:
        """Runs it again, when it has failed or was cancelled, with the arguments that it had."""
        with _lock:
            if self._state not in (_ERROR, _CANCELLED) or self._call is None:
                return
            self._state, self._result, self._work = _PENDING, None, self._call
            self._context = contextvars.copy_context()
        _enqueue(self)

    def cancel(self, force: bool = False, reason: str | None = None, msg: str | None = None) -> bool:
        """Cancels what has not begun; False when it runs or has ended. Parameters are as in Dask, and change nothing."""
        with _lock:
            if self._state != _PENDING:
                return False
        return self._end(_CANCELLED, CancelledError(self.key), only_from=_PENDING)

    def result(self, timeout: float | None = None) -> Any:
        """Waits, and gives what the function gave.

        Raises
        ------
        TimeoutError
            `timeout` seconds went by first.
        BaseException
            What the function raised.
        """
        self._wait(timeout)
        if self._state == _FINISHED:
            return self._result
        raise self._result

    compute = result

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Waits, and gives what the function raised, or None."""
        self._wait(timeout)
        if self._state == _CANCELLED:
            raise self._result
        return None if self._state == _FINISHED else self._result

    def traceback(self, timeout: float | None = None) -> Any:
        """Waits, and gives the traceback of what the function raised, or None."""
        error = self.exception(timeout)
        return None if error is None else error.__traceback__

    def add_done_callback(self, callback: Callable[[Future], Any]) -> None:
        """Calls ``callback(future)`` when it has ended: on the thread that ends it, or now."""
        with _lock:
            if self._state not in _DONE:
                if self._callbacks is None:
                    self._callbacks = []
                self._callbacks.append(callback)
                return
        callback(self)

    def __await__(self) -> Iterator[Any]:
        import asyncio

        loop = asyncio.get_running_loop()
        waiter = loop.create_future()

        def ended(_: Future) -> None:
            if not waiter.done():
                waiter.set_result(None)

        self.add_done_callback(lambda _: loop.call_soon_threadsafe(ended, self))
        with _pool.waiting():
            yield from waiter
        return self.result()

    def __reduce__(self) -> Any:
        raise TypeError("a future belongs to its process; give its result to another one")

    # For this module:

    def _wait(self, timeout: float | None) -> None:
        if self._state not in _DONE and not _wait_for_one([self], timeout):
            raise TimeoutError(f"{self.key} has not ended after {timeout} s")

    def _end(self, state: str, result: Any, only_from: str | None = None) -> bool:
        with _lock:
            if self._state in _DONE or (only_from is not None and self._state != only_from):
                return False
            if state != _FINISHED:
                self._call = self._work
            self._state, self._result, self._work, self._context = state, result, None, None
            callbacks, self._callbacks = self._callbacks, None
        if callbacks is not None:
            for callback in callbacks:
                try:
                    callback(self)
                except Exception:
                    traceback.print_exc()
        return True

    def _run(self) -> None:
        with _lock:
            if self._state != _PENDING:
                return
            self._state = _RUNNING
            function, args, kwargs = self._work
            context = cast("contextvars.Context", self._context)
        try:
            result = context.run(function, *args, **kwargs)
        except BaseException as error:
            self._end(_ERROR, error)
            return
        self._end(_FINISHED, result)


class _Place:
    """What a thread does about other futures inside of its work."""

    def __init__(self) -> None:
        self.waits = 0  # an event loop may wait for many at once
        self.asked: dict[Future, bool] = {}  # those that had not ended, and whether it has asked again
        self.counts = ""  # "waits" or "polls": how the pool counts it


class _Pool:
    """Threads that run futures in the order in which they are ready."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Future | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._process = os.getpid()
        self._most = 0
        self._names = itertools.count()
        self._setting: int | None = None  # what `_most` was made of
        self._waiting = 0  # threads that wait for futures inside of their work
        self._polling = 0  # others that ask for them again and again
        self._own = threading.local()

    def put(self, future: Future) -> None:
        self.queue.put(future)
        if len(self._threads) < self._allowed() or self._setting != _runs.threads_set() or self._process != os.getpid():
            self._start()

    def _start(self) -> None:
        with _lock:
            if self._process != os.getpid():
                # A fork has none of the threads; what waited in the queue is the parent's.
                self.queue, self._threads, self._process, self._waiting, self._polling = queue.SimpleQueue(), [], os.getpid(), 0, 0
            setting = _runs.threads_set()
            if setting != self._setting:
                self._most = max(1, setting or _core.settings()[1])
                self._setting = setting
                for _ in range(len(self._threads) - self._most):
                    self.queue.put(None)  # for those that wait; who is at work looks afterwards
            # All that a greater number allows: work may be waiting for them already.
            wanted = len(self._threads) + min(self._allowed() - len(self._threads), max(1, self.queue.qsize()))
            while len(self._threads) < wanted:
                thread = threading.Thread(target=self._serve, name=f"freestone-{next(self._names)}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _may_stay(self) -> bool:
        with _lock:
            if len(self._threads) <= self._allowed():
                return True
            self._threads.remove(threading.current_thread())
            return False

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """While a thread waits for futures inside of its work, another one is there in its place: it might be the only one that could run them.

        Its work is a future, or a function of blocks, for whose run a future may be waiting.
        """
        if not (getattr(self._own, "serves", False) or _interrupts.runs_here()):
            yield
            return
        place = self._place()
        with _lock:
            place.waits += 1
            self._count(place)
        self._start()
        try:
            yield
        finally:
            with _lock:
                place.waits -= 1
                self._count(place)

    def asked_in_vain(self, future: Future) -> None:
        """A thread that asks for a future again within its work may do so until it has ended: meanwhile that thread is not the one that makes progress."""
        serves = getattr(self._own, "serves", False)
        if not (serves or _interrupts.runs_here()):
            return
        place = self._place()
        with _lock:
            if future._state in _DONE or place.asked.get(future):
                return
            again = future in place.asked or not serves
            if len(place.asked) >= 64:
                place.asked = {one: more for one, more in place.asked.items() if one._state not in _DONE}
            place.asked[future] = again
            self._count(place)
        if not again:
            return  # it may have looked whether to stop, and work now
        if not serves:
            future.add_done_callback(lambda one: self._forget(place, one))  # nobody tells when a function of blocks has ended
        self._start()

    def _place(self) -> _Place:
        place: _Place = self._own.__dict__.setdefault("place", _Place())
        return place

    def _forget(self, place: _Place, future: Future) -> None:
        with _lock:
            place.asked.pop(future, None)
            self._count(place)

    def _allowed(self) -> int:
        """So many threads may be there: who waits has another one in its place, and besides those that poll there is one at least."""
        return max(self._most + self._waiting, self._waiting + self._polling + 1)

    def _count(self, place: _Place) -> None:
        """Counts a thread by what it does now. The lock is held."""
        now = "waits" if place.waits else "polls" if True in place.asked.values() else ""
        self._waiting += (now == "waits") - (place.counts == "waits")
        self._polling += (now == "polls") - (place.counts == "polls")
        place.counts = now
        if len(self._threads) > self._allowed():
            self.queue.put(None)  # for one that has nothing to do

    def _serve(self) -> None:
        self._own.serves = True
        take = self.queue.get
        while True:
            future = take()
            if future is not None:
                future._run()
                del future
                place = self._place()
                if place.asked:
                    with _lock:
                        place.asked.clear()
                        self._count(place)
            if len(self._threads) > self._allowed() and not self._may_stay():
                return


_pool = _Pool()


def waiting() -> contextlib.AbstractContextManager[None]:
    """What waits inside for futures, by other means than theirs, may do so within the work of a future."""
    return _pool.waiting()


def _after_fork() -> None:
    global _lock, _pool
    _lock, _pool = threading.Lock(), _Pool()


os.register_at_fork(after_in_child=_after_fork)

_known: weakref.WeakValueDictionary[Any, Future] = weakref.WeakValueDictionary()
_kept: set[Future] = set()


def _wait_for_one(futures: list[Future], seconds: float | None) -> bool:
    """Waits until a future has ended; whether one has."""
    event = threading.Event()

    def ended(_: Future) -> None:
        event.set()

    for future in futures:
        future.add_done_callback(ended)
    with _pool.waiting():
        if event.wait(seconds):
            return True
    for future in futures:
        with _lock:
            if future._callbacks is not None and ended in future._callbacks:
                future._callbacks.remove(ended)
        _pool.asked_in_vain(future)
    return False


def _futures_in(value: Any, found: list[Future]) -> None:
    if type(value) is Future:
        found.append(value)
    elif type(value) in (list, tuple, set, frozenset):
        for part in value:
            _futures_in(part, found)
    elif type(value) is dict:
        for part in value.values():
            _futures_in(part, found)


def _with_results(value: Any) -> Any:
    if type(value) is Future:
        return value._result
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_with_results(part) for part in value)
    if type(value) is dict:
        return {key: _with_results(part) for key, part in value.items()}
    return value


def results_in(value: Any) -> Any:
    """`value` with results in place of futures, which are waited for."""
    found: list[Future] = []
    _futures_in(value, found)
    for future in found:
        future.result()
    return _with_results(value) if found else value


_CONTAINERS = frozenset((Future, list, tuple, set, frozenset, dict))


def _enqueue(future: Future) -> None:
    """Into the queue when all futures that it needs are done."""
    _, args, kwargs = future._work
    needed: list[Future] = []
    for value in args:
        if type(value) in _CONTAINERS:
            _futures_in(value, needed)
    for value in kwargs.values():
        if type(value) in _CONTAINERS:
            _futures_in(value, needed)
    if not needed:
        _pool.put(future)
        return
    future._waiting = len(needed)

    def ended(one: Future) -> None:
        if one._state != _FINISHED:
            future._end(_CANCELLED if one._state == _CANCELLED else _ERROR, one._result)
            return
        with _lock:
            future._waiting -= 1
            ready = future._waiting == 0 and future._state == _PENDING
            if ready:
                function, args, kwargs = future._work
                future._work = (function, _with_results(args), _with_results(kwargs))
        if ready:
            _pool.put(future)

    for one in needed:
        one.add_done_callback(ended)


class _Tries:
    """A function that is called again when it raises."""

    def __init__(self, function: Callable[..., Any], retries: int) -> None:
        self._function, self._retries = function, retries
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for _ in range(self._retries):
            try:
                return self._function(*args, **kwargs)
            except Exception:
                continue
        return self._function(*args, **kwargs)


def submit(
    fn: Callable[..., Any],
    *args: Any,
    pure: bool = False,
    key: str | None = None,
    retries: int | None = None,
    workers: Any = None,
    priority: int = 0,
    resources: Any = None,
    allow_other_workers: bool = False,
    fifo_timeout: Any = None,
    actor: bool = False,
    **kwargs: Any,
) -> Future:
    """Runs ``fn(*args, **kwargs)`` in the background.

    Parameters
    ----------
    fn : callable
        Runs with the context variables of the caller.
    *args, **kwargs
        Futures among them, in lists, tuples and dicts too, stand for their results.
    pure : bool
        True: the same call as one whose future is alive gives that future. Arguments must be hashable.
    key : str, optional
        The future's name. A future of that name that is alive is given instead of a new one.
    retries : int, optional
        How often a function that raises is called again.
    workers, priority, resources, allow_other_workers, fifo_timeout
        As in Dask, and without effect: there is one process, and work begins in the order in which it is ready.
    actor : bool
        Dask's actors are not here: True is an error.
    """
    if not callable(fn):
        raise TypeError(f"submit takes a function, not {type(fn).__name__}")
    if actor:
        raise UserError("submit: there are no actors; an object that several futures share is one in this process.")
    if retries:
        fn = _Tries(fn, retries)
    if not pure and key is None:
        future = Future(fn, args, kwargs)
        _enqueue(future)
        return future
    try:
        call: Any = (fn, args, tuple(sorted(kwargs.items())), tuple(type(a) for a in args)) if key is None else ("key", key)
        with _lock:
            known = _known.get(call)
            if known is not None and known._state not in (_ERROR, _CANCELLED):
                return known
            future = _known[call] = Future(fn, args, kwargs)
    except TypeError as error:
        raise TypeError(f"submit with pure=True: {error}; give pure=False") from None
    if key is not None:
        future._name, future._number = str(key), None
    _enqueue(future)
    return future


def map(
    func: Callable[..., Any], *iterables: Iterable[Any], pure: bool = False, key: Any = None, batch_size: int | None = None, **kwargs: Any
) -> list[Future]:
    """A future for each set of elements of the iterables: ``submit(func, a, b, ...)``.

    Parameters
    ----------
    key : str or sequence of str, optional
        Names: what stands before a number, or one each.
    batch_size : int, optional
        As in Dask, and without effect.
    **kwargs
        Those of `submit`, and of `func`.
    """
    parts = list(zip(*iterables))
    keys: list[Any] = [None] * len(parts)
    if isinstance(key, str):
        keys = [f"{key}-{number}" for number in range(len(parts))]
    elif key is not None:
        keys = list(key)
        if len(keys) != len(parts):
            raise UserError(f"map: {len(keys)} keys for {len(parts)} calls.")
    return [submit(func, *part, pure=pure, key=name, **kwargs) for part, name in zip(parts, keys)]


def gather(futures: Any, errors: str = "raise", direct: bool | None = None) -> Any:
    """The results of futures, in nested lists, tuples, sets and dicts; waits for them.

    Parameters
    ----------
    errors : {"raise", "skip"}
        The first error is raised, or futures that failed are left out.
    direct : bool, optional
        As in Dask, and without effect.
    """
    if errors not in ("raise", "skip"):
        raise UserError(f"gather: errors is 'raise' or 'skip', not '{errors}'.")
    if isinstance(futures, Future):
        return futures.result()
    if isinstance(futures, dict):
        kept = {key: f for key, f in futures.items() if errors == "raise" or not _failed(f)}
        return {key: gather(f, errors) for key, f in kept.items()}
    if isinstance(futures, (list, tuple, set, frozenset)):
        return type(futures)(gather(f, errors) for f in futures if errors == "raise" or not _failed(f))
    if isinstance(futures, (Iterator, ValuesView)):
        return [gather(f, errors) for f in futures]
    return futures


def scatter(data: Any, workers: Any = None, broadcast: bool = False, direct: bool | None = None, hash: bool = True, timeout: Any = None) -> Any:
    """Values as futures that have ended, as a client of Dask's gives them; here nothing is sent anywhere.

    Parameters
    ----------
    data : list, tuple, set, dict, or anything else
        Of a container every element becomes a future.
    workers, broadcast, direct, hash, timeout
        As in Dask, and without effect.
    """
    if isinstance(data, dict):
        return {key: scatter([value])[0] for key, value in data.items()}
    if not isinstance(data, (list, tuple, set, frozenset)):
        return scatter([data])[0]
    made = []
    for value in data:
        future = Future(_kept_value, (value,), {})
        future._run()
        made.append(future)
    return type(data)(made)


def _kept_value(value: Any) -> Any:
    return value


def _failed(future: Any) -> bool:
    if not isinstance(future, Future):
        return False
    future._wait(None)
    return future._state != _FINISHED


class DoneAndNotDone(NamedTuple):
    """What `wait` gives."""

    done: set[Future]
    not_done: set[Future]


def _seconds(timeout: Any) -> float | None:
    """Seconds as a number, or as text with a unit, which Dask takes, too."""
    if not isinstance(timeout, str):
        return None if timeout is None else float(timeout)
    units = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "m": 60.0, "min": 60.0, "h": 3600.0}
    number = timeout.strip().rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = timeout.strip()[len(number) :].strip()
    try:
        return float(number) * units[unit]
    except (ValueError, KeyError):
        raise UserError(f"A timeout is a number of seconds, or text such as '500ms', not {timeout!r}.") from None


def wait(fs: Any, timeout: float | str | None = None, return_when: str = "ALL_COMPLETED") -> DoneAndNotDone:
    """Waits until all futures have ended, or the first (``return_when="FIRST_COMPLETED"``).

    Raises
    ------
    TimeoutError
        `timeout` seconds went by first.
    """
    futures = [fs] if isinstance(fs, Future) else list(fs)
    if return_when not in ("ALL_COMPLETED", "FIRST_COMPLETED"):
        raise UserError(f"wait: return_when is 'ALL_COMPLETED' or 'FIRST_COMPLETED', not '{return_when}'.")
    seconds = _seconds(timeout)
    end = None if seconds is None else time.monotonic() + seconds
    if return_when == "FIRST_COMPLETED":
        if futures and not _wait_for_one(futures, seconds):
            raise TimeoutError(f"none of {len(futures)} futures has ended after {timeout} s")
    else:
        for future in futures:
            future._wait(None if end is None else max(0.0, end - time.monotonic()))
    done = {f for f in futures if f.done()}  # looked at once: another one may end meanwhile
    return DoneAndNotDone(done, set(futures) - done)


class as_completed:
    """Futures in the order in which they end.

    Parameters
    ----------
    futures : iterable of Future
    with_results : bool
        Gives pairs of future and result; an error is raised when its turn comes.
    raise_errors : bool
        False: with `with_results`, a future that failed comes with what it raised instead of a result.
    timeout : float, optional
        Seconds for each step; TimeoutError when they go by.
    """

    def __init__(
        self,
        futures: Iterable[Future] | None = None,
        *,
        with_results: bool = False,
        raise_errors: bool = True,
        timeout: float | str | None = None,
    ) -> None:
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._open: dict[Future, None] = {}  # those that were not given yet
        self._left = 0
        self._with_results = with_results
        self._raise_errors = raise_errors
        self._timeout = _seconds(timeout)
        self.update(futures or ())

    def add(self, future: Future) -> None:
        """One more."""
        self._left += 1
        self._open[future] = None
        future.add_done_callback(self._ended.put)

    def update(self, futures: Iterable[Future]) -> None:
        """Some more."""
        for future in futures:
            self.add(future)

    def count(self) -> int:
        """How many have not been given."""
        return self._left

    def is_empty(self) -> bool:
        """Whether all have been given."""
        return self._left == 0

    def __iter__(self) -> as_completed:
        return self

    def __next__(self) -> Any:
        if self._left == 0:
            raise StopIteration
        try:
            with _pool.waiting():
                future = self._ended.get(timeout=self._timeout)
        except queue.Empty:
            self._asked_in_vain()
            raise TimeoutError(f"no future has ended after {self._timeout} s") from None
        self._left -= 1
        self._open.pop(future, None)
        if not self._with_results:
            return future
        return (future, future._result if not self._raise_errors else future.result())

    def next(self) -> Any:
        """The next that ends."""
        return self.__next__()

    def has_ready(self) -> bool:
        """Whether one has ended and was not given yet."""
        if not self._ended.empty():
            return True
        self._asked_in_vain()
        return False

    def _asked_in_vain(self) -> None:
        for future in self._open:
            return _pool.asked_in_vain(future)

    def next_batch(self, block: bool = True) -> list[Any]:
        """All that have ended and were not given yet; with `block` one at least."""
        batch = [self.__next__()] if block and self._left else []
        while self.has_ready():
            batch.append(self.__next__())
        return batch

    def batches(self) -> Iterator[list[Any]]:
        """Lists of futures: those that ended since the last."""
        while self._left:
            yield self.next_batch()

    def clear(self) -> None:
        """Forgets those that were not given yet."""
        self._ended, self._open, self._left = queue.SimpleQueue(), {}, 0


def fire_and_forget(obj: Any) -> None:
    """Lets futures run with nobody holding them; what they raise is printed."""
    # A delayed value of known length can be iterated, too, and is one piece of work.
    for future in [obj] if isinstance(obj, Future) or hasattr(obj, "submit") else list(obj):
        one = future if isinstance(future, Future) else future.submit()
        _kept.add(one)
        one.add_done_callback(_let_go)


def _let_go(future: Future) -> None:
    _kept.discard(future)
    if future._state == _ERROR:
        error = future._result
        print(f"{future.key} failed:", file=sys.stderr)
        traceback.print_exception(type(error), error, error.__traceback__)


def cancel(futures: Any, force: bool = False, reason: str | None = None, msg: str | None = None) -> int:
    """Cancels what has not begun. Returns how many.

    Parameters
    ----------
    force, reason, msg
        As in Dask, and without effect.
    """
    return sum(future.cancel() for future in ([futures] if isinstance(futures, Future) else list(futures)))
