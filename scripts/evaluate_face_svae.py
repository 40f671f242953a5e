"""Evaluate the SVAE of faces: f2's accuracy, the reconstruction loss, the accuracy of f_dis."""

from typeone.evaluation.intervals import Rate, rate_of
from typeone.evaluation.measurements import measurement
from typeone.runtime.artifacts import read_model_metadata, write_rows
from typeone.runtime.job import job


def evaluate_face_svae(*, svae_paths, measurements_path, accuracy_id, source):
    """Write rows of every seed from its checkpoint's metadata on the test faces of ``source``."""
    rows = []
    for path in svae_paths:
        known = read_model_metadata(path)
        n, told = known["test_n"], known["discriminator_balanced_accuracy"]
        note = f"width {known['width']}, {known['latent_dim']} latent dimensions"

        def add(identity, value, text, known=known, note=note, **more):
            text = f"{source} faces, {text}"
            rows.append(
                measurement(
                    identity, value, seed=known["seed"], description=text, note=note, **more
                )
            )

        add(
            accuracy_id,
            rate_of((1 - known["test_error"]) * n, n),
            "gender accuracy of the SVAE's f2 on mu",
        )
        add(
            f"beyond.{source}.faces.svae.recon_loss",
            Rate(*(known[f"test_recon_loss{end}"] for end in ("", "_low", "_high")), n),
            "squared error of a reconstruction, summed over the face",
            unit="squared L2",
        )
        add(
            f"beyond.{source}.faces.svae.discriminator",
            rate_of(2 * n * told, 2 * n),
            "balanced accuracy of f_dis between encoded and drawn latents",
        )
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with job(snakemake) as run:
        evaluate_face_svae(
            svae_paths=run.input.svae,
            measurements_path=run.output.measurements,
            accuracy_id=run.params.accuracy_id,
            source=run.params.source,
        )
