"""Pipelines on datasets: labels, groups, weights, several files; what comes out against xarray, values, coordinates and attributes."""

import json

import numpy as np
import pandas as pd
import pytest

xr = pytest.importorskip("xarray")
netCDF4 = pytest.importorskip("netCDF4")

pytestmark = pytest.mark.filterwarnings("ignore")


def climate(random, times=48, calendar="standard", start="2001-01-01", freq="MS"):
    """Two variables of a grid, one of it without time, with bounds and a grid mapping; NaN among the numbers."""
    time = xr.date_range(start, periods=times, freq=freq, calendar=calendar, use_cftime=True)
    lat, lon = np.linspace(-85, 85, 18), np.arange(0, 360, 15.0)
    tas = random.normal(280, 10, (times, 18, 24)).astype("f4")
    tas[random.random(tas.shape) < 0.05] = np.nan
    ds = xr.Dataset(
        {
            "tas": (("time", "lat", "lon"), tas, {"units": "K", "standard_name": "air_temperature", "grid_mapping": "crs"}),
            "pr": (("time", "lat", "lon"), random.gamma(2, 1e-5, tas.shape), {"units": "kg m-2 s-1"}),
            "orog": (("lat", "lon"), random.normal(500, 100, (18, 24)), {"units": "m"}),
            "lat_bnds": (("lat", "bnds"), np.stack([lat - 5, lat + 5], -1)),
            "crs": ((), np.int32(0), {"grid_mapping_name": "latitude_longitude"}),
        },
        {"time": time, "lat": ("lat", lat, {"units": "degrees_north", "bounds": "lat_bnds"}), "lon": ("lon", lon, {"units": "degrees_east"})},
        {"title": "noise", "Conventions": "CF-1.8"},
    )
    return ds


def save(ds, path, **encoding):
    ds.to_netcdf(path, encoding={"time": {"units": "days since 2000-01-01"}, **encoding})


@pytest.fixture
def ds(freestone, random):
    out = climate(random)
    save(out, freestone.folder / "a.nc")
    return xr.open_dataset(freestone.folder / "a.nc", decode_coords="all")


def opened(freestone, name):
    return xr.open_dataset(freestone.folder / name, decode_coords="all", engine="zarr" if name.endswith("zarr") else None)


def equal(a, b, rtol=2e-6):
    """Values and coordinates; attributes of what is the same variable."""
    assert a.dims == b.dims, (a.dims, b.dims)
    np.testing.assert_allclose(a.values, b.values, rtol=rtol, atol=1e-30)
    assert set(a.coords) == set(b.coords), (set(a.coords), set(b.coords))
    for name in b.coords:
        assert a[name].dims == b[name].dims, name
        if name != "crs":
            np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=name)


@pytest.mark.parametrize("suffix", ["nc3", "zarr"])
@pytest.mark.parametrize("function", ["mean", "sum", "min", "max", "std", "var", "median", "count"])
def test_reductions_of_a_whole_dataset(freestone, ds, function, suffix):
    freestone.out(f"run a.nc ! {function} --dim time ! write out.{suffix}")
    out = opened(freestone, f"out.{suffix}")
    for name in ("tas", "pr"):
        expected = getattr(ds[name].astype("f8"), function)("time")
        if function == "sum":  # nothing but NaN has no sum here
            expected = ds[name].astype("f8").sum("time", min_count=1)
        equal(out[name], expected)
        if function in ("mean", "min", "max"):
            assert out[name].attrs["units"] == ds[name].attrs["units"]
            assert out[name].attrs["cell_methods"] == "time: " + {"mean": "mean", "min": "minimum", "max": "maximum"}[function]
    equal(out["orog"], ds["orog"])
    assert out.attrs["title"] == "noise" and f"{function} --dim time" in out.attrs["history"]
    assert out["tas"].encoding.get("grid_mapping", out["tas"].attrs.get("grid_mapping")) == "crs"
    np.testing.assert_array_equal(out["lat_bnds"], ds["lat_bnds"])


