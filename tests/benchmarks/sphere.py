"""What does a step of the quadratic network cost (II-B), in closed form and by autograd?

Both draw the same samples in the same chunks and take the same steps of Adam; rounds of either take
turns, and the best of each counts. Prints one table.
"""

import argparse
import time

import torch
import torch.nn.functional as F

from typeone.runtime.devices import compute_device, seeded
from typeone.theory.quadratic import CHUNK, QuadraticNetwork, SphereTraining, train_quadratic
from typeone.theory.spheres import Spheres, sample_sphere

SPHERES = Spheres(dim=100, inner=0.8, outer=1.0)
BATCH, LR, BETAS = 64, 0.03, (0.9, 0.99)


def fresh():
    """An untrained network of 90 units, the same at every call."""
    network = QuadraticNetwork(SPHERES.dim, 90)
    network.reset(SPHERES, seeded(0))
    return network


def closed_form(network, steps):
    settings = SphereTraining(
        **{"steps": steps, "batch_size": BATCH, "lr": LR, "beta1": BETAS[0], "beta2": BETAS[1]},
        schedule="constant",
        curve_every=steps,
    )
    train_quadratic(network, SPHERES, settings, generator=seeded(1), name="benchmark")


def autograd(network, steps):
    optimizer = torch.optim.Adam(network.parameters(), lr=LR, betas=BETAS)
    generator = seeded(1)
    outer = torch.arange(BATCH) >= BATCH // 2
    radii = torch.where(outer, SPHERES.outer, SPHERES.inner)[:, None]
    for begun in range(0, steps, CHUNK):
        count = min(CHUNK, steps - begun)
        draws = sample_sphere(count * BATCH, SPHERES.dim, 1.0, generator, dtype=torch.float32)
        for points in draws.view(count, BATCH, SPHERES.dim) * radii:
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(network(points), outer.float()).backward()
            optimizer.step()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3000, help="steps of one round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    compute_device(threads=1)
    ways = {"autograd, torch.optim.Adam": autograd, "closed form (this project)": closed_form}
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(options.rounds):
        for name, way in ways.items():
            network = fresh()
            begun = time.perf_counter()
            way(network, options.steps)
            best[name] = min(best[name], (time.perf_counter() - begun) / options.steps)
    slowest = max(best.values())
    print("| a step of 64 points | ms | ratio |")
    print("|---|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {1000 * seconds:.3f} | {slowest / seconds:.2f} |")
