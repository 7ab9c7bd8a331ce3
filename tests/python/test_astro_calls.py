"""What cubes call and are called with: block_info, boxes chosen once, tables of beams beside a Stokes axis."""

import time

import astropy.units as u
import freestone as fs
import numpy as np
import pytest
from astropy.convolution import Gaussian2DKernel
from astropy.io import fits
from freestone.astro import SpectralCube, StokesSpectralCube, VaryingResolutionSpectralCube

radio_beam = pytest.importorskip("radio_beam")
pytestmark = pytest.mark.filterwarnings("ignore")

JY = u.Jy / u.beam
KMS = u.km / u.s


def elements(cube):
    return cube.filled_data[:].value


# Functions.


@pytest.mark.parametrize("accepts_chunks", [False, True])
def test_each_call_is_told_of_its_own_block(cube, accepts_chunks):
    places = np.broadcast_to(np.arange(18 * 22.0).reshape(18, 22), cube.shape)
    wrong = []

    def look(part, block_info=None):
        if block_info is not None:
            time.sleep(0.0005)  # others are called meanwhile
            y, x = divmod(int(part.flat[0]), 22)
            (y0, y1), (x0, x1) = block_info[0]["array-location"][1:]
            if not (y0 <= y < y1 and x0 <= x < x1):
                wrong.append((y, x, block_info[0]["array-location"]))
        return part

    numbered = SpectralCube(places, wcs=cube.wcs).rechunk((-1, 3, 11))
    with fs.settings(threads=4):
        made = numbered.apply_function_parallel_spectral(look, accepts_chunks=accepts_chunks)
        np.testing.assert_array_equal(elements(made), places)
    assert not wrong


def test_allow_huge_goes_to_functions_of_the_user_only(cube):
    given = []

    def look(part, *_, **options):
        given.append({name: options[name] for name in ("allow_huge", "other") if name in options})
        return part

    both, kernel = {"allow_huge": True, "other": 1}, Gaussian2DKernel(1)
    for made in (
        cube.apply_function_parallel_spatial(look, num_cores=2, **both),
        cube.apply_function_parallel_spectral(look, **both),
        cube.spatial_smooth(kernel, convolve=look, raise_error_jybm=False, **both),
    ):
        given.clear()
        elements(made)
        assert given and all(options == both for options in given)
    # Where nobody brings a function it is without meaning, also when others of the options need astropy.
    for options in ({}, {"boundary": "extend"}):
        expected = elements(cube.spatial_smooth(kernel, raise_error_jybm=False, **options))
        np.testing.assert_array_equal(elements(cube.spatial_smooth(kernel, raise_error_jybm=False, allow_huge=True, **options)), expected)
    np.testing.assert_array_equal(elements(cube.sigma_clip_spectrally(3, allow_huge=True)), elements(cube.sigma_clip_spectrally(3)))
    np.testing.assert_array_equal(elements(cube.spectral_smooth_median(3, allow_huge=True)), elements(cube.spectral_smooth_median(3)))


# Stokes: a beam for each channel of each plane.


@pytest.fixture(scope="module")
def table():
    """(plane, channel) of major axes in arcsec; one channel of Q has none."""
    major = 3 + np.random.default_rng(31).uniform(0, 0.01, size=(2, 24))
    major[0, 7] = np.nan
    return major


@pytest.fixture(scope="module")
def stokes_hdus(values, cube_path, table):
    """Q, then I, and BEAMS whose rows come in no order."""
    header = fits.getheader(cube_path)
    for key in ("BMAJ", "BMIN", "BPA"):
        del header[key]
    header.update(CTYPE4="STOKES", CRPIX4=1.0, CRVAL4=2.0, CDELT4=-1.0, CUNIT4="", CASAMBM=True)
    rows = np.random.default_rng(32).permutation([(channel, plane) for plane in range(2) for channel in range(24)])
    channels, planes = rows.T
    columns = [
        fits.Column(name="BMAJ", format="1D", array=table[planes, channels], unit="arcsec"),
        fits.Column(name="BMIN", format="1D", array=table[planes, channels] - 1, unit="arcsec"),
        fits.Column(name="BPA", format="1D", array=np.full(48, 20.0), unit="deg"),
        fits.Column(name="CHAN", format="1J", array=channels),
        fits.Column(name="POL", format="1J", array=planes),
    ]
    beams = fits.BinTableHDU.from_columns(columns, name="BEAMS")
    return fits.HDUList([fits.PrimaryHDU(np.stack([values * -2, values]).astype("f4"), header), beams])


@pytest.fixture(scope="module")
def stokes_path(stokes_hdus, tmp_path_factory):
    path = tmp_path_factory.mktemp("stokes") / "qi.fits"
    stokes_hdus.writeto(path)
    return path


def major_of(cube):
    return cube.unmasked_beams.major.to_value(u.arcsec)


def test_i_has_the_beams_of_its_plane(stokes_path, stokes_hdus, table, values):
    for cube in (SpectralCube.read(stokes_path), SpectralCube.read(stokes_hdus)):
        assert isinstance(cube, VaryingResolutionSpectralCube)
        np.testing.assert_allclose(major_of(cube), table[1], rtol=1e-6)
        np.testing.assert_array_equal(elements(cube), values)  # the channel without a beam is one of Q


