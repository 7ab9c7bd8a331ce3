"""User functions: blocks, halos, lines, signatures; threads, processes, compiled."""

import ctypes
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import time

import freestone as fs
import numpy as np
import pytest

RNG = np.random.default_rng(7)
X = RNG.normal(size=(40, 50, 6)).astype("f4")


def chunked(values=X, chunks=(16, 20, 6)):
    return fs.rechunk(fs.asarray(values), chunks[: values.ndim])


def test_map_blocks_calls_once_a_chunk_whatever_the_plan():
    seen = []
    lock = threading.Lock()

    def centred(block):
        with lock:
            seen.append(block.shape)
        return block - block.mean()

    expected = np.empty_like(X)
    for i in range(0, 40, 16):
        for j in range(0, 50, 20):
            part = X[i : i + 16, j : j + 20]
            expected[i : i + 16, j : j + 20] = part - part.mean()
    for threads, memory in ((1, "64MiB"), (2, "1GiB")):
        with fs.settings(threads=threads, memory=memory):
            np.testing.assert_allclose(chunked().map_blocks(centred, dtype="f4").compute(), expected, rtol=1e-6, atol=1e-6)
    assert len(seen) >= 18 and max(seen) == (16, 20, 6)


def test_map_blocks_of_several_arrays_and_other_arguments():
    a, b = chunked(), chunked(X[:, :1] * 2)
    result = fs.map_blocks(lambda x, factor, y, *, more: x * factor + y + more, a, 3, b, more=1)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.compute(), X * 3 + X[:, :1] * 2 + 1, rtol=1e-6)
    np.testing.assert_array_equal(fs.map_blocks(np.add, a, X).compute(), X + X)


def test_map_blocks_gives_blocks_of_its_own():
    kept = []

    def careless(block):
        block[block < 0] = 0
        kept.append(block)
        return block

    x = X.copy()
    result = chunked(x).map_blocks(careless, dtype="f4").compute()
    np.testing.assert_array_equal(result, np.maximum(X, 0))
    np.testing.assert_array_equal(x, X)
    assert all(np.isfinite(block).all() for block in kept)


def test_map_blocks_adds_and_drops_axes_as_dask_does():
    import dask.array as da

    d = da.from_array(X, chunks=(16, 20, 6))
    calls = [
        (lambda m, a: m(lambda b: b.sum(2), a, drop_axis=2, dtype="f4")),
        (lambda m, a: m(lambda b: np.stack([b, -b], axis=1), a, new_axis=1, dtype="f4", chunks=((16, 16, 8), 2, (20, 20, 10), 6))),
        (lambda m, a: m(lambda b: b[..., None], a, new_axis=3, dtype="f4")),
        (lambda m, a: m(lambda b: b.sum(2)[:, :, None], a, drop_axis=2, new_axis=2, dtype="f4")),
        (lambda m, a: m(lambda b: np.stack([b.sum(0, keepdims=True)] * 2, axis=1), a, new_axis=1, dtype="f4", chunks=(1, 2, (20, 20, 10), 6))),
        (lambda m, a: m(lambda b: b.sum((0, 2), keepdims=True), a, drop_axis=2, new_axis=2, dtype="f4", chunks=(1, (20, 20, 10), 1))),
    ]  # fmt: skip
    for number, call in enumerate(calls):
        mine = call(fs.map_blocks, chunked())
        np.testing.assert_allclose(mine.compute(), call(da.map_blocks, d).compute(), rtol=1e-6, err_msg=str(number))


