"""Settings, watching, errors, interrupts, memory."""

import concurrent.futures
import json
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


def test_settings_as_function_and_context():
    before = fs.get_settings()
    with fs.settings(threads=1, memory="64MiB"):
        assert fs.get_settings()["threads"] == 1 and fs.get_settings()["memory"] == 64 << 20
        with fs.settings(memory=1 << 28):
            assert fs.get_settings()["memory"] == 1 << 28 and fs.get_settings()["threads"] == 1
    assert fs.get_settings() == before
    for wrong in ({"memory": "a lot"}, {"memory": 0}, {"threads": 0}):
        with pytest.raises(fs.UserError):
            fs.settings(**wrong)
    assert fs.get_settings() == before


def test_what_compute_is_told_reaches_all_that_it_runs(tmp_path):
    seen = {}

    def note(key):
        seen[key] = fs.get_settings()["threads"], fs.get_settings()["memory"]
        return key

    before = fs.get_settings()
    assert fs.compute(fs.delayed(note)("a"), 3, threads=3, memory="77MiB") == ("a", 3)
    assert fs.delayed(note)("b").compute(num_workers=5, memory="78MiB") == "b"
    assert seen == {"a": (3, 77 << 20), "b": (5, 78 << 20)} and fs.get_settings() == before
    with pytest.raises(TypeError):
        fs.delayed(note)("c").compute(colour="red")
    a = fs.asarray(np.arange(1e6).reshape(1000, 1000))
    later = fs.write({tmp_path / "a.npy": a.T + 1}, compute=False, memory="1KiB")
    with pytest.raises(fs.MemoryBudgetError):
        fs.compute(later)
    fs.compute(later, memory="64MiB")
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.asarray(a.T + 1))
    both = [fs.write({tmp_path / f"{m}.npy": a}, compute=False, memory=m) for m in ("30MiB", "40MiB")]
    with pytest.raises(fs.UserError, match="memory='30MiB' and memory='40MiB'"):
        fs.compute(*both)
    fs.compute(*both, memory="50MiB")
    with pytest.raises(TypeError):
        later.compute(colour="red")


def test_what_one_call_is_told_no_other_sees(monkeypatch):
    monkeypatch.setattr(_futures, "_pool", _futures._Pool())  # whose size no test before this one has set
    before, begun, end, seen = fs.get_settings(), threading.Barrier(3), threading.Barrier(3), {}

    def work(n):
        def waits():
            begun.wait(20)
            seen[n] = fs.get_settings()["threads"], fs.get_settings()["memory"], fs.submit(fs.get_settings).result(20)["threads"]
            with fs.settings(temp_dir="/tmp", memory="99MiB"):
                seen[n, "set"] = fs.get_settings()["threads"], fs.get_settings()["memory"]
            seen[n, "after"] = fs.get_settings()["memory"]
            end.wait(20)

        return fs.delayed(waits)()

    with fs.settings(threads=8):
        for _ in range(8):
            fs.submit(time.sleep, 0.01)
        callers = [
            threading.Thread(target=lambda: fs.compute(work(3), threads=3, memory="70MiB")),
            threading.Thread(target=lambda: work(5).compute(threads=5, memory="71MiB")),
        ]
        for caller in callers:
            caller.start()
        begun.wait(20)
        assert fs.get_settings()["threads"] == 8
        end.wait(20)
        for caller in callers:
            caller.join(20)
    assert seen[3] == (3, 70 << 20, 3) and seen[5] == (5, 71 << 20, 5)
    assert seen[3, "set"] == (3, 99 << 20) and seen[5, "set"] == (5, 99 << 20)
    assert seen[3, "after"] == 70 << 20 and seen[5, "after"] == 71 << 20
    assert fs.get_settings() == before
    with fs.settings(memory="60MiB"):
        assert fs.submit(fs.get_settings).result(20)["memory"] == 60 << 20


def test_explain_reads_nothing_and_says_what_is_read(cube_path):
    with fs.profile() as p:
        text = fs.sigma_clip(fs.open(cube_path), 3).sum(0).explain()
    assert "stage 1" in text and "sigma_clip" in text and p.bytes_read == 0


def test_explain_of_more_than_the_budget_holds_is_of_a_file():
    a = fs.random.default_rng(1).normal(size=(64, 512, 512))  # 128 MiB
    assert "writes   memory" in a.explain(memory="1GiB")
    text = (a + 1).explain(memory="64MiB")
    assert "writes   a file" in text and "writes   memory" not in text
    assert fs.explain(a.sum(0), memory="64MiB").count("writes   memory") == 1


def test_profile(tmp_path, cube_path):
    a = fs.open(cube_path)
    # One thread: of so small a file a second tile would read what lies between its rows once more.
    with fs.profile() as p, fs.settings(threads=1):
        a.max(0).compute()
    assert p.bytes_read == a.nbytes and "max" in p.text() and p.wall_seconds > 0
    p.save(tmp_path / "p.json")
    assert json.loads((tmp_path / "p.json").read_text())["bytes_read"] == a.nbytes == p.json()["bytes_read"]
    p.save(tmp_path / "p.html")
    assert "<html" in (tmp_path / "p.html").read_text()
    read = p.bytes_read
    a.max(0).compute()
    assert p.bytes_read == read


