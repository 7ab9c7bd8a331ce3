"""Random numbers by the names of ``numpy.random``: the same for every tiling, thread count and machine.

Element n of an array is a function of the seed, the number of the call, and n. Nothing is kept in memory: an array of any size can be
described, and one that is used twice has the same numbers both times.
"""

from __future__ import annotations

import operator
import secrets
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, asarray
from freestone._creation import ShapeLike, shape_of
from freestone._dtypes import DTypeLike, dtype_name, dtype_of
from freestone.errors import UserError

__all__ = [
    "Generator", "default_rng", "exponential", "integers", "normal", "permutation", "poisson", "randint", "random", "seed", "standard_normal", "uniform",
]  # fmt: skip


class Generator:
    """Arrays of random numbers; every call takes the next stream of the seed.

    Parameters
    ----------
    seed : int, optional
        Two generators of one seed, called alike, give the same arrays. Default: one that nobody else has.
    """

    def __init__(self, seed: int | None = None) -> None:
        number = secrets.randbits(64) if seed is None else operator.index(seed)
        if not 0 <= number < 2**64:
            raise UserError("A seed is a whole number from 0 to 2**64 - 1.")
        self.seed = number
        self._core = _core.Generator(number)

    def __repr__(self) -> str:
        return f"freestone.random.Generator(seed={self.seed})"

    def random(self, size: ShapeLike = (), dtype: DTypeLike = np.float64) -> Array:
        """Uniform in [0, 1)."""
        return self.uniform(0.0, 1.0, size, dtype)

    def uniform(self, low: float = 0.0, high: float = 1.0, size: ShapeLike = (), dtype: DTypeLike = np.float64) -> Array:
        """Uniform in [low, high)."""
        return Array(self._core.uniform(shape_of(size), float(low), float(high), dtype_name(dtype)))

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: ShapeLike = (), dtype: DTypeLike = np.float64) -> Array:
        """Normal with mean `loc` and standard deviation `scale`."""
        return Array(self._core.normal(shape_of(size), float(loc), float(scale), dtype_name(dtype)))

    def standard_normal(self, size: ShapeLike = (), dtype: DTypeLike = np.float64) -> Array:
        """Normal with mean 0 and standard deviation 1."""
        return self.normal(0.0, 1.0, size, dtype)

    def exponential(self, scale: float = 1.0, size: ShapeLike = (), dtype: DTypeLike = np.float64) -> Array:
        """Exponential with mean `scale`."""
        return Array(self._core.exponential(shape_of(size), float(scale), dtype_name(dtype)))

    def integers(self, low: int, high: int | None = None, size: ShapeLike = (), dtype: DTypeLike = np.int64, endpoint: bool = False) -> Array:
        """Whole numbers from `low` (with one argument from 0) to before `high`, with `endpoint` to `high` itself."""
        first, end = (0, low) if high is None else (low, high)
        kind = dtype_of(dtype)
        return Array(self._core.integers(shape_of(size), operator.index(first), operator.index(end) + bool(endpoint), kind.name))

    def poisson(self, lam: float = 1.0, size: ShapeLike = ()) -> Array:
        """Poisson with mean `lam` (int64)."""
        return Array(self._core.poisson(shape_of(size), float(lam)))

    def permutation(self, x: Any, axis: int = 0) -> Array:
        """The positions of an axis of `x`, or 0 ... x - 1, in random order."""
        if isinstance(x, (int, np.integer)):
            return asarray(np.asarray(self._core.permutation_of(operator.index(x)), dtype=np.int64))
        return Array(self._core.permutation(asarray(x)._core, operator.index(axis)))

    def choice(self, a: ArrayLike, size: ShapeLike = ()) -> Array:
        """Elements of a vector, or of 0 ... a - 1, each with the same probability, with replacement."""
        if isinstance(a, (int, np.integer)):
            return self.integers(operator.index(a), size=size)
        array = asarray(a)
        if array.ndim != 1:
            raise UserError(f"choice takes a vector, not {array.ndim} axes.")
        picked = self.integers(array.shape[0], size=size)
        return Array(_core.take_along_axis(array._core, picked.ravel()._core, 0)).reshape(picked.shape)


def default_rng(seed: Any = None) -> Generator:
    """A new generator; `seed` may be one already."""
    return seed if isinstance(seed, Generator) else Generator(seed)


_shared = Generator()


def seed(seed: int | None = None) -> None:
    """Gives the functions of this module a new seed."""
    global _shared
    _shared = Generator(seed)


def random(size: ShapeLike = ()) -> Array:
    """Uniform in [0, 1)."""
    return _shared.random(size)


def uniform(low: float = 0.0, high: float = 1.0, size: ShapeLike = ()) -> Array:
    """Uniform in [low, high)."""
    return _shared.uniform(low, high, size)


def normal(loc: float = 0.0, scale: float = 1.0, size: ShapeLike = ()) -> Array:
    """Normal with mean `loc` and standard deviation `scale`."""
    return _shared.normal(loc, scale, size)


def standard_normal(size: ShapeLike = ()) -> Array:
    """Normal with mean 0 and standard deviation 1."""
    return _shared.standard_normal(size)


def exponential(scale: float = 1.0, size: ShapeLike = ()) -> Array:
    """Exponential with mean `scale`."""
    return _shared.exponential(scale, size)


def integers(low: int, high: int | None = None, size: ShapeLike = (), dtype: DTypeLike = np.int64, endpoint: bool = False) -> Array:
    """Whole numbers from `low` to before `high`."""
    return _shared.integers(low, high, size, dtype, endpoint)


def randint(low: int, high: int | None = None, size: ShapeLike = (), dtype: DTypeLike = np.int64) -> Array:
    """Whole numbers from `low` to before `high`."""
    return _shared.integers(low, high, size, dtype)


def poisson(lam: float = 1.0, size: ShapeLike = ()) -> Array:
    """Poisson with mean `lam` (int64)."""
    return _shared.poisson(lam, size)


def permutation(x: Any) -> Array:
    """The positions of the first axis of `x`, or 0 ... x - 1, in random order."""
    return _shared.permutation(x)
