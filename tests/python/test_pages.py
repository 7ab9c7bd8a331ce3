"""The pages of the documentation do what they say: every block of code in the quick starts and how-tos runs, in order, on small data."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*(DOCS / "start").glob("*.md"), *(DOCS / "howto").glob("*.md"), *(DOCS / "coming-from").glob("*.md")])
FENCE = re.compile(r"^```(\w+|\{[\w-]+\})?.*$")

# What a block of shell does: stop at the first command that fails.
PRELUDE = "import subprocess as __s; __shell = lambda code: __s.run(['bash', '-euc', code], check=True)"


def blocks(text):
    """(language, first line, code) of each fenced block."""
    found, language, first, lines = [], None, 0, []
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and language is None:
            language, first, lines = fence.group(1) or "", number + 1, []
        elif line.startswith("```"):
            found.append((language, first, "\n".join(lines)))
            language = None
        elif language is not None:
            lines.append(line)
    assert language is None, "a block of code is not closed"
    return found


def script(text):
    """One program of a page's blocks; its lines have the page's numbers."""
    lines = [""] * (text.count("\n") + 2)
    lines[0] = PRELUDE
    for language, first, code in blocks(text):
        if language == "python":
            for i, line in enumerate(code.splitlines()):
                lines[first - 1 + i] = line
        elif language == "console":
            lines[first - 1] = f"__shell({code!r})"
    return "\n".join(lines)


def run(program, page, folder):
    own = folder / f"page_{page.stem.replace('-', '_')}.py"
    own.write_text(f"import sys; sys.argv = [{str(page)!r}]; exec(compile(open({str(folder / 'page.txt')!r}).read(), {str(page)!r}, 'exec'), {{'__name__': '__page__'}})\n")
    (folder / "page.txt").write_text(program)
    # The program that is built beside the package, as users have it after an installation.
    found = subprocess.run([sys.executable, "-c", "from freestone import _program; print(_program.path())"], check=True, capture_output=True, text=True, cwd="/").stdout.strip()
    program_folder = pathlib.Path(found).parent if os.access(found, os.X_OK) else ROOT / "build/release/bin"
    environment = {**os.environ, "PATH": f"{program_folder}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}", "MPLBACKEND": "agg"}
    return subprocess.run([sys.executable, own], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(DOCS)) for p in PAGES])
def test_every_block_of_a_page_runs(page, among_sample_data):
    text = page.read_text()
    if not any(language in ("python", "console") for language, _, _ in blocks(text)):
        assert page.name == "index.md" or "```" not in text or page.parent.name == "coming-from", f"{page}: blocks of code without python or console are not tried"
        return
    done = run(script(text), page, among_sample_data)
    assert done.returncode == 0, f"{page}\n{done.stdout}\n{done.stderr}"


def test_a_page_with_a_wrong_block_is_noticed(among_sample_data):
    page = DOCS / "start/arrays.md"
    python = run(script("text\n\n```python\n\nraise SystemExit(3)\n```\n"), page, among_sample_data)
    assert python.returncode == 3
    shell = run(script("```console\nfreestone info nothing.fits\n```\n"), page, among_sample_data)
    assert shell.returncode != 0 and "nothing.fits" in shell.stderr


NAME = re.compile(r"\bfs\.([A-Za-z_][\w.]*)")
STEP = re.compile(r"! ([a-z][a-z-]+)")


def test_names_that_pages_speak_of_exist():
    """`fs.something` is there, and each step behind a `!`: in tables, too, which nobody runs."""
    import freestone
    from freestone import _program

    program = _program.path() if os.access(_program.path(), os.X_OK) else ROOT / "build/release/bin/freestone"
    listed = subprocess.run([program, "steps"], check=True, capture_output=True, text=True).stdout
    steps = {line.split()[0] for line in listed.splitlines() if line[:1].isalpha()}
    tried, missing = 0, []
    for page in [*PAGES, DOCS / "python.md", DOCS / "datasets.md", DOCS / "pipelines.md", ROOT / "README.md"]:
        text = page.read_text()
        for match in NAME.finditer(text):
            value = freestone
            for part in match.group(1).rstrip(".").split("."):
                value = getattr(value, part, None)
                if value is None:
                    missing.append(f"{page.name}: fs.{match.group(1)}")
                    break
            tried += 1
        for match in STEP.finditer(text):
            if match.group(1) not in steps:
                missing.append(f"{page.name}: step {match.group(1)}")
            tried += 1
    assert tried > 200 and not missing, missing


def test_from_array_takes_what_dask_takes():
    """By Dask's name, which the tables promise."""
    import numpy as np

    import freestone as fs

    x = np.arange(24.0).reshape(4, 6)
    a = fs.from_array(x, chunks=(2, -1), name="x", lock=True)
    assert a.chunksize == (2, 6) and np.array_equal(a.compute(), x)
    x[0, 0] = 5
    assert float(fs.from_array(x)[0, 0]) == 5
