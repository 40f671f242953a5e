"""Run Type I and Type II attacks on the network of II-B, on points that it classifies correctly."""

import numpy as np

from typeone.runtime.artifacts import write_parquet
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.theory.quadratic import load_quadratic
from typeone.theory.sphere_attack import WalkSettings
from typeone.theory.sphere_examples import right_points, type1_tables, type2_tables, walk_rows
from typeone.theory.spheres import Spheres


def attack_sphere(
    *, model_path, examples_path, trace_path, spheres, type1, type2, followed, seed, device
):
    """Write one row per (attack, point) with its start and its end.

    ``type1``: number of inner points for the analytic move (``count``), for the walk and the move
    as printed (``walked``), and the settings of the walk. ``type2``: number of points of each
    sphere, and the settings of PGD. ``followed``: number of walks stored step by step. ``seed``: of
    the points.
    """
    network, _ = load_quadratic(model_path, device)
    generator = seeded(seed, device)
    inner = right_points(network, spheres, "inner", type1["count"], generator)
    outer = right_points(network, spheres, "outer", type2["count"], generator)
    settings = WalkSettings(step=type1["step"], max_steps=type1["max_steps"])
    how = {"walked": type1["walked"], "settings": settings, "followed": followed}
    tables, walks = type1_tables(network, spheres, inner, **how)
    tables += type2_tables(network, {"inner": inner[: type2["count"]], "outer": outer}, type2)
    columns = {key: np.concatenate([t[key] for t in tables]) for key in tables[0]}
    write_parquet(examples_path, columns)
    rows = list(walk_rows(network, walks))
    write_parquet(trace_path, {key: [row[key] for row in rows] for key in rows[0]})


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        attack_sphere(
            model_path=run.input.model,
            examples_path=run.output.examples,
            trace_path=run.output.trace,
            spheres=Spheres(**run.params.spheres),
            **run.params.settings,
            device=run.device,
        )
