"""What was left on a cluster: its futures, taking them back, and starting the workers anew."""

from __future__ import annotations

from typing import Any

from freestone.cluster._connect import client_of

__all__ = ["cancel", "futures_of", "restart"]


def futures_of(kept: Any) -> list[Any]:
    """The futures of blocks that `persist` left on the workers, as ``distributed.futures_of``.

    Parameters
    ----------
    kept : dask.array.Array
        As `persist` gave it.

    Returns
    -------
    list of distributed.Future
    """
    import distributed

    return list(distributed.futures_of(kept))


def cancel(kept: Any) -> None:
    """Takes back blocks that `persist` left on the workers: their memory is free, the array cannot be computed any more.

    Parameters
    ----------
    kept : dask.array.Array
        As `persist` gave it.
    """
    futures = futures_of(kept)
    if futures:
        futures[0].client.cancel(futures)


def restart(scheduler: Any = None, timeout: float = 60) -> None:
    """Starts the workers of a cluster anew; what they held is gone.

    Parameters
    ----------
    scheduler : optional
        As in `freestone.settings`; default: the one that is set.
    timeout : float
        Seconds that workers may take.

    Raises
    ------
    UserError
        There is no cluster.
    """
    client_of(scheduler, "restart").restart(timeout=timeout)
