"""`freestone convert` between every pair of formats that can hold the data: what the field's own library reads from the result is what it reads from the
original: values, axes, coordinates, attributes, CRS or WCS, unit, nodata. A new format is a row of FORMATS."""

import dataclasses
import subprocess
from collections.abc import Callable

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from conftest import needs_plugin

xr = pytest.importorskip("xarray")
rasterio = pytest.importorskip("rasterio")
pytest.importorskip("netCDF4")
zarr = pytest.importorskip("zarr")
h5py = pytest.importorskip("h5py")
from rasterio.transform import from_origin  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@dataclasses.dataclass
class Facts:
    """What a file says, in one spelling. None: it cannot say that."""

    values: np.ndarray
    dims: tuple | None = None
    coords: dict | None = None  # name -> labels
    attrs: dict | None = None  # of those that tests set
    crs: int | None = None  # EPSG
    transform: tuple | None = None
    wcs: WCS | None = None
    unit: str | None = None
    nodata: float | None = None


ATTRS = ("long_name", "standard_name")
TRANSFORM = from_origin(500000, 4650000, 30, 20)


# What is converted: a grid of the Earth, a raster with a CRS, a cube with a WCS, plain numbers.


def earth(random):
    x = random.normal(280, 9, (4, 6, 8)).astype("f4")
    x[0, :2, 3] = np.nan
    coords = {"time": np.arange(4) * 2.0, "lat": np.linspace(-50, 50, 6), "lon": np.arange(0, 320, 40.0)}
    return Facts(x, ("time", "lat", "lon"), coords, {"long_name": "surface temperature", "standard_name": "air_temperature"}, unit="K")


def raster(random):
    x = random.integers(1, 3000, (3, 40, 50)).astype("i2")
    x[1, :4, :5] = -999
    coords = {"y": 4650000 - 20 * (np.arange(40) + 0.5), "x": 500000 + 30 * (np.arange(50) + 0.5)}
    return Facts(x, ("band", "y", "x"), coords, {"long_name": "reflectance"}, crs=32633, transform=tuple(TRANSFORM)[:6], unit="1e-4", nodata=-999)


def sky(random):
    header = fits.Header()
    for n, (ctype, unit, value, delta, pixel) in enumerate([("RA---TAN", "deg", 24.0, -2e-5, 8.0), ("DEC--TAN", "deg", 30.0, 2e-5, 7.0), ("FREQ", "Hz", 115e9, 1e6, 1.0)], 1):
        header[f"CTYPE{n}"], header[f"CUNIT{n}"], header[f"CRVAL{n}"], header[f"CDELT{n}"], header[f"CRPIX{n}"] = ctype, unit, value, delta, pixel
    header["RESTFRQ"] = 115.2712018e9
    x = random.normal(size=(5, 7, 9)).astype("f4")
    x[2, 3, 4] = np.nan
    return Facts(x, ("spectral", "y", "x"), wcs=WCS(header), unit="Jy/beam")


def numbers(random):
    return Facts(random.integers(-300, 300, (6, 7, 8)).astype("i2"))


# How the field's own library writes and reads each format.


def write_fits(path, f):
    header = f.wcs.to_header() if f.wcs is not None else fits.Header()
    if f.unit and f.unit != "1e-4":
        header["BUNIT"] = f.unit
    hdu = fits.PrimaryHDU(f.values, header)
    if f.nodata is not None and f.values.dtype.kind in "iu":
        hdu.header["BLANK"] = int(f.nodata)
    hdu.writeto(path, overwrite=True)


def read_fits(path):
    # As they are stored: astropy makes floats of integers with a BLANK.
    with fits.open(path, do_not_scale_image_data="BLANK" in fits.getheader(path)) as hdus:
        header = hdus[0].header
        values = np.asarray(hdus[0].data)
        attrs = {k: header[k] for k in ATTRS if k in header}
        coords = None
        if "CTYPE1" in header and not str(header.get("CTYPE1", "")).startswith("RA"):
            coords, dims = {}, []
            for n in range(header["NAXIS"], 0, -1):
                name = header[f"CTYPE{n}"].lower()
                dims.append(name)
                if f"CRVAL{n}" in header:
                    coords[name] = header[f"CRVAL{n}"] + header.get(f"CDELT{n}", 1) * (np.arange(header[f"NAXIS{n}"]) + 1 - header.get(f"CRPIX{n}", 0))
        wcs = WCS(header) if str(header.get("CTYPE1", "")).startswith("RA") else None
        return Facts(values.astype(values.dtype.newbyteorder("=")), None, coords, attrs, wcs=wcs, unit=header.get("BUNIT"), nodata=header.get("BLANK"))


