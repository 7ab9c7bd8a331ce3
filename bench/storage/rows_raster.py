"""Rows of rasters: GeoTIFF in, GeoTIFF out."""

import shutil

from make_raster import ensure_scene
from race import FREESTONE, Peer, Row


def rasters(ours, theirs):
    """Whether two GeoTIFFs hold the same samples and the same place; read in stripes, so that they need not fit in memory."""
    import numpy as np
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(ours) as a, rasterio.open(theirs) as b:
        for what in ("shape", "count", "crs", "transform", "nodata"):
            if not (getattr(a, what) == getattr(b, what) or (what == "nodata" and np.isnan(a.nodata or 0) and np.isnan(b.nodata or 0))):
                return f"{what}: {getattr(a, what)} and {getattr(b, what)}"
        for top in range(0, a.height, 512):
            window = Window(0, top, a.width, min(512, a.height - top))
            x, y = a.read(window=window), b.read(window=window)
            if not np.allclose(x, y, rtol=1e-6, atol=1e-7, equal_nan=True):
                return f"rows from {top} differ"
    return ""


def gdal(program):
    return shutil.which(program) or program


ROWS = [
    Row(
        name="recompress",
        what="10,240 x 10,240 x 4 uint16 from deflate to LZW",
        data=ensure_scene,
        command=lambda s: [FREESTONE, "convert", s.data / "scene.tif", s.output, "--compress", "lzw", "--memory", s.memory],
        peers=[Peer("gdal_translate", lambda s: [gdal("gdal_translate"), "-q", "-co", "TILED=YES", "-co", "BLOCKXSIZE=512", "-co", "BLOCKYSIZE=512", "-co",
                                                 "COMPRESS=LZW", "-co", "PREDICTOR=2", "-co", "INTERLEAVE=BAND", "-co", "NUM_THREADS=ALL_CPUS", s.data / "scene.tif", s.output], 1.5)],
        suffix=".tif",
        same=rasters,
    ),
]
