"""Whatever a user's shell says, the same figure is drawn with the same bytes."""

import os
import subprocess
import sys

import pytest

HOSTILE = {
    "HOME": "/nonexistent",
    "TMPDIR": "/nonexistent",
    "MPLCONFIGDIR": "/nonexistent/matplotlib",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "PYTHONHASHSEED": "7",
    "PYTHONIOENCODING": "latin-1",
    "LC_ALL": "C",
    "CUDA_VISIBLE_DEVICES": "junk",
    "OMP_NUM_THREADS": "many",
    "COLUMNS": "1",
    "TERM": "dumb",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "closed", [(0,), (1,), (0, 1, 2)], ids=["no input", "no output", "no stream at all"]
)
def test_a_hostile_shell_changes_no_byte_of_a_figure(repository, smoke, tmp_path, closed):
    def shell():
        os.umask(0o077)
        for stream in closed:
            os.close(stream)

    command = (sys.executable, "-I", "-X", "utf8", "-m", "typeone.workflow", "reproduce")
    figure = "results/figures/figure2.png"
    result = subprocess.run(
        [*command, "--preset", "smoke", "--cores", "1", "--directory", str(tmp_path), figure],
        cwd=repository,
        env=os.environ | HOSTILE,
        preexec_fn=shell,
        timeout=300,
    )
    assert result.returncode == 0
    assert (tmp_path / figure).read_bytes() == (smoke.root / figure).read_bytes()
