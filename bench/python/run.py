"""Races Python's face of Freestone against Dask on this machine, row by row.

    scripts/bench python [--rounds N] [--images N] [ROW]...

Each group of rows is a file beside this one; its ROWS names them, its docstring says what they are. A row is a function of the options that gives a `Race`:
a title, both sides as functions without arguments, what both must give, and how many times the other side's time Freestone has to be quick.
Both sides run in this process, in turn, each first in every other round; the best of the rounds counts, and both results are compared. Where a row has a
limit, it is the best of three of a bare loop that does the same work on all cores (bench/limits), and how many times it fits into the other side's time:
more than that nobody can reach.
"""

import argparse
import importlib
import os
import pathlib
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Files of rows.
GROUPS = ("futures", "images", "xarray", "cubes")


@dataclass
class Race:
    """One row: who runs, and what is asked for."""

    title: str
    mine: Callable[[], Any]
    theirs: Callable[[], Any]
    target: float | None = None  # the other side's seconds in parts of ours
    peer: str = "Dask"
    same: Callable[[Any, Any], None] = np.testing.assert_array_equal
    close: Callable[[], None] = field(default=lambda: None)  # afterwards
    limit: Callable[[], float | None] = field(default=lambda: None)  # seconds that the machine takes, a bare loop's, where there is one


def timed(function):
    """Seconds, processor seconds, and what it gave."""
    cpu, wall = sum(os.times()[:2]), time.perf_counter()
    result = function()
    return (time.perf_counter() - wall, sum(os.times()[:2]) - cpu, result)


def best_in_turn(mine, theirs, rounds):
    """The quickest of some rounds of either side.

    Each begins every other round: what the process has from the system is new to whoever runs first, and warm for who comes next.
    """
    found = [None, None]
    for k in range(rounds):
        for side in (0, 1) if k % 2 == 0 else (1, 0):
            row = timed((mine, theirs)[side])
            found[side] = row if found[side] is None or row[0] < found[side][0] else found[side]
    return found


def rows_of_all_groups():
    """Row by name, of the groups whose files are here."""
    rows = {}
    for group in GROUPS:
        if (pathlib.Path(__file__).parent / f"rows_{group}.py").exists():
            rows.update(importlib.import_module(f"rows_{group}").ROWS)
    return rows


def main():
    sys.modules["run"] = sys.modules["__main__"]  # rows import their Race from here
    rows = rows_of_all_groups()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(rows))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    unknown = set(options.rows) - set(rows)
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))}; there are {', '.join(rows)}")
    print(f"{'row':44} {'Freestone':>18} {'the other':>18} {'times':>7} {'target':>7} {'limit times':>11}   (seconds, processor seconds)")
    missed = []
    for name in options.rows or rows:
        with tempfile.TemporaryDirectory(prefix="freestone-bench-") as folder:
            options.folder = pathlib.Path(folder)
            race = rows[name](options)
            try:
                mine, theirs = best_in_turn(race.mine, race.theirs, options.rounds)
                race.same(mine[2], theirs[2])
                limit = race.limit()
            finally:
                race.close()
        times = theirs[0] / mine[0]
        wanted = "" if race.target is None else f"{race.target:.1f}"
        bare = "" if limit is None else f"{limit:.3f} {theirs[0] / limit:5.1f}"
        print(f"{race.title:44} {mine[0]:9.3f} {mine[1]:8.3f} {theirs[0]:9.3f} {theirs[1]:8.3f} {times:7.1f} {wanted:>7} ", end="")
        print(f"{bare:>11}   {race.peer}", flush=True)
        if race.target is not None and times < race.target:
            missed.append(name)
    if missed:
        print(f"missed their targets: {', '.join(missed)}")


if __name__ == "__main__":
    main()
