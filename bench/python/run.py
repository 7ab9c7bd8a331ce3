"""Races Python's face of Freestone against Dask on this machine: small calls, small arrays, the user's own functions.

    scripts/bench python [--rounds N] [--images N] [WORKLOAD]...

Workloads: submits (20,000 calls of a small function), tiny (an array of ten elements), smooth (a 3x3 mean as a numba loop over images).
Both sides run in this process, in turn; the best of the rounds counts, and both results are compared.
"""

import argparse
import os
import time

import numpy as np


def best(function, rounds):
    """Seconds of the quickest of some rounds, processor seconds of that round, and what it gave."""
    found = None
    for _ in range(rounds):
        cpu, wall = sum(os.times()[:2]), time.perf_counter()
        result = function()
        row = (time.perf_counter() - wall, sum(os.times()[:2]) - cpu, result)
        found = row if found is None or row[0] < found[0] else found
    return found


def increment(x):
    return x + 1


def submits(rounds, images):
    import dask

    import freestone as fs

    count = 20_000

    def mine():
        return sum(fs.gather(fs.map(increment, range(count))))

    def theirs():
        return sum(dask.compute(*[dask.delayed(increment)(i) for i in range(count)], scheduler="threads"))

    return f"{count} submits", best(mine, rounds), best(theirs, rounds)


def tiny(rounds, images):
    import dask.array as da

    import freestone as fs

    x, times = np.arange(10.0), 500
    a, d = (fs.asarray(x) + 1) * 2, (da.from_array(x) + 1) * 2

    def mine():
        for _ in range(times):
            result = a.compute()
        return float(result.sum())

    def theirs():
        for _ in range(times):
            result = d.compute(scheduler="threads")
        return float(result.sum())

    return f"{times} computes of 10 elements", best(mine, rounds), best(theirs, rounds)


def smooth(rounds, images):
    import dask.array as da
    import numba

    import freestone as fs

    @numba.njit(nogil=True)
    def mean_3x3(x):
        out = np.zeros_like(x)
        for k in range(x.shape[0]):
            for i in range(1, x.shape[1] - 1):
                for j in range(1, x.shape[2] - 1):
                    out[k, i, j] = (
                        x[k, i - 1, j - 1] + x[k, i - 1, j] + x[k, i - 1, j + 1] + x[k, i, j - 1] + x[k, i, j] + x[k, i, j + 1]
                        + x[k, i + 1, j - 1] + x[k, i + 1, j] + x[k, i + 1, j + 1]
                    ) // 9  # fmt: skip
        return out

    x = np.random.default_rng(1).integers(0, 1000, (images, 512, 512), dtype="i4")
    a = fs.rechunk(fs.asarray(x), (10, 512, 512)).map_blocks(mean_3x3)
    d = da.from_array(x, chunks=(10, 512, 512)).map_blocks(mean_3x3, dtype="i4")
    mean_3x3(x[:1])
    return f"3x3 mean of {images} images, numba", best(a.compute, rounds), best(lambda: d.compute(scheduler="threads"), rounds)


WORKLOADS = {"submits": submits, "tiny": tiny, "smooth": smooth}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    unknown = set(options.workloads) - set(WORKLOADS)
    if unknown:
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    print(f"{'workload':36} {'Freestone':>18} {'Dask':>18} {'times':>7}   (seconds, processor seconds)")
    for name in options.workloads or WORKLOADS:
        title, mine, theirs = WORKLOADS[name](options.rounds, options.images)
        np.testing.assert_array_equal(mine[2], theirs[2])
        print(f"{title:36} {mine[0]:9.3f} {mine[1]:8.3f} {theirs[0]:9.3f} {theirs[1]:8.3f} {theirs[0] / mine[0]:7.1f}")


if __name__ == "__main__":
    main()
