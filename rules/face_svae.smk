# The supervised VAE of faces (III-A, III-B, Algorithm 1), gender as f2. Consumes the faces; yields
# stage 1 and stage 2, one per seed, and their measurements. Fig. 5b shows its image transition.
use rule train_svae_stage1 as train_face_svae_stage1 with:
    input:
        train=rules.prepare_faces.output.train,
        validation=rules.prepare_faces.output.validation,
        test=rules.prepare_faces.output.test,
    output:
        model="results/faces/svae/seed{seed}/stage1.safetensors",
        curve="results/faces/svae/seed{seed}/stage1_curve.parquet",
    log:
        "results/logs/train_face_svae_stage1/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_face_svae_stage1/seed{seed}.tsv"
    params:
        *code("train_svae_stage1.py"),
        architecture="svae-64x64",
        sizes={k: config["face_svae"][k] for k in ("latent_dim", "width")},
        settings=config["face_svae"]["stage1"],
        seed=lambda wildcards: int(wildcards.seed),
        resume="results/.resume/face_svae/seed{seed}/stage1",
    message:
        "Training the face SVAE's encoder, decoder and f2, seed {wildcards.seed}"


use rule train_svae_stage2 as train_face_svae_stage2 with:
    input:
        train=rules.prepare_faces.output.train,
        test=rules.prepare_faces.output.test,
        stage1=rules.train_face_svae_stage1.output.model,
    output:
        model="results/faces/svae/seed{seed}/stage2.safetensors",
        curve="results/faces/svae/seed{seed}/stage2_curve.parquet",
    log:
        "results/logs/train_face_svae_stage2/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_face_svae_stage2/seed{seed}.tsv"
    params:
        *code("train_svae_stage2.py"),
        settings=config["face_svae"]["stage2"],
        seed=lambda wildcards: int(wildcards.seed),
        resume="results/.resume/face_svae/seed{seed}/stage2",
    message:
        "Training the face SVAE's discriminator, seed {wildcards.seed}"


rule evaluate_face_svae:
    input:
        svae=expand(rules.train_face_svae_stage2.output.model, seed=FACE_SEEDS),
    output:
        measurements="results/faces/svae/measurements.parquet",
    log:
        "results/logs/evaluate_face_svae.log",
    benchmark:
        "results/benchmarks/evaluate_face_svae.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_face_svae.py"),
        accuracy_id=faces.named("faces.gender.test_accuracy"),
        source=FACE_SOURCE,
    message:
        "Evaluating the face SVAE"
    script:
        "../scripts/evaluate_face_svae.py"


MEASUREMENTS.append(rules.evaluate_face_svae.output.measurements)
