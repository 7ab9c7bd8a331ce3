"""Overviews and cloud-optimised GeoTIFFs: made in one pass, read and validated by GDAL."""

import hashlib
import os
import pathlib
import signal
import subprocess
import time

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio")
from rasterio.transform import Affine  # noqa: E402

SEED = int(os.environ.get("FREESTONE_TEST_SEED", "20240607"))
VALIDATOR = pathlib.Path("/usr/lib/python3/dist-packages/osgeo_utils/samples/validate_cloud_optimized_geotiff.py")
TRANSFORM = Affine(30, 0, 500000, 0, -30, 4649790)


def validate(path):
    """GDAL's own word on it, every tile looked at."""
    if not VALIDATOR.exists():
        pytest.skip("GDAL's validator is in python3-gdal (scripts/packages-gdal.txt)")
    done = subprocess.run(["/usr/bin/python3", VALIDATOR, "--full-check=yes", path], capture_output=True, text=True)
    assert done.returncode == 0 and "is a valid cloud optimized GeoTIFF" in done.stdout and "warning" not in done.stdout.lower(), done.stdout + done.stderr


def scene(path, a, **more):
    options = dict(driver="GTiff", count=a.shape[0], height=a.shape[1], width=a.shape[2], dtype=a.dtype, crs="EPSG:32633", transform=TRANSFORM, tiled=True,
                   blockxsize=64, blockysize=48, compress="deflate")
    with rasterio.open(path, "w", **{**options, **more}) as f:
        f.write(a)


def numbers(dtype, shape, seed=SEED):
    random = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return random.normal(size=shape).cumsum(axis=-1).astype(dtype)
    return random.integers(0, 200, shape).astype(dtype)


def blocks(a):
    """The pixels of each 2 x 2 block, cut at the edges: (4, y, x), masked where there is none."""
    y, x = a.shape
    padded = np.ma.masked_all((y + y % 2, x + x % 2), a.dtype)
    padded[:y, :x] = a
    return np.ma.stack([padded[0::2, 0::2], padded[0::2, 1::2], padded[1::2, 0::2], padded[1::2, 1::2]])


def halved(a, how, nodata=None):
    """One level of the rule that tiff_overview.h states, in plain NumPy."""
    parts = blocks(a)
    if how == "nearest":
        return parts[0].data
    missing = np.ma.getmaskarray(parts).copy()
    if a.dtype.kind == "f":
        missing |= np.isnan(parts.data)
    if nodata is not None:
        missing |= parts.data == nodata
    parts = np.ma.array(parts.data, mask=missing)
    count = (~missing).sum(axis=0)
    if how in ("average", "rms"):
        values = parts.astype("f8")
        mean = (values if how == "average" else values**2).sum(axis=0).filled(0) / np.maximum(count, 1)
        out = mean if how == "average" else np.sqrt(mean)
        if a.dtype.kind != "f":
            out = np.where(out < 0, np.ceil(out - 0.5), np.floor(out + 0.5))
        out = out.astype(a.dtype)
        if nodata is not None and a.dtype.kind != "f":
            out[(out == nodata) & (count > 0)] = nodata + 1
    elif how == "mode":
        agree = np.stack([((parts == parts[i]) & ~missing[i]).filled(False).sum(axis=0) for i in range(4)])
        out = np.take_along_axis(parts.data, agree.argmax(axis=0)[None], 0)[0]
    else:
        out = getattr(parts, how)(axis=0).data
    empty = np.nan if a.dtype.kind == "f" and nodata is None else 0 if nodata is None else nodata
    return np.where(count > 0, out, np.array(empty, a.dtype))


def levels(path):
    """Every level of a file, the full one first."""
    with rasterio.open(path) as f:
        factors = f.overviews(1)
        out = [f.read()]
    for k in range(len(factors)):
        with rasterio.open(path, overview_level=k) as f:
            out.append(f.read())
    return factors, out


