"""How fast is Algorithm 2, how near to what the machine can do, and what does a larger run cost?

Prints Markdown tables, asserts nothing. Rows that are compared are timed in turn, several rounds,
the best of each: a slow moment of the machine meets them all. Weights are random unless `--results`
gives a folder of attacks: speed does not depend on them. Settings: `attacks.paper` of quick,
with k above 0 from the start, so that every step has the gradient through decoder and f1.

The limit is the time of the convolutions and matrix products that a step cannot do without, each
alone, again and again on the same tensors: no caches to fill, no activations, no upsampling, no
losses, no Adam, no Python. What is left of a step to save lies between it and the engine.
"""

import argparse
import math
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
import yaml
from torch import nn

from typeone.attacks.criteria import KeepLabel, label_criterion, next_class
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae import attack
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.data.images import from_uint8, to_uint8
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.svae import DigitSVAE
from typeone.runtime.artifacts import read_parquet
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import compute_device, seeded
from typeone.workflow.settings import layers

ROOT = Path(__file__).parents[2]
K_START = 1e-3  # the largest that III-C allows


def settings_of(entry):
    """Settings of Algorithm 2 from an entry of `attacks`."""
    known = {field.name for field in fields(SvaeAttackSettings)}
    return SvaeAttackSettings(**{name: entry[name] for name in known & entry.keys()})


def quick_paper():
    """`attacks.paper` of preset quick."""
    return settings_of(layers.of_files(ROOT)["attacks"]["paper"])


def attacked_by_paper(f1, svae, images, labels, **settings):
    """Images ``(N, C, H, W)`` of `paper` of quick on ``images``; ``settings`` replace its own."""
    rows, _ = attack_shard(
        *(svae, images, labels, replace(quick_paper(), **settings)),
        keep=label_criterion(f1, []),
        chunk=64,
    )
    return from_uint8(rows["adversarial_image"], images.device)


def paper_settings(steps):
    """`attacks.paper` for ``steps`` steps, with the decoder's gradient from the first on."""
    return replace(quick_paper(), steps=steps, k_start=K_START, patience=None)


def problem(examples, device, architecture="mlp"):
    """A random SVAE, a random classifier, latents and labels."""
    generator = seeded(0)
    svae, f1 = DigitSVAE(), build_classifier(architecture)
    svae.reset_parameters(generator)
    reset_parameters(f1, generator)
    for network in (svae, f1):
        network.to(device).eval().requires_grad_(False)
    latent = torch.randn(examples, svae.latent_dim, generator=generator).to(device)
    labels = torch.randint(10, (examples,), generator=generator).to(device)
    return svae, f1, latent, labels


def engine(svae, f1, latent, labels, settings, checkpoint=None):
    """The attack of this repository."""
    keep = KeepLabel(f1, labels)
    return attack(svae, latent, next_class(labels), settings, keep=keep, checkpoint=checkpoint)


def plain_eager(svae, f1, latent, labels, settings):
    """Algorithm 2 as one would write it down: a loop, autograd, torch's Adam (beta: Eq. 11)."""
    target = next_class(labels)
    z = latent.clone().requires_grad_(True)
    k = torch.full((len(z),), settings.k_start, device=z.device)
    adam = torch.optim.Adam([z], lr=settings.lr, betas=(0.9, settings.beta2))
    for _ in range(settings.steps):
        j1 = F.cross_entropy(f1(svae.decode(z)), labels, reduction="none")
        j2 = F.cross_entropy(svae.classify(z), target, reduction="none")
        penalty = 1 - torch.sigmoid(svae.discriminate(z))
        loss = j2 + k * j1 + settings.alpha * penalty + settings.gamma * z.norm(dim=1)
        adam.zero_grad()
        loss.sum().backward()
        adam.step()
        hinge = (j1.detach() - settings.target_loss).clamp_min(0)
        k = (k + settings.eta * hinge).clamp(0, settings.k_max)
    return svae.decode(z.detach())


def pgd(f1, images, labels, steps):
    """foolbox's PGD: as many gradients of f1, without a decoder."""
    import foolbox  # here, for the benchmark of a GPU does without it

    model = foolbox.PyTorchModel(f1, bounds=(0, 1), device=images.device)
    method = foolbox.attacks.LinfProjectedGradientDescentAttack(
        steps=steps, abs_stepsize=0.02, random_start=False
    )
    return method(model, images, labels, epsilons=0.3)


