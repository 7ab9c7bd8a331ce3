"""What Dask's users write, with its arguments: methods of arrays, user functions, futures, delayed calls, bars and pictures."""

import asyncio
import io
import time

import dask
import dask.array as da
import freestone as fs
import numpy as np
import pytest

X = np.random.default_rng(5).normal(size=(7, 10))


def both():
    return fs.from_numpy(X).rechunk((3, 4)), da.from_array(X, chunks=(3, 4))


def equal(function):
    ours, theirs = (np.asarray(function(a)) for a in both())
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-6 if ours.dtype == np.float32 else 1e-12)


def inc(x):
    return x + 1


def test_methods_of_arrays_take_dasks_arguments():
    for call in (
        lambda a: a.sum(0, None, True), lambda a: a.max(1, True), lambda a: a.std(axis=0, dtype="f8", ddof=1, split_every=2), lambda a: a.any(axis=1, keepdims=True),
        lambda a: a.mean(axis=(0, 1), split_every=4), lambda a: a.topk(3, axis=1), lambda a: a.argtopk(-2, axis=0), lambda a: a.moment(3, axis=0), lambda a: a.moment(2, ddof=1),
        lambda a: a.trace(dtype="f4"), lambda a: a.blocks[1, 0:2], lambda a: a.blocks[:, [2, 0]], lambda a: a.blocks[-1], lambda a: a.partitions[0], lambda a: a.vindex[[0, 3], [2, 9]],
        lambda a: a.vindex[[0, 3]], lambda a: a.vindex[:, [1, 1, 4]], lambda a: (a > 0).astype(int).choose([a, -a]), lambda a: a.rechunk({0: -1, 1: 5}, balance=True),
        lambda a: a.cumsum(axis=0, method="blelloch"), lambda a: a.astype("f4", casting="same_kind"), lambda a: a.view("i8"),
        lambda a: a.map_overlap(lambda b: b + np.roll(b, 1, 0), depth=1, boundary="reflect", allow_rechunk=True, align_arrays=True),
        lambda a: (fs if isinstance(a, fs.Array) else da).apply_gufunc(lambda b: b.mean(-1), "(i)->()", a, axis=0, keepdims=True, output_dtypes=float, allow_rechunk=True),
        lambda a: (fs if isinstance(a, fs.Array) else da).apply_gufunc(lambda b: b.max(-1), "(i)->()", a, keepdims=True, output_dtypes=float, allow_rechunk=True),
    ):  # fmt: skip
        equal(call)
    a, d = both()
    assert a.npartitions == d.npartitions and a.blocks.shape == d.blocks.shape and a.blocks.size == d.blocks.size
    assert [part.shape for part in a.blocks.ravel()] == [part.shape for part in d.blocks.ravel()]
    assert a.compute(scheduler="synchronous", optimize_graph=False, traverse=False).shape == (7, 10)
    assert a.persist(optimize_graph=False).shape == (7, 10)
    assert fs.compute(a, optimize_graph=False)[0].shape == (7, 10)
    with pytest.raises(TypeError, match="has no argument 'optimise'"):
        a.compute(optimise=True)
    with pytest.raises(TypeError, match="same_kind"):
        a.astype(int, casting="same_kind")
    assert fs.asarray(X).searchsorted is not None and fs.arange(5).searchsorted([2.5]).compute().tolist() == [3]
    assert fs.from_numpy(X).compress([True, False, True], axis=0).shape == (2, 10)
    assert fs.from_numpy(X).tobytes() == X.tobytes()
    b = fs.zeros(3)
    b.fill(4)
    assert b.compute().tolist() == [4, 4, 4]


def test_chunks_by_bytes():
    big = fs.zeros((1000, 1000))
    for chunks in (big.rechunk("1MiB"), big.rechunk(block_size_limit=2**20), big.rechunk(("auto", -1), block_size_limit=2**20)):
        assert np.prod(chunks.chunksize) * 8 <= 2**20 < 4 * np.prod(chunks.chunksize) * 8
    assert big.rechunk(("auto", -1), block_size_limit=2**20).chunksize[1] == 1000
    with pytest.raises(fs.UserError):
        big.rechunk("much")


def test_arrays_are_made_with_chunks_as_dask_makes_them():
    for call in (
        lambda xp: xp.ones((6, 9), chunks=(3, 4)), lambda xp: xp.zeros((6, 9), chunks=3, dtype="i2"), lambda xp: xp.full((6, 9), 2.5, chunks=(6, -1)), lambda xp: xp.empty(9, chunks=4) * 0,
        lambda xp: xp.arange(10, chunks=4), lambda xp: xp.linspace(0, 1, 9, chunks=5), lambda xp: xp.eye(8, chunks=4), lambda xp: xp.tri(8, chunks=4), lambda xp: xp.indices((4, 6), chunks=(2, 3)),
        lambda xp: xp.fromfunction(lambda i, j: i + j, shape=(4, 6), chunks=(2, 3), dtype=float), lambda xp: xp.ones_like(np.zeros((6, 9)), chunks=(3, 4)), lambda xp: xp.ones((6, 9), chunks="auto"),
    ):  # fmt: skip
        ours, theirs = call(fs), call(da)
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
        assert ours.dtype == theirs.dtype and ours.chunks == theirs.chunks


