"""Evaluate attacks on the latent space of the AC-GAN, and the generator itself."""

from typeone.data.digits import read_digits
from typeone.evaluation.latent_space import attack_measurements, generator_measurements
from typeone.models.acgan import load_gan
from typeone.models.classifiers import load_classifier
from typeone.runtime.artifacts import read_model_metadata, read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def evaluate_latent(
    *,
    examples_paths,
    generator_path,
    oracle_paths,
    test_path,
    measurements_path,
    attacks,
    target,
    **fresh,
):
    """Write the measurements; ``examples_paths``: by seed, ``fresh``: of the new digits of G."""
    rows = [
        *generator_measurements(
            load_gan(generator_path),
            [load_classifier(path) for path in oracle_paths],
            read_digits(test_path)[0],
            seed=read_model_metadata(generator_path)["seed"],
            **fresh,
        )
    ]
    frames = {seed: read_parquet(path).frame() for seed, path in examples_paths.items()}
    for name, settings in attacks.items():
        kind = settings["kind"]
        targeted = settings["guide_weight"] > 0 and kind == "type1"
        for seed, frame in frames.items():
            mine = frame[frame["variant"] == name]
            of = {"targeted": targeted, "seed": seed, "target": target}
            rows += attack_measurements(mine, name, kind, **of)
    for row in rows:
        logger.info("%s, seed %d: %.3f", row["id"], row["seed"], row["value"])
    write_rows(measurements_path, rows)


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
