# Generators of faces, and Eq. 13 on their latent spaces (III-D, IV-E, Fig. 9). Consumes training
# faces, the wheel or file of a large generator, and recognizers; yields one small generator per seed,
# the attacked faces of both with their measurements, and Fig. 9. With `stylegan.source: none` the
# jobs of the large one are left out.
PUBLISHED_ROWS = 6  # of Fig. 9
STYLEGAN = config["stylegan"]["source"] != "none"
STYLEGAN_ROWS = range(1, config["stylegan"]["rows"] + 1)
STYLEGAN_NAME = (
    "NVIDIA's StyleGAN" if config["stylegan"]["source"] == "pickle" else "MobileStyleGAN"
)


rule train_style_generator:
    input:
        train=rules.prepare_faces.output.train,
    output:
        model="results/faces/generators/small/seed{seed}/model.safetensors",
        curve="results/faces/generators/small/seed{seed}/curve.parquet",
    log:
        "results/logs/train_style_generator/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_style_generator/seed{seed}.tsv"
    wildcard_constraints:
        seed="[0-9]+",
    priority: 90
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("train_style_generator.py"),
        settings={k: v for k, v in config["style_generator"].items() if k != "attack"},
        seed=lambda wildcards: int(wildcards.seed),
        resume="results/.resume/faces/generators/small/seed{seed}",
    message:
        "Training the small generator of faces, seed {wildcards.seed}"
    script:
        "../scripts/train_style_generator.py"


rule attack_style_generator:
    input:
        generator=rules.train_style_generator.output.model,
        recognizer=recognizer_of,
        thresholds=rules.evaluate_recognizer.output.thresholds,
    output:
        examples="results/faces/latent/{target}/seed{seed}/examples.parquet",
    log:
        "results/logs/attack_style_generator/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/attack_style_generator/{target}.seed{seed}.tsv"
    wildcard_constraints:
        seed="[0-9]+",
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_style_generator.py"),
        settings=config["style_generator"]["attack"]["settings"],
        how={k: config["style_generator"]["attack"][k] for k in ("threshold", "count", "chunk")},
        seed=lambda wildcards: config["style_generator"]["attack"]["seed"] + int(wildcards.seed),
        resume="results/.resume/faces/latent/{target}/seed{seed}",
    message:
        "Attack on the latent space of the small generator, {wildcards.target}, seed {wildcards.seed}"
    script:
        "../scripts/attack_style_generator.py"


rule evaluate_style_generator:
    input:
        examples=expand(
            rules.attack_style_generator.output.examples, target=RECOGNIZER, seed=FACE_SEEDS
        ),
        thresholds=expand(
            rules.evaluate_recognizer.output.thresholds, target=RECOGNIZER, seed=FACE_SEEDS
        ),
        judges=face_panel(),
    output:
        measurements="results/faces/latent/measurements.parquet",
    log:
        "results/logs/evaluate_style_generator.log",
    benchmark:
        "results/benchmarks/evaluate_style_generator.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_style_generator.py"),
        named={
            "prefix": f"beyond.{FACE_SOURCE}.latent_small",
            "faces": f"{FACE_SOURCE} faces",
            "recognizer": RECOGNIZER,
        },
        clear_confidence=config["face_judges"]["clear_confidence"],
        seeds=FACE_SEEDS,
    message:
        "Success of the attack on the small generator of faces"
    script:
        "../scripts/evaluate_style_generator.py"


MEASUREMENTS.append(rules.evaluate_style_generator.output.measurements)


rule plot_figure9_small:
    input:
        examples=rules.attack_style_generator.output.examples.format(
            target=RECOGNIZER, seed=FACE_SEEDS[0]
        ),
    output:
        *figure("results/figures/figure9_small"),
    log:
        "results/logs/plot_figure9_small.log",
    benchmark:
        "results/benchmarks/plot_figure9_small.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure9_small.py"),
        drawn={
            "pairs": config["figures"]["columns"],
            "dpi": config["figures"]["dpi"],
            "caption": f"{FACE_SOURCE} faces, f1 {RECOGNIZER}, seed {FACE_SEEDS[0]}, "
            f"preset {config['preset']}.",
        },
    message:
        "Fig. 9 for the small generator of faces"
    script:
        "../scripts/plot_figure9_small.py"


