"""SpectralCube against spectral_cube, astropy, radio_beam, and definitions."""

import pickle

import astropy.units as u
import freestone as fs
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from freestone.astro import LazyResult, Mask, OneDSpectrum, Projection, SpectralCube

upstream = pytest.importorskip("spectral_cube")
radio_beam = pytest.importorskip("radio_beam")
pytestmark = pytest.mark.filterwarnings("ignore")

JY = u.Jy / u.beam


@pytest.fixture
def cube(cube_path):
    return SpectralCube.read(cube_path, use_dask=True)


def close(mine, theirs, rtol=1e-5, atol=1e-6):
    """Same unit (to its spelling), same numbers."""
    assert (1 * mine.unit).to(theirs.unit).value == pytest.approx(1, rel=1e-12)
    np.testing.assert_allclose(np.asarray(mine.value, dtype=float), np.asarray(theirs.value, dtype=float), rtol=rtol, atol=atol)


def test_facts(cube, peer, values):
    assert cube.shape == peer.shape == (24, 18, 22) and cube.ndim == 3 and cube.size == values.size
    assert cube.unit == peer.unit == JY
    close(cube.spectral_axis, peer.spectral_axis, rtol=1e-12)
    assert isinstance(cube.wcs, WCS) and isinstance(cube.header, fits.Header)
    np.testing.assert_allclose(cube.wcs.wcs_pix2world([[3, 4, 5]], 0), peer.wcs.wcs_pix2world([[3, 4, 5]], 0), rtol=1e-12)
    assert cube.header["OBJECT"] == "test" and cube.header["NAXIS3"] == 24 and u.Unit(cube.header["BUNIT"]) == JY
    assert isinstance(cube.beam, radio_beam.Beam) and cube.beam == peer.beam
    assert "24, 18, 22" in repr(cube)


def test_data(cube, values):
    assert cube.filled_data[:].unit == JY and cube.filled_data[:].dtype == np.float32
    np.testing.assert_array_equal(cube.filled_data[3:9, ::2, 5].value, values[3:9, ::2, 5])
    np.testing.assert_array_equal(cube.unitless_filled_data[:], values)
    np.testing.assert_array_equal(cube.with_fill_value(0).unitless_filled_data[:], np.nan_to_num(values))
    for filled in (cube.filled(3000 * u.mJy / u.beam), cube.with_fill_value(3000 * u.mJy / u.beam).filled_data[:]):
        np.testing.assert_array_equal(filled.value, np.nan_to_num(values, nan=3))
    with pytest.raises(u.UnitConversionError):
        cube.filled(3 * u.km)
    masked = cube.with_mask(cube > 2 * JY)
    np.testing.assert_array_equal(masked.unmasked_data[:].value, values)
    np.testing.assert_array_equal(masked.filled_data[:].value, np.where(values > 2, values, np.nan))
    np.testing.assert_array_equal(np.asarray(cube), values)


@pytest.mark.parametrize("axis", [None, 0, 1, 2, (1, 2)], ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "median", "std", "mad_std", "min", "max"])
def test_reductions(cube, peer, values, axis, name):
    mine = getattr(cube, name)(axis=axis, how="slice")
    # Upstream accumulates float32; its mad_std lacks axes it cannot do: definitions in float64 are the oracle for those.
    from astropy.stats import mad_std

    wide = values.astype(float)
    if name == "mad_std":
        expected = mad_std(wide, axis=axis, ignore_nan=True)
    else:
        expected = getattr(np, "nan" + name)(wide, axis=axis)
    if name == "sum":
        expected = np.where(np.isnan(wide).all(axis=axis), np.nan, expected)
    np.testing.assert_allclose(mine.value, expected, rtol=2e-6, atol=1e-5)
    assert mine.unit == JY
    kind = {None: u.Quantity, (1, 2): OneDSpectrum}.get(axis, Projection)
    assert type(mine) is kind
    if name != "mad_std" or axis == 0:
        close(mine, getattr(peer, name)(axis=axis), rtol=2e-5, atol=1e-4)


