# Feature squeezing (IV-C). Consumes attacked and clean digits; yields scores of every image under
# every squeezer, one table per classifier and seed, then rates at published and fitted thresholds.
# Strengthened networks are left out: where an attack on them finds no example, its image is the digit
# itself.
rule score_detection:
    input:
        clean=rules.prepare_dataset.output.test,
        attacked=lambda wildcards: expand(
            EXAMPLES, **wildcards, attack=plan.aimed_at(wildcards.target)
        ),
        model=TRAINED,
    output:
        scores="results/{dataset}/detection/{target}/seed{seed}/scores.parquet",
    log:
        "results/logs/{dataset}/score_detection/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/score_detection/{target}.seed{seed}.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("score_detection.py"),
        own=own_code,
        module=own_module,
        attacks=lambda wildcards: plan.aimed_at(wildcards.target),
        settings=plan.detector(),
    message:
        "{wildcards.dataset}: Scoring images of {wildcards.target} by feature squeezing"
    script:
        "../scripts/score_detection.py"


rule evaluate_detection:
    input:
        scores=lambda wildcards: [
            rules.score_detection.output.scores.format(target=t, seed=s, **wildcards)
            for t, s in plan.scored(wildcards.dataset)
        ],
    output:
        rates="results/{dataset}/detection/rates.parquet",
        roc="results/{dataset}/detection/roc.parquet",
    log:
        "results/logs/{dataset}/evaluate_detection.log",
    benchmark:
        "results/benchmarks/{dataset}/evaluate_detection.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_detection.py"),
        runs=lambda wildcards: plan.scored(wildcards.dataset),
        settings={k: config["detection"][k] for k in ("zetas", "false_positive_rates", "seed")},
    message:
        "{wildcards.dataset}: Detection rates and ROC curves"
    script:
        "../scripts/evaluate_detection.py"
