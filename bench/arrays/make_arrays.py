"""Makes the arrays of scripts/bench arrays: float32 Zarr (zstd level 3) in .cache/bench/arrays, once.

Smooth waves with noise of a few hundred levels: numbers as an instrument gives them, which a codec makes about half as
large. `a` and `b` have chunks of (1/100, 1/2, 1/2) of the axes, `tall` is `a` in chunks of whole first axes, `m` and `n`
are the factors of a matrix product.
"""

import json
import pathlib
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


def slab(seed, first, count, side):
    """Planes first ... first + count - 1 of the cube of `seed`; the same whichever slabs it is made in."""
    y, x = np.meshgrid(np.linspace(0, 9, side, dtype="f4"), np.linspace(0, 7, side, dtype="f4"), indexing="ij")
    planes = np.empty((count, side, side), "f4")
    for k in range(count):
        noise = np.random.default_rng([seed, first + k]).integers(-128, 128, (side, side), dtype="i2")
        planes[k] = np.round(512 * np.sin(x + 0.01 * (first + k)) * np.cos(y)).astype("f4") + noise
    planes /= 64
    return planes


def chunks_of(side):
    return (max(1, side // 100), max(1, side // 2), max(1, side // 2)), (side, max(1, side // 10), max(1, side // 10))


def ensure_arrays(side=1000, matrix=8000):
    """The folder with the arrays; makes what is missing."""
    import zarr
    from zarr.codecs import ZstdCodec

    folder = ROOT / ".cache" / "bench" / "arrays" / f"{side}"
    done = folder / "done.json"
    wanted = {"side": side, "matrix": matrix}
    if done.exists() and json.loads(done.read_text()) == wanted:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    flat, tall = chunks_of(side)

    def create(name, shape, chunks):
        return zarr.create_array(folder / name, shape=shape, chunks=chunks, dtype="f4", compressors=[ZstdCodec(level=3)], fill_value=0, overwrite=True)

    for seed, name in ((1, "a"), (2, "b")):
        print(f"making {name}.zarr", file=sys.stderr)
        array = create(f"{name}.zarr", (side,) * 3, flat)
        for first in range(0, side, flat[0]):
            array[first : first + flat[0]] = slab(seed, first, min(flat[0], side - first), side)
    print("making tall.zarr", file=sys.stderr)
    source, array = zarr.open_array(folder / "a.zarr", mode="r"), create("tall.zarr", (side,) * 3, tall)
    for row in range(0, side, tall[1]):
        array[:, row : row + tall[1]] = source[:, row : row + tall[1]]
    for seed, name in ((3, "m"), (4, "n")):
        print(f"making {name}.zarr", file=sys.stderr)
        array = create(f"{name}.zarr", (matrix, matrix), (max(1, matrix // 8), max(1, matrix // 8)))
        array[...] = np.random.default_rng(seed).standard_normal((matrix, matrix), dtype="f4")
    done.write_text(json.dumps(wanted))
    return folder


if __name__ == "__main__":
    print(ensure_arrays(*map(int, sys.argv[1:])))
