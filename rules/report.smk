# The report. Consumes every table and figure, judged examples, their traces, scores of the detectors;
# yields results/report/index.html, one self-contained page. Snakemake does not track benchmarks as
# outputs, so the report uses those that exist.
# `snakemake --report report.zip` makes an archive of the same tables and figures, with captions from
# rules/captions/.
from typeone.workflow.report_plan import ReportPlan

REPORT = ReportPlan(config, plan, faces)
REPORT_FIGURES = {
    "Fig. 1: one class against the rest": rules.plot_figure1,
    "Fig. 2: the toy example": rules.plot_figure2,
    "Fig. 3: between the spheres": rules.plot_figure3,
    "Fig. 5a: image transition": rules.plot_figure5a,
    "Fig. 5b: image transition of faces": rules.plot_figure5b,
    "Fig. 6: losses on the way from 4 to 5": rules.plot_figure6,
    "Fig. 7a: Type I examples, variant paper": rules.plot_figure7a,
    "Fig. 7a by variant ours": rules.plot_figure7a_ours,
    "Fig. 7b: Type I examples of faces, variant paper": rules.plot_figure7b,
    "Fig. 7b by variant ours": rules.plot_figure7b_ours,
    "Fig. 8: the latent space of an AC-GAN": rules.plot_figure8,
    **({"Fig. 9: the latent space of a large generator": rules.plot_figure9} if STYLEGAN else {}),
    "Fig. 9 on the small generator of faces": rules.plot_figure9_small,
    "Beyond: ROC of the squeezing detector": rules.plot_table1_roc,
    "Beyond: variants side by side": rules.plot_variants,
    "Beyond: ablations": rules.plot_ablations,
}
REPORT_TABLES = {
    "Table I: feature squeezing": (
        rules.tabulate_table1,
        f"Detection rates of the joint detector, target {TABLE_TARGET}, by L1 and L2, at the published "
        "thresholds (zeta) and at those that reject a share of clean digits; Wilson 95 % intervals, "
        f"{REPORT.of_digits}.",
    ),
    "Beyond: Type I attacks side by side": (rules.tabulate_attacks, f"{REPORT.of_digits}."),
    "Table II: squeezing on faces": (rules.tabulate_table2, faces.detection_caption()),
    "Table III: strengthened recognizers": (
        rules.tabulate_table3,
        f"Accuracy on old and fresh examples, and on clean pairs, 95 % intervals. {REPORT.of_faces}.",
    ),
    "Strengthened LeNets, in the manner of Table III": (
        rules.tabulate_strengthening,
        f"Accuracy on old and fresh examples, 95 % intervals, {REPORT.of_digits}.",
    ),
}


rule describe_machine:
    output:
        machine="results/machine.json",
    log:
        "results/logs/describe_machine.log",
    benchmark:
        "results/benchmarks/describe_machine.tsv"
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("describe_machine.py"),
    message:
        "Recording the hardware and software"
    script:
        "../scripts/describe_machine.py"


rule render_report:
    input:
        verdicts="results/reproduction.parquet",
        machine=rules.describe_machine.output.machine,
        tables=expand([table.output.csv for table, _ in REPORT_TABLES.values()], place=""),
        figures=expand([figure.output[0] for figure in REPORT_FIGURES.values()], place=""),
        examples=paths(EXAMPLES, [*REPORT.digit_runs, *map(faces.shown, REPORT.face_attacks)]),
        walked=paths(EXAMPLES, [*REPORT.walked_runs, *map(faces.shown, REPORT.walked_faces)]),
        traces=paths(
            rules.judge_svae.output.trace,
            [*REPORT.walked_runs, *map(faces.shown, REPORT.walked_faces)],
        ),
        scores=REPORT.scores(
            rules.score_detection.output.scores, rules.score_face_detection.output.scores
        ),
        ablations=paths(rules.judge_ablations.output.examples, plan.ablated("")),
    output:
        page="results/report/index.html",
    log:
        "results/logs/render_report.log",
    benchmark:
        "results/benchmarks/render_report.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("render_report.py"),
        tables=[(title, caption) for title, (_, caption) in REPORT_TABLES.items()],
        figures=list(REPORT_FIGURES),
        runs=REPORT.runs(),
        walks=REPORT.walks(),
        detectors=REPORT.detectors(),
        ablated=list(config["ablations"]["attacks"]),
        captions=REPORT.captions(),
        links=[
            ("The settings of the run:", "config.yaml", "results/config.yaml"),
            ("Every row:", "reproduction.csv", "results/reproduction.csv"),
            (
                "What do you see in these images?",
                "The human study",
                str(rules.render_study.output.page),
            ),
        ],
        labels={"digits": ATTACK_LABELS, "faces": FACE_LABELS},
        threshold=config["face_attacks"]["threshold"],
        limits={"count": config["report"]["examples"], "frames": config["report"]["frames"]},
        benchmarks="results/benchmarks",
        datasets=[*plan.datasets, FACES],
        timed=REPORT.timed(
            svae=rules.attack_svae.benchmark,
            baseline=rules.attack_baseline.benchmark,
            own=rules.attack_own.benchmark,
            type2=rules.attack_type2.benchmark,
        ),
    message:
        "Rendering the report"
    script:
        "../scripts/render_report.py"
