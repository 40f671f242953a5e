"""Change images without an optimiser: what Algorithm 2 must be better than."""

import torch

from typeone.attacks.baselines import class_means, interpolate, nearest_images, random_latents
from typeone.attacks.criteria import next_class
from typeone.attacks.shards import example_rows
from typeone.data.digits import read_digits, read_examples
from typeone.data.images import binarise
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import predict
from typeone.models.svae import load_svae
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded


def attack_baseline(
    *,
    examples_path,
    train_path,
    model_path,
    module,
    svae_path,
    shard_path,
    count,
    settings,
    seed,
    device,
):
    """Write an image for each of the first ``count`` examples, by the method of ``settings``."""
    index, images, labels = read_examples(examples_path, count, device)
    svae = load_svae(svae_path, device)
    classifier = load_classifier(model_path, device, module=module)
    train_images, train_labels = read_digits(train_path, device)

    def encode(batch):
        return predict(lambda part: svae.encode(binarise(part))[0], batch)

    start = encode(images)
    if settings["method"] == "nearest":
        attacked = nearest_images(images, next_class(labels), train_images, train_labels)
        end = encode(attacked)
    else:
        if settings["method"] == "interpolation":
            goal = class_means(encode(train_images), train_labels)[next_class(labels)]
            end = interpolate(svae, classifier, start, labels, goal, steps=settings["steps"])
        else:
            generator = seeded(settings["seed"] + seed, device)
            end = random_latents(svae, classifier, labels, generator, draws=settings["draws"])
        attacked = predict(svae.decode, end)
    rows = example_rows(
        torch.arange(len(images)), images, labels, attacked, latent_start=start, latent_end=end
    )
    write_parquet(shard_path, rows | {"index": index})


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        attack_baseline(
            examples_path=run.input.examples,
            train_path=run.input.train,
            model_path=run.input.model,
            module=run.params.module,
            svae_path=run.input.svae,
            shard_path=run.output.examples,
            **run.params.how,
            settings=run.params.settings,
            seed=int(run.wildcards.seed),
            device=run.device,
        )
