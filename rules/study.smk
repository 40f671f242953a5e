# Study with people. Consumes judged examples and files with people's answers; yields the sheet for
# people, its key, and the results of the answers: success as judged by people, agreement between
# people, and agreement of the oracle with people. In IV-B, people labelled faces.
STUDY = config["study"]
STUDY_DIGITS = plan.runs(PAPER, attacks=STUDY["digits"]["attacks"])
STUDY_DIGITS += plan.control(PAPER)
STUDY_FACES = faces.runs([*STUDY["faces"]["attacks"], "reconstruction"])
# the oracle is compared with people on attacks and baselines, not on controls
CALIBRATED_RUNS = plan.runs(PAPER, rows=["type1"])


rule render_study:
    input:
        digits=paths(EXAMPLES, STUDY_DIGITS),
        faces=paths(EXAMPLES, STUDY_FACES),
    output:
        page="results/study/index.html",
        key="results/study/key.parquet",
    log:
        "results/logs/render_study.log",
    benchmark:
        "results/benchmarks/render_study.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("render_study.py"),
        digit_runs=keys(STUDY_DIGITS),
        face_runs=keys(STUDY_FACES),
        settings={k: STUDY[k] for k in ("seed", "digits", "faces", "pairs")},
    message:
        "Rendering the study sheet"
    script:
        "../scripts/render_study.py"


# the runs that annotations may refer to; none without annotations
ASKED = annotation_files()
ASKED_KEY = [rules.render_study.output.key] if ASKED else []
ASKED_DIGITS = (
    [*CALIBRATED_RUNS, *(r for r in STUDY_DIGITS if r not in CALIBRATED_RUNS)] if ASKED else []
)
ASKED_FACES = faces.runs(faces.looked_at()) if ASKED else []


rule prepare_annotations:
    input:
        annotations=ASKED,
        key=ASKED_KEY,
        digits=paths(EXAMPLES, ASKED_DIGITS),
        faces=paths(EXAMPLES, ASKED_FACES),
    output:
        answers="results/study/answers.parquet",
    log:
        "results/logs/prepare_annotations.log",
    benchmark:
        "results/benchmarks/prepare_annotations.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("prepare_annotations.py"),
        *given(*ASKED),
        digit_runs=keys(ASKED_DIGITS),
        face_runs=keys(ASKED_FACES),
    message:
        "Reading people's answers"
    script:
        "../scripts/prepare_annotations.py"


rule evaluate_study:
    input:
        answers=rules.prepare_annotations.output.answers,
        key=ASKED_KEY,
        digits=rules.prepare_annotations.input.digits,
        faces=rules.prepare_annotations.input.faces,
    output:
        people="results/study/people.parquet",
        measurements="results/study/measurements.parquet",
        csv="results/tables/annotators.csv",
        md="results/tables/annotators.md",
        tex="results/tables/annotators.tex",
    log:
        "results/logs/evaluate_study.log",
    benchmark:
        "results/benchmarks/evaluate_study.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_study.py"),
        digit_runs=keys(ASKED_DIGITS),
        face_runs=keys(ASKED_FACES),
        sources={"digit": "mnist", "face": FACE_SOURCE, "person": FACE_SOURCE},
        published=faces.named("faces.success_rate"),
        settings={k: STUDY[k] for k in ("seed", "draws", "careless")},
    message:
        "Evaluating people's answers on attacks"
    script:
        "../scripts/evaluate_study.py"


rule calibrate_oracle:
    input:
        answers=rules.prepare_annotations.output.answers,
        examples=paths(EXAMPLES, CALIBRATED_RUNS),
    output:
        calibration="results/mnist/oracle/calibration.parquet",
    log:
        "results/logs/calibrate_oracle.log",
    benchmark:
        "results/benchmarks/calibrate_oracle.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("calibrate_oracle.py"),
        runs=keys(CALIBRATED_RUNS),
    message:
        "Comparing the oracle with people's answers"
    script:
        "../scripts/calibrate_oracle.py"


MEASUREMENTS += [rules.evaluate_study.output.measurements]
