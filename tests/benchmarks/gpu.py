"""Measure attacks and trainings on this machine's GPU, and the hours of preset `paper` there.

Prints Markdown tables with the card's name, asserts nothing. Weights and images are random: speed
does not depend on them. A section for which no time is left says so. On the CPU, `--small` shows
that it runs.

"Limit" is the time of the convolutions and matrix products that a step cannot do without, each
alone on the same tensors (`attack.Limit`): no activations, no upsampling, no losses, no Adam, no
Python.
"""

import argparse
import math
import platform
import sys
import time
import traceback
from dataclasses import replace

import torch
from attack import K_START, Limit, engine, paper_settings, plain_eager, problem, seconds, table
from paper_hours import CELEBA, DIGITS, TARGETS, show_paper_hours
from torch import nn

from typeone.attacks import descent
from typeone.attacks.criteria import KeepIdentity, KeepLabel, next_class
from typeone.attacks.frames import Followed
from typeone.attacks.latent import LatentAttackSettings
from typeone.attacks.latent import attack as latent_attack
from typeone.attacks.svae import attack
from typeone.models.acgan import AuxiliaryGAN
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.recognizers import Recognizer
from typeone.models.resampling import interpolation_matrix, resize_by_products
from typeone.models.style_generator import StyleGenerator
from typeone.models.svae import DigitSVAE, FaceSVAE
from typeone.runtime.devices import compute_device, seeded
from typeone.training import steps as training_steps
from typeone.training.loop import TrainingSettings, train
from typeone.training.objectives.acgan import acgan
from typeone.training.objectives.classification import classification
from typeone.training.objectives.svae import svae_stage1, svae_stage2


class Sizes:
    """What is measured: full on a GPU, small to see that it runs."""

    def __init__(self, small):
        self.small = small
        self.batches = (2, 4) if small else (64, 512, 4096)
        self.rounds = 1 if small else 2
        self.faces = 2 if small else 64
        self.attacked_faces = 2 if small else 100
        self.width = 1 / 32 if small else 1.0
        self.latent_dim = 8 if small else 1024
        self.training_steps = 2 if small else 100

    def steps(self, n, *, fast=False):
        """Lengths of a short and a long walk of ``n`` examples; their difference is measured.

        ``fast``: of steps that take less than a millisecond.
        """
        if self.small:
            return 0, 4
        if n > 1000:
            return 10, 50
        return (20, 620) if fast else (20, 220)


class Clock:
    """Whether there is time for another section."""

    def __init__(self, limit):
        self.end = time.monotonic() + limit

    def allows(self, title):
        if time.monotonic() < self.end:
            return True
        print(f"\n{title}: not measured, the time given is over", flush=True)
        return False


def a_step(make, sizes, n, device, *, fast=False):
    """Seconds of one step: what a long walk takes more than a short one, the least of the rounds.

    ``make``: from a number of steps to a call that makes them. What a walk costs once, a recording
    for instance, falls out.
    """
    short, long = sizes.steps(n, fast=fast)
    calls = {steps: make(steps) for steps in (short, long)}
    calls[short]()  # libraries load
    best = dict.fromkeys(calls, math.inf)
    for _ in range(sizes.rounds):
        for steps, call in calls.items():
            best[steps] = min(best[steps], seconds(call, device))
    more = best[long] - best[short]
    return more / (long - short) if more > 0 else best[long] / long  # a busy machine


def without_graphs(call, module=descent):
    """``call`` with kernels started one by one; ``module``: of the attack's or training's loop."""

    def plain():
        real, module.graphs_on = module.graphs_on, lambda *_: None
        try:
            return call()
        finally:
            module.graphs_on = real

    return plain


def bandwidth(device):
    """Bytes a second of a copy, read and written."""
    x = torch.empty(2**20 if device.type == "cpu" else 2**28, device=device)
    y = torch.empty_like(x)
    y.copy_(x)
    taken = min(seconds(lambda: y.copy_(x), device) for _ in range(5))
    return 2 * x.numel() * x.element_size() / taken


def show_machine(device):
    size = 256 if device.type == "cpu" else 8192
    a = torch.randn(size, size, device=device)
    a @ a
    product = 2 * size**3 / min(seconds(lambda: a @ a, device) for _ in range(5))
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(
        f"{name}, torch {torch.__version__}, Python {platform.python_version()}: float32 products "
        f"{product / 1e12:.2f} TFLOP/s, copies {bandwidth(device) / 1e12:.2f} TB/s"
    )


