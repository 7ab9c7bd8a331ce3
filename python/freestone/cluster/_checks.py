"""What is looked at before a run: versions, memory, files. One error names everything that is wrong, worker by worker."""

from __future__ import annotations

import contextlib
import os
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from freestone import _core
from freestone.cluster import _functions, _inside, _worker
from freestone.cluster._connect import workers_known
from freestone.errors import IoError, MemoryBudgetError, UserError


@dataclass(frozen=True)
class Workers:
    """What the workers of a cluster have in common for one run."""

    addresses: tuple[str, ...]
    lanes: int  # of all of them
    threads: int  # of the one with the fewest
    memory: int  # budget of the one with the least
    facts: dict[str, dict[str, Any]]  # as `_worker.facts`, worker by worker


def _ask(client: Any, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
    """`function(*args)` on every worker; exceptions where it raised."""
    answers: dict[str, Any] = client.run(function, *args, on_error="return")
    return answers


def _named(wrong: dict[str, list[str]]) -> str:
    lines = [f"  worker {address}: {trouble}" for address, troubles in wrong.items() for trouble in troubles]
    more = f"\n  and {len(lines) - 20} more" if len(lines) > 20 else ""
    return "\n".join(lines[:20]) + more


def workers_of(client: Any, wait: float = 10.0) -> Workers:
    """The workers, looked at.

    Raises
    ------
    UserError
        No worker, or one without this version of the package.
    MemoryBudgetError
        A worker's limit leaves too little.
    """
    if not workers_known(client):
        with contextlib.suppress(Exception):
            client.wait_for_workers(1, timeout=wait)
    answers = _ask(client, _worker.facts)
    if not answers:
        raise UserError(f"The cluster at {client.scheduler.address} has no workers. Start some, or scale it up.")
    own = _worker.facts()
    wrong: dict[str, list[str]] = {}
    for address, facts in answers.items():
        if isinstance(facts, BaseException):
            missing = isinstance(facts, ModuleNotFoundError)
            wrong[address] = [f"the package freestone is not there ({facts}); install version {own['version']} where workers run" if missing else repr(facts)]
        elif (facts["version"], facts["plan"]) != (own["version"], own["plan"]):
            wrong[address] = [f"has freestone {facts['version']} (plans of version {facts['plan']}), here is {own['version']} ({own['plan']})"]
    if wrong:
        raise UserError(f"The cluster at {client.scheduler.address} cannot run this:\n{_named(wrong)}")
    on_host = Counter(facts["host"] for facts in answers.values())
    budgets = {}
    for address, facts in answers.items():
        if facts["limit"]:
            budgets[address] = _inside.budget_of(facts["limit"], facts["held"])
        else:
            budgets[address] = facts["default_memory"] // on_host[facts["host"]]
    poor = {
        address: [f"a limit of {_core.format_bytes(answers[address]['limit'] or 0)}, {_core.format_bytes(answers[address]['held'])} of it held already"]
        for address, budget in budgets.items()
        if budget < _inside.LEAST
    }
    if poor:
        raise MemoryBudgetError(
            f"Workers have too little memory: {_inside.SHARE} of their limit, less what they hold, must leave {_core.format_bytes(_inside.LEAST)} at the least. "
            f"Give them more (--memory-limit), or restart them.\n{_named(poor)}"
        )
    threads = [facts["threads"] for facts in answers.values()]
    return Workers(tuple(answers), sum(threads), min(threads), min(budgets.values()), answers)


# Functions with more than this are not sent before the run: then the first task that needs one says what is missing.
_MOST_TRIED = 16 << 20


def check_functions(client: Any, sent: _functions.Sent, workers: Workers) -> None:
    """Every worker must be able to call every function of the user.

    Raises
    ------
    UserError
        Naming the workers that cannot, and why.
    """
    own = _worker.facts()["python"]
    wrong = {
        address: [f"has Python {facts['python']}, here is {own}: their functions differ"] for address, facts in workers.facts.items() if facts["python"] != own
    }
    if not wrong and sent.nbytes() * len(workers.addresses) <= _MOST_TRIED:
        answers = _ask(client, _worker.try_functions, sent)
        wrong = {address: [repr(answer) if isinstance(answer, BaseException) else answer] for address, answer in answers.items() if answer}
    if wrong:
        advice = next((text for texts in wrong.values() if (text := _functions.advice(texts[0]))), "")
        raise UserError(f"Not all workers can call the functions of this run.{advice}\n{_named(wrong)}")


def check_math(workers: Workers) -> None:
    """Warns of workers whose math library computes other last bits than that of this process, for runs that use it.

    The engine's own loops give the same bits on every processor; exp, log, sin and their like are the system's.
    """
    own = _worker.facts()
    others = {
        address: [f"{facts['processor']}; here {own['processor']}"] for address, facts in workers.facts.items() if facts["math"] != own["math"]
    }
    if others:
        warnings.warn(
            "The math library of workers computes other last bits of exp, log, sin and their like than the one here: results may differ in them from those of "
            f"another place, and from one worker to the next. The same system on processors that all have FMA (x86-64-v3) gives the same bits.\n{_named(others)}",
            UserWarning,
            stacklevel=2,
        )


@contextlib.contextmanager
def _probes(folders: list[str]) -> Iterator[list[str]]:
    """A file in each folder, by which workers know it."""
    made = []
    try:
        for folder in folders:
            probe = os.path.join(folder, f".freestone-probe-{uuid.uuid4().hex[:12]}")
            try:
                with open(probe, "x"):
                    pass
            except OSError as error:
                raise IoError(f"{folder}: nothing can be written there: {error.strerror}.") from None
            made.append(probe)
        yield made
    finally:
        for probe in made:
            with contextlib.suppress(OSError):
                os.unlink(probe)


def check_files(client: Any, sources: list[str], folders: list[str]) -> None:
    """Every worker must see every source and every folder.

    Raises
    ------
    IoError
        Naming the workers that do not, and what.
    """
    files = []
    for path in sources:
        if "://" in path:
            continue
        with contextlib.suppress(OSError):
            files.append((path, os.stat(path).st_size if os.path.isfile(path) else -1))
    with _probes(folders) as probes:
        answers = _ask(client, _worker.look_at, files, probes)
    wrong = {address: [repr(answer)] if isinstance(answer, BaseException) else answer for address, answer in answers.items() if answer}
    if wrong:
        raise IoError(f"Not all workers see what this run reads and writes; they need the same files under the same paths.\n{_named(wrong)}")
