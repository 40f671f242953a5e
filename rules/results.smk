# Results. Consumes judged examples, detection rates and checkpoints; yields tables and figures, pure
# functions of stored rows: redrawing one runs no network.
TABLE_TARGET = "mlp"  # the classifier of IV-A and Table I
OTHERS = [name for name in config["classifiers"] if name != TABLE_TARGET]
ABLATED = {"target": config["ablations"]["target"], "seed": SEEDS[0]}
SHOWN_RUN = {"target": TABLE_TARGET, "seed": SEEDS[0]}
SHOWN_FACES = {"recognizer": RECOGNIZER, "seed": FACE_SEEDS[0]}
ATTACK_LABELS = {
    "clean": "Clean, all test digits",
    "original": "Clean, the attacked digits",
    "reconstruction": "SVAE reconstruction (control)",
    "transition": "Image transition (control)",
    "fgsm": "Type II: FGSM",
    "pgd": "Type II: PGD",
    "deepfool": "Type II: DeepFool",
    "cw_l2": "Type II: CW L2",
    "ead": "Type II: EAD",
    "paper": "Type I: SVAE, paper",
    "sm": "Type I: SVAE, authors' code",
    "ours": "Type I: SVAE, ours",
    "ours_adaptive": "Type I: SVAE, ours, adaptive",
    "nearest": "Baseline: nearest image of the class",
    "interpolation": "Baseline: interpolation in z",
    "random_latent": "Baseline: random z",
}
SHOWN = {
    name: ATTACK_LABELS.get(name, name)
    for name in [*ATTACK_LABELS, *config["attacks"]]
    if name in ("clean", "original")
    or TABLE_TARGET in config["attacks"].get(name, {"targets": []})["targets"]
}


rule tabulate_table1:
    input:
        rates=rules.evaluate_detection.output.rates,
        published=f"{workflow.basedir}/docs/published-values.csv",
    output:
        csv=report("results/tables/table1.csv", caption="captions/table.rst", category="Tables"),
        md="results/tables/table1.md",
        tex="results/tables/table1.tex",
    log:
        "results/logs/tabulate_table1.log",
    benchmark:
        "results/benchmarks/tabulate_table1.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("tabulate_table1.py"),
        target=TABLE_TARGET,
        names=SHOWN,
        published_names={"paper": "svae"},
    message:
        "Table I"
    script:
        "../scripts/tabulate_table1.py"


RUNS = [
    (a, row_kind(a), t, s)
    for a in config["attacks"]
    for t in config["attacks"][a]["targets"]
    for s in SEEDS
]


rule tabulate_reproduction:
    input:
        published=f"{workflow.basedir}/docs/published-values.csv",
        f1=expand(rules.train_classifier.output.model, target=TABLE_TARGET, seed=SEEDS),
        others=expand(rules.train_classifier.output.model, target=OTHERS, seed=SEEDS),
        svae=expand(rules.train_svae_stage2.output.model, seed=SEEDS),
        oracle=rules.evaluate_oracle.output.evaluation,
        examples=[EXAMPLES.format(attack=a, target=t, seed=s) for a, _, t, s in RUNS],
        rates=rules.evaluate_detection.output.rates,
        realism=rules.evaluate_realism.output.realism,
        ablations=expand(
            rules.judge_ablations.output.examples, attack=config["ablations"]["attacks"], **ABLATED
        ),
        calibration=rules.calibrate_oracle.output.calibration,
        people=rules.evaluate_study.output.people,
        measurements=MEASUREMENTS,
    output:
        parquet="results/reproduction.parquet",
        csv=report("results/reproduction.csv", caption="captions/table.rst", category="Verdicts"),
        markdown="results/tables/reproduction.md",
        text="results/tables/reproduction.txt",
    log:
        "results/logs/tabulate_reproduction.log",
    benchmark:
        "results/benchmarks/tabulate_reproduction.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("tabulate_reproduction.py"),
        runs=RUNS,
        others=[name for name in OTHERS for _ in SEEDS],
        ablated=list(config["ablations"]["attacks"]),
        target=TABLE_TARGET,
        faces=FACE_SOURCE,
        preset=config["preset"],
    message:
        "The verdict table"
    script:
        "../scripts/tabulate_reproduction.py"


rule plot_figure5a:
    input:
        trace=expand(rules.judge_svae.output.trace, attack="transition", **SHOWN_RUN),
    output:
        report("results/figures/figure5a.png", caption="captions/figure.rst", category="Figures"),
        "results/figures/figure5a.pdf",
    log:
        "results/logs/plot_figure5a.log",
    benchmark:
        "results/benchmarks/plot_figure5a.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("plot_figure5a.py"),
        **config["figures"],
        caption=figure_caption("transition", **SHOWN_RUN),
    message:
        "Fig. 5a: image transition"
    script:
        "../scripts/plot_figure5a.py"


