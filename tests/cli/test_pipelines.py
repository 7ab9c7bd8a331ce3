"""Pipelines equal NumPy and astropy on a small random cube with NaN."""

import json

import numpy as np
import pytest
from astropy.convolution import Box1DKernel, Gaussian1DKernel, convolve
from astropy.io import fits
from astropy.stats import SigmaClip, mad_std
from astropy.units import Unit
from astropy.wcs import WCS

from conftest import spectral_header

# NumPy and astropy warn of spectra of nothing but NaN, which are here on purpose.
pytestmark = pytest.mark.filterwarnings("ignore")


def data_of(freestone, name):
    return fits.getdata(freestone.folder / name).astype("f8")


def same(ours, theirs, rtol=2e-6, atol=1e-6):
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def test_statistics_are_those_of_numpy(freestone, cube):
    got = freestone.json("run cube.fits ! statistics --format json")
    values = cube[np.isfinite(cube)]
    assert list(got) == ["npts", "min", "max", "sum", "sumsq", "mean", "sigma", "rms", "unit"]
    assert got["npts"] == values.size and got["min"] == values.min() and got["max"] == values.max() and got["unit"] == "Jy/beam"
    for key, value in {"sum": values.sum(), "sumsq": (values**2).sum(), "mean": values.mean(), "sigma": values.std(ddof=1),
                       "rms": np.sqrt((values**2).mean())}.items():
        assert got[key] == pytest.approx(value, rel=1e-12)


def test_statistics_of_every_channel(freestone, cube):
    got = freestone.json("run cube.fits --format json ! statistics --axis y,x")
    same(got["mean"], np.nanmean(cube, axis=(1, 2)), 1e-12)
    assert got["npts"] == np.isfinite(cube).sum(axis=(1, 2)).tolist()


@pytest.mark.parametrize("step, function", [
    ("sum", lambda a, axis: np.where(np.isnan(a).all(axis=axis), np.nan, np.nansum(a, axis=axis))), ("mean", np.nanmean), ("median", np.nanmedian),
    ("std", np.nanstd), ("var", np.nanvar), ("min", np.nanmin), ("max", np.nanmax),
    ("mad-std", lambda a, axis: mad_std(a, axis=axis, ignore_nan=True)), ("rms", lambda a, axis: np.sqrt(np.nanmean(a**2, axis=axis))),
    ("count", lambda a, axis: np.isfinite(a).sum(axis=axis)), ("percentile --q 90", lambda a, axis: np.nanpercentile(a, 90, axis=axis)),
    ("argmax", lambda a, axis: np.where(np.isnan(a).all(axis=axis), -1, np.argmax(np.where(np.isnan(a), -np.inf, a), axis=axis))),
    ("argmin", lambda a, axis: np.where(np.isnan(a).all(axis=axis), -1, np.argmin(np.where(np.isnan(a), np.inf, a), axis=axis))),
])
def test_reductions_along_the_spectrum(freestone, cube, step, function):
    freestone.out(f"run cube.fits ! {step} --axis spectral ! write out.fits")
    same(data_of(freestone, "out.fits"), function(cube, axis=0))


@pytest.mark.parametrize("axes, numbers", [("y,x", (1, 2)), ("x", (2,)), ("-1,0", (0, 2)), ("dec", (1,))])
def test_axes_by_name_and_number(freestone, cube, axes, numbers):
    got = freestone.json(f"run cube.fits --format json ! mean --dim={axes}")
    same(np.array(got["values"], dtype=float), np.nanmean(cube, axis=numbers))
    assert got["unit"] == "Jy/beam"


def test_a_number_is_printed(freestone, cube):
    assert float(freestone.out("run cube.fits ! max").split()[0]) == np.nanmax(cube)
    assert freestone.json("run cube.fits --format json ! max")["value"] == np.nanmax(cube)
    assert freestone.out("run cube.fits --format csv ! max").splitlines() == ["name,value,unit", "max,80,Jy/beam"]


