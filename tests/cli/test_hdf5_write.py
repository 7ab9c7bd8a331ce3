"""NetCDF-4 and HDF5 that Freestone writes, read by netCDF4, xarray and h5py bit for bit."""

import os
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")
netCDF4 = pytest.importorskip("netCDF4")
xr = pytest.importorskip("xarray")

pytestmark = pytest.mark.filterwarnings("ignore")

REAL = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]


def noise(random, shape, dtype):
    """Random bits, NaN payloads included."""
    if dtype == "?":
        return random.integers(0, 2, shape).astype("?")
    return np.frombuffer(random.bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape and a.dtype == b.dtype, (a.shape, a.dtype, b.shape, b.dtype)
    assert np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


def raw(dataset):
    dataset.set_auto_maskandscale(False)
    dataset.set_always_mask(False)
    return dataset


def source(freestone, path, dims=("time", "lat", "lon"), dtype="f4", shape=(7, 5, 6), random=None, attributes=None):
    """A variable of a NetCDF-4 file, by netCDF4."""
    x = noise(random, shape, dtype)
    with raw(netCDF4.Dataset(freestone.folder / path, "w")) as d:
        for name, length in zip(dims, shape):
            d.createDimension(name, length)
        v = d.createVariable("tas", dtype, dims)
        for key, value in (attributes or {}).items():
            v.setncattr(key, value)
        v[...] = x
    return x


@pytest.mark.parametrize("dtype", [*REAL, "?"])
@pytest.mark.parametrize("options", ["", "--compress deflate --chunks 3,4,5"])
def test_netcdf4_reads_what_we_write(freestone, random, dtype, options):
    x = noise(random, (6, 9, 7), dtype)
    np.save(freestone.folder / "x.npy", x)
    freestone.out(f"convert x.npy y.nc {options}")
    kept = x.astype("i1") if dtype == "?" else x
    with raw(netCDF4.Dataset(freestone.folder / "y.nc")) as d:
        assert d.data_model == "NETCDF4" and list(d.variables) == ["data"]
        assert d["data"].dimensions == ("dim_0", "dim_1", "dim_2") and list(d.dimensions) == ["dim_0", "dim_1", "dim_2"]
        assert d["data"].chunking() == ([3, 4, 5] if options else "contiguous")
        same(d["data"][...], kept)
    with h5py.File(freestone.folder / "y.nc") as f:
        same(f["data"][...], kept)
    freestone.out("convert y.nc z.npy --overwrite")
    same(np.load(freestone.folder / "z.npy"), x)  # the attribute dtype says that it was bool


@pytest.mark.parametrize("dtype", [*REAL, "?", "c8", "c16"])
def test_h5py_reads_what_we_write(freestone, random, dtype):
    for shape in [(), (11,), (6, 9, 7), (0, 3)]:
        x = noise(random, shape, dtype)
        np.save(freestone.folder / "x.npy", x)
        for options in ["", "--compress deflate --level 9 --fletcher32"]:
            freestone.out(f"convert x.npy y.h5 --overwrite {options}")
            with h5py.File(freestone.folder / "y.h5") as f:
                assert list(f) == ["data"]
                same(f["data"][...], x)
                assert f["data"].fletcher32 == bool(options and x.size and shape)
            freestone.out("convert y.h5 z.npy --overwrite")
            same(np.load(freestone.folder / "z.npy"), x)
    assert "complex" in freestone.fails(1, "convert x.npy y.nc") if dtype[0] == "c" else True


COMPRESSORS = ["none", "deflate", "zstd", "lzf", "lz4", "bz2", "blosc-lz4", "blosc-zstd", "blosc-blosclz", "blosc-lz4hc", "blosc-zlib", "blosc"]


@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_compressors(freestone, random, compressor):
    """Decoded by hdf5plugin's filters in a process of its own: several HDF5 libraries in one confuse them."""
    for dtype in ("u1", "i2", "f8"):
        x = np.repeat(random.integers(0, 9, (40, 23)), 3, axis=1).astype(dtype)
        np.save(freestone.folder / f"{dtype}.npy", x)
        for shuffle in ("yes", "no"):
            freestone.out(f"convert {dtype}.npy {dtype}_{shuffle}.h5 --compress {compressor} --chunks 13,20 --shuffle {shuffle}")
            freestone.out(f"convert {dtype}_{shuffle}.h5 z.npy --overwrite")
            same(np.load(freestone.folder / "z.npy"), x)
    program = """
import h5py, hdf5plugin, numpy as np
for dtype in ("u1", "i2", "f8"):
    for shuffle in ("yes", "no"):
        with h5py.File(f"{dtype}_{shuffle}.h5") as f:
            assert f["data"].chunks == (13, 20)
            assert f["data"][...].tobytes() == np.load(f"{dtype}.npy").tobytes(), (dtype, shuffle)
"""
    # netCDF4 has set HDF5_PLUGIN_PATH in this process, to filters of its own library.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HDF5_")}
    subprocess.run([sys.executable, "-c", program], cwd=freestone.folder, check=True, env=environment)
    if compressor not in ("none", "lz4"):
        with h5py.File(freestone.folder / "f8_yes.h5") as f:
            assert f["data"].id.get_storage_size() < x.nbytes / 3


def test_settings_that_cannot_be(freestone):
    np.save(freestone.folder / "x.npy", np.zeros((4, 5), "f4"))
    for options, why in {
        "--compress lzw": "no compressor 'lzw'", "--level 3": "level without compression", "--compress lzf --level 3": "no level",
        "--compress deflate --level 12": "level 12", "--chunks 2": "2 axes", "--chunks 0,3": "1 or more", "--shards 2,2": "no shards",
        "--unlimited tiem": "'tiem'", "--zarr-version 2": "Zarr",
    }.items():  # fmt: skip
        assert why in freestone.fails(1, f"convert x.npy y.nc {options}"), options
        assert not (freestone.folder / "y.nc").exists()


def test_dimensions_attributes_and_fill(freestone, random):
    attributes = {"units": "K", "accents": "Ünïcode", "empty": "", "_FillValue": np.float32(-9), "valid_range": np.array([0, 400], "f4"),
                  "levels": np.array([1, 2, 3], "i4"), "pi": 3.5, "n": np.int16(7), "names": ["a", "bb"], "big": np.int64(2**40)}  # fmt: skip
    x = noise(random, (7, 5, 6), "f4")
    with raw(netCDF4.Dataset(freestone.folder / "x.nc", "w")) as d:
        for name, length in zip(("time", "lat", "lon"), x.shape):
            d.createDimension(name, length)
        v = d.createVariable("tas", "f4", ("time", "lat", "lon"), fill_value=attributes["_FillValue"])
        v.setncatts({k: a for k, a in attributes.items() if k != "_FillValue"})
        v[...] = x
    freestone.out("convert x.nc y.nc --unlimited time --compress deflate --level 1")
    with raw(netCDF4.Dataset(freestone.folder / "y.nc")) as d:
        v = d["tas"]
        assert v.dimensions == ("time", "lat", "lon") and d.dimensions["time"].isunlimited() and not d.dimensions["lat"].isunlimited()
        assert v.filters()["zlib"] and v.filters()["complevel"] == 1 and v.filters()["shuffle"]
        same(v[...], x)
        assert set(v.ncattrs()) == set(attributes)
        for key, value in attributes.items():
            found = v.getncattr(key)
            np.testing.assert_array_equal(found, value, err_msg=key)
            if isinstance(value, np.generic):
                assert found.dtype == value.dtype, key
    with raw(netCDF4.Dataset(freestone.folder / "y.nc", "a")) as d:  # it grows as its own would
        d["tas"][7:9] = 1
    with xr.open_dataset(freestone.folder / "y.nc", decode_times=False) as d:
        assert d["tas"].dims == ("time", "lat", "lon") and d.sizes == {"time": 9, "lat": 5, "lon": 6}
    freestone.out("convert y.nc y.h5")
    with h5py.File(freestone.folder / "y.h5") as f:
        assert [d.label for d in f["tas"].dims] == ["time", "lat", "lon"]
        assert f["tas"].attrs["units"] == "K" and list(f["tas"].attrs["names"]) == ["a", "bb"] and f["tas"].fillvalue == -9
    info = freestone.json("info y.h5[tas] --json")
    assert info["dims"] == ["time", "lat", "lon"] and info["attributes"]["accents"] == "Ünïcode"


def test_interrupted_and_refused_writes_leave_what_was_there(freestone, random):
    source(freestone, "x.nc", random=random)
    (freestone.folder / "y.nc").write_bytes(b"old")
    assert "--overwrite" in freestone.fails(1, "convert x.nc y.nc")
    assert (freestone.folder / "y.nc").read_bytes() == b"old"
    assert "ulimit" in freestone.fails(1, "run x.nc ! calc --expr x+1 ! write y.nc --overwrite", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700)))
    assert (freestone.folder / "y.nc").read_bytes() == b"old"
    assert sorted(p.name for p in freestone.folder.iterdir()) == ["x.nc", "y.nc"]


