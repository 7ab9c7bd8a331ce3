"""info, plan, steps, doctor, help, settings: what is said before anything runs."""

import json
import shutil
import subprocess
import time
import xml.etree.ElementTree

import numpy as np
import pytest
from astropy.io import fits

from conftest import spectral_header


def test_info_tells_what_a_cube_is(freestone, cube):
    got = freestone.json("info cube.fits --json")
    assert got["shape"] == [20, 14, 17] and got["dtype"] == "float32" and got["unit"] == "Jy/beam" and got["dims"] == ["spectral", "y", "x"]
    assert got["beam"]["major_arcsec"] == pytest.approx(0.432) and got["axes"][0]["first"] == 115e9 and got["axes"][0]["last"] == pytest.approx(115.019e9)
    text = freestone.out("info cube.fits")
    assert "20 x 14 x 17 (spectral, y, x)" in text and "Jy/beam" in text and "beam" in text


def test_info_lists_other_images(freestone, random):
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 4), "i2"), name="A"), fits.ImageHDU(np.ones((5,), "f8"), name="B")])
    hdus.writeto(freestone.folder / "m.fits")
    got = freestone.json("info m.fits --json")
    assert got["hdu"] == 1 and [h["name"] for h in got["hdus"]] == ["", "A", "B"]
    assert freestone.json("info m.fits[B] --json")["shape"] == [5] and freestone.json("info m.fits[2] --json")["dtype"] == "float64"


