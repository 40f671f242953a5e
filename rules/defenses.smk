# Strengthening (IV-D). Consumes a trained classifier and, for retraining, examples against it; yields
# a strengthened network under the path of any classifier, so that every attack, judge and detector
# finds it by its name; then the accuracy of each on old examples (made against the base) and fresh
# ones.
LENETS = ["lenet", *plan.strengthened_from("lenet")]
TESTS = plan.strengthening_tests("lenet")


rule strengthen_classifier:
    input:
        train=rules.prepare_dataset.output.train,
        validation=rules.prepare_dataset.output.validation,
        test=rules.prepare_dataset.output.test,
        base=base_of,
        examples=retraining_examples,
    output:
        model=TRAINED,
        curve=rules.train_classifier.output.curve,
    log:
        "results/logs/{dataset}/strengthen_classifier/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/{dataset}/strengthen_classifier/{target}.seed{seed}.tsv"
    wildcard_constraints:
        target="|".join(config["strengthened"]),
    priority: 75  # fresh attacks depend on it
    conda:
        "../envs/typeone.yaml"
    resources:
        gpu=gpus(),
    params:
        *code("strengthen_classifier.py"),
        own=own_code,
        module=own_module,
        network=lambda wildcards: {
            k: config["strengthened"][wildcards.target][k]
            for k in ("method", "start", "training", "settings")
        },
        seed=lambda wildcards: int(wildcards.seed),
        resume="results/.resume/{dataset}/classifiers/{target}/seed{seed}",
    message:
        "{wildcards.dataset}: Strengthening {wildcards.target}, seed {wildcards.seed}"
    script:
        "../scripts/strengthen_classifier.py"


rule evaluate_strengthening:
    input:
        test=rules.prepare_dataset.output.test,
        models=expand(TRAINED, target=LENETS, seed=SEEDS, allow_missing=True),
        examples=lambda wildcards: [
            EXAMPLES.format(**wildcards, attack=test.attack, target=test.made_against, seed=seed)
            for test in TESTS
            for seed in SEEDS
        ],
    output:
        measurements="results/{dataset}/strengthening.parquet",
    log:
        "results/logs/{dataset}/evaluate_strengthening.log",
    benchmark:
        "results/benchmarks/{dataset}/evaluate_strengthening.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("evaluate_strengthening.py"),
        networks=LENETS,
        seeds=SEEDS,
        tests=[test[:3] for test in TESTS],
    message:
        "{wildcards.dataset}: Evaluating strengthened networks"
    script:
        "../scripts/evaluate_strengthening.py"


rule tabulate_strengthening:
    input:
        measurements=at(rules.evaluate_strengthening.output.measurements),
        published=published_of,
    output:
        **table("results/{place}tables/strengthening"),
    log:
        "results/logs/{place}tabulate_strengthening.log",
    benchmark:
        "results/benchmarks/{place}tabulate_strengthening.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("tabulate_strengthening.py"),
        names={
            n: NETWORK_LABELS.get(n, n)
            for n in ["lenet", *["lenet_other_seed"][: len(SEEDS) - 1], *LENETS[1:]]
        },
    message:
        "Table of strengthened networks, like Table III"
    script:
        "../scripts/tabulate_strengthening.py"


MEASUREMENTS += rules.evaluate_strengthening.output
