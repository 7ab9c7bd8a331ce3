"""User functions in processes of their own.

A worker is started afresh (no fork: threads and locks of this process are not copied), imports nothing of the caller's main module, and
speaks over two pipes. Functions travel by cloudpickle where it is installed, so those of a notebook or script do, too.
"""

from __future__ import annotations

import atexit
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from freestone import _interrupts, _runs
from freestone.errors import UserError

__all__ = ["dumps", "remote", "worker"]

_LENGTH = struct.Struct("<Q")


def dumps(value: Any) -> bytes:
    """The pickle of `value`, by cloudpickle where it is installed."""
    try:
        import cloudpickle
    except ImportError:
        return pickle.dumps(value, protocol=5)
    return bytes(cloudpickle.dumps(value, protocol=5))


class RemoteTraceback(Exception):
    """The cause of an error in a worker process: its traceback, as text."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


class _Worker:
    """One process."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", "from freestone._processes import worker; worker()"]
        paths = os.pathsep.join(path for path in sys.path if path)
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self.known: set[int] = set()
        self.owner: Any = None  # of the function that it runs
        self._killed = False

    def has_ended(self) -> bool:
        """It answers no more."""
        return self._killed or self.process.poll() is not None

    def kill(self) -> None:
        # Remembered: for a moment a killed process still looks alive.
        self._killed = True
        self.process.kill()

    def call(self, number: int, function: bytes, arguments: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        source, target = self.process.stdout, self.process.stdin
        assert source is not None and target is not None
        message = dumps((number, None if number in self.known else function, arguments, kwargs))
        try:
            target.write(_LENGTH.pack(len(message)))
            target.write(message)
            target.flush()
            header = source.read(_LENGTH.size)
            answer = source.read(_LENGTH.unpack(header)[0]) if len(header) == _LENGTH.size else b""
        except OSError:
            header, answer = b"", b""
        if not header or not answer:
            code = self.process.wait()
            why = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            raise UserError(f"The worker process of a user function ended ({why}) before it answered.")
        self.known.add(number)
        failed, value, text = pickle.loads(answer)
        if failed:
            value.__cause__ = RemoteTraceback(text)
            raise value
        return value

    def end(self) -> None:
        if self.process.stdin is not None:
            try:
                self.process.stdin.close()
            except OSError:
                pass
        self.kill()
        self.process.wait()


class _Workers:
    """As many processes as threads compute, started when they are needed."""

    def __init__(self) -> None:
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._alive: list[_Worker] = []
        self._owner = os.getpid()

    def take(self) -> _Worker:
        if os.getpid() != self._owner:
            # A fork has copies of pipes that are not its own.
            self.__init__()  # type: ignore[misc]
        wait = 0.0
        while True:
            try:
                worker = self._idle.get(timeout=wait) if wait else self._idle.get_nowait()
            except queue.Empty:
                with self._lock:
                    if len(self._alive) < max(1, _runs.get_settings()["threads"]):
                        worker = _Worker()
                        self._alive.append(worker)
                        return worker
                # One that is busy may come back, or end: then there is room for another.
                wait = 0.1
                continue
            if not worker.has_ended():
                return worker
            self.drop(worker)

    def give(self, worker: _Worker) -> None:
        worker.owner = None
        self._idle.put(worker)

    def drop(self, worker: _Worker) -> None:
        with self._lock:
            self._alive.remove(worker)
        worker.end()

    def interrupt(self, owner: Any) -> None:
        with self._lock:
            for worker in self._alive:
                if owner is None or worker.owner == owner:
                    worker.kill()

    def end(self) -> None:
        if os.getpid() != self._owner:
            return
        with self._lock:
            for worker in self._alive:
                worker.end()
            self._alive.clear()


_workers = _Workers()
# A worker that waits for nobody any more is ended; whoever waits for it sees that.
_interrupts.on_interrupt(lambda owner: _workers.interrupt(owner))
atexit.register(lambda: _workers.end())
_numbers = iter(range(1, sys.maxsize))


def remote(function: Callable[..., Any], owner: Any = None) -> Callable[..., Any]:
    """`function`, called in a worker process, which an interrupt of `owner` ends. Errors are those of the function, with the worker's traceback as their cause.

    Raises
    ------
    UserError
        The function cannot be pickled, or a worker dies.
    """
    number = next(_numbers)
    try:
        packed = dumps(function)
    except Exception as error:
        raise UserError(f"The function cannot go to another process: {error}. Install cloudpickle, or define it in a module.") from error

    def call(*arguments: Any, **kwargs: Any) -> Any:
        worker = _workers.take()
        worker.owner = owner
        try:
            result = worker.call(number, packed, arguments, kwargs)
        except BaseException:
            if worker.has_ended():
                _workers.drop(worker)
            else:
                _workers.give(worker)
            raise
        _workers.give(worker)
        return result

    return call


def _end_with(parent: int) -> None:
    """Ends this process when its parent has gone, whatever a function is doing."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def worker() -> None:
    """The loop of a worker process: until its input ends."""
    # It was started by a lane of the engine, which blocks all signals.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what functions print does not go between the answers
    functions: dict[int, Callable[..., Any]] = {}
    while True:
        header = source.read(_LENGTH.size)
        if len(header) < _LENGTH.size:
            return
        message = source.read(_LENGTH.unpack(header)[0])
        answer: tuple[bool, Any, str]
        try:
            number, function, arguments, kwargs = pickle.loads(message)
            if function is not None:
                functions[number] = pickle.loads(function)
            answer = (False, functions[number](*arguments, **kwargs), "")
            data = dumps(answer)
        except BaseException as error:
            text = traceback.format_exc()
            try:
                data = dumps((True, error.with_traceback(None), text))
                pickle.loads(data)
            except Exception:
                data = dumps((True, RuntimeError(f"{type(error).__name__}: {error}"), text))
        target.write(_LENGTH.pack(len(data)))
        target.write(data)
        target.flush()
