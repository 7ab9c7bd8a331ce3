"""--scheduler, --scheduler-file and `cluster start`."""

import filecmp
import json
import os
import re
import signal
import sys
import time

import numpy as np
import pytest

pytest.importorskip("distributed")

ENVIRONMENT = {"FREESTONE_PYTHON": sys.executable}


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """A cluster by the program: (address, scheduler file)."""
    from conftest import Program

    folder = tmp_path_factory.mktemp("cluster")
    process = Program(folder).start("cluster start --workers 2 --threads 1 --memory 1GiB --no-dashboard --scheduler-file scheduler.json",
                                    environment=ENVIRONMENT)
    line = process.stdout.readline()
    assert line.startswith("scheduler "), line + process.stderr.read()
    yield line.split()[1], folder / "scheduler.json"
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert not (folder / "scheduler.json").exists()


def test_run_by_address_and_by_file(started, freestone):
    address, file = started
    np.save(freestone.folder / "a.npy", np.random.default_rng(1).normal(size=(40, 30, 20)))
    freestone.out("run a.npy ! mean --axis 0 ! write here.fits")
    freestone.out(f"run a.npy --scheduler {address} ! mean --axis 0 ! write address.fits", environment=ENVIRONMENT)
    freestone.out(f"run a.npy --scheduler-file {file} ! mean --axis 0 ! write file.fits", environment=ENVIRONMENT)
    for name in ("address.fits", "file.fits"):
        assert (freestone.folder / name).stat().st_size == (freestone.folder / "here.fits").stat().st_size
        freestone.out(f"compare here.fits {name}")
    freestone.out(f"run a.npy --scheduler {address} ! transpose --order 2,0,1 ! write t.npy", environment=ENVIRONMENT)
    freestone.out("run a.npy ! transpose --order 2,0,1 ! write u.npy")
    assert filecmp.cmp(freestone.folder / "t.npy", freestone.folder / "u.npy", shallow=False)