def test_projections_carry_coordinates(cube, peer, tmp_path):
    mine, theirs = cube.max(axis=0), peer.max(axis=0)
    assert isinstance(mine, u.Quantity) and mine.beam == theirs.beam
    np.testing.assert_allclose(mine.wcs.wcs_pix2world([[3, 4]], 0), theirs.wcs.wcs_pix2world([[3, 4]], 0), rtol=1e-12)
    mine.write(tmp_path / "max.fits")
    header = fits.getheader(tmp_path / "max.fits")
    assert header["CTYPE1"] == "RA---TAN" and u.Unit(header["BUNIT"]) == JY and header["BMAJ"] == pytest.approx(8e-4)
    np.testing.assert_array_equal(fits.getdata(tmp_path / "max.fits"), mine.value)
    with pytest.raises(fs.UserError):
        mine.write(tmp_path / "max.fits")
    mine.write(tmp_path / "max.fits", overwrite=True)
    part = mine[2:9, 3:]
    assert isinstance(part, Projection)
    np.testing.assert_allclose(part.wcs.wcs_pix2world([[0, 0]], 0), mine.wcs.wcs_pix2world([[3, 2]], 0), rtol=1e-12)
    assert type(mine[3, 4]) is u.Quantity and (mine * 2).wcs is not None
    assert np.nansum(mine).wcs is None
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(mine)).value, mine.value)
    assert mine.hdu.header["CTYPE2"] == "DEC--TAN"
    spectrum = cube.mean(axis=(1, 2))
    close(spectrum.spectral_axis, cube.spectral_axis)
    close(spectrum[3:].spectral_axis, cube.spectral_axis[3:])


def test_positions_and_percentile(cube, values):
    filled = np.nan_to_num(values, nan=-np.inf)
    full = ~np.isnan(values).all(axis=0)
    np.testing.assert_array_equal(cube.argmax(axis=0)[full], filled.argmax(axis=0)[full])
    assert (cube.argmax(axis=0)[~full] == -1).all()
    assert cube.argmin() == np.nanargmin(values)
    np.testing.assert_allclose(cube.percentile(25, axis=0).value, np.nanpercentile(values, 25, axis=0), rtol=1e-6)
    np.testing.assert_allclose(cube.std(axis=0, ddof=1).value, np.nanstd(values.astype(float), axis=0, ddof=1), rtol=2e-6)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_moments(cube, peer, order, axis):
    # Of positive values: moments of noise about 0 divide by almost nothing.
    mine = cube.with_mask(cube > 0.5 * JY).moment(order=order, axis=axis)
    theirs = peer.with_mask(peer > 0.5 * JY).moment(order=order, axis=axis)
    assert mine.dtype == np.float64
    scale = np.nanmax(abs(theirs.value))
    close(mine, theirs, rtol=1e-6, atol=1e-7 * scale)


def test_linewidths(cube, peer):
    mine, theirs = (c.with_mask(c > 0.5 * JY) for c in (cube, peer))
    close(mine.linewidth_sigma(), theirs.linewidth_sigma(), rtol=1e-6)
    close(mine.linewidth_fwhm(), theirs.linewidth_fwhm(), rtol=1e-6)
    close(mine.moment1(), theirs.moment1(), rtol=1e-9)


def test_statistics_by_definition(cube, values):
    x = values[~np.isnan(values)].astype(float)
    s = cube.statistics()
    assert list(s) == ["npts", "min", "max", "sum", "sumsq", "mean", "sigma", "rms"]
    assert s["npts"] == x.size and s["min"] == x.min() * JY and s["max"] == x.max() * JY
    for key, expected in dict(sum=x.sum(), mean=x.mean(), sigma=x.std(ddof=1), rms=np.sqrt((x**2).mean())).items():
        assert s[key].unit == JY and s[key].value == pytest.approx(expected, rel=1e-9)
    assert s["sumsq"].unit == JY**2 and s["sumsq"].value == pytest.approx((x**2).sum(), rel=1e-9)


def test_sigma_clip_is_astropys(cube, values):
    from astropy.stats import SigmaClip

    expected = SigmaClip(2.5, maxiters=5)(values, axis=0, masked=False, copy=True)
    np.testing.assert_array_equal(cube.sigma_clip_spectrally(2.5, save_to_tmp_dir=True).filled_data[:].value, expected)


def test_masks(cube, peer, values):
    mask = (cube > 1 * JY) & ~(cube > 5 * JY) | (cube < -2 * JY)
    expected = (values > 1) & ~(values > 5) | (values < -2)
    assert isinstance(mask, Mask)
    np.testing.assert_array_equal(mask.include(), expected)
    for m in (mask, expected, np.asarray(mask)):
        np.testing.assert_array_equal(cube.with_mask(m).get_mask_array(), expected)
    rms = cube.mad_std(axis=0)
    np.testing.assert_array_equal((cube > 3 * rms).include(), values > 3 * rms.value)
    np.testing.assert_array_equal((cube > 3 * cube.mad_std(axis=0, compute=False)).include(), values > 3 * rms.value)
    np.testing.assert_array_equal((cube > 1000 * u.mJy / u.beam).include(), values > 1)
    assert cube.with_mask(values[0] > 0).with_mask(mask, inherit_mask=False).mask.include().sum() == expected.sum()
    close(cube.with_mask(mask).sum(), peer.with_mask(expected).sum(), rtol=1e-5)
    with pytest.raises(fs.UserError):
        cube.with_mask(values)


