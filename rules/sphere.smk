# The concentric spheres of II-B. Consumes no file, because its points are sampled; yields the
# quadratic network and the attacked points, one per seed, their measurements, and Fig. 3.
SPHERES = {k: config["sphere"][k] for k in ("dim", "inner", "outer")}


rule train_sphere:
    output:
        model="results/sphere/seed{seed}/model.safetensors",
        curve="results/sphere/seed{seed}/curve.parquet",
    log:
        "results/logs/train_sphere/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_sphere/seed{seed}.tsv"
    priority: 200  # the first figures, within minutes
    conda:
        "../envs/typeone.yaml"
    threads: 1  # no GPU: the steps are too small to benefit from one
    params:
        *code("train_sphere.py"),
        spheres=SPHERES,
        hidden=config["sphere"]["hidden"],
        training=config["sphere"]["training"],
        seed=lambda wildcards: int(wildcards.seed),
        resume="results/.resume/sphere/seed{seed}",
    message:
        "Training the quadratic network, seed {wildcards.seed}"
    script:
        "../scripts/train_sphere.py"


rule attack_sphere:
    input:
        model=rules.train_sphere.output.model,
    output:
        examples="results/sphere/seed{seed}/examples.parquet",
        trace="results/sphere/seed{seed}/trace.parquet",
    log:
        "results/logs/attack_sphere/seed{seed}.log",
    benchmark:
        "results/benchmarks/attack_sphere/seed{seed}.tsv"
    priority: 200
    conda:
        "../envs/typeone.yaml"
    params:
        *code("attack_sphere.py"),
        spheres=SPHERES,
        settings={k: config["sphere"][k] for k in ("type1", "type2", "followed", "seed")},
    message:
        "Attacking points on the spheres, seed {wildcards.seed}"
    script:
        "../scripts/attack_sphere.py"


rule evaluate_sphere:
    input:
        models=expand(rules.train_sphere.output.model, seed=SEEDS),
        examples=expand(rules.attack_sphere.output.examples, seed=SEEDS),
    output:
        measurements="results/sphere/measurements.parquet",
    log:
        "results/logs/evaluate_sphere.log",
    benchmark:
        "results/benchmarks/evaluate_sphere.tsv"
    priority: 200
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_sphere.py"),
        seeds=SEEDS,
        spheres=SPHERES,
        test=config["sphere"]["test"],
        tolerance=config["sphere"]["tolerance"],
    message:
        "Evaluating errors and attacks on the spheres"
    script:
        "../scripts/evaluate_sphere.py"


MEASUREMENTS.append(rules.evaluate_sphere.output.measurements)


rule plot_figure3:
    input:
        trace=rules.attack_sphere.output.trace.format(seed=SEEDS[0]),
        curves=expand(rules.train_sphere.output.curve, seed=SEEDS),
        measurements=rules.evaluate_sphere.output.measurements,
    output:
        *figure("results/figures/figure3"),
    log:
        "results/logs/plot_figure3.log",
    benchmark:
        "results/benchmarks/plot_figure3.tsv"
    priority: 200
    conda:
        "../envs/typeone.yaml"
    params:
        *code("plot_figure3.py"),
        inner=config["sphere"]["inner"],
        outer=config["sphere"]["outer"],
        published=published_value("sphere.error_rate"),
        seeds=SEEDS,
        dpi=config["figures"]["dpi"],
        preset=config["preset"],
    message:
        "Fig. 3: from the inner to the outer sphere"
    script:
        "../scripts/plot_figure3.py"
