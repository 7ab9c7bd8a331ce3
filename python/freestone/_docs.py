"""Parameters of functions, in words: what means the same everywhere is said once, here, and goes into every docstring that has no such section."""

from __future__ import annotations

import types
from typing import Any

__all__ = ["PARAMETERS", "complete"]

_ARRAY = ("array_like", "")
_SHAPE = ("int or sequence of int", "Lengths of the axes.")
_PARTS = ("int or sequence of int", "How many parts, or where they begin.")
_SEQUENCE = ("sequence of array_like", "")
_Q = ("float or sequence of float", "")

#: Of a parameter its type and what it is, by its name; by "function.name" where a function has a meaning of its own.
PARAMETERS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("x", "x1", "x2", "a", "b", "y", "a1", "a2", "ar", "ar1", "ar2", "arr", "ary", "v", "m", "f", "p", "A", "values"), _ARRAY),
    **dict.fromkeys(("arrays", "tup"), ("sequence of array_like", "Arrays that fit but for the axis.")),
    "arys": ("array_like", ""),
    "axis": ("int, sequence of int or None, optional", "Of which axes; counted from the end below 0."),
    "axes": ("sequence of int, optional", "Which axes; counted from the end below 0."),
    "axis1": ("int", "The first of the axes."),
    "axis2": ("int", "The second of the axes."),
    "keepdims": ("bool", "The axes stay, with length 1."),
    "out": ("None", "Taken for NumPy's callers; results are new arrays."),
    "dtype": ("dtype, optional", "Of the result. Default: what follows from the arguments, as in NumPy."),
    "device": ('{"cpu", None}', "There is one."),
    "copy": ("bool, optional", "True: a new array. False: an error where there would have to be one."),
    "shape": _SHAPE,
    "size": ("int or sequence of int, optional", "Lengths of the axes. Default: one number, without axes."),
    "ddof": ("float", "The divisor is the count less this."),
    "correction": ("float", "The divisor is the count less this; `ddof` by the array API's name."),
    "k": ("int", "Which diagonal: 0 the main one, above 0 those above it."),
    "offset": ("int", "Which diagonal: 0 the main one, above 0 those above it."),
    "norm": ('{"backward", "ortho", "forward"}', "Which direction is divided by the number of elements, or both by its root."),
    "n": ("int, optional", "Length of the transformed axis: what is longer is cut, what is shorter filled with 0."),
    "s": ("sequence of int, optional", "Lengths of the transformed axes: what is longer is cut, what is shorter filled with 0."),
    "d": ("float", "The distance of samples."),
    "q": _Q,
    "method": ("str", "NumPy's name of the rule between two elements."),
    "descending": ("bool", "From the greatest to the least."),
    "stable": ("bool", "Equal elements keep their order; they always do."),
    "kind": ("str, optional", "For NumPy's sake."),
    "side": ('{"left", "right"}', "Before or behind elements that are equal."),
    "sorter": ("array_like of int, optional", "Positions that sort the array."),
    "rtol": ("float", "How much may differ, in parts of the second value."),
    "atol": ("float", "How much may differ, in all."),
    "equal_nan": ("bool", "NaN equals NaN."),
    "fill_value": ("number", "What stands everywhere."),
    "chunks": ("optional", "Nominal chunks, as in `rechunk`: blocks of your functions, chunks of files."),
    "start": ("number", "The first."),
    "stop": ("number", "The last, or what lies behind it."),
    "step": ("number", "From one to the next."),
    "num": ("int", "How many."),
    "endpoint": ("bool", "Whether `stop` is the last."),
    "weights": ("array_like, optional", "Of the elements."),
    "bins": ("int or sequence", "How many bins, or their edges."),
    "range": ("pair of float, optional", "The first and the last edge. Default: the least and the greatest element."),
    "density": ("bool", "The integral over the bins is 1."),
    "condition": ("array_like", "Taken as bool."),
    "indices": ("array_like of int", "Positions, counted from the end below 0."),
    "indices_or_sections": _PARTS,
    "repeats": ("int or sequence of int", "How often, for all or for each."),
    "reps": ("int or sequence of int", "How often, axis by axis."),
    "shift": ("int or sequence of int", "By how many elements, axis by axis."),
    "source": ("int or sequence of int", "Axes as they are."),
    "destination": ("int or sequence of int", "Where they go."),
    "decimals": ("int", "Digits behind the point; before it below 0."),
    "include_initial": ("bool", "What nothing gives stands first."),
    "initial": ("number, optional", "What every result begins with."),
    "where": ("array_like of bool", "Elements where it is false are left out."),
    "prepend": ("array_like, optional", "Goes before the array."),
    "append": ("array_like, optional", "Goes behind the array."),
    "invert": ("bool", "What is not there instead."),
    "assume_unique": ("bool", "For NumPy's sake."),
    "nan": ("float", "In place of NaN."),
    "posinf": ("float, optional", "In place of infinity. Default: the greatest number of the dtype."),
    "neginf": ("float, optional", "In place of minus infinity. Default: the least number of the dtype."),
    "min": ("array_like or None", "The least that stays."),
    "max": ("array_like or None", "The greatest that stays."),
    "dx": ("float", "The distance of samples, where `x` is not given."),
    "rowvar": ("bool", "Rows are variables; otherwise columns are."),
    "bias": ("bool", "Divides by the count."),
    "minlength": ("int", "The least length of the result."),
    "right": ("bool", "Edges belong to the bin on their left."),
    "ignore_nan": ("bool", "NaN is left out."),
    "edge_order": ("{1, 2}", "Of the differences at the edges."),
    "varargs": ("float or array_like", "Distances of samples, or their positions, for all axes or one each."),
    "period": ("float", "After which values are the same."),
    "upper": ("bool", "The upper triangle instead of the lower."),
    "full_matrices": ("bool", "U and Vh are square."),
    "compute_uv": ("bool", "U and Vh are wanted, too."),
    "deg": ("bool", "In degrees."),
    "fweights": ("array_like of int, optional", "How often each observation counts."),
    "aweights": ("array_like, optional", "How much each observation counts."),
    "ord": ("float or str, optional", "Order of the norm."),
    "ind": ("int", "How many axes come first in the result of the map."),
    "rcond": ("float, optional", "Singular values below this part of the greatest count as 0."),
    "seed": ("int, optional", "Of the numbers; None takes one of the system."),
    "loc": ("float", "The mean."),
    "scale": ("float", "The standard deviation, or the mean of an exponential."),
    "lam": ("float", "The mean."),
    "low": ("number", "The least."),
    "high": ("number, optional", "What lies above the greatest; None: `low` does, and the least is 0."),
    "order": ('{"C"}', "For NumPy's sake."),
    "timeout": ("float, optional", "Seconds to wait."),
    "memory": ("str or int, optional", "As in `settings`, for this run."),
    "threads": ("int, optional", "As in `settings`, for this run."),
    "pure": ("bool", "The same call as one whose future is alive gives that future."),
    "kwargs": ("", "Passed on."),
    "args": ("", "Passed on."),
    # Functions with a meaning of their own.
    "cumulative_trapezoid.initial": ("number, optional", "What stands first."),
    "append.values": ("array_like", "What goes behind."),
    "insert.values": ("array_like", "What goes between."),
    "insert.obj": ("int, slice or sequence of int", "Before which positions."),
    "delete.obj": ("int, slice or sequence of int", "Which positions."),
    "put_along_axis.values": ("array_like", "What stands there afterwards."),
    "argtopk.k": ("int", "How many: the greatest, or the least below 0."),
    "topk.k": ("int", "How many: the greatest, or the least below 0."),
    "rot90.k": ("int", "How often by a quarter."),
    "rot90.m": _ARRAY,
    "diff.n": ("int", "How many times."),
    "ravel.order": ('{"C", "F", "A", "K"}', "In which order the elements are taken; A and K are C."),
    "matrix_power.n": ("int", "How often; below 0 of the inverse."),
    "identity.n": ("int", "Rows and columns."),
    "fftfreq.n": ("int", "Number of samples."),
    "rfftfreq.n": ("int", "Number of samples."),
    "eye.n_rows": ("int", "Rows."),
    "eye.n_cols": ("int, optional", "Columns. Default: as rows."),
    "tri.N": ("int", "Rows."),
    "tri.M": ("int, optional", "Columns. Default: as rows."),
    "logspace.base": ("float", "Whose powers they are."),
    "linspace.retstep": ("bool", "The step, too."),
    "average.returned": ("bool", "The sums of weights, too."),
    "array.obj": ("array_like", "What becomes an array."),
    "array.ndmin": ("int", "Axes at least; new ones come first, with length 1."),
    "apply_along_axis.func1d": ("callable", "Gets one axis, gives a number or an array of fixed shape."),
    "can_cast.from_": ("dtype or Array", "From this."),
    "can_cast.to": ("dtype", "To this."),
    "promote_types.type1": ("dtype", "One."),
    "promote_types.type2": ("dtype", "The other."),
    "cancel.futures": ("Future or iterable of Future", "Those that are not wanted."),
    "fire_and_forget.obj": ("Future, Delayed or iterable of them", "What runs with nobody holding it."),
    "choose.a": ("array_like of int", "Which of the choices."),
    "choose.choices": _SEQUENCE,
    "select.condlist": ("sequence of array_like", "The first that is true chooses."),
    "select.choicelist": ("sequence of array_like", "What is chosen from."),
    "select.default": ("number", "Where no condition is true."),
    "digitize.bins": ("array_like", "Edges, rising or falling."),
    "divmod.x1": ("array_like", "Dividend."),
    "divmod.x2": ("array_like", "Divisor."),
    "downsample.factor": ("int or sequence of int", "How many elements become one, axis by axis."),
    "downsample.function": ("str", 'Of the elements that become one: "mean", "sum", "min"...'),
    "downsample.keep_rest": ("bool", "Elements at the end that are too few make one, too."),
    "einsum.subscripts": ("str", "Letters of the operands' axes and of the result's."),
    "einsum.operands": ("array_like", "The arrays."),
    "einsum.optimize": ("bool", "For NumPy's sake."),
    "explain.items": ("Array or lazy result", "What would be computed together."),
    "fromfunction.function": ("callable", "Gets the positions along each axis as arrays, gives the elements."),
    "indices.dimensions": ("sequence of int", "Lengths of the axes."),
    "indices.sparse": ("bool", "An array an axis, which broadcast."),
    "interp.period": ("float, optional", "After which places are the same."),
    "interp.x": ("array_like", "Where values are wanted."),
    "interp.xp": ("array_like", "Where values are known, rising."),
    "interp.fp": ("array_like", "The values there."),
    "interp.left": ("float, optional", "Before the first. Default: as there."),
    "interp.right": ("float, optional", "Behind the last. Default: as there."),
    "map.func": ("callable", "What is called."),
    "map.iterables": ("iterable", "An element of each is an argument."),
    "histogram2d.x": ("array_like", "First coordinates."),
    "histogram2d.y": ("array_like", "Second coordinates."),
    "polyval.p": ("array_like", "Coefficients, the highest power first."),
    "rollaxis.start": ("int", "Before which axis it goes."),
    "rolling.name": ("str", '"sum", "mean", "min", "max", "variance", "std", "median" or "count".'),
    "rolling.window": ("int", "How many positions."),
    "rolling.center": ("bool", "The window stands around its element instead of ending there."),
    "rolling.min_periods": ("int, optional", "Values that are not NaN which a result takes. Default: the window."),
    "shape.shape": _SHAPE,
    "broadcast_shapes.shapes": ("sequence of int", "Lengths of the axes."),
    "tensordot.axes": ("int or pair of sequences", "How many last and first axes are summed over, or which."),
    "unique.return_index": ("bool", "Where each stands first, too."),
    "unique.return_inverse": ("bool", "Which of them each element is, too."),
    "unique.return_counts": ("bool", "How often each is there, too."),
    "wait.fs": ("Future or iterable of Future", "Those that are waited for."),
    "wait.return_when": ('{"ALL_COMPLETED", "FIRST_COMPLETED"}', "When it is enough."),
    "permutation.x": ("int or array_like", "The numbers below it, or the elements in another order."),
    "as_completed.futures": ("iterable of Future", ""),
    "compress.condition": ("array_like of bool", "Of the axis."),
    "apply_gufunc.vectorize": ("bool", "`func` gets one set of core axes at a time."),
    "apply_gufunc.meta": ("array or sequence of array, optional", "Says the dtypes."),
    "apply_gufunc.allow_rechunk": ("bool", "For Dask's sake: core axes are always seen whole."),
    "apply_gufunc.name": ("str, optional", "For messages."),
    "apply_along.vectorized": ("bool", "`func` gets blocks of lines, the axis last."),
    "convolve.axis": ("int", "Along which axis."),
    "delayed.pure": ("bool, optional", "For Dask's sake: calls run once each."),
    "delayed.traverse": ("bool", "For Dask's sake: lists, tuples, sets and dicts are looked into."),
    "gather.futures": ("Future, or list, tuple, set or dict of them", "Whose results are wanted."),
    "group_reduce.skip_nan": ("bool", "NaN is left out."),
    "meshgrid.arrays": ("array_like", "The positions along each axis."),
    "sigma_clip.maxiters": ("int", "How often at most."),
    "sigma_clip.low": ("float, optional", "The threshold below the centre."),
    "sigma_clip.high": ("float, optional", "The threshold above the centre."),
    "visualize.show": ("bool, optional", "Opens the picture in a browser."),
    "memory_factor": ("float", "Memory that `func` takes, in parts of its inputs' bytes."),
    "workers": ('{"threads", "processes"}', "Where Python code runs. Processes: functions and blocks are pickled."),
}

