"""References as folders of Parquet files, and of many files joined; fsspec, kerchunk and xarray are the other side."""

import json

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")
xr = pytest.importorskip("xarray")
pytest.importorskip("fsspec")
pytest.importorskip("fastparquet")


def read(freestone, file, name):
    freestone.out("convert", f"{file}[{name}]", "x.npy", "--overwrite")
    return np.load(freestone.folder / "x.npy")


def through_fsspec(path, **options):
    return xr.open_dataset("reference://", engine="zarr", **options,
                           backend_kwargs={"consolidated": False, "storage_options": {"fo": str(path), "remote_protocol": "file"}})


def month(path, random, time, *, units="days since 2001-01-01", chunk=1, ny=20, more=()):
    """A file of NetCDF-4 as models write them: unlimited time, chunks of one step, coordinates."""
    values = {"tas": random.normal(280, 5, (len(time), ny, 30)).astype("f4"), "time": np.asarray(time, "f8"), "lat": np.linspace(-89, 89, ny)}
    d = xr.Dataset({"tas": (("time", "lat", "lon"), values["tas"], {"units": "K"})} | {n: (("lat",), values["lat"]) for n in more},
                   {"time": ("time", values["time"], {"units": units, "calendar": "standard"}), "lat": values["lat"], "lon": np.arange(30.0)})
    d.to_netcdf(path, engine="netcdf4", unlimited_dims=["time"],
                encoding={"tas": {"chunksizes": (chunk, ny, 30), "zlib": True, "shuffle": True}})
    return values


@pytest.fixture
def months(freestone, random):
    pytest.importorskip("netCDF4")
    starts = [0, 31, 59, 90]
    # Not in the order of their names.
    names = ["d.nc", "a.nc", "c.nc", "b.nc"]
    return [month(freestone.folder / name, random, range(a, b)) for name, a, b in zip(names, starts, starts[1:] + [120])]


@pytest.mark.parametrize("form", ["json", "parq"])
def test_many_files_are_one_dataset(freestone, months, form):
    refs = f"all.{form}"
    freestone.out("references '*.nc' --concat-dim time -o", refs)
    whole = {name: np.concatenate([m[name] for m in months]) for name in ("tas", "time")}
    for name, x in {**whole, "lat": months[0]["lat"]}.items():
        np.testing.assert_array_equal(read(freestone, refs, name), x)
    info = freestone.json("info", f"{refs}[tas]", "--json")
    assert info["shape"] == [120, 20, 30] and info["chunks"] == [1, 20, 30] and info["dims"] == ["time", "lat", "lon"]
    with through_fsspec(freestone.folder / refs) as d, xr.open_mfdataset(str(freestone.folder / "*.nc")) as expected:
        xr.testing.assert_identical(d.load().drop_attrs(), expected.load().drop_attrs())
        assert d["tas"].attrs["units"] == "K"
    if form == "json":
        pytest.importorskip("kerchunk")
        with xr.open_dataset(str(freestone.folder / refs), engine="kerchunk") as d:
            np.testing.assert_array_equal(d["tas"].values, whole["tas"])
    freestone.out("run", f"{refs}[tas]", "! mean --axis 0 ! write m.npy")
    np.testing.assert_allclose(np.load(freestone.folder / "m.npy"), whole["tas"].mean(0, dtype="f8"), rtol=1e-6)


