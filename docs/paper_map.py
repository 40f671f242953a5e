"""Make docs/paper-map.md out of the rules, their scripts and the imports of these.

    .venv/bin/python docs/paper_map.py

A test fails while the page is not what this would write. Only the lists below are kept by hand:
which rules belong to which part of the paper.
"""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "paper-map.md"
HEAD = """# From paper to code

Use this page to find the code of each part of the paper: the rule (`rules/`), its script
(`scripts/`, with the rule's name unless another is listed) and the modules (`typeone/`) that are
specific to it. The last table describes every module. `.venv/bin/snakemake --rulegraph` draws the
rules; `.venv/bin/python docs/paper_map.py` makes this page.
"""
PAPER = {
    "I, Fig. 1: ROC": "evaluate_roc plot_figure1",
    "II-A, Fig. 2: toy cube": "evaluate_toy plot_figure2",
    "II-B, Fig. 3: spheres": "train_sphere attack_sphere evaluate_sphere plot_figure3",
    "III-A, Algorithm 1, Eq. 6 and 7: SVAE": "train_svae_stage1 train_svae_stage2",
    "III-B and III-C, Algorithm 2, Eq. 8 to 11": "attack_svae",
    "III-D, IV-E, Eq. 13, Fig. 8: latent space of a generator": "train_generator attack_latent "
    "evaluate_latent plot_figure8",
    "IV: digits": "prepare_dataset sample_examples",
    "IV-A: MLP; IV-D: LeNet": "train_classifier",
    "IV-A, Fig. 5a, 6 and 7a": "plot_figure5a plot_figure6 plot_figure7a plot_figure7a_ours",
    "Eq. 1 and 2: success": "judge_svae judge_type2",
    "IV-B: faces": "prepare_faces generate_faces label_lfw",
    "IV-B: recognizer, LFW": "prepare_facenet train_recognizer evaluate_recognizer evaluate_lfw",
    "IV-B, Fig. 5b: SVAE of faces": "train_face_svae_stage1 train_face_svae_stage2 "
    "evaluate_face_svae plot_figure5b",
    "IV-B, Fig. 7b: attacked faces": "attack_faces evaluate_faces plot_figure7b plot_figure7b_ours",
    "IV-C: Type II attacks": "attack_type2 attack_faces_type2",
    "IV-C, Table I: feature squeezing": "score_detection evaluate_detection tabulate_table1 "
    "plot_table1_roc",
    "IV-C, Table II: squeezing of faces": "score_face_detection evaluate_face_detection "
    "tabulate_table2",
    "IV-D: strengthened LeNets": "strengthen_classifier evaluate_strengthening "
    "tabulate_strengthening",
    "IV-D, Table III: strengthened recognizers": "strengthen_recognizer attack_faces_afresh "
    "attack_faces_type2_afresh evaluate_face_strengthening tabulate_table3",
    "IV-E, Fig. 9: StyleGAN, FaceNet": "prepare_mobilestylegan prepare_nvidia_stylegan "
    "attack_stylegan evaluate_stylegan plot_figure9",
    "supplement: the authors' attacked pairs": "evaluate_published_pairs",
    "verdict table": "tabulate_reproduction",
}
BEYOND = {
    "[your classifier](your-classifier.md) as f1": "prepare_classifier",
    "kits of [audits](audit.md)": "make_kit make_face_kit",
    "[your attack](your-attack.md)": "attack_own judge_own",
    "the oracle": "train_oracle evaluate_oracle",
    "clean success: density model": "train_density",
    "`ours`: attackers, their density model": "train_attacker train_attack_density plot_variants",
    "baselines and rivals": "attack_baseline judge_baseline tabulate_attacks",
    "rival: diffusion model": "train_diffusion",
    "ablations": "attack_ablations judge_ablations plot_ablations",
    "realism of attacked images": "evaluate_realism",
    "[answers of people](study.md)": "render_study prepare_annotations evaluate_study "
    "calibrate_oracle",
    "the report": "describe_machine render_report",
    "check of stored results": "check_results",
    "judges and attackers of faces": "train_face_judge train_face_attacker prepare_age_gender "
    "evaluate_face_judges",
    "a small face generator": "train_style_generator attack_style_generator "
    "evaluate_style_generator plot_figure9_small",
}
RULE = re.compile(r"^(?:rule (\w+)|use rule (\w+) as (\w+) with):\n((?:[ \t]+.*\n|\n)*)", re.M)
FEW = 3
CORE = {
    "attack_svae": (
        "attacks/svae.py",
        "attacks/svae_settings.py",
        "attacks/descent.py",
        "attacks/criteria.py",
        "attacks/image_terms.py",
        "attacks/shards.py",
    ),
    "train_svae_stage1 train_svae_stage2": (
        "models/svae.py",
        "training/losses.py",
        "training/objectives/svae.py",
    ),
    "train_classifier": ("models/classifiers.py", "training/loop.py"),
    "judge_svae judge_type2": ("evaluation/success.py", "evaluation/judging.py"),
    "prepare_facenet train_recognizer evaluate_recognizer evaluate_lfw": (
        "models/recognizers.py",
        "models/inception_resnet.py",
    ),
    "attack_faces evaluate_faces plot_figure7b plot_figure7b_ours": ("evaluation/face_success.py",),
    "score_detection evaluate_detection tabulate_table1 plot_table1_roc": (
        "detectors/squeezers.py",
    ),
    "prepare_classifier": ("models/user_networks.py", "models/network_checks.py"),
    "make_kit make_face_kit": (
        "evaluation/audit/attacks.py",
        "evaluation/audit/measure.py",
        "evaluation/audit/recognizers.py",
        "reporting/card/audits.py",
    ),
    "train_oracle evaluate_oracle": ("models/digit_judges.py", "evaluation/panels.py"),
    "train_density": (
        "models/density.py",
        "training/density.py",
        "evaluation/clean_images.py",
    ),
    "train_attacker train_attack_density plot_variants": (
        "models/digit_attackers.py",
        "attacks/image_terms.py",
    ),
    "check_results": ("runtime/stamps.py",),
}  # what the scripts of these rules do not import themselves, or other scripts import too


