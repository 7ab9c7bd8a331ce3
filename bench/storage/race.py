"""What a row of scripts/bench storage is, and how both sides of one are measured."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = ROOT / "build" / "release" / "bin"
FREESTONE = PROGRAMS / "freestone"
CACHE = ROOT / ".cache" / "bench" / "storage"


@dataclasses.dataclass
class Setting:
    """What a command may ask for: where the row's data is, where its output goes, and the options of the race."""

    data: pathlib.Path
    output: pathlib.Path
    threads: int
    memory: str


@dataclasses.dataclass
class Peer:
    """Another program that does the same. One that prints {"seconds": S} as its last line is taken at its word (Python: without the
    imports), another by the clock from its start to its end."""

    name: str
    command: Callable[[Setting], list]
    asked: float  # how many times as long as Freestone it should take; 0: nothing is asked


@dataclasses.dataclass
class Row:
    name: str
    what: str
    data: Callable[[], pathlib.Path]  # makes it once, under CACHE, and says where it is
    command: Callable[[Setting], list]  # Freestone's
    peers: list
    suffix: str  # of the outputs: ".tif"; "" when the result is printed
    same: Callable[[pathlib.Path, pathlib.Path], str]  # outputs, ours and theirs (or what was printed, in a file): "" or where they differ
    limit: Callable[[Setting], list] | None = None  # a bare loop that prints {"seconds": S}
    at_most: float | None = None  # seconds that Freestone may take, whatever peers take


class Failed(Exception):
    pass


@dataclasses.dataclass
class Measured:
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    printed: str


def measured(command, setting, timeout):
    """Runs a command with the row's number of threads."""
    environment = {**os.environ, "FREESTONE_THREADS": str(setting.threads), "BENCH_THREADS": str(setting.threads), "GDAL_NUM_THREADS": str(setting.threads),
                   "OMP_NUM_THREADS": str(setting.threads), "FREESTONE_PROGRESS": "none"}
    command = [str(word) for word in command]
    done = subprocess.run([sys.executable, "-S", HERE / "measure.py", str(timeout), *command], env=environment, capture_output=True, text=True, errors="replace")
    said, _, took = done.stderr.rstrip().rpartition("\n")
    took = json.loads(took)
    if took["code"] != 0:
        why = f"not done after {timeout} s" if took["code"] == 124 else said[-500:]
        raise Failed(f"{' '.join(command)}\n  exit code {took['code']}: {why}")
    lines = done.stdout.strip().splitlines()
    seconds = json.loads(lines.pop())["seconds"] if lines and lines[-1].startswith('{"seconds"') else took["seconds"]
    return Measured(seconds, took["cpu_seconds"], took["peak_bytes"], "\n".join(lines))


def warm(data):
    """Reads a row's data once: whoever comes first would read them from the disk otherwise, when they were made long ago."""
    for path in [data] if data.is_file() else sorted(data.rglob("*")):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(1 << 24):
                    pass


def remove(path):
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def raced(row, options, folder, failures):
    """Runs a row's sides in turns; the best of the rounds counts. One result for each peer."""
    best = {}
    outputs = {}
    sides = [("freestone", row.command)] + [(peer.name, peer.command) for peer in row.peers if not options.no_peer]
    if row.limit:
        sides.append(("limit", row.limit))
    data = row.data()
    warm(data)
    for turn in range(options.rounds):
        for name, command in sides:
            print(f"  {row.name}, round {turn + 1}: {name}", file=sys.stderr)
            # cdo takes a name with blanks for several words.
            output = folder / f"{row.name}-{name.replace(', ', '-').replace(' ', '-')}{row.suffix or '.txt'}"
            remove(output)
            setting = Setting(data, output, options.threads, options.memory)
            try:
                result = measured(command(setting), setting, options.timeout)
            except Failed as error:
                failures.append(str(error))
                continue
            if not row.suffix:
                output.write_text(result.printed)
            outputs[name] = output
            before = best.get(name)
            if before is not None:
                result = Measured(min(result.seconds, before.seconds), min(result.cpu_seconds, before.cpu_seconds), max(result.peak_bytes, before.peak_bytes), "")
            best[name] = result
    ours, limit = best.get("freestone"), best.get("limit")
    results = []
    for peer in row.peers:
        theirs = best.get(peer.name)
        both = ours is not None and theirs is not None
        results.append({
            "workload": row.name,
            "peer": peer.name,
            "peer_seconds": theirs and theirs.seconds,
            "freestone_seconds": ours and ours.seconds,
            "ratio": theirs.seconds / ours.seconds if both else None,
            "asked": peer.asked,
            "at_most": row.at_most,
            "peer_cpu_seconds": theirs and theirs.cpu_seconds,
            "freestone_cpu_seconds": ours and ours.cpu_seconds,
            "peer_peak_bytes": theirs and theirs.peak_bytes,
            "freestone_peak_bytes": ours and ours.peak_bytes,
            "limit_seconds": limit and limit.seconds,
            "over_limit": ours.seconds / limit.seconds if ours and limit else None,
            "difference": row.same(outputs["freestone"], outputs[peer.name]) if both else None,
        })
    for output in outputs.values():
        remove(output)
    return results


def close(a, b, rtol, atol=0.0):
    """Whether two NumPy arrays are equal to rounding, NaN where NaN is: "" or where they differ."""
    import numpy as np

    if a.shape != b.shape:
        return f"shapes {a.shape} and {b.shape}"
    wrong = ~np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{int(wrong.sum())} of {wrong.size} differ, the first at {at}: {a[at]} and {b[at]}"
