"""reproject and extract: against reproject and astropy for the sky, against gdalwarp (rasterio) and pyproj for the Earth."""

import subprocess

import numpy as np
import pytest
import rasterio
import rasterio.warp
import reproject as upstream
from affine import Affine
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from conftest import SEED, needs_plugin, spectral_header
from scipy.ndimage import map_coordinates

pytestmark = pytest.mark.filterwarnings("ignore")
needs_proj = needs_plugin("proj", "libproj-dev")


def sky_header(random, shape, frame="ICRS", scale=2e-5, angle=0.0, projection="TAN"):
    """Around the middle of conftest's cubes, in any frame."""
    middle = SkyCoord(24.0, 30.0, unit="deg", frame="icrs")
    middle = {"ICRS": middle, "FK5": middle.fk5, "galactic": middle.galactic}[frame]
    header = fits.Header()
    header["NAXIS"], header["NAXIS1"], header["NAXIS2"] = 2, shape[1], shape[0]
    lon, lat = ("GLON", "GLAT") if frame == "galactic" else ("RA", "DEC")
    header["CTYPE1"], header["CTYPE2"] = lon.ljust(5, "-") + projection, lat.ljust(5, "-") + projection
    header["CUNIT1"] = header["CUNIT2"] = "deg"
    header["CRVAL1"], header["CRVAL2"] = middle.spherical.lon.deg, middle.spherical.lat.deg
    header["CRPIX1"], header["CRPIX2"] = shape[1] / 2 + random.uniform(-1, 1), shape[0] / 2 + random.uniform(-1, 1)
    header["CDELT1"], header["CDELT2"] = -scale, scale
    header["PC1_1"], header["PC1_2"], header["PC2_1"], header["PC2_2"] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
    if frame != "galactic":
        header["RADESYS"] = frame
    if frame == "FK5":
        header["EQUINOX"] = 2000.0
    return header


@pytest.mark.parametrize("frame", ["ICRS", "FK5", "galactic"])
@pytest.mark.parametrize("resampling, order", [("nearest", "nearest-neighbor"), ("bilinear", "bilinear")])
def test_a_cube_on_the_pixels_of_an_image(freestone, random, cube, frame, resampling, order):
    target = sky_header(random, (int(random.integers(9, 23)), int(random.integers(9, 23))), frame, random.uniform(1.2e-5, 3e-5), random.uniform(-3, 3))
    fits.PrimaryHDU(np.zeros((target["NAXIS2"], target["NAXIS1"]), "f4"), target).writeto(freestone.folder / "like.fits")
    freestone.out(f"run cube.fits ! reproject --like like.fits --resampling {resampling} ! write out.fits")
    with fits.open(freestone.folder / "out.fits") as made:
        got, header = made[0].data, made[0].header
    old = WCS(spectral_header()).celestial
    assert got.dtype == ">f4" and got.shape == (20, target["NAXIS2"], target["NAXIS1"])
    # Between a pixel's centre and the edge of the image reproject asks the next pixel inwards whether it is NaN, though its weight is 0.
    x, y = old.world_to_pixel(WCS(target).pixel_to_world(*np.meshgrid(np.arange(target["NAXIS1"]), np.arange(target["NAXIS2"]))))
    rim = ((x < 0) | (x > 16) | (y < 0) | (y > 13)) if resampling == "bilinear" else np.zeros(x.shape, bool)
    for k in range(20):
        expected, _ = upstream.reproject_interp((cube[k], old), target, order=order)
        both = ~rim | np.isfinite(expected)
        np.testing.assert_allclose(got[k][both], expected[both], rtol=3e-5, atol=3e-5, err_msg=f"seed {SEED}, channel {k}")
        assert np.isnan(got[k][(x < -0.5) | (x > 16.5) | (y < -0.5) | (y > 13.5)]).all()
    # The sky is the image's, the spectrum the cube's.
    new, wanted = WCS(header), WCS(target)
    np.testing.assert_allclose(new.celestial.wcs_pix2world([[0, 0], [5, 7]], 0), wanted.wcs_pix2world([[0, 0], [5, 7]], 0), rtol=1e-12)
    np.testing.assert_allclose(new.spectral.wcs_pix2world([0, 19], 0)[0], [115.0e9, 115.019e9])
    assert header["BUNIT"] == "Jy/beam" and header["BMAJ"] == pytest.approx(1.2e-4)