def test_tee_gives_all_results_in_one_pass(freestone, cube):
    got = freestone.json("run cube.fits --profile p.json ! sigma-clip --threshold 3 ! tee [ write clipped.fits ] [ moment --order 0 ! write m0.fits ]"
                         " [ moment --order 1 ! write m1.fits ] ! statistics --format json")
    clipped = SigmaClip(3, maxiters=5)(np.ma.masked_invalid(cube), axis=0).filled(np.nan)
    same(data_of(freestone, "clipped.fits"), clipped)
    frequency = 115.0e9 + 1e6 * np.arange(20)
    nothing = np.isnan(clipped).all(axis=0)
    m0 = np.where(nothing, np.nan, np.nansum(clipped * 1e6, axis=0))
    same(data_of(freestone, "m0.fits"), m0)
    m1 = np.nansum(clipped * (frequency - frequency[0])[:, None, None], axis=0) / np.nansum(clipped, axis=0) + frequency[0]
    same(data_of(freestone, "m1.fits"), np.where(nothing, np.nan, m1), 1e-9)
    assert got["npts"] == np.isfinite(clipped).sum()
    header = fits.getheader(freestone.folder / "m1.fits")
    assert header["BUNIT"] == "Hz" and header["NAXIS"] == 2 and header["CTYPE1"] == "RA---TAN"
    assert Unit(fits.getheader(freestone.folder / "m0.fits")["BUNIT"]) == Unit("Jy Hz / beam")
    profile = json.loads((freestone.folder / "p.json").read_text())
    assert profile["bytes_read"] == pytest.approx(cube.size * 4, rel=0.01)


def test_written_files_say_what_was_done(freestone, cube):
    freestone.out("run cube.fits ! sigma-clip --threshold 4 ! tee [ median --axis spectral ! write m.fits ] ! statistics")
    history = "".join(fits.getheader(freestone.folder / "m.fits")["HISTORY"])
    assert "freestone run cube.fits ! sigma-clip --threshold 4 ! median --axis spectral" in history.replace("\n", "")


def test_select_by_frequency_position_and_sky(freestone, cube):
    freestone.out("run cube.fits ! select --spectral 115.005GHz:115.009GHz ! write a.fits")
    same(data_of(freestone, "a.fits"), cube[5:10])
    freestone.out("run cube.fits ! select --index y=2:10:3,spectral=4 ! write b.fits")
    same(data_of(freestone, "b.fits"), cube[4, 2:10:3])
    wcs = WCS(spectral_header()).celestial
    assert np.allclose(WCS(fits.getheader(freestone.folder / "b.fits")).wcs_pix2world([[3, 1]], 0), wcs.wcs_pix2world([[3, 5]], 0), atol=1e-10)
    (lon1, lat1), (lon0, lat0) = wcs.wcs_pix2world([[2.6, 2.6], [9.4, 8.4]], 0)
    freestone.out(f"run cube.fits ! select --bbox {lon0},{lat1},{lon1},{lat0} ! write c.fits")
    same(data_of(freestone, "c.fits"), cube[:, 3:9, 3:10])


