"""convert keeps what belongs to no array: names of stations as texts and as characters, coordinates that no variable has; and what others then open."""

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")
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
    done = freestone("convert", stations(tmp_path / "in.nc", "string"), tmp_path / "out.nc3")
    assert done.returncode == 0 and "texts of 'name' are left out" in done.stderr
    assert xr.open_dataset(tmp_path / "out.nc3").t.values.tolist() == [1, 2, 3]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(("kind", "format"), [("string", "NETCDF4"), ("characters", "NETCDF4"), ("characters", "NETCDF3_CLASSIC")])
def test_names_go_to_zarr_and_back(freestone, tmp_path, kind, format, version):
    source = stations(tmp_path / "in.nc", kind, format)
    freestone.out("convert", source, tmp_path / "out.zarr", f"--zarr-version {version}")
    freestone.out("convert", tmp_path / "out.zarr", tmp_path / "back.nc")
    theirs = xr.open_dataset(source)
    for ours in (xr.open_zarr(tmp_path / "out.zarr"), xr.open_dataset(tmp_path / "back.nc")):
        assert set(ours.coords) == set(theirs.coords) == {"name", "height"} and list(ours.data_vars) == ["t"]
        for name in theirs.variables:
            np.testing.assert_array_equal(ours[name].values, theirs[name].values)
            assert ours[name].dims == theirs[name].dims
    # Characters are characters again.
    with netCDF4.Dataset(tmp_path / "back.nc") as back, netCDF4.Dataset(source) as file:
        assert back["name"].dtype == file["name"].dtype and back["name"].dimensions == file["name"].dimensions


@pytest.mark.parametrize("version", [2, 3])
def test_letters_of_which_one_means_missing_go_to_zarr(freestone, tmp_path, version):
    """xarray has no _FillValue of letters in Zarr, and opened nothing of such a group."""
    with netCDF4.Dataset(tmp_path / "in.nc", "w") as file:
        file.createDimension("x", 3)
        letters = file.createVariable("letter", "S1", ("x",), fill_value="b")
        letters.set_auto_maskandscale(False)
        letters[:] = np.array([b"a", b"b", b"c"])
    freestone.out(f"convert in.nc out.zarr --zarr-version {version}")
    with xr.open_zarr(tmp_path / "out.zarr", mask_and_scale=False) as written:
        assert written.letter.values.tolist() == b"abc"  # xarray joins characters
        assert written.letter.attrs == {"missing_value": "b"}


def labelled():
    """Labels of all kinds that xarray writes: of one length, of any, of bytes, of no axis, of two; letters beyond Latin-1."""
    places = np.array([["Genève", "Zürich", "", "東京"], ["😀", "a", "bb", "ccc"]])
    return xr.Dataset(
        {"t": (("run", "station"), np.arange(8.0).reshape(2, 4), {"units": "K"})},
        coords={
            "station": ["a", "bb", "ccc", "dddd"], "long": ("station", np.array(["x" * n for n in (0, 1, 300, 7)], object)),
            "code": ("station", np.array([b"x", b"yy", b"zzz", b""])), "place": (("run", "station"), places), "source": "model",
        },
    )  # fmt: skip


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("chunks", [{}, {"place": (1, 3), "long": (3,), "code": (2,), "station": (1,)}])
def test_labels_that_xarray_writes_to_zarr_are_read(freestone, tmp_path, version, chunks):
    given = labelled()
    given.to_zarr(tmp_path / "in.zarr", zarr_format=version, encoding={name: {"chunks": lengths} for name, lengths in chunks.items()})
    found = {v["name"]: v.get("texts") for v in freestone.json("info", tmp_path / "in.zarr", "--json")["hdus"]}
    for name in ("station", "long", "place", "source"):
        assert found[name] == np.ravel(given[name].values).tolist()
    assert found["code"] == ["x", "yy", "zzz", ""]
    for suffix in ("zarr", "nc"):
        freestone.out("convert", tmp_path / "in.zarr", tmp_path / f"out.{suffix}")
        ours = xr.open_zarr(tmp_path / "out.zarr") if suffix == "zarr" else xr.open_dataset(tmp_path / "out.nc")
        assert set(ours.variables) == set(given.variables) and set(ours.coords) == set(given.coords)
        for name in given.variables:
            expected = given[name].values if name != "code" else np.char.decode(given["code"].values)
            np.testing.assert_array_equal(ours[name].values, expected)
            assert ours[name].dims == given[name].dims
    freestone.out("convert in.zarr out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        for name in ("station", "long", "place", "source"):
            np.testing.assert_array_equal(file[name].asstr()[()], given[name].values)


def test_labels_without_names_of_axes_are_told_of(freestone, tmp_path):
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(tmp_path / "in.zarr", mode="w", zarr_format=2)
    group.create_array("x", data=np.arange(3.0))
    group.create_array("name", data=np.array(["a", "b", "c"]))
    done = freestone("convert in.zarr out.nc")
    assert done.returncode == 0 and "the texts of 'name' are left out: their axes have no names" in done.stderr
