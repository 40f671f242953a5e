"""Train the quadratic network that separates two concentric spheres (II-B)."""

from dataclasses import asdict

from typeone.runtime.artifacts import save_model, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger
from typeone.theory.quadratic import QuadraticNetwork, SphereTraining, train_quadratic
from typeone.theory.spheres import Spheres

if "snakemake" in globals():
    with computing_job(snakemake) as run:
        spheres, how = Spheres(**run.params.spheres), {"seed": run.params.seed}
        how |= {k: run.params[k] for k in ("training", "hidden")}
        network = QuadraticNetwork(spheres.dim, how["hidden"])
        network.reset(spheres, seeded(how["seed"]))
        network.to(run.device)
        curve = train_quadratic(
            network,
            spheres,
            SphereTraining(**how["training"]),
            generator=seeded(how["seed"], run.device),
            name=f"sphere {how['seed']}",
            checkpoint=run.checkpoint,
        )
        last = {k: curve[-1][k] for k in ("inner_error", "outer_error", "error")}
        logger.info("seed %d: error %.2e", how["seed"], last["error"])
        note = {"architecture": "quadratic", **how, **asdict(spheres), **last}
        save_model(run.output.model, network, metadata=note)
        write_rows(run.output.curve, curve)