_HEAD = "    Parameters\n    ----------\n"
_SECTIONS = ("Returns", "Yields", "Raises", "Notes", "Examples")


def _names(function: types.FunctionType) -> list[str]:
    """The parameters, with their stars."""
    code = function.__code__
    named = code.co_argcount + code.co_kwonlyargcount
    stars = [f"*{n}" for n in code.co_varnames[named:][: bool(code.co_flags & 4)]]
    doubles = [f"**{n}" for n in code.co_varnames[named + len(stars) :][: bool(code.co_flags & 8)]]
    return [*code.co_varnames[: code.co_argcount], *stars, *code.co_varnames[code.co_argcount : named], *doubles]


def _end_of(text: str, start: int) -> int:
    """Where what stands at `start` ends: at the next section, or the text's end."""
    places = [text.find(f"\n\n    {section}\n", start) for section in _SECTIONS]
    return min((k for k in places if k >= 0), default=len(text.rstrip()))


def complete(namespace: dict[str, Any]) -> None:
    """Gives the functions of a module's ``__all__`` a section Parameters, or what lacks in it, where a parameter is known by its name."""
    for name in namespace["__all__"]:
        function = namespace.get(name)
        text = getattr(function, "__doc__", None)
        if not isinstance(function, types.FunctionType) or text is None or "arameters are as" in text or not function.__module__.startswith("freestone"):
            continue
        start = text.find(_HEAD)
        section = "" if start < 0 else text[start : _end_of(text, start)]
        heads = [line.partition(" :")[0] for line in section.splitlines() if line[:5].strip()]
        said = {part.strip(" *") for head in heads for part in head.split(",")}
        lines = []
        for given in _names(function):
            plain = given.lstrip("*")
            known = PARAMETERS.get(f"{name}.{plain}") or PARAMETERS.get(plain)
            if known is None or plain in said:
                continue
            kind, what = known
            lines.append(f"    {given} : {kind}" if kind else f"    {given}")
            if what:
                lines.append(f"        {what}")
        if lines:
            at = _end_of(text, max(start, 0))
            function.__doc__ = text[:at].rstrip() + ("\n" if section else f"\n\n{_HEAD}") + "\n".join(lines) + text[at:].rstrip() + "\n    "
