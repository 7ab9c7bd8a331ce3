"""Functions of users on their way to workers: pickled once, called there as here, and what they raise on its way back."""

from __future__ import annotations

import hashlib
import pickle
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from freestone import _compiled, _core, _interrupts, _processes
from freestone._calls import Call
from freestone.errors import UserError


@dataclass(frozen=True)
class Sent:
    """The functions of a plan, for workers."""

    pickles: dict[str, bytes]  # by digest
    calls: tuple[tuple[str, str, str], ...]  # (identity in the plan, name, digest) of each

    def nbytes(self) -> int:
        """Of all pickles."""
        return sum(len(packed) for packed in self.pickles.values())


class FunctionFailed(Exception):
    """What a function of the user raised on a worker, and where: the engine's message and context."""

    def __init__(self, value: BaseException, message: str, context: Sequence[str]) -> None:
        super().__init__(message)
        self.value, self.message, self.context = value, message, list(context)


def packed(functions: Sequence[tuple[str, Call]]) -> Sent | None:
    """What workers are sent of the functions of a plan; None for none.

    Raises
    ------
    UserError
        One that cannot be pickled, or is compiled code without its source.
    """
    pickles: dict[str, bytes] = {}
    calls = []
    for identity, call in functions:
        try:
            function = call.function if call.compiled is None else _compiled.portable(call.function)
            packed = _processes.dumps((function, call.compiled))
        except Exception as error:
            raise UserError(
                f'The function {call.name} cannot be sent to the workers of a cluster: {str(error).rstrip(".")}. On this machine it runs (scheduler="threads").'
            ) from error
        digest = hashlib.sha256(packed).hexdigest()
        pickles[digest] = packed
        calls.append((identity, call.name, digest))
    return Sent(pickles, tuple(calls)) if calls else None


class CannotLoad(Exception):
    """A function that came cannot be called here."""


def loaded(sent: Sent, run: str) -> list[tuple[str, Any]]:
    """What the engine calls, by identity, for `run`, which alone stops them.

    Raises
    ------
    CannotLoad
        A module that is not here, or another version of one; numba cannot compile here what it compiled there.
    """
    made: dict[str, tuple[Any, Any]] = {}
    entries = []
    for identity, name, digest in sent.calls:
        try:
            with _interrupts.belongs_to(run):
                if digest not in made:
                    made[digest] = pickle.loads(sent.pickles[digest])
            function, compiled = made[digest]
            if compiled is not None:
                function = _compiled.built(function)
            entries.append((identity, Call(function, name, {}, (), compiled).entry()))
        except Exception as error:
            raise CannotLoad(f"the function {name} cannot be loaded: {type(error).__name__}: {error}") from error
    return entries


def lent(sent: Sent | None, run: str) -> list[Any]:
    """While the result is kept, the engine finds the functions when it reads the plan."""
    return [] if sent is None else [_core.LentFunction(identity, entry) for identity, entry in loaded(sent, run)]


def advice(trouble: str) -> str:
    """What helps against a `CannotLoad`."""
    if "ModuleNotFoundError" not in trouble and "AttributeError" not in trouble:
        return ""
    return (
        " Install the module where workers run (client.upload_file takes a .py file), or send it along: "
        "cloudpickle.register_pickle_by_value(module) before the function is used."
    )


@dataclass(frozen=True)
class Raised:
    """An exception of a user's function, as bytes: whoever fetches it may not have its class."""

    name: str
    where: tuple[str, ...]
    text: str  # the traceback, on the worker
    packed: bytes
    short: str

    def __repr__(self) -> str:  # in the worker's log
        return f"<{self.short}>"

    @staticmethod
    def of(failed: FunctionFailed) -> Raised:
        value = failed.value
        text = "".join(traceback.format_exception(type(value), value, value.__traceback__))
        try:
            data = _processes.dumps(value.with_traceback(None))
            pickle.loads(data)
        except Exception:
            data = b""
        name = failed.message.partition(" failed:")[0]
        return Raised(name[:1].lower() + name[1:], tuple(failed.context), text, data, f"{type(value).__name__}: {value}")

    def exception(self, worker: str) -> BaseException:
        """The exception itself where it can be had, otherwise a UserError; with where it happened, and the worker's traceback as its cause."""
        places = [f"In {place}" for place in (*self.where, f"{self.name} on worker {worker}")]
        error: BaseException | None = None
        if self.packed:
            try:
                error = pickle.loads(self.packed)
            except Exception:
                error = None
        if not isinstance(error, Exception):
            error = UserError(f"{self.name[:1].upper()}{self.name[1:]} failed: {self.short}")
        if hasattr(error, "add_note"):  # Python 3.11
            for place in places:
                error.add_note(place)
        error.__cause__ = _processes.RemoteTraceback("\n".join([self.text.rstrip(), *places]))
        return error
