"""Zarr against zarr-python, both ways: every codec, dtype, order, separator, version, shards, edges, fill, groups."""

import json
import warnings

import freestone as fs
import numpy as np
import pytest

numcodecs = pytest.importorskip("numcodecs")
zarr = pytest.importorskip("zarr")
from zarr.codecs import BloscCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec  # noqa: E402

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"]
SHAPES = [(), (1,), (0,), (13,), (7, 11), (5, 1, 6), (3, 4, 5, 2)]


def sample(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype=dtype.newbyteorder("="), endpoint=True).astype(dtype)
    x = rng.normal(size=shape)
    if dtype.kind == "c":
        x = x + 1j * rng.normal(size=shape)
    return np.asarray(x).astype(dtype)


def store(path, x, **options):
    """Written by zarr-python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        z = zarr.create_array(path, shape=x.shape, dtype=x.dtype, **options)
        z[...] = x
    return z


def same(a, x):
    assert a.shape == x.shape
    values = np.asarray(a)
    np.testing.assert_array_equal(values, x)
    rng = np.random.default_rng(1)
    if x.size == 0:
        return
    for _ in range(3):
        part = tuple(slice(lo, hi) for lo, hi in (sorted(rng.choice(n + 1, 2, replace=False)) for n in x.shape))
        np.testing.assert_array_equal(np.asarray(a[part]) if part else np.asarray(a), x[part] if part else x)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", [*DTYPES, ">i2", ">f4", ">c16"])
def test_reads_every_dtype(tmp_path, version, dtype):
    for k, shape in enumerate(SHAPES):
        x = sample(dtype, shape, k)
        store(tmp_path / f"{k}.zarr", x, zarr_format=version, chunks=tuple(max(1, n // 2 + 1) for n in shape))
        a = fs.open(tmp_path / f"{k}.zarr")
        assert a.dtype == x.dtype.newbyteorder("=")
        same(a, x)


BLOSC = [BloscCodec(cname=c, clevel=4, shuffle=s) for c in ["lz4", "lz4hc", "blosclz", "zstd", "zlib"] for s in ["shuffle", "bitshuffle", "noshuffle"]]


def numcodecs_v3():
    import zarr.codecs.numcodecs as nc

    return [
        {"compressors": [nc.LZ4()]},
        {"compressors": [nc.BZ2(level=1)]},
        {"compressors": [nc.Zlib(level=3)]},
        {"compressors": [nc.GZip(level=3)]},
        {"compressors": [nc.Zstd(level=3)]},
        {"compressors": [nc.Blosc(cname="lz4", clevel=3, shuffle=1)]},
        {"compressors": [nc.Shuffle(elementsize=4), nc.LZ4()]},
        {"compressors": [nc.CRC32()]},
        {"compressors": [nc.Adler32(), nc.CRC32C()]},
        {"filters": [nc.Delta(dtype="<f4")]},
        {"filters": [nc.FixedScaleOffset(offset=-7.5, scale=1000, dtype="f4", astype="i4")]},
        {"filters": [nc.FixedScaleOffset(offset=2, scale=100, dtype="f4", astype="i2"), nc.Delta(dtype="i2")], "compressors": [nc.Zlib(level=1)]},
        {"filters": [nc.AsType(encode_dtype="f8", decode_dtype="f4")]},
        {"filters": [nc.BitRound(keepbits=9)]},
    ]


V3 = [
    {"compressors": None},
    {"compressors": [ZstdCodec(level=0)]},
    {"compressors": [ZstdCodec(level=7, checksum=True)]},
    {"compressors": [GzipCodec(level=1)]},
    {"compressors": [GzipCodec(level=6), Crc32cCodec()]},
    *({"compressors": [b]} for b in BLOSC),
    {"filters": [TransposeCodec(order=(2, 0, 1))]},
    {"filters": [TransposeCodec(order=(2, 0, 1)), TransposeCodec(order=(1, 0, 2))]},
    *numcodecs_v3(),
]


@pytest.mark.parametrize("options", V3, ids=str)
def test_reads_every_codec_of_version_3(tmp_path, options):
    x = np.round(sample("f4", (7, 9, 10)), 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        z = store(tmp_path / "a.zarr", x, chunks=(3, 4, 5), **options)
        expected = z[...]
    same(fs.open(tmp_path / "a.zarr"), expected)


V2 = [
    {"compressors": None},
    *({"compressors": c} for c in [
        numcodecs.Zstd(3), numcodecs.GZip(3), numcodecs.Zlib(3), numcodecs.LZ4(), numcodecs.BZ2(3),
        *(numcodecs.Blosc(cname=c, clevel=3, shuffle=s) for c in ["lz4", "lz4hc", "blosclz", "zstd", "zlib"] for s in [0, 1, 2, -1]),
    ]),
    {"filters": [numcodecs.Shuffle(4)], "compressors": numcodecs.Zlib(1)},
    {"filters": [numcodecs.Delta("<f4")]},
    {"filters": [numcodecs.Delta("<f4", "<f8")]},
    {"filters": [numcodecs.FixedScaleOffset(1, 100, "<f4", "<i2"), numcodecs.Delta("<i2", "<i4")], "compressors": numcodecs.LZ4()},
    {"filters": [numcodecs.FixedScaleOffset(1, 100, "<f4", "u1")]},
    {"filters": [numcodecs.AsType("<f8", "<f4")]},
    {"filters": [numcodecs.CRC32()], "compressors": numcodecs.Adler32()},
    {"filters": [numcodecs.BitRound(10)]},
]  # fmt: skip


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("options", V2, ids=str)
def test_reads_every_codec_of_version_2(tmp_path, options, order):
    x = np.abs(np.round(sample("f4", (7, 9, 10)) % 2, 2)) + 1
    z = store(tmp_path / "a.zarr", x, zarr_format=2, chunks=(3, 4, 5), order=order, **options)
    same(fs.open(tmp_path / "a.zarr"), z[...])


@pytest.mark.parametrize("version, encoding", [
    *[(version, encoding) for version in (2, 3) for encoding in (None, {"name": "v2", "separator": "."}, {"name": "v2", "separator": "/"})],
    (3, {"name": "default", "separator": "."}),
])  # fmt: skip
def test_reads_every_chunk_key(tmp_path, encoding, version):
    x = sample("i4", (25, 11))
    store(tmp_path / "a.zarr", x, zarr_format=version, chunks=(2, 3), chunk_key_encoding=encoding)
    same(fs.open(tmp_path / "a.zarr"), x)


@pytest.mark.parametrize("location", ["start", "end"])
@pytest.mark.parametrize("compressors", [None, "auto"])
def test_reads_shards(tmp_path, location, compressors):
    from zarr.codecs import BytesCodec, ShardingCodec

    x = sample("f8", (17, 23))
    x[:9, 5:] = 0  # chunks that are not there
    inner = [BytesCodec()] + ([ZstdCodec()] if compressors else [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sharding = ShardingCodec(chunk_shape=(2, 3), codecs=inner, index_location=location)
        z = zarr.create(store=str(tmp_path / "a.zarr"), shape=x.shape, chunks=(6, 12), dtype="f8", codecs=[sharding], fill_value=0, zarr_format=3)
        z[...] = x
    a = fs.open(tmp_path / "a.zarr")
    assert a.chunksize == (2, 3)
    same(a, x)


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    "dtype, fill", [("f4", np.nan), ("f8", -np.inf), ("f4", 1.5), ("i2", -7), ("u8", 2**64 - 1), ("?", True), ("c16", complex(1, np.nan)), ("f2", 0.1), ("f2", np.nan)]
)
def test_absent_chunks_are_fill(tmp_path, version, dtype, fill):
    z = zarr.create_array(tmp_path / "a.zarr", shape=(7, 5), chunks=(2, 2), dtype=dtype, fill_value=fill, zarr_format=version)
    z[2:4, :3] = 1
    np.testing.assert_array_equal(np.asarray(fs.open(tmp_path / "a.zarr")), z[...].astype("f4") if dtype == "f2" else z[...])


@pytest.mark.parametrize("version", [2, 3])
def test_halves_become_float32(tmp_path, version):
    x = np.arange(65536, dtype="u2").view("f2").reshape(64, 1024)
    store(tmp_path / "a.zarr", x, zarr_format=version, chunks=(10, 300))
    a = fs.open(tmp_path / "a.zarr")
    assert a.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(a), x.astype("f4"))
    np.testing.assert_array_equal(np.asarray(a[3:50, 7:901]), x.astype("f4")[3:50, 7:901])


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", ["M8[ns]", "m8[10s]"])
def test_times_are_integers(tmp_path, version, dtype):
    g = zarr.create_group(tmp_path / "g.zarr", zarr_format=version)
    x = np.array([1, -5, 10**15], "i8").view(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        g.create_array("t", shape=x.shape, dtype=x.dtype)[...] = x
    ds = fs.open(tmp_path / "g.zarr")
    np.testing.assert_array_equal(np.asarray(ds["t"]), x.view("i8"))
    assert ds.attrs_of("t")["numpy_dtype"] == {"M": "datetime64[ns]", "m": "timedelta64[10s]"}[dtype[0]]


@pytest.mark.parametrize("dtype", ["S4", "U3", [("flux", "f4"), ("flag", "u1")]])
@pytest.mark.parametrize("version", [2, 3])
def test_text_and_records_are_refused(tmp_path, dtype, version):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.create_array(tmp_path / "a.zarr", shape=(3,), dtype=dtype, zarr_format=version)
    with pytest.raises(fs.UserError, match="flux" if isinstance(dtype, list) else "elements are"):
        fs.open(tmp_path / "a.zarr")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("consolidated", [False, True])
def test_groups(tmp_path, version, consolidated):
    path = tmp_path / "g.zarr"
    g = zarr.create_group(path, zarr_format=version, attributes={"title": "weather", "n": 3, "bad": float("nan"), "list": [1, "a"]})
    rng = np.random.default_rng(5)
    arrays = {"tas": rng.normal(size=(4, 3)).astype("f4"), "time": np.arange(4), "daily/pr": rng.normal(size=(4, 3)), "x": np.arange(3) * 0.5}
    dims = {"tas": ["time", "x"], "time": ["time"], "daily/pr": ["time", "x"], "x": ["x"]}
    for name, x in arrays.items():
        named = {"dimension_names": dims[name]} if version == 3 else {}
        attributes = {"units": "K", "scale": 1.5} | ({"_ARRAY_DIMENSIONS": dims[name]} if version == 2 else {})
        g.create_array(name, shape=x.shape, dtype=x.dtype, attributes=attributes, **named)[...] = x
    if consolidated:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            zarr.consolidate_metadata(path)
    ds = fs.open(path)
    assert sorted(ds) == sorted(arrays) and len(ds) == 4 and "tas" in ds and "none" not in ds
    for name, x in arrays.items():
        same(ds[name], x)
        same(fs.open(path / name), x)
        same(fs.open(f"{path}[{name}]"), x)
        assert ds.dims_of(name) == tuple(dims[name]) and ds.attrs_of(name) == {"units": "K", "scale": 1.5}
    assert ds.dims == {"time": 4, "x": 3} and sorted(ds.coords) == ["time", "x"] and sorted(ds.data_vars) == ["daily/pr", "tas"]
    assert ds.attrs["title"] == "weather" and ds.attrs["n"] == 3 and np.isnan(ds.attrs["bad"]) and ds.attrs["list"] == [1, "a"]
    assert "tas" in repr(ds)
    np.testing.assert_allclose(np.asarray((ds["tas"] + ds["daily/pr"]).mean(0)), (arrays["tas"] + arrays["daily/pr"]).mean(0))
    with pytest.raises(KeyError):
        ds["none"]
    with pytest.raises(fs.UserError, match="tas"):
        fs.open(path / "tass")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_zarr_python_reads_every_dtype(tmp_path, version, dtype):
    for k, shape in enumerate(SHAPES):
        x = sample(dtype, shape, k)
        path = tmp_path / f"{k}.zarr"
        chunks = None if not shape else tuple(max(1, n // 2) for n in shape)
        fs.from_numpy(x).write(path, zarr_version=version, chunks=chunks)
        z = zarr.open_array(path, mode="r")
        assert z.dtype == x.dtype and z.shape == x.shape and z.metadata.zarr_format == version
        np.testing.assert_array_equal(z[...], x)
        same(fs.open(path), x)


@pytest.mark.parametrize("compress", ["none", "zstd", "gzip", "zlib", "lz4", "bz2", "blosc-lz4", "blosc-lz4hc", "blosc-blosclz", "blosc-zlib", "blosc-zstd"])
@pytest.mark.parametrize("version, shards", [(2, None), (3, None), (3, (12, 20))])
def test_zarr_python_reads_every_codec(tmp_path, compress, version, shards):
    for dtype in ("f4", "u1"):
        x = sample(dtype, (31, 33))
        path = tmp_path / f"{dtype}.zarr"
        fs.from_numpy(x).write(path, compress=compress, zarr_version=version, chunks=(6, 5), shards=shards, level=None if compress == "none" else 4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            z = zarr.open_array(path, mode="r")
            np.testing.assert_array_equal(z[...], x)
        assert z.chunks == (6, 5) and z.shards == shards
        same(fs.open(path), x)


@pytest.mark.parametrize("version", [2, 3])
def test_names_and_attributes_are_kept(tmp_path, version):
    x = sample("f4", (4, 5))
    attributes = {"units": "K", "n": 3, "scale": 0.5, "flag": True, "list": [1, [2.5, "x"]], "object": {"a": 1}}
    fs.from_numpy(x).write(tmp_path / "a.zarr", zarr_version=version, dims=["y", "x"], attrs=attributes)
    z = zarr.open_array(tmp_path / "a.zarr", mode="r")
    found = dict(z.attrs)
    if version == 2:
        assert found.pop("_ARRAY_DIMENSIONS") == ["y", "x"]
    else:
        assert z.metadata.dimension_names == ("y", "x")
    assert found == attributes


def test_empty_chunks_are_left_out(tmp_path):
    x = np.zeros((20, 20), "f4")
    x[3, 3] = 1
    x[17, 3] = -0.0
    fs.from_numpy(x).write(tmp_path / "a.zarr", chunks=(5, 5))
    files = sorted(str(p.relative_to(tmp_path / "a.zarr")) for p in (tmp_path / "a.zarr").rglob("*") if p.is_file())
    assert files == ["c/0/0", "c/3/0", "zarr.json"]
    values = zarr.open_array(tmp_path / "a.zarr", mode="r")[...]
    np.testing.assert_array_equal(values, x)
    assert np.signbit(values[17, 3])


def test_pipelines_from_zarr_to_zarr(tmp_path):
    x = sample("f4", (40, 30, 50))
    store(tmp_path / "a.zarr", x, chunks=(4, 15, 25))
    a = fs.open(tmp_path / "a.zarr")
    for memory in ("64MiB", "1MiB"):
        (a * 2 + 1).write(tmp_path / "b.zarr", memory=memory, overwrite=True, chunks=(40, 10, 10))
        np.testing.assert_array_equal(zarr.open_array(tmp_path / "b.zarr", mode="r")[...], x * 2 + 1)
    a.mean(0).write(tmp_path / "m.zarr")
    np.testing.assert_allclose(zarr.open_array(tmp_path / "m.zarr", mode="r")[...], x.mean(0), rtol=2e-6, atol=1e-7)
    fs.write({tmp_path / "c.zarr": a.max(0), tmp_path / "d.npy": a[5]})
    np.testing.assert_array_equal(np.asarray(fs.open(tmp_path / "c.zarr")), x.max(0))
    np.testing.assert_array_equal(np.load(tmp_path / "d.npy"), x[5])
    np.testing.assert_array_equal(np.asarray(fs.median(a, axis=0)), np.median(x, axis=0))


def test_the_same_bytes_for_any_threads_and_memory(tmp_path):
    a = fs.from_numpy(sample("f8", (33, 47, 21)))
    stores = []
    for k, (threads, memory) in enumerate([(1, "64MiB"), (2, "2MiB"), (3, "64MiB")]):
        path = tmp_path / f"{k}.zarr"
        (a + 1).write(path, threads=threads, memory=memory, chunks=(10, 9, 8), shards=(20, 18, 24))
        stores.append({str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()})
    assert stores[0] == stores[1] == stores[2]


def test_failures_leave_what_was_there(tmp_path):
    x = sample("f4", (10, 10))
    path = tmp_path / "a.zarr"
    fs.from_numpy(x).write(path)
    with pytest.raises(fs.UserError, match="exists"):
        fs.from_numpy(x + 1).write(path)
    store(tmp_path / "cut.zarr", x, chunks=(5, 5))
    (tmp_path / "cut.zarr/c/1/1").write_bytes(b"no")
    with pytest.raises(fs.DataError, match=r"c/1/1.*\(1, 1\)"):
        fs.open(tmp_path / "cut.zarr").write(path, overwrite=True)
    np.testing.assert_array_equal(np.asarray(fs.open(path)), x)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zarr", "cut.zarr"]
    fs.from_numpy(x + 1).write(path, overwrite=True)
    np.testing.assert_array_equal(np.asarray(fs.open(path)), x + 1)


def test_attributes_with_bare_nan(tmp_path):
    x = sample("f4", (3,))
    store(tmp_path / "a.zarr", x, zarr_format=2)
    (tmp_path / "a.zarr/.zattrs").write_text(json.dumps({"_FillValue": float("nan")}))
    same(fs.open(tmp_path / "a.zarr"), x)


@pytest.mark.parametrize("version", [2, 3])
def test_xarray_sees_zeros_and_missing_numbers_as_they_are(tmp_path, version):
    xr = pytest.importorskip("xarray")
    x = np.array([[0, 1, np.nan], [-5, 0, 2]])
    path = str(tmp_path / "x.zarr")
    fs.from_numpy(x).write(path, zarr_version=version, dims=["y", "x"], attrs={"_FillValue": -5.0})
    group = tmp_path / "g.zarr"
    group.mkdir()
    (tmp_path / "x.zarr").rename(group / "tas")
    document = {"zarr_format": version} if version == 2 else {"zarr_format": 3, "node_type": "group", "attributes": {}}
    (group / (".zgroup" if version == 2 else "zarr.json")).write_text(json.dumps(document))
    with xr.open_zarr(group, consolidated=False) as theirs:
        np.testing.assert_array_equal(theirs.tas.values, np.where(x == -5, np.nan, x))
    np.testing.assert_array_equal(fs.open(str(group))["tas"].compute(), np.where(x == -5, np.nan, x))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("order", ["C", "F"])
def test_texts_of_every_form(tmp_path, version, order):
    """Of one length and of any, chunks of all shapes, shards, absent chunks: as zarr-python reads them."""
    words = np.array([["", "a", "Genève"], ["東京", "😀", "long " * 9], ["x", "yy", "z"]])
    group = zarr.open_group(tmp_path / "t.zarr", mode="w", zarr_format=version)
    options = {"chunks": (2, 2), "order": order} if version == 2 else {"chunks": (2, 2)}
    for name, values, more in (
        ("utf32", words, {}), ("swapped", words.astype(">U45"), {}), ("bytes", np.char.encode(words, "utf-8"), {}), ("varying", words, {"dtype": str}),
        ("plain", words, {"compressors": None}), ("absent", words[:2, :2], {"shape": (3, 5), "fill_value": "none"}),
    ):  # fmt: skip
        given = {"shape": words.shape, "dtype": values.dtype, **options, **more}
        if name == "swapped" and version == 3:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = group.create_array(name, **given)
            array[: values.shape[0], : values.shape[1]] = values
    if version == 3:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            group.create_array("shards", shape=(3, 4), dtype=str, chunks=(1, 2), shards=(2, 4))[:, :3] = words
            filters = [TransposeCodec(order=(1, 0))] if order == "F" else None
            group.create_array("turned", shape=(3, 3), dtype=words.dtype, chunks=(2, 2), filters=filters)[...] = words
    texts = fs.open(tmp_path / "t.zarr").texts
    assert set(texts) == set(group)
    for name, found in texts.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = group[name][...]
        np.testing.assert_array_equal(found, np.char.decode(expected, "utf-8") if expected.dtype.kind == "S" else np.array(expected.tolist()))


@pytest.mark.parametrize("version", [2, 3])
def test_labels_go_through_xarray(tmp_path, version):
    """Opened by engine="freestone" and written by the accessor, labels are what xarray has with its own zarr engine."""
    xr = pytest.importorskip("xarray")
    given = xr.Dataset({"t": ("station", np.arange(3.0))}, coords={"name": ("station", ["Zürich", "", "Genève"]), "model": "x"})
    given.to_zarr(tmp_path / "in.zarr", zarr_format=version)
    opened = xr.open_dataset(tmp_path / "in.zarr", engine="freestone")
    xr.testing.assert_identical(opened.compute(), xr.open_zarr(tmp_path / "in.zarr").compute())
    opened.freestone.to_zarr(tmp_path / "out.zarr", zarr_version=version)
    fs.open(tmp_path / "in.zarr").write(tmp_path / "copy.zarr", zarr_version=version)
    for name in ("out", "copy"):
        written = xr.open_zarr(tmp_path / f"{name}.zarr")
        for label in ("name", "model"):
            np.testing.assert_array_equal(written[label], given[label])
        assert set(written.coords) == {"name", "model"}
