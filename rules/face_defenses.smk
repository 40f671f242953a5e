# Strengthened recognizers (IV-D, Table III). Consumes the attacked recognizer, faces and, for
# retraining, examples against it; yields recognizers under the path of any other, so that every attack
# takes them by their name; then what each withstands, of old examples (made against the plain one) and
# fresh ones.
TABLE3 = config["table3"]
STRENGTHENED_RECOGNIZERS = config["strengthened_recognizers"]
TABLE3_NETWORKS = [RECOGNIZER, *STRENGTHENED_RECOGNIZERS]
TABLE3_ROWS = {RECOGNIZER: "none"} | {n: n.removeprefix("by_") for n in STRENGTHENED_RECOGNIZERS}


def learnt_shards(wildcards):
    """Examples against the plain recognizer, for the method that learns from them."""
    if STRENGTHENED_RECOGNIZERS[wildcards.recognizer]["method"] != "retraining":
        return []
    return expand(
        rules.attack_faces.output.examples,
        attack=TABLE3["old"]["svae"],
        recognizer=RECOGNIZER,
        seed=wildcards.seed,
        shard=SHARDS,
    )


def plain_recognizer(wildcards):
    """Checkpoint of the recognizer that is strengthened."""
    plain = rules.prepare_facenet if RECOGNIZER == "facenet" else rules.train_recognizer
    return plain.output.model


def strengthening_of(wildcards):
    """What one recognizer learns and how, by the network that it starts from."""
    network = STRENGTHENED_RECOGNIZERS[wildcards.recognizer]
    return {
        "method": network["method"],
        "settings": network.get("settings", {}),
        "how": network[RECOGNIZER],
        "count": FACE_ATTACKS[TABLE3["old"]["svae"]]["count"],
        "half_seed": TABLE3["half_seed"],
    }


def fresh_examples(attack, recognizer, seed):
    """Unjudged examples of an attack on faces against one recognizer."""
    svae = FACE_ATTACKS[attack]["kind"] == "svae"
    made = rules.attack_faces if svae else rules.attack_faces_type2
    shards = SHARDS if svae else [0]
    run = {"attack": attack, "recognizer": recognizer, "seed": seed}
    return [made.output.examples.format(**run, shard=shard) for shard in shards]


rule strengthen_recognizer:
    input:
        train=rules.prepare_faces.output.train,
        test=rules.prepare_faces.output.test,
        base=plain_recognizer,
        examples=learnt_shards,
    output:
        model="results/faces/recognizers/{recognizer}/seed{seed}/model.safetensors",
        curve="results/faces/recognizers/{recognizer}/seed{seed}/curve.parquet",
    log:
        "results/logs/strengthen_recognizer/{recognizer}.seed{seed}.log",
    benchmark:
        "results/benchmarks/strengthen_recognizer/{recognizer}.seed{seed}.tsv"
    wildcard_constraints:
        recognizer="|".join(STRENGTHENED_RECOGNIZERS),
    priority: 75  # fresh attacks wait for it
    conda:
        "../envs/typeone.yaml"
    threads: 1
    resources:
        gpu=gpus(),
    params:
        *code("strengthen_recognizer.py"),
        network=strengthening_of,
        resume="results/.resume/faces/recognizers/{recognizer}/seed{seed}",
    message:
        "Strengthening the recognizer {wildcards.recognizer}, seed {wildcards.seed}"
    script:
        "../scripts/strengthen_recognizer.py"


# (network, what, when, files of each seed)
TABLE3_TESTS = [
    (network, what, "old", [FACE_EXAMPLES.format(attack=attack, recognizer=RECOGNIZER, seed=seed)])
    for seed in FACE_SEEDS
    for network in TABLE3_NETWORKS
    for what, attack in TABLE3["old"].items()
]
