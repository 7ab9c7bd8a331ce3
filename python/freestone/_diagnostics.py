"""Diagnostics by Dask's names: progress bars, profiles of tasks, resources and memory, and pictures of them."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from freestone import _core, _runs
from freestone._array import Array
from freestone._delayed import Delayed
from freestone.errors import UserError

__all__ = ["CacheProfiler", "Callback", "Profiler", "ProgressBar", "ResourceProfiler", "performance_report", "visualize"]


class Callback:
    """Something that watches runs: within a ``with``, or from `register` to `unregister`. Derive from it as from Dask's."""

    def __init__(self, observer: Any = None) -> None:
        self._watching = observer

    def _begin(self) -> None:
        if self._watching is not None:
            _runs.watch(self._watching)

    def _stop(self) -> None:
        if self._watching is not None:
            _runs.unwatch(self._watching)

    def __enter__(self) -> Any:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def register(self) -> None:
        """Watches every run from now on."""
        self._begin()

    def unregister(self) -> None:
        """Stops watching."""
        self._stop()


class ProgressBar(Callback):
    """A bar for every run: tqdm's where it is installed (in notebooks a widget), a plain one elsewhere.

    Parameters
    ----------
    minimum : float
        Runs shorter than so many seconds show none.
    width, dt, out
        As Dask's: characters of the bar, seconds between redraws, the file that it is written to (stderr by default).
    """

    def __init__(self, minimum: float = 0, width: int | None = None, dt: float = 0.1, out: Any = None) -> None:
        super().__init__(_core.TaskCounter())
        self._minimum, self._width, self._dt, self._out = float(minimum), width, float(dt), out
        self._thread: threading.Thread | None = None
        self._done = threading.Event()

    def _begin(self) -> None:
        super()._begin()
        self._done.clear()
        self._thread = threading.Thread(target=self._draw, daemon=True, name="freestone-progress")
        self._thread.start()

    def _stop(self) -> None:
        super()._stop()
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _new_bar(self, total: int) -> Any:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return _PlainBar(total, self._width or 40, self._out or sys.stderr)
        return tqdm(total=total, ncols=self._width and self._width + 40, file=self._out, mininterval=self._dt, unit="task", leave=True)

    def _draw(self) -> None:
        bar: Any = None
        shown = first_done = first_total = 0
        begun_at = 0.0
        seen = self._watching.numbers()[4]
        while True:
            last = self._done.wait(self._dt)
            done, total, _, begun, ended, _ = self._watching.numbers()
            if bar is None and begun > seen:
                begun_at = begun_at or time.monotonic()
                if time.monotonic() - begun_at >= self._minimum or (ended >= begun and not self._minimum):
                    bar, shown = self._new_bar(total - first_total), first_done
            if bar is not None:
                bar.total = total - first_total
                bar.update(done - shown)
                shown = done
            if begun == ended and begun > seen:
                if bar is not None:
                    bar.close()
                bar, begun_at, seen, first_done, first_total = None, 0.0, ended, done, total
            if last:
                if bar is not None:
                    bar.close()
                return


class _PlainBar:
    """A bar without tqdm."""

    def __init__(self, total: int, width: int, out: Any) -> None:
        self.total, self._width, self._out, self._done = total, width, out, 0

    def update(self, more: int) -> None:
        self._done += more
        part = self._done / self.total if self.total else 1.0
        filled = int(part * self._width)
        self._out.write(f"\r[{'#' * filled}{' ' * (self._width - filled)}] {part:4.0%}")
        self._out.flush()

    def close(self) -> None:
        self._out.write("\n")
        self._out.flush()


class TaskData(NamedTuple):
    """An entry of `Profiler.results`: one operation on one tile. Times in seconds, on the clock of ``time.monotonic``."""

    key: tuple[Any, ...]
    task: str
    start_time: float
    end_time: float
    worker_id: int


class ResourceData(NamedTuple):
    """An entry of `ResourceProfiler.results`: seconds, resident memory in MB, processor use in percent of one core."""

    time: float
    mem: float
    cpu: float


class CacheData(NamedTuple):
    """An entry of `CacheProfiler.results`: what a tile held, from its first operation to its end."""

    key: tuple[Any, ...]
    task: str
    metric: float
    cache_time: float
    free_time: float


