"""No file that the workflow reads can run code, but one that the reader vouches for; and it writes
where it says it writes.
"""

import ast
import io
import re
import subprocess
import tarfile
import zipfile

import pytest

from typeone.data.packages import npm_members, wheel_members
from typeone.runtime.errors import InputError

from .standin import make_venv

PICKLES = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "joblib", "dill", "cloudpickle"}
RUNS_CODE = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "runpy.run_path"}
LOADS = {
    "torch.load",
    "np.load",
    "numpy.load",
    "pd.read_pickle",
    "torch.hub.load",
    "torch.jit.load",
}
YAML = {"yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load"}
UNPACKS = {"extractall", "unpack_archive"}  # archives are read member by member, into memory


@pytest.fixture(scope="module")
def calls(repository, tracked):
    """(file, name as written, keywords) of every call, in all that is run but the tests."""
    found = []
    for name in tracked:
        if name.endswith(".py") and name.split("/")[0] in ("typeone", "scripts"):
            for node in ast.walk(ast.parse((repository / name).read_text())):
                if isinstance(node, ast.Call):
                    keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
                    found.append((name, ast.unparse(node.func), keywords))
    assert len(found) > 3000
    return found


def test_three_doors_load_what_others_may_have_pickled(calls):
    """One needs path, hash and opt-in; behind the others only tensors and plain arrays pass."""
    loads = [c for c in calls if c[1].split(".")[0] in PICKLES or c[1] in LOADS]
    assert [(file, name) for file, name, _ in loads] == [
        ("typeone/evaluation/people/labelled.py", "np.load"),
        ("typeone/models/readers/facenet.py", "torch.load"),
        ("typeone/models/readers/nvidia_stylegan.py", "pickle.load"),
    ]
    assert loads[0][2]["allow_pickle"] == "False"
    assert loads[1][2]["weights_only"] == "True"


def test_pickles_are_known_nowhere_else(repository, tracked):
    importing = []
    for name in tracked:
        if name.endswith(".py") and name.split("/")[0] in ("typeone", "scripts"):
            for node in ast.walk(ast.parse((repository / name).read_text())):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                importing += [name for module in names if module.split(".")[0] in PICKLES]
    assert importing == [
        "typeone/models/readers/facenet.py",
        "typeone/models/readers/nvidia_stylegan.py",
    ]


def test_no_text_is_run_and_no_archive_unpacked(calls):
    odd = RUNS_CODE | YAML
    assert [c for c in calls if c[1] in odd or c[1].split(".")[-1] in UNPACKS] == []
    assert [c for c in calls if "shell" in c[2]] == []
    assert {c[2]["allow_pickle"] for c in calls if "allow_pickle" in c[2]} == {"False"}


def test_rules_run_no_text_either(repository, tracked):
    forbidden = r"\b(eval|exec|pickle\.\w+|yaml\.(full_|unsafe_)?load|os\.system|shell)\s*[(:]"
    for name in tracked:
        if name.endswith(".smk") or name == "Snakefile":
            assert re.findall(forbidden, (repository / name).read_text()) == [], name


def test_a_package_writes_nothing_whatever_its_members_are_called(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("x.whl", "w") as wheel:
        for name in ("../evil", "/tmp/evil-of-type-one", "a/data"):
            wheel.writestr(name, b"bytes")
    for name in ("../evil", "/tmp/evil-of-type-one", "a/data"):
        assert wheel_members("x", "1", [name], sha256=None, path="x.whl") == {name: b"bytes"}
    assert [p.name for p in tmp_path.iterdir()] == ["x.whl"]
    assert not (tmp_path.parent / "evil").exists()


def test_a_link_in_a_package_leads_to_no_file_of_the_disk(tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    with tarfile.open(tmp_path / "x.tgz", "w:gz") as package:
        for name, kind in (("package/soft", tarfile.SYMTYPE), ("package/hard", tarfile.LNKTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, str(tmp_path / "secret")
            package.addfile(member)
        member = tarfile.TarInfo("package/folder")
        member.type = tarfile.DIRTYPE
        package.addfile(member, io.BytesIO())
    for name in ("package/soft", "package/hard"):
        with pytest.raises(
            InputError, match=r"x\.tgz is a damaged package \(linkname .+ not found"
        ):
            npm_members("x@1", [name], path=tmp_path / "x.tgz")
    with pytest.raises(InputError, match=r"x\.tgz package/folder is not a file"):
        npm_members("x@1", ["package/folder"], path=tmp_path / "x.tgz")


OURS = re.compile(r"results/|\.snakemake/|\.venv/|(.*/)?__pycache__/")


@pytest.fixture
def watched(checkout, tmp_path):
    """A checkout with a .venv that stands for this one, and the variables of an empty home."""
    root = checkout("watched").root
    make_venv(root)
    folders = {}
    for variable in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        folders[variable] = tmp_path / variable
        folders[variable].mkdir()
    return root, folders


def everything(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*")}


def test_a_run_writes_under_results_and_its_own_hidden_folders_only(watched, checkout):
    """Python's bytecode beside its source apart. pip and npm have caches of their own."""
    root, folders = watched
    before = everything(root)
    unset = ("MPLCONFIGDIR", "PIP_CACHE_DIR", "PYTHONDONTWRITEBYTECODE")
    environment = checkout("unused").environment()
    environment = {k: v for k, v in environment.items() if k not in unset}
    environment |= {k: str(v) for k, v in folders.items()}
    result = subprocess.run(
        [*("./reproduce", "--preset", "smoke", "--cores", "2"), "results/figures/figure2.png"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert (root / "results" / "figures" / "figure2.png").is_file()
    made = {name + "/" * (root / name).is_dir() for name in everything(root) - before}
    assert {name for name in made if not OURS.match(name)} == set()
    assert {name for folder in folders.values() for name in everything(folder)} == set()
