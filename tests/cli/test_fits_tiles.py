"""Tile-compressed FITS images and files of gzip. astropy, whose decoders are CFITSIO's, writes and reads them."""

import gzip
import pathlib

import astropy
import numpy as np
import pytest
from astropy.io import fits

M13 = pathlib.Path(astropy.__file__).parent / "io" / "fits" / "hdu" / "compressed" / "tests" / "data"


def read(freestone, name):
    freestone.out("convert", name, "read.npy", "--overwrite")
    return np.load(freestone.folder / "read.npy")


def field(dtype, shape, seed=5):
    random = np.random.default_rng(seed)
    x = random.normal(100, 8, shape) + np.add.outer(np.linspace(0, 40, shape[-2]), np.linspace(0, 30, shape[-1]))
    return x.astype(dtype)


@pytest.mark.parametrize("name", ["m13_rice", "m13_gzip", "m13_plio", "m13_hcomp", "compressed_with_nan"])
def test_files_of_fpack(freestone, name):
    path = M13 / f"{name}.fits"
    with fits.open(path) as f:
        expected = next(h for h in f if isinstance(h, fits.CompImageHDU)).data
    np.testing.assert_array_equal(read(freestone, path), expected)


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1", "NOCOMPRESS"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4"])
def test_integers(freestone, kind, dtype):
    d = field(dtype, (3, 41, 53))
    tile = (1, 21, 53) if kind == "HCOMPRESS_1" else (2, 16, 30)
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(d, compression_type=kind, tile_shape=tile)]).writeto(freestone.folder / "a.fits")
    got = read(freestone, "a.fits")
    assert got.dtype == d.dtype
    np.testing.assert_array_equal(got, d)
    # A part of it meets only some tiles.
    freestone.out("run a.fits ! select --index 2=7:31 ! write p.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "p.npy"), d[:, :, 7:31])


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
@pytest.mark.parametrize("method", [-1, 1, 2])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_quantised_floats_have_the_bits_that_astropy_reads(freestone, kind, method, dtype):
    d = field(dtype, (40, 64))
    d[5, 7] = np.nan
    d[8, :] = 0
    d[20, 3:9] = 0
    hdu = fits.CompImageHDU(d, compression_type=kind, quantize_method=method, quantize_level=8, dither_seed=77,
                            tile_shape=(8, 64) if kind == "HCOMPRESS_1" else (1, 64))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(freestone.folder / "a.fits")
    with fits.open(freestone.folder / "a.fits") as f:
        expected = f[1].data
    got = read(freestone, "a.fits")
    assert got.dtype == np.dtype(dtype) and expected.dtype.itemsize == got.dtype.itemsize
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1"])
@pytest.mark.parametrize("method, name", [(-1, "NO_DITHER"), (1, "SUBTRACTIVE_DITHER_1"), (2, "SUBTRACTIVE_DITHER_2")])
def test_info_names_compression_as_the_header_does(freestone, kind, method, name):
    """And no chunk is longer than the image."""
    tile = (20, 50)
    compressed = fits.CompImageHDU(field("f4", (70, 50)), compression_type=kind, tile_shape=tile, quantize_method=method)
    fits.HDUList([fits.PrimaryHDU(), compressed]).writeto(freestone.folder / "a.fits")
    found, text = freestone.json("info a.fits --json"), freestone.out("info a.fits")
    assert found["codecs"] == f"{kind}, quantised ({name})" and f"{kind}, quantised ({name})\n" in text
    assert found["chunks"] == [70, 50] and "70 x 50, of tiles of 20 x 50\n" in text
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(field("i4", (70, 50)), compression_type=kind, tile_shape=tile)]).writeto(freestone.folder / "b.fits")
    assert freestone.json("info b.fits --json")["codecs"] == kind


def test_floats_without_loss(freestone):
    d = field("f8", (30, 40))
    for kind in ("GZIP_1", "GZIP_2"):
        hdu = fits.CompImageHDU(d, compression_type=kind, quantize_level=0)
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(freestone.folder / "a.fits", overwrite=True)
        np.testing.assert_array_equal(read(freestone, "a.fits"), d)


def test_scaled_and_unsigned_integers_and_the_header(freestone):
    d = field("u2", (20, 30)) + np.uint16(40000)
    hdu = fits.CompImageHDU(d)
    hdu.header["BUNIT"], hdu.header["CTYPE1"], hdu.header["CRVAL1"], hdu.header["OBJECT"] = "adu", "LINEAR", 4.0, "a field"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(freestone.folder / "a.fits.fz")
    got = read(freestone, "a.fits.fz")
    assert got.dtype == np.uint16
    np.testing.assert_array_equal(got, d)
    freestone.out("convert a.fits.fz b.fits")
    with fits.open(freestone.folder / "b.fits") as f:
        np.testing.assert_array_equal(f[0].data, d)
        assert (f[0].header["BUNIT"], f[0].header["OBJECT"], f[0].header["CRVAL1"]) == ("adu", "a field", 4.0)
        assert "ZIMAGE" not in f[0].header and "TTYPE1" not in f[0].header


