"""Ctrl-C for user functions: those that run are told to stop."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

__all__ = ["belongs_to", "interrupt", "interruptible", "on_interrupt", "owner_here", "runs_here"]

_lock = threading.Lock()
_running: dict[int, list[Any]] = {}  # thread -> the owners of the user functions that it runs, one inside of the other
_callbacks: list[Callable[[Any], None]] = []
_owner: ContextVar[Any] = ContextVar("freestone_owner", default=None)


def _after_fork() -> None:
    # Another thread may have held the lock; the threads that ran functions are not here.
    global _lock
    _lock = threading.Lock()
    _running.clear()


os.register_at_fork(after_in_child=_after_fork)


@contextlib.contextmanager
def belongs_to(owner: Any) -> Iterator[None]:
    """Functions that are made inside can be stopped together, and no others."""
    token = _owner.set(owner)
    try:
        yield
    finally:
        _owner.reset(token)


def owner_here() -> Any:
    """That of `belongs_to`; None elsewhere."""
    return _owner.get()


def on_interrupt(callback: Callable[[Any], None]) -> None:
    """Calls `callback` when runs are interrupted, with the owner of the functions that are to stop: None for all."""
    _callbacks.append(callback)


def interruptible(function: Callable[..., Any], owner: Any = None) -> Callable[..., Any]:
    """`function`, which is stopped by `interrupt` where it runs Python code."""

    def call(*args: Any, **kwargs: Any) -> Any:
        thread = threading.get_ident()
        with _lock:
            _running.setdefault(thread, []).append(owner)
        try:
            return function(*args, **kwargs)
        finally:
            with _lock:
                _running[thread].pop()
                if not _running[thread]:
                    del _running[thread]

    return call


def runs_here() -> bool:
    """Whether this thread runs a user function."""
    return threading.get_ident() in _running


def interrupt(owner: Any = None) -> None:
    """Raises KeyboardInterrupt in every thread that runs a user function; of `owner`, where one is given."""
    with _lock:
        for thread, owners in _running.items():
            if owner is None or owner in owners:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))
    for callback in _callbacks:
        callback(owner)
