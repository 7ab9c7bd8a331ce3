"""Makes the raster of scripts/bench storage: four bands of 10,240 x 10,240 uint16 as deflated GeoTIFF, like a scene of Sentinel-2."""

import sys

from race import CACHE


def band(number, first, count, side):
    """Rows first ... first + count - 1 of a band: land with fields, noise of the sensor, and a corner of nodata (0)."""
    import numpy as np

    random = np.random.default_rng([number, first])
    y, x = np.meshgrid(np.arange(first, first + count, dtype="f4"), np.arange(side, dtype="f4"), indexing="ij")
    land = 900 + 300 * number + 400 * np.sin(x / 700 + number) * np.cos(y / 900) + 150 * ((x // 61 + y // 47 + number) % 5)
    out = np.clip(land + random.normal(0, 12, land.shape), 1, 10000).astype("u2")
    out[x + y < side // 5] = 0
    return out


def ensure_scene(side=10240):
    """The folder with scene.tif; makes it when it is missing."""
    import rasterio
    from rasterio.transform import from_origin
    from rasterio.windows import Window

    folder = CACHE / f"scene-{side}"
    done = folder / "done"
    if done.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    print(f"making {folder.name}/scene.tif", file=sys.stderr)
    with rasterio.open(folder / "scene.tif", "w", driver="GTiff", width=side, height=side, count=4, dtype="uint16", nodata=0, crs="EPSG:32633",
                       transform=from_origin(500000, 5200020, 10, 10), tiled=True, blockxsize=512, blockysize=512, compress="deflate", predictor=2,
                       interleave="band", num_threads="all_cpus") as f:
        f.descriptions = ("blue", "green", "red", "near infrared")
        for top in range(0, side, 512):
            rows = min(512, side - top)
            for number in range(4):
                f.write(band(number, top, rows, side), number + 1, window=Window(0, top, side, rows))
    done.touch()
    return folder


if __name__ == "__main__":
    print(ensure_scene(*map(int, sys.argv[1:])))