def test_select_by_labels(freestone, ds, random):
    cases = [
        ("--time 2001-03:2002-02", dict(time=slice("2001-03", "2002-02"))),
        ("--time 2002", dict(time="2002")),
        ("--lat -30:30", dict(lat=slice(-30, 30))),
        ("--lat -25 --lon 0:90", dict(lat=-25, lon=slice(0, 90))),
        ("--lon 15,45,330", dict(lon=[15, 45, 330])),
        ("--lat=-85:85:3", dict(lat=slice(-85, 85, 3))),
    ]
    for words, wanted in cases:
        freestone.out(f"run a.nc --var tas ! select {words} ! write out.nc3 --overwrite")
        equal(opened(freestone, "out.nc3")["tas"], ds["tas"].sel(**wanted), 0)
    for _ in range(5):
        lat, lon = random.uniform(-80, 80), random.uniform(0, 340)
        freestone.out(f"run a.nc --var tas ! sel --lat={lat} --lon {lon} ! write out.nc3 --overwrite")
        equal(opened(freestone, "out.nc3")["tas"], ds["tas"].sel(lat=lat, lon=lon, method="nearest"), 0)
    freestone.out("run a.nc ! select --index time=3:40:5,lat=2 ! write out.nc3 --overwrite")
    equal(opened(freestone, "out.nc3")["pr"], ds["pr"].isel(time=slice(3, 40, 5), lat=2), 0)
    equal(opened(freestone, "out.nc3")["orog"], ds["orog"].isel(lat=2), 0)
    assert "has no label 12" in freestone.fails(1, "run a.nc --var tas ! select --lat 12 ! mean")
    assert "2001-01-01" in freestone.fails(1, "run a.nc --var tas ! select --time 1999 ! mean")
    assert "no axis 'latt'" in freestone.fails(1, "run a.nc --var tas ! select --latt 12 ! mean")


def test_a_box_across_the_meridian(freestone, ds):
    freestone.out("run a.nc --var tas,orog ! select --bbox=-40,-30,50,40 ! write out.nc3")
    west = ds["tas"].assign_coords(lon=(ds.lon + 180) % 360 - 180).sortby("lon").sel(lon=slice(-40, 50), lat=slice(-30, 40))
    out = opened(freestone, "out.nc3")
    np.testing.assert_array_equal(out["tas"], west)
    np.testing.assert_array_equal(out["lon"], west["lon"])
    np.testing.assert_array_equal(out["lat"], west["lat"])
    freestone.out("run a.nc --var tas ! select --bbox 20,-30,70,40 ! write b.nc3")
    equal(opened(freestone, "b.nc3")["tas"], ds["tas"].sel(lon=slice(20, 70), lat=slice(-30, 40)), 0)
    assert "no point lies within" in freestone.fails(1, "run a.nc --var tas ! select --bbox 1,-1,2,1 ! mean")


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_groups(freestone, random, calendar):
    ds = climate(random, times=500, calendar=calendar, freq="3D")
    save(ds, freestone.folder / "a.nc")
    ds = xr.open_dataset(freestone.folder / "a.nc", decode_coords="all", use_cftime=True).astype("f8")
    for part in ("month", "year", "dayofyear"):
        for function in ("mean", "sum", "max", "std", "count"):
            freestone.out(f"run a.nc --var tas ! group --by time.{part} ! {function} ! write out.nc3 --overwrite")
            expected = getattr(ds["tas"].groupby(f"time.{part}"), function)()
            equal(opened(freestone, "out.nc3")["tas"], expected, 1e-5)
    freestone.out("run a.nc --var tas ! group --by time.season ! mean ! write out.nc3 --overwrite")
    expected = ds["tas"].groupby("time.season").mean().sel(season=["DJF", "MAM", "JJA", "SON"])
    np.testing.assert_allclose(opened(freestone, "out.nc3")["tas"], expected, rtol=1e-5)
    freestone.out("run a.nc ! resample --time 1MS ! mean ! write out.nc3 --overwrite")
    expected = ds["pr"].resample(time="1MS").mean()
    out = xr.open_dataset(freestone.folder / "out.nc3", use_cftime=True)
    np.testing.assert_allclose(out["pr"], expected, rtol=1e-6)
    np.testing.assert_array_equal(out["time"], expected["time"])
    freestone.out("run a.nc --var tas ! climatology ! write out.nc3 --overwrite")
    equal(opened(freestone, "out.nc3")["tas"], ds["tas"].groupby("time.month").mean(), 1e-5)
    freestone.out("run a.nc --var tas ! anomaly ! write out.nc3 --overwrite")
    groups = ds["tas"].groupby("time.month")
    np.testing.assert_allclose(opened(freestone, "out.nc3")["tas"], groups - groups.mean(), atol=1e-4)
    assert "a reduction must follow" in freestone.fails(1, "run a.nc --var tas ! group --by time.month ! write x.nc3")
    assert "none follows" in freestone.fails(2, "run a.nc --var tas ! group --by time.month")


