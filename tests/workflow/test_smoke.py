"""The whole workflow on little data: what it makes, what an edit makes it do again, how it fails.

Plans are exact: neither a job too few, which would leave a stale number in a table, nor one too
many, which would train for hours because of a comment.
"""

import gzip
import hashlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import yaml

from typeone.data.mnist import MNIST_SHA256
from typeone.runtime.artifacts import read_parquet, write_parquet

SOON = 60  # seconds for a job that fails at once; alone it takes five, but tests share the machine
TYPE2 = ("fgsm", "pgd", "pgd_restarts", "deepfool", "cw_l2", "ead")
SVAE = (
    *("paper", "paper_lenet", "paper_afresh", "sm", "ours", "ours_runner_up"),
    *("ours_adaptive", "transition", "reconstruction"),
)
RIVALS = (
    *("real_target", "real_target_random", "real_target_pgd"),
    *("level_set", "invariance_linf", "invariance_l0"),
    "diffusion",
)
BASELINES = ("nearest", "interpolation", "random_latent", *RIVALS)
ATTACKS = (*SVAE, *BASELINES, *TYPE2)
STRENGTHENED = ("lenet_alp", "lenet_alp_mosbach", "lenet_type1")
TARGETS = {name: ("mlp",) for name in ATTACKS} | {
    "paper_lenet": ("lenet",),
    "paper_afresh": STRENGTHENED,
    "fgsm": ("mlp", "lenet", *STRENGTHENED),
    "pgd": ("mlp", "lenet", *STRENGTHENED),
    "pgd_restarts": ("lenet_alp", "lenet_alp_mosbach"),
    "ours": ("mlp", "lenet", "cnn"),
    "ours_runner_up": ("mlp", "lenet", "cnn"),
    "ours_adaptive": ("mlp", "cnn"),
    "reconstruction": ("mlp", "lenet", "cnn"),
}
SHARDS = (0,)
MLP = "results/mnist/classifiers/mlp/seed0/model.safetensors"
STAGE1 = "results/mnist/svae/seed0/stage1.safetensors"
STAGE2 = "results/mnist/svae/seed0/stage2.safetensors"
EXAMPLES = "results/mnist/examples/mlp/seed0/examples.parquet"
PAPER = "results/mnist/attacks/paper/mlp/seed0"

KIT, FACE_KIT = {"make_kit"}, {"make_face_kit"}  # networks, settings and images of audits

# what follows from new scores, as `rule wildcards`; the name alone where a rule has no wildcards
RATES = {
    *("evaluate_detection", "tabulate_table1", "tabulate_attacks", "tabulate_reproduction"),
    "plot_table1_roc",
}
# what follows from new examples of Type I, beside their scores
LOOKED_AT = {"evaluate_realism", "calibrate_oracle", "tabulate_reproduction"}
CONTROLS = ("transition", "reconstruction")
# what follows from new examples of the attacks that Fig. 1 measures, and from a new toy sample
IN_FIGURE1 = ("paper", "ours", "ead", "pgd")
FIGURE1 = {"evaluate_roc", "plot_figure1"}
FIGURE2 = {"evaluate_toy", "plot_figure2"}
# what follows from new examples against the LeNets of IV-D, or from new LeNets
WITHSTOOD = {"evaluate_strengthening", "tabulate_strengthening", "tabulate_reproduction"}
TESTED = ("paper_lenet", "paper_afresh", "fgsm", "pgd", "pgd_restarts")


def reported(jobs):
    """``jobs``, and the report, which shows all that follows but the people's sheet and kits."""
    return jobs | ({"render_report"} if jobs - {"render_study"} - KIT - FACE_KIT else set())


def judging(attack, *targets):
    """Jobs that follow from new results of one attack, up to its scores."""
    kind = "type2" if attack in TYPE2 else "baseline" if attack in BASELINES else "svae"
    targets = targets or TARGETS[attack]
    jobs = {f"judge_{kind} {attack}.{t}.seed0" for t in targets}
    jobs |= {f"score_detection {t}.seed0" for t in targets if t not in STRENGTHENED}
    if attack in IN_FIGURE1 and "mlp" in targets:
        jobs |= FIGURE1
    if attack in TESTED and set(targets) - {"mlp"}:
        jobs |= WITHSTOOD
    if attack in TYPE2:
        return jobs
    # the sheet shows two attacks on all of their targets, and the control on the first
    if attack in ("paper", "ours") or (attack == "reconstruction" and "mlp" in targets):
        jobs.add("render_study")
    return jobs | LOOKED_AT - ({"calibrate_oracle"} if attack in CONTROLS else set())


