"""Wrong words, damaged files, full disks, signals: exit code, one paragraph, nothing lost, nothing left behind."""

import ctypes
import json
import os
import pathlib
import resource
import signal
import subprocess
import time

import numpy as np
import pytest
from astropy.io import fits

from conftest import spectral_header


@pytest.mark.parametrize("words, says", [
    ("run cube.fits ! momnt --order 1 ! write a.fits", "Did you mean 'moment'"),
    ("run cube.fits ! moment --ordr 1 ! write a.fits", "Did you mean '--order'"),
    ("run cube.fits ! moment --order one ! write a.fits", "whole number"),
    ("run cube.fits ! moment --order", "needs a value"),
    ("run cube.fits ! sigma-clip --center mode ! write a.fits", "one of median, mean"),
    ("run cube.fits ! sigma-clip --threshold -1 ! write a.fits", "above 0"),
    ("run cube.fits", "write FILE"),
    ("run cube.fits ! tee [ write a.fits ] [ median --axis spectral", "not closed"),
    ("run cube.fits ! tee [ write a.fits ] ] ! statistics", "']'"),
    ("run cube.fits ! ! statistics", "step is missing"),
    ("run cube.fits !", "step is missing"),
    ("run cube.fits cube.fits ! statistics", "one INPUT"),
    ("run ! statistics", "INPUT"),
    ("run cube.fits ! write a.fits b.fits", "one PATH"),
    ("run cube.fits ! tee [ write a.fits ] [ median --axis spectral ! write a.fits ]", "two results"),
    ("run cube.fits --memory lots ! statistics", "not a size"),
    ("run cube.fits --threads 0 ! statistics", "at least 1"),
    ("run cube.fits --progress loud ! statistics", "one of auto"),
    ("run cube.fits --profile p.md ! statistics", ".json, .html or .txt"),
    ("run cube.fits --scheduler here ! statistics", "tcp://host:8786"),
    ("run cube.fits --with c ! statistics", "NAME=FILE"),
    ("run cube.fits ! calc --expr 'x +* 2' ! statistics", "position 4"),
    ("run cube.fits ! calc --expr 'sqr(x)' ! statistics", "sqrt"),
    ("run cube.fits ! calc --expr '(x' ! statistics", "')'"),
    ("run cube.fits ! calc --expr '2 + 2' ! statistics", "needs an array"),
    ("run cube.fits ! calc --expr 'x + y' ! statistics", "--with y=FILE"),
    ("run cube.fits ! convolve --beam 1,2,3,4 ! write a.fits", "--beam"),
    ("run cube.fits ! select --spectral 5 ! write a.fits", "LO:HI"),
    ("run cube.fits ! plot a.jpg", ".png"),
    ("run cube.fits ! moment ! plot a.png --cmap virdis", "viridis"),
    ("runn cube.fits", "Did you mean 'run'"),
    ("steps momnt", "moment"),
    ("", "--help"),
])
def test_wrong_words(freestone, cube, words, says):
    assert says in freestone.fails(2, words)


@pytest.mark.parametrize("words, says", [
    ("run nothing.fits ! statistics", "no such file"),
    ("run cube.fits[FOO] ! statistics", "FOO"),
    ("run cube.fits[7] ! statistics", "7"),
    ("run cube.fits ! median --axis frequency ! write a.fits", "spectral"),
    ("run cube.fits ! to-units --unit m ! write a.fits", "does not convert"),
    ("run cube.fits ! to-spectral --unit Jy ! write a.fits", "Jy"),
    ("run cube.fits ! select --spectral 5Jy:6Jy ! write a.fits", "Jy"),
    ("run cube.fits ! select --spectral 200GHz:201GHz ! write a.fits", "115"),
    ("run cube.fits ! select --index y=99 ! write a.fits", "99"),
    ("run cube.fits ! convolve --beam 0.1arcsec,0.1arcsec,0deg ! write a.fits", "0.1"),
    ("run cube.fits ! plot a.png", "one or two axes"),
    ("run cube.fits ! write there.fits", "exists already"),
    ("run cube.fits ! moment ! plot there.png", "exists already"),
    ("run cube.fits ! write no/such/folder/a.fits", "does not exist"),
    ("run cube.fits ! moment ! plot no/such/a.png", "does not exist"),
    ("run cube.fits ! write cube.fits/a.fits", "not a folder"),
    ("run cube.fits ! write a.xyz", "suffix"),
    ("run cube.fits --with c=flat.fits ! calc --expr 'x - c' ! write a.fits", "(9, 8)"),
])
def test_what_the_files_do_not_allow(freestone, cube, words, says):
    (freestone.folder / "there.fits").write_text("mine")
    (freestone.folder / "there.png").write_text("mine")
    header = spectral_header()
    flat = fits.Header([(k, header[k]) for k in header if not k.endswith("3")])
    fits.PrimaryHDU(np.zeros((9, 8), "f4"), flat).writeto(freestone.folder / "flat.fits")
    assert says in freestone.fails(1, words)


