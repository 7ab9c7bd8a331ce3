"""Distributions of random numbers against scipy's, with parameters that are arrays, and the same numbers for any tiling."""

import freestone as fs
import numpy as np
import pytest
from scipy import stats

SEED = 77
COUNT = 20_000

CONTINUOUS = {
    "laplace": ((1.0, 2.0), stats.laplace(1, 2)), "logistic": ((1.0, 2.0), stats.logistic(1, 2)), "gumbel": ((1.0, 2.0), stats.gumbel_r(1, 2)),
    "lognormal": ((0.5, 0.8), stats.lognorm(0.8, scale=np.exp(0.5))), "rayleigh": ((2.0,), stats.rayleigh(scale=2)), "weibull": ((1.5,), stats.weibull_min(1.5)),
    "pareto": ((3.0,), stats.lomax(3)), "power": ((2.5,), stats.powerlaw(2.5)), "standard_cauchy": ((), stats.cauchy()), "standard_exponential": ((), stats.expon()),
    "triangular": ((-1.0, 0.5, 2.0), stats.triang(0.5, -1, 3)), "standard_gamma": ((0.7,), stats.gamma(0.7)), "gamma": ((2.0, 3.0), stats.gamma(2, scale=3)),
    "chisquare": ((3.0,), stats.chi2(3)), "beta": ((0.5, 2.0), stats.beta(0.5, 2)), "standard_t": ((4.0,), stats.t(4)), "uniform": ((2.0, 5.0), stats.uniform(2, 3)),
    "normal": ((2.0, 5.0), stats.norm(2, 5)), "exponential": ((5.0,), stats.expon(scale=5)),
}  # fmt: skip
DISCRETE = {"geometric": ((0.3,), stats.geom(0.3)), "binomial": ((12, 0.3), stats.binom(12, 0.3)), "poisson": ((3.5,), stats.poisson(3.5))}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous(name):
    parameters, theirs = CONTINUOUS[name]
    values = np.asarray(getattr(fs.random.default_rng(SEED), name)(*parameters, size=COUNT))
    assert np.isfinite(values).all()
    assert stats.kstest(values, theirs.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete(name):
    parameters, theirs = DISCRETE[name]
    values = np.asarray(getattr(fs.random.default_rng(SEED), name)(*parameters, size=COUNT))
    assert values.dtype == np.int64
    kinds = np.arange(values.min(), values.max() + 1)
    wanted = theirs.pmf(kinds)
    kept = wanted * COUNT > 10
    observed = np.array([(values == k).sum() for k in kinds[kept]] + [COUNT - np.isin(values, kinds[kept]).sum()])
    expected = np.append(wanted[kept], 1 - wanted[kept].sum()) * COUNT
    assert stats.chisquare(observed[expected > 5], expected[expected > 5] * observed[expected > 5].sum() / expected[expected > 5].sum()).pvalue > 1e-3


def test_parameters_that_are_arrays():
    scales = np.array([[1.0], [100.0]])
    for name, parameters in (("normal", (0.0, scales)), ("exponential", (scales,)), ("laplace", (0.0, scales)), ("gamma", (2.0, scales)), ("uniform", (0.0, scales))):
        values = getattr(fs.random.default_rng(SEED), name)(*parameters, size=(2, 4000))
        assert values.shape == (2, 4000)
        small, great = np.abs(np.asarray(values)).mean(axis=1)
        assert 80 < great / small < 125, name
    assert fs.random.default_rng(1).normal(np.zeros(3)).shape == (3,)
    for size in ((2, 4), (1,)):
        with pytest.raises(ValueError, match="broadcast|parameters of shape"):
            fs.random.default_rng(1).normal(np.zeros(3), 1.0, size=size)


def test_the_same_numbers_for_any_tiling():
    for name in ("laplace", "gamma", "binomial", "triangular"):
        parameters = {"laplace": (), "gamma": (2.0,), "binomial": (9, 0.4), "triangular": (0.0, 1.0, 2.0)}[name]
        made = getattr(fs.random.default_rng(SEED), name)(*parameters, size=(300, 400))
        whole = made.compute(threads=1)
        np.testing.assert_array_equal(made.compute(threads=3, memory="8MiB"), whole)
        np.testing.assert_array_equal(made[17:250:3, ::-1].compute(), whole[17:250:3, ::-1])


def test_choice():
    rng = fs.random.default_rng(SEED)
    picked = np.asarray(rng.choice(5, size=COUNT, p=[0.1, 0.0, 0.2, 0.3, 0.4]))
    np.testing.assert_allclose(np.bincount(picked, minlength=5) / COUNT, [0.1, 0, 0.2, 0.3, 0.4], atol=0.015)
    once = np.asarray(rng.choice(np.arange(10) * 3, size=(2, 4), replace=False)).ravel()
    assert len(set(once.tolist())) == 8 and set(once.tolist()) <= set(range(0, 30, 3))
    assert fs.random.choice([1.5, 2.5], size=3).dtype == np.float64 and rng.choice(4).shape == ()
    for wrong in (lambda: rng.choice(3, p=[1, 2, 3]), lambda: rng.choice(3, size=4, replace=False)):
        with pytest.raises(ValueError):
            wrong()
    assert rng.random().shape == () and rng.normal(size=None).shape == () and fs.random.rand(2, 3).shape == (2, 3) and fs.random.randn().shape == ()
    same = [fs.random.default_rng(np.random.SeedSequence(4)).random(3) for _ in range(2)]
    np.testing.assert_array_equal(*map(np.asarray, same))
