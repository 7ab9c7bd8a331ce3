"""The package in its process: memory that stays flat, forks, sub-interpreters."""

import multiprocessing
import subprocess
import sys
import textwrap
import threading

import freestone as fs
import numpy as np
import pytest


def run_python(code, *arguments, timeout=120):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_a_hundred_computations_leave_memory_flat(tmp_path):
    out = run_python(
        """
        import sys
        import freestone as fs, numpy as np
        x = np.random.default_rng(1).normal(size=(16, 64, 64)).astype("f4")
        fs.asarray(x).write(sys.argv[1] + "/x.zarr", chunks=(8, 32, 64))

        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * 4096

        def once():
            a = fs.open(sys.argv[1] + "/x.zarr")
            b = (a - a.mean(axis=0)) / a.std(axis=0)
            fs.compute(b, b.max(axis=0), fs.median(a, axis=0))
            a.map_blocks(lambda block: block * 2, dtype="f4").sum().compute()
            a.map_overlap(lambda block: block + 1, 1, "reflect", dtype="f4")[::2].compute()
            b.write(sys.argv[1] + "/y.npy", overwrite=True)
            fs.gather([fs.submit(np.sum, x[k]) for k in range(16)])
            b[b > 1].compute()

        for _ in range(15):
            once()
        before = resident()
        for _ in range(100):
            once()
        print((resident() - before) / 2**20)
        """,
        tmp_path,
    )
    assert float(out) < 10  # MiB: a leak of one array a computation would be 25


def _in_child(queue):
    a = fs.asarray(np.arange(200_000.0).reshape(200, 1000))
    total = float((a * 2).sum().compute(threads=2))
    mapped = float(a.map_blocks(lambda block: block + 1, dtype="f8").sum().compute())
    queue.put((total, mapped, fs.gather([fs.submit(pow, 2, k) for k in range(5)])))


EXPECTED = (float(np.arange(200_000.0).sum() * 2), float(np.arange(200_000.0).sum() + 200_000), [1, 2, 4, 8, 16])


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_computes_after_the_threads_of_the_engine_have_begun(method):
    _in_child(q := multiprocessing.SimpleQueue())
    assert q.get() == EXPECTED
    context = multiprocessing.get_context(method)
    for _ in range(3 if method == "fork" else 1):
        queue = context.Queue()
        child = context.Process(target=_in_child, args=(queue,))
        child.start()
        assert queue.get(timeout=60) == EXPECTED
        child.join(60)
        assert child.exitcode == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_forks_while_others_compute_do_not_hang():
    stop = threading.Event()
    a = fs.asarray(np.random.default_rng(2).normal(size=(400, 2000)))

    def busy():
        while not stop.is_set():
            (a - a.mean(axis=0)).std(axis=0).compute()
            fs.gather([fs.submit(pow, 2, k) for k in range(50)])

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        context = multiprocessing.get_context("fork")
        for _ in range(8):
            queue = context.SimpleQueue()
            child = context.Process(target=_in_child, args=(queue,))
            child.start()
            child.join(60)
            assert child.exitcode == 0, "a child of a fork hangs or failed"
            assert queue.get() == EXPECTED
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_sub_interpreters_are_refused():
    out = run_python(
        """
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        here = interpreters.create()
        code = "try:\\n    import freestone\\nexcept ImportError as error:\\n    print(error)\\nelse:\\n    print('imported')"
        interpreters.run_string(here, code)
        interpreters.destroy(here)
        import freestone
        print(freestone.asarray([1, 2]).sum().compute())
        """
    )
    assert "sub-interpreter" in out and out.split()[-1] == "3"
