"""Attack the latent space of an AC-GAN (Eq. 13, IV-E), Song et al.'s Type II attack beside it.

ASSUME: z "could be either given or randomly generated"; here it is drawn, each class in turn. It
counts as a start where f1 sees the class that G was asked for, and the oracle sees it beyond doubt.
"""

import numpy as np
import torch

from typeone.attacks.criteria import KeepLabel, next_class
from typeone.attacks.latent import (
    BoxAttackSettings,
    LatentAttackSettings,
    attack,
    attack_within_box,
    jittered,
)
from typeone.attacks.shards import example_rows
from typeone.data.images import from_uint8, to_uint8
from typeone.evaluation.oracle import Ensemble
from typeone.evaluation.success import type1_success, type1_targeted_success, type2_success
from typeone.models.acgan import load_gan
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import predict
from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.errors import InputError
from typeone.runtime.logs import Progress, logger


def stored(images):
    """Images as those see them who read the file."""
    return to_uint8(images).float() / 255


@torch.no_grad()
def draw_starts(gan, f1, oracle, generator, *, count, draws, clear_confidence):
    """The first ``count`` of ``draws`` latents that count as a start, and their labels."""
    latent = torch.randn(draws, gan.latent_dim, generator=generator, device=generator.device)
    labels = torch.arange(draws, device=generator.device) % gan.classes
    images = stored(gan.generate(latent, labels))
    seen = oracle.verdict(images, clear_confidence=clear_confidence)
    right = (f1(images).argmax(dim=1) == labels) & (seen.label == labels) & seen.clear
    chosen = torch.nonzero(right).flatten()[:count]
    if len(chosen) < count:
        raise InputError(
            f"`latent.count` is {count}, but f1 and the oracle see the digit that was asked for in "
            f"only {len(chosen)} of {draws} images (`latent.draws`); draw more, attack fewer, or "
            "train the generator longer"
        )
    return latent[chosen], labels[chosen]


def walk_of(gan, latent, labels, settings, generator):
    """What one variant walks from every z, and where it starts; noise is drawn for all at once.

    A free condition is walked as more coordinates of z.
    """
    if settings["kind"] == "type2":
        return latent, latent
    walked = latent
    if settings["condition"] == "free":
        walked = torch.cat([latent, gan.condition(labels)], dim=1)
    return walked, jittered(walked, settings["jitter"], generator)


def attack_one(gan, f1, walked, start, labels, settings, checkpoint):
    """Images, latents, conditions of G, steps, who converged: one variant on one batch.

    ``settings`` as in the configuration, ``walked`` and ``start`` as of `walk_of`.
    """
    how = {k: v for k, v in settings.items() if k not in ("kind", "condition")}
    condition, size = gan.condition(labels), gan.latent_dim

    def decode(moved, rows):
        free = moved.shape[1] > size
        return gan.generator(moved[:, :size], moved[:, size:] if free else condition[rows])

    if settings["kind"] == "type2":
        result = attack_within_box(
            *(decode, walked, labels, BoxAttackSettings(**how)),
            classifier=f1,
            guide=gan.classify,
            checkpoint=checkpoint,
        )
    else:
        result = attack(
            decode,
            walked,
            LatentAttackSettings(**how),
            keep=KeepLabel(f1, labels),
            start=start,
            guide=gan.classify,
            target_labels=next_class(labels),
            checkpoint=checkpoint,
        )
    ended = result.latent_end
    return result.images, {
        "latent_start": walked[:, :size],
        "latent_end": ended[:, :size],
        "condition_end": ended[:, size:] if ended.shape[1] > size else condition,
        "steps": result.steps.int(),
        "converged": result.converged,
    }