def show_algorithm2(sizes, device, measured, clock, targets):
    """One image at a time, batches as one would write them, and the engine, against the limit."""
    peak = torch.cuda.max_memory_allocated if device.type == "cuda" else lambda: 0
    for target in targets:
        if not clock.allows(f"Algorithm 2 on the {target}"):
            continue
        rows = []
        svae, f1, latent, labels = problem(max(sizes.batches), device, target)

        def walk(way, n, problem=(svae, f1, latent, labels)):
            svae, f1, z, y = problem
            return lambda steps: lambda: way(svae, f1, z[:n], y[:n], paper_settings(steps))

        single = a_step(walk(plain_eager, 1), sizes, 1, device)
        measured["one image", target] = single
        rows.append((target, "one image at a time", 1, f"{1 / single:,.0f}", "1", "", ""))
        for n in sizes.batches:
            limit = Limit(svae, f1, latent[:n])
            limit.measure(3)
            least = limit.step
            del limit  # its tensors would count as the engine's memory
            ways = {
                "plain batch": walk(plain_eager, n),
                "engine, no graph": lambda s, n=n: without_graphs(walk(engine, n)(s)),
                "engine": walk(engine, n),
            }
            for way, make in ways.items():
                if device.type == "cuda":
                    torch.cuda.empty_cache()
                    torch.cuda.reset_peak_memory_stats()
                step = a_step(make, sizes, n, device, fast=way == "engine")
                measured[way, target, n] = step
                ratio, share = single * n / step, least / step
                numbers = (f"{n / step:,.0f}", f"{ratio:,.1f}", f"{share:.0%}")
                rows.append((target, way, n, *numbers, f"{peak() / 2**20:,.0f}"))
        head = (
            "f1",
            "way",
            "batch",
            "sample-steps/s",
            "ratio to one image",
            "of limit",
            "peak, MB",
        )
        table(f"Algorithm 2 on the {target} (a step: forward, gradient, Adam)", head, rows)
    n, goal = sizes.batches[1], 500
    if ("engine", "mlp", n) in measured:
        step = measured["engine", "mlp", n]
        print(
            f"\n{goal} digits x 20,000 steps on the MLP, by these: {step * 20_000:.0f} s in one "
            f"batch, {measured['one image', 'mlp'] * goal * 20_000 / 3600:.1f} h one at a time: "
            f"{measured['one image', 'mlp'] * goal / step:,.0f} times as long",
            flush=True,
        )


def show_doubling(sizes, device):
    """The decoder's second bilinear doubling with its gradient: three ways that PyTorch offers."""
    rows, weights = [], interpolation_matrix(14, 28, device=device)
    native = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)

    def timed(double, x, deterministic):
        before = torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
        upstream = torch.randn(len(x), 32, 28, 28, device=device)
        upstream = upstream.contiguous(memory_format=torch.channels_last)

        def call():
            for _ in range(10):
                torch.autograd.grad(double(x), x, upstream)

        call()
        taken = min(seconds(call, device) for _ in range(3)) / 10
        torch.use_deterministic_algorithms(before, warn_only=True)
        return taken

    for n in sizes.batches[1:]:
        x = torch.randn(n, 32, 14, 14, device=device).contiguous(memory_format=torch.channels_last)
        x.requires_grad_(True)
        ways = {
            "PyTorch's, atomic additions": (native, False),
            "PyTorch's, deterministic": (native, True),
            "products (this library)": (lambda x: resize_by_products(x, weights, weights), True),
        }
        times = {way: timed(double, x, exact) for way, (double, exact) in ways.items()}
        least = min(times.values())
        rows += [(way, n, f"{t * 1e3:.3f}", f"{t / least:.2f}") for way, t in times.items()]
    table("Doubling 14 x 14 x 32, forward and gradient", ("way", "batch", "ms", "ratio"), rows)


