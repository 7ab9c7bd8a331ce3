"""Bands of a raster have names in --expr and --where: b1, b2..., and what the file calls them."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin


@pytest.fixture
def scene(program):
    """scene.tif: four bands of uint16 with names, nodata 0 in a corner."""
    values = np.random.default_rng(5).integers(1, 5000, (4, 40, 50)).astype("u2")
    values[:, :3, :4] = 0
    profile = {"driver": "GTiff", "count": 4, "height": 40, "width": 50, "dtype": "uint16", "nodata": 0, "crs": "EPSG:32633", "transform": from_origin(5e5, 5.2e6, 30, 30)}
    with rasterio.open(program.folder / "scene.tif", "w", **profile) as out:
        out.write(values)
        out.descriptions = ("blue", "green", "red", "nir 1")
    wide = values.astype("f8")
    wide[values == 0] = np.nan
    return wide


@pytest.mark.parametrize("expression", ["(b4 - b3) / (b4 + b3)", "(b4 - red) / (b4 + red)"])
def test_calc_knows_bands(program, scene, expression):
    program.out(f"run scene.tif ! calc --expr '{expression}' ! write ratio.tif --dtype float64")
    with rasterio.open(program.folder / "ratio.tif") as out:
        assert (out.count, out.crs.to_epsg(), out.transform) == (1, 32633, from_origin(5e5, 5.2e6, 30, 30))
        np.testing.assert_allclose(out.read(1), (scene[3] - scene[2]) / (scene[3] + scene[2]), rtol=1e-12)


def test_bands_meet_the_whole_raster(program, scene):
    program.out("run scene.tif ! calc --expr 'x - b1' ! write rest.tif --dtype float64")
    with rasterio.open(program.folder / "rest.tif") as out:
        np.testing.assert_allclose(out.read(), scene - scene[0], rtol=1e-12)


def test_mask_knows_bands(program, scene):
    program.out("run scene.tif ! mask --where 'b1 > 2500' ! write bright.tif --dtype float64")
    with rasterio.open(program.folder / "bright.tif") as out:
        np.testing.assert_array_equal(np.isnan(out.read()), ~np.broadcast_to(scene[0] > 2500, scene.shape))


def test_other_names_are_refused(program, scene):
    assert "'b5'" in program.fails(2, "run scene.tif ! calc --expr 'b5 - b1' ! write x.tif")
