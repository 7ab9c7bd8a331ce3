"""Freestone lives in one process with libraries that hold other copies of HDF5, GDAL, zlib and libtiff, whatever is imported first.

FREESTONE_CROWD=all tries many orders, and all libraries that there are (scripts/wheel-check --crowd does, with the wheel); otherwise a few.
"""

import importlib.util
import os
import random
import subprocess
import sys

import pytest

CROWD = [name for name in ("h5py", "netCDF4", "rasterio", "pyarrow", "numba", "torch") if importlib.util.find_spec(name)]
SEED = int(os.environ.get("FREESTONE_TEST_SEED", "20240607"))
EVERYTHING = os.environ.get("FREESTONE_CROWD") == "all"

# What each does with its own copy of a library, after all are imported; freestone reads what the others wrote, and the other way round.
WORK = """
import numpy as np
values = np.arange(60.0).reshape(3, 4, 5)

def use_freestone():
    fs.asarray(values).write("own.nc", overwrite=True, dims=("t", "y", "x"), compress="deflate", chunks=(1, 4, 5))
    fs.asarray(values.astype("f4")).write("own.tif", overwrite=True, dims=("band", "y", "x"), compress="deflate")
    fs.asarray(values).write("own.zarr", overwrite=True, chunks=(1, 2, 5), compress="blosc-zstd")
    opened = fs.open("own.nc")
    opened = opened if isinstance(opened, fs.Array) else opened[list(opened.data_vars)[0]]
    assert np.array_equal(opened.compute(), values)
    assert np.array_equal(fs.open("own.tif").compute(), values)
    assert np.array_equal(fs.open("own.zarr").compute(), values)
    assert float(fs.asarray(values).sum()) == values.sum()

def use_h5py():
    with h5py.File("h5py.h5", "w") as f:
        f.create_dataset("x", data=values, chunks=(1, 4, 5), compression="gzip", shuffle=True)
    opened = fs.open("h5py.h5")
    opened = opened if isinstance(opened, fs.Array) else opened["x"]
    assert np.array_equal(opened.compute(), values)
    with h5py.File("own.nc") as f:
        assert any(np.array_equal(v, values) for v in f.values() if v.shape == values.shape)

def use_netCDF4():
    with netCDF4.Dataset("netcdf4.nc", "w") as f:
        for name, length in zip("tyx", values.shape):
            f.createDimension(name, length)
        f.createVariable("x3", "f8", tuple("tyx"), zlib=True)[:] = values
    assert np.array_equal(fs.open("netcdf4.nc")["x3"].compute(), values)
    with netCDF4.Dataset("own.nc") as f:
        assert any(np.array_equal(v[:], values) for v in f.variables.values() if v.shape == values.shape)

def use_rasterio():
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open("rasterio.tif", "w", driver="GTiff", height=4, width=5, count=3, dtype="float32", compress="deflate") as f:
            f.write(values.astype("f4"))
        with rasterio.open("own.tif") as f:
            assert np.array_equal(f.read(), values)
    assert np.array_equal(fs.open("rasterio.tif").compute(), values)

def use_pyarrow():
    import pyarrow.parquet
    pyarrow.parquet.write_table(pyarrow.table({"x": values.ravel()}), "x.parquet", compression="zstd")
    assert np.array_equal(pyarrow.parquet.read_table("x.parquet")["x"].to_numpy(), values.ravel())

def use_numba():
    doubled = fs.asarray(values).map_blocks(numba.njit(lambda block: block * 2))
    assert np.array_equal(doubled.compute(), 2 * values)

def use_torch():
    tensor = torch.arange(6, dtype=torch.float64).reshape(2, 3)
    assert float(fs.from_dlpack(tensor).sum()) == 15 and float((tensor @ tensor.T).sum()) == 83

use_freestone()
for name in order:
    globals()["use_" + {"fs": "freestone"}.get(name, name)]()
use_freestone()
print("all is well")
"""


def orders():
    """Each library before Freestone and after it; with everything, all rotations and shuffled ones."""
    names = [*CROWD, "fs"]
    if not EVERYTHING:
        return [names, names[::-1]]
    shuffler = random.Random(SEED)
    rotated = [names[i:] + names[:i] for i in range(len(names))]
    return rotated + [o[::-1] for o in rotated] + [shuffler.sample(names, len(names)) for _ in range(12)]


def program(order, prelude=""):
    imports = "".join("import freestone as fs\n" if name == "fs" else f"import {name}\n" for name in order)
    return f"{prelude}{imports}order = {order!r}\n{WORK}"


def run(code, folder):
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)


def test_there_is_a_crowd():
    assert {"h5py", "netCDF4", "rasterio", "numba"} <= set(CROWD)


@pytest.mark.parametrize("order", orders(), ids=lambda order: "-".join(order))
def test_any_order_of_imports(order, tmp_path):
    done = run(program(order), tmp_path)
    assert done.returncode == 0 and "all is well" in done.stdout, f"seed {SEED}, {order}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"


if EVERYTHING:  # Only static libraries stand it: with the wheel.

    @pytest.mark.parametrize("order", orders()[: len(CROWD) + 1], ids=lambda order: "-".join(order))
    def test_a_host_that_shows_all_symbols(order, tmp_path):
        """RTLD_GLOBAL: what was loaded first would stand in for libraries of the same names."""
        done = run(program(order, "import os, sys\nsys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)\n"), tmp_path)
        assert done.returncode == 0 and "all is well" in done.stdout, f"{order}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
