"""Chunks as xarray writes them, made plain: a tuple of lengths for each axis."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from freestone import _core
from freestone.errors import UserError

__all__ = ["AUTO_CHUNK_BYTES", "Chunks", "normalized_chunks"]

Chunks = tuple[tuple[int, ...], ...]

#: What "auto" aims at. A chunk is a hint: the planner chooses tiles, and only user functions see chunks.
AUTO_CHUNK_BYTES = 32 << 20


def normalized_chunks(
    chunks: Any, shape: Sequence[int], *, itemsize: int = 8, limit: int | None = None, previous: Sequence[Any] | None = None
) -> Chunks:
    """The lengths of chunks along every axis.

    Parameters
    ----------
    chunks : int, str, None, sequence or dict
        For all axes, or one entry an axis: a length, a tuple of lengths, ``"auto"``, None or -1 (one chunk). ``"auto"`` and sizes such as
        ``"64MiB"`` share the bytes of a chunk between the axes that have them.
    shape : sequence of int
    itemsize : int
        Bytes of an element.
    limit : int, optional
        Bytes of an ``"auto"`` chunk; default `AUTO_CHUNK_BYTES`.
    previous : sequence, optional
        Chunks of which ``"auto"`` takes whole ones: a length, or lengths, for each axis.

    Raises
    ------
    UserError
        Lengths that do not add up to the axis, or another number of axes.
    """
    rank = len(shape)
    given = _an_entry_an_axis(chunks, rank, shape)
    most: int = AUTO_CHUNK_BYTES if limit is None else limit
    for k, entry in enumerate(given):
        if isinstance(entry, str) and entry != "auto":
            most, given[k] = _core.parse_bytes(entry), "auto"
    lengths: list[Any] = [_lengths(entry, shape[k], k) for k, entry in enumerate(given)]
    free = [k for k in range(rank) if lengths[k] is None]
    if free:
        fixed = math.prod(max(part, default=1) for part in lengths if part is not None)
        room = max(1, most // max(1, itemsize * max(1, fixed)))
        for k, each in zip(free, _shared(room, [shape[k] for k in free], [_before(previous, k, shape[k]) for k in free])):
            lengths[k] = cut(shape[k], each)
    return tuple(lengths)


def cut(length: int, each: int) -> tuple[int, ...]:
    """`length` in pieces of `each`, the last one shorter."""
    if length == 0:
        return (0,)
    each = max(1, min(each, length))
    whole, rest = divmod(length, each)
    return (each,) * whole + ((rest,) if rest else ())


def _an_entry_an_axis(chunks: Any, rank: int, shape: Sequence[int]) -> list[Any]:
    if isinstance(chunks, Mapping):
        return [chunks.get(k) for k in range(rank)]
    if isinstance(chunks, Sequence) and not isinstance(chunks, str):
        entries = list(chunks)
        if rank == 1 and len(entries) > 1 and all(not isinstance(n, (str, Sequence)) and n is not None for n in entries):
            return [tuple(entries)]  # the lengths along the only axis
        if len(entries) != rank:
            raise UserError(f"chunks: {len(entries)} entries for an array of {rank} axes, shape {tuple(shape)}.")
        return entries
    return [chunks] * rank


def _lengths(entry: Any, length: int, axis: int) -> Optional[tuple[int, ...]]:
    """The chunks of one axis; None for "auto"."""
    if isinstance(entry, str):
        return None
    if entry is None:
        return (length,)
    if isinstance(entry, Sequence):
        parts = tuple(operator.index(n) for n in entry)
        if sum(parts) != length or any(n < 0 for n in parts):
            raise UserError(f"chunks: {parts} add up to {sum(parts)}, axis {axis} has length {length}.")
        return parts
    each = operator.index(entry)
    if each < -1 or each == 0 and length:
        raise UserError(f"chunks: a length of {each} along axis {axis}. Lengths are positive; -1 is the whole axis.")
    return (length,) if each == -1 else cut(length, each)


def _before(previous: Sequence[Any] | None, axis: int, length: int) -> int:
    """The chunk of `axis` that the data have already; 1 when nothing is known."""
    entry: Any = None if previous is None or len(previous) <= axis else previous[axis]
    if isinstance(entry, Sequence) and not isinstance(entry, str):
        entry = max(entry, default=1)
    return min(operator.index(entry), length) if entry else 1


def _shared(room: int, shape: list[int], before: list[int]) -> list[int]:
    """Lengths with at most `room` elements together, whole multiples of `before` where these fit: the last axes grow first."""
    each = [max(1, n) for n in before]
    while math.prod(each) > room and max(each) > 1:  # the chunks as they are hold too much
        longest = each.index(max(each))
        each[longest] = max(1, min(each[longest] - 1, room * each[longest] // math.prod(each)))
    for k in reversed(range(len(each))):
        others = math.prod(each) // each[k]
        most = room // others
        if most >= shape[k]:
            each[k] = max(1, shape[k])
        elif most > each[k]:
            each[k] = most // each[k] * each[k]
    return each
