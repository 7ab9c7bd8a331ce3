"""TIFF and GeoTIFF through the program, against rasterio (GDAL) and tifffile: what they wrote, bit for bit, and what we wrote as they read it."""

import itertools
import os
import pathlib
import struct
import warnings

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio")
tifffile = pytest.importorskip("tifffile")
from rasterio.transform import Affine  # noqa: E402

warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
SEED = int(os.environ.get("FREESTONE_TEST_SEED", "20240607"))
DTYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8", "c8", "c16"]


def image(dtype, shape, seed=SEED):
    """Numbers with stretches that compress, and every bit in use; NaN among floats."""
    random = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind in "fc":
        a = random.normal(size=shape).cumsum(axis=-1)
        a = (a + 1j * random.normal(size=shape) if dtype.kind == "c" else a).astype(dtype)
        a[..., ::7] = np.nan
        return a
    info = np.iinfo(dtype)
    a = random.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)
    a[..., shape[-1] // 3 : shape[-1] // 2] = 7
    return a


def read(freestone, name, part=""):
    freestone.out(f"convert '{name}{part}' out.npy --overwrite")
    return np.load(freestone.folder / "out.npy")


def same(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_reads_what_tifffile_wrote(freestone, dtype):
    """Byte orders, BigTIFF, tiles and strips, samples together and apart."""
    random = np.random.default_rng(SEED)
    for order, big, tile, bands in itertools.product("<>", (False, True), (None, (32, 48)), (0, 1, 2)):
        shape = [(50, 70), (50, 70, 3), (3, 50, 70)][bands]
        a = image(dtype, shape)
        kinds = [dict(compression=None), dict(compression="zlib", predictor=False), dict(compression="lzw", predictor=False)]
        kinds += [dict(compression="zstd", predictor=False), dict(compression="packbits"), dict(compression="lzma", predictor=False)]
        if dtype[0] in "ui":
            kinds += [dict(compression=c, predictor=2) for c in ("zlib", "lzw", "zstd")]
        if dtype[0] == "f":
            kinds += [dict(compression=c, predictor=3) for c in ("zlib", "lzw", "zstd")]
        kind = kinds[random.integers(len(kinds))]
        options = dict(kind, byteorder=order, bigtiff=big, photometric="minisblack")
        if bands:
            options["planarconfig"] = "contig" if bands == 1 else "separate"
        options.update({"tile": tile} if tile else {"rowsperstrip": int(random.integers(1, 60))})
        tifffile.imwrite(freestone.folder / "a.tif", a, **options)
        expected = np.moveaxis(a, -1, 0) if bands == 1 else a
        got = read(freestone, "a.tif")
        assert same(got, np.ascontiguousarray(expected)), (options, shape)


@pytest.mark.parametrize("compress, predictor", [
    *[(compress, predictor) for compress in ("lzw", "deflate", "zstd") for predictor in (1, 2, 3)], ("none", 1), ("packbits", 1), ("lzma", 1),
])  # fmt: skip
def test_reads_what_gdal_wrote(freestone, compress, predictor):
    random = np.random.default_rng(SEED + predictor)
    for dtype in ["u1", "u2", "u4", "i2", "i4", "f4", "f8", "u8", "i8"]:
        if (predictor == 3) != (dtype[0] == "f") and predictor > 1:
            continue
        for interleave, tiled in itertools.product(("pixel", "band"), (False, True)):
            a = image(dtype, (4, int(random.integers(1, 100)), int(random.integers(1, 130))))
            options = dict(driver="GTiff", count=4, height=a.shape[1], width=a.shape[2], dtype=a.dtype, interleave=interleave)
            options.update(dict(tiled=True, blockxsize=32, blockysize=16) if tiled else dict(blockysize=int(random.integers(1, 40))))
            if compress != "none":
                options["compress"] = compress
            if predictor > 1:
                options["predictor"] = predictor
            with rasterio.open(freestone.folder / "a.tif", "w", **options) as f:
                f.write(a)
            assert same(read(freestone, "a.tif"), a), options


def test_half_floats_and_packed_bits(freestone):
    a = image("f4", (30, 40)).astype("f2")
    for options in ({}, {"compression": "zlib", "predictor": 3}, {"byteorder": ">"}, {"compression": "lzw", "predictor": 3, "tile": (16, 16)}):
        tifffile.imwrite(freestone.folder / "a.tif", a, **options)
        assert same(read(freestone, "a.tif"), a.astype("f4")), options
    random = np.random.default_rng(SEED)
    for bits, dtype in ((1, "u1"), (2, "u1"), (4, "u1"), (12, "u2")):
        for compress in (None, "deflate", "lzw"):
            a = random.integers(0, 2**bits, (2, 33, 57)).astype(dtype)
            options = dict(driver="GTiff", count=2, height=33, width=57, dtype=np.dtype(dtype).name, nbits=bits, interleave="band")
            with rasterio.open(freestone.folder / "a.tif", "w", **options, **({"compress": compress} if compress else {})) as f:
                f.write(a)
            assert same(read(freestone, "a.tif"), a), (bits, compress)
            assert f'"nbits": {bits}' in freestone.out("info a.tif --json")


@pytest.mark.parametrize("compress", ["jpeg", "webp", "lerc", "ccittfax4"])
def test_what_libtiff_decodes(freestone, compress):
    y, x = np.mgrid[0:150, 0:200]
    a = np.stack([x % 256, y, (x + y) % 256]).astype("u1")
    options = dict(driver="GTiff", height=150, width=200, count=3, dtype="uint8", compress=compress, tiled=True, blockxsize=64, blockysize=64)
    if compress == "jpeg":
        options.update(photometric="ycbcr", interleave="pixel", jpeg_quality=95)
    if compress == "webp":
        options.update(interleave="pixel", webp_lossless=True)
    if compress == "lerc":
        a = image("f4", (150, 200))[None]
        a[np.isnan(a)] = 0
        options.update(dtype="float32", count=1)
    if compress == "ccittfax4":
        a = (image("u1", (1, 150, 200)) & 1).astype("u1")
        options.update(nbits=1, count=1, photometric="miniswhite")
    for tiled in (True, False):
        options["tiled"] = tiled
        options["blockysize"] = 64
        if not tiled:
            options.pop("blockxsize")
        with rasterio.open(freestone.folder / "a.tif", "w", **options) as f:
            f.write(a)
        with rasterio.open(freestone.folder / "a.tif") as f:
            expected = f.read()
        if compress == "jpeg":  # the libjpeg in rasterio's wheel interpolates colours differently at edges
            close = np.abs(read(freestone, "a.tif").astype(int) - expected.astype(int)) <= 3
            assert close.mean() > 0.9
            expected = np.ascontiguousarray(np.moveaxis(tifffile.imread(freestone.folder / "a.tif"), -1, 0))
        got = read(freestone, "a.tif")
        assert same(got[None] if got.ndim == 2 else got, expected)


def test_metadata(freestone):
    a = image("i2", (2, 40, 50))
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=2, height=40, width=50, dtype="int16", nodata=-9999, crs="EPSG:32633",
                       transform=Affine(30, 0, 500000, 0, -30, 4649790)) as f:
        f.write(a)
        f.descriptions = ("red", "near infrared & more")
        f.scales, f.offsets = (0.1, 0.2), (1, 1)
        f.units = ("K", "K")
        f.update_tags(TIFFTAG_SOFTWARE="a program", mission="Landsat <8>")
        f.update_tags(2, wavelength="865")
    info = freestone.json("info a.tif --json")
    text = str(info)
    for part in ("EPSG:32633", "near infrared & more", "a program", "Landsat <8>", "865", "-9999"):
        assert part in text, text
    # Written anew, everything is where GDAL looks for it.
    freestone.out("convert a.tif b.tif")
    with rasterio.open(freestone.folder / "a.tif") as f, rasterio.open(freestone.folder / "b.tif") as g:
        assert same(g.read(), a)
        assert g.crs == f.crs and g.transform == f.transform and g.nodata == f.nodata == -9999
        assert g.descriptions == f.descriptions and g.scales == f.scales and g.offsets == f.offsets and g.units == f.units
        assert g.tags()["mission"] == "Landsat <8>" and g.tags()["TIFFTAG_SOFTWARE"] == "a program" and g.tags(2)["wavelength"] == "865"
        assert g.tags()["AREA_OR_POINT"] == "Area"


def test_pixel_is_point_and_rotation(freestone):
    for point, transform in itertools.product((False, True), (Affine(2, 0, 10, 0, -3, 50), Affine(2, 0.5, 10, 0.25, -3, 50))):
        with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=4, width=5, dtype="uint8", crs="EPSG:4326", transform=transform) as f:
            f.write(image("u1", (1, 4, 5)))
            if point:
                f.update_tags(AREA_OR_POINT="Point")
        freestone.out("convert a.tif b.tif --overwrite")
        with rasterio.open(freestone.folder / "a.tif") as f, rasterio.open(freestone.folder / "b.tif") as g:
            assert f.transform.almost_equals(g.transform, 1e-12) and f.crs == g.crs
            assert f.tags()["AREA_OR_POINT"] == g.tags()["AREA_OR_POINT"] == ("Point" if point else "Area")


