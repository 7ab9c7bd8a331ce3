#!/usr/bin/env python3
"""One script on this machine's threads, on a cluster of worker processes here, or on a cluster that is running somewhere: the same files.

    python examples/anywhere.py --make data                                   some data to work on (--factor 1: small; 100: gigabytes)
    python examples/anywhere.py data out-threads
    python examples/anywhere.py data out-local --workers 2
    python examples/anywhere.py data out-cluster --scheduler-file scheduler.json
"""

import argparse
import contextlib
import pathlib
import time

import numpy as np
from astropy.io import fits

import freestone as fs
from freestone.astro import SpectralCube

HEADER = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CTYPE3": "VRAD", "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "m/s", "CDELT1": -1e-3, "CDELT2": 1e-3,
    "CDELT3": 500.0, "CRPIX1": 1.0, "CRPIX2": 1.0, "CRPIX3": 1.0, "CRVAL1": 10.0, "CRVAL2": 20.0, "CRVAL3": -1e4, "BUNIT": "K",
}  # fmt: skip


def make(folder, factor):
    """A cube in FITS, an array in Zarr, a climate in NetCDF, a raster of two bands in GeoTIFF."""
    rng = np.random.default_rng(1)
    folder.mkdir(exist_ok=True)
    side = max(16, int(48 * factor**0.5))
    block = rng.normal(size=(16, side, side)).astype("f4")
    cube = fs.concat([fs.asarray(block * (1 + 0.1 * k)) for k in range(6)], axis=0)
    fits.PrimaryHDU(np.asarray(cube), fits.Header(HEADER)).writeto(folder / "cube.fits", overwrite=True)
    fs.concat([fs.asarray(block + k) for k in range(20)], axis=0).write(folder / "a.zarr", chunks=(10, side // 2, side // 2))
    fs.concat([fs.asarray(block * (k + 1)) for k in range(20)], axis=0).write(folder / "climate.nc", dims=("time", "lat", "lon"))
    band = rng.integers(1, 10000, size=(2, 12 * side, 12 * side)).astype("u2")
    fs.asarray(band).write(folder / "scene.tif", compress="deflate")


def work(data, out):
    """Sigma clip and moments of the cube, anomaly and rechunk of the array, mean over time, vegetation index of the raster."""
    clipped = SpectralCube.read(data / "cube.fits").sigma_clip_spectrally(2.5)
    fs.write({out / "clipped.fits": clipped, out / "m0.fits": clipped.moment(order=0, compute=False), out / "m1.fits": clipped.moment(order=1, compute=False)})
    a = fs.open(data / "a.zarr")
    (a - a.mean(axis=0)).write(out / "anomaly.zarr")
    a.rechunk((a.shape[0], max(1, a.shape[1] // 8), max(1, a.shape[2] // 8))).write(out / "series.zarr")
    fs.open(data / "climate.nc").mean("time").write(out / "mean.nc")
    red, near = (fs.open(data / "scene.tif")[k].astype("f4") for k in (0, 1))
    ((near - red) / (near + red)).write(out / "ndvi.tif", compress="deflate")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=pathlib.Path, nargs="?")
    parser.add_argument("out", type=pathlib.Path, nargs="?")
    parser.add_argument("--make", type=pathlib.Path)
    parser.add_argument("--factor", type=float, default=1)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--scheduler")
    parser.add_argument("--scheduler-file")
    given = parser.parse_args()
    if given.make:
        return make(given.make, given.factor)
    given.out.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        if given.workers:
            from freestone.cluster import Cluster

            stack.enter_context(fs.settings(scheduler=stack.enter_context(Cluster(given.workers, 1))))
        elif given.scheduler or given.scheduler_file:
            stack.enter_context(fs.settings(scheduler=given.scheduler, scheduler_file=given.scheduler_file))
        start = time.perf_counter()
        with fs.progress("auto"):
            work(given.data, given.out)
        print(f"{time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
