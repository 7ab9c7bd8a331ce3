"""Every call of spectral-cube's guide to its Dask integration, with Freestone, timed beside the Dask version.

    spectral_cube_guide.py [--cube FILE] [--image IMAGE] [--shape 64,96,96] [--only freestone|dask]

Without --cube a cube of --shape with noise, a line and masked pixels is made in a temporary folder. --image is a CASA image for the part of the
guide on CASA; without it that part reads the FITS cube with the same arguments. The only lines that differ between both sides are the imports.
Printed are seconds, and whether both sides give the same numbers.
"""

import argparse
import contextlib
import pathlib
import sys
import tempfile
import time
import warnings

import numpy as np
from astropy.io import fits
from astropy.stats import sigma_clip


def make_cube(path, shape):
    """A cube with a rotating line, noise and a masked border, RA, Dec, radio velocity, Jy/beam."""
    rng = np.random.default_rng(1)
    channels, rows, columns = shape
    z, x = np.arange(channels)[:, None, None], np.arange(columns)[None, None]
    values = rng.normal(0, 1e-3, shape) + 0.02 * np.exp(-0.5 * ((z - channels / 2 - 10 * (x / columns - 0.5)) / 3) ** 2)
    values[:, :2] = np.nan
    header = fits.Header()
    header.update(
        CTYPE1="RA---SIN", CRVAL1=187.7, CDELT1=-5e-5, CRPIX1=columns / 2, CUNIT1="deg",
        CTYPE2="DEC--SIN", CRVAL2=12.4, CDELT2=5e-5, CRPIX2=rows / 2, CUNIT2="deg",
        CTYPE3="VRAD", CRVAL3=1.0e6, CDELT3=500.0, CRPIX3=1.0, CUNIT3="m/s",
        RESTFRQ=115.2712018e9, BUNIT="Jy/beam", BMAJ=2.2e-4, BMIN=1.9e-4, BPA=35.0,
    )  # fmt: skip
    fits.writeto(path, values.astype("f4"), header)