rule plot_figure5b:
    input:
        examples=FACE_EXAMPLES.format(attack="transition", **SHOWN_FACES),
        trace=rules.judge_faces.output.trace.format(attack="transition", **SHOWN_FACES),
    output:
        report("results/figures/figure5b.png", caption="captions/figure.rst", category="Figures"),
        "results/figures/figure5b.pdf",
    log:
        "results/logs/plot_figure5b.log",
    benchmark:
        "results/benchmarks/plot_figure5b.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
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
        trace=expand(rules.judge_svae.output.trace, attack="paper", **SHOWN_RUN),
    output:
        report("results/figures/figure6.png", caption="captions/figure.rst", category="Figures"),
        "results/figures/figure6.pdf",
    log:
        "results/logs/plot_figure6.log",
    benchmark:
        "results/benchmarks/plot_figure6.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("plot_figure6.py"),
        **config["figures"],
        caption=figure_caption("paper", **SHOWN_RUN),
    message:
        "Fig. 6: losses on the way from 4 to 5"
    script:
        "../scripts/plot_figure6.py"


rule plot_figure7a:
    input:
        examples=expand(EXAMPLES, attack="paper", **SHOWN_RUN),
        trace=expand(rules.judge_svae.output.trace, attack="paper", **SHOWN_RUN),
    output:
        report("results/figures/figure7a.png", caption="captions/figure.rst", category="Figures"),
        "results/figures/figure7a.pdf",
    log:
        "results/logs/plot_figure7a.log",
    benchmark:
        "results/benchmarks/plot_figure7a.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("plot_figure7a.py"),
        **config["figures"],
        caption=figure_caption("paper", **SHOWN_RUN),
    message:
        "Fig. 7a: Type I examples"
    script:
        "../scripts/plot_figure7a.py"


use rule plot_figure7a as plot_figure7a_ours with:
    input:
        examples=expand(EXAMPLES, attack="ours", **SHOWN_RUN),
        trace=expand(rules.judge_svae.output.trace, attack="ours", **SHOWN_RUN),
    output:
        report(
            "results/figures/figure7a_ours.png", caption="captions/figure.rst", category="Figures"
        ),
        "results/figures/figure7a_ours.pdf",
    log:
        "results/logs/plot_figure7a_ours.log",
    benchmark:
        "results/benchmarks/plot_figure7a_ours.tsv"
    params:
        *code("plot_figure7a.py"),
        **config["figures"],
        caption=figure_caption("ours", **SHOWN_RUN),
    message:
        "Fig. 7a by variant ours"


rule plot_table1_roc:
    input:
        roc=rules.evaluate_detection.output.roc,
    output:
        report("results/figures/table1_roc.png", caption="captions/figure.rst", category="Figures"),
        "results/figures/table1_roc.pdf",
    log:
        "results/logs/plot_table1_roc.log",
    benchmark:
        "results/benchmarks/plot_table1_roc.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
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
        paper=expand(EXAMPLES, attack="paper", **SHOWN_RUN),
        ours=[
            EXAMPLES.format(attack="ours", target=t, seed=SEEDS[0])
            for t in config["attacks"]["ours"]["targets"]
        ],
    output:
        report("results/figures/variants.png", caption="captions/figure.rst", category="Figures"),
        "results/figures/variants.pdf",
    log:
        "results/logs/plot_variants.log",
    benchmark:
        "results/benchmarks/plot_variants.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("plot_variants.py"),
        targets=config["attacks"]["ours"]["targets"],
        shown=TABLE_TARGET,
        dpi=config["figures"]["dpi"],
        preset=config["preset"],
    message:
        "Variants paper and ours side by side"
    script:
        "../scripts/plot_variants.py"


rule plot_ablations:
    input:
        examples=expand(
            rules.judge_ablations.output.examples, attack=config["ablations"]["attacks"], **ABLATED
        ),
    output:
        report("results/figures/ablations.png", caption="captions/figure.rst", category="Figures"),
        "results/figures/ablations.pdf",
    log:
        "results/logs/plot_ablations.log",
    benchmark:
        "results/benchmarks/plot_ablations.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("plot_ablations.py"),
        attacks=list(config["ablations"]["attacks"]),
        dpi=config["figures"]["dpi"],
        caption=f"Target {ABLATED['target']}, seed {ABLATED['seed']}, preset {config['preset']}.",
    message:
        "Ablations"
    script:
        "../scripts/plot_ablations.py"
