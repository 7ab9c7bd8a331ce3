"""Races Freestone against Dask on arrays in Zarr: scripts/bench arrays [options].

Both get the same data (float32, zstd; .cache/bench/arrays, made once), page cache warm, in turns, each workload in a
process of its own; the best of the rounds counts. Seconds are from opening the data to the last result. `limit` is a
bare loop on all cores (bench/limits/array_limits.cpp): read, decode with the same codec, the least work, encode, write.
Freestone plans with the rates that `freestone doctor --calibrate` measures first. Peak memory is the process's highest resident
set. A row says `no` when both do not give the same numbers. Last come what an empty tile and a submitted callable cost
(Dask's blocks of one number on its synchronous scheduler, and its `delayed` on two threads; a million would take it minutes).
"""

import argparse
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ROOT / "build" / "release" / "bin"

# name, what it is, arrays that it reads, the bare loop that limits it, the ratio that is asked for
WORKLOADS = [
    ("rechunk", "(n/100, n/2, n/2) to (n, n/10, n/10), Blosc LZ4", "a", "rechunk", 3),
    ("transpose_sum", "sum of x + x.transpose(2, 1, 0)", "a", "mirrored", 5),
    ("median", "median over axis 0", "a", "median", 2),
    ("elementwise_sum", "sum of a + b", "ab", "two", 2),
    ("anomaly", "mean square of x - x.mean(0)", "a", "one", 1),
    ("quadratic_mean", "mean of a^2 + b^2 + 2ab", "ab", "two", 2),
    ("tiles_to_rows", "(n, n/10, n/10) to (n/100, n/2, n), Blosc LZ4", "t", "rows", 2),
    ("double_difference", "differences along two axes, summed", "a", "one", 2),
    ("vorticity", "mean of |dv/dx - du/dy|", "ab", "two", 2),
    ("filter_mean", "mean of what is above a threshold", "a", "one", 2),
    ("access_slices", "sums of four slices", "a", "one", 2),
    ("residual_sum", "sum of x - x.mean(0)", "a", "one", 2),
    ("grouped_mean", "means of 12 groups along axis 0", "a", "one", 2),
    ("matmul", "sum of the product of two matrices, at a quarter of the memory of all three", "mn", None, 1),
]


class Failed(Exception):
    pass


