"""The command ``freestone``: the program that lies in the package."""

from __future__ import annotations

import os
import sys

from freestone import _core


def path() -> str:
    """Where the program is, when it is there: beside the module, which in an editable installation lies elsewhere than the package."""
    return os.path.join(os.path.dirname(_core.__file__), "bin", "freestone")


def look_at_hdf5() -> None:
    """From now on HDF5's library looks at files in processes of the program: a damaged file may end them, and not this one."""
    if os.access(path(), os.X_OK):
        _core.describe_hdf5_by([path(), "--serve-hdf5"])


def main() -> None:
    """Replaces this process by the program, with the same arguments."""
    if not os.path.exists(path()):
        sys.exit(f"freestone: this installation has no program ({path()} is missing). Install the package again.")
    os.environ.setdefault("FREESTONE_PYTHON", sys.executable)  # has what reaches a cluster
    os.execv(path(), ["freestone", *sys.argv[1:]])
