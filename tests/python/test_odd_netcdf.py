"""Files as they are found: texts, characters, times in odd places, numbers written as words."""

import netCDF4
import numpy as np
import pytest

import freestone as fs

xr = pytest.importorskip("xarray")


def file_of(path, variables, dims):
    """`variables`: name -> (dtype, dims, values, attributes)."""
    with netCDF4.Dataset(path, "w") as file:
        for name, length in dims.items():
            file.createDimension(name, length)
        for name, (dtype, axes, values, attributes) in variables.items():
            made = file.createVariable(name, dtype, axes, fill_value=attributes.pop("_FillValue", None))
            made.set_auto_maskandscale(False)
            made.set_auto_chartostring(False)
            made[:] = values
            made.setncatts(attributes)
    return path


def test_texts_and_characters(tmp_path):
    names = np.array(["Zürich", "", "x"], object)
    letters = netCDF4.stringtochar(np.array(["ab", "c", "def"], "S3"))
    path = file_of(tmp_path / "a.nc", {
        "name": (str, ("n",), names, {"long_name": "station"}), "note": (str, ("n",), names[::-1], {}), "code": ("S1", ("n", "s"), letters, {}),
        "v": ("f4", ("n",), [1, 2, 3], {"coordinates": "name code"}),
    }, {"n": 3, "s": 3})  # fmt: skip
    ds = fs.open(path)
    assert ds.texts["name"].tolist() == names.tolist() and ds["v"].compute().tolist() == [1, 2, 3]
    ours, theirs = ds.to_xarray(), xr.open_dataset(path)
    xr.testing.assert_identical(ours, theirs.load())
    ds.write(tmp_path / "b.nc")
    xr.testing.assert_identical(xr.open_dataset(tmp_path / "b.nc").load(), theirs)
    assert fs.open(path).isel(n=[2, 0]).texts == {}


@pytest.mark.filterwarnings("ignore:.*:FutureWarning")
def test_times_that_are_data(tmp_path):
    path = file_of(tmp_path / "a.nc", {
        "seen": ("f8", ("n",), [0, 1e9, -1], {"_FillValue": -1.0, "units": "seconds since 1970-01-01"}),
        "day": ("i4", ("n",), [1, -9, 3], {"_FillValue": np.int32(-9), "units": "days since 2000-01-01", "calendar": "standard"}),
    }, {"n": 3})  # fmt: skip
    ours, theirs = fs.open(path).to_xarray(), xr.open_dataset(path)
    for name in ("seen", "day"):
        np.testing.assert_array_equal(ours[name].values.astype("M8[ns]"), theirs[name].values.astype("M8[ns]"))


def test_times_that_cannot_be_decoded(tmp_path):
    path = file_of(tmp_path / "a.nc", {"time": ("f8", ("time",), [0, 1, 2], {"units": "months since 1850-01-01"})}, {"time": 3})
    with pytest.warns(UserWarning, match="'time' stay numbers"):
        ours = fs.open(path).to_xarray()
    assert ours.time.values.tolist() == [0, 1, 2] and ours.time.attrs["units"] == "months since 1850-01-01"


def test_numbers_as_texts_and_as_stored(tmp_path):
    path = file_of(tmp_path / "a.nc", {
        "v": ("i2", ("n",), [1, -999, 3], {"scale_factor": "0.5", "missing_value": np.int16(-999)}),
        "w": ("f4", ("n",), [1, -999, 3], {"missing_value": "-999"}), "z": ("f4", ("n",), [1, 2, 3], {"missing_value": "none"}),
    }, {"n": 3})  # fmt: skip
    ds = fs.open(path)
    np.testing.assert_array_equal(ds["v"].compute(), [0.5, np.nan, 1.5])
    np.testing.assert_array_equal(ds["w"].compute(), [1, np.nan, 3])
    np.testing.assert_array_equal(ds["z"].compute(), [1, 2, 3])
    raw = fs.open(path, mask_and_scale=False)
    assert raw["v"].compute().tolist() == [1, -999, 3] and raw["v"].attrs["scale_factor"] == "0.5"


def test_a_group_by_name(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        inner = file.createGroup("a/b")
        inner.createDimension("x", 3)
        inner.createVariable("v", "f4", ("x",))[:] = [7, 8, 9]
    assert list(fs.open(tmp_path / "a.nc", group="/a/b")) == ["v"] and fs.open(tmp_path / "a.nc/a/b")["v"].compute().tolist() == [7, 8, 9]
    with pytest.raises(fs.errors.UserError, match="there is no 'c'"):
        fs.open(tmp_path / "a.nc", group="c")
