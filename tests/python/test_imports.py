"""`import freestone` is quick because nothing is imported that is not needed yet: 110 ms of the processor with NumPy, which alone takes 76."""

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
