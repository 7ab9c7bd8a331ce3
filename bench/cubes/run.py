"""Races Freestone against spectral-cube on Dask on one cube: scripts/bench cubes [options].

Both get the same FITS file, page cache warm, in turns, each workload in a process of its own; the best of the rounds
counts. Freestone's time is the whole program, start and exit included; the peer's is the work after its imports. `limit`
is a bare loop (bench/limits) that reads, swaps, does the least arithmetic and writes. Peak memory is the process's
highest resident set. Results are compared, too: a row says `no` when both do not hold the same numbers.
"""

import argparse
import json
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from make_cube import ensure_cube, parse_shape

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = ROOT / "build" / "release" / "bin" / "freestone"
LIMITS = ROOT / "build" / "release" / "bin" / "bench_cube_limits"

CONVOLVE = ["select", "--index", "spectral={first}:{last}", "!", "convolve", "--beam", "1.08arcsec,1.08arcsec,0deg", "!", "write", "{out}.fits"]

# name, what it is, Freestone's steps, files that both write, the bare loop that limits it
WORKLOADS = [
    ("statistics", "eight statistics of the whole cube", ["statistics", "--format", "json"], ["statistics.json"], "statistics"),
    ("moments", "moments 0, 1 and 2 together",
     ["tee", "[", "moment", "--order", "0", "!", "write", "{dir}/m0.fits", "]", "[", "moment", "--order", "1", "!", "write", "{dir}/m1.fits", "]",
      "[", "moment", "--order", "2", "!", "write", "{dir}/m2.fits", "]"], ["m0.fits", "m1.fits", "m2.fits"], "moments"),
    ("median", "median of every spectrum", ["median", "--axis", "spectral", "!", "write", "{out}.fits"], ["median.fits"], "median"),
    ("mad_std", "MAD deviation of every spectrum", ["mad-std", "--axis", "spectral", "!", "write", "{out}.fits"], ["mad_std.fits"], "mad_std"),
    ("sigma_clip", "spectra clipped at 3 sigma, to FITS", ["sigma-clip", "--threshold", "3", "!", "write", "{out}.fits"], ["sigma_clip.fits"],
     "sigma_clip"),
    ("spectral_smooth", "spectra smoothed, Gaussian of 4 channels, to FITS",
     ["smooth", "--axis", "spectral", "--kernel", "gaussian", "--stddev", "4", "!", "write", "{out}.fits"], ["spectral_smooth.fits"], "spectral_smooth"),
    ("convolve", "32 planes to a larger beam, to FITS", CONVOLVE, ["convolve.fits"], "convolve"),
    ("convolve_fft", "the same; the peer by convolve_fft", CONVOLVE, ["convolve_fft.fits"], "convolve"),
]


class Failed(Exception):
    pass


def measured(command, **environment):
    """Runs a command; its output, wall seconds, and peak resident bytes."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors, env={**os.environ, **environment})
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode != 0:
            tail = errors.read().decode(errors="replace").strip().splitlines()[-3:]
            raise Failed(f"{' '.join(map(str, command))}\n  exit code {process.returncode}: " + " / ".join(tail))
        return out.read().decode(), seconds, usage.ru_maxrss * 1024


def run_freestone(workload, cube, channels, folder, options):
    name, _, steps, _, _ = workload
    planes = min(32, channels)
    first = (channels - planes) // 2
    words = [step.format(out=folder / name, dir=folder, first=first, last=first + planes) for step in steps]
    command = [PROGRAM, "run", cube, "--overwrite", "--threads", str(options.threads), "--progress", "none"]
    if options.memory:
        command += ["--memory", options.memory]
    out, seconds, peak = measured([*map(str, command), "!", *words])
    if name == "statistics":
        (folder / "statistics.json").write_text(out)
    return seconds, peak


def run_peer(workload, cube, folder, options):
    out, _, peak = measured([sys.executable, str(HERE / "peer.py"), workload[0], str(cube), str(folder)], BENCH_THREADS=str(options.threads))
    return json.loads(out)["seconds"], peak


def run_limits(workloads, cube, folder, options):
    names = sorted({workload[4] for workload in workloads})
    out, _, _ = measured([str(LIMITS), str(cube), "--threads", str(options.threads), "--rounds", str(options.rounds), "--workloads", ",".join(names),
                          "--output-folder", str(folder)])
    return json.loads(out)["seconds"]


def same_numbers(ours, theirs):
    """Do two result files hold the same numbers, to the rounding of float32 sums? Returns "" or what differs."""
    import numpy as np
    from astropy.io import fits

    if ours.suffix == ".json":
        a, b = json.loads(ours.read_text()), json.loads(theirs.read_text())
        # sums of noise cancel: they are compared against what was summed
        scale = {"sum": a["npts"] * a["rms"], "mean": a["rms"]}
        for key in ("npts", "min", "max", "sum", "sumsq", "mean", "sigma", "rms"):
            if abs(a[key] - b[key]) > 1e-4 * scale.get(key, abs(b[key])):
                return f"{key}: {a[key]} and {b[key]}"
        return ""
    with fits.open(ours, memmap=True) as left, fits.open(theirs, memmap=True) as right:
        a, b = left[0].data, right[0].data
        if a.shape != b.shape:
            return f"shapes {a.shape} and {b.shape}"
        if a.ndim == 2:
            a, b = a[np.newaxis], b[np.newaxis]
        wrong = 0
        for x, y in zip(a, b):
            x, y = x.astype("f8"), y.astype("f8")
            wrong += int(np.sum(~(np.isclose(x, y, rtol=1e-3, atol=1e-6 * np.nanmax(np.abs(y), initial=0, where=np.isfinite(y))) | (np.isnan(x) & np.isnan(y)))))
        # a value at the very edge of a clip may fall either way with the rounding of the deviation
        return "" if wrong <= 1e-5 * a.size else f"{wrong} of {a.size} values"


def compare(workload, ours, theirs):
    """In a process of its own: a child's peak memory counts what its parent held when it was started, so this one stays small."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(differences_between, (workload, ours, theirs))


