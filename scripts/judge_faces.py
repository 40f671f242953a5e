"""Merge the shards of an attack on faces and ask f1, f2 and the judges about every stored image.

Gender has changed where the judges see a face of the other one, and saw the labelled one in the
original. What is the same person depends on a threshold and is left to who counts: `distance` is
f1's.
"""

import numpy as np
import torch

from typeone.attacks.shards import merge_shards
from typeone.data.images import from_uint8
from typeone.evaluation.face_success import gender_changed
from typeone.evaluation.panels import panel_verdict
from typeone.models.face_judges import load_face_judge
from typeone.models.predictions import predict
from typeone.models.recognizers import load_recognizer
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger
from typeone.training.losses import embedding_distance


@torch.no_grad()
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
    chunk,
    device,
):
    """Write one row an example with every view of it, and the merged trace if there is one.

    ``judge_paths``: by name, of the members of the panel.
    """
    rows = merge_shards(shard_paths)
    recognizer, svae = load_recognizer(recognizer_path, device), load_svae(svae_path, device)
    judges = [load_face_judge(path, device) for path in judge_paths.values()]
    before, after = (from_uint8(rows[k], device) for k in ("image", "adversarial_image"))

    def seen(network, images):
        return predict(network, images, batch=chunk)

    def panel(images):
        return panel_verdict(judges, images, clear_confidence=clear_confidence, batch=chunk)

    def f2_view(latent):
        return svae.classify(latent).argmax(dim=1).cpu().numpy()

    distance = embedding_distance(seen(recognizer, before), seen(recognizer, after))
    rows["distance"] = distance.cpu().numpy()
    rows["f2_label_before"] = f2_view(seen(lambda x: svae.encode(x)[0], before))
    if "latent_end" in rows:
        rows["f2_latent_label"] = f2_view(torch.from_numpy(rows["latent_end"]).to(device))
    rows["f2_image_label"] = f2_view(seen(lambda x: svae.encode(x)[0], after))
    rows["judge_label_before"] = panel(before).label.cpu().numpy()
    verdict = panel(after)
    for name, labels in zip(judge_paths, verdict.member_labels, strict=True):
        rows[f"judge_{name}_label"] = labels.cpu().numpy()
    rows["judge_label"] = verdict.label.cpu().numpy()
    rows["still_a_face"] = verdict.still_a_face.cpu().numpy()
    rows["judge_clear"] = verdict.clear.cpu().numpy()
    rows["gender_changed"] = gender_changed(rows)
    moved = (after - before).flatten(1)
    rows["distance_l2"] = moved.norm(dim=1).cpu().numpy()
    rows["distance_linf"] = moved.abs().amax(dim=1).cpu().numpy()
    write_parquet(
        examples_path,
        rows,
        metadata={"judges": list(judge_paths), "clear_confidence": clear_confidence},
    )
    logger.info(
        "distance of f1 %.3f on average; the judges see the other gender in %.1f %%, a face in "
        "%.1f %%",
        *(rows["distance"].mean(), 100 * rows["gender_changed"].mean()),
        100 * rows["still_a_face"].mean(),
    )
    if trace_path:
        trace = merge_shards(trace_paths)
        own = before[torch.from_numpy(np.array(trace["position"])).long()]
        walked = from_uint8(trace["image"], device)
        found = embedding_distance(seen(recognizer, own), seen(recognizer, walked))
        write_parquet(trace_path, {**trace, "distance": found.cpu().numpy()})


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
