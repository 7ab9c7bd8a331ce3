"""Real HDF5 and NetCDF-4 files, as scripts/fetch-hdf5 brings them: what h5py reads."""

import numpy as np
import pytest

from conftest import ROOT

h5py = pytest.importorskip("h5py")

REAL = ROOT / ".cache" / "hdf5"


def arrays(group, prefix=""):
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            yield from arrays(item, prefix + name + "/")
        else:
            yield prefix + name, item


@pytest.mark.parametrize("name", ["LinkeTurbidities.h5", "nc4uvt.nc"])
def test_equals_h5py(freestone, name):
    if not (REAL / name).exists():
        pytest.skip("scripts/fetch-hdf5 has not been run")
    count = 0
    with h5py.File(REAL / name) as f:
        listed = {v["name"]: v for v in freestone.json("info", REAL / name, "--json")["hdus"]}
        for path, item in arrays(f):
            if path not in listed:
                assert "not a netCDF variable" in str(item.attrs["NAME"])
                continue
            wanted = item[...]
            freestone.out("convert", f"{REAL / name}[{path}]", "x.npy --overwrite")
            found = np.load(freestone.folder / "x.npy")
            assert found.shape == wanted.shape
            assert found.tobytes() == wanted.astype(wanted.dtype.newbyteorder("=")).tobytes(), path
            count += 1
            # And once more, by what Freestone writes of it.
            freestone.out("convert", f"{REAL / name}[{path}]", "copy.nc --overwrite --compress deflate --level 1")
            with h5py.File(freestone.folder / "copy.nc") as g:
                assert g[path][...].tobytes() == found.tobytes(), path
    assert count == len(listed) > 0
