"""Writes the pages of the documentation that come out of the code: the Python package, the command line, the C++ headers, the notebooks, lists of pages.

    python docs/reference_pages.py SITE [--no-run]

SITE is a copy of docs/ (scripts/docs makes it). Needs Freestone in the Python that runs this, with its program.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import inspect
import os
import pathlib
import pkgutil
import re
import subprocess
import sys
import tempfile
from types import ModuleType
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ROOT / "src/freestone"


def first_sentence(text: str | None) -> str:
    """The first line of a docstring, without its full stop."""
    lines = (text or "").strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else ""


# Python.


def public_modules(package: ModuleType) -> list[ModuleType]:
    """The package and its modules whose names have no underscore in front, those that can be imported here."""
    modules = [package]
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if any(part.startswith("_") for part in found.name.split(".")):
            continue
        try:
            modules.append(importlib.import_module(found.name))
        except ImportError as error:
            print(f"reference_pages.py: {found.name} is left out: {error}", file=sys.stderr)
    return modules


def is_own(value: Any, package: ModuleType) -> bool:
    """Whether a function or class is defined in the package."""
    module = getattr(value, "__module__", None)
    return isinstance(module, str) and (module == package.__name__ or module.startswith(package.__name__ + "."))


def names_of(module: ModuleType) -> list[str]:
    """What a module offers: its list, or what has no underscore in front."""
    return sorted(getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")]), key=str.lower)


def python_group(title: str, owner: str, names: dict[str, Any]) -> list[str]:
    """One section in reStructuredText: classes with their methods, functions by name."""
    lines = [title, "-" * len(title), "", f".. currentmodule:: {owner}", ""]
    for name, value in names.items():
        if inspect.isclass(value):
            lines += [f".. autoclass:: {owner}.{name}", "   :members:", ""]
        elif callable(value):
            lines += [f".. autofunction:: {owner}.{name}", ""]
    return lines


def write_python(site: pathlib.Path) -> None:
    """reference/python.rst, and a page for each group of names and each public module."""
    package = importlib.import_module("freestone")
    pages: list[str] = []
    folder = site / "reference/python"
    folder.mkdir(parents=True, exist_ok=True)

    def page(file: str, title: str, text: str, lines: list[str]) -> None:
        (folder / f"{file}.rst").write_text("\n".join([title, "=" * len(title), "", text, "", *lines]) + "\n", encoding="utf-8")
        pages.append(file)

    groups: dict[str, dict[str, Any]] = {}
    for name in names_of(package):
        value = getattr(package, name)
        if not inspect.ismodule(value) and is_own(value, package) and callable(value):
            groups.setdefault(value.__module__, {})[name] = value
    for module_name in sorted(groups, key=lambda m: (m != "freestone._array", m)):
        file = module_name.rsplit(".", 1)[1].strip("_")
        if f"freestone.{file}" in sys.modules and inspect.getdoc(sys.modules[f"freestone.{file}"]) and f"freestone.{file}" == module_name:
            continue  # a public module has a page of its own
        text = first_sentence(inspect.getdoc(sys.modules[module_name]))
        page(file, f"freestone: {file.replace('_', ' ')}", f"{text}.", python_group(file.replace("_", " ").capitalize(), "freestone", groups[module_name]))
    for module in public_modules(package)[1:]:
        names = {n: getattr(module, n) for n in names_of(module) if hasattr(module, n)}
        own = {n: v for n, v in names.items() if not inspect.ismodule(v) and callable(v) and is_own(v, package)}
        if own:
            page(module.__name__.replace(".", "-"), module.__name__, f"{first_sentence(inspect.getdoc(module))}.", python_group("Names", module.__name__, own))
    index = ["Python", "======", "", "Every public name of the package, from its docstrings.", "", ".. toctree::", "   :maxdepth: 1", ""]
    (site / "reference/python.rst").write_text("\n".join([*index, *[f"   python/{p}" for p in pages]]) + "\n", encoding="utf-8")


# The command line.


def write_commands(site: pathlib.Path) -> None:
    """reference/commands.md: what the program says of its commands and steps."""
    from freestone import _program

    program = _program.path()

    def say(*words: str) -> str:
        return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout.rstrip()

    general = say("--help")
    commands = [m.group(1) for m in re.finditer(r"^  ([a-z]+) (?:[A-Z\[]|bash)", general, re.M)]
    commands = [name for name in dict.fromkeys([*commands, "doctor"]) if name != "freestone"]
    steps = [line.split()[0] for line in say("steps").splitlines() if re.match(r"^[a-z][a-z-]* {2,}", line)]
    lines = ["# Command line", "", "What the program says of itself. [Pipelines](../pipelines.md) shows how it fits together.", "", "```text", general, "```", ""]
    lines += ["## Commands", ""]
    for command in commands:
        lines += [f"### freestone {command}", "", "```text", say(command, "--help"), "```", ""]
    lines += ["## Steps", ""]
    for step in steps:
        lines += [f"### {step}", "", "```text", say("steps", step), "```", ""]
    (site / "reference/commands.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


# C++.


def headers_for_users() -> list[pathlib.Path]:
    """What freestone.h includes."""
    text = (HEADERS / "freestone.h").read_text(encoding="utf-8")
    return [HEADERS / name for name in re.findall(r'#include "freestone/([^"]+)"', text)]


def declarations(text: str) -> list[tuple[str, str, str]]:
    """(class, contract, declaration) of a header, in its order: each comment with /// and the declarations that follow it, to the next blank line.

    Within a class only what is public; bodies of inline functions are left out.
    """
    found: list[tuple[str, str, str]] = []
    owner = ""
    contract: list[str] = []
    code: list[str] = []
    depth_of_body = 0
    hidden = False

    def end() -> None:
        nonlocal contract, code
        if code and contract:
            found.append((owner, "\n".join(contract).strip(), "\n".join(code)))
        contract, code = [], []

    for line in text.splitlines():
        stripped = line.strip()
        if depth_of_body:
            depth_of_body += line.count("{") - line.count("}")
            continue
        if re.match(r"^ (private|protected):", line):
            hidden = True
        elif re.match(r"^ public:", line) or line.startswith("};"):
            hidden = False
            if line.startswith("};"):
                end()
                owner = ""
        if stripped.startswith("///") and not stripped.startswith("///<"):
            if code:
                end()
            if not hidden:
                contract.append(stripped[3:].removeprefix(" "))
        elif re.match(r"^(class|struct) \w+[^;]*\{", line) and not contract:
            end()
            owner = owner_of(line)
        elif not stripped or hidden or re.match(r"^(#|//|namespace|using namespace| ?(public|private|protected):|}|};)", stripped):
            end()
        elif contract:
            opens = line.count("{") - line.count("}")
            if opens > 0 and not re.match(r"^\s*(class|struct|enum|template)\b", line):
                code.append(re.sub(r"\s*(:[^:{]*)?\{.*$", ";", line))
                depth_of_body = opens
            elif opens > 0 and re.match(r"^\s*(class|struct)\b", line):
                code.append(re.sub(r"\s*\{.*$", ";", line))
                end()
                owner = owner_of(line)
            else:
                code.append(re.sub(r"\s*\{ .* \}$", ";", line) if ";" not in line.split("{")[0] and "{" in line and "(" in line.split("{")[0] else line)
    end()
    return found


def owner_of(line: str) -> str:
    """The class that a line begins."""
    match = re.match(r"^\s*(?:class|struct)\s+(\w+)", line)
    return match.group(1) if match else ""


def write_cpp(site: pathlib.Path) -> None:
    """reference/cpp.md and a page a room: the contracts of the headers that freestone.h includes."""
    folder = site / "reference/cpp"
    folder.mkdir(parents=True, exist_ok=True)
    rooms: dict[str, list[pathlib.Path]] = {}
    for header in headers_for_users():
        rooms.setdefault(header.parent.name, []).append(header)
    for room, headers in rooms.items():
        lines = [f"# C++: {room}", ""]
        for header in headers:
            text = header.read_text(encoding="utf-8")
            head, _, rest = text.partition("#pragma once")
            lines += [f"## {header.relative_to(HEADERS).as_posix()}", "", *[line.removeprefix("///").removeprefix(" ") for line in head.strip().splitlines()], ""]
            within = ""
            for owner, contract, code in declarations(rest):
                if owner != within:
                    lines += [f"### {owner}" if owner else "### Functions", ""]
                    within = owner
                indent = min((len(x) - len(x.lstrip()) for x in code.splitlines() if x.strip()), default=0)
                lines += ["```cpp", *[x[indent:] for x in code.splitlines()], "```", "", escaped(contract), ""]
        (folder / f"{room}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    index = ["# C++", "", "The headers that `#include <freestone/freestone.h>` brings, with their contracts; all in namespace `freestone`.", "", "```{toctree}", ":maxdepth: 1", ""]
    (site / "reference/cpp.md").write_text("\n".join([*index, *[f"cpp/{room}" for room in rooms], "```", ""]), encoding="utf-8")


def escaped(contract: str) -> str:
    """A contract as Markdown: `@param name` and its like in bold, one a line, and nothing in it is HTML or emphasis."""
    text = re.sub(r"[<>*_\[\]|]", lambda m: "\\" + m.group(0), contract) if "`" not in contract else re.sub(
        r"(`[^`]*`)|([<>*_\[\]|])", lambda m: m.group(1) or "\\" + m.group(2), contract
    )  # fmt: skip
    text = re.sub(r"^@(param\s+\S+|returns|throws)\s*", lambda m: f"\n**{m.group(1).replace('param ', '').strip()}**: ", text, flags=re.M)
    return text


# Notebooks.


def markdown_of_notebook(notebook: Any, folder: pathlib.Path, stem: str) -> str:
    """A notebook with its outputs as a page; pictures go beside it."""
    lines: list[str] = []
    pictures = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            lines += [cell.source, ""]
            continue
        lines += ["```python", cell.source, "```", ""]
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data or "image/svg+xml" in data:
                pictures += 1
                name = f"{stem}_{pictures}.{'png' if 'image/png' in data else 'svg'}"
                content = base64.b64decode(data["image/png"]) if "image/png" in data else data["image/svg+xml"].encode()
                (folder / name).write_bytes(content)
                lines += [f"![output]({name})", ""]
            elif "text/html" in data and "<svg" in data["text/html"]:
                lines += ["```{raw} html", data["text/html"], "```", ""]
            else:
                text = data.get("text/plain") or (output.get("text", "") if output.get("name") != "stderr" else "")
                if text.strip():
                    lines += ["```text", text.rstrip(), "```", ""]
    return "\n".join(lines) + "\n"


def write_notebooks(site: pathlib.Path, run: bool) -> None:
    """Executes each notebook on the files of examples/make_data.py, and makes a page of it; without `run` a page without results."""
    import nbformat

    for path in sorted((site / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if run:
            execute(notebook)
        path.with_suffix(".md").write_text(markdown_of_notebook(notebook, path.parent, path.stem), encoding="utf-8")
        path.unlink()


def execute(notebook: Any) -> None:
    """Runs a notebook in a folder of its own."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, ROOT / "examples/make_data.py", folder], check=True, stdout=subprocess.DEVNULL)
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()


def write_decisions(site: pathlib.Path) -> None:
    """decisions/index.md."""
    names = sorted(p.stem for p in (site / "decisions").glob("[0-9]*.md"))
    lines = ["# Decisions", "", "One page each: the question, what was chosen, what else was tried.", "", "```{toctree}", ":maxdepth: 1", "", *names, "```", ""]
    (site / "decisions/index.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=pathlib.Path)
    parser.add_argument("--no-run", action="store_true", help="do not execute the notebooks")
    options = parser.parse_args()
    site: pathlib.Path = options.site
    (site / "reference").mkdir(exist_ok=True)
    os.environ.setdefault("MPLBACKEND", "agg")
    write_python(site)
    write_commands(site)
    write_cpp(site)
    write_decisions(site)
    write_notebooks(site, not options.no_run)


if __name__ == "__main__":
    main()
