# The runs of the workflow, and functions shared by rules.
# Consumes config; yields plan, SEEDS, SHARDS, MEMBERS, ATTACKERS, MEASUREMENTS.

from typeone.workflow.labels import (
    ATTACK_LABELS,
    AUTHORS_LABELS,
    FACE_LABELS,
    NETWORK_LABELS,
    TABLE3_LABELS,
)
from typeone.workflow.plan import FACES, PAPER, RIVALS, TABLE_TARGET, Plan, Run, keys, paths

plan = Plan(config)
SEEDS = plan.seeds
SHARDS = range(config["batching"]["shards"])
MEMBERS = list(config["oracle"]["members"])
ATTACKERS = list(config["attackers"]["members"])
MEASUREMENTS = []  # files of measurements for the verdict tables; each rule file adds its own


wildcard_constraints:
    dataset="|".join(plan.datasets),
    place=f"(?:{'|'.join(plan.places)})",  # empty for the data set of the paper
    attack="|".join({**config["attacks"], **config["face_attacks"]["attacks"]}),
    target="|".join(plan.targets),
    seed="[0-9]+",
    shard="[0-9]+",


def given_images(wildcards):
    """Return the digests of a data set's files, as params; MNIST's are fixed."""
    entry = config["datasets"][wildcards.dataset]
    return given(entry["path"]) if entry["format"] == "idx" else []


def own_module(wildcards):
    """Return the module that builds the classifier of a job, if it is user-defined."""
    return plan.built_from(wildcards.target).get("module")


def own_code(wildcards):
    """Return the digests of the code that builds that network, as params."""
    return own_files(own_module(wildcards))


def own_weights(wildcards):
    """Return the digest of the weights of a user-defined network, as params."""
    return given(config["classifiers"][wildcards.target]["weights"])


def attackers_of(wildcards, ablated=False):
    """Return checkpoints of the image-space attackers, for attacks that use them."""
    names = plan.attackers(wildcards.attack, ablated=ablated)
    return expand(rules.train_attacker.output.model, dataset=wildcards.dataset, attacker=names)


def attack_density_of(wildcards, ablated=False):
    """Return the checkpoint of the attackers' density model, for attacks that use it."""
    used = plan.uses(wildcards.attack, "density_weight", ablated=ablated)
    return expand(rules.train_attack_density.output.model, **wildcards) if used else []


def diffusion_of(wildcards):
    """Return the checkpoint of the diffusion model, for baselines that use it."""
    used = config["attacks"][wildcards.attack]["settings"]["method"] == "diffusion"
    return expand(rules.train_diffusion.output.model, **wildcards) if used else []


def base_of(wildcards):
    """Return the checkpoint of the base that a strengthened classifier starts from."""
    base = config["strengthened"][wildcards.target]["base"]
    return TRAINED.format(**{**wildcards, "target": base})


def retraining_examples(wildcards):
    """Return unjudged examples against the base, for retraining on them."""
    run = {**wildcards, **plan.learnt(wildcards.target)}
    return expand(rules.attack_svae.output.examples, **run, shard=SHARDS)


def evaded_squeezers(wildcards):
    """Return the squeezers of the detector that an attack evades, or nothing."""
    return plan.squeezers(wildcards.attack)


def published_of(wildcards):
    """Return the path of the published values, if the paper has numbers for a data set."""
    return [] if wildcards.place else f"{workflow.basedir}/docs/published-values.csv"


def published_at(wildcards, identity):
    """Return one published value, if the paper has numbers for a data set."""
    return None if wildcards.place else published_value(identity)


def at(pattern):
    """Return an input of a table or figure: ``pattern`` for its data set."""
    return lambda wildcards: pattern.format(dataset=plan.dataset_at(wildcards.place))


def each_seed(pattern, **names):
    """Return inputs of a table or figure: ``pattern`` for its data set and every seed."""
    return lambda w: expand(pattern, dataset=plan.dataset_at(w.place), seed=SEEDS, **names)


def shown(pattern, attack):
    """Return an input of a table or figure: ``pattern`` for the run of an attack in it."""
    return lambda wildcards: plan.shown(wildcards.place, attack).path(pattern)


def f1_of(wildcards):
    """Return the checkpoint of the network in the path of a job."""
    return recognizer_of(wildcards) if wildcards.dataset == FACES else TRAINED.format(**wildcards)


def judges_of(wildcards):
    """Return the checkpoints of the judges of a data set."""
    return face_panel() if wildcards.dataset == FACES else expand(ORACLE, **wildcards)


def clean_of(wildcards):
    """Return the file with the limits of clean images: of digits, the density model."""
    faces, digits = rules.evaluate_face_judges.output.limits, rules.train_density.output.model
    return [faces] if wildcards.dataset == FACES else expand(digits, **wildcards)


def ablated(wildcards):
    """Return the judged examples of the ablations."""
    return paths(rules.judge_ablations.output.examples, plan.ablated(wildcards.place))


def measurements_of(wildcards):
    """Return the files of measurements, of all data sets or of one."""
    own = [path for path in MEASUREMENTS if not wildcards.place or "{dataset}" in path]
    return expand(own, dataset=plan.dataset_at(wildcards.place))


def of_paper(artifact):
    """Return an input of the verdict table that only the paper's data set has."""
    return lambda wildcards: [] if wildcards.place else artifact


def figure(path):
    """Return the outputs of a figure from its path without an ending; a report shows the PNG."""
    shown = report(f"{path}.png", caption="captions/figure.rst", category="Figures")
    return [shown, f"{path}.pdf"]


def table(path):
    """Return the outputs of a table from its path without an ending; a report shows the CSV."""
    shown = report(f"{path}.csv", caption="captions/table.rst", category="Tables")
    return {"csv": shown, "md": f"{path}.md", "tex": f"{path}.tex"}


def gpus():
    """Return the number of GPUs for a rule that can use one."""
    return 1 if config["gpu"] else 0
