"""Runs that take some seconds, and what is done to their clusters meanwhile: shared by the tests of clusters."""

import os
import threading
import time

import freestone as fs


def only(folder, *names):
    assert sorted(os.listdir(folder)) == sorted(names)


def when(condition, action, seconds=120):
    """Does `action` on a thread of its own as soon as `condition` holds; says whether it has."""
    done = threading.Event()

    def watch():
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                action()
                done.set()
                return
            time.sleep(0.01)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return done, thread


def has_chunks(folder, name="out.zarr"):
    """Whether workers have begun to write chunks."""
    hidden = os.path.join(folder, f".{name}.freestone-tmp")
    return lambda: os.path.isdir(os.path.join(hidden, "c")) and any(files for _, _, files in os.walk(hidden))


def slow(a):
    """Work enough for kills to come in the middle."""
    x = a
    for _ in range(12):
        x = fs.sin(x) + fs.cos(x * 1.5)
    return x.rechunk((256, 16, 16))
