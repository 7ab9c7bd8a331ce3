"""Datasets and DataArrays against xarray: the same names give the same values, coordinates and dimensions."""

import os

import numpy as np
import pytest

import freestone as fs

xr = pytest.importorskip("xarray")
pytest.importorskip("netCDF4")

pytestmark = pytest.mark.filterwarnings("ignore")


def random_dataset(random, calendar="standard", times=200, freq="5D"):
    time = xr.date_range("2001-01-03", periods=times, freq=freq, calendar=calendar, use_cftime=True)
    lat, lon = np.sort(random.uniform(-90, 90, 7))[:: random.choice([1, -1])], np.arange(0, 360, 45.0)
    tas = random.normal(280, 10, (times, 7, 8))
    tas[random.random(tas.shape) < 0.1] = np.nan
    return xr.Dataset(
        {
            "tas": (("time", "lat", "lon"), tas, {"units": "K"}),
            "pr": (("time", "lat", "lon"), random.gamma(2, 1, tas.shape).astype("f4"), {"units": "mm"}),
            "orog": (("lat", "lon"), random.normal(500, 100, (7, 8))),
        },
        {"time": time, "lat": ("lat", lat, {"units": "degrees_north"}), "lon": ("lon", lon, {"units": "degrees_east"})},
    )


@pytest.fixture
def rng():
    seed = int(os.environ.get("FREESTONE_TEST_SEED", "20240607"))
    print("FREESTONE_TEST_SEED =", seed)
    return np.random.default_rng(seed)


@pytest.fixture(params=["standard", "noleap", "360_day"])
def both(request, tmp_path, rng):
    """A random dataset, by Freestone and by xarray."""
    path = tmp_path / "a.nc"
    random_dataset(rng, request.param).to_netcdf(path, encoding={"time": {"units": "hours since 2000-01-01"}})
    return fs.open(path), xr.open_dataset(path, use_cftime=request.param != "standard")


def same(ours, theirs, rtol=1e-6, atol=1e-7):
    ours = ours.to_xarray()
    pairs = [(ours, theirs)] if isinstance(theirs, xr.DataArray) else [(ours[name], theirs[name]) for name in theirs.data_vars]
    if isinstance(theirs, xr.Dataset):
        assert set(ours.data_vars) == set(theirs.data_vars)
    for a, b in pairs:
        assert a.dims == b.dims
        np.testing.assert_allclose(a.values, b.values, rtol=rtol, atol=atol)
        assert set(a.coords) == set(b.coords)
        for name in b.coords:
            np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=name)


def test_what_it_is(both):
    ours, theirs = both
    assert ours.dims == dict(theirs.sizes) and set(ours.data_vars) == set(theirs.data_vars) and set(ours.coords) == set(theirs.coords)
    assert ours["tas"].dims == theirs["tas"].dims and ours["tas"].shape == theirs["tas"].shape and ours["tas"].sizes == dict(theirs["tas"].sizes)
    assert isinstance(ours["tas"], fs.Array) and ours["tas"].attrs["units"] == "K" and ours["tas"].name == "tas"
    np.testing.assert_array_equal(ours["tas"].compute(), theirs["tas"])
    np.testing.assert_array_equal(ours["tas"].coords["lat"].values, theirs["lat"])
    same(ours, theirs)
    same(ours[["tas"]], theirs[["tas"]])
    with pytest.raises(KeyError):
        ours["nothing"]
    assert "tas" in repr(ours) and "lat" in repr(ours["tas"])