def test_stokes_cubes_have_the_beams_of_their_planes(stokes_path, table, values, tmp_path):
    stokes = StokesSpectralCube.read(stokes_path)
    for plane, name in enumerate("QI"):
        assert isinstance(stokes[name], VaryingResolutionSpectralCube)
        np.testing.assert_allclose(major_of(stokes[name]), table[plane], rtol=1e-6)
        np.testing.assert_allclose(major_of(stokes[3:12:2][name]), table[plane, 3:12:2], rtol=1e-6)
        np.testing.assert_allclose(major_of(stokes.subcube(zlo=5, zhi=9, xlo=2)[name]), table[plane, 5:9], rtol=1e-6)
    want = values * -2
    want[7] = np.nan
    np.testing.assert_array_equal(elements(stokes.Q), want)
    stokes.write(tmp_path / "out.fits")
    again = SpectralCube.read(tmp_path / "out_Q.fits")
    np.testing.assert_allclose(major_of(again), table[0], rtol=1e-6)


def test_a_table_that_does_not_fit_is_refused(stokes_hdus):
    rows = stokes_hdus[1].data
    short = fits.BinTableHDU.from_columns([fits.Column(name=n, format="1D", array=rows[n][:5]) for n in ("BMAJ", "BMIN", "BPA")], name="BEAMS")
    with pytest.raises(fs.UserError, match="5 beams for 24 channels"):
        SpectralCube.read(fits.HDUList([stokes_hdus[0], short]))
    far = fits.BinTableHDU(rows.copy(), name="BEAMS")
    far.data["CHAN"][far.data["CHAN"] == 3] = 24
    with pytest.raises(fs.UserError, match="channel 24, and the cube has 24 channels"):
        SpectralCube.read(fits.HDUList([stokes_hdus[0], far]))


# Stokes: one box for all.


@pytest.fixture
def uneven(values, cube_path):
    """I lacks channels at the front, Q at the end, and Q has a corner that I has not."""
    cube = SpectralCube.read(cube_path)
    i, q = np.zeros(cube.shape, bool), np.zeros(cube.shape, bool)
    i[6:20, 4:12, 5:15] = True
    q[3:15, 4:14, 5:15] = True
    return StokesSpectralCube({"I": cube.with_mask(i), "Q": (cube * 3.0).with_mask(q)})


def test_the_box_holds_what_counts_in_any_component(uneven, values):
    finite = np.isfinite(values)
    counts = (uneven.I.get_mask_array() | uneven.Q.get_mask_array()) & finite
    box = tuple(slice(int(at.min()), int(at.max()) + 1) for at in np.nonzero(counts))
    small = uneven.minimal_subcube()
    assert small.shape == values[box].shape
    for name in "IQ":
        np.testing.assert_array_equal(elements(small[name]), elements(uneven[name])[box])


def test_regions_cut_all_components_alike(uneven, values):
    regions = pytest.importorskip("regions")
    circle = regions.CirclePixelRegion(regions.PixCoord(9, 8), 3)
    part = uneven.subcube_from_regions([circle])
    assert part.I.shape == part.Q.shape == part.shape
    inside = circle.to_mask().to_image(values.shape[1:]).astype(bool)
    for name in "IQ":
        want = elements(uneven[name])[:, inside]
        got = elements(part[name])
        assert np.isfinite(got).sum() == np.isfinite(want).sum() > 0
        np.testing.assert_allclose(np.nansum(got, dtype=float), np.nansum(want, dtype=float), rtol=1e-6)
    text = "image\ncircle(10,9,3)"
    assert uneven.subcube_from_ds9region(text).shape == part.shape


def test_a_part_keeps_the_common_mask_and_the_cubes_as_given(uneven, values):
    common = np.zeros(values.shape, bool)
    common[:, 5:9, 6:] = True
    masked = uneven.with_mask(common)
    for part, view in (
        (masked.subcube(xlo=2, xhi=20, zlo=1), (slice(1, None), slice(None), slice(2, 20))),
        (masked.spectral_slab(110 * KMS, 130 * KMS), slice(4, 13)),
        (masked[4:13], slice(4, 13)),
    ):
        np.testing.assert_array_equal(part.mask.include(), common[view])
        for name in "IQ":
            np.testing.assert_array_equal(part.stokes_data[name].get_mask_array(), uneven[name].get_mask_array()[view])
            np.testing.assert_array_equal(elements(part[name]), np.where(common, elements(uneven[name]), np.nan)[view])
    np.testing.assert_array_equal(elements(uneven[common].Q), elements(masked.Q))
    with pytest.raises(fs.UserError, match="slice"):
        uneven[3]


def test_without_any_mask_the_box_is_the_whole(values, cube):
    whole = StokesSpectralCube({"I": SpectralCube(np.nan_to_num(values), wcs=cube.wcs)})
    assert whole.minimal_subcube().shape == values.shape


def test_another_basis_counts_where_all_of_its_parts_do(cube, values):
    rng = np.random.default_rng(33)
    where = {name: rng.random(values.shape) < 0.8 for name in ("RR", "LL", "RL", "LR")}
    feeds = StokesSpectralCube({name: cube.with_mask(kept) for name, kept in where.items()})
    sky = feeds.transform_basis("Sky")
    for name, parts in (("I", ("RR", "LL")), ("Q", ("RL", "LR")), ("V", ("RR", "LL"))):
        np.testing.assert_array_equal(sky[name].get_mask_array(), where[parts[0]] & where[parts[1]] & np.isfinite(values), err_msg=name)
