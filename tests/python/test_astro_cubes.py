"""Cubes against spectral_cube on random cubes with NaN, masks, units and beams: functions, smoothing, interpolation, beams of channels."""

import operator

import astropy.units as u
import freestone as fs
import numpy as np
import pytest
from astropy.convolution import Gaussian1DKernel, Gaussian2DKernel, convolve, convolve_fft
from astropy.io import fits
from freestone import astro
from freestone.astro import SpectralCube, VaryingResolutionSpectralCube
from scipy import ndimage

upstream = pytest.importorskip("spectral_cube")
radio_beam = pytest.importorskip("radio_beam")
pytestmark = pytest.mark.filterwarnings("ignore")

JY = u.Jy / u.beam
KMS = u.km / u.s


@pytest.fixture
def peer(cube_path):
    return upstream.SpectralCube.read(cube_path, use_dask=True)


@pytest.fixture(scope="module")
def beams():
    rng = np.random.default_rng(3)
    major = (2.6 + 0.3 * rng.random(24)) * u.arcsec
    return radio_beam.Beams(major=major, minor=major * 0.8, pa=rng.uniform(0, 180, 24) * u.deg)


@pytest.fixture(scope="module")
def whole_path(tmp_path_factory, values, cube_path, beams):
    """The cube with a table of beams."""
    return with_table(tmp_path_factory.mktemp("varying") / "whole.fits", values, cube_path, beams, None)


@pytest.fixture(scope="module")
def varying_path(tmp_path_factory, values, cube_path, beams):
    """The cube with a table of beams, that of channel 4 being NaN."""
    return with_table(tmp_path_factory.mktemp("varying") / "varying.fits", values, cube_path, beams, 4)


def with_table(path, values, cube_path, beams, bad):
    from spectral_cube.cube_utils import beams_to_bintable

    header = fits.getheader(cube_path)
    for key in ("BMAJ", "BMIN", "BPA"):
        del header[key]
    header["CASAMBM"] = True
    major = beams.major.copy()
    if bad is not None:
        major[bad] = np.nan
    table = beams_to_bintable(radio_beam.Beams(major=major, minor=beams.minor, pa=beams.pa))
    fits.HDUList([fits.PrimaryHDU(values, header), table]).writeto(path)
    return path


def same(mine, theirs, rtol=1e-5, atol=2e-6):
    a, b = np.asarray(getattr(mine, "value", mine), dtype=float), np.asarray(getattr(theirs, "value", theirs), dtype=float)
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def elements(cube):
    return cube.filled_data[:].value


def test_masks_of_every_kind(cube, peer, values):
    from spectral_cube import masks as theirs

    rng = np.random.default_rng(5)
    plane = rng.random((18, 22)) > 0.3
    makers = [
        lambda m, c: m.LazyMask(np.isfinite, cube=c),
        lambda m, c: m.LazyMask(lambda x: x > 1, cube=c),
        lambda m, c: m.LazyComparisonMask(operator.gt, 0.7, cube=c),
        lambda m, c: m.BooleanArrayMask(values > 0, c.wcs),
        lambda m, c: m.BooleanArrayMask(values > 0, c.wcs, include=False),
        lambda m, c: m.FunctionMask(lambda data, wcs, view: np.asarray(data[view]) > 0.2),
    ]
    for number, make in enumerate(makers):
        mine, other = make(astro, cube), make(theirs, peer)
        np.testing.assert_array_equal(mine.include(data=cube._data, wcs=cube.wcs), np.asarray(other.include(data=values, wcs=peer.wcs)), err_msg=str(number))
        same(cube.with_mask(mine).sum(axis=0), np.where(np.isnan(masked := np.where(mine.include(data=cube._data), values, np.nan)).all(0), np.nan, np.nansum(masked.astype(float), 0)))
    a, b = cube > 1 * JY, cube < 3 * JY
    for combine, expected in ((operator.and_, np.logical_and), (operator.or_, np.logical_or), (operator.xor, np.logical_xor)):
        np.testing.assert_array_equal(combine(a, ~b).include(), expected(values > 1, ~(values < 3)))
    np.testing.assert_array_equal(np.bitwise_and(a, b).include(view=(slice(2, 5),)), ((values > 1) & (values < 3))[2:5])
    part = cube.with_mask(a & b)[3:9, 2:, ::2]
    np.testing.assert_array_equal(part.get_mask_array(), ((values > 1) & (values < 3))[3:9, 2:, ::2])
    np.testing.assert_array_equal(cube.with_mask(plane).get_mask_array(), np.isfinite(values) & plane)
    assert (cube > 1 * JY).with_spectral_unit(u.GHz)._wcs.wcs.ctype[2].startswith("FREQ")
    good = np.arange(24) % 3 > 0
    same(elements(cube.mask_channels(good)), elements(peer.mask_channels(good)))
    same(cube.with_mask(a).flattened(), peer.with_mask(peer > 1 * JY).flattened())
    shifted = cube.wcs.deepcopy()
    shifted.wcs.crval[0] += 1
    with pytest.raises(fs.UserError, match="WCS"):
        cube.with_mask(astro.BooleanArrayMask(values > 0, shifted))


