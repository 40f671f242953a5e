"""How the attacks on the latent space went, and how good the generator is that they start from."""

import torch

from typeone.data.digits import read_digits
from typeone.data.images import to_uint8
from typeone.evaluation.intervals import mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.oracle import Ensemble
from typeone.evaluation.realism import KernelDistance, kernel_distance_interval
from typeone.models.acgan import load_gan
from typeone.models.classifiers import load_classifier
from typeone.models.predictions import predict
from typeone.runtime.artifacts import read_model_metadata, read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger


@torch.no_grad()
def generator_rows(generator_path, oracle_paths, test_path, *, fresh, clear_confidence, seed):
    """Rows on ``fresh`` new digits of G, latents and classes drawn."""
    gan = load_gan(generator_path)
    judges = [load_classifier(path) for path in oracle_paths]
    generator = seeded(seed)
    # drawn, not in turn: the kernel distance is unbiased for independent images alone
    labels = torch.randint(gan.classes, (fresh,), generator=generator)
    latent = torch.randn(fresh, gan.latent_dim, generator=generator)
    images = to_uint8(gan.generate(latent, labels)).float() / 255
    seen = Ensemble(judges).verdict(images, clear_confidence=clear_confidence)
    right = seen.label == labels
    digits, _ = read_digits(test_path)
    real = digits[torch.randperm(len(digits), generator=seeded(seed))[:fresh]]
    features, reference = (predict(judges[0][:-1], b).numpy() for b in (images, real))
    near = kernel_distance_interval(features, KernelDistance(reference))
    of = {"seed": read_model_metadata(generator_path)["seed"]}
    told = f"{fresh} fresh latents"
    return [
        measurement(
            "beyond.generator.conditional_accuracy",
            rate(right.numpy()),
            description="AC-GAN: the oracle sees the digit that was asked for",
            note=told,
            **of,
        ),
        measurement(
            "beyond.generator.clear",
            rate((right & seen.clear).numpy()),
            description="AC-GAN: the same, beyond doubt",
            note=told,
            **of,
        ),
        measurement(
            "beyond.generator.kernel_distance",
            near,
            description="AC-GAN: kernel distance to test digits, a judge's features",
            unit="squared MMD",
            note="near 0 for the same distribution; classes drawn evenly, test digits as they come",
            **of,
        ),
    ]


def attack_rows(rows, name, kind, *, targeted, seed, target):
    """Rows on one variant of one seed, of what `attack_latent` stored of it."""
    label, judged = rows["label"].to_numpy(), rows["oracle_label"].to_numpy()
    said = "Type I" if kind == "type1" else "Type II"
    named = f"{said} on latents, {name}, {target}"
    found = {
        "true_success": (rate(rows[f"{kind}_success_oracle"].to_numpy()), "true success"),
        "clear_success": (rate(rows[f"{kind}_success_clear"].to_numpy()), "clear true success"),
        "f1_kept": (rate(rows["f1_label_after"].to_numpy() == label), "f1 keeps the label"),
        "oracle_kept": (rate(judged == label), "the oracle sees the old label"),
        "auxiliary_kept": (
            rate(rows["auxiliary_label"].to_numpy() == label),
            "f_G sees the old label",
        ),
    }
    if targeted:
        success = rows["type1_targeted_oracle"].to_numpy()
        found["targeted_success"] = (rate(success), "the oracle sees the target, f1 the old label")
        aimed = rows["auxiliary_label"].to_numpy() == rows["target_label"].to_numpy()
        found["auxiliary_target"] = (rate(aimed), "f_G sees the target")
    measured = [
        measurement(
            f"beyond.latent.{name}.{what}", value, seed=seed, description=f"{named}: {text}"
        )
        for what, (value, text) in found.items()
    ]
    distance = measurement(
        f"beyond.latent.{name}.distance",
        mean_interval(rows["latent_distance"].to_numpy()),
        seed=seed,
        description=f"{named}: ||z' - z||",
        unit="L2",
    )
    return [*measured, distance]


def evaluate_latent(
    *,
    examples_paths,
    generator_path,
    oracle_paths,
    test_path,
    measurements_path,
    attacks,
    target,
    fresh,
    fresh_seed,
    clear_confidence,
):
    """Write the measurements; ``examples_paths``: by seed."""
    found = generator_rows(
        generator_path,
        oracle_paths,
        test_path,
        fresh=fresh,
        clear_confidence=clear_confidence,
        seed=fresh_seed,
    )
    frames = {seed: read_parquet(path).frame() for seed, path in examples_paths.items()}
    for name, settings in attacks.items():
        for seed, frame in frames.items():
            found += attack_rows(
                frame[frame["variant"] == name],
                name,
                settings["kind"],
                targeted=settings["guide_weight"] > 0 and settings["kind"] == "type1",
                seed=seed,
                target=target,
            )
    for row in found:
        logger.info("%s, seed %d: %.3f", row["id"], row["seed"], row["value"])
    write_rows(measurements_path, found)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_latent(
            examples_paths=dict(zip(run.params.seeds, run.input.examples, strict=True)),
            generator_path=run.input.generator,
            oracle_paths=run.input.oracle,
            test_path=run.input.test,
            measurements_path=run.output.measurements,
            attacks=run.params.attacks,
            target=run.params.target,
            **run.params.settings,
            clear_confidence=run.params.clear_confidence,
        )