def test_rolling_and_interp(freestone, ds):
    for words, wanted in [("--window 5", dict()), ("--window 4 --center", dict(center=True)), ("--window 6 --min-periods 1", dict(min_periods=1))]:
        freestone.out(f"run a.nc --var tas ! rolling {words} ! write out.nc3 --overwrite")
        expected = ds["tas"].astype("f8").rolling(time=int(words.split()[1]), **wanted).mean()
        equal(opened(freestone, "out.nc3")["tas"], expected, 1e-5)
    freestone.out("run a.nc --var pr ! interp --lat=-80:80:20 --lon 7.5,100 ! write out.nc3 --overwrite")
    expected = ds["pr"].interp(lat=np.arange(-80, 81, 20.0), lon=[7.5, 100.0])
    np.testing.assert_allclose(opened(freestone, "out.nc3")["pr"], expected, rtol=1e-12)


def test_weights(freestone, ds):
    weights = np.cos(np.radians(ds.lat))
    for function in ("mean", "sum", "std", "var"):
        freestone.out(f"run a.nc --var tas ! {function} --dim lat,lon --weights coslat ! write out.nc3 --overwrite")
        expected = getattr(ds["tas"].astype("f8").weighted(weights), function)(("lat", "lon"))
        np.testing.assert_allclose(opened(freestone, "out.nc3")["tas"], expected, rtol=1e-9)
    floats = ds["tas"].astype("f8")
    middle = floats.weighted(weights).quantile(0.5, dim=("lat", "lon"))
    robust = 1.482602218505602 * abs(floats - middle).weighted(weights).quantile(0.5, dim=("lat", "lon"))
    high = floats.weighted(weights).quantile(0.9, dim=("lat", "lon"))
    for step, expected in (("median", middle), ("percentile --q 90", high), ("mad-std", robust)):
        freestone.out(f"run a.nc --var tas ! {step} --dim lat,lon --weights coslat ! write out.nc3 --overwrite")
        np.testing.assert_allclose(opened(freestone, "out.nc3")["tas"], expected, rtol=1e-9)
    assert "no option --weights" in freestone.fails(2, "run a.nc --var tas ! max --weights coslat")
    printed = freestone.json("run a.nc --var tas --format json ! mean --weights coslat")
    assert printed["value"] == pytest.approx(float(ds["tas"].astype("f8").weighted(weights).mean()), rel=1e-9) and printed["unit"] == "K"
    xr.DataArray(np.arange(24.0), dims="lon", name="w").to_netcdf(freestone.folder / "w.nc")
    freestone.out("run a.nc --var tas --with w=w.nc ! mean --dim lon --weights w ! write out.nc3 --overwrite")
    expected = ds["tas"].astype("f8").weighted(xr.DataArray(np.arange(24.0), dims="lon")).mean("lon")
    np.testing.assert_allclose(opened(freestone, "out.nc3")["tas"], expected, rtol=1e-9)


def test_a_glob_is_one_dataset(freestone, random):
    whole = climate(random, times=48)
    for year in range(2001, 2005):
        part = whole.sel(time=str(year))
        save(part, freestone.folder / f"clim_{year}.nc", tas={"zlib": True})
    freestone.out("run 'clim_*.nc' --var tas ! mean --dim time ! write mean.nc3")
    np.testing.assert_allclose(opened(freestone, "mean.nc3")["tas"], whole["tas"].astype("f8").mean("time"), rtol=1e-6)
    freestone.out("run clim_2003.nc clim_2001.nc --var tas ! select --time 2001-12:2003-01 ! write two.nc3")
    expected = whole["tas"].sel(time=slice("2001", "2003")).sel(time=whole.time[[*range(11, 12), *range(24, 25)]])
    np.testing.assert_array_equal(opened(freestone, "two.nc3")["tas"], expected)
    info = freestone.json("info 'clim_*.nc' --json")
    assert info["files"] == 4 and info["dims"]["time"] == 48
    time = next(c for c in info["coordinates"] if c["name"] == "time")
    assert time["first_date"].startswith("2001-01-01") and time["last_date"].startswith("2004-12-01")
    save(whole.sel(time="2003").assign_coords(lat=whole.lat + 1), freestone.folder / "clim_2005.nc")
    error = freestone.fails(1, "run 'clim_*.nc' --var tas ! mean")
    assert "clim_2005.nc" in error and "lat" in error
    assert "no file has such a name" in freestone.fails(1, "run 'nothing_*.nc' ! mean")