def shards(attack, *targets):
    return {
        f"attack_svae {attack}.{t}.seed0.{shard}"
        for t in targets or TARGETS[attack]
        for shard in SHARDS
    }


def attacking(attack, *targets):
    """Every job of one attack, from f1's digits to its scores."""
    if attack in SVAE:
        jobs = shards(attack, *targets)
    elif attack in BASELINES:
        jobs = {f"attack_baseline {attack}.mlp.seed0"}
    else:
        jobs = {f"attack_type2 {attack}.{t}.seed0" for t in targets or TARGETS[attack]}
    return jobs | judging(attack, *targets)


def replaced(classifier):
    """Every job that follows from another network under the name of one that is strengthened."""
    attacks = [a for a in TESTED if classifier in TARGETS[a]]
    return (
        {f"sample_examples {classifier}.seed0"}
        | WITHSTOOD
        | set().union(*(attacking(a, classifier) for a in attacks))
    )


def strengthening(*names):
    """Every job of strengthened networks, and all attacks on them."""
    return {f"strengthen_classifier {n}.seed0" for n in names} | set().union(*map(replaced, names))


def ablating(attack):
    """Every job of the ablations of one attack."""
    jobs = {f"attack_ablations {attack}.mlp.seed0.{shard}" for shard in SHARDS}
    return jobs | {
        f"judge_ablations ablations.{attack}.mlp.seed0",
        "plot_ablations",
        "tabulate_reproduction",
    }


def union(sets):
    return set().union(*sets)


FIGURES = {
    "paper": {"plot_figure6", "plot_figure7a", "plot_variants"},
    "ours": {"plot_figure7a_ours", "plot_variants"},
    "transition": {"plot_figure5a"},
}
LATENT = {"attack_latent seed0", "evaluate_latent", "plot_figure8", "tabulate_reproduction"}
ABLATIONS = ablating("paper") | ablating("ours")
ATTACKED_FIGURES = union(FIGURES.values()) | {"plot_table1_roc", "plot_ablations", "plot_figure1"}
ALL_FIGURES = ATTACKED_FIGURES | {"plot_figure8"}
ALL_JUDGED = (
    union(judging(a) for a in ATTACKS)
    | {f"judge_ablations ablations.{a}.mlp.seed0" for a in ("paper", "ours")}
    | RATES
)
SCORES = {f"score_detection {t}.seed0" for t in TARGETS["ours"]}

# what follows from what was measured on the spheres, and all of their jobs
MEASURED = {"evaluate_sphere", "plot_figure3", "tabulate_reproduction"}
SPHERE = {"train_sphere seed0", "attack_sphere seed0"} | MEASURED

# the generators of faces and the attacks on their latent spaces
SMALL_LATENT = {
    *("attack_style_generator small.seed0", "evaluate_style_generator", "plot_figure9_small"),
    "tabulate_reproduction",
}
FIGURE9 = {"attack_stylegan row1", "evaluate_stylegan", "plot_figure9", "tabulate_reproduction"}
# what follows from another recognizer of faces, or from other pairs of faces
RECOGNIZED = {"evaluate_recognizer small.seed0", "tabulate_reproduction"}
# judges of faces, and what follows from what they see
FACE_JUDGES = {f"train_face_judge {name}" for name in ("plain", "wide")}
# attacks on faces: what follows from new scores, and from new results of one attack
FACE_ATTACKS = (
    *("paper", "sm", "ours", "ours_latent", "ours_detail", "ours_attackers"),
    *("transition", "reconstruction", "fgsm", "pgd"),
)
FACE_RATES = {"evaluate_face_detection", "tabulate_table2", "tabulate_reproduction"}
FACE_FIGURES = {"paper": {"plot_figure7b"}, "ours": {"plot_figure7b_ours"}}
FACE_SCORES = {"score_face_detection small.seed0"} | FACE_RATES


