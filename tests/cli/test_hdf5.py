"""HDF5 and NetCDF-4 through the program, compared with h5py and netCDF4 bit for bit."""

import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")
hdf5plugin = pytest.importorskip("hdf5plugin")
netCDF4 = pytest.importorskip("netCDF4")

pytestmark = pytest.mark.filterwarnings("ignore")


def native(x):
    x = np.asarray(x)
    x = x.astype(x.dtype.newbyteorder("="))
    return x.astype("f4") if x.dtype == np.float16 else x


def expect_same(freestone, file, name, wanted):
    wanted = native(wanted)
    freestone.out("convert --overwrite", f"{file}[{name}]", "out.npy")
    found = np.load(freestone.folder / "out.npy")
    assert found.dtype == wanted.dtype and found.shape == wanted.shape, name
    assert found.tobytes() == wanted.tobytes(), name


def low_level(f, name, dtype, shape, maxshape=None, **settings):
    """A dataset with creation properties that h5py's own method does not offer."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    for key, value in settings.items():
        getattr(plist, f"set_{key}")(*value)
    space = h5py.h5s.create_simple(shape, maxshape)
    if isinstance(dtype, (np.dtype, str)):
        dtype = h5py.h5t.py_create(np.dtype(dtype), logical=True)
    return h5py.Dataset(h5py.h5d.create(f.id, name.encode(), dtype, space, plist))


UNLIMITED = h5py.h5s.UNLIMITED
FILTERS = {"plain": {}, "gzip": {"compression": "gzip"}, "all": {"compression": "gzip", "shuffle": True, "fletcher32": True}}
# version 1 B-trees for everything; then implicit, fixed array, extensible array, version 2 B-tree
VERSIONS = ["earliest", ("v110", "v110"), ("v114", "v114")]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda v: v if isinstance(v, str) else v[0])
@pytest.mark.parametrize("filters", FILTERS)
def test_every_chunk_index(freestone, random, version, filters):
    """Dense, sparse and unwritten arrays: the chunks that Freestone finds hold what h5py reads."""
    x = random.integers(0, 1000, (37, 53)).astype("i4")
    with h5py.File(freestone.folder / "x.h5", "w", libver=version) as f:
        options = FILTERS[filters]
        f.create_dataset("single", data=x, chunks=(37, 53), **options)
        f.create_dataset("larger", data=x, chunks=(50, 60), maxshape=(None, None), **options)
        for kind, maxshape in {"fixed": None, "one": (None, 53), "both": (None, None)}.items():
            options = FILTERS[filters] | {"chunks": (5, 7), "maxshape": maxshape}
            f.create_dataset(f"{kind}", data=x, **options)
            f.create_dataset(f"{kind}_unwritten", shape=x.shape, dtype="i4", fillvalue=3, **options)
            d = f.create_dataset(f"{kind}_sparse", shape=x.shape, dtype="i4", fillvalue=-7, **options)
            for _ in range(4):
                i, j = random.integers(0, 37), random.integers(0, 53)
                d[i : i + 6, j : j + 3] = x[i : i + 6, j : j + 3]
        if filters == "plain":
            low_level(f, "implicit", "i4", x.shape, chunk=[(5, 7)], alloc_time=[h5py.h5d.ALLOC_TIME_EARLY])[...] = x
        else:
            # A chunk that its writer left unfiltered.
            d = low_level(f, "masked", "i4", x.shape, chunk=[(5, 7)], shuffle=[], deflate=[4])
            d[...] = x
            d.id.write_direct_chunk((5, 7), np.ascontiguousarray(x[5:10, 7:14]).tobytes(), filter_mask=3)
            low_level(f, "shrunk", "i4", x.shape, (UNLIMITED, UNLIMITED), chunk=[(5, 7)], deflate=[4])[...] = x
            f["shrunk"].resize((21, 30))
    with h5py.File(freestone.folder / "x.h5") as f:
        for name in f:
            expect_same(freestone, "x.h5", name, f[name][...])


def test_info_lists_what_is_there(freestone):
    """Units, pieces as they lie in the array, characters and times by their names; no names of dimensions that nobody gave."""
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        f["plain"] = np.zeros((3, 4), "f4")
        f["plain"].attrs["units"] = "K"
        f.create_dataset("wide", data=np.zeros((3, 4), "i2"), chunks=(100, 2), maxshape=(None, 4))
        f["letters"] = np.array([[b"a", b"b"]])
        f["label"] = "one"
        f.create_dataset("lists", (2,), dtype=h5py.vlen_dtype("i4"))
    text = freestone.out("info x.h5")
    for line in ("plain            3 x 4 float32, in one piece, K", "wide             3 x 4 int16, chunks 3 x 2", "letters          1 x 2 characters, in one piece",
                 "label            one text: one", "lists            its elements are lists of different lengths, which are not read"):
        assert f"    {line}\n" in text, text
    assert "phony" not in text and "phony_dim_0" in freestone.json("info x.h5 --json")["dims"]


def test_what_a_later_hdf5_stores_in_its_own_form_says_so(freestone, random):
    """Said once, with what helps; what is written as that advises is read, and so is the rest of the file."""
    x = random.normal(size=(6, 4))
    record = np.array([(1, 2.5), (3, 4.5)], [("a", "i4"), ("b", "f8")])

    def write(name, libver):
        with h5py.File(freestone.folder / name, "w", libver=libver) as f:
            f["plain"] = x
            f.create_dataset("chunked", data=x, chunks=(3, 4), compression="gzip")
            f["flags"], f["waves"], f["records"] = x > 0, x * 1j, record
            f["noted"] = x
            f["noted"].attrs["valid"] = f.attrs["whole"] = True
            for k in range(20):  # more than an object header keeps
                f["plain"].attrs[f"note {k}"] = "x" * k

    write("later.h5", "latest")
    found = {v["name"]: v.get("note", "") for v in freestone.json("info later.h5 --json")["hdus"]}
    newer = [name for name, note in found.items() if "later HDF5 than" in note]
    assert "plain" not in newer
    expect_same(freestone, "later.h5", "plain", x)
    if newer:
        assert all("libver=('earliest', 'v110')" in found[name] for name in newer)
        said = freestone("convert later.h5 y.nc").stderr
        assert said.count("later.h5") == said.count("\n") and all(f"'{name}'" in said for name in newer)
        assert ("/: its attributes are stored in the form of a later HDF5" in said) == ("noted" in newer)
        assert f"later.h5: {newer[0]}: it is stored in the form" in freestone(f"run later.h5 --var {newer[0]} ! statistics").stderr
    write("advised.h5", ("earliest", "v110"))
    for name, expected in {"plain": x, "noted": x, "chunked": x, "flags": x > 0, "waves": x * 1j, "records.b": record["b"]}.items():
        expect_same(freestone, "advised.h5", name, expected)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("code", "i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split())
def test_types_and_layouts(freestone, random, code, order):
    x = (random.normal(size=(11, 13)) * 100).astype(order + code)
    with h5py.File(freestone.folder / "x.h5", "w", userblock_size=512) as f:
        f["contiguous"] = x
        f["scalar"] = x[0, 0]
        f["empty"] = x[:0]
        f.create_dataset("unwritten", shape=x.shape, dtype=x.dtype, fillvalue=x[1, 1])
        f.create_dataset("chunked", data=x, chunks=(4, 5), compression="gzip", shuffle=True)
        f.create_dataset("partial", shape=x.shape, dtype=x.dtype, chunks=(4, 5), fillvalue=x[1, 1])[:5, :5] = x[:5, :5]
        f.create_dataset("growing", shape=(0, 4), maxshape=(None, 4), dtype=x.dtype)
        low_level(f, "compact", x.dtype, x.shape, layout=[h5py.h5d.COMPACT])[...] = x
    with h5py.File(freestone.folder / "x.h5") as f:
        for name in f:
            expect_same(freestone, "x.h5", name, f[name][...])


# In a process of its own: netCDF4 brings another HDF5 library, and names its own filters to all.
PLUGIN_FILTERS = """
import h5py, hdf5plugin as p, numpy as np, sys
random = np.random.default_rng(int(sys.argv[1]))
known = {
    "lz4": p.LZ4(), "lz4_blocks": p.LZ4(nbytes=1024), "zstd": p.Zstd(), "bzip2": p.BZip2(), "blosc": p.Blosc("zstd", 5, p.Blosc.BITSHUFFLE),
    "bitshuffle": p.Bitshuffle(cname="none"), "bitshuffle_lz4": p.Bitshuffle(), "bitshuffle_zstd": p.Bitshuffle(cname="zstd"),
    "bitshuffle_blocks": p.Bitshuffle(nelems=64), "lzf": {"compression": "lzf", "shuffle": True}, "fletcher32": {"fletcher32": True},
    "scaleoffset": {"scaleoffset": 0},
}
with h5py.File("x.h5", "w") as f:
    for dtype in ("u1", "i2", "i4", "f4", "f8"):
        x = random.integers(0, 4, (101, 57)).astype(dtype)
        x[50:] = (random.normal(size=(51, 57)) * 60 + 128).astype(dtype)
        for name, options in known.items():
            if name != "scaleoffset" or dtype[0] != "f":
                f.create_dataset(f"{name}_{dtype}", data=x, chunks=(37, 19), **options)
    f.create_dataset("zfp", data=x, chunks=(37, 19), **p.Zfp(reversible=True))
