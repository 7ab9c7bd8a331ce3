"""CASA images. casacore, which the system's own Python has, is the other reader and writer; it runs in a process of its own."""

import json
import shutil
import subprocess
import textwrap

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

PYTHON = "/usr/bin/python3"


def casacore(folder, code, **values):
    """Runs code that may use `ci` (casacore.images), `ct` (casacore.tables), `np` and the values; what it puts in `out` comes back."""
    program = "import json, sys\nimport numpy as np\nimport casacore.images as ci\nimport casacore.tables as ct\nout = {}\n"
    program += "".join(f"{name} = {value!r}\n" for name, value in values.items())
    program += textwrap.dedent(code) + "\nprint('\\n' + json.dumps(out))\n"
    done = subprocess.run([PYTHON, "-c", program], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module", autouse=True)
def oracle_is_there():
    subprocess.run([PYTHON, "-c", "import casacore.images, casacore.tables"], check=True)


def read(freestone, name):
    freestone.out("convert", name, "read.npy", "--overwrite")
    return np.load(freestone.folder / "read.npy")


def header_of(kind="FREQ", **more):
    h = fits.Header()
    frame = more.pop("frame", "RA")
    lon, lat = {"RA": ("RA---SIN", "DEC--SIN"), "GLON": ("GLON-TAN", "GLAT-TAN"), "CAR": ("RA---CAR", "DEC--CAR")}[frame]
    unit, value, step = {"FREQ": ("Hz", 1.1e11, 1e6), "VRAD": ("m/s", 1e5, 1e3), "VOPT": ("m/s", 1e5, 1e3), "AWAV": ("Angstrom", 7000.0, 1.25),
                         "WAVE": ("m", 7e-7, 1.25e-10)}[kind]
    h["CTYPE1"], h["CRVAL1"], h["CDELT1"], h["CRPIX1"], h["CUNIT1"] = lon, 40.0, -1e-3, 3.0, "deg"
    h["CTYPE2"], h["CRVAL2"], h["CDELT2"], h["CRPIX2"], h["CUNIT2"] = lat, 0.0 if frame == "CAR" else -20.0, 1e-3, 2.5, "deg"
    h["CTYPE3"], h["CRVAL3"], h["CDELT3"], h["CRPIX3"], h["CUNIT3"] = kind, value, step, 2.0, unit
    h["PC1_1"], h["PC1_2"], h["PC2_1"], h["PC2_2"] = 0.8, -0.6, 0.6, 0.8
    if kind not in ("AWAV", "WAVE"):
        h["RESTFRQ"], h["SPECSYS"] = 1.152712e11, "LSRK"
    h["BUNIT"], h["BMAJ"], h["BMIN"], h["BPA"] = "Jy/beam", 2e-3, 1e-3, 30.0
    h["OBJECT"], h["TELESCOP"], h["OBSERVER"], h["DATE-OBS"] = "M 1", "ALMA", "me", "2014-03-02T01:02:03.000"
    h["MYKEY"], h["MYTEXT"] = 3.5, "hello"
    if frame == "RA":
        h["RADESYS"], h["EQUINOX"] = "FK5", 2000.0
    for key, value in more.items():
        h[key] = value
    return h


def cube(shape=(4, 5, 6), seed=3, missing=True):
    d = np.random.default_rng(seed).normal(size=shape).astype("f4")
    if missing:
        d.flat[::7] = np.nan
    return d


def same_world(a, b, shape, rtol=1e-9):
    """Every pixel of the cube has the same coordinates, in the units of `a`."""
    a, b = WCS(a), WCS(b)
    pixels = np.indices(shape).reshape(len(shape), -1)[::-1].T
    x, y = a.wcs_pix2world(pixels, 0), b.wcs_pix2world(pixels, 0)
    assert list(a.wcs.ctype) == list(b.wcs.ctype)
    for k in range(len(shape)):
        np.testing.assert_allclose(x[:, k], y[:, k], rtol=rtol, atol=rtol * abs(a.wcs.cdelt[k]))


@pytest.mark.parametrize("kind,frame", [("FREQ", "RA"), ("VRAD", "GLON"), ("VOPT", "RA"), ("AWAV", "RA"), ("WAVE", "GLON"), ("FREQ", "CAR")])
def test_casacore_opens_what_is_written(freestone, kind, frame):
    d, h = cube(), header_of(kind, frame=frame)
    fits.PrimaryHDU(d, h).writeto(freestone.folder / "a.fits")
    freestone.out("convert a.fits a.image")
    got = casacore(freestone.folder, """
        im = ci.image('a.image')
        world = [im.toworld(list(p)) for p in np.ndindex(*im.shape())]
        c = im.coordinates()
        out.update(shape=im.shape(), dtype=im.datatype(), unit=im.unit(), info=im.imageinfo(), misc=im.miscinfo(), data=im.getdata().tolist(),
                   mask=im.getmask().tolist(), world=world, telescope=c.dict()['telescope'], observer=c.dict()['observer'],
                   mjd=c.dict()['obsdate']['m0']['value'])
        """)
    assert got["shape"] == [4, 5, 6] and got["dtype"] == "float" and got["unit"] == "Jy/beam"
    data, bad = np.array(got["data"], "f4"), np.array(got["mask"])
    np.testing.assert_array_equal(bad, np.isnan(d))
    np.testing.assert_array_equal(data[~bad], d[~bad])
    beam = got["info"]["restoringbeam"]
    assert (beam["major"]["value"], beam["minor"]["value"], beam["positionangle"]["value"]) == pytest.approx((7.2, 3.6, 30))
    assert got["info"]["objectname"] == "M 1"
    assert got["misc"]["mykey"] == 3.5 and got["misc"]["mytext"] == "hello"
    assert (got["telescope"], got["observer"]) == ("ALMA", "me") and got["mjd"] == pytest.approx(56718.04309027778, abs=1e-9)
    # The coordinates of every pixel, against astropy: radians and hertz there, the header's units here.
    wcs = WCS(h)
    pixels = np.array([p[::-1] for p in np.ndindex(4, 5, 6)])
    sky = wcs.wcs_pix2world(pixels, 0)
    world = np.array(got["world"])
    np.testing.assert_allclose(np.degrees(world[:, 2]) % 360, sky[:, 0] % 360, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.degrees(world[:, 1]), sky[:, 1], rtol=0, atol=1e-9)
    hertz = wcs.spectral.pixel_to_world(np.arange(4)).to("Hz").value if kind != "AWAV" else None
    if hertz is not None:
        np.testing.assert_allclose(world[:, 0], np.repeat(hertz, 30), rtol=1e-12)


@pytest.mark.parametrize("kind", ["FREQ", "VRAD", "VOPT", "AWAV", "WAVE"])
@pytest.mark.parametrize("frame", ["RA", "GLON", "CAR"])
def test_fits_to_casa_and_back_keeps_what_a_cube_is(freestone, kind, frame):
    d, h = cube(), header_of(kind, frame=frame)
    fits.PrimaryHDU(d, h).writeto(freestone.folder / "a.fits")
    freestone.out("convert a.fits a.image")
    freestone.out("convert a.image b.fits")
    freestone.out("compare a.fits b.fits --rtol 1e-9")
    with fits.open(freestone.folder / "b.fits") as f:
        np.testing.assert_array_equal(f[0].data, d)
        back = f[0].header
    for key in ("BUNIT", "OBJECT", "TELESCOP", "OBSERVER", "MYKEY", "MYTEXT", "DATE-OBS", "RADESYS"):
        assert back.get(key) == h.get(key), key
    assert [back[k] for k in ("BMAJ", "BMIN", "BPA")] == pytest.approx([2e-3, 1e-3, 30])
    same_world(h, back, d.shape, rtol=1e-9 if kind == "FREQ" else 1e-7)


def test_what_casacore_writes_is_read_as_it_reads_it(freestone):
    fits.PrimaryHDU(cube((7, 20, 30)), header_of("VRAD")).writeto(freestone.folder / "a.fits")
    got = casacore(freestone.folder, """
        im = ci.image('a.fits')
        im.saveas('a.image')
        im = ci.image('a.image')
        d, m = im.getdata(), im.getmask()
        im.tofits('c.fits', velocity=False)
        s = im.statistics()
        out.update(sum=float(d[~m].sum(dtype='f8')), n=int((~m).sum()), stats={k: np.asarray(v).ravel().tolist() for k, v in s.items() if k in ('sum', 'npts', 'sigma', 'rms')})
        """)
    found = freestone.json("run a.image ! statistics --format json")
    assert found["npts"] == got["n"] == got["stats"]["npts"][0]
    assert found["sum"] == pytest.approx(got["sum"], rel=1e-12)
    assert found["sigma"] == pytest.approx(got["stats"]["sigma"][0], rel=1e-6)
    assert found["unit"] == "Jy/beam"
    freestone.out("convert a.image b.fits")
    with fits.open(freestone.folder / "b.fits") as ours, fits.open(freestone.folder / "c.fits") as theirs, fits.open(freestone.folder / "a.fits") as original:
        np.testing.assert_array_equal(ours[0].data, theirs[0].data)
        same_world(original[0].header, ours[0].header, (7, 20, 30), rtol=1e-7)
        # Theirs is in frequency.
        a, b = WCS(ours[0].header), WCS(theirs[0].header)
        pixels = np.indices((7, 20, 30)).reshape(3, -1)[::-1].T
        np.testing.assert_allclose(a.wcs_pix2world(pixels, 0)[:, :2], b.wcs_pix2world(pixels, 0)[:, :2], rtol=0, atol=1e-10)
        np.testing.assert_allclose(a.spectral.pixel_to_world(np.arange(7)).to("Hz").value, b.spectral.pixel_to_world(np.arange(7)).to("Hz").value, rtol=1e-11)


@pytest.mark.parametrize("dtype", ["Float", "Double", "Complex", "DComplex", "Int", "Bool", "Short", "uChar"])
@pytest.mark.parametrize("order", ["big", "little"])
@pytest.mark.parametrize("manager", ["TiledCellStMan", "TiledShapeStMan", "TiledColumnStMan"])
def test_every_storage_manager_and_type(freestone, dtype, order, manager):
    """Tables that are no images otherwise: any type in any tiled storage manager."""
    shape, tile = (7, 5, 9), (2, 3, 4)
    kind = {"Float": "f4", "Double": "f8", "Complex": "c8", "DComplex": "c16", "Int": "i4", "Bool": "?", "Short": "i2", "uChar": "u1"}[dtype]
    casacore(freestone.folder, """
        n = int(np.prod(shape))
        d = (np.arange(n) * 7 % 101 - (0 if kind == 'u1' else 50))
        d = (d % 3 == 0) if kind == '?' else d.astype(kind) * (1 + 2j if kind[0] == 'c' else 1)
        d = d.astype(kind).reshape(shape)
        names = {'Float': 'float', 'Double': 'double', 'Complex': 'complex', 'DComplex': 'dcomplex', 'Int': 'int', 'Bool': 'boolean', 'Short': 'short', 'uChar': 'uchar'}
        fixed = manager == 'TiledColumnStMan'
        column = ct.makearrcoldesc('map', None, ndim=3, shape=list(shape) if fixed else [], valuetype=names[dtype], options=5 if fixed else 0,
                                   datamanagertype=manager, datamanagergroup='tiles')
        desc = ct.maketabdesc(column)
        spec = {'*1': {'TYPE': manager, 'NAME': 'tiles', 'COLUMNS': ['map'], 'SEQNR': 0,
                       'SPEC': {'DEFAULTTILESHAPE': np.array(list(tile[::-1]) + ([1] if manager != 'TiledCellStMan' else []), 'i4'), 'MAXIMUMCACHESIZE': 0}}}
        t = ct.table('t.image', desc, nrow=1, dminfo=spec, endian=order, ack=False)
        t.putcell('map', 0, d)
        assert t.getdminfo()['*1']['TYPE'] == manager
        t.close()
        np.save('d.npy', d)
        """, shape=shape, tile=tile, dtype=dtype, order=order, manager=manager, kind=kind)
    d = np.load(freestone.folder / "d.npy")
    got = read(freestone, "t.image")
    assert got.dtype == d.dtype
    np.testing.assert_array_equal(got, d)


def test_beams_of_planes(freestone):
    d = cube((3, 4, 5))
    fits.PrimaryHDU(d, header_of("FREQ")).writeto(freestone.folder / "a.fits")
    casacore(freestone.folder, """
        ci.image('a.fits').saveas('a.image')
        t = ct.table('a.image', readonly=False, ack=False)
        q = lambda v, u: {'value': float(v), 'unit': u}
        beams = {'*%d' % k: {'major': q(3 + k, 'arcsec'), 'minor': q(2, 'arcsec'), 'positionangle': q(10 * k, 'deg')} for k in range(3)}
        info = t.getkeyword('imageinfo')
        info.pop('restoringbeam')
        t.putkeyword('imageinfo', {**info, 'perplanebeams': {'nChannels': 3, 'nStokes': 1, **beams}})
        t.close()
        out.update(ci.image('a.image').imageinfo())
        """)
    freestone.out("convert a.image b.fits")
    with fits.open(freestone.folder / "b.fits") as f:
        np.testing.assert_allclose(f["BEAMS"].data["BMAJ"], [3, 4, 5], rtol=1e-6)
        np.testing.assert_allclose(f["BEAMS"].data["BPA"], [0, 10, 20], rtol=1e-6, atol=1e-6)
    freestone.out("convert b.fits c.image")
    info = casacore(freestone.folder, "out.update(ci.image('c.image').imageinfo())")
    beams = info["perplanebeams"]
    assert beams["nChannels"] == 3
    assert [beams[f"*{k}"]["major"]["value"] for k in range(3)] == pytest.approx([3, 4, 5])


def test_stokes_and_four_axes(freestone):
    d = np.arange(3 * 1 * 4 * 5, dtype="f4").reshape(1, 3, 4, 5)
    h = header_of("FREQ")
    h["CTYPE4"], h["CRVAL4"], h["CDELT4"], h["CRPIX4"] = "STOKES", 1.0, 1.0, 1.0
    fits.PrimaryHDU(d, h).writeto(freestone.folder / "a.fits")
    casacore(freestone.folder, "ci.image('a.fits').saveas('a.image')")
    info = freestone.json("info a.image --json")
    assert freestone.json("run a.image ! statistics --format json")["sum"] == d.sum()
    freestone.out("run a.image ! moment --order 0 ! write m.image")
    got = casacore(freestone.folder, "im = ci.image('m.image'); out.update(shape=im.shape(), unit=im.unit())")
    assert got["shape"] == [4, 5] and "Hz" in got["unit"] and info


def test_masks_by_name_and_in_pipelines(freestone):
    d = cube((3, 4, 5), missing=False)
    casacore(freestone.folder, """
        m = np.zeros((3, 4, 5), bool); m[1, 2] = True
        im = ci.image('a.im', values=np.array(d, 'f4'), maskname='mymask', mask=m, tileshape=(2, 3, 3))
        out['bad'] = int(im.getmask().sum())
        """, d=d.tolist())
    good = read(freestone, "a.im[mymask]")
    assert good.dtype == bool and (~good).sum() == 5 and not good[1, 2].any()
    expected = d.copy()
    expected[1, 2] = np.nan
    np.testing.assert_array_equal(read(freestone, "a.im"), expected)
    assert freestone.json("run a.im ! statistics --format json")["npts"] == 55
    freestone.fails(1, "info a.im/table.dat")


def test_a_killed_copy_is_taken_up_and_damage_is_told(freestone):
    d = cube((8, 40, 50))
    fits.PrimaryHDU(d, header_of()).writeto(freestone.folder / "a.fits")
    freestone.out("convert a.fits a.image")
    freestone.fails(1, "convert a.fits a.image")
    freestone.out("convert a.fits a.image --overwrite")
    with open(freestone.folder / "a.image" / "table.f0_TSM0", "r+b") as f:
        f.truncate(1000)
    assert "table.f0_TSM0" in freestone.fails(1, "run a.image ! statistics")
    shutil.rmtree(freestone.folder / "a.image" / "mask0")
    assert "mask0" in freestone.fails(1, "info a.image")
