"""`import freestone` is quick: nothing is imported that is not needed yet, and it takes less than 150 ms of processor time, NumPy's included."""

import subprocess
import sys

# What costs tens of milliseconds and is wanted by few: loaded when it is used.
LATER = {
    "asyncio", "astropy", "cffi", "cloudpickle", "dask", "distributed", "fsspec", "importlib.metadata", "importlib.resources", "IPython", "matplotlib", "multiprocessing",
    "numba", "pandas", "pyarrow", "radio_beam", "scipy", "tqdm", "unittest", "urllib.request", "xarray", "zipfile",
}  # fmt: skip


def test_only_what_is_needed_is_imported():
    code = "import numpy, sys; before = set(sys.modules); import freestone; print(*sorted(set(sys.modules) - before))"
    imported = set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())
    assert "freestone" in imported
    assert not imported & LATER, f"imported at once: {sorted(imported & LATER)}"


def test_it_takes_less_than_150_ms_of_the_processor():
    # Of several tries the best: others use the processor too. The first one may write byte code.
    code = "import time; begun = time.process_time(); import freestone; print(time.process_time() - begun)"
    seconds = [float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout) for _ in range(6)]
    assert min(seconds) < 0.150, f"import freestone: {sorted(round(1000 * s) for s in seconds)} ms"