def seconds(call, device):
    """Wall time of ``call()``, what it left in the queue of a GPU included."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    begun = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def best_in_turn(calls, rounds, device):
    """Name → fewest seconds of each of ``calls`` (name → call), after one round to warm up."""
    best = dict.fromkeys(calls, math.inf)
    for number in range(rounds + 1):
        for name, call in calls.items():
            taken = seconds(call, device)
            if number:
                best[name] = min(best[name], taken)
    return best


def products_of_a_step(svae, f1, latent):
    """Name → (call, FLOP): every convolution and matrix product of a step, each way, at work.

    Forward and the gradient of the input; weights get none. Tensors have the layout that they have
    in the networks.
    """
    seen = []

    def remember(layer, inputs, output):
        seen.append((layer, inputs[0].clone(), torch.randn_like(output)))

    layers = [m for m in (*svae.modules(), *f1.modules()) if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(remember) for layer in layers]
    with torch.no_grad():
        f1(svae.decode(latent)), svae.classify(latent), svae.discriminate(latent)
    for hook in hooks:
        hook.remove()
    found = {}
    for number, (layer, x, gradient) in enumerate(seen):
        flop = 2 * gradient.numel() * layer.weight[0].numel()
        name = f"{number} {layer}"
        found[f"{name} forward"] = (lambda f=_forward, a=(layer, x): f(*a), flop)
        found[f"{name} gradient"] = (lambda f=_gradient, a=(layer, x, gradient): f(*a), flop)
    return found


def _forward(layer, x):
    if isinstance(layer, nn.Linear):
        return F.linear(x, layer.weight, layer.bias)
    return F.conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding)


def _gradient(layer, x, gradient):
    """Of the input only."""
    if isinstance(layer, nn.Linear):
        return gradient @ layer.weight
    how = (layer.stride, layer.padding, layer.dilation, False, [0, 0], layer.groups)
    backward = torch.ops.aten.convolution_backward
    return backward(gradient, x, layer.weight, None, *how, [True, False, False])[0]


class Limit:
    """The least time of a step's products at one chunk, over all calls of `measure`.

    On a GPU many calls are started as one: what counts is the work.
    """

    def __init__(self, svae, f1, latent):
        self.products, self.device = products_of_a_step(svae, f1, latent), latent.device
        self.best = dict.fromkeys(self.products, math.inf)

    @torch.no_grad()
    def measure(self, repeats):
        queued = 20 if self.device.type == "cuda" else 1
        for name, (call, _) in self.products.items():
            call()
            run = self.captured(call, queued) if self.device.type == "cuda" else call
            for _ in range(repeats):
                self.best[name] = min(self.best[name], seconds(run, self.device) / queued)

    @staticmethod
    def captured(call, times):
        """``call`` so many times as one CUDA graph: started by Python, small ones would wait."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(times):
                call()
        return graph.replay

    @property
    def step(self):
        """Seconds."""
        return sum(self.best.values())

    def fastest(self):
        """(name, GFLOP/s, share of the step's time) of the largest convolution, each way."""
        most = max(flop for _, flop in self.products.values())
        return [
            (name.split(" ", 1)[1], most / self.best[name] / 1e9, self.best[name] / self.step)
            for name, (_, flop) in self.products.items()
            if flop == most
        ][:2]


def table(title, head, rows):
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)


