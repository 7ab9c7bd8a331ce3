"""The command ``freestone``: the program that lies in the package."""

from __future__ import annotations

import importlib.resources
import os
import sys


def main() -> None:
    """Replaces this process by the program, with the same arguments."""
    program = importlib.resources.files("freestone") / "bin" / "freestone"
    path = os.fspath(program)  # type: ignore[call-overload]
    if not os.path.exists(path):
        sys.exit(f"freestone: this installation has no program ({path} is missing). Install the package again.")
    os.execv(path, ["freestone", *sys.argv[1:]])
