"""Runs that are killed and taken up again, and disks that fill up."""

import contextlib
import os
import random
import signal
import subprocess
import time

import numpy as np
import pytest
import zarr

from conftest import SEED

COMMAND = "! rechunk --chunks 96,24,24 ! write out.zarr --compress blosc-lz4"


@pytest.fixture
def big(freestone):
    data = np.random.default_rng(SEED).normal(size=(96, 192, 192)).astype("f4")
    zarr.create_array(freestone.folder / "big.zarr", data=data, chunks=(8, 96, 96))
    return data


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_twenty_kills_of_a_rechunk_give_the_bytes_of_an_undisturbed_run(freestone, big):
    """kill -9 at random moments; whatever is left is taken up by --resume, again and again, until the run ends."""
    freestone.out("run big.zarr --memory 2MiB --threads 2", COMMAND.replace("out.zarr", "whole.zarr"))
    expected = contents(freestone.folder / "whole.zarr")
    np.testing.assert_array_equal(zarr.open_array(freestone.folder / "whole.zarr", mode="r")[...], big)
    chance = random.Random(SEED)
    begun = time.perf_counter()
    freestone.out("run big.zarr --memory 2MiB --threads 2", COMMAND)
    length = time.perf_counter() - begun
    kills = taken_up = 0
    while kills < 20:
        resume = "--resume" if any(path.name.endswith("-journal") for path in freestone.folder.iterdir()) else "--overwrite"
        taken_up += resume == "--resume"
        run = freestone.start("run big.zarr --memory 2MiB --threads 2 --overwrite", "" if resume == "--overwrite" else resume, COMMAND)
        try:
            run.wait(timeout=chance.uniform(0.02, length))
            assert run.returncode == 0, run.stderr.read()
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            run.wait()
            kills += 1
    assert taken_up > 0
    if any(path.name.endswith("-journal") for path in freestone.folder.iterdir()):
        freestone.out("run big.zarr --memory 2MiB --threads 2 --overwrite --resume", COMMAND)
    else:
        freestone.out("run big.zarr --memory 2MiB --threads 2 --overwrite", COMMAND)
    assert contents(freestone.folder / "out.zarr") == expected
    assert not [path for path in freestone.folder.iterdir() if path.name.startswith(".")]


def test_resume_without_a_killed_run_says_so(freestone, big):
    assert "no run to take up" in freestone.fails(1, "run big.zarr --resume", COMMAND)


def test_another_job_is_not_taken_up(freestone, big):
    run = freestone.start("run big.zarr --memory 2MiB --threads 1", COMMAND)
    journal = freestone.folder / ".out.zarr.freestone-journal"
    while not (journal.exists() and journal.read_bytes().count(b"\n") > 2):
        assert run.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert "another" in freestone.fails(1, "run big.zarr --memory 2MiB --resume ! calc --expr x+1", COMMAND)
    assert "another" in freestone.fails(1, "run big.zarr --memory 2MiB --resume", COMMAND.replace("blosc-lz4", "zstd"))
    freestone.out("run big.zarr --memory 2MiB --resume", COMMAND)
    np.testing.assert_array_equal(zarr.open_array(freestone.folder / "out.zarr", mode="r")[...], big)


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a disk of so many megabytes; a context manager."""

    @contextlib.contextmanager
    def mounted(megabytes):
        small = tmp_path / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", small], capture_output=True).returncode != 0:
            pytest.skip("nothing can be mounted here")
        try:
            yield small
        finally:
            subprocess.run(["umount", small], check=True)

    if os.geteuid() != 0:
        pytest.skip("a small disk can be mounted by root only")
    return mounted


def test_a_full_disk_during_a_spill_is_a_clear_error_and_leaves_nothing(freestone, big, small_disk):
    # Enough as the run is planned; then somebody else takes the room.
    with small_disk(16) as small:
        before = set(freestone.folder.iterdir())
        free = os.statvfs(small).f_bfree
        run = freestone.start("run big.zarr --memory 2MiB --threads 1 --temp-dir", small, COMMAND)
        while os.statvfs(small).f_bfree == free:
            assert run.poll() is None, "it ended, or failed, before it spilled"
        with open(small / "other", "wb", buffering=0) as other, contextlib.suppress(OSError):
            while other.write(bytes(1 << 20)) > 0:
                pass
        assert run.wait() == 1
        message = run.stderr.read()
        assert "disk is full" in message or "space" in message, message
        assert set(freestone.folder.iterdir()) == before
        assert list(small.iterdir()) == [small / "other"]


def test_a_disk_too_small_for_a_spill_is_planned_around(freestone, big, small_disk):
    with small_disk(4) as small:
        freestone.out("run big.zarr --memory 2MiB --temp-dir", small, COMMAND)
    np.testing.assert_array_equal(zarr.open_array(freestone.folder / "out.zarr", mode="r")[...], big)
