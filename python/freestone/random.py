"""Random numbers by the names of ``numpy.random``: the same for every tiling and thread count.

Element n of an array is a function of the seed, the number of the call, and n. Nothing is kept in memory: an array of any size can be
described, and one that is used twice has the same numbers both times.
"""

from __future__ import annotations

import builtins
import itertools
import operator
import secrets
from collections.abc import Sequence
from typing import Any, Union

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, asarray
from freestone._creation import ShapeLike, chunked, shape_of
from freestone._distributions import Distributions, checked, has_arrays, shape_with
from freestone._dtypes import DTypeLike, dtype_name, dtype_of
from freestone._indexing import take
from freestone.errors import UserError

__all__ = [
    "Generator", "RandomState", "beta", "binomial", "bytes", "chisquare", "choice", "default_rng", "dirichlet", "exponential", "f", "gamma",
    "geometric", "gumbel", "hypergeometric", "integers", "laplace", "logistic", "lognormal", "logseries", "multinomial",
    "multivariate_hypergeometric", "multivariate_normal", "negative_binomial", "noncentral_chisquare", "noncentral_f", "normal", "pareto",
    "permutation", "permuted", "poisson", "power", "rand", "randint", "randn", "random", "random_integers", "random_sample", "rayleigh", "seed",
    "shuffle", "standard_cauchy", "standard_exponential", "standard_gamma", "standard_normal", "standard_t", "triangular", "uniform",
    "vonmises", "wald", "weibull", "zipf",
]  # fmt: skip

#: Shapes; None is that of one number, or of the parameters.
Size = Union[ShapeLike, None]


