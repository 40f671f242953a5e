# Strengthening (IV-D). Consumes a trained classifier and, for retraining, examples against it;
# yields a stronger network under the path of any classifier, so that every attack, judge and detector
# takes it by its name; then what each withstands, of old examples (made against the base) and fresh.
OLD = {"type1": "paper_lenet", "fgsm": "fgsm", "pgd": "pgd"}
FRESH = {"type1": "paper_afresh", "fgsm": "fgsm", "pgd": "pgd", "pgd_restarts": "pgd_restarts"}
LENETS = ["lenet", *strengthened_from("lenet")]
NETWORK_LABELS = {
    "lenet": "LeNet",
    "lenet_other_seed": "LeNet, of another seed",
    "lenet_alp": "LeNet, logit pairing",
    "lenet_alp_mosbach": "LeNet, pairing without adversarial labels",
    "lenet_type1": "LeNet, retrained on Type I",
}
# (network, what, when, attack, classifier that it was made against)
TESTS = [(n, what, "old", OLD[what], "lenet") for n in LENETS for what in OLD]
TESTS += [
    (n, what, "fresh", attack, n)
    for n in LENETS
    for what, attack in FRESH.items()
    if n in config["attacks"].get(attack, {"targets": []})["targets"]
]
TESTS += [("lenet", "type1", "fresh", OLD["type1"], "lenet")]  # what is old to others


rule strengthen_classifier:
    input:
        train=rules.prepare_mnist.output.train,
        validation=rules.prepare_mnist.output.validation,
        test=rules.prepare_mnist.output.test,
        base=base_of,
        examples=retraining_examples,
    output:
        model=rules.train_classifier.output.model,
        curve=rules.train_classifier.output.curve,
    log:
        "results/logs/strengthen_classifier/{target}.seed{seed}.log",
    benchmark:
        "results/benchmarks/strengthen_classifier/{target}.seed{seed}.tsv"
    wildcard_constraints:
        target="|".join(config["strengthened"]),
    priority: 75  # fresh attacks wait for it
    conda:
        "../envs/typeone.yaml"
    threads: 1
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
        resume="results/.resume/classifiers/{target}/seed{seed}",
    message:
        "Strengthening: {wildcards.target}, seed {wildcards.seed}"
    script:
        "../scripts/strengthen_classifier.py"


rule evaluate_strengthening:
    input:
        test=rules.prepare_mnist.output.test,
        models=expand(rules.train_classifier.output.model, target=LENETS, seed=SEEDS),
        examples=[
            EXAMPLES.format(attack=attack, target=made_against, seed=seed)
            for _, _, _, attack, made_against in TESTS
            for seed in SEEDS
        ],
    output:
        measurements="results/mnist/strengthening.parquet",
    log:
        "results/logs/evaluate_strengthening.log",
    benchmark:
        "results/benchmarks/evaluate_strengthening.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("evaluate_strengthening.py"),
        networks=LENETS,
        seeds=SEEDS,
        tests=[test[:3] for test in TESTS],
    message:
        "What strengthened networks withstand"
    script:
        "../scripts/evaluate_strengthening.py"


rule tabulate_strengthening:
    input:
        measurements=rules.evaluate_strengthening.output.measurements,
        published=f"{workflow.basedir}/docs/published-values.csv",
    output:
        csv=report(
            "results/tables/strengthening.csv", caption="captions/table.rst", category="Tables"
        ),
        md="results/tables/strengthening.md",
        tex="results/tables/strengthening.tex",
    log:
        "results/logs/tabulate_strengthening.log",
    benchmark:
        "results/benchmarks/tabulate_strengthening.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("tabulate_strengthening.py"),
        names={
            n: NETWORK_LABELS.get(n, n)
            for n in ["lenet", *["lenet_other_seed"][: len(SEEDS) - 1], *LENETS[1:]]
        },
    message:
        "Strengthened networks, in the manner of Table III"
    script:
        "../scripts/tabulate_strengthening.py"


MEASUREMENTS += rules.evaluate_strengthening.output
