"""Integers of which one number means nothing: BLANK in FITS, nodata elsewhere."""

import numpy as np
import pytest
from astropy.io import fits

rasterio = pytest.importorskip("rasterio")


@pytest.mark.parametrize("dtype, nodata", [("u1", 0), ("i2", -999), ("u2", 65535), ("i4", -(2**31)), ("u4", 7)])
def test_nodata_becomes_blank_and_back(freestone, random, dtype, nodata):
    x = random.integers(1, 100, (30, 40)).astype(dtype)
    x[3:5, 6:9] = nodata
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=30, width=40, dtype=x.dtype, nodata=nodata) as f:
        f.write(x, 1)
    for name in ("b.fits", "b.fits.fz"):
        freestone.out("convert a.tif", name)
        # astropy makes NaN of BLANK only where no offset makes the numbers unsigned: as they are stored, then.
        with fits.open(freestone.folder / name, do_not_scale_image_data=True) as hdus:
            image = hdus[-1]
            zero = {"u2": 2**15, "u4": 2**31}.get(dtype, 0)
            assert image.header["BLANK"] == nodata - zero
            np.testing.assert_array_equal(image.data.astype("i8") + zero, x)
        if dtype == "i2" and name == "b.fits":
            np.testing.assert_array_equal(np.isnan(fits.getdata(freestone.folder / name)), x == nodata)
    # Numbers stay as they are stored.
    freestone.out("convert b.fits c.tif")
    with rasterio.open(freestone.folder / "c.tif") as f:
        assert f.nodata == nodata and f.dtypes[0] == x.dtype.name
        np.testing.assert_array_equal(f.read(1), x)
    # In pipelines they mean what they mean.
    freestone.out("run b.fits ! write d.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "d.npy"), np.where(x == nodata, np.nan, x.astype("f8")))


@pytest.mark.parametrize("blank", [-99999, 99999])
def test_a_blank_that_no_element_has(freestone, blank):
    """It is as far from the elements in other formats as it was."""
    hdu = fits.PrimaryHDU(np.arange(12, dtype="i2").reshape(3, 4))
    hdu.writeto(freestone.folder / "a.fits")
    with fits.open(freestone.folder / "a.fits", mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header["BZERO"], hdus[0].header["BLANK"] = 2**15, blank
    freestone.out("convert a.fits b.tif")
    assert f'"nodata": {blank + 2**15},' in freestone.out("info b.tif --json")
    assert float(freestone.out("run b.tif ! count")) == 12


def test_scaled_integers_become_what_they_stand_for(freestone, random):
    x = random.integers(-100, 100, (30, 40)).astype("i2")
    x[2, 3] = -77
    hdu = fits.PrimaryHDU(x)
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 0.5, 10.0, -77
    hdu.writeto(freestone.folder / "a.fits")
    with fits.open(freestone.folder / "a.fits", mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header["BSCALE"], hdus[0].header["BZERO"], hdus[0].header["BLANK"] = 0.5, 10.0, -77
    freestone.out("convert a.fits b.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "b.npy"), np.where(x == -77, np.nan, x * 0.5 + 10.0).astype("f4"))


def test_zblank_of_tiles_means_nothing(freestone, random):
    """Of a tile-compressed image of integers BLANK, else ZBLANK of its table, is the number that means nothing, as astropy reads it."""
    x = random.integers(0, 100, (20, 30)).astype("i2")
    x[3, 4] = x[7, 8] = -99
    for name in ("RICE_1", "GZIP_1", "HCOMPRESS_1"):
        hdu = fits.CompImageHDU(x, compression_type=name)
        hdu.header["BLANK"] = -99
        hdu.writeto(freestone.folder / "a.fits.fz", overwrite=True)
        for key in ("BLANK", "ZBLANK"):
            if key == "ZBLANK":
                with fits.open(freestone.folder / "a.fits.fz", mode="update", disable_image_compression=True) as hdus:
                    hdus[1].header["ZBLANK"] = hdus[1].header.pop("BLANK")
            expected = fits.getdata(freestone.folder / "a.fits.fz")
            assert np.isnan(expected).sum() == 2
            freestone.out("convert a.fits.fz b.npy --overwrite")
            np.testing.assert_array_equal(np.load(freestone.folder / "b.npy"), expected)
