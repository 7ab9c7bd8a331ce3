"""From what users call a scheduler to Dask's client."""

from __future__ import annotations

import inspect
import os
import threading
from typing import Any

from freestone.errors import IoError, UserError

_lock = threading.Lock()
_clients: dict[tuple[str, str], Any] = {}  # those made here, by address or file

_CONNECT_SECONDS = 10


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise UserError("A cluster needs the package distributed: pip install 'dask[distributed]'.") from None
    return distributed


def is_client(thing: Any) -> bool:
    """Whether it has what is needed of Dask's client."""
    return all(hasattr(thing, name) for name in ("submit", "map", "run", "cancel", "scheduler_info"))


def connect(scheduler: Any = None, *, scheduler_file: str | os.PathLike[str] | None = None) -> Any:
    """Dask's client of a scheduler.

    Parameters
    ----------
    scheduler : distributed.Client, str or cluster
        A client is returned as it is. An address ``"tcp://host:8786"``, or a cluster object (LocalCluster, `Cluster`, those of dask-jobqueue and
        Dask Gateway); of the same one the client is made once.
    scheduler_file : path
        The ``scheduler.json`` that ``dask scheduler --scheduler-file`` wrote.

    Raises
    ------
    UserError
        Neither, or both, or a client that is asynchronous.
    IoError
        Nobody answers.
    """
    if (scheduler is None) == (scheduler_file is None):
        raise UserError("Give one of them: a scheduler, or a scheduler_file.")
    if scheduler is not None and is_client(scheduler):
        if getattr(scheduler, "asynchronous", False):
            raise UserError("An asynchronous client cannot be waited for; give one made without asynchronous=True, or the scheduler's address.")
        return scheduler
    distributed = _distributed()
    if scheduler_file is not None:
        path = os.path.abspath(os.fspath(scheduler_file))
        if not os.path.exists(path):
            raise IoError(f"{path}: there is no such scheduler file. 'dask scheduler --scheduler-file' writes one; it must be on a disk that both see.")
        key, given = ("file", path), {"scheduler_file": path}
    elif isinstance(scheduler, str):
        if "://" not in scheduler and ":" not in scheduler:
            raise UserError(f"A scheduler's address is such as tcp://host:8786, not {scheduler!r}.")
        key, given = ("address", scheduler), {"address": scheduler}
    elif hasattr(scheduler, "scheduler_address"):
        key, given = ("address", str(scheduler.scheduler_address)), {"address": scheduler}
    else:
        raise UserError(f"A scheduler is a distributed.Client, an address or a cluster, not {type(scheduler).__name__}.")
    with _lock:
        client = _clients.get(key)
        if client is not None and client.status == "running":
            return client
        try:
            client = distributed.Client(**given, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise IoError(f"No Dask scheduler answers at {key[1]}: {error}. Is it running, and can this machine reach it?") from None
        _clients[key] = client
        return client


def client_of(scheduler: Any, what: str) -> Any:
    """Dask's client of what `connect` takes; of None, of the cluster that is set.

    Raises
    ------
    UserError
        There is none; `what` says for what it was wanted.
    """
    from freestone import _runs

    given = scheduler if scheduler is not None else _runs.get_settings()["scheduler"]
    if given is None:
        raise UserError(f"{what}: there is no cluster. Give a scheduler, or set one with freestone.settings(scheduler=...).")
    return connect(given)


def workers_known(client: Any) -> dict[str, Any]:
    """All workers that the scheduler knows now: address -> what it says of them."""
    everything = {"n_workers": -1} if "n_workers" in inspect.signature(client.scheduler_info).parameters else {}
    return dict(client.scheduler_info(**everything)["workers"])


def close_client(address: str) -> None:
    """Closes the client that was made here for a scheduler that is about to end."""
    with _lock:
        clients = [_clients.pop(key) for key, client in list(_clients.items()) if client.scheduler is not None and client.scheduler.address == address]
    for client in clients:
        client.close(timeout=5)


class use_dask_scheduler:
    """Runs that follow go to a cluster, until `close` or the end of the context: ``with use_dask_scheduler(client): ...``

    Parameters
    ----------
    scheduler
        As `connect`.
    """

    def __init__(self, scheduler: Any) -> None:
        from freestone import _runs

        self._settings = _runs.settings(scheduler=scheduler)

    def __enter__(self) -> use_dask_scheduler:
        return self

    def __exit__(self, *_: object) -> None:
        self._settings.__exit__()
