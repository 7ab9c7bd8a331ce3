"""OPeNDAP URLs through the plug-in, from a server of DAP2 on loopback."""

import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from dap_server import DapServer  # noqa: E402

from conftest import PROGRAM  # noqa: E402

PLUGIN = pathlib.Path(PROGRAM).parent.parent / "lib" / "freestone-plugins" / "libfreestone_opendap.so"


@pytest.fixture(autouse=True)
def own_settings(freestone):
    """libnetcdf reads settings from the home folder, and proxies from the environment."""
    for name in [n for n in freestone.environment if n.lower().endswith("_proxy")]:
        del freestone.environment[name]
    freestone.environment["HOME"] = str(freestone.folder)


@pytest.fixture
def plugin():
    if not PLUGIN.exists():
        pytest.skip("built without libnetcdf")


def weather(random):
    tas = random.normal(280, 5, (7, 20, 30)).astype("f4")
    variables = {
        "time": (["time"], np.arange(7.0), {"units": "days since 2001-01-01", "calendar": "standard"}),
        "lat": (["lat"], np.linspace(-89, 89, 20), {"units": "degrees_north"}),
        "lon": (["lon"], np.linspace(0, 348, 30).astype("f4"), {"units": "degrees_east"}),
        "tas": (["time", "lat", "lon"], tas, {"units": "K", "long_name": 'air "temperature"', "missing": np.float32(-999)}),
        "packed": (["time", "lat"], random.integers(-1000, 1000, (7, 20)).astype("i2"), {"scale_factor": 0.5, "add_offset": 10.0}),
        "flags": (["lat", "lon"], random.integers(0, 200, (20, 30)).astype("u1"), {}),
        "steps": (["time"], random.integers(0, 10**9, 7).astype("i4"), {}),
        "one": ([], np.array(2.5), {}),
    }
    return variables, {"title": "weather", "version": np.int32(3)}


@pytest.mark.parametrize("grids", [(), ("tas",)])
@pytest.mark.parametrize("spelled", ["{}/dodsC/w", "{}/dodsC/w#dap2"])
def test_equals_what_is_served(freestone, plugin, random, grids, spelled):
    variables, attributes = weather(random)
    with DapServer({"/dodsC/w": (variables, attributes)}, grids=grids) as server:
        url = spelled.format(server.url)
        info = freestone.json("info", url, "--json")
        assert info["format"] == "opendap" and info["attributes"]["title"] == "weather"
        assert {v["name"]: tuple(v["shape"]) for v in info["hdus"]} == {k: x.shape for k, (_, x, _) in variables.items()}
        one = freestone.json("info", f"{url}[tas]", "--json")
        assert one["dims"] == ["time", "lat", "lon"] and one["attributes"]["units"] == "K" and one["attributes"]["long_name"] == 'air "temperature"'
        for name, (_, x, _) in variables.items():
            freestone.out("convert", f"{url}[{name}]", "x.npy --overwrite")
            found = np.load(freestone.folder / "x.npy")
            assert found.dtype == x.dtype
            np.testing.assert_array_equal(found, x)
        x = variables["tas"][1]
        for _ in range(4):
            a, b = sorted(random.integers(0, 20, 2)), sorted(random.integers(0, 30, 2))
            freestone.out("run", f"{url}[tas]", f"! select --index lat={a[0]}:{a[1] + 1},lon={b[0]}:{b[1] + 1} ! write x.npy --overwrite")
            np.testing.assert_array_equal(np.load(freestone.folder / "x.npy"), x[:, a[0]:a[1] + 1, b[0]:b[1] + 1])
        freestone.out("run", f"{url}[tas]", "--threads 4 ! mean --axis 0 ! write m.npy")
        np.testing.assert_allclose(np.load(freestone.folder / "m.npy"), x.mean(0, dtype="f8"), rtol=1e-6)


def test_a_large_array_comes_in_pieces(freestone, plugin, random):
    x = random.normal(size=(40, 500, 120))
    variables = {"x": (["t", "a", "b"], x, {})}
    with DapServer({"/w": (variables, {})}) as server:
        freestone.out("convert", f"{server.url}/w[x]", "x.npy --memory 64MiB")
        np.testing.assert_array_equal(np.load(freestone.folder / "x.npy"), x)
        assert sum(r.path.endswith(".dods") for r in server.requests) >= 2


def test_errors_say_what(freestone, plugin, random):
    with DapServer({"/w": weather(random)}, fault=lambda r: {"status": 500} if r.path.endswith(".dds") else None) as server:
        # libnetcdf says on stderr what it thinks of the answer, too.
        done = freestone("info", f"{server.url}/w#dap2", environment={"FREESTONE_REMOTE_RETRIES": "0", "FREESTONE_REMOTE_TIMEOUT": "5"})
        assert done.returncode == 1 and done.stdout == "" and "/w#dap2: it cannot be opened by OPeNDAP" in done.stderr
    with DapServer({"/w": weather(random)}) as server:
        message = freestone.fails(1, "info", f"{server.url}/nothing", environment={"FREESTONE_REMOTE_RETRIES": "0"})
        assert "HTTP 400" in message
        assert "there is no 'rain' in it" in freestone.fails(1, "info", f"{server.url}/w[rain]")


def test_without_the_plugin_it_says_what_is_missing(freestone, random):
    with DapServer({"/w": weather(random)}) as server:
        message = freestone.fails(1, "info", f"{server.url}/w#dap2", environment={"FREESTONE_PLUGINS": str(freestone.folder)})
        assert "libfreestone_opendap.so" in message and "libnetcdf" in message


def test_libnetcdf_stays_out_until_it_is_asked_for():
    libraries = subprocess.run(["ldd", PROGRAM], capture_output=True, text=True, check=True).stdout
    assert "libhdf5" in libraries and "libnetcdf" not in libraries


def test_ctrl_c_while_the_server_is_silent(freestone, plugin, random):
    with DapServer({"/w": weather(random)}, fault=lambda r: {"hang": True} if r.path.endswith(".dods") else None) as server:
        run = freestone.start("convert", f"{server.url}/w#dap2[tas]", "x.npy")
        while not any(r.path.endswith(".dods") for r in server.requests) and run.poll() is None:
            time.sleep(0.02)
        time.sleep(0.2)
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=10)
        assert time.monotonic() - begun < 1.0 and run.returncode == 130, error
