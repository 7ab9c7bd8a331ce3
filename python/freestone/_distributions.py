"""Distributions of random numbers that are functions of uniform or normal ones, by the names of ``numpy.random.Generator``."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from freestone._array import Array, ArrayLike, applied, asarray
from freestone._dtypes import DTypeLike

__all__ = ["Distributions"]


class Distributions:
    """The part of `Generator` whose numbers are made of others, lazily. Parameters may be arrays; `size` is then a shape that they broadcast to."""

    def _unit(self: Any, size: Any, *parameters: Any) -> Array:
        """Uniform in (0, 1]: what logarithms take."""
        from freestone.random import _shape_with

        return asarray(1.0 - self.random(_shape_with(size, *parameters)))

    def standard_exponential(self: Any, size: Any = None, dtype: DTypeLike = np.float64) -> Array:
        """Exponential with mean 1."""
        made: Array = self.exponential(1.0, size, dtype)
        return made

    def laplace(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, size: Any = None) -> Array:
        """Laplace about `loc`, decaying over `scale`."""
        u = self._unit(size, loc, scale) - 0.5
        distance = applied("minimum", applied("absolute", u), 0.5 - 2.0**-54)
        return asarray(loc) - asarray(scale) * applied("sign", u) * applied("log", 1.0 - 2.0 * distance)

    def logistic(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, size: Any = None) -> Array:
        """Logistic about `loc`."""
        u = applied("minimum", self._unit(size, loc, scale), 1.0 - 2.0**-53)
        return asarray(loc) + asarray(scale) * applied("log", u / (1.0 - u))

    def gumbel(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, size: Any = None) -> Array:
        """Gumbel, the greatest of many, with mode `loc`."""
        u = applied("minimum", self._unit(size, loc, scale), 1.0 - 2.0**-53)
        return asarray(loc) - asarray(scale) * applied("log", -applied("log", u))

    def lognormal(self: Any, mean: ArrayLike = 0.0, sigma: ArrayLike = 1.0, size: Any = None) -> Array:
        """What has a normal logarithm, of that mean and standard deviation."""
        return applied("exp", self.normal(mean, sigma, size))

    def rayleigh(self, scale: ArrayLike = 1.0, size: Any = None) -> Array:
        """Rayleigh with mode `scale`."""
        return asarray(scale) * applied("sqrt", -2.0 * applied("log", self._unit(size, scale)))

    def weibull(self, a: ArrayLike, size: Any = None) -> Array:
        """Weibull of shape `a` and scale 1."""
        return (-applied("log", self._unit(size, a))) ** (1.0 / asarray(a))

    def pareto(self, a: ArrayLike, size: Any = None) -> Array:
        """Pareto II (Lomax) of shape `a`."""
        return self._unit(size, a) ** (-1.0 / asarray(a)) - 1.0

    def power(self, a: ArrayLike, size: Any = None) -> Array:
        """In [0, 1] with density ``a x ** (a - 1)``."""
        return self._unit(size, a) ** (1.0 / asarray(a))

    def standard_cauchy(self, size: Any = None) -> Array:
        """Cauchy about 0, of scale 1."""
        return applied("tan", np.pi * (self._unit(size) - 0.5))

    def triangular(self, left: ArrayLike, mode: ArrayLike, right: ArrayLike, size: Any = None) -> Array:
        """In [left, right], most often at `mode`."""
        u, low, top, high = self._unit(size, left, mode, right), asarray(left), asarray(mode), asarray(right)
        split = (top - low) / (high - low)
        rising = low + applied("sqrt", u * (high - low) * (top - low))
        falling = high - applied("sqrt", (1.0 - u) * (high - low) * (high - top))
        return applied("where", u < split, rising, falling)

    def geometric(self, p: ArrayLike, size: Any = None) -> Array:
        """Trials until the first success, each with probability `p` (int64)."""
        chance = asarray(p)
        tries = applied("ceil", applied("log", self._unit(size, p)) / applied("log1p", -chance))
        return applied("maximum", tries, 1.0).astype(np.int64)

    def standard_gamma(self, shape: ArrayLike, size: Any = None) -> Array:
        """Gamma of that shape, scale 1. Needs scipy."""
        return _inverse("gammaincinv", shape, self._unit(size, shape))

    def gamma(self, shape: ArrayLike, scale: ArrayLike = 1.0, size: Any = None) -> Array:
        """Gamma of shape `shape`. Needs scipy."""
        return asarray(scale) * _inverse("gammaincinv", shape, self._unit(size, shape, scale))

    def chisquare(self, df: ArrayLike, size: Any = None) -> Array:
        """Chi square with `df` degrees of freedom. Needs scipy."""
        return 2.0 * _inverse("gammaincinv", asarray(df) / 2.0, self._unit(size, df))

    def beta(self, a: ArrayLike, b: ArrayLike, size: Any = None) -> Array:
        """Beta. Needs scipy."""
        return _inverse("betaincinv", a, b, self._unit(size, a, b))

    def standard_t(self, df: ArrayLike, size: Any = None) -> Array:
        """Student's t with `df` degrees of freedom. Needs scipy."""
        return _inverse("stdtrit", df, self._unit(size, df))

    def binomial(self, n: ArrayLike, p: ArrayLike, size: Any = None) -> Array:
        """Successes of `n` trials of probability `p` (int64). Needs scipy."""
        made = _inverse("_binomial", n, p, self._unit(size, n, p))
        return made.astype(np.int64)


def _binomial(n: Any, p: Any, u: Any) -> Any:
    """The least number of successes that is as probable, or more, as `u`, by bisection."""
    from scipy.special import bdtr

    low, high = np.zeros(np.shape(u)), np.broadcast_to(np.asarray(n, float), np.shape(u)).copy()
    while (low < high).any():
        middle = np.floor((low + high) / 2)
        enough = bdtr(middle, np.broadcast_to(n, np.shape(u)).astype(int), p) >= u
        high, low = np.where(enough, middle, high), np.where(enough, low, np.minimum(middle + 1, high))
    return low


def _special(name: str, *values: Any) -> Any:
    if name == "_binomial":
        return _binomial(*values)
    from scipy import special

    return getattr(special, name)(*values)


def _inverse(name: str, *values: Any) -> Array:
    """A function of scipy.special of every element."""
    from freestone._user import map_blocks

    last = applied("minimum", asarray(values[-1]), 1.0 - 2.0**-53)  # at 1 they are infinite
    parameters = [asarray(value, np.float64) if np.ndim(value) else np.asarray(value, np.float64) for value in values[:-1]]
    arrays = [value if np.ndim(value) else float(value) for value in parameters]
    return map_blocks(functools.partial(_special, name), *arrays, last, dtype=np.float64, elementwise=True)
