"""Files of other writers for the fuzzers to start from: what they would not find by themselves in hours.

    .venv/bin/python tests/fuzz/make_seeds.py SUBJECT FOLDER

`fits_header` gets tile-compressed images of every compression of astropy's, with ZBLANK and quantised floats; `tiff` LZW, deflate and LERC files of GDAL's with
GeoKeys, predictors, masks and overviews; `zarr_metadata` a chunk of every codec name of imagecodecs that Freestone reads. Others get nothing.
"""

import itertools
import json
import pathlib
import sys
import tempfile

import numpy as np


def fits_header(folder):
    from astropy.io import fits

    y, x = np.mgrid[:12, :20]
    whole = (x * y % 97).astype("i2")
    floats = (x + 0.25 * y).astype("f4")
    floats[3, 4:7] = np.nan
    for name in ("GZIP_1", "GZIP_2", "RICE_1", "HCOMPRESS_1", "PLIO_1"):
        fits.CompImageHDU(whole, compression_type=name, tile_shape=(4, 20)).writeto(folder / f"{name}-i2.fits", overwrite=True)
    for name, method in itertools.product(("GZIP_2", "RICE_1", "HCOMPRESS_1"), (1, 2)):
        hdu = fits.CompImageHDU(floats, compression_type=name, tile_shape=(4, 20), quantize_level=16, quantize_method=method, dither_seed=7)
        hdu.writeto(folder / f"{name}-f4-{method}.fits", overwrite=True)
    hdu = fits.CompImageHDU(whole.astype("i4"), compression_type="RICE_1", tile_shape=(4, 20))
    hdu.writeto(folder / "blank.fits", overwrite=True)
    data = (folder / "blank.fits").read_bytes()
    # The header has room for a card behind its last one.
    end = data.rindex(b"END" + b" " * 77)
    cards = b"".join(card.ljust(80).encode() for card in ("ZBLANK  =                   -1", "BLANK   =                   -1", "BSCALE  =                  0.5"))
    if data[end + 80 : end + 80 + len(cards)].strip() == b"":
        (folder / "blank.fits").write_bytes(data[:end] + cards + data[end : end + 80] + data[end + 80 + len(cards) :])
    else:
        raise AssertionError("no room for ZBLANK in the header")


def tiff(folder):
    import rasterio
    from rasterio.transform import from_origin

    values = (np.arange(2 * 40 * 50) % 251).reshape(2, 40, 50)
    place = {"transform": from_origin(5e5, 5.2e6, 30, 30), "driver": "GTiff", "height": 40, "width": 50}
    albers = "+proj=aea +lat_0=23 +lon_0=-96 +lat_1=29.5 +lat_2=45.5 +ellps=GRS80 +units=m"
    kinds = itertools.product((("uint8", 1), ("uint16", 2), ("float32", 3), ("float64", 1)), ("lzw", "deflate", "packbits"), (True, False))
    for number, ((dtype, predictor), compress, tiled) in enumerate(kinds):
        how = {"compress": compress, "dtype": dtype, "count": 2, "tiled": tiled, "nodata": 7, "crs": (albers, "EPSG:32633", "EPSG:4326")[number % 3]}
        if compress != "packbits":
            how["predictor"] = predictor
        how["interleave"] = ("pixel", "band")[number % 2]
        how.update({"blockxsize": 32, "blockysize": 16} if tiled else {"blockysize": 7})
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(folder / f"{number}.tif", "w", **place, **how) as out:
            out.write(values.astype(dtype))
            out.descriptions, out.scales, out.offsets = ("red", "a < b"), (0.5, 1), (0, 3)
            out.update_tags(AREA_OR_POINT=("Area", "Point")[number % 2], TITLE="t")
        if number % 4 == 0:
            with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(folder / f"{number}.tif", "r+") as out:
                out.write_mask(np.full((40, 50), 255, "u1"))
                out.build_overviews([2], rasterio.enums.Resampling.nearest)


def lzw(raw):
    """TIFF's LZW without a single string: codes of nine bits as long as there are fewer than 250."""
    bits = "".join(f"{code:09b}" for code in (256, *raw, 257))
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def zarr_metadata(folder):
    import bz2
    import lzma
    import zlib

    import numcodecs

    raw = (np.arange(64, dtype="<u2") * 3).tobytes()
    block = numcodecs.LZ4().encode(raw)
    packed = {"zlib": zlib.compress(raw), "deflate": zlib.compress(raw), "bz2": bz2.compress(raw), "lzma": lzma.compress(raw), "lzw": lzw(raw), "packbits": b"\x7f" + raw,
              "zstd": numcodecs.Zstd().encode(raw), "lz4": block, "blosc": numcodecs.Blosc().encode(raw),
              "lz4h5": len(raw).to_bytes(8, "big") + len(raw).to_bytes(4, "big") + (len(block) - 4).to_bytes(4, "big") + block[4:]}
    more = {"delta": {"shape": [8, 8], "dtype": "<u2", "axis": -1, "dist": 1}, "floatpred": {"shape": [8, 8], "dtype": "<f2", "axis": -1, "dist": 1}, "deflate": {"raw": False}, "lz4": {"header": True}}
    for name in (*packed, "delta", "floatpred", "bitorder"):
        codec = {"id": f"imagecodecs_{name}", **more.get(name, {})}
        is_filter = name not in packed
        array = {"zarr_format": 2, "shape": [8, 8], "chunks": [8, 8], "dtype": "<f2" if name == "floatpred" else "<u2", "compressor": None if is_filter else codec,
                 "fill_value": 0, "order": "C", "filters": [codec] if is_filter else None}
        (folder / name).write_bytes(json.dumps(array).encode() + b"\0" + packed.get(name, raw))


def main():
    subject, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    made = {"fits_header": fits_header, "tiff": tiff, "zarr_metadata": zarr_metadata}.get(subject)
    if made is None:
        return
    with tempfile.TemporaryDirectory() as temporary:
        made(pathlib.Path(temporary))
        for path in sorted(pathlib.Path(temporary).iterdir()):
            assert path.stat().st_size <= 65536, path
            (folder / f"seed-{path.name}").write_bytes(path.read_bytes())


if __name__ == "__main__":
    main()
