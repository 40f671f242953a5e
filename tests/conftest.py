"""Copies of the repository to run the workflow in, one of them run once with the smoke preset.

The copies hold what git would commit, so a test may edit anything in them, and jobs import the
copy's own typeone. MNIST comes from `datasets.mnist.source: auto`; without a network or npm, name a
folder with the four IDX files in the variable TYPEONE_MNIST.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from xdist.scheduler import LoadScopeScheduling

from typeone.workflow.settings import layers

from . import preloaded

ROOT = Path(__file__).parents[1]
SMOKE = "presets/smoke.yaml"
ASKS_FOR_SMOKE = re.compile(r"^ *def \w+\([^)]*\b(smoke|smoke_copy)\b", re.M)
RULE = re.compile(r"^(?:rule (\w+)|use rule (\w+) as (\w+) with):\n((?:[ \t]+.*\n|\n)*)", re.M)


class FilesAndTheSmokeRun(LoadScopeScheduling):
    """Of several processes, one gets all files whose tests ask for the smoke run."""

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return "smoke" if ASKS_FOR_SMOKE.search((ROOT / file).read_text()) else file


def pytest_xdist_make_scheduler(config, log):
    # not --dist loadgroup: pytest-xdist 3.8 finds no groups under pytest 9.2
    return FilesAndTheSmokeRun(config, log)


@dataclass(frozen=True)
class Workflow:
    """One copy of the repository, at ``root``, always run with ``configfiles``."""

    root: Path
    configfiles: tuple[str, ...] = ()

    def environment(self):
        """Variables under which every Python finds the copy's typeone before an installed one."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("SNAKEMAKE")}
        return inherited | {"PYTHONPATH": str(self.root)}

    @property
    def scratch(self):
        """A folder for files of the tests that git ignores."""
        folder = self.root / ".snakemake" / "tests"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def command(self, *arguments, config="", how=("--cores", "2")):
        """A call of Snakemake; ``config`` is YAML text laid over everything else.

        ``how``: cores or a profile.
        """
        files = list(self.configfiles)
        if config:
            name = hashlib.sha256(config.encode()).hexdigest()[:12]
            extra = self.scratch / f"{name}.yaml"
            extra.write_text(config)
            files.append(str(extra))
        call = [sys.executable, "-m", "snakemake", *how, *map(str, arguments)]
        return call + (["--configfile", *files] if files else [])

    def run(self, *arguments, config="", how=("--cores", "2"), timeout=300):
        """Run Snakemake to its end; ``stdout`` of the result holds standard error too."""
        command = self.command(*arguments, config=config, how=how)
        if preloaded.ASKS & set(arguments):
            output = self.scratch / f"{uuid4().hex}.txt"
            how_to = {"folder": self.root, "environment": self.environment(), "output": output}
            return preloaded.run(command[3:], **how_to, timeout=timeout)
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )

    def pending(self, config=""):
        """Jobs that the next run would do: `rule wildcards`, the wildcards as in the log's name.

        A job that never ran is named by its first output instead.
        """
        result = self.run("--summary", config=config)
        assert result.returncode == 0, result.stdout
        table = result.stdout[result.stdout.index("output_file\t") :].splitlines()[1:]
        jobs = set()
        for output, _, rule, log, _, plan in (line.split("\t") for line in table):
            if plan == "update pending":
                name = Path(log).stem if log != "-" else output
                jobs.add(rule if name == rule else f"{rule} {name}")
        return jobs

    def copy(self, folder):
        """The same with all results, in ``folder``; time stamps are kept."""
        shutil.copytree(self.root, folder / "repository", symlinks=True)
        return Workflow(folder / "repository", self.configfiles)


@pytest.fixture(scope="session")
def repository():
    """The top folder of this repository."""
    return ROOT


@pytest.fixture(scope="session")
def rules(repository):
    """Name → (script, body) of every rule that runs a script, its parent's where it has none."""
    found = {}
    included = re.findall(
        r'^include: "(rules/\w+\.smk)"', (repository / "Snakefile").read_text(), re.M
    )
    assert len(included) == len(list((repository / "rules").glob("*.smk")))
    for file in included:  # in this order, a parent comes before those that use it
        for plain, parent, derived, body in RULE.findall((repository / file).read_text()):
            own = re.search(r'"\.\./scripts/(\w+)\.py"', body)
            script = own[1] if own else found[parent][0] if parent else None
            if script:
                found[plain or derived] = (script, body)
    return found


@pytest.fixture(scope="session")
def gpu_rules(rules, repository):
    """Names of the rules that ask for a GPU: their scripts take one when there is one.

    `describe_machine` takes none, but names the GPU of the machine that the others have theirs on.
    """
    takes = "computing_job(snakemake, gpu=True)"
    scripts = {s.stem for s in (repository / "scripts").glob("*.py") if takes in s.read_text()}
    scripts.add("describe_machine")
    return {rule for rule, (script, _) in rules.items() if script in scripts}


@pytest.fixture(scope="session")
def tracked():
    """Every file that git holds or would add, relative to the top folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory, tracked):
    """A function that makes a fresh copy of the repository, without results."""

    def make(name, configfiles=()):
        root = tmp_path_factory.mktemp(name) / "repository"
        for file in tracked:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, root / file)
        return Workflow(root, tuple(configfiles))

    return make


@pytest.fixture(scope="session")
def smoke_files(tmp_path_factory):
    """The smoke preset as files of settings; MNIST comes from TYPEONE_MNIST where that is set."""
    if folder := os.environ.get("TYPEONE_MNIST"):
        mnist = {"source": "path", "path": str(Path(folder).resolve())}
        extra = tmp_path_factory.mktemp("settings") / "mnist.yaml"
        extra.write_text(yaml.safe_dump({"datasets": {"mnist": mnist}}))
        return SMOKE, str(extra)
    return (SMOKE,)


@pytest.fixture(scope="session")
def smoke_settings():
    """All settings of preset smoke."""
    return layers.of_files(ROOT, SMOKE)


@pytest.fixture(scope="session")
def smoke(checkout, smoke_files):
    """A copy in which the whole workflow has run with the smoke preset. Tests leave it as it is.

    TYPEONE_SMOKE names one of this code that has run already, which saves minutes.
    """
    if folder := os.environ.get("TYPEONE_SMOKE"):
        return Workflow(Path(folder).resolve(), smoke_files)
    workflow = checkout("smoke", smoke_files)
    result = workflow.run(timeout=3000)  # minutes alone; far longer on a busy machine
    if result.returncode:
        hint = "without npm or a network, set TYPEONE_MNIST to a folder with the four IDX files"
        pytest.fail(f"the smoke run failed ({hint}):\n{result.stdout[-3000:]}", pytrace=False)
    return workflow


@pytest.fixture
def smoke_copy(smoke, tmp_path):
    """A copy of the smoke run with its results, to spoil."""
    workflow = smoke.copy(tmp_path)
    yield workflow
    shutil.rmtree(workflow.root)