def test_raw_arrays_are_joined_by_smaller_pieces(freestone, random):
    """netCDF-3 records, and an image that lies whole, of lengths without a common chunk."""
    from scipy.io import netcdf_file

    parts = []
    for i, n in enumerate((48, 80, 31)):
        x = random.normal(size=(n, 400, 50)).astype("f4")
        with netcdf_file(freestone.folder / f"r{i}.nc", "w", version=2) as f:
            f.createDimension("t", None)
            f.createDimension("y", 400)
            f.createDimension("x", 50)
            f.createVariable("r", "f4", ("t", "y", "x"))[:] = x
            f.createVariable("t", "i4", ("t",))[:] = np.arange(n) + 1000 * i
        parts.append(x)
    freestone.out("references r2.nc r0.nc r1.nc --concat-dim t -o r.parq")
    np.testing.assert_array_equal(read(freestone, "r.parq", "r"), np.concatenate(parts))
    with through_fsspec(freestone.folder / "r.parq", decode_cf=False) as d:
        np.testing.assert_array_equal(d["r"].values, np.concatenate(parts))
    whole = [random.normal(size=(n, 300, 60)) for n in (48, 80)]
    for i, x in enumerate(whole):
        with h5py.File(freestone.folder / f"w{i}.h5", "w") as f:
            f["w"] = x
            f["w"].dims[0].label = "t"
            f["t"] = np.arange(x.shape[0]) + 1000.0 * i
            f["t"].make_scale("t")
            f["w"].dims[0].attach_scale(f["t"])
    freestone.out("references w0.h5 w1.h5 --concat-dim t -o w.json")
    np.testing.assert_array_equal(read(freestone, "w.json", "w"), np.concatenate(whole))


def test_what_cannot_be_joined_says_why(freestone, random):
    pytest.importorskip("netCDF4")

    def fails(first, second, **options):
        for name, (time, more) in {"p.nc": first, "q.nc": second}.items():
            month(freestone.folder / name, random, time, **more)
        return freestone.fails(1, "references p.nc q.nc --concat-dim", options.get("dim", "time"), "-o out.json")

    assert "only 'time' may differ" in fails((range(3), {}), (range(3, 6), {"ny": 21}))
    assert "units" in fails((range(3), {}), (range(3), {"units": "days since 2002-01-01"}))
    assert "it has no 'extra'" in fails((range(3), {"more": ["extra"]}), (range(3, 6), {}))
    assert "no array has the dimension 'tiem'" in fails((range(3), {}), (range(3, 6), {}), dim="tiem")
    assert "is in chunks of" in fails((range(600), {"chunk": 5, "ny": 60}), (range(600, 1200), {"chunk": 4, "ny": 60}))
    assert "do not fit lengths" in fails((range(602), {"chunk": 5, "ny": 60}), (range(602, 1200), {"chunk": 5, "ny": 60}))


def with_nulls_of_pyarrow(folder):
    """Columns of nothing but nulls become int32, as pyarrow writes them; returns how many did."""
    import fastparquet
    import pandas as pd

    made = 0
    for path in folder.rglob("*.parq"):
        if path.is_file() and (table := fastparquet.ParquetFile(path).to_pandas()).raw.isna().all():
            fastparquet.write(path, table.assign(raw=pd.array([None] * len(table), dtype="Int32")), object_encoding="utf8")
            made += 1
    return made


@pytest.mark.parametrize("nulls", ["of bytes", "of int32"])
@pytest.mark.parametrize("record_size", [7, 10_000])
def test_reads_parquet_as_kerchunk_writes_it(freestone, random, record_size, nulls):
    import fsspec
    from fsspec.implementations.reference import LazyReferenceMapper

    x = random.normal(size=(60, 40)).astype("f4")
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        d = f.create_dataset("x", data=x, chunks=(7, 9), compression="gzip")
        holes = f.create_dataset("h", (30, 30), "i2", chunks=(10, 10), fillvalue=-5)
        holes[:10, 20:] = 3
        values = {"x": x, "h": holes[...], "s": np.arange(5, dtype="u1")}
    freestone.out("references x.h5 -o x.json")
    refs = json.loads((freestone.folder / "x.json").read_text())["refs"]
    out = LazyReferenceMapper.create(str(freestone.folder / "made.parq"), fs=fsspec.filesystem("file"), record_size=record_size, engine="fastparquet")
    refs |= {"s/.zarray": json.dumps({"zarr_format": 2, "shape": [5], "chunks": [2], "dtype": "|u1", "compressor": None, "filters": None, "order": "C", "fill_value": 9}),
             "s/.zattrs": json.dumps({"_ARRAY_DIMENSIONS": ["n"]}), "s/0": "\x00\x01", "s/1": b"\x02\x03", "s/2": "base64:BAk="}
    for key in sorted(refs, key=lambda k: ".z" not in k):
        out[key] = refs[key]
    out.flush()
    if nulls == "of int32":
        assert with_nulls_of_pyarrow(freestone.folder / "made.parq") >= 2
    for name, value in values.items():
        np.testing.assert_array_equal(read(freestone, "made.parq", name), value, err_msg=name)
    # And references to references.
    freestone.out("references made.parq -o again.parq")
    for name, value in values.items():
        np.testing.assert_array_equal(read(freestone, "again.parq", name), value, err_msg=name)
    with through_fsspec(freestone.folder / "again.parq", decode_cf=False) as d:
        for name, value in values.items():
            np.testing.assert_array_equal(d[name].values, value, err_msg=name)


