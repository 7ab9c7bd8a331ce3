"""freestone.open of URLs, with fsspec's storage options."""

import os
import pathlib
import signal
import sys
import threading
import time

import numpy as np
import pytest

import freestone as fs

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from file_server import FileServer, S3Server  # noqa: E402

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch, tmp_path):
    for name in [n for n in os.environ if n.startswith("AWS_") or n.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FREESTONE_REMOTE_RETRIES", "2")


@pytest.fixture
def x(tmp_path):
    (tmp_path / "bucket").mkdir()
    x = np.random.default_rng(7).normal(size=(40, 30, 20))
    np.save(tmp_path / "bucket" / "x.npy", x)
    return x


def test_http(tmp_path, x):
    with FileServer(tmp_path) as server:
        a = fs.open(f"{server.url}/bucket/x.npy")
        np.testing.assert_array_equal(a.compute(), x)
        np.testing.assert_allclose(a.mean(axis=0).compute(), x.mean(0))
        fs.open(f"{server.url}/bucket/x.npy", storage_options={"headers": {"Authorization": "Bearer abc"}}).compute()
        assert server.requests[-1].headers["Authorization"] == "Bearer abc"
        assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize("style", [None, "path"])
def test_s3_with_the_words_of_s3fs(tmp_path, x, style):
    with S3Server(tmp_path, keys={KEY: (SECRET, None)}, region="eu-west-3") as server:
        client = {"endpoint_url": server.url, "region_name": "eu-west-3"}
        options = {"key": KEY, "secret": SECRET, "client_kwargs": client}
        if style:
            options["config_kwargs"] = {"s3": {"addressing_style": style}}
        # What was opened keeps its options, whoever reads later.
        a = fs.open("s3://bucket/x.npy", storage_options=options)
        np.testing.assert_array_equal(a.compute(), x)
        with pytest.raises(fs.errors.IoError, match="SignatureDoesNotMatch") as raised:
            fs.open("s3://bucket/x.npy", storage_options=options | {"secret": "geheim"})
        assert "geheim" not in str(raised.value)
        with pytest.raises(fs.errors.IoError, match="was not signed"):
            fs.open("s3://bucket/x.npy", storage_options={"anon": True, "endpoint_url": server.url})
    with S3Server(tmp_path) as server:
        np.testing.assert_array_equal(fs.open("s3://bucket/x.npy", storage_options={"anon": True, "endpoint_url": server.url}).compute(), x)


def test_unknown_options_are_refused():
    for options in ({"annon": True}, {"client_kwargs": {"endpoint": "x"}}, {"config_kwargs": {"s3": {"addressing_style": "up"}}}):
        with pytest.raises(fs.errors.UserError, match="storage_options"):
            fs.open("s3://bucket/x.npy", storage_options=options)


def test_ctrl_c_while_opening(tmp_path, x):
    with FileServer(tmp_path, fault=lambda r: {"hang": True}) as server:
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            fs.open(f"{server.url}/bucket/x.npy")
        assert time.monotonic() - begun < 1.5
