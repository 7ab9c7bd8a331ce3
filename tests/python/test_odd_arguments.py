"""Arguments that one seldom gives, as NumPy takes them: nothing, one number, lists of positions, dtypes that do not match."""

import freestone as fs
import numpy as np
import pytest

SEED = 11


def same(got, want):
    np.testing.assert_array_equal(np.asarray(got), want, strict=True)


@pytest.fixture
def random():
    return np.random.default_rng(SEED)


def test_insert_takes_lists_slices_and_masks(random):
    for trial in range(60):
        shape = tuple(int(n) for n in random.integers(1, 5, int(random.integers(1, 4))))
        a = random.integers(0, 99, shape)
        axis = int(random.integers(len(shape))) if trial % 3 else None
        extent = a.size if axis is None else shape[axis]
        places = random.integers(-extent, extent + 1, int(random.integers(0, 5))).tolist()
        for obj in (places, slice(0, extent, 2), random.random(extent) < 0.5, places[0] if places else 0):
            for values in (7, 2.5, random.integers(100, 200, a.shape if axis is not None else ())):
                try:
                    want = np.insert(a, obj, values, axis)
                except (ValueError, IndexError):
                    continue
                try:
                    same(fs.insert(fs.from_numpy(a), obj, values, axis), want)
                except AssertionError as error:
                    raise AssertionError(f"insert of {values} at {obj} of {a.tolist()}, axis {axis}, seed {SEED}") from error
    with pytest.raises(fs.UserError, match="position 9 of an axis of 3"):
        fs.insert(np.arange(3), [1, 9], 0)
    with pytest.raises(fs.UserError, match="whole numbers"):
        fs.insert(np.arange(3), [0.5], 0)


def test_flip_along_no_axis():
    for shape in ((0,), (2, 3), ()):
        a = np.arange(np.prod(shape)).reshape(shape)
        for axis in ((), []):
            same(fs.flip(fs.from_numpy(a), axis=axis), a)
        same(np.flip(fs.from_numpy(a), axis=()), np.flip(a, axis=()))


def test_padding_an_array_that_is_empty_along_another_axis():
    for shape in ((2, 5, 0), (0, 3), (4, 0, 2)):
        for width in (1, [(1, 2)] + [(0, 0)] * (len(shape) - 1), [(0, 0)] * (len(shape) - 1) + [(2, 1)]):
            same(fs.pad(fs.from_numpy(np.zeros(shape, "i2")), width), np.pad(np.zeros(shape, "i2"), width))


def test_sets_keep_the_dtype_of_the_first():
    for first, second in (("i4", "f8"), ("u1", "i8"), ("f4", "c16"), ("?", "f4")):
        a, b = np.array([3, 1, 0, 1], first), np.array([1, 7], second)
        same(fs.setdiff1d(a, b), np.setdiff1d(a, b))


def test_polynomials_of_any_dtype(random):
    for coefficients in ("i2", "i8", "f4", "f8", "c16", "?"):
        for dtype in ("?", "u1", "i4", "f4", "f8", "c8"):
            for n in (0, 1, 4):
                p, x = random.integers(0, 3, n).astype(coefficients), random.integers(0, 4, (3, 2)).astype(dtype)
                got, want = np.asarray(fs.polyval(p, fs.from_numpy(x))), np.polyval(p, x)
                assert got.dtype == want.dtype, (coefficients, dtype, n)
                np.testing.assert_allclose(got, want, rtol=1e-6, err_msg=f"{coefficients}, {dtype}, {n}")
    same(fs.polyval([1, 2, 3], fs.from_numpy(np.array([2, 3]))), np.polyval([1, 2, 3], np.array([2, 3])))


def test_choices_keep_their_dtype_and_empty_lists_repeat_nothing():
    number = np.array([1, 0, 1])
    choices = [np.array([True, False, True]), np.array([False, False, True])]
    same(fs.choose(number, choices), np.choose(number, choices))
    same(fs.repeat(fs.from_numpy(np.zeros(0, "f4")), [], axis=0), np.repeat(np.zeros(0, "f4"), [], axis=0))


def test_vectors_and_numbers_where_more_axes_are_usual():
    same(fs.tril(fs.from_numpy(np.array([1, 2, 3])), k=1), np.tril([1, 2, 3], 1))
    same(fs.triu(fs.from_numpy(np.array([1, 2, 3]))), np.triu([1, 2, 3]))
    for initial in (False, True):
        same(fs.cumulative_sum(fs.from_numpy(np.array(3.5)), include_initial=initial), np.cumulative_sum(np.array(3.5), include_initial=initial))
    same(fs.cumulative_prod(fs.from_numpy(np.array(3.5))), np.cumulative_prod(np.array(3.5)))


def test_the_greatest_of_nothing_is_0():
    for shape, axis in (((0, 3), 0), ((3, 0), 1), ((0,), None)):
        x = np.zeros(shape)
        for keepdims in (False, True):
            got = fs.linalg.vector_norm(fs.from_numpy(x), axis=axis, ord=np.inf, keepdims=keepdims)
            same(got, np.linalg.vector_norm(x, axis=axis, ord=np.inf, keepdims=keepdims))
    with pytest.raises(fs.UserError):
        fs.linalg.vector_norm(fs.from_numpy(np.zeros((0, 3))), axis=0, ord=-np.inf).compute()
    same(fs.linalg.matrix_norm(fs.from_numpy(np.zeros((0, 3))), ord=np.inf), np.linalg.matrix_norm(np.zeros((0, 3)), ord=np.inf))


def test_decompositions_take_numpys_positional_arguments():
    x = np.arange(6.0).reshape(3, 2)
    assert fs.linalg.qr(fs.from_numpy(x), "complete")[0].shape == (3, 3)
    assert fs.linalg.svd(fs.from_numpy(x), False)[0].shape == (3, 2)


def test_whole_numbers_to_a_negative_power_are_refused_as_in_numpy():
    a = fs.arange(3)
    for call in (lambda: a**-1, lambda: fs.pow(a, -2), lambda: np.power(a, -1)):
        with pytest.raises(ValueError, match="to the power of -"):
            call()
    same((a + 0.0) ** -1, np.array([np.inf, 1, 0.5]))
    same(a**2, np.array([0, 1, 4]))


@pytest.mark.parametrize("name", ["sum", "prod", "mean", "std", "var", "min", "max", "any", "all", "argmin", "argmax", "cumsum"])
def test_methods_do_not_take_an_array_to_write_into(name):
    array, target = fs.ones((3, 4)), np.zeros(4)
    method = getattr(array, name)
    np.testing.assert_array_equal(method(axis=0, out=None), getattr(np.ones((3, 4)), name)(axis=0))
    with pytest.raises(TypeError, match="out"):
        method(axis=0, out=target)
    assert not target.any()


def test_powers_of_what_is_no_number_and_of_labelled_whole_numbers(tmp_path):
    with pytest.raises(TypeError, match="power"):
        fs.pow(fs.asarray([1, 2, 3]), "x")
    fs.asarray([1, 2, 3]).write(tmp_path / "a.nc", dims=("x",))
    with pytest.raises(ValueError, match="to the power of -"):
        fs.open(tmp_path / "a.nc")["data"] ** -1
