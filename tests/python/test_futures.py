"""Work in the background: futures, delayed calls, writes for later."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import freestone as fs
import numpy as np
import pytest
from freestone import _futures


def add(a, b=1):
    return a + b


def test_submit_map_gather():
    assert fs.submit(add, 2, b=5).result() == 7
    futures = fs.map(add, range(10), range(10))
    assert fs.gather(futures) == [2 * i for i in range(10)]
    assert fs.gather({"a": futures[1], "b": [futures[2], 7]}) == {"a": 2, "b": [4, 7]}
    assert all(f.done() and f.status == "finished" for f in futures)
    assert "add" in futures[0].key and "finished" in repr(futures[0])


def test_futures_among_the_arguments_stand_for_their_results():
    gate = threading.Event()
    first = fs.submit(lambda: gate.wait(10) and 5)
    total = fs.submit(lambda parts, more: sum(parts) + more["x"], [first, 1, fs.submit(add, 1)], more={"x": first})
    time.sleep(0.05)
    assert not total.done()
    gate.set()
    assert total.result(10) == 13
    chain = fs.submit(add, 0)
    for _ in range(2000):
        chain = fs.submit(add, chain)
    assert chain.result(20) == 2001


def test_waiting_futures_block_no_thread():
    gate = threading.Event()
    slow = fs.submit(gate.wait, 10)
    waiting = [fs.submit(add, slow) for _ in range(100)]
    with fs.settings(threads=2):
        assert fs.submit(add, 1).result(5) == 2
    gate.set()
    assert fs.gather(waiting) == [2] * 100


def busiest(count):
    """How many of `count` pieces of work ran at the same time."""
    lock, now, most = threading.Lock(), [0], [0]

    def work(_):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1

    fs.gather(fs.map(work, range(count)))
    return most[0]


def test_threads_of_futures_follow_the_setting():
    start = fs.get_settings()["threads"]
    for threads in (5, 2, 1, 4):
        with fs.settings(threads=threads):
            fs.gather(fs.map(add, range(50)))  # who is too many goes after this
            time.sleep(0.05)
            assert busiest(20) == threads
    fs.gather(fs.map(add, range(50)))
    time.sleep(0.05)
    assert busiest(4 * start) == start


def test_errors_go_on_to_what_needs_them():
    bad = fs.submit(lambda: 1 / 0)
    after = fs.submit(add, bad)
    with pytest.raises(ZeroDivisionError):
        after.result(5)
    assert isinstance(after.exception(), ZeroDivisionError) and after.traceback() is not None
    good = fs.submit(add, 1)
    assert fs.gather([bad, good], errors="skip") == [2]
    with pytest.raises(ZeroDivisionError):
        fs.gather([good, bad])


def test_cancel():
    gate = threading.Event()
    blockers = [fs.submit(gate.wait, 10) for _ in range(fs.get_settings()["threads"])]
    while not blockers[0].running():
        time.sleep(0.01)
    later = [fs.submit(add, i) for i in range(5)]
    after = fs.submit(add, later[0])
    assert fs.cancel(later) == 5 and all(f.cancelled() for f in later)
    with pytest.raises(fs.CancelledError):
        later[0].result()
    assert after.cancelled()
    assert not blockers[0].cancel()
    gate.set()
    fs.wait(blockers)


def test_wait_and_as_completed():
    gates = [threading.Event() for _ in range(2)]
    futures = [fs.submit(gate.wait, 10) for gate in gates]
    with pytest.raises(TimeoutError):
        fs.wait(futures, timeout=0.05)
    gates[1].set()
    first = next(iter(fs.as_completed(futures)))
    assert first is futures[1]
    done, not_done = fs.wait(futures, return_when="FIRST_COMPLETED")
    assert futures[1] in done and not_done == {futures[0]}
    gates[0].set()
    assert {f for f in fs.as_completed(futures)} == set(futures)
    assert sorted(result for _, result in fs.as_completed(fs.map(add, range(5)), with_results=True)) == [1, 2, 3, 4, 5]


def test_pure_calls_are_shared_while_their_future_lives():
    calls = []

    def once(x):
        calls.append(x)
        return x

    one = fs.submit(once, 3, pure=True)
    assert fs.submit(once, 3, pure=True) is one
    assert fs.submit(once, 3) is not one
    fs.gather([one, fs.submit(once, 3.0, pure=True)])
    assert one.result() == 3
    with pytest.raises(TypeError, match="pure=False"):
        fs.submit(once, [1], pure=True)


def test_fire_and_forget(capfd):
    done = threading.Event()
    fs.fire_and_forget(fs.submit(done.set))
    assert done.wait(5)
    fs.fire_and_forget([fs.submit(lambda: 1 / 0)])
    for _ in range(100):
        if "ZeroDivisionError" in (text := capfd.readouterr().err):
            break
        time.sleep(0.02)
    assert "ZeroDivisionError" in text
    # Whatever gives futures one by one; a delayed value that can be unpacked is one piece of work.
    for kind in (dict.values, lambda d: iter(d.values()), lambda d: (f for f in d.values())):
        events = {number: threading.Event() for number in range(3)}
        fs.fire_and_forget(kind({number: fs.submit(event.set) for number, event in events.items()}))
        assert all(event.wait(5) for event in events.values())
    done.clear()
    fs.fire_and_forget(fs.delayed(lambda: (done.set(), 1), nout=2)())
    assert done.wait(5)


def test_gather_takes_what_a_dict_gives():
    futures = {"a": fs.submit(add, 1), "b": fs.submit(add, 2)}
    assert fs.gather(futures.values()) == fs.gather(iter(futures.values())) == [f.result() for f in futures.values()]


def test_a_future_can_be_awaited():
    async def main():
        return await fs.submit(add, 4), await asyncio.gather(*[_one(f) for f in fs.map(add, range(3))])

    async def _one(future):
        return await future

    assert asyncio.run(main()) == (5, [1, 2, 3])


def by_as_completed(n):
    return sum(f.result() for f in fs.as_completed([fs.submit(by_as_completed, n - 1)])) if n else 1


def by_the_first(n):
    return next(iter(fs.wait([fs.submit(by_the_first, n - 1)], return_when="FIRST_COMPLETED").done)).result() if n else 1


def by_await(n):
    async def main():
        return (await asyncio.gather(*[_one(fs.submit(by_await, n - 1)) for _ in range(2)]))[0]

    async def _one(future):
        return await future

    return asyncio.run(main()) if n else 1


def by_blocks(n):
    x = fs.zeros(1000).rechunk(100).map_blocks(lambda block: block + fs.submit(by_blocks, 0).result(), dtype=float)
    return int(x.mean().compute()) if n else 1


@pytest.mark.parametrize("function", [by_as_completed, by_the_first, by_await, by_blocks])
def test_futures_that_wait_for_futures_end(function):
    for threads in (1, 2):
        with fs.settings(threads=threads):
            assert fs.gather([f for f in fs.map(function, [4] * 4) if f.result(60)]) == [1] * 4
    assert _futures._pool._waiting == 0


def test_delayed_is_dasks():
    import dask

    for delayed in (fs.delayed, dask.delayed):
        inc = delayed(add)
        total = delayed(sum)([inc(i) for i in range(5)])
        both = (total + inc(1)) * 2
        assert total.compute() == 15 and both.compute() == 34
        text = delayed("a,b").split(",")[1].upper()
        assert text.compute() == "B"
        one, two = delayed(divmod, nout=2)(17, 5)
        assert (one.compute(), two.compute()) == (3, 2)
        with pytest.raises(TypeError):
            bool(total)
    calls = []

    @fs.delayed
    def noted(x):
        calls.append(x)
        return x

    shared = noted(1)
    assert fs.compute(shared + shared, 3, fs.asarray(np.ones(2)).sum(), fs.submit(add, 1))[:3] == (2, 3, 2.0)
    assert calls == [1]
    deep = noted(0)
    for _ in range(3000):
        deep = deep + 1
    assert deep.compute() == 3000
    assert dask.compute(noted(5))[0] == 5


def test_writes_for_later(tmp_path):
    import dask

    a = fs.asarray(np.arange(6.0))
    later = a.write(tmp_path / "a.npy", compute=False)
    assert not (tmp_path / "a.npy").exists() and "WriteLater" in repr(later)
    later.compute()
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.arange(6.0))
    both = [fs.write({tmp_path / f"{name}.npy": a * 2}, compute=False) for name in "bc"]
    with fs.profile() as profile:
        fs.compute(*both)
    np.testing.assert_array_equal(np.load(tmp_path / "c.npy"), np.arange(6.0) * 2)
    assert len(profile.json()["stages"]) == 1
    fs.write({tmp_path / "d.npy": a}, compute=False).submit().result(10)
    dask.compute(fs.write({tmp_path / "e.npy": a}, compute=False))
    assert (tmp_path / "d.npy").exists() and (tmp_path / "e.npy").exists()
    with pytest.raises(fs.UserError, match="exists"):
        later.compute()


def test_computations_in_the_background():
    a = fs.random.default_rng(1).normal(size=(500, 400))
    futures = [fs.submit((a + i).mean().compute) for i in range(8)]
    means = fs.gather(futures)
    np.testing.assert_allclose(np.diff(means), 1, rtol=1e-9)
    assert fs.submit(lambda x: float(x.sum()), fs.asarray(np.ones(5))).result() == 5


def interrupted(code, wait="begun"):
    """Runs a script, sends Ctrl-C when it has said that it begins; its output and the seconds that it took to end."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == wait
    time.sleep(0.5)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return out, err, time.monotonic() - sent


