"""Jobs start without libraries that they do not use: importing torch takes longer than a plot."""

import subprocess
import sys

import pytest

SCRIPT = (
    "import sys; sys.path.insert(0, 'scripts'); {}; sys.exit(sorted({!r} & sys.modules.keys()))"
)


@pytest.mark.parametrize(
    ("starts", "unused"),
    [
        (("plot_", "tabulate_", "render_", "describe_"), {"torch"}),
        (("judge", "attack_svae", "attack_faces.", "train_c", "train_svae"), {"pandas", "scipy"}),
    ],
    ids=["drawing without torch", "networks without tables and statistics"],
)
def test_a_script_imports_only_what_it_uses(repository, starts, unused):
    names = {path.name for path in (repository / "scripts").glob("*.py")} - {"plot_figure9.py"}
    imports = [f"import {n.removesuffix('.py')}" for n in sorted(names) if n.startswith(starts)]
    assert len(imports) > 5
    code = SCRIPT.format("; ".join(imports), unused)
    found = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True)
    assert found.stderr.decode() == "[]\n"
    assert found.returncode == 1  # what sys.exit gives for a list, here an empty one
