"""Cubes in little memory, in other processes, on a Dask cluster, out of CASA images; regions with channels."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import astropy.units as u
import freestone as fs
import numpy as np
import pytest
from astropy.convolution import Gaussian1DKernel
from astropy.io import fits
from freestone import astro
from freestone.astro import SpectralCube

upstream = pytest.importorskip("spectral_cube")
radio_beam = pytest.importorskip("radio_beam")
pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).resolve().parents[2]
JY = u.Jy / u.beam
KMS = u.km / u.s


def elements(cube):
    return cube.filled_data[:].value


@pytest.fixture(scope="module")
def large_path(tmp_path_factory):
    """50 MB of float32."""
    header = fits.Header()
    header.update(
        CTYPE1="RA---TAN", CUNIT1="deg", CRPIX1=160.0, CRVAL1=30.0, CDELT1=-2e-4,
        CTYPE2="DEC--TAN", CUNIT2="deg", CRPIX2=160.0, CRVAL2=-20.0, CDELT2=2e-4,
        CTYPE3="VRAD", CUNIT3="km/s", CRPIX3=1.0, CRVAL3=100.0, CDELT3=2.5,
        RESTFRQ=115.2712018e9, BUNIT="Jy/beam", BMAJ=6e-4, BMIN=5e-4, BPA=30.0,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("large") / "large.fits"
    fits.writeto(path, np.random.default_rng(8).normal(size=(128, 320, 320)).astype("f4"), header)
    return path


def work(path):
    """Name and lazy cube of what must not load the cube."""
    cube = SpectralCube.read(path)
    header = cube.header
    header["CRPIX1"] += 3.3
    beams = radio_beam.Beams(major=np.full(128, 2.2) * u.arcsec, minor=np.full(128, 2.0) * u.arcsec, pa=np.zeros(128) * u.deg)
    yield "mask", cube.with_mask(cube > 1 * JY)
    yield "smooth", cube.spectral_smooth(Gaussian1DKernel(2))
    yield "interpolate", cube.spectral_interpolate(np.linspace(101, 400, 100) * KMS)
    yield "reproject", cube.reproject(header)
    yield "own beams", cube.with_beams(beams, raise_error_jybm=False).convolve_to(radio_beam.Beam(2.6 * u.arcsec))
    yield "spectra", cube.apply_function_parallel_spectral(np.negative, accepts_chunks=True)
    yield "images", cube.apply_function_parallel_spatial(np.negative)


def test_a_budget_smaller_than_the_cube_is_kept(large_path, tmp_path):
    budget = 40 << 20
    for name, cube in work(large_path):
        with fs.settings(memory=budget), fs.profile() as p:
            cube.write(tmp_path / "out.fits", overwrite=True)
        assert 0 < p.peak_leased_bytes <= budget, name
        assert (tmp_path / "out.fits").stat().st_size > 35_000_000
    assert np.isfinite(fits.getdata(tmp_path / "out.fits")).all()


def test_cubes_and_masks_are_pickled(cube, values):
    part = cube.with_mask(cube > 1 * JY)[2:20, 3:]
    again = pickle.loads(pickle.dumps(part))
    np.testing.assert_array_equal(elements(again), elements(part))
    assert again.beam == part.beam and again.unit == part.unit and repr(again) == repr(part)
    np.testing.assert_array_equal(again.spectral_axis, part.spectral_axis)
    mask = pickle.loads(pickle.dumps((cube > 1 * JY) & ~(cube > 3 * JY)))
    np.testing.assert_array_equal(mask.include(), (values > 1) & ~(values > 3))
    beams = radio_beam.Beams(major=np.full(24, 3) * u.arcsec, minor=np.full(24, 2) * u.arcsec, pa=np.zeros(24) * u.deg)
    varying = pickle.loads(pickle.dumps(cube.with_beams(beams, raise_error_jybm=False)))
    assert isinstance(varying, astro.VaryingResolutionSpectralCube) and len(varying.beams) == 24


def test_a_client_of_dask_is_taken(cube, cube_path, values):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        cube.use_dask_scheduler(client)
        with cube._scheduler.running():
            assert fs.get_settings()["scheduler"] is client
        assert cube.max() == np.nanmax(values) * JY
        local = SpectralCube.read(cube_path)
        np.testing.assert_array_equal(elements(cube.sigma_clip_spectrally(3)), elements(local.sigma_clip_spectrally(3)))


def test_regions_choose_channels(cube, cube_path):
    regions = pytest.importorskip("regions")
    from astropy.coordinates import SkyCoord

    circle = regions.CircleSkyRegion(SkyCoord(30, -20, unit="deg"), 3 * u.arcsec, meta=regions.RegionMeta({"range": [110 * KMS, 120 * KMS], "veltype": "RADIO"}))
    part = cube.subcube_from_regions([circle], minimize=False)
    assert part.shape[0] == 5 and part.spectral_axis[0].to_value(KMS) == pytest.approx(110)
    hole = regions.CirclePixelRegion(regions.PixCoord(10, 8), 1.5, meta=regions.RegionMeta({"include": False}))
    whole = regions.RectanglePixelRegion(regions.PixCoord(10, 8), 9, 7)
    ring = cube.subcube_from_regions([whole, hole], minimize=False)
    solid = cube.subcube_from_regions([whole], minimize=False)
    assert solid.get_mask_array()[5].sum() - ring.get_mask_array()[5].sum() > 3


@pytest.fixture(scope="module")
def image_path(tmp_path_factory, cube_path):
    """The cube as an image of CASA, written by casacore."""
    path = tmp_path_factory.mktemp("casa") / "cube.image"
    code = f"import casacore.images as ci; ci.image({str(cube_path)!r}).saveas({str(path)!r})"
    if subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True).returncode != 0:
        pytest.skip("the system's Python has no casacore")
    return path


def test_images_of_casa(image_path, values):
    for options in ({}, {"format": "casa_image"}, {"use_dask": True, "target_chunksize": 2000}):
        cube = SpectralCube.read(image_path, **options)
        peer = upstream.SpectralCube.read(image_path, format="casa_image")
        np.testing.assert_array_equal(elements(cube), np.asarray(peer.filled_data[:].value))
        assert cube.unit == peer.unit and cube.beam.major.to_value(u.deg) == pytest.approx(8e-4)
        np.testing.assert_allclose(cube.with_spectral_unit(KMS, "radio").spectral_axis.to_value(KMS), 100 + 2.5 * np.arange(24), rtol=1e-9)


def test_the_guide_on_an_image_of_casa(image_path, cube_path):
    pytest.importorskip("zarr")
    run = subprocess.run(
        [sys.executable, ROOT / "examples/spectral_cube_guide.py", "--cube", cube_path, "--image", image_path], capture_output=True, text=True, timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