with h5py.File("x.h5") as f:
    np.savez("wanted.npz", **{name: f[name][...] for name in f if name != "zfp"})
"""


def test_filters(freestone, random):
    program = [sys.executable, "-c", PLUGIN_FILTERS, str(random.integers(1 << 30))]
    # netCDF4 has set HDF5_PLUGIN_PATH in this process, to filters of its own library.
    subprocess.run(program, cwd=freestone.folder, check=True, env={k: v for k, v in os.environ.items() if not k.startswith("HDF5_")})
    with np.load(freestone.folder / "wanted.npz") as wanted:
        assert len(wanted) == 58
        for name in wanted:
            expect_same(freestone, "x.h5", name, wanted[name])
    assert "filter 32013" in freestone.fails(1, "convert x.h5[zfp] y.npy")


def test_filters_of_the_library(freestone, random):
    """What Freestone has no codec for: n-bit, scale-offset of floats, szip where h5py has it."""
    x = (random.normal(size=(101, 57)) * 60 + 128).astype("f4")
    odd = h5py.h5t.STD_I32LE.copy()
    odd.set_precision(17), odd.set_offset(3)
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        low_level(f, "nbit", odd, (30, 31), chunk=[(8, 9)], filter=[h5py.h5z.FILTER_NBIT])[...] = random.integers(-60000, 60000, (30, 31)).astype("i4")
        f.create_dataset("scaled", data=x, chunks=(37, 19), scaleoffset=2)
        f.create_dataset("scaled_after_shuffle", data=x.astype("i2"), shuffle=True, chunks=(37, 19), scaleoffset=0)
        if h5py.h5z.filter_avail(h5py.h5z.FILTER_SZIP) and h5py.h5z.get_filter_info(h5py.h5z.FILTER_SZIP) & h5py.h5z.FILTER_CONFIG_ENCODE_ENABLED:
            f.create_dataset("szip", data=x, chunks=(37, 19), compression="szip")
            f.create_dataset("szip_i2", data=x.astype("i2"), chunks=(37, 19), compression="szip", compression_opts=("ec", 8))
    with h5py.File(freestone.folder / "x.h5") as f:
        for name in f:
            expect_same(freestone, "x.h5", name, f[name][...])


@pytest.mark.parametrize("mode", ["BitGroom", "BitRound", "GranularBitRound"])
def test_rounded_bits_are_read_as_they_are(freestone, random, mode):
    x = random.normal(size=(20, 30)).astype("f4")
    with netCDF4.Dataset(freestone.folder / "x.nc", "w") as f:
        f.createDimension("y", 20), f.createDimension("x", 30)
        f.createVariable("v", "f4", ("y", "x"), zlib=True, significant_digits=3, quantize_mode=mode)[:] = x
    with netCDF4.Dataset(freestone.folder / "x.nc") as f:
        f.set_auto_maskandscale(False)
        expect_same(freestone, "x.nc", "v", f["v"][...])
        assert not np.array_equal(f["v"][...], x)


def test_compounds_are_a_variable_a_field(freestone, random):
    dtype = np.dtype([("a", "<i4"), ("b", ">f8"), ("c", "<c8"), ("v", "<f4", (3,)), ("s", "S5"), ("h", "<f2"), ("ok", "?")], align=True)
    x = np.zeros((17, 9), dtype)
    for name in dtype.names:
        if name != "s":
            x[name] = (random.normal(size=x[name].shape) * 50).astype(dtype[name].base)
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        f["contiguous"] = x
        f["long"] = np.tile(x.reshape(-1), 400)
        f.create_dataset("unwritten", shape=(4,), dtype=dtype)
        f.create_dataset("chunked", data=x, chunks=(5, 4), compression="gzip", shuffle=True, fletcher32=True)
        f.create_dataset("partial", shape=x.shape, dtype=dtype, chunks=(5, 4), fillvalue=x[2, 2])[:5, :4] = x[:5, :4]
        low_level(f, "compact", dtype, (3,), layout=[h5py.h5d.COMPACT])[...] = x[0, :3]
    with h5py.File(freestone.folder / "x.h5") as f:
        for name in f:
            for field in dtype.names:
                if field != "s":
                    expect_same(freestone, "x.h5", f"{name}.{field}", f[name][...][field])
    assert "texts" in freestone.fails(1, "convert x.h5[long.s] y.npy")


def test_other_elements(freestone, random):
    flags = h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 42}, basetype="u1")
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        b = random.random((20, 30)) > 0.5
        f["bool"] = b
        f.create_dataset("bool_chunks", data=b, compression="lzf", chunks=(6, 7))
        f.create_dataset("enum", data=np.array([0, 1, 42], "u1"), dtype=flags)
        array = h5py.h5t.array_create(h5py.h5t.IEEE_F32BE, (3, 2))
        values = np.arange(30, dtype=">f4").reshape(5, 3, 2)
        for name, settings in {"array": {}, "array_chunks": {"chunk": [(2,)], "shuffle": [], "deflate": [3]}}.items():
            d = low_level(f, name, array, (5,), **settings)
            d.id.write(h5py.h5s.ALL, h5py.h5s.ALL, values, mtype=array)
        f["texts"], f["null"] = ["a", "b"], h5py.Empty("f4")
        f["references"] = np.array([f["enum"].ref], dtype=h5py.ref_dtype)
        f.create_dataset("lists", shape=(2,), dtype=h5py.vlen_dtype("i4"))
        f["long double"] = np.arange(4, dtype="g")
        f["away"], f["dangling"], f["again"] = h5py.ExternalLink("y.h5", "/b"), h5py.SoftLink("/nowhere"), h5py.SoftLink("/bool")
        f["group/loop"] = f["/"]
        f.create_dataset("outside", shape=(3,), dtype="i4", external=[("/etc/passwd", 0, 12)])
    for name, wanted in {"bool": b, "bool_chunks": b, "again": b, "enum": [0, 1, 42], "array": values, "array_chunks": values}.items():
        expect_same(freestone, "x.h5", name, np.array(wanted, "u1") if name == "enum" else wanted)
    assert freestone.json("info x.h5[enum] --json")["attributes"] == {"flag_values": [0, 1, 42], "flag_meanings": "RED GREEN BLUE"}
    for name, why in {"texts": "texts", "null": "empty", "references": "references", "lists": "lists", "long double": "16 bytes", "outside": "other files"}.items():
        assert why in freestone.fails(1, "convert", f"'x.h5[{name}]'", "y.npy")
    text = freestone.out("info x.h5")
    assert "away" not in text and "dangling" not in text and "loop" not in text


def variables(group, prefix=""):
    for name, variable in group.variables.items():
        yield prefix + name, variable
    for name, below in group.groups.items():
        yield from variables(below, prefix + name + "/")


def compare_with_netcdf4(freestone, file):
    """Names, axes, attributes' names and values of every variable of numbers; how many there were."""
    count = 0
    with netCDF4.Dataset(freestone.folder / file) as f:
        f.set_auto_maskandscale(False)
        for name, variable in variables(f):
            if variable.dtype is str or variable.dtype == "S1":
                continue
            expect_same(freestone, file, name, variable[...])
            found = freestone.json("info", f"{file}[{name}]", "--json")
            assert tuple(found["dims"]) == variable.dimensions, name
            attributes = {k: v for k, v in found.get("attributes", {}).items() if not k.startswith("flag_")}
            assert set(attributes) == set(variable.ncattrs()), name
            for key, value in attributes.items():
                np.testing.assert_array_equal(value, variable.getncattr(key), err_msg=f"{name}.{key}")
            count += 1
    return count


