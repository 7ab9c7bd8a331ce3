"""Diagnostics by Dask's names, and pictures."""

import io
import sys
import time

import freestone as fs
import numpy as np
import pytest


def work():
    a = fs.random.default_rng(3).normal(size=(400, 500))
    return ((a - a.mean(0)) / a.std(0)).max(0).compute()


@pytest.mark.parametrize("plain", [False, True])
def test_progress_bar(plain, monkeypatch):
    if plain:
        monkeypatch.setitem(sys.modules, "tqdm", None)
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    out = io.StringIO()
    with fs.ProgressBar(dt=0.02, out=out):
        work()
    assert "100%" in out.getvalue()
    before = out.getvalue()
    work()
    assert out.getvalue() == before
    bar = fs.ProgressBar(dt=0.02, out=out)
    bar.register()
    work()
    bar.unregister()
    assert len(out.getvalue()) > len(before)
    slow = io.StringIO()
    with fs.ProgressBar(minimum=60, out=slow):
        work()
    assert slow.getvalue() == ""


def test_profiler_lists_what_ran():
    with fs.Profiler() as prof:
        work()
    assert prof.results and all(row.end_time >= row.start_time for row in prof.results)
    assert {row.task for row in prof.results} & {"mean", "std", "max"} or any("mean" in row.task for row in prof.results)
    assert abs(prof.results[0].start_time - time.monotonic()) < 60
    prof.clear()
    assert prof.results == []


def test_resource_profiler():
    with fs.ResourceProfiler(dt=0.01) as prof:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            work()
    assert len(prof.results) > 5 and all(row.mem > 10 for row in prof.results) and max(row.cpu for row in prof.results) > 5
    with pytest.raises(fs.UserError):
        fs.ResourceProfiler(dt=0)


def test_cache_profiler():
    with fs.CacheProfiler() as prof:
        work()
    assert prof.results and all(row.free_time >= row.cache_time and row.metric > 0 for row in prof.results)
    with fs.CacheProfiler(metric=lambda b: b / 1e6, metric_name="MB") as prof:
        work()
    assert prof.metric_name == "MB" and max(row.metric for row in prof.results) < 100


@pytest.mark.parametrize("suffix", ["html", "svg", "png", "pdf"])
def test_visualize_profilers(tmp_path, suffix):
    with fs.Profiler() as prof, fs.ResourceProfiler(dt=0.01) as resources, fs.CacheProfiler() as cache:
        work()
    path = tmp_path / f"profile.{suffix}"
    picture = fs.visualize([prof, resources, cache], filename=path)
    data = path.read_bytes()
    assert {"html": b"<!doctype", "svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[suffix] in data[:40] or data.startswith(b"<svg")
    assert "Operations by lane" in picture._repr_svg_() and str(path) in repr(picture)
    assert prof.visualize(filename=str(tmp_path / "one.svg")).path


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_visualize_a_plan(tmp_path, suffix):
    a = fs.asarray(np.ones((30, 40)))
    picture = (a - a.mean(0)).visualize(tmp_path / f"graph.{suffix}")
    assert (tmp_path / f"graph.{suffix}").stat().st_size > 500 and picture.path
    fs.visualize([a + 1, a.sum()], filename=tmp_path / f"both.{suffix}")
    assert (tmp_path / f"both.{suffix}").exists()
    with pytest.raises(fs.UserError):
        (a + 1).visualize(tmp_path / "graph.gif")


def test_performance_report(tmp_path):
    with fs.performance_report(tmp_path / "report.html"):
        work()
    assert "<html" in (tmp_path / "report.html").read_text()


def test_picture_of_an_array():
    a = fs.rechunk(fs.zeros((12, 1000, 2000)), (4, 300, 500))
    html = a._repr_html_()
    assert "<svg" in html and ">2000<" in html and ">1000<" in html and ">12<" in html
    for shape in ((), (5,), (3, 4), (2, 3, 4, 5), (0, 3)):
        assert "freestone.Array" in fs.zeros(shape)._repr_html_()
