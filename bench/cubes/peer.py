"""One workload with spectral-cube on Dask, as its guide recommends: peer.py WORKLOAD CUBE FOLDER.

Threads on all cores, chunks that fit each workload (whole spectra where it works along the spectrum, whole planes where
it works on planes or reads everything once). Prints {"seconds": ...}: from opening the file to the last result, imports
not counted. Outputs go to FOLDER under the names that run.py compares.
"""

import json
import os
import pathlib
import sys
import time
import warnings

import astropy.units as u
from astropy import convolution
from astropy.convolution import Gaussian1DKernel
from radio_beam import Beam
from spectral_cube import SpectralCube

THREADS = int(os.environ.get("BENCH_THREADS", len(os.sched_getaffinity(0))))


def opened(path):
    cube = SpectralCube.read(path, use_dask=True)
    cube.allow_huge_operations = True
    cube.use_dask_scheduler("threads", num_workers=THREADS)
    return cube


def by_planes(cube, channels=32):
    return cube.rechunk(chunks=(channels, -1, -1))


def by_spectra(cube, rows=16):
    return cube.rechunk(chunks=(-1, rows, -1))


def statistics(path, folder):
    result = by_planes(opened(path)).statistics()
    numbers = {key: float(getattr(value, "value", value)) for key, value in result.items()}
    (folder / "statistics.json").write_text(json.dumps(numbers))


def moments(path, folder):
    cube = by_planes(opened(path))
    for order in (0, 1, 2):
        cube.moment(order=order).write(folder / f"m{order}.fits", overwrite=True)


def median(path, folder):
    by_spectra(opened(path)).median(axis=0).write(folder / "median.fits", overwrite=True)


def mad_std(path, folder):
    by_spectra(opened(path)).mad_std(axis=0).write(folder / "mad_std.fits", overwrite=True)


def sigma_clip(path, folder):
    by_spectra(opened(path)).sigma_clip_spectrally(3).write(folder / "sigma_clip.fits", overwrite=True)


def spectral_smooth(path, folder):
    by_spectra(opened(path)).spectral_smooth(Gaussian1DKernel(4)).write(folder / "spectral_smooth.fits", overwrite=True)


def convolved(path, function):
    cube = opened(path)
    first = (cube.shape[0] - min(32, cube.shape[0])) // 2
    part = by_planes(cube[first : first + 32], channels=4)
    return part.convolve_to(Beam(1.08 * u.arcsec, 1.08 * u.arcsec, 0 * u.deg), convolve=function)


def convolve(path, folder):
    convolved(path, convolution.convolve).write(folder / "convolve.fits", overwrite=True)


def convolve_fft(path, folder):
    """The same by astropy's other function, which its users must know to ask for."""
    convolved(path, convolution.convolve_fft).write(folder / "convolve_fft.fits", overwrite=True)


WORKLOADS = [statistics, moments, median, mad_std, sigma_clip, spectral_smooth, convolve, convolve_fft]


def main():
    name, path, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    workload = {function.__name__: function for function in WORKLOADS}[name]
    warnings.simplefilter("ignore")
    begun = time.perf_counter()
    workload(path, folder)
    print(json.dumps({"seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