PREFACE = """
import signal; signal.signal(signal.SIGINT, signal.default_int_handler)
import freestone as fs, numpy as np, time, os
def forever(x=None):
    print("begun", flush=True)
    while True: time.sleep(0.01)
"""


@pytest.mark.parametrize("work", [
    "fs.submit(forever).result()",
    "fs.gather([fs.submit(forever)])",
    "fs.asarray(np.ones(4)).map_blocks(forever, dtype='f8').compute()",
    "fs.asarray(np.ones(4)).map_blocks(forever, dtype='f8', workers='processes').compute() if not print('begun', flush=True) else 0",
    "fs.delayed(forever)().compute()",
])  # fmt: skip
def test_ctrl_c_ends_the_wait_within_a_second(work):
    code = textwrap.dedent(PREFACE) + f"try:\n    {work}\nexcept KeyboardInterrupt:\n    print('interrupted', flush=True); os._exit(0)\n"
    out, err, seconds = interrupted(code)
    assert "interrupted" in out, err
    assert seconds < 1.5


def in_child(queue):
    import freestone as fs

    queue.put((float(fs.asarray(np.ones(1000)).sum().compute()), fs.submit(add, 1).result(20), float(fs.asarray(np.ones(9)).map_blocks(lambda b: b + 1, dtype="f8", workers="processes").sum().compute())))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_multiprocessing_never_deadlocks(method):
    assert fs.submit(add, 1).result() == 2  # threads are there
    fs.asarray(np.ones(1000)).map_blocks(lambda b: b, dtype="f8", workers="processes").compute()
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    children = [context.Process(target=in_child, args=(queue,)) for _ in range(2)]
    for child in children:
        child.start()
    try:
        for _ in children:
            assert queue.get(timeout=60) == (1000.0, 2, 18.0)
    finally:
        for child in children:
            child.join(20)
            if child.is_alive():
                child.kill()
                pytest.fail("a child did not end")


