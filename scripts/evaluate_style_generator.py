"""How Eq. 13 went on the small generator of faces, with strangers beside it (III-D, IV-E)."""

from typeone.data.faces import FACE_SHAPE
from typeone.data.images import from_uint8
from typeone.evaluation.intervals import mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.panels import panel_verdict
from typeone.models.face_judges import load_face_judge
from typeone.models.recognizers import read_thresholds
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.logs import logger


def changes(table, judges, clear_confidence):
    """Where the judges see a face at both ends, ``(N,)``, and where another gender, ``(N,)``."""
    before, after = (
        panel_verdict(judges, from_uint8(table[k]), clear_confidence=clear_confidence)
        for k in ("image", "adversarial_image")
    )
    faces = (before.still_a_face & after.still_a_face).numpy()
    return faces, faces & (before.label != after.label).numpy()


def rows_of(table, thresholds, judges, *, clear_confidence, prefix, faces, recognizer, seed):
    """Rows on one seed, of what `attack_style_generator` stored of it."""
    named = f"{faces}, Eq. 13 on the small generator, f1 {recognizer}"
    far = table["hinge"] <= 0
    seen, changed = changes(table, judges, clear_confidence)
    found = {
        "far": (rate(far), "z' as far as it should be"),
        "faces": (rate(seen), "the judges see a face at both ends"),
        "changed": (rate(changed), "and another gender"),
    }
    for name, limit in thresholds.items():
        kept = table["distance"] <= limit
        near = table["stranger_distance"] <= limit
        told = f"the same person to f1 ({name}, {limit:.3f})"
        found[f"kept.{name}"] = (rate(kept & far), f"far away, and {told}")
        both = kept & far & changed
        found[f"true_success.{name}"] = (rate(both), f"another gender to the judges, and {told}")
        found[f"strangers.{name}"] = (rate(near), f"faces of two latents at random: {told}")
    rates = [
        measurement(f"{prefix}.{what}", value, seed=seed, description=f"{named}: {text}")
        for what, (value, text) in found.items()
    ]
    lengths = {
        "distance": ("distance", "distance of the embeddings of both ends"),
        "strangers.distance": ("stranger_distance", "the same of two latents at random"),
        "latent_distance": ("latent_distance", "||z' - z||"),
    }
    return rates + [
        measurement(
            f"{prefix}.{what}",
            mean_interval(table[column]),
            seed=seed,
            description=f"{named}: {text}",
            unit="L2",
        )
        for what, (column, text) in lengths.items()
    ]


def evaluate_style_generator(
    *,
    example_paths,
    threshold_paths,
    judge_paths,
    measurements_path,
    clear_confidence,
    prefix,
    faces,
    recognizer,
):
    """Write the measurements; paths of examples and thresholds: by seed. ``prefix``: of ids."""
    judges = [load_face_judge(path) for path in judge_paths]
    found = []
    for seed, path in example_paths.items():
        found += rows_of(
            read_parquet(path, shapes={"image": FACE_SHAPE, "adversarial_image": FACE_SHAPE}),
            read_thresholds(threshold_paths[seed]),
            judges,
            clear_confidence=clear_confidence,
            **{"prefix": prefix, "faces": faces, "recognizer": recognizer, "seed": seed},
        )
    for row in found:
        logger.info("%s, seed %d: %.3f", row["id"], row["seed"], row["value"])
    write_rows(measurements_path, found)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        seeds = run.params.seeds
        evaluate_style_generator(
            example_paths=dict(zip(seeds, run.input.examples, strict=True)),
            threshold_paths=dict(zip(seeds, run.input.thresholds, strict=True)),
            judge_paths=run.input.judges,
            measurements_path=run.output.measurements,
            clear_confidence=run.params.clear_confidence,
            **run.params.named,
        )
