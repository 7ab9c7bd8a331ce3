"""docs/engine.md: its example is run, and what the page says that the program prints is compared with what it prints."""

import re
import subprocess
import sys

import numpy as np
import pytest
import zarr
from conftest import ROOT

PAGE = (ROOT / "docs" / "engine.md").read_text()

#: Lines whose words follow from the computation alone. Of the others the first word must be there: what they say are prices and sizes of files.
STABLE = ("stage", "from", "keeps", "writes")


def block(first):
    """The indented block whose first line matches, without the indent."""
    lines = PAGE.splitlines()
    start = next(i for i, line in enumerate(lines) if re.match("    " + first, line))
    out = []
    for line in lines[start:]:
        if line and not line.startswith("    "):
            break
        out.append(line[4:])
    return [line.rstrip() for line in out if line.strip()]


def outline(lines):
    """What must be the same: stable lines whole, of others the label; of prices and amounts the words around them."""
    out = []
    for line in lines:
        words = line.split()
        if words[0] in STABLE:
            out.append(" ".join(words))
        elif line.startswith("    ") or re.match("  (no room|[0-9.]+ m?s)  ", line):
            out.append(re.sub("^(no room|[0-9.]+ m?s)", "", line.strip()).strip())
        else:
            out.append(re.sub("[0-9.]+", "#", words[0]))
    return out


@pytest.fixture
def words(freestone):
    """What stands behind `freestone run` on the page, in a folder with the array that the page makes."""
    python = re.search("```python\n(.*?)```", PAGE, re.S)[1]
    subprocess.run([sys.executable, "-c", python], cwd=freestone.folder, check=True, timeout=100)
    return next(line for line in PAGE.splitlines() if line.startswith("    freestone run a.zarr")).removeprefix("    freestone run ")


def test_the_plan_is_what_the_program_prints(freestone, words):
    printed = freestone.out("plan " + words).splitlines()
    assert outline(block("2 stages, ")) == outline(printed), "docs/engine.md shows another plan than this:\n" + "\n".join(printed)
    inline = freestone.out("plan " + words.replace("40MiB", "64MiB"))
    assert inline.startswith("1 stage,"), "docs/engine.md says that one pass fits 64 MiB; it does not:\n" + inline


def test_the_profile_is_what_the_run_says(freestone, words):
    freestone.out("run " + words.replace("!", "--profile run.txt !", 1))
    printed = [line.rstrip() for line in (freestone.folder / "run.txt").read_text().splitlines() if line.strip()]

    def rows(lines):
        """Stages, and the work in each: kind, name and how often (how often chunks are read and decoded the cache decides)."""
        out = []
        for line in lines:
            if line.startswith("stage"):
                out.append(line.split())
            elif found := re.match(r"  (read|decode|compute|write)\s+(.*?)\s{2,}(\d+)\s", line):
                out.append([found[1], found[2], "" if found[1] in ("read", "decode") else found[3]])
        return out

    expected = block(r"[0-9.]+ s wall, 240 tasks")
    assert len(rows(expected)) == 10
    assert rows(expected) == rows(printed), "docs/engine.md shows another profile than this:\n" + "\n".join(printed)

    x = zarr.open_array(freestone.folder / "a.zarr", mode="r")[:].astype(np.float64)
    got = zarr.open_array(freestone.folder / "out.zarr", mode="r")
    assert got.shape == (400, 300, 400)
    np.testing.assert_allclose(got[100], ((x - x.mean(0)) / x.std(0)).transpose(2, 0, 1)[100], rtol=0, atol=2e-5)