def test_netcdf4(freestone, random):
    with netCDF4.Dataset(freestone.folder / "x.nc", "w") as f:
        f.title, f.levels, f.pi, f.names, f.one, f.accents = "weather", np.array([1, 2, 3], "i4"), 3.5, ["a", "bb"], np.array([7], "i2"), "Ünïcode"
        for name, length in {"time": None, "lat": 6, "lon": 8, "bnds": 2}.items():
            f.createDimension(name, length)
        time = f.createVariable("time", "f8", ("time",))
        time.units, time[:] = "days since 2000-01-01", np.arange(5)
        f.createVariable("lat", "f4", ("lat",))[:] = np.arange(6)
        tas = f.createVariable("tas", "f4", ("time", "lat", "lon"), zlib=True, shuffle=True, fletcher32=True, chunksizes=(2, 3, 4), fill_value=1e20)
        tas.units, tas.valid_range, tas[0:5] = "K", np.array([0, 400], "f4"), random.normal(size=(5, 6, 8))
        # Shorter than its unlimited dimension, and packed: values stay as they are stored.
        pr = f.createVariable("pr", "i2", ("time", "lon"), chunksizes=(2, 8))
        pr.set_auto_maskandscale(False)
        pr[0:2], pr.scale_factor, pr.add_offset = random.integers(0, 9, (2, 8)), 0.5, 3.0
        f.createVariable("lon", "f4", ("lat", "lon"))[:] = random.normal(size=(6, 8))  # a coordinate with two axes
        f.createVariable("time_bnds", "f8", ("time", "bnds"))[0:7] = random.normal(size=(7, 2))
        f.createVariable("number", "i4", ())[...] = 5
        f.createVariable("bare", "f4", ("bnds",))
        f.createVariable("words", str, ("lat",))
        kind = f.createEnumType("u1", "kind", {"a": 0, "b": 3})
        f.createVariable("kinds", kind, ("lat",))[:] = [0, 3, 0, 3, 0, 3]
        g = f.createGroup("g")
        g.createDimension("lat", 4)
        g.createVariable("q", "u1", ("time", "lat"))[0:3] = random.integers(0, 9, (3, 4))
        g.createVariable("lon", "f4", ("lat",))[:] = 1
        g.createGroup("h").createVariable("p", "i8", ("lat", "lon"))[:] = random.integers(0, 9, (4, 8))
    assert compare_with_netcdf4(freestone, "x.nc") == 12
    text = freestone.out("info x.nc")
    assert text.startswith("x.nc: netcdf4") and "[1, 2, 3]" in text and "[a, bb]" in text and "Ünïcode" in text and "_NC" not in text
    assert "7 x 6 x 8 (time, lat, lon) float32, chunks 2 x 3 x 4" in text
    freestone.out("run x.nc[tas] ! mean --axis time ! write m.npy")


