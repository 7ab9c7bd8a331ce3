"""--each: a pipeline for many files, each by itself."""

import json

import numpy as np
import pytest
from astropy.io import fits


@pytest.fixture
def files(freestone, random):
    values = {}
    (freestone.folder / "in").mkdir()
    for name in ("a.fits", "b.c.fits", "d.fits.gz"):
        values[name] = random.normal(size=(4, 5, 6)).astype("f4")
        fits.writeto(freestone.folder / "in" / name, values[name])
    return values


def test_each_file_has_its_outputs(freestone, files):
    freestone.out("run 'in/*.fits' in/d.fits.gz --each ! tee [ mean --axis 0 ! write {stem}_mean.fits ] [ max --axis 0 ! plot {stem}.png ] ! calc --expr 'x * 2' ! write double-{stem}.npy")
    for name, stem in (("a.fits", "a"), ("b.c.fits", "b.c"), ("d.fits.gz", "d")):
        np.testing.assert_allclose(fits.getdata(freestone.folder / f"{stem}_mean.fits"), files[name].mean(axis=0), rtol=1e-6)
        np.testing.assert_array_equal(np.load(freestone.folder / f"double-{stem}.npy"), files[name] * 2)
        assert (freestone.folder / f"{stem}.png").read_bytes()[:4] == b"\x89PNG"


def test_numbers_of_each_file(freestone, files):
    lines = freestone.out("run in/a.fits in/b.c.fits --each --format json ! statistics").splitlines()
    assert [json.loads(line)["max"] for line in lines] == [float(files[name].max()) for name in ("a.fits", "b.c.fits")]
    table = freestone.out("run in/a.fits in/b.c.fits --each ! statistics").splitlines()
    assert table[0] == "in/a.fits" and table[1].startswith("npts") and "in/b.c.fits" in table
    # Of one file it is what it is without --each.
    assert freestone.out("run in/a.fits --each ! statistics") == freestone.out("run in/a.fits ! statistics")


@pytest.mark.parametrize("words, message", [
    ("in/a.fits in/b.c.fits --each ! mean --axis 0 ! write out.fits", "{stem}_out.fits"),
    ("in/a.fits in/b.c.fits --each ! tee [ max --axis 0 ! plot m.png ] ! write {stem}.npy", "{stem}"),
    ("in/a.fits ./in/a.fits --each ! write {stem}.npy", "one stem, 'a'"),
    ("in/a.fits in/b.c.fits --each --stack n ! write {stem}.npy", "--stack"),
    ("in/a.fits in/b.c.fits --each --profile p.json ! write {stem}.npy", "--profile"),
])  # fmt: skip
def test_what_would_go_to_one_name_is_refused(freestone, files, words, message):
    assert message in freestone.fails(2, "run " + words)


def test_a_file_that_cannot_be_read_ends_the_batch_and_is_named(freestone, files):
    (freestone.folder / "in" / "b.fits").write_text("no FITS")
    done = freestone("run in/a.fits in/b.fits in/b.c.fits --each ! write {stem}.npy")
    assert done.returncode == 1 and "in/b.fits" in done.stderr
    assert (freestone.folder / "a.npy").exists() and not (freestone.folder / "b.npy").exists() and not (freestone.folder / "b.c.npy").exists()
