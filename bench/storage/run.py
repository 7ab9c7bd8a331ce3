"""Races Freestone against what the field uses, on files as it keeps them: scripts/bench storage [options].

Everybody gets the same files (.cache/bench/storage, made once), page cache warm, in turns, each turn in a process of its own; the best of
the rounds counts. `limit` is a bare loop on all cores that reads, decodes, does the least work, encodes and writes. CPU seconds are user
and system together; peak memory is the process's highest resident set. A row says `no` when the results are not the same.

A row is a `Row` (race.py) in one of the lists that ROWS joins; what makes its data and what peers run lies beside it.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

import rows_casa
import rows_climate
import rows_raster
from race import CACHE, FREESTONE, raced

ROWS = [*rows_raster.ROWS, *rows_climate.ROWS, *rows_casa.ROWS]


def table(results):
    head = (f"{'workload':<16} {'peer':<16} {'peer s':>8} {'freestone s':>12} {'ratio':>6} {'asked':>6} {'peer cpu':>9} {'fs cpu':>7} {'peer MiB':>9} {'fs MiB':>7} "
            f"{'limit s':>8} {'/limit':>7}  same")
    lines = [head, "-" * len(head)]

    def number(value, form, width):
        return "-".rjust(width) if value is None else format(value, form)

    for r in results:
        peaks = [None if r[key] is None else r[key] / 2**20 for key in ("peer_peak_bytes", "freestone_peak_bytes")]
        lines.append(
            f"{r['workload']:<16} {r['peer']:<16} {number(r['peer_seconds'], '8.2f', 8)} {number(r['freestone_seconds'], '12.2f', 12)} "
            f"{number(r['ratio'], '6.2f', 6)} {r['asked']:>6} {number(r['peer_cpu_seconds'], '9.2f', 9)} {number(r['freestone_cpu_seconds'], '7.2f', 7)} "
            f"{number(peaks[0], '9.0f', 9)} {number(peaks[1], '7.0f', 7)} {number(r['limit_seconds'], '8.2f', 8)} {number(r['over_limit'], '7.2f', 7)}  "
            f"{ {None: '-', '': 'yes'}.get(r['difference'], 'no: ' + str(r['difference'])) }")
    return "\n".join(lines)


def main():
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(prog="scripts/bench storage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="workloads: " + "; ".join(f"{row.name} ({row.what})" for row in ROWS))
    parser.add_argument("--workloads", default=",".join(names), help="some of them, by comma")
    parser.add_argument("--rounds", type=int, default=2, help="turns; the best counts (default 2)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="for everybody (default: all cores)")
    parser.add_argument("--memory", default="512MiB", help="Freestone's budget (default 512MiB)")
    parser.add_argument("--timeout", type=int, default=600, help="seconds after which a run counts as failed (default 600)")
    parser.add_argument("--no-peer", action="store_true", help="only Freestone and the limits")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    chosen = options.workloads.split(",")
    for name in chosen:
        if name not in names:
            parser.error(f"no workload '{name}'; there are {', '.join(names)}")
    if not FREESTONE.exists():
        parser.error("freestone is not built; run scripts/build first")

    CACHE.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=CACHE))
    results, failures = [], []
    try:
        for row in ROWS:
            if row.name in chosen:
                results += raced(row, options, folder, failures)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps({"threads": options.threads, "memory": options.memory, "rounds": options.rounds, "rows": results}, indent=1))
    else:
        print(table(results))
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures or any(result["difference"] for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
