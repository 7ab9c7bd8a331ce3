"""The script of spectral-cube's guide to Dask runs, and both sides agree."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("spectral_cube")
pytest.importorskip("zarr")

ROOT = Path(__file__).resolve().parents[2]


def test_the_guide_with_freestone_and_with_dask():
    run = subprocess.run(
        [sys.executable, ROOT / "examples/spectral_cube_guide.py", "--shape", "20,12,14"], capture_output=True, text=True, timeout=200
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "numbers are the same on both sides" in run.stdout and "Freestone (s)" in run.stdout
    counts = run.stdout.strip().splitlines()[-1].split()
    assert counts[0] == counts[2] and int(counts[2]) >= 15
