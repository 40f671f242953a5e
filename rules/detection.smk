# Feature squeezing (IV-C). Consumes attacked and clean digits; yields scores of every image under
# every squeezer, then rates at thresholds, published and fitted.
rule score_attack:
    input:
        images=EXAMPLES,
        model=rules.train_classifier.output.model,
    output:
        scores="results/mnist/detection/{attack}/{target}/seed{seed}/scores.parquet",
    log:
        "results/logs/score_detection/{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/score_detection/{attack}.{target}.seed{seed}.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("score_detection.py"),
        settings=SQUEEZERS,
        column="adversarial_image",
    message:
        "Squeezing {wildcards.attack} on {wildcards.target}"
    script:
        "../scripts/score_detection.py"


use rule score_attack as score_clean with:
    input:
        images=rules.prepare_mnist.output.test,
        model=rules.train_classifier.output.model,
    output:
        scores="results/mnist/detection/clean/{target}/seed{seed}/scores.parquet",
    log:
        "results/logs/score_detection/clean.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/score_detection/clean.{target}.seed{seed}.tsv"
    params:
        *code("score_detection.py"),
        settings=SQUEEZERS,
        column="image",
    message:
        "Squeezing the clean test digits for {wildcards.target}"


SCORED = [(t, s, "clean") for t in TARGETS for s in SEEDS]
SCORED += [
    (t, s, a) for a in config["attacks"] for t in config["attacks"][a]["targets"] for s in SEEDS
]


rule evaluate_detection:
    input:
        scores=[
            f"results/mnist/detection/{name}/{target}/seed{seed}/scores.parquet"
            for target, seed, name in SCORED
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
