"""Algorithm 2 on one shard of the examples, or the image transition when f1 is left out (III)."""

from typeone.attacks.criteria import label_criterion
from typeone.attacks.shards import attack_shard, trace_columns
from typeone.attacks.svae import SvaeAttackSettings
from typeone.data.digits import DIGIT_SHAPE, read_examples
from typeone.detectors.squeezers import differentiable_squeezers
from typeone.models.classifiers import load_classifier
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job


def attack_svae(
    *,
    examples_path,
    model_path,
    module,
    svae_path,
    attacker_paths,
    shard_path,
    trace_path,
    settings,
    count,
    keep,
    original,
    squeezers,
    batching,
    shard,
    trace_every,
    device,
    checkpoint,
):
    """Attack one shard of the first ``count`` examples; write ends and traces.

    ``squeezers``: arguments of `differentiable_squeezers` if the attack knows the detector.
    """
    index, images, labels = read_examples(examples_path, count, device, original=original)
    followed = {labels.tolist().index(label) for label in set(labels.tolist())}
    views = differentiable_squeezers(**squeezers) if squeezers else []
    rows, points = attack_shard(
        load_svae(svae_path, device),
        images,
        labels,
        settings,
        keep=label_criterion(load_classifier(model_path, device, module=module), views)
        if keep
        else None,
        attackers=[load_classifier(path, device) for path in attacker_paths],
        **batching,
        shard=shard,
        follow=followed,
        follow_every=trace_every,
        checkpoint=checkpoint,
    )
    write_parquet(shard_path, rows | {"index": index[rows["position"]]})
    write_parquet(trace_path, trace_columns(points, DIGIT_SHAPE))


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_svae(
            examples_path=run.input.examples,
            model_path=run.input.model,
            module=run.params.module,
            svae_path=run.input.svae,
            attacker_paths=run.input.attackers,
            shard_path=run.output.examples,
            trace_path=run.output.trace,
            settings=SvaeAttackSettings(**run.params.settings),
            **run.params.how,
            squeezers=run.params.squeezers,
            shard=int(run.wildcards.shard),
            batching=run.params.batching,
            trace_every=run.params.trace_every,
            device=run.device,
            checkpoint=run.checkpoint,
        )
