"""Reprojection, mosaics, Stokes, spectra and images, stacks: against reproject, spectral_cube and definitions."""

import pickle

import astropy.units as u
import freestone as fs
import numpy as np
import pytest
from astropy.convolution import Gaussian1DKernel
from astropy.io import fits
from astropy.wcs import WCS
from freestone import astro
from freestone.astro import OneDSpectrum, Projection, SpectralCube, StokesSpectralCube

upstream = pytest.importorskip("spectral_cube")
radio_beam = pytest.importorskip("radio_beam")
pytestmark = pytest.mark.filterwarnings("ignore")

JY = u.Jy / u.beam
KMS = u.km / u.s


@pytest.fixture(scope="module")
def turned(cube_path):
    """A header of a sky that is turned, finer, and not quite the same place."""
    header = fits.getheader(cube_path)
    header["NAXIS1"], header["NAXIS2"] = 30, 26
    header["CRPIX1"], header["CRPIX2"] = 14.3, 12.1
    header["CDELT1"], header["CDELT2"] = -1.6e-4, 1.6e-4
    angle = np.radians(25)
    header["PC1_1"], header["PC1_2"], header["PC2_1"], header["PC2_2"] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
    return header


def same(mine, theirs, rtol=1e-5, atol=2e-6):
    a, b = np.asarray(getattr(mine, "value", mine), dtype=float), np.asarray(getattr(theirs, "value", theirs), dtype=float)
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def elements(cube):
    return cube.filled_data[:].value


@pytest.mark.parametrize("order", ["nearest-neighbor", "bilinear", "biquadratic", 3])
def test_channels_are_reprojects(cube, values, turned, order):
    from reproject import reproject_interp

    whole = np.nan_to_num(values)
    mine = SpectralCube(whole * JY, wcs=cube.wcs).reproject(turned, order=order)
    assert mine.shape == (24, 26, 30) and mine.dtype == np.float32
    for channel in (0, 11, 23):
        expected, _ = reproject_interp((whole[channel].astype(float), cube.wcs.celestial), WCS(turned).celestial, shape_out=(26, 30), order=order)
        same(elements(mine)[channel], expected, rtol=1e-4, atol=2e-5)
    assert (mine.get_mask_array() == np.isfinite(elements(mine))).all()
    same(mine.spectral_axis.to(KMS), cube.spectral_axis)


def test_reprojection_with_nan_is_spectral_cubes(cube, peer, turned):
    mine, theirs = cube.reproject(turned), peer.reproject(turned, roundtrip_coords=True)
    a, b = elements(mine), theirs.filled_data[:].value
    both = np.isfinite(a) & np.isfinite(b)
    assert both.mean() > 0.4
    np.testing.assert_allclose(a[both], b[both], rtol=1e-4, atol=2e-5)
    # Upstream's runs over three axes: a rounding error of the channel lets a NaN of its neighbour in.
    assert (np.isfinite(b) & ~np.isfinite(a)).sum() == 0


def test_reprojection_of_channels_too(cube, values, turned):
    other = turned.copy()
    other["NAXIS3"], other["CRVAL3"], other["CDELT3"], other["CUNIT3"] = 12, 103.1, 4.0, "km/s"
    mine = cube.reproject(other)
    assert mine.shape == (12, 26, 30)
    same(mine.spectral_axis.to(KMS), (103.1 + 4.0 * np.arange(12)) * KMS)
    two_steps = cube.spectral_interpolate(mine.spectral_axis, suppress_smooth_warning=True, fill_value=np.nan).reproject(other)
    same(elements(mine), elements(two_steps))
    image = fits.Header({key: turned[key] for key in turned if key[-1:] in "12" and not key.startswith("NAXIS")})
    image.update(NAXIS=2, NAXIS1=30, NAXIS2=26)
    same(elements(cube.reproject(image)), elements(cube.reproject(turned)))


def test_errors_of_reprojection(cube, turned):
    far = turned.copy()
    far["CRVAL1"] = 200.0
    frequencies = turned.copy()
    frequencies["CTYPE3"], frequencies["CUNIT3"] = "FREQ", "Hz"
    for header, options in ((far, {}), (frequencies, {}), (turned, {"order": "cubic"}), (fits.Header({"NAXIS": 3}), {})):
        with pytest.raises(fs.UserError):
            cube.reproject(header, **options)
    with pytest.raises(TypeError):
        cube.reproject(turned, ordre=1)


def test_mosaic(cube, peer):
    from spectral_cube.cube_utils import mosaic_cubes

    parts = [c[:, 2:, slice_] for c in (cube, peer) for slice_ in (slice(0, 13), slice(9, 22))]
    mine, theirs = astro.mosaic_cubes(parts[:2]), mosaic_cubes(parts[2:], spectral_block_size=None)
    assert mine.shape == theirs.shape
    a, b = elements(mine), theirs.filled_data[:].value
    both = np.isfinite(a) & np.isfinite(b)
    assert both.mean() > 0.5
    # Upstream counts by the first channel: where channels have NaN of their own its weights are others.
    close = np.isclose(a[both], b[both], rtol=1e-4, atol=1e-4)
    assert close.mean() > 0.8
    whole = elements(cube)[:, 2:]
    both = np.isfinite(a) & np.isfinite(whole)
    assert both.mean() > 0.5
    np.testing.assert_allclose(a[both], whole[both], rtol=1e-4, atol=1e-4)
    assert set(astro.combine_headers(parts[0].header, parts[1].header)) >= {"NAXIS1", "CTYPE1", "CRVAL2"}


