"""Distributions of random numbers against scipy's, with parameters that are arrays, and the same numbers for any tiling."""

import concurrent.futures
import pickle
import sys

import dask.array as da
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
    "normal": ((2.0, 5.0), stats.norm(2, 5)), "exponential": ((5.0,), stats.expon(scale=5)), "f": ((4.0, 9.0), stats.f(4, 9)),
    "noncentral_chisquare": ((3.0, 2.0), stats.ncx2(3, 2)), "noncentral_f": ((4.0, 9.0, 2.0), stats.ncf(4, 9, 2)), "vonmises": ((0.5, 2.0), stats.vonmises(2, 0.5)),
    "wald": ((2.0, 3.0), stats.invgauss(2 / 3, scale=3)),
}  # fmt: skip
DISCRETE = {
    "geometric": ((0.3,), stats.geom(0.3)), "binomial": ((12, 0.3), stats.binom(12, 0.3)), "poisson": ((3.5,), stats.poisson(3.5)),
    "hypergeometric": ((9, 14, 8), stats.hypergeom(23, 9, 8)), "logseries": ((0.7,), stats.logser(0.7)), "negative_binomial": ((4, 0.4), stats.nbinom(4, 0.4)),
    "zipf": ((2.5,), stats.zipf(2.5)),
}  # fmt: skip


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
    kinds = np.arange(values.min(), min(values.max(), 200) + 1)
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


def test_discrete_parameters_that_are_arrays():
    means = np.array([[2.0], [300.0]])
    rng = fs.random.default_rng(SEED)
    for values, mean, variance in (
        (rng.poisson(means, size=(2, 9000)), means, means), (rng.poisson(fs.asarray(means), size=(2, 9000)), means, means),
        (rng.binomial(fs.asarray([[10], [500]]), 0.3, size=(2, 9000)), np.array([[3.0], [150.0]]), np.array([[2.1], [105.0]])),
        (rng.integers(0, fs.asarray([[4], [1000]]), size=(2, 9000)), np.array([[1.5], [499.5]]), np.array([[1.25], [(1e6 - 1) / 12]])),
    ):  # fmt: skip
        values = np.asarray(values)
        assert values.dtype == np.int64 and values.shape == (2, 9000)
        np.testing.assert_allclose(values.mean(axis=1, keepdims=True), mean, rtol=0.03)
        np.testing.assert_allclose(values.var(axis=1, keepdims=True), variance, rtol=0.06)
    assert rng.integers([0, 5], [5, 6], dtype=np.uint8, endpoint=True).dtype == np.uint8
    assert rng.standard_gamma(2.0, size=3, dtype=np.float32).dtype == np.float32


def test_vectors():
    rng = fs.random.default_rng(SEED)
    chances = np.array([0.2, 0.3, 0.5])
    counts = np.asarray(rng.multinomial(20, chances, size=(4, 3000)))
    assert counts.shape == (4, 3000, 3) and counts.dtype == np.int64 and (counts.sum(-1) == 20).all()
    np.testing.assert_allclose(counts.mean((0, 1)), 20 * chances, rtol=0.02)
    np.testing.assert_allclose(np.cov(counts.reshape(-1, 3).T), 20 * (np.diag(chances) - np.outer(chances, chances)), atol=0.15)
    several = np.asarray(rng.multinomial(fs.asarray([3, 40]), chances))
    assert several.shape == (2, 3) and several.sum(-1).tolist() == [3, 40]
    parts = np.asarray(rng.dirichlet([1.0, 2.0, 5.0], size=8000, chunks=(1000, 3)))
    np.testing.assert_allclose(parts.sum(-1), 1)
    for k, first in enumerate((1.0, 2.0, 5.0)):
        assert stats.kstest(parts[:, k], stats.beta(first, 8 - first).cdf).pvalue > 1e-3
    taken = np.asarray(rng.multivariate_hypergeometric([5, 8, 3], 6, size=4000))
    assert (taken.sum(-1) == 6).all() and (taken <= [5, 8, 3]).all()
    np.testing.assert_allclose(taken.mean(0), 6 * np.array([5, 8, 3]) / 16, rtol=0.03)
    cov = np.array([[4.0, 1.2, 0.0], [1.2, 1.0, -0.3], [0.0, -0.3, 0.5]])
    for method in ("svd", "eigh", "cholesky"):
        points = rng.multivariate_normal([1.0, -2.0, 3.0], cov, size=(2, 20000), method=method)
        assert points.shape == (2, 20000, 3)
        flat = np.asarray(points).reshape(-1, 3)
        np.testing.assert_allclose(flat.mean(0), [1, -2, 3], atol=0.05)
        np.testing.assert_allclose(np.cov(flat.T), cov, atol=0.06)
    with pytest.raises(ValueError, match="cov must be 2 dimensional"):
        rng.multivariate_normal([0, 0], [1, 2], size=3)