def processor():
    """The CPU's name."""
    names = [
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


def show_machine(options, device):
    name = torch.cuda.get_device_name() if device.type == "cuda" else processor()
    a = torch.randn(1024, 1024, device=device)
    matmul = best_in_turn({"matmul": lambda: a @ a}, 3 if options.quick else 15, device)["matmul"]
    print(f"{name}, {options.threads} threads, torch {torch.__version__};", end=" ")
    print(f"1024 x 1024 matmul {2 * 1024**3 / matmul / 1e9:.0f} GFLOP/s")


def show_throughput(options, device):
    """One image at a time, a plain batch, the engine, PGD; against the machine's limit."""
    steps, rounds = (3, 1) if options.quick else (options.steps, options.rounds)
    svae, f1, latent, labels = problem(max(options.chunks), device)
    with torch.no_grad():
        images = svae.decode(latent)
    settings = paper_settings(steps)
    calls, chunks = {}, [1, *options.chunks]
    limits = {n: Limit(svae, f1, latent[:n]) for n in chunks}
    for n in chunks:
        z, y, x = latent[:n], labels[:n], images[:n]
        plain = "one image at a time" if n == 1 else f"plain eager, chunk {n}"
        calls[plain, n] = lambda z=z, y=y: plain_eager(svae, f1, z, y, settings)
        if n > 1:
            calls[f"this engine, chunk {n}", n] = lambda z=z, y=y: engine(svae, f1, z, y, settings)
            calls[f"foolbox PGD on f1, chunk {n}", n] = lambda x=x, y=y: pgd(f1, x, y, steps)
        calls["limit", n] = lambda n=n: limits[n].measure(3 if options.quick else 20)
    best = best_in_turn(calls, rounds, device)
    single = best["one image at a time", 1] / steps
    rows = []
    for (name, n), taken in sorted(best.items(), key=lambda item: item[0][0] != "limit"):
        step = limits[n].step if name == "limit" else taken / steps
        ratio, share = f"{single * n / step:.2f}", f"{limits[n].step / step:.0%}"
        if "foolbox" in name:  # other work
            ratio = share = ""
        name = f"limit, chunk {n}" if name == "limit" else name
        rows.append((name, f"{n / step:,.0f}", f"{step / n * 1e6:.0f}", ratio, share))
    head = ("Algorithm 2 on the MLP", "sample-steps/s", "us each", "ratio to one image", "of limit")
    table(f"Best of {rounds} rounds of {steps} steps", head, rows)
    convolutions = [(n, *row) for n, limit in limits.items() for row in limit.fastest()]
    table(
        "The largest convolution",
        ("chunk", "layer", "GFLOP/s", "of the limit's time"),
        [
            (n, f"`{name}`", f"{speed:.0f}", f"{share:.0%}")
            for n, name, speed, share in convolutions
        ],
    )


def show_chunks(options, device):
    steps, rounds = (lambda n: 2, 1) if options.quick else (lambda n: max(8, 1024 // n), 4)
    sizes = (1, 8, 32) if options.quick else (1, 8, 16, 32, 64, 128)
    sizes += (500, 2000) if device.type == "cuda" else ()
    svae, f1, latent, labels = problem(max(sizes), device)
    calls = {
        n: lambda n=n: engine(svae, f1, latent[:n], labels[:n], paper_settings(steps(n)))
        for n in sizes
    }
    best = best_in_turn(calls, rounds, device)
    each = {n: taken / (n * steps(n)) for n, taken in best.items()}
    least = min(each.values())
    rows = [(n, f"{one * 1e6:.0f}", f"{one / least:.2f}") for n, one in each.items()]
    table("The engine by chunk", ("chunk", "us a sample-step", "ratio to best"), rows)


class Clocked(Checkpoint):
    """A sidecar that knows how many seconds each save took."""

    taken: ClassVar[list[float]] = []

    def save(self, tensors, state):
        begun = time.perf_counter()
        super().save(tensors, state)
        self.taken.append(time.perf_counter() - begun)


def show_saving(options, device):
    """What surviving a kill costs: as jobs save, every half minute and when a batch ends."""
    steps, rounds = (3, 1) if options.quick else (options.steps, options.rounds)
    chunk = max(options.chunks)
    svae, f1, latent, labels = problem(chunk, device)
    settings = paper_settings(steps)

    def saving(folder, interval):
        shutil.rmtree(folder, ignore_errors=True)  # of the round before
        checkpoint = Clocked(folder, "d", interval=interval)
        engine(svae, f1, latent, labels, settings, checkpoint)

    with tempfile.TemporaryDirectory() as folder:
        calls = {
            "no sidecar": lambda: engine(svae, f1, latent, labels, settings),
            "saved as jobs do": lambda: saving(f"{folder}/seldom", 30),
            "saved at every step": lambda: saving(f"{folder}/often", 0),
        }
        best = best_in_turn(calls, rounds, device)
    plain = best["no sidecar"]
    rows = [(name, f"{s / steps * 1e3:.2f}", f"{s / plain:.3f}") for name, s in best.items()]
    head = (f"Surviving a kill, chunk {chunk}", "ms a step", "ratio to none")
    table(f"Best of {rounds} rounds of {steps} steps", head, rows)
    save = sum(Clocked.taken) / len(Clocked.taken)
    print(f"\nOne save: {save * 1e3:.2f} ms, {save / 30:.4%} of the half minute between two")


def attack_many(examples, chunk, steps, device):
    """Attack as `scripts/attack_svae.py` does, keep what it keeps; print seconds, peak memory."""
    svae, f1, latent, labels = problem(examples, device)
    settings, kept = paper_settings(steps), []
    engine(svae, f1, latent[:chunk], labels[:chunk], replace(settings, steps=1))
    begun = time.perf_counter()
    for z, y in zip(latent.split(chunk), labels.split(chunk), strict=True):
        result = engine(svae, f1, z, y, settings)
        kept.append((to_uint8(result.images).cpu(), result.latent_end.cpu()))
    taken = time.perf_counter() - begun
    on_gpu = torch.cuda.max_memory_allocated() if device.type == "cuda" else 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux: kB
    print(taken, peak, on_gpu / 2**20)


def in_a_process(options, examples, steps, *more):
    """Numbers that `attack_many` prints in a process of its own: seconds, MB, MB on the GPU."""
    command = [sys.executable, __file__, "--threads", str(options.threads)]
    command += ["--many", str(examples), "--many-steps", str(steps), *more]
    command += ["--chunks", str(options.chunks[0]), *(["--gpu"] if options.gpu else [])]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [float(word) for word in printed.split()]


def show_many(options, device):
    counts, steps = ((20, 200), 1) if options.quick else ((100, 1_000, 10_000), options.many_steps)
    chunk, first, rows = options.chunks[0], None, []
    for examples in counts:
        taken, *peaks = in_a_process(options, examples, steps)
        first = first or taken / examples
        memory = [f"{peak:.0f}" for peak in peaks[: 2 if device.type == "cuda" else 1]]
        rows.append((f"{examples:,}", f"{taken:.1f}", f"{taken / examples / first:.2f}", *memory))
    head = ("examples", "seconds", f"an example, ratio to {counts[0]}", "peak memory, MB")
    head += ("on the GPU, MB",) if device.type == "cuda" else ()
    table(f"More examples, {steps} steps each in chunks of {chunk}, a process each", head, rows)


def show_allocator(options):
    """Freed memory kept, as `compute_device` asks of glibc, or handed back as glibc would."""
    n = options.chunks[0]
    steps, rounds = (1, 1) if options.quick else (40, 3)
    ways, best = {"kept": (), "handed back": ("--hand-back",)}, {}
    for _ in range(rounds):
        for way, more in ways.items():
            taken, peak, _ = in_a_process(options, 2 * n, steps, *more)
            best[way] = min(best.get(way, (math.inf,)), (taken, peak))
    rows = [
        (
            way,
            f"{taken / (2 * n * steps) * 1e6:.0f}",
            f"{taken / best['kept'][0]:.2f}",
            f"{peak:.0f}",
        )
        for way, (taken, peak) in best.items()
    ]
    head = ("freed memory", "us a sample-step", "ratio", "peak memory, MB")
    table(f"What becomes of freed memory, chunk {n}", head, rows)


def show_skip(options, device):
    """k at 0 throughout (J1 evaluated, no gradient) and k above 0 throughout."""
    n, steps, rounds = options.chunks[0], *((2, 1) if options.quick else (40, 4))
    svae, f1, latent, labels = problem(n, device)
    calls = {
        k: lambda k=k: engine(
            svae, f1, latent, labels, replace(paper_settings(steps), k_start=k, eta=0.0)
        )
        for k in (0.0, K_START)
    }
    best = best_in_turn(calls, rounds, device)
    rows = [
        (k, f"{taken / (n * steps) * 1e6:.0f}", f"{taken / best[K_START]:.2f}")
        for k, taken in best.items()
    ]
    table(f"While all k are 0, chunk {n}", ("k", "us a sample-step", "ratio"), rows)


def show_convergence(results):
    """What leaving early saves: steps made, of those allowed, by the attacks that were run."""
    if results is None:
        print("\nWhat convergence saves: not shown, needs `--results` (a folder of attacks)")
        return
    config, rows = yaml.safe_load((results / "config.yaml").read_text()), []
    for name, entry in config["attacks"].items():
        if entry["kind"] != "svae" or not entry["steps"]:
            continue
        patience = entry["patience"] if entry["patience"] is not None else "none"
        for path in sorted(results.glob(f"mnist/attacks/{name}/*/seed*/examples.parquet")):
            made = read_parquet(path, columns=["steps"])["steps"]
            mean, limit = made.mean(), entry["steps"]
            where = " ".join(path.parts[-3:-1])
            rows.append(
                (name, where, len(made), patience, f"{mean:.0f}", limit, f"{mean / limit:.2f}")
            )
    if not rows:
        print(f"\nWhat convergence saves: {results} holds no examples of Algorithm 2 yet")
        return
    head = ("attack", "target", "examples", "patience", "mean steps", "allowed", "ratio")
    table(f"Steps that examples made, {results}", head, rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--chunks", "--chunk", type=int, nargs="+", default=[32, 64], metavar="N")
    parser.add_argument("--steps", type=int, default=40, help="of the first table")
    parser.add_argument("--rounds", type=int, default=6, help="of the first table")
    parser.add_argument("--many-steps", type=int, default=10, help="of 100, 1,000, 10,000 examples")
    parser.add_argument("--results", type=Path, help="a results folder: trained networks")
    parser.add_argument("--quick", action="store_true", help="does it run? numbers mean nothing")
    parser.add_argument("--many", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--hand-back", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hand_back:  # all that counts of `compute_device` on a CPU, but not its allocator
        torch.set_num_threads(options.threads)
        device = torch.device("cpu")
    else:
        device = compute_device(options.threads, gpu=options.gpu)
    if options.many:
        attack_many(options.many, options.chunks[0], options.many_steps, device)
        sys.exit()
    show_machine(options, device)
    show_throughput(options, device)
    show_chunks(options, device)
    show_skip(options, device)
    show_saving(options, device)
    if device.type == "cpu":
        show_allocator(options)
    show_many(options, device)
    show_convergence(options.results)
