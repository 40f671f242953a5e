# Feature squeezing (IV-C). Consumes attacked and clean digits; yields scores of every image under
# every squeezer, one table a classifier and seed, then rates at thresholds, published and fitted.
# Strengthened networks are left out: what their attacks do not find are the digits themselves.
rule score_detection:
    input:
        clean=rules.prepare_mnist.output.test,
        attacked=lambda wildcards: [
            EXAMPLES.format(attack=name, target=wildcards.target, seed=wildcards.seed)
            for name in attacks_on(wildcards.target)
        ],
        model=rules.train_classifier.output.model,
    output:
        scores="results/mnist/detection/{target}/seed{seed}/scores.parquet",
    log:
        "results/logs/score_detection/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/score_detection/{target}.seed{seed}.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("score_detection.py"),
        own=own_code,
        module=own_module,
        attacks=lambda wildcards: attacks_on(wildcards.target),
        settings=SQUEEZERS,
    message:
        "Squeezing what {wildcards.target} is shown"
    script:
        "../scripts/score_detection.py"


SCORED = [(t, s) for t in TARGETS if t in config["classifiers"] for s in SEEDS]


rule evaluate_detection:
    input:
        scores=[
            rules.score_detection.output.scores.format(target=target, seed=seed)
            for target, seed in SCORED
        ],
    output:
        rates="results/mnist/detection/rates.parquet",
        roc="results/mnist/detection/roc.parquet",
    log:
        "results/logs/evaluate_detection.log",
    benchmark:
        "results/benchmarks/evaluate_detection.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("evaluate_detection.py"),
        runs=SCORED,
        settings={k: config["detection"][k] for k in ("zetas", "false_positive_rates", "seed")},
    message:
        "Detection rates and ROC curves"
    script:
        "../scripts/evaluate_detection.py"
