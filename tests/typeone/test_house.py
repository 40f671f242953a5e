"""Imports of typeone go down its floors and never in a circle, and its modules stay short."""

import ast
import re

import pytest

FLOORS = (
    ("api", "adapters"),
    ("workflow",),
    ("reporting",),
    ("evaluation",),
    ("attacks", "detectors", "defenses", "theory"),
    ("training",),
    ("models",),
    ("data",),
    ("runtime",),
)
"""From the top; an import goes from a floor to one below it, or stays in its package."""

SIDEWAYS = {("defenses", "attacks")}  # adversarial training attacks while it trains
LIMIT = 320  # lines of a module
ONLY_IN_WORKFLOW = re.compile(
    r"snakemake|config\.yaml|\.smk\b|\./reproduce\b|\bresults/\w", re.IGNORECASE
)


def modules_of(root):
    """Module → (file, syntax tree) of all of typeone below ``root``."""
    found = {}
    for file in sorted((root / "typeone").rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = file, ast.parse(file.read_text())
    return found


def imports_of(tree, modules):
    """The modules among ``modules`` that a syntax tree imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inner & modules.keys()
            if inner - modules.keys():
                found.add(node.module)
    return {name for name in found if name.split(".")[0] == "typeone"}


def package(module):
    """``typeone.data.images`` → ``data``; of typeone itself nothing."""
    return module.split(".")[1] if "." in module else ""


def forbidden(importing, imported):
    """Whether one package may not import another."""
    height = {name: -i for i, floor in enumerate(FLOORS) for name in floor}
    if importing == imported or (importing, imported) in SIDEWAYS:
        return False
    return height[importing] <= height[imported]


def packages_without_a_floor(root):
    floors = {name for floor in FLOORS for name in floor}
    return sorted({package(name) for name in modules_of(root)} - {""} - floors)


def imports_not_down(root):
    """``importing: imported`` of each import that stays on its floor or goes up."""
    modules = modules_of(root)
    return [
        f"{name}: {other}"
        for name, (_, tree) in modules.items()
        for other in sorted(imports_of(tree, modules))
        if other != "typeone" and (not package(name) or forbidden(package(name), package(other)))
    ]


def circles(root):
    """Modules that import themselves, through others."""
    modules = modules_of(root)
    below = {name: imports_of(tree, modules) for name, (_, tree) in modules.items()}

    def reached(start):
        seen, queue = set(), list(below[start])
        while queue:
            if (name := queue.pop()) not in seen:
                seen.add(name)
                queue += below.get(name, ())
        return seen

    return [name for name in below if name in reached(name)]


def long_modules(root):
    return {
        file.relative_to(root).as_posix()
        for file, _ in modules_of(root).values()
        if len(file.read_text().splitlines()) > LIMIT
    }


def mentions_of_the_workflow(root):
    """``module:line`` of each name, import and text outside of `workflow` that speaks of it.

    Comments and docstrings are free.
    """
    found = []
    for name, (_, tree) in modules_of(root).items():
        if package(name) == "workflow":
            continue
        free = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            texts = []
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts = [node.value] if id(node) not in free else []
            elif isinstance(node, ast.Name):
                texts = [node.id]
            elif isinstance(node, ast.Import | ast.ImportFrom):
                texts = [getattr(node, "module", None) or "", *(a.name for a in node.names)]
            if any(ONLY_IN_WORKFLOW.search(text) for text in texts):
                found.append(f"{name}:{node.lineno}")
    return found


def test_every_package_has_a_floor(repository):
    assert packages_without_a_floor(repository) == []


def test_imports_go_down(repository):
    assert imports_not_down(repository) == []


def test_no_imports_form_a_circle(repository):
    assert circles(repository) == []


def test_modules_are_short(repository):
    assert long_modules(repository) == set()


def test_only_the_workflow_knows_snakemake(repository):
    assert mentions_of_the_workflow(repository) == []


def test_no_script_imports_the_workflow(repository):
    """An edit of how runs are planned reruns no job."""
    for script in sorted((repository / "scripts").glob("*.py")):
        assert "typeone.workflow" not in script.read_text(), script.name


def test_packages_hold_nothing_but_a_docstring(repository):
    """Importing any module runs its packages, so that code in them would count everywhere."""
    for name, (file, tree) in modules_of(repository).items():
        if file.name == "__init__.py" and name != "typeone":
            assert [type(node) for node in tree.body] == [ast.Expr], name


# the checks themselves, on planted violations


@pytest.fixture
def house(tmp_path):
    """A function that writes a small typeone of files and their texts, and gives its root."""

    def write(files):
        for name, text in files.items():
            file = tmp_path / "typeone" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    write({"__init__.py": "", "models/__init__.py": "", "models/svae.py": "import torch\n"})
    write({"data/faces.py": "", "attacks/svae.py": "from typeone.models.svae import f\n"})
    return write


def test_a_house_in_order_is_left_alone(house):
    root = house({"defenses/retraining.py": "from typeone.attacks import svae\n"})
    checks = (packages_without_a_floor, imports_not_down, circles, mentions_of_the_workflow)
    assert [check(root) for check in checks] == [[], [], [], []]
    assert long_modules(root) == set()


@pytest.mark.parametrize(
    ("file", "line", "imported"),
    [
        ("data/idx.py", "from typeone.models.svae import f", "typeone.models.svae"),
        ("data/idx.py", "from typeone.models import svae", "typeone.models.svae"),
        ("data/idx.py", "import typeone.attacks.svae as s", "typeone.attacks.svae"),
        ("data/idx.py", "def f():\n    from typeone.models import svae", "typeone.models.svae"),
        ("detectors/squeezing.py", "from typeone.attacks.svae import f", "typeone.attacks.svae"),
        ("__init__.py", "from typeone.data import faces", "typeone.data.faces"),
    ],
    ids=["up", "up to a module", "up by name", "up in a function", "sideways", "from the roof"],
)
def test_an_import_upwards_is_found(house, file, line, imported):
    name = ".".join(["typeone", *file.removesuffix(".py").split("/")]).removesuffix(".__init__")
    assert imports_not_down(house({file: line})) == [f"{name}: {imported}"]


def test_a_circle_is_found(house):
    root = house(
        {
            "data/a.py": "from typeone.data.b import f",
            "data/b.py": "from typeone.data import c",
            "data/c.py": "import typeone.data.a",
            "data/faces.py": "from typeone.data.a import f",  # leads into it and is no part of it
        }
    )
    assert circles(root) == ["typeone.data.a", "typeone.data.b", "typeone.data.c"]
    assert imports_not_down(root) == []


def test_a_long_module_is_found(house):
    root = house({"data/at.py": "x = 1\n" * LIMIT, "data/above.py": "x = 1\n" * (LIMIT + 1)})
    assert long_modules(root) == {"typeone/data/above.py"}


def test_a_package_without_a_floor_is_found(house):
    assert packages_without_a_floor(house({"utils/misc.py": ""})) == ["utils"]


@pytest.mark.parametrize(
    "line",
    [
        "from snakemake.rules import Rule",
        "import snakemake",
        "params = snakemake.params",
        "raise ValueError(f'{value} is too small (config.yaml)')",
        "FINISHED = 'rules/common.smk'",
    ],
)
def test_a_mention_of_the_workflow_is_found(house, line):
    root = house({"data/idx.py": f'"""Of Snakemake."""\n# config.yaml\n{line}\n'})
    house({"workflow/config.py": line})
    assert mentions_of_the_workflow(root) == ["typeone.data.idx:3"]
