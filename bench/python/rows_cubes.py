"""The user's functions on a cube, and our own instead of them, against spectral-cube on Dask.

`cubes-apply` is `apply_function_parallel_spectral` with astropy's sigma_clip and `accepts_chunks` on both sides; `cubes-own` is our
`sigma_clip_spectrally` against it. The cube of 256 x 192 x 192 lies in a FITS file, the result in memory.
"""

import os
import pathlib
import subprocess
import sys
import warnings

from run import Race

HERE = pathlib.Path(__file__).resolve().parent
SHAPE = "256,192,192"


def clip(spectra):
    from astropy.stats import sigma_clip

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sigma_clip(spectra, sigma=3, axis=0, masked=False, copy=True)


def cubes():
    """The same file on both sides, both on all cores."""
    import spectral_cube

    from freestone.astro import SpectralCube

    made = subprocess.run([sys.executable, HERE.parent / "cubes/make_cube.py", "--shape", SHAPE], capture_output=True, text=True, check=True)
    path = made.stdout.strip().splitlines()[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mine, theirs = SpectralCube.read(path), spectral_cube.SpectralCube.read(path, use_dask=True)
    for cube in (mine, theirs):
        cube.use_dask_scheduler("threads", num_workers=len(os.sched_getaffinity(0)))
    return mine, theirs


def applied(cube):
    return cube.apply_function_parallel_spectral(clip, accepts_chunks=True).filled_data[:].value


def apply(options):
    mine, theirs = cubes()
    return Race("astropy's sigma_clip, accepts_chunks", lambda: applied(mine), lambda: applied(theirs), 1, "spectral-cube on Dask")


def own(options):
    mine, theirs = cubes()
    return Race(
        "sigma_clip_spectrally against astropy's", lambda: mine.sigma_clip_spectrally(3).filled_data[:].value, lambda: applied(theirs), 10,
        "spectral-cube on Dask",
    )  # fmt: skip


ROWS = {"cubes-apply": apply, "cubes-own": own}
