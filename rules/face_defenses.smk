# Strengthened recognizers (IV-D, Table III). Consumes the attacked recognizer, faces and, for
# retraining, examples against it; yields recognizers under the path of any other, so that every
# attack finds them by their name; then the accuracy of each on old examples (made against the
# recognizer before strengthening) and fresh ones.
PLAIN_RECOGNIZER = (
    rules.prepare_facenet if RECOGNIZER == "facenet" else rules.train_recognizer
).output.model
TABLE3_NETWORKS = [RECOGNIZER, *STRENGTHENED_RECOGNIZERS]
TABLE3_IDS = {n: n.removeprefix("by_") for n in TABLE3_NETWORKS} | {RECOGNIZER: "none"}


rule strengthen_recognizer:
    input:
        train=rules.prepare_faces.output.train,
        test=rules.prepare_faces.output.test,
        base=PLAIN_RECOGNIZER,
        examples=learnt_shards,
    output:
        model="results/faces/recognizers/{target}/seed{seed}/model.safetensors",
        curve="results/faces/recognizers/{target}/seed{seed}/curve.parquet",
    log:
        "results/logs/strengthen_recognizer/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/strengthen_recognizer/{target}.seed{seed}.tsv"
    wildcard_constraints:
        target="|".join(STRENGTHENED_RECOGNIZERS),
    priority: 75  # fresh attacks depend on it
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("strengthen_recognizer.py"),
        network=lambda wildcards: faces.strengthening(wildcards.target),
        resume="results/.resume/faces/recognizers/{target}/seed{seed}",
    message:
        "Strengthening the recognizer {wildcards.target}, seed {wildcards.seed}"
    script:
        "../scripts/strengthen_recognizer.py"


# the same attacks against the strengthened recognizers, on fewer faces
use rule attack_faces as attack_faces_afresh with:
    wildcard_constraints:
        attack=TABLE3["old"]["svae"],
        target="|".join(STRENGTHENED_RECOGNIZERS),
    params:
        *code("attack_faces.py"),
        settings=lambda wildcards: faces.algorithm2(wildcards.attack),
        how=lambda wildcards: faces.how(wildcards.attack) | {"count": TABLE3["fresh"]["svae"]},
        batching={
            "chunk": config["face_attacks"]["chunk"],
            "shards": config["batching"]["shards"],
        },
        trace_every=config["trace"]["every"],
        resume="results/.resume/faces/attacks/{attack}/{target}/seed{seed}/{shard}",


use rule attack_faces_type2 as attack_faces_type2_afresh with:
    wildcard_constraints:
        attack="|".join([TABLE3["old"]["fgsm"], TABLE3["old"]["pgd"]]),
        target="|".join(STRENGTHENED_RECOGNIZERS),
    params:
        *code("attack_faces_type2.py"),
        settings=lambda wildcards: FACE_ATTACKS[wildcards.attack]["settings"],
        how={"count": TABLE3["fresh"]["type2"], "chunk": config["face_attacks"]["chunk"]},
        resume="results/.resume/faces/attacks/{attack}/{target}/seed{seed}/found",


ruleorder: attack_faces_afresh > attack_faces
ruleorder: attack_faces_type2_afresh > attack_faces_type2


# (network, what, when, seed, files)
TABLE3_TESTS = [
    (
        network,
        what,
        when,
        seed,
        (
            [Run(FACES, attack, RECOGNIZER, seed).path(EXAMPLES)]
            if when == "old" or network == RECOGNIZER
            else fresh_examples(attack, network, seed)
        ),
    )
    for network in TABLE3_NETWORKS
    for what, attack in TABLE3["old"].items()
    for when in ("old", "fresh")  # fresh examples of the plain one are old examples of the others
    for seed in FACE_SEEDS
]


rule evaluate_face_strengthening:
    input:
        validation=rules.prepare_faces.output.validation,
        test=rules.prepare_faces.output.test,
        models=[
            path.format(target=network, seed=seed)
            for network, path in {
                RECOGNIZER: PLAIN_RECOGNIZER,
                **dict.fromkeys(
                    STRENGTHENED_RECOGNIZERS, rules.strengthen_recognizer.output.model
                ),
            }.items()
            for seed in FACE_SEEDS
        ],
        examples=[path for *_, paths in TABLE3_TESTS for path in paths],
    output:
        measurements="results/faces/strengthening/measurements.parquet",
        answers="results/faces/strengthening/answers.parquet",
    log:
        "results/logs/evaluate_face_strengthening.log",
    benchmark:
        "results/benchmarks/evaluate_face_strengthening.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_face_strengthening.py"),
        networks=TABLE3_IDS,
        seeds=FACE_SEEDS,
        tests=[(*test, len(paths)) for *test, paths in TABLE3_TESTS],
        settings={
            **{k: TABLE3[k] for k in ("count", "half_seed", "faces", "pairs")},
            "false_accepts": config["recognizers"]["evaluation"]["false_accepts"],
        },
        lfw=(
            {**{k: config["lfw"][k] for k in ("source", "path")}, "count": TABLE3["lfw_pairs"]}
            if RECOGNIZER == "facenet" and config["lfw"]["source"] and FACE_SOURCE != "lfw"
            else None
        ),
        files=given_lfw,
        variant=TABLE3["old"]["svae"],
        source=FACE_SOURCE,
        published=faces.named("table3"),
        chunk=config["face_attacks"]["chunk"],
        resume="results/.resume/faces/strengthening",
    message:
        "Evaluating strengthened recognizers"
    script:
        "../scripts/evaluate_face_strengthening.py"


rule tabulate_table3:
    input:
        measurements=rules.evaluate_face_strengthening.output.measurements,
        published=f"{workflow.basedir}/docs/published-values.csv",
    output:
        **table("results/tables/table3"),
    log:
        "results/logs/tabulate_table3.log",
    benchmark:
        "results/benchmarks/tabulate_table3.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("tabulate_table3.py"),
        names=TABLE3_IDS,
        labels=TABLE3_LABELS,
        variant=TABLE3["old"]["svae"],
        source=FACE_SOURCE,
        recognizer=RECOGNIZER,
        preset=config["preset"],
        false_accepts=config["recognizers"]["evaluation"]["false_accepts"],
    message:
        "Table III"
    script:
        "../scripts/tabulate_table3.py"


MEASUREMENTS += [rules.evaluate_face_strengthening.output.measurements]