def judging_faces(attack):
    """Jobs that follow from new results of one attack on faces."""
    rule = "judge_type2" if attack in ("fgsm", "pgd") else "judge_svae"
    jobs = {f"{rule} {attack}.small.seed0", "evaluate_faces"} | FACE_SCORES
    if attack in ("paper", "ours", "reconstruction"):
        jobs.add("render_study")
    return jobs | FACE_FIGURES.get(attack, set())


def attacking_faces(attack):
    """Every job of one attack on faces."""
    if attack in ("fgsm", "pgd"):
        return {f"attack_faces_type2 {attack}.small.seed0"} | judging_faces(attack)
    jobs = {f"attack_faces {attack}.small.seed0.{shard}" for shard in SHARDS}
    return jobs | judging_faces(attack)


# strengthened recognizers, and what each withstands
TABLE3 = {"evaluate_face_strengthening", "tabulate_table3", "tabulate_reproduction"}
BY = ("by_svae", "by_fgsm", "by_pgd", "by_noise")


def afresh(attack, *names):
    """Jobs that make one attack anew against strengthened recognizers."""
    if attack in ("fgsm", "pgd"):
        return {f"attack_faces_type2_afresh {attack}.{name}.seed0" for name in names}
    return {f"attack_faces_afresh {attack}.{n}.seed0.{shard}" for n in names for shard in SHARDS}


def strengthening_faces(name):
    """Every job of one strengthened recognizer."""
    fresh = union(afresh(attack, name) for attack in ("ours", "fgsm", "pgd"))
    return {f"strengthen_recognizer {name}.seed0"} | fresh | TABLE3


FACES_JUDGED = (
    {"evaluate_face_judges", "evaluate_style_generator", "plot_figure5b"}
    | TABLE3
    | union(map(judging_faces, FACE_ATTACKS))
)
DRAWN_FACES = {"plot_figure9", "plot_figure9_small", "plot_figure5b"} | union(FACE_FIGURES.values())

