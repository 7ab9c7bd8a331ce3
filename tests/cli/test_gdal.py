"""Rasters that GDAL reads for us, by its plug-in, against rasterio: VRT, JPEG 2000, ENVI, ASCII grids."""

import numpy as np
import pytest
from conftest import SEED, needs_plugin

rasterio = pytest.importorskip("rasterio")
from rasterio.transform import Affine  # noqa: E402

needs_gdal = needs_plugin("gdal", "libgdal-dev")
TRANSFORM = Affine(30, 0, 500000, 0, -30, 4649790)


def pixels(dtype, shape):
    return np.random.default_rng(SEED).integers(0, 250, shape).astype(dtype)


def write(path, a, driver, **more):
    options = dict(driver=driver, count=a.shape[0], height=a.shape[1], width=a.shape[2], dtype=a.dtype, crs="EPSG:32633", transform=TRANSFORM)
    with rasterio.open(path, "w", **{**options, **more}) as f:
        f.write(a)


def expect_as_rasterio(freestone, name):
    """The whole, and a window, as GDAL reads them by way of rasterio."""
    freestone.out(f"convert {name} out.npy --overwrite")
    with rasterio.open(freestone.folder / name) as f:
        expected = f.read() if f.count > 1 else f.read(1)
    got = np.load(freestone.folder / "out.npy")
    assert got.dtype == expected.dtype and got.tobytes() == expected.tobytes()
    freestone.out(f"run {name} ! select --index y=11:97,x=5:60:2 ! write part.npy --overwrite")
    np.testing.assert_array_equal(np.load(freestone.folder / "part.npy"), expected[..., 11:97, 5:60:2])
    return freestone.json(f"info {name} --json")


@needs_gdal
@pytest.mark.parametrize("driver, suffix, dtype", [("JP2OpenJPEG", "jp2", "uint8"), ("JP2OpenJPEG", "jp2", "uint16"), ("ENVI", "img", "float32"), ("ENVI", "raw", "int16"),
                                                  ("PNG", "png", "uint8"), ("HFA", "img", "uint32")])
def test_reads_what_gdal_wrote(freestone, driver, suffix, dtype):
    more = dict(quality=100, reversible=True) if driver.startswith("JP2") else {}
    for bands in (1, 3):
        write(freestone.folder / f"a.{suffix}", pixels(dtype, (bands, 130, 170)), driver, **more)
        info = expect_as_rasterio(freestone, f"a.{suffix}")
        assert info["format"] == "gdal" and driver in info["read_by"] and "one thread" in info["read_by"]
        if driver != "PNG":
            assert info["attributes"]["crs"] == "EPSG:32633" and tuple(info["attributes"]["GeoTransform"]) == TRANSFORM.to_gdal()


@needs_gdal
def test_a_mosaic_by_vrt_with_all_that_it_says(freestone):
    a = pixels("int16", (2, 120, 100))
    a[:, :20] = -99
    write(freestone.folder / "a.tif", a, "GTiff")
    source = "".join(f"""<VRTRasterBand dataType="Int16" band="{b}"><Description>{name}</Description><NoDataValue>-99</NoDataValue><Offset>{b}</Offset><Scale>0.5</Scale>
      <UnitType>K</UnitType><SimpleSource><SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>{b}</SourceBand></SimpleSource></VRTRasterBand>"""
                     for b, name in ((1, "red"), (2, "nir")))
    (freestone.folder / "a.vrt").write_text(f"""<VRTDataset rasterXSize="100" rasterYSize="120"><SRS>EPSG:32633</SRS><GeoTransform>500000, 30, 0, 4649790, 0, -30</GeoTransform>
      <Metadata><MDI key="mission">Landsat</MDI></Metadata>{source}</VRTDataset>""")
    freestone.out("convert a.vrt b.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "b.npy"), a)
    attributes = freestone.json("info a.vrt --json")["attributes"]
    assert attributes["band_names"] == ["red", "nir"] and attributes["nodata"] == -99 and attributes["units"] == "K"
    assert attributes["scale"] == 0.5 and attributes["offset"] == [1, 2] and attributes["mission"] == "Landsat"
    # From any format to GeoTIFF: all of it is kept.
    freestone.out("convert a.vrt c.tif --as cog")
    with rasterio.open(freestone.folder / "c.tif") as f:
        assert f.read().tobytes() == a.tobytes() and f.nodata == -99 and f.descriptions == ("red", "nir") and f.offsets == (1, 2) and f.tags()["mission"] == "Landsat"


@needs_gdal
def test_what_gdal_cannot_open_is_a_clear_error(freestone):
    (freestone.folder / "a.vrt").write_text("<VRTDataset rasterXSize='3'")
    assert "a.vrt: GDAL cannot open it" in freestone.fails(1, "info a.vrt")
    (freestone.folder / "b.jp2").write_bytes(b"nothing of the kind" * 10)
    assert "b.jp2" in freestone.fails(1, "info b.jp2")
    write(freestone.folder / "c.jp2", pixels("uint8", (1, 300, 300)), "JP2OpenJPEG")
    whole = (freestone.folder / "c.jp2").read_bytes()
    (freestone.folder / "c.jp2").write_bytes(whole[: len(whole) // 2])
    assert "c.jp2" in freestone.fails(1, "convert c.jp2 d.npy")


def test_without_the_plug_in_the_error_says_what_to_install(freestone):
    (freestone.folder / "a.vrt").write_text("<VRTDataset rasterXSize='1' rasterYSize='1'></VRTDataset>")
    message = freestone.fails(1, "info a.vrt", environment={"FREESTONE_PLUGINS": str(freestone.folder / "none")})
    assert "through GDAL" in message and "libgdal-dev" in message and "FREESTONE_PLUGINS" in message