@pytest.mark.parametrize("expression, function", [
    ("x - c", lambda x, c: x - c), ("2*x**2 - 1", lambda x, c: 2 * x**2 - 1), ("-x**2", lambda x, c: -(x**2)),
    ("where(x > 3 and isfinite(c), sqrt(abs(x)), 0)", lambda x, c: np.where((x > 3) & np.isfinite(c), np.sqrt(np.abs(x)), 0)),
    ("x - mean(x, axis=spectral)", lambda x, c: x - np.nanmean(x, axis=0)), ("x / std(x, axis=(1, 2))", lambda x, c: x / np.nanstd(x, axis=(1, 2))[:, None, None]),
    ("x / sqrt(2) + hypot(3, 4) * cos(0.5) - maximum(1, arctan2(1, 2)) + abs(-5) // 2 + 7 % 4", lambda x, c: x / np.float32(np.sqrt(2)) + 5 * np.cos(0.5) - 1 + 2 + 3),
    ("maximum(x, c) - median", lambda x, c: np.maximum(x, c) - np.nanmedian(x)), ("(x // 2) + x % 2", lambda x, c: x // 2 + x % 2),
])
def test_calc_is_numpy(freestone, cube, expression, function):
    freestone.out("run cube.fits ! median --axis spectral ! write c.fits")
    freestone.out("run cube.fits --with c=c.fits ! calc", f"--expr '{expression}'", "! write out.npy")
    same(np.load(freestone.folder / "out.npy"), function(cube.astype("f4"), np.nanmedian(cube, axis=0).astype("f4")), 3e-6, 3e-6)


def test_units_follow_expressions(freestone, cube):
    def unit(expression):
        return freestone.json(f"run cube.fits --format json ! calc --expr '{expression}' ! max")["unit"]

    assert unit("x * 2 + 1") == "Jy/beam" and unit("x / x") == "" and unit("sqrt(x * x)") == "Jy/beam" and unit("exp(x)") == ""
    assert "do not convert" in freestone.fails(1, "run cube.fits ! calc --expr 'x + x*x' ! max")


def test_mask_keeps_what_holds(freestone, cube):
    freestone.out("run cube.fits ! mask --where 'x > 1.5*rms' ! write out.fits")
    rms = np.sqrt(np.nanmean(cube**2))
    same(data_of(freestone, "out.fits"), np.where(cube > 1.5 * rms, cube, np.nan))


@pytest.mark.parametrize("options, kernel", [("--kernel gaussian --stddev 1.5", Gaussian1DKernel(1.5)), ("--kernel box --width 3", Box1DKernel(3))])
def test_smooth_is_astropy_convolve(freestone, cube, options, kernel):
    freestone.out(f"run cube.fits ! smooth --axis spectral {options} ! write out.fits")
    theirs = convolve(cube, kernel.array.reshape(-1, 1, 1), boundary="fill", nan_treatment="interpolate", normalize_kernel=True)
    same(data_of(freestone, "out.fits"), np.where(np.isnan(cube), np.nan, theirs), 3e-6)


def test_smooth_by_a_kernel_from_a_file(freestone, cube):
    np.save(freestone.folder / "k.npy", np.array([1.0, 2.0, 1.0]))
    freestone.out("run cube.fits ! smooth --kernel k.npy ! write out.fits")
    theirs = convolve(cube, np.array([0.25, 0.5, 0.25]).reshape(-1, 1, 1), boundary="fill", nan_treatment="interpolate")
    same(data_of(freestone, "out.fits"), np.where(np.isnan(cube), np.nan, theirs), 3e-6)


def test_smooth_by_an_image_from_a_file(freestone, cube):
    """Also where FITS gives the image more axes, of length 1."""
    kernel = np.outer([1.0, 2, 1], [1.0, 3, 5, 3, 1]) / 52
    fits.writeto(freestone.folder / "k.fits", kernel[None, None])
    freestone.out("run cube.fits ! smooth --axis y,x --kernel k.fits ! write out.fits")
    theirs = np.stack([convolve(plane, kernel, boundary="fill", nan_treatment="interpolate") for plane in cube])
    same(data_of(freestone, "out.fits"), np.where(np.isnan(cube), np.nan, theirs), 3e-6)
    fits.writeto(freestone.folder / "two.fits", np.stack([kernel, kernel]))
    assert "has the shape (2, 3, 5)" in freestone.fails(1, "run cube.fits ! smooth --axis y,x --kernel two.fits ! write two_out.fits")


def test_convolve_to_a_beam_writes_the_beam(freestone, cube):
    freestone.out("run cube.fits ! convolve --beam 1.08arcsec,1.08arcsec,0deg ! write out.fits")
    header = fits.getheader(freestone.folder / "out.fits")
    assert header["BMAJ"] == pytest.approx(1.08 / 3600) and header["BMIN"] == pytest.approx(1.08 / 3600)
    assert np.array_equal(np.isnan(data_of(freestone, "out.fits")), np.isnan(cube))


def test_transpose_and_downsample(freestone, cube):
    freestone.out("run cube.fits ! transpose --order x,y,spectral ! write out.npy")
    same(np.load(freestone.folder / "out.npy"), cube.transpose(2, 1, 0))
    freestone.out("run cube.fits ! downsample --factor 5 --axis spectral ! write d.fits")
    same(data_of(freestone, "d.fits"), np.nanmean(cube.reshape(4, 5, 14, 17), axis=1))


def test_to_spectral_and_to_units(freestone, cube):
    info = freestone.json("run cube.fits --format json ! to-spectral --unit km/s --convention radio ! moment --order 1 ! max")
    assert info["unit"] == "km/s"
    assert freestone.json("run cube.fits --format json ! to-units --unit mJy/beam ! max")["value"] == pytest.approx(80000)


def test_write_takes_dtype_and_format(freestone, cube):
    freestone.out("run cube.fits ! write out.bin --as npy --dtype float64")
    assert np.load(freestone.folder / "out.bin").dtype == np.float64
    freestone.out("convert cube.fits other.npy")
    same(np.load(freestone.folder / "other.npy"), cube)


@pytest.mark.parametrize("pipeline, size", [("moment --order 0", 1000), ("mean --axis y,x", 1000)])
def test_plots_are_png(freestone, cube, pipeline, size):
    freestone.out(f"run cube.fits ! {pipeline} ! plot out.png")
    picture = (freestone.folder / "out.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n" and len(picture) > size


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "i8", "f4", "f8"])
def test_every_dtype_of_fits(freestone, random, dtype):
    data = random.integers(0, 100, (3, 4, 5)).astype(dtype)
    fits.PrimaryHDU(data).writeto(freestone.folder / "a.fits")
    got = freestone.json("run a.fits ! statistics --format json")
    assert (got["npts"], got["sum"], got["max"]) == (60, data.sum(), data.max())