def test_the_beam_turns_with_north(freestone, cube):
    freestone.out("run cube.fits ! reproject --crs galactic ! write out.fits")
    header = fits.getheader(freestone.folder / "out.fits")
    wcs = WCS(spectral_header()).celestial
    middle = wcs.pixel_to_world(8, 6.5)
    tip = middle.directional_offset_by(20 * u.deg, 1e-5 * u.deg)
    angle = middle.galactic.position_angle(tip.galactic).deg
    assert (header["BPA"] - angle + 90) % 180 - 90 == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("frame", ["icrs", "fk5", "galactic"])
def test_a_frame_holds_all_of_the_image(freestone, cube, frame):
    freestone.out(f"run cube.fits ! reproject --crs {frame} --resolution 0.05arcsec --resampling nearest ! max --axis spectral ! write out.fits")
    with fits.open(freestone.folder / "out.fits") as made:
        got, wcs = made[0].data, WCS(made[0].header)
    assert wcs.wcs.cdelt[1] == pytest.approx(0.05 / 3600) and ("GLON" in wcs.wcs.ctype[0]) == (frame == "galactic")
    old = WCS(spectral_header()).celestial
    best = np.fmax.reduce(cube)
    for row, column in [(0, 0), (0, 16), (13, 0), (13, 16), (6, 8), (2, 6)]:
        x, y = wcs.world_to_pixel(old.pixel_to_world(column, row))
        assert -0.5 <= x <= got.shape[1] - 0.5 and -0.5 <= y <= got.shape[0] - 0.5
        value = got[int(round(float(y))), int(round(float(x)))]
        assert value == pytest.approx(best[row, column], rel=1e-6, nan_ok=True)
    # No more than it takes: each edge has a pixel of the image.
    inside = np.isfinite(got)
    assert inside[:2].any() and inside[-2:].any() and inside[:, :2].any() and inside[:, -2:].any()


def test_a_large_image_is_as_good_and_the_same_in_any_budget(freestone, random):
    """Where positions are held by cells: against those of each pixel."""
    shape = (1100, 1300)
    header, target = sky_header(random, shape, "ICRS", 3e-4, 0.4, "SIN"), sky_header(random, (1200, 1150), "galactic", 3.3e-4, -0.2, "TAN")
    rows, columns = np.indices(shape)
    values = (np.sin(rows / 37) * np.cos(columns / 23) + rows / 500).astype("f4")
    fits.PrimaryHDU(values, header).writeto(freestone.folder / "a.fits")
    fits.PrimaryHDU(np.zeros((1200, 1150), "u1"), target).writeto(freestone.folder / "like.fits")
    freestone.out("run a.fits ! reproject --like like.fits ! write out.fits")
    expected, _ = upstream.reproject_interp((values, header), target, order="bilinear")
    got = fits.getdata(freestone.folder / "out.fits")
    both = np.isfinite(got) & np.isfinite(expected)
    assert both.sum() > 500_000 and (np.isfinite(got) != np.isfinite(expected)).sum() < 50
    np.testing.assert_allclose(got[both], expected[both], atol=2e-4)
    for options in ("--memory 40MiB --threads 1", "--memory 1GiB --threads 3"):
        freestone.out(f"run {options} --overwrite a.fits ! reproject --like like.fits ! write again.fits")
        assert (freestone.folder / "again.fits").read_bytes() == (freestone.folder / "out.fits").read_bytes(), options
    # A saved plan needs no WCS.
    (freestone.folder / "plan.json").write_text(freestone.out("plan a.fits --json ! reproject --like like.fits ! write planned.fits"))
    freestone.out("run --plan plan.json")
    np.testing.assert_array_equal(fits.getdata(freestone.folder / "planned.fits"), got)


def scene(path, a, transform, crs, **more):
    with rasterio.open(path, "w", driver="GTiff", count=a.shape[0], height=a.shape[1], width=a.shape[2], dtype=a.dtype, crs=crs, transform=transform, **more) as f:
        f.write(a)