#: Distributions and what they take, one of each way to be made.
WAYS = {
    "laplace": (), "gamma": (2.0,), "binomial": (9, 0.4), "triangular": (0.0, 1.0, 2.0), "vonmises": (0.0, 1.0), "hypergeometric": (5, 6, 7), "zipf": (3.0,), "normal": (),
    "integers": (9,), "standard_t": (3.0,),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_the_same_numbers_for_any_tiling(name):
    def made(**how):
        return getattr(fs.random.default_rng(SEED), name)(*WAYS[name], size=(1300, 400), **how)

    whole = made().compute(threads=1)
    np.testing.assert_array_equal(made().compute(threads=3, memory="8MiB"), whole)
    np.testing.assert_array_equal(made()[17:1250:3, ::-1].compute(), whole[17:1250:3, ::-1])
    cut = made(chunks=(100, 150))
    assert cut.chunksize == (100, 150)
    np.testing.assert_array_equal(cut.compute(), whole)
    again = made()
    np.testing.assert_array_equal((again - again).compute(), np.zeros_like(whole))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made())).compute(), whole)
    other = getattr(fs.random.default_rng(SEED + 1), name)(*WAYS[name], size=(1300, 400)).compute()
    assert (other != whole).any()
    # Blocks that NumPy draws are no copies of each other.
    assert len({whole.reshape(-1)[k : k + 100].tobytes() for k in range(0, 1300 * 400, 2**17)}) == 4


def test_parameters_that_are_none():
    rng = fs.random.default_rng(SEED)
    for call in (
        lambda: rng.normal(0, -1, size=3), lambda: rng.gamma(-1.0, size=3), lambda: rng.laplace(0, -2.0), lambda: rng.vonmises(0, -1), lambda: rng.zipf(0.5, size=2),
        lambda: rng.exponential(-1), lambda: rng.hypergeometric(5, 5, 20), lambda: rng.multinomial(3, [0.9, 0.9, 0.1], size=4), lambda: rng.dirichlet([1.0, -1.0], size=3), lambda: rng.geometric(2.0),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            call()
    with pytest.raises(ValueError, match="< 0"):
        rng.gamma(fs.asarray([1.0, -1.0]), size=2).compute()


def test_parameters_are_looked_at_without_numbers_that_are_drawn():
    many = np.broadcast_to(0.0, (100_000, 100_000))
    assert fs.random.default_rng(1).normal(many, 1.0).shape == many.shape
    with pytest.raises(ValueError, match="scale < 0"):
        fs.random.default_rng(1).normal(0.0, np.array([1.0, -1.0]))


def test_ends_of_distributions_are_numpys():
    ours, theirs = fs.random.default_rng(1), np.random.default_rng(1)
    np.testing.assert_array_equal(ours.geometric(1e-300, 3), theirs.geometric(1e-300, 3))
    chances = np.array([1.0, 1e-300])
    np.testing.assert_array_equal(ours.geometric(chances), theirs.geometric(chances))
    np.testing.assert_array_equal(ours.weibull(0.0, 3), theirs.weibull(0.0, 3))
    mixed = ours.weibull(np.array([0.0, 2.0])).compute()
    assert mixed[0] == 0 and mixed[1] > 0
    assert ours.choice(0, 0).shape == theirs.choice(0, 0).shape == (0,)


def test_seeds_of_several_numbers():
    made = [fs.random.default_rng(seed).random(5).compute() for seed in ([1, 2], np.array([1, 2]), np.random.SeedSequence([1, 2]), [2, 1], [1])]
    assert np.array_equal(made[0], made[1]) and np.array_equal(made[0], made[2])
    assert len({tuple(numbers) for numbers in made}) == 3


def test_no_name_of_numpys_or_dasks_is_missing():
    ours = set(dir(fs.random.Generator))
    assert {n for n in dir(np.random.Generator) if not n.startswith("_")} - ours == {"bit_generator"}
    assert {n for n in dir(da.random.Generator) if not n.startswith("_")} <= ours
    assert {n for n in dir(da.random.RandomState) if not n.startswith("_")} - set(dir(fs.random.RandomState)) == {"tomaxint"}
    functions = {n for n in dir(da.random) if hasattr(da.random.RandomState, n) and not n.startswith("_")}
    assert functions <= set(fs.random.__all__) and all(callable(getattr(fs.random, n)) for n in fs.random.__all__)


def test_functions_of_the_module_are_of_one_generator():
    fs.random.seed(5)
    first = [np.asarray(v) for v in (fs.random.random(3), fs.random.gamma(2.0, size=4), fs.random.rand(2), fs.random.randint(9, size=5), fs.random.vonmises(0, 1, size=2))]
    fs.random.seed(5)
    again = [np.asarray(v) for v in (fs.random.random(3), fs.random.gamma(2.0, size=4), fs.random.rand(2), fs.random.randint(9, size=5), fs.random.vonmises(0, 1, size=2))]
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a, b)
    state = fs.random.RandomState(7)
    values = np.asarray(state.random_integers(3, size=3000))
    assert set(values.tolist()) == {1, 2, 3} and state.randn(2, 3).shape == (2, 3) and repr(state) == "freestone.random.RandomState(seed=7)"