class Generator(Distributions):
    """Arrays of random numbers; every call takes the next stream of the seed.

    Every method takes `size` as NumPy's do, and Dask's `chunks`, which are nominal: the numbers do not depend on them.

    Parameters
    ----------
    seed : int, sequence of int or numpy.random.SeedSequence, optional
        Two generators of one seed, called alike, give the same arrays. Default: one that nobody else has.
    """

    def __init__(self, seed: int | Sequence[int] | np.ndarray[Any, Any] | np.random.SeedSequence | None = None) -> None:
        if isinstance(seed, (Sequence, np.ndarray)):
            seed = np.random.SeedSequence(seed)
        if isinstance(seed, np.random.SeedSequence):
            seed = int(seed.generate_state(1, np.uint64)[0])
        number = secrets.randbits(64) if seed is None else operator.index(seed)
        if not 0 <= number < 2**64:
            raise UserError("A seed is a whole number from 0 to 2**64 - 1.")
        self._begin(number)

    def _begin(self, number: int) -> None:
        self._seed, self._core = number, _core.Generator(number)
        self._calls, self._spawned = itertools.count(1), itertools.count()  # counts that threads share without two having the same number

    def __repr__(self) -> str:
        return f"freestone.random.{type(self).__name__}(seed={self._seed})"

    def spawn(self, n_children: int) -> list[Generator]:
        """Generators with seeds of their own, which follow from this one's and from how many there were before."""
        children = [np.random.SeedSequence(self._seed, spawn_key=(next(self._spawned),)) for _ in range(n_children)]
        return [type(self)(child) for child in children]

    def random(self, size: Size = None, dtype: DTypeLike = np.float64, chunks: Any = None) -> Array:
        """Uniform in [0, 1)."""
        return self.uniform(0.0, 1.0, size, dtype, chunks)

    def uniform(
        self, low: ArrayLike = 0.0, high: ArrayLike = 1.0, size: Size = None, dtype: DTypeLike = np.float64, chunks: Any = None
    ) -> Array:
        """Uniform in [low, high)."""
        if has_arrays(low, high):
            unit = self.random(shape_with(size, low, high), dtype)
            return chunked(asarray(low) + (asarray(high) - asarray(low)) * unit, chunks)
        return chunked(Array(self._core.uniform(shape_with(size), float(low), float(high), dtype_name(dtype))), chunks)

    def normal(
        self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, size: Size = None, dtype: DTypeLike = np.float64, chunks: Any = None
    ) -> Array:
        """Normal with mean `loc` and standard deviation `scale`."""
        checked("normal", loc, scale)
        if has_arrays(loc, scale):
            return chunked(asarray(loc) + asarray(scale) * self.standard_normal(shape_with(size, loc, scale), dtype), chunks)
        return chunked(Array(self._core.normal(shape_with(size), float(loc), float(scale), dtype_name(dtype))), chunks)

    def standard_normal(self, size: Size = None, dtype: DTypeLike = np.float64, chunks: Any = None) -> Array:
        """Normal with mean 0 and standard deviation 1."""
        return self.normal(0.0, 1.0, size, dtype, chunks)

    def exponential(self, scale: ArrayLike = 1.0, size: Size = None, dtype: DTypeLike = np.float64, chunks: Any = None) -> Array:
        """Exponential with mean `scale`."""
        checked("exponential", scale)
        if has_arrays(scale):
            return chunked(asarray(scale) * self.exponential(1.0, shape_with(size, scale), dtype), chunks)
        return chunked(Array(self._core.exponential(shape_with(size), float(scale), dtype_name(dtype))), chunks)

    def integers(
        self,
        low: ArrayLike,
        high: ArrayLike | None = None,
        size: Size = None,
        dtype: DTypeLike = np.int64,
        endpoint: bool = False,
        chunks: Any = None,
    ) -> Array:
        """Whole numbers (of any integer type, or bool) from `low` (with one argument from 0) to before `high`, with `endpoint` to `high` itself.

        Bounds that are no whole numbers are truncated, as NumPy does it.
        """
        first, end = (0, low) if high is None else (low, high)
        kind = np.dtype(dtype)
        if has_arrays(first, end):
            return self._drawn("integers", (first, end), size, chunks, kind, {"dtype": kind, "endpoint": bool(endpoint)})
        low, high = (value.item() if isinstance(value, Array) else value for value in (low, high))
        shape = shape_with(size)
        if kind.kind not in "biu" or 0 not in shape:  # NumPy looks at the bounds of numbers that there are
            np.random.Generator(np.random.Philox(0)).integers(low, high, 1, kind, endpoint)
        start, stop = (0, int(low)) if high is None else (int(low), int(high))
        stop += bool(endpoint)
        drawn = np.dtype(np.uint8) if kind == np.bool_ else kind
        made = Array(self._core.integers_from(shape, start % 2**64, (stop - start) % 2**64, drawn.name))
        return chunked(made if drawn == kind else made.astype(kind), chunks)

    def poisson(self, lam: ArrayLike = 1.0, size: Size = None, chunks: Any = None) -> Array:
        """Poisson with mean `lam` (int64)."""
        if has_arrays(lam):
            return self._drawn("poisson", (lam,), size, chunks, np.int64)
        return chunked(Array(self._core.poisson(shape_with(size), float(lam))), chunks)

    def permutation(self, x: Any, axis: int = 0) -> Array:
        """The positions of an axis of `x`, or 0 ... x - 1, in random order."""
        if isinstance(x, (int, np.integer)):
            return asarray(np.asarray(self._core.permutation_of(operator.index(x)), dtype=np.int64))
        return Array(self._core.permutation(asarray(x)._core, operator.index(axis)))

    def shuffle(self, x: Array, axis: int = 0) -> None:
        """The positions of an axis in random order, as NumPy does in place: this object stands for the new array."""
        if not isinstance(x, Array):
            raise UserError(f"shuffle puts an Array in another order, not {type(x).__name__}. permutation gives a new one.")
        x._core = self.permutation(x, axis)._core

    def permuted(self, x: ArrayLike, axis: int | None = None) -> Array:
        """Elements in random order along an axis, every line in an order of its own; without `axis` all of them."""
        array = asarray(x)
        if axis is None:
            return self.permutation(array.ravel()).reshape(array.shape)
        return Array(_core.take_along_axis(array._core, self.random(array.shape).argsort(axis)._core, range(array.ndim)[axis]))

    def bytes(self, length: int) -> builtins.bytes:
        """Random bytes, made now."""
        return self.integers(256, size=operator.index(length), dtype=np.uint8).tobytes()

    def choice(
        self,
        a: ArrayLike,
        size: Size = None,
        replace: bool = True,
        p: ArrayLike | None = None,
        axis: int = 0,
        shuffle: bool = True,
        chunks: Any = None,
    ) -> Array:
        """Elements of an array along an axis, or of 0 ... a - 1.

        Parameters
        ----------
        a : int or array_like
        size : int or sequence of int, optional
        replace : bool
            False: no element comes twice; their order is made now.
        p : array_like, optional
            The probability of each, instead of the same for all.
        axis : int
            Along which elements are chosen.
        shuffle : bool
            NumPy's; the order is always random.
        chunks : optional
            Nominal chunks of the result.
        """
        array = None if isinstance(a, (int, np.integer)) else asarray(a)
        if array is not None and array.ndim == 0:
            raise UserError("choice takes an array with axes, or a whole number.")
        count, shape = operator.index(a) if array is None else array.shape[axis], shape_with(size)
        weights = None if p is None else np.asarray(p, dtype=np.float64)
        if weights is not None and (weights.shape != (count,) or (weights < 0).any() or not np.isclose(weights.sum(), 1)):
            raise ValueError(f"choice: p has {count} probabilities, none below 0, whose sum is 1")
        wanted = int(np.prod(shape, dtype=np.int64))
        if not replace and wanted > (count if weights is None else np.count_nonzero(weights)):
            raise ValueError(f"choice: {wanted} of {count} without replacement" + ("" if weights is None else ", and not so many that have a probability"))
        if not replace and weights is not None:
            # The first of many clocks that ring after exponential times, each with its rate.
            with np.errstate(divide="ignore"):
                picked = asarray(np.argsort(np.asarray(self.exponential(size=count)) / weights, kind="stable")[:wanted].reshape(shape))
        elif not replace:
            picked = self.permutation(count)[:wanted].reshape(shape)
        elif weights is None:
            picked = self.integers(max(count, 1) if wanted == 0 else count, size=shape)
        else:
            steps = np.cumsum(weights)
            edges, last = asarray(steps / steps[-1]), int(np.flatnonzero(weights)[-1])
            picked = Array(_core.searchsorted(edges._core, self.random(shape)._core, True)).clip(0, last)
        if array is None:
            return chunked(picked, chunks)
        if array.ndim == 1:
            return chunked(Array(_core.take_along_axis(array._core, picked.ravel()._core, 0)).reshape(picked.shape), chunks)
        return chunked(take(array, picked, axis=axis), chunks)


