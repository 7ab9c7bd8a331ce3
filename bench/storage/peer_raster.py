"""The rows of rasters with rioxarray and Dask: peer_raster.py ndvi SCENE OUTPUT. Prints {"seconds": ...} without the imports."""

import json
import os
import sys
import threading
import time

import dask
import numpy as np
import rioxarray

THREADS = int(os.environ.get("BENCH_THREADS", len(os.sched_getaffinity(0))))


def ndvi(scene, output):
    """As its documentation has it: chunks that are whole tiles, masked, written under a lock, the compressor with threads of its own."""
    raster = rioxarray.open_rasterio(scene, chunks={"band": 1, "x": 2048, "y": 2048}, masked=True, lock=False)
    red, nir = raster.sel(band=3).astype("f8"), raster.sel(band=4).astype("f8")
    index = ((nir - red) / (nir + red)).astype("f4").drop_vars("band", errors="ignore")
    index.attrs = {}
    index = index.rio.write_nodata(np.nan).rio.write_crs(raster.rio.crs)
    index.rio.to_raster(output, tiled=True, blockxsize=512, blockysize=512, compress="lzw", predictor=3, num_threads=THREADS, lock=threading.Lock(), windowed=True)


if __name__ == "__main__":
    with dask.config.set(scheduler="threads", num_workers=THREADS):
        begun = time.perf_counter()
        {"ndvi": ndvi}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({"seconds": time.perf_counter() - begun}))
