"""What is missing in a raster is missing in what is computed from it and written, whatever the type of the file."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

PLACE = {"crs": "EPSG:32633", "transform": from_origin(5e5, 5.2e6, 30, 30)}


def write(path, values, nodata, **more):
    profile = {"driver": "GTiff", "count": len(values), "height": values.shape[1], "width": values.shape[2], "dtype": values.dtype.name, "nodata": nodata, **PLACE, **more}
    with rasterio.open(path, "w", **profile) as out:
        out.write(values)


@pytest.fixture
def scene(freestone):
    """scene.tif: three bands of uint16, nodata 7 at random places of each."""
    seed = int(np.random.default_rng().integers(1 << 32))
    print("seed", seed)
    random = np.random.default_rng(seed)
    values = random.integers(8, 5000, (3, 70, 90)).astype("u2")
    values[random.random(values.shape) < 0.1] = 7
    write(freestone.folder / "scene.tif", values, 7)
    return np.ma.masked_equal(values, 7)


def read(freestone, name):
    with rasterio.open(freestone.folder / name) as file:
        return file.nodata, file.read(masked=True)


def test_calc_on_bands_says_nan(freestone, scene):
    freestone.out("run scene.tif ! calc --expr 'b1 * 2 + b2' ! write a.tif --dtype float64")
    nodata, out = read(freestone, "a.tif")
    assert np.isnan(nodata)
    expected = scene[0].astype("f8") * 2 + scene[1]
    np.testing.assert_array_equal(np.ma.getmaskarray(out[0]), expected.mask)
    np.testing.assert_array_equal(out[0].compressed(), expected.compressed())
    with rasterio.open(freestone.folder / "a.tif") as file:
        assert file.crs.to_epsg() == 32633 and file.transform == PLACE["transform"]


@pytest.mark.parametrize("dtype, nodata", [("int16", -32768), ("int32", -2147483648), ("uint16", 65535), ("uint32", 4294967295), ("int64", -(1 << 63))])
def test_calc_into_integers_has_the_nodata_of_gdal_calc(freestone, scene, dtype, nodata):
    freestone.out(f"run scene.tif ! calc --expr 'b1 * 2 + b2' ! write a.tif --dtype {dtype}")
    found, out = read(freestone, "a.tif")
    assert found == nodata and out.dtype == dtype
    expected = scene[0].astype("i8") * 2 + scene[1]
    np.testing.assert_array_equal(np.ma.getmaskarray(out[0]), expected.mask)
    np.testing.assert_array_equal(out[0].compressed(), expected.compressed())


@pytest.mark.parametrize("nodata", [0, 12345])
def test_nodata_may_be_chosen(freestone, scene, nodata):
    freestone.out(f"run scene.tif ! calc --expr 'x + 1' ! write a.tif --dtype uint16 --nodata {nodata}")
    found, out = read(freestone, "a.tif")
    assert found == nodata
    raw = out.filled(nodata)
    np.testing.assert_array_equal(raw[~scene.mask], scene.data[~scene.mask] + 1)
    assert (out.data[scene.mask] == nodata).all()


def test_nodata_of_floats_may_be_chosen(freestone, scene):
    freestone.out("run scene.tif ! calc --expr 'b1 / b2' ! write a.tif --dtype float32 --nodata -9999")
    found, out = read(freestone, "a.tif")
    expected = scene[0].astype("f4") / scene[1].astype("f4")
    assert found == -9999 and not np.isnan(out.data).any()
    np.testing.assert_array_equal(np.ma.getmaskarray(out[0]), expected.mask)
    np.testing.assert_allclose(out[0].compressed(), expected.compressed(), rtol=1e-6)


@pytest.mark.parametrize("steps", ["select --index y=10:60", "mask --where 'b1 > 2500'"])
def test_pixels_that_stay_keep_their_nodata(freestone, scene, steps):
    freestone.out(f'run scene.tif ! {steps} ! write a.tif --dtype uint16')
    found, out = read(freestone, "a.tif")
    expected = scene[:, 10:60] if "select" in steps else np.ma.masked_where(np.broadcast_to(~(scene[0] > 2500).filled(False), scene.shape), scene)
    assert found == 7
    np.testing.assert_array_equal(out.filled(7), expected.filled(7))


def test_an_index_in_integers_keeps_its_zeros(freestone):
    values = np.array([[[10, 20, 0]], [[10, 40, 5]]], "u2")
    write(freestone.folder / "s.tif", values, 0)
    freestone.out("run s.tif ! index ndvi --red 1 --nir 2 ! calc --expr 'x * 10000' ! write a.tif --dtype int16")
    found, out = read(freestone, "a.tif")
    assert found == -32768 and out.filled(-1).tolist() == [[[0, 3333, -1]]]


def test_convert_gives_missing_pixels_a_number_of_the_new_type(freestone):
    values = np.array([[[1, 2, -9999, 200]]], "f4")
    write(freestone.folder / "f.tif", values, -9999)
    freestone.out("convert f.tif a.tif --dtype uint8")
    found, out = read(freestone, "a.tif")
    assert found == 255 and out.filled(255).tolist() == [[[1, 2, 255, 200]]]
    freestone.out("convert f.tif b.tif --dtype int16")
    assert read(freestone, "b.tif")[0] == -9999
    assert read(freestone, "b.tif")[1].data.tolist() == [[[1, 2, -9999, 200]]]
    freestone.out("convert f.tif c.tif --dtype float64 --nodata nan")
    found, out = read(freestone, "c.tif")
    assert np.isnan(found) and np.isnan(out.data[0, 0, 2]) and out.data[0, 0, 3] == 200


def test_convert_copies_what_is_stored(freestone):
    """Also where the file says a nodata that its type has not, and NaN beside a number."""
    write(freestone.folder / "f.tif", np.array([[[1, np.nan, -9999]]], "f4"), -9999)
    freestone.out("convert f.tif a.tif")
    with rasterio.open(freestone.folder / "a.tif") as file:
        assert file.nodata == -9999
        np.testing.assert_array_equal(file.read(), np.array([[[1, np.nan, -9999]]], "f4"))
    write(freestone.folder / "u.tif", np.array([[[1, 255, 0]]], "u1"), None)
    freestone.out("convert u.tif b.tif")
    assert read(freestone, "b.tif")[0] is None


def test_what_is_true_or_false_has_no_nodata(freestone, scene):
    freestone.out("run scene.tif ! calc --expr 'x > 100' ! write a.tif --dtype uint8")
    found, out = read(freestone, "a.tif")
    assert found is None
    np.testing.assert_array_equal(out.data, (scene > 100).filled(False))


def test_without_nodata_nothing_is_said(freestone):
    write(freestone.folder / "u.tif", np.arange(12, dtype="u1").reshape(1, 3, 4), None)
    freestone.out("run u.tif ! calc --expr 'x * 2.0' ! write a.tif --dtype uint8")
    found, out = read(freestone, "a.tif")
    assert found is None and out.data[0, 2, 3] == 22


def test_netcdf_and_fits_have_it_in_their_words(freestone, scene):
    xarray = pytest.importorskip("xarray")
    from astropy.io import fits

    freestone.out("run scene.tif ! calc --expr 'b1 * 1' ! write a.nc --dtype int32 --nodata -5")
    with xarray.open_dataset(freestone.folder / "a.nc", mask_and_scale=False) as file:
        (name,) = [n for n in file.data_vars if file[n].ndim == 2]
        assert file[name].dtype == "int32" and file[name].attrs["_FillValue"] == -5
        np.testing.assert_array_equal(file[name].values, scene[0].astype("i4").filled(-5))
    freestone.out("run scene.tif ! calc --expr 'b1 * 1' ! write a.fits --dtype int32 --nodata -5")
    with fits.open(freestone.folder / "a.fits", do_not_scale_image_data=True) as file:
        assert file[0].header["BLANK"] == -5
        np.testing.assert_array_equal(file[0].data, scene[0].astype("i4").filled(-5))


def test_numbers_that_the_type_has_not_are_refused(freestone, scene):
    assert "uint8 has no such number; 0 to 255 are" in freestone.fails(1, "run scene.tif ! calc --expr 'b1' ! write a.tif --dtype uint8 --nodata -1")
    assert "nan" in freestone.fails(1, "run scene.tif ! calc --expr 'b1' ! write a.tif --dtype int16 --nodata nan")
    assert "NaN" in freestone.fails(1, "run scene.tif ! calc --expr 'b1' ! write a.fits --nodata 3")
    assert "npy has no place" in freestone.fails(1, "run scene.tif ! calc --expr 'b1' ! write a.npy --nodata 3")
    freestone.fails(2, "run scene.tif ! write a.tif --nodata few")


def test_overviews_know_it(freestone, scene):
    """Those of integers that were made from NaN leave nodata out."""
    freestone.out("run scene.tif ! calc --expr 'b1 * 1' ! write a.tif --dtype int16 --overviews 2")
    with rasterio.open(freestone.folder / "a.tif", overview_level=0) as file:
        out = file.read(1, masked=True)
    blocks = scene[0].astype("f8").reshape(35, 2, 45, 2).transpose(0, 2, 1, 3).reshape(35, 45, 4)
    np.testing.assert_array_equal(np.ma.getmaskarray(out), blocks.mask.all(-1))
    np.testing.assert_allclose(out.compressed(), blocks.mean(-1).compressed(), atol=0.51)
