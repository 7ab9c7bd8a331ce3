"""Functions of single elements: the engine's elementwise table by NumPy's and the array API's names.

All of them are lazy and broadcast. Types and values are NumPy 2's (Python's numbers are weak); functions that need floating numbers compute
bool, int8, int16, uint8 and uint16 in float32, wider integers in float64.
"""

from __future__ import annotations

import builtins
import math

import numpy as np

from freestone import _core
from freestone._array import Array, ArrayLike, applied, asarray, operand

__all__ = [
    "abs", "absolute", "acos", "acosh", "add", "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "around", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_count", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "cbrt", "ceil", "clip", "conj", "conjugate", "copysign", "cos",
    "cosh", "deg2rad", "degrees", "divide", "divmod", "equal", "exp", "exp2", "expm1", "fabs", "float_power", "floor", "floor_divide",
    "fmax", "fmin", "fmod", "frexp", "gcd", "greater", "greater_equal", "heaviside", "hypot", "imag", "invert", "isclose", "isfinite",
    "isinf", "isnan", "isneginf", "isposinf", "lcm", "ldexp", "left_shift", "less", "less_equal", "log", "log10", "log1p", "log2",
    "logaddexp", "logaddexp2", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod", "modf", "multiply",
    "nan_to_num", "negative", "nextafter", "not_equal", "positive", "pow", "power", "rad2deg", "radians", "real", "reciprocal",
    "remainder", "right_shift", "rint", "round", "sign", "signbit", "sin", "sinc", "sinh", "sqrt", "square", "subtract", "tan", "tanh",
    "true_divide", "trunc",
]  # fmt: skip


def abs(x: ArrayLike, /) -> Array:
    """The absolute value; of complex numbers the modulus, which is real."""
    return applied("absolute", x)


def acos(x: ArrayLike, /) -> Array:
    """The inverse cosine, in radians."""
    return applied("arccos", x)


def acosh(x: ArrayLike, /) -> Array:
    """The inverse hyperbolic cosine."""
    return applied("arccosh", x)


def angle(x: ArrayLike, /, deg: bool = False) -> Array:
    """The argument of a complex number, in radians, or with `deg` in degrees."""
    radian = applied("angle", x)
    return radian * (180 / math.pi) if deg else radian


def asin(x: ArrayLike, /) -> Array:
    """The inverse sine, in radians."""
    return applied("arcsin", x)


def asinh(x: ArrayLike, /) -> Array:
    """The inverse hyperbolic sine."""
    return applied("arcsinh", x)


def atan(x: ArrayLike, /) -> Array:
    """The inverse tangent, in radians."""
    return applied("arctan", x)


def atanh(x: ArrayLike, /) -> Array:
    """The inverse hyperbolic tangent."""
    return applied("arctanh", x)


def bitwise_count(x: ArrayLike, /) -> Array:
    """How many bits of the absolute value are set (uint8)."""
    return applied("bitwise_count", x)


def bitwise_invert(x: ArrayLike, /) -> Array:
    """Every bit turned; of bool logical not."""
    return applied("invert", x)


def cbrt(x: ArrayLike, /) -> Array:
    """The cube root."""
    return applied("cbrt", x)


def ceil(x: ArrayLike, /) -> Array:
    """The least whole number that is not less."""
    return applied("ceil", x)


def conj(x: ArrayLike, /) -> Array:
    """The complex conjugate."""
    return applied("conjugate", x)


def cos(x: ArrayLike, /) -> Array:
    """The cosine of radians."""
    return applied("cos", x)


def cosh(x: ArrayLike, /) -> Array:
    """The hyperbolic cosine."""
    return applied("cosh", x)


def deg2rad(x: ArrayLike, /) -> Array:
    """Degrees as radians."""
    return applied("deg2rad", x)


def exp(x: ArrayLike, /) -> Array:
    """e to the power of the element."""
    return applied("exp", x)


def exp2(x: ArrayLike, /) -> Array:
    """2 to the power of the element."""
    return applied("exp2", x)


def expm1(x: ArrayLike, /) -> Array:
    """``exp(x) - 1``, accurate near 0."""
    return applied("expm1", x)


def fabs(x: ArrayLike, /) -> Array:
    """The absolute value, floating."""
    return applied("fabs", x)


def floor(x: ArrayLike, /) -> Array:
    """The greatest whole number that is not greater."""
    return applied("floor", x)


def imag(x: ArrayLike, /) -> Array:
    """The imaginary part; of real numbers 0."""
    return applied("imag", x)


def isfinite(x: ArrayLike, /) -> Array:
    """Whether it is neither infinite nor NaN."""
    return applied("isfinite", x)


def isinf(x: ArrayLike, /) -> Array:
    """Whether it is an infinity."""
    return applied("isinf", x)