def trainings(sizes, device):
    """Name, network, objective, its generator, batch size and images of an epoch."""
    count = 2 * sizes.training_steps * 128
    labels = torch.arange(count, device=device) % 10
    digits = torch.rand(count, 1, 28, 28, device=device).round()
    generator = seeded(0, device)
    for target in TARGETS:
        network, batch = build_classifier(target), 128 if target == "cnn" else 64
        reset_parameters(network, seeded(0))
        network.to(device)
        yield target, network, classification(network, digits, labels), generator, batch, DIGITS
    svae = DigitSVAE()
    svae.reset_parameters(seeded(0))
    svae.to(device).discriminator.requires_grad_(False)
    stage1 = svae_stage1(svae, lambda rows: digits[rows], labels, generator, kl_warmup=0.0)
    yield "SVAE of digits, stage 1", svae, stage1, generator, 64, DIGITS
    second = DigitSVAE().to(device)
    second.requires_grad_(False).discriminator.requires_grad_(True)
    mu = torch.randn(count, 32, device=device)
    yield (
        "SVAE of digits, stage 2",
        second,
        svae_stage2(second, mu, mu.abs(), generator),
        generator,
        64,
        DIGITS,
    )
    gan = AuxiliaryGAN()
    gan.reset_parameters(seeded(0))
    gan.to(device)
    how = {"critic_steps": 5, "penalty_weight": 10.0, "classifier_weight": 1.0}
    players = acgan(gan, gan.generator, digits, labels, generator, average_decay=1.0, **how)
    yield "AC-GAN", gan, players, generator, 64, DIGITS
    faces = torch.rand(2 * sizes.faces, 3, 64, 64, device=device)
    third = FaceSVAE(latent_dim=sizes.latent_dim, width=sizes.width)
    third.reset_parameters(seeded(0))
    third.to(device).discriminator.requires_grad_(False)
    of_faces = svae_stage1(
        *(third, lambda rows: faces[rows % len(faces)], labels % 2, generator),
        kl_warmup=0.0,
        l2=1e-4,
    )
    yield "SVAE of faces, stage 1", third, of_faces, generator, min(64, sizes.faces), CELEBA