def test_the_same_bits_for_any_memory_and_threads(freestone, random):
    shape = (96, 130, 140)
    data = random.normal(0, 1, shape).astype("f4")
    data[random.random(shape) < 0.05] = np.nan
    fits.PrimaryHDU(data, spectral_header()).writeto(freestone.folder / "cube.fits")
    seen = set()
    for options in ["--memory 32MiB --threads 1", "--memory 32MiB --threads 2", "--memory 1GiB --threads 1", "--memory 1GiB --threads 3"]:
        printed = freestone.out(f"run cube.fits --overwrite {options} ! sigma-clip --threshold 3 ! tee [ write c.fits ] [ moment --order 2 ! write m.fits ]"
                                " [ smooth --stddev 2 ! write s.fits ] [ calc --expr 'x - mean(x, axis=0)' ! write d.npy ] ! statistics --format json")
        seen.add((printed, *((freestone.folder / name).read_bytes() for name in ("c.fits", "m.fits", "s.fits", "d.npy"))))
    assert len(seen) == 1


def test_compare_says_where(freestone, cube):
    assert freestone.out("compare cube.fits cube.fits") == "the same\n"
    freestone.out("run cube.fits ! calc --expr 'x * 1.00001' ! write b.fits")
    done = freestone("compare cube.fits b.fits")
    assert done.returncode == 1 and "data: " in done.stdout and "(0, 0, " in done.stdout
    assert freestone.out("compare cube.fits b.fits --rtol 1e-4") == "the same\n"
    freestone.out("run cube.fits ! select --index x=1: ! write c.fits")
    assert "shape: (20, 14, 17) and (20, 14, 16)" in freestone("compare cube.fits c.fits").stdout
