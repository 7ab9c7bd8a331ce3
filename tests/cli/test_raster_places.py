"""Rasters that are placed by points or polynomials, and complex integers as radar has them, against rasterio."""

import numpy as np
import pytest

rasterio = pytest.importorskip("rasterio")
pytestmark = pytest.mark.filterwarnings("ignore")


def written(path, values, after=None, **profile):
    bands, height, width = values.shape
    profile.setdefault("dtype", values.dtype)
    with rasterio.open(path, "w", driver="GTiff", count=bands, height=height, width=width, **profile) as file:
        file.write(values)
        if after:
            after(file)


def test_control_points_and_polynomials_go_along(freestone, random):
    values = random.integers(0, 999, (1, 40, 50)).astype("u2")
    points = [rasterio.control.GroundControlPoint(r, c, 5e5 + 30 * c + r, 5.2e6 - 30 * r) for r, c in ((0, 0), (0, 50), (40, 0), (40, 50))]
    written(freestone.folder / "gcp.tif", values, gcps=points, crs="EPSG:32633")

    def polynomials(file):
        line, sample = [0, 0, 1] + [0] * 17, [0, 1] + [0] * 18
        file.rpcs = rasterio.rpc.RPC(err_bias=1, err_rand=2, height_off=100, height_scale=50, lat_off=45, lat_scale=1, line_den_coeff=[1] + [0] * 19,
                                     line_num_coeff=line, line_off=20, line_scale=20, long_off=15, long_scale=1, samp_den_coeff=[1] + [0] * 19,
                                     samp_num_coeff=sample, samp_off=25, samp_scale=25)  # fmt: skip

    written(freestone.folder / "rpc.tif", values, polynomials)
    for name in ("gcp", "rpc"):
        freestone.out(f"convert {name}.tif {name}_copy.tif")
        freestone.out(f"run {name}.tif ! select --index y=10:30,x=5:45 ! write {name}_part.tif")
    with rasterio.open(freestone.folder / "rpc.tif") as theirs, rasterio.open(freestone.folder / "rpc_copy.tif") as ours:
        assert ours.rpcs.to_dict() == theirs.rpcs.to_dict()
    with rasterio.open(freestone.folder / "rpc_part.tif") as part:
        assert (part.rpcs.line_off, part.rpcs.samp_off, part.rpcs.line_scale) == (10, 20, 20)
    with rasterio.open(freestone.folder / "gcp_copy.tif") as ours:
        assert [(p.row, p.col, p.x, p.y) for p in ours.gcps[0]] == [(p.row, p.col, p.x, p.y) for p in points]
    with rasterio.open(freestone.folder / "gcp_part.tif") as part:
        assert [(p.row, p.col, p.x, p.y) for p in part.gcps[0]] == [(p.row - 10, p.col - 5, p.x, p.y) for p in points]
    freestone.out("run gcp.tif ! mean --axis y ! write line.nc")


@pytest.mark.parametrize("options", [{}, {"compress": "deflate", "predictor": 2}, {"compress": "lzw", "tiled": True, "blockxsize": 16, "blockysize": 16},
                                     {"ENDIANNESS": "BIG"}, {"interleave": "pixel", "compress": "zstd"}])  # fmt: skip
def test_complex_integers(freestone, random, options):
    values = (random.integers(-30000, 30000, (2, 40, 50)) + 1j * random.integers(-30000, 30000, (2, 40, 50))).astype("c8")
    written(freestone.folder / "slc.tif", values, dtype="complex_int16", crs="EPSG:4326", transform=rasterio.transform.from_origin(10, 50, 0.1, 0.1), **options)
    freestone.out("convert slc.tif slc.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "slc.npy"), values)


def test_a_mask_in_a_file_beside_the_image(freestone, random):
    values, kept = random.integers(1, 999, (2, 40, 50)).astype("u2"), random.random((40, 50)) > 0.4
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False):
        written(freestone.folder / "a.tif", values, lambda file: file.write_mask(kept), crs="EPSG:4326", transform=rasterio.transform.from_origin(10, 50, 1, 1))
    assert (freestone.folder / "a.tif.msk").exists()
    freestone.out("run a.tif ! write a.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "a.npy"), np.where(kept, values, np.nan).astype("f4"))
    freestone.out("convert a.tif b.tif")
    with rasterio.open(freestone.folder / "b.tif") as ours:
        np.testing.assert_array_equal(ours.read_masks(1) > 0, kept)
        np.testing.assert_array_equal(ours.read(), values)
    (freestone.folder / "a.tif.msk").write_bytes(b"II*\0damaged")
    done = freestone("run a.tif ! statistics")
    assert done.returncode == 0 and "mask beside the image is left out" in done.stderr


def test_references_to_bands_that_lie_pixel_by_pixel(freestone, random):
    import xarray as xr

    values = random.integers(0, 999, (3, 64, 48)).astype("u2")
    written(freestone.folder / "a.tif", values, interleave="pixel", tiled=True, blockxsize=16, blockysize=32, compress="deflate")
    freestone.out("references a.tif -o a.json")
    opened = xr.open_dataset(str(freestone.folder / "a.json"), engine="kerchunk")["data"]
    assert opened.dims == ("y", "x", "band")
    np.testing.assert_array_equal(opened.transpose("band", "y", "x").values, values)
    freestone.out("run a.json ! transpose --order 2,0,1 ! write b.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "b.npy"), values)