# What gdalwarp does with -et 0: rasterio's own GDAL works out positions to an eighth of a pixel only. XSCALE and YSCALE of 1: no wider kernel where pixels become larger.
WARP = """
import sys
from osgeo import gdal
gdal.UseExceptions()
source, target, crs, resampling, *bounds, width, height = sys.argv[1:]
gdal.Warp(target, source, dstSRS=crs, errorThreshold=0, outputBounds=[float(v) for v in bounds], width=int(width), height=int(height),
          resampleAlg={"nearest": "near"}.get(resampling, resampling), dstNodata="nan", warpOptions=["XSCALE=1", "YSCALE=1", "SAMPLE_GRID=NO"], format="GTiff")
"""


def warped(path, like, resampling):
    """`path` on the pixels of the raster `like`, by GDAL."""
    if subprocess.run(["/usr/bin/python3", "-c", "from osgeo import gdal"], capture_output=True).returncode != 0:
        pytest.skip("GDAL's Python module is in python3-gdal (scripts/packages-test.txt)")
    with rasterio.open(like) as f:
        words = [f.crs.to_string(), resampling, *map(repr, f.bounds), str(f.width), str(f.height)]
    target = path.with_name("gdal.tif")
    target.unlink(missing_ok=True)
    subprocess.run(["/usr/bin/python3", "-c", WARP, path, target, *words], check=True)
    with rasterio.open(target) as f:
        return f.read()


@needs_proj
@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic"])
@pytest.mark.parametrize("to", ["EPSG:4326", "EPSG:3857", "EPSG:3035"])
def test_a_raster_as_gdalwarp_has_it(freestone, random, resampling, to):
    rows, columns = np.indices((160, 190))
    a = np.stack([np.sin(rows / 9 + k) * np.cos(columns / 7) * 100 for k in range(2)]).astype("f4") + random.normal(size=(2, 160, 190)).astype("f4")
    transform = Affine(30, 0, 500000 + random.integers(0, 1000), 0, -30, 5200000)
    scene(freestone.folder / "a.tif", a, transform, "EPSG:32633", tiled=True, blockxsize=64, blockysize=64)
    freestone.out(f"run a.tif ! reproject --crs {to} --resampling {resampling} ! write out.tif")
    with rasterio.open(freestone.folder / "out.tif") as f:
        got, crs, made = f.read(), f.crs, f.transform
        assert np.isnan(f.nodata)
    assert crs == rasterio.CRS.from_string(to)
    # Pixels of about the size that gdalwarp chooses, over all of the image.
    chosen, width, height = rasterio.warp.calculate_default_transform("EPSG:32633", to, 190, 160, *rasterio.transform.array_bounds(160, 190, transform))
    assert made.a == pytest.approx(chosen.a, rel=0.01) and -made.e == pytest.approx(made.a)
    assert abs(got.shape[1] - height) <= 2 and abs(got.shape[2] - width) <= 2
    expected = warped(freestone.folder / "a.tif", freestone.folder / "out.tif", resampling)
    # Positions are worked out by two versions of PROJ: at the rim, and half way between two pixels, roundings may decide.
    both = np.isfinite(got) & np.isfinite(expected)
    assert (np.isfinite(got) != np.isfinite(expected)).sum() <= 3
    off = np.abs(got - expected)[both] > 1e-3
    assert off.sum() <= (3 if resampling == "nearest" else 0), f"seed {SEED}"


def test_missing_pixels_are_left_out_as_gdalwarp_does(freestone, random):
    a = random.normal(100, 10, (1, 60, 70)).astype("f4")
    a[random.random(a.shape) < 0.2] = -9
    transform = Affine(10, 0, 400000, 0, -10, 5000000)
    scene(freestone.folder / "a.tif", a, transform, "EPSG:32633", nodata=-9)
    freestone.out("run a.tif ! reproject --resolution 4 --resampling bilinear ! write out.tif")
    with rasterio.open(freestone.folder / "out.tif") as f:
        got, made = f.read(), f.transform
    assert made == Affine(4, 0, 400000, 0, -4, 5000000) and got.shape == (1, 150, 175)
    expected = warped(freestone.folder / "a.tif", freestone.folder / "out.tif", "bilinear")
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, rtol=2e-6)


