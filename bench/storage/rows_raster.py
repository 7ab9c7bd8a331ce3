"""Rows of rasters: GeoTIFF in, GeoTIFF out."""

import shutil
import sys

from make_raster import ensure_scene
from race import FREESTONE, HERE, PROGRAMS, Peer, Row


def rasters(ours, theirs, words=("shape", "count", "crs", "transform", "nodata")):
    """Whether two GeoTIFFs hold the same samples and the same place; read in stripes, so that they need not fit in memory. Where `words`
    leave nodata out, each has its own, and what is missing in one must be missing in the other."""
    import numpy as np
    import rasterio
    from rasterio.windows import Window

    with rasterio.open(ours) as a, rasterio.open(theirs) as b:
        for what in words:
            if not (getattr(a, what) == getattr(b, what) or (what == "nodata" and np.isnan(a.nodata or 0) and np.isnan(b.nodata or 0))):
                return f"{what}: {getattr(a, what)} and {getattr(b, what)}"
        for top in range(0, a.height, 512):
            window = Window(0, top, a.width, min(512, a.height - top))
            x, y = a.read(window=window), b.read(window=window)
            if "nodata" not in words:
                x, y = (np.where(z == f.nodata, np.nan, z) for z, f in ((x, a), (y, b)))
            if not np.allclose(x, y, rtol=1e-6, atol=1e-7, equal_nan=True):
                return f"rows from {top} differ"
    return ""


def indices(ours, theirs):
    return rasters(ours, theirs, ("shape", "count", "crs", "transform"))


def gdal(program):
    return shutil.which(program) or program


def limit(what):
    return lambda s: [PROGRAMS / "bench_raster_limits", what, s.data / "scene.tif", s.output, s.threads]


TILES = ["-co", "TILED=YES", "-co", "BLOCKXSIZE=512", "-co", "BLOCKYSIZE=512", "-co", "NUM_THREADS=ALL_CPUS"]

ROWS = [
    Row(
        name="recompress",
        what="10,240 x 10,240 x 4 uint16 from deflate to LZW",
        data=ensure_scene,
        command=lambda s: [FREESTONE, "convert", s.data / "scene.tif", s.output, "--compress", "lzw", "--memory", s.memory],
        peers=[Peer("gdal_translate", lambda s: [gdal("gdal_translate"), "-q", *TILES, "-co", "COMPRESS=LZW", "-co", "PREDICTOR=2", "-co", "INTERLEAVE=BAND",
                                                 s.data / "scene.tif", s.output], 1.5)],
        suffix=".tif",
        same=rasters,
        limit=limit("recompress"),
    ),
    Row(
        name="ndvi",
        what="NDVI of a 10,240 x 10,240 x 4 uint16 deflate GeoTIFF, with nodata, to a float32 LZW GeoTIFF",
        data=ensure_scene,
        command=lambda s: [FREESTONE, "run", s.data / "scene.tif", "--memory", s.memory, "!", "index", "ndvi", "--red", "3", "--nir", "4", "!", "write", s.output,
                           "--dtype", "float32", "--compress", "lzw"],
        peers=[
            Peer("rioxarray", lambda s: [sys.executable, HERE / "peer_raster.py", "ndvi", s.data / "scene.tif", s.output], 2.5),
            # Masked where either band is 0, as the others do; by a number, as it multiplies nodata by 0 or 1 and adds: NaN would be everywhere.
            Peer("gdal_calc.py", lambda s: [gdal("gdal_calc.py"), "--quiet", "-A", s.data / "scene.tif", "--A_band=3", "-B", s.data / "scene.tif", "--B_band=4",
                                            "--calc=(B.astype(float64)-A)/(B.astype(float64)+A)", "--type=Float32", "--NoDataValue=-9999", f"--outfile={s.output}",
                                            *[word.replace("-co", "--co") for word in TILES], "--co", "COMPRESS=LZW", "--co", "PREDICTOR=3"], 2),
        ],
        suffix=".tif",
        same=indices,
        limit=limit("ndvi"),
    ),
    Row(
        name="cog",
        what="the same scene as a cloud-optimised GeoTIFF: deflate, overviews by average",
        data=ensure_scene,
        command=lambda s: [FREESTONE, "convert", s.data / "scene.tif", s.output, "--as", "cog", "--memory", s.memory],
        peers=[Peer("gdal_translate", lambda s: [gdal("gdal_translate"), "-q", "-of", "COG", "-co", "COMPRESS=DEFLATE", "-co", "PREDICTOR=YES", "-co", "NUM_THREADS=ALL_CPUS",
                                                 "-co", "OVERVIEW_RESAMPLING=AVERAGE", s.data / "scene.tif", s.output], 1.5)],
        suffix=".tif",
        same=rasters,
        limit=limit("cog"),
    ),
]