@pytest.mark.parametrize("interleave", ["band", "pixel"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
def test_a_cog_is_valid_and_holds_what_was_given(freestone, dtype, interleave):
    a = numbers(dtype, (3, 1111, 1503))
    if dtype == "int16":
        a -= 100
    scene(freestone.folder / "a.tif", a)
    freestone.out(f"convert a.tif b.tif --as cog --interleave {interleave}")
    validate(freestone.folder / "b.tif")
    factors, got = levels(freestone.folder / "b.tif")
    assert factors == [2, 4]
    assert got[0].tobytes() == a.tobytes()
    for band in range(3):
        expected = a[band]
        for level in got[1:]:
            expected = halved(expected, "average")
            np.testing.assert_array_equal(level[band], expected)
    with rasterio.open(freestone.folder / "b.tif") as f:
        assert f.crs == "EPSG:32633" and f.transform == TRANSFORM
        assert f.profile["interleave"] == interleave and f.profile["blockxsize"] == 512
        assert f.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


@pytest.mark.parametrize("how", ["nearest", "average", "rms", "mode", "min", "max"])
def test_what_is_nodata_does_not_count(freestone, how):
    for dtype, nodata in (("uint8", 7), ("int16", -5), ("float32", -9999.0), ("float32", np.nan), ("float64", None)):
        random = np.random.default_rng(SEED)
        a = numbers(dtype, (1, 331, 290)) if dtype[0] == "f" else random.integers(0, 12, (1, 331, 290)).astype(dtype) - (6 if dtype == "int16" else 0)
        a = a.astype(dtype)
        if nodata is not None:
            a[random.random(a.shape) < 0.4] = nodata
            a[:, 100:200, 64:130] = nodata
        scene(freestone.folder / "a.tif", a, **({} if nodata is None else {"nodata": nodata}))
        freestone.out(f"convert a.tif b.tif --overviews 2,8 --overview-resampling {how} --chunks 64,64 --compress lzw --overwrite")
        factors, got = levels(freestone.folder / "b.tif")
        assert factors == [2, 8] and got[0].tobytes() == a.tobytes()
        mark = None if nodata is None or np.isnan(nodata) else nodata
        first = halved(a[0], how, mark)
        third = halved(halved(first, how, mark), how, mark)
        for level, expected in zip(got[1:], (first, third), strict=True):
            if how == "rms" and dtype[0] == "f":
                np.testing.assert_allclose(level[0], expected, rtol=1e-6)
            else:
                np.testing.assert_array_equal(level[0], expected, err_msg=f"{dtype} {nodata}")


def test_averages_are_those_of_gdal(freestone):
    """Of sides that halve evenly, where GDAL has no fractions of pixels."""
    for dtype in ("uint8", "uint16", "float32"):
        a = numbers(dtype, (2, 512, 768))
        a[:, :40, :50] = 0
        scene(freestone.folder / "a.tif", a, nodata=0)
        with rasterio.open(freestone.folder / "a.tif", "r+") as f:
            f.build_overviews([2, 4], rasterio.enums.Resampling.average)
        _, expected = levels(freestone.folder / "a.tif")
        freestone.out("convert a.tif b.tif --overviews 2,4 --overwrite")
        _, got = levels(freestone.folder / "b.tif")
        # GDAL rounds the second level of float32 from other sums.
        for level, theirs in zip(got, expected, strict=True):
            np.testing.assert_allclose(level, theirs, rtol=1e-6 if dtype == "float32" else 0, atol=1e-5 if dtype == "float32" else 0)


def test_a_cog_has_the_same_bytes_for_every_tiling_and_number_of_threads(freestone):
    a = numbers("uint16", (4, 1500, 1300))
    scene(freestone.folder / "a.tif", a)
    digests = set()
    for options in ("--threads 1 --memory 60MiB", "--threads 4 --memory 2GiB", "--threads 3 --memory 90MiB"):
        freestone.out(f"convert a.tif b.tif --as cog --interleave band --compress zstd --overwrite {options}")
        digests.add(hashlib.sha256((freestone.folder / "b.tif").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_many_tiles_wait_on_disk(freestone):
    """Thousands of columns of small tiles: what waits is more than what may lie in memory."""
    a = numbers("float32", (1, 700, 30000))
    scene(freestone.folder / "a.tif", a, blockxsize=512, blockysize=16)
    freestone.out("convert a.tif b.tif --as cog --chunks 512,512 --threads 2 --memory 100MiB")
    validate(freestone.folder / "b.tif")
    _, got = levels(freestone.folder / "b.tif")
    expected = a[0]
    assert len(got) == 7
    for level in got[1:]:
        expected = halved(expected, "average")
        np.testing.assert_array_equal(level[0], expected)
    assert sorted(p.name for p in freestone.folder.iterdir()) == ["a.tif", "b.tif"]


def test_metadata_reaches_the_cog(freestone):
    a = numbers("int16", (2, 600, 700))
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=2, height=600, width=700, dtype="int16", nodata=-999, crs="EPSG:4326",
                       transform=Affine(0.1, 0, 10, 0, -0.1, 50)) as f:
        f.write(a)
        f.descriptions = ("red", "near infrared")
        f.scales, f.offsets, f.units = (0.1, 0.2), (1, 2), ("K", "W")
        f.update_tags(mission="Landsat", TIFFTAG_SOFTWARE="a program")
        f.update_tags(2, wavelength="865")
    freestone.out("convert a.tif b.tif --as cog")
    validate(freestone.folder / "b.tif")
    with rasterio.open(freestone.folder / "b.tif") as f:
        assert f.descriptions == ("red", "near infrared") and f.nodata == -999 and f.crs == "EPSG:4326"
        assert f.scales == (0.1, 0.2) and f.offsets == (1, 2) and f.units == ("K", "W")
        assert f.tags()["mission"] == "Landsat" and f.tags()["TIFFTAG_SOFTWARE"] == "a program" and f.tags(2)["wavelength"] == "865"
    with rasterio.open(freestone.folder / "b.tif", overview_level=0) as f:
        assert f.nodata == -999


def test_a_palette_keeps_its_colours(freestone):
    a = np.random.default_rng(SEED).integers(0, 5, (1, 900, 800)).astype("u1")
    colours = {i: (10 * i, 20 * i, 255 - i, 255) for i in range(5)}
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=900, width=800, dtype="uint8", photometric="palette") as f:
        f.write(a)
        f.write_colormap(1, colours)
    freestone.out("convert a.tif b.tif --as cog")
    validate(freestone.folder / "b.tif")
    with rasterio.open(freestone.folder / "b.tif") as f:
        assert {k: f.colormap(1)[k] for k in colours} == colours
    _, got = levels(freestone.folder / "b.tif")
    np.testing.assert_array_equal(got[1][0], a[0, ::2, ::2])  # colours are not averaged


def test_opacity_stays_opacity(freestone):
    a = numbers("uint8", (4, 300, 400))
    scene(freestone.folder / "a.tif", a, photometric="rgb", alpha="yes", interleave="pixel")
    freestone.out("convert a.tif b.tif --as cog")
    with rasterio.open(freestone.folder / "b.tif") as f:
        assert [c.name for c in f.colorinterp] == ["red", "green", "blue", "alpha"]


def test_options_of_compression(freestone):
    a = numbers("float32", (2, 300, 260))
    scene(freestone.folder / "a.tif", a)
    for options, compression, predictor in (("--compress lzw --predictor 1", "LZW", None), ("--compress zstd --level 3 --predictor 2", "ZSTD", "2"),
                                            ("--compress lzma --predictor 3", "LZMA", None), ("--compress packbits", "PACKBITS", None), ("--compress none", None, None)):
        freestone.out(f"convert a.tif b.tif {options} --overviews auto --chunks 128,128 --overwrite")
        with rasterio.open(freestone.folder / "b.tif") as f:
            assert f.read().tobytes() == a.tobytes(), options
            assert f.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION") == compression
            assert f.overviews(1) == [2, 4]
            if predictor:
                assert f.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == predictor
    freestone.out("convert a.tif b.tif --as cog --bigtiff yes --compress none --overwrite")
    assert (freestone.folder / "b.tif").read_bytes()[:4] == b"II+\0"
    validate(freestone.folder / "b.tif")


@pytest.mark.parametrize("words, says", [
    ("--overviews 3", "powers of two"), ("--overviews 4,2", "powers of two"), ("--overviews 2,", "powers of two"), ("--overviews 1024", "one pixel is left"),
    ("--overview-resampling cubic --overviews auto", "nearest, average"), ("--predictor 3 --compress lzw", "not for uint16"), ("--predictor 2 --compress packbits", "no predictor"),
    ("--as cog --chunks 10,300", "a COG has tiles, of multiples of 16"), ("--chunks 10,200", "tiles of TIFF are multiples of 16"), ("--chunks 10,260 --overviews auto", "not of strips"), ("--level 3 --compress lzw", "no level"),
])
def test_what_cannot_be_is_refused_before_anything_is_written(freestone, words, says):
    scene(freestone.folder / "a.tif", numbers("uint16", (1, 300, 260)))
    assert says in freestone.fails(1, f"convert a.tif b.tif {words}")


def test_a_killed_run_begins_anew(freestone):
    scene(freestone.folder / "a.tif", numbers("uint16", (1, 300, 260)))
    assert "cannot be taken up" in freestone.fails(1, "convert a.tif b.tif --as cog --resume")


def test_other_formats_have_no_overviews(freestone):
    scene(freestone.folder / "a.tif", numbers("uint16", (1, 30, 26)))
    assert "options of geotiff and cog" in freestone.fails(1, "convert a.tif b.zarr --overviews auto")


def test_an_interrupted_cog_leaves_nothing(freestone):
    scene(freestone.folder / "a.tif", numbers("float64", (1, 4000, 4000)), compress=None)
    process = freestone.start("convert a.tif b.tif --as cog --compress lzma --level 9 --threads 1")
    for _ in range(400):
        if any(p.name.startswith(".b.tif") for p in freestone.folder.iterdir()):
            break
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130
    assert [p.name for p in freestone.folder.iterdir()] == ["a.tif"]