def append_case(freestone, random, first, more, chunk, options=""):
    parts = [source(freestone, "x.nc", shape=(first, 5, 6), random=random)]
    freestone.out(f"convert x.nc out.nc --overwrite --unlimited time --chunks {chunk} {options}")
    for n in more:
        parts.append(source(freestone, "x.nc", shape=(n, 5, 6), random=random))
        freestone.out("run x.nc ! write out.nc --append time")
    return np.concatenate(parts)


@pytest.mark.parametrize("chunk", ["1,5,6", "4,3,4", "7,2,6", "30,5,6"])
@pytest.mark.parametrize("options", ["", "--compress deflate --fletcher32", "--compress zstd --shuffle no"])
def test_append_along_time(freestone, random, chunk, options):
    x = append_case(freestone, random, 7, [1, 12, 3, 5], chunk, options)
    with h5py.File(freestone.folder / "out.nc") as f:
        assert f["tas"].shape == x.shape
        if "zstd" not in options:
            same(f["tas"][...], x)
    freestone.out("convert out.nc z.npy --overwrite")
    same(np.load(freestone.folder / "z.npy"), x)
    if "zstd" not in options:
        with raw(netCDF4.Dataset(freestone.folder / "out.nc")) as d:
            assert d.dimensions["time"].size == len(x) and d.dimensions["time"].isunlimited()
            same(d["tas"][...], x)
    assert sorted(p.name for p in freestone.folder.iterdir()) == ["out.nc", "x.nc", "z.npy"]


