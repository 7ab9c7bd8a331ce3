"""The notebooks of the documentation run from top to bottom, on the files that examples/make_data.py makes."""

import pathlib

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[p.stem for p in NOTEBOOKS])
def test_a_notebook_runs_and_is_stored_without_results(path, among_sample_data):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code and all(not cell.outputs and cell.execution_count is None for cell in code), f"{path.name} is stored with results: clear them"
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(among_sample_data)}}).execute()
    assert sum(len(cell.outputs) for cell in code) >= 3
