# Attacks on a recognizer of faces. Consumes test faces, recognizers, SVAEs and judges; yields one
# table of judged examples per attack, recognizer and seed, the traces of the first faces, and
# measurements. Sections IV-B and IV-C: the success rate, Fig. 7b, Table II.


rule attack_faces:
    input:
        faces=rules.prepare_faces.output.test,
        recognizer=recognizer_of,
        svae=rules.train_face_svae_stage2.output.model,
        attackers=face_attackers_of,
    output:
        examples="results/faces/attacks/{attack}/{target}/seed{seed}/shards/{shard}.parquet",
        trace="results/faces/attacks/{attack}/{target}/seed{seed}/shards/{shard}.trace.parquet",
    log:
        "results/logs/attack_faces/{attack}.{target}.seed{seed}.{shard}.log",
    benchmark:
        "results/benchmarks/attack_faces/{attack}.{target}.seed{seed}.{shard}.tsv"
    wildcard_constraints:
        attack="|".join(faces.of_kind("svae")),
    priority: 50
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_faces.py"),
        settings=lambda wildcards: faces.algorithm2(wildcards.attack),
        how=lambda wildcards: faces.how(wildcards.attack),
        batching={
            "chunk": config["face_attacks"]["chunk"],
            "shards": config["batching"]["shards"],
        },
        trace_every=config["trace"]["every"],
        resume="results/.resume/faces/attacks/{attack}/{target}/seed{seed}/{shard}",
    message:
        "Attack {wildcards.attack} on {wildcards.target}, shard {wildcards.shard}"
    script:
        "../scripts/attack_faces.py"


rule attack_faces_type2:
    input:
        faces=rules.prepare_faces.output.test,
        recognizer=recognizer_of,
    output:
        examples="results/faces/attacks/{attack}/{target}/seed{seed}/found.parquet",
    log:
        "results/logs/attack_faces_type2/{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/attack_faces_type2/{attack}.{target}.seed{seed}.tsv"
    wildcard_constraints:
        attack="|".join(faces.of_kind("type2")),
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_faces_type2.py"),
        settings=lambda wildcards: FACE_ATTACKS[wildcards.attack]["settings"],
        how=lambda wildcards: {
            "count": FACE_ATTACKS[wildcards.attack]["count"],
            "chunk": config["face_attacks"]["chunk"],
        },
        resume="results/.resume/faces/attacks/{attack}/{target}/seed{seed}/found",
    message:
        "Attack {wildcards.attack} on {wildcards.target}"
    script:
        "../scripts/attack_faces_type2.py"


FACE_RUNS = faces.runs()


rule evaluate_faces:
    input:
        examples=paths(EXAMPLES, FACE_RUNS),
        thresholds=paths(rules.evaluate_recognizer.output.thresholds, FACE_RUNS),
    output:
        measurements="results/faces/attacks/measurements.parquet",
    log:
        "results/logs/evaluate_faces.log",
    benchmark:
        "results/benchmarks/evaluate_faces.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_faces.py"),
        runs=keys(FACE_RUNS),
        source=FACE_SOURCE,
        published=faces.named("faces.success_rate"),
    message:
        "Success rates of attacks on faces"
    script:
        "../scripts/evaluate_faces.py"


rule score_face_detection:
    input:
        test=rules.prepare_faces.output.test,
        validation=rules.prepare_faces.output.validation,
        attacked=expand(EXAMPLES, dataset=FACES, attack=FACE_ATTACKS, allow_missing=True),
        recognizer=recognizer_of,
    output:
        scores="results/faces/detection/{target}/seed{seed}/scores.parquet",
    log:
        "results/logs/score_face_detection/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/score_face_detection/{target}.seed{seed}.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("score_face_detection.py"),
        attacks=list(FACE_ATTACKS),
        settings={
            **{k: config["face_detection"][k] for k in ("medians", "count")},
            "chunk": config["face_attacks"]["chunk"],
        },
        resume="results/.resume/faces/detection/{target}/seed{seed}",
    message:
        "Scoring images of {wildcards.target} by feature squeezing"
    script:
        "../scripts/score_face_detection.py"


IN_TABLE2 = faces.in_table2()
DETECTED = {
    name: FACE_LABELS.get(name, name)
    for name in [*FACE_LABELS, *FACE_ATTACKS]
    if name == "clean" or name in FACE_ATTACKS
}


rule evaluate_face_detection:
    input:
        scores=expand(rules.score_face_detection.output.scores, target=RECOGNIZER, seed=FACE_SEEDS),
    output:
        measurements="results/faces/detection/measurements.parquet",
    log:
        "results/logs/evaluate_face_detection.log",
    benchmark:
        "results/benchmarks/evaluate_face_detection.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_face_detection.py"),
        seeds=FACE_SEEDS,
        ids={
            name: (
                faces.named(f"table2.{IN_TABLE2[name]}")
                if name in IN_TABLE2
                else f"beyond.{FACE_SOURCE}.table2.{name}"
            )
            for name in DETECTED
        },
        labels=DETECTED,
        source=FACE_SOURCE,
        settings={k: config["face_detection"][k] for k in ("zeta", "false_positive_rate")},
    message:
        "Detection rates of faces"
    script:
        "../scripts/evaluate_face_detection.py"


rule tabulate_table2:
    input:
        measurements=[rules.evaluate_face_detection.output.measurements, *AUTHORS_PAIRS],
        published=f"{workflow.basedir}/docs/published-values.csv",
    output:
        **table("results/tables/table2"),
    log:
        "results/logs/tabulate_table2.log",
    benchmark:
        "results/benchmarks/tabulate_table2.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("tabulate_table2.py"),
        names=DETECTED | (AUTHORS_LABELS if AUTHORS_PAIRS else {}),
        published_names=IN_TABLE2 and IN_TABLE2 | {"authors_clean": "clean", "authors_svae": "svae"},
        ours="ours" if AUTHORS_PAIRS else f"{FACE_SOURCE} faces",
        caption=faces.detection_caption(),
    message:
        "Table II"
    script:
        "../scripts/tabulate_table2.py"


rule plot_figure7b:
    input:
        examples=faces.shown("paper").path(EXAMPLES),
    output:
        *figure("results/figures/figure7b"),
    log:
        "results/logs/plot_figure7b.log",
    benchmark:
        "results/benchmarks/plot_figure7b.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure7b.py"),
        pairs=config["face_attacks"]["pairs"],
        threshold=config["face_attacks"]["threshold"],
        dpi=config["figures"]["dpi"],
        caption=faces.caption("paper"),
    message:
        "Fig. 7b: Type I examples of faces"
    script:
        "../scripts/plot_figure7b.py"


use rule plot_figure7b as plot_figure7b_ours with:
    input:
        examples=faces.shown("ours").path(EXAMPLES),
    output:
        *figure("results/figures/figure7b_ours"),
    log:
        "results/logs/plot_figure7b_ours.log",
    benchmark:
        "results/benchmarks/plot_figure7b_ours.tsv"
    params:
        *code("plot_figure7b.py"),
        pairs=config["face_attacks"]["pairs"],
        threshold=config["face_attacks"]["threshold"],
        dpi=config["figures"]["dpi"],
        caption=faces.caption("ours"),
    message:
        "Fig. 7b for variant ours"


MEASUREMENTS += [
    rules.evaluate_faces.output.measurements,
    rules.evaluate_face_detection.output.measurements,
]
