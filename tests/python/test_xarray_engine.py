"""The backend engine against xarray's own engines on the same files: values, types, attributes, encodings, coordinates; lazy, picklable, in threads."""

import pickle

import numpy as np
import pandas as pd
import pytest

xr = pytest.importorskip("xarray")

from xarray.core.indexing import BasicIndexer

import freestone as fs
from freestone.xarray.backend_arrays import FreestoneBackendArray

SEED = 20261128


def dataset(texts=True, bools=True):
    rng = np.random.default_rng(SEED)
    v = rng.normal(size=(48, 12, 16)).astype("f4")
    v[rng.random(v.shape) < 0.1] = np.nan
    made = xr.Dataset(
        {
            "tas": (("time", "lat", "lon"), v, {"units": "K", "long_name": "air", "valid_range": np.array([0, 400], "f4"), "flag": np.int16(3)}),
            "pr": (("time", "lat", "lon"), np.abs(v) * 100),
            "count": (("lat", "lon"), rng.integers(0, 9, (12, 16)).astype("i2")),
            "scalar": ((), 3.5),
            "crs": ((), np.int32(0), {"grid_mapping_name": "latitude_longitude"}),
            "lag": (("lat",), np.arange(12) * np.timedelta64(1, "D").astype("m8[ns]")),
            "time_bnds": (("time", "nv"), np.arange(96).reshape(48, 2) * 1.0),
        },
        coords={
            "time": pd.date_range("2000-01-01", periods=48, freq="MS"),
            "lat": ("lat", np.linspace(-60, 60, 12), {"units": "degrees_north"}),
            "lon": ("lon", np.arange(16.0)),
            "height": ((), 2.0),
            "area": (("lat", "lon"), rng.random((12, 16))),
        },
        attrs={"title": "x", "num": 5, "list": [1.5, 2.5]},
    )
    made.time.encoding = {"units": "days since 1999-12-01", "calendar": "standard"}
    made.time.attrs["bounds"] = "time_bnds"
    if texts:
        made["station"] = ("lat", np.array([f"st{i}" for i in range(12)]))
    if bools:
        made["mask"] = (("lat", "lon"), rng.random((12, 16)) > 0.5)
    return made


PACKED = {"dtype": "i2", "scale_factor": 0.1, "add_offset": 10.0, "_FillValue": -999}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    chunked = {"tas": {"zlib": True, "complevel": 4, "shuffle": True, "chunksizes": (12, 6, 16)}, "pr": {**PACKED, "chunksizes": (24, 12, 8)}}
    dataset().to_netcdf(folder / "a.nc", engine="netcdf4", encoding=chunked, unlimited_dims=["time"])
    dataset(bools=False).to_netcdf(folder / "a3.nc", engine="netcdf4", format="NETCDF3_64BIT", encoding={"pr": PACKED})
    dataset(texts=False).to_zarr(folder / "a2.zarr", zarr_format=2, encoding={"tas": {"chunks": (12, 6, 16)}, "pr": PACKED})
    dataset(texts=False).to_zarr(folder / "a3.zarr", zarr_format=3, encoding={"tas": {"chunks": (12, 6, 16)}, "pr": PACKED})
    dataset().to_netcdf(folder / "groups.nc", engine="netcdf4")
    dataset()[["tas"]].to_netcdf(folder / "groups.nc", engine="netcdf4", group="sub/deep", mode="a")
    return folder


KINDS = [("a.nc", "netcdf4"), ("a3.nc", "netcdf4"), ("a2.zarr", "zarr"), ("a3.zarr", "zarr")]


def both(files, name, engine, **options):
    return (
        xr.open_dataset(files / name, engine="freestone", **options),
        xr.open_dataset(files / name, engine=engine, **options),
    )