def as_xarray(f, decoded):
    dims = f.dims or tuple(f"d{k}" for k in range(f.values.ndim))
    attrs = {**(f.attrs or {}), **({"units": f.unit} if f.unit else {}), **({"grid_mapping": "spatial_ref"} if f.crs else {})}
    if f.wcs is not None:
        attrs |= {k: v for k, v in f.wcs.to_header().items() if isinstance(v, (int, float, str))}
    values = f.values
    array = xr.DataArray(values, dims=dims, coords=f.coords or {}, attrs=attrs, name="tas")
    units = {"lat": "degrees_north", "lon": "degrees_east"}
    for name in f.coords or {}:
        if name in units:
            array[name].attrs["units"] = units[name]
    if f.nodata is not None:
        array.attrs["_FillValue"] = np.array(f.nodata, values.dtype)[()]
    ds = array.to_dataset()
    if f.crs:
        ds["spatial_ref"] = ((), 0, {"crs_wkt": rasterio.crs.CRS.from_epsg(f.crs).to_wkt(), "GeoTransform": " ".join(map(str, _gdal(f.transform)))})
    return ds


def _gdal(t):
    return (t[2], t[0], t[1], t[5], t[3], t[4])


def from_xarray(ds):
    names = [n for n in ds.variables if ds[n].ndim > 1 and not n.endswith("bnds")]
    v = ds[names[0]]
    attrs = v.attrs
    coords = {d: ds[d].values for d in v.dims if d in ds.variables}
    crs = transform = None
    if "grid_mapping" in attrs:
        mapping = ds[attrs["grid_mapping"]].attrs
        crs = rasterio.crs.CRS.from_user_input(mapping.get("crs_wkt", mapping.get("spatial_ref"))).to_epsg()
        if "GeoTransform" in mapping:
            t = [float(x) for x in mapping["GeoTransform"].split()]
            transform = (t[1], t[2], t[0], t[4], t[5], t[3])
    wcs = None
    if str(attrs.get("CTYPE1", "")).startswith("RA"):
        header = fits.Header({k: x for k, x in attrs.items() if len(k) <= 8 and k == k.upper() and k not in ("HISTORY", "COMMENT") and isinstance(x, (str, int, float, np.number))})
        wcs = WCS(header)
    fill = attrs.get("_FillValue")
    if isinstance(fill, (str, bytes)):
        fill = np.nan
    return Facts(v.values, v.dims, coords, {k: attrs[k] for k in ATTRS if k in attrs}, crs, transform, wcs, attrs.get("units"), None if fill is None else float(fill))


def write_nc(kind):
    return lambda path, f: as_xarray(f, False).to_netcdf(path, format=kind, engine="netcdf4", mode="w")


def read_nc(path):
    with xr.open_dataset(path, mask_and_scale=False, decode_times=False, decode_coords=False, engine="netcdf4") as ds:
        return from_xarray(ds.load())


def write_zarr(path, f):
    import shutil

    shutil.rmtree(path, ignore_errors=True)
    as_xarray(f, False).to_zarr(path, zarr_format=3, consolidated=False)


def read_zarr(path):
    node = zarr.open(path, mode="r")
    if isinstance(node, zarr.Array):
        attrs = dict(node.attrs)
        names = node.metadata.dimension_names
        ds = xr.Dataset({"data": (names or [f"d{k}" for k in range(node.ndim)], node[:], attrs)})
        return from_xarray(ds)
    with xr.open_zarr(path, mask_and_scale=False, decode_times=False, decode_coords=False, consolidated=None) as ds:
        return from_xarray(ds.load())