def test_dimensions_of_plain_hdf5(freestone):
    """As netCDF4 names them; it does so in a process of its own, for it stumbles over phony dimensions when it had other files open."""
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        f["a"], f["b"], f["z"] = np.zeros((3, 4)), np.zeros((4, 3, 3)), np.zeros(9)
        f.create_dataset("u", shape=(3, 4), maxshape=(None, 4), chunks=(1, 4), dtype="f4")
        f["s"], f["d"] = np.arange(7.0), np.zeros((7, 3))
        f["s"].make_scale("a longer name")
        f["d"].dims[0].attach_scale(f["s"])
    program = "import json, netCDF4; print(json.dumps({k: list(v.dimensions) for k, v in netCDF4.Dataset('x.h5').variables.items()}))"
    wanted = json.loads(subprocess.run([sys.executable, "-c", program], cwd=freestone.folder, capture_output=True, check=True).stdout)
    assert len(wanted) == 6
    for name, dims in wanted.items():
        assert freestone.json(f"info x.h5[{name}] --json")["dims"] == dims, name


def test_dimensions_in_groups_of_plain_hdf5(freestone):
    """Groups in a group have theirs first."""
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        f["a"], f["g/c"], f["g/h/d"] = np.zeros((3, 4)), np.zeros((3, 5)), np.zeros(9)
    dims = {name: freestone.json(f"info x.h5[{name}] --json")["dims"] for name in ("g/h/d", "g/c", "a")}
    assert dims == {"g/h/d": ["phony_dim_0"], "g/c": ["phony_dim_1", "phony_dim_2"], "a": ["phony_dim_3", "phony_dim_4"]}


