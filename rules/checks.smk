# Checks. Consumes every table and checkpoint that lies under results/, and the code and params of the
# job that would make it now; yields nothing but a list of those that are damaged, foreign or stale.
# No other rule asks for it: `./reproduce check_results`. It has no benchmark, which would be a file to
# be there and up to date: it runs whenever it is asked for.
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