class _Profiler(Callback):
    """What profilers share: results, and a picture of them."""

    def __repr__(self) -> str:
        return f"<freestone.{type(self).__name__} {len(self.results)} results>"

    results: Any

    def close(self) -> None:
        """Stops watching, where it was registered."""
        self.unregister()

    def visualize(self, filename: str = "profile.html", *, show: bool = False, save: bool = True, **_: Any) -> Any:
        """A picture of the results. See `freestone.visualize`."""
        return visualize([self], filename=filename if save else None)

    def __enter__(self) -> Any:
        self.clear()
        return super().__enter__()

    def clear(self) -> None:
        """Forgets all results."""


class Profiler(_Profiler):
    """When each operation ran on each tile, and where."""

    def __init__(self) -> None:
        super().__init__(_core.TaskRecorder())

    @property
    def results(self) -> list[TaskData]:
        """An entry for each operation on each tile, in the order of their ends."""
        rows = self._watching.rows()
        return [TaskData((name or kind, stage, task), name or kind, start * 1e-9, end * 1e-9, lane) for kind, name, stage, task, lane, start, end, _, _ in rows if kind != "task-done"]

    def clear(self) -> None:
        """Forgets all results."""
        self._watching.clear()


class CacheProfiler(_Profiler):
    """How much tiles held, and how long.

    Parameters
    ----------
    metric : callable, optional
        Gets bytes, gives what is shown instead.
    metric_name : str
    """

    def __init__(self, metric: Callable[[int], float] | None = None, metric_name: str | None = None) -> None:
        super().__init__(_core.TaskRecorder())
        self._metric = metric
        self.metric_name = metric_name or ("bytes" if metric is None else getattr(metric, "__name__", "metric"))

    @property
    def results(self) -> list[CacheData]:
        """An entry for each tile, in the order of their ends."""
        held: dict[tuple[int, int], list[Any]] = {}
        results = []
        for kind, name, stage, task, _, start, end, size, _ in self._watching.rows():
            if kind == "task-done":
                entry = held.pop((stage, task), None)
                if entry is not None:
                    value = float(entry[2]) if self._metric is None else self._metric(entry[2])
                    results.append(CacheData((entry[0], stage, task), entry[0], value, entry[1] * 1e-9, end * 1e-9))
            elif task >= 0:
                entry = held.setdefault((stage, task), [name or kind, start, 0])
                entry[0] = name or kind
                entry[2] += size
        return results

    def clear(self) -> None:
        """Forgets all results."""
        self._watching.clear()


