"""Distributions of random numbers by the names of ``numpy.random.Generator``.

Those that are a function of a uniform or a normal number are made of these by the engine. NumPy draws the others, in blocks whose shape follows from
that of the array alone: each has a sequence of its own, so that the numbers do not depend on tiles, threads or nominal chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, applied, asarray
from freestone._blocks import block_of, call_on_blocks
from freestone._creation import chunked, shape_of, zeros
from freestone._dtypes import DTypeLike, dtype_of
from freestone._products import matmul
from freestone.errors import UserError

__all__ = ["Distributions", "checked", "has_arrays", "shape_with"]

#: Distributions of vectors, which have rows of parameters.
_OF_ROWS = frozenset(("dirichlet", "multinomial", "multivariate_hypergeometric"))
#: Of 1 this is the greatest number below, and of 0.5.
_BELOW_ONE, _BELOW_HALF = 1.0 - 2.0**-53, 0.5 - 2.0**-54


def has_arrays(*parameters: Any) -> bool:
    """Whether a parameter has axes."""
    return any(np.ndim(value) for value in parameters)


def shape_with(size: Any, *parameters: Any) -> list[int]:
    """The shape of numbers with these parameters."""
    shape = list(_core.broadcast_shape([list(np.shape(value)) for value in parameters])) if parameters else []
    if size is None:
        return shape
    wanted = shape_of(size)
    if list(_core.broadcast_shape([wanted, shape])) != wanted:
        raise ValueError(f"random numbers of shape {tuple(wanted)} with parameters of shape {tuple(shape)}")
    return wanted


def checked(name: str, *parameters: Any, **others: Any) -> None:
    """Raises NumPy's ValueError where parameters that are known are none of the distribution's."""
    if not any(isinstance(value, Array) for value in parameters):
        # No numbers are drawn, whatever the shape of the parameters.
        size = () if name in _OF_ROWS else np.broadcast_shapes(*(np.shape(value) for value in parameters))
        getattr(np.random.Generator(np.random.Philox(0)), name)(*parameters, **others, size=(0, *size))


@dataclass
class _Drawn:
    """Blocks of numbers that NumPy draws: block n of the stream `call` of the seed."""

    name: str
    seed: int
    call: int
    blocks: tuple[int, ...]
    before: tuple[Any, ...]  # parameters that are no arrays, None where one goes
    options: dict[str, Any]

    def __call__(self, carrier: Any, *arrays: Any, block_id: Sequence[int] = ()) -> Any:
        number = int(np.ravel_multi_index(tuple(block_id)[: len(self.blocks)], self.blocks)) if self.blocks else 0
        source = np.random.Generator(np.random.Philox(counter=[0, 0, number, 0], key=np.array([self.seed, self.call], np.uint64)))
        rest = iter(arrays)
        parameters = [next(rest) if value is None else value for value in self.before]
        return getattr(source, self.name)(*parameters, size=carrier.shape, **self.options)


class Distributions:
    """The part of `Generator` whose numbers are made of others. Parameters may be arrays; `size` is then a shape that they broadcast to."""

    _seed: int
    _calls: Iterator[int]

    def _unit(self: Any, name: str, size: Any, *parameters: Any) -> Array:
        """Uniform in (0, 1]: what logarithms take."""
        checked(name, *parameters)
        return asarray(1.0 - self.random(shape_with(size, *parameters)))

    def _drawn(
        self,
        name: str,
        parameters: Sequence[Any],
        size: Any,
        chunks: Any,
        dtype: DTypeLike = np.float64,
        options: Mapping[str, Any] | None = None,
        vector: int | None = None,
    ) -> Array:
        """Numbers that NumPy draws; `vector`: the length of a new last axis, whose parameter is no array then but stands among the others."""
        known: dict[str, Any] = dict(options or {})
        arrays = [asarray(value) for value in parameters if np.ndim(value) and vector is None or isinstance(value, Array)]
        before = tuple(None if np.ndim(value) and vector is None or isinstance(value, Array) else value for value in parameters)
        if not arrays:
            checked(name, *before, **known)
        shape = shape_with(size, *arrays)
        block = block_of(shape, [])
        counts = tuple(-(-n // each) for n, each in zip(shape, block))
        call = next(self._calls)
        made = call_on_blocks(
            f"random.{name}", _Drawn(name, self._seed, call, counts, before, known), [zeros(shape, np.bool_).rechunk(block) if shape else zeros(shape, np.bool_), *arrays], {},
            name=name, dtype=dtype, chunks=None if vector is None else [*[None] * len(shape), vector], drop_axis=None, new_axis=None if vector is None else [len(shape)],
            meta=None, elementwise=False, workers="threads", memory_factor=2.0,
        )  # fmt: skip
        return chunked(made, chunks)

    # Functions of uniform and normal numbers.

    def standard_exponential(self: Any, size: Any = None, dtype: DTypeLike = np.float64, chunks: Any = None) -> Array:
        """Exponential with mean 1."""
        made: Array = self.exponential(1.0, size, dtype, chunks)
        return made

    def laplace(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, size: Any = None, chunks: Any = None) -> Array:
        """Laplace about `loc`, decaying over `scale`."""
        u = self._unit("laplace", size, loc, scale) - 0.5
        distance = applied("minimum", applied("absolute", u), _BELOW_HALF)
        return chunked(asarray(loc) - asarray(scale) * applied("sign", u) * applied("log", 1.0 - 2.0 * distance), chunks)

    def logistic(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, size: Any = None, chunks: Any = None) -> Array:
        """Logistic about `loc`."""
        u = applied("minimum", self._unit("logistic", size, loc, scale), _BELOW_ONE)
        return chunked(asarray(loc) + asarray(scale) * applied("log", u / (1.0 - u)), chunks)

    def gumbel(self, loc: ArrayLike = 0.0, scale: ArrayLike = 1.0, size: Any = None, chunks: Any = None) -> Array:
        """Gumbel, the greatest of many, with mode `loc`."""
        u = applied("minimum", self._unit("gumbel", size, loc, scale), _BELOW_ONE)
        return chunked(asarray(loc) - asarray(scale) * applied("log", -applied("log", u)), chunks)

    def lognormal(self: Any, mean: ArrayLike = 0.0, sigma: ArrayLike = 1.0, size: Any = None, chunks: Any = None) -> Array:
        """What has a normal logarithm, of that mean and standard deviation."""
        return chunked(applied("exp", self.normal(mean, sigma, size)), chunks)

    def rayleigh(self, scale: ArrayLike = 1.0, size: Any = None, chunks: Any = None) -> Array:
        """Rayleigh with mode `scale`."""
        return chunked(asarray(scale) * applied("sqrt", -2.0 * applied("log", self._unit("rayleigh", size, scale))), chunks)

    def weibull(self, a: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Weibull of shape `a` and scale 1."""
        power = asarray(a)
        made = (-applied("log", self._unit("weibull", size, a))) ** (1.0 / applied("where", power == 0, 1.0, power))
        return chunked(applied("where", power == 0, 0.0, made), chunks)

    def pareto(self, a: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Pareto II (Lomax) of shape `a`."""
        return chunked(self._unit("pareto", size, a) ** (-1.0 / asarray(a)) - 1.0, chunks)

    def power(self, a: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """In [0, 1] with density ``a x ** (a - 1)``."""
        return chunked(self._unit("power", size, a) ** (1.0 / asarray(a)), chunks)

    def standard_cauchy(self, size: Any = None, chunks: Any = None) -> Array:
        """Cauchy about 0, of scale 1."""
        return chunked(applied("tan", np.pi * (self._unit("standard_cauchy", size) - 0.5)), chunks)

    def triangular(self, left: ArrayLike, mode: ArrayLike, right: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """In [left, right], most often at `mode`."""
        u, low, top, high = self._unit("triangular", size, left, mode, right), asarray(left), asarray(mode), asarray(right)
        split = (top - low) / (high - low)
        rising = low + applied("sqrt", u * (high - low) * (top - low))
        falling = high - applied("sqrt", (1.0 - u) * (high - low) * (high - top))
        return chunked(applied("where", u < split, rising, falling), chunks)

    def geometric(self, p: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Trials until the first success, each with probability `p` (int64)."""
        chance = asarray(p)
        tries = applied("ceil", applied("log", self._unit("geometric", size, p)) / applied("log1p", -chance))
        # 2**63 is the first number that is too great; what lies before it stays.
        far = tries >= 2.0**63
        return chunked(applied("where", far, np.iinfo(np.int64).max, applied("maximum", applied("where", far, 1.0, tries), 1.0).astype(np.int64)), chunks)

    def multivariate_normal(
        self: Any,
        mean: ArrayLike,
        cov: ArrayLike,
        size: Any = None,
        check_valid: str = "warn",
        tol: float = 1e-8,
        *,
        method: str = "svd",
        chunks: Any = None,
    ) -> Array:
        """Vectors about `mean` with the covariance `cov`, along a last axis; `method` is "svd", "eigh" or "cholesky"."""
        centre, matrix = np.asarray(mean, np.float64), np.asarray(cov, np.float64)
        # NumPy looks at the arguments, and says what is wrong with them.
        np.random.Generator(np.random.Philox(0)).multivariate_normal(centre, matrix, 0, check_valid, tol, method=method)  # type: ignore[arg-type]
        if method == "cholesky":
            factor = np.linalg.cholesky(matrix)
        elif method == "eigh":
            values, vectors = np.linalg.eigh(matrix)
            factor = vectors * np.sqrt(np.maximum(values, 0))
        else:
            left, values, _ = np.linalg.svd(matrix)
            factor = left * np.sqrt(values)
        normal: Array = self.standard_normal([*shape_with(size), len(centre)])
        return chunked(matmul(normal, asarray(np.ascontiguousarray(factor.T))) + asarray(centre), chunks)

    # Those that NumPy draws.

    def beta(self, a: ArrayLike, b: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Beta."""
        return self._drawn("beta", (a, b), size, chunks)

    def binomial(self, n: ArrayLike, p: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Successes of `n` trials of probability `p` (int64)."""
        return self._drawn("binomial", (n, p), size, chunks, np.int64)

    def chisquare(self, df: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Chi square with `df` degrees of freedom."""
        return self._drawn("chisquare", (df,), size, chunks)

    def dirichlet(self, alpha: Sequence[float], size: Any = None, chunks: Any = None) -> Array:
        """Parts of 1, along a last axis, with concentrations `alpha`."""
        weights = np.asarray(alpha, np.float64)
        return self._drawn("dirichlet", (weights,), size, chunks, vector=len(weights))

    def f(self, dfnum: ArrayLike, dfden: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Fisher's F with `dfnum` and `dfden` degrees of freedom."""
        return self._drawn("f", (dfnum, dfden), size, chunks)

    def gamma(self, shape: ArrayLike, scale: ArrayLike = 1.0, size: Any = None, chunks: Any = None) -> Array:
        """Gamma of shape `shape`."""
        return self._drawn("gamma", (shape, scale), size, chunks)

    def hypergeometric(self, ngood: ArrayLike, nbad: ArrayLike, nsample: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """The good ones among `nsample` that are taken of `ngood` and `nbad` (int64)."""
        return self._drawn("hypergeometric", (ngood, nbad, nsample), size, chunks, np.int64)

    def logseries(self, p: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Logarithmic series with parameter `p` (int64)."""
        return self._drawn("logseries", (p,), size, chunks, np.int64)

    def multinomial(self, n: ArrayLike, pvals: Sequence[float], size: Any = None, chunks: Any = None) -> Array:
        """How often each of several outcomes, along a last axis, comes in `n` trials with probabilities `pvals` (int64)."""
        chances = np.asarray(pvals, np.float64)
        if chances.ndim != 1:
            raise UserError(f"multinomial takes one row of probabilities, not an array of {chances.ndim} axes.")
        trials = n if np.ndim(n) == 0 else asarray(n)
        return self._drawn("multinomial", (trials, chances), size, chunks, np.int64, vector=len(chances))

    def multivariate_hypergeometric(self, colors: Sequence[int], nsample: int, size: Any = None, method: str = "marginals", chunks: Any = None) -> Array:
        """How many of each colour, along a last axis, are among `nsample` that are taken (int64)."""
        known = np.asarray(colors, np.int64)
        return self._drawn("multivariate_hypergeometric", (known, nsample), size, chunks, np.int64, {"method": method}, vector=len(known))

    def negative_binomial(self, n: ArrayLike, p: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Failures before `n` successes of probability `p` (int64)."""
        return self._drawn("negative_binomial", (n, p), size, chunks, np.int64)

    def noncentral_chisquare(self, df: ArrayLike, nonc: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Chi square with `df` degrees of freedom and non-centrality `nonc`."""
        return self._drawn("noncentral_chisquare", (df, nonc), size, chunks)

    def noncentral_f(self, dfnum: ArrayLike, dfden: ArrayLike, nonc: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Fisher's F with non-centrality `nonc`."""
        return self._drawn("noncentral_f", (dfnum, dfden, nonc), size, chunks)

    def standard_gamma(self, shape: ArrayLike, size: Any = None, dtype: DTypeLike = np.float64, chunks: Any = None) -> Array:
        """Gamma of that shape, scale 1."""
        kind = dtype_of(dtype)
        return self._drawn("standard_gamma", (shape,), size, chunks, kind, {"dtype": kind})

    def standard_t(self, df: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Student's t with `df` degrees of freedom."""
        return self._drawn("standard_t", (df,), size, chunks)

    def vonmises(self, mu: ArrayLike, kappa: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Angles in [-pi, pi], about `mu` with concentration `kappa`."""
        return self._drawn("vonmises", (mu, kappa), size, chunks)

    def wald(self, mean: ArrayLike, scale: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Inverse Gaussian."""
        return self._drawn("wald", (mean, scale), size, chunks)

    def zipf(self, a: ArrayLike, size: Any = None, chunks: Any = None) -> Array:
        """Zipf's law with exponent `a` (int64)."""
        return self._drawn("zipf", (a,), size, chunks, np.int64)