def test_block_id_and_block_info_are_dasks():
    import dask.array as da

    mine, theirs = {}, {}

    def note(where):
        def function(block, block_id=None, block_info=None):
            if block_info is not None and block.size > 1 and 0 in block_info and None in block_info:
                where[block_id] = {key: {k: v for k, v in facts.items()} for key, facts in block_info.items()}
            return block

        return function

    chunked().map_blocks(note(mine), dtype="f4").compute()
    da.from_array(X, chunks=(16, 20, 6)).map_blocks(note(theirs), dtype="f4").compute()
    assert set(mine) == set(theirs)
    for place, facts in theirs.items():
        for key in (0, None):
            for name, value in facts[key].items():
                ours = mine[place][key][name]
                assert [tuple(v) if isinstance(v, (list, tuple)) else v for v in ours] == [tuple(v) if isinstance(v, (list, tuple)) else v for v in value] if isinstance(value, (list, tuple)) else ours == value, (place, key, name)


def test_map_blocks_changes_chunk_lengths_as_dask_does():
    import dask.array as da

    d = da.from_array(X, chunks=(16, 20, 6))
    calls = [
        lambda m, a: m(lambda b: b.sum(0, keepdims=True), a, chunks=(1, 20, 6), dtype="f4") if m is fs.map_blocks else m(lambda b: b.sum(0, keepdims=True), a, chunks=((1, 1, 1), (20, 20, 10), 6), dtype="f4"),
        lambda m, a: m(lambda b: b.mean((0, 1), keepdims=True), a, chunks=(1, 1, 6), dtype="f4"),
        lambda m, a: m(lambda b: b[::2, ::5], a, chunks=((8, 8, 4), (4, 4, 2), (6,)), dtype="f4"),
        lambda m, a: m(lambda b: np.repeat(b, 3, axis=0)[: 7 if len(b) > 8 else 11], a, chunks=((7, 7, 11), (20, 20, 10), (6,)), dtype="f4"),
        lambda m, a: m(lambda b: b.max((0, 2), keepdims=True)[..., 0], a, drop_axis=2, chunks=((1, 1, 1), (20, 20, 10)), dtype="f4"),
        lambda m, a: m(lambda b: np.stack([b.min(0, keepdims=True)] * 4, axis=1), a, new_axis=1, chunks=((1, 1, 1), (4,), (20, 20, 10), (6,)), dtype="f4"),
        lambda m, a: m(lambda b: b[:0], a, chunks=((0, 0, 0), (20, 20, 10), (6,)), dtype="f4"),
    ]  # fmt: skip
    for number, call in enumerate(calls):
        mine, theirs = call(fs.map_blocks, chunked()), call(da.map_blocks, d)
        assert mine.shape == theirs.shape, number
        for threads, memory in ((1, "64MiB"), (2, "1GiB")):
            np.testing.assert_allclose(mine.compute(threads=threads, memory=memory), theirs.compute(), rtol=1e-6, err_msg=str(number))
        np.testing.assert_allclose((mine * 2)[:1, 1:].compute(), theirs.compute()[:1, 1:] * 2, rtol=1e-6, err_msg=str(number))
    at = {}
    call = lambda b, block_info=None: at.setdefault(block_info[None]["chunk-location"], block_info[None]["array-location"]) and b[::2]  # noqa: E731
    chunked().map_blocks(call, chunks=((8, 8, 4), (20, 20, 10), (6,)), dtype="f4").compute()
    assert at[(2, 1, 0)] == [(16, 20), (20, 40), (0, 6)]
    with pytest.raises(fs.UserError, match="2 lengths for axis 0 of the result, the array has 3 blocks"):
        chunked().map_blocks(lambda b: b, chunks=((1, 1), 20, 6), dtype="f4")
    with pytest.raises(fs.UserError, match=r"gave shape \(16, 20, 6\) for a block that has shape \(1, 20, 6\)"):
        chunked().map_blocks(lambda b: b, chunks=(1, 20, 6), dtype="f4").compute()


