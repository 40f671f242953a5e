"""Merge the shards of an attack and ask f1, f2 and the oracle about every stored image."""

import numpy as np
import torch

from typeone.attacks.shards import merge_shards
from typeone.data.images import binarise, from_uint8
from typeone.evaluation.oracle import Ensemble
from typeone.evaluation.success import type1_success, type1_targeted_success, type2_success
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import predict
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


@torch.no_grad()
def judge_attack(
    *,
    shard_paths,
    trace_paths,
    model_path,
    module,
    svae_path,
    oracle_paths,
    examples_path,
    trace_path,
    clear_confidence,
    device,
):
    """Write one row an example with every view of it, and the merged trace if there is one."""
    rows = merge_shards(shard_paths)
    f1 = load_classifier(model_path, device, module=module)
    svae = load_svae(svae_path, device)
    oracle = Ensemble([load_classifier(path, device) for path in oracle_paths.values()])

    label = rows["label"]
    before, after = (from_uint8(rows[k], device) for k in ("image", "adversarial_image"))
    chosen = torch.arange(len(label), device=device), torch.from_numpy(np.array(label)).to(device)

    def f1_view(images):
        probabilities = predict(f1, images).softmax(dim=1)
        return probabilities.argmax(dim=1).cpu().numpy(), probabilities[chosen].cpu().numpy()

    def f2_view(latent):
        return svae.classify(latent).argmax(dim=1).cpu().numpy()

    rows["f1_label_before"], rows["f1_confidence_before"] = f1_view(before)
    rows["f1_label_after"], rows["f1_confidence_after"] = f1_view(after)
    if "latent_end" in rows:
        rows["f2_latent_label"] = f2_view(torch.from_numpy(rows["latent_end"]).to(device))
    rows["f2_image_label"] = f2_view(predict(lambda x: svae.encode(binarise(x))[0], after))
    rows["oracle_label_before"] = predict(oracle, before).argmax(dim=1).cpu().numpy()
    seen = oracle.verdict(after, clear_confidence=clear_confidence)
    for member, labels in zip(oracle_paths, seen.member_labels, strict=True):
        rows[f"oracle_{member}_label"] = labels.cpu().numpy()
    rows["oracle_label"] = seen.label.cpu().numpy()
    rows["oracle_confidence"] = seen.confidence.cpu().numpy()
    rows["oracle_clear"] = seen.clear.cpu().numpy()
    moved = (after - before).flatten(1)
    rows["distance_l2"] = moved.norm(dim=1).cpu().numpy()
    rows["distance_linf"] = moved.abs().amax(dim=1).cpu().numpy()

    f1_after, judged, clear = (rows[k] for k in ("f1_label_after", "oracle_label", "oracle_clear"))
    rows["type1_success_f2"] = type1_success(label, f1_after, rows["f2_image_label"])
    rows["type1_success_oracle"] = type1_success(label, f1_after, judged)
    rows["type1_success_clear"] = rows["type1_success_oracle"] & clear
    if "target_label" in rows:
        target = rows["target_label"]
        rows["type1_targeted_oracle"] = type1_targeted_success(label, f1_after, judged, target)
    if "found" in rows:
        rows["found_stored"] = f1_after != label
        rows["type2_success_oracle"] = type2_success(label, f1_after, judged)
    note = {"oracle": list(oracle_paths), "clear_confidence": clear_confidence}
    write_parquet(examples_path, rows, metadata=note)
    logger.info(
        "f1 keeps the label: %.1f %%, the oracle leaves it: %.1f %%, both: %.1f %%, clear: %.1f %%",
        100 * np.mean(f1_after == label),
        100 * np.mean(judged != label),
        100 * np.mean(rows["type1_success_oracle"]),
        100 * np.mean(rows["type1_success_clear"]),
    )
    if trace_path:
        write_parquet(
            trace_path, trace_with_confidence(merge_shards(trace_paths), rows, f1, device)
        )


def trace_with_confidence(trace, rows, f1, device):
    """The trace with f1's softmax at the original label of every traced image."""
    labels = torch.from_numpy(np.array(rows["label"][trace["position"]])).to(device)
    probabilities = predict(f1, from_uint8(trace["image"], device)).softmax(dim=1)
    confidence = probabilities[torch.arange(len(labels), device=device), labels]
    return {**trace, "label": labels.cpu().numpy(), "f1_confidence": confidence.cpu().numpy()}


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        judge_attack(
            shard_paths=run.input.shards,
            trace_paths=run.input.get("traces", []),
            model_path=run.input.model,
            module=run.params.module,
            svae_path=run.input.svae,
            oracle_paths=dict(zip(run.params.members, run.input.oracle, strict=True)),
            examples_path=run.output.examples,
            trace_path=run.output.get("trace"),
            clear_confidence=run.params.clear_confidence,
            device=run.device,
        )
