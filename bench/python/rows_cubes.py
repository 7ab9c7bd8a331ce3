"""The user's functions on a cube, with Freestone and with spectral-cube on Dask.

    rows_cubes.py [--rounds N] [--shape 256,192,192] [--threads N] [ROW]...

Rows: apply (`apply_function_parallel_spectral` with astropy's sigma_clip, `accepts_chunks`), own (the same by our
`sigma_clip_spectrally`, against Dask's `apply_function_parallel_spectral`). Both sides run in this process, in turn; the best of the rounds
counts, and both results are compared.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import time
import warnings

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent


def cube_file(shape):
    """The benchmark's cube of a shape, made once."""
    made = subprocess.run([sys.executable, HERE.parent / "cubes/make_cube.py", "--shape", shape], capture_output=True, text=True, check=True)
    return pathlib.Path(made.stdout.strip().splitlines()[-1])


def best(function, rounds):
    """Seconds of the quickest of some rounds, processor seconds of that round, and what it gave."""
    found = None
    for _ in range(rounds):
        cpu, wall = sum(os.times()[:2]), time.perf_counter()
        result = function()
        row = (time.perf_counter() - wall, sum(os.times()[:2]) - cpu, result)
        found = row if found is None or row[0] < found[0] else found
    return found


def clip(spectra):
    from astropy.stats import sigma_clip

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sigma_clip(spectra, sigma=3, axis=0, masked=False, copy=True)


def sides(path, threads):
    import spectral_cube

    from freestone.astro import SpectralCube

    mine = SpectralCube.read(path)
    theirs = spectral_cube.SpectralCube.read(path, use_dask=True)
    for cube in (mine, theirs):
        cube.use_dask_scheduler("threads", num_workers=threads)
    return mine, theirs


def applied(cube):
    return cube.apply_function_parallel_spectral(clip, accepts_chunks=True).filled_data[:].value


def own(cube):
    return cube.sigma_clip_spectrally(3).filled_data[:].value


ROWS = {"apply": ("astropy's sigma_clip, accepts_chunks", applied), "own": ("sigma_clip_spectrally against it", own)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--shape", default="256,192,192")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    unknown = set(options.rows) - set(ROWS)
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    warnings.simplefilter("ignore")
    mine, theirs = sides(cube_file(options.shape), options.threads)
    peer = best(lambda: applied(theirs), options.rounds)
    print(f"{'row':40} {'Freestone':>18} {'Dask':>18} {'times':>7}   (seconds, processor seconds)")
    for name in options.rows or ROWS:
        title, function = ROWS[name]
        row = best(lambda: function(mine), options.rounds)
        np.testing.assert_array_equal(row[2], peer[2])
        print(f"{title:40} {row[0]:9.3f} {row[1]:8.3f} {peer[0]:9.3f} {peer[1]:8.3f} {peer[0] / row[0]:7.1f}")


if __name__ == "__main__":
    main()
