"""Files behind URLs: every format equals its local reading, whatever the server does wrong on the way; servers run on loopback."""

import json
import os
import pathlib
import shutil
import signal
import sys
import time

import numpy as np
import pytest
from astropy.io import fits

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "servers"))
from file_server import FileServer, S3Server  # noqa: E402

h5py = pytest.importorskip("h5py")
zarr = pytest.importorskip("zarr")

# Of tests that make requests fail: as patient as ever, with less time between.
QUICK = {"FREESTONE_REMOTE_RETRIES": "3", "FREESTONE_REMOTE_TIMEOUT": "2"}
KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session/token+with=signs"


@pytest.fixture(autouse=True)
def no_credentials(freestone):
    """Nothing of this machine's own."""
    for name in [n for n in freestone.environment if n.startswith("AWS_") or n.lower().endswith("_proxy")]:
        del freestone.environment[name]
    freestone.environment["HOME"] = str(freestone.folder / "home")


@pytest.fixture
def served(freestone):
    folder = freestone.folder / "served"
    folder.mkdir()
    return folder


def zarr_group(path, values, *, version, consolidated, shards=None):
    group = zarr.open_group(path, mode="w", zarr_format=version)
    for name, x in values.items():
        chunks = tuple(max(1, n // 3) for n in x.shape)
        more = {"shards": tuple(2 * c for c in chunks)} if shards else {}
        group.create_array(name, shape=x.shape, dtype=x.dtype, chunks=chunks, fill_value=0, **more)[...] = x
    if consolidated:
        zarr.consolidate_metadata(path)


def write_all(folder, random):
    """Files of each format in `folder`: name in it, part, values."""
    x = random.normal(size=(13, 40, 50)).astype("f4")
    y = random.integers(-1000, 1000, (30, 41)).astype("i2")
    fits.PrimaryHDU(x).writeto(folder / "a.fits")
    np.save(folder / "a.npy", x)
    with h5py.File(folder / "a.nc", "w") as f:
        f.create_dataset("x", data=x, chunks=(4, 20, 25), compression="gzip", shuffle=True)
        f.create_dataset("y", data=y)
    from scipy.io import netcdf_file

    with netcdf_file(folder / "b.nc", "w", version=2) as f:
        f.createDimension("t", None)
        f.createDimension("a", y.shape[1])
        f.createVariable("y", "i2", ("t", "a"))[:] = y
    import tifffile

    tifffile.imwrite(folder / "a.tif", y, tile=(16, 16), compression="zlib", predictor=True)
    zarr_group(folder / "v2.zarr", {"x": x, "y": y}, version=2, consolidated=True)
    zarr_group(folder / "v3.zarr", {"x": x, "y": y}, version=3, consolidated=True)
    zarr_group(folder / "sharded.zarr", {"x": x}, version=3, consolidated=True, shards=True)
    return [("a.fits", "", x), ("a.npy", "", x), ("a.nc", "[x]", x), ("a.nc", "[y]", y), ("b.nc", "[y]", y), ("a.tif", "", y),
            ("v2.zarr", "[x]", x), ("v3.zarr", "[y]", y), ("v3.zarr/x", "", x), ("sharded.zarr", "[x]", x)]


def read(freestone, url, **options):
    freestone.out("convert", url, "read.npy", "--overwrite", **options)
    return np.load(freestone.folder / "read.npy")


def test_every_format_over_http_equals_its_file(freestone, served, random):
    with FileServer(served) as server:
        for name, part, x in write_all(served, random):
            np.testing.assert_array_equal(read(freestone, f"{server.url}/{name}{part}"), x, err_msg=name + part)
            assert all(r.status in (200, 206, 404) for r in server.requests), server.requests


@pytest.mark.parametrize("threads", [1, 4])
def test_parts_and_pipelines_equal_local_ones(freestone, served, random, threads):
    with FileServer(served) as server:
        for name, part, x in write_all(served, random):
            cut = "" if x.ndim == 2 else "[1:9, 3:30, ::2]"
            place = ",".join(f"{k}={random.integers(0, 5)}:{random.integers(7, n)}" for k, n in enumerate(x.shape))
            for step in (f"select --index {place}", "mean --axis 0", "transpose --order " + ",".join(map(str, reversed(range(x.ndim))))):
                words = f"--threads {threads} --memory 64MiB ! {step} ! write"
                freestone.out("run", f"{server.url}/{name}{part}", words, "remote.npy --overwrite")
                freestone.out("run", str(served / name) + part, words, "local.npy --overwrite")
                assert (freestone.folder / "remote.npy").read_bytes() == (freestone.folder / "local.npy").read_bytes(), (name, step, cut)


def test_a_netcdf4_file_opens_with_few_requests(freestone, served, random):
    with h5py.File(served / "many.nc", "w") as f:
        for v in range(80):
            d = f.create_dataset(f"v{v}", data=random.normal(size=(64, 64)), chunks=(8, 64), compression="gzip")
            d.attrs["units"] = "K"
    with FileServer(served) as server:
        assert len(freestone.json("info", f"{server.url}/many.nc", "--json")["hdus"]) == 80
        size = (served / "many.nc").stat().st_size
        assert size > 5 * 256 * 1024
        assert len(server.requests) <= 3 + size // (256 * 1024), server.requests


def test_more_requests_are_on_their_way_than_lanes(freestone, served, random):
    x = random.normal(size=(64, 16, 16)).astype("f4")
    zarr_group(served / "a.zarr", {"x": x}, version=3, consolidated=True)
    group = zarr.open_group(served / "one.zarr", mode="w", zarr_format=3)
    group.create_array("x", shape=x.shape, dtype="f4", chunks=(1, 16, 16))[...] = x
    zarr.consolidate_metadata(served / "one.zarr")
    with FileServer(served, fault=lambda r: {"delay": 0.05} if "/c/" in r.path else None) as server:
        np.testing.assert_array_equal(read(freestone, f"{server.url}/one.zarr[x]", environment={"FREESTONE_THREADS": "1"}), x)
        assert 4 < server.most_active <= 16
        server.reset()
        freestone.out("convert", f"{server.url}/one.zarr[x]", "read.npy --overwrite --threads 1 --remote-connections 3")
        assert server.most_active <= 3
    assert freestone.fails(2, "info", "http://127.0.0.1:9/a.npy", "--remote-connections 0").count("remote_connections") == 1


TRANSIENT = {
    "503": {"status": 503}, "429": {"status": 429, "headers": {"Retry-After": "1"}}, "500": {"status": 500}, "502": {"status": 502},
    "closed": {"close": True}, "dropped": {"drop": 1000}, "dropped at once": {"drop": 0}, "short": {"short": 777},
}


@pytest.mark.parametrize("name", TRANSIENT)
def test_what_fails_in_passing_is_asked_for_again(freestone, served, random, name):
    files = write_all(served, random)
    with FileServer(served, fault=lambda r: TRANSIENT[name] if r.number_of_path % 3 == 0 else None) as server:
        for file, part, x in (files[0], files[2], files[6]):
            if name == "short" and "zarr" in file:
                continue  # of a file that is asked for whole that is its length
            np.testing.assert_array_equal(read(freestone, f"{server.url}/{file}{part}", environment=QUICK), x)


@pytest.mark.parametrize("name", [n for n in TRANSIENT if n not in ("dropped", "short")])
def test_what_fails_for_ever_is_an_error_soon(freestone, served, random, name):
    np.save(served / "a.npy", random.normal(size=(50, 2000)))
    with FileServer(served, fault=lambda r: TRANSIENT[name]) as server:
        begun = time.monotonic()
        message = freestone.fails(1, "convert", f"{server.url}/a.npy", "read.npy", environment={**QUICK, "FREESTONE_REMOTE_RETRIES": "2"})
        assert time.monotonic() - begun < 15
        assert "/a.npy: no whole answer after 3 attempts" in message and "FREESTONE_REMOTE_RETRIES" in message
        assert len(server.requests) == 3


def test_the_first_answer_of_a_read_that_breaks_off_is_kept(freestone, served, random):
    """A range that breaks off is gone on with, not asked for anew."""
    x = random.normal(size=(1, 500_000))
    np.save(served / "a.npy", x)
    with FileServer(served, fault=lambda r: {"drop": 100_000} if r.number == 1 else None) as server:
        np.testing.assert_array_equal(read(freestone, f"{server.url}/a.npy", environment=QUICK), x)
        starts = [int(r.range.removeprefix("bytes=").split("-")[0]) for r in server.requests]
        assert starts[1] + 100_000 in starts, starts


@pytest.mark.parametrize("marks", ["etag", "modified", "size"])
@pytest.mark.parametrize("file", ["a.npy", "a.nc[x]", "a.fits"])
def test_a_source_that_changes_is_an_error_not_a_mix(freestone, served, random, marks, file):
    write_all(served, random)
    name = file.split("[")[0]
    x = random.normal(size=(40, 200, 100))
    fits.PrimaryHDU(x).writeto(served / "a.fits", overwrite=True)
    np.save(served / "a.npy", x)
    with h5py.File(served / "a.nc", "w") as f:
        f.create_dataset("x", data=x, chunks=(4, 200, 100))

    def change(request):
        if request.number == 1:
            path = served / name
            path.write_bytes(path.read_bytes()[::-1] + (b"longer" if marks == "size" else b""))
            os.utime(path, (10**9, 10**9))

    with FileServer(served, etag=marks == "etag", modified=marks == "modified", fault=change) as server:
        done = freestone("run", f"{server.url}/{file}", "--threads 1 --memory 64MiB ! write out.npy")
        assert done.returncode == 1 and name in done.stderr and "changed" in done.stderr, done
    assert not (freestone.folder / "out.npy").exists()


def test_a_chunk_of_zarr_that_changes_between_two_readings_is_an_error(freestone, served, random):
    x = random.normal(size=(24, 300, 1000))
    group = zarr.open_group(served / "a.zarr", mode="w", zarr_format=3)
    group.create_array("x", shape=x.shape, dtype="f8", chunks=(1, 300, 1000))[...] = x
    zarr.consolidate_metadata(served / "a.zarr")

    def change(request):
        if request.path.endswith("/x/c/3/0/0") and request.number_of_path == 1:
            shutil.copy(served / "a.zarr/x/c/2/0/0", served / "a.zarr/x/c/3/0/0")

    with FileServer(served, fault=change) as server:
        done = freestone("run", f"{server.url}/a.zarr[x]", "--threads 1 --memory 32MiB ! calc --expr 'x - mean(x)' ! write out.npy")
        if len(server.of("/a.zarr/x/c/3/0/0")) < 2:
            pytest.fail("the chunk was read once: the test needs a smaller budget")
        assert done.returncode == 1 and "changed while the array was being read" in done.stderr


def test_servers_that_ignore_ranges(freestone, served, random):
    x = random.normal(size=(100, 1000))
    np.save(served / "a.npy", x)
    with FileServer(served, fault=lambda r: {"ignore_range": True}) as server:
        np.testing.assert_array_equal(read(freestone, f"{server.url}/a.npy"), x)
        assert len(server.requests) == 1
    large = {"ignore_range": True, "headers": {"Content-Length": str(10**12)}, "drop": 1000}
    with FileServer(served, fault=lambda r: large) as server:
        message = freestone.fails(1, "info", f"{server.url}/a.npy", environment=QUICK)
        assert "gives files only whole (it ignores Range)" in message and "Download it first" in message and "--remote-whole" in message
    with FileServer(served, fault=lambda r: {"ignore_range": True}) as server:
        # What is taken is up to the caller, either way.
        assert "more than is taken that way (64 KiB)" in freestone.fails(1, "info", f"{server.url}/a.npy", "--remote-whole 64KiB", environment=QUICK)
        np.testing.assert_array_equal(read(freestone, f"{server.url}/a.npy"), x)
    assert "remote_whole = 'much'" in freestone.fails(2, "info http://localhost/a.npy --remote-whole much", environment=QUICK)


@pytest.mark.parametrize("fault, said", [
    ({"shift": 5}, "were asked for, the server answers with 'bytes"), ({"extra": 100}, "more than"),
    ({"headers": {"Content-Encoding": "gzip"}}, "compressed on the way (gzip)"), ({"status": 403}, "no permission to read it (HTTP 403)"),
    ({"status": 404}, "neither a file nor a Zarr node (HTTP 404)"), ({"status": 418, "body": b"I am a teapot\n"}, "refused (HTTP 418). It says: I am a teapot"),
])
def test_answers_that_are_wrong_are_clear_errors(freestone, served, random, fault, said):
    np.save(served / "a.npy", random.normal(size=(200, 1000)))
    wrong = fault if "status" in fault else None
    with FileServer(served, fault=lambda r: fault if wrong or r.number > 0 or "headers" in fault else None) as server:
        message = freestone.fails(1, "convert", f"{server.url}/a.npy", "read.npy", environment=QUICK)
        assert said in message and "/a.npy" in message, message


@pytest.mark.parametrize("when", [0, 1])
def test_ctrl_c_while_a_request_hangs(freestone, served, random, when):
    np.save(served / "a.npy", random.normal(size=(200, 1000)))
    with FileServer(served, fault=lambda r: {"hang": True} if r.number >= when else None) as server:
        run = freestone.start("convert", f"{server.url}/a.npy", "read.npy")
        while len(server.requests) <= when and run.poll() is None:
            time.sleep(0.02)
        time.sleep(0.2)
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=10)
        assert time.monotonic() - begun < 1.0
        assert run.returncode == 130 and "interrupted" in error
    assert not (freestone.folder / "read.npy").exists()


def test_redirects(freestone, served, random):
    x = random.normal(size=(200, 1000))
    np.save(served / "b.npy", x)
    to = {"a": "/b.npy", "loop": "/loop.npy", "file": "file:///etc/passwd", "ftp": "ftp://127.0.0.1/b.npy"}
    with FileServer(served, fault=lambda r: {"status": 302, "headers": {"Location": to[r.path[1:-4]]}} if r.path[1:-4] in to else None) as server:
        np.testing.assert_array_equal(read(freestone, f"{server.url}/a.npy"), x)
        assert "without end" in freestone.fails(1, "info", f"{server.url}/loop.npy")
        assert "neither http nor https" in freestone.fails(1, "info", f"{server.url}/file.npy")
        assert "neither http nor https" in freestone.fails(1, "info", f"{server.url}/ftp.npy")


def test_no_secret_is_shown(freestone, served, random):
    np.save(served / "a.npy", random.normal(size=(20, 10)))
    with FileServer(served) as server:
        url = f"http://user:geheim@127.0.0.1:{server.port}/a.npy?X-Amz-Signature=geheim2&x=1"
        for words in (["info", url, "--json"], ["convert", url, "read.npy --log-level debug --overwrite"]):
            done = freestone(*words)
            assert done.returncode == 0 and "geheim" not in done.stdout + done.stderr, done
        assert "x=1" in freestone.out("info", url)
    done = freestone("info", url, environment=QUICK)
    assert done.returncode == 1 and "geheim" not in done.stderr and "X-Amz-Signature=..." in done.stderr


def test_urls_that_cannot_be(freestone):
    assert "http, https and s3, not of gopher" in freestone.fails(1, "info gopher://host/a.npy")
    assert "names no bucket" in freestone.fails(1, "info s3:///a.npy")
    assert "names no host" in freestone.fails(1, "info http:///a.npy")
    assert "no connection to the server" in freestone.fails(1, "info http://127.0.0.1:9/a.npy", environment={"FREESTONE_REMOTE_RETRIES": "1"})


def test_a_group_that_cannot_be_listed_says_so(freestone, served, random):
    zarr_group(served / "a.zarr", {"x": random.normal(size=(6, 6))}, version=3, consolidated=False)
    with FileServer(served) as server:
        message = freestone.fails(1, "info", f"{server.url}/a.zarr")
        assert "cannot be listed over HTTP" in message and "consolidated" in message
        assert read(freestone, f"{server.url}/a.zarr/x").shape == (6, 6)


# --- stores that speak S3


def of_s3(server, **more):
    return {"AWS_ENDPOINT_URL_S3": server.url, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, **QUICK, **more}


@pytest.fixture
def bucket(served):
    folder = served / "obs-2024"
    folder.mkdir()
    return folder


def test_every_format_from_a_store_that_checks_signatures(freestone, served, bucket, random):
    files = write_all(bucket, random)
    with S3Server(served, keys={KEY: (SECRET, TOKEN)}) as server:
        environment = of_s3(server, AWS_SESSION_TOKEN=TOKEN)
        for name, part, x in files:
            np.testing.assert_array_equal(read(freestone, f"s3://obs-2024/{name}{part}", environment=environment), x)
        assert all(r.status in (200, 206, 404) for r in server.requests), server.requests


def test_keys_with_all_kinds_of_letters(freestone, served, bucket, random):
    x = random.normal(size=(20, 10))
    name = "a b+c&d=é%2F(1)~'!/x,y;@$.npy"
    (bucket / name).parent.mkdir()
    np.save(bucket / name, x)
    with S3Server(served, keys={KEY: (SECRET, None)}) as server:
        done = freestone("convert", f'"s3://obs-2024/{name}"', "read.npy", environment=of_s3(server))
        assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(freestone.folder / "read.npy"), x)