class ResourceProfiler(_Profiler):
    """Memory and processor use of this process, every `dt` seconds.

    Parameters
    ----------
    dt : float

    Attributes
    ----------
    results : list of ResourceData
    """

    def __init__(self, dt: float = 1) -> None:
        super().__init__(None)
        if not dt > 0:
            raise UserError("ResourceProfiler: dt is more than 0 seconds.")
        self._dt = float(dt)
        self.results: list[ResourceData] = []
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def _begin(self) -> None:
        self._done.clear()
        self._thread = threading.Thread(target=self._sample, daemon=True, name="freestone-resources")
        self._thread.start()

    def _stop(self) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _sample(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")

        def used() -> float:
            times = os.times()
            return times.user + times.system

        before, cpu_before = time.monotonic(), used()
        while True:
            last = self._done.wait(self._dt)
            now, cpu = time.monotonic(), used()
            with open("/proc/self/statm") as file:
                resident = int(file.read().split()[1]) * page / 1e6
            self.results.append(ResourceData(now, resident, 100 * (cpu - cpu_before) / max(now - before, 1e-9)))
            before, cpu_before = now, cpu
            if last:
                return

    def clear(self) -> None:
        """Forgets all results."""
        self.results.clear()


class performance_report:
    """Writes a page about the runs inside: ``with fs.performance_report("report.html"): ...``

    Parameters
    ----------
    filename : path
        ``.html``; or ``.json``, ``.txt``.
    """

    def __init__(self, filename: str | os.PathLike[str] = "freestone-report.html") -> None:
        self._filename = filename
        self._profile = _runs.Profile()

    def __enter__(self) -> performance_report:
        self._profile.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._profile.__exit__(*details)
        self._profile.save(self._filename)


# Pictures.

_COLORS = [(31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75), (227, 119, 194), (188, 189, 34), (23, 190, 207)]
_GREY, _DARK = (200, 200, 200), (60, 60, 60)
_WIDTH, _LEFT, _RIGHT, _PANEL = 900.0, 70.0, 20.0, 150.0


def _with_suffix(filename: str | os.PathLike[str], format: str | None) -> str:
    """The path with `format` as its suffix, where it has none of ours."""
    path = os.fspath(filename)
    if format is None or path.lower().endswith((".svg", ".pdf", ".png", ".html", ".htm")):
        return path
    return f"{path}.{format.lstrip('.').lower()}"


def visualize(
    *args: Any, filename: str | os.PathLike[str] | None = None, format: str | None = None, show: bool = False, **_: Any
) -> Any:
    """Draws plans of arrays, calls of delayed values, or results of profilers.

    Parameters
    ----------
    *args : Array, Delayed, profiler, or list of them
        Arrays: the plan for computing them together, as boxes and arrows. Delayed values: their calls, below what they need. Profilers: their results over time,
        one panel each.
    filename : path, optional
        ``.svg``, ``.pdf`` or ``.png``; of profilers also ``.html``. Default for arrays: ``freestone.svg``.
    format : {"svg", "pdf", "png", "html"}, optional
        Of a file whose name does not say it.

    Returns
    -------
    Picture
        Shows itself in notebooks; ``path`` is where it was written.
    """
    items: list[Any] = []
    for arg in args:
        items.extend(arg if isinstance(arg, (list, tuple)) else [arg])
    filename = None if filename is None else _with_suffix(filename, format)
    if not items:
        raise UserError("visualize needs arrays or profilers.")
    if all(isinstance(item, _Profiler) for item in items):
        page = _profile_page(items)
        if filename is not None:
            path = os.fspath(filename)
            if path.endswith((".html", ".htm")):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(f"<!doctype html><html><head><meta charset='utf-8'><title>Freestone: profile</title></head><body>{page.svg()}</body></html>\n")
            else:
                page.save(path)
        return Picture(page.svg(), None if filename is None else os.fspath(filename))
    if all(isinstance(item, Delayed) for item in items):
        page = _calls_page(items)
        path = filename or _with_suffix("freestone", format or "svg")
        page.save(path)
        return Picture(page.svg(), path)
    outputs = [_core.planned_output(core) for item in items for core in _runs.arrays_of(item)]
    path = filename or _with_suffix("freestone", format or "svg")
    _core.save_plan_picture(outputs, _runs.run_setup(), path)
    svg = None
    if path.endswith(".svg"):
        with open(path, encoding="utf-8") as file:
            svg = file.read()
    return Picture(svg, path)


class Picture:
    """A drawing: SVG for notebooks, and where it was written."""

    def __init__(self, svg: str | None, path: str | None) -> None:
        self._svg, self.path = svg, path

    def _repr_svg_(self) -> str | None:
        return self._svg

    def __repr__(self) -> str:
        return f"<freestone picture{'' if self.path is None else ' in ' + self.path}>"


def _calls_page(delayed: Sequence[Delayed]) -> Any:
    """Calls as boxes, each below all that it needs, and lines between them."""
    needs = {id(node): (node, node._needs()) for item in delayed for node in item._calls()}
    level: dict[int, int] = {}
    rows: list[list[int]] = []
    for key, (_, parts) in needs.items():
        level[key] = max((level[id(part)] + 1 for part in parts), default=0)
        rows += [[] for _ in range(level[key] + 1 - len(rows))]
        rows[level[key]].append(key)
    width, height, gap = 130.0, 22.0, 34.0
    page = _core.VectorPage(20 + (width + 10) * max(map(len, rows)), 20 + (height + gap) * len(rows))
    place = {key: (10 + (width + 10) * k, 10 + (height + gap) * row) for row, keys in enumerate(rows) for k, key in enumerate(keys)}
    for key, (_, parts) in needs.items():
        x, y = place[key]
        for part in parts:  # down, across, down
            begin, top = place[id(part)]
            middle = y - gap / 2
            page.box(begin + width / 2, top + height, 1, middle - top - height, _GREY, "")
            page.box(min(begin, x) + width / 2, middle, abs(begin - x) + 1, 1, _GREY, "")
            page.box(x + width / 2, middle, 1, y - middle, _GREY, "")
    for key, (node, _) in needs.items():
        x, y = place[key]
        page.box(x, y, width, height, (222, 235, 247), node.key)
        page.text(x + 6, y + 15, node.key[:20], 10, _DARK, False, False)
    return page


def _profile_page(profilers: Sequence[Any]) -> Any:
    panels: list[tuple[Any, Any, str]] = [(_tasks_panel, p.results, "Operations by lane") if isinstance(p, Profiler)
              else (_resources_panel, p.results, "Memory (MB) and processor (%)") if isinstance(p, ResourceProfiler)
              else (_held_panel, p.results, f"Held by tiles ({p.metric_name})") for p in profilers]  # fmt: skip
    times = [t for p in profilers for row in p.results for t in ((row.time,) if isinstance(row, ResourceData) else row[-3:-1] if isinstance(row, TaskData) else row[-2:])]
    first, last = (min(times), max(times)) if times else (0.0, 1.0)
    span = max(last - first, 1e-9)
    page = _core.VectorPage(_WIDTH, 30 + len(panels) * (_PANEL + 50))

    def x_of(seconds: float) -> float:
        return _LEFT + (seconds - first) / span * (_WIDTH - _LEFT - _RIGHT)

    top = 30.0
    for draw, results, title in panels:
        page.text(_LEFT, top, title, 12, _DARK, True, False)
        draw(page, top + 10, x_of, results)
        page.box(_LEFT, top + 10 + _PANEL, _WIDTH - _LEFT - _RIGHT, 1, _GREY, "")
        page.text(_LEFT, top + 24 + _PANEL, "0 s", 10, _DARK, False, False)
        page.text(_WIDTH - _RIGHT, top + 24 + _PANEL, f"{span:.3g} s", 10, _DARK, False, True)
        top += _PANEL + 50
    return page


def _tasks_panel(page: Any, top: float, x_of: Callable[[float], float], results: list[TaskData]) -> None:
    lanes = sorted({row.worker_id for row in results})
    names = sorted({row.task for row in results})
    height = _PANEL / max(1, len(lanes))
    for row in results[:20000]:
        color = _COLORS[names.index(row.task) % len(_COLORS)]
        x = x_of(row.start_time)
        hint = f"{row.task}: {(row.end_time - row.start_time) * 1e3:.3g} ms"
        page.box(x, top + lanes.index(row.worker_id) * height + 1, max(x_of(row.end_time) - x, 0.3), max(height - 2, 0.5), color, hint)
    for number, lane in enumerate(lanes):
        page.text(_LEFT - 6, top + (number + 0.6) * height, f"lane {lane}" if lane < 1000 else f"read {lane - 1000}", 9, _DARK, False, True)
    x = _LEFT + 160.0
    for number, name in enumerate(names[:8]):
        page.box(x, top - 18, 8, 8, _COLORS[number % len(_COLORS)], "")
        page.text(x + 11, top - 10, name[:18], 9, _DARK, False, False)
        x += 22 + 6 * len(name[:18])


def _steps(page: Any, top: float, x_of: Callable[[float], float], points: list[tuple[float, float]], most: float, color: Any) -> None:
    for (start, value), (end, _) in zip(points, points[1:]):
        height = value / most * (_PANEL - 4) if most else 0.0
        page.box(x_of(start), top + _PANEL - height, max(x_of(end) - x_of(start), 0.3), max(height, 0.5), color, f"{value:.4g}")


def _resources_panel(page: Any, top: float, x_of: Callable[[float], float], results: list[ResourceData]) -> None:
    if not results:
        return
    most = max(row.mem for row in results)
    _steps(page, top, x_of, [(row.time, row.mem) for row in results], most, (174, 199, 232))
    page.text(_LEFT - 6, top + 12, f"{most:.0f} MB", 9, _COLORS[0], False, True)
    busiest = max(row.cpu for row in results) or 1.0
    for row in results:
        page.box(x_of(row.time) - 1.5, top + _PANEL - row.cpu / busiest * (_PANEL - 4) - 1.5, 3, 3, _COLORS[3], f"{row.cpu:.0f} %")
    page.text(_LEFT - 6, top + 26, f"{busiest:.0f} %", 9, _COLORS[3], False, True)


def _held_panel(page: Any, top: float, x_of: Callable[[float], float], results: list[CacheData]) -> None:
    changes = sorted([(row.cache_time, row.metric) for row in results] + [(row.free_time, -row.metric) for row in results])
    level, points = 0.0, []
    for when, change in changes:
        level += change
        points.append((when, level))
    most = max((value for _, value in points), default=0.0)
    _steps(page, top, x_of, points, most, _COLORS[2])
    page.text(_LEFT - 6, top + 12, f"{most:.4g}", 9, _COLORS[2], False, True)


def array_picture(array: Array) -> str:
    """SVG of an array's shape and chunks: the last three axes as a box in perspective, the ones before as a number of boxes."""
    shape, chunks = array.shape, array.chunksize
    if not shape or array.size == 0:
        return ""
    whole = array._core.is_contiguous
    lengths = [n if n > 0 else 1 for n in shape[-3:]]
    parts = [max(1, n) for n in (shape if whole else chunks)][-3:]
    longest = max(lengths)
    sizes = [max(12.0, 120.0 * (n / longest) ** 0.6) for n in lengths]
    while len(sizes) < 2:
        sizes.insert(0, 18.0)
        lengths.insert(0, 1)
        parts.insert(0, 1)
    depth = sizes[0] * 0.45 if len(sizes) == 3 else 0.0
    height, width = sizes[-2], sizes[-1]
    x0, y0 = 6.0, 6.0 + depth
    lines = [_rectangle(x0, y0, width, height)]

    def edges(n: int, part: int, size: float) -> list[float]:
        count = -(-n // part)
        return [size * min(i * part, n) / n for i in range(1, count)] if count <= 40 else [size * i / 20 for i in range(1, 20)]

    grid = [f"<line x1='{x0 + x:.1f}' y1='{y0:.1f}' x2='{x0 + x:.1f}' y2='{y0 + height:.1f}'/>" for x in edges(lengths[-1], parts[-1], width)]
    grid += [f"<line x1='{x0:.1f}' y1='{y0 + y:.1f}' x2='{x0 + width:.1f}' y2='{y0 + y:.1f}'/>" for y in edges(lengths[-2], parts[-2], height)]
    if depth:
        top = f"<polygon points='{x0},{y0} {x0 + depth:.1f},{y0 - depth:.1f} {x0 + depth + width:.1f},{y0 - depth:.1f} {x0 + width:.1f},{y0}'/>"
        side = (
            f"<polygon points='{x0 + width:.1f},{y0} {x0 + width + depth:.1f},{y0 - depth:.1f} {x0 + width + depth:.1f},{y0 - depth + height:.1f} "
            f"{x0 + width:.1f},{y0 + height:.1f}'/>"
        )
        lines += [top, side]
        for d in edges(lengths[0], parts[0], depth):
            grid.append(f"<line x1='{x0 + d:.1f}' y1='{y0 - d:.1f}' x2='{x0 + d + width:.1f}' y2='{y0 - d:.1f}'/>")
            grid.append(f"<line x1='{x0 + width + d:.1f}' y1='{y0 - d:.1f}' x2='{x0 + width + d:.1f}' y2='{y0 - d + height:.1f}'/>")
    words = [
        f"<text x='{x0 + width / 2:.1f}' y='{y0 + height + 14:.1f}' text-anchor='middle'>{shape[-1]}</text>",
    ]
    if len(shape) > 1:
        words.append(f"<text x='{x0 + width + depth + 6:.1f}' y='{y0 - depth + height / 2 + 4:.1f}'>{shape[-2]}</text>")
    if len(shape) > 2:
        words.append(f"<text x='{x0 + depth / 2 - 4:.1f}' y='{max(10.0, y0 - depth / 2 - 3):.1f}' text-anchor='end'>{shape[-3]}</text>")
    if len(shape) > 3:
        words.append(f"<text x='{x0:.1f}' y='{y0 + height + 28:.1f}'>{' x '.join(map(str, shape[:-3]))} of them</text>")
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{x0 + width + depth + 60:.0f}' height='{y0 + height + 36:.0f}' font-family='sans-serif' font-size='11'>"
        f"<g fill='#ece2cf' stroke='#7a6a4f'>{''.join(lines)}</g><g stroke='#b3a58a'>{''.join(grid)}</g><g fill='#333'>{''.join(words)}</g></svg>"
    )


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{width:.1f}' height='{height:.1f}'/>"