def test_parquet_of_many_chunks(freestone, random):
    """More than a file of ten thousand references, with files that hold none."""
    x = np.zeros((300, 200), "i4")
    x[:40] = random.integers(1, 9, (40, 200))
    x[290:] = 7
    with h5py.File(freestone.folder / "m.h5", "w") as f:
        d = f.create_dataset("x", x.shape, "i4", chunks=(1, 1))
        d[:40], d[290:] = x[:40], x[290:]
    freestone.out("references m.h5 -o m.parq")
    assert sorted(p.name for p in (freestone.folder / "m.parq" / "x").iterdir()) == ["refs.0.parq", "refs.5.parq"]
    np.testing.assert_array_equal(read(freestone, "m.parq", "x"), x)


def test_damaged_folders_are_clear_errors(freestone, random):
    with h5py.File(freestone.folder / "x.h5", "w") as f:
        f.create_dataset("x", data=random.normal(size=(40, 30)), chunks=(4, 30), compression="gzip")
    freestone.out("references x.h5 -o x.parq")
    assert "exists" in freestone.fails(1, "references x.h5 -o x.parq")
    freestone.out("references x.h5 -o x.parq --overwrite")
    part = freestone.folder / "x.parq" / "x" / "refs.0.parq"
    whole = part.read_bytes()
    for keep in (0, 5, 11, len(whole) // 2, len(whole) - 1):
        part.write_bytes(whole[:keep])
        assert "refs.0.parq" in freestone.fails(1, "convert x.parq[x] x.npy")
    for _ in range(40):
        damaged = bytearray(whole)
        damaged[random.integers(len(whole))] ^= 1 << random.integers(8)
        part.write_bytes(damaged)
        done = freestone("convert x.parq[x] x.npy --overwrite")
        assert done.returncode in (0, 1) and "defect" not in done.stderr, done.stderr
    part.unlink()
    freestone.out("convert x.parq[x] x.npy --overwrite")
    assert not np.load(freestone.folder / "x.npy").any()  # never written: fill
    metadata = json.loads((freestone.folder / "x.parq" / ".zmetadata").read_text())
    for size in (0, -1, 1.5, "many", 10**12):
        (freestone.folder / "x.parq" / ".zmetadata").write_text(json.dumps(metadata | {"record_size": size}))
        assert "record_size" in freestone.fails(1, "info x.parq")


def test_many_chunks_whose_axes_lie_in_another_order(freestone):
    zarr = pytest.importorskip("zarr")
    values = np.arange(4 * 60 * 50, dtype="i4").reshape(4, 60, 50)
    a = zarr.create_array(freestone.folder / "a.zarr", shape=values.shape, shards=values.shape, chunks=(1, 1, 1), dtype="i4", compressors=None,
                          filters=[zarr.codecs.TransposeCodec(order=(1, 2, 0))])
    a[:] = values
    # More than a file of references holds.
    for name in ("refs.json", "refs.parq"):
        freestone.out("references a.zarr -o", name)
        np.testing.assert_array_equal(read(freestone, name, "data"), values.transpose(1, 2, 0))
