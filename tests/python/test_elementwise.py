"""Every row of the elementwise table, over all types and their extremes, against NumPy."""

import itertools
import warnings

import freestone as fs
import numpy as np
import pytest
from freestone._array import ALIASES, FUNCTIONS, apply

TYPES = ["bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"]

#: NumPy's function where it is not called as the row.
NUMPYS = {
    "frexp_mantissa": lambda x: np.frexp(x)[0],
    "frexp_exponent": lambda x: np.frexp(x)[1],
    "modf_fraction": lambda x: np.modf(x)[0],
    "modf_whole": lambda x: np.modf(x)[1],
    # As np.clip is defined; of complex numbers with one NaN part it makes something else.
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high) if "c" in (np.result_type(x, low, high).kind) else np.clip(x, low, high),
}
#: Rows that are tested with these operands only (the others have defaults).
OPERANDS = {"nan_to_num": 1, "isclose": 2}
#: Rounded by a library: relative tolerance in units of the last place.
ROUNDED = dict.fromkeys(
    "arctan2 hypot logaddexp logaddexp2 cbrt exp exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh "
    "arccosh arctanh sinc deg2rad rad2deg angle".split(), 8
)  # fmt: skip
ROUNDED |= {"power": 16, "float_power": 16}
#: Complex results that NumPy's vector loops may round otherwise.
ROUNDED_COMPLEX = {"multiply", "divide", "square", "reciprocal", "sqrt", "sign", "absolute", "isclose"}
#: Complex results that are one of the operands.
CHOSEN = "minimum maximum fmin fmax clip".split()