def test_arithmetic(cube, values):
    np.testing.assert_array_equal((cube * 2 + 1 * JY).filled_data[:].value, values * np.float32(2) + np.float32(1))
    assert (cube * 2).dtype == np.float32
    assert (cube + 1000 * u.mJy / u.beam).filled_data[3, 3, 3].value == values[3, 3, 3] + 1
    assert (cube * (3 * u.K)).unit == JY * u.K and (cube / cube).unit == u.dimensionless_unscaled and (cube**2).unit == JY**2
    assert (1 / cube).unit == 1 / JY and (2 - cube / JY).unit == u.dimensionless_unscaled
    np.testing.assert_array_equal((5 * JY - cube).filled_data[:].value, 5 - values)
    np.testing.assert_array_equal((-cube).filled_data[:].value, -values)
    median = cube.median(axis=0)
    np.testing.assert_array_equal((cube - median).filled_data[:].value, values - median.value)
    np.testing.assert_array_equal((cube - cube.median(axis=0, compute=False)).filled_data[:].value, values - median.value)
    assert (median + cube).unit == JY
    with pytest.raises((u.UnitsError, fs.UserError)):
        cube + 1 * u.K
    with pytest.raises(TypeError):
        cube + "x"


def test_slab(cube, peer):
    for lo, hi in ((112, 131), (131, 112), (111.3, 118.9)):
        mine, theirs = (c.spectral_slab(lo * u.km / u.s, hi * u.km / u.s) for c in (cube, peer))
        assert mine.shape == theirs.shape
        close(mine.spectral_axis, theirs.spectral_axis, rtol=1e-12)
        np.testing.assert_array_equal(mine.filled_data[:].value, theirs.filled_data[:].value)
    assert cube.spectral_slab(115.23 * u.GHz, 115.21 * u.GHz).shape[0] > 0
    assert cube.closest_spectral_channel(107.6 * u.km / u.s) == peer.closest_spectral_channel(107.6 * u.km / u.s) == 3


def test_parts(cube, peer, values):
    part = cube[2:20:3, 4:, ::2]
    np.testing.assert_array_equal(part.filled_data[:].value, values[2:20:3, 4:, ::2])
    np.testing.assert_allclose(part.wcs.wcs_pix2world([[1, 1, 1]], 0), cube.wcs.wcs_pix2world([[2, 5, 5]], 0), rtol=1e-12)
    assert isinstance(cube[3], Projection) and isinstance(cube[:, 3, 4], OneDSpectrum) and type(cube[3, 4, 5]) is u.Quantity
    np.testing.assert_array_equal(cube[..., 4].value, values[:, :, 4])
    by_pixel, theirs = (c.subcube(xlo=3, xhi=9, ylo=2, yhi=8, zlo=1, zhi=5) for c in (cube, peer))
    assert by_pixel.shape == theirs.shape == (4, 6, 6)
    np.testing.assert_array_equal(by_pixel.filled_data[:].value, values[1:5, 2:8, 3:9])
    world, theirs = (c.subcube(xlo=30.0008 * u.deg, xhi=29.9995 * u.deg, ylo=-20.0007 * u.deg, zlo=110 * u.km / u.s) for c in (cube, peer))
    assert world.shape == theirs.shape
    np.testing.assert_array_equal(world.filled_data[:].value, theirs.filled_data[:].value)
    assert cube.subcube() is cube


def test_units(cube, peer):
    close(cube.to(u.mJy / u.beam).filled_data[:], peer.to(u.mJy / u.beam).filled_data[:])
    close(cube.to(u.K).filled_data[:], peer.to(u.K).filled_data[:], rtol=1e-5, atol=1e-3)
    for unit, convention in ((u.m / u.s, None), (u.GHz, None), (u.um, None), (u.km / u.s, "optical"), (u.km / u.s, "relativistic")):
        mine, theirs = (c.with_spectral_unit(unit, velocity_convention=convention) for c in (cube, peer))
        close(mine.spectral_axis, theirs.spectral_axis, rtol=1e-9)
    with pytest.raises(fs.UserError):
        cube.to(u.m)