@pytest.mark.parametrize("version", [2, 3])
def test_groups_without_consolidated_metadata_are_listed(freestone, served, bucket, random, version):
    values = {f"v{i:02}": random.normal(size=(6, 5)) for i in range(12)}
    zarr_group(bucket / "a.zarr", values, version=version, consolidated=False)
    with S3Server(served, keys={KEY: (SECRET, None)}, page=5) as server:
        info = freestone.json("info s3://obs-2024/a.zarr --json", environment=of_s3(server))
        assert sorted(v["name"] for v in info["hdus"]) == sorted(values)
        np.testing.assert_array_equal(read(freestone, "s3://obs-2024/a.zarr[v07]", environment=of_s3(server)), values["v07"])


def test_credentials_that_are_wrong_or_missing(freestone, served, bucket, random):
    np.save(bucket / "a.npy", random.normal(size=(20, 10)))
    with S3Server(served, keys={KEY: (SECRET, None)}) as server:
        message = freestone.fails(1, "info s3://obs-2024/a.npy", environment=of_s3(server, AWS_SECRET_ACCESS_KEY="geheim"))
        assert "SignatureDoesNotMatch" in message and "geheim" not in message and KEY not in message
        message = freestone.fails(1, "info s3://obs-2024/a.npy", environment={"AWS_ENDPOINT_URL_S3": server.url, **QUICK})
        assert "was not signed" in message and "AWS_PROFILE" in message
        message = freestone.fails(1, "info s3://obs-2024/a.npy --s3-profile nobody", environment={"AWS_ENDPOINT_URL_S3": server.url, **QUICK})
        assert "profile 'nobody' is neither in" in message
        assert "neither a file nor a Zarr node" in freestone.fails(1, "info s3://obs-2024/none.npy", environment=of_s3(server))


