"""Work as futures: functions that run in the background, on threads of this process.

>>> import freestone as fs
>>> future = fs.submit(pow, 2, 10)
>>> future.result()
1024

A future among the arguments stands for its result: the work begins when all of them are done, and no thread waits for it.
"""

from __future__ import annotations

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

from freestone import _core, _runs
from freestone.errors import UserError

__all__ = ["CancelledError", "Future", "as_completed", "cancel", "fire_and_forget", "gather", "map", "submit", "wait"]

_PENDING, _RUNNING, _FINISHED, _ERROR, _CANCELLED = "pending", "running", "finished", "error", "cancelled"
_DONE = frozenset((_FINISHED, _ERROR, _CANCELLED))

_lock = threading.Lock()  # of the states and callbacks of all futures
NUMBERS = itertools.count(1)


class Future:
    """The result of a function that runs, or will run, in the background. Made by `submit` and `map`."""

    __slots__ = ("_work", "_context", "_state", "_result", "_waiting", "_callbacks", "_number", "_name", "__weakref__")

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._work: Any = (function, args, kwargs)
        self._context: contextvars.Context | None = contextvars.copy_context()
        worker = _runs.worker_here()
        if worker is not None:
            from freestone.cluster._inside import working_for

            self._context.run(working_for.set, worker)
        self._state = _PENDING
        self._result: Any = None
        self._waiting = 0
        self._callbacks: list[Callable[[Future], Any]] | None = None
        self._number = next(NUMBERS)
        self._name = getattr(function, "__name__", type(function).__name__)

    @property
    def key(self) -> str:
        """A name of its own: the function's and a number."""
        return f"{self._name}-{self._number}"

    @property
    def status(self) -> str:
        """ "pending", "running", "finished", "error" or "cancelled"."""
        return self._state

    def __repr__(self) -> str:
        return f"<freestone.Future {self.key}: {self._state}>"

    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self._state in _DONE

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._state == _CANCELLED

    def running(self) -> bool:
        """Whether it runs now."""
        return self._state == _RUNNING

    def cancel(self) -> bool:
        """Cancels what has not begun; False when it runs or has ended."""
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
        yield from waiter
        return self.result()

    def __reduce__(self) -> Any:
        raise TypeError("a future belongs to its process; give its result to another one")

    # For this module:

    def _wait(self, timeout: float | None) -> None:
        if self._state in _DONE:
            return
        event = threading.Event()
        self.add_done_callback(lambda _: event.set())
        if not event.wait(timeout):
            raise TimeoutError(f"{self.key} has not ended after {timeout} s")

    def _end(self, state: str, result: Any, only_from: str | None = None) -> bool:
        with _lock:
            if self._state in _DONE or (only_from is not None and self._state != only_from):
                return False
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