def test_arrays_in_lists_and_by_name_go_whole():
    a, b = chunked(), fs.asarray(X[0, 0])

    def function(block, pair, *, table, scale):
        (first, second), more = pair, table["more"]
        assert all(isinstance(part, np.ndarray) for part in (first, second, more))
        return (block * first + second.sum() + more) * scale

    result = fs.map_blocks(function, a, [b, chunked() * 0 + 1], table={"more": b + 1, "other": 3}, scale=2, dtype="f4")
    np.testing.assert_allclose(result.compute(), (X * X[0, 0] + X.size + X[0, 0] + 1) * 2, rtol=1e-5)
    twice = fs.map_blocks(np.add, a.map_blocks(np.negative), fs.map_blocks(np.multiply, a, 3))
    np.testing.assert_allclose(twice.compute(), 2 * X, rtol=1e-6)


def triple(block):
    return block * 3


def test_arrays_of_user_functions_are_pickled():
    from numba import njit

    factor = np.float32(4)
    made = [
        chunked().map_blocks(triple),
        chunked().map_blocks(lambda b: b * factor, dtype="f4"),
        chunked().map_blocks(lambda b: b[:1] * factor, chunks=(1, None, None), dtype="f4"),
        chunked().map_overlap(lambda b: b + 1, {0: (1, 2)}, {0: "reflect"}),
        chunked().map_blocks(njit(lambda b: b + 2)),
        fs.apply_along(lambda line: line.sum(), chunked(), axis=1) + 1,
        fs.apply_gufunc(lambda x, y: (x + y, x - y), "(),()->(),()", chunked(), chunked(), output_dtypes=["f4", "f4"])[1],
        chunked().map_blocks(triple, workers="processes"),
    ]
    for number, array in enumerate(made):
        back = pickle.loads(pickle.dumps(array))
        np.testing.assert_array_equal(back.compute(), array.compute(), err_msg=str(number))
    code = "import pickle, sys; sys.stdout.buffer.write(pickle.load(sys.stdin.buffer).compute().tobytes())"
    there = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(made[2]), capture_output=True, timeout=60, check=True)
    np.testing.assert_array_equal(np.frombuffer(there.stdout, "f4").reshape(made[2].shape), made[2].compute())


@pytest.mark.parametrize("boundary", [None, "reflect", "periodic", "nearest", 3.5])
def test_map_overlap_is_dasks(boundary):
    import dask.array as da
    from scipy.ndimage import uniform_filter

    def smooth(block):
        return uniform_filter(block, size=(3, 5, 1), mode="nearest")

    depth = {0: 1, 1: 2}
    theirs = da.map_overlap(smooth, da.from_array(X, chunks=(16, 25, 6)), depth=depth, boundary="none" if boundary is None else boundary, dtype="f4")
    mine = chunked(chunks=(16, 25, 6)).map_overlap(smooth, depth, boundary)
    np.testing.assert_allclose(mine.compute(), theirs.compute(), rtol=2e-5, atol=2e-5)


