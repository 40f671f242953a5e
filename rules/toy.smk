# Toy example (II-A). Consumes only its settings, because its points are sampled; yields the samples and
# the trained f1 of each seed, every move along the unnecessary and the missing feature, and Fig. 2.
rule evaluate_toy:
    output:
        samples="results/toy/samples.parquet",
        planes="results/toy/planes.parquet",
        moves="results/toy/moves.parquet",
        measurements="results/toy/measurements.parquet",
    log:
        "results/logs/evaluate_toy.log",
    benchmark:
        "results/benchmarks/evaluate_toy.tsv"
    priority: 200  # the first figures, within minutes
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_toy.py"),
        seeds=SEEDS,
        settings={k: v for k, v in config["toy"].items() if k != "shown"},
    message:
        "Toy example: an unnecessary and a missing feature"
    script:
        "../scripts/evaluate_toy.py"


MEASUREMENTS.append(rules.evaluate_toy.output.measurements)


rule plot_figure2:
    input:
        samples=rules.evaluate_toy.output.samples,
        planes=rules.evaluate_toy.output.planes,
        moves=rules.evaluate_toy.output.moves,
    output:
        *figure("results/figures/figure2"),
    log:
        "results/logs/plot_figure2.log",
    benchmark:
        "results/benchmarks/plot_figure2.tsv"
    priority: 200
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure2.py"),
        **{k: config["toy"][k] for k in ("half_width", "shown")},
        seed=SEEDS[0],
        dpi=config["figures"]["dpi"],
        preset=config["preset"],
    message:
        "Fig. 2: Type I and Type II on the toy example"
    script:
        "../scripts/plot_figure2.py"
