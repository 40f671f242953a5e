# Results. Consumes judged examples, detection rates and checkpoints; yields tables and figures, which
# are pure functions of stored rows: redrawing them does not run any network.
ABLATED = {"target": config["ablations"]["target"], "seed": SEEDS[0]}
SHOWN = {
    name: ATTACK_LABELS.get(name, name)
    for name in [*ATTACK_LABELS, *config["attacks"]]
    if name in ("clean", "original")
    or TABLE_TARGET in config["attacks"].get(name, {"targets": []})["targets"]
}


rule tabulate_table1:
    input:
        rates=at(rules.evaluate_detection.output.rates),
        published=published_of,
    output:
        **table("results/{place}tables/table1"),
    log:
        "results/logs/{place}tabulate_table1.log",
    benchmark:
        "results/benchmarks/{place}tabulate_table1.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("tabulate_table1.py"),
        target=TABLE_TARGET,
        names=SHOWN,
        published_names={"paper": "svae"},
    message:
        "Table I"
    script:
        "../scripts/tabulate_table1.py"


rule tabulate_attacks:
    input:
        examples=lambda wildcards: paths(EXAMPLES, plan.compared(wildcards.place)),
        rates=at(rules.evaluate_detection.output.rates),
    output:
        **table("results/{place}tables/attacks"),
    log:
        "results/logs/{place}tabulate_attacks.log",
    benchmark:
        "results/benchmarks/{place}tabulate_attacks.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("tabulate_attacks.py"),
        runs=lambda wildcards: keys(plan.compared(wildcards.place)),
        labels=ATTACK_LABELS,
        false_positive_rate=min(config["detection"]["false_positive_rates"], default=None),
    message:
        "Type I attacks side by side"
    script:
        "../scripts/tabulate_attacks.py"


rule tabulate_reproduction:
    input:
        published=published_of,
        f1=each_seed(TRAINED, target=TABLE_TARGET),
        others=lambda wildcards: [
            TRAINED.format(dataset=dataset, target=target, seed=seed)
            for dataset, target, seed in plan.further_networks(wildcards.place)
        ],
        svae=each_seed(rules.train_svae_stage2.output.model),
        oracle=at(rules.evaluate_oracle.output.evaluation),
        examples=lambda wildcards: paths(EXAMPLES, plan.runs(plan.dataset_at(wildcards.place))),
        rates=at(rules.evaluate_detection.output.rates),
        realism=at(rules.evaluate_realism.output.realism),
        ablations=ablated,
        calibration=of_paper(rules.calibrate_oracle.output.calibration),
        people=of_paper(rules.evaluate_study.output.people),
        measurements=measurements_of,
    output:
        parquet="results/{place}reproduction.parquet",
        csv=report(
            "results/{place}reproduction.csv", caption="captions/table.rst", category="Verdicts"
        ),
        markdown="results/{place}tables/reproduction.md",
        text="results/{place}tables/reproduction.txt",
    log:
        "results/logs/{place}tabulate_reproduction.log",
    benchmark:
        "results/benchmarks/{place}tabulate_reproduction.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("tabulate_reproduction.py"),
        dataset=lambda wildcards: plan.dataset_at(wildcards.place),
        runs=lambda wildcards: plan.kinds(wildcards.place),
        others=lambda wildcards: [name for _, name, _ in plan.further_networks(wildcards.place)],
        ablated=list(config["ablations"]["attacks"]),
        target=TABLE_TARGET,
        boundary=plan.boundary_attacks(),
        faces=FACE_SOURCE,
        preset=config["preset"],
    message:
        "The verdict table"
    script:
        "../scripts/tabulate_reproduction.py"


rule plot_figure5a:
    input:
        trace=shown(rules.judge_svae.output.trace, "transition"),
    output:
        *figure("results/{place}figures/figure5a"),
    log:
        "results/logs/{place}plot_figure5a.log",
    benchmark:
        "results/benchmarks/{place}plot_figure5a.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure5a.py"),
        **config["figures"],
        caption=lambda wildcards: plan.caption(wildcards.place, "transition"),
    message:
        "Fig. 5a: image transition"
    script:
        "../scripts/plot_figure5a.py"


