"""Random numbers by the names of ``numpy.random``: the same for every tiling, thread count and machine.

Element n of an array is a function of the seed, the number of the call, and n. Nothing is kept in memory: an array of any size can be
described, and one that is used twice has the same numbers both times.
"""

from __future__ import annotations

import operator
import secrets
from typing import Any, Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, asarray
from freestone._creation import ShapeLike, shape_of
from freestone._distributions import Distributions
from freestone._dtypes import DTypeLike, dtype_name, dtype_of
from freestone.errors import UserError

__all__ = [
    "Generator", "RandomState", "choice", "default_rng", "exponential", "integers", "normal", "permutation", "poisson", "rand", "randint",
    "randn", "random", "random_sample", "seed", "standard_normal", "uniform",
]  # fmt: skip

#: Shapes; None is that of one number, or of the parameters.
Size = Union[ShapeLike, None]


class Generator(Distributions):
    """Arrays of random numbers; every call takes the next stream of the seed.

    Parameters
    ----------
    seed : int or numpy.random.SeedSequence, optional
        Two generators of one seed, called alike, give the same arrays. Default: one that nobody else has.
    """

    def __init__(self, seed: int | np.random.SeedSequence | None = None) -> None:
        if isinstance(seed, np.random.SeedSequence):
            seed = int(seed.generate_state(1, np.uint64)[0])
        number = secrets.randbits(64) if seed is None else operator.index(seed)
        if not 0 <= number < 2**64:
            raise UserError("A seed is a whole number from 0 to 2**64 - 1.")
        self.seed = number
        self._core = _core.Generator(number)

    def __repr__(self) -> str:
        return f"freestone.random.Generator(seed={self.seed})"

    def random(self, size: Size = None, dtype: DTypeLike = np.float64) -> Array:
        """Uniform in [0, 1)."""
        return self.uniform(0.0, 1.0, size, dtype)

    def uniform(self, low: ArrayLike = 0.0, high: ArrayLike = 1.0, size: Size = None, dtype: DTypeLike = np.float64) -> Array:
        """Uniform in [low, high)."""
        if _are_arrays(low, high):
            return asarray(low) + (asarray(high) - asarray(low)) * self.random(_shape_with(size, low, high), dtype)
        return Array(self._core.uniform(_shape(size), float(low), float(high), dtype_name(dtype)))

    def normal(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, size: Size = None, dtype: DTypeLike = np.float64) -> Array:
        """Normal with mean `loc` and standard deviation `scale`."""
        if _are_arrays(loc, scale):
            return asarray(loc) + asarray(scale) * self.standard_normal(_shape_with(size, loc, scale), dtype)
        return Array(self._core.normal(_shape(size), float(loc), float(scale), dtype_name(dtype)))

    def standard_normal(self, size: Size = None, dtype: DTypeLike = np.float64) -> Array:
        """Normal with mean 0 and standard deviation 1."""
        return self.normal(0.0, 1.0, size, dtype)

    def exponential(self, scale: ArrayLike = 1.0, size: Size = None, dtype: DTypeLike = np.float64) -> Array:
        """Exponential with mean `scale`."""
        if _are_arrays(scale):
            return asarray(scale) * self.exponential(1.0, _shape_with(size, scale), dtype)
        return Array(self._core.exponential(_shape(size), float(scale), dtype_name(dtype)))

    def integers(self, low: int, high: int | None = None, size: Size = None, dtype: DTypeLike = np.int64, endpoint: bool = False) -> Array:
        """Whole numbers from `low` (with one argument from 0) to before `high`, with `endpoint` to `high` itself."""
        first, end = (0, low) if high is None else (low, high)
        kind = dtype_of(dtype)
        return Array(self._core.integers(_shape(size), operator.index(first), operator.index(end) + bool(endpoint), kind.name))

    def poisson(self, lam: float = 1.0, size: Size = None) -> Array:
        """Poisson with mean `lam` (int64)."""
        return Array(self._core.poisson(_shape(size), float(lam)))

    def permutation(self, x: Any, axis: int = 0) -> Array:
        """The positions of an axis of `x`, or 0 ... x - 1, in random order."""
        if isinstance(x, (int, np.integer)):
            return asarray(np.asarray(self._core.permutation_of(operator.index(x)), dtype=np.int64))
        return Array(self._core.permutation(asarray(x)._core, operator.index(axis)))

    def choice(self, a: ArrayLike, size: Size = None, replace: bool = True, p: ArrayLike | None = None) -> Array:
        """Elements of a vector, or of 0 ... a - 1.

        Parameters
        ----------
        a : int or array_like, 1-D
        size : int or sequence of int, optional
        replace : bool
            False: no element comes twice; their order is made now.
        p : array_like, optional
            The probability of each, instead of the same for all. With replacement.
        """
        array = None if isinstance(a, (int, np.integer)) else asarray(a)
        if array is not None and array.ndim != 1:
            raise UserError(f"choice takes a vector, not {array.ndim} axes.")
        count, shape = operator.index(a) if array is None else array.shape[0], _shape(size)
        if p is not None:
            weights = np.asarray(p, dtype=np.float64)
            if weights.shape != (count,) or (weights < 0).any() or not np.isclose(weights.sum(), 1):
                raise ValueError(f"choice: p has {count} probabilities, none below 0, whose sum is 1")
            if not replace:
                raise UserError("choice: with p, elements can come twice (replace=True).")
            steps = np.cumsum(weights)
            edges, last = asarray(steps / steps[-1]), int(np.flatnonzero(weights)[-1])
            picked = Array(_core.searchsorted(edges._core, self.random(shape)._core, True)).clip(0, last)
        elif replace:
            picked = self.integers(count, size=shape)
        else:
            wanted = int(np.prod(shape, dtype=np.int64))
            if wanted > count:
                raise ValueError(f"choice: {wanted} of {count} without replacement")
            picked = self.permutation(count)[:wanted].reshape(shape)
        return picked if array is None else Array(_core.take_along_axis(array._core, picked.ravel()._core, 0)).reshape(picked.shape)


