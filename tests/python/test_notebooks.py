"""The notebooks of the documentation run from top to bottom, on the files that examples/make_data.py makes."""

import pathlib
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def data_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    subprocess.run([sys.executable, ROOT / "examples/make_data.py", folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[p.stem for p in NOTEBOOKS])
def test_a_notebook_runs_and_is_stored_without_results(path, data_folder):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs and cell.execution_count is None for cell in code), f"{path.name} is stored with results: clear them"
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(data_folder)}}).execute()
    assert sum(len(cell.outputs) for cell in code) >= 3