def specials(dtype):
    """Extremes of a type, and numbers between."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = {0, 1, 2, 3, 7, 31, 32, 64, 100, limits.max, limits.max - 1, limits.min, limits.min + 1, limits.max // 2 + 1}
        if dtype.kind == "i":
            values |= {-1, -2, -3, -7, -100}
        return np.array(sorted(values), dtype)
    if dtype.kind == "f":
        limits = np.finfo(dtype)
        values = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 1e-3, 7.25, 100.0, 1e5, np.inf, limits.max, limits.tiny, limits.smallest_subnormal, limits.eps]
        return np.array([np.nan, *values, *(-v for v in values)], dtype)
    parts = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 17.0, np.inf, -np.inf, np.nan]
    return np.array([complex(re, im) for re in parts for im in parts], dtype)


def expected_of(name, inputs):
    """What NumPy gives, or the error that it raises; float32 where it has float16."""
    function = NUMPYS.get(name) or getattr(np, name)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            result = function(*inputs)
            if result.dtype == np.float16 or (name == "frexp_exponent" and inputs[0].dtype.itemsize == 1):
                result = function(*(x.astype("f4") if k == 0 or name != "ldexp" else x for k, x in enumerate(inputs)))
            return result
        except TypeError as error:
            return error


def check(name, result, expected, label):
    assert result.dtype == expected.dtype, label
    assert result.shape == expected.shape, label
    if expected.dtype.kind not in "fc":
        np.testing.assert_array_equal(result, expected, err_msg=label)
        return
    rounded = ROUNDED.get(name, 4 if name in ROUNDED_COMPLEX and "c" in label else 0)
    with np.errstate(all="ignore"):
        if expected.dtype.kind == "c":
            # Where a part is infinite or NaN C's and NumPy's own formulas differ in what else they say: such numbers must meet their kind.
            plain = np.isfinite(expected)
            if name in ("add", "subtract", "negative", "positive", "conjugate", "where", "nan_to_num", "round", "rint", *CHOSEN):
                np.testing.assert_array_equal(result, expected, err_msg=label)
            if name in CHOSEN:
                np.testing.assert_array_equal(result.view(result.real.dtype), expected.view(result.real.dtype), err_msg=label)
            tolerance = max(rounded, 16 if name not in ("add", "subtract") else 0) * np.finfo(expected.dtype).eps
            apart = np.abs(result[plain] - expected[plain]) > tolerance * np.abs(expected[plain]) + np.finfo(expected.dtype).tiny * 2**10
            assert not apart.any(), (label, result[plain][apart][:4], expected[plain][apart][:4])
            return
        if rounded:
            np.testing.assert_allclose(result, expected, rtol=rounded * np.finfo(expected.dtype).eps, atol=np.finfo(expected.dtype).tiny, err_msg=label)
            return
    np.testing.assert_array_equal(result, expected, err_msg=label)
    if name not in ("minimum", "maximum", "fmin", "fmax", "clip"):  # which of 0 and -0 is the larger is open
        zero = expected == 0
        np.testing.assert_array_equal(np.signbit(result[zero]), np.signbit(expected[zero]), err_msg=label)


def operands(types):
    """Every special value of each type with every one of the others."""
    shapes = np.eye(len(types), dtype=int)
    values = [specials(t) for t in types]
    return [v.reshape([len(v) if one else 1 for one in shape]) for v, shape in zip(values, shapes)]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_row(name):
    arity = OPERANDS.get(name, FUNCTIONS[name])
    pairs = list(itertools.product(TYPES, repeat=min(arity, 2)))
    made, wanted = [], []
    for types in pairs:
        label = f"{name} of {types}"
        kinds = [np.dtype(t).kind for t in types]
        if name == "where":
            inputs = [np.array([True, False, True]).reshape(3, 1, 1), *operands(types)]
        elif name == "clip":
            inputs = [*operands(types), np.array(3 if kinds[0] != "b" else True, types[0])]
        else:
            inputs = operands(types)
        if name in ("power", "float_power") and all(k in "biu" for k in kinds):
            inputs[1] = inputs[1][inputs[1] >= 0].reshape(1, -1)  # NumPy refuses negative powers of integers
        if name == "reciprocal" and kinds[0] in "biu":
            continue  # NumPy has integers here, the array API floating types only
        if name in ("round", "angle") and kinds[0] == "b":
            continue  # float16, and float64 as a Python number comes in
        if name == "ldexp" and not (kinds[1] in "bi" or types[1] in ("u1", "u2")):
            continue
        expected = expected_of(name, inputs)
        refused = isinstance(expected, TypeError)
        if refused:
            with pytest.raises(fs.UserError):
                apply(name, *map(fs.from_numpy, inputs))
            continue
        made.append(apply(name, *map(fs.from_numpy, inputs)))
        wanted.append((expected, label))
    for result, (expected, label) in zip(fs.compute(*made) if made else [], wanted):
        check(name, np.asarray(result), expected, label)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_strides_and_blocks_do_not_change_bits(name):
    rng = np.random.default_rng(4)
    arity = OPERANDS.get(name, FUNCTIONS[name])
    for dtype in ("bool", "i2", "u8", "f4", "f8", "c8", "c16"):
        inputs = []
        for _ in range(arity):
            x = rng.normal(size=(3, 61, 97)) * 3
            if np.dtype(dtype).kind == "c":
                x = x + 1j * rng.normal(size=x.shape)
            inputs.append((abs(x) if np.dtype(dtype).kind == "u" else x).astype(dtype))
        if name == "ldexp":
            inputs[1] = inputs[1].astype("f8" if np.iscomplexobj(inputs[1]) else "i4", casting="unsafe") if dtype[0] != "c" else inputs[1]
        arrays = [fs.from_numpy(x) for x in inputs]
        try:
            whole = apply(name, *arrays)
        except fs.UserError:
            continue
        moved = [fs.from_numpy(np.ascontiguousarray(x.T[::-1])) for x in inputs]
        parts = [apply(name, *(fs.flip(x, 0).T[k, ::2, ::3] for x in moved)) for k in range(3)]
        values, *pieces = fs.compute(whole, *parts)
        for k, piece in enumerate(pieces):
            # What is NaN has no defined sign.
            same = np.ascontiguousarray(values[k, ::2, ::3]).view("u1") == piece.view("u1")
            nan = np.isnan(piece) if piece.dtype.kind in "fc" else np.zeros(piece.shape, bool)
            assert (same.reshape(*piece.shape, -1).all(-1) | nan).all(), (name, dtype)


def test_aliases_are_the_same_functions():
    for alias, name in ALIASES.items():
        assert getattr(fs, alias) is getattr(fs, name)
    x = np.array([0.25, 0.5])
    np.testing.assert_array_equal(np.radians(fs.from_numpy(x)), np.radians(x))


@pytest.mark.parametrize("dtype", TYPES)
def test_python_numbers_are_weak(dtype):
    x = specials(dtype)
    for number in (True, 3, 2.5, 1 + 2j):
        for name in ("add", "multiply", "true_divide", "equal"):
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = getattr(np, name)(x, number)
            if expected.dtype == np.float16:
                continue
            result = getattr(fs, name)(fs.from_numpy(x), number)
            assert result.dtype == expected.dtype, (name, number)
            if expected.dtype.kind != "c":
                np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", [t for t in TYPES if t[0] in "iu"])
def test_integers_compare_exactly_with_any_number(dtype):
    x = specials(dtype)
    for number in (-(2**63), -129, -1, 0, 127, 128, 255, 300, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1):
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"):
            np.testing.assert_array_equal(getattr(fs, name)(fs.from_numpy(x), number), getattr(np, name)(x, number), err_msg=f"{name} {number}")
            np.testing.assert_array_equal(getattr(fs, name)(number, fs.from_numpy(x)), getattr(np, name)(number, x), err_msg=f"{name} {number}")
    with pytest.raises(fs.UserError, match="fit"):
        fs.from_numpy(x) + (2**63 if dtype != "u8" else -1)


@pytest.mark.parametrize("to", TYPES)
@pytest.mark.parametrize("dtype", TYPES)
def test_astype(dtype, to):
    x = specials(dtype)
    a = fs.from_numpy(x)
    if x.dtype.kind == "c" and np.dtype(to).kind in "iuf":
        with pytest.raises(fs.UserError, match="imaginary"):
            a.astype(to)
        return
    with np.errstate(all="ignore"):
        expected = x.astype(to)
        if x.dtype.kind == "f" and np.dtype(to).kind in "iu":
            limits = np.iinfo(to)
            inside = (np.trunc(x) >= float(limits.min)) & (np.trunc(x) < float(2 ** (limits.bits - (limits.min < 0))))
            expected = np.where(inside, expected, limits.min).astype(to)
    np.testing.assert_array_equal(a.astype(to), expected)


def test_isclose_and_nan_to_num_with_their_arguments():
    x, y = np.meshgrid(specials("f8"), specials("f8") * (1 + 1e-6))
    for arguments in ({}, {"rtol": 1e-3}, {"rtol": 0, "atol": 1.0}, {"equal_nan": True}):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(fs.isclose(fs.from_numpy(x), fs.from_numpy(y), **arguments), np.isclose(x, y, **arguments))
    for dtype in ("f4", "c16", "i4"):
        v = specials(dtype)
        for arguments in ({}, {"nan": 5.0}, {"nan": -1.0, "posinf": 7.0, "neginf": -8.0}):
            np.testing.assert_array_equal(fs.nan_to_num(fs.from_numpy(v), **arguments), np.nan_to_num(v, **arguments))


def test_pairs():
    x = specials("f8")[:, None]
    y = specials("f8")[None, :]
    with np.errstate(all="ignore"):
        for name, arguments in (("divmod", (x, y)), ("frexp", (x,)), ("modf", (x,))):
            for mine, theirs in zip(getattr(fs, name)(*map(fs.from_numpy, arguments)), getattr(np, name)(*arguments)):
                np.testing.assert_array_equal(mine, theirs, err_msg=name)