def check(ours, theirs):
    xr.testing.assert_identical(ours.load(), theirs.load())
    for name in theirs.variables:
        assert ours[name].dtype == theirs[name].dtype, name
        for key, value in theirs[name].attrs.items():
            assert np.asarray(ours[name].attrs[key]).dtype.kind == np.asarray(value).dtype.kind, (name, key)


@pytest.mark.parametrize(("name", "engine"), KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {}, {"mask_and_scale": False}, {"decode_times": False}, {"decode_cf": False}, {"decode_coords": "all"}, {"decode_coords": False},
        {"drop_variables": ["pr", "time"]}, {"decode_timedelta": True}, {"use_cftime": True}, {"concat_characters": False},
    ],
    ids=lambda o: ",".join(o) or "plain",
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_gives_what_xarrays_own_engine_gives(files, name, engine, options):
    check(*both(files, name, engine, **options))


@pytest.mark.parametrize(("name", "engine"), KINDS)
@pytest.mark.filterwarnings("ignore")
def test_chunked_it_is_the_engines_own_array(files, name, engine):
    ours, theirs = both(files, name, engine)
    lazy = xr.open_dataset(files / name, engine="freestone", chunks={}, chunked_array_type="freestone")
    for variable in ("tas", "pr", "count"):
        assert isinstance(lazy[variable].variable._data, fs.Array)
    plan = lazy.pr.freestone.explain()
    assert "user" not in plan and "read FreestoneBackendArray" not in plan
    if name != "a3.nc":
        assert lazy.tas.chunks == ((12,) * 4, (6, 6), (16,))
    check(lazy, theirs)


@pytest.mark.parametrize(("name", "engine"), KINDS)
@pytest.mark.filterwarnings("ignore")
def test_encodings_are_those_of_xarrays_own_engine(files, name, engine):
    ours, theirs = both(files, name, engine)
    for variable in theirs.variables:
        mine, other = ours[variable].encoding, theirs[variable].encoding
        for key in ("dtype", "_FillValue", "scale_factor", "add_offset", "units", "calendar", "chunksizes", "contiguous", "preferred_chunks", "chunks", "zlib", "shuffle",
                    "complevel", "fletcher32", "original_shape", "coordinates", "grid_mapping", "compressors", "filters", "shards", "serializer"):  # fmt: skip
            if key not in other or (variable == "station" and key not in ("original_shape",)):
                continue
            if key == "dtype":
                assert np.dtype(mine[key]).newbyteorder("=") == np.dtype(other[key]).newbyteorder("="), variable
            elif key == "_FillValue":
                np.testing.assert_array_equal(mine[key], other[key], err_msg=variable)
                assert np.asarray(mine[key]).dtype.kind == np.asarray(other[key]).dtype.kind, variable
            else:
                assert mine[key] == other[key], (variable, key)


@pytest.mark.filterwarnings("ignore")
def test_what_was_opened_is_written_as_it_was_stored(files, tmp_path):
    opened = xr.open_dataset(files / "a.nc", engine="freestone")
    opened.to_netcdf(tmp_path / "again.nc", engine="netcdf4")
    again, before = (xr.open_dataset(p, engine="netcdf4") for p in (tmp_path / "again.nc", files / "a.nc"))
    xr.testing.assert_identical(again.load(), before.load())
    for key in ("dtype", "scale_factor", "add_offset", "_FillValue", "chunksizes"):
        assert again.pr.encoding[key] == before.pr.encoding[key]


def indexers(rng, shape):
    def one(n, kind):
        if kind == "slice":
            a, b = sorted(rng.integers(0, n + 1, 2))
            return slice(int(a), int(b), int(rng.integers(1, 3)))
        if kind == "back":
            return slice(None, None, -1)
        return int(rng.integers(0, n)) if kind == "int" else rng.integers(0, n, 5)

    for _ in range(12):
        yield "isel", {d: one(n, rng.choice(["slice", "back", "int", "array"])) for d, n in shape.items()}
    for _ in range(4):
        yield "points", {d: xr.DataArray(rng.integers(0, n, 6), dims="p") for d, n in list(shape.items())[:2]}
    yield "grid", {"lat": xr.DataArray(rng.integers(0, 12, (2, 3)), dims=("q", "p")), "time": 3}


