"""Codecs of numcodecs that files of HDF5 bring into lists of references, and those that round, as zarr-python writes them."""

import h5py
import numpy as np
import pytest

numcodecs = pytest.importorskip("numcodecs")
zarr = pytest.importorskip("zarr")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("name", ["fletcher32", "quantize", "bitround"])
def test_version_2(freestone, random, name):
    values = random.normal(0, 100, (37, 41)).astype("f4")
    codec = {"fletcher32": numcodecs.Fletcher32(), "quantize": numcodecs.Quantize(2, "<f4"), "bitround": numcodecs.BitRound(10)}[name]
    array = zarr.create_array(freestone.folder / "a.zarr", shape=values.shape, chunks=(10, 16), dtype="f4", zarr_format=2, filters=[codec], compressors=numcodecs.Zlib(1))
    array[:] = values
    freestone.out("convert a.zarr a.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "a.npy"), array[:])


@pytest.mark.parametrize("name", ["Fletcher32", "Quantize", "BitRound"])
def test_version_3(freestone, random, name):
    from numcodecs import zarr3

    values = random.normal(0, 100, (37, 41)).astype("f4")
    made = {"Fletcher32": {"compressors": [zarr3.Fletcher32()]}, "Quantize": {"filters": [zarr3.Quantize(digits=2, dtype="<f4")]},
            "BitRound": {"filters": [zarr3.BitRound(keepbits=10)]}}[name]  # fmt: skip
    array = zarr.create_array(freestone.folder / "a.zarr", shape=values.shape, chunks=(10, 16), dtype="f4", zarr_format=3, **made)
    array[:] = values
    freestone.out("convert a.zarr a.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "a.npy"), array[:])


def test_references_to_chunks_with_checksums(freestone, random):
    xr = pytest.importorskip("xarray")
    values = random.integers(0, 999, (40, 30)).astype("i4")
    with h5py.File(freestone.folder / "a.h5", "w") as file:
        file.create_dataset("v", data=values, chunks=(10, 30), fletcher32=True, compression="gzip", shuffle=True)
    freestone.out("references a.h5 -o refs.json")
    np.testing.assert_array_equal(xr.open_dataset(str(freestone.folder / "refs.json"), engine="kerchunk")["v"].values, values)
    freestone.out("convert refs.json --var v v.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "v.npy"), values)