def isnan(x: ArrayLike, /) -> Array:
    """Whether it is NaN."""
    return applied("isnan", x)


def isneginf(x: ArrayLike, /) -> Array:
    """Whether it is minus infinity."""
    return applied("isneginf", x)


def isposinf(x: ArrayLike, /) -> Array:
    """Whether it is plus infinity."""
    return applied("isposinf", x)


def log(x: ArrayLike, /) -> Array:
    """The natural logarithm."""
    return applied("log", x)


def log10(x: ArrayLike, /) -> Array:
    """The logarithm to base 10."""
    return applied("log10", x)


def log1p(x: ArrayLike, /) -> Array:
    """``log(1 + x)``, accurate near 0."""
    return applied("log1p", x)


def log2(x: ArrayLike, /) -> Array:
    """The logarithm to base 2."""
    return applied("log2", x)


def logical_not(x: ArrayLike, /) -> Array:
    """Whether it is 0."""
    return applied("logical_not", x)


def negative(x: ArrayLike, /) -> Array:
    """``-x``."""
    return applied("negative", x)


def positive(x: ArrayLike, /) -> Array:
    """``+x``."""
    return applied("positive", x)


def rad2deg(x: ArrayLike, /) -> Array:
    """Radians as degrees."""
    return applied("rad2deg", x)


def real(x: ArrayLike, /) -> Array:
    """The real part; of real numbers the number itself."""
    return applied("real", x)


def reciprocal(x: ArrayLike, /) -> Array:
    """``1 / x``, floating: integers do not truncate."""
    return applied("reciprocal", x)


def rint(x: ArrayLike, /) -> Array:
    """The nearest whole number, halves to even, floating."""
    return applied("rint", x)


def sign(x: ArrayLike, /) -> Array:
    """-1, 0 or 1; of complex numbers ``x / abs(x)``; NaN stays."""
    return applied("sign", x)


def signbit(x: ArrayLike, /) -> Array:
    """Whether the sign bit is set: of -0.0 too."""
    return applied("signbit", x)


def sin(x: ArrayLike, /) -> Array:
    """The sine of radians."""
    return applied("sin", x)


def sinc(x: ArrayLike, /) -> Array:
    """``sin(pi x) / (pi x)``, 1 at 0."""
    return applied("sinc", x)


def sinh(x: ArrayLike, /) -> Array:
    """The hyperbolic sine."""
    return applied("sinh", x)


def sqrt(x: ArrayLike, /) -> Array:
    """The square root."""
    return applied("sqrt", x)


def square(x: ArrayLike, /) -> Array:
    """``x * x``."""
    return applied("square", x)


def tan(x: ArrayLike, /) -> Array:
    """The tangent of radians."""
    return applied("tan", x)


def tanh(x: ArrayLike, /) -> Array:
    """The hyperbolic tangent."""
    return applied("tanh", x)


def trunc(x: ArrayLike, /) -> Array:
    """The whole number next to it towards 0."""
    return applied("trunc", x)


