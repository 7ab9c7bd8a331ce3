"""Variables of texts: how many are read along, in convert where no array has their axes, and in compare."""

import json
import struct
import subprocess
import sys

import h5py
import netCDF4
import numpy as np
import pytest
import zarr

xr = pytest.importorskip("xarray")
pytestmark = pytest.mark.filterwarnings("ignore")


# Starts the program from a small process: what pytest itself has had counts for its children.
MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


def said_and_memory(freestone, *words):
    """What the program says, and the most memory that it had, in MiB."""
    done = subprocess.run([sys.executable, "-c", MEASURE, *freestone.command(*words)], cwd=freestone.folder, env=freestone.environment, capture_output=True, text=True)
    *error, memory = done.stderr.splitlines()
    return done.returncode, done.stdout, "\n".join(error), int(memory) / 1024


@pytest.mark.parametrize("kind", ["2", "3", "references", "hdf5"])
def test_thousands_of_arrays_of_many_texts(freestone, kind):
    """Each has no more than are carried along, all of them have some 4 GB of empty texts."""
    folder = freestone.folder / "a"
    folder.mkdir()
    arrays = {f"t{i:04}": {"zarr_format": 2, "shape": [60000], "chunks": [60000], "dtype": "|O", "compressor": None, "fill_value": "", "order": "C",
                           "filters": [{"id": "vlen-utf8"}]} for i in range(2000)}  # fmt: skip
    number = {"zarr_format": 2, "shape": [3], "chunks": [3], "dtype": "<f8", "compressor": None, "fill_value": 0, "order": "C", "filters": None}
    name = "a"
    if kind == "3":
        (folder / "zarr.json").write_text(json.dumps({"zarr_format": 3, "node_type": "group"}))
        for key in [*arrays, "x"]:
            (folder / key).mkdir()
            of_texts = key != "x"
            (folder / key / "zarr.json").write_text(json.dumps({
                "zarr_format": 3, "node_type": "array", "shape": [60000 if of_texts else 3], "data_type": "string" if of_texts else "float64",
                "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [60000]}}, "fill_value": "" if of_texts else 0,
                "chunk_key_encoding": {"name": "default"}, "codecs": [{"name": "vlen-utf8"} if of_texts else {"name": "bytes", "configuration": {"endian": "little"}}]}))  # fmt: skip
    elif kind == "2":
        (folder / ".zgroup").write_text('{"zarr_format": 2}')
        for key, document in {**arrays, "x": number}.items():
            (folder / key).mkdir()
            (folder / key / ".zarray").write_text(json.dumps(document))
    elif kind == "references":
        name = "a.json"
        refs = {".zgroup": '{"zarr_format": 2}', **{f"{key}/.zarray": json.dumps(document) for key, document in {**arrays, "x": number}.items()}}
        (freestone.folder / name).write_text(json.dumps({"version": 1, "refs": refs}))
    else:
        name = "a.h5"
        with h5py.File(freestone.folder / name, "w") as f:
            for key in arrays:
                f.create_dataset(key, (60000,), h5py.string_dtype(), chunks=(60000,))
            f["x"] = np.zeros(3)
    status, out, error, memory = said_and_memory(freestone, "info", name)
    assert status == 0, error
    assert memory < 400
    assert "more in all than Freestone carries along (1048576)" in out and "60000 texts: " in out
    assert float(freestone.out("run", name, "--var x ! mean")) == 0


