# Kits of `typeone audit`. Consumes the trained networks of a data set and its images; yields one file
# with all that measures another classifier, and its description.
rule make_kit:
    input:
        svae=expand(rules.train_svae_stage2.output.model, seed=SEEDS[0], allow_missing=True),
        attackers=expand(rules.train_attacker.output.model, attacker=ATTACKERS, allow_missing=True),
        judges=ORACLE,
        density=rules.train_density.output.model,
        attack_density=rules.train_attack_density.output.model,
        test=rules.prepare_dataset.output.test,
        validation=rules.prepare_dataset.output.validation,
        train=rules.prepare_dataset.output.train,
    output:
        kit="results/{dataset}/kit/kit.safetensors",
        note="results/{dataset}/kit/kit.json",
    log:
        "results/logs/{dataset}/make_kit.log",
    benchmark:
        "results/benchmarks/{dataset}/make_kit.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("make_kit.py"),
        note=plan.kit(),
        members={"attackers": ATTACKERS, "judges": MEMBERS},
        images=config["audit"]["images"],
        seed=config["audit"]["seed"],
    message:
        "{wildcards.dataset}: Making the kit of audits"
    script:
        "../scripts/make_kit.py"


rule make_face_kit:
    input:
        svae=expand(rules.train_face_svae_stage2.output.model, seed=FACE_SEEDS[0]),
        attackers=expand(rules.train_face_attacker.output.model, attacker=faces.kit_attackers()),
        judges=face_panel(),
        limits=rules.evaluate_face_judges.output.limits,
        test=rules.prepare_faces.output.test,
    output:
        kit="results/faces/kit/kit.safetensors",
        note="results/faces/kit/kit.json",
    log:
        "results/logs/make_face_kit.log",
    benchmark:
        "results/benchmarks/make_face_kit.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("make_face_kit.py"),
        note=faces.kit(),
        members={"attackers": faces.kit_attackers(), "judges": FACE_JUDGES},
        faces=config["audit"]["faces"]["images"],
    message:
        "Making the kit of audits of recognizers"
    script:
        "../scripts/make_face_kit.py"
