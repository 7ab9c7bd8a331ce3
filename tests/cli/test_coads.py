"""The figures of a real climatology: COADS' sea surface temperatures, as scripts/fetch-coads brings them."""

import numpy as np
import pytest

from conftest import ROOT

xr = pytest.importorskip("xarray")

COADS = ROOT / ".cache" / "coads" / "coads_climatology.cdf"
pytestmark = pytest.mark.skipif(not COADS.exists(), reason="scripts/fetch-coads has not been run")


def test_mean_sea_surface_temperature(freestone):
    plain = freestone.json("run", COADS, "--var SST --format json ! mean")
    assert plain["value"] == pytest.approx(18.095, abs=5e-4)
    assert plain["unit"] in ("Deg C", "deg C", "DEG C", "degC", "deg_C")
    weighted = freestone.json("run", COADS, "--var SST --format json ! mean --weights coslat")
    assert weighted["value"] == pytest.approx(20.224, abs=5e-4)


def test_a_whole_file_and_its_coordinates(freestone):
    with xr.open_dataset(COADS, decode_times=False) as ds:
        freestone.out("run", COADS, "! mean --dim TIME ! write mean.nc3")
        with xr.open_dataset(freestone.folder / "mean.nc3") as out:
            assert {name for name in ds.data_vars} == set(out.data_vars)
            for name in ds.data_vars:
                np.testing.assert_allclose(out[name], ds[name].astype("f8").mean("TIME"), rtol=1e-5, atol=1e-6)
                np.testing.assert_array_equal(out[name]["COADSX"], ds[name]["COADSX"])
    info = freestone.json("info", COADS, "--json")
    assert info["dims"]["COADSX"] == 180 and info["dims"]["TIME"] == 12


def test_months_of_a_year_zero(freestone):
    """The reference "hour since 0000-01-01" is in a year that the standard calendar does not have: months are months all the same."""
    with xr.open_dataset(COADS, decode_times=False) as ds:
        freestone.out("run", COADS, "--var SST ! climatology ! write months.nc")
        with xr.open_dataset(freestone.folder / "months.nc", decode_times=False) as out:
            # One step a month, in the order of the months.
            np.testing.assert_array_equal(out["month"], np.arange(1, 13))
            np.testing.assert_array_equal(out["SST"].values, ds["SST"].values)
        winter = freestone.json("run", COADS, "--var SST --format json ! sel --time 0000-01:0000-02 ! mean")
        assert winter["value"] == pytest.approx(float(ds["SST"][:2].astype("f8").mean()), rel=1e-6)