def test_numbers_and_progress(started, freestone):
    address, _ = started
    np.save(freestone.folder / "a.npy", np.arange(1000.0).reshape(10, 10, 10))
    here = freestone.json("run a.npy --format json ! statistics")
    done = freestone(f"run a.npy --format json --progress json --scheduler {address} ! statistics", environment=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == here
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert events[-1]["event"] == "done" and events[-1]["fraction"] == 1


def test_an_existing_output_is_refused_as_ever(started, freestone):
    address, _ = started
    np.save(freestone.folder / "a.npy", np.zeros((4, 4)))
    np.save(freestone.folder / "b.npy", np.ones(3))
    done = freestone(f"run a.npy --scheduler {address} ! calc --expr 'x + 1' ! write b.npy", environment=ENVIRONMENT)
    assert done.returncode == 1 and "exists already" in done.stderr
    assert np.load(freestone.folder / "b.npy").tolist() == [1, 1, 1]


def test_ctrl_c(started, freestone):
    address, _ = started
    np.save(freestone.folder / "a.npy", np.random.default_rng(2).normal(size=(400, 100, 100)))
    steps = " ! ".join(["calc --expr 'sin(x) + cos(x * 1.5)'"] * 12)
    process = freestone.start(f"run a.npy --scheduler {address} ! {steps} ! write out.zarr --chunks 4,100,100", environment=ENVIRONMENT)
    hidden = freestone.folder / ".out.zarr.freestone-tmp"
    end = time.monotonic() + 60
    while not any(files for _, _, files in os.walk(hidden)) and time.monotonic() < end and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert os.listdir(freestone.folder) == ["a.npy"]


@pytest.mark.parametrize("words, code, message", [
    ("run a.npy --scheduler tcp://127.0.0.1:9 ! statistics", 1, "No Dask scheduler answers"),
    ("run a.npy --scheduler-file none.json ! statistics", 1, "no such scheduler file"),
    ("run a.npy --scheduler here ! statistics", 2, "tcp://host:8786"),
    ("run a.npy --scheduler tcp://a:1 --scheduler-file b ! statistics", 2, "not both"),
    ("cluster stop", 2, "cluster start"),
])
def test_what_cannot_be(freestone, words, code, message):
    np.save(freestone.folder / "a.npy", np.zeros(3))
    done = freestone(words, environment=ENVIRONMENT)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr


def test_without_the_package_the_error_says_what_is_missing(freestone):
    np.save(freestone.folder / "a.npy", np.zeros(3))
    done = freestone("run a.npy --scheduler tcp://127.0.0.1:9 ! statistics", environment={"FREESTONE_PYTHON": "/nowhere/python"})
    assert done.returncode == 1 and "FREESTONE_PYTHON" in done.stderr


def test_a_cluster_on_paper(freestone):
    np.save(freestone.folder / "a.npy", np.zeros((64, 64, 64)))
    text = freestone.out("plan a.npy --size-factor 100000 --cluster workers=1000,threads=8,memory=32GiB,disk=20GB,network=1GB ! median --axis 0 ! write m.fits")
    assert "1000 workers" in text and "limit" in text and "4000" in text
    for wrong in ("workers=0", "disks=1GB", "workers=2,memory=100MiB"):
        assert freestone(f"plan a.npy --cluster {wrong} ! median --axis 0 ! write m.fits").returncode == 2


def test_one_worker_on_paper_takes_as_long_as_one_thread(freestone):
    np.save(freestone.folder / "a.npy", np.zeros((8, 300, 200), "f4"))
    work = "! median --axis 0 ! write m.fits"
    there = freestone.out(f"plan a.npy --size-factor 1000 --cluster workers=1,threads=1,memory=1GiB {work}")
    memory = re.search(r"a task has (.+)", there)[1].replace(" ", "")
    here = freestone.out(f"plan a.npy --size-factor 1000 --threads 1 --memory {memory} --disk 1000TB {work}")
    tasks, tiles = map(int, re.search(r"(\d+) of (\d+) tiles", there).groups())
    assert tiles % tasks, "tasks of different lengths"
    assert float(re.search(r"([\d.]+) of processors", there)[1]) == pytest.approx(float(re.search(r"time +about ([\d.]+) s", here)[1]), rel=0.02)


def test_how_fast_chunks_decode_is_seen_in_a_chunk(freestone):
    # The same number of bytes comes out; noise is stored as it is, small numbers go through a code of zstd's.
    rng, seconds = np.random.default_rng(3), []
    noise = np.frombuffer(rng.bytes(1 << 23), "u1").reshape(8, 1024, 1024)
    for name, data in (("noise", noise), ("small", (4 * rng.normal(size=noise.shape)).astype("i1").view("u1"))):
        np.save(freestone.folder / f"{name}.npy", data)
        freestone.out(f"convert {name}.npy {name}.zarr --chunks 1,1024,1024 --compress zstd")
        text = freestone.out(f"plan {name}.zarr --cluster workers=1,threads=1,memory=1GiB ! sum ! write sum.npy")
        seconds.append(float(re.search(r"([\d.]+) of processors", text)[1]))
    assert seconds[1] > 1.2 * seconds[0]


def test_workers_that_share_cores_on_paper_take_longer(freestone):
    np.save(freestone.folder / "a.npy", np.zeros((8, 300, 200), "f4"))
    seconds = {}
    for cores in ("", ",cores=8", ",cores=2"):
        text = freestone.out(f"plan a.npy --size-factor 1000 --cluster workers=7,threads=1{cores},memory=1GiB ! median --axis 0 ! write m.fits")
        seconds[cores] = float(re.search(r"([\d.]+) of processors", text)[1])
    assert seconds[""] == seconds[",cores=8"]
    assert seconds[",cores=2"] == pytest.approx(3.5 * seconds[""], rel=0.02)
