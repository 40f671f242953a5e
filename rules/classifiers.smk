# Classifiers. Consumes the digits; yields the attacked f1 (IV-A, IV-D), trained or user-defined, one
# per seed; the judges of the oracle ensemble, whose seeds no attacker shares; and the image-space
# attackers of `ours`.
TRAINED = "results/{dataset}/classifiers/{target}/seed{seed}/model.safetensors"


rule train_classifier:
    input:
        train=rules.prepare_dataset.output.train,
        validation=rules.prepare_dataset.output.validation,
        test=rules.prepare_dataset.output.test,
    output:
        model=TRAINED,
        curve="results/{dataset}/classifiers/{target}/seed{seed}/curve.parquet",
    log:
        "results/logs/{dataset}/train_classifier/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/train_classifier/{target}.seed{seed}.tsv"
    wildcard_constraints:
        target="|".join(name for name in config["classifiers"] if name not in plan.given_weights()),
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("train_classifier.py"),
        own=own_code,
        settings=lambda wildcards: {
            k: v for k, v in config["classifiers"][wildcards.target].items() if k != "augmentation"
        },
        augmentation=lambda wildcards: config["classifiers"][wildcards.target]["augmentation"],
        seed=lambda wildcards: int(wildcards.seed),
        resume="results/.resume/{dataset}/classifiers/{target}/seed{seed}",
    message:
        "{wildcards.dataset}: Training {wildcards.target}, seed {wildcards.seed}"
    script:
        "../scripts/train_classifier.py"


rule prepare_classifier:
    input:
        validation=rules.prepare_dataset.output.validation,
        test=rules.prepare_dataset.output.test,
    output:
        model=TRAINED,
    log:
        "results/logs/{dataset}/prepare_classifier/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/prepare_classifier/{target}.seed{seed}.tsv"
    wildcard_constraints:
        target="|".join(plan.given_weights()) or "none",
    conda:
        "../envs/typeone.yaml"
    params:
        *code("prepare_classifier.py"),
        own=own_code,
        own_weights=own_weights,
        module=own_module,
        weights=lambda wildcards: config["classifiers"][wildcards.target]["weights"],
    message:
        "{wildcards.dataset}: Reading {wildcards.target}, a user-defined network"
    script:
        "../scripts/prepare_classifier.py"


use rule train_classifier as train_oracle with:
    output:
        model="results/{dataset}/oracle/{member}/model.safetensors",
        curve="results/{dataset}/oracle/{member}/curve.parquet",
    log:
        "results/logs/{dataset}/train_oracle/{member}.log",
    benchmark:
        "results/benchmarks/{dataset}/train_oracle/{member}.tsv"
    wildcard_constraints:
        member="|".join(MEMBERS),
    priority: 95  # long, and a kit of audits waits for all
    params:
        *code("train_classifier.py"),
        own=[],
        settings=lambda wildcards: config["oracle"]["members"][wildcards.member],
        augmentation=config["oracle"]["augmentation"],
        seed=lambda wildcards: config["oracle"]["seed"] + MEMBERS.index(wildcards.member),
        resume="results/.resume/{dataset}/oracle/{member}",
    message:
        "{wildcards.dataset}: Training the judge {wildcards.member}"


use rule train_classifier as train_attacker with:
    output:
        model="results/{dataset}/attackers/{attacker}/model.safetensors",
        curve="results/{dataset}/attackers/{attacker}/curve.parquet",
    log:
        "results/logs/{dataset}/train_attacker/{attacker}.log",
    benchmark:
        "results/benchmarks/{dataset}/train_attacker/{attacker}.tsv"
    wildcard_constraints:
        attacker="|".join(ATTACKERS),
    params:
        *code("train_classifier.py"),
        own=[],
        settings=lambda wildcards: config["attackers"]["members"][wildcards.attacker],
        augmentation=config["attackers"]["augmentation"],
        seed=lambda wildcards: config["attackers"]["seed"] + ATTACKERS.index(wildcards.attacker),
        resume="results/.resume/{dataset}/attackers/{attacker}",
    message:
        "{wildcards.dataset}: Training the image-space attacker {wildcards.attacker}"


rule train_density:
    input:
        train=rules.prepare_dataset.output.train,
        validation=rules.prepare_dataset.output.validation,
    output:
        model="results/{dataset}/density/model.safetensors",
        curve="results/{dataset}/density/curve.parquet",
    log:
        "results/logs/{dataset}/train_density.log",
    benchmark:
        "results/benchmarks/{dataset}/train_density.tsv"
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("train_density.py"),
        settings={k: v for k, v in config["density"].items() if k != "seed"},
        seed=config["density"]["seed"],
        resume="results/.resume/{dataset}/density",
    message:
        "{wildcards.dataset}: Training the density model of clean images"
    script:
        "../scripts/train_density.py"


use rule train_density as train_attack_density with:
    output:
        model="results/{dataset}/attackers/density/model.safetensors",
        curve="results/{dataset}/attackers/density/curve.parquet",
    log:
        "results/logs/{dataset}/train_attack_density.log",
    benchmark:
        "results/benchmarks/{dataset}/train_attack_density.tsv"
    params:
        *code("train_density.py"),
        settings=config["attackers"]["density"],
        seed=config["attackers"]["seed"] + len(ATTACKERS),
        resume="results/.resume/{dataset}/attackers/density",
    message:
        "{wildcards.dataset}: Training the density model of the attackers"


rule train_diffusion:
    input:
        train=rules.prepare_dataset.output.train,
        validation=rules.prepare_dataset.output.validation,
    output:
        model="results/{dataset}/diffusion/model.safetensors",
        curve="results/{dataset}/diffusion/curve.parquet",
    log:
        "results/logs/{dataset}/train_diffusion.log",
    benchmark:
        "results/benchmarks/{dataset}/train_diffusion.tsv"
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("train_diffusion.py"),
        settings={k: v for k, v in config["diffusion"].items() if k != "seed"},
        seed=config["diffusion"]["seed"],
        resume="results/.resume/{dataset}/diffusion",
    message:
        "{wildcards.dataset}: Training the diffusion model"
    script:
        "../scripts/train_diffusion.py"


rule evaluate_oracle:
    input:
        test=rules.prepare_dataset.output.test,
        density=rules.train_density.output.model,
        oracle=expand(rules.train_oracle.output.model, member=MEMBERS, allow_missing=True),
    output:
        evaluation="results/{dataset}/oracle/evaluation.parquet",
        measurements="results/{dataset}/oracle/measurements.parquet",
    log:
        "results/logs/{dataset}/evaluate_oracle.log",
    benchmark:
        "results/benchmarks/{dataset}/evaluate_oracle.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_oracle.py"),
        *given(*(entry["path"] for entry in config["people"].values())),
        members=MEMBERS,
        people=lambda wildcards: config["people"] if wildcards.dataset == PAPER else {},
        clear_confidence=config["oracle"]["clear_confidence"],
        seed=config["oracle"]["seed"],
    message:
        "{wildcards.dataset}: Evaluating the judges on test digits"
    script:
        "../scripts/evaluate_oracle.py"


MEASUREMENTS += expand(rules.evaluate_oracle.output.measurements, dataset=PAPER)
