"""select --band: bands by number from 1, as GDAL and `index` count, and by name."""

import os

import numpy as np
import rasterio
from affine import Affine


def test_bands_are_numbered_from_one_or_named(freestone, random):
    a = random.integers(0, 2000, (4, 7, 9)).astype("u2")
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=4, height=7, width=9, dtype="uint16", crs="EPSG:32632", transform=Affine(20, 0, 0, 0, -20, 0)) as f:
        f.write(a)
        f.descriptions = ("blue", "green", "red", "nir")
    for words, bands in [("--band 3", 2), ("--band nir", 3), ("--band 4,1", [3, 0]), ("--band red,blue", [2, 0]), ("--band 2:3", [1, 2]), ("--band 2:", [1, 2, 3]),
                         ("--band green:nir", [1, 2, 3]), ("--index band=0", 0)]:
        freestone.out(f"run --overwrite a.tif ! select {words} ! write out.npy")
        np.testing.assert_array_equal(np.load(freestone.folder / "out.npy"), a[bands], err_msg=words)
        if isinstance(bands, list):
            freestone.out(f"run --overwrite a.tif ! select {words} ! write out.tif")
            with rasterio.open(freestone.folder / "out.tif") as f:
                assert f.descriptions == tuple(("blue", "green", "red", "nir")[k] for k in bands), words
    # As `index` counts.
    freestone.out("run a.tif ! index ndvi --red 3 --nir 4 ! write ndvi.npy")
    freestone.out("run a.tif ! select --band 3,4 ! index ndvi --red red --nir 2 ! write again.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "ndvi.npy"), np.load(freestone.folder / "again.npy"))
    for words in ("--band 0", "--band 5", "--band swir", "--band 3:2"):
        assert "band" in freestone(f"run a.tif ! select {words} ! write no.npy").stderr
        assert not os.path.exists(freestone.folder / "no.npy")