def test_smoothing(cube, peer):
    from astropy.convolution import Gaussian1DKernel, Gaussian2DKernel

    k1 = Gaussian1DKernel(1.5)
    close(cube.spectral_smooth(k1, parallel=False).filled_data[:], peer.spectral_smooth(k1).filled_data[:], atol=2e-6)
    close(cube.spectral_smooth(k1.array).filled_data[:], cube.spectral_smooth(k1).filled_data[:])
    k2 = Gaussian2DKernel(1.2)
    mine, theirs = (c.spatial_smooth(k2, raise_error_jybm=False).filled_data[:].value for c in (cube, peer))
    both = ~np.isnan(mine) & ~np.isnan(theirs)
    assert both.sum() > 0.9 * mine.size
    np.testing.assert_allclose(mine[both], theirs[both], rtol=1e-5, atol=2e-6)
    with pytest.raises(fs.UserError):
        cube.spectral_smooth(np.ones((3, 3)))
    with pytest.raises(TypeError):
        cube.spectral_smooth(k1, krenel=1)


def test_convolve_to(cube, peer):
    beam = radio_beam.Beam(4 * u.arcsec)
    mine, theirs = cube.convolve_to(beam), peer.convolve_to(beam)
    assert mine.beam == beam
    a, b = mine.filled_data[:].value, theirs.filled_data[:].value
    np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)
    assert cube.beam == radio_beam.Beam(8e-4 * u.deg, 6e-4 * u.deg, 30 * u.deg)  # the cube itself is as it was
    for small in (radio_beam.Beam(1 * u.arcsec), 4 * u.arcsec):
        with pytest.raises(fs.UserError):
            cube.convolve_to(small)


def test_downsample(cube, peer):
    for axis, truncate, estimator in ((0, False, np.nanmean), (0, True, np.nanmean), (1, True, np.nansum), (2, True, np.nanmax)):
        mine, theirs = (c.downsample_axis(5, axis, estimator=estimator, truncate=truncate) for c in (cube, peer))
        assert mine.shape == theirs.shape
        a, b = mine.filled_data[:].value, theirs.filled_data[:].value
        if estimator is np.nansum:
            b = np.where(np.isnan(a), np.nan, b)
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    close(cube.downsample_axis(4, 0).spectral_axis, peer.downsample_axis(4, 0).spectral_axis)


def test_write_and_read(cube, tmp_path, values):
    clipped = cube.sigma_clip_spectrally(3)
    clipped.write(tmp_path / "clipped.fits")
    back, theirs = SpectralCube.read(tmp_path / "clipped.fits"), upstream.SpectralCube.read(tmp_path / "clipped.fits")
    np.testing.assert_array_equal(back.filled_data[:].value, clipped.filled_data[:].value)
    assert back.unit == theirs.unit == JY and theirs.beam == cube.beam and theirs.header["OBJECT"] == "test"
    close(theirs.spectral_axis, cube.spectral_axis, rtol=1e-12)
    with pytest.raises(fs.UserError):
        clipped.write(tmp_path / "clipped.fits")


def test_one_pass(cube, tmp_path, values):
    clipped = cube.sigma_clip_spectrally(3)
    lazy = [clipped.moment(order=k, compute=False) for k in (0, 1, 2)]
    assert isinstance(lazy[0], LazyResult) and "km" in repr(lazy[0])
    # One thread: of so small a file a second tile would read what lies between its rows once more.
    with fs.profile() as p, fs.settings(threads=1):
        moments = fs.compute(*lazy)
    assert p.bytes_read == values.nbytes
    for k, moment in enumerate(moments):
        np.testing.assert_array_equal(moment.value, clipped.moment(order=k).value)
    with fs.profile() as p, fs.settings(threads=1):
        fs.write({tmp_path / "c.fits": clipped, tmp_path / "m0.fits": lazy[0], tmp_path / "m1.fits": lazy[1]})
    assert p.bytes_read == values.nbytes
    np.testing.assert_array_equal(fits.getdata(tmp_path / "m1.fits"), moments[1].value)


def test_from_memory_and_hdu(cube, values, cube_path):
    for made in (
        SpectralCube(values * JY, wcs=WCS(fits.getheader(cube_path))),
        SpectralCube(values, header=fits.getheader(cube_path)),
        SpectralCube.read(fits.open(cube_path)),
        SpectralCube.read(fits.open(cube_path)[0]),
    ):
        assert made.unit == JY
        np.testing.assert_allclose(made.mean(axis=0).value, cube.mean(axis=0).value, rtol=1e-6)
        assert made.spectral_axis[3].to_value(u.km / u.s) == pytest.approx(107.5)
    assert SpectralCube(values, wcs=cube.wcs, mask=values > 0).get_mask_array().sum() == (values > 0).sum()


