"""Fig. 9 in numbers: FaceNet's distances of both ends, and how often it takes strangers for one.

A low distance alone proves little where two faces of the same generator that have nothing to do
with each other are as near: the baseline that the paper lacks.
"""

import math
from itertools import combinations

import pandas as pd
import torch

from typeone.data.images import to_uint8
from typeone.evaluation.intervals import Rate, mean_interval, rate
from typeone.evaluation.measurements import measurement
from typeone.models.face_generators import load_face_generator
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import read_parquet, write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger


def single(value):
    """One number, of which there is no interval."""
    return Rate(float(value), math.nan, math.nan, 1)


@torch.no_grad()
def strangers(gan, recognizer, generator, *, count, device):
    """Distances of all pairs among ``count`` faces of latents drawn anew, and of their latents."""
    latent = torch.randn(count, gan.latent_dim, generator=generator, device=device)
    stored = [to_uint8(gan(z[None])).float() / 255 for z in latent]
    embeddings = torch.cat([recognizer(image) for image in stored])
    first, second = torch.tensor(list(combinations(range(count), 2))).T
    apart = (
        (values[first] - values[second]).norm(dim=1).cpu().numpy()
        for values in (embeddings, latent)
    )
    return tuple(apart)


def evaluate_stylegan(
    *,
    example_paths,
    generator_path,
    recognizer_path,
    measurements_path,
    published_rows,
    name,
    threshold,
    strangers_count,
    seed,
    preset,
    device,
):
    """Write the measurements; ``example_paths``: one a row, from row 1 on."""
    rows = pd.concat([read_parquet(path).frame() for path in example_paths])
    gan = load_face_generator(generator_path, device)
    recognizer = load_recognizer(recognizer_path, device)
    apart, latent_apart = strangers(
        gan, recognizer, seeded(seed, device), count=strangers_count, device=device
    )
    of = {"seed": seed}
    ran = f"{len(rows)} of {published_rows} rows run"
    found = []
    for row in range(1, published_rows + 1):
        mine = rows[rows["row"] == row]
        done = len(mine) > 0
        found.append(
            measurement(
                f"fig9.distance.{row}",
                single(mine["distance"].iloc[0]) if done else Rate(*[math.nan] * 3, 0),
                description=f"FaceNet's distance of the ends of row {row}, {name}",
                unit="L2",
                note=f"{name} for StyleGAN, {ran}"
                if done
                else f"{preset} attacks {len(rows)} of {published_rows} rows",
                **of,
            )
        )
    pairs = f"all pairs of {strangers_count} faces drawn anew; they share faces, so that the "
    pairs += "interval is too narrow"
    found += [
        measurement(
            "beyond.fig9.far",
            rate(rows["hinge"].to_numpy() <= 0),
            description=f"Eq. 13 on {name}: z' as far as it should be",
            note=ran,
            **of,
        ),
        measurement(
            "beyond.fig9.latent_distance",
            mean_interval(rows["latent_distance"].to_numpy()),
            description=f"Eq. 13 on {name}: ||z' - z||",
            unit="L2",
            note=ran,
            **of,
        ),
        measurement(
            "beyond.fig9.strangers.distance",
            mean_interval(apart),
            description=f"FaceNet's distance of two faces of {name} at random",
            unit="L2",
            note=pairs,
            **of,
        ),
        measurement(
            "beyond.fig9.strangers.same",
            rate(apart <= threshold),
            description=f"two faces of {name} at random are one person to FaceNet, {threshold}",
            note=pairs,
            **of,
        ),
        measurement(
            "beyond.fig9.strangers.latent_distance",
            mean_interval(latent_apart),
            description=f"||z' - z|| of two faces of {name} at random",
            unit="L2",
            note=pairs,
            **of,
        ),
    ]
    for row in found:
        logger.info("%s: %.3f", row["id"], row["value"])
    write_rows(measurements_path, found)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run:
        evaluate_stylegan(
            example_paths=run.input.examples,
            generator_path=run.input.generator,
            recognizer_path=run.input.recognizer,
            measurements_path=run.output.measurements,
            **run.params.settings,
            device=run.device,
        )
