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
    "k_max",
    "manifold",
    "patience",
    "image_weight",
    "reencode_weight",
]


wildcard_constraints:
    attack="|".join(config["attacks"]),
    target="|".join(config["classifiers"]),
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
        settings=lambda wildcards: {
            k: config["attacks"][wildcards.attack][k] for k in SVAE_SETTINGS
        },
        how=lambda wildcards: {
            k: config["attacks"][wildcards.attack][k] for k in ("count", "keep", "original")
        },
        batching=config["batching"],
        trace_every=config["trace"]["every"],
    message:
        "Attack {wildcards.attack} on {wildcards.target}, shard {wildcards.shard}"
    script:
        "../scripts/attack_svae.py"


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
        settings=lambda wildcards: config["attacks"][wildcards.attack]["settings"],
        how=lambda wildcards: {"count": config["attacks"][wildcards.attack]["count"]},
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