def test_map_overlap_has_depths_and_boundaries_of_its_own_on_each_axis():
    import dask.array as da
    from scipy.ndimage import uniform_filter

    def smooth(block):
        return uniform_filter(block, size=(3, 5, 1), mode="nearest")

    d = da.from_array(X, chunks=(16, 25, 6))
    for boundary in ({0: "reflect", 1: "periodic", 2: "none"}, {0: "none", 1: 2.5}, {0: 1.5, 1: -3.0}, {0: "nearest", 1: 7.0}):
        theirs = da.map_overlap(smooth, d, depth=(1, 2, 0), boundary=boundary, dtype="f4")
        mine = chunked(chunks=(16, 25, 6)).map_overlap(smooth, (1, 2, 0), boundary)
        np.testing.assert_allclose(mine.compute(), theirs.compute(), rtol=2e-5, atol=2e-5, err_msg=str(boundary))
        np.testing.assert_array_equal(mine[5:9, ::3].compute(threads=1, memory="64MiB"), mine.compute()[5:9, ::3])

    def newest(block):  # the sum with the three before
        out = block.copy()
        for k in (1, 2, 3):
            out[k:] += block[:-k]
        return out

    depth = {0: (3, 0)}
    theirs = da.map_overlap(newest, d, depth=depth, boundary="none", dtype="f4").compute()
    np.testing.assert_allclose(chunked(chunks=(16, 25, 6)).map_overlap(newest, depth, "none").compute(), theirs, rtol=2e-5, atol=1e-5)
    for mode, numpys in (("reflect", "symmetric"), ("mirror", "reflect"), ("nearest", "edge"), ("periodic", "wrap")):
        padded = np.pad(X, ((3, 0), (0, 1), (0, 0)), mode=numpys)
        expected = padded[3:, :-1] + padded[2:-1, :-1] + padded[1:-2, :-1] + padded[:-3, :-1] + padded[3:, 1:]

        def far(block):
            return block[3:, :-1] + block[2:-1, :-1] + block[1:-2, :-1] + block[:-3, :-1] + block[3:, 1:]

        mine = chunked().map_overlap(far, [(3, 0), (0, 1), 0], mode, trim=False, dtype="f4")
        np.testing.assert_allclose(mine.compute(), expected, rtol=2e-5, atol=1e-5, err_msg=mode)
        part = mine[1:4, 48:].compute(memory="64MiB")
        np.testing.assert_allclose(part, expected[1:4, 48:], rtol=2e-5, atol=1e-5, err_msg=mode)
    with pytest.raises(fs.UserError, match="2 boundaries for 3 axes"):
        chunked().map_overlap(smooth, 1, ("none", "none"))
    with pytest.raises(fs.UserError, match="a depth of -1"):
        chunked().map_overlap(smooth, {0: (0, -1)})


def test_map_overlap_without_trimming():
    def inner(block):
        return block[1:-1, 2:-2] * 2

    mine = chunked().map_overlap(inner, (1, 2, 0), "reflect", trim=False, dtype="f4")
    np.testing.assert_array_equal(mine.compute(), X * 2)
    with pytest.raises(fs.UserError, match="with its halo"):
        chunked().map_overlap(lambda b: b[3:], (1, 2, 0), "reflect", dtype="f4").compute()
    z = (X + 1j * X).astype("c8")
    np.testing.assert_array_equal(chunked(z).map_overlap(lambda b: b, 1, "reflect", dtype="c8").compute(), z)


def test_apply_gufunc_is_numpys():
    a, b = fs.asarray(X), fs.asarray(X[0])
    np.testing.assert_allclose(fs.apply_gufunc(lambda x, y: (x * y).sum(-1), "(i),(i)->()", a, b).compute(), (X * X[0]).sum(-1), rtol=1e-5)
    mean, spread = fs.apply_gufunc(lambda x: (x.mean(-1), x.std(-1)), "(i)->(),()", a, axis=0, output_dtypes=["f4", "f4"])
    np.testing.assert_allclose(mean.compute(), X.mean(0), atol=1e-5)
    np.testing.assert_allclose(spread.compute(), X.std(0), atol=1e-5)
    powers = fs.apply_gufunc(lambda x: np.stack([x.sum(-1), (x**2).sum(-1)], -1), "(i)->(p)", a, output_sizes={"p": 2})
    np.testing.assert_allclose(powers.compute(), np.stack([X.sum(-1), (X**2).sum(-1)], -1), rtol=1e-5, atol=1e-5)
    outer = fs.apply_gufunc(lambda x, y: x * float(y[0]), "(i),(j)->(i)", a, b, vectorize=True)
    np.testing.assert_allclose(outer.compute(), np.vectorize(lambda x, y: x * float(y[0]), signature="(i),(j)->(i)")(X, X[0]), rtol=1e-6)
    placed = fs.apply_gufunc(lambda x: x - x.mean(-1, keepdims=True), "(i)->(i)", a, axes=[(1,), (0,)])
    np.testing.assert_allclose(placed.compute(), np.moveaxis(X - X.mean(1, keepdims=True), 1, 0), atol=1e-6)
    with pytest.raises(fs.UserError, match="no signature"):
        fs.apply_gufunc(np.sum, "(i", a)
    with pytest.raises(fs.UserError, match="core axis 'i'"):
        fs.apply_gufunc(np.add, "(i),(i)->(i)", a, X[:3, :3, :3])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_apply_along_is_numpys(axis):
    functions = [lambda v: v.max(), lambda v: np.array([v.min(), v.max()]), lambda v: np.cumsum(v), lambda v: np.outer(v[:2], v[:3])]
    for function in functions:
        mine = fs.apply_along(function, fs.asarray(X), axis=axis)
        theirs = np.apply_along_axis(function, axis, X)
        assert mine.shape == theirs.shape and mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine.compute(), theirs, rtol=1e-6)
    np.testing.assert_allclose(fs.apply_along_axis(np.sort, axis, fs.asarray(X)).compute(), np.sort(X, axis=axis))


