"""References to chunks of other files, made here from what h5py, NumPy and Astropy say of theirs; fsspec with Zarr is the other reader."""

import base64
import json
import time

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")


def read(freestone, file, name):
    freestone.out("convert", f"{file}[{name}]", "x.npy", "--overwrite")
    return np.load(freestone.folder / "x.npy")


def zarray(x, chunks, *, compressor=None, filters=None, fill=0, separator="."):
    return json.dumps({"zarr_format": 2, "shape": list(x.shape), "chunks": list(chunks), "dtype": x.dtype.str, "order": "C", "compressor": compressor,
                       "filters": filters, "fill_value": fill, "dimension_separator": separator})


def references_of_hdf5(path, named):
    """What kerchunk makes of a file: references by the name of the file."""
    refs = {".zgroup": '{"zarr_format": 2}', ".zattrs": '{"title": "weather"}'}
    with h5py.File(path) as f:
        for name, d in f.items():
            filters = [{"id": "shuffle", "elementsize": d.dtype.itemsize}] if d.shuffle else None
            compressor = {"id": "zlib", "level": 4} if d.compression == "gzip" else None
            refs[f"{name}/.zarray"] = zarray(d, d.chunks or d.shape, compressor=compressor, filters=filters, fill=d.fillvalue.item())
            refs[f"{name}/.zattrs"] = json.dumps({"units": "K", "_ARRAY_DIMENSIONS": [f"{name}_{k}" for k in range(d.ndim)]})
            if d.chunks is None:
                refs[f"{name}/" + (".".join("0" * d.ndim) or "0")] = [named, d.id.get_offset(), d.id.get_storage_size()]
            else:
                for i in range(d.id.get_num_chunks()):
                    info = d.id.get_chunk_info(i)
                    key = ".".join(str(o // c) for o, c in zip(info.chunk_offset, d.chunks))
                    refs[f"{name}/{key}"] = [named, info.byte_offset, info.size]
    return refs


@pytest.fixture
def weather(freestone, random):
    """data/w.nc: packed, plain, with holes, contiguous and scalar; its values."""
    (freestone.folder / "data").mkdir()
    values = {"tas": random.normal(280, 5, (7, 20, 30)).astype("f4"), "pr": random.normal(size=(9, 11)), "big": random.integers(0, 1000, (6, 8)).astype(">i2"),
              "flat": random.integers(-9, 9, (5, 6)).astype("i4"), "one": np.float64(2.5)}
    with h5py.File(freestone.folder / "data" / "w.nc", "w") as f:
        f.create_dataset("tas", data=values["tas"], chunks=(2, 7, 30), compression="gzip", shuffle=True)
        f.create_dataset("pr", data=values["pr"], chunks=(4, 4))
        f.create_dataset("big", data=values["big"], chunks=(3, 8), compression="gzip")
        f.create_dataset("flat", data=values["flat"])
        f.create_dataset("one", data=values["one"])
        holes = f.create_dataset("holes", (10, 10), "f4", chunks=(4, 4), fillvalue=-1.5)
        holes[5, 5] = 3
        values["holes"] = holes[...]
    return values


@pytest.mark.parametrize("place, version", [*[(place, version) for place in ("relative", "absolute", "url") for version in (0, 1)], ("template", 1)])
def test_reads_netcdf4_through_references(freestone, random, weather, version, place):
    absolute = str(freestone.folder / "data" / "w.nc")
    named = {"relative": "data/w.nc", "absolute": absolute, "url": "file://" + absolute, "template": "{{ folder }}/w.nc"}[place]
    refs = references_of_hdf5(absolute, named)
    written = refs if version == 0 else {"version": 1, "templates": {"folder": "data"}, "refs": refs}
    (freestone.folder / "refs.json").write_text(json.dumps(written))
    info = freestone.json("info refs.json --json")
    assert info["format"] == "kerchunk" and info["attributes"] == {"title": "weather"}
    assert {v["name"]: tuple(v["shape"]) for v in info["hdus"]} == {k: x.shape for k, x in weather.items()}
    one = freestone.json("info refs.json[tas] --json")
    assert one["dims"] == ["tas_0", "tas_1", "tas_2"] and one["chunks"] == [2, 7, 30] and one["codecs"] == "shuffle, zlib" and one["attributes"] == {"units": "K"}
    for name, value in weather.items():
        found = read(freestone, "refs.json", name)
        assert found.dtype == np.asarray(value).dtype.newbyteorder("=")
        np.testing.assert_array_equal(found, value)
    i, j = sorted(random.integers(0, 20, 2)), sorted(random.integers(0, 30, 2))
    freestone.out(f"run refs.json[tas] ! select --index tas_1={i[0]}:{i[1] + 1},tas_2={j[0]}:{j[1] + 1} ! write x.npy --overwrite")
    np.testing.assert_array_equal(np.load(freestone.folder / "x.npy"), weather["tas"][:, i[0] : i[1] + 1, j[0] : j[1] + 1])


def test_what_stands_in_the_list_itself(freestone, random):
    x, t = random.normal(size=(4, 6)), np.frombuffer(b"plain words, 32 bytes, as eight.", "<i4")
    y = random.integers(0, 99, 5).astype("u1")
    refs = {".zgroup": {"zarr_format": 2}, "x/.zarray": json.loads(zarray(x, (2, 6), separator="/")), "t/.zarray": zarray(t, (8,)), "t/0": t.tobytes().decode(),
            "y/.zarray": "base64:" + base64.b64encode(zarray(y, (5,)).encode()).decode(), "y/0": "base64:" + base64.b64encode(y.tobytes()).decode()}
    for i in range(2):
        refs[f"x/{i}/0"] = "base64:" + base64.b64encode(x[2 * i : 2 * i + 2].tobytes()).decode()
    (freestone.folder / "refs.json").write_text(json.dumps(refs))
    for name, value in [("x", x), ("t", t), ("y", y)]:
        np.testing.assert_array_equal(read(freestone, "refs.json", name), value)


def test_raw_data_of_other_formats_and_many_files(freestone, random):
    """Several hundred npy files as one array, and a FITS image: more files than stay open."""
    from astropy.io import fits

    stack = random.normal(size=(300, 4, 5)).astype("f4")
    refs = {".zgroup": '{"zarr_format": 2}', "stack/.zarray": zarray(stack, (1, 4, 5))}
    for i, plane in enumerate(stack):
        np.save(freestone.folder / f"p{i}.npy", plane)
        refs[f"stack/{i}.0.0"] = [f"p{i}.npy", 128, 80]
        (freestone.folder / f"p{i}.raw").write_bytes(plane.tobytes())
        refs[f"whole/{i}.0.0"] = [f"p{i}.raw"]
    refs["whole/.zarray"] = refs["stack/.zarray"]
    image = random.normal(size=(7, 9)).astype(">f8")
    fits.writeto(freestone.folder / "i.fits", image)
    refs |= {"image/.zarray": zarray(image, (7, 9)), "image/0.0": ["i.fits", 2880, image.nbytes]}
    (freestone.folder / "refs.json").write_text(json.dumps({"version": 1, "refs": refs}))
    np.testing.assert_array_equal(read(freestone, "refs.json", "stack"), stack)
    np.testing.assert_array_equal(read(freestone, "refs.json", "whole"), stack)
    np.testing.assert_array_equal(read(freestone, "refs.json", "image"), image)


def test_reads_what_fsspec_reads(freestone, weather):
    """The same references through fsspec and zarr-python."""
    xr = pytest.importorskip("xarray")
    pytest.importorskip("fsspec")
    path = str(freestone.folder / "data" / "w.nc")
    refs = {"version": 1, "templates": {"u": path}, "refs": references_of_hdf5(path, "{{u}}")}
    (freestone.folder / "refs.json").write_text(json.dumps(refs))
    with xr.open_dataset("reference://", engine="zarr", decode_cf=False,
                         backend_kwargs={"consolidated": False, "storage_options": {"fo": str(freestone.folder / "refs.json")}}) as d:
        for name in ("tas", "pr", "big", "flat"):
            np.testing.assert_array_equal(read(freestone, "refs.json", name), d[name].values)


def test_what_cannot_be_read_says_why(freestone, weather):
    refs = references_of_hdf5(freestone.folder / "data" / "w.nc", "data/w.nc")

    def written(file="refs.json", **changed):
        (freestone.folder / file).write_text(json.dumps({"version": 1, "refs": refs | changed.pop("refs", {})} | changed))
        return file

    written(refs={"pr/0.0": ["gopher://host/w.nc", 0, 128]})
    assert "gopher://host/w.nc" in freestone.fails(1, "convert refs.json[pr] y.npy")
    assert {v["name"]: v.get("note", "")[-10:] for v in freestone.json("info refs.json --json")["hdus"]}["pr"] == " of gopher"
    np.testing.assert_array_equal(read(freestone, "refs.json", "tas"), weather["tas"])
    (freestone.folder / "x.npy").unlink()

    written(refs={"pr/0.0": ["{{ f(x='a') }}", 0, 128]})
    assert "does not evaluate" in freestone.fails(1, "convert refs.json[pr] y.npy")
    written(gen=[{"key": "pr/{{i}}.0"}])
    assert "gen: an entry needs" in freestone.fails(1, "info refs.json")
    written(refs={"pr/0.0": ["data/none.nc", 0, 128]})
    assert "none.nc" in freestone.fails(1, "convert refs.json[pr] y.npy")
    written(refs={"pr/0.0": ["data/w.nc", 10**9, 128]})
    assert "another file, or it was cut short" in freestone.fails(1, "convert refs.json[pr] y.npy")
    written(refs={"pr/0.0": ["data/w.nc", 0, 127]})
    assert "127 bytes" in freestone.fails(1, "convert refs.json[pr] y.npy")
    for bad in (7, ["data/w.nc", 1], ["data/w.nc", -1, 5], ["data/w.nc", 0, 1.5], [1, 2, 3], None, "base64:%%%"):
        written(refs={"pr/0.0": bad})
        assert "pr/0.0" in freestone.fails(1, "info refs.json")
    for bad in ("[1, 2]", '"text"', "base64:AAAA", 5, '{"zarr_format": 2}'):
        written(refs={"pr/.zarray": bad})
        assert "refs.json: pr" in freestone.fails(1, "info refs.json")
    (freestone.folder / "other.json").write_text('{"a": 1}')
    assert "no references of kerchunk" in freestone.fails(1, "info other.json")
    (freestone.folder / "other.json").write_text("[" * 100000)
    assert "not JSON" in freestone.fails(1, "info other.json")
    text = (freestone.folder / written()).read_text()
    for keep in range(0, len(text), 97):
        (freestone.folder / "cut.json").write_text(text[:keep])
        assert "cut.json" in freestone.fails(1, "info cut.json")


def test_a_hundred_thousand_references_open_quickly(freestone):
    x = np.zeros((100_000,), "u1")
    refs = {".zgroup": '{"zarr_format": 2}', "x/.zarray": zarray(x, (1,))} | {f"x/{i}": [f"f{i % 50}.raw", i, 1] for i in range(100_000)}
    (freestone.folder / "refs.json").write_text(json.dumps(refs))
    begin = time.perf_counter()
    assert freestone.json("info refs.json[x] --json")["shape"] == [100_000]
    assert time.perf_counter() - begin < 2


def through_fsspec(path):
    xr = pytest.importorskip("xarray")
    pytest.importorskip("fsspec")
    return xr.open_dataset("reference://", engine="zarr", decode_cf=False,
                           backend_kwargs={"consolidated": False, "storage_options": {"fo": str(path)}})


def test_writes_references_that_others_read(freestone, random):
    """netCDF-3 with records, FITS and npy, each read back by us and through fsspec by zarr-python."""
    from astropy.io import fits

    netCDF4, zarr = pytest.importorskip("netCDF4"), pytest.importorskip("zarr")
    x, t, s = random.normal(size=(6, 4, 5)).astype("f4"), np.arange(6, dtype="i2"), np.int32(7)
    with netCDF4.Dataset(freestone.folder / "a.nc", "w", format="NETCDF3_CLASSIC") as d:
        d.title = "weather"
        for name, n in [("t", None), ("y", 4), ("x", 5)]:
            d.createDimension(name, n)
        d.createVariable("tas", "f4", ("t", "y", "x"))[:] = x
        d["tas"].units = "K"
        d.createVariable("t", "i2", ("t",))[:] = t
        d.createVariable("fixed", "f4", ("y", "x"))[:] = x[0]
        d.createVariable("one", "i4", ())[...] = s
    image, plain = random.normal(size=(40, 50)).astype(">f8"), random.integers(0, 9, (3, 7)).astype("u2")
    fits.writeto(freestone.folder / "b.fits", image)
    np.save(freestone.folder / "c.npy", plain)

    freestone.out("references a.nc -o a.json")
    with through_fsspec(freestone.folder / "a.json") as d:
        assert d.attrs["title"] == "weather" and d["tas"].dims == ("t", "y", "x") and d["tas"].attrs["units"] == "K"
        for name, value in [("tas", x), ("t", t), ("fixed", x[0]), ("one", s)]:
            np.testing.assert_array_equal(d[name].values, value)
            np.testing.assert_array_equal(read(freestone, "a.json", name), value)

    freestone.out("references a.nc b.fits c.npy --output all.json")
    for group, name, value in [("a", "tas", x), ("b", "data", image), ("c", "data", plain)]:
        # By their names: zarr-python does not list what is in a group of a reference file system.
        z = zarr.open_group("reference://", storage_options={"fo": str(freestone.folder / "all.json")}, mode="r")
        np.testing.assert_array_equal(z[group][name][...], value)
        np.testing.assert_array_equal(read(freestone, "all.json", f"{group}/{name}"), value)
    assert "exists" in freestone.fails(1, "references a.nc -o all.json")
    assert "-o FILE" in freestone.fails(2, "references a.nc")


def test_references_to_chunks_behind_codecs(freestone, random, weather):
    """Of a Zarr folder, and of references themselves, with holes and data in the list."""
    x = random.normal(size=(30, 20)).astype("f4")
    np.save(freestone.folder / "x0.npy", x)
    for compressor in ("blosc-lz4", "blosc-zstd", "zstd", "zlib", "lz4", "bz2", "none"):
        freestone.out(f"convert x0.npy z.zarr --compress {compressor} --chunks 7,9 --zarr-version 2 --overwrite")
        freestone.out("references z.zarr -o z.json --overwrite")
        np.testing.assert_array_equal(read(freestone, "z.json", "data"), x)
        with through_fsspec(freestone.folder / "z.json") as d:
            np.testing.assert_array_equal(d["data"].values, x)
    freestone.out("convert x0.npy s.zarr --chunks 5,10 --shards 10,20")
    freestone.out("references s.zarr -o s.json")
    np.testing.assert_array_equal(read(freestone, "s.json", "data"), x)

    refs = references_of_hdf5(freestone.folder / "data" / "w.nc", "data/w.nc")
    refs["flat/0.0"] = "base64:" + base64.b64encode(weather["flat"].tobytes()).decode()
    (freestone.folder / "refs.json").write_text(json.dumps(refs))
    freestone.out("references refs.json -o again.json")
    for name, value in weather.items():
        np.testing.assert_array_equal(read(freestone, "again.json", name), value)
    with through_fsspec(freestone.folder / "again.json") as d:
        for name, value in weather.items():
            np.testing.assert_array_equal(d[name].values, value)


def test_what_has_no_references_is_left_out(freestone, random):
    np.save(freestone.folder / "x.npy", random.integers(0, 9, (40, 50)).astype("u2"))
    freestone.out("convert x.npy x.tif --compress lzw")
    assert "numcodecs has no" in freestone.fails(1, "references x.tif -o m.json")
    freestone.out("convert x.npy y.tif --compress deflate --predictor 1")
    done = freestone("references x.tif y.tif -o m.json")
    assert done.returncode == 0 and "left out: x.tif: data: numcodecs has no" in done.stderr
    assert [hdu["name"] for hdu in freestone.json("info m.json --json")["hdus"]] == ["y/data"]


def test_scaled_numbers_are_described_as_cf_has_them(freestone, random):
    xr = pytest.importorskip("xarray")
    from astropy.io import fits

    x = random.integers(0, 65536, (4, 5)).astype("u2")
    scaled = fits.ImageHDU(random.integers(-99, 99, (6, 7)).astype("i2"), name="SCI")
    fits.HDUList([fits.PrimaryHDU(x), scaled]).writeto(freestone.folder / "m.fits")
    with fits.open(freestone.folder / "m.fits", mode="update", do_not_scale_image_data=True) as f:
        f[1].header["BSCALE"], f[1].header["BZERO"], f[1].header["BLANK"] = 0.5, 10.0, -99
    freestone.out("references m.fits -o m.json")
    with xr.open_dataset("reference://", engine="zarr", backend_kwargs={"consolidated": False, "storage_options": {"fo": str(freestone.folder / "m.json")}}) as d:
        np.testing.assert_array_equal(d["hdu0"].values, x)
        np.testing.assert_array_equal(d["SCI"].values, fits.getdata(freestone.folder / "m.fits", 1))
    freestone.out("run m.json[SCI] ! calc --expr 'x + 0' ! write s.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "s.npy"), fits.getdata(freestone.folder / "m.fits", 1))
