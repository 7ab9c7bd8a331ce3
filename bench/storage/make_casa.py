"""Makes the image of scripts/bench storage: a CASA image of 512 x 768 x 768 float32 with a mask, written by casacore (the system's own Python has it)."""

import subprocess
import sys

from race import CACHE

PROGRAM = """
import sys
import casacore.images as ci, numpy as np
shape = tuple(map(int, sys.argv[2:5]))
im = ci.image(sys.argv[1], shape=shape, maskname='mask0')  # of float, as images are that nobody gives values
for z in range(0, shape[0], 16):
    random = np.random.default_rng(z)
    n = min(16, shape[0] - z)
    d = random.normal(0.1, 1, (n, *shape[1:])).astype('f4')
    im.putdata(d, [z, 0, 0])
    im.putmask(random.random(d.shape) < 0.02, [z, 0, 0])
del im
# What CASA writes and spectral-cube looks for.
import casacore.tables as ct
ct.table(sys.argv[1], readonly=False, ack=False).putkeyword('imageinfo', {'imagetype': 'Intensity', 'objectname': ''})
"""


def ensure_image(shape=(512, 768, 768)):
    """The folder with cube.image; makes it when it is missing."""
    folder = CACHE / ("casa-" + "x".join(map(str, shape)))
    done = folder / "done"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        print(f"making {folder.name}/cube.image", file=sys.stderr)
        subprocess.run(["/usr/bin/python3", "-c", PROGRAM, folder / "cube.image", *map(str, shape)], check=True)
        done.touch()
    return folder


if __name__ == "__main__":
    print(ensure_image())