@torch.no_grad()
def views(rows, gan, f1, oracle, *, clear_confidence, device):
    """What f1, f_G and the oracle see in the stored images of ``rows``, and who succeeded."""
    before, after = (from_uint8(rows[k], device) for k in ("image", "adversarial_image"))
    label, target = rows["label"], rows["target_label"]
    found = {}
    for when, images in (("before", before), ("after", after)):
        probabilities = predict(f1, images).softmax(dim=1).cpu().numpy()
        found[f"f1_label_{when}"] = probabilities.argmax(axis=1)
        found[f"f1_confidence_{when}"] = probabilities[np.arange(len(label)), label]
    found["auxiliary_label"] = predict(gan.classify, after).argmax(dim=1).cpu().numpy()
    found["oracle_label_before"] = predict(oracle, before).argmax(dim=1).cpu().numpy()
    seen = oracle.verdict(after, clear_confidence=clear_confidence)
    found["oracle_label"] = seen.label.cpu().numpy()
    found["oracle_confidence"] = seen.confidence.cpu().numpy()
    found["oracle_clear"] = seen.clear.cpu().numpy()
    found["latent_distance"] = np.linalg.norm(rows["latent_end"] - rows["latent_start"], axis=1)
    f1_after, judged = found["f1_label_after"], found["oracle_label"]
    found["type1_success_oracle"] = type1_success(label, f1_after, judged)
    found["type1_success_clear"] = found["type1_success_oracle"] & found["oracle_clear"]
    found["type1_targeted_oracle"] = type1_targeted_success(label, f1_after, judged, target)
    found["type2_success_oracle"] = type2_success(label, f1_after, judged)
    found["type2_success_clear"] = found["type2_success_oracle"] & found["oracle_clear"]
    return found


def attack_latent(
    *,
    generator_path,
    model_path,
    module,
    oracle_paths,
    examples_path,
    attacks,
    count,
    draws,
    seed,
    chunk,
    clear_confidence,
    device,
    checkpoint,
):
    """Write one row a (variant, start) with the pair of images and every view of it.

    ``attacks``: settings by the variant's name. All variants start from the same latents.
    """
    gan = load_gan(generator_path, device)
    f1 = load_classifier(model_path, device, module=module)
    oracle = Ensemble([load_classifier(path, device) for path in oracle_paths])
    latent, labels = draw_starts(
        gan,
        f1,
        oracle,
        seeded(seed, device),
        count=count,
        draws=draws,
        clear_confidence=clear_confidence,
    )
    with torch.no_grad():
        originals = gan.generate(latent, labels)
    parts = []
    say = Progress("attacking the latent space", len(attacks))
    for done, (name, settings) in enumerate(attacks.items(), 1):
        generator = seeded(seed + 1_000_000, device)  # apart from the draws of any seed
        walked, start = walk_of(gan, latent, labels, settings, generator)
        for positions in torch.arange(count, device=device).split(chunk):
            wanted = labels[positions]
            attacked, walk = attack_one(
                *(gan, f1, walked[positions], start[positions], wanted, settings),
                checkpoint.part(f"{name}.{int(positions[0])}"),
            )
            rows = example_rows(positions, originals[positions], wanted, attacked, **walk)
            rows |= views(rows, gan, f1, oracle, clear_confidence=clear_confidence, device=device)
            parts.append({"variant": np.full(len(positions), name), **rows})
        say(done)
        mine = [part for part in parts if part["variant"][0] == name]
        kind = settings["kind"]
        success = np.concatenate([part[f"{kind}_success_oracle"] for part in mine])
        logger.info("variant %s: success %.1f %% of %d", name, 100 * success.mean(), count)
    write_parquet(
        examples_path,
        {k: np.concatenate([part[k] for part in parts]) for k in parts[0]},
        metadata={"clear_confidence": clear_confidence, "seed": seed},
    )


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        attack_latent(
            generator_path=run.input.generator,
            model_path=run.input.model,
            module=run.params.module,
            oracle_paths=run.input.oracle,
            examples_path=run.output.examples,
            attacks=run.params.attacks,
            **run.params.settings,
            seed=run.params.seed,
            clear_confidence=run.params.clear_confidence,
            device=run.device,
            checkpoint=run.checkpoint,
        )
