# Attacks. Consumes trained networks and test digits; yields one table of judged examples per attack,
# classifier and seed, and the traces that figures show. Sections III-B, III-C and IV-C.
ORACLE = expand(rules.train_oracle.output.model, member=MEMBERS, allow_missing=True)
EXAMPLES = "results/{dataset}/attacks/{attack}/{target}/seed{seed}/examples.parquet"


rule sample_examples:
    input:
        test=rules.prepare_dataset.output.test,
        model=TRAINED,
    output:
        examples="results/{dataset}/examples/{target}/seed{seed}/examples.parquet",
    log:
        "results/logs/{dataset}/sample_examples/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/sample_examples/{target}.seed{seed}.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("sample_examples.py"),
        own=own_code,
        module=own_module,
        settings=config["examples"],
    message:
        "{wildcards.dataset}: Drawing test digits that {wildcards.target} gets right"
    script:
        "../scripts/sample_examples.py"


rule attack_svae:
    input:
        examples=rules.sample_examples.output.examples,
        model=TRAINED,
        svae=rules.train_svae_stage2.output.model,
        attackers=attackers_of,
        density=attack_density_of,
    output:
        examples="results/{dataset}/attacks/{attack}/{target}/seed{seed}/shards/{shard}.parquet",
        trace="results/{dataset}/attacks/{attack}/{target}/seed{seed}/shards/{shard}.trace.parquet",
    log:
        "results/logs/{dataset}/attack_svae/{attack}.{target}.seed{seed}.{shard}.log",
    benchmark:
        "results/benchmarks/{dataset}/attack_svae/{attack}.{target}.seed{seed}.{shard}.tsv"
    wildcard_constraints:
        attack="|".join(plan.of_kind("svae")),
    priority: 50
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_svae.py"),
        own=own_code,
        module=own_module,
        settings=lambda wildcards: plan.algorithm2(wildcards.attack),
        how=lambda wildcards: {
            k: config["attacks"][wildcards.attack][k] for k in ("count", "keep", "aim", "original")
        },
        squeezers=evaded_squeezers,
        batching=config["batching"],
        trace_every=config["trace"]["every"],
        resume="results/.resume/{dataset}/attacks/{attack}/{target}/seed{seed}/{shard}",
    message:
        "{wildcards.dataset}: Attack {wildcards.attack} on {wildcards.target}, shard {wildcards.shard}"
    script:
        "../scripts/attack_svae.py"


rule attack_ablations:
    input:
        examples=rules.sample_examples.output.examples,
        model=TRAINED,
        svae=rules.train_svae_stage2.output.model,
        attackers=partial(attackers_of, ablated=True),
        density=partial(attack_density_of, ablated=True),
    output:
        examples="results/{dataset}/ablations/{attack}/{target}/seed{seed}/shards/{shard}.parquet",
    log:
        "results/logs/{dataset}/attack_ablations/{attack}.{target}.seed{seed}.{shard}.log",
    benchmark:
        "results/benchmarks/{dataset}/attack_ablations/{attack}.{target}.seed{seed}.{shard}.tsv"
    wildcard_constraints:
        attack="|".join(config["ablations"]["attacks"]) or "none",
    priority: 50
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_ablations.py"),
        own=own_code,
        module=own_module,
        settings=lambda wildcards: plan.algorithm2(wildcards.attack),
        how=lambda wildcards: {
            k: config["attacks"][wildcards.attack][k] for k in ("aim", "original")
        },
        changes=lambda wildcards: config["ablations"]["attacks"][wildcards.attack],
        squeezers=evaded_squeezers,
        examples=config["ablations"]["count"],
        batching=config["batching"] | {"chunk": config["ablations"]["chunk"]},
        resume="results/.resume/{dataset}/ablations/{attack}/{target}/seed{seed}/{shard}",
    message:
        "{wildcards.dataset}: Ablations of {wildcards.attack}, shard {wildcards.shard}"
    script:
        "../scripts/attack_ablations.py"


rule attack_baseline:
    input:
        examples=rules.sample_examples.output.examples,
        train=rules.prepare_dataset.output.train,
        model=TRAINED,
        svae=rules.train_svae_stage2.output.model,
        diffusion=diffusion_of,
    output:
        examples="results/{dataset}/attacks/{attack}/{target}/seed{seed}/changed.parquet",
    log:
        "results/logs/{dataset}/attack_baseline/{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/attack_baseline/{attack}.{target}.seed{seed}.tsv"
    wildcard_constraints:
        attack="|".join(plan.of_kind("baseline")) or "none",
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_baseline.py"),
        own=own_code,
        module=own_module,
        settings=lambda wildcards: config["attacks"][wildcards.attack]["settings"],
        how=lambda wildcards: {"count": config["attacks"][wildcards.attack]["count"]},
        resume="results/.resume/{dataset}/attacks/{attack}/{target}/seed{seed}/changed",
    message:
        "{wildcards.dataset}: Baseline {wildcards.attack} on {wildcards.target}"
    script:
        "../scripts/attack_baseline.py"


