# Attacks on the latent space of a generative model (III-D, IV-E). Consumes the digits, the attacked
# classifier and the oracle; yields one AC-GAN for all seeds, the judged examples of every variant of
# one seed, and their measurements.
LATENT_TARGET = config["latent"]["target"]
[LATENT_MODEL] = expand(TRAINED, dataset=PAPER, target=LATENT_TARGET, allow_missing=True)
PAPER_DATA = f"results/data/{PAPER}"
PAPER_ORACLE = expand(ORACLE, dataset=PAPER)


rule train_generator:
    input:
        train=f"{PAPER_DATA}/train.parquet",
        test=f"{PAPER_DATA}/test.parquet",
    output:
        model="results/mnist/generator/model.safetensors",
        curve="results/mnist/generator/curve.parquet",
    log:
        "results/logs/train_generator.log",
    benchmark:
        "results/benchmarks/train_generator.tsv"
    priority: 90
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("train_generator.py"),
        settings={
            k: config["generator"][k] for k in ("latent_dim", "channels", "training", "objective")
        },
        seed=config["generator"]["seed"],
        resume="results/.resume/generator",
    message:
        "Training the AC-GAN"
    script:
        "../scripts/train_generator.py"


rule attack_latent:
    input:
        generator=rules.train_generator.output.model,
        model=LATENT_MODEL,
        oracle=PAPER_ORACLE,
    output:
        examples="results/mnist/latent/seed{seed}/examples.parquet",
    log:
        "results/logs/attack_latent/seed{seed}.log",
    benchmark:
        "results/benchmarks/attack_latent/seed{seed}.tsv"
    wildcard_constraints:
        seed="[0-9]+",
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_latent.py"),
        own=own_files(plan.built_from(LATENT_TARGET).get("module")),
        module=plan.built_from(LATENT_TARGET).get("module"),
        attacks=config["latent"]["attacks"],
        settings={k: config["latent"][k] for k in ("count", "draws", "chunk")},
        seed=lambda wildcards: config["latent"]["seed"] + int(wildcards.seed),
        clear_confidence=config["oracle"]["clear_confidence"],
        resume="results/.resume/latent/seed{seed}",
    message:
        f"Attacks on the latent space, {LATENT_TARGET}, seed {{wildcards.seed}}"
    script:
        "../scripts/attack_latent.py"


rule evaluate_latent:
    input:
        examples=expand(rules.attack_latent.output.examples, seed=SEEDS),
        generator=rules.train_generator.output.model,
        oracle=PAPER_ORACLE,
        test=f"{PAPER_DATA}/test.parquet",
    output:
        measurements="results/mnist/latent/measurements.parquet",
    log:
        "results/logs/evaluate_latent.log",
    benchmark:
        "results/benchmarks/evaluate_latent.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_latent.py"),
        attacks={
            name: {k: attack[k] for k in ("kind", "guide_weight")}
            for name, attack in config["latent"]["attacks"].items()
        },
        target=LATENT_TARGET,
        settings={k: config["latent"][k] for k in ("fresh", "fresh_seed")},
        clear_confidence=config["oracle"]["clear_confidence"],
        seeds=SEEDS,
    message:
        "Success of the attacks on the latent space"
    script:
        "../scripts/evaluate_latent.py"


rule plot_figure8:
    input:
        examples=rules.attack_latent.output.examples.format(seed=SEEDS[0]),
    output:
        *figure("results/figures/figure8"),
    log:
        "results/logs/plot_figure8.log",
    benchmark:
        "results/benchmarks/plot_figure8.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure8.py"),
        variants={name: attack["kind"] for name, attack in config["latent"]["attacks"].items()},
        pairs=config["latent"]["pairs"],
        dpi=config["figures"]["dpi"],
        caption=f"target {LATENT_TARGET}, seed {SEEDS[0]}, preset {config['preset']}.",
    message:
        "Fig. 8: pairs of digits from the latent space of the AC-GAN"
    script:
        "../scripts/plot_figure8.py"


MEASUREMENTS.append(rules.evaluate_latent.output.measurements)