def differences_between(workload, ours, theirs):
    differences = []
    for name in workload[3]:
        own = ours / (name.replace("convolve_fft", workload[0]))
        difference = same_numbers(own, theirs / name)
        if difference:
            differences.append(f"{name}: {difference}")
    return "; ".join(differences)


def warm(path):
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def table(rows):
    head = f"{'workload':<16} {'peer s':>8} {'freestone s':>12} {'ratio':>7} {'peer MiB':>9} {'freestone MiB':>14} {'limit s':>8} {'/limit':>7}  same"
    lines = [head, "-" * len(head)]

    def number(value, form):
        width = int("".join(c for c in form.split(".")[0] if c.isdigit()))
        return "-".rjust(width) if value is None else format(value, form)

    for row in rows:
        peaks = [None if row[key] is None else row[key] / 2**20 for key in ("peer_peak_bytes", "freestone_peak_bytes")]
        same = {None: "-", "": "yes"}.get(row["difference"], "no: " + str(row["difference"]))
        lines.append(
            f"{row['workload']:<16} {number(row['peer_seconds'], '8.2f')} {number(row['freestone_seconds'], '12.3f')} {number(row['ratio'], '7.1f')} "
            f"{number(peaks[0], '9.0f')} {number(peaks[1], '14.0f')} {number(row['limit_seconds'], '8.3f')} {number(row['freestone_over_limit'], '7.2f')}  {same}")
    return "\n".join(lines)


def main():
    names = [workload[0] for workload in WORKLOADS]
    parser = argparse.ArgumentParser(prog="scripts/bench cubes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="workloads: " + "; ".join(f"{w[0]} ({w[1]})" for w in WORKLOADS))
    parser.add_argument("--shape", type=parse_shape, default=(512, 768, 768), help="channels,rows,columns (default 512,768,768: 1.2 GB)")
    parser.add_argument("--workloads", default=",".join(names), help="some of them, by comma")
    parser.add_argument("--rounds", type=int, default=3, help="turns; the best counts (default 3)")
    parser.add_argument("--peer-rounds", type=int, help="fewer turns for the peer, which is slow (default: as many as --rounds)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="for all three (default: all cores)")
    parser.add_argument("--memory", help="Freestone's budget, such as 256MiB")
    parser.add_argument("--no-peer", action="store_true", help="only Freestone and the limits")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    options = parser.parse_args()
    chosen = options.workloads.split(",")
    for name in chosen:
        if name not in names:
            parser.error(f"no workload '{name}'; there are {', '.join(names)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    for program in (PROGRAM, LIMITS):
        if not program.exists():
            parser.error(f"{program.relative_to(ROOT)} is not built; run scripts/build first")

    workloads = [workload for workload in WORKLOADS if workload[0] in chosen]
    peer_rounds = 0 if options.no_peer else min(options.rounds, options.peer_rounds or options.rounds)
    print(f"cube {' x '.join(map(str, options.shape))}, {options.threads} threads, best of {options.rounds}", file=sys.stderr)
    cube = ensure_cube(options.shape)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=cube.parent))
    rows, failures = [], []
    try:
        warm(cube)
        limits = run_limits(workloads, cube, folder, options)
        for workload in workloads:
            ours, theirs = folder / "freestone", folder / "peer"
            best = {"peer": None, "freestone": None}
            peaks = {"peer": None, "freestone": None}
            difference = None
            for turn in range(options.rounds):
                for side in ("peer", "freestone"):
                    if side == "peer" and turn >= peer_rounds:
                        continue
                    (theirs if side == "peer" else ours).mkdir(exist_ok=True)
                    print(f"  {workload[0]}, round {turn + 1}: {side}", file=sys.stderr)
                    try:
                        if side == "peer":
                            seconds, peak = run_peer(workload, cube, theirs, options)
                        else:
                            seconds, peak = run_freestone(workload, cube, options.shape[0], ours, options)
                    except Failed as error:
                        failures.append(str(error))
                        break
                    best[side] = seconds if best[side] is None else min(best[side], seconds)
                    peaks[side] = peak if peaks[side] is None else max(peaks[side], peak)
            if best["peer"] is not None and best["freestone"] is not None:
                difference = compare(workload, ours, theirs)
            limit = limits[workload[4]]
            both = best["peer"] is not None and best["freestone"] is not None
            rows.append({
                "workload": workload[0],
                "peer_seconds": best["peer"],
                "freestone_seconds": best["freestone"],
                "ratio": best["peer"] / best["freestone"] if both else None,
                "peer_peak_bytes": peaks["peer"],
                "freestone_peak_bytes": peaks["freestone"],
                "limit_seconds": limit,
                "freestone_over_limit": best["freestone"] / limit if best["freestone"] is not None else None,
                "difference": difference,
            })
            shutil.rmtree(ours, ignore_errors=True)
            shutil.rmtree(theirs, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    if options.json:
        print(json.dumps({"shape": options.shape, "threads": options.threads, "memory": options.memory, "rounds": options.rounds, "rows": rows}, indent=1))
    else:
        print(table(rows))
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures or any(row["difference"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
