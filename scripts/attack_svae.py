"""Run Algorithm 2 on one shard of the examples, or the image transition without f1 (III)."""

from typeone.attacks.criteria import label_criterion, runner_up
from typeone.attacks.shards import attack_shard, trace_columns
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.data.digits import read_examples
from typeone.data.shapes import DIGIT_SHAPE
from typeone.detectors.squeezers import differentiable_squeezers
from typeone.models.classifiers import load_classifier
from typeone.models.density import load_density
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job

if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        params, how = run.params, run.params.how
        index, images, labels = read_examples(
            run.input.examples, how["count"], run.device, original=how["original"]
        )
        keep = aims = None
        if how["keep"]:
            # an attack that evades the detector also keeps the label under its squeezers
            views = differentiable_squeezers(**params.squeezers) if params.squeezers else []
            f1 = load_classifier(run.input.model, run.device, module=params.module)
            keep = label_criterion(f1, views)
            aims = runner_up(f1, images, labels) if how["aim"] == "runner_up" else None
        rows, points = attack_shard(
            load_svae(run.input.svae, run.device),
            images,
            labels,
            SvaeAttackSettings(**params.settings),
            keep=keep,
            target_labels=aims,
            attackers=[load_classifier(path, run.device) for path in run.input.attackers],
            density=load_density(*run.input.density, run.device) if run.input.density else None,
            **params.batching,
            shard=int(run.wildcards.shard),
            follow={labels.tolist().index(label) for label in labels.tolist()},
            follow_every=params.trace_every,
            checkpoint=run.checkpoint,
        )
        write_parquet(run.output.examples, rows | {"index": index[rows["position"]]})
        write_parquet(run.output.trace, trace_columns(points, DIGIT_SHAPE))
