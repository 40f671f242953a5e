# Checks. Consumes every table and checkpoint under results/, and the current code and params of its
# job; yields only a list of those that are damaged, foreign or stale. No other rule depends on it:
# `./reproduce check_results`. It has no benchmark, because that file would be an output that is up to
# date: it runs whenever it is asked for.
rule check_results:
    log:
        "results/logs/check_results.log",
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("check_results.py"),
        artifacts=lambda wildcards: artifacts("results"),
    message:
        "Checking what every table and checkpoint says of itself"
    script:
        "../scripts/check_results.py"