@pytest.mark.parametrize("kind,dtype", [("rice", "u1"), ("rice", "i1"), ("rice", "i2"), ("rice", "u2"), ("rice", "i4"), ("rice", "u4"), ("gzip", "u1"),
                                        ("gzip", "i2"), ("gzip", "i8"), ("gzip", "f4"), ("gzip", "f8")])
def test_written_tiles_are_what_astropy_reads(freestone, kind, dtype):
    d = field("f8", (5, 43, 57))
    d = d.astype(dtype) if dtype[0] == "f" else (d * (1 if dtype[1] == "1" else 97) - (0 if dtype[0] == "u" else 100)).astype(dtype)
    d[2] = 0
    d[3, 5] = np.iinfo(dtype).max if dtype[0] != "f" else np.inf
    np.save(freestone.folder / "a.npy", d)
    freestone.out(f"convert a.npy a.fits --compress {kind}")
    with fits.open(freestone.folder / "a.fits") as f:
        assert isinstance(f[1], fits.CompImageHDU)
        np.testing.assert_array_equal(f[1].data, d)
    np.testing.assert_array_equal(read(freestone, "a.fits"), d)
    freestone.out(f"run a.npy ! write b.fits --compress {kind} --chunks 2,16,57")
    with fits.open(freestone.folder / "b.fits") as f:
        np.testing.assert_array_equal(f[1].data, d)


def test_a_compressed_cube_keeps_its_header_and_tables(freestone, cube):
    freestone.out("convert cube.fits c.fits.fz")
    freestone.out("compare cube.fits c.fits.fz")
    with fits.open(freestone.folder / "c.fits.fz") as f, fits.open(freestone.folder / "cube.fits") as original:
        assert f[1].header["CTYPE3"] == "FREQ" and f[1].header["BMAJ"] == original[0].header["BMAJ"]
        np.testing.assert_array_equal(f[1].data, original[0].data)
    assert "rice is for integers" in freestone.fails(1, "convert cube.fits d.fits --compress rice")
    assert "there are rice, gzip" in freestone.fails(1, "convert cube.fits d.fits --compress zstd")


def test_damage_is_told(freestone):
    d = field("i2", (60, 80))
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(d)]).writeto(freestone.folder / "a.fits")
    whole = (freestone.folder / "a.fits").read_bytes()
    with fits.open(freestone.folder / "a.fits", disable_image_compression=True) as f:
        heap = f[1]._data_offset + f[1].header["NAXIS1"] * f[1].header["NAXIS2"]
    # Rice's code of a row that is all ones: numbers that never end.
    (freestone.folder / "a.fits").write_bytes(whole[: heap + 40] + b"\0" * 3000 + whole[heap + 3040 :])
    assert "HDU 1" in freestone.fails(1, "run a.fits ! statistics")
    (freestone.folder / "a.fits").write_bytes(whole[: len(whole) // 2])
    freestone.fails(1, "run a.fits ! statistics")


def test_gzip(freestone, random):
    d = random.normal(size=(30, 40, 50)).astype("f4")
    fits.PrimaryHDU(d).writeto(freestone.folder / "a.fits.gz")
    np.save(freestone.folder / "a.npy", d)
    (freestone.folder / "b.npy.gz").write_bytes(gzip.compress((freestone.folder / "a.npy").read_bytes()))
    np.testing.assert_array_equal(read(freestone, "a.fits.gz"), d)
    np.testing.assert_array_equal(read(freestone, "b.npy.gz"), d)
    plain = (freestone.folder / "a.npy").read_bytes()
    # Two members, and zeros behind them.
    (freestone.folder / "c.npy.gz").write_bytes(gzip.compress(plain[:1000]) + gzip.compress(plain[1000:]) + b"\0" * 512)
    np.testing.assert_array_equal(read(freestone, "c.npy.gz"), d)
    expected = freestone.json("run a.npy ! statistics --format json")
    assert freestone.json("run b.npy.gz --memory 64MiB ! statistics --format json") == expected
    assert freestone.json("info a.fits.gz --json")


def test_gzip_that_cannot_be_read(freestone, random):
    np.save(freestone.folder / "a.npy", random.normal(size=(100, 100)))
    packed = gzip.compress((freestone.folder / "a.npy").read_bytes())
    (freestone.folder / "cut.npy.gz").write_bytes(packed[: len(packed) // 2])
    (freestone.folder / "bad.npy.gz").write_bytes(packed[:2000] + bytes([packed[2000] ^ 255]) + packed[2001:])
    (freestone.folder / "sum.npy.gz").write_bytes(packed[:-8] + b"\0\0\0\0" + packed[-4:])
    (freestone.folder / "twice.npy.gz").write_bytes(gzip.compress(packed))
    (freestone.folder / "text.gz").write_bytes(gzip.compress(b"hello"))
    assert "cut short" in freestone.fails(1, "info cut.npy.gz")
    assert "damaged" in freestone.fails(1, "run bad.npy.gz ! statistics")
    assert "damaged" in freestone.fails(1, "info sum.npy.gz")
    assert "twice" in freestone.fails(1, "info twice.npy.gz")
    assert "no format" in freestone.fails(1, "info text.gz")
    assert "--temp-dir" in freestone.fails(1, "run cut.npy.gz --temp-dir nowhere ! statistics")
