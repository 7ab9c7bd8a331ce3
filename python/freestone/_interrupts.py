"""Ctrl-C for user functions: those that run are told to stop."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["interrupt", "interruptible", "on_interrupt"]

_lock = threading.Lock()
_running: dict[int, int] = {}  # thread -> how many user functions deep
_callbacks: list[Callable[[], None]] = []


def _after_fork() -> None:
    # Another thread may have held the lock; the threads that ran functions are not here.
    global _lock
    _lock = threading.Lock()
    _running.clear()


os.register_at_fork(after_in_child=_after_fork)


def on_interrupt(callback: Callable[[], None]) -> None:
    """Calls `callback` when a run is interrupted."""
    _callbacks.append(callback)


def interruptible(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, which is stopped by `interrupt` where it runs Python code."""

    def call(*args: Any, **kwargs: Any) -> Any:
        thread = threading.get_ident()
        with _lock:
            _running[thread] = _running.get(thread, 0) + 1
        try:
            return function(*args, **kwargs)
        finally:
            with _lock:
                _running[thread] -= 1
                if not _running[thread]:
                    del _running[thread]

    return call


def interrupt() -> None:
    """Raises KeyboardInterrupt in every thread that runs a user function."""
    with _lock:
        for thread in _running:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(KeyboardInterrupt))
    for callback in _callbacks:
        callback()
