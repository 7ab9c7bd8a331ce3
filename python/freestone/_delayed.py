"""Calls that are described first and run later, as ``dask.delayed``."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from typing import Any

from freestone import _runs
from freestone._dask import DaskTask
from freestone._futures import NUMBERS, Future, cancel, results_in, submit

__all__ = ["Delayed", "delayed"]


class Delayed(DaskTask):
    """A call that is described and not run before ``compute()`` or `freestone.compute`. Made by `delayed`.

    Attributes, items and operators describe further calls.
    """

    __slots__ = ("_call", "_key", "_length", "__weakref__")
    _call: Any
    _key: str
    _length: int | None

    def __init__(
        self, function: Callable[..., Any] | None, args: tuple[Any, ...], kwargs: dict[str, Any], length: int | None = None, key: str | None = None
    ) -> None:
        object.__setattr__(self, "_call", (function, args, kwargs))
        object.__setattr__(self, "_key", f"{getattr(function, '__name__', 'value')}-{next(NUMBERS)}" if key is None else str(key))
        object.__setattr__(self, "_length", length)

    @property
    def key(self) -> str:
        """A name of its own."""
        return self._key

    def __repr__(self) -> str:
        return f"<freestone.Delayed {self._key}>"

    def submit(self) -> Future:
        """Runs it in the background."""
        return _submitted(self, {})

    def compute(self, *, num_workers: int | None = None, scheduler: Any = None, **settings: Any) -> Any:
        """Runs it, and what it needs, and gives the result. Parameters are as in `freestone.compute`."""
        settings = {name: value for name, value in settings.items() if name not in _runs.DASK_ONLY}
        threads = _runs.threads_of(settings.get("threads"), num_workers, scheduler)
        with _runs.told(**{**settings, "threads": threads, "scheduler": scheduler}):
            if isinstance(scheduler, str) and threads == 1:
                return self._computed_here()
            return _gathered([self.submit()])[0]

    def _computed_here(self) -> Any:
        """The result, by this thread alone."""
        made: dict[int, Any] = {}
        for node in _ordered(self):
            function, args, kwargs = node._call
            args, kwargs = results_in((_replaced(args, made), _replaced(kwargs, made)))
            made[id(node)] = function(*args, **kwargs)
        return made[id(self)]

    def _calls(self) -> list[Delayed]:
        """The calls that it stands for, each behind what it needs."""
        return list(_ordered(self))

    def _needs(self) -> list[Delayed]:
        """What this call needs of others."""
        return list({id(part): part for part in _parts(self._call[1:], [])}.values())

    def persist(self, **settings: Any) -> Delayed:
        """Runs it in the background, and gives a delayed value of what it gives. Parameters are as in `compute`."""
        settings = {name: value for name, value in settings.items() if name not in _runs.DASK_ONLY}
        threads = _runs.threads_of(settings.pop("threads", None), settings.pop("num_workers", None), settings.get("scheduler"))
        with _runs.told(**{**settings, "threads": threads}):
            return Delayed(_itself, (self.submit(),), {}, self._length, self._key)

    def visualize(self, filename: Any = None, format: str | None = None, **dask_options: Any) -> Any:
        """The calls as a picture. See `freestone.visualize`."""
        from freestone._diagnostics import visualize

        return visualize(self, filename=filename, format=format, **dask_options)

    def _freestone_compute(self) -> Future:
        return self.submit()

    def __call__(self, *args: Any, **kwargs: Any) -> Delayed:
        function = self._call[1][0] if self._call[0] is _itself and not isinstance(self._call[1][0], Delayed) else None
        key = kwargs.pop("dask_key_name", None)
        if function is not None and callable(function):
            return Delayed(function, args, kwargs, self._length, key)
        return Delayed(_call, (self, *args), kwargs, key=key)

    def __getattr__(self, name: str) -> Delayed:
        if name.startswith("_") or name in ("dask", "expr"):  # what Dask asks its own collections for
            raise AttributeError(name)
        return Delayed(getattr, (self, name), {})

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError("a delayed value cannot be changed")

    def __getitem__(self, key: Any) -> Delayed:
        return Delayed(operator.getitem, (self, key), {})

    def __iter__(self) -> Iterator[Delayed]:
        if self._length is None:
            raise TypeError("a delayed value of unknown length; give delayed(..., nout=n)")
        return (self[i] for i in range(self._length))

    def __len__(self) -> int:
        if self._length is None:
            raise TypeError("a delayed value of unknown length; give delayed(..., nout=n)")
        return self._length

    def __bool__(self) -> bool:
        raise TypeError("the truth of a delayed value is not known before it is computed")

    def __reduce__(self) -> Any:
        return (Delayed, (*self._call, self._length))


def _itself(value: Any) -> Any:
    return value


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _operators() -> None:
    names = "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift lt le gt ge eq ne neg pos abs invert".split()
    for name in names:
        function = getattr(operator, name)

        def apply(self: Delayed, *other: Any, function: Any = function) -> Delayed:
            return Delayed(function, (self, *other), {})

        setattr(Delayed, f"__{name.rstrip('_')}__", apply)
        if name in names[:13]:

            def reflected(self: Delayed, other: Any, function: Any = function) -> Delayed:
                return Delayed(function, (other, self), {})

            setattr(Delayed, f"__r{name.rstrip('_')}__", reflected)


_operators()
Delayed.__hash__ = object.__hash__  # type: ignore[method-assign]


_NOTHING = object()


def delayed(obj: Any = _NOTHING, name: str | None = None, pure: bool | None = None, nout: int | None = None, traverse: bool = True) -> Any:
    """A function that describes calls instead of running them, or a value that is delayed, as ``dask.delayed``.

    Parameters
    ----------
    obj : callable or anything else
        Left out, as in ``@delayed(nout=2)``: a decorator.
    name : str, optional
        The key of a value. Calls have one by ``dask_key_name=``.
    nout : int, optional
        How many results calls give, so that they can be unpacked.
    """
    if obj is _NOTHING:
        return functools.partial(delayed, name=name, pure=pure, nout=nout, traverse=traverse)
    if isinstance(obj, Delayed):
        return obj
    if callable(obj):

        @functools.wraps(obj, updated=())
        def describe(*args: Any, dask_key_name: str | None = None, **kwargs: Any) -> Delayed:
            return Delayed(obj, args, kwargs, nout, dask_key_name)

        return describe
    return Delayed(_itself, (obj,), {}, nout, name)


def _replaced(value: Any, made: dict[int, Any]) -> Any:
    """`value` with futures, or results, in place of what is delayed."""
    if isinstance(value, Delayed):
        return made[id(value)]
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_replaced(part, made) for part in value)
    if type(value) is dict:
        return {key: _replaced(part, made) for key, part in value.items()}
    return value


def _parts(value: Any, found: list[Delayed]) -> list[Delayed]:
    if isinstance(value, Delayed):
        found.append(value)
    elif type(value) in (list, tuple, set, frozenset):
        for part in value:
            _parts(part, found)
    elif type(value) is dict:
        for part in value.values():
            _parts(part, found)
    return found


def _ordered(delayed: Delayed) -> Iterator[Delayed]:
    """`delayed` and all that it needs, each once and behind what it needs; without recursion, graphs may be deep."""
    seen: set[int] = set()
    stack: list[tuple[Delayed, bool]] = [(delayed, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((part, False) for part in _parts(node._call[1:], []) if id(part) not in seen)


def _submitted(delayed: Delayed, made: dict[int, Future]) -> Future:
    """Submits `delayed` and all that it needs."""
    for node in _ordered(delayed):
        function, args, kwargs = node._call
        made[id(node)] = submit(function, *_replaced(args, made), **_replaced(kwargs, made))
    return made[id(delayed)]


def _gathered(futures: list[Future]) -> list[Any]:
    """Results; what has not begun is cancelled when one fails or somebody interrupts."""
    try:
        return [future.result() for future in futures]
    except BaseException:
        cancel(futures)
        raise
