"""Exceptions: one family, each member also the standard exception that Python code expects."""

from __future__ import annotations

__all__ = ["Error", "UserError", "DataError", "IoError", "MemoryBudgetError", "Cancelled", "InternalError"]


class Error(Exception):
    """Any error of Freestone.

    Attributes
    ----------
    kind : str
        ``"user"``, ``"data"``, ``"io"``, ``"memory"``, ``"cancelled"`` or ``"internal"``.
    message : str
        What is wrong, without where it happened.
    context : list of str
        Where it happened, innermost first.
    """

    kind: str = "internal"
    message: str = ""
    context: list[str] = []


class UserError(Error, ValueError):
    """The request is wrong: an argument, a name, a unit."""

    kind = "user"


class DataError(Error):
    """A file does not hold what it says."""

    kind = "data"


class IoError(Error, OSError):
    """The operating system refused: missing, no permission, disk full."""

    kind = "io"


class MemoryBudgetError(Error, MemoryError):
    """It cannot fit the memory budget."""

    kind = "memory"


class Cancelled(Error, KeyboardInterrupt):
    """Somebody asked to stop. Ctrl-C itself raises what its handler raises, ``KeyboardInterrupt`` by default."""

    kind = "cancelled"


class InternalError(Error, RuntimeError):
    """A defect of Freestone."""

    kind = "internal"