def add(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 + x2``."""
    return applied("add", x1, x2)


def atan2(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The angle of the point (x2, x1), in radians."""
    return applied("arctan2", x1, x2)


def bitwise_and(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Bits that are set in both; of bool logical and."""
    return applied("bitwise_and", x1, x2)


def bitwise_left_shift(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1`` times 2 to the power of `x2`."""
    return applied("left_shift", x1, x2)


def bitwise_or(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Bits that are set in one or both; of bool logical or."""
    return applied("bitwise_or", x1, x2)


def bitwise_right_shift(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1`` divided by 2 to the power of `x2`, rounded down."""
    return applied("right_shift", x1, x2)


def bitwise_xor(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Bits that are set in one of both; of bool logical xor."""
    return applied("bitwise_xor", x1, x2)


def copysign(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The magnitude of `x1` with the sign of `x2`."""
    return applied("copysign", x1, x2)


def divide(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 / x2``, floating."""
    return applied("divide", x1, x2)


def equal(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Whether both are equal."""
    return applied("equal", x1, x2)


def float_power(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 ** x2`` in float64 (complex128)."""
    return applied("float_power", x1, x2)


def floor_divide(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 // x2``, rounded down."""
    return applied("floor_divide", x1, x2)


def fmax(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The greater; a number beside a NaN."""
    return applied("fmax", x1, x2)


def fmin(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The lesser; a number beside a NaN."""
    return applied("fmin", x1, x2)


def fmod(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The remainder with the sign of `x1`, as in C."""
    return applied("fmod", x1, x2)


def gcd(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The greatest common divisor."""
    return applied("gcd", x1, x2)


def greater(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Whether `x1` is greater."""
    return applied("greater", x1, x2)


def greater_equal(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Whether `x1` is not less."""
    return applied("greater_equal", x1, x2)


def heaviside(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """0 below 0, 1 above, `x2` at 0."""
    return applied("heaviside", x1, x2)


def hypot(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``sqrt(x1 ** 2 + x2 ** 2)`` without overflow."""
    return applied("hypot", x1, x2)


def lcm(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The least common multiple."""
    return applied("lcm", x1, x2)


def ldexp(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 * 2 ** x2``; `x2` are integers."""
    return applied("ldexp", x1, x2)


def less(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Whether `x1` is less."""
    return applied("less", x1, x2)


def less_equal(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Whether `x1` is not greater."""
    return applied("less_equal", x1, x2)


def logaddexp(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``log(exp(x1) + exp(x2))`` without overflow."""
    return applied("logaddexp", x1, x2)


def logaddexp2(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``log2(2 ** x1 + 2 ** x2)`` without overflow."""
    return applied("logaddexp2", x1, x2)


def logical_and(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Whether both are not 0."""
    return applied("logical_and", x1, x2)


def logical_or(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Whether one or both are not 0."""
    return applied("logical_or", x1, x2)


def logical_xor(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Whether one of both is not 0."""
    return applied("logical_xor", x1, x2)


def maximum(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The greater; NaN beside a NaN."""
    return applied("maximum", x1, x2)


def minimum(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The lesser; NaN beside a NaN."""
    return applied("minimum", x1, x2)


def multiply(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 * x2``."""
    return applied("multiply", x1, x2)


def nextafter(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The next floating number from `x1` towards `x2`."""
    return applied("nextafter", x1, x2)


def not_equal(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """Whether both differ."""
    return applied("not_equal", x1, x2)


def pow(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 ** x2``."""
    return applied("power", x1, x2)


def remainder(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """The remainder with the sign of `x2`, as ``%``."""
    return applied("remainder", x1, x2)


def subtract(x1: ArrayLike, x2: ArrayLike, /) -> Array:
    """``x1 - x2``."""
    return applied("subtract", x1, x2)


def round(x: ArrayLike, /, decimals: int = 0) -> Array:
    """The nearest number with `decimals` decimals, halves to even (as ``numpy.round``, which scales, rounds and scales back)."""
    array = asarray(x)
    if decimals == 0 or (decimals > 0 and array.dtype.kind in "biu"):
        return applied("round", array)
    scale = 10.0 ** builtins.abs(decimals)
    if decimals > 0:
        return applied("round", array * scale) / scale
    scaled = applied("round", array / scale) * scale
    return scaled.astype(array.dtype) if array.dtype.kind in "biu" else scaled


def clip(x: ArrayLike, /, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Array:
    """Not less than `min`, not more than `max`, where given; `max` wins. The type of `x` stays where the bounds are Python's numbers."""
    return Array(_core.clip(asarray(x)._core, None if min is None else operand(min), None if max is None else operand(max)))


def isclose(a: ArrayLike, b: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Array:
    """Whether ``|a - b| <= atol + rtol * |b|``; infinities are close to themselves, NaN to NaN with `equal_nan`."""
    close = applied("isclose", a, b, rtol, atol)
    return close | (applied("isnan", a) & applied("isnan", b)) if equal_nan else close


def nan_to_num(x: ArrayLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """`nan` for NaN, `posinf` and `neginf` for the infinities (by default the largest finite numbers). Integers stay."""
    array = asarray(x)
    if array.dtype.kind not in "fc":
        return array
    limits = np.finfo(array.dtype)
    high, low = (float(limits.max) if posinf is None else posinf), (float(limits.min) if neginf is None else neginf)
    return applied("nan_to_num", array, nan, high, low)


def divmod(x1: ArrayLike, x2: ArrayLike, /) -> tuple[Array, Array]:
    """Quotient, rounded down, and remainder."""
    return applied("floor_divide", x1, x2), applied("remainder", x1, x2)


def frexp(x: ArrayLike, /) -> tuple[Array, Array]:
    """Mantissa in [0.5, 1) and exponent of 2 (int32)."""
    return applied("frexp_mantissa", x), applied("frexp_exponent", x)


def modf(x: ArrayLike, /) -> tuple[Array, Array]:
    """Fraction and whole part, both with the sign of the element."""
    return applied("modf_fraction", x), applied("modf_whole", x)


around = round
absolute = abs
arccos = acos
arccosh = acosh
arcsin = asin
arcsinh = asinh
arctan = atan
arctan2 = atan2
arctanh = atanh
invert = bitwise_invert
bitwise_not = bitwise_invert
left_shift = bitwise_left_shift
right_shift = bitwise_right_shift
conjugate = conj
degrees = rad2deg
radians = deg2rad
mod = remainder
power = pow
true_divide = divide
