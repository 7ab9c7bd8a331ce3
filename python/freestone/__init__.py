"""Freestone: computations on science data larger than memory, at the speed of the disk.

An `Array` is a description; nothing is read before a result is asked for:

>>> import freestone as fs
>>> a = fs.open("cube.fits")                       # doctest: +SKIP
>>> x = (a - a.mean(axis=0)) / a.std(axis=0)       # doctest: +SKIP
>>> x.max(axis=0).compute()                        # doctest: +SKIP

Functions have NumPy's names. Spectral cubes with units and coordinates are in `freestone.astro`, which needs astropy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING


from freestone._array import Array, asarray, from_dlpack, from_numpy, open
from freestone._dataset import DataArray, Dataset
from freestone._functions import *
from freestone._functions import ELEMENTWISE, OTHERS, REDUCTIONS
from freestone._runs import Profile, compute, explain, get_settings, profile, progress, settings, write
from freestone.errors import Cancelled, DataError, Error, InternalError, IoError, MemoryBudgetError, UserError

__version__ = "0.1.0"

for _name, _function in ELEMENTWISE.items():
    globals().setdefault(_name, _function)

#: What NumPy's own functions of the same name do lazily when they are given an Array.
NUMPY_FUNCTIONS = {*REDUCTIONS, "transpose", "squeeze", "expand_dims", "flip", "broadcast_to", "astype", "where", "clip", "round", "isclose", "nan_to_num", "angle", "sinc", "real", "imag"} - {"count"}

__all__ = [
    "Array", "DataArray", "Dataset", "asarray", "from_dlpack", "from_numpy", "open",
    "Profile", "compute", "explain", "get_settings", "profile", "progress", "settings", "write",
    "Error", "UserError", "DataError", "IoError", "MemoryBudgetError", "Cancelled", "InternalError",
    *ELEMENTWISE, *REDUCTIONS, *OTHERS,
]  # fmt: skip

if TYPE_CHECKING:

    def __getattr__(name: str) -> Callable[..., Array]: ...
