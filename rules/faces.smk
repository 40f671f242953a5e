# Faces and their judges. Consumes nothing, or photographs (faces.celeba, faces.lfw, faces.folder), or a
# generator (faces.generated); yields results/data/faces/{split}.parquet, the judges of gender and their rates.
# Section IV: CelebA, IV-B: labels by annotators.
rule prepare_faces:
    input:
        unpack(labelled_faces),
    output:
        train="results/data/faces/train.parquet",
        judge="results/data/faces/judge.parquet",
        validation="results/data/faces/validation.parquet",
        test="results/data/faces/test.parquet",
    log:
        "results/logs/prepare_faces.log",
    benchmark:
        "results/benchmarks/prepare_faces.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("prepare_faces.py"),
        files=given_faces,
        source=FACE_SOURCE,
        settings={} if FACE_SOURCE == "generated" else config["faces"][FACE_SOURCE],
        limit=config["faces"]["limit"],
    message:
        f"Preparing {FACE_SOURCE} faces"
    script:
        "../scripts/prepare_faces.py"


rule generate_faces:
    input:
        generator=lambda wildcards: rules.prepare_mobilestylegan.output.model,
        judge="results/faces/judges/age_gender/model.safetensors",
    output:
        table="results/data/faces/generated.parquet",
    log:
        "results/logs/generate_faces.log",
    benchmark:
        "results/benchmarks/generate_faces.tsv"
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("generate_faces.py"),
        settings=config["faces"]["generated"],
        resume="results/.resume/faces/generated",
    message:
        "Generating faces"
    script:
        "../scripts/generate_faces.py"


rule label_lfw:
    input:
        judge="results/faces/judges/age_gender/model.safetensors",
    output:
        table="results/data/faces/lfw_people.parquet",
    log:
        "results/logs/label_lfw.log",
    benchmark:
        "results/benchmarks/label_lfw.tsv"
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("label_lfw.py"),
        files=given_faces,
        settings={k: config["faces"]["lfw"][k] for k in ("source", "path")},
    message:
        "Labelling the people of LFW"
    script:
        "../scripts/label_lfw.py"


rule train_face_judge:
    input:
        faces=rules.prepare_faces.output.judge,
        validation=rules.prepare_faces.output.validation,
    output:
        model="results/faces/judges/{judge}/model.safetensors",
        curve="results/faces/judges/{judge}/curve.parquet",
    log:
        "results/logs/train_face_judge/{judge}.log",
    benchmark:
        "results/benchmarks/train_face_judge/{judge}.tsv"
    wildcard_constraints:
        judge="|".join(faces.members),
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("train_face_judge.py"),
        settings=lambda wildcards: config["face_judges"]["members"][wildcards.judge],
        seed=lambda wildcards: config["face_judges"]["seed"] + faces.members.index(wildcards.judge),
        resume="results/.resume/faces/judges/{judge}",
    message:
        "Training the face judge {wildcards.judge}"
    script:
        "../scripts/train_face_judge.py"


use rule train_face_judge as train_face_attacker with:
    input:
        faces=rules.prepare_faces.output.train,
        validation=rules.prepare_faces.output.validation,
    output:
        model="results/faces/attackers/{attacker}/model.safetensors",
        curve="results/faces/attackers/{attacker}/curve.parquet",
    log:
        "results/logs/train_face_attacker/{attacker}.log",
    benchmark:
        "results/benchmarks/train_face_attacker/{attacker}.tsv"
    wildcard_constraints:
        attacker="|".join(config["face_attackers"]["members"]),
    params:
        *code("train_face_judge.py"),
        settings=lambda wildcards: config["face_attackers"]["members"][wildcards.attacker],
        seed=lambda wildcards: config["face_attackers"]["seed"]
        + list(config["face_attackers"]["members"]).index(wildcards.attacker),
        resume="results/.resume/faces/attackers/{attacker}",
    message:
        "Training the attacker of faces {wildcards.attacker}"


rule prepare_age_gender:
    output:
        model="results/faces/judges/age_gender/model.safetensors",
    log:
        "results/logs/prepare_age_gender.log",
    benchmark:
        "results/benchmarks/prepare_age_gender.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("prepare_age_gender.py"),
        *given(config["face_judges"]["age_gender"]["path"]),
        settings=config["face_judges"]["age_gender"],
    message:
        "Reading the published gender judge"
    script:
        "../scripts/prepare_age_gender.py"


rule evaluate_face_judges:
    input:
        test=rules.prepare_faces.output.test,
        validation=rules.prepare_faces.output.validation,
        judges=face_panel(),
    output:
        measurements="results/faces/judges/measurements.parquet",
        limits="results/faces/judges/limits.parquet",
    log:
        "results/logs/evaluate_face_judges.log",
    benchmark:
        "results/benchmarks/evaluate_face_judges.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_face_judges.py"),
        judges=FACE_JUDGES,
        settings={k: config["face_judges"][k] for k in ("clear_confidence", "quantile", "seed")},
        prefix=f"beyond.{FACE_SOURCE}.judges",
    message:
        "Evaluating the face judges"
    script:
        "../scripts/evaluate_face_judges.py"


MEASUREMENTS.append(rules.evaluate_face_judges.output.measurements)