def show_trainings(sizes, device, measured, clock):
    """So many steps of the loop that jobs run, scaled to an epoch; without and with CUDA graphs."""
    rows = []
    for name, network, objective, generator, batch, images in trainings(sizes, device):
        if not clock.allows(f"Training of {name}"):
            continue
        count = sizes.training_steps

        how = {"name": name, "seed": 0, "generator": generator}

        def run(steps, network=network, objective=objective, batch=batch, how=how):
            settings = TrainingSettings(epochs=1, batch_size=batch, lr=2e-4, beta1=0.5)
            train(network, objective, count=steps * batch, settings=settings, **how)

        run(2)
        each = []
        for wrap in (lambda call: without_graphs(call, training_steps), lambda call: call):
            first, second = (seconds(wrap(lambda s=s: run(s)), device) for s in (count, 2 * count))
            each.append((second - first) / count if second > first else second / (2 * count))
        epoch = each[1] * (images // batch)
        measured["epoch", name] = epoch
        times = (f"{each[0] * 1e3:.2f}", f"{each[1] * 1e3:.2f}", f"{each[0] / each[1]:.1f}")
        rows.append((name, batch, f"{images:,}", *times, f"{epoch:.1f}"))
    head = ("network", "batch", "images", "ms a step, no graph", "ms a step", "ratio", "s an epoch")
    table("Training", head, rows)


def facenet(device):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Recognizer("inception_resnet_v1", preprocessing="fixed")
    return network.to(device).eval().requires_grad_(False)


def show_facenet(sizes, device, measured):
    """Forward, and the gradient that attacks ask for; TF32 as a user could allow it."""
    network, rows = facenet(device), []
    images = torch.rand(sizes.faces, 3, 64, 64, device=device)

    @torch.no_grad()
    def forward():
        network(images)

    def gradient():
        x = images.clone().requires_grad_(True)
        torch.autograd.grad(network(x).sum(), x)

    for tf32 in (False, True):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        for what, call in (("forward", forward), ("forward and input gradient", gradient)):
            call()
            taken = min(seconds(call, device) for _ in range(1 if sizes.faces < 64 else 5))
            measured["facenet", what, tf32] = taken / sizes.faces
            number = "TF32" if tf32 else "float32"
            rows.append((what, number, sizes.faces, f"{sizes.faces / taken:,.0f}"))
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    table("FaceNet, 64 x 64 enlarged to 160 x 160", ("what", "numbers", "batch", "faces/s"), rows)


def show_faces(sizes, device, measured):
    """Algorithm 2 on FaceNet, the authors' SVAE of faces; and a step of Fig. 9."""
    network, n = facenet(device), sizes.attacked_faces
    svae = FaceSVAE(latent_dim=sizes.latent_dim, width=sizes.width)
    svae.reset_parameters(seeded(0))
    svae.to(device).eval().requires_grad_(False)
    latent = torch.randn(n, svae.latent_dim, device=device)
    with torch.no_grad():
        keep = KeepIdentity(network, network(svae.decode(latent)), 1.242)
    targets = torch.arange(n, device=device) % 2

    def walk(steps):
        settings = replace(paper_settings(steps), target_loss=1.0)
        return lambda: attack(svae, latent, targets, settings, keep=keep)

    rows = []
    for way, make in (("engine, no graph", lambda s: without_graphs(walk(s))), ("engine", walk)):
        step = a_step(make, sizes, 2000, device)
        measured[way, "facenet", n] = step
        rows.append((f"Algorithm 2, {way}", n, f"{step * 1e3:.1f}", f"{n / step:,.0f}"))
    gan = StyleGenerator(latent_dim=512 if n > 2 else 8, channels=32 if n > 2 else 4)
    gan.reset_parameters(seeded(0))
    gan.to(device).eval().requires_grad_(False)
    z = torch.randn(1, gan.latent_dim, device=device)

    def followed(steps):
        settings = LatentAttackSettings(
            steps=steps, lr=0.01, k=1.0, epsilon=0.35, form="sm", jitter=0.0
        )
        with torch.no_grad():
            criterion = KeepIdentity(network, network(gan(z)), 1.242)
        kept = Followed(criterion, side=64)
        return lambda: latent_attack(
            lambda moved, _rows: gan(moved),
            *(z, settings),
            keep=kept,
            start=z + 0.001,
            carried={"frames": kept},
        )

    step = a_step(followed, sizes, 2000, device)
    measured["figure 9"] = step
    rows.append(
        ("Eq. 13, one face, every look kept (Fig. 9)", 1, f"{step * 1e3:.1f}", f"{1 / step:,.0f}")
    )
    table("Attacks on FaceNet", ("what", "batch", "ms a step", "sample-steps/s"), rows)
    print("Fig. 9 here: the pipeline's own generator at 64 x 64; MobileStyleGAN needs its weights.")


def show_ours(sizes, device, measured):
    """A step of variant `ours`, which also asks two attackers and the encoder: nine graphs."""
    n = sizes.batches[1]
    svae, f1, latent, labels = problem(n, device, "cnn")
    attackers = [build_classifier(name) for name in ("attacker_strided", "attacker_large")]
    for network in attackers:
        reset_parameters(network, seeded(0))
        network.to(device).eval().requires_grad_(False)
    extra = {"offset_lr": 0.05, "offset_weight": 0.5, "jitter": 1, "image_weight": 3.0}
    rows = []

    def walk(steps):
        settings = replace(paper_settings(steps), reencode_weight=1.0, **extra)
        keep = KeepLabel(f1, labels)
        return lambda: attack(
            svae, latent, next_class(labels), settings, keep=keep, attackers=attackers
        )

    for way, make in (("engine, no graph", lambda s: without_graphs(walk(s))), ("engine", walk)):
        # the short walk too is long enough for nine recordings
        step = a_step(lambda s, make=make: make(s + 40), sizes, n, device)
        measured[way, "ours", n] = step
        rows.append((way, n, f"{step * 1e3:.2f}", f"{n / step:,.0f}"))
    table("`ours` on the CNN, two attackers", ("way", "batch", "ms a step", "sample-steps/s"), rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="does it run? numbers mean nothing")
    parser.add_argument("--seconds", type=float, default=300, help="after which no section begins")
    parser.add_argument("--only", nargs="+", metavar="SECTION", help="titles; without it, all")
    options = parser.parse_args()
    device = compute_device(torch.get_num_threads(), gpu=True)
    sizes, clock, measured = Sizes(options.small), Clock(options.seconds), {}
    assert K_START > 0  # every step has the gradient through decoder and f1
    show_machine(device)
    if options.small:
        print("\nSmall sizes: this shows that it runs; the numbers mean nothing.")
    sections = {
        "Algorithm 2": lambda: show_algorithm2(sizes, device, measured, clock, TARGETS[:1]),
        "Training": lambda: show_trainings(sizes, device, measured, clock),
        "FaceNet": lambda: show_facenet(sizes, device, measured),
        "Attacks on FaceNet": lambda: show_faces(sizes, device, measured),
        "Variant `ours`": lambda: show_ours(sizes, device, measured),
        "Doubling": lambda: show_doubling(sizes, device),
        "Algorithm 2 on the others": lambda: show_algorithm2(
            sizes, device, measured, clock, TARGETS[1:]
        ),
    }
    if unknown := set(options.only or ()) - set(sections):
        parser.error(f"--only has {min(unknown)!r}; needs titles of {', '.join(sections)}")
    failed = False
    for title, show in sections.items():
        if options.only and title not in options.only:
            continue
        try:
            if clock.allows(title):
                show()
        except Exception:  # what a card was borrowed for is not lost with one section
            failed = True
            print(f"\n{title}: FAILED", flush=True)
            traceback.print_exc()
    show_paper_hours(measured, sizes.batches[1])
    sys.exit(failed)
