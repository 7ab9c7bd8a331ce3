"""One run for another process: it plans, holds the outputs and answers; here ranges of tiles go to the cluster (src/freestone/exec/cluster_process.h)."""

from __future__ import annotations

import base64
import ctypes
import json
import os
import signal
import sys
from typing import IO, Any

import numpy as np

from freestone import errors
from freestone.cluster._connect import connect
from freestone.cluster._scheduler import _BY_KIND, run_on_cluster
from freestone.errors import Error, InternalError, MemoryBudgetError

_PR_SET_PDEATHSIG = 1


class _RemoteRun:
    """`ClusterRun` of the other process, with the same methods."""

    def __init__(self, asking: IO[str], answers: IO[str]) -> None:
        self._asking = asking
        self._answers = answers
        self.own_error: Error | None = None

    def call(self, name: str, *words: Any) -> Any:
        """Asks, and waits for the answer."""
        self.say({"call": name, "words": words})
        line = self._answers.readline()
        if not line:
            raise InternalError("The process that began the run has ended.")
        answer = json.loads(line)
        if "error" in answer:
            kind = _BY_KIND.get(answer["error"]["kind"], InternalError)
            error = kind(answer["error"]["message"])
            self.own_error = error
            raise error
        return answer["answer"]

    def say(self, what: dict[str, Any]) -> None:
        """One line."""
        self._asking.write(json.dumps(what) + "\n")
        self._asking.flush()

    def functions(self) -> list[Any]:
        """Those of Python in the plan: the other process has none."""
        return []

    def take_part(self, root: int, start: list[int], values: Any) -> None:
        """A part of a result in memory."""
        data = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()
        self.call("take_part", root, start, list(np.shape(values)), data)

    def payload(self) -> bytes:
        """The plan and what goes with it."""
        return str(self.call("payload")).encode()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *words: self.call(name, *words)


def serve_run(scheduler: str | None, scheduler_file: str | None) -> int:
    """Carries one run; the pipes are stdin and stdout."""
    # Nothing outlives the process that began the run, and what libraries print does not come between the lines.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    asking = os.fdopen(os.dup(1), "w", encoding="utf-8")
    answers = os.fdopen(os.dup(0), "r", encoding="utf-8")
    os.dup2(2, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run = _RemoteRun(asking, answers)

    def make(memory: int, threads: int) -> _RemoteRun:
        try:
            run.call("plan", memory, threads)
        except MemoryBudgetError:
            run.own_error = None
            raise
        return run

    try:
        client = connect(scheduler, scheduler_file=scheduler_file)
        run_on_cluster(client, make)
    except KeyboardInterrupt:
        run.say({"error": {"kind": "cancelled", "message": "Interrupted."}})
        return 130
    except Error as error:
        run.say({"error": {"kind": error.kind, "message": str(error), "own": error is run.own_error}})
        return 1
    except Exception as error:
        run.say({"error": {"kind": errors.InternalError.kind, "message": f"{type(error).__name__}: {error}"}})
        return 1
    run.say({"done": True})
    return 0
