"""Zarr through the program: info, run, convert, and what goes wrong."""

import numpy as np
import pytest

zarr = pytest.importorskip("zarr")


@pytest.fixture
def group(tmp_path):
    """A group of two arrays and a coordinate, in the folder of the program."""
    x = np.random.default_rng(3).normal(size=(6, 30, 40)).astype("f4")
    g = zarr.create_group(tmp_path / "g.zarr", attributes={"title": "weather"})
    named = {"dimension_names": ["time", "y", "x"]}
    g.create_array("tas", shape=x.shape, dtype="f4", chunks=(2, 10, 20), attributes={"units": "K", "levels": [1, 2]}, **named)[...] = x
    g.create_array("pr", shape=x.shape, dtype="f8", **named)
    g.create_array("time", shape=(6,), dtype="i8", dimension_names=["time"])[...] = np.arange(6)
    return x


def test_info(freestone, group):
    text = freestone.out("info g.zarr")
    assert "weather" in text and "6 x 30 x 40 (time, y, x) float32, chunks 2 x 10 x 20" in text
    for words in ("info g.zarr/tas --json", "info g.zarr[tas] --json", "info g.zarr --var tas --json"):
        found = freestone.json(words)
        assert found["shape"] == [6, 30, 40] and found["dims"] == ["time", "y", "x"] and found["codecs"] == "zstd"
        assert found["attributes"] == {"units": "K", "levels": [1, 2]} and found["chunks"] == [2, 10, 20]


def test_run_from_group_to_zarr(freestone, group, tmp_path):
    freestone.out("run g.zarr --var tas ! mean --axis time ! write m.zarr --compress zstd --level 3 --chunks 10,10 --shards 30,40")
    z = zarr.open_array(tmp_path / "m.zarr", mode="r")
    np.testing.assert_allclose(z[...], group.mean(0), rtol=1e-5, atol=1e-6)
    assert z.chunks == (10, 10) and z.shards == (30, 40) and z.metadata.dimension_names == ("y", "x")
    freestone.out("convert g.zarr/tas t.zarr --zarr-version 2 --compress blosc-zstd")
    z = zarr.open_array(tmp_path / "t.zarr", mode="r")
    np.testing.assert_array_equal(z[...], group)
    assert z.chunks == (6, 30, 40) and z.metadata.zarr_format == 2
    assert z.attrs["units"] == "K" and z.attrs["levels"] == [1, 2] and z.attrs["_ARRAY_DIMENSIONS"] == ["time", "y", "x"]


def test_fits_and_back(freestone, tmp_path):
    from astropy.io import fits

    x = np.arange(600, dtype="f4").reshape(20, 30)
    fits.writeto(tmp_path / "a.fits", x, fits.Header([("OBJECT", "M1"), ("BUNIT", "K")]))
    freestone.out("convert a.fits b.zarr")
    assert zarr.open_array(tmp_path / "b.zarr", mode="r").attrs["OBJECT"] == "M1"
    freestone.out("convert b.zarr c.fits")
    np.testing.assert_array_equal(fits.getdata(tmp_path / "c.fits"), x)


def test_errors(freestone, group):
    for code, words, part in [
        (1, "run g.zarr ! plot x.png", "One array is wanted"),
        (1, "info g.zarr/tass", "Did you mean 'tas'"),
        (1, "convert g.zarr/tas x.npy --compress zstd", "takes no chunks, shards or compression. zarr"),
        (1, "run g.zarr[tas] ! write x.zarr --compress zst", "Did you mean 'zstd'"),
        (1, "run g.zarr[tas] ! write x.zarr --chunks 3,3", "3 axes"),
        (2, "run g.zarr[tas] ! write x.zarr --chunks 3,b,3", "--chunks"),
        (1, "run g.zarr[tas] ! write g.zarr", "exists"),
    ]:
        assert part in freestone.fails(code, words)