def write_tiff(path, f):
    x = f.values if f.values.ndim == 3 else f.values[None]
    with rasterio.open(path, "w", driver="GTiff", count=len(x), height=x.shape[1], width=x.shape[2], dtype=x.dtype, nodata=f.nodata,
                       **({"crs": f"EPSG:{f.crs}", "transform": rasterio.Affine(*f.transform)} if f.crs else {})) as d:
        d.write(x)
        if f.unit:
            d.units = (f.unit,) * len(x)
        d.update_tags(**(f.attrs or {}))


def read_tiff(path):
    with rasterio.open(path) as d:
        x = d.read()
        x = x[0] if len(x) == 1 else x
        unit = d.units[0] if d.units[0] else None
        t = tuple(d.transform)[:6]
        coords = {"y": t[5] + t[4] * (np.arange(d.height) + 0.5), "x": t[2] + t[0] * (np.arange(d.width) + 0.5)} if d.crs else {}
        return Facts(x, None, coords, {k: v for k, v in d.tags().items() if k in ATTRS}, d.crs.to_epsg() if d.crs else None, t if d.crs else None, None, unit, d.nodata)


def write_hdf5(path, f):
    with h5py.File(path, "w") as file:
        d = file.create_dataset("tas", data=f.values)
        for k, name in enumerate(f.dims or ()):
            if name in (f.coords or {}):
                file[name] = f.coords[name]
                file[name].attrs.update({"lat": {"units": "degrees_north"}, "lon": {"units": "degrees_east"}}.get(name, {}))
                file[name].make_scale(name)
                d.dims[k].attach_scale(file[name])
            else:
                d.dims[k].label = name
        d.attrs.update({**(f.attrs or {}), **({"units": f.unit} if f.unit else {})})
        if f.wcs is not None:
            d.attrs.update({k: v for k, v in f.wcs.to_header().items() if isinstance(v, (int, float, str))})
        if f.crs:
            d.attrs["grid_mapping"] = "spatial_ref"
            file["spatial_ref"] = 0
            file["spatial_ref"].attrs.update({"crs_wkt": rasterio.crs.CRS.from_epsg(f.crs).to_wkt(), "GeoTransform": " ".join(map(str, _gdal(f.transform)))})
        if f.nodata is not None:
            d.attrs["_FillValue"] = np.array([f.nodata], f.values.dtype)


def read_hdf5(path):
    def plain(x):
        return x.decode() if isinstance(x, bytes) else x

    with h5py.File(path) as file:
        found = []
        file.visititems(lambda name, node: found.append(node) if isinstance(node, h5py.Dataset) and node.ndim > 1 else None)
        d = found[0]
        names = [next(iter(axis.values())).name.lstrip("/") if len(axis) else axis.label for axis in d.dims]
        coords = {name: file[name][:] for name in names if name in file and file[name].size and not str(plain(file[name].attrs.get("NAME", ""))).startswith("This is a netCDF dimension")}
        attrs = {k: plain(v) for k, v in d.attrs.items()}
        fill = attrs.get("_FillValue")
        if isinstance(fill, str):
            fill = np.nan  # as from_xarray has it
        crs = transform = wcs = None
        if "grid_mapping" in attrs:
            mapping = {k: plain(v) for k, v in file[attrs["grid_mapping"]].attrs.items()}
            crs = rasterio.crs.CRS.from_user_input(mapping.get("crs_wkt", mapping.get("spatial_ref"))).to_epsg()
            t = [float(x) for x in mapping["GeoTransform"].split()]
            transform = (t[1], t[2], t[0], t[4], t[5], t[3])
        if str(attrs.get("CTYPE1", "")).startswith("RA"):
            words = {k: v.item() if hasattr(v, "item") and v.size == 1 else v for k, v in attrs.items()}
            wcs = WCS(fits.Header({k: v for k, v in words.items() if len(k) <= 8 and k == k.upper() and k not in ("HISTORY", "COMMENT") and isinstance(v, (str, int, float))}))
        return Facts(d[...], tuple(names), coords, {k: attrs[k] for k in ATTRS if k in attrs}, crs, transform, wcs, attrs.get("units"),
                     nodata=None if fill is None else float(np.asarray(fill).ravel()[0]))