def test_overviews_masks_and_pages(freestone):
    a = image("u2", (1, 300, 400))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=300, width=400,
                                                                  dtype="uint16", tiled=True, blockxsize=64, blockysize=64, compress="deflate") as f:
        f.write(a)
        mask = np.zeros((300, 400), bool)
        mask[10:200, 30:] = True
        f.write_mask(mask)
        f.build_overviews([2, 4])
    assert same(read(freestone, "a.tif"), a[0])
    assert same(read(freestone, "a.tif", "[mask]"), mask)
    for level, factor in ((1, 2), (2, 4)):
        with rasterio.open(freestone.folder / "a.tif", overview_level=level - 1) as f:
            assert same(read(freestone, "a.tif", f"[overview_{level}]"), f.read(1))
    pages = [image("f4", (20, 30 + i), i) for i in range(3)]
    with tifffile.TiffWriter(freestone.folder / "p.tif") as f:
        for page in pages:
            f.write(page, subifds=1, metadata=None)
            f.write(page[::2, ::2], subfiletype=1, metadata=None)
    assert same(read(freestone, "p.tif"), pages[0])
    assert same(read(freestone, "p.tif", "[page_3]"), pages[2])
    assert same(read(freestone, "p.tif", "[page_2_overview_1]"), pages[1][::2, ::2])
    assert "there is no 'page_9'" in freestone.fails(1, "convert p.tif[page_9] q.npy")