def fails(block):
    raise ZeroDivisionError(f"no block of shape {block.shape}")


def test_errors_are_those_of_the_function():
    with pytest.raises(ZeroDivisionError, match=r"no block of shape \(16, 20, 6\)") as caught:
        with fs.settings(threads=1):
            chunked().map_blocks(fails, dtype="f4").compute()
    assert any("fails (function), region" in note for note in getattr(caught.value, "__notes__", ["fails (function), region"]))
    assert caught.traceback[-1].name == "fails"
    with pytest.raises(fs.UserError, match="Give dtype=") as caught:
        chunked().map_blocks(fails)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(fs.UserError, match=r"gave shape \(3,\) for a block that has shape"):
        chunked().map_blocks(lambda b: np.zeros(3), dtype="f4").compute()
    with pytest.raises(fs.UserError, match="workers is"):
        chunked().map_blocks(fails, dtype="f4", workers="gpus")


def test_processes():
    seen = chunked().map_blocks(lambda b: np.full(b.shape, os.getpid()), dtype="i8", workers="processes")
    pids = set(np.unique(seen.compute()).tolist())
    assert os.getpid() not in pids and len(pids) <= fs.get_settings()["threads"]
    doubled = chunked().map_overlap(lambda b: b * 2, 1, "reflect", workers="processes", dtype="f4")
    np.testing.assert_array_equal(doubled.compute(), X * 2)
    with pytest.raises(ZeroDivisionError) as caught:
        chunked().map_blocks(fails, dtype="f4", workers="processes").compute()
    assert "in fails" in str(caught.value.__cause__)
    with pytest.raises(fs.UserError, match="SIGKILL"):
        chunked().map_blocks(lambda b: os.kill(os.getpid(), 9), dtype="f4", workers="processes").compute()
    np.testing.assert_array_equal(doubled.compute(), X * 2)
    with pytest.raises(fs.UserError, match="cannot go to another process"):
        lock = threading.Lock()
        chunked().map_blocks(lambda b: lock, dtype="f4", workers="processes")


def test_processes_from_a_script_that_guards_nothing(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent("""
        import freestone as fs, numpy as np
        print("begun")
        def add(block):
            print("this goes to stderr")
            return block + 1
        a = fs.asarray(np.arange(10.0)).map_blocks(add, dtype="f8", workers="processes")
        print(a.compute().sum())
    """))
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert ran.stdout == "begun\n55.0\n", ran.stderr


# Compiled functions.


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "own.c").write_text("""
        #include <stdint.h>
        void twice(const float* in, float* out, int64_t n) { for (int64_t i = 0; i < n; ++i) out[i] = 2 * in[i]; }
        void rows(const double* in, double* out, int64_t n0, int64_t n1) {
          for (int64_t i = 0; i < n0; ++i) for (int64_t j = 0; j < n1; ++j) out[i * n1 + j] = in[i * n1 + j] + i;
        }
        double halved(double x) { return x / 2; }
        double smaller(double x, double y) { return x < y ? x : y; }
    """)
    compiled = subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", folder / "own.so", folder / "own.c"], capture_output=True, text=True)
    if compiled.returncode != 0:
        pytest.fail(f"no C compiler: {compiled.stderr}")
    return ctypes.CDLL(str(folder / "own.so"))


