"""Rows of images of CASA."""

import json
import pathlib
import sys

from make_casa import ensure_image
from race import FREESTONE, PROGRAMS, Peer, Row

HERE = pathlib.Path(__file__).resolve().parent


def statistics(ours, theirs):
    """Whether two printed objects hold the same numbers. spectral-cube adds float32 up in float32, so its sums are its own to 1e-3."""
    a, b = json.loads(ours.read_text()), json.loads(theirs.read_text())
    if a["npts"] != b["npts"]:
        return f"npts: {a['npts']} and {b['npts']}"
    for key in ("min", "max", "sum", "sumsq", "mean", "sigma", "rms"):
        if abs(a[key] - b[key]) > 1e-3 * abs(b[key]):
            return f"{key}: {a[key]} and {b[key]}"
    return ""


ROWS = [
    Row(
        name="casa_statistics",
        what="statistics of a CASA image of 512 x 768 x 768 with a mask",
        data=ensure_image,
        command=lambda s: [FREESTONE, "run", s.data / "cube.image", "--memory", s.memory, "!", "statistics", "--format", "json"],
        peers=[Peer("spectral-cube", lambda s: [sys.executable, HERE / "peer_casa.py", s.data / "cube.image"], 5)],
        suffix="",
        same=statistics,
        limit=lambda s: [PROGRAMS / "bench_casa_limits", "statistics", s.threads, s.data / "cube.image" / "table.f0_TSM0", s.data / "cube.image" / "mask0" / "table.f0_TSM0"],
    ),
]
