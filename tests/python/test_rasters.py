"""Rasters in Python mean what they mean in pipelines and in xarray: what is nodata is missing, packed numbers are decoded."""

import warnings

import freestone as fs
import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio")
xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
pytest.importorskip("freestone.xarray")
warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)


def write(path, a, nodata=None, scale=1.0, offset=0.0):
    with rasterio.open(path, "w", driver="GTiff", count=a.shape[0], height=a.shape[1], width=a.shape[2], dtype=a.dtype, nodata=nodata) as f:
        f.write(a)
        f.scales, f.offsets = [scale] * a.shape[0], [offset] * a.shape[0]


@pytest.mark.parametrize("dtype, nodata, scale, offset", [("uint8", 7, 1, 0), ("uint16", 0, 1, 0), ("int16", -5, 0.5, 3), ("int32", -5, 1, 0), ("uint8", None, 2, 1),
                                                         ("float32", -9999, 1, 0), ("float32", 0.1, 1, 0), ("float64", np.nan, 0.25, 0), ("uint16", None, 1, 0)])
@pytest.mark.parametrize("bands", [1, 3])
def test_as_xarray_opens_them(tmp_path, dtype, nodata, scale, offset, bands):
    random = np.random.default_rng(5)
    a = random.integers(0, 20, (bands, 30, 40)).astype(dtype)
    if nodata is not None:
        a[random.random(a.shape) < 0.3] = nodata
    write(tmp_path / "a.tif", a, nodata, scale, offset)
    expected = xarray.open_dataset(tmp_path / "a.tif", engine="rasterio")["band_data"].values
    got = np.asarray(fs.open(str(tmp_path / "a.tif")).compute())
    np.testing.assert_allclose(got.reshape(expected.shape), expected, rtol=1e-6)
    assert np.isnan(got).sum() == np.isnan(expected).sum()


def test_bands_have_their_own_scales(tmp_path):
    a = np.arange(24, dtype="u1").reshape(2, 3, 4)
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", count=2, height=3, width=4, dtype="uint8", nodata=5) as f:
        f.write(a)
        f.scales, f.offsets = (0.5, 2), (0, 10)
    expected = np.where(a == 5, np.nan, a.astype("f8")) * np.array([0.5, 2])[:, None, None] + np.array([0, 10])[:, None, None]
    np.testing.assert_array_equal(fs.open(str(tmp_path / "a.tif")).compute(), expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_what_the_mask_leaves_out_is_missing(tmp_path, dtype):
    random = np.random.default_rng(6)
    a, valid = random.integers(0, 20, (2, 30, 40)).astype(dtype), random.random((30, 40)) < 0.7
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", count=2, height=30, width=40, dtype=dtype) as f:
        f.write(a)
        f.write_mask(valid)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]
    expected = xarray.open_dataset(tmp_path / "a.tif", engine="rasterio")["band_data"].values
    got = fs.open(str(tmp_path / "a.tif")).compute()
    np.testing.assert_array_equal(got, np.where(valid, a, np.nan))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", ["a.tif", "a.nc", "a.nc3", "a.zarr", "a.h5"])
def test_write_nodata(tmp_path, name):
    """What is missing becomes the number, and the file says so in its own words: an array, a variable of a dataset, an xarray object."""
    x = np.where(np.random.default_rng(7).random((20, 30)) < 0.3, np.nan, 1.5).astype("f4")
    placed = xarray.Dataset({"t": (("y", "x"), x)}, coords={"y": np.arange(20.0), "x": np.arange(30.0)})
    placed.to_netcdf(tmp_path / "source.nc", encoding={"t": {"dtype": "i2", "scale_factor": 0.5, "_FillValue": -1}})
    opened, through = fs.open(tmp_path / "source.nc"), xarray.open_dataset(tmp_path / "source.nc", engine="freestone")
    for kind, item in {"array": fs.asarray(x), "decoded": opened["t"] if name == "a.tif" else opened, "accessor": through.t.freestone}.items():
        path = tmp_path / f"{kind}_{name}"
        item.write(path, nodata=-99, dims=("y", "x")) if kind == "array" else item.write(path, nodata=-99)
        if name == "a.tif":
            with rasterio.open(path) as file:
                assert file.nodata == -99
                stored = file.read(1)
        elif name == "a.zarr" and kind == "array":
            import zarr

            array = zarr.open_array(path, mode="r")
            assert array.attrs["_FillValue"] == "AAAAAADAWMA="  # xarray's -99
            stored = array[...]
        elif name == "a.h5":
            import h5py

            with h5py.File(path) as file:
                stored = next(d[...] for d in file.values() if d.ndim == 2)
        else:
            options = {"engine": "zarr"} if name == "a.zarr" else {"engine": "scipy"} if name == "a.nc3" else {}
            with xarray.open_dataset(path, mask_and_scale=False, **options) as dataset:
                stored = next(v.values for v in dataset.data_vars.values() if v.ndim == 2)
                said = next(v.attrs["_FillValue"] for v in dataset.data_vars.values() if v.ndim == 2)
                assert said == -99
            with xarray.open_dataset(path, **options) as dataset:
                np.testing.assert_array_equal(next(v.values for v in dataset.data_vars.values() if v.ndim == 2), x)
        assert np.array_equal(stored == -99, np.isnan(x)) and not np.isnan(stored).any()