def test_no_beam(freestone, random):
    fits.PrimaryHDU(random.normal(size=(3, 9, 9)).astype("f4"), spectral_header(beam=False)).writeto(freestone.folder / "a.fits")
    assert "no beam" in freestone.fails(1, "run a.fits ! convolve --beam 3arcsec ! write b.fits")


def test_an_equal_beam_changes_nothing(freestone, cube):
    freestone.out("run cube.fits ! convolve --beam 1.2e-4deg,1.0e-4deg,20deg ! write same.fits")
    assert np.array_equal(fits.getdata(freestone.folder / "same.fits"), fits.getdata(freestone.folder / "cube.fits"), equal_nan=True)


def damaged(folder, change):
    raw = bytearray((folder / "cube.fits").read_bytes())
    (folder / "bad.fits").write_bytes(change(raw))


def card(raw, key, value):
    at = raw.index(f"{key:<8}=".encode())
    raw[at:at + 80] = f"{key:<8}= {value:>20}".ljust(80).encode()
    return raw


@pytest.mark.parametrize("change, says", [
    (lambda raw: raw[:len(raw) - 5000], "NAXIS"),
    (lambda raw: card(raw, "NAXIS3", 4_000_000_000), "NAXIS"),
    (lambda raw: card(raw, "NAXIS3", 9_000_000_000_000_000_000), "NAXIS"),
    (lambda raw: card(raw, "NAXIS1", -5), "NAXIS1"),
    (lambda raw: card(raw, "NAXIS", 3000), "NAXIS"),
    (lambda raw: card(raw, "BITPIX", 17), "BITPIX"),
    (lambda raw: bytes(raw).replace(b"END" + b" " * 77, b" " * 80), "END"),
    (lambda raw: raw[:1000], "END"),
    (lambda raw: b"", "bad.fits"),
    (lambda raw: os.urandom(10000), "bad.fits"),
])
def test_damaged_files(freestone, cube, change, says):
    damaged(freestone.folder, change)
    for command in ("info bad.fits", "run bad.fits ! statistics", "plan bad.fits ! statistics"):
        text = freestone.fails(1, command)
        assert "bad.fits" in text and says in text


def test_a_file_cut_while_it_is_read(freestone, cube):
    """The header holds when the file is opened; the data is gone when it is read: an error, not a crash."""
    plan = freestone.out("plan cube.fits --json ! statistics")
    (freestone.folder / "plan.json").write_text(plan)
    os.truncate(freestone.folder / "cube.fits", 2880 * 3)
    assert "cube.fits" in freestone.fails(1, "run --plan plan.json")


def test_spectra_of_nan_and_empty_axes(freestone):
    data = np.full((5, 4, 3), np.nan, "f4")
    fits.PrimaryHDU(data, spectral_header()).writeto(freestone.folder / "nan.fits")
    got = freestone.json("run nan.fits ! sigma-clip ! tee [ median --axis spectral ! write m.fits ] [ moment --order 1 ! write m1.fits ] ! statistics --format json")
    assert got["npts"] == 0 and got["mean"] is None
    assert np.isnan(fits.getdata(freestone.folder / "m.fits")).all() and np.isnan(fits.getdata(freestone.folder / "m1.fits")).all()
    np.save(freestone.folder / "empty.npy", np.zeros((0, 4), "f4"))
    assert freestone.json("run empty.npy ! statistics --format json")["npts"] == 0
    freestone.out("run empty.npy ! calc --expr 'x + 1' ! write still.npy")
    assert np.load(freestone.folder / "still.npy").shape == (0, 4)


@pytest.fixture
def large(freestone):
    """large.fits: 200 MB, so that a run takes a while."""
    header = spectral_header()
    shape = (400, 350, 360)
    noise = np.random.default_rng(5).normal(size=(400, 35, 36)).astype("f4")
    fits.PrimaryHDU(np.tile(noise, (1, 10, 10)), header).writeto(freestone.folder / "large.fits")
    assert fits.getval(freestone.folder / "large.fits", "NAXIS1") == shape[2]


