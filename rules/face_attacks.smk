# Attacks on a recognizer of faces. Consumes test faces, recognizers, SVAEs and judges; yields one table
# of judged examples an attack, recognizer and seed, the way of the first faces, and what was measured.
# Sections IV-B and IV-C: the success rate, Fig. 7b, Table II.
FACE_ATTACKS = config["face_attacks"]["attacks"]
FACE_EXAMPLES = "results/faces/attacks/{attack}/{recognizer}/seed{seed}/examples.parquet"


def face_attacks_of(*kinds):
    """Names of the attacks on faces of some kinds."""
    return [name for name, attack in FACE_ATTACKS.items() if attack["kind"] in kinds]


def face_attack_how(wildcards):
    """What an attack on faces is told beside the settings of its algorithm."""
    attack = FACE_ATTACKS[wildcards.attack]
    how = {k: attack[k] for k in ("count", "keep", "statistics")}
    return how | {k: config["face_attacks"][k] for k in ("threshold", "followed")}


rule attack_faces:
    input:
        faces=rules.prepare_faces.output.test,
        recognizer=recognizer_of,
        svae=rules.train_face_svae_stage2.output.model,
    output:
        examples="results/faces/attacks/{attack}/{recognizer}/seed{seed}/shards/{shard}.parquet",
        trace="results/faces/attacks/{attack}/{recognizer}/seed{seed}/shards/{shard}.trace.parquet",
    log:
        "results/logs/attack_faces/{attack}.{recognizer}.seed{seed}.{shard}.log",
    benchmark:
        "results/benchmarks/attack_faces/{attack}.{recognizer}.seed{seed}.{shard}.tsv"
    wildcard_constraints:
        attack="|".join(face_attacks_of("svae")),
        recognizer="[a-z][a-z0-9_]*",
    priority: 50
    conda:
        "../envs/typeone.yaml"
    threads: 1
    resources:
        gpu=gpus(),
    params:
        *code("attack_faces.py"),
        settings=lambda wildcards: {
            k: FACE_ATTACKS[wildcards.attack][k] for k in [*SVAE_SETTINGS, "k_driver"]
        },
        how=face_attack_how,
        batching={
            "chunk": config["face_attacks"]["chunk"],
            "shards": config["batching"]["shards"],
        },
        trace_every=config["trace"]["every"],
    message:
        "Attack {wildcards.attack} on {wildcards.recognizer}, shard {wildcards.shard}"
    script:
        "../scripts/attack_faces.py"


rule attack_faces_type2:
    input:
        faces=rules.prepare_faces.output.test,
        recognizer=recognizer_of,
    output:
        examples="results/faces/attacks/{attack}/{recognizer}/seed{seed}/found.parquet",
    log:
        "results/logs/attack_faces_type2/{attack}.{recognizer}.seed{seed}.log",
    benchmark:
        "results/benchmarks/attack_faces_type2/{attack}.{recognizer}.seed{seed}.tsv"
    wildcard_constraints:
        attack="|".join(face_attacks_of("type2")),
        recognizer="[a-z][a-z0-9_]*",
    conda:
        "../envs/typeone.yaml"
    threads: 1
    resources:
        gpu=gpus(),
    params:
        *code("attack_faces_type2.py"),
        settings=lambda wildcards: FACE_ATTACKS[wildcards.attack]["settings"],
        how=lambda wildcards: {
            "count": FACE_ATTACKS[wildcards.attack]["count"],
            "chunk": config["face_attacks"]["chunk"],
        },
    message:
        "Attack {wildcards.attack} on {wildcards.recognizer}"
    script:
        "../scripts/attack_faces_type2.py"