@pytest.mark.parametrize(("name", "engine"), KINDS)
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_parts_of_every_kind_are_equal(files, name, engine, chunked):
    more = {"chunks": {}, "chunked_array_type": "freestone"} if chunked else {}
    ours = xr.open_dataset(files / name, engine="freestone", cache=False, **more)
    theirs = xr.open_dataset(files / name, engine=engine).load()
    rng = np.random.default_rng(SEED)
    for kind, where in indexers(rng, dict(theirs.pr.sizes)):
        xr.testing.assert_identical(ours.pr.isel(where).load(), theirs.pr.isel(where))


@pytest.mark.filterwarnings("ignore")
def test_reads_what_is_asked_for(tmp_path):
    big = xr.Dataset({"v": (("t", "y", "x"), np.random.default_rng(SEED).random((64, 100, 100)))})
    big.to_zarr(tmp_path / "big.zarr", encoding={"v": {"chunks": (1, 100, 100), "compressors": None}}, zarr_format=3)
    for more in ({}, {"chunks": {}, "chunked_array_type": "freestone"}):
        with fs.profile() as opening:
            v = xr.open_dataset(tmp_path / "big.zarr", engine="freestone", cache=False, **more).v
        assert opening.bytes_read == 0
        with fs.profile() as watched:
            v.isel(t=[3, 40], x=slice(0, 10)).load()
        assert 0 < watched.bytes_read <= 2 * 80_000 + 4096


def test_short_coordinates_are_read_once(tmp_path, monkeypatch):
    times = np.arange("2001-01-01", "2001-03-01", dtype="datetime64[D]").astype("datetime64[ns]")
    x = xr.Dataset({"v": (("time", "x"), np.zeros((59, 4)))}, {"time": times, "x": np.arange(4.0)})
    x.to_netcdf(tmp_path / "short.nc")
    compute, lengths = fs.Array.compute, []

    def counted(array, **options):
        lengths.append(array.shape)
        return compute(array, **options)

    monkeypatch.setattr(fs.Array, "compute", counted)
    with xr.open_dataset(tmp_path / "short.nc", engine="freestone", chunks={}, chunked_array_type="freestone") as opened:
        first = opened.time.values
        assert sorted(lengths) == [(4,), (59,)]
        np.testing.assert_array_equal(first, times)
        np.testing.assert_array_equal(opened.time[[3, 1]].values, times[[3, 1]])
    held = FreestoneBackendArray(fs.asarray(np.arange(6.0)))
    part = held[BasicIndexer((slice(1, 4),))]
    part[:] = -1  # what was given belongs to whoever asked
    np.testing.assert_array_equal(held[BasicIndexer((slice(None, None, -1),))], [5, 4, 3, 2, 1, 0])


@pytest.mark.parametrize("more", [{}, {"chunks": {}, "chunked_array_type": "freestone"}], ids=["plain", "chunked"])
@pytest.mark.filterwarnings("ignore")
def test_pickles(files, more):
    ours = xr.open_dataset(files / "a.nc", engine="freestone", **more)
    again = pickle.loads(pickle.dumps(ours))
    xr.testing.assert_identical(again.load(), ours.load())


@pytest.mark.filterwarnings("ignore")
def test_groups_and_trees(files):
    ours, theirs = (xr.open_dataset(files / "groups.nc", engine=e, group="sub/deep") for e in ("freestone", "netcdf4"))
    check(ours, theirs)
    tree, other = (xr.open_datatree(files / "groups.nc", engine=e) for e in ("freestone", "netcdf4"))
    assert set(tree.groups) == set(other.groups)
    xr.testing.assert_identical(tree["sub/deep"].to_dataset().load(), other["sub/deep"].to_dataset().load())
    with pytest.raises(ValueError, match="no group 'nowhere'"):
        xr.open_dataset(files / "groups.nc", engine="freestone", group="nowhere")


