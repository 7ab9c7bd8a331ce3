"""What tests of several files work on: cubes, the files of the documentation, a cluster."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# A shell starts what it puts in the background with SIGINT ignored, and what we start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def muse_path():
    """The MUSE cube of Abell 478, fetched when it is not there."""
    path = ROOT / ".cache/muse/minicube.fits"
    if not path.exists():
        fetched = subprocess.run([ROOT / "scripts/fetch-muse"], capture_output=True, text=True)
        if fetched.returncode != 0:
            pytest.skip(f"the MUSE cube cannot be fetched: {fetched.stderr.strip()}")
    return path


@pytest.fixture(scope="session")
def values():
    """A cube of float32 with noise, a line and NaN: scattered, a border, a whole spectrum."""
    rng = np.random.default_rng(20)
    x = rng.normal(size=(24, 18, 22)).astype("f4")
    channels = np.arange(24)[:, None, None]
    x += 6 * np.exp(-0.5 * ((channels - 11 - rng.normal(size=(1, 18, 22))) / 2) ** 2).astype("f4")
    x[rng.random(x.shape) < 0.03] = np.nan
    x[:, 0, :] = np.nan
    x[:, 5, 7] = np.nan
    x[20, 9, 9] = 60
    return x


@pytest.fixture(scope="session")
def cube_path(tmp_path_factory, values):
    """The cube as FITS: RA, Dec, radio velocity in km/s, a beam, Jy/beam."""
    from astropy.io import fits

    header = fits.Header()
    header.update(
        CTYPE1="RA---TAN", CUNIT1="deg", CRPIX1=11.0, CRVAL1=30.0, CDELT1=-2e-4,
        CTYPE2="DEC--TAN", CUNIT2="deg", CRPIX2=9.0, CRVAL2=-20.0, CDELT2=2e-4,
        CTYPE3="VRAD", CUNIT3="km/s", CRPIX3=1.0, CRVAL3=100.0, CDELT3=2.5,
        RESTFRQ=115.2712018e9, SPECSYS="LSRK", RADESYS="ICRS", EQUINOX=2000.0,
        BUNIT="Jy/beam", BMAJ=8e-4, BMIN=6e-4, BPA=30.0, OBJECT="test",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("cube") / "cube.fits"
    fits.writeto(path, values, header)
    return path


@pytest.fixture
def cube(cube_path):
    from freestone.astro import SpectralCube

    return SpectralCube.read(cube_path)


@pytest.fixture
def peer(cube_path):
    """The cube by spectral_cube, without Dask."""
    import spectral_cube

    cube = spectral_cube.SpectralCube.read(cube_path)
    cube.allow_huge_operations = True
    return cube


@pytest.fixture(scope="session")
def sample_data(tmp_path_factory):
    """The files that examples/make_data.py makes: not to be changed, and nothing is written beside them."""
    folder = tmp_path_factory.mktemp("sample_data")
    subprocess.run([sys.executable, ROOT / "examples/make_data.py", folder], check=True, capture_output=True)
    return folder


@pytest.fixture
def among_sample_data(sample_data, tmp_path):
    """A folder of the test's own in which these files are, too."""
    for path in sample_data.iterdir():
        (tmp_path / path.name).symlink_to(path)
    return tmp_path


@pytest.fixture(scope="module")
def client():
    """A client of two worker processes with one thread each."""
    from distributed import Client
    from freestone.cluster import Cluster

    with Cluster(2, 1, memory_limit="1GiB", dashboard_address=None) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture
def runs(monkeypatch):
    """An entry for each time that something is computed."""
    from freestone import _core

    seen = []
    compute = _core.compute
    monkeypatch.setattr(_core, "compute", lambda *args, **options: (seen.append(1), compute(*args, **options))[1])
    return seen