def test_ctypes_functions(library):
    floats, doubles = np.ctypeslib.ndpointer("f4"), ctypes.POINTER(ctypes.c_double)
    library.twice.argtypes, library.twice.restype = [ctypes.POINTER(ctypes.c_float), ctypes.POINTER(ctypes.c_float), ctypes.c_int64], None
    np.testing.assert_array_equal(chunked().map_blocks(library.twice).compute(), X * 2)
    np.testing.assert_array_equal(fs.asarray(X.T).map_blocks(library.twice).compute(), X.T * 2)
    library.halved.argtypes, library.halved.restype = [ctypes.c_double], ctypes.c_double
    wide = X.astype("f8")
    np.testing.assert_array_equal(chunked(wide).map_blocks(library.halved, elementwise=True).compute(), wide / 2)
    library.smaller.argtypes, library.smaller.restype = [ctypes.c_double] * 2, ctypes.c_double
    np.testing.assert_array_equal(fs.map_blocks(library.smaller, chunked(wide), chunked(-wide)).compute(), np.minimum(wide, -wide))
    library.rows.argtypes, library.rows.restype = [doubles, doubles, ctypes.c_int64, ctypes.c_int64], None
    plane = chunked(wide[:, :, 0], (7, 50))
    np.testing.assert_array_equal(plane.map_blocks(library.rows).compute(), wide[:, :, 0] + (np.arange(40) % 7)[:, None])
    with pytest.raises(fs.UserError, match="takes float32"):
        chunked(wide).map_blocks(library.twice)
    with pytest.raises(fs.UserError, match="called in none of the ways"):
        fs.map_blocks(library.halved, chunked(wide), chunked(wide))
    library.halved.argtypes = None
    with pytest.raises(fs.UserError, match="argtypes"):
        chunked(wide).map_blocks(library.halved)
    assert floats is not None


def test_capsules_as_cython_makes_them(library):
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    name = ctypes.c_char_p(b"void (float const *, float *, Py_ssize_t)")
    capsule = new(ctypes.cast(library.twice, ctypes.c_void_p), name, None)
    np.testing.assert_array_equal(chunked().map_blocks(capsule).compute(), X * 2)
    bad = ctypes.c_char_p(b"some.module.name")
    with pytest.raises(fs.UserError, match="no C signature"):
        chunked().map_blocks(new(ctypes.cast(library.twice, ctypes.c_void_p), bad, None))


def test_cffi_functions(library):
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    ffi.cdef("void twice(const float* in, float* out, int64_t n);")
    opened = ffi.dlopen(library._name)
    np.testing.assert_array_equal(chunked().map_blocks(ffi.addressof(opened, "twice")).compute(), X * 2)