# Images and spectra.


def test_projection_has_upstreams_ways(cube, peer, turned):
    mine, theirs = cube.moment0(), peer.moment0()
    assert type(mine).__name__ == type(theirs).__name__ == "Projection"
    same(mine.to(u.K * KMS * u.one).value if mine.unit.is_equivalent(u.K * KMS) else mine, theirs, rtol=1e-4, atol=1e-4)
    channel, other = cube[5], peer[5]
    assert isinstance(channel, astro.Slice) and channel.beam == other.beam
    same(channel.to(u.K, freq=115 * u.GHz), other.to(u.K, freq=115 * u.GHz), rtol=1e-5, atol=1e-3)
    same(channel.to(u.Jy / u.pix), other.to(u.Jy / u.pix), rtol=1e-5)
    wide = radio_beam.Beam(5 * u.arcsec)
    convolved, expected = channel.convolve_to(wide), other.convolve_to(wide)
    inside = np.isfinite(convolved.value) & np.isfinite(expected.value)
    same(convolved.value[inside], expected.value[inside], rtol=1e-3, atol=2e-5)
    assert convolved.beam == wide and channel.beam == other.beam
    box = dict(xlo=3, xhi=9, ylo=-20.001 * u.deg, yhi=-19.9995 * u.deg)
    assert channel.subimage(**box).shape == other.subimage(**box).shape
    same(channel.world_extrema, other.world_extrema, rtol=1e-12)
    image = fits.Header({key: turned[key] for key in turned if key[-1:] in "12" and not key.startswith("NAXIS")})
    image.update(NAXIS=2, NAXIS1=30, NAXIS2=26)
    moved, expected = cube.max(axis=0).reproject(image), peer.max(axis=0).reproject(image)
    both = np.isfinite(expected.value)
    same(moved.value[both], expected.value[both], rtol=1e-4, atol=2e-5)
    again = pickle.loads(pickle.dumps(channel))
    assert isinstance(again, astro.Slice) and again.wcs.wcs.crval[0] == channel.wcs.wcs.crval[0] and again.beam == channel.beam
    masked = Projection(np.arange(12.0).reshape(3, 4) * u.K, wcs=WCS(naxis=2), mask=np.arange(12).reshape(3, 4) % 2 == 0)
    assert np.isnan(masked.filled_data[0, 1]) and masked.with_fill_value(-1).filled_data[0, 1] == -1 * u.K
    with pytest.raises(astro.BeamUnitsError):
        channel.with_beam(wide)
    with pytest.raises(fs.UserError):
        Projection(np.zeros(3))


def test_projection_files(cube, tmp_path):
    mine = cube.moment1()
    mine.write(tmp_path / "m1.fits")
    back = Projection.from_hdu(fits.open(tmp_path / "m1.fits"))
    same(back, mine, rtol=0)
    assert back.unit == mine.unit and back.beam == mine.beam
    theirs = upstream.Projection.from_hdu(fits.open(tmp_path / "m1.fits"))
    assert theirs.unit == mine.unit and theirs.header["CTYPE1"] == "RA---TAN"


def test_spectra_have_upstreams_ways(cube, peer, tmp_path):
    mine, theirs = cube[:, 7, 9], peer[:, 7, 9]
    same(mine.spectral_axis, theirs.spectral_axis)
    same(mine.filled_data[:], theirs.filled_data[:])
    same(mine.with_spectral_unit(u.GHz).spectral_axis, theirs.with_spectral_unit(u.GHz).spectral_axis, rtol=1e-10)
    assert type(mine.max()) is u.Quantity and np.isfinite(mine[11])
    grid = np.linspace(105, 150, 31) * KMS
    same(mine.spectral_interpolate(grid), theirs.spectral_interpolate(grid), rtol=1e-4, atol=1e-5)
    kernel = Gaussian1DKernel(1.2)
    same(mine.spectral_smooth(kernel), theirs.spectral_smooth(kernel), rtol=1e-4, atol=1e-5)
    same(mine.to(u.K), theirs.to(u.K), rtol=1e-5, atol=1e-3)
    part, other = mine[3:9], theirs[3:9]
    same(part.spectral_axis.to_value(KMS), other.spectral_axis.to_value(KMS))
    mine.write(tmp_path / "line.fits")
    back = OneDSpectrum.from_hdu(fits.open(tmp_path / "line.fits"))
    same(back.spectral_axis.to(KMS), mine.spectral_axis)
    assert upstream.OneDSpectrum.from_hdu(fits.open(tmp_path / "line.fits")).unit == JY


