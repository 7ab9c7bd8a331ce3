"""Rasters in Python mean what they mean in pipelines and in xarray: what is nodata is missing, packed numbers are decoded."""

import warnings

import freestone as fs
import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio")
xarray = pytest.importorskip("xarray")
pytest.importorskip("rioxarray")
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
