"""Merge the shards of an attack and evaluate f1, f2 and the judges on every stored image."""

from typeone.attacks.shards import merge_shards
from typeone.evaluation.clean_faces import load_clean_faces
from typeone.evaluation.clean_images import load_clean_images
from typeone.evaluation.judging import Classifier, Recognizer, judge, judge_trace
from typeone.evaluation.panels import load_panel
from typeone.models.classifiers import load_classifier
from typeone.models.recognizers import load_recognizer
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def judge_attack(*, paths, members, module, faces, clear_confidence, batch, device):
    """Write one row per example with the views of all networks, and the merged trace if any.

    ``members``: names of the judges. ``faces``: whether f1 is a recognizer instead of a classifier.
    ``module`` builds a user-defined classifier.
    """
    if faces:
        f1 = Recognizer(load_recognizer(paths["model"], device), batch=batch)
        clean = load_clean_faces(*paths["clean"])
    else:
        f1 = Classifier(load_classifier(paths["model"], device, module=module), batch=batch)
        clean = load_clean_images(*paths["clean"], device)
    rows = judge(
        merge_shards(paths["shards"]),
        f1=f1,
        svae=load_svae(paths["svae"], device),
        panel=load_panel(paths["judges"], device, faces=faces, batch=batch),
        members=members,
        clear_confidence=clear_confidence,
        clean=clean,
        device=device,
    )
    metadata = {"judges": members, "clear_confidence": clear_confidence}
    write_parquet(paths["examples"], rows, metadata=metadata)
    for name, values in rows.items():
        if values.dtype == bool:
            logger.info("%s: %.1f %%", name, 100 * values.mean())
    if "traces" in paths:
        trace = judge_trace(merge_shards(paths["traces"]), rows, f1, device)
        write_parquet(paths["trace"], trace)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        judge_attack(
            paths={**dict(run.input.items()), **dict(run.output.items())},
            **{
                k: run.params[k]
                for k in ("members", "module", "faces", "clear_confidence", "batch")
            },
            device=run.device,
        )