OURS = (
    union(attacking(a) for a in ("ours", "ours_runner_up", "ours_adaptive"))
    | ablating("ours")
    | RATES
    | FIGURES["ours"]
    | KIT
)
CONFIG_EDITS = {
    # one attack
    "attacks: {fgsm: {settings: {epsilon: 0.2}}}": attacking("fgsm") | RATES | KIT,
    "attacks: {pgd_restarts: {settings: {restarts: 3}}}": attacking("pgd_restarts"),
    "attacks: {paper_afresh: {lr: 0.05}}": attacking("paper_afresh"),
    "attacks: {paper_lenet: {lr: 0.05}}": (
        attacking("paper_lenet") | strengthening("lenet_type1") | RATES
    ),
    "attacks: {paper: {lr: 0.05}}": (
        attacking("paper") | RATES | FIGURES["paper"] | ablating("paper") | KIT
    ),
    "attacks: {transition: {gamma: 0.001}}": (
        attacking("transition") | RATES | FIGURES["transition"]
    ),
    "attacks: {sm: {count: 30}}": attacking("sm") | RATES,
    "attacks: {interpolation: {settings: {steps: 7}}}": attacking("interpolation") | RATES,
    "ablations: {attacks: {ours: {no_jitter: {jitter: 2}}}}": ablating("ours"),
    # all attacks on one f1, and those on another
    "examples: {seed: 21}": (
        {f"sample_examples {t}.seed0" for t in (*TARGETS["ours"], *STRENGTHENED)}
        | union(map(attacking, ATTACKS))
        | strengthening("lenet_type1")
        | ABLATIONS
        | RATES
        | ATTACKED_FIGURES
    ),
    "classifiers: {lenet: {training: {lr: 0.001}}}": (
        {"train_classifier lenet.seed0", "sample_examples lenet.seed0"}
        | attacking("ours", "lenet")
        | attacking("ours_runner_up", "lenet")
        | attacking("reconstruction", "lenet")
        | union(attacking(a, "lenet") for a in ("paper_lenet", "fgsm", "pgd"))
        | strengthening(*STRENGTHENED)
        | {"plot_variants"}
        | LATENT
        | RATES
    ),
    # what is strengthened
    "strengthened: {lenet_alp: {settings: {steps: 3}}}": strengthening("lenet_alp"),
    "strengthened: {lenet_type1: {settings: {copies: 3}}}": strengthening("lenet_type1"),
    # the SVAE after its first stage
    "svae: {stage2: {training: {lr: 0.002}}}": (
        {"train_svae_stage2 seed0"}
        | KIT
        | union(map(attacking, (*SVAE, *BASELINES)))
        | union(map(judging, TYPE2))
        | strengthening("lenet_type1")
        | ABLATIONS
        | RATES
        | ATTACKED_FIGURES
    ),
    # judges and detectors look at what is there; an attack that knows the detector changes with it
    "oracle: {members: {wide: {training: {lr: 0.001}}}}": (
        {"train_oracle wide", "evaluate_oracle"} | ALL_JUDGED | LATENT | ALL_FIGURES | KIT
    ),
    "density: {training: {lr: 0.001}}": (
        {"train_density", "evaluate_oracle"} | ALL_JUDGED | ALL_FIGURES - {"plot_figure8"} | KIT
    ),
    "attacks: {level_set: {settings: {steps: 30}}}": (
        attacking("level_set") | RATES | {"plot_variants"}
    ),
    "detection: {median: 3}": SCORES | attacking("ours_adaptive") | RATES | KIT,
    "detection: {zetas: [0.3]}": RATES,
    # only ours looks at images while it attacks
    "attackers: {members: {pooled: {training: {lr: 0.001}}}}": {"train_attacker pooled"} | OURS,
    "attackers: {density: {training: {lr: 0.001}}}": {"train_attack_density"} | OURS,
    "diffusion: {training: {lr: 0.001}}": {"train_diffusion"} | attacking("diffusion") | RATES,
    # kits of audits
    "audit: {count: 20}": KIT,
    "audit: {attacks: [ours_runner_up, fgsm]}": KIT,
    "audit: {faces: {count: 5}}": FACE_KIT,
    # the generator and the attacks on its latent space
    "generator: {objective: {classifier_weight: 2.0}}": {"train_generator"} | LATENT,
    "latent: {attacks: {targeted: {k: 0.02}}}": LATENT,
    "latent: {fresh: 60}": {"evaluate_latent", "tabulate_reproduction"},
    "latent: {pairs: 3}": {"plot_figure8"},
    # the generators of faces
    "style_generator: {objective: {penalty_weight: 1.0}}": (
        {"train_style_generator seed0"} | SMALL_LATENT
    ),
    "style_generator: {attack: {settings: {steps: 6}}}": SMALL_LATENT,
    "stylegan: {truncation: 0.6}": {"prepare_mobilestylegan"} | FIGURE9,
    "stylegan: {attack: {steps: 3}}": FIGURE9,
    "stylegan: {strangers: 3}": FIGURE9 - {"attack_stylegan row1"},
    # the SVAE of faces
    "face_svae: {shown: 2}": {"plot_figure5b"},
    # attacks on faces
    "face_attacks: {attacks: {sm: {lr: 0.05}}}": attacking_faces("sm"),
    "face_attacks: {attacks: {ours: {lr: 0.05}}}": (
        attacking_faces("ours") | afresh("ours", *BY) | strengthening_faces("by_svae") | FACE_KIT
    ),
    "face_attacks: {attacks: {ours_latent: {k_max: 7.0}}}": attacking_faces("ours_latent"),
    "face_attacks: {attacks: {fgsm: {count: 18}}}": attacking_faces("fgsm") | TABLE3,
    "strengthened_recognizers: {by_pgd: {settings: {pairs: {steps: 1}}}}": (
        strengthening_faces("by_pgd")
    ),
    "table3: {half_seed: 61}": union(map(strengthening_faces, BY)),
    "table3: {pairs: 100}": TABLE3,
    "face_attacks: {pairs: 3}": union(FACE_FIGURES.values()),
    "face_detection: {zeta: 1.1}": FACE_RATES,
    "face_detection: {medians: [3, 7]}": FACE_SCORES,
    # what people are shown, and how their answers are read
    "study: {digits: {count: 4}}": {"render_study"},
    "study: {draws: 200}": {"evaluate_study", "tabulate_reproduction"},
    # tables and figures
    "realism: {clean: 60}": {"evaluate_realism", "tabulate_reproduction"},
    "report: {frames: 9}": {"render_report"},
    "figures: {dpi: 61}": ALL_FIGURES | DRAWN_FACES | {"plot_figure2", "plot_figure3"},
    "roc: {positive: 5}": FIGURE1 | {"tabulate_reproduction"},
    "toy: {margin: 0.4}": FIGURE2 | {"tabulate_reproduction"},
    "toy: {shown: 20}": {"plot_figure2"},
    "figures: {columns: 8}": (
        union(FIGURES.values()) - {"plot_variants"} | {"plot_figure9_small", "plot_figure5b"}
    ),
    # the spheres, which nothing else depends on
    "sphere: {training: {lr: 0.02}}": SPHERE,
    "sphere: {type1: {step: 0.04}}": SPHERE - {"train_sphere seed0"},
    "sphere: {test: {seed: 62}}": MEASURED,
    # recognizers of faces
    "recognizers: {small: {loss: {margin: 0.3}}}": (
        {"train_recognizer seed0", "plot_figure5b"}
        | RECOGNIZED
        | SMALL_LATENT
        | union(map(attacking_faces, FACE_ATTACKS))
        | union(map(strengthening_faces, BY))
    ),
    "recognizers: {evaluation: {pairs: 150}}": RECOGNIZED | SMALL_LATENT | {"evaluate_faces"},
    # faces and their judges
    "face_judges: {seed: 6202}": FACE_JUDGES | FACES_JUDGED | FACE_KIT,
    "face_judges: {members: {wide: {training: {lr: 0.001}}}}": (
        {"train_face_judge wide"} | FACES_JUDGED | FACE_KIT
    ),
    "face_judges: {clear_confidence: 0.7}": FACES_JUDGED | FACE_KIT,
    "face_judges: {quantile: 0.9}": FACES_JUDGED - {"evaluate_style_generator"} | FACE_KIT,
    "face_judges: {age_gender: {source: none}}": set(),  # drawn faces are no photographs
    "face_attackers: {members: {wide_b: {mixed: 0.5}}}": (
        {"train_face_attacker wide_b"} | attacking_faces("ours_attackers") | FACE_KIT
    ),
    "faces: {folder: {seed: 5201}}": set(),  # another source
    # what changes no result
    "attacks: {fgsm: {settings: {epsilon: 0.3}}}": set(),
    "oracle: {members: {wide: {architecture: judge_wide}}}": set(),
    "gpu: true": set(),
}

