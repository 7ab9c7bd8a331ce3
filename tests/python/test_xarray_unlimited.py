"""encoding["unlimited_dims"]: read by the engine, obeyed by the writers."""

import netCDF4
import numpy as np
import pytest
import xarray as xr

import freestone as fs
import freestone.xarray  # noqa: F401  the accessor


def growing(path):
    with netCDF4.Dataset(path) as f:
        return {name for name, dim in f.dimensions.items() if dim.isunlimited()}


def dataset():
    return xr.Dataset({"tas": (("time", "x"), np.arange(12.0).reshape(3, 4))}, {"time": np.arange(3)})


@pytest.mark.parametrize("kind", ["NETCDF4", "NETCDF3_64BIT"])
def test_the_engine_knows_them_as_netcdf4_does(tmp_path, kind):
    dataset().to_netcdf(tmp_path / "a.nc", engine="netcdf4", format=kind, unlimited_dims=["time"])
    with xr.open_dataset(tmp_path / "a.nc", engine="netcdf4") as theirs, xr.open_dataset(tmp_path / "a.nc", engine="freestone") as ours:
        assert ours.encoding["unlimited_dims"] == theirs.encoding["unlimited_dims"] == {"time"}
        ours.to_netcdf(tmp_path / "b.nc", engine="netcdf4")
        ours.freestone.to_netcdf(tmp_path / "c.nc")
    assert growing(tmp_path / "b.nc") == growing(tmp_path / "c.nc") == {"time"}


def test_the_accessor_obeys_the_encoding(tmp_path):
    data = dataset()
    data.freestone.to_netcdf(tmp_path / "none.nc")
    data.encoding["unlimited_dims"] = {"time", "gone"}
    data.freestone.to_netcdf(tmp_path / "encoding.nc")
    data.freestone.to_netcdf(tmp_path / "argument.nc", unlimited_dims=["x"])
    data.freestone.to_netcdf(tmp_path / "empty.nc", unlimited_dims=[])
    data.freestone.to_netcdf(tmp_path / "classic.nc", format="netcdf3")
    data.freestone.to_zarr(tmp_path / "a.zarr")
    data.encoding["unlimited_dims"] = "time"
    data.freestone.to_netcdf(tmp_path / "word.nc")
    found = {name: growing(tmp_path / f"{name}.nc") for name in ("none", "encoding", "argument", "empty", "classic", "word")}
    assert found == {"none": set(), "encoding": {"time"}, "argument": {"x"}, "empty": set(), "classic": {"time"}, "word": {"time"}}


def test_groups_have_their_own(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as f:
        f.createDimension("t", None)
        f.createVariable("a", "f4", ("t",))[:] = [1, 2]
        group = f.createGroup("g")
        group.createDimension("x", 3)
        group.createVariable("b", "f4", ("x",))[:] = [1, 2, 3]
    with xr.open_dataset(tmp_path / "a.nc", engine="freestone") as whole, xr.open_dataset(tmp_path / "a.nc", engine="freestone", group="g") as part:
        assert whole.encoding["unlimited_dims"] == {"t"} and "unlimited_dims" not in part.encoding


def test_datasets_of_freestone_keep_them(tmp_path):
    dataset().to_netcdf(tmp_path / "a.nc", engine="netcdf4", unlimited_dims=["time"])
    opened = fs.open(tmp_path / "a.nc")
    opened.write(tmp_path / "b.nc")
    opened.write(tmp_path / "c.nc", unlimited_dims=())
    opened.mean("time").write(tmp_path / "d.nc")
    assert growing(tmp_path / "b.nc") == {"time"} and growing(tmp_path / "c.nc") == growing(tmp_path / "d.nc") == set()