def test_names_of_variables_in_expressions(freestone, ds):
    freestone.out("run a.nc ! calc --expr 'tas * pr * (orog / orog)' --name mix --unit K ! write out.nc3")
    equal(opened(freestone, "out.nc3")["mix"].transpose("time", "lat", "lon"), ds.tas * ds.pr, 1e-6)
    freestone.out("run a.nc ! mask --where 'orog > 500' ! write m.nc3")
    np.testing.assert_allclose(opened(freestone, "m.nc3")["tas"], ds.tas.where(ds.orog > 500))
    freestone.out("run a.nc --var tas ! to-units --unit degC ! write c.nc3")
    out = opened(freestone, "c.nc3")["tas"]
    np.testing.assert_allclose(out, ds.tas.astype("f8") - 273.15, atol=1e-4)
    assert out.attrs["units"] == "degC"
    assert "x" in freestone.fails(2, "run a.nc ! calc --expr 'x + 1' ! write y.nc3")
    assert "tas, pr" in freestone.fails(1, "run a.nc ! write y.tif")


def test_groups_of_netcdf4_files(freestone, random):
    x = random.normal(size=(5, 4))
    with netCDF4.Dataset(freestone.folder / "g.nc", "w") as nc:
        nc.createDimension("time", 5)
        nc.createVariable("time", "f8", ("time",))[:] = np.arange(5)
        group = nc.createGroup("daily")
        group.createDimension("x", 4)
        group.createVariable("tas", "f8", ("time", "x"))[:] = x
        group.createVariable("x", "f8", ("x",))[:] = np.arange(4) * 10
    for words in ("g.nc/daily", "g.nc --var daily/tas", "g.nc/daily/tas", "g.nc[daily/tas]"):
        freestone.out(f"run {words} ! select --x 10:20 ! write out.nc3 --overwrite")
        np.testing.assert_array_equal(opened(freestone, "out.nc3")["tas"], x[:, 1:3])
        np.testing.assert_array_equal(opened(freestone, "out.nc3")["x"], [10, 20])
    assert "daily" in freestone.fails(1, "run g.nc/dayly ! mean")


def test_packed_numbers_times_and_units(freestone, random):
    ds = climate(random, times=6)
    save(ds, freestone.folder / "p.nc", tas={"dtype": "i2", "scale_factor": 0.01, "add_offset": 280.0, "_FillValue": -32768})
    raw = xr.open_dataset(freestone.folder / "p.nc")
    freestone.out("run p.nc --var tas ! mean --dim lon ! write out.zarr")
    out = opened(freestone, "out.zarr")
    np.testing.assert_allclose(out["tas"], raw["tas"].mean("lon"), rtol=1e-6)
    np.testing.assert_array_equal(out["time"], raw["time"])
    assert freestone.json("run p.nc --var tas --format json ! statistics")["unit"] == "K"
    info = freestone.json("info p.nc --json")
    assert info["dims"] == {"time": 6, "lat": 18, "lon": 24, "bnds": 2}
    text = freestone.out("info p.nc")
    assert "2001-01-01" in text and "degrees_north" in text
    printed = json.loads(freestone.out("run p.nc --format json ! statistics"))
    assert set(printed) == {"tas", "pr", "orog"} and printed["orog"]["npts"] == 18 * 24


