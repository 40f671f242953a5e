# Checks. Consumes every table and checkpoint in results/, and the current code and params of its job;
# yields only a list of those that are damaged, foreign or stale. No other rule depends on this rule:
# `./reproduce check_results`. It has no benchmark, because an existing output would keep Snakemake
# from running it again.
rule check_results:
    log:
        "results/logs/check_results.log",
    conda:
        "../envs/typeone.yaml"
    params:
        *code("check_results.py"),
        artifacts=lambda wildcards: artifacts("results"),
    message:
        "Checking the recorded origin of every table and checkpoint"
    script:
        "../scripts/check_results.py"
