# Data. Consumes the network or a folder (data.mnist); yields results/data/mnist/{split}.parquet.
# Section IV: "we use 50K images for training and rest for test".
rule prepare_mnist:
    output:
        train="results/data/mnist/train.parquet",
        validation="results/data/mnist/validation.parquet",
        test="results/data/mnist/test.parquet",
    log:
        "results/logs/prepare_mnist.log",
    benchmark:
        "results/benchmarks/prepare_mnist.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("prepare_mnist.py"),
        settings=config["data"]["mnist"],
    message:
        "Reading MNIST and checking its SHA-256"
    script:
        "../scripts/prepare_mnist.py"
