# The runs that there are, and what rules share.
# Consumes config; yields plan, SEEDS, SHARDS, MEMBERS, ATTACKERS, MEASUREMENTS.

from typeone.workflow.labels import ATTACK_LABELS, FACE_LABELS, NETWORK_LABELS, TABLE3_LABELS
from typeone.workflow.plan import FACES, PAPER, TABLE_TARGET, Plan, Run, keys, paths

plan = Plan(config)
SEEDS = plan.seeds
SHARDS = range(config["batching"]["shards"])
MEMBERS = list(config["oracle"]["members"])
ATTACKERS = list(config["attackers"]["members"])
MEASUREMENTS = []  # files of what experiments measured, for verdict tables; rule files add theirs


wildcard_constraints:
    dataset="|".join(plan.datasets),
    place=f"(?:{'|'.join(plan.places)})",  # none for the data set of the paper
    attack="|".join({**config["attacks"], **config["face_attacks"]["attacks"]}),
    target="|".join(plan.targets),
    seed="[0-9]+",
    shard="[0-9]+",


def given_images(wildcards):
    """The content of the files that a data set is read from, as params; MNIST's are known."""
    entry = config["datasets"][wildcards.dataset]
    return given(entry["path"]) if entry["format"] == "idx" else []


def own_module(wildcards):
    """Who builds the classifier of a job, if it is a network of the reader's own."""
    return plan.built_from(wildcards.target).get("module")


def own_code(wildcards):
    """What runs in a job when that network is built; given as params."""
    return own_files(own_module(wildcards))


def own_weights(wildcards):
    """The content of the weights that the reader gave, as params."""
    return given(config["classifiers"][wildcards.target]["weights"])


def attackers_of(wildcards):
    """Checkpoints of the image-space attackers, for attacks that look at images."""
    names = plan.attackers(wildcards.attack)
    return expand(rules.train_attacker.output.model, dataset=wildcards.dataset, attacker=names)


def ablation_attackers(wildcards):
    """The same for the variants of an attack."""
    names = plan.attackers(wildcards.attack, ablated=True)
    return expand(rules.train_attacker.output.model, dataset=wildcards.dataset, attacker=names)


def base_of(wildcards):
    """Checkpoint of the classifier that a strengthened one is made from."""
    base = config["strengthened"][wildcards.target]["base"]
    return TRAINED.format(**{**wildcards, "target": base})


def retraining_examples(wildcards):
    """Examples against the base, for the method that learns from them; no judge has seen them."""
    run = {**wildcards, **plan.learnt(wildcards.target)}
    return expand(rules.attack_svae.output.examples, **run, shard=SHARDS)


def evaded_squeezers(wildcards):
    """What an attack knows of the detector: its squeezers, or nothing."""
    return plan.squeezers(wildcards.attack)


def published_of(wildcards):
    """The published values, where the paper has numbers for a data set."""
    return [] if wildcards.place else f"{workflow.basedir}/docs/published-values.csv"


def published_at(wildcards, identity):
    """One published value, where the paper has numbers for a data set."""
    return None if wildcards.place else published_value(identity)


def at(pattern):
    """Input of a table or figure, ``pattern`` of the data set that it is about."""
    return lambda wildcards: pattern.format(dataset=plan.dataset_at(wildcards.place))


def each_seed(pattern, **names):
    """Inputs of a table or figure, ``pattern`` of its data set with every seed."""
    return lambda w: expand(pattern, dataset=plan.dataset_at(w.place), seed=SEEDS, **names)


def shown(pattern, attack):
    """Input of a table or figure, ``pattern`` of the run that it shows of an attack."""
    return lambda wildcards: plan.shown(wildcards.place, attack).path(pattern)


def f1_of(wildcards):
    """Checkpoint of the network that stands in the path of a job."""
    return recognizer_of(wildcards) if wildcards.dataset == FACES else TRAINED.format(**wildcards)


def judges_of(wildcards):
    """Checkpoints of who judges the images of a data set."""
    return face_panel() if wildcards.dataset == FACES else expand(ORACLE, **wildcards)


def ablated(wildcards):
    """Examples of the ablations."""
    return paths(rules.judge_ablations.output.examples, plan.ablated(wildcards.place))


def measurements_of(wildcards):
    """What experiments measured, on all or on a data set."""
    own = [path for path in MEASUREMENTS if not wildcards.place or "{dataset}" in path]
    return expand(own, dataset=plan.dataset_at(wildcards.place))


def of_paper(artifact):
    """Input of the verdict table that the paper's data set alone has."""
    return lambda wildcards: [] if wildcards.place else artifact


def gpus():
    """GPUs that a rule which a GPU helps asks for."""
    return 1 if config["gpu"] else 0