def test_sel(both, rng):
    ours, theirs = both
    lat = theirs["lat"].values
    ends = slice(70, -70) if lat[0] > lat[-1] else slice(-70, 70)
    for wanted in ({"time": "2001-05"}, {"time": slice("2001-04", "2002-02-10")}, {"lat": ends}, {"lon": [45.0, 270.0]}, {"lon": 90, "time": "2002"}):
        same(ours.sel(wanted), theirs.sel(wanted))
        same(ours["tas"].sel(**wanted), theirs["tas"].sel(**wanted))
    for _ in range(5):
        at = {"lat": float(rng.uniform(-90, 90)), "lon": float(rng.uniform(0, 330))}
        same(ours.sel(at, method="nearest"), theirs.sel(at, method="nearest"))
    same(ours.sel(lon=100, method="pad"), theirs.sel(lon=100, method="pad"))
    same(ours.sel(lon=[100, 200], method="backfill"), theirs.sel(lon=[100, 200], method="backfill"))
    with pytest.raises(fs.UserError, match="no label"):
        ours.sel(lon=46)
    with pytest.raises(fs.UserError, match="no axis 'lan'"):
        ours.sel(lan=46)
    with pytest.raises(fs.UserError, match="within"):
        ours.sel(lon=20, method="nearest", tolerance=1)


def test_isel(both):
    ours, theirs = both
    for wanted in ({"time": 3}, {"time": slice(5, 100, 7), "lat": -1}, {"lon": [3, 1, -1]}, {"lat": slice(None, None, -1)}):
        same(ours.isel(wanted), theirs.isel(wanted))
    same(ours["pr"][2:5, -1], theirs["pr"][2:5, -1])


@pytest.mark.parametrize("function", ["sum", "mean", "min", "max", "std", "var", "median", "count"])
def test_reductions(both, function):
    ours, theirs = both
    for dim in (None, "time", ("lat", "lon")):
        a = getattr(ours["tas"], function)(dim)
        same(a, getattr(theirs["tas"], function)(dim))
    both_with_time = ["tas", "pr"]  # xarray folds what has no such axis over none: its std is 0
    same(getattr(ours, function)("time")[both_with_time], getattr(theirs[both_with_time].astype("f8"), function)("time"), rtol=1e-5)
    same(getattr(ours["orog"], function)(axis=1), getattr(theirs["orog"], function)(axis=1))
    same(ours["pr"].mean("time", skipna=False), theirs["pr"].astype("f8").mean("time", skipna=False), 1e-5)


@pytest.mark.parametrize("part", ["month", "year", "season", "dayofyear", "day"])
def test_groupby(both, part):
    ours, theirs = both
    for function in ("mean", "sum", "max", "std", "count", "first", "last"):
        a, b = getattr(ours[["tas"]].groupby(f"time.{part}"), function)(), getattr(theirs[["tas"]].groupby(f"time.{part}"), function)()
        same(a, b.transpose(*[{"time": part}.get(d, d) for d in ("time", "lat", "lon")]))
    groups = theirs["tas"].groupby(f"time.{part}")
    anomaly = (groups - groups.mean()).drop_vars(part)
    same(ours["tas"].groupby(f"time.{part}") - ours["tas"].groupby(f"time.{part}").mean(), anomaly, atol=1e-9)
    same(ours["tas"].anomaly(f"time.{part}"), anomaly, atol=1e-9)
    same(ours["tas"].climatology(f"time.{part}"), groups.mean())


def test_seasons_by_name(both):
    ours, theirs = both
    same(ours["tas"].groupby("time.season").mean().sel(season="JJA").mean(), theirs["tas"].groupby("time.season").mean().sel(season="JJA").mean())


@pytest.mark.parametrize("step", ["1MS", "QS-DEC", "YS", "10D"])
def test_resample(both, step):
    ours, theirs = both
    for function in ("mean", "sum", "max", "count"):
        a = getattr(ours["pr"].resample(time=step), function)()
        same(a, getattr(theirs["pr"].astype("f8").resample(time=step), function)(), rtol=1e-5)


def test_rolling(both):
    ours, theirs = both
    for window, center, least in ((5, False, None), (4, True, None), (7, True, 2), (3, False, 1)):
        for function in ("mean", "sum", "max", "std", "median", "count"):
            a = getattr(ours["tas"].rolling(time=window, center=center, min_periods=least), function)()
            b = getattr(theirs["tas"].rolling(time=window, center=center, min_periods=least), function)()
            same(a, b, rtol=1e-6, atol=1e-5)