@pytest.fixture(scope="module", params=["nc", "zarr2", "zarr3", "zarr2 plain"])
def tree(request, tmp_path_factory):
    """Groups that say different things, one of them without variables; and the engine that wrote them."""
    kind, path = request.param, tmp_path_factory.mktemp("tree") / ("t.nc" if request.param == "nc" else "t.zarr")
    made = {
        "/": xr.Dataset({"a": ("x", np.arange(3.0))}, attrs={"title": "root", "n": 1}),
        "/empty": xr.Dataset(attrs={"title": "nothing in it"}),
        "/sub": xr.Dataset({"b": ("y", np.arange(4.0))}, attrs={"title": "sub", "depth": 1.5}),
        "/sub/deep": xr.Dataset({"c": ("z", np.arange(5.0))}, attrs={"other": "deep"}),
    }
    for name, each in made.items():
        mode = "w" if name == "/" else "a"
        if kind == "nc":
            each.to_netcdf(path, group=name, mode=mode, engine="netcdf4")
        else:
            each.to_zarr(path, group=name.strip("/") or None, mode=mode, zarr_format=int(kind[4]), consolidated=False)
    if kind == "zarr2":
        zarr = pytest.importorskip("zarr")
        zarr.consolidate_metadata(str(path))
    return path, "netcdf4" if kind == "nc" else "zarr"


@pytest.mark.filterwarnings("ignore")
def test_groups_say_what_is_theirs(tree, monkeypatch):
    from freestone import _core

    path, engine = tree
    theirs = xr.open_datatree(path, engine=engine)
    seen, opened = [], _core.open_contents
    monkeypatch.setattr(_core, "open_contents", lambda *given: (seen.append(given), opened(*given))[1])
    ours = xr.open_datatree(path, engine="freestone")
    assert len(seen) == 1
    xr.testing.assert_identical(ours.load(), theirs.load())
    assert ours["sub"].attrs == {"title": "sub", "depth": 1.5} and ours["empty"].attrs == {"title": "nothing in it"}
    xr.testing.assert_identical(xr.open_dataset(path, engine="freestone", group="sub/deep"), xr.open_dataset(path, engine=engine, group="sub/deep"))
    assert len(seen) == 2
    if engine == "netcdf4":  # a group by its path
        assert {key: value for key, value, _ in opened(f"{path}/sub", {})["attributes"]} == {"title": "sub", "depth": 1.5}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "leaf"), [("a2.zarr", ".zarray"), ("a3.zarr", "zarr.json")])