def test_orders_bytes_and_children():
    rng = fs.random.default_rng(SEED)
    x = fs.asarray(np.arange(12).reshape(3, 4))
    lines = np.asarray(rng.permuted(x, axis=1))
    np.testing.assert_array_equal(np.sort(lines, 1), np.arange(12).reshape(3, 4))
    assert sorted(np.asarray(rng.permuted(x)).ravel().tolist()) == list(range(12))
    y = x.copy()
    rng.shuffle(y, axis=1)
    assert sorted(np.asarray(y)[0].tolist()) == [0, 1, 2, 3] and np.asarray(x)[0].tolist() == [0, 1, 2, 3]
    with pytest.raises(fs.UserError, match="shuffle puts an Array"):
        rng.shuffle(np.arange(3))
    assert isinstance(rng.bytes(9), bytes) and len(rng.bytes(9)) == 9
    children = [*rng.spawn(2), *rng.spawn(1)]
    assert len({np.asarray(child.random(2)).tobytes() for child in children}) == 3
    np.testing.assert_array_equal(*(np.asarray(fs.random.default_rng(4).spawn(2)[1].random(3)) for _ in range(2)))


def test_choice():
    rng = fs.random.default_rng(SEED)
    picked = np.asarray(rng.choice(5, size=COUNT, p=[0.1, 0.0, 0.2, 0.3, 0.4]))
    np.testing.assert_allclose(np.bincount(picked, minlength=5) / COUNT, [0.1, 0, 0.2, 0.3, 0.4], atol=0.015)
    once = np.asarray(rng.choice(np.arange(10) * 3, size=(2, 4), replace=False)).ravel()
    assert len(set(once.tolist())) == 8 and set(once.tolist()) <= set(range(0, 30, 3))
    assert fs.random.choice([1.5, 2.5], size=3).dtype == np.float64 and rng.choice(4).shape == ()
    rows = np.asarray(rng.choice(np.arange(12).reshape(4, 3), size=5, axis=0))
    assert rows.shape == (5, 3) and (rows[:, 0] % 3 == 0).all() and (np.diff(rows, axis=1) == 1).all()
    # Without replacement and with probabilities: who comes first is chosen by them.
    firsts = [int(rng.choice(4, size=2, replace=False, p=[0.1, 0.0, 0.6, 0.3])[0]) for _ in range(400)]
    np.testing.assert_allclose(np.bincount(firsts, minlength=4) / 400, [0.1, 0, 0.6, 0.3], atol=0.09)
    for wrong in (lambda: rng.choice(3, p=[1, 2, 3]), lambda: rng.choice(3, size=4, replace=False), lambda: rng.choice(3, size=2, replace=False, p=[1, 0, 0])):
        with pytest.raises(ValueError):
            wrong()
    assert rng.random().shape == () and rng.normal(size=None).shape == () and fs.random.rand(2, 3).shape == (2, 3) and fs.random.randn().shape == ()
    same = [fs.random.default_rng(np.random.SeedSequence(4)).random(3) for _ in range(2)]
    np.testing.assert_array_equal(*map(np.asarray, same))


