"""The figures of a real cube: MUSE, Abell 478, as scripts/fetch-muse brings it."""

import numpy as np
import pytest
from astropy.io import fits

from conftest import ROOT

MUSE = ROOT / ".cache" / "muse" / "minicube.fits"
pytestmark = pytest.mark.skipif(not MUSE.exists(), reason="scripts/fetch-muse has not been run")


def test_statistics(freestone):
    got = freestone.json("run", MUSE, "! statistics --format json")
    assert got["npts"] == 5_889_595
    for key, value in {"min": -232.650482, "max": 493.972626, "sum": 152_691_889.23, "mean": 25.925703, "sigma": 20.531854, "rms": 33.071120}.items():
        assert got[key] == pytest.approx(value, rel=1e-7)


def test_median_clip_and_moments(freestone):
    freestone.out("run", MUSE, "! median --axis spectral ! write continuum.fits")
    assert np.sum(fits.getdata(freestone.folder / "continuum.fits"), dtype="f8") == pytest.approx(42_197.9259, abs=1e-3)
    assert freestone.json("run", MUSE, "--format json ! sigma-clip --threshold 3 ! count")["value"] == 5_747_106

    line = "! select --spectral 7101:7165"
    freestone.out("run", MUSE, line, "! tee [ moment --order 0 ! write m0.fits ] [ moment --order 1 ! write m1.fits ]")
    freestone.out("run", MUSE, "--with c=continuum.fits", line, "! calc --expr 'x - c' ! tee [ moment --order 0 ! write l0.fits ] [ moment --order 1 ! write l1.fits ]")
    m0, m1, l0, l1 = (fits.getdata(freestone.folder / f"{name}.fits") for name in ("m0", "m1", "l0", "l1"))
    assert m0.sum() == pytest.approx(5_607_894.79, abs=0.01) and l0.sum() == pytest.approx(2_865_029.61, abs=0.05)
    assert m1[20, 20] == pytest.approx(7133.7081, abs=1e-4) and l1[20, 20] == pytest.approx(7134.2019, abs=1e-4)
    assert fits.getheader(freestone.folder / "l1.fits")["BUNIT"] == "Angstrom"
