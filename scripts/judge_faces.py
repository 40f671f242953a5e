"""Merge the shards of an attack on faces and ask f1, f2 and the judges about every stored image."""

from typeone.attacks.shards import merge_shards
from typeone.evaluation import judging
from typeone.models.face_judges import load_face_judge
from typeone.models.recognizers import load_recognizer
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def judge_faces(
    *,
    shard_paths,
    trace_paths,
    recognizer_path,
    svae_path,
    judge_paths,
    examples_path,
    trace_path,
    clear_confidence,
    **how,
):
    """Write one row an example with every view of it, and the merged trace if there is one.

    ``judge_paths``: by name, of the members of the panel. ``how``: device, and chunk of images.
    """
    device, clear = how["device"], {"clear_confidence": clear_confidence}
    recognizer, svae = load_recognizer(recognizer_path, device), load_svae(svae_path, device)
    judges = [load_face_judge(path, device) for path in judge_paths.values()]
    views = {"judges": judges, "members": list(judge_paths), **clear, **how}
    rows = judging.judge_faces(merge_shards(shard_paths), recognizer=recognizer, svae=svae, **views)
    write_parquet(examples_path, rows, metadata={"judges": list(judge_paths), **clear})
    logger.info(
        "distance of f1 %.3f on average; the judges see the other gender in %.1f %%, a face in "
        "%.1f %%",
        *(rows["distance"].mean(), 100 * rows["gender_changed"].mean()),
        100 * rows["still_a_face"].mean(),
    )
    if trace_path:
        trace = judging.face_trace(merge_shards(trace_paths), rows["image"], recognizer, **how)
        write_parquet(trace_path, trace)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        judge_faces(
            shard_paths=run.input.shards,
            trace_paths=run.input.get("traces", []),
            recognizer_path=run.input.recognizer,
            svae_path=run.input.svae,
            judge_paths=dict(zip(run.params.judges, run.input.judges, strict=True)),
            examples_path=run.output.examples,
            trace_path=run.output.get("trace"),
            clear_confidence=run.params.clear_confidence,
            chunk=run.params.chunk,
            device=run.device,
        )