CODE_EDITS = {
    "a function of the detector": (
        "typeone/detectors/squeezing.py",
        "(squeezer, metric): d",
        "(squeezer, metric): 1 * d",
        SCORES | RATES | FACE_SCORES,
    ),
    "a function of one figure": (
        "typeone/reporting/figures/figure6.py",
        'ylabel="loss"',
        'ylabel="losses"',
        {"plot_figure6"},
    ),
    "the style of the report": (
        "typeone/reporting/report/assets/page.css",
        "--back: #ffffff",
        "--back: #fffffe",
        {"render_report"},
    ),
    "the verdicts": (
        "typeone/reporting/verdicts.py",
        "[2.5, 50, 97.5]",
        "[5, 50, 95]",
        {"tabulate_reproduction", "tabulate_table1", "tabulate_attacks", "evaluate_study"},
    ),
    "a comment on the SVAE": (
        "typeone/models/svae.py",
        "class SupervisedVAE",
        "# Edited.\nclass SupervisedVAE",
        set(),
    ),
    "a docstring of the training": (
        "typeone/training/loop.py",
        '"""The training loop of',
        '"""The loop of',
        set(),
    ),
    "the version": ("typeone/__init__.py", "__version__ = ", "__version__ = '9' + ", set()),
}


ANEW = ("logs", "benchmarks", "config.yaml")


