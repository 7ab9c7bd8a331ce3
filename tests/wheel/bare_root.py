"""What the wheel does where there is nothing but the C and C++ libraries, Python and NumPy. scripts/wheel-check runs it there."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

begun = time.perf_counter()
import freestone as fs

print(f"import: {1000 * (time.perf_counter() - begun):.0f} ms beside NumPy, Python {sys.version.split()[0]}, {os.path.dirname(fs.__file__)}")
os.chdir(tempfile.mkdtemp())
rng = np.random.default_rng(1)
values = rng.normal(size=(12, 30, 40)).astype("f4")


def array_of(path):
    opened = fs.open(path)
    return opened if isinstance(opened, fs.Array) else opened[list(opened.data_vars)[0]]


def program(*words):
    done = subprocess.run(["freestone", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"freestone {' '.join(words)}: {done.stderr}"
    return done.stdout


# Every format that is written, read again.
names = ("t", "y", "x")
np.save("in.npy", values)
a = fs.open("in.npy")
formats = {
    "a.fits": {}, "a.npy": {}, "a.zarr": {"chunks": (4, 15, 20)}, "a.tif": {"compress": "deflate"}, "b.tif": {"compress": "zstd"}, "c.tif": {"compress": "lzw"},
    "a.nc": {"chunks": (4, 15, 20), "compress": "deflate"}, "a.h5": {"chunks": (4, 15, 20), "compress": "zstd"}, "plain.nc": {}, "a.image": {},
}  # fmt: skip
for path, storage in formats.items():
    a.write(path, dims=names, **storage) if not path.endswith((".npy", ".image", ".fits")) else a.write(path, **storage)
    assert np.array_equal(np.squeeze(array_of(path).compute()), values), path
for codec in ("none", "zstd", "gzip", "zlib", "lz4", "bz2", "blosc-lz4", "blosc-zstd", "blosc-zlib", "blosc-snappy", "blosc-blosclz"):
    path = f"{codec}.zarr"
    try:
        a.write(path, zarr_version=2, compress=codec, chunks=(4, 15, 20))
    except fs.UserError as error:
        assert codec == "blosc-snappy", error  # written by others only
        continue
    assert np.array_equal(array_of(path).compute(), values), path
print("formats and codecs: written and read")

# Computing.
z = ((a - a.mean(axis=0)) / a.std(axis=0)).max(axis=0).compute()
wide = values.astype("f8")
assert np.allclose(z, ((wide - wide.mean(0)) / wide.std(0)).max(0), rtol=1e-5)
assert np.array_equal(np.median(a, axis=0).compute(), np.median(values, axis=0))
assert np.allclose(abs(fs.fft.fft(a, axis=0)).compute(), abs(np.fft.fft(values, axis=0)), rtol=1e-3, atol=1e-4)
assert fs.gather(fs.map(lambda n: n * n, range(5))) == [0, 1, 4, 9, 16]
(a + 1).visualize("plan.svg")
assert pathlib.Path("plan.svg").stat().st_size > 500

# A beam and a WCS: wcslib, and the program.
program("run", "in.npy", "!", "statistics", "--format", "json")
program("run", "a.fits", "!", "sigma-clip", "--threshold", "3", "--axis", "0", "!", "write", "clipped.fits")
program("run", "a.fits", "!", "sum", "--axis", "0", "!", "plot", "sum.png")
assert pathlib.Path("sum.png").read_bytes()[:4] == b"\x89PNG"
program("convert", "a.fits", "rice.fits.fz", "--compress", "gzip")
assert np.array_equal(np.squeeze(array_of("rice.fits.fz").compute()), values)
program("convert", "a.tif", "cog.tif", "--as", "cog")
assert "freestone" in program("doctor")
assert fs.__version__ in program("--version")

# From one CRS to another, by the wheel's own proj.db, whatever another package says about where its own is.
a = fs.asarray(values[0])
a.write("utm.tif", dims=("y", "x"), attrs={"crs": "EPSG:32633", "GeoTransform": "499400 30 0 5200000 0 -30"})
os.environ["PROJ_DATA"] = os.environ["PROJ_LIB"] = os.getcwd()
program("run", "utm.tif", "!", "reproject", "--crs", "EPSG:4326", "!", "write", "degrees.tif")
transform = json.loads(program("info", "degrees.tif", "--json"))["attributes"]["GeoTransform"]
assert abs(transform[0] - 14.99211475334011) < 1e-9 and abs(transform[3] - 46.953529) < 1e-5, transform  # pyproj's, of the western corner
assert "PROJ 9" in program("doctor")
print("reproject: by PROJ, with the wheel's proj.db")

# A URL: the client is there, with TLS (nobody answers here).
try:
    fs.open("https://localhost:1/nothing.fits", storage_options={"retries": 0})
    raise SystemExit("a file that is not there was opened")
except fs.IoError as error:
    assert "TLS" not in str(error) and "not supported" not in str(error), error
print("the program, pictures and the client of URLs: work")
licences = list(pathlib.Path(fs.__file__).parent.parent.glob("freestone-*.dist-info/licenses/THIRD-PARTY.txt"))
assert licences and "HDF5" in licences[0].read_text()
