"""netCDF-3 both ways: files of netCDF4-python, SciPy and xarray read by us, ours read by them."""

import time

import numpy as np
import pytest

netCDF4 = pytest.importorskip("netCDF4")
scipy_io = pytest.importorskip("scipy.io")
xr = pytest.importorskip("xarray")

FORMATS = ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]
CLASSIC = ["i1", "i2", "i4", "f4", "f8"]
EXTENDED = CLASSIC + ["u1", "u2", "u4", "i8", "u8"]


def noise(random, shape, dtype):
    """Random bits, NaN payloads included."""
    return np.frombuffer(random.bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)


def same(a, b):
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape and a.dtype.newbyteorder("=") == b.dtype.newbyteorder("="), (a.shape, a.dtype, b.shape, b.dtype)
    native = [np.ascontiguousarray(x.astype(x.dtype.newbyteorder("="))) for x in (a, b)]
    assert native[0].tobytes() == native[1].tobytes()


def read(freestone, file, name):
    freestone.out("convert", f"{file}[{name}]", "x.npy", "--overwrite")
    return np.load(freestone.folder / "x.npy")


def raw(dataset):
    dataset.set_auto_maskandscale(False)
    dataset.set_always_mask(False)
    return dataset


def make(path, kind, random, records=7):
    """Fixed and record variables of every type; returns their values."""
    values = {}
    with raw(netCDF4.Dataset(path, "w", format=kind)) as d:
        d.createDimension("t", None)
        d.createDimension("y", 5)
        d.createDimension("x", 3)
        d.title, d.n, d.levels, d.f = "weather \u00e9", np.int32(4), np.array([1, 2, 3], "i2"), np.float32(0.1)
        for dtype in EXTENDED if kind == "NETCDF3_64BIT_DATA" else CLASSIC:
            for dims, shape in [((), ()), (("x",), (3,)), (("y", "x"), (5, 3)), (("t",), (records,)), (("t", "x"), (records, 3)), (("t", "y", "x"), (records, 5, 3))]:
                name = f"{dtype}_{'_'.join(dims)}"
                v = d.createVariable(name, dtype, dims)
                v.units = "K"
                values[name] = noise(random, shape, dtype)
                if records or "t" not in dims:
                    v[...] = values[name]
        v = d.createVariable("c", "S1", ("t", "x"))
        values["c"] = random.integers(65, 90, (records, 3), "u1")
        if records:
            v[:] = values["c"].view("S1")
    return values


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("records", [0, 1, 7])
def test_reads_what_netcdf_writes(freestone, random, kind, records):
    values = make(freestone.folder / "a.nc", kind, random, records)
    info = freestone.json("info a.nc --json")
    assert info["format"] == "netcdf3"
    assert info["attributes"] == {"title": "weather \u00e9", "n": 4, "levels": [1, 2, 3], "f": float(np.float32(0.1))}
    assert {v["name"]: (tuple(v["shape"]), v["dtype"]) for v in info["hdus"]} == {k: (x.shape, x.dtype.name) for k, x in values.items()}
    names = list(values) if records == 7 else [n for n in values if n.split("_")[0] in ("i1", "f8", "c")]
    for name in names:
        same(read(freestone, "a.nc", name), values[name])
    one = freestone.json("info a.nc[i2_t_y_x] --json")
    assert one["dims"] == ["t", "y", "x"] and one["attributes"] == {"units": "K"}
    assert freestone.json("info a.nc[c] --json")["attributes"]["numpy_dtype"] == "S1"