def contents(folder):
    """File → (time stamp, SHA-256) of all below a folder but what every run writes anew."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] not in ANEW
    }


def one_line_error(workflow, target, log, config=""):
    """Run into an error; it must be one line of the job's log, shown once, and no traceback."""
    begun = time.monotonic()
    result = workflow.run(target, config=config)
    assert time.monotonic() - begun < SOON
    assert result.returncode == 1
    lines = (workflow.root / "results" / "logs" / log).read_text().splitlines()
    errors = [line for line in lines if " ERROR " in line]
    assert len(errors) == 1, lines
    assert lines[-1] == errors[0]
    message = errors[0].split(" ERROR typeone: ")[1]
    rule = log.removeprefix("mnist/").split("/")[0].removesuffix(".log")
    assert result.stdout.splitlines().count(f"[{rule}] {message}") == 1
    assert "Traceback" not in result.stdout
    return message


# what it makes


def test_every_target_is_there(smoke):
    asked = smoke.run("--list-target-rules")
    assert "all" in asked.stdout
    plan = smoke.run("--summary").stdout
    outputs = [line.split("\t") for line in plan[plan.index("output_file\t") :].splitlines()[1:]]
    assert len(outputs) > 60
    assert [line for line in outputs if line[4] != "ok"] == []
    assert [o for o, *_ in outputs if not (smoke.root / o).stat().st_size] == []


def test_nothing_is_left_to_do(smoke):
    assert smoke.pending() == set()
    assert "Nothing to be done" in smoke.run("-n").stdout


def test_nothing_is_left_behind(smoke):
    """No sidecar of a training that ended, no half-written file."""
    assert not (smoke.root / "results" / ".resume").exists()
    assert list(smoke.root.rglob("*.part")) == []