def test_what_a_store_says_is_read_once_by_python(files, name, leaf, monkeypatch):
    zarr = pytest.importorskip("zarr")
    with xr.open_dataset(files / name, engine="zarr") as theirs:
        want = {v: (theirs[v].encoding["compressors"], theirs[v].encoding["filters"]) for v in theirs.variables}
    seen = []
    kept = open

    def counted(path, *args, **options):
        seen.append(str(path))
        return kept(path, *args, **options)

    monkeypatch.setattr("builtins.open", counted)
    monkeypatch.setattr(zarr, "open_array", lambda *_, **__: pytest.fail("zarr opens it"))
    ours = xr.open_dataset(files / name, engine="freestone")
    found = [path for path in seen if path.endswith(leaf)]
    assert len(found) == len(set(found)) == len(want)
    for variable, pair in want.items():
        assert (ours[variable].encoding["compressors"], ours[variable].encoding["filters"]) == pair, variable


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fill", [np.nan, -9.5])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_fill_values_of_zarr_3_are_numbers_in_other_formats(tmp_path, fill, dtype):
    values = np.array([[1, 2, np.nan], [4, 5, 6]], dtype)
    made = xr.Dataset({"t": (("x", "y"), values)})
    made.to_zarr(tmp_path / "a.zarr", zarr_format=3, encoding={"t": {"_FillValue": fill}})
    fs.open(tmp_path / "a.zarr").write(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc", engine="netcdf4", mask_and_scale=False) as stored:
        assert stored.t.attrs["_FillValue"].dtype == dtype
        np.testing.assert_equal(stored.t.attrs["_FillValue"], np.dtype(dtype).type(fill))
        np.testing.assert_array_equal(stored.t, np.where(np.isnan(values), fill, values))
    with xr.open_dataset(tmp_path / "a.nc", engine="netcdf4") as decoded:
        np.testing.assert_array_equal(decoded.t, values)


@pytest.mark.filterwarnings("ignore")
def test_many_files_in_parallel(tmp_path):
    whole = dataset()
    parts = [whole.isel(time=slice(k, k + 4)) for k in range(0, 48, 4)]
    for k, part in enumerate(parts):
        part.to_netcdf(tmp_path / f"part_{k:02}.nc", engine="netcdf4", encoding={"pr": PACKED, "tas": {"zlib": True}})
    expected = xr.open_mfdataset(sorted(tmp_path.glob("*.nc")), engine="netcdf4").load()
    for _ in range(3):
        for parallel in (True, False):
            ours = xr.open_mfdataset(
                sorted(tmp_path.glob("*.nc")), engine="freestone", parallel=parallel, chunks={}, chunked_array_type="freestone"
            )
            assert isinstance(ours.tas.variable._data, fs.Array)
            xr.testing.assert_identical(ours.load(), expected)


@pytest.mark.filterwarnings("ignore")
def test_references_of_kerchunk(files, tmp_path):
    import subprocess
    from pathlib import Path

    program = Path(__file__).resolve().parents[2] / "build/release/bin/freestone"
    subprocess.run([program, "references", files / "a2.zarr", "-o", tmp_path / "refs.json"], check=True, capture_output=True)
    ours = xr.open_dataset(tmp_path / "refs.json", engine="freestone")
    theirs = xr.open_dataset(files / "a2.zarr", engine="zarr")
    np.testing.assert_array_equal(ours.tas.values, theirs.tas.values)
    np.testing.assert_allclose(ours.pr.values, theirs.pr.values)
    assert ours.time.dtype.kind == "M"


def test_knows_its_files(files, tmp_path):
    from freestone.xarray.engine import FreestoneBackendEntrypoint

    engine = FreestoneBackendEntrypoint()
    (tmp_path / "noname").write_bytes((files / "a.nc").read_bytes())
    (tmp_path / "words.txt").write_text("words")
    assert all(engine.guess_can_open(path) for path in (files / "a.nc", str(files / "a2.zarr"), tmp_path / "noname", "https://host/x.fits"))
    assert not any(engine.guess_can_open(thing) for thing in (tmp_path / "words.txt", tmp_path, b"bytes", 5, tmp_path / "absent"))
    with pytest.raises(OSError):
        xr.open_dataset(tmp_path / "absent.nc", engine="freestone")
    with pytest.raises(TypeError, match="paths and URLs"):
        xr.open_dataset(5, engine="freestone")


@pytest.mark.filterwarnings("ignore")
def test_rasters_are_those_of_rioxarray(tmp_path):
    rioxarray = pytest.importorskip("rioxarray")
    rasterio = pytest.importorskip("rasterio")
    rng = np.random.default_rng(SEED)
    for bands, nodata, dtype in ((1, None, "uint8"), (3, 0, "uint16"), (2, -9999.0, "float32")):
        path = tmp_path / f"r{bands}.tif"
        values = rng.integers(0, 50, (bands, 60, 40)).astype(dtype)
        profile = {"driver": "GTiff", "width": 40, "height": 60, "count": bands, "dtype": dtype, "crs": "EPSG:32633", "nodata": nodata}
        with rasterio.open(path, "w", transform=rasterio.transform.from_origin(500000, 4600000, 30, 30), **profile) as out:
            out.write(values)
        ours, theirs = xr.open_dataset(path, engine="freestone"), xr.open_dataset(path, engine="rasterio")
        assert list(ours.data_vars) == ["band_data"] and ours.band_data.dims == theirs.band_data.dims
        np.testing.assert_array_equal(ours.band_data.values, theirs.band_data.values)
        assert ours.band_data.dtype == theirs.band_data.dtype
        for coordinate in ("x", "y", "band"):
            np.testing.assert_array_equal(ours[coordinate], theirs[coordinate])
            assert ours[coordinate].dtype == theirs[coordinate].dtype
        assert ours.rio.crs == theirs.rio.crs and ours.rio.transform() == theirs.rio.transform()
        assert ours.band_data.rio.nodata == theirs.band_data.rio.nodata or (np.isnan(ours.band_data.rio.nodata) and np.isnan(theirs.band_data.rio.nodata))
        assert ours.band_data.rio.encoded_nodata == theirs.band_data.rio.encoded_nodata


@pytest.mark.filterwarnings("ignore")
def test_images_of_fits_have_names_and_headers(tmp_path):
    fits = pytest.importorskip("astropy.io.fits")
    rng = np.random.default_rng(SEED)
    first, second = rng.random((5, 6, 7)).astype("f4"), rng.integers(0, 9, (4, 3)).astype("i2")
    fits.HDUList([fits.PrimaryHDU(first), fits.ImageHDU(second, name="DQ")]).writeto(tmp_path / "a.fits")
    ours = xr.open_dataset(tmp_path / "a.fits", engine="freestone")
    assert set(np.shape(v) for v in ours.data_vars.values()) == {(5, 6, 7), (4, 3)}
    np.testing.assert_array_equal(ours["DQ"].values, second)
    one = xr.open_dataset(f"{tmp_path / 'a.fits'}[DQ]", engine="freestone", chunks={}, chunked_array_type="freestone")
    assert list(one.data_vars) == ["DQ"] and isinstance(one.DQ.variable._data, fs.Array)


def test_damaged_files_are_clear_errors(files, tmp_path):
    raw = (files / "a.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(raw[: len(raw) // 3])
    with pytest.raises(fs.Error, match="cut.nc"):
        xr.open_dataset(tmp_path / "cut.nc", engine="freestone").load()


@pytest.mark.filterwarnings("ignore")
def test_real_observations_of_ships():
    import subprocess
    from pathlib import Path

    root = Path(__file__).resolve().parents[2]
    path = root / ".cache/coads/coads_climatology.cdf"
    if not path.exists():
        fetched = subprocess.run([root / "scripts/fetch-coads"], capture_output=True, text=True)
        if fetched.returncode != 0 or not path.exists():
            pytest.skip(f"COADS cannot be fetched: {fetched.stderr.strip()}")
    ours = xr.open_dataset(path, engine="freestone", chunks={}, chunked_array_type="freestone", decode_times=False)
    theirs = xr.open_dataset(path, engine="netcdf4", decode_times=False).load()
    xr.testing.assert_identical(ours.load(), theirs)
    lazy = xr.open_dataset(path, engine="freestone", chunks={}, chunked_array_type="freestone", decode_times=False).SST
    y = next(d for d in lazy.dims if "Y" in d)
    assert abs(float(lazy.mean()) - 18.095) < 1e-3
    assert abs(float(lazy.weighted(np.cos(np.deg2rad(theirs[y]))).mean()) - 20.224) < 1e-3


@pytest.mark.filterwarnings("ignore")
def test_files_behind_urls(files, monkeypatch, tmp_path):
    import pathlib
    import sys

    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
    from file_server import FileServer

    monkeypatch.setenv("HOME", str(tmp_path))
    with FileServer(files) as server:
        for name, engine in (("a3.nc", "netcdf4"), ("a.nc", "netcdf4")):
            theirs = xr.open_dataset(files / name, engine=engine).load()
            for more in ({}, {"chunks": {}, "chunked_array_type": "freestone"}):
                ours = xr.open_dataset(f"{server.url}/{name}", engine="freestone", storage_options={"headers": {"X-Who": "me"}}, **more)
                xr.testing.assert_identical(ours.load(), theirs)
        assert any(request.headers.get("X-Who") == "me" for request in server.requests)


@pytest.mark.filterwarnings("ignore")
def test_masks_and_overviews_of_rasters(tmp_path):
    pytest.importorskip("rioxarray")
    rasterio = pytest.importorskip("rasterio")
    rng = np.random.default_rng(SEED)
    values, kept = rng.integers(0, 500, (3, 300, 200)).astype("uint16"), rng.random((300, 200)) > 0.3
    profile = {"driver": "GTiff", "width": 200, "height": 300, "count": 3, "dtype": "uint16", "crs": "EPSG:32633", "tiled": True}
    place = rasterio.transform.from_origin(500000, 4600000, 30, 30)
    path = tmp_path / "masked.tif"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", transform=place, blockxsize=64, blockysize=64, **profile) as out:
        out.write(values)
        out.write_mask(kept)
        out.build_overviews([2, 4])
    ours, theirs = xr.open_dataset(path, engine="freestone"), xr.open_dataset(path, engine="rasterio")
    lazy = xr.open_dataset(path, engine="freestone", chunked_array_type="freestone", chunks={})
    assert list(ours.data_vars) == ["band_data"] and ours.sizes == theirs.sizes and ours.band_data.dtype == theirs.band_data.dtype
    np.testing.assert_array_equal(ours.band_data.values, theirs.band_data.values)
    np.testing.assert_array_equal(lazy.band_data.mean(("y", "x")).values, lazy.band_data.compute().astype("f8").mean(("y", "x")).astype("f4"))
    np.testing.assert_array_equal(ours.band_data[1, 5:50:7, [3, 9, 4]].values, theirs.band_data[1, 5:50:7, [3, 9, 4]].values)
    raw = xr.open_dataset(path, engine="freestone", mask_and_scale=False)
    np.testing.assert_array_equal(raw.band_data.values, values)
    ours.to_netcdf(tmp_path / "masked.nc")
    np.testing.assert_array_equal(xr.open_dataset(tmp_path / "masked.nc").band_data.values, theirs.band_data.values)
    assert xr.open_dataset(f"{path}[overview_1]", engine="freestone").sizes["y"] == 150


@pytest.mark.filterwarnings("ignore")
def test_each_band_has_its_scale(tmp_path):
    pytest.importorskip("rioxarray")
    rasterio = pytest.importorskip("rasterio")
    values = np.random.default_rng(SEED).integers(0, 9, (3, 30, 20)).astype("uint16")
    profile = {"driver": "GTiff", "width": 20, "height": 30, "count": 3, "dtype": "uint16", "crs": "EPSG:32633", "nodata": 5}
    with rasterio.open(tmp_path / "s.tif", "w", transform=rasterio.transform.from_origin(0, 0, 30, 30), **profile) as out:
        out.write(values)
        out.scales, out.offsets = (0.1, 0.2, 0.3), (1.0, 2.0, 3.0)
    ours, theirs = xr.open_dataset(tmp_path / "s.tif", engine="freestone"), xr.open_dataset(tmp_path / "s.tif", engine="rasterio")
    np.testing.assert_allclose(ours.band_data.values, theirs.band_data.values, rtol=1e-6)
    assert np.isnan(ours.band_data.values).sum() == (values == 5).sum() > 0
    ours.to_netcdf(tmp_path / "s.nc")
    np.testing.assert_array_equal(xr.open_dataset(tmp_path / "s.nc").band_data.values, ours.band_data.values)