@pytest.mark.parametrize("nodata, says", [("x", "nodata = 'x': it is one real number"), (1j, "nodata = 1j: it is one real number"),
                                          ([1, 2], "nodata = .*: it is one real number"), (2**70, f"nodata = {2**70}: whole numbers from"),
                                          (2**64, f"nodata = {2**64}: whole numbers from -{2**63} to {2**64 - 1}"), (-(2**63) - 1, "whole numbers from")])
@pytest.mark.parametrize("dtype", ["u8", "f4"])
def test_nodata_that_is_no_number(tmp_path, dtype, nodata, says):
    with pytest.raises(fs.errors.UserError, match=says):
        fs.asarray(np.ones((2, 2), dtype)).write(tmp_path / "a.zarr", nodata=nodata)
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize("nodata", [2**63 - 1, 2**63, 2**64 - 1, np.uint64(2**64 - 1), np.uint64(2**63 - 1), np.array(2**63 - 1), np.array([5]), np.int8(5), np.float32(5), True])
def test_nodata_is_taken_exactly(tmp_path, nodata):
    import zarr

    fs.asarray(np.zeros((2, 2), "u8")).write(tmp_path / "a.zarr", nodata=nodata)
    assert zarr.open_array(tmp_path / "a.zarr", mode="r").attrs["_FillValue"] == int(np.ravel(nodata)[0])


def test_nodata_that_has_no_place(tmp_path):
    a = fs.asarray(np.array([[1, 2]], "u1"))
    with pytest.raises(fs.errors.UserError, match="uint8 has no such number"):
        a.write(tmp_path / "a.tif", nodata=-1)
    for name in ("a.npy", "a.fits"):
        with pytest.raises(fs.errors.UserError, match="has no place for a nodata value"):
            a.astype("f4").write(tmp_path / name, nodata=-1)
    a.write(tmp_path / "a.tif", nodata=np.uint8(2))
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.nodata == 2
    assert not (tmp_path / "a.npy").exists()


@pytest.mark.parametrize("overviews", ["auto", (2, 4), np.array([2, 4]), "none", ()])
def test_how_a_geotiff_is_stored(tmp_path, overviews):
    x = np.random.default_rng(8).integers(0, 1000, (3, 90, 110)).astype("u2")
    through = xarray.DataArray(fs.asarray(x), dims=("band", "y", "x"))
    for kind, target in {"array": fs.asarray(x), "accessor": through.freestone}.items():
        path = tmp_path / f"{kind}.tif"
        target.write(path, chunks=(32, 32), compress="deflate", predictor=1, interleave="pixel", overviews=overviews, overview_resampling="max", bigtiff=True)
        assert path.read_bytes()[2] == 43  # BigTIFF
        with rasterio.open(path) as file:
            np.testing.assert_array_equal(file.read(), x)
            assert file.interleaving.name == "pixel" and file.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR", "1") == "1"
            assert file.overviews(1) == ([2, 4] if len(overviews) > 0 and str(overviews) != "none" else [])
            if file.overviews(1):
                np.testing.assert_array_equal(file.read(out_shape=(3, 45, 55)), x.reshape(3, 45, 2, 55, 2).max((2, 4)))
    fs.asarray(x).write(tmp_path / "b.tif", predictor=2, bigtiff="no", interleave="band")
    with rasterio.open(tmp_path / "b.tif") as file:
        np.testing.assert_array_equal(file.read(), x)
        assert file.interleaving.name == "band" and file.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == "2"


@pytest.mark.parametrize("name, option, says", [
    ("a.tif", {"predictor": 4}, "predictor 4: it is 1"), ("a.tif", {"predictor": "2"}, "predictor = '2': it is 1, 2 or 3"),
    ("a.tif", {"predictor": 3}, "predictor 3 is not for uint16"), ("a.tif", {"interleave": "line"}, "'line': it is band or pixel"),
    ("a.tif", {"interleave": 1}, "interleave = 1: it is 'band' or 'pixel'"), ("a.tif", {"overviews": (2, 3)}, "'2,3': auto, none, or powers of two"),
    ("a.tif", {"overviews": 2.5}, "overviews = 2.5: it is 'auto', 'none' or factors"), ("a.tif", {"bigtiff": "maybe"}, "'maybe': it is yes, no or if-needed"),
    ("a.tif", {"bigtiff": 8}, "bigtiff = 8: it is 'yes', 'no' or 'if-needed'"),
    ("a.tif", {"overviews": "auto", "overview_resampling": "cubic"}, "'cubic': it is one of nearest, average"),
    ("a.zarr", {"overviews": "auto"}, "options of geotiff and cog, not of zarr"), ("a.nc", {"predictor": 2}, "options of geotiff and cog, not of netcdf4"),
])  # fmt: skip
def test_how_a_geotiff_cannot_be_stored(tmp_path, name, option, says):
    with pytest.raises(fs.errors.UserError, match=says.replace("(", r"\(")):
        fs.asarray(np.ones((40, 50), "u2")).write(tmp_path / name, **option)
    assert not (tmp_path / name).exists()


def test_options_that_nobody_knows_are_errors(tmp_path):
    array = xarray.DataArray(fs.asarray(np.ones((4, 5), "u2")), dims=("y", "x"), name="a")
    array.freestone.write(tmp_path / "a.nc")
    for write, name in ((array.freestone.write, "b.tif"), (array.to_dataset().freestone.write, "b.nc"), (array.freestone.to_zarr, "b.zarr"), (fs.open(tmp_path / "a.nc").write, "c.nc")):
        with pytest.raises(TypeError, match="no option 'overview'"):
            write(tmp_path / name, overview="auto")
        assert not (tmp_path / name).exists()