def test_profiles_and_options(freestone, served, bucket, random):
    x = random.normal(size=(20, 10))
    np.save(bucket / "a.npy", x)
    with S3Server(served, keys={KEY: (SECRET, None)}, region="eu-north-1") as server:
        aws = freestone.folder / "home" / ".aws"
        aws.mkdir(parents=True)
        (aws / "credentials").write_text(f"# mine\n[default]\naws_access_key_id = X\naws_secret_access_key = Y\n\n[telescope]\naws_access_key_id={KEY}\naws_secret_access_key = {SECRET}\n")
        (aws / "config").write_text(f"[profile telescope]\nregion = eu-north-1\nendpoint_url = {server.url}/\ns3 =\n  max_concurrent_requests = 20\n")
        freestone.out("convert s3://obs-2024/a.npy read.npy --overwrite --s3-profile telescope")
        np.testing.assert_array_equal(np.load(freestone.folder / "read.npy"), x)
        np.testing.assert_array_equal(read(freestone, "s3://obs-2024/a.npy", environment={"AWS_PROFILE": "telescope"}), x)
        server.reset()
        # The store says which region it is; that is asked once.
        read(freestone, "s3://obs-2024/a.npy", environment=of_s3(server))
        assert [r.status for r in server.requests].count(400) == 1
    with S3Server(served) as server:
        freestone.out("convert s3://obs-2024/a.npy read.npy --overwrite --s3-anonymous", "--s3-endpoint", server.url)
        assert not any("Authorization" in r.headers for r in server.requests)


def test_references_to_remote_files(freestone, served, random):
    """Made of files behind URLs, read again, by Freestone from the other side of the network."""
    files = write_all(served, random)
    with FileServer(served) as server:
        for name, part, x in files:
            if "zarr" in name or name == "a.tif":  # numcodecs has no predictors
                continue
            freestone.out("references", f"{server.url}/{name}", "-o refs.json --overwrite")
            refs = json.loads((freestone.folder / "refs.json").read_text())["refs"]
            places = [v[0] for v in refs.values() if isinstance(v, list)]
            assert places and all(p == f"{server.url}/{name}" for p in places)
            shutil.copy(freestone.folder / "refs.json", served / "refs.json")
            for where in ("refs.json", f"{server.url}/refs.json"):
                np.testing.assert_array_equal(read(freestone, where + (part or "[data]")), x)