def sigma_clip_with_nan(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sigma_clip(*args, axis=0, **kwargs).filled(np.nan)


class Steps:
    """The steps of the guide on one side: how long each took, and what it gave."""

    def __init__(self):
        self.seconds, self.numbers = {}, {}

    def __call__(self, name, function):
        begun = time.perf_counter()
        result = function()
        self.seconds[name] = time.perf_counter() - begun
        return result

    def number(self, name, value):
        self.numbers[name] = float(getattr(value, "value", value))


def checksum(cube):
    return np.nansum(cube.filled_data[:].value, dtype=float)


def guide(SpectralCube, ProgressBar, path, image, folder):
    """The guide, section by section."""
    import radio_beam

    step = Steps()

    # Getting started
    cube = step("read", lambda: SpectralCube.read(path, use_dask=True))
    print(cube, file=sys.stderr)

    # Schedulers and parallel computations
    cube.use_dask_scheduler("threads")
    with cube.use_dask_scheduler("threads"):
        step.number("max", step("max", lambda: cube.max()))
    with cube.use_dask_scheduler("threads", num_workers=4):
        step.number("max with 4 workers", step("max with 4 workers", lambda: cube.max()))
    with contextlib.redirect_stdout(sys.stderr):
        progress = ProgressBar()
        progress.register()
        step.number("max with a progress bar", step("max with a progress bar", lambda: cube.max()))
        progress.unregister()

    # Saving intermediate results to disk
    cube_new = step("sigma_clip_spectrally, save_to_tmp_dir", lambda: cube.sigma_clip_spectrally(3, save_to_tmp_dir=True))
    step.number("sigma_clip_spectrally, save_to_tmp_dir", checksum(cube_new))
    wide = radio_beam.Beam(1.5 * cube.beam.major)
    convolved = cube.convolve_to(wide)
    step.number("convolve_to, filled_data", step("convolve_to, filled_data", lambda: checksum(convolved)))
    step("convolve_to, write", lambda: convolved.write(folder / "convolved.fits", overwrite=True))

    # Reading in CASA data and default chunk size
    source, options = (image, {"format": "casa_image", "target_chunksize": 100000}) if image else (path, {})
    chunked = step("read, target_chunksize", lambda: SpectralCube.read(source, use_dask=True, **options))
    chunked.use_dask_scheduler("threads")
    step.number("mean of what was read", step("mean of what was read", lambda: chunked.mean()))

    # Rechunking data
    for chunks in ("auto", (2, 2, 2), (-1, "auto", "auto"), ("auto", -1, -1)):
        if chunks == (2, 2, 2) and cube.size > 20_000:
            continue  # the guide's cube has 84 elements; Dask takes minutes over hundreds of thousands
        name = f"rechunk {chunks}, save_to_tmp_dir"
        cube_new = step(name, lambda chunks=chunks: cube.rechunk(chunks=chunks, save_to_tmp_dir=True))
        step.number(name, checksum(cube_new))
    spectra_first = cube.rechunk(chunks=(-1, "auto", "auto"))
    step.number("moment0", np.nansum(step("moment0", lambda: spectra_first.moment0()).value))

    # Performance benefits of dask classes
    cube.use_dask_scheduler("threads", num_workers=4)
    clipped = step("sigma_clip_spectrally(1), 4 workers", lambda: cube.sigma_clip_spectrally(1, save_to_tmp_dir=True))
    step.number("sigma_clip_spectrally(1), 4 workers", checksum(clipped))

    # Applying custom functions to cubes
    small = cube[:, :8, :8]
    small.use_dask_scheduler("threads", num_workers=4)
    clipped = step(
        "apply_function_parallel_spectral, 64 spectra",
        lambda: small.apply_function_parallel_spectral(sigma_clip_with_nan, sigma=3, save_to_tmp_dir=True),
    )
    step.number("apply_function_parallel_spectral, 64 spectra", checksum(clipped))
    clipped = step(
        "apply_function_parallel_spectral, accepts_chunks",
        lambda: cube.apply_function_parallel_spectral(sigma_clip_with_nan, sigma=3, accepts_chunks=True, save_to_tmp_dir=True),
    )
    step.number("apply_function_parallel_spectral, accepts_chunks", checksum(clipped))
    doubled = step(
        "apply_function_parallel_spatial, accepts_chunks",
        lambda: cube.apply_function_parallel_spatial(lambda planes: planes * 2, accepts_chunks=True, save_to_tmp_dir=True),
    )
    step.number("apply_function_parallel_spatial, accepts_chunks", checksum(doubled))

    # Efficient global statistics
    stats = step("statistics", lambda: cube.statistics())
    assert sorted(stats) == ["max", "mean", "min", "npts", "rms", "sigma", "sum", "sumsq"]
    for key in ("min", "mean", "npts"):
        step.number(f"statistics: {key}", stats[key])
    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cube", type=pathlib.Path)
    parser.add_argument("--image", type=pathlib.Path)
    parser.add_argument("--shape", default="64,96,96")
    parser.add_argument("--only", choices=["freestone", "dask"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        path = options.cube or folder / "cube.fits"
        if options.cube is None:
            make_cube(path, [int(n) for n in options.shape.split(",")])
        sides = {}
        if options.only != "dask":
            from freestone import ProgressBar
            from freestone.astro import SpectralCube

            sides["Freestone"] = guide(SpectralCube, ProgressBar, path, options.image, folder)
        if options.only != "freestone":
            from dask.diagnostics import ProgressBar
            from spectral_cube import SpectralCube

            sides["Dask"] = guide(SpectralCube, ProgressBar, path, options.image, folder)

    print(f"{'step':50}" + "".join(f"{side + ' (s)':>16}" for side in sides))
    for name in next(iter(sides.values())).seconds:
        print(f"{name:50}" + "".join(f"{side.seconds[name]:16.3f}" for side in sides.values()))
    if len(sides) == 2:
        mine, theirs = (side.numbers for side in sides.values())
        # Dask adds float32 up in float32.
        wrong = [name for name in mine if not np.isclose(mine[name], theirs[name], rtol=2e-4, atol=1e-6)]
        for name in wrong:
            print(f"{name}: {mine[name]} and {theirs[name]}")
        print(f"{len(mine) - len(wrong)} of {len(mine)} numbers are the same on both sides.")
        return 1 if wrong else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