def measured(command, timeout, **environment):
    """Runs a command: its JSON output and its peak resident bytes."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(["timeout", str(timeout), *command], stdout=out, stderr=errors, env={**os.environ, **environment})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            why = f"not done after {timeout} s" if process.returncode == 124 else errors.read().decode(errors="replace").strip().splitlines()[-1:]
            raise Failed(f"{' '.join(map(str, command))}\n  exit code {process.returncode}: {why}")
        return json.loads(out.read().decode().strip().splitlines()[-1]), usage.ru_maxrss * 1024


def overheads(command):
    """What a tile and a callable cost: a list of {"what", "count", "microseconds_each"}."""
    return [json.loads(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()]


def same(ours, theirs):
    """Sums of float32 in another order: equal to their rounding."""
    wrong = [f"{a} and {b}" for a, b in zip(ours, theirs, strict=True) if not math.isclose(a, b, rel_tol=2e-3, abs_tol=20)]
    return "; ".join(wrong)


def table(rows):
    head = (f"{'workload':<18} {'dask s':>8} {'freestone s':>12} {'ratio':>7} {'asked':>6} {'dask MiB':>9} {'freestone MiB':>14} {'limit s':>8} "
            f"{'/limit':>7}  same")
    lines = [head, "-" * len(head)]

    def number(value, form, width):
        return "-".rjust(width) if value is None else format(value, form)

    for row in rows:
        peaks = [None if row[key] is None else row[key] / 2**20 for key in ("peer_peak_bytes", "freestone_peak_bytes")]
        lines.append(
            f"{row['workload']:<18} {number(row['peer_seconds'], '8.2f', 8)} {number(row['freestone_seconds'], '12.2f', 12)} "
            f"{number(row['ratio'], '7.2f', 7)} {row['asked']:>6} {number(peaks[0], '9.0f', 9)} {number(peaks[1], '14.0f', 14)} "
            f"{number(row['limit_seconds'], '8.2f', 8)} {number(row['over_limit'], '7.2f', 7)}  "
            f"{ {None: '-', '': 'yes'}.get(row['difference'], 'no: ' + str(row['difference'])) }")
    return "\n".join(lines)


def main():
    names = [workload[0] for workload in WORKLOADS]
    parser = argparse.ArgumentParser(prog="scripts/bench arrays", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="workloads: " + "; ".join(f"{w[0]} ({w[1]})" for w in WORKLOADS))
    parser.add_argument("--side", type=int, default=1000, help="length of each axis, a multiple of 100 (default 1000: 4 GB an array)")
    parser.add_argument("--workloads", default=",".join(names), help="some of them, by comma")
    parser.add_argument("--rounds", type=int, default=2, help="turns; the best counts (default 2)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="for all three (default: all cores)")
    parser.add_argument("--memory", default="1GiB", help="Freestone's budget (default 1GiB)")
    parser.add_argument("--timeout", type=int, default=600, help="seconds after which a run counts as failed (default 600)")
    parser.add_argument("--no-peer", action="store_true", help="only Freestone and the limits")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    chosen = options.workloads.split(",")
    for name in chosen:
        if name not in names:
            parser.error(f"no workload '{name}'; there are {', '.join(names)}")
    if options.side < 100 or options.side % 100:
        parser.error("--side must be a multiple of 100")
    for program in ("freestone", "bench_arrays", "bench_array_limits", "bench_overhead"):
        if not (PROGRAMS / program).exists():
            parser.error(f"{program} is not built; run scripts/build first")

    matrix = 8 * options.side
    # In a process of its own: what the memory of this one has held would count as that of every process it begins.
    folder = pathlib.Path(subprocess.run([sys.executable, HERE / "make_arrays.py", str(options.side), str(matrix)], check=True, text=True,
                                         stdout=subprocess.PIPE).stdout.strip())
    output = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    rows, failures = [], []
    environment = {"BENCH_THREADS": str(options.threads), "XDG_CONFIG_HOME": str(output / "config")}
    try:
        subprocess.run([PROGRAMS / "freestone", "doctor", "--calibrate"], env={**os.environ, **environment}, stdout=subprocess.DEVNULL, check=True)
        wanted = sorted({workload[3] for workload in WORKLOADS if workload[0] in chosen and workload[3]})
        limits = {}
        if wanted:
            limits, _ = measured([PROGRAMS / "bench_array_limits", folder, output / "limits", str(options.threads), str(options.side), *wanted],
                                 options.timeout)
        for name, _, _, limit_name, asked in (workload for workload in WORKLOADS if workload[0] in chosen):
            memory = f"{3 * matrix * matrix * 4 // 4}" if name == "matmul" else options.memory
            best, peaks, numbers = {}, {}, {}
            for turn in range(options.rounds):
                for side in ("freestone",) if options.no_peer else ("peer", "freestone"):
                    print(f"  {name}, round {turn + 1}: {'dask' if side == 'peer' else side}", file=sys.stderr)
                    target = output / f"{side}.zarr"
                    command = ([sys.executable, HERE / "peer.py", name, folder, target] if side == "peer" else
                               [PROGRAMS / "bench_arrays", name, folder, target, memory, str(options.threads)])
                    try:
                        result, peak = measured(command, options.timeout, **environment)
                    except Failed as error:
                        failures.append(str(error))
                        continue
                    finally:
                        shutil.rmtree(target, ignore_errors=True)
                    best[side] = min(result["seconds"], best.get(side, math.inf))
                    peaks[side] = max(peak, peaks.get(side, 0))
                    numbers[side] = result["numbers"]
            limit = limits.get(limit_name)
            both = "peer" in best and "freestone" in best
            rows.append({
                "workload": name,
                "peer_seconds": best.get("peer"),
                "freestone_seconds": best.get("freestone"),
                "ratio": best["peer"] / best["freestone"] if both else None,
                "asked": asked,
                "peer_peak_bytes": peaks.get("peer"),
                "freestone_peak_bytes": peaks.get("freestone"),
                "limit_seconds": limit,
                "over_limit": best["freestone"] / limit if limit and "freestone" in best else None,
                "difference": same(numbers["freestone"], numbers["peer"]) if both else None,
            })
    finally:
        shutil.rmtree(output, ignore_errors=True)
    overhead = overheads([PROGRAMS / "bench_overhead"])
    peer_each = {} if options.no_peer else {
        (row["what"], row["count"]): row["microseconds_each"] for row in overheads([sys.executable, HERE / "peer.py", "overhead"])}
    for row in overhead:
        row["peer_microseconds_each"] = peer_each.get((row["what"], row["count"]))

    if options.json:
        print(json.dumps({"side": options.side, "threads": options.threads, "memory": options.memory, "rounds": options.rounds, "rows": rows,
                          "overhead": overhead}, indent=1))
    else:
        print(table(rows))
        for row in overhead:
            theirs = row["peer_microseconds_each"]
            print(f"{row['count']:>9,} {row['what']}: {row['microseconds_each']:.2f} us each" + (f", dask {theirs:.0f}" if theirs else ""))
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures or any(row["difference"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
