"""What tests/conftest.py makes of skips."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

TESTS = {
    "test_module.py": "import pytest\npytest.importorskip('no_such_package')\ndef test_a(): pass\n",
    "test_inside.py": "import pytest\ndef test_a(): pytest.skip('the data are not there')\n",
    "test_mark.py": "import pytest\n@pytest.mark.skipif(True, reason='not today')\ndef test_a(): pass\n",
    "test_disk.py": "import pytest\ndef test_a(): pytest.skip('nothing can be mounted here')\n",
    "test_known.py": "import pytest\n@pytest.mark.xfail\ndef test_a(): assert False\n",
}


@pytest.mark.parametrize("name", TESTS)
def test_a_skip_fails_in_a_whole_run_only(name, tmp_path):
    shutil.copy(pathlib.Path(__file__).parents[1] / "conftest.py", tmp_path)
    (tmp_path / name).write_text(TESTS[name])

    def run(which):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, "-c", "/dev/null", name]
        return subprocess.run(command, cwd=tmp_path, env={**os.environ, "FREESTONE_TESTS": which}, capture_output=True, text=True)

    assert run("").returncode in (0, 5)  # 5: nothing was collected, and nothing failed
    whole = run("whole")
    assert (whole.returncode == 0) == (name in ("test_disk.py", "test_known.py")), whole.stdout
