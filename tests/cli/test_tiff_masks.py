"""Masks that GeoTIFFs are written with, and tiles of JPEG, WebP and LERC, as GDAL reads them."""

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio")
from test_cog import TRANSFORM, validate  # noqa: E402


def masked_scene(path, random, shape=(3, 300, 410), dtype="uint8", **options):
    pixels = random.integers(1, 200, shape).astype(dtype)
    mask = random.random(shape[1:]) < 0.7
    mask[:130, :140] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        with rasterio.open(path, "w", driver="GTiff", count=shape[0], height=shape[1], width=shape[2], dtype=dtype, crs="EPSG:32633", transform=TRANSFORM, **options) as f:
            f.write(pixels)
            f.write_mask(mask)
    return pixels, mask


@pytest.mark.parametrize("options", ["", "--chunks 64,48", "--chunks 7,410", "--interleave pixel --compress zstd", "--compress none --bigtiff yes"])
def test_convert_keeps_a_mask(freestone, random, options):
    pixels, mask = masked_scene(freestone.folder / "a.tif", random)
    done = freestone("convert a.tif b.tif", options)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    with rasterio.open(freestone.folder / "b.tif") as f:
        np.testing.assert_array_equal(f.read(), pixels)
        np.testing.assert_array_equal(f.dataset_mask() != 0, mask)
        assert f.mask_flag_enums[0] == [rasterio.enums.MaskFlags.per_dataset] and f.nodata is None
        assert not (freestone.folder / "b.tif.msk").exists()
    # What we wrote is what we read: NaN in pipelines.
    freestone.out("run b.tif ! write c.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "c.npy"), np.where(mask, pixels, np.nan).astype("f4"))


@pytest.mark.parametrize("options", ["--overviews 2,8 --chunks 64,64", "--as cog --chunks 64,64", "--as cog --compress jpeg --chunks 64,64"])
def test_overviews_have_masks(freestone, random, options):
    pixels, mask = masked_scene(freestone.folder / "a.tif", random)
    freestone.out("convert a.tif b.tif", options)
    if "cog" in options:
        validate(freestone.folder / "b.tif")
    factors = [2, 4, 8] if "cog" in options else [2, 8]
    with rasterio.open(freestone.folder / "b.tif") as f:
        assert f.overviews(1) == factors
        np.testing.assert_array_equal(f.dataset_mask() != 0, mask)
    wanted = mask
    for level in range(3):
        y, x = wanted.shape
        wanted = np.pad(wanted, ((0, y % 2), (0, x % 2)))
        wanted = wanted.reshape(wanted.shape[0] // 2, 2, wanted.shape[1] // 2, 2).any(axis=(1, 3))
        if 2 ** (level + 1) in factors:
            with rasterio.open(freestone.folder / "b.tif", overview_level=factors.index(2 ** (level + 1))) as f:
                np.testing.assert_array_equal(f.dataset_mask() != 0, wanted)


def test_a_mask_that_has_no_place_is_told_of(freestone, random):
    masked_scene(freestone.folder / "a.tif", random)
    done = freestone("convert a.tif b.nc")
    assert done.returncode == 0 and "mask is left out" in done.stderr and "NaN" in done.stderr


def test_the_bytes_are_the_same_for_any_number_of_threads(freestone, random):
    masked_scene(freestone.folder / "a.tif", random)
    freestone.out("convert a.tif b.tif --as cog --chunks 64,64 --threads 1")
    freestone.out("convert a.tif c.tif --as cog --chunks 64,64 --threads 3 --memory 8MiB")
    assert (freestone.folder / "b.tif").read_bytes() == (freestone.folder / "c.tif").read_bytes()


def smooth(dtype, shape):
    y, x = np.meshgrid(np.arange(shape[1]), np.arange(shape[2]), indexing="ij")
    return np.stack([100 + 60 * np.sin(x / 40 + k) * np.cos(y / 50) for k in range(shape[0])]).astype(dtype)


@pytest.mark.parametrize("compress, options, bands, error", [
    ("jpeg", "", 3, 1.5), ("jpeg", "--level 95", 3, 0.8), ("jpeg", "", 1, 0.8), ("jpeg", "--interleave band", 3, 0.8), ("jpeg", "--interleave band", 7, 0.8),
    ("webp", "", 3, 2), ("webp", "--level 100", 4, 0), ("lerc", "", 3, 0), ("lerc", "--interleave pixel", 3, 0)])
def test_tiles_by_libtiff(freestone, compress, options, bands, error):
    pixels = smooth("u1", (bands, 100, 150))
    np.save(freestone.folder / "a.npy", pixels)
    freestone.out("convert a.npy b.tif --chunks 64,64 --compress", compress, options)
    with rasterio.open(freestone.folder / "b.tif") as f:
        assert f.compression.name.lower() == compress
        if compress == "jpeg":
            assert (f.photometric == rasterio.enums.PhotometricInterp.ycbcr) == (bands == 3 and "band" not in options)
        got = f.read()
    distance = np.abs(got.astype(int) - pixels)
    assert distance.mean() <= error and distance.max() <= 20 * error + (15 if error else 0)
    freestone.out("convert b.tif c.npy")
    again = np.load(freestone.folder / "c.npy")
    # Decoders of JPEG differ in how they interpolate colours.
    assert np.abs(again.reshape(got.shape).astype(int) - got).max() <= (8 if compress == "jpeg" else 0)


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_lerc_loses_nothing(freestone, random, dtype):
    pixels = random.normal(0, 1000, (2, 70, 90)).astype(dtype) if dtype[0] == "f" else random.integers(-100 if dtype[0] == "i" else 0, 100, (2, 70, 90)).astype(dtype)
    np.save(freestone.folder / "a.npy", pixels)
    freestone.out("convert a.npy b.tif --compress lerc --chunks 32,32 --as cog")
    with rasterio.open(freestone.folder / "b.tif") as f:
        np.testing.assert_array_equal(f.read(), pixels)
    validate(freestone.folder / "b.tif")


@pytest.mark.parametrize("dtype, words, what", [
    ("u2", "--compress jpeg", "uint8"), ("f4", "--compress webp", "uint8"), ("u1", "--compress webp --interleave band", "three or four bands"),
    ("u1", "--compress jpeg --level 0", "1 to 100"), ("i8", "--compress lerc", "int64"), ("u1", "--compress jpeg --chunks 7,90", "tiles"),
    ("u1", "--compress lerc --level 3", "no level"), ("u1", "--compress jpeg --predictor 2", "no predictor")])
def test_what_they_do_not_hold(freestone, dtype, words, what):
    np.save(freestone.folder / "a.npy", np.ones((3, 70, 90), dtype))
    assert what in freestone.fails(1, "convert a.npy b.tif", words)