def test_jobs_import_the_copy_and_not_an_installed_typeone(smoke, tmp_path):
    where = subprocess.run(
        [smoke.command()[0], "-c", "import typeone; print(typeone.__file__)"],
        cwd=tmp_path,
        env=smoke.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.strip() == str(smoke.root / "typeone" / "__init__.py")


# what an edit makes it do again


@pytest.fixture(scope="module")
def plans(smoke):
    """Edit of the configuration → future of the jobs it causes; two dry runs at a time."""
    with ThreadPoolExecutor(2) as pool:
        yield {edit: pool.submit(smoke.pending, edit) for edit in CONFIG_EDITS}


@pytest.mark.parametrize(("edit", "jobs"), CONFIG_EDITS.items(), ids=CONFIG_EDITS)
def test_an_edit_of_the_configuration_reruns_what_depends_on_it(plans, edit, jobs):
    assert plans[edit].result() == reported(jobs)


def test_a_second_seed_adds_its_own_jobs(smoke):
    """Nothing of the first seed runs again, except what pools the seeds."""
    pending = smoke.pending("seeds: [0, 1]")
    pooling = RATES | LOOKED_AT | FIGURE1 | FIGURE2 | MEASURED | WITHSTOOD | {"evaluate_latent"}
    pooling = reported(pooling) | {"render_study"}
    assert {job for job in pending if "seed1" not in job} == pooling
    assert not any("seed0" in job for job in pending)
    assert len(pending - pooling) > 60


def test_a_new_attack_adds_its_own_jobs(smoke):
    mine = "{kind: type2, targets: [mlp], count: 9, settings: {method: fgsm, epsilon: 0.1}}"
    pending = smoke.pending(f"attacks: {{mine: {mine}}}")
    shared = reported(RATES | {"score_detection mlp.seed0"})
    assert {job for job in pending if "mine" not in job} == shared
    assert len(pending - shared) == 2


@pytest.mark.parametrize("edit", CODE_EDITS.values(), ids=CODE_EDITS)
def test_an_edit_of_code_reruns_what_imports_it(smoke, plans, edit):
    name, old, new, jobs = edit
    for plan in plans.values():
        plan.exception()  # none may see this edit
    file = smoke.root / name
    text = file.read_text()
    assert text.count(old) >= 1
    file.write_text(text.replace(old, new, 1))
    try:
        assert smoke.pending() == reported(jobs)
    finally:
        file.write_text(text)


def test_time_stamps_of_the_source_do_not_count(smoke, plans, tracked):
    """Or a fresh clone beside old results would train every network again."""
    for plan in plans.values():
        plan.exception()
    for name in tracked:
        (smoke.root / name).touch()
    assert smoke.pending() == set()


def test_the_summary_plans_what_a_dry_run_plans(smoke):
    """`Workflow.pending` reads the summary; both must speak of the same jobs."""
    edit, jobs = next((edit, reported(jobs)) for edit, jobs in CONFIG_EDITS.items())
    shown = smoke.run("-n", config=edit).stdout
    stats = shown[shown.index("Job stats:") :].split("\n\n")[0].splitlines()[3:]
    counts = {line.split()[0]: int(line.split()[1]) for line in stats}
    assert counts.pop("total") == len(jobs) + 1
    assert counts.pop("all") == 1
    rules = [job.split()[0] for job in jobs]
    assert counts == {rule: rules.count(rule) for rule in rules}


def test_a_rerun_writes_the_outputs_of_its_jobs_and_no_others(smoke_copy):
    results = smoke_copy.root / "results"
    before = contents(results)
    result = smoke_copy.run(config="attacks: {fgsm: {settings: {epsilon: 0.05}}}")
    assert result.returncode == 0, result.stdout
    after = contents(results)
    written = {
        *(f"mnist/attacks/fgsm/{t}/seed0/found.parquet" for t in TARGETS["fgsm"]),
        *(f"mnist/attacks/fgsm/{t}/seed0/examples.parquet" for t in TARGETS["fgsm"]),
        *(f"mnist/detection/{t}/seed0/scores.parquet" for t in ("mlp", "lenet")),
        *("mnist/kit/kit.safetensors", "mnist/kit/kit.json"),
        "mnist/strengthening.parquet",
        *(f"tables/strengthening.{kind}" for kind in ("csv", "md", "tex")),
        *("mnist/detection/rates.parquet", "mnist/detection/roc.parquet"),
        *("tables/table1.csv", "tables/table1.md", "tables/table1.tex"),
        *("reproduction.parquet", "reproduction.csv"),
        *("tables/reproduction.md", "tables/reproduction.txt"),
        *("figures/table1_roc.png", "figures/table1_roc.pdf"),
        "report/index.html",
    }
    assert after.keys() == before.keys()
    # what reads the published values from another place than before; the bytes stay
    moved = {f"tables/table{i}.{kind}" for i in (2, 3) for kind in ("csv", "md", "tex")}
    # the rates of Type I attacks, which another Type II attack leaves as they are
    moved |= {f"tables/attacks.{kind}" for kind in ("csv", "md", "tex")}
    assert {name for name in after if after[name] != before[name]} == written | moved
    # a smaller epsilon gives other images, and every table shows it
    assert {name for name in written if after[name][1] == before[name][1]} == set()


def test_no_number_of_shards_changes_an_attack(smoke, smoke_copy):
    outputs = [f"{PAPER}/examples.parquet", f"{PAPER}/trace.parquet"]
    one = [(smoke.root / name).read_bytes() for name in outputs]
    config = "batching: {shards: 2}"
    result = smoke_copy.run(*outputs, config=config)
    assert result.returncode == 0, result.stdout
    assert len(list((smoke_copy.root / PAPER / "shards").glob("?.parquet"))) == 2
    assert [(smoke_copy.root / name).read_bytes() for name in outputs] == one


# how it fails


def test_a_checkpoint_of_another_network_is_named(smoke_copy):
    shutil.copy(smoke_copy.root / MLP, smoke_copy.root / STAGE2)
    before = contents(smoke_copy.root / "results")
    message = one_line_error(
        smoke_copy,
        f"{PAPER}/shards/0.parquet",
        "mnist/attack_svae/paper.mlp.seed0.0.log",
    )
    assert message.startswith(f"{STAGE2} contains 'mlp', needs one of svae-28x28, ")
    after = contents(smoke_copy.root / "results")
    lost = {name for name in before if name not in after}
    assert lost <= {f"{PAPER[8:]}/shards/0.parquet", f"{PAPER[8:]}/shards/0.trace.parquet"}
    assert {k: v for k, v in before.items() if k not in lost} == after


def test_images_of_another_shape_are_named(smoke_copy):
    path = smoke_copy.root / EXAMPLES
    columns = {
        "index": np.arange(3, dtype=np.int32),
        "image": np.zeros((3, 1, 32, 32), dtype=np.uint8),
        "label": np.arange(3),
    }
    write_parquet(path, columns)
    found = "results/mnist/attacks/fgsm/mlp/seed0/found.parquet"
    message = one_line_error(smoke_copy, found, "mnist/attack_type2/fgsm.mlp.seed0.log")
    assert message.startswith(
        f"{EXAMPLES}: column image contains arrays of shape (1, 32, 32), needs (1, 28, 28); "
    )


def test_a_training_that_diverges_says_where(smoke_copy):
    message = one_line_error(
        smoke_copy,
        MLP,
        "mnist/train_classifier/mlp.seed0.log",
        config="classifiers: {mlp: {training: {lr: 1.0e+30}}}",
    )
    assert message.startswith("training mnist mlp 0: the loss is ")
    assert "in epoch 1, step " in message
    assert "lower its learning rate (lr is 1e+30)" in message
    assert not (smoke_copy.root / MLP).exists()


def test_digits_of_another_data_set_are_refused(smoke_copy, tmp_path):
    folder = tmp_path / "fashion"
    folder.mkdir()
    for name in MNIST_SHA256:
        n, axes = (60_000 if "train" in name else 10_000), (3 if "images" in name else 1)
        shape = (n, 28, 28)[:axes]
        head = bytes([0, 0, 8, axes]) + struct.pack(f">{axes}I", *shape)
        (folder / f"{name}.gz").write_bytes(gzip.compress(head + bytes(int(np.prod(shape))), 1))
    message = one_line_error(
        smoke_copy,
        "results/data/mnist/test.parquet",
        "mnist/prepare_dataset.log",
        config=yaml.safe_dump({"datasets": {"mnist": {"source": "path", "path": str(folder)}}}),
    )
    assert message.startswith(f"{folder}/t")
    assert " is not MNIST's t" in message
    assert "the raw bytes have SHA-256 " in message


def test_without_a_network_it_fails_soon(smoke_copy, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
        message = one_line_error(
            smoke_copy,
            "results/data/mnist/test.parquet",
            "mnist/prepare_dataset.log",
            config=yaml.safe_dump(
                {"datasets": {"mnist": {"source": "mirror", "mirrors": [address]}}}
            ),
        )
    assert address in message
    assert "refused" in message
    assert "set `datasets.mnist.path` to a folder with the four IDX files" in message


# how it goes on


def test_a_killed_training_goes_on_where_it_was(smoke, smoke_copy):
    """After kill -9 of Snakemake and its jobs, in the bytes of a training that nobody disturbed."""
    root = smoke_copy.root
    sidecar = root / "results/.resume/mnist/svae/seed0/stage1/checkpoint.safetensors"
    (root / STAGE1).unlink()
    running = subprocess.Popen(
        smoke_copy.command(STAGE1),
        cwd=root,
        env=smoke_copy.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        patience = time.monotonic() + 4 * SOON
        while not sidecar.exists():
            assert running.poll() is None
            assert time.monotonic() < patience
            time.sleep(0.05)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    saved = sidecar.read_bytes()
    assert not (root / STAGE1).exists()
    other = root / "results/.resume/mnist/svae/seed7/stage1/checkpoint.safetensors"
    other.parent.mkdir(parents=True)
    other.write_bytes(saved)

    locked = smoke_copy.run(STAGE1)
    assert locked.returncode == 1
    assert "--unlock" in locked.stdout
    assert smoke_copy.run("--unlock").returncode == 0
    assert sidecar.read_bytes() == saved  # no job lives on
    result = smoke_copy.run(STAGE1, "--rerun-incomplete")
    assert result.returncode == 0, result.stdout
    log = (root / "results/logs/mnist/train_svae_stage1/seed0.log").read_text()
    steps = int(log.split(": resumed at step ")[1].split()[0])
    assert steps >= 1
    assert (root / STAGE1).read_bytes() == (smoke.root / STAGE1).read_bytes()
    curve = "results/mnist/svae/seed0/stage1_curve.parquet"
    assert len(read_parquet(root / curve)) == len(read_parquet(smoke.root / curve))
    # what jobs that were not asked for may yet go on from stays
    assert [p for p in (root / "results/.resume").rglob("*") if p.is_file()] == [other]