def test_sparse_files_are_nodata(freestone):
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=2, height=200, width=300, dtype="float32", tiled=True, blockxsize=64, blockysize=64,
                       sparse_ok=True, nodata=-5.5, compress="deflate") as f:
        f.write(np.ones((64, 64), "f4"), 2, window=rasterio.windows.Window(64, 64, 64, 64))
    with rasterio.open(freestone.folder / "a.tif") as f:
        assert same(read(freestone, "a.tif"), f.read())


def test_palette(freestone):
    a = image("u1", (1, 20, 30))
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=20, width=30, dtype="uint8", photometric="palette") as f:
        f.write(a)
        f.write_colormap(1, {i: (i, 255 - i, 3, 255) for i in range(256)})
    freestone.out("convert a.tif b.tif")
    with rasterio.open(freestone.folder / "a.tif") as f, rasterio.open(freestone.folder / "b.tif") as g:
        assert same(g.read(), a) and g.colormap(1) == f.colormap(1)


@pytest.mark.parametrize("compress", ["none", "deflate", "lzw", "zstd", "packbits", "lzma"])
def test_others_read_what_we_wrote(freestone, compress):
    random = np.random.default_rng(SEED)
    # Compressors share what depends on the type: each takes every other one.
    first = ["none", "deflate", "lzw", "zstd", "packbits", "lzma"].index(compress) % 2
    for dtype in (DTYPES + ["?"])[first::2]:
        for rank, chunks in itertools.product((2, 3), ("", "32,48", "11,{w}", "{b},16,32")):
            shape = tuple(int(n) for n in random.integers(1, 120, rank))
            if rank == 3:
                shape = (int(random.integers(1, 6)), *shape[1:])
            if "b" in chunks and rank == 2:
                continue
            a = (image("u1", shape) & 1).astype("?") if dtype == "?" else image(dtype, shape)
            np.save(freestone.folder / "a.npy", a)
            option = "--chunks " + chunks.format(w=shape[-1], b=shape[0]) if chunks else ""
            freestone.out(f"run a.npy ! write a.tif --overwrite --compress {compress} {option}")
            a = a.astype("u1") if dtype == "?" else a
            assert same(read(freestone, "a.tif"), a), (dtype, shape, option)
            expected = a if rank == 3 else a[None]
            with rasterio.open(freestone.folder / "a.tif") as f:
                assert same(f.read(), expected), (dtype, shape, option)
            got = tifffile.imread(freestone.folder / "a.tif")
            if rank == 3 and chunks.startswith("{b}") and shape[0] > 1:
                got = np.moveaxis(got, -1, 0)
            assert np.ascontiguousarray(got).tobytes() == a.tobytes(), (dtype, shape, option)


