"""convert keeps what belongs to no array: names of stations as texts and as characters, coordinates that no variable has; and what others then open."""

import numpy as np
import pytest

netCDF4 = pytest.importorskip("netCDF4")
xr = pytest.importorskip("xarray")
pytestmark = pytest.mark.filterwarnings("ignore")


def stations(path, kind, format="NETCDF4"):
    """Three values at stations, whose names are strings or characters."""
    names = np.array(["Zermatt", "", "Basel"], object)
    with netCDF4.Dataset(path, "w", format=format) as file:
        file.createDimension("station", 3)
        value = file.createVariable("t", "f4", ("station",))
        value[:], value.coordinates = [1, 2, 3], "name height"
        height = file.createVariable("height", "f8", ("station",))
        height[:], height.units = [1600, 0, 300], "m"
        if kind == "string":
            file.createVariable("name", str, ("station",))[:] = names
        else:
            file.createDimension("letters", 7)
            file.createVariable("name", "S1", ("station", "letters"))[:] = netCDF4.stringtochar(names.astype("S7"))
    return path


@pytest.mark.parametrize(("kind", "format"), [("string", "NETCDF4"), ("characters", "NETCDF4"), ("characters", "NETCDF3_CLASSIC")])
def test_names_of_stations(freestone, tmp_path, kind, format):
    source = stations(tmp_path / "in.nc", kind, format)
    freestone.out("convert", source, tmp_path / "out.nc")
    ours, theirs = xr.open_dataset(tmp_path / "out.nc"), xr.open_dataset(source)
    assert set(ours.coords) == set(theirs.coords) == {"name", "height"} and list(ours.data_vars) == ["t"]
    for name in theirs.variables:
        np.testing.assert_array_equal(ours[name].values, theirs[name].values)
        assert ours[name].dims == theirs[name].dims


def test_characters_go_along_in_a_pipeline(freestone, tmp_path):
    freestone.out("run", stations(tmp_path / "in.nc", "characters"), "!", "select", "--index", "station=1:", "!", "write", tmp_path / "out.nc")
    assert xr.open_dataset(tmp_path / "out.nc").name.values.tolist() == [b"", b"Basel"]


def test_coordinates_that_no_variable_has(freestone, tmp_path):
    with netCDF4.Dataset(tmp_path / "in.nc", "w") as file:
        for name, length in (("x", 4), ("level", 3)):
            file.createDimension(name, length)
            file.createVariable(name, "f8", (name,))[:] = np.arange(length) * 10.0
        file.createVariable("v", "f4", ("x",))[:] = 1
    for suffix in ("nc", "zarr"):
        freestone.out("convert", tmp_path / "in.nc", tmp_path / f"out.{suffix}")
        opened = xr.open_dataset(tmp_path / "out.nc") if suffix == "nc" else xr.open_zarr(tmp_path / "out.zarr")
        assert opened.level.values.tolist() == [0, 10, 20] and opened.sizes == {"x": 4, "level": 3}


def test_texts_that_have_no_place_are_told_of(freestone, tmp_path):
    done = freestone("convert", stations(tmp_path / "in.nc", "string"), tmp_path / "out.zarr")
    assert done.returncode == 0 and "texts of 'name' are left out" in done.stderr
    assert xr.open_zarr(tmp_path / "out.zarr").t.values.tolist() == [1, 2, 3]