def test_like_another_raster_and_a_box(freestone, random):
    a = random.integers(0, 255, (3, 80, 90)).astype("u1")
    scene(freestone.folder / "a.tif", a, Affine(20, 0, 300000, 0, -20, 6000000), "EPSG:32632")
    scene(freestone.folder / "like.tif", np.zeros((1, 40, 50), "i2"), Affine(25, 0, 300200, 0, -25, 5999500), "EPSG:32632")
    freestone.out("run a.tif ! reproject --like like.tif ! write out.tif")
    freestone.out("run a.tif ! reproject --bbox 300200,5998500,301450,5999500 --resolution 25 ! write box.tif")
    with rasterio.open(freestone.folder / "out.tif") as f, rasterio.open(freestone.folder / "box.tif") as box:
        got = f.read()
        assert f.transform == box.transform == Affine(25, 0, 300200, 0, -25, 5999500)
        np.testing.assert_array_equal(box.read(), got)
        assert f.dtypes[0] == "float32"
    y = 5999500 - 25 * (np.arange(40) + 0.5)
    x = 300200 + 25 * (np.arange(50) + 0.5)
    rows, columns = np.floor((6000000 - y) / 20).astype(int), np.floor((x - 300000) / 20).astype(int)
    np.testing.assert_array_equal(got, a[:, rows][:, :, columns])


