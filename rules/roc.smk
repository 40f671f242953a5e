# One class against the rest (section I). Consumes f1, the test digits and judged examples; yields the
# ROC of f1 on clean digits and with attacked ones as positives or negatives, and Fig. 1.
ROC_KINDS = {name: kind for kind in ("type1", "type2") for name in config["roc"][kind]}
ROC_RUNS = [(name, seed) for name in ROC_KINDS for seed in SEEDS]


rule evaluate_roc:
    input:
        test=rules.prepare_dataset.output.test,
        models=expand(TRAINED, target=TABLE_TARGET, seed=SEEDS, allow_missing=True),
        examples=expand(
            EXAMPLES, attack=ROC_KINDS, target=TABLE_TARGET, seed=SEEDS, allow_missing=True
        ),
    output:
        curves="results/{dataset}/roc/curves.parquet",
        measurements="results/{dataset}/roc/measurements.parquet",
    log:
        "results/logs/{dataset}/evaluate_roc.log",
    benchmark:
        "results/benchmarks/{dataset}/evaluate_roc.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_roc.py"),
        seeds=SEEDS,
        runs=ROC_RUNS,
        kinds=ROC_KINDS,
        positive=config["roc"]["positive"],
    message:
        "{wildcards.dataset}: ROC of one class against the rest, before and after attacks"
    script:
        "../scripts/evaluate_roc.py"


MEASUREMENTS.append(rules.evaluate_roc.output.measurements)


rule plot_figure1:
    input:
        curves=at(rules.evaluate_roc.output.curves),
        measurements=at(rules.evaluate_roc.output.measurements),
        type1=shown(EXAMPLES, config["roc"]["type1"][0]),
        type2=shown(EXAMPLES, config["roc"]["type2"][0]),
    output:
        *figure("results/{place}figures/figure1"),
    log:
        "results/logs/{place}plot_figure1.log",
    benchmark:
        "results/benchmarks/{place}plot_figure1.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure1.py"),
        settings=config["roc"],
        seed=SEEDS[0],
        dpi=config["figures"]["dpi"],
        preset=config["preset"],
    message:
        "Fig. 1: effect of both types of attack on the ROC of f1"
    script:
        "../scripts/plot_figure1.py"