rule attack_own:
    input:
        examples=rules.sample_examples.output.examples,
        model=TRAINED,
        svae=rules.train_svae_stage2.output.model,
    output:
        examples="results/{dataset}/attacks/{attack}/{target}/seed{seed}/own/{shard}.parquet",
    log:
        "results/logs/{dataset}/attack_own/{attack}.{target}.seed{seed}.{shard}.log",
    benchmark:
        "results/benchmarks/{dataset}/attack_own/{attack}.{target}.seed{seed}.{shard}.tsv"
    wildcard_constraints:
        attack="|".join(plan.of_kind("own")) or "none",
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_own.py"),
        own=own_code,
        attack=lambda wildcards: own_files(config["attacks"][wildcards.attack]["module"]),
        module=own_module,
        how=lambda wildcards: {
            k: config["attacks"][wildcards.attack][k]
            for k in ("count", "module", "arguments", "seed")
        },
        batching=config["batching"],
        resume="results/.resume/{dataset}/attacks/{attack}/{target}/seed{seed}/own/{shard}",
    message:
        "{wildcards.dataset}: Attack {wildcards.attack} on {wildcards.target}, shard {wildcards.shard}"
    script:
        "../scripts/attack_own.py"


rule attack_type2:
    input:
        examples=rules.sample_examples.output.examples,
        model=TRAINED,
    output:
        examples="results/{dataset}/attacks/{attack}/{target}/seed{seed}/found.parquet",
    log:
        "results/logs/{dataset}/attack_type2/{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/attack_type2/{attack}.{target}.seed{seed}.tsv"
    wildcard_constraints:
        attack="|".join(plan.of_kind("type2")),
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("attack_type2.py"),
        own=own_code,
        module=own_module,
        settings=lambda wildcards: config["attacks"][wildcards.attack]["settings"],
        how=lambda wildcards: {"count": config["attacks"][wildcards.attack]["count"]},
        resume="results/.resume/{dataset}/attacks/{attack}/{target}/seed{seed}/found",
    message:
        "{wildcards.dataset}: Attack {wildcards.attack} on {wildcards.target}"
    script:
        "../scripts/attack_type2.py"


JUDGED_BY = {
    **{"model": f1_of, "judges": judges_of, "clean": clean_of},
    "svae": rules.train_svae_stage2.output.model,
}


rule judge_svae:
    input:
        **JUDGED_BY,
        shards=expand(rules.attack_svae.output.examples, shard=SHARDS, allow_missing=True),
        traces=expand(rules.attack_svae.output.trace, shard=SHARDS, allow_missing=True),
    output:
        examples=EXAMPLES,
        trace="results/{dataset}/attacks/{attack}/{target}/seed{seed}/trace.parquet",
    log:
        "results/logs/{dataset}/judge/{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/judge/{attack}.{target}.seed{seed}.tsv"
    wildcard_constraints:
        dataset="|".join([*plan.datasets, FACES]),
        attack="|".join([*plan.of_kind("svae"), *faces.of_kind("svae")]),
    conda:
        "../envs/typeone.yaml"
    params:
        *code("judge.py"),
        own=own_code,
        module=own_module,
        faces=lambda wildcards: wildcards.dataset == FACES,
        members=lambda wildcards: FACE_JUDGES if wildcards.dataset == FACES else MEMBERS,
        clear_confidence=lambda wildcards: plan.clear_confidence(wildcards.dataset),
        batch=lambda wildcards: plan.batch(wildcards.dataset),
    message:
        "{wildcards.dataset}: Judging {wildcards.attack} on {wildcards.target}"
    script:
        "../scripts/judge.py"


use rule judge_svae as judge_type2 with:
    input:
        **JUDGED_BY,
        shards=[rules.attack_type2.output.examples],
    output:
        examples=EXAMPLES,
    wildcard_constraints:
        dataset="|".join([*plan.datasets, FACES]),
        attack="|".join([*plan.of_kind("type2"), *faces.of_kind("type2")]),


use rule judge_type2 as judge_baseline with:
    input:
        **JUDGED_BY,
        shards=[rules.attack_baseline.output.examples],
    output:
        examples=EXAMPLES,
    wildcard_constraints:
        attack="|".join(plan.of_kind("baseline")) or "none",


use rule judge_type2 as judge_own with:
    input:
        **JUDGED_BY,
        shards=expand(rules.attack_own.output.examples, shard=SHARDS, allow_missing=True),
    output:
        examples=EXAMPLES,
    wildcard_constraints:
        attack="|".join(plan.of_kind("own")) or "none",


use rule judge_type2 as judge_ablations with:
    input:
        **JUDGED_BY,
        shards=expand(rules.attack_ablations.output.examples, shard=SHARDS, allow_missing=True),
    output:
        examples="results/{dataset}/ablations/{attack}/{target}/seed{seed}/examples.parquet",
    log:
        "results/logs/{dataset}/judge/ablations.{attack}.{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/judge/ablations.{attack}.{target}.seed{seed}.tsv"
    wildcard_constraints:
        attack="|".join(config["ablations"]["attacks"]) or "none",
    message:
        "{wildcards.dataset}: Judging the ablations of {wildcards.attack}"


rule evaluate_realism:
    input:
        test=rules.prepare_dataset.output.test,
        judge=ORACLE[0],
        svae=expand(rules.train_svae_stage2.output.model, seed=SEEDS, allow_missing=True),
        examples=lambda wildcards: paths(EXAMPLES, plan.type1(wildcards.dataset)),
    output:
        realism="results/{dataset}/realism.parquet",
    log:
        "results/logs/{dataset}/evaluate_realism.log",
    benchmark:
        "results/benchmarks/{dataset}/evaluate_realism.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_realism.py"),
        runs=lambda wildcards: keys(plan.type1(wildcards.dataset)),
        seeds=SEEDS,
        settings=config["realism"],
    message:
        "{wildcards.dataset}: Measuring the realism of attacked images"
    script:
        "../scripts/evaluate_realism.py"