@needs_proj
def test_a_grid_of_the_climate_over_the_date_line(freestone, random):
    import xarray as xr

    lat, lon = np.arange(-87.5, 90, 5), np.arange(2.5, 360, 5)
    values = (np.cos(np.radians(lat))[:, None] * np.cos(np.radians(lon))[None, :] * 50).astype("f4")
    xr.Dataset({"tas": (("lat", "lon"), values, {"units": "K"})}, {"lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})}).to_netcdf(
        freestone.folder / "a.nc")
    freestone.out("run a.nc ! reproject --bbox -180,-90,180,90 --resolution 2.5 ! write out.nc")
    with xr.open_dataset(freestone.folder / "out.nc") as got:
        assert got.tas.dims == ("lat", "lon") and got.tas.attrs["units"] == "K"
        near = xr.DataArray(values, {"lat": lat, "lon": lon}, ("lat", "lon"))
        expected = near.sel(lat=np.clip(got.lat + 1e-9, -89.9, 89.9), lon=(got.lon + 1e-9) % 360, method="nearest")
        assert not np.isnan(got.tas).any()
        assert (np.abs(got.tas.values - expected.values) < 1e-4).mean() > 0.99
    for lon_asked, column in ((-177.0, 36), (-2.0, 71), (182.0, 36), (358.0, 71), (362.0, 0)):
        freestone.out(f"run --overwrite a.nc ! extract --point={lon_asked},12 ! write point.npy")
        assert np.load(freestone.folder / "point.npy") == values[20, column]
    freestone.out("run a.nc ! reproject --crs EPSG:3031 --resolution 200000 --bbox -3e6,-3e6,3e6,3e6 --resampling bilinear ! write polar.tif")
    with rasterio.open(freestone.folder / "polar.tif") as f:
        polar = f.read(1)
    scene(freestone.folder / "world.tif", values[None, ::-1], Affine(5, 0, 0, 0, -5, 90), "EPSG:4326", nodata=np.nan)
    expected = warped(freestone.folder / "world.tif", freestone.folder / "polar.tif", "bilinear")[0]
    both = np.isfinite(polar) & np.isfinite(expected)
    assert both.mean() > 0.9
    np.testing.assert_allclose(polar[both], expected[both], atol=1e-3)


@pytest.mark.parametrize("words, message", [
    ("a.tif ! reproject", "--crs, --like FILE, --resolution or --bbox"),
    ("a.tif ! reproject --crs icrs", "a code of EPSG"),
    ("cube.fits ! reproject --crs EPSG:4326", "icrs, fk5 or galactic"),
    ("cube.fits ! reproject --like a.tif", "no WCS of the sky"),
    ("cube.fits ! reproject --crs icrs --bbox 1,2,3,4", "select --bbox"),
    pytest.param("a.tif ! reproject --crs EPSG:99999", "knows no CRS 'EPSG:99999'", marks=needs_proj),
    ("a.tif ! reproject --resolution -3", "make no image"),
    ("a.tif ! reproject --resolution 1e-9", "Take larger ones"),
    ("plain.npy ! reproject --crs EPSG:4326", "no GeoTransform"),
    ("nocrs.tif ! reproject --crs EPSG:4326", "--source-crs"),
    ("cube.fits ! extract", "--point RA,DEC"),
    ("cube.fits ! extract --point 24", "--point is RA,DEC"),
    ("cube.fits ! extract --point 200,10", "outside of the image"),
    ("cube.fits ! extract --point here,there", "no angle"),
    ("cube.fits ! extract --points absent.csv", "absent.csv"),
    ("cube.fits ! extract --points bad.csv", "line 2 has 1 columns"),
    ("cube.fits ! extract --path one.csv", "two places"),
    ("cube.fits ! extract --path two.csv --width 9000000", "too many samples"),
    ("cube.fits ! extract --path two.csv --width 0", "wider than 0"),
])  # fmt: skip
def test_what_cannot_be_is_said(freestone, cube, words, message):
    a = np.zeros((1, 5, 6), "f4")
    scene(freestone.folder / "a.tif", a, Affine(20, 0, 300000, 0, -20, 6000000), "EPSG:32632")
    scene(freestone.folder / "nocrs.tif", a, Affine(20, 0, 300000, 0, -20, 6000000), None)
    np.save(freestone.folder / "plain.npy", a)
    (freestone.folder / "bad.csv").write_text("24.0,30.0\n24.1\n")
    (freestone.folder / "one.csv").write_text("ra,dec\n24.0,30.0\n")
    (freestone.folder / "two.csv").write_text("ra,dec\n24.0,30.0\n24.0001,30.0001\n")
    done = freestone(f"run {words} ! write out.fits")
    assert done.returncode in (1, 2) and message in done.stderr and done.stdout == "", done.stderr
    assert not (freestone.folder / "out.fits").exists()


def test_without_the_plug_in_it_says_what_is_missing(freestone):
    scene(freestone.folder / "a.tif", np.zeros((1, 5, 6), "f4"), Affine(20, 0, 300000, 0, -20, 6000000), "EPSG:32632")
    (freestone.folder / "none").mkdir()
    done = freestone("run a.tif ! reproject --crs EPSG:4326 ! write out.tif", environment={"FREESTONE_PLUGINS": str(freestone.folder / "none")})
    assert done.returncode == 1 and "libproj-dev" in done.stderr
    freestone.out("run a.tif ! reproject --resolution 10 ! write out.tif", environment={"FREESTONE_PLUGINS": str(freestone.folder / "none")})


@pytest.mark.parametrize("way", ["degrees", "sexagesimal", "units", "galactic"])
def test_extract_the_spectrum_at_a_point(freestone, random, cube, way):
    row, column = int(random.integers(0, 14)), int(random.integers(0, 17))
    place = WCS(spectral_header()).celestial.pixel_to_world(column + random.uniform(-0.4, 0.4), row + random.uniform(-0.4, 0.4))
    galactic = place.galactic
    words = {"degrees": f"--point={place.ra.deg:.9f},{place.dec.deg:.9f}", "units": f"--point={place.ra.deg * 3600:.6f}arcsec,{place.dec.deg:.9f}deg",
             "sexagesimal": f"--point={place.ra.to_string('hour', precision=6)},{place.dec.to_string('deg', precision=6)}",
             "galactic": f"--frame galactic --point={galactic.l.deg:.9f},{galactic.b.deg:.9f}"}[way]
    freestone.out(f"run cube.fits ! extract {words} ! write out.fits")
    got, header = fits.getdata(freestone.folder / "out.fits", header=True)
    np.testing.assert_array_equal(got, cube[:, row, column].astype("f4"), err_msg=f"seed {SEED}, {words}")
    assert header["CTYPE1"] == "FREQ" and header["CRVAL1"] == 115.0e9


def test_extract_a_hundred_thousand_points(freestone, cube):
    header = WCS(spectral_header()).celestial
    rng = np.random.default_rng(SEED)
    rows, columns = rng.integers(0, 14, 100_000), rng.integers(0, 17, 100_000)
    places = header.wcs_pix2world(columns, rows, 0)
    np.savetxt(freestone.folder / "p.txt", np.transpose(places), fmt="%.10f")
    freestone.out("run cube.fits ! select --index spectral=7 ! extract --points p.txt ! write out.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "out.npy"), cube[7][rows, columns].astype("f4"))


def test_extract_many_points(freestone, random, cube):
    rows, columns = random.uniform(-3, 16, 30), random.uniform(-3, 19, 30)
    places = WCS(spectral_header()).celestial.pixel_to_world(columns, rows)
    text = "name,dec,ra\n" + "".join(f"s{k},{p.dec.deg:.10f},{p.ra.deg:.10f}\n" for k, p in enumerate(places))
    (freestone.folder / "stars.csv").write_text("# places\n" + text)
    freestone.out("run cube.fits ! extract --points stars.csv ! write out.nc")
    import xarray as xr

    expected = np.full((20, 30), np.nan)
    for k, (row, column) in enumerate(zip(np.floor(rows + 0.5).astype(int), np.floor(columns + 0.5).astype(int))):
        if 0 <= row < 14 and 0 <= column < 17:
            expected[:, k] = cube[:, row, column]
    with xr.open_dataset(freestone.folder / "out.nc") as made:
        got = next(v for v in made.data_vars.values() if v.ndim == 2)
        assert got.dims == ("spectral", "point")
        np.testing.assert_array_equal(got.values, expected.astype("f4"))
        np.testing.assert_allclose(made["ra"].values, places.ra.deg)
        np.testing.assert_allclose(made["dec"].values, places.dec.deg)


@pytest.mark.parametrize("width", ["1", "3", "2.5", "0.2arcsec"])
def test_extract_a_position_velocity_diagram(freestone, random, width):
    data = random.normal(3, 2, (6, 40, 50)).astype("f4")
    header = spectral_header()
    fits.PrimaryHDU(data, header).writeto(freestone.folder / "a.fits")
    corners = np.array([[5.3, 6.1], [20.2, 30.7], [33.1, 31.4]])  # row, column
    places = WCS(header).celestial.pixel_to_world(corners[:, 1], corners[:, 0])
    (freestone.folder / "path.txt").write_text("".join(f"{p.ra.deg:.12f} {p.dec.deg:.12f}\n" for p in places))
    freestone.out(f"run a.fits ! extract --path path.txt --width {width} ! write pv.fits")
    got, made = fits.getdata(freestone.folder / "pv.fits", header=True)
    assert made["CTYPE1"] == "OFFSET" and made["CDELT1"] == pytest.approx(2e-5) and made["CTYPE2"] == "FREQ" and made["CRVAL2"] == 115.0e9
    wide = 0.2 / 3600 / 2e-5 if width.endswith("arcsec") else float(width)
    lines = int(np.ceil(wide - 1e-9))
    parts = np.hypot(*np.diff(corners, axis=0).T)
    ends = np.concatenate([[0], np.cumsum(parts)])
    along = np.arange(int(ends[-1]) + 1)
    expected = np.zeros((6, along.size))
    for line in range(lines):
        across = wide * ((line + 0.5) / lines - 0.5)
        part = np.clip(np.searchsorted(ends, along, side="left"), 1, len(parts))
        unit = np.diff(corners, axis=0)[part - 1] / parts[part - 1][:, None]
        at = corners[part - 1] + (along - ends[part - 1])[:, None] * unit + across * np.stack([unit[:, 1], -unit[:, 0]], axis=1)
        expected += [map_coordinates(plane.astype("f8"), at.T, order=1, mode="nearest") / lines for plane in data]
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)


@needs_proj
def test_extract_of_a_raster(freestone, random):
    a = random.integers(0, 255, (3, 80, 90)).astype("u1")
    scene(freestone.folder / "a.tif", a, Affine(20, 0, 300000, 0, -20, 6000000), "EPSG:32632")
    x, y = 300000 + 20 * 33.4, 6000000 - 20 * 12.7
    found = freestone.json(f"run --format json a.tif ! extract --point {x},{y}")
    assert found["dims"] == ["band"] and found["values"] == a[:, 12, 33].tolist()
    (lon,), (lat,) = rasterio.warp.transform("EPSG:32632", "EPSG:4326", [x], [y])
    freestone.out(f"run a.tif ! extract --crs EPSG:4326 --point={lon:.10f},{lat:.10f} ! write out.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "out.npy"), a[:, 12, 33])