def test_infinite_elements_are_masked(tmp_path, values, cube_path):
    x = values.copy()
    x[3, 4, 5] = np.inf
    fits.writeto(tmp_path / "inf.fits", x, fits.getheader(cube_path))
    cube, peer = SpectralCube.read(tmp_path / "inf.fits"), upstream.SpectralCube.read(tmp_path / "inf.fits")
    same(cube.sum(axis=0), peer.sum(axis=0), rtol=1e-4)
    assert np.isinf(cube.unmasked_data[3, 4, 5].value) and not cube.get_mask_array()[3, 4, 5]


def test_world(cube, peer):
    for view in ((slice(None),) * 3, (slice(2, 9, 3), 4, slice(None)), (0, slice(None), slice(None))):
        for mine, theirs in zip(cube.world[view], peer.world[view]):
            assert mine.unit.is_equivalent(theirs.unit) and mine.shape == theirs.shape
            same(mine.to(theirs.unit), theirs, rtol=1e-11)
    for mine, theirs in zip(cube.spatial_coordinate_map, peer.spatial_coordinate_map):
        same(mine, theirs, rtol=1e-12)
    same(cube.world_extrema, peer.world_extrema, rtol=1e-12)
    same(cube.spectral_extrema, peer.spectral_extrema)
    assert len(cube.flattened_world()[0]) == cube.get_mask_array().sum()
    spines = cube.world_spines()
    assert [s.size for s in spines] == [24, 18, 22]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_positions_in_the_world(cube, peer, axis):
    mine, values = cube.argmax_world(axis), np.nan_to_num(elements(cube), nan=-np.inf)
    full = ~np.isnan(mine.value)
    world = cube.world[:][axis]
    expected = np.take_along_axis(world.value, np.expand_dims(values.argmax(axis), axis), axis).squeeze(axis)
    same(mine.value[full], expected[full], rtol=1e-12)
    assert mine.unit == world.unit and isinstance(mine, astro.Projection)
    if axis == 0:  # upstream does not do this along the axes of a sky
        same(mine.value[full], peer.argmax_world(0).to_value(mine.unit)[full], rtol=1e-9)
        assert not full.all()


def test_axes_in_any_order(cube, values):
    turned = np.ascontiguousarray(values.transpose(1, 2, 0))  # latitude, longitude, spectrum
    made = SpectralCube(turned * JY, wcs=cube.wcs.sub([3, 1, 2]), mask=turned > 1)
    np.testing.assert_array_equal(elements(made), np.where(values > 1, values, np.nan))
    np.testing.assert_allclose(made.spectral_axis.to_value(KMS), cube.spectral_axis.to_value(KMS), rtol=1e-12)
    np.testing.assert_allclose(made.world[0, 3, 4][1].value, cube.world[0, 3, 4][1].value, rtol=1e-12)