@pytest.mark.parametrize("dtype", ["i1", "i2", "f4", "f8", "c"])
@pytest.mark.parametrize("shape", [(9,), (9, 3)])
def test_the_only_record_variable_is_not_padded(freestone, random, dtype, shape):
    x = noise(random, shape, "u1" if dtype == "c" else dtype)
    with scipy_io.netcdf_file(freestone.folder / "s.nc", "w") as d:
        d.createDimension("t", None)
        d.createDimension("x", 3)
        v = d.createVariable("v", np.dtype("S1") if dtype == "c" else dtype, ("t", "x")[: len(shape)])
        v[:] = x.view("S1") if dtype == "c" else x
    same(read(freestone, "s.nc", "v"), x)
    with raw(netCDF4.Dataset(freestone.folder / "n.nc", "w", format="NETCDF3_CLASSIC")) as d:
        d.createDimension("t", None)
        d.createDimension("x", 3)
        d.createVariable("v", "S1" if dtype == "c" else dtype, ("t", "x")[: len(shape)])[:] = x.view("S1") if dtype == "c" else x
    same(read(freestone, "n.nc", "v"), x)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_number_of_records_may_be_unknown(freestone, random, kind):
    values = make(freestone.folder / "a.nc", kind, random)
    with open(freestone.folder / "a.nc", "r+b") as f:
        f.seek(4)
        f.write(b"\xff" * (8 if kind == "NETCDF3_64BIT_DATA" else 4))
    for name in ("i2_t", "f8_t_y_x", "c", "f4_y_x"):
        same(read(freestone, "a.nc", name), values[name])


def test_reads_boxes_of_records(freestone, random):
    """Parts of interleaved records, few and many of them."""
    with raw(netCDF4.Dataset(freestone.folder / "a.nc", "w", format="NETCDF3_CLASSIC")) as d:
        d.createDimension("t", None)
        d.createDimension("y", 40)
        a, b, x = noise(random, (5000,), "i2"), noise(random, (5000, 40), "f4"), noise(random, (5000, 40), "i1")
        for name, value in [("a", a), ("b", b), ("x", x)]:
            d.createVariable(name, value.dtype, ("t", "y")[: value.ndim])[:] = value
    for _ in range(10):
        i, j = sorted(random.integers(0, 5000, 2)), sorted(random.integers(0, 40, 2))
        i[1], j[1] = i[1] + 1, j[1] + 1
        freestone.out(f"run a.nc[b] ! select --index t={i[0]}:{i[1]},y={j[0]}:{j[1]} ! write x.npy --overwrite")
        same(np.load(freestone.folder / "x.npy"), b[i[0] : i[1], j[0] : j[1]])
    same(read(freestone, "a.nc", "a"), a)
    same(read(freestone, "a.nc", "x"), x)


def test_two_thousand_variables_open_quickly(freestone):
    with netCDF4.Dataset(freestone.folder / "many.nc", "w", format="NETCDF3_CLASSIC") as d:
        d.createDimension("t", None)
        d.createDimension("x", 10)
        for i in range(2000):
            v = d.createVariable(f"v{i}", "f4", ("t", "x"))
            v.units, v.long_name = "K", "a variable of many"
    begin = time.perf_counter()
    assert len(freestone.json("info many.nc --json")["hdus"]) == 2000
    assert time.perf_counter() - begin < 1


@pytest.mark.parametrize("dtype", EXTENDED + ["?"])
def test_others_read_what_we_write(freestone, random, dtype):
    x = noise(random, (6, 5, 7), "u1") > 127 if dtype == "?" else noise(random, (6, 5, 7), dtype)
    np.save(freestone.folder / "x.npy", x)
    freestone.out("convert x.npy y.nc3")
    kept = x.astype("i1") if dtype == "?" else x
    with raw(netCDF4.Dataset(freestone.folder / "y.nc3")) as d:
        assert d.data_model == ("NETCDF3_64BIT_DATA" if dtype in set(EXTENDED) - set(CLASSIC) else "NETCDF3_CLASSIC")
        assert list(d.variables) == ["data"] and d["data"].dimensions == ("dim_0", "dim_1", "dim_2")
        same(d["data"][...], kept)
    if dtype in CLASSIC + ["?"]:
        with scipy_io.netcdf_file(freestone.folder / "y.nc3", mmap=False) as d:
            same(d.variables["data"][...], kept)
        with xr.open_dataset(freestone.folder / "y.nc3", engine="scipy", decode_cf=False) as d:
            same(d["data"].values, x)
    same(read(freestone, "y.nc3", "data"), x)  # the attribute dtype says that it was bool