def test_map_blocks_without_an_array():
    def block(block_id=None):
        return np.full((3 if block_id[0] else 2, 4), 10 * block_id[0] + block_id[1], float)

    for chunks in (((2, 3), (4, 4, 4)), ((2, 3), 4)):
        ours, theirs = fs.map_blocks(block, chunks=chunks, dtype=float), da.map_blocks(block, chunks=chunks, dtype=float)
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_writing_zarr_by_dasks_name(tmp_path):
    a, _ = both()
    a.to_zarr(tmp_path / "a.zarr")
    np.testing.assert_array_equal(np.asarray(da.from_zarr(str(tmp_path / "a.zarr"))), X)
    later = a.to_zarr(tmp_path / "b.zarr", compute=False)
    assert not (tmp_path / "b.zarr").exists()
    later.compute()
    np.testing.assert_array_equal(np.asarray(fs.open(tmp_path / "b.zarr")), X)


def test_submit_takes_what_a_client_takes():
    f = fs.submit(inc, 1, key="mine", priority=3, workers=None, resources=None, allow_other_workers=True, fifo_timeout="60s")
    assert f.key == "mine" and f.result() == 2 and "mine" in repr(f) and f.type is int
    assert fs.submit(inc, 5, key="mine") is f
    f.release()
    tries = []

    def flaky(fail):
        tries.append(1)
        if len(tries) <= fail:
            raise ValueError("not yet")
        return len(tries)

    assert fs.submit(flaky, 2, retries=2).result() == 3
    tries.clear()
    with pytest.raises(ValueError, match="not yet"):
        fs.submit(flaky, 9, retries=1).result()
    assert len(tries) == 2
    with pytest.raises(fs.UserError, match="actors"):
        fs.submit(dict, actor=True)
    made = fs.map(inc, range(3), key="row", retries=1, batch_size=2)
    assert [g.key for g in made] == ["row-0", "row-1", "row-2"] and fs.gather(made, direct=True) == [1, 2, 3]
    assert [g.key for g in fs.map(inc, range(2), key=["a", "b"])] == ["a", "b"]
    with pytest.raises(fs.UserError, match="1 keys for 2 calls"):
        fs.map(inc, range(2), key=["a"])


def test_a_future_is_tried_again():
    state = {"fail": True}

    def work(x):
        if state["fail"]:
            raise RuntimeError("down")
        return x

    first = fs.submit(work, 7)
    second = fs.submit(inc, first)
    assert isinstance(second.exception(), RuntimeError)
    state["fail"] = False
    first.retry()
    assert first.result() == 7
    second.retry()
    assert second.result() == 8
    first.retry()  # nothing to do
    assert first.result() == 7
    assert fs.cancel(first, force=True, reason="enough") == 0


def test_as_completed_in_batches():
    futures = fs.map(inc, range(20))
    fs.wait(futures, timeout="20s")
    ended = fs.as_completed(futures)
    assert ended.has_ready() and len(ended.next_batch()) == 20 and ended.is_empty()
    assert sorted(f.result() for batch in fs.as_completed(futures).batches() for f in batch) == list(range(1, 21))
    ended = fs.as_completed(futures)
    assert ended.next().result() in range(1, 21)
    ended.clear()
    assert list(ended) == []
    pairs = list(fs.as_completed([fs.submit(inc, "no")], with_results=True, raise_errors=False))
    assert isinstance(pairs[0][1], TypeError)
    with pytest.raises(TimeoutError):
        fs.wait(fs.submit(time.sleep, 0.5), timeout="20 ms")
    with pytest.raises(fs.UserError, match="'500ms'"):
        fs.wait(futures, timeout="soon")

    async def one():
        return await fs.submit(inc, 4)

    assert asyncio.run(one()) == 5


def test_delayed_takes_keys_and_decorates():
    assert fs.delayed(inc)(1, dask_key_name="first").key == "first"
    assert fs.delayed(inc)(1, dask_key_name="first").compute(optimize_graph=False) == 2
    assert fs.delayed(5, name="five").key == "five"

    @fs.delayed(nout=2)
    def pair(x):
        return x, -x

    a, b = pair(3)
    assert fs.compute(a, b) == (3, -3) == dask.compute(a, b)


def test_progress_of_futures(capsys):
    futures = fs.map(time.sleep, [0.01] * 5)
    fs.progress(futures, notebook=False)
    assert all(f.done() for f in futures) and "5/5" in capsys.readouterr().err
    fs.progress(fs.submit(inc, 1), fs.submit(inc, 2))
    with pytest.raises(fs.UserError, match="takes futures"):
        fs.progress(3)
    with fs.progress("none"):
        fs.ones(3).sum().compute()


def test_profilers_say_what_they_are_and_pictures_take_a_format(tmp_path):
    with fs.Profiler() as tasks, fs.profile() as profile:
        fs.random.random((300, 300)).sum().compute()
    assert "results" in repr(tasks) and "tasks" in repr(profile)
    tasks.close()
    a, _ = both()
    assert a.visualize(tmp_path / "plan", format="png", optimize_graph=True).path.endswith("plan.png")
    assert (tmp_path / "plan.png").read_bytes()[:4] == b"\x89PNG"
    fs.visualize(a, filename=tmp_path / "plan.pdf", format="png")
    assert (tmp_path / "plan.pdf").read_bytes()[:4] == b"%PDF"
    bar = io.StringIO()
    with fs.ProgressBar(out=bar):
        a.sum().compute()
    assert "100%" in bar.getvalue()