def test_the_crs_of_others_and_what_cannot_be_written(freestone):
    np.save(freestone.folder / "a.npy", np.zeros((3, 4, 5, 6), "f4"))
    assert "has 4 axes" in freestone.fails(1, "convert a.npy a.tif")
    np.save(freestone.folder / "a.npy", np.zeros((40, 50), "f4"))
    assert "multiples of 16" in freestone.fails(1, "run a.npy ! write a.tif --chunks 10,10")
    assert "blosc" in freestone.fails(1, "run a.npy ! write a.tif --compress blosc")
    assert "no level" in freestone.fails(1, "run a.npy ! write a.tif --compress lzw --level 3")
    zarr = pytest.importorskip("zarr")
    for crs in ("EPSG:3857", "EPSG:4326", "EPSG:7844", "EPSG:2154"):
        z = zarr.create_array(str(freestone.folder / "a.zarr"), shape=(40, 50), dtype="i4", overwrite=True,
                              attributes={"crs": crs, "GeoTransform": [10, 2, 0, 20, 0, -2], "_FillValue": -1, "title": "x"})
        z[...] = 5
        freestone.out("convert a.zarr a.tif --overwrite")
        with rasterio.open(freestone.folder / "a.tif") as f:
            assert f.crs == rasterio.crs.CRS.from_string(crs) and f.transform == Affine(2, 0, 10, 0, -2, 20) and f.nodata == -1
            assert f.tags()["title"] == "x"
    # What names no code is kept as it is.
    z.attrs.update({"crs": 'LOCAL_CS["a & b"]', "GeoTransform": "none"})
    freestone.out("convert a.zarr a.tif --overwrite")
    attributes = freestone.json("info a.tif --json")["attributes"]
    assert attributes["crs"] == 'LOCAL_CS["a & b"]' and attributes["GeoTransform"] == "none"


def test_damaged_files(freestone):
    """Cut short anywhere, and with bytes changed: an answer or one paragraph, never a crash."""
    a = image("u2", (64, 64))
    for options in (dict(compression="lzw", predictor=2, tile=(32, 32)), dict(compression="zlib", bigtiff=True, rowsperstrip=10), dict(byteorder=">")):
        tifffile.imwrite(freestone.folder / "a.tif", a, **options)
        whole = (freestone.folder / "a.tif").read_bytes()
        random = np.random.default_rng(SEED)
        for trial in range(15):
            broken = bytearray(whole)
            if trial % 3 == 0:
                broken = broken[: int(random.integers(0, len(whole)))]
            for _ in range(trial % 4):
                if broken:
                    broken[int(random.integers(0, min(len(broken), 400 if trial % 2 else len(broken))))] = int(random.integers(256))
            (freestone.folder / "b.tif").write_bytes(broken)
            done = freestone("convert b.tif out.npy --overwrite")
            assert done.returncode in (0, 1), done
            assert done.returncode == 0 or (done.stderr.count("\n") == 1 and "b.tif" in done.stderr), done.stderr