@pytest.mark.parametrize("library", ["netCDF4", "h5py", "h5py v110", "big-endian"])
def test_append_to_files_of_others(freestone, random, library):
    x, y = noise(random, (5, 5, 6), "f4"), source(freestone, "y.nc", shape=(6, 5, 6), random=random)
    if library == "netCDF4":
        with raw(netCDF4.Dataset(freestone.folder / "out.nc", "w")) as d:
            d.createDimension("time", None), d.createDimension("lat", 5), d.createDimension("lon", 6)
            d.createVariable("time", "f8", ("time",))[:] = np.arange(5)
            d.createVariable("tas", "f4", ("time", "lat", "lon"), zlib=True, chunksizes=(3, 2, 6))[:] = x
    else:
        with h5py.File(freestone.folder / "out.nc", "w", libver=("v110", "v110") if "v110" in library else None) as f:
            dtype = ">f4" if library == "big-endian" else "f4"
            d = f.create_dataset("tas", shape=x.shape, dtype=dtype, maxshape=(None, 5, 6), chunks=(2, 5, 4), compression="gzip", shuffle=True)
            d[...] = x
            for k, name in enumerate(("time", "lat", "lon")):
                d.dims[k].label = name
    freestone.out("run y.nc ! write out.nc --append time")
    with h5py.File(freestone.folder / "out.nc") as f:
        same(f["tas"][...].astype("f4"), np.concatenate([x, y]))
        if library == "netCDF4":
            assert f["time"].shape == (11,)


def test_append_refuses_what_does_not_fit(freestone, random):
    source(freestone, "x.nc", random=random, attributes={"units": "K"})
    freestone.out("convert x.nc out.nc --unlimited time")
    before = (freestone.folder / "out.nc").read_bytes()
    source(freestone, "shape.nc", shape=(2, 4, 6), random=random)
    source(freestone, "dtype.nc", dtype="f8", random=random)
    source(freestone, "units.nc", random=random, attributes={"units": "degC"})
    source(freestone, "dims.nc", dims=("time", "y", "x"), random=random)
    for name, why in {"shape": "5 elements along 'lat'", "dtype": "float32", "units": "degC", "dims": "'lat'"}.items():
        assert why in freestone.fails(1, f"run {name}.nc ! write out.nc --append time"), name
    assert "'tmie'" in freestone.fails(1, "run x.nc ! write out.nc --append tmie")
    assert "not unlimited" in freestone.fails(1, "run x.nc ! write out.nc --append lat")
    assert "no such file" in freestone.fails(1, "run x.nc ! write none.nc --append time")
    assert "append" in freestone.fails(1, "run x.nc ! write none.zarr --append time")
    assert (freestone.folder / "out.nc").read_bytes() == before


def test_a_killed_append_leaves_the_file_as_it_was(freestone, random):
    """Whenever it is killed: the old array, or all of the new one; and the next run goes on from there."""
    first = source(freestone, "x.nc", shape=(4, 200, 300), random=random)
    freestone.out("convert x.nc start.nc --unlimited time --chunks 3,50,60 --compress deflate")
    more = source(freestone, "x.nc", shape=(30, 200, 300), random=random)
    start = (freestone.folder / "start.nc").read_bytes()
    begin = time.perf_counter()
    (freestone.folder / "out.nc").write_bytes(start)
    freestone.out("run x.nc ! write out.nc --append time")
    took = time.perf_counter() - begin
    finished = 0
    for share in np.linspace(0.2, 1.0, 8):
        (freestone.folder / "out.nc").write_bytes(start)
        process = freestone.start("run x.nc ! write out.nc --append time")
        time.sleep(took * share)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        freestone.out("convert out.nc z.npy --overwrite")
        found = np.load(freestone.folder / "z.npy")
        same(found, first if len(found) == 4 else np.concatenate([first, more]))
        finished += len(found) > 4
        freestone.out("run x.nc ! write out.nc --append time")
        freestone.out("convert out.nc z.npy --overwrite")
        same(np.load(freestone.folder / "z.npy"), np.concatenate([found, more]))
        with h5py.File(freestone.folder / "out.nc") as f:
            same(f["tas"][...], np.concatenate([found, more]))
        assert not list(freestone.folder.glob(".*"))
