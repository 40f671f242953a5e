# The supervised VAE (III-A, Algorithm 1). Consumes the digits; yields stage 1 (encoder, decoder, f2)
# and stage 2 (the same with the discriminator trained), one per seed.
rule train_svae_stage1:
    input:
        train=rules.prepare_dataset.output.train,
        validation=rules.prepare_dataset.output.validation,
        test=rules.prepare_dataset.output.test,
    output:
        model="results/{dataset}/svae/seed{seed}/stage1.safetensors",
        curve="results/{dataset}/svae/seed{seed}/stage1_curve.parquet",
    log:
        "results/logs/{dataset}/train_svae_stage1/seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/train_svae_stage1/seed{seed}.tsv"
    priority: 100  # the longest path of the quick run starts here
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("train_svae_stage1.py"),
        architecture="svae-28x28",
        sizes={"latent_dim": config["svae"]["latent_dim"]},
        settings=config["svae"]["stage1"],
        seed=lambda wildcards: int(wildcards.seed),
        resume="results/.resume/{dataset}/svae/seed{seed}/stage1",
    message:
        "{wildcards.dataset}: Training the SVAE's encoder, decoder and f2, seed {wildcards.seed}"
    script:
        "../scripts/train_svae_stage1.py"


rule train_svae_stage2:
    input:
        train=rules.prepare_dataset.output.train,
        test=rules.prepare_dataset.output.test,
        stage1=rules.train_svae_stage1.output.model,
    output:
        model="results/{dataset}/svae/seed{seed}/stage2.safetensors",
        curve="results/{dataset}/svae/seed{seed}/stage2_curve.parquet",
    log:
        "results/logs/{dataset}/train_svae_stage2/seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/train_svae_stage2/seed{seed}.tsv"
    priority: 100
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("train_svae_stage2.py"),
        settings=config["svae"]["stage2"],
        seed=lambda wildcards: int(wildcards.seed),
        resume="results/.resume/{dataset}/svae/seed{seed}/stage2",
    message:
        "{wildcards.dataset}: Training the SVAE's discriminator, seed {wildcards.seed}"
    script:
        "../scripts/train_svae_stage2.py"
