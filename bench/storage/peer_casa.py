"""Statistics of a CASA image with spectral-cube on Dask, as its guide recommends: peer_casa.py IMAGE. Prints the numbers, then
{"seconds": ...}: from opening the image to the last number, imports not counted.
"""

import json
import os
import sys
import time
import warnings

from spectral_cube import SpectralCube

warnings.simplefilter("ignore")
begun = time.perf_counter()
cube = SpectralCube.read(sys.argv[1], format="casa_image", use_dask=True)
cube.allow_huge_operations = True
cube.use_dask_scheduler("threads", num_workers=int(os.environ.get("BENCH_THREADS", len(os.sched_getaffinity(0)))))
result = cube.statistics()
seconds = time.perf_counter() - begun
print(json.dumps({key: float(getattr(value, "value", value)) for key, value in result.items()}))
print(json.dumps({"seconds": seconds}))
