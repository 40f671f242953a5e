"""How large should a batch of Algorithm 2 be, and does memory grow with the number of examples?

Prints the time of a sample-step (decoder, f1, input gradient, Adam) by chunk size, as a ratio to
the best of the same run, then the peak memory of 100, 1,000 and 10,000 examples in chunks of 32.
Weights are random: speed does not depend on them.
"""

import argparse
import resource
import subprocess
import sys
import time

import torch

from typeone.attacks.svae import SvaeAttackSettings, attack
from typeone.criteria import KeepLabel, next_class
from typeone.devices import compute_device, seeded
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.svae import SupervisedVAE


def problem(examples, device):
    """A random SVAE, a random MLP, latents and labels."""
    generator = seeded(0)
    svae, f1 = SupervisedVAE(), build_classifier("mlp")
    svae.reset_parameters(generator)
    reset_parameters(f1, generator)
    for network in (svae, f1):
        network.to(device).eval().requires_grad_(False)
    latent = torch.randn(examples, 32, generator=generator).to(device)
    labels = torch.randint(10, (examples,), generator=generator).to(device)
    return svae, f1, latent, labels


def run(examples, chunk, steps, device):
    """Seconds of a whole attack."""
    svae, f1, latent, labels = problem(examples, device)
    settings = SvaeAttackSettings(
        **{"steps": steps, "lr": 0.02, "beta2": 0.98, "alpha": 0.01, "gamma": 1e-4, "eta": 1e-4},
        **{"beta": "ratio", "target_loss": 0.01, "k_max": 1e-3, "manifold": "probability"},
        patience=None,
    )
    begun = time.perf_counter()
    for z, y in zip(latent.split(chunk), labels.split(chunk), strict=True):
        attack(svae, z, next_class(y), settings, keep=KeepLabel(f1, y))
    return time.perf_counter() - begun


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    device = compute_device(options.threads, gpu=options.gpu)
    if options.memory_of:
        run(options.memory_of, 32, 2, device)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        sys.exit()
    run(32, 32, 5, device)
    times = {}
    for _ in range(3):  # in turn, so that a slow moment of the machine meets every size
        for chunk in (1, 8, 16, 32, 64, 128, 256, 512):
            steps = max(4, 512 // chunk)
            seconds = run(chunk, chunk, steps, device) / (chunk * steps)
            times[chunk] = min(seconds, times.get(chunk, seconds))
    best = min(times.values())
    print(
        f"device {device}, {options.threads} threads\n| chunk | us a sample-step | ratio to best |"
    )
    print("|---|---|---|")
    for chunk, seconds in times.items():
        print(f"| {chunk} | {seconds * 1e6:.0f} | {seconds / best:.2f} |")
    print("\n| examples | peak memory, MB |\n|---|---|")
    for examples in (100, 1_000, 10_000):
        command = [sys.executable, __file__, "--memory-of", str(examples)]
        peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"| {examples} | {float(peak):.0f} |")
