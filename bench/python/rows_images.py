"""An image pipeline: a 3x3 integer mean, a two-dimensional Fourier transform, a file an image.

`images-user` is the user's own code on both sides: numba for the mean, numpy.fft, numpy.save, an image a call, as futures against dask.delayed on
threads. `images-ours` has the mean, the transform and the files by Freestone against the same code of the user under Dask. `smooth` is the mean alone, by
map_blocks on both sides.

The limit of both images rows is that of the files alone: bytes that are there already go into as many files, a write each, by a thread a core.
"""

import os
import threading
import time

import numpy as np
from run import Race


def _mean_3x3():
    import numba

    @numba.njit(nogil=True)
    def mean_3x3(x):
        out = x.copy()
        for i in range(1, x.shape[0] - 1):
            for j in range(1, x.shape[1] - 1):
                total = 0
                for k in range(i - 1, i + 2):
                    for m in range(j - 1, j + 2):
                        total += x[k, m]
                out[i, j] = total // 9
        return out

    mean_3x3(np.zeros((4, 4), dtype="i4"))
    return mean_3x3


def _images(count):
    return np.random.default_rng(1).integers(0, 1000, (count, 512, 512), dtype="i4")


def _first_and_last(folder, count):
    return np.stack([np.load(folder / f"{k}.npy") for k in (0, count - 1)])


def _with_dask(images, mean_3x3, folder):
    import dask

    def one(k):
        np.save(folder / f"{k}.npy", np.fft.fft2(mean_3x3(images[k])))

    folder.mkdir()

    def run():
        dask.compute(*[dask.delayed(one)(k) for k in range(len(images))], scheduler="threads")
        return _first_and_last(folder, len(images))

    return run


def _limit(folder, count):
    """Seconds of writing the files alone: the best of three."""
    data, cores, seconds = np.ones((512, 512), "c16"), len(os.sched_getaffinity(0)), []
    folder.mkdir()

    def some(first):
        for k in range(first, count, cores):
            file = os.open(folder / f"{k}.npy", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.write(file, data)
            os.close(file)

    for _ in range(3):
        threads = [threading.Thread(target=some, args=(first,)) for first in range(cores)]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def images_user(options):
    import freestone as fs

    images, mean_3x3 = _images(options.images), _mean_3x3()
    mine_folder = options.folder / "mine"
    mine_folder.mkdir()

    def one(k):
        np.save(mine_folder / f"{k}.npy", np.fft.fft2(mean_3x3(images[k])))

    def mine():
        fs.gather([fs.submit(one, k) for k in range(len(images))])
        return _first_and_last(mine_folder, len(images))

    return Race(
        f"{len(images)} images, the user's functions", mine, _with_dask(images, mean_3x3, options.folder / "theirs"), target=1, peer="dask.delayed",
        limit=lambda: _limit(options.folder / "limit", len(images)),
    )  # fmt: skip


def images_ours(options):
    import freestone as fs

    images, mean_3x3 = _images(options.images), _mean_3x3()
    mine_folder = options.folder / "mine"
    mine_folder.mkdir()

    def one(k):
        x = fs.asarray(images[k])
        smooth = x.copy()
        smooth[1:-1, 1:-1] = sum(x[i : 510 + i, j : 510 + j] for i in range(3) for j in range(3)) // 9
        fs.fft.fft2(smooth).write(mine_folder / f"{k}.npy", overwrite=True, threads=1)

    def mine():
        fs.gather([fs.submit(one, k) for k in range(len(images))])
        return _first_and_last(mine_folder, len(images))

    def same(a, b):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-6 * np.abs(b).max())

    return Race(
        f"{len(images)} images, all by Freestone", mine, _with_dask(images, mean_3x3, options.folder / "theirs"), target=2, same=same,
        limit=lambda: _limit(options.folder / "limit", len(images)),
    )  # fmt: skip


def smooth(options):
    import dask.array as da
    import freestone as fs
    import numba

    one = _mean_3x3()

    @numba.njit(nogil=True)
    def means(x):
        out = np.empty_like(x)
        for k in range(x.shape[0]):
            out[k] = one(x[k])
        return out

    x = _images(options.images)
    means(x[:1])
    a = fs.asarray(x).map_blocks(means, core_axes=(1, 2))  # an image a call: no copy in other chunks
    d = da.from_array(x, chunks=(10, 512, 512)).map_blocks(means, dtype="i4")
    return Race(f"3x3 mean of {len(x)} images, numba", a.compute, lambda: d.compute(scheduler="threads"), target=1, peer="dask.array")


ROWS = {"images-user": images_user, "images-ours": images_ours, "smooth": smooth}