@pytest.mark.parametrize("where", ["dataset", "attribute"])
def test_one_text_of_hdf5_thousands_of_times(freestone, where):
    """Elements of a list of texts are places in a heap: all may be one of a megabyte."""
    path = freestone.folder / "a.h5"
    count = 4000
    with h5py.File(path, "w") as f:
        f["x"] = np.arange(3.0)
        texts = ["a" * (1 << 20)] + [""] * (count - 1)
        if where == "dataset":
            f.create_dataset("t", data=texts, dtype=h5py.string_dtype())
        else:
            f["x"].attrs.create("t", texts, dtype=h5py.string_dtype())
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<I", 1 << 20))
    while data[at + 16 : at + 20] != bytes(4) or data[at + 20 : at + 28] != data[at + 36 : at + 44]:  # the list, with the heap of each text
        at = data.index(struct.pack("<I", 1 << 20), at + 1)
    data[at : at + 16 * count] = data[at : at + 16] * count
    path.write_bytes(data)
    status, out, error, memory = said_and_memory(freestone, "info a.h5")
    assert memory < 400
    assert status == 0, error
    if where == "dataset":
        assert "its texts are more than the 16 MiB that Freestone carries along" in out
        assert freestone.out("run a.h5 --var x ! sum") == "3\n"
    else:
        assert "x: attribute 't': its texts are more than the 16 MiB that Freestone carries along" in out


def test_texts_of_attributes_at_several_links(freestone):
    """Links to one dataset are no damage: each has its attributes, up to a limit."""
    with h5py.File(freestone.folder / "a.h5", "w") as f:
        f.create_dataset("a", data=[1.0, 2.0]).attrs["history"] = "x" * (9 << 20)
        f["b"] = h5py.SoftLink("/a")
        f["c"] = f["a"]
        f.create_dataset("d", data=[5.0]).attrs["history"] = "y" * (9 << 20)
    out = freestone.out("info a.h5")
    assert [line.split()[0] for line in out.splitlines() if "float64" in line] == ["a", "b", "d"]
    assert "c: attribute 'history': its texts are more than the 16 MiB that Freestone carries along" in out
    for name, total in (("a", 3), ("b", 3), ("d", 5)):
        assert float(freestone.out(f"run a.h5 --var {name} ! sum")) == total


def test_texts_that_are_left_out_take_no_room(freestone):
    with h5py.File(freestone.folder / "a.h5", "w") as f:
        for k in range(16):
            f.create_dataset(f"a{k}", (65536,), "S300", chunks=(100,))
        for k in range(4):
            f.create_dataset(f"b{k}", data=["w" * 2000] * 9000, dtype=h5py.string_dtype())
        f["labels"] = np.array([b"xx", b"yy", b"zz"])
    out = freestone.out("info a.h5")
    assert out.count("its texts are more than the 16 MiB that Freestone carries along") == 20
    assert "3 texts: [xx, yy, zz]" in out


def test_a_note_of_hdf5_gives_its_reason(freestone):
    with h5py.File(freestone.folder / "a.h5", "w") as f:
        f.create_dataset("many", (70000,), h5py.string_dtype(), chunks=(100,))
        f.create_dataset("long", (3,), "S8000000", chunks=(1,))
        f.create_dataset("wide", (3,), "S10", chunks=(3000000,), maxshape=(None,))
        f["x"] = np.arange(3.0)
    notes = dict(line.split(maxsplit=1) for line in freestone.out("info a.h5").splitlines() if line.startswith("    "))
    assert notes["many"] == "its elements are 70000 texts, more than Freestone carries along (65536)"
    assert notes["long"] == notes["wide"] == "its texts are more than the 16 MiB that Freestone carries along"


@pytest.fixture
def stations(freestone):
    """Two lists of texts along an axis that no array has, one along one that an array has."""
    with netCDF4.Dataset(freestone.folder / "a.nc", "w") as f:
        for name, length in (("station", 5), ("time", 3)):
            f.createDimension(name, length)
        f.createVariable("tas", "f8", ("time",))[:] = [1, 2, 3]
        f.createVariable("name", str, ("station",))[:] = np.array(["Oslo", "Graz", "", "Lomé", "Quito"], object)
        f.createVariable("code", str, ("station",))[:] = np.array(list("abcde"), object)
        f.createVariable("flag", str, ("time",))[:] = np.array(["x", "y", "z"], object)
        f["name"].long_name = "where they are"
    return freestone