RandomState = Generator


def _shape(size: Size) -> list[int]:
    return [] if size is None else shape_of(size)


def _are_arrays(*parameters: Any) -> bool:
    return any(np.ndim(value) for value in parameters)


def _shape_with(size: Size, *parameters: Any) -> list[int]:
    """The shape of numbers whose parameters are arrays."""
    shape = list(_core.broadcast_shape([list(np.shape(value)) for value in parameters]))
    if size is None:
        return shape
    wanted = shape_of(size)
    if list(_core.broadcast_shape([wanted, shape])) != wanted:
        raise ValueError(f"random numbers of shape {tuple(wanted)} with parameters of shape {tuple(shape)}")
    return wanted


def default_rng(seed: Any = None) -> Generator:
    """A new generator; `seed` may be one already."""
    return seed if isinstance(seed, Generator) else Generator(seed)


_shared = Generator()


def seed(seed: int | None = None) -> None:
    """Gives the functions of this module a new seed."""
    global _shared
    _shared = Generator(seed)


def random(size: Size = None) -> Array:
    """Uniform in [0, 1)."""
    return _shared.random(size)


def random_sample(size: Size = None) -> Array:
    """Uniform in [0, 1)."""
    return _shared.random(size)


def rand(*size: int) -> Array:
    """Uniform in [0, 1); lengths of axes one by one."""
    return _shared.random(size)


def randn(*size: int) -> Array:
    """Normal with mean 0 and standard deviation 1; lengths of axes one by one."""
    return _shared.standard_normal(size)


def uniform(low: ArrayLike = 0.0, high: ArrayLike = 1.0, size: Size = None) -> Array:
    """Uniform in [low, high)."""
    return _shared.uniform(low, high, size)


def normal(loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, size: Size = None) -> Array:
    """Normal with mean `loc` and standard deviation `scale`."""
    return _shared.normal(loc, scale, size)


def standard_normal(size: Size = None) -> Array:
    """Normal with mean 0 and standard deviation 1."""
    return _shared.standard_normal(size)


def exponential(scale: ArrayLike = 1.0, size: Size = None) -> Array:
    """Exponential with mean `scale`."""
    return _shared.exponential(scale, size)


def integers(low: int, high: int | None = None, size: Size = None, dtype: DTypeLike = np.int64, endpoint: bool = False) -> Array:
    """Whole numbers from `low` to before `high`."""
    return _shared.integers(low, high, size, dtype, endpoint)


def randint(low: int, high: int | None = None, size: Size = None, dtype: DTypeLike = np.int64) -> Array:
    """Whole numbers from `low` to before `high`."""
    return _shared.integers(low, high, size, dtype)


def poisson(lam: float = 1.0, size: Size = None) -> Array:
    """Poisson with mean `lam` (int64)."""
    return _shared.poisson(lam, size)


def permutation(x: Any) -> Array:
    """The positions of the first axis of `x`, or 0 ... x - 1, in random order."""
    return _shared.permutation(x)


def choice(a: ArrayLike, size: Size = None, replace: bool = True, p: ArrayLike | None = None) -> Array:
    """Elements of a vector, or of 0 ... a - 1. Parameters are as in `Generator.choice`."""
    return _shared.choice(a, size, replace, p)