def test_many_tiles_open_fast(freestone):
    import time

    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=16 * 450, width=16 * 450, dtype="uint8", tiled=True, blockxsize=16, blockysize=16,
                       sparse_ok=True, bigtiff="yes") as f:
        f.write(np.full((16, 16), 9, "u1"), 1, window=rasterio.windows.Window(16 * 449, 16 * 449, 16, 16))
    with open(freestone.folder / "a.tif", "rb") as f:
        assert f.read(4) == struct.pack("<2sH", b"II", 43)
    begun = time.perf_counter()
    freestone.out("info a.tif")
    assert time.perf_counter() - begun < 2  # 202,500 tiles; a loaded machine
    assert read(freestone, "a.tif")[-1, -1] == 9


def test_nodata_is_missing_in_pipelines_and_stays_in_copies(freestone):
    x = np.random.default_rng(4).integers(1, 1000, (2, 40, 50)).astype("u2")
    x[0, :10], x[1, 5:20] = 0, 0
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", width=50, height=40, count=2, dtype="uint16", nodata=0) as d:
        d.write(x)
    freestone.out("run", "a.tif", "!", "mean", "--dim", "band", "!", "write", "mean.npy")
    masked = np.where(x == 0, np.nan, x)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(np.load(freestone.folder / "mean.npy"), np.nanmean(masked, axis=0), rtol=1e-7)
    freestone.out("convert a.tif b.tif")
    with rasterio.open(freestone.folder / "b.tif") as d:
        assert d.nodata == 0 and d.dtypes == ("uint16", "uint16")
        np.testing.assert_array_equal(d.read(), x)


RASTERS = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "rasters"  # scripts/fetch-rasters


def test_ndvi_of_landsat(freestone):
    """The figures that were computed of these bands with NumPy in float64."""
    stack = f"{RASTERS}/l8_B4.tif {RASTERS}/l8_B5.tif --stack band"
    numbers = freestone.json(f"run {stack} --format json ! index ndvi --red 1 --nir 2 ! statistics")
    assert numbers["npts"] == 603 * 627
    assert numbers["mean"] == pytest.approx(0.29381, abs=5e-6)
    assert numbers["min"] == pytest.approx(-0.2746, abs=5e-5) and numbers["max"] == pytest.approx(0.5567, abs=5e-5)
    freestone.out(f"run {stack} ! index ndvi --red l8_B4 --nir l8_B5 ! write ndvi.tif --compress lzw --dtype float32")
    with rasterio.open(f"{RASTERS}/l8_B4.tif") as red, rasterio.open(f"{RASTERS}/l8_B5.tif") as nir, rasterio.open(freestone.folder / "ndvi.tif") as got:
        r, n = red.read(1).astype("f8"), nir.read(1).astype("f8")
        np.testing.assert_array_equal(got.read(1), ((n - r) / (n + r)).astype("f4"))
        assert got.crs == red.crs and got.transform == red.transform and np.isnan(got.nodata)


def test_a_landsat_picture_is_read_as_gdal_reads_it(freestone):
    name = f"{RASTERS}/L7_ETMs.tif"
    with rasterio.open(name) as f:
        assert same(read(freestone, name), f.read())
        for level in range(len(f.overviews(1))):
            with rasterio.open(name, overview_level=level) as overview:
                assert same(read(freestone, name, f"[overview_{level + 1}]"), overview.read())
        info = freestone.json(f"info {name} --json")
        assert tuple(info["attributes"]["GeoTransform"]) == f.transform.to_gdal()


def test_nodata_in_any_band_is_nodata_in_the_index(freestone):
    a = np.array([[[10, 0, 20, 7]], [[30, 40, 0, 7]]], "u2")
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=2, height=1, width=4, dtype="uint16", nodata=0) as f:
        f.write(a)
        f.descriptions = ("red", "nir")
    freestone.out("run a.tif ! index ndvi ! write b.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "b.npy"), [[0.5, np.nan, np.nan, 0]])
    freestone.out("run a.tif ! index ndvi --nodata 7 ! write b.npy --overwrite")
    np.testing.assert_array_equal(np.load(freestone.folder / "b.npy"), [[0.5, np.nan, np.nan, np.nan]])
    assert "which band is blue" in freestone.fails(1, "run a.tif ! index evi ! write c.tif")
    assert "from 1 to 2" in freestone.fails(1, "run a.tif ! index ndvi --red 3 ! write c.tif")
    assert "its files have 7 bands" in freestone.fails(1, "run a.tif ! index ndvi --sensor l8 ! write c.tif")