def test_weighted(both, rng):
    ours, theirs = both
    weights = np.cos(np.radians(theirs["lat"]))
    for function in ("mean", "sum", "std", "var"):
        for dim in (("lat", "lon"), "lat", None):
            same(getattr(ours["tas"].weighted("coslat"), function)(dim), getattr(theirs["tas"].weighted(weights), function)(dim), rtol=1e-9)
    for dim in (("lat", "lon"), "lat", None):
        for q in (0.1, 0.5):
            same(ours["tas"].weighted("coslat").quantile(q, dim=dim), theirs["tas"].weighted(weights).quantile(q, dim=dim).drop_vars("quantile"), rtol=1e-9)
    same(ours["tas"].weighted("coslat").median("lat"), theirs["tas"].weighted(weights).quantile(0.5, dim="lat").drop_vars("quantile"), rtol=1e-9)
    with pytest.raises(fs.UserError, match="between 0 and 1"):
        ours["tas"].weighted("coslat").quantile(50)
    w = ours["orog"]
    same(ours["tas"].weighted(w).mean(("lat", "lon")), theirs["tas"].weighted(theirs["orog"]).mean(("lat", "lon")), rtol=1e-9)


def test_interp(both, rng):
    ours, theirs = both
    inside = np.sort(rng.uniform(theirs["lat"].values.min(), theirs["lat"].values.max(), 5))
    same(ours["tas"].interp(lat=inside), theirs["tas"].interp(lat=inside), atol=1e-8)
    same(ours["tas"].interp(lat=inside, lon=[10.0, 100.0]), theirs["tas"].interp(lat=inside, lon=[10.0, 100.0]), atol=1e-8)
    same(ours["tas"].interp(lon=10.0), theirs["tas"].interp(lon=10.0), atol=1e-8)


def test_arithmetic_meets_by_names_and_labels(both):
    ours, theirs = both
    same(ours["tas"] - 273.15, theirs["tas"] - 273.15)
    same(2 * ours["tas"] + ours["pr"], 2 * theirs["tas"] + theirs["pr"])
    same(ours["tas"] - ours["tas"].mean("time"), theirs["tas"] - theirs["tas"].mean("time"), atol=1e-9)
    same(ours["orog"] * ours["tas"].isel(lat=slice(2, 5)), theirs["orog"] * theirs["tas"].isel(lat=slice(2, 5)))
    same(abs(-ours["pr"]), abs(-theirs["pr"]))
    same(ours["tas"].where(ours["tas"] > 280), theirs["tas"].where(theirs["tas"] > 280))


def test_lazy_inside_of_xarray(both):
    ours, theirs = both
    lazy = ours["tas"].to_xarray(lazy=True)
    assert isinstance(lazy.variable._data, fs.Array)
    np.testing.assert_array_equal(lazy.values, theirs["tas"].values)
    np.testing.assert_array_equal(lazy["time"], theirs["time"])


@pytest.mark.parametrize("suffix", ["nc3", "zarr"])
def test_write_and_open_many(both, tmp_path, suffix):
    ours, theirs = both
    ours.mean("time").write(tmp_path / f"m.{suffix}")
    same(fs.open(tmp_path / f"m.{suffix}"), theirs.astype("f8").mean("time"), rtol=1e-5)  # a mean over no axis is the number itself
    fs.write({tmp_path / f"t.{suffix}": ours["tas"].groupby("time.month").mean()})
    same(fs.open(tmp_path / f"t.{suffix}")["tas"], theirs["tas"].groupby("time.month").mean())
    for number, start in enumerate(range(0, 200, 50)):
        theirs.isel(time=slice(start, start + 50)).to_netcdf(tmp_path / f"part_{number}.nc")
    for opened in (fs.open(tmp_path / "part_*.nc"), fs.open([tmp_path / f"part_{k}.nc" for k in (2, 0, 1, 3)])):
        same(opened["tas"], theirs["tas"])
        same(opened["pr"].mean("time"), theirs["pr"].astype("f8").mean("time"), rtol=1e-5)
    with pytest.raises(fs.UserError, match="no file has such a name"):
        fs.open(tmp_path / "nothing_*.nc")
