"""Train the quadratic network that tells two concentric spheres apart (II-B)."""

from dataclasses import asdict

from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.theory.quadratic import QuadraticNetwork, SphereTraining, train_quadratic
from typeone.theory.spheres import Spheres


def train_sphere(*, model_path, curve_path, spheres, hidden, training, seed, checkpoint, device):
    """Write the trained network and the course of its exact error."""
    network = QuadraticNetwork(spheres.dim, hidden)
    network.reset(spheres, seeded(seed))
    network.to(device)
    curve = train_quadratic(
        network,
        spheres,
        SphereTraining(**training),
        generator=seeded(seed, device),
        name=f"sphere {seed}",
        checkpoint=checkpoint,
    )
    last = {k: curve[-1][k] for k in ("inner_error", "outer_error", "error")}
    logger.info("seed %d: errs on %.2e of all points", seed, last["error"])
    save_model(
        model_path,
        network,
        metadata={
            **{"architecture": "quadratic", "seed": seed, "training": training},
            **{"hidden": hidden, **asdict(spheres), **last},
        },
    )
    write_rows(curve_path, curve)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        train_sphere(
            model_path=run.output.model,
            curve_path=run.output.curve,
            spheres=Spheres(**run.params.spheres),
            hidden=run.params.hidden,
            training=run.params.training,
            seed=run.params.seed,
            checkpoint=run.checkpoint,
            device=run.device,
        )