@pytest.fixture
def months(freestone, random):
    """months.nc: four years of monthly means with NaN; days: the lengths of the months."""
    time = pd.date_range("2000-01-01", periods=48, freq="MS")
    values = random.normal(280, 8, (48, 6, 9)).astype("f4")
    values[random.random(values.shape) < 0.1] = np.nan
    tas = xr.DataArray(values, {"time": time, "lat": ("lat", np.linspace(-75, 75, 6), {"units": "degrees_north"}), "lon": np.arange(0, 360, 40.0)}, ("time", "lat", "lon"), "tas")
    tas.attrs["units"] = "K"
    tas.to_dataset().to_netcdf(freestone.folder / "months.nc")
    tas.time.dt.days_in_month.astype("f8").rename("days").to_dataset().to_netcdf(freestone.folder / "days.nc")
    return tas


def test_groups_with_weights(freestone, months):
    days = months.time.dt.days_in_month
    freestone.out("run months.nc --with days=days.nc[days] ! resample --time YS ! mean --weights days ! write years.nc")
    present = months.notnull()
    with xr.open_dataset(freestone.folder / "years.nc") as got:
        expected = (months * days).resample(time="YS").sum() / (days * present).resample(time="YS").sum()
        np.testing.assert_allclose(got.tas, expected, rtol=1e-6)
        assert got.tas.dims == ("time", "lat", "lon") and "time: mean" in got.tas.attrs["cell_methods"]
    freestone.out("run months.nc ! group --by time.season ! mean --dim lat,lon --weights coslat ! write seasons.nc")
    with xr.open_dataset(freestone.folder / "seasons.nc") as got:
        area = np.cos(np.deg2rad(months.lat))
        numbers = xr.DataArray(months.time.dt.month.values % 12 // 3, {"time": months.time}, ("time",), "season")
        expected = (months * area).groupby(numbers).sum().sum(("lat", "lon")) / (area * present).groupby(numbers).sum().sum(("lat", "lon"))
        np.testing.assert_allclose(got.tas, expected, rtol=1e-6)
    # Weights that do not change along the groups do nothing to them.
    freestone.out("run months.nc ! group --by time.month ! mean --weights coslat ! write a.nc")
    freestone.out("run months.nc ! group --by time.month ! mean ! write b.nc")
    with xr.open_dataset(freestone.folder / "a.nc") as a, xr.open_dataset(freestone.folder / "b.nc") as b:
        np.testing.assert_allclose(a.tas, b.tas, rtol=1e-6)
    freestone.out("run months.nc ! group --by time.year ! sum --dim lat,lon --weights coslat ! write s.nc")
    with xr.open_dataset(freestone.folder / "s.nc") as got:
        np.testing.assert_allclose(got.tas, (months * area).groupby("time.year").sum().sum(("lat", "lon")), rtol=1e-6)
    for words in ("std --weights coslat", "mean --dim time --weights coslat", "mean --dim lat", "mean --weights nothing"):
        assert freestone(f"run months.nc ! group --by time.year ! {words} ! write no.nc").returncode in (1, 2), words
        assert not (freestone.folder / "no.nc").exists()


@pytest.mark.parametrize("calendar", ["standard", "julian", "proleptic_gregorian", "noleap"])
def test_a_year_zero_is_shown_as_cftime_has_it(freestone, calendar):
    import cftime

    numbers = np.array([15.25, 400.5, 5000.0])
    with netCDF4.Dataset(freestone.folder / "zero.nc", "w") as f:
        f.createDimension("time", 3)
        time = f.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "days since 0000-01-01 00:00:00", calendar
        time[:] = numbers
        f.createVariable("x", "f4", ("time",))[:] = 1
    first, last = (cftime.num2date(n, "days since 0000-01-01", calendar, has_year_zero=True).isoformat() for n in numbers[[0, 2]])
    assert first.startswith("0000-01-16T06:00:00") and f"3: {first} to {last}" in freestone.out("info zero.nc")
    freestone.out("run zero.nc ! select --time 0000-01 ! write one.nc")
    with netCDF4.Dataset(freestone.folder / "one.nc") as f:
        assert f["time"][:].tolist() == [15.25]
    # A reference in year 1 has years before it by the calendar's own names.
    with netCDF4.Dataset(freestone.folder / "zero.nc", "a") as f:
        f["time"].units = "days since 0001-01-01 00:00:00"
        f["time"][:] = [-10, 0, 1]
    before = "-0001-12-22" if calendar in ("standard", "julian") else "0000-12-22"
    assert f"{before}T00:00:00" in freestone.out("info zero.nc")
