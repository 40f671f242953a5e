# Attacks. Consumes trained networks and test digits; yields one table of judged examples an attack,
# classifier and seed, and the trace of those that figures follow. Sections III-B, III-C and IV-C.
EXAMPLES = "results/mnist/attacks/{attack}/{target}/seed{seed}/examples.parquet"
SVAE_SETTINGS = [
    "steps",
    "lr",
    "beta2",
    "alpha",
    "gamma",
    "eta",
    "beta",
    "target_loss",
    "k_start",
    "k_max",
    "manifold",
    "patience",
    "image_weight",
    "reencode_weight",
    "image_target_loss",
    "jitter",
    "offset_lr",
    "offset_weight",
]


wildcard_constraints:
    attack="|".join(config["attacks"]),
    target="|".join([*config["classifiers"], *config["strengthened"]]),
    seed="[0-9]+",
    shard="[0-9]+",


rule sample_examples:
    input:
        test=rules.prepare_mnist.output.test,
        model=rules.train_classifier.output.model,
    output:
        examples="results/mnist/examples/{target}/seed{seed}/examples.parquet",
    log:
        "results/logs/sample_examples/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/sample_examples/{target}.seed{seed}.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("sample_examples.py"),
        own=own_code,
        module=own_module,
        settings=config["examples"],
    message:
        "Drawing test digits that {wildcards.target} gets right"
    script:
        "../scripts/sample_examples.py"


rule attack_svae:
    input:
        examples=rules.sample_examples.output.examples,
        model=rules.train_classifier.output.model,
        svae=rules.train_svae_stage2.output.model,
        attackers=attackers_of,
    output:
        examples="results/mnist/attacks/{attack}/{target}/seed{seed}/shards/{shard}.parquet",
        trace="results/mnist/attacks/{attack}/{target}/seed{seed}/shards/{shard}.trace.parquet",
    log:
        "results/logs/attack_svae/{attack}.{target}.seed{seed}.{shard}.log",
    benchmark:
        "results/benchmarks/attack_svae/{attack}.{target}.seed{seed}.{shard}.tsv"
    wildcard_constraints:
        attack="|".join(attacks_of("svae")),
    priority: 50
    conda:
        "../envs/typeone.yaml"
    threads: 1
    resources:
        gpu=gpus(),
    params:
        *code("attack_svae.py"),
        own=own_code,
        module=own_module,
        settings=lambda wildcards: {
            k: config["attacks"][wildcards.attack][k] for k in SVAE_SETTINGS
        },
        how=lambda wildcards: {
            k: config["attacks"][wildcards.attack][k] for k in ("count", "keep", "original")
        },
        squeezers=evaded_squeezers,
        batching=config["batching"],
        trace_every=config["trace"]["every"],
        resume="results/.resume/attacks/{attack}/{target}/seed{seed}/{shard}",
    message:
        "Attack {wildcards.attack} on {wildcards.target}, shard {wildcards.shard}"
    script:
        "../scripts/attack_svae.py"


rule attack_ablations:
    input:
        examples=rules.sample_examples.output.examples,
        model=rules.train_classifier.output.model,
        svae=rules.train_svae_stage2.output.model,
        attackers=ablation_attackers,
    output:
        examples="results/mnist/ablations/{attack}/{target}/seed{seed}/shards/{shard}.parquet",
    log:
        "results/logs/attack_ablations/{attack}.{target}.seed{seed}.{shard}.log",
    benchmark:
        "results/benchmarks/attack_ablations/{attack}.{target}.seed{seed}.{shard}.tsv"
    wildcard_constraints:
        attack="|".join(config["ablations"]["attacks"]) or "none",
    priority: 50
    conda:
        "../envs/typeone.yaml"
    threads: 1
    resources:
        gpu=gpus(),
    params:
        *code("attack_ablations.py"),
        own=own_code,
        module=own_module,
        settings=lambda wildcards: {
            k: config["attacks"][wildcards.attack][k] for k in SVAE_SETTINGS
        },
        original=lambda wildcards: config["attacks"][wildcards.attack]["original"],
        changes=lambda wildcards: config["ablations"]["attacks"][wildcards.attack],
        squeezers=evaded_squeezers,
        examples=config["ablations"]["count"],
        batching=config["batching"] | {"chunk": config["ablations"]["chunk"]},
        resume="results/.resume/ablations/{attack}/{target}/seed{seed}/{shard}",
    message:
        "Ablations of {wildcards.attack}, shard {wildcards.shard}"
    script:
        "../scripts/attack_ablations.py"


rule attack_baseline:
    input:
        examples=rules.sample_examples.output.examples,
        train=rules.prepare_mnist.output.train,
        model=rules.train_classifier.output.model,
        svae=rules.train_svae_stage2.output.model,
    output:
        examples="results/mnist/attacks/{attack}/{target}/seed{seed}/changed.parquet",
    log:
        "results/logs/attack_baseline/{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/attack_baseline/{attack}.{target}.seed{seed}.tsv"
    wildcard_constraints:
        attack="|".join(attacks_of("baseline")) or "none",
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("attack_baseline.py"),
        own=own_code,
        module=own_module,
        settings=lambda wildcards: config["attacks"][wildcards.attack]["settings"],
        how=lambda wildcards: {"count": config["attacks"][wildcards.attack]["count"]},
    message:
        "Baseline {wildcards.attack} on {wildcards.target}"
    script:
        "../scripts/attack_baseline.py"