def test_attributes_keep_their_types(freestone):
    """From netCDF to netCDF: what a decoder looks at has the type that it had."""
    attributes = {"_FillValue": np.int16(-999), "valid_range": np.array([0, 100], "i2"), "scale_factor": np.float32(0.1), "add_offset": 2.5, "n": np.int32(3),
                  "b": np.array([1, 2], "i1"), "text": "words", "list": np.array([0.5, 1.5])}
    with raw(netCDF4.Dataset(freestone.folder / "a.nc", "w", format="NETCDF3_CLASSIC")) as d:
        d.createDimension("x", 4)
        v = d.createVariable("v", "i2", ("x",), fill_value=attributes["_FillValue"])
        v[:] = [1, 2, 3, -999]
        v.setncatts({k: a for k, a in attributes.items() if k != "_FillValue"})
    freestone.out("convert a.nc b.nc --as netcdf3")
    with raw(netCDF4.Dataset(freestone.folder / "b.nc")) as d:
        v = d["v"]
        for key, value in attributes.items():
            found = v.getncattr(key)
            assert np.asarray(found).dtype == np.asarray(value).dtype and np.array_equal(found, value), key


def test_empty_and_single(freestone):
    for name, x in [("one", np.float32(3)), ("none", np.zeros((0, 4), "f8"))]:
        np.save(freestone.folder / f"{name}.npy", x)
        freestone.out(f"convert {name}.npy {name}.nc3")
        with netCDF4.Dataset(freestone.folder / f"{name}.nc3") as d:
            assert d["data"].shape == x.shape
        same(read(freestone, f"{name}.nc3", "data"), x)


def test_refusals(freestone, random):
    np.save(freestone.folder / "c.npy", np.zeros((2, 3), "c8"))
    np.save(freestone.folder / "e.npy", np.zeros((2, 0), "f4"))
    assert "complex64" in freestone.fails(1, "convert c.npy c.nc3")
    assert "can only be the first" in freestone.fails(1, "convert e.npy e.nc3")
    make(freestone.folder / "a.nc", "NETCDF3_CLASSIC", random)
    assert "holds one array" in freestone.fails(1, "convert a.nc b.npy")
    whole = (freestone.folder / "a.nc").read_bytes()
    for keep in (3, 4, 10, 100, 1000, len(whole) - 40):
        (freestone.folder / "cut.nc3").write_bytes(whole[:keep])
        assert "cut.nc3" in freestone.fails(1, "info cut.nc3")


def test_packed_numbers_become_what_they_stand_for_and_keep_their_name(freestone):
    random = np.random.default_rng(5)
    with raw(netCDF4.Dataset(freestone.folder / "packed.nc", "w", format="NETCDF3_CLASSIC")) as d:
        d.createDimension("t", 40)
        d.createDimension("x", 6)
        v = d.createVariable("pr", "i2", ("t", "x"), fill_value=-32768)
        v.scale_factor, v.add_offset, v.units = 0.01, 5.0, "mm"
        stored = random.integers(-3000, 3000, (40, 6)).astype("i2")
        stored[random.random((40, 6)) < 0.1] = -32768
        v[...] = stored
        d.createVariable("other", "f4", ("x",))[...] = 1
    freestone.out("run", "packed.nc", "--var", "pr", "!", "mean", "--dim", "t", "!", "write", "mean.nc3")
    with xr.open_dataset(freestone.folder / "packed.nc") as theirs, xr.open_dataset(freestone.folder / "mean.nc3", engine="scipy") as ours:
        assert list(ours.data_vars) == ["pr"] and ours.pr.dims == ("x",)
        np.testing.assert_allclose(ours.pr.values, theirs.pr.mean("t").values, rtol=1e-14)
