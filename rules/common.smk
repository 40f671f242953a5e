# The settings of the run, and the lists and functions that rules share.
# Consumes config; yields SEEDS, SHARDS, MEMBERS, ATTACKERS, SQUEEZERS, TARGETS, MEASUREMENTS.


def attacks_of(kind):
    """Names of the attacks of one kind."""
    return [name for name, attack in config["attacks"].items() if attack["kind"] == kind]


def attacks_on(target):
    """Names of the attacks that are aimed at one classifier."""
    return [name for name, attack in config["attacks"].items() if target in attack["targets"]]


def row_kind(name):
    """What the verdict table says of an attack: as Type I (baselines too), Type II, or without f1."""
    attack = config["attacks"][name]
    if attack["kind"] == "svae" and not attack["keep"]:
        return "transition"
    return "type2" if attack["kind"] == "type2" else "type1"


def attackers_of(wildcards):
    """Checkpoints of the image-space attackers, for attacks that look at images."""
    if not config["attacks"][wildcards.attack]["image_weight"]:
        return []
    return expand(rules.train_attacker.output.model, attacker=ATTACKERS)


def built_from(target):
    """The entry of `classifiers` that a classifier is, or was strengthened from."""
    strengthened = config["strengthened"].get(target)
    return config["classifiers"][strengthened["base"] if strengthened else target]


def own_module(wildcards):
    """Who builds the classifier of a job, if it is a network of the reader's own."""
    return built_from(wildcards.target).get("module")


def own_code(wildcards):
    """What runs in a job when that network is built; given as params."""
    return own_files(own_module(wildcards))


def own_weights(wildcards):
    """The content of the weights that the reader gave, as params."""
    return given(config["classifiers"][wildcards.target]["weights"])


def given_weights():
    """Names of the classifiers whose weights are the reader's too; all others are trained here."""
    return [name for name, network in config["classifiers"].items() if "weights" in network]


def strengthened_from(base):
    """Names of the networks that one classifier was strengthened to."""
    return [name for name, network in config["strengthened"].items() if network["base"] == base]


def base_of(wildcards):
    """Checkpoint of the classifier that a strengthened one is made from."""
    base = config["strengthened"][wildcards.target]["base"]
    return rules.train_classifier.output.model.format(target=base, seed=wildcards.seed)


def retraining_examples(wildcards):
    """Examples against the base, for the method that learns from them; no judge has seen them."""
    network = config["strengthened"][wildcards.target]
    if network["method"] != "retraining":
        return []
    return expand(
        rules.attack_svae.output.examples,
        attack=network["settings"]["attack"],
        target=network["base"],
        seed=wildcards.seed,
        shard=SHARDS,
    )


def ablation_attackers(wildcards):
    """The same for the variants of an attack."""
    changes = config["ablations"]["attacks"][wildcards.attack].values()
    if not any(change.get("image_weight") for change in changes):
        return attackers_of(wildcards)
    return expand(rules.train_attacker.output.model, attacker=ATTACKERS)


def evaded_squeezers(wildcards):
    """What an attack knows of the detector: its squeezers, or nothing."""
    return SQUEEZERS if config["attacks"][wildcards.attack]["evade_squeezing"] else None


def figure_caption(attack, target, seed):
    """What stands under a figure: whose examples, how many, which seed, which preset."""
    return (
        f"Variant {attack}, target {target}, seed {seed}, preset {config['preset']}: "
        "the first example of each class."
    )


def gpus():
    """GPUs that a rule which a GPU helps asks for."""
    return 1 if config["gpu"] else 0


SEEDS = config["seeds"]
SHARDS = range(config["batching"]["shards"])
MEMBERS = list(config["oracle"]["members"])
ATTACKERS = list(config["attackers"]["members"])
SQUEEZERS = {k: config["detection"][k] for k in ("bits", "median")}
TARGETS = sorted({t for attack in config["attacks"].values() for t in attack["targets"]})
# files of what experiments measured, for the verdict table; rule files add theirs
MEASUREMENTS = []