class RandomState(Generator):
    """A `Generator` with the older names of NumPy and Dask."""

    def seed(self, seed: int | None = None) -> None:
        """Begins again with another seed."""
        self._begin(RandomState(seed)._seed)

    def rand(self, *size: int) -> Array:
        """Uniform in [0, 1); lengths of axes one by one."""
        return self.random(size)

    def randn(self, *size: int) -> Array:
        """Normal with mean 0 and standard deviation 1; lengths of axes one by one."""
        return self.standard_normal(size)

    def random_sample(self, size: Size = None, chunks: Any = None) -> Array:
        """Uniform in [0, 1)."""
        return self.random(size, chunks=chunks)

    def randint(
        self, low: ArrayLike, high: ArrayLike | None = None, size: Size = None, dtype: DTypeLike = np.int64, chunks: Any = None
    ) -> Array:
        """Whole numbers from `low` (with one argument from 0) to before `high`."""
        return self.integers(low, high, size, dtype, False, chunks)

    def random_integers(self, low: ArrayLike, high: ArrayLike | None = None, size: Size = None, chunks: Any = None) -> Array:
        """Whole numbers from `low` (with one argument from 1) to `high`."""
        first, last = (1, low) if high is None else (low, high)
        return self.integers(first, last, size, endpoint=True, chunks=chunks)


def default_rng(seed: Any = None) -> Generator:
    """A new generator; `seed` may be one already."""
    return seed if isinstance(seed, Generator) else Generator(seed)


# The functions of this module are the methods of one generator, which `seed` begins again.
_shared = RandomState()
beta, binomial, bytes, chisquare, choice, dirichlet = (
    _shared.beta, _shared.binomial, _shared.bytes, _shared.chisquare, _shared.choice, _shared.dirichlet,
)  # fmt: skip
exponential, f, gamma, geometric, gumbel, hypergeometric = (
    _shared.exponential, _shared.f, _shared.gamma, _shared.geometric, _shared.gumbel, _shared.hypergeometric,
)  # fmt: skip
integers, laplace, logistic, lognormal, logseries, multinomial = (
    _shared.integers, _shared.laplace, _shared.logistic, _shared.lognormal, _shared.logseries, _shared.multinomial,
)  # fmt: skip
multivariate_hypergeometric, multivariate_normal, negative_binomial = (
    _shared.multivariate_hypergeometric, _shared.multivariate_normal, _shared.negative_binomial,
)  # fmt: skip
noncentral_chisquare, noncentral_f, normal, pareto, permutation, permuted = (
    _shared.noncentral_chisquare, _shared.noncentral_f, _shared.normal, _shared.pareto, _shared.permutation, _shared.permuted,
)  # fmt: skip
poisson, power, rand, randint, randn, random, random_integers, random_sample = (
    _shared.poisson, _shared.power, _shared.rand, _shared.randint, _shared.randn, _shared.random, _shared.random_integers, _shared.random_sample,
)  # fmt: skip
rayleigh, seed, shuffle, standard_cauchy, standard_exponential, standard_gamma = (
    _shared.rayleigh, _shared.seed, _shared.shuffle, _shared.standard_cauchy, _shared.standard_exponential, _shared.standard_gamma,
)  # fmt: skip
standard_normal, standard_t, triangular, uniform, vonmises, wald, weibull, zipf = (
    _shared.standard_normal, _shared.standard_t, _shared.triangular, _shared.uniform, _shared.vonmises, _shared.wald, _shared.weibull, _shared.zipf,
)  # fmt: skip