def test_texts_of_an_axis_of_their_own_are_kept(stations):
    expected = xr.load_dataset(stations.folder / "a.nc")
    for name in ("b.nc", "b.zarr", "b2.zarr", "b.h5"):
        stations.out(f"convert a.nc {name}", "--zarr-version 2" if name == "b2.zarr" else "")
        if name.endswith(".h5"):
            with h5py.File(stations.folder / name) as f:
                assert [t.decode() for t in f["name"][()]] == list(expected["name"].values) and f["name"].dims[0].label == "station"
        else:
            with xr.open_dataset(stations.folder / name, engine="zarr" if "zarr" in name else "netcdf4") as found:
                for key in ("name", "code", "flag", "tas"):
                    assert found[key].dims == expected[key].dims
                    assert list(found[key].values) == list(expected[key].values)
                assert found["name"].attrs["long_name"] == "where they are"
        # And once more, out of that.
        stations.out(f"convert {name} c.nc --overwrite")
        with netCDF4.Dataset(stations.folder / "c.nc") as f:
            assert list(f["name"][:]) == list(expected["name"].values) and f["name"].dimensions == ("station",)


def test_what_cannot_be_kept_is_told_once(stations):
    for name in ("b.nc", "b.npy"):
        done = stations(f"convert a.nc {name}", "--as netcdf3" if name == "b.nc" else "")
        assert done.returncode == 0, done.stderr
        lines = [line for line in done.stderr.splitlines() if "left out" in line]
        assert len(lines) == 1 and "the texts of 'name', 'code', 'flag' are left out: " in lines[0]
    # One variable alone: those of other axes were not asked for.
    stations.out("convert a.nc c.nc --var tas")
    with netCDF4.Dataset(stations.folder / "c.nc") as f:
        assert set(f.variables) == {"tas", "flag"} and "station" not in f.dimensions


def test_compare_looks_at_texts(stations):
    def changed(path, /, **values):
        with xr.open_dataset(stations.folder / "a.nc") as f:
            f.load().assign(**{k: (f[k].dims if len(v) == f[k].size else (f[k].dims[0] + "2",), np.array(v, object)) for k, v in values.items()}).to_netcdf(stations.folder / path)
        return stations(f"compare a.nc {path}")

    for name in ("b.nc", "b.zarr", "b.h5"):
        stations.out(f"convert a.nc {name}")
        assert stations.out(f"compare a.nc {name}") == "the same\n"
    done = changed("c.nc", name=["Oslo", "Graz", "", "Lome", "Kito"])
    assert done.returncode == 1 and done.stdout == "name: 2 of 5 texts differ, first at (3,): 'Lomé' and 'Lome'\n"
    assert stations("compare a.nc c.nc --format json").returncode == 1
    found = json.loads(stations("compare a.nc c.nc --format json").stdout)
    assert not found["same"] and found["values_that_differ"] == 2
    done = changed("d.nc", code=["a", "b"])
    assert done.returncode == 1 and done.stdout == "code: shape: (5,) and (2,)\n"
    with xr.open_dataset(stations.folder / "a.nc") as f:
        f.load().drop_vars("code").to_netcdf(stations.folder / "e.nc")
    assert stations("compare a.nc e.nc").stdout == "code: only the first has it\n"
    assert stations("compare e.nc a.nc").stdout == "code: only the second has it\n"
    assert stations.out("compare a.nc e.nc --var tas") == "the same\n"
    done = changed("f.nc", name=["é" * 60, "Graz", "", "Lomé", "Quito"])
    assert done.stdout == f"name: 1 of 5 texts differ, first at (0,): 'Oslo' and '{'é' * 20}...'\n"


def test_labels_of_an_axis_are_compared_as_axes_are(freestone, tmp_path):
    for k, names in enumerate((["a", "b", "c"], ["a", "b", "d"])):
        xr.Dataset({"x": ("station", np.arange(3.0))}, {"name": ("station", np.array(names, object))}).to_netcdf(tmp_path / f"{k}.nc")
    assert "name: 1 of 3 texts differ, first at (2,): 'c' and 'd'" in freestone("compare 0.nc 1.nc").stdout
    assert freestone.out("compare 0.nc 1.nc --data-only") == "the same\n"
    xr.Dataset({"x": ("station", np.arange(3.0))}).to_netcdf(tmp_path / "2.nc")
    assert freestone.out("compare 0.nc 2.nc") == "the same\n"
