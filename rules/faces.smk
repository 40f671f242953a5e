# Faces and who judges them. Consumes nothing, or a folder (faces.celeba, faces.folder); yields
# results/data/faces/{split}.parquet. Section IV: CelebA.
rule prepare_faces:
    output:
        train="results/data/faces/train.parquet",
        judge="results/data/faces/judge.parquet",
        validation="results/data/faces/validation.parquet",
        test="results/data/faces/test.parquet",
    log:
        "results/logs/prepare_faces.log",
    benchmark:
        "results/benchmarks/prepare_faces.tsv"
    conda:
        "../envs/typeone.yaml"
    threads: 1
    params:
        *code("prepare_faces.py"),
        source=FACE_SOURCE,
        settings=config["faces"][FACE_SOURCE],
        limit=config["faces"]["limit"],
    message:
        f"Faces: {FACE_SOURCE}"
    script:
        "../scripts/prepare_faces.py"