def test_a_fork_while_others_compute():
    stop = threading.Event()

    def busy():
        a = fs.random.default_rng(2).normal(size=(300, 300))
        while not stop.is_set():
            a.std(0).compute()

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            pid = os.fork()
            if pid == 0:
                try:
                    ok = float(fs.asarray(np.ones(50)).sum().compute()) == 50
                except BaseException:
                    ok = False
                os._exit(0 if ok else 3)
            end = time.monotonic() + 20
            while (found := os.waitpid(pid, os.WNOHANG))[0] == 0 and time.monotonic() < end:
                time.sleep(0.01)
            if found[0] == 0:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                pytest.fail("the child hangs")
            assert os.waitstatus_to_exitcode(found[1]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("how", ["result", "done", "wait", "first", "ready", "next", "status", "type"])
def test_chains_that_poll_do_not_stand_still(monkeypatch, how):
    monkeypatch.setattr(_futures, "_pool", _futures._Pool())

    def polled(future):
        turns = fs.as_completed([future], timeout=0.001)
        while True:
            try:
                if how == "result":
                    return future.result(timeout=0)
                if (how == "done" and future.done()) or (how == "status" and future.status == "finished") or (how == "type" and future.type is not None):
                    return future.result()
                if how == "next" or (how == "ready" and turns.has_ready()):
                    return next(turns).result()
                if how in ("wait", "first"):
                    fs.wait([future], timeout=0.001, return_when="ALL_COMPLETED" if how == "wait" else "FIRST_COMPLETED")
                    return future.result()
            except TimeoutError:
                pass
            time.sleep(0.002)

    def deeper(depth):
        return 1 + polled(fs.submit(deeper, depth - 1)) if depth else 0

    with fs.settings(threads=1):
        chains = [fs.submit(deeper, 6) for _ in range(3)]
        assert [future.result(timeout=60) for future in chains] == [6, 6, 6]
        # What was there in the place of others has gone, and nothing of the polls is left.
        end = time.monotonic() + 20
        while len(_futures._pool._threads) > 1 and time.monotonic() < end:
            time.sleep(0.01)
        assert len(_futures._pool._threads) == 1 and _futures._pool._waiting == _futures._pool._polling == 0


def test_progress_of_futures_within_a_future():
    def parent():
        child = fs.submit(add, 1)
        fs.progress(child)
        return child.result()

    with fs.settings(threads=1):
        assert fs.submit(parent).result(timeout=20) == 2


@pytest.mark.parametrize("looks", [1, 5])
def test_tasks_that_look_whether_to_stop_have_no_more_threads(monkeypatch, looks):
    monkeypatch.setattr(_futures, "_pool", _futures._Pool())
    gate, lock, at_work, most = threading.Event(), threading.Lock(), 0, 0

    def work():
        nonlocal at_work, most
        for _ in range(looks):
            assert not stop.done()
            with lock:
                at_work += 1
                most = max(most, at_work)
            time.sleep(0.002)
            with lock:
                at_work -= 1

    with fs.settings(threads=2):
        stop = fs.submit(gate.wait, 60)
        fs.gather([fs.submit(work) for _ in range(60)])
        gate.set()
        stop.result(20)
    assert most <= 2


def test_a_poll_leaves_nothing_behind():
    gate = threading.Event()
    future = fs.submit(gate.wait, 20)
    for _ in range(50):
        with pytest.raises(TimeoutError):
            future.result(timeout=0)
    assert not future._callbacks
    gate.set()
    assert future.result(20) is True


def test_wait_leaves_no_future_out(monkeypatch):
    gate, asks = threading.Event(), _futures.Future.done
    first, second = fs.submit(int), fs.submit(gate.wait, 20)

    def ends_afterwards(future):
        answer = asks(future)
        gate.set()
        second.result(20)
        return answer

    fs.wait(first)
    monkeypatch.setattr(_futures.Future, "done", ends_afterwards)
    done, not_done = fs.wait([second, first], return_when="FIRST_COMPLETED")
    assert done | not_done == {first, second} and not done & not_done
