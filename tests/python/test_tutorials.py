"""The tutorials in examples/ run on small data and say that their ways agree."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def run(name, *options):
    done = subprocess.run([sys.executable, EXAMPLES / name, *map(str, options)], capture_output=True, text=True, timeout=120, env={**os.environ, "MPLBACKEND": "agg"})
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


def test_the_image_pipeline_gives_the_same_in_every_form(tmp_path):
    done = run("image_pipeline.py", "--images", 12, "--size", 48, "--folder", tmp_path)
    # The bar of the futures went to its end.
    assert "12/12" in done.stderr
    saved = sorted(tmp_path.glob("power_*.npy"))
    assert len(saved) == 12
    # Against a smoothing of its own: the mean of each window of 3 x 3, rounded down.
    image = np.random.default_rng(7).integers(0, 256, (48, 48), dtype=np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(image.astype(int), (3, 3))
    smooth = np.zeros((48, 48), int)
    smooth[1:-1, 1:-1] = windows.sum(axis=(2, 3)) // 9
    np.testing.assert_allclose(np.load(saved[7]), np.abs(np.fft.fft2(smooth)), rtol=1e-5)


def test_many_files_are_reduced_and_written_later(tmp_path):
    xr = pytest.importorskip("xarray")
    done = run("many_files.py", "--files", 3, "--lat", 7, "--lon", 12, "--step-hours", 12, "--folder", tmp_path)
    assert "100%" in done.stderr
    with xr.open_mfdataset(sorted(tmp_path.glob("t2m_*.nc"))) as source:
        t2m = source.t2m.load()
    anomaly = t2m.groupby("time.month") - t2m.groupby("time.month").mean()
    expected = {
        "climatology.nc": t2m.groupby("time.month").mean(), "warmest.nc": anomaly.max("time"), "coldest.nc": anomaly.min("time"),
        "series.nc": t2m.weighted(np.cos(np.radians(t2m.lat))).mean(("lat", "lon")),
    }  # fmt: skip
    for name, wanted in expected.items():
        with xr.open_dataset(tmp_path / name) as written:
            np.testing.assert_allclose(written.t2m.values, wanted.values, rtol=1e-5, atol=1e-3, err_msg=name)
    with xr.open_zarr(tmp_path / "daily.zarr", consolidated=False) as daily:
        np.testing.assert_allclose(daily.t2m.values, t2m.resample(time="1D").mean().values, rtol=1e-5)