@pytest.mark.parametrize(
    "bounds, options",
    [
        ((2**63, 2**64), {"dtype": np.uint64}), ((0, 2**64 - 1), {"dtype": np.uint64, "endpoint": True}), ((2**64 - 4, 2**64), {"dtype": np.uint64}),
        ((-(2**63), 2**63), {}), ((0, 2), {"dtype": bool}), ((1, 1), {"dtype": bool, "endpoint": True}), ((1,), {"dtype": bool}), ((10.0,), {}), ((0.7, 10.5), {}),
        ((np.float32(4),), {}), ((-128, 127), {"dtype": np.int8, "endpoint": True}), ((0, 0), {"size": 0}), ((3, [4.0, 9.5]), {}), ((0, 2**64), {"dtype": "u8", "size": ()}),
    ],
)  # fmt: skip
def test_integers_of_any_bounds(bounds, options):
    options = {"size": (500, len(bounds[-1])) if np.ndim(bounds[-1]) else 1000, **options}
    ours, theirs = fs.random.default_rng(3).integers(*bounds, **options), np.random.default_rng(3).integers(*bounds, **options)
    values = np.asarray(ours)
    assert ours.dtype == theirs.dtype and ours.shape == np.shape(theirs)
    first, last = (0, *bounds)[-2:]
    first, last = np.trunc(first), np.trunc(last) - (not options.get("endpoint"))
    assert (values.astype(float) >= first).all() and (values.astype(float) <= np.asarray(last, float)).all()
    if values.size > 100:
        span = np.mean(np.asarray(last, float) - first)
        assert abs(values.astype(float).mean() - theirs.astype(float).mean()) <= span / 8
        assert len(np.unique(values)) >= 0.9 * len(np.unique(theirs))


@pytest.mark.parametrize(
    "bounds, options",
    [
        ((0, 2**64), {}), ((5, 5), {}), ((0,), {}), ((-1,), {}), ((0, 3), {"dtype": bool}), ((0, 5), {"dtype": float}), ((0, 5), {"dtype": float, "size": 0}),
        ((0, 300), {"dtype": np.int8}), ((-300, 3), {"dtype": np.int8}), (("a",), {}), ((None,), {}), ((1 + 2j,), {}), ((0, float("nan")), {}), ((0, float("inf")), {}),
        ((0, 1e30), {}), ((5, 4), {"endpoint": True}), ((-1, 5), {"dtype": np.uint64}), ((0, 5), {"dtype": "M8[s]"}),
    ],
)  # fmt: skip
def test_integers_have_numpys_errors(bounds, options):
    with pytest.raises(Exception) as theirs:
        np.random.default_rng(0).integers(*bounds, **options)
    with pytest.raises(theirs.type) as ours:
        fs.random.default_rng(0).integers(*bounds, **options)
    assert type(ours.value) is theirs.type and str(ours.value) == str(theirs.value)


def test_threads_that_share_a_generator_never_draw_the_same():
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        rng = fs.random.default_rng(5)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: rng.gamma(2.0, size=3), range(400)))
            spawned = list(pool.map(lambda _: rng.spawn(1)[0]._seed, range(400)))
    finally:
        sys.setswitchinterval(switch)
    assert len({tuple(row) for row in fs.compute(made)[0]}) == 400 and len(set(spawned)) == 400
