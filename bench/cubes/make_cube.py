"""Makes the cube that the benchmark runs on: noise, spectral lines, a NaN border.

    make_cube.py [--shape 512,768,768] [--seed 7] [--output FILE]

A FITS image of big-endian float32 with the axes of a radio interferometer's cube: RA, Dec (0.2 arcsec pixels) and radio
velocity, a beam of 0.79 x 0.68 arcsec, Jy/beam. It is written plane by plane, so a cube of any size takes little memory;
the same shape and seed give the same bytes. Without --output it is kept as .cache/bench/cube-SHAPE-SEED.fits and made only once.
"""

import argparse
import os
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = 2880


def header(shape):
    channels, rows, columns = shape
    cards = [
        ("SIMPLE", True), ("BITPIX", -32), ("NAXIS", 3), ("NAXIS1", columns), ("NAXIS2", rows), ("NAXIS3", channels),
        ("BUNIT", "Jy/beam"), ("BMAJ", 0.79 / 3600), ("BMIN", 0.68 / 3600), ("BPA", 35.0), ("BTYPE", "Intensity"),
        ("CTYPE1", "RA---SIN"), ("CRVAL1", 187.70593), ("CDELT1", -0.2 / 3600), ("CRPIX1", columns / 2 + 1), ("CUNIT1", "deg"),
        ("CTYPE2", "DEC--SIN"), ("CRVAL2", 12.39112), ("CDELT2", 0.2 / 3600), ("CRPIX2", rows / 2 + 1), ("CUNIT2", "deg"),
        ("CTYPE3", "VRAD"), ("CRVAL3", 1.0e6), ("CDELT3", 500.0), ("CRPIX3", 1.0), ("CUNIT3", "m/s"),
        ("RESTFRQ", 115.2712018e9), ("SPECSYS", "LSRK"), ("RADESYS", "ICRS"), ("EQUINOX", 2000.0), ("OBJECT", "Synthetic"),
    ]

    def text(value):
        if isinstance(value, bool):
            return ("T" if value else "F").rjust(20)
        if isinstance(value, str):
            return f"'{value:<8}'".ljust(20)
        return (repr(value) if isinstance(value, int) else f"{value:.13E}").rjust(20)

    lines = "".join(f"{key:<8}= {text(value)}".ljust(80) for key, value in cards) + "END".ljust(80)
    return lines.ljust(-(-len(lines) // BLOCK) * BLOCK).encode("ascii")


def lines_of(shape):
    """Centre, width and strength of the line of every pixel: a rotating disc in the middle of the field."""
    channels, rows, columns = shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    y = (y - rows / 2) / (rows / 2)
    x = (x - columns / 2) / (columns / 2)
    radius = np.hypot(x, y)
    centre = channels * (0.5 + 0.3 * x / np.maximum(radius, 0.05) * np.minimum(radius, 0.4))
    strength = 0.02 * np.exp(-(radius / 0.35) ** 2)
    return centre.astype(np.float32), np.float32(max(2.0, channels / 100)), strength.astype(np.float32)


def border_of(shape):
    """True where the cube has no data: outside of the primary beam, and a frame of a few pixels."""
    _, rows, columns = shape
    y, x = np.mgrid[0:rows, 0:columns]
    outside = np.hypot((y - rows / 2) / (rows / 2), (x - columns / 2) / (columns / 2)) > 1.15
    frame = max(1, min(rows, columns) // 128)
    outside[:frame] = outside[-frame:] = True
    outside[:, :frame] = outside[:, -frame:] = True
    return outside


def make(path, shape, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    centre, width, strength = lines_of(shape)
    outside = border_of(shape)
    generator = np.random.default_rng(seed)
    with open(temporary, "wb") as file:
        file.write(header(shape))
        for channel in range(shape[0]):
            plane = generator.standard_normal(shape[1:], dtype=np.float32)
            plane *= np.float32(0.001)
            plane += strength * np.exp(-0.5 * ((channel - centre) / width) ** 2)
            plane[outside] = np.nan
            file.write(plane.astype(">f4").tobytes())
        file.write(b"\0" * (-file.tell() % BLOCK))
    os.replace(temporary, path)


def cube_path(shape, seed=7):
    return ROOT / ".cache" / "bench" / f"cube-{'x'.join(map(str, shape))}-{seed}.fits"


def ensure_cube(shape, seed=7):
    """Path of the cube; made when it is not there."""
    path = cube_path(shape, seed)
    if not path.exists():
        make(path, shape, seed)
    return path


def parse_shape(text):
    shape = tuple(int(part) for part in text.split(","))
    if len(shape) != 3 or min(shape) < 1:
        raise argparse.ArgumentTypeError("three sizes: channels,rows,columns")
    return shape


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=parse_shape, default=(512, 768, 768))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", type=pathlib.Path)
    options = parser.parse_args()
    if options.output:
        make(options.output, options.shape, options.seed)
        print(options.output)
    else:
        print(ensure_cube(options.shape, options.seed))


if __name__ == "__main__":
    main()