def test_numba_functions():
    numba = pytest.importorskip("numba")

    @numba.njit
    def smooth(x):
        out = np.zeros_like(x)
        for i in range(1, x.shape[0] - 1):
            for j in range(1, x.shape[1] - 1):
                out[i, j] = (x[i - 1, j] + x[i, j] + x[i + 1, j] + x[i, j - 1] + x[i, j + 1]) / 5
        return out

    @numba.njit
    def fill(x, y, out):
        for i in range(x.shape[0]):
            out[i] = x[i] + 2 * y[i]

    plane = X[:, :, 0].astype("f8")
    padded = np.pad(plane, 1, mode="symmetric")
    expected = (padded[:-2, 1:-1] + padded[1:-1, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 5
    np.testing.assert_allclose(chunked(plane, (16, 20)).map_overlap(smooth, 1, "reflect").compute(), expected, rtol=1e-12)
    np.testing.assert_array_equal(fs.map_blocks(fill, chunked(plane, (16, 20)), chunked(plane, (16, 20))).compute(), plane * 3)

    @numba.cfunc("void(CPointer(float32), CPointer(float32), intp)")
    def twice(pointer, out, n):
        for i in range(n):
            out[i] = 2 * pointer[i]

    np.testing.assert_array_equal(chunked().map_blocks(twice).compute(), X * 2)

    @numba.cfunc("float64(float64)")
    def square(x):
        return x * x

    np.testing.assert_array_equal(chunked(plane, (16, 20)).map_blocks(square).compute(), plane**2)


def test_ufuncs_of_numba_are_lazy_and_keep_their_meaning(runs):
    numba = pytest.importorskip("numba")

    def affine(x, y):
        return 2 * x + y + 100

    def add(x, y):  # the name of NumPy's, and another function
        return x + y + 100

    @numba.guvectorize(["(float64[:],float64[:])"], "(n)->()")
    def total(row, out):
        out[0] = row.sum()

    x = np.random.default_rng(3).normal(size=(50, 60))
    a = fs.from_numpy(x).rechunk((20, 60))
    for python in (affine, add):
        for function in (numba.vectorize(python), numba.vectorize(["float64(float64,float64)"])(python)):
            for call in (lambda f, v: f(v, 2.0), lambda f, v: f(v, v[:, :1]), lambda f, v: f(x, v), lambda f, v: f(v * 2, f(v, 1)) - 1):
                made = call(function, a)
                assert isinstance(made, fs.Array) and not runs
                np.testing.assert_array_equal(np.asarray(made), call(function, x))
                runs.clear()
    # Types: what numba finds for these, Python's numbers are weak.
    assert numba.vectorize(["float32(float32,float32)", "float64(float64,float64)"])(affine)(fs.zeros(3, np.float32), 2.0).dtype == np.float32
    sums = total(a)
    assert isinstance(sums, fs.Array) and not runs
    np.testing.assert_allclose(np.asarray(sums), x.sum(-1))
    filled = np.zeros(x.shape)
    assert numba.vectorize(["float64(float64,float64)"])(affine)(a, 1.0, out=filled) is filled
    np.testing.assert_array_equal(filled, affine(x, 1.0))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(numba.vectorize(["float64(float64,float64)"])(affine)(a, 3.0))).compute(), affine(x, 3.0))


def test_ufuncs_of_numba_run_without_the_gil():
    numba = pytest.importorskip("numba")

    @numba.vectorize(["float64(float64)"])
    def slow(x):
        for _ in range(1000):
            x = np.sin(x)
        return x

    # This thread counts while the other one computes one block for a second: with the GIL held it would stand still.
    running = fs.submit(slow(fs.from_numpy(np.random.default_rng(1).random(100_000))).compute, threads=1)
    turns = 0
    while not running.done():
        time.sleep(0.001)
        turns += 1
    assert turns > 50


def test_ufuncs_of_scipy_are_lazy(runs):
    special = pytest.importorskip("scipy.special")
    x = np.random.default_rng(4).random((30, 40))
    a = fs.from_numpy(x).rechunk((7, 40))
    for call in (lambda v: special.erf(v), lambda v: special.jv(2, v), lambda v: special.expit(v.astype("f4")), lambda v: special.ellipj(v, 0.5), lambda v: special.erf(v, dtype="f4", casting="same_kind")):
        made, theirs = call(a), call(x)
        assert not runs
        for mine, want in zip(made if isinstance(made, tuple) else (made,), theirs if isinstance(theirs, tuple) else (theirs,)):
            assert isinstance(mine, fs.Array) and mine.dtype == want.dtype
            np.testing.assert_array_equal(np.asarray(mine), want)
        runs.clear()
    texts = np.frompyfunc(lambda v: f"{v:.1f}", 1, 1)(a)
    assert texts.dtype == object and texts[0, 0] == f"{x[0, 0]:.1f}"
    with pytest.raises(TypeError):
        special.erf(a.astype("c8") > 0, "no", "such", "call")