def test_arithmetic_of_cubes(cube, values):
    masked = cube.with_mask(cube > 1 * JY)
    np.testing.assert_array_equal(elements(cube + masked), np.where(values > 1, values + values, np.nan))
    np.testing.assert_array_equal(elements(cube.to(u.mJy / u.beam) - cube), np.float32(1) * (elements(cube.to(u.mJy / u.beam)) - elements(cube.to(u.mJy / u.beam))))
    assert (cube // (2 * JY)).unit == u.one and (cube**2).unit == JY**2


def test_subcubes(cube, peer):
    boxes = [
        dict(xlo=30.0008 * u.deg, xhi=29.9995 * u.deg, ylo=-20.001 * u.deg, yhi=-19.9995 * u.deg),
        dict(xlo=3, xhi=9, zlo=110 * KMS, zhi=130 * KMS),
        dict(zlo=130 * KMS, zhi=110 * KMS),
    ]
    for box in boxes:
        mine, theirs = cube.subcube(**box), peer.subcube(**box)
        assert mine.shape == theirs.shape, box
        same(elements(mine), elements(theirs))
        same(mine.wcs.wcs.crpix, theirs.wcs.wcs.crpix, rtol=1e-9)
    tall = np.zeros(cube.shape, dtype=bool)
    tall[4:9, 3:7, 6:11] = True
    for method in ("subcube_from_mask",):
        assert getattr(cube, method)(tall).shape == getattr(peer, method)(tall).shape == (5, 4, 5)
    assert cube.with_mask(tall).minimal_subcube().shape == peer.with_mask(tall).minimal_subcube().shape
    assert cube.with_mask(tall).minimal_subcube(spatial_only=True).shape[0] == 24
    assert cube.subcube_slices_from_mask(np.zeros(cube.shape, dtype=bool)) == (slice(0),) * 3


def test_regions(cube, peer):
    regions = pytest.importorskip("regions")
    from astropy.coordinates import SkyCoord

    circle = regions.CircleSkyRegion(SkyCoord(30, -20, unit="deg"), 4e-4 * u.deg * 2)
    square = regions.RectanglePixelRegion(regions.PixCoord(15, 12), 5, 4)
    for several in ([circle], [square], [circle, square]):
        mine, theirs = cube.subcube_from_regions(several), peer.subcube_from_regions(several)
        assert mine.shape == theirs.shape
        same(elements(mine), elements(theirs))
    ds9 = "fk5; circle(30, -20, 3\")"
    crtf = "#CRTFv0\nglobal coord=ICRS\ncircle[[30deg, -20deg], 3arcsec]"
    assert cube.subcube_from_ds9region(ds9).shape == peer.subcube_from_ds9region(ds9).shape
    inside = cube.subcube_from_crtfregion(crtf)
    same(inside.sum(), cube.subcube_from_ds9region(ds9).sum(), rtol=0.2)
    with pytest.raises(fs.UserError):
        cube.subcube_from_regions([regions.CircleSkyRegion(SkyCoord(40, -20, unit="deg"), 1 * u.arcsec)])


def test_functions_of_spectra_and_channels(cube, peer, values):
    def scaled(x, factor=2):
        return x * factor - 1

    for accepts in (False, True):
        same(elements(cube.apply_function_parallel_spectral(scaled, accepts_chunks=accepts, factor=3)), values * 3 - 1)
        same(elements(cube.apply_function_parallel_spatial(scaled, accepts_chunks=accepts, num_cores=2)), values * 2 - 1)
    assert cube.apply_function_parallel_spectral(scaled).dtype == np.float32

    def fit(block):
        return np.nansum(block, axis=0)[None] * np.array([1.0, 2.0])[:, None, None]

    made = cube.apply_function_parallel_spectral(fit, accepts_chunks=True, return_new_cube=False)
    assert isinstance(made, fs.Array) and made.shape == (2, 18, 22)
    same(made.compute()[1], 2 * np.nansum(values.astype(float), axis=0), rtol=1e-5)

    def placed(block, block_info=None):
        (z0, z1), (y0, y1), (x0, x1) = block_info[0]["array-location"]
        assert block.shape == (z1 - z0, y1 - y0, x1 - x0)
        return block

    same(elements(cube.apply_function_parallel_spectral(placed, accepts_chunks=True)), values)
    from astropy.stats import sigma_clip

    clip = lambda x: sigma_clip(x, sigma=2.5, axis=0, masked=False, copy=True)  # noqa: E731
    np.testing.assert_array_equal(
        elements(cube.apply_function_parallel_spectral(clip, accepts_chunks=True)), elements(peer.apply_function_parallel_spectral(clip, accepts_chunks=True))
    )


def test_apply_function(cube, values):
    wide = values.astype(float)
    same(cube.apply_function(np.mean), np.nanmean(wide), rtol=1e-6)
    same(cube.apply_function(np.max, axis=0, unit=JY), np.nanmax(wide, axis=0))
    made = cube.apply_function(np.max, axis=0, unit=JY, projection=True)
    assert isinstance(made, astro.Projection) and made.unit == JY and made.wcs.naxis == 2
    weights = np.linspace(0, 1, values.size).reshape(values.shape)
    same(cube.apply_function(np.sum, axis=1, weights=weights), np.where(np.isnan(wide).all(1), np.nan, np.nansum(wide * weights, axis=1)), rtol=1e-5)
    same(cube.apply_function(np.cumsum, axis=0, keep_shape=True)[:, 3, 4], np.cumsum(wide[:, 3, 4]), atol=1e-4)
    same(cube.apply_numpy_function(np.nanmax, axis=0, projection=True, unit=JY), np.nanmax(wide, axis=0))
    same(cube.apply_numpy_function(np.nanmedian, axis=(1, 2)), np.nanmedian(wide, axis=(1, 2)))

    def spread(x, axis):
        return np.nanmax(x, axis=axis) - np.nanmin(x, axis=axis)

    same(cube.apply_numpy_function(spread, axis=0), spread(wide, 0))
    chunks = list(cube.chunked(100))
    assert sum(chunk.size for chunk in chunks) == np.isfinite(values).sum() and max(chunk.size for chunk in chunks) <= 100


def test_smoothing_with_options(cube, peer, values):
    k1, k2 = Gaussian1DKernel(1.5), Gaussian2DKernel(1.1)
    kelvin, kelvins = cube.to(u.K), peer.to(u.K)
    same(elements(kelvin.spatial_smooth(k2)), elements(kelvins.spatial_smooth(k2)), rtol=1e-4, atol=1e-3)
    with pytest.raises(astro.BeamUnitsError):
        cube.spatial_smooth(k2)
    # Keywords of the convolution, which upstream drops along the spectrum, reach it.
    extended = cube.spectral_smooth(k1, boundary="extend")
    expected = convolve(values, k1.array[:, None, None], boundary="extend", normalize_kernel=True)
    same(elements(extended), np.where(np.isnan(values), np.nan, expected))
    assert extended.dtype == np.float32
    same(elements(cube.spectral_smooth(k1, convolve=convolve_fft)), elements(cube.spectral_smooth(k1)))
    for size in (3, 5):
        same(elements(cube.spectral_smooth_median(size)), elements(peer.spectral_smooth_median(size)))
        same(elements(cube.spatial_smooth_median(size, raise_error_jybm=False)), elements(peer.spatial_smooth_median(size, raise_error_jybm=False)))
    same(elements(cube.spectral_filter(3, ndimage.maximum_filter)), elements(peer.spectral_filter(3, ndimage.maximum_filter)))
    clipped = cube.sigma_clip_spectrally(3, maxiters=2, cenfunc="mean")
    from astropy.stats import sigma_clip

    np.testing.assert_array_equal(elements(clipped), sigma_clip(values, sigma=3, axis=0, masked=False, maxiters=2, cenfunc="mean"))
    np.testing.assert_array_equal(elements(cube.sigma_clip_spectrally(3, cenfunc=np.nanmedian)), elements(cube.sigma_clip_spectrally(3)))
    assert (clipped.get_mask_array() == np.isfinite(values)).all()


@pytest.mark.parametrize("grid", [(101, 156, 40), (156, 101, 40), (90, 170, 33), (102.5, 150, 20)], ids=str)
def test_spectral_interpolation(cube, values, grid):
    channels = np.linspace(*grid) * KMS
    new = cube.spectral_interpolate(channels, suppress_smooth_warning=True, fill_value=np.nan)
    same(new.spectral_axis.to(KMS), channels, rtol=1e-10)
    old = cube.spectral_axis.to_value(KMS)
    expected = np.empty((channels.size, 18, 22))
    for y in range(18):
        for x in range(22):
            expected[:, y, x] = np.interp(channels.value, old, values[:, y, x].astype(float), left=np.nan, right=np.nan)
    on = np.isin(np.round(channels.value, 6), np.round(old, 6))
    got = elements(new)
    np.testing.assert_allclose(got[~on], expected[~on], rtol=1e-5, atol=2e-6)
    assert new.dtype == np.float32
    np.testing.assert_array_equal(new.get_mask_array(), np.isfinite(got))
    falling = cube[::-1].spectral_interpolate(channels, suppress_smooth_warning=True, fill_value=np.nan)
    np.testing.assert_allclose(elements(falling), got, rtol=1e-5, atol=2e-6)


def test_interpolation_beyond_the_ends(cube, values):
    channels = np.linspace(80, 180, 41) * KMS
    ends = cube.spectral_interpolate(channels, suppress_smooth_warning=True)
    same(elements(ends)[0], values[0])
    same(elements(ends)[-1], values[-1])
    with pytest.raises(fs.UserError, match="linear"):
        cube.spectral_interpolate([100, 101, 105] * KMS)
    with pytest.warns(astro.SmoothingWarning):
        cube.spectral_interpolate(np.linspace(100, 150, 5) * KMS)


def test_downsampling_with_any_function(cube, peer):
    x = elements(cube)
    for axis, truncate, estimator in ((0, False, np.nanmax), (1, True, np.nanmedian), (2, False, np.nanmean), (0, True, lambda x, axis: np.nanstd(x, axis=axis))):
        mine = cube.downsample_axis(5, axis, estimator=estimator, truncate=truncate)
        assert mine.shape == peer.downsample_axis(5, axis, truncate=truncate).shape
        groups = [np.take(x, range(k * 5, min((k + 1) * 5, x.shape[axis])), axis=axis) for k in range(mine.shape[axis])]
        same(elements(mine), np.stack([estimator(group, axis=axis) for group in groups], axis=axis), rtol=1e-4, atol=1e-5)
        same(mine.wcs.wcs.crpix, peer.downsample_axis(5, axis, truncate=truncate).wcs.wcs.crpix, rtol=1e-9)


def test_convolution_leaves_the_cube_as_it_was(cube, tmp_path):
    before = cube.header.tostring()
    cube.convolve_to(radio_beam.Beam(5 * u.arcsec)).write(tmp_path / "wide.fits")
    assert cube.header.tostring() == before
    cube.write(tmp_path / "same.fits")
    assert fits.getheader(tmp_path / "same.fits")["BMAJ"] == pytest.approx(8e-4)
    assert fits.getheader(tmp_path / "wide.fits")["BMAJ"] == pytest.approx(5 / 3600)
    own = cube.convolve_to(radio_beam.Beam(5 * u.arcsec), convolve=lambda x, k, **_: convolve(x, k, normalize_kernel=True))
    same(elements(own), elements(cube.convolve_to(radio_beam.Beam(5 * u.arcsec))), rtol=1e-4, atol=1e-5)


def test_cubes_with_beams_of_their_own(varying_path, whole_path, beams, values, tmp_path):
    cube, peer = SpectralCube.read(varying_path), upstream.SpectralCube.read(varying_path, use_dask=True)
    assert isinstance(cube, VaryingResolutionSpectralCube) and isinstance(cube.beams, radio_beam.Beams)
    assert len(cube.beams) == len(peer.beams) == 23 and len(cube.unmasked_beams) == 24
    np.testing.assert_array_equal(cube.goodbeams_mask, peer.goodbeams_mask)
    np.testing.assert_array_equal(cube.identify_bad_beams(0.03), peer.identify_bad_beams(0.03))
    assert np.isnan(elements(cube)[4]).all() and len(cube.jtok_factors()) == 23
    assert np.isnan(elements(SpectralCube.read(fits.open(varying_path)))[4]).all()
    # Upstream does not get far with beams that are NaN.
    cube, peer = SpectralCube.read(whole_path), upstream.SpectralCube.read(whole_path, use_dask=True)
    same(cube.jtok_factors(), peer.jtok_factors(), rtol=1e-5)
    same(cube.pixels_per_beam, peer.pixels_per_beam, rtol=1e-5)
    same(elements(cube), elements(peer))
    wide = radio_beam.Beam(4.5 * u.arcsec)
    mine, theirs = cube.convolve_to(wide), peer.convolve_to(wide)
    assert type(mine) is SpectralCube and mine.beam == wide
    same(elements(mine), elements(theirs), rtol=2e-4, atol=2e-5)
    common = cube.common_beam()
    same(u.Quantity([common.major, common.minor]), u.Quantity([(b := peer.beams.common_beam()).major, b.minor]).to(common.major.unit), rtol=1e-5, atol=0)
    larger = radio_beam.Beam(common.major * 1.02, common.minor * 1.02, common.pa)
    same(elements(cube.convolve_to(larger)), elements(peer.convolve_to(larger)), rtol=2e-4, atol=5e-5)
    assert np.isfinite(elements(cube.convolve_to(common))).any()
    same(elements(cube.to(u.K)), elements(peer.to(u.K)), rtol=1e-4, atol=1e-3)
    # All that mixes channels of too different beams is refused, sums as well, which upstream lets pass.
    for method in ("moment0", "sum", "mean", "max", "median"):
        with pytest.raises(astro.BeamAverageError):
            getattr(cube, method)(axis=0)
    cube.write(tmp_path / "again.fits")
    again = upstream.SpectralCube.read(tmp_path / "again.fits")
    same(again.unmasked_beams.major[:3], cube.unmasked_beams.major[:3].to(u.arcsec), rtol=1e-5)
    part = cube[2:9]
    assert isinstance(part, VaryingResolutionSpectralCube) and part.unmasked_beams[0] == cube.unmasked_beams[2]
    assert cube[3].beam == cube.unmasked_beams[3]
    spectrum, line = cube.mean(axis=(1, 2)), cube[:, 3, 4]
    for one in (spectrum, line):
        assert isinstance(one, astro.VaryingResolutionOneDSpectrum) and len(one.unmasked_beams) == 24
    narrow = cube.mask_out_bad_beams(0.02)
    assert narrow.goodbeams_mask.sum() == cube.identify_bad_beams(0.02)[cube.goodbeams_mask].sum()
    with pytest.raises(fs.UserError, match="does not enclose"):
        cube.convolve_to(radio_beam.Beam(2.7 * u.arcsec))
    kept = cube.convolve_to(radio_beam.Beam(2.7 * u.arcsec), allow_smaller=True)
    assert kept.shape == cube.shape
    with pytest.raises(AttributeError):
        cube.spectral_smooth(Gaussian1DKernel(1))
    same_beams = cube.with_beams(radio_beam.Beams(major=[3] * 24 * u.arcsec, minor=[3] * 24 * u.arcsec, pa=[0] * 24 * u.deg), raise_error_jybm=False)
    mean = same_beams.moment0(axis=0)
    assert mean.beam == radio_beam.Beam(3 * u.arcsec)


def test_schedulers(cube):
    assert cube._scheduler.kind == "threads"
    before = cube.sum()
    with cube.use_dask_scheduler("synchronous"):
        assert cube._scheduler.threads == 1 and cube.sum() == before
    assert cube._scheduler.threads is None
    cube.use_dask_scheduler("threads", num_workers=2)
    with fs.profile() as p:
        cube.max()
    assert p.tasks > 0 and cube._scheduler.threads == 2 and (cube * 2)._scheduler.threads == 2
    with pytest.raises(fs.UserError):
        cube.use_dask_scheduler("cluster")
    import dask

    cube.use_dask_scheduler(dask.get)
    assert cube._scheduler.threads == 1


def test_functions_in_processes(cube, values):
    cube.use_dask_scheduler("processes", num_workers=2)
    same(elements(cube.apply_function_parallel_spectral(lambda x: x * 2, accepts_chunks=True)), values * 2)


def test_chunks(cube, values, cube_path):
    for chunks in ("auto", 6, (-1, "auto", "auto"), (24, 9, None), {0: -1}, ((12, 12), (18,), (22,))):
        made = cube.rechunk(chunks)
        np.testing.assert_array_equal(elements(made), values)
    assert cube.rechunk((-1, 6, 5))._data.chunksize == (24, 6, 5) and cube.rechunk({0: -1})._data.chunksize[0] == 24
    assert np.prod(cube.rechunk("auto", block_size_limit=4000)._data.chunksize) * 4 <= 4000
    np.testing.assert_array_equal(elements(cube.sigma_clip_spectrally(3, save_to_tmp_dir=True)), elements(cube.sigma_clip_spectrally(3)))
    joined = SpectralCube.read(cube_path, target_chunksize=1000)
    assert np.prod(joined._data.chunksize) <= 1000
    assert "chunk size" in repr(cube)


def test_same_bits_for_any_memory_and_threads(varying_path):
    made = []
    for memory, threads in (("64MiB", 1), ("1GiB", 2)):
        with fs.settings(memory=memory, threads=threads):
            cube = SpectralCube.read(varying_path).convolve_to(radio_beam.Beam(4.5 * u.arcsec))
            made.append(elements(cube.spectral_interpolate(np.linspace(101, 150, 31) * KMS)))
    np.testing.assert_array_equal(made[0], made[1])


def test_errors(cube, values):
    for call in (
        lambda: cube.apply_function_parallel_spectral(lambda x: x[:3]).filled_data[:],
        lambda: cube.downsample_axis(0, 0),
        lambda: cube.downsample_axis(2, 0, estimator="mode"),
        lambda: cube.rechunk((1, 2)),
        lambda: cube.spectral_interpolate(np.linspace(100, 120, 5)),
        lambda: cube.spectral_smooth(np.ones(4)),
        lambda: cube.moment(axis=(0, 1)),
        lambda: SpectralCube(values, wcs=cube.wcs, mask=values[:, :, 0] > 0),
        lambda: cube.with_beams(radio_beam.Beams(major=[1, 2] * u.arcsec, minor=[1, 2] * u.arcsec, pa=[0, 0] * u.deg), raise_error_jybm=False),
    ):
        with pytest.raises((fs.Error, ValueError)):
            call()
    nobeam = SpectralCube(values, wcs=cube.wcs)
    with pytest.raises(astro.NoBeamError):
        nobeam.beam  # noqa: B018
    assert not hasattr(nobeam, "beam")
    with pytest.raises(astro.NoBeamError):
        nobeam.convolve_to(radio_beam.Beam(5 * u.arcsec))
