# One class against the rest (section I). Consumes f1, the test digits and judged examples; yields the
# ROC of f1 on clean digits and with attacked ones in place of a side, and Fig. 1.
ROC_TARGET = "mlp"  # the classifier of IV-A, whose digits the introduction shows
ROC_KINDS = {name: kind for kind in ("type1", "type2") for name in config["roc"][kind]}
ROC_RUNS = [(name, seed) for name in ROC_KINDS for seed in SEEDS]


rule evaluate_roc:
    input:
        test=rules.prepare_mnist.output.test,
        models=expand(rules.train_classifier.output.model, target=ROC_TARGET, seed=SEEDS),
        examples=[EXAMPLES.format(attack=a, target=ROC_TARGET, seed=s) for a, s in ROC_RUNS],
    output:
        curves="results/mnist/roc/curves.parquet",
        measurements="results/mnist/roc/measurements.parquet",
    log:
        "results/logs/evaluate_roc.log",
    benchmark:
        "results/benchmarks/evaluate_roc.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("evaluate_roc.py"),
        seeds=SEEDS,
        runs=ROC_RUNS,
        kinds=ROC_KINDS,
        positive=config["roc"]["positive"],
    message:
        "One class against the rest, before and after attacks"
    script:
        "../scripts/evaluate_roc.py"


MEASUREMENTS.append(rules.evaluate_roc.output.measurements)


rule plot_figure1:
    input:
        curves=rules.evaluate_roc.output.curves,
        measurements=rules.evaluate_roc.output.measurements,
        type1=EXAMPLES.format(attack=config["roc"]["type1"][0], target=ROC_TARGET, seed=SEEDS[0]),
        type2=EXAMPLES.format(attack=config["roc"]["type2"][0], target=ROC_TARGET, seed=SEEDS[0]),
    output:
        report("results/figures/figure1.png", caption="captions/figure.rst", category="Figures"),
        "results/figures/figure1.pdf",
    log:
        "results/logs/plot_figure1.log",
    benchmark:
        "results/benchmarks/plot_figure1.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("plot_figure1.py"),
        settings=config["roc"],
        seed=SEEDS[0],
        dpi=config["figures"]["dpi"],
        preset=config["preset"],
    message:
        "Fig. 1: where the two types of attack move f1 on its ROC"
    script:
        "../scripts/plot_figure1.py"