def test_progress(capfd, cube_path):
    with fs.progress("json"):
        fs.open(cube_path).sum().compute()
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert lines[-1]["event"] == "done" and lines[-1]["fraction"] == 1


def test_same_bits_for_any_threads_and_memory(cube_path):
    a = fs.open(cube_path)
    results = fs.nansum(a).compute(), fs.nanstd(a, (1, 2)).compute()
    for threads, memory in ((1, "1GiB"), (2, "1MiB"), (3, "300KiB")):
        again = fs.compute(fs.nansum(a), fs.nanstd(a, (1, 2)), threads=threads, memory=memory)
        np.testing.assert_array_equal(results[0], again[0])
        np.testing.assert_array_equal(results[1], again[1])


def test_errors_have_kinds_and_standard_bases(tmp_path, cube_path):
    with pytest.raises(OSError) as e:
        fs.open(tmp_path / "none.fits")
    assert isinstance(e.value, fs.IoError) and e.value.kind == "io" and "none.fits" in str(e.value)
    cut = tmp_path / "cut.fits"
    cut.write_bytes(cube_path.read_bytes()[:6000])
    with pytest.raises(fs.DataError) as e:
        fs.open(cut).sum().compute()
    assert e.value.kind == "data" and "cut.fits" in str(e.value)
    a = fs.open(cube_path)
    with pytest.raises(ValueError) as e:
        a + a[:2]
    assert isinstance(e.value, fs.UserError) and e.value.kind == "user" and e.value.message
    with pytest.raises(MemoryError) as e:
        a.compute(memory=1000)
    assert isinstance(e.value, fs.MemoryBudgetError) and e.value.kind == "memory"
    with pytest.raises(fs.UserError):
        a.sum(axis=7)
    with pytest.raises(TypeError):
        a + "x"
    assert issubclass(fs.Cancelled, KeyboardInterrupt) and issubclass(fs.InternalError, fs.Error)


def test_output_folder_missing_and_nothing_left(tmp_path):
    with pytest.raises(fs.Error):
        fs.from_numpy(np.zeros(3)).write(tmp_path / "no" / "x.npy")
    with pytest.raises(fs.UserError):
        fs.from_numpy(np.zeros(3)).write(tmp_path / "x.unknown")
    assert os.listdir(tmp_path) == []


def test_the_gil_is_released():
    x = fs.from_numpy(np.random.default_rng(1).normal(size=(300, 200, 200)).astype("f4"))
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.005):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    begun = time.perf_counter()
    fs.sigma_clip(x, 2).sum().compute(threads=1)
    ended = time.perf_counter()
    stop.set()
    thread.join()
    assert ended - begun > 0.05, "the run is too short to tell"
    inside = [t for t in ticks if begun < t < ended]
    assert len(inside) >= 2


def test_interrupt_within_a_second(tmp_path):
    script = textwrap.dedent("""
        import os, sys, threading, time, signal
        import numpy as np, freestone as fs
        x = fs.from_numpy(np.random.default_rng(1).normal(size=(400, 300, 300)))
        y = x
        for _ in range(60):
            y = fs.sin(fs.exp(fs.cos(y)))
        threading.Timer(0.7, lambda: (print(time.time(), flush=True), os.kill(os.getpid(), signal.SIGINT))).start()
        try:
            y.write(sys.argv[1])
            print("done")
        except KeyboardInterrupt:
            print(time.time())
    """)
    ran = subprocess.run([sys.executable, "-c", script, tmp_path / "y.npy"], capture_output=True, text=True, timeout=120)
    lines = ran.stdout.split()
    assert len(lines) == 2 and "done" not in lines, ran.stdout + ran.stderr
    assert float(lines[1]) - float(lines[0]) < 1.0
    assert os.listdir(tmp_path) == []