rule plot_figure5b:
    input:
        examples=faces.shown("transition").path(EXAMPLES),
        trace=faces.shown("transition").path(rules.judge_svae.output.trace),
    output:
        *figure("results/figures/figure5b"),
    log:
        "results/logs/plot_figure5b.log",
    benchmark:
        "results/benchmarks/plot_figure5b.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure5b.py"),
        **config["figures"],
        faces=config["face_svae"]["shown"],
        caption=f"{FACE_SOURCE.capitalize()} faces, image transition without f1, seed "
        f"{FACE_SEEDS[0]}, preset {config['preset']}: the first test faces of each gender, then the "
        "steps of the walk from their reconstruction.",
    message:
        "Fig. 5b: image transition of faces"
    script:
        "../scripts/plot_figure5b.py"


rule plot_figure6:
    input:
        trace=shown(rules.judge_svae.output.trace, "paper"),
    output:
        *figure("results/{place}figures/figure6"),
    log:
        "results/logs/{place}plot_figure6.log",
    benchmark:
        "results/benchmarks/{place}plot_figure6.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure6.py"),
        **config["figures"],
        published=lambda wildcards: published_at(wildcards, "mnist.fig6.confidence"),
        caption=lambda wildcards: plan.caption(wildcards.place, "paper"),
    message:
        "Fig. 6: losses during the attack from 4 to 5"
    script:
        "../scripts/plot_figure6.py"


rule plot_figure7a:
    input:
        examples=shown(EXAMPLES, "paper"),
        trace=shown(rules.judge_svae.output.trace, "paper"),
    output:
        *figure("results/{place}figures/figure7a"),
    log:
        "results/logs/{place}plot_figure7a.log",
    benchmark:
        "results/benchmarks/{place}plot_figure7a.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure7a.py"),
        **config["figures"],
        caption=lambda wildcards: plan.caption(wildcards.place, "paper"),
    message:
        "Fig. 7a: Type I examples"
    script:
        "../scripts/plot_figure7a.py"


use rule plot_figure7a as plot_figure7a_ours with:
    input:
        examples=shown(EXAMPLES, "ours"),
        trace=shown(rules.judge_svae.output.trace, "ours"),
    output:
        *figure("results/{place}figures/figure7a_ours"),
    log:
        "results/logs/{place}plot_figure7a_ours.log",
    benchmark:
        "results/benchmarks/{place}plot_figure7a_ours.tsv"
    params:
        *code("plot_figure7a.py"),
        **config["figures"],
        caption=lambda wildcards: plan.caption(wildcards.place, "ours"),
    message:
        "Fig. 7a for variant ours"


rule plot_table1_roc:
    input:
        roc=at(rules.evaluate_detection.output.roc),
    output:
        *figure("results/{place}figures/table1_roc"),
    log:
        "results/logs/{place}plot_table1_roc.log",
    benchmark:
        "results/benchmarks/{place}plot_table1_roc.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_table1_roc.py"),
        target=TABLE_TARGET,
        names={
            k: v
            for k, v in SHOWN.items()
            if k in config["attacks"] and config["attacks"][k]["kind"] != "baseline"
        },
        dpi=config["figures"]["dpi"],
        caption=f"Joint detector, target {TABLE_TARGET}, seeds {SEEDS}, preset {config['preset']}.",
    message:
        "ROC of the squeezing detector"
    script:
        "../scripts/plot_table1_roc.py"


rule plot_variants:
    input:
        paper=shown(EXAMPLES, "paper"),
        ours=lambda wildcards: paths(EXAMPLES, plan.first("ours", wildcards.place)),
        rivals=lambda wildcards: paths(EXAMPLES, plan.rivals(wildcards.place)),
    output:
        *figure("results/{place}figures/variants"),
    log:
        "results/logs/{place}plot_variants.log",
    benchmark:
        "results/benchmarks/{place}plot_variants.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_variants.py"),
        targets=lambda wildcards: [r.target for r in plan.first("ours", wildcards.place)],
        rivals=lambda wildcards: [RIVALS[run.attack] for run in plan.rivals(wildcards.place)],
        shown=TABLE_TARGET,
        dpi=config["figures"]["dpi"],
        preset=config["preset"],
    message:
        "Variants paper and ours, and rivals, side by side"
    script:
        "../scripts/plot_variants.py"


rule plot_ablations:
    input:
        examples=ablated,
    output:
        *figure("results/{place}figures/ablations"),
    log:
        "results/logs/{place}plot_ablations.log",
    benchmark:
        "results/benchmarks/{place}plot_ablations.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_ablations.py"),
        attacks=list(config["ablations"]["attacks"]),
        dpi=config["figures"]["dpi"],
        caption=f"Target {ABLATED['target']}, seed {ABLATED['seed']}, preset {config['preset']}.",
    message:
        "Ablations"
    script:
        "../scripts/plot_ablations.py"