class _Pool:
    """Threads that run futures in the order in which they are ready."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Future | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._process = os.getpid()
        self._most = 0
        self._names = itertools.count()
        self._setting: int | None = None  # what `_most` was made of

    def put(self, future: Future) -> None:
        self.queue.put(future)
        if len(self._threads) < self._most or self._setting != _runs.threads_set() or self._process != os.getpid():
            self._start()

    def _start(self) -> None:
        with _lock:
            if self._process != os.getpid():
                # A fork has none of the threads; what waited in the queue is the parent's.
                self.queue, self._threads, self._process = queue.SimpleQueue(), [], os.getpid()
            setting = _runs.threads_set()
            if setting != self._setting:
                self._most = max(1, setting or _core.settings()[1])
                self._setting = setting
                for _ in range(len(self._threads) - self._most):
                    self.queue.put(None)  # for those that wait; who is at work looks afterwards
            # All that a greater number allows: work may be waiting for them already.
            wanted = len(self._threads) + min(self._most - len(self._threads), max(1, self.queue.qsize()))
            while len(self._threads) < wanted:
                thread = threading.Thread(target=self._serve, name=f"freestone-{next(self._names)}", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _may_stay(self) -> bool:
        with _lock:
            if len(self._threads) <= self._most:
                return True
            self._threads.remove(threading.current_thread())
            return False

    def _serve(self) -> None:
        take = self.queue.get
        while True:
            future = take()
            if future is not None:
                future._run()
                del future
            if len(self._threads) > self._most and not self._may_stay():
                return


_pool = _Pool()


def _after_fork() -> None:
    global _lock, _pool
    _lock, _pool = threading.Lock(), _Pool()


os.register_at_fork(after_in_child=_after_fork)

_known: weakref.WeakValueDictionary[Any, Future] = weakref.WeakValueDictionary()
_kept: set[Future] = set()


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


def submit(fn: Callable[..., Any], *args: Any, pure: bool = False, key: str | None = None, workers: Any = None, **kwargs: Any) -> Future:
    """Runs ``fn(*args, **kwargs)`` in the background.

    Parameters
    ----------
    fn : callable
        Runs with the context variables of the caller.
    *args, **kwargs
        Futures among them, in lists, tuples and dicts too, stand for their results.
    pure : bool
        True: the same call as one whose future is alive gives that future. Arguments must be hashable.
    """
    if not callable(fn):
        raise TypeError(f"submit takes a function, not {type(fn).__name__}")
    if not pure:
        future = Future(fn, args, kwargs)
        _enqueue(future)
        return future
    try:
        call = (fn, args, tuple(sorted(kwargs.items())), tuple(type(a) for a in args))
        with _lock:
            known = _known.get(call)
            if known is not None and known._state not in (_ERROR, _CANCELLED):
                return known
            future = _known[call] = Future(fn, args, kwargs)
    except TypeError as error:
        raise TypeError(f"submit with pure=True: {error}; give pure=False") from None
    _enqueue(future)
    return future


def map(func: Callable[..., Any], *iterables: Iterable[Any], pure: bool = False, **kwargs: Any) -> list[Future]:
    """A future for each set of elements of the iterables: ``submit(func, a, b, ...)``."""
    return [submit(func, *parts, pure=pure, **kwargs) for parts in zip(*iterables)]


def gather(futures: Any, errors: str = "raise") -> Any:
    """The results of futures, in nested lists, tuples, sets and dicts; waits for them.

    Parameters
    ----------
    errors : {"raise", "skip"}
        The first error is raised, or futures that failed are left out.
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


def _failed(future: Any) -> bool:
    if not isinstance(future, Future):
        return False
    future._wait(None)
    return future._state != _FINISHED


class DoneAndNotDone(NamedTuple):
    """What `wait` gives."""

    done: set[Future]
    not_done: set[Future]


def wait(fs: Any, timeout: float | None = None, return_when: str = "ALL_COMPLETED") -> DoneAndNotDone:
    """Waits until all futures have ended, or the first (``return_when="FIRST_COMPLETED"``).

    Raises
    ------
    TimeoutError
        `timeout` seconds went by first.
    """
    futures = [fs] if isinstance(fs, Future) else list(fs)
    if return_when not in ("ALL_COMPLETED", "FIRST_COMPLETED"):
        raise UserError(f"wait: return_when is 'ALL_COMPLETED' or 'FIRST_COMPLETED', not '{return_when}'.")
    end = None if timeout is None else time.monotonic() + timeout
    if return_when == "FIRST_COMPLETED":
        event = threading.Event()
        for future in futures:
            future.add_done_callback(lambda _: event.set())
        if futures and not event.wait(timeout):
            raise TimeoutError(f"none of {len(futures)} futures has ended after {timeout} s")
    else:
        for future in futures:
            future._wait(None if end is None else max(0.0, end - time.monotonic()))
    return DoneAndNotDone({f for f in futures if f.done()}, {f for f in futures if not f.done()})


class as_completed:
    """Futures in the order in which they end.

    Parameters
    ----------
    futures : iterable of Future
    with_results : bool
        Gives pairs of future and result; an error is raised when its turn comes.
    timeout : float, optional
        Seconds for each step; TimeoutError when they go by.
    """

    def __init__(self, futures: Iterable[Future] = (), *, with_results: bool = False, timeout: float | None = None) -> None:
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._left = 0
        self._with_results = with_results
        self._timeout = timeout
        self.update(futures)

    def add(self, future: Future) -> None:
        """One more."""
        self._left += 1
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
            future = self._ended.get(timeout=self._timeout)
        except queue.Empty:
            raise TimeoutError(f"no future has ended after {self._timeout} s") from None
        self._left -= 1
        return (future, future.result()) if self._with_results else future


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


def cancel(futures: Any) -> int:
    """Cancels what has not begun. Returns how many."""
    return sum(future.cancel() for future in ([futures] if isinstance(futures, Future) else list(futures)))