def test_memory_contract(tmp_path):
    """A cube of 400 MB with a budget of 64 MiB: the peak stays within budget + 200 MiB over what the process held."""
    path = tmp_path / "big.npy"
    made = np.lib.format.open_memmap(path, mode="w+", dtype="f4", shape=(400, 500, 500))
    rng = np.random.default_rng(3)
    for plane in made:
        plane[:] = rng.normal(size=plane.shape)
    del made
    script = textwrap.dedent("""
        import sys, freestone as fs
        def status(key):
            return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(key))
        held = status("VmRSS")
        a = fs.open(sys.argv[1])
        with fs.settings(memory="64MiB", threads=2):
            clipped = fs.sigma_clip(a, 3)
            fs.write({sys.argv[2]: clipped, sys.argv[3]: fs.nanmean(clipped, 0)})
        print(held, status("VmHWM"))
    """)
    out = [tmp_path / "clipped.npy", tmp_path / "mean.npy"]
    ran = subprocess.run([sys.executable, "-c", script, path, *out], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    held, peak = map(int, ran.stdout.split())
    assert peak <= held + (64 + 200) * 2**20
    clipped = np.load(out[0], mmap_mode="r")
    np.testing.assert_allclose(np.load(out[1])[100], np.nanmean(clipped[:, 100].astype(float), axis=0), rtol=1e-5, atol=1e-7)


def test_program_in_the_package():
    ran = subprocess.run([sys.executable, "-c", "from freestone._program import main; main()", "--version"], capture_output=True, text=True)
    assert ran.returncode == 0 and "0.1.0" in ran.stdout, ran.stderr


def test_persist_of_many_threads_leaves_half_of_the_budget_free():
    arrays = [fs.random.default_rng(k).normal(size=(90, 256, 256)) for k in range(6)]  # 45 MiB each
    with fs.settings(memory="100MiB"), concurrent.futures.ThreadPoolExecutor(6) as pool:
        kept = list(pool.map(fs.Array.persist, arrays))
        assert sum(fs._core.memory_of(k._core) is not None for k in kept) == 1
        assert np.isfinite(fs.random.default_rng(9).normal(size=(10, 10)).mean().compute())


def test_persist_of_several_reads_what_they_share_once(tmp_path):
    values = np.random.default_rng(5).normal(size=(300, 700))
    np.save(tmp_path / "a.npy", values)
    a = fs.open(tmp_path / "a.npy")
    with fs.profile() as p:
        doubled, [mean, same], word = fs.persist(a * 2, [a.mean(0), a.mean(0)], "word")
    assert values.nbytes <= p.bytes_read < 1.1 * values.nbytes and word == "word"
    with fs.profile() as p:
        np.testing.assert_array_equal(doubled, values * 2)
        np.testing.assert_allclose(mean, values.mean(0), atol=1e-15)
        np.testing.assert_array_equal(same, mean)
    assert p.bytes_read == 0
    del doubled, mean, same
    # Half of the budget is left free: the first one lies in memory, the second on disk.
    with fs.settings(memory="5MiB"), fs.profile() as p:
        doubled, tripled = fs.persist(a * 2, a * 3)
    assert p.bytes_read < 1.1 * values.nbytes
    assert [fs._core.memory_of(k._core) is None for k in (doubled, tripled)] == [False, True]
    np.testing.assert_array_equal(tripled, values * 3)
    with pytest.raises(TypeError, match="colour"):
        fs.persist(a, colour="red")
    assert fs.persist() == ()


def test_objects_of_xarray_share_a_run(tmp_path):
    xr = pytest.importorskip("xarray")
    da = pytest.importorskip("dask.array")
    values = np.random.default_rng(6).normal(size=(300, 700))
    np.save(tmp_path / "a.npy", values)
    a = fs.open(tmp_path / "a.npy")
    x = xr.DataArray(a, dims=("y", "x"), name="a", coords={"x": np.arange(700), "twice": (("y", "x"), a * 2)}, attrs={"units": "K"})
    ds = xr.Dataset({"total": x.sum("y"), "other": ("z", np.ones(3))})
    plain = xr.DataArray(values, dims=("y", "x"))
    for make in (fs.compute, fs.persist):
        with fs.profile() as p:
            most, both, [whole] = make(x.max("x"), ds, [x])
        assert p.bytes_read < 1.1 * values.nbytes, make
        expected = np.ndarray if make is fs.compute else fs.Array
        assert all(type(v) is expected for v in (most.data, both.total.data, whole.data, whole.twice.data)), make
        assert (whole.name, whole.attrs, whole.x.values[-1]) == ("a", {"units": "K"}, 699)
        xr.testing.assert_identical(most.drop_vars("twice", errors="ignore").drop_attrs().rename(None), plain.max("x"))
        np.testing.assert_allclose(both.total.values, values.sum(0), atol=1e-12)
        np.testing.assert_array_equal(whole.twice.values, values * 2)
    assert isinstance(x.data, fs.Array) and isinstance(ds.total.data, fs.Array)
    with fs.profile() as p:
        kept = xr.Dataset({"a": x, "b": x + 1}).persist()
    assert p.bytes_read < 1.1 * values.nbytes
    np.testing.assert_array_equal(kept.b.values, values + 1)
    # Beside arrays of Dask.
    theirs = xr.DataArray(da.ones((3, 4), chunks=2), dims=("p", "q"))
    mean, total = fs.compute(x.mean(), theirs.sum())
    np.testing.assert_allclose(mean.values, values.mean())
    assert total.values == 12 and isinstance(total.data, np.generic | np.ndarray)
    kept, _ = fs.persist(xr.Dataset({"a": x, "theirs": theirs + 1}), theirs.assign_coords(c=("q", a[0, :4])))
    assert all(type(part.data.dask[key]) is np.ndarray for part in (kept.theirs, _) for key in part.data.__dask_keys__()[0])
    np.testing.assert_array_equal(kept.theirs.values, np.full((3, 4), 2.0))
    np.testing.assert_array_equal(_.c.values, values[0, :4])
    assert "stage" in fs.explain(xr.Dataset({"a": x, "b": x + 1})).lower()