def test_damaged_files(freestone, random):
    """Cut at many lengths: an error that names the file, or what is left is right."""
    x = np.arange(600, dtype="i4").reshape(20, 30)
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(7, 9), compression="gzip", fletcher32=True)
    whole = (freestone.folder / "x.h5").read_bytes()
    for length in [0, 7, 8, 40, 96, *random.integers(100, len(whole), 12)]:
        (freestone.folder / "y.h5").write_bytes(whole[:length])
        assert "y.h5" in freestone.fails(1, "info y.h5")
    with h5py.File(freestone.folder / "x.h5") as f:
        chunk = f["x"].id.get_chunk_info(4)
    damaged = bytearray(whole)
    damaged[chunk.byte_offset + 10] ^= 0x40
    (freestone.folder / "y.h5").write_bytes(damaged)
    message = freestone.fails(1, "convert y.h5 z.npy")
    assert "y.h5: x: chunk" in message and "damaged" in message


def test_texts_are_labels(freestone):
    """Of any length, of a fixed one, in chunks; characters are numbers as in netCDF-3."""
    words = np.array([["one", "two", ""], ["Ünï", "x" * 9000, "five"]], object)
    with h5py.File(freestone.folder / "x.h5", "w", userblock_size=512) as f:
        f["words"], f["fixed"] = words, np.array([b"a", b"bcd", b""])
        f.create_dataset("chunked", data=words, chunks=(1, 2), compression="gzip", dtype=h5py.string_dtype())
        f.create_dataset("unwritten", shape=(3,), dtype=h5py.string_dtype())
        f.create_dataset("scalar", data="one text")
        f.create_dataset("many", shape=(100000,), dtype="S8")
    found = {v["name"]: v for v in freestone.json("info x.h5 --json")["hdus"]}
    assert found["words"]["texts"] == found["chunked"]["texts"] == list(words.reshape(-1))
    assert found["fixed"]["texts"] == ["a", "bcd", ""] and found["unwritten"]["texts"] == [""] * 3 and found["scalar"]["texts"] == ["one text"]
    assert "texts" not in found["many"] and "100000 texts" in found["many"]["note"]
    assert "labels" in freestone.fails(1, "convert x.h5[words] y.npy")
    with netCDF4.Dataset(freestone.folder / "x.nc", "w") as f:
        f.createDimension("station", 3), f.createDimension("length", 4)
        f.createVariable("name", str, ("station",))[:] = np.array(["a", "bb", "ccc"], object)
        f.createVariable("code", "S1", ("station", "length"))[:] = np.array([list("EWR "), list("JFK "), list("LGA ")], "S1")
    found = {v["name"]: v for v in freestone.json("info x.nc --json")["hdus"]}
    assert found["name"]["texts"] == ["a", "bb", "ccc"] and "3 texts: [a, bb, ccc]" in freestone.out("info x.nc")
    expect_same(freestone, "x.nc", "code", np.frombuffer(b"EWR JFK LGA ", "u1").reshape(3, 4))
    freestone.out("convert x.nc whole.nc")
    with netCDF4.Dataset(freestone.folder / "whole.nc") as f:
        assert list(f["name"][:]) == ["a", "bb", "ccc"] and f["name"].dimensions == ("station",)
    freestone.out("convert x.nc[code] z.nc")
    with netCDF4.Dataset(freestone.folder / "z.nc") as f:
        assert f["code"].dtype == "S1" and f["code"].dimensions == ("station", "length")
        assert f["code"][...].tobytes() == b"EWR JFK LGA "


