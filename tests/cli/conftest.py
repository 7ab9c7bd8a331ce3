"""Drives the program as its users do. FREESTONE_PROGRAM names another one than build/release/bin/freestone."""

import json
import os
import pathlib
import shlex
import signal
import subprocess

import numpy as np
import pytest
from astropy.io import fits

# A shell starts what it puts in the background with SIGINT ignored, and what we start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("FREESTONE_PROGRAM", str(ROOT / "build" / "release" / "bin" / "freestone"))
SEED = int(os.environ.get("FREESTONE_TEST_SEED", "20240607"))


def needs_plugin(name, package):
    """A mark for tests of what libfreestone_NAME.so does, which is built where a Debian package is."""
    there = (ROOT / "build" / "release" / "lib" / "freestone-plugins" / f"libfreestone_{name}.so").exists()
    return pytest.mark.skipif(not there, reason=f"the plug-in is built where {package} is (scripts/packages-test.txt)")


def pytest_report_header():
    return f"program {PROGRAM}, FREESTONE_TEST_SEED={SEED}"


class Program:
    """Runs `freestone` in a folder of its own; words may be one string as a shell would take it."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("FREESTONE_")}
        self.environment["XDG_CONFIG_HOME"] = str(folder / "no-config")

    def command(self, *words):
        split = []
        for word in words:
            split += shlex.split(word) if isinstance(word, str) else [str(word)]
        return [PROGRAM, *split]

    def start(self, *words, environment=None, **options):
        return subprocess.Popen(self.command(*words), cwd=self.folder, env={**self.environment, **(environment or {})}, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **options)

    def __call__(self, *words, environment=None, **options):
        return subprocess.run(self.command(*words), cwd=self.folder, env={**self.environment, **(environment or {})}, capture_output=True, text=True,
                              timeout=120, **options)

    def out(self, *words, **options):
        done = self(*words, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words, **options):
        return json.loads(self.out(*words, **options))

    def fails(self, code, *words, **options):
        """Runs, expects this exit code, nothing on stdout and one paragraph on stderr; returns the paragraph."""
        before = self.files()
        done = self(*words, **options)
        assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.stdout == ""
        assert done.stderr.startswith("freestone: ") and done.stderr.count("\n") == 1, done.stderr
        assert self.files() == before, "something was left behind"
        return done.stderr

    def files(self):
        return {str(p.relative_to(self.folder)): p.stat().st_mtime_ns for p in self.folder.rglob("*") if not p.is_dir()}


@pytest.fixture
def freestone(tmp_path):
    return Program(tmp_path)


def spectral_header(beam=True):
    header = fits.Header()
    header["CTYPE1"], header["CUNIT1"], header["CRVAL1"], header["CDELT1"], header["CRPIX1"] = "RA---TAN", "deg", 24.0, -2e-5, 8.0
    header["CTYPE2"], header["CUNIT2"], header["CRVAL2"], header["CDELT2"], header["CRPIX2"] = "DEC--TAN", "deg", 30.0, 2e-5, 7.0
    header["CTYPE3"], header["CUNIT3"], header["CRVAL3"], header["CDELT3"], header["CRPIX3"] = "FREQ", "Hz", 115.0e9, 1.0e6, 1.0
    header["RESTFRQ"], header["SPECSYS"], header["RADESYS"] = 115.2712018e9, "LSRK", "ICRS"
    header["BUNIT"] = "Jy/beam"
    header["OBJECT"] = "noise"
    if beam:
        header["BMAJ"], header["BMIN"], header["BPA"] = 1.2e-4, 1.0e-4, 20.0
    return header


@pytest.fixture
def random():
    return np.random.default_rng(SEED)


@pytest.fixture
def cube(freestone, random):
    """cube.fits: (20, 14, 17) float32 with NaN, one spectrum of nothing else; its values as float64."""
    data = random.normal(3, 2, (20, 14, 17)).astype("f4")
    data[random.random(data.shape) < 0.1] = np.nan
    data[5, 3, 4] = 80
    data[:, 2, 6] = np.nan
    fits.PrimaryHDU(data, spectral_header()).writeto(freestone.folder / "cube.fits")
    return data.astype("f8")
