# Data sets of small images. Consumes the network or folders (datasets.NAME.path); yields
# results/data/{dataset}/{split}.parquet. Section IV: "we use 50K images for training and rest for test".
rule prepare_dataset:
    output:
        train="results/data/{dataset}/train.parquet",
        validation="results/data/{dataset}/validation.parquet",
        test="results/data/{dataset}/test.parquet",
    log:
        "results/logs/{dataset}/prepare_dataset.log",
    benchmark:
        "results/benchmarks/{dataset}/prepare_dataset.tsv"
    conda:
        "../envs/typeone.yaml"
    params:
        *code("prepare_dataset.py"),
        files=given_images,
        settings=lambda wildcards: config["datasets"][wildcards.dataset],
        limit=config["limit"],
    message:
        "{wildcards.dataset}: Reading and checking the files"
    script:
        "../scripts/prepare_dataset.py"