def scripts_of_rules():
    """Map each rule to the name of its script, in the order of the Snakefile."""
    scripts = {}
    for file in re.findall(r'"(rules/\w+\.smk)"', (ROOT / "Snakefile").read_text()):
        for plain, parent, derived, body in RULE.findall((ROOT / file).read_text()):
            own = re.search(r'"\.\./scripts/(\w+\.py)"', body)
            script = own[1] if own else scripts.get(parent)
            if script:
                scripts[plain or derived] = script
    return scripts


def imports(path):
    """List the modules of typeone that a file imports, as paths below typeone/."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            file = Path(*name.split(".")).with_suffix(".py")
            if name.startswith("typeone.") and (ROOT / file).is_file():
                found.add(file.relative_to("typeone").as_posix())
    return found


def all_imports(path):
    """List the modules of typeone that a file imports, and those that they import."""
    found, new = set(), imports(path)
    while new:
        found |= new
        new = set().union(*(imports(ROOT / "typeone" / name) for name in new)) - found
    return found


def specific_modules(groups, scripts):
    """List for each group of rules the modules that its scripts use and few other groups do."""
    of_group = {
        group: set().union(*(all_imports(ROOT / "scripts" / scripts[r]) for r in group.split()))
        for group in groups
    }
    uses = Counter(module for modules in of_group.values() for module in modules)
    return {
        group: {
            module
            for module in modules
            if uses[module] <= FEW and not module.startswith("runtime/")
        }
        | set(CORE.get(group, ()))
        for group, modules in of_group.items()
    }


def spelled(modules):
    """Write modules as text, those of a folder together: `attacks/{svae, trace}.py`."""
    folders = {}
    for module in sorted(modules):
        path = Path(module)
        folders.setdefault(path.parent.as_posix(), []).append(path.stem)
    texts = []
    for folder, names in folders.items():
        joined = names[0] if len(names) == 1 else "{" + ", ".join(names) + "}"
        texts.append(f"`{folder}/{joined}.py`" if folder != "." else f"`{joined}.py`")
    return ", ".join(texts)


def table(items, scripts, modules):
    """Write a row per item: paper, rules, scripts, modules."""
    rows = []
    for item, rules in items.items():
        used = dict.fromkeys(scripts[rule] for rule in rules.split())
        named = ", ".join(f"`{s}`" for s in used if s.removesuffix(".py") not in rules.split())
        listed = ", ".join(f"`{rule}`" for rule in rules.split())
        rows.append(f"| {item} | {listed} | {named} | {spelled(modules[rules])} |")
    return rows


def summary(path):
    """Return the first sentence of a module's docstring."""
    text = " ".join((ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0].split())
    return text.rstrip(".") if len(text) < 150 else text.split(". ")[0].rstrip(".")


def page():
    """Return the page as it should be."""
    scripts = scripts_of_rules()
    modules = specific_modules([*PAPER.values(), *BEYOND.values()], scripts)
    lines = [HEAD]
    for title, items in (("The paper", PAPER), ("Beyond the paper", BEYOND)):
        lines += [
            f"## {title}",
            "",
            "| topic | rules | other scripts | modules |",
            "|---|---|---|---|",
        ]
        lines += [*table(items, scripts, modules), ""]
    lines += ["## All modules", "", "| module | content |", "|---|---|"]
    for path in sorted((ROOT / "typeone").rglob("*.py")):
        if path.name != "__init__.py":
            name = path.relative_to(ROOT / "typeone").as_posix()
            lines.append(f"| `{name}` | {summary(path).replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