rule attack_type2:
    input:
        examples=rules.sample_examples.output.examples,
        model=rules.train_classifier.output.model,
    output:
        examples="results/mnist/attacks/{attack}/{target}/seed{seed}/found.parquet",
    log:
        "results/logs/attack_type2/{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/attack_type2/{attack}.{target}.seed{seed}.tsv"
    wildcard_constraints:
        attack="|".join(attacks_of("type2")),
    conda:
        "../envs/typeone.yaml"
    threads: 1
    resources:
        gpu=gpus(),
    params:
        *code("attack_type2.py"),
        own=own_code,
        module=own_module,
        settings=lambda wildcards: config["attacks"][wildcards.attack]["settings"],
        how=lambda wildcards: {"count": config["attacks"][wildcards.attack]["count"]},
        resume="results/.resume/attacks/{attack}/{target}/seed{seed}/found",
    message:
        "Attack {wildcards.attack} on {wildcards.target}"
    script:
        "../scripts/attack_type2.py"


rule judge_svae:
    input:
        shards=expand(rules.attack_svae.output.examples, shard=SHARDS, allow_missing=True),
        traces=expand(rules.attack_svae.output.trace, shard=SHARDS, allow_missing=True),
        model=rules.train_classifier.output.model,
        svae=rules.train_svae_stage2.output.model,
        oracle=expand(rules.train_oracle.output.model, member=MEMBERS),
    output:
        examples=EXAMPLES,
        trace="results/mnist/attacks/{attack}/{target}/seed{seed}/trace.parquet",
    log:
        "results/logs/judge_attack/{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/judge_attack/{attack}.{target}.seed{seed}.tsv"
    wildcard_constraints:
        attack="|".join(attacks_of("svae")),
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("judge_attack.py"),
        own=own_code,
        module=own_module,
        members=MEMBERS,
        clear_confidence=config["oracle"]["clear_confidence"],
    message:
        "Judging {wildcards.attack} on {wildcards.target}"
    script:
        "../scripts/judge_attack.py"


use rule judge_svae as judge_type2 with:
    input:
        shards=[rules.attack_type2.output.examples],
        model=rules.train_classifier.output.model,
        svae=rules.train_svae_stage2.output.model,
        oracle=expand(rules.train_oracle.output.model, member=MEMBERS),
    output:
        examples=EXAMPLES,
    wildcard_constraints:
        attack="|".join(attacks_of("type2")),


use rule judge_type2 as judge_baseline with:
    input:
        shards=[rules.attack_baseline.output.examples],
        model=rules.train_classifier.output.model,
        svae=rules.train_svae_stage2.output.model,
        oracle=expand(rules.train_oracle.output.model, member=MEMBERS),
    output:
        examples=EXAMPLES,
    wildcard_constraints:
        attack="|".join(attacks_of("baseline")) or "none",


use rule judge_type2 as judge_ablations with:
    input:
        shards=expand(rules.attack_ablations.output.examples, shard=SHARDS, allow_missing=True),
        model=rules.train_classifier.output.model,
        svae=rules.train_svae_stage2.output.model,
        oracle=expand(rules.train_oracle.output.model, member=MEMBERS),
    output:
        examples="results/mnist/ablations/{attack}/{target}/seed{seed}/examples.parquet",
    log:
        "results/logs/judge_attack/ablations.{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/judge_attack/ablations.{attack}.{target}.seed{seed}.tsv"
    wildcard_constraints:
        attack="|".join(config["ablations"]["attacks"]) or "none",
    message:
        "Judging the ablations of {wildcards.attack}"


TYPE1_RUNS = [
    (a, t, s)
    for a in config["attacks"]
    if row_kind(a) != "type2"
    for t in config["attacks"][a]["targets"]
    for s in SEEDS
]


rule evaluate_realism:
    input:
        test=rules.prepare_mnist.output.test,
        judge=expand(rules.train_oracle.output.model, member=MEMBERS[0]),
        svae=expand(rules.train_svae_stage2.output.model, seed=SEEDS),
        examples=[EXAMPLES.format(attack=a, target=t, seed=s) for a, t, s in TYPE1_RUNS],
    output:
        realism="results/mnist/realism.parquet",
    log:
        "results/logs/evaluate_realism.log",
    benchmark:
        "results/benchmarks/evaluate_realism.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("evaluate_realism.py"),
        runs=TYPE1_RUNS,
        seeds=SEEDS,
        settings=config["realism"],
    message:
        "How far attacked images lie from data"
    script:
        "../scripts/evaluate_realism.py"