@pytest.mark.parametrize("bitpix", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_every_bitpix(tmp_path, values, cube_path, bitpix):
    x = np.nan_to_num(values * 10).clip(0, 200).astype(bitpix)
    fits.writeto(tmp_path / "x.fits", x, fits.getheader(cube_path))
    cube = SpectralCube.read(tmp_path / "x.fits")
    np.testing.assert_allclose(cube.sum(axis=0).value, x.sum(axis=0, dtype=float), rtol=1e-6)
    assert cube.statistics()["sum"].value == pytest.approx(x.sum(dtype=float))


def test_what_dask_needs_is_accepted(cube_path):
    cube = SpectralCube.read(cube_path, use_dask=True, target_chunksize=1000)
    np.testing.assert_array_equal(cube.rechunk(save_to_tmp_dir=True).filled_data[:], cube.filled_data[:])
    cube.use_dask_scheduler("threads", num_workers=2)
    with cube.use_dask_scheduler("threads"):
        cube.sum(axis=0, how="slice", progressbar=True)
    with pytest.raises(TypeError):
        cube.sum(axis=0, hwo="slice")


def test_errors(tmp_path, cube, cube_path):
    with pytest.raises(OSError):
        SpectralCube.read(tmp_path / "none.fits")
    fits.writeto(tmp_path / "image.fits", np.zeros((4, 4)))
    for call in (
        lambda: SpectralCube.read(tmp_path / "image.fits"),
        lambda: SpectralCube.read(cube_path, hdu=3),
        lambda: SpectralCube.read(cube_path, format="casa_image"),
        lambda: cube.spectral_slab(1 * u.K, 2 * u.K),
        lambda: cube.sum(axis=5),
        lambda: cube.sigma_clip_spectrally(-1),
        lambda: cube.moment(order=-1),
        lambda: SpectralCube(np.zeros((3, 3))),
    ):
        with pytest.raises(fs.UserError) as e:
            call()
        assert len(str(e.value)) > 20


def test_muse_figures(muse_path):
    cube = SpectralCube.read(muse_path, hdu="DATA")
    assert cube.shape == (3681, 40, 40)
    s = cube.statistics()
    assert s["npts"] == 5_889_595
    unit = cube.unit
    for key, value in dict(min=-232.650482, max=493.972626, sum=152_691_889.23, mean=25.925703, sigma=20.531854, rms=33.071120).items():
        assert s[key].to_value(unit) == pytest.approx(value, rel=1e-7)
    median = cube.median(axis=0)
    assert np.nansum(median.value, dtype=float) == pytest.approx(42_197.9259, rel=1e-7)
    assert cube.sigma_clip_spectrally(3).statistics()["npts"] == 5_747_106
    line = cube[1881:1933]
    assert line.spectral_axis[[0, -1]].to_value(u.AA) == pytest.approx([7101.14, 7164.89], abs=0.01)
    assert np.nansum(line.moment0().value) == pytest.approx(5_607_894.79, rel=1e-7)
    assert np.nansum((line - median).moment0().value) == pytest.approx(2_865_029.61, rel=1e-6)
    assert line.moment1()[20, 20].to_value(u.AA) == pytest.approx(7133.7081, abs=1e-3)
    assert (line - median).moment1()[20, 20].to_value(u.AA) == pytest.approx(7134.2019, abs=1e-3)


def test_masks_say_what_they_are(cube):
    line = cube > 2 * JY
    assert repr(line) == f"<LazyComparisonMask values > 2.0, shape {cube.shape}>"
    assert "not (values > 2.0)" in repr(~line) and "(values > 2.0) and (values < 3.0)" in repr(line & (cube < 3 * JY))
    assert "isfinite" in repr(cube.mask)
    assert "array of bool" in repr(cube.with_mask(np.ones(cube.shape, bool)).mask)


def test_axes_and_orders_that_are_none_are_named(cube, tmp_path):
    for call in (lambda: cube.sum(axis="freq"), lambda: cube.mean(axis=("y", "freq")), lambda: cube.downsample_axis(2, "freq")):
        with pytest.raises(fs.UserError, match=r"axis 'freq' is not in \(spectral, y, x\)"):
            call()
    with pytest.raises(fs.UserError, match="whole number from 0, not 'first'"):
        cube.moment(order="first")
    with pytest.raises(fs.UserError, match="a FITS header, or a WCS"):
        cube.reproject("header.txt")
    header = cube.header.copy()
    del header["NAXIS"]
    with pytest.raises(fs.UserError, match="has no NAXIS: it must say"):
        cube.reproject(header)
