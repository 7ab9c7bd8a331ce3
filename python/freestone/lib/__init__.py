"""What NumPy keeps in ``numpy.lib``."""

from freestone.lib import stride_tricks

__all__ = ["stride_tricks"]
