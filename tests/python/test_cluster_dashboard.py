"""Dask's dashboard in a browser: our stages under names that people can read, while they run."""

import threading
import time

import browser
import numpy as np
import pytest

import freestone as fs
from freestone.cluster import Cluster

pytest.importorskip("distributed")
pytest.importorskip("bokeh")

if browser.program() is None:
    pytest.skip("chromium is not installed", allow_module_level=True)


@pytest.fixture
def page(tmp_path):
    with browser.Page(tmp_path) as page:
        yield page


def within(seconds, ask):
    """What `ask` gives, asked again until it is something."""
    end = time.monotonic() + seconds
    while not (got := ask()) and time.monotonic() < end:
        time.sleep(0.1)
    return got


def test_stages_have_readable_names_on_the_dashboard(page, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dashboard")
    go = folder / "go"
    values = np.random.default_rng(5).normal(size=(40, 30, 20))
    fs.asarray(values).write(folder / "a.zarr", chunks=(10, 15, 20))

    def held(block):
        while not go.exists():
            time.sleep(0.02)
        return block * 2

    x = fs.map_blocks(held, fs.open(folder / "a.zarr"), dtype="f8")
    outcome = []
    with Cluster(2, 1, memory_limit="1GiB", dashboard_address="127.0.0.1:0") as cluster:
        address = cluster.dashboard_link.removesuffix("/status")

        def run():
            with fs.settings(scheduler=cluster):
                (x - x.mean(axis=0)).write(folder / "out.zarr", chunks=(10, 15, 20))
            outcome.append("done")

        page.open(f"{address}/individual-progress")
        assert within(15, lambda: page.value("window.Bokeh && Bokeh.documents.length")), page.text()
        thread = threading.Thread(target=run)
        thread.start()
        try:
            painted = within(15, lambda: [text for text in page.painted() if text.startswith("held (")])
            assert painted and not outcome, page.painted()
            # No names of Python's functions or of hashes, which is what Dask shows by default.
            assert not [text for text in page.painted() if text.startswith("_") or "tiles" in text]
            page.open(f"{address}/individual-task-stream")
            assert within(15, lambda: page.value("window.Bokeh && Bokeh.documents.length"))
        finally:
            go.touch()
            thread.join(30)
        assert outcome == ["done"]

        def bars():
            # Bokeh keeps what a chart shows in columns: one of names, one bar a task.
            names = page.value("""[...Bokeh.documents[0]._all_models.values()].flatMap(m =>
                m.type === "ColumnDataSource" && m.data.name && m.data.worker ? [...m.data.name] : [])""")
            return set(names) if any("subtract" in name for name in names) else None

        names = within(15, bars)
        assert names and any(name.startswith("held (function)") for name in names), names
        # The mouse over a bar says which stage it is.
        spots = [(x, y) for y in range(60, 760, 40) for x in range(1150, 100, -50)]

        def pointed():
            for x, y in spots:
                page.point_at(x, y)
                if any(name in page.text() for name in names if "held" in name or "subtract" in name):
                    return True
            return False

        assert within(10, pointed), page.text()
    np.testing.assert_allclose(fs.open(folder / "out.zarr").compute(), 2 * (values - values.mean(0)), atol=1e-12)
