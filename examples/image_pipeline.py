"""An image pipeline, from a loop over lists to futures with a progress bar.

    python image_pipeline.py [--images 1000] [--size 256] [--folder images]

Each image is smoothed (the integer mean of 3 x 3 pixels, written as a loop), transformed (fft2), and the power saved. First one image, with
the smoothing in lists, in NumPy and in numba, to see what a loop costs; then all images as futures, and at last the same by Freestone's own operations. All of
them give the same numbers. Needs numba and tqdm.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from tqdm import tqdm

import freestone as fs


def make_image(number: int, size: int) -> np.ndarray:
    """Image `number`: uint8 (size, size)."""
    return np.random.default_rng(number).integers(0, 256, (size, size), dtype=np.uint8)


# The smoothing, three times. The edge of one pixel stays 0.


def smooth_lists(image: list[list[int]]) -> list[list[int]]:
    """In lists."""
    rows, columns = len(image), len(image[0])
    out = [[0] * columns for _ in range(rows)]
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            total = 0
            for k in (-1, 0, 1):
                for l in (-1, 0, 1):
                    total += image[i + k][j + l]
            out[i][j] = total // 9
    return out


def smooth_numpy(image: np.ndarray) -> np.ndarray:
    """In NumPy: nine shifted images."""
    rows, columns = image.shape
    wide = image.astype(np.int64)
    out = np.zeros_like(wide)
    out[1:-1, 1:-1] = sum(wide[1 + k : rows - 1 + k, 1 + l : columns - 1 + l] for k in (-1, 0, 1) for l in (-1, 0, 1)) // 9
    return out


@numba.njit(nogil=True)
def smooth_numba(image: np.ndarray) -> np.ndarray:
    """The loop again, compiled."""
    rows, columns = image.shape
    out = np.zeros((rows, columns), np.int64)
    for i in range(1, rows - 1):
        for j in range(1, columns - 1):
            total = 0
            for k in range(-1, 2):
                for l in range(-1, 2):
                    total += image[i + k, j + l]
            out[i, j] = total // 9
    return out


def power(smoothed: np.ndarray) -> np.ndarray:
    """|fft2|, float32."""
    return np.abs(np.fft.fft2(smoothed)).astype(np.float32)


def process(number: int, size: int, folder: pathlib.Path) -> float:
    """One image from beginning to end; gives its mean power."""
    result = power(smooth_numba(make_image(number, size)))
    np.save(folder / f"power_{number:04}.npy", result)
    return float(result.mean(dtype=np.float64))


def timed(what: str, function: Callable[[], Any]) -> Any:
    """Runs and prints how long it took."""
    begun = time.perf_counter()
    result = function()
    print(f"{what:52} {time.perf_counter() - begun:9.4f} s")
    return result


def all_by_futures(images: int, size: int, folder: pathlib.Path) -> list[float]:
    """All images through the user's own functions: on all cores, while the bar moves."""
    futures = fs.map(process, range(images), size=size, folder=folder)
    for _ in tqdm(fs.as_completed(futures), total=images, unit="image"):
        pass
    return fs.gather(futures)


def all_by_freestone(stack: np.ndarray, path: pathlib.Path) -> np.ndarray:
    """All images through Freestone's operations, as one array (image, y, x): smooth, fft2 and the file in one pass.

    The kernel is the compiled loop, which Freestone calls without the GIL, block by block.
    """
    smoothed = fs.asarray(stack).rechunk((1, *stack.shape[1:])).map_blocks(smooth_stack, dtype="int64")
    powers = abs(fs.fft.fft2(smoothed)).astype("float32")
    powers.write(path, overwrite=True)
    return fs.mean(fs.open(path), axis=(1, 2), dtype="float64").compute()


@numba.njit(nogil=True)
def smooth_stack(block: np.ndarray) -> np.ndarray:
    """`smooth_numba` for a block of images."""
    out = np.zeros(block.shape, np.int64)
    for n in range(block.shape[0]):
        out[n] = smooth_numba(block[n])
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--size", type=int, default=256, help="pixels a side")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("images"))
    options = parser.parse_args()
    images, size, folder = options.images, options.size, options.folder
    folder.mkdir(parents=True, exist_ok=True)

    first = make_image(0, size)
    smooth_numba(first), smooth_stack(first[None])  # compiled now
    in_lists = timed("one image, smoothed in lists", lambda: smooth_lists(first.tolist()))
    in_numpy = timed("one image, smoothed in NumPy", lambda: smooth_numpy(first))
    in_numba = timed("one image, smoothed by numba", lambda: smooth_numba(first))
    assert np.array_equal(in_lists, in_numpy) and np.array_equal(in_numpy, in_numba)

    in_order = timed(f"{images} images, one after the other", lambda: [process(n, size, folder) for n in range(images)])
    by_futures = timed(f"{images} images, as futures", lambda: all_by_futures(images, size, folder))
    assert by_futures == in_order

    stack = np.stack([make_image(n, size) for n in range(images)])
    with fs.ProgressBar():
        by_freestone = timed(f"{images} images, as one array", lambda: all_by_freestone(stack, folder / "powers.zarr"))
    assert np.allclose(by_freestone, in_order, rtol=1e-5)
    print(f"mean power {np.mean(in_order):.6g}; the images' powers are in {folder}")


if __name__ == "__main__":
    main()
