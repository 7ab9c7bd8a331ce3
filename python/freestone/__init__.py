"""Freestone: computations on science data larger than memory, at the speed of the disk.

An `Array` is a description; nothing is read before a result is asked for:

>>> import freestone as fs
>>> a = fs.open("cube.fits")                       # doctest: +SKIP
>>> x = (a - a.mean(axis=0)) / a.std(axis=0)       # doctest: +SKIP
>>> x.max(axis=0).compute()                        # doctest: +SKIP

Functions have NumPy's names, and the namespace is one of the Python array API standard. Spectral cubes with units and coordinates are in
`freestone.astro`, which needs astropy.
"""

from __future__ import annotations

import math as _math

from freestone import _docs, fft, linalg, ndimage, random
from freestone._array import Array
from freestone._blockwise import *
from freestone._composed import *
from freestone._creation import *
from freestone._dataset import DataArray, Dataset
from freestone._delayed import *
from freestone._diagnostics import *
from freestone._dtypes import *
from freestone._elementwise import *
from freestone._foreign import *
from freestone._futures import *
from freestone._indexing import *
from freestone._info import __array_namespace_info__
from freestone._manipulation import *
from freestone._open import open
from freestone._placing import *
from freestone._positions import *
from freestone._products import *
from freestone._reductions import *
from freestone._runs import Profile, WriteLater, compute, explain, get_settings, persist, profile, progress, settings, write
from freestone._searching import *
from freestone._statistics import *
from freestone._storing import *
from freestone._user import *
from freestone.errors import Cancelled, DataError, Error, InternalError, IoError, MemoryBudgetError, UserError

from freestone import lib

__version__ = "0.1.0"
__array_api_version__ = "2024.12"

e, pi, inf, nan = _math.e, _math.pi, _math.inf, _math.nan
euler_gamma = 0.5772156649015329
newaxis = None

for _name, _module in list(globals().items()):
    if hasattr(_module, "__all__"):
        _docs.complete(vars(_module))