def with_casacore(code, *words):
    """casacore is in the system's own Python."""
    done = subprocess.run(["/usr/bin/python3", "-c", "import sys, casacore.images as ci\n" + code, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def write_casa(path, f):
    source = path.with_suffix(".for-casa.fits")
    write_fits(source, f)
    with_casacore("ci.image(sys.argv[1]).saveas(sys.argv[2])", source, path)


def read_casa(path):
    """What casacore says of it, in a FITS file of its own; what its mask leaves out is NaN there."""
    target = path.with_suffix(".of-casa.fits")
    with_casacore("ci.image(sys.argv[1]).tofits(sys.argv[2], overwrite=True, velocity=False)", path, target)
    facts = read_fits(target)
    return dataclasses.replace(facts, values=facts.values.astype("f4"), attrs={}, coords=None)


@dataclasses.dataclass
class Format:
    suffix: str
    write: Callable | None  # None: Freestone makes it from another
    read: Callable
    holds: set  # of what Facts has beside values
    takes: Callable = lambda f: True
    writable: bool = True  # by Freestone
    options: str = ""  # that it takes


FORMATS = {
    "fits": Format("fits", write_fits, read_fits, {"wcs", "unit", "attrs", "coords", "nodata"}),
    "netcdf3": Format("nc3", write_nc("NETCDF3_64BIT_DATA"), read_nc, {"dims", "coords", "attrs", "crs", "transform", "wcs", "unit", "nodata"}),
    "netcdf4": Format("nc", write_nc("NETCDF4"), read_nc, {"dims", "coords", "attrs", "crs", "transform", "wcs", "unit", "nodata"}),
    "zarr": Format("zarr", write_zarr, read_zarr, {"dims", "coords", "attrs", "crs", "transform", "wcs", "unit", "nodata"}),
    "geotiff": Format("tif", write_tiff, read_tiff, {"coords", "attrs", "crs", "transform", "unit", "nodata"}, lambda f: f.values.ndim in (2, 3)),
    # As a source it is a GeoTIFF.
    "cog": Format("tif", None, read_tiff, {"coords", "attrs", "crs", "transform", "unit", "nodata"}, lambda f: f.values.ndim in (2, 3), options="--as cog"),
    "hdf5": Format("h5", write_hdf5, read_hdf5, {"dims", "coords", "attrs", "crs", "transform", "wcs", "unit", "nodata"}),
    "casa": Format("image", write_casa, read_casa, {"wcs", "unit"}, lambda f: f.values.dtype == np.float32 and f.wcs is not None),
    "npy": Format("npy", lambda p, f: np.save(p, f.values), lambda p: Facts(np.load(p)), set()),
}
DATA = {"earth": earth, "raster": raster, "sky": sky, "numbers": numbers}


def compare(got, wanted, source, target, what, through=""):
    """`through`: the format on the way back. FITS has the keywords of its attributes in capitals, and those of a raster are none of its own."""
    np.testing.assert_array_equal(got.values, wanted.values)
    assert got.values.dtype == wanted.values.dtype, (got.values.dtype, wanted.values.dtype)
    both = source.holds & target.holds
    if "dims" in both and wanted.dims and through not in ("fits", "tif", "npy"):
        assert tuple(got.dims) == tuple(wanted.dims)
    is_named = "fits" not in (source.suffix, through) or what == "earth"
    has_labels = source.suffix != "fits" and not (source.suffix == "tif" and what == "earth")  # what wrote these had no way to say them
    if "coords" in both and what in ("earth", "raster") and has_labels and is_named:
        for name in set(wanted.coords) & ({"y", "x"} if what == "raster" and target.suffix == "tif" else set(wanted.coords)):
            if what == "earth" and target.suffix == "tif":
                continue  # by its transform, below
            if through == "tif" and name == "time":
                continue
            np.testing.assert_allclose(got.coords[name], wanted.coords[name], rtol=1e-9, atol=1e-9, err_msg=name)
    if what == "earth" and target.suffix == "tif" and "coords" in source.holds and source.suffix not in ("tif", "fits"):
        np.testing.assert_allclose(got.coords["y"], wanted.coords["lat"], atol=1e-9)
        np.testing.assert_allclose(got.coords["x"], wanted.coords["lon"], atol=1e-9)
        assert got.crs == 4326
    if "attrs" in both and wanted.attrs and "fits" not in (source.suffix, through):
        assert got.attrs == wanted.attrs
    if "crs" in both and wanted.crs:
        assert got.crs == wanted.crs and got.transform == pytest.approx(wanted.transform, rel=1e-14)
    if "wcs" in both and wanted.wcs is not None:
        pixels = np.array([[0, 0, 0], [3, 2, 1], [8, 6, 4]], float)
        np.testing.assert_allclose(got.wcs.wcs_pix2world(pixels, 0), wanted.wcs.wcs_pix2world(pixels, 0), rtol=1e-12)
        assert list(got.wcs.wcs.ctype) == list(wanted.wcs.wcs.ctype) and got.wcs.wcs.restfrq == wanted.wcs.wcs.restfrq
    if "unit" in both and wanted.unit and (wanted.unit != "1e-4" or "fits" not in (source.suffix, target.suffix, through)):
        assert got.unit == wanted.unit
    if "nodata" in both and wanted.nodata is not None:
        assert got.nodata == wanted.nodata


@pytest.mark.parametrize("what", DATA)
@pytest.mark.parametrize("target", [name for name, f in FORMATS.items() if f.writable])
@pytest.mark.parametrize("source", [name for name, f in FORMATS.items() if f.write])
def test_every_pair(freestone, random, what, source, target):
    facts = DATA[what](random)
    a, b = FORMATS[source], FORMATS[target]
    if not (a.takes(facts) and b.takes(facts)):
        return
    a.write(freestone.folder / f"in.{a.suffix}", facts)
    freestone.out(f"convert in.{a.suffix} out.{b.suffix} {b.options}")
    compare(b.read(freestone.folder / f"out.{b.suffix}"), facts, a, b, what)
    # And back again: nothing was lost on the way that both can hold.
    if a.writable:
        freestone.out(f"convert out.{b.suffix} back.{a.suffix} {a.options}")
        compare(a.read(freestone.folder / f"back.{a.suffix}"), facts, dataclasses.replace(a, holds=a.holds & b.holds), a, what, b.suffix)


@needs_plugin("proj", "libproj-dev")
def test_the_crs_of_a_netcdf_file_is_well_known_text(freestone, random):
    """GDAL reads no other: by "EPSG:32633" in crs_wkt it has no CRS, and says that a bracket is missing."""
    x = random.normal(size=(20, 30)).astype("f4")
    with rasterio.open(freestone.folder / "a.tif", "w", driver="GTiff", count=1, height=20, width=30, dtype=x.dtype, crs="EPSG:32633",
                       transform=from_origin(5e5, 5e6, 30, 30)) as f:
        f.write(x, 1)
    freestone.out("run a.tif ! write b.nc ! write c.tif")
    freestone.out("convert b.nc d.tif")
    with xr.open_dataset(freestone.folder / "b.nc") as ds:
        for key in ("crs_wkt", "spatial_ref"):
            assert rasterio.crs.CRS.from_wkt(ds["spatial_ref"].attrs[key]).to_epsg() == 32633
    for name in ("c.tif", "d.tif"):
        with rasterio.open(freestone.folder / name) as f:
            assert f.crs.to_epsg() == 32633
            np.testing.assert_array_equal(f.read(1), x)


def test_datasets_of_xarray_with_its_defaults(freestone, tmp_path):
    """Several variables over labels that say _FillValue = NaN, as xarray writes them unasked; a tree of groups with a coordinate of its own name."""
    labels = {"lat": np.linspace(-80, 80, 3), "lon": np.arange(4.0), "height": ("lat", [1.0, np.nan, 3.0])}
    ds = xr.Dataset({"tas": (("lat", "lon"), np.arange(12.0).reshape(3, 4)), "flag": (("lat", "lon"), np.ones((3, 4), bool))}, labels)
    ds.to_netcdf(tmp_path / "a.nc")
    ds.to_zarr(tmp_path / "a.zarr", zarr_format=3)
    xr.DataTree.from_dict({"/": xr.Dataset({"n": ((), 1)}), "/a": ds, "/c": ds.isel(lat=[0])}).to_netcdf(tmp_path / "tree.nc")
    for source in ("a.nc", "a.zarr", "tree.nc"):
        for suffix in ("nc", "zarr", "h5"):
            freestone.out(f"convert {source} {suffix}_{source}.{suffix}")
            assert freestone.out(f"compare {source} {suffix}_{source}.{suffix}") == "the same\n"
    for written in (xr.open_dataset(tmp_path / "nc_a.nc.nc"), xr.open_zarr(tmp_path / "zarr_a.nc.zarr")):
        xr.testing.assert_equal(written.load(), ds)
    for tree in (xr.open_datatree(tmp_path / "nc_tree.nc.nc"), xr.open_datatree(tmp_path / "zarr_tree.nc.zarr", engine="zarr")):
        xr.testing.assert_equal(tree["a"].to_dataset().load(), ds)


def test_names_that_begin_with_axis_are_kept(freestone, tmp_path):
    """In two groups an axis of one name has two lengths; only what no file has named is named."""
    names = {"a": ("axis_angle", 3), "b": ("axis_angle", 5), "c": ("axis", 4)}
    xr.DataTree.from_dict({group: xr.Dataset({"v": (dim, np.ones(n, "f4"))}, coords={dim: np.arange(float(n))}) for group, (dim, n) in names.items()}).to_netcdf(
        tmp_path / "tree.nc")
    for suffix in ("nc", "zarr"):
        freestone.out(f"convert tree.nc out.{suffix}")
        assert freestone.out(f"compare tree.nc out.{suffix}") == "the same\n"
        for group, (dim, n) in names.items():
            with xr.open_datatree(tmp_path / f"out.{suffix}", **({"engine": "zarr"} if suffix == "zarr" else {})) as written:
                assert written[group].sizes == {dim: n}
    xr.Dataset({"v": ("axis_angle", np.ones(3, "f4"))}).to_netcdf(tmp_path / "one.nc")
    xr.Dataset({"v": ("axis_time", np.ones(3, "f4"))}).to_netcdf(tmp_path / "other.nc")
    assert "axes: (axis_angle) and (axis_time)" in freestone("compare one.nc other.nc").stdout
    freestone.out("convert one.nc two.zarr --var v")  # an array alone
    assert zarr.open_array(tmp_path / "two.zarr", mode="r").metadata.dimension_names == ("axis_angle",)


def test_arrays_without_names_of_axes(freestone, tmp_path):
    """A group of arrays of several lengths, as zarr-python writes them, and an array alone."""
    group = zarr.open_group(tmp_path / "g.zarr", mode="w")
    arrays = {"a": np.zeros((3, 4)), "b": np.ones((5, 4), "i2"), "c": np.arange(3.0), "d": np.arange(7)}
    for name, values in arrays.items():
        group.create_array(name, data=values)
    zarr.save_array(str(tmp_path / "one.zarr"), arrays["a"])
    for suffix in ("nc", "zarr", "h5"):
        freestone.out(f"convert g.zarr g_out.{suffix}")
        assert freestone.out(f"compare g.zarr g_out.{suffix}") == "the same\n"
    with xr.open_dataset(tmp_path / "g_out.nc") as written:
        assert written.sizes == {"axis0": 3, "axis1": 4, "axis0_5": 5, "axis0_7": 7}
        for name, values in arrays.items():
            np.testing.assert_array_equal(written[name], values)
    freestone.out("convert one.zarr one.nc")
    assert freestone.out("compare one.zarr one.nc") == "the same\n"
    with xr.open_dataset(tmp_path / "one.nc") as written:
        written.rename(dim_0="x").to_netcdf(tmp_path / "x.nc")
    assert "axes: (dim_0, dim_1) and (x, dim_1)" in freestone("compare one.nc x.nc").stdout
