"""Zarr's version 2 with the names that imagecodecs has for codecs: references to TIFFs by tifffile, and chunks encoded by imagecodecs itself."""

import json

import numpy as np
import pytest

tifffile = pytest.importorskip("tifffile")
numcodecs = pytest.importorskip("imagecodecs.numcodecs")


def read(freestone, file, name):
    freestone.out("convert", f"{file}[{name}]" if name else file, "x.npy", "--overwrite")
    return np.load(freestone.folder / "x.npy")


@pytest.mark.parametrize("compression", ["none", "lzw", "deflate", "packbits", "zstd", "lzma"])
@pytest.mark.parametrize("predictor", [False, True])
def test_reads_references_that_tifffile_writes(freestone, random, compression, predictor):
    if compression == "none" and predictor:
        return  # there is no such TIFF
    for number, (dtype, order, shape) in enumerate([("u1", "<", (45, 50, 3)), ("u2", "<", (45, 50)), ("u2", ">", (45, 50, 3)), ("i4", "<", (2, 33, 40)), ("f4", "<", (45, 50)),
                                                    ("f4", ">", (33, 40, 3)), ("f8", "<", (45, 50))]):
        x = random.integers(0, 200, shape).cumsum(axis=-1).astype(order + dtype)
        tif = freestone.folder / f"{number}.tif"
        tiles = {} if number % 3 == 2 else {"tile": (16, 32)}
        tifffile.imwrite(tif, x, byteorder=order, compression=None if compression == "none" else compression, predictor=predictor,
                         photometric="rgb" if shape[-1] == 3 else "minisblack", **tiles)
        with tifffile.TiffFile(tif) as f:
            f.aszarr().write_fsspec(freestone.folder / "refs.json", freestone.folder.as_uri(), groupname="x")
        np.testing.assert_array_equal(read(freestone, "refs.json", "x"), x.astype(dtype), err_msg=f"{dtype} {order} {shape}")


@pytest.mark.parametrize("codec", [numcodecs.Zlib(), numcodecs.Deflate(), numcodecs.Zstd(), numcodecs.Lzma(), numcodecs.Bz2(), numcodecs.Lz4(header=True), numcodecs.Lz4h5(),
                                   numcodecs.Blosc(typesize=4), numcodecs.Lzw(), numcodecs.Packbits(), numcodecs.Bitorder()], ids=lambda c: c.codec_id)
@pytest.mark.parametrize("filters", [[], [("Delta", -1)], [("Delta", 0)], [("Floatpred", -1)]], ids=["", "delta", "delta-0", "floatpred"])
@pytest.mark.parametrize("order", "<>")
def test_reads_chunks_of_imagecodecs(freestone, random, codec, filters, order):
    dtype = order + ("f4" if filters and filters[0][0] == "Floatpred" else "i4")
    x = random.integers(-1000, 1000, (10, 13)).astype(dtype)
    chain = [getattr(numcodecs, name)(shape=(4, 5), dtype=dtype, axis=axis) for name, axis in filters]
    folder = freestone.folder / "a.zarr"
    folder.mkdir()
    (folder / ".zarray").write_text(json.dumps({"zarr_format": 2, "shape": x.shape, "chunks": (4, 5), "dtype": dtype, "order": "C", "fill_value": 0,
                                                "filters": [c.get_config() for c in chain], "compressor": codec.get_config()}))
    whole = np.zeros((12, 15), dtype)
    whole[:10, :13] = x
    for i in range(3):
        for j in range(3):
            data = np.ascontiguousarray(whole[4 * i : 4 * i + 4, 5 * j : 5 * j + 5])
            for c in chain:
                data = np.frombuffer(c.encode(data), dtype).reshape(4, 5)
            (folder / f"{i}.{j}").write_bytes(bytes(codec.encode(data.tobytes())))
    np.testing.assert_array_equal(read(freestone, "a.zarr", ""), x.astype(dtype[1:]))


def test_what_cannot_be_read_says_why(freestone):
    def fails(compressor, filters=(), dtype="<i4"):
        folder = freestone.folder / "a.zarr"
        folder.mkdir(exist_ok=True)
        (folder / ".zarray").write_text(json.dumps({"zarr_format": 2, "shape": [4], "chunks": [4], "dtype": dtype, "order": "C", "fill_value": 0,
                                                    "filters": list(filters), "compressor": compressor}))
        said = freestone.fails(1, "convert a.zarr x.npy")
        assert "a.zarr" in said
        return said

    assert "'imagecodecs_jpegxl'" in fails({"id": "imagecodecs_jpegxl"}) and "imagecodecs_lzw" in fails({"id": "imagecodecs_jpegxl"})
    assert "'imagecodecs_lz4' with no header" in fails({"id": "imagecodecs_lz4", "header": False})
    assert "'imagecodecs_deflate' with raw" in fails({"id": "imagecodecs_deflate", "raw": True})
    assert "'lzma' with format or filters" in fails({"id": "lzma", "format": 3})
    delta = {"id": "imagecodecs_delta", "shape": [4], "dtype": "<i4", "axis": -1, "dist": 1}
    assert "imagecodecs_delta' with dist" in fails(None, [delta | {"dist": 2}])
    for damage, word in (({"shape": [1 << 40]}, "shape"), ({"shape": [0]}, "shape"), ({"shape": "x"}, "shape"), ({"axis": 1}, "axis"), ({"axis": -2}, "axis"),
                         ({"dtype": "<i3"}, "dtype"), ({"dtype": 5}, "dtype")):
        assert word in fails(None, [delta | damage]), damage