@pytest.mark.parametrize("step", ["median --axis 0", "mean --axis 0", "percentile --q 30 --axis 0"])
def test_one_chunk_of_output_needs_not_all_of_the_input(freestone, tmp_path, step):
    """The output is one chunk, which one task writes; the input is twice the budget."""
    x = np.random.default_rng(5).normal(size=(400, 200, 200)).astype("f4")
    zarr.create_array(tmp_path / "a.zarr", shape=x.shape, dtype="f4", chunks=(20, 50, 100))[...] = x
    freestone.out(f"run a.zarr --memory 32MiB ! {step} ! write m.zarr")
    freestone.out(f"run a.zarr ! {step} ! write n.zarr")
    m, n = zarr.open_array(tmp_path / "m.zarr", mode="r")[...], zarr.open_array(tmp_path / "n.zarr", mode="r")[...]
    assert m.tobytes() == n.tobytes()
    expected = np.mean(x, 0) if "mean" in step else np.percentile(x, 50 if "median" in step else 30, axis=0)
    np.testing.assert_allclose(m, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("version", [2, 3])
def test_deflate_is_the_name_that_other_formats_have_for_gzip(freestone, random, version):
    x = random.normal(size=(20, 30)).astype("f4")
    np.save(freestone.folder / "x.npy", x)
    freestone.out(f"run x.npy ! write a.zarr --compress deflate --level 7 --zarr-version {version}")
    freestone.out(f"run x.npy ! write b.zarr --compress gzip --level 7 --zarr-version {version}")
    np.testing.assert_array_equal(zarr.open(freestone.folder / "a.zarr")[...], x)
    files = sorted(p.relative_to(freestone.folder / "a.zarr") for p in (freestone.folder / "a.zarr").rglob("*") if p.is_file())
    assert files and all((freestone.folder / "a.zarr" / p).read_bytes() == (freestone.folder / "b.zarr" / p).read_bytes() for p in files)


@pytest.mark.parametrize("suffix", ["nc", "nc3", "h5"])
@pytest.mark.parametrize("version", [2, 3])
def test_a_dataset_of_one_variable_is_a_group(freestone, tmp_path, suffix, version):
    """A file of one variable without coordinates is what xarray opens, with what its numbers mean; one array that was chosen is an array."""
    xr = pytest.importorskip("xarray")
    netCDF4, h5py = pytest.importorskip("netCDF4"), pytest.importorskip("h5py")
    stored = np.array([[1, -999, 3], [4, 5, 6]], "i2")
    attributes = {"units": "K", "scale_factor": 0.5, "add_offset": 10.0, "_FillValue": np.int16(-999)}
    if suffix == "h5":
        with h5py.File(tmp_path / "x.h5", "w") as file:
            file["t"] = stored
            file["t"].attrs.update(attributes)
            for axis, name in enumerate(("y", "x")):
                file["t"].dims[axis].label = name
    else:
        with netCDF4.Dataset(tmp_path / f"x.{suffix}", "w", format="NETCDF4" if suffix == "nc" else "NETCDF3_CLASSIC") as file:
            file.createDimension("y", 2), file.createDimension("x", 3)
            file.title = "one"
            made = file.createVariable("t", "i2", ("y", "x"), fill_value=-999)
            made.set_auto_maskandscale(False)
            made.setncatts({k: v for k, v in attributes.items() if k != "_FillValue"})
            made[:] = stored
    freestone.out(f"convert x.{suffix} x.zarr --zarr-version {version}")
    freestone.out("convert x.zarr back.nc")
    for opened in (xr.open_zarr(tmp_path / "x.zarr"), xr.open_dataset(tmp_path / "back.nc")):
        assert list(opened.variables) == ["t"] and opened.t.dims == ("y", "x") and opened.t.dtype == "f8" and opened.t.units == "K"
        np.testing.assert_array_equal(opened.t, np.where(stored == -999, np.nan, stored * 0.5 + 10))
        assert opened.attrs == ({} if suffix == "h5" else {"title": "one"})
    assert zarr.open_group(tmp_path / "x.zarr", mode="r")["t"].dtype == "i2"
    assert freestone.out(f"compare x.{suffix} x.zarr") == "the same\n"
    # As from a step of a pipeline.
    freestone.out(f"run x.{suffix} ! mean --axis x ! write mean.zarr")
    assert xr.open_zarr(tmp_path / "mean.zarr").t.dims == ("y",)
    for number, words in enumerate((f"x.{suffix} --var t", f"x.{suffix}[t]", "x.zarr/t")):
        freestone.out(f"convert {words} {number}.zarr")
        assert zarr.open_array(tmp_path / f"{number}.zarr", mode="r")[...].tolist() == stored.tolist()