def test_a_table_of_200000_chunks_is_read_in_a_second(freestone):
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        f.create_dataset("x", data=np.zeros((2000, 500), "i1"), chunks=(1, 5), compression="gzip")
    before = children_seconds()
    freestone.out("info x.h5 --json")
    assert children_seconds() - before < 1


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@pytest.mark.parametrize(("number", "why"), [(signal.SIGKILL, "does not survive"), (signal.SIGPROF, "is not done with it after")])
def test_a_library_that_ends_or_hangs_is_an_error_of_the_file(freestone, number, why):
    """As a damaged file does it: here by a signal to the process in which the library works, as long as it has the file."""
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        f.create_dataset("x", shape=(4000, 1000), dtype="i1", chunks=(1, 5), fillvalue=1, compression="gzip")[::7] = 3
    for _ in range(10):
        process = freestone.start("info x.h5")
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            at_work = [int(c) for c in children if b"--serve-hdf5" in pathlib.Path(f"/proc/{c}/cmdline").read_bytes()]
            if at_work:
                time.sleep(0.05)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(at_work[0], number)
                break
        out, error = process.communicate(timeout=60)
        if process.returncode:
            assert process.returncode == 1 and error.startswith("freestone: x.h5: ") and why in error and error.count("\n") == 1
            break
    else:
        pytest.fail("the library was always done before the signal came")
    assert "4000 x 1000" in freestone.out("info x.h5")
