"""``python -m freestone.cluster``: what the program and C++ start. ``start`` is a cluster on this machine, ``serve`` carries one run to a cluster."""

from __future__ import annotations

import argparse
import sys


def main(words: list[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m freestone.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("start", help="a cluster on this machine until Ctrl-C or SIGTERM")
    start.add_argument("--workers", type=int)
    start.add_argument("--threads", type=int)
    start.add_argument("--memory", default="auto")
    start.add_argument("--port", type=int, default=0)
    start.add_argument("--dashboard-port", type=int)
    start.add_argument("--no-dashboard", action="store_true")
    start.add_argument("--scheduler-file")
    serve = commands.add_parser("serve", help="one run for a process that speaks JSON over the pipes")
    serve.add_argument("--scheduler")
    serve.add_argument("--scheduler-file")
    given = parser.parse_args(words)
    try:
        import distributed  # noqa: F401
    except ImportError:
        if given.command == "start":
            print(f"freestone: a cluster needs the package distributed: {sys.executable} -m pip install 'dask[distributed]'", file=sys.stderr)
            return 1
    if given.command == "start":
        from freestone.cluster._start import start_cluster

        return start_cluster(
            given.workers, given.threads, given.memory, given.port, None if given.no_dashboard else given.dashboard_port, given.no_dashboard, given.scheduler_file
        )
    from freestone.cluster._serve import serve_run

    return serve_run(given.scheduler, given.scheduler_file)


if __name__ == "__main__":
    sys.exit(main())
