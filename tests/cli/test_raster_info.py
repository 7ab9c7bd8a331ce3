"""`info` says of a raster what rasterio and gdalinfo say: CRS by name and code, pixels, bounds, nodata, bands, overviews."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from conftest import needs_plugin
from rasterio.transform import from_origin


def make(path, crs, transform, **more):
    profile = {"driver": "GTiff", "count": 2, "height": 300, "width": 400, "dtype": "int16", "nodata": -1, "crs": crs, "transform": transform, **more}
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.arange(2 * 300 * 400).reshape(2, 300, 400).astype("i2"))
        out.descriptions = ("red", "near infrared")
        out.units = ("W", "")


PLACES = {
    "utm": ("EPSG:32633", from_origin(5e5, 5.2e6, 30, 15)),
    "degrees": ("EPSG:4326", from_origin(-10.5, 60, 0.25, 0.125)),
    "feet": ("EPSG:2263", from_origin(9e5, 2e5, 10, 10)),
    "laea": ("EPSG:3035", from_origin(4e6, 3e6, 100, 100)),
    "rotated": ("EPSG:32633", Affine.translation(5e5, 5.2e6) * Affine.rotation(30) * Affine.scale(20, -20)),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("has_proj", [pytest.param(True, marks=needs_plugin("proj", "libproj-dev")), False])
def test_info_is_as_rasterio(freestone, place, has_proj):
    make(freestone.folder / "a.tif", *PLACES[place])
    environment = None if has_proj else {"FREESTONE_PLUGINS": str(freestone.folder / "none")}
    info = freestone.json("info a.tif --json", environment=environment)["raster"]
    with rasterio.open(freestone.folder / "a.tif") as file:
        crs = info["crs"]
        assert (crs["code"], crs["epsg"]) == (PLACES[place][0], file.crs.to_epsg())
        assert crs["kind"] == ("projected" if file.crs.is_projected else "geographic")
        unit = file.crs.linear_units if file.crs.is_projected else "degree"
        assert crs["unit"].replace("meter", "metre") == unit
        assert crs["name"] == file.crs.wkt.split('"')[1]
        assert (crs["wkt"] is not None) == has_proj
        np.testing.assert_allclose(info["bounds"], file.bounds if place != "rotated" else rotated_bounds(file), rtol=1e-14)
        np.testing.assert_allclose(info["resolution"], file.res, rtol=1e-12)
        assert tuple(info["geotransform"]) == file.transform.to_gdal()
        assert info["nodata"] == file.nodata
        assert [band["name"] for band in info["bands"]] == list(file.descriptions)
        assert [band["unit"] for band in info["bands"]] == ["W", None]
    assert info["pixel_is"] == "area" and info["overviews"] == [] and info["mask"] is False


def rotated_bounds(file):
    corners = [file.transform * (x, y) for x in (0, file.width) for y in (0, file.height)]
    x, y = zip(*corners, strict=True)
    return min(x), min(y), max(x), max(y)


def test_text_has_names_not_keys(freestone):
    make(freestone.folder / "a.tif", *PLACES["utm"])
    text = freestone.out("info a.tif")
    lines = {line[2:12].strip(): line[12:] for line in text.splitlines()[1:]}
    assert lines["crs"] == "EPSG:32633, WGS 84 / UTM zone 33N (projected, metre)"
    assert lines["pixel"] == "30 x 15 metre"
    assert lines["origin"] == "500000, 5200000"
    assert lines["bounds"] == "500000,5195500,512000,5200000 (west, south, east, north)"
    assert lines["nodata"] == "-1"
    assert lines["bands"] == "1 red [W]" and "2 near infrared" in text
    for hidden in ("GeoKey", "GeoAscii", "GeoTransform", "AREA_OR_POINT", "band_names"):
        assert hidden not in text


def test_bounds_may_be_given_to_reproject(freestone):
    make(freestone.folder / "a.tif", *PLACES["degrees"])
    bounds = next(line for line in freestone.out("info a.tif").splitlines() if line.startswith("  bounds")).split()[1]
    freestone.out(f"run a.tif ! reproject --bbox {bounds} --resolution 0.25,0.125 ! write b.tif")
    with rasterio.open(freestone.folder / "a.tif") as a, rasterio.open(freestone.folder / "b.tif") as b:
        assert a.bounds == b.bounds and a.shape == b.shape


def test_overviews_and_masks_are_told(freestone):
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        make(freestone.folder / "a.tif", *PLACES["utm"], tiled=True, nodata=None)
        with rasterio.open(freestone.folder / "a.tif", "r+") as file:
            file.write_mask(np.full((300, 400), 255, "u1"))
            file.build_overviews([2, 4], rasterio.enums.Resampling.average)
    info = freestone.json("info a.tif --json")["raster"]
    assert [o["shape"] for o in info["overviews"]] == [[2, 150, 200], [2, 75, 100]]
    assert info["mask"] is True and info["nodata"] is None
    text = freestone.out("info a.tif")
    assert "  overviews 150 x 200, 75 x 100 (rows x columns)\n" in text and "  nodata    none given\n" in text


def test_a_crs_without_code_has_its_name_and_method(freestone):
    albers = "+proj=aea +lat_0=23 +lon_0=-96 +lat_1=29.5 +lat_2=45.5 +x_0=0 +y_0=0 +ellps=GRS80 +units=m"
    make(freestone.folder / "a.tif", albers, from_origin(0, 1e6, 30, 30))
    crs = freestone.json("info a.tif --json")["raster"]["crs"]
    assert crs["code"] is None and crs["epsg"] is None and crs["kind"] == "projected" and crs["unit"] == "metre" and crs["method"] == "Albers Equal Area"
    assert "without name and EPSG code (projected, Albers Equal Area, metre)" in freestone.out("info a.tif")


def test_points_are_told(freestone):
    make(freestone.folder / "a.tif", *PLACES["utm"])
    with rasterio.open(freestone.folder / "a.tif", "r+") as file:
        file.update_tags(AREA_OR_POINT="Point")
    with rasterio.open(freestone.folder / "a.tif") as file:
        info = freestone.json("info a.tif --json")["raster"]
        assert info["pixel_is"] == "point" and tuple(info["geotransform"]) == file.transform.to_gdal()
    assert "values are of points" in freestone.out("info a.tif")


def test_scales_and_nodata_of_bands(freestone):
    make(freestone.folder / "a.tif", *PLACES["utm"])
    with rasterio.open(freestone.folder / "a.tif", "r+") as file:
        file.scales, file.offsets = (0.5, 1), (10, 0)
    bands = freestone.json("info a.tif --json")["raster"]["bands"]
    assert [(b["scale"], b["offset"], b["nodata"]) for b in bands] == [(0.5, 10, -1), (1, 0, -1)]


def test_a_photograph_is_no_map(freestone):
    import PIL.Image

    PIL.Image.fromarray(np.zeros((30, 40, 3), "u1")).save(freestone.folder / "p.tif")
    info = freestone.json("info p.tif --json")["raster"]
    assert info["crs"] is None and info["bounds"] is None and info["geotransform"] is None and len(info["bands"]) == 3
    assert "crs" not in freestone.out("info p.tif")


def test_damaged_keys_are_not_known(freestone):
    """Offsets of names outside of their text, and a directory cut short."""
    make(freestone.folder / "a.tif", *PLACES["utm"])
    data = (freestone.folder / "a.tif").read_bytes()
    random = np.random.default_rng(3)
    start = data.find(np.array([1, 1, 0, 7], "<u2").tobytes())
    assert start > 0
    for number in range(40):
        damaged = bytearray(data)
        for _ in range(4):
            damaged[start + 8 + int(random.integers(56))] = int(random.integers(256))
        (freestone.folder / "d.tif").write_bytes(damaged)
        done = freestone("info d.tif")
        assert done.returncode in (0, 1), (number, done.stderr)