LONG = "run large.fits --threads 1 --overwrite ! sigma-clip --threshold 2 --maxiters -1 ! sigma-clip --threshold 2.5 --maxiters -1 ! write out.fits"


def test_a_budget_that_cannot_do_names_one_that_can(freestone, large):
    text = freestone.fails(1, "run large.fits --memory 100KiB ! median --axis spectral ! write out.fits")
    assert "budget" in text
    words = text.replace(",", " ").replace(".  ", " ").split()
    enough = words[words.index("--memory") + 1].rstrip(".,;")
    freestone.out(f"run large.fits --memory {enough} ! median --axis spectral ! write out.fits")
    assert np.allclose(fits.getdata(freestone.folder / "out.fits")[:9, :9], np.median(fits.getdata(freestone.folder / "large.fits")[:, :9, :9], axis=0))


def wait_for(path, process):
    end = time.monotonic() + 20
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_a_run_within_a_second(freestone, large, number, code):
    (freestone.folder / "out.fits").write_text("mine")
    before = freestone.files()
    process = freestone.start(LONG)
    wait_for(freestone.folder / ".out.fits.freestone-tmp", process)
    begun = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert time.monotonic() - begun < 1
    assert process.returncode == code and out == "" and err.startswith("freestone: ") and err.count("\n") == 1
    assert freestone.files() == before and (freestone.folder / "out.fits").read_text() == "mine"


def test_the_profile_of_an_interrupted_run_is_kept(freestone, large):
    process = freestone.start(LONG.replace("--overwrite", "--profile p.json"))
    wait_for(freestone.folder / ".out.fits.freestone-tmp", process)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    profile = json.loads((freestone.folder / "p.json").read_text())
    assert profile["error"] == "Interrupted." and profile["bytes_read"] > 0 and profile["stages"][0]["operations"]


def test_the_profile_of_a_failed_run_says_why_and_a_refused_one_leaves_none(freestone, large):
    done = freestone("run large.fits --profile p.json ! write out.fits", preexec_fn=limit_file_size)
    assert done.returncode == 1
    assert json.loads((freestone.folder / "p.json").read_text())["error"] in done.stderr
    (freestone.folder / "out.fits").write_text("mine")
    assert "out.fits" in freestone.fails(1, "run large.fits --profile q.json ! write out.fits")


def test_killed_runs_leave_no_result_and_the_next_run_cleans_up(freestone, large):
    temporary = freestone.folder / ".out.fits.freestone-tmp"
    process = freestone.start(LONG)
    wait_for(temporary, process)
    time.sleep(0.1)
    process.kill()
    process.communicate()
    assert not (freestone.folder / "out.fits").exists() and temporary.exists()
    freestone.out("run large.fits ! select --index spectral=0:3 ! write out.fits")
    assert not temporary.exists() and fits.getdata(freestone.folder / "out.fits").shape == (3, 350, 360)


def test_two_runs_to_one_name(freestone, large):
    process = freestone.start(LONG)
    wait_for(freestone.folder / ".out.fits.freestone-tmp", process)
    time.sleep(0.05)
    second = freestone("run large.fits --overwrite ! write out.fits")
    assert process.poll() is None, "the first run ended too soon for this test"
    assert second.returncode == 1 and "another run is writing" in second.stderr
    process.kill()
    process.communicate()


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def test_a_file_larger_than_allowed(freestone, large):
    text = freestone.fails(1, "run large.fits ! write out.fits", preexec_fn=limit_file_size)
    assert "out.fits" in text


def without_rights_of_root():
    """Takes from a program that is about to start the right to write where nobody may (CAP_DAC_OVERRIDE); without effect for others than root."""
    PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


def test_a_folder_that_is_read_only(freestone, cube):
    folder = freestone.folder / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    assert "permission" in freestone.fails(1, "run cube.fits ! write locked/a.fits", preexec_fn=without_rights_of_root)
    folder.chmod(0o755)


def test_a_file_system_that_takes_no_files(freestone, cube):
    assert "/proc/a.fits" in freestone.fails(1, "run cube.fits ! write /proc/a.fits")


def test_one_failing_output_takes_the_others_back(freestone, cube):
    (freestone.folder / "b.fits").write_text("mine")
    assert "b.fits" in freestone.fails(1, "run cube.fits ! tee [ write a.fits ] [ median --axis spectral ! write b.fits ]")


def test_nobody_reads_the_output(freestone, cube):
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.Popen(freestone.command("run cube.fits ! statistics"), cwd=freestone.folder, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1 and err == ""