def test_pictures(cube, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    cube.moment0().quicklook(tmp_path / "m0.png")
    cube[:, 7, 9].quicklook(tmp_path / "line.png")
    cube.mask.quicklook((3,), filename=tmp_path / "mask.png")
    cube.plot_channel_maps(2, 2, [3, 6, 9, 12], output_file=tmp_path / "maps.png", contourkwargs={"levels": [1, 2]}, zoom=1.5)
    for name in ("m0", "line", "mask", "maps"):
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(fs.UserError):
        cube.plot_channel_maps(2, 2, [3])
    cube.visualize(tmp_path / "plan.svg")
    assert "<svg" in (tmp_path / "plan.svg").read_text()
    for call in (cube.to_pvextractor, cube.to_glue, cube.to_yt, cube.find_lines):
        with pytest.raises(ImportError, match="not installed"):
            call()


# Stokes.


@pytest.fixture(scope="module")
def stokes_path(tmp_path_factory, values, cube_path):
    header = fits.getheader(cube_path)
    header.update(CTYPE4="STOKES", CRPIX4=1.0, CRVAL4=1.0, CDELT4=1.0, CUNIT4="")
    path = tmp_path_factory.mktemp("stokes") / "iquv.fits"
    fits.writeto(path, np.stack([values * k for k in (1, 0.5, -0.25, 0.1)]).astype("f4"), header)
    return path


def test_stokes(stokes_path, values, tmp_path):
    mine, theirs = StokesSpectralCube.read(stokes_path), upstream.StokesSpectralCube.read(stokes_path)
    assert mine.components == ["I", "Q", "U", "V"] and set(theirs.components) == set(mine.components)
    assert mine.shape == theirs.shape and mine.stokes_type == theirs.stokes_type
    for name in mine.components:
        same(elements(mine[name]), theirs[name].filled_data[:])
    masked = mine.with_mask(mine.I > 1 * JY)
    same(elements(masked.Q), np.where(values > 1, values * np.float32(0.5), np.nan))
    assert masked.minimal_subcube().shape[0] <= 24 and mine.spectral_slab(110 * KMS, 120 * KMS).shape == (5, 18, 22)
    for basis in ("Linear", "Circular"):
        feeds = mine.transform_basis(basis)
        assert len(feeds.components) == 4
        back = feeds.transform_basis("Sky")
        for name in mine.components:
            same(np.real(elements(back[name])), elements(mine[name]))
        sky = upstream.StokesSpectralCube({key: upstream.SpectralCube(elements(feeds[key]) * JY, wcs=mine.wcs) for key in feeds.components}).transform_basis("Sky")
        for name in mine.components:
            same(np.real(sky[name].unmasked_data[:].value), np.real(elements(back[name])))
    with pytest.warns(astro.StokesWarning):
        one = SpectralCube.read(stokes_path)
    same(elements(one), values)
    mine.write(tmp_path / "out.fits")
    assert (tmp_path / "out_V.fits").exists()
    with pytest.raises(fs.UserError):
        StokesSpectralCube({"I": one, "Z": one})
    with pytest.raises(AttributeError):
        mine.XX  # noqa: B018


# Stacks.


def test_stacks(cube, peer):
    from spectral_cube import analysis_utilities as theirs

    surface = cube.with_mask(cube > 2 * JY).moment1()
    surface = u.Quantity(np.where(abs(surface.value - 127) < 6, surface.value, np.nan), surface.unit)
    # Where spectra have NaN, both treat them alike only as far as the mask is whole.
    whole = np.isfinite(elements(cube)).all(axis=0) & np.isfinite(surface.value)
    assert whole.sum() > 20
    surface = u.Quantity(np.where(whole, surface.value, np.nan), surface.unit)
    for pad in (True, False):
        mine = astro.stack_spectra(cube, surface, v0=127 * KMS, pad_edges=pad)
        expected = theirs.stack_spectra(peer, surface, v0=127 * KMS, pad_edges=pad)
        assert mine.size == expected.size
        same(mine, expected, rtol=1e-4, atol=1e-5)
        same(mine.spectral_axis, expected.spectral_axis.to(mine.spectral_axis.unit), rtol=1e-9)
    median = astro.stack_spectra(cube, surface, v0=127 * KMS, stack_function=np.nanmedian)
    assert abs(median.spectral_axis[np.nanargmax(median.value)] - 127 * KMS) < 3 * KMS
    rest = [115.2712018, 115.2698] * u.GHz
    mine = astro.stack_cube(cube, rest, 115 * KMS, 140 * KMS)
    expected = theirs.stack_cube(peer, rest, 115 * KMS, 140 * KMS)
    assert mine.shape == expected.shape
    a, b = elements(mine), expected.filled_data[:].value
    inner = np.isfinite(a) & np.isfinite(b)
    assert np.isclose(a[inner], b[inner], rtol=1e-3, atol=1e-3).mean() > 0.8