rule prepare_mobilestylegan:
    output:
        model="results/faces/generators/mobilestylegan/model.safetensors",
    log:
        "results/logs/prepare_mobilestylegan.log",
    benchmark:
        "results/benchmarks/prepare_mobilestylegan.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("prepare_mobilestylegan.py"),
        *given(config["stylegan"]["path"]),
        path=config["stylegan"]["path"] if config["stylegan"]["source"] == "path" else None,
        truncation=config["stylegan"]["truncation"],
        seed=config["stylegan"]["seed"],
    message:
        "Reading the published graphs of MobileStyleGAN"
    script:
        "../scripts/prepare_mobilestylegan.py"


rule prepare_nvidia_stylegan:
    output:
        model="results/faces/generators/nvidia_stylegan/model.safetensors",
    log:
        "results/logs/prepare_nvidia_stylegan.log",
    benchmark:
        "results/benchmarks/prepare_nvidia_stylegan.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("prepare_nvidia_stylegan.py"),
        *given(config["stylegan"]["path"]),
        pickle={k: config["stylegan"][k] for k in ("path", "sha256", "allow_pickle")},
        truncation=config["stylegan"]["truncation"],
    message:
        "Reading NVIDIA's StyleGAN pickle"
    script:
        "../scripts/prepare_nvidia_stylegan.py"


STYLEGAN_MODEL = (
    rules.prepare_nvidia_stylegan.output.model
    if config["stylegan"]["source"] == "pickle"
    else rules.prepare_mobilestylegan.output.model
)


rule attack_stylegan:
    input:
        generator=STYLEGAN_MODEL,
        recognizer=rules.prepare_facenet.output.model,
    output:
        example="results/faces/stylegan/row{row}/example.parquet",
        frames="results/faces/stylegan/row{row}/frames.parquet",
    log:
        "results/logs/attack_stylegan/row{row}.log",
    benchmark:
        "results/benchmarks/attack_stylegan/row{row}.tsv"
    wildcard_constraints:
        row="[1-6]",
    priority: 60
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_stylegan.py"),
        settings=config["stylegan"]["attack"],
        how={k: config["stylegan"][k] for k in ("threshold", "frames", "side", "seed")},
        resume="results/.resume/faces/stylegan/row{row}",
    message:
        f"{STYLEGAN_NAME}: row {{wildcards.row}} of Fig. 9"
    script:
        "../scripts/attack_stylegan.py"


rule evaluate_stylegan:
    input:
        examples=expand(rules.attack_stylegan.output.example, row=STYLEGAN_ROWS),
        generator=STYLEGAN_MODEL,
        recognizer=rules.prepare_facenet.output.model,
    output:
        measurements="results/faces/stylegan/measurements.parquet",
    log:
        "results/logs/evaluate_stylegan.log",
    benchmark:
        "results/benchmarks/evaluate_stylegan.tsv"
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("evaluate_stylegan.py"),
        settings={
            "published_rows": PUBLISHED_ROWS,
            "name": STYLEGAN_NAME,
            "strangers_count": config["stylegan"]["strangers"],
            "threshold": config["stylegan"]["threshold"],
            "seed": config["stylegan"]["seed"],
            "preset": config["preset"],
        },
    message:
        "Distances between the faces of Fig. 9, and between random faces"
    script:
        "../scripts/evaluate_stylegan.py"


rule plot_figure9:
    input:
        examples=rules.evaluate_stylegan.input.examples,
        frames=expand(rules.attack_stylegan.output.frames, row=STYLEGAN_ROWS),
        measurements=rules.evaluate_stylegan.output.measurements,
    output:
        *figure("results/figures/figure9"),
    log:
        "results/logs/plot_figure9.log",
    benchmark:
        "results/benchmarks/plot_figure9.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure9.py"),
        drawn={
            "name": STYLEGAN_NAME,
            "threshold": config["stylegan"]["threshold"],
            "dpi": config["figures"]["dpi"],
            "caption": f"seed {config['stylegan']['seed']}, preset {config['preset']}.",
        },
    message:
        "Fig. 9: attack on the latent space of a large generator of faces"
    script:
        "../scripts/plot_figure9.py"


FIGURE9 = [*rules.plot_figure9.output] if STYLEGAN else []
if STYLEGAN:
    MEASUREMENTS.append(rules.evaluate_stylegan.output.measurements)