def test_info_of_a_large_file_takes_no_time(freestone):
    """1.2 GB as a hole in the file: only the header may be read."""
    header = spectral_header()
    header["SIMPLE"], header["BITPIX"], header["NAXIS"], header["NAXIS1"], header["NAXIS2"], header["NAXIS3"] = True, -32, 3, 768, 768, 512
    ordered = fits.Header([(k, header[k]) for k in ("SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3")])
    ordered.extend(header, unique=True)
    text = ordered.tostring().encode()
    with open(freestone.folder / "big.fits", "wb") as file:
        file.write(text)
        file.truncate(len(text) + (512 * 768 * 768 * 4 + 2879) // 2880 * 2880)
    best = 1.0
    for _ in range(5):
        begun = time.perf_counter()
        freestone.out("info big.fits")
        best = min(best, time.perf_counter() - begun)
    assert best < 0.05


def test_the_program_starts_fast(freestone):
    best = 1.0
    for _ in range(10):
        begun = time.perf_counter()
        assert freestone.out("--version").startswith("freestone ")
        best = min(best, time.perf_counter() - begun)
    assert best < 0.05


def test_plan_explains_and_touches_nothing(freestone, cube):
    before = freestone.files()
    text = freestone.out("plan cube.fits ! sigma-clip ! tee [ write a.fits ] [ moment --order 1 ! plot b.png ] ! statistics")
    assert "tiles" in text and "peak memory" in text and "a.fits" in text
    assert freestone.files() == before


def test_a_saved_plan_gives_what_run_gives(freestone, cube):
    steps = "! sigma-clip --threshold 2.5 ! tee [ write {0}.fits ] [ median --axis spectral ! write {0}m.fits ] ! statistics --format json"
    direct = freestone.out("run cube.fits " + steps.format("a"))
    plan = freestone.json("plan cube.fits --json " + steps.format("p"))
    assert {sink["to"] for sink in plan["sinks"]} == {"p.fits", "pm.fits", "memory"}
    (freestone.folder / "plan.json").write_text(json.dumps(plan))
    assert freestone.out("run --plan plan.json") == direct
    for name in ("", "m"):
        assert np.array_equal(fits.getdata(freestone.folder / f"a{name}.fits"), fits.getdata(freestone.folder / f"p{name}.fits"), equal_nan=True)
    assert "exists already" in freestone.fails(1, "run --plan plan.json")
    freestone.out("run --plan plan.json --overwrite")


def test_a_plan_of_a_changed_file_or_a_damaged_one_is_refused(freestone, cube):
    text = freestone.out("plan cube.fits --json ! write out.fits")
    (freestone.folder / "plan.json").write_text(text)
    (freestone.folder / "cut.json").write_text(text[: len(text) // 2])
    (freestone.folder / "other.json").write_text('{"plan": 3}')
    with open(freestone.folder / "cube.fits", "ab") as file:
        file.write(b"\0" * 2880)
    assert "changed" in freestone.fails(1, "run --plan plan.json")
    assert "plan" in freestone.fails(1, "run --plan cut.json")
    assert "plan" in freestone.fails(1, "run --plan other.json")


def test_forecast_of_bytes_is_what_is_read(freestone, cube):
    plan = freestone.json("plan cube.fits --json ! sigma-clip ! write a.fits")["plan"]
    freestone.out("run cube.fits --profile p.json ! sigma-clip ! write a.fits")
    profile = json.loads((freestone.folder / "p.json").read_text())
    assert plan["total"]["bytes_read"] == profile["bytes_read"] == cube.size * 4 and profile["bytes_written"] == cube.size * 4


def test_every_step_has_help_with_an_example(freestone):
    names = [line.split()[0] for line in freestone.out("steps").splitlines() if line and not line.startswith("'")]
    assert {"statistics", "moment", "sigma-clip", "smooth", "convolve", "select", "calc", "mask", "write", "plot", "tee", "to-spectral", "to-units"} <= set(names)
    for name in names:
        text = freestone.out(f"steps {name}")
        assert "freestone run " in text and name in text
        assert freestone.out(f"run x.fits ! {name} --help") == text


def test_help_and_completion(freestone):
    for command in ("info", "run", "plan", "convert", "compare", "references", "steps", "doctor", "completion"):
        assert command in freestone.out("--help") and freestone.out(f"{command} --help").startswith(f"freestone {command}")
    for shell in ("bash", "zsh", "fish"):
        assert "sigma-clip" in freestone.out(f"completion {shell}")


# What a shell offers behind the words of a line, one a line. bash and zsh call a function with the words so far; fish is asked itself.
ASKED = {
    "bash": """source completion; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _freestone; printf '%s\\n' "${COMPREPLY[@]}" """,
    "zsh": """compadd() { print -l -- "${(@)@:#--}" }; _files() { print FILES }; compdef() { : }; source completion
              words=("$@"); CURRENT=$#; _freestone""",
    "fish": """source completion; set -l line (string escape -- $argv[1..-2]); complete -C "$(string join ' ' -- $line) $argv[-1]" """,
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_shells_complete(freestone, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here (scripts/packages-test.txt)")
    (freestone.folder / "completion").write_text(freestone.out(f"completion {shell}"))
    options = {"bash": ["--norc", "-c", ASKED[shell], "bash"], "zsh": ["-f", "-c", ASKED[shell], "zsh"], "fish": ["--no-config", "-c", ASKED[shell]]}[shell]

    def offered(*words):
        done = subprocess.run([shell, *options, "freestone", *words], cwd=freestone.folder, capture_output=True, text=True, timeout=60)
        assert done.stderr == "", done.stderr
        return {line.split("\t")[0] for line in done.stdout.splitlines()}

    steps = {line.split()[0] for line in freestone.out("steps").splitlines() if line and not line.startswith("'")}
    assert {"info", "run", "convert", "doctor"} <= offered("")
    for words in (("run", "cube.fits", "!", ""), ("run", "cube.fits", "!", "tee", "[", ""), ("run", "a", "!", "sum", "--axis", "y", "!", ""), ("steps", "")):
        assert steps - {"tee"} <= offered(*words) <= steps | {"tee"}, words
    assert {"--threshold", "--maxiters"} <= offered("run", "cube.fits", "!", "sigma-clip", "--")
    assert {"--order", "--axis"} <= offered("run", "cube.fits", "!", "sigma-clip", "--threshold", "3", "!", "moment", "--")
    assert "--threshold" not in offered("run", "cube.fits", "!", "sigma-clip", "!", "moment", "--")
    assert {"--memory", "--threads", "--progress"} <= offered("run", "--")
    assert "--memory" not in offered("run", "cube.fits", "!", "sigma-clip", "--")
    assert offered("completion", "") == {"bash", "zsh", "fish"}


def test_doctor_knows_the_machine(freestone):
    got = freestone.json("doctor --json")
    assert got["threads"] >= 1 and got["budget_bytes"] > 0 and "wcslib" in got["libraries"] and got["disks"]
    assert "cores" in freestone.out("doctor")


def test_options_go_before_environment_before_config_file(freestone, cube):
    folder = freestone.folder / "config" / "freestone"
    folder.mkdir(parents=True)
    (folder / "config").write_text("memory = 40MiB\nthreads = 1\n")
    config = {"XDG_CONFIG_HOME": str(freestone.folder / "config")}

    def budget(words="", **environment):
        return freestone.json(f"plan cube.fits --json {words} ! max", environment={**config, **environment})["plan"]["budget"]

    assert budget() == 40 << 20
    assert budget(FREESTONE_MEMORY="50MiB") == 50 << 20
    assert budget("--memory 60MiB", FREESTONE_MEMORY="50MiB") == 60 << 20
    assert "FREESTONE_THREADS" in freestone.fails(1, "run cube.fits ! max", environment={"FREESTONE_THREADS": "many"})


def test_progress_as_json_and_profile_as_a_page(freestone, cube):
    done = freestone("run cube.fits --progress json --profile p.html ! statistics")
    assert done.returncode == 0
    assert json.loads(done.stderr.strip().splitlines()[-1])["event"] == "done"
    assert "<html" in (freestone.folder / "p.html").read_text()


def test_a_plan_as_a_picture(freestone, cube):
    words = "! sigma-clip ! tee [ write a.fits ] [ moment --order 1 ! write b.fits ] ! statistics"
    text = freestone.out(f"plan cube.fits {words}")
    for name in ("plan.svg", "plan.pdf", "plan.png"):
        assert freestone.out(f"plan cube.fits --picture {name} {words}").splitlines()[0] == text.splitlines()[0]
    svg = xml.etree.ElementTree.parse(freestone.folder / "plan.svg").getroot()
    shown = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"cube.fits", "a.fits", "b.fits", "memory", "Stage 1"} <= set(shown)
    assert (freestone.folder / "plan.pdf").read_bytes().startswith(b"%PDF")
    assert (freestone.folder / "plan.png").read_bytes()[1:4] == b"PNG"
    assert ".svg, .pdf or .png" in freestone.fails(1, f"plan cube.fits --picture plan.gif {words}")
    assert "--picture" in freestone.out("completion bash")


def test_a_profile_as_text(freestone, cube):
    freestone.out("run cube.fits --profile p.txt ! sigma-clip ! write a.fits")
    text = (freestone.folder / "p.txt").read_text()
    assert "stage 1  sigma_clip" in text and "leased at most" in text and "a.fits" in text
    assert ".txt" in freestone.fails(2, "run cube.fits --profile p.md ! max")


def test_compare_looks_at_places_not_at_reference_pixels(freestone, random):
    data = random.normal(size=(6, 5, 4)).astype("f4")
    header = fits.Header()
    for n, (ctype, unit, value, delta, pixel) in enumerate([("RA---TAN", "deg", 24.0, -2e-5, 2.0), ("DEC--TAN", "deg", 30.0, 2e-5, 3.0), ("FREQ", "Hz", 115e9, 1e6, 1.0)], 1):
        header[f"CTYPE{n}"], header[f"CUNIT{n}"], header[f"CRVAL{n}"], header[f"CDELT{n}"], header[f"CRPIX{n}"] = ctype, unit, value, delta, pixel
    fits.PrimaryHDU(data, header).writeto(freestone.folder / "a.fits")
    header["CRPIX3"], header["CRVAL3"] = 4.0, 115e9 + 3e6
    fits.PrimaryHDU(data, header).writeto(freestone.folder / "b.fits")
    assert freestone.out("compare a.fits b.fits") == "the same\n"
    header["CRVAL3"] += 100.0  # a ten-thousandth of a channel
    fits.PrimaryHDU(data, header).writeto(freestone.folder / "c.fits")
    done = freestone("compare a.fits c.fits")
    assert done.returncode == 1 and "world coordinates differ" in done.stdout


def test_where_keeps_what_holds_and_puts_others_elsewhere(freestone, cube):
    freestone.out("run cube.fits ! where --expr 'x > 3' ! write nan.npy")
    freestone.out("run cube.fits ! mask --where 'x > 3' ! write mask.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "nan.npy"), np.where(cube > 3, cube, np.nan))
    assert (freestone.folder / "nan.npy").read_bytes() == (freestone.folder / "mask.npy").read_bytes()
    freestone.out("run cube.fits ! where --expr 'x > 3 and isfinite(x)' --other -1.5 ! write other.npy")
    np.testing.assert_array_equal(np.load(freestone.folder / "other.npy"), np.where(cube > 3, cube, -1.5))
    freestone.out("run cube.fits --with c=cube.fits ! where --expr 'x > 3' --other 'c * 2' ! write c.npy")
    np.testing.assert_allclose(np.load(freestone.folder / "c.npy"), np.where(cube > 3, cube, cube * 2))
    assert "--expr" in freestone.fails(2, "run cube.fits ! where ! write no.npy")
