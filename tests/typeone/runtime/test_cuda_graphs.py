"""Steps that are recorded and replayed give what steps give, or are not recorded at all.

Here the CPU stands in for the GPU (`recording`); tests/gpu does the same on a card.
"""

import logging
from dataclasses import replace

import pytest
import torch
from torch import nn

from typeone.attacks import descent, latent, svae
from typeone.attacks.criteria import KeepIdentity, KeepLabel, KeepSqueezed
from typeone.attacks.svae import attack
from typeone.attacks.svae_walk import SvaeWalk
from typeone.detectors.squeezers import differentiable_squeezers
from typeone.models.classifiers import build_classifier, mlp
from typeone.models.density import DenseVAE
from typeone.models.recognizers import Recognizer
from typeone.models.svae import DigitSVAE, FaceSVAE
from typeone.runtime import cuda_graphs
from typeone.runtime.cuda_graphs import WARM_UP, GraphedStep, graphs_on
from typeone.runtime.host_reads import HostReads

from ..algorithm2 import F64, SETTINGS, batch_of_attacks
from ..recording import RecordedOnCpu

WALK = replace(SETTINGS, steps=30, lr=0.05, eta=0.1, target_loss=1.8, k_max=1.0)
LEAVING = replace(WALK, steps=60, patience=20, check_every=5)
OURS = replace(
    *(LEAVING,),
    **{"steps": 70, "offset_lr": 0.05, "offset_weight": 1.0, "reencode_weight": 0.5},
    **{"image_weight": 1.0, "image_target_loss": 2.4, "jitter": 1, "k_start": 0.2},
)
IN_TURN = replace(OURS, jitter=0, attackers_in_turn=True)
CONSTANT_BETA = replace(WALK, beta=0.001, manifold="log", k_driver="discriminator")


@pytest.fixture
def recorded(monkeypatch):
    """Attacks record their steps, as on a GPU; the value counts the replays so far."""
    monkeypatch.setattr(descent, "graphs_on", lambda device: RecordedOnCpu)
    monkeypatch.setattr(svae, "reads_cheaply", lambda device: False)
    monkeypatch.setattr(RecordedOnCpu, "replays", 0)
    return lambda: RecordedOnCpu.replays


def attacked(settings, *, keep=True, squeezed=False, n=5):
    network, f1, z, labels, targets = batch_of_attacks(n)
    views = differentiable_squeezers(bits=1, median=2)
    criterion = KeepSqueezed(f1, labels, views) if squeezed else KeepLabel(f1, labels)
    attackers = [f1] if settings.image_weight else []
    if settings.attackers_in_turn:
        attackers.append(lambda images: 0.5 * f1(images))
    return attack(
        *(network, z, targets, settings),
        keep=criterion if keep else None,
        attackers=attackers,
        follow=[0, 3],
        follow_every=7,
    )


def same(first, second):
    for name in ("images", "latent_end", "steps", "converged", "k"):
        torch.testing.assert_close(
            getattr(first, name), getattr(second, name), rtol=0, atol=1e-12, msg=name
        )
    assert len(first.trace) == len(second.trace) > 0
    for a, b in zip(first.trace, second.trace, strict=True):
        assert (a.step, a.example) == (b.step, b.example)
        numbers = [[p.j1, p.j2, p.penalty, p.k] for p in (a, b)]
        torch.testing.assert_close(*torch.tensor(numbers, dtype=F64), equal_nan=True)
        assert torch.equal(a.image, b.image)


@pytest.mark.parametrize(
    ("settings", "how"),
    [
        (WALK, {}),
        (LEAVING, {}),
        (CONSTANT_BETA, {}),
        (OURS, {}),
        (IN_TURN, {}),
        (WALK, {"squeezed": True}),
        (WALK, {"keep": False}),
    ],
    ids=["paper", "some leave", "constant beta", "ours", "in turn", "squeezed", "no f1"],
)
def test_an_attack_of_replays_is_the_attack(settings, how, request):
    """Rounding included: the same operations in the same order, J1's gradient times k = 0 aside."""
    plain = attacked(settings, **how)
    replays = request.getfixturevalue("recorded")
    again = attacked(settings, **how)
    # two graphs a step, the step of the recording twice
    least = settings.steps - 10 * WARM_UP if settings.jitter else settings.steps - 4 * WARM_UP
    assert replays() >= 2 * (least if settings.patience is None else 5)
    same(plain, again)


def test_latents_of_replays_are_those_of_steps(request):
    network, f1, z, labels, _ = batch_of_attacks(6)
    settings = latent.LatentAttackSettings(
        **{"steps": 40, "lr": 0.05, "k": 1.0, "epsilon": 0.3, "form": "sm", "jitter": 0.01},
        **{"patience": 20, "check_every": 5, "guide_weight": 0.5, "guide_target_loss": 2.3},
    )
    box = latent.BoxAttackSettings(steps=20, lr=0.05, epsilon=0.1, guide_weight=0.3)

    def decode(moved, rows):
        return network.decode(moved)

    def run():
        first = latent.attack(
            *(decode, z, settings),
            **{"keep": KeepLabel(f1, labels), "start": z + 0.01, "guide": f1},
            target_labels=(labels + 1) % 10,
        )
        return first, latent.attack_within_box(decode, z, labels, box, classifier=f1, guide=f1)

    plain = run()
    replays = request.getfixturevalue("recorded")
    for once, again in zip(plain, run(), strict=True):
        torch.testing.assert_close(once.latent_end, again.latent_end, rtol=0, atol=1e-12)
        assert torch.equal(once.steps, again.steps)
    assert replays() > 2 * 20
    assert (plain[1].latent_end - z).abs().max() <= 0.1 + 1e-12


class Waiting(nn.Sequential):
    """A classifier of somebody's that looks at its input in Python."""

    def forward(self, images):
        return super().forward(images / max(images.detach().max().item(), 1e-3))


class Forgetful(nn.Sequential):
    """One that is another network at every call."""

    calls = 0

    def forward(self, images):
        self.calls += 1
        return super().forward(images) * self.calls


@pytest.mark.parametrize(
    ("network", "reason"),
    [(Waiting, "_local_scalar_dense"), (Forgetful, "a replay gives other results than the step")],
)
def test_what_cannot_be_replayed_is_not(network, reason, recorded, caplog):
    svae_, _, z, labels, targets = batch_of_attacks()
    layers = [*mlp().to(F64)]
    f1 = network(*layers).eval()
    with caplog.at_level(logging.WARNING):
        attack(svae_, z, targets, WALK, keep=KeepLabel(f1, labels))
    assert recorded() <= 2  # those that found it out
    assert [r.message for r in caplog.records if reason in r.message]


def test_a_step_leaves_a_new_leaf_on_the_same_memory():
    """Autograd keeps the stream on which it first met a leaf; a capture has a stream of its own."""
    network, f1, z, labels, targets = batch_of_attacks()
    walk = SvaeWalk(network, z, OURS, None)
    for step in range(3):
        terms = svae._evaluate(walk, targets, OURS, KeepLabel(f1, labels), [f1], None, step)
        before = dict(walk.moving)
        walk.advance()
        walk.step(terms.objective)
        for name, value in walk.moving.items():
            assert value is not before[name]
            assert not value.requires_grad
            assert value.data_ptr() == before[name].data_ptr()


def test_where_examples_leave_all_the_time_nothing_is_recorded(recorded):
    """A recording costs some steps, which a batch that changes every few steps never gains."""
    value = torch.zeros(3)
    step = GraphedStep(lambda: [value], RecordedOnCpu, name="a loop")
    for number in range(1, 200):
        terms = step.evaluate("key", lambda: (value + 1,), lambda terms: value.copy_(terms[0]))
        step.update(terms, lambda terms: value.copy_(terms[0]))
        if number % 20 == 0:
            step.clear()
    assert recorded() <= 2 * 20
    assert value.tolist() == [199.0] * 3


def test_no_graph_on_the_cpu():
    assert graphs_on(torch.device("cpu")) is None


def test_a_failed_recording_leaves_the_state_and_goes_on(caplog):
    class Fails:
        def warm_up(self, compute):
            return compute()

        def record(self, compute):
            compute()
            raise RuntimeError("operation not permitted\nwhen stream is capturing")

        def replay(self):
            raise AssertionError

    value = torch.zeros(3)
    step = GraphedStep(lambda: [value], Fails, name="a loop")
    for _ in range(WARM_UP + 2):
        terms = step.evaluate("key", lambda: (value + 1,), lambda terms: value.copy_(terms[0]))
        step.update(terms, lambda terms: value.copy_(terms[0]))
    assert value.tolist() == [WARM_UP + 2] * 3
    assert "a loop runs without a CUDA graph, kernel by kernel" in caplog.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("work", "name"),
    [
        (lambda x: x.sum().item(), "aten._local_scalar_dense"),
        (lambda x: x[x > 0], "aten.index"),
        (lambda x: bool(x.any()), "aten._local_scalar_dense"),
        (lambda x: x.nonzero(), "aten.nonzero"),
    ],
)
def test_reading_a_value_is_noticed(work, name):
    with HostReads() as reads:
        work(torch.arange(4.0))
    assert name in reads.found


def test_computing_is_no_reading():
    x = torch.randn(4, 10, requires_grad=True)
    with HostReads() as reads:
        (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(x, torch.arange(4)), x)
        gradient[torch.tensor([1, 2])].clamp_(0, 1)
    assert reads.found == []


# ------------------------------------------------------------------ on a device without numbers


def faces():
    network = FaceSVAE(latent_dim=6, width=1 / 32, statistics="own").eval()
    f1 = Recognizer("face_cnn", preprocessing="fixed", settings={"channels": 2, "dim": 5}).eval()
    small = Recognizer(
        "face_cnn", preprocessing="whiten", side=60, settings={"channels": 2, "dim": 5}
    )
    return network, [f1, small.eval()]


@pytest.mark.parametrize("kind", ["paper", "ours", "squeezed", "no f1", "faces"])
def test_a_step_on_a_gpu_asks_nothing_of_the_host(kind):
    """Neither a value, which a meta tensor does not have, nor a tensor of the CPU."""
    ours = replace(OURS, density_weight=0.03, attackers_in_turn=True)
    settings = {"ours": ours, "faces": replace(WALK, offset_lr=0.1, detail=1.0)}.get(kind, WALK)
    network, recognizers = faces() if kind == "faces" else (DigitSVAE().eval(), [])
    f1, attacker = build_classifier("lenet"), build_classifier("attacker_strided")
    density = DenseVAE().eval()
    for module in (network, f1, attacker, density, *recognizers):
        module.to("meta").requires_grad_(False)
    with torch.device("meta"), HostReads() as reads:
        z = torch.randn(4, network.latent_dim)
        targets = torch.zeros(4, dtype=torch.int64)
        keeps = [KeepLabel(f1, targets)]
        if kind == "squeezed":
            keeps = [KeepSqueezed(f1, targets, differentiable_squeezers(bits=1, median=2))]
        if kind == "no f1":
            keeps = [None]
        if kind == "faces":
            keeps = [KeepIdentity(r, torch.randn(4, 5), 1.2) for r in recognizers]
        for keep in keeps:
            originals = torch.rand(4, 3, 64, 64) if kind == "faces" else None
            walk = SvaeWalk(network, z, settings, originals)
            for step in (0, 1):
                terms = svae._evaluate(walk, targets, settings, keep, [attacker, f1], density, step)
                walk.advance()
                walk.step(terms.objective)
            assert {t.device.type for t in (*terms, *walk.state())} == {"meta"}
    assert reads.found == []


def test_the_check_above_can_fail(monkeypatch):
    """With the look at k that the CPU takes, or with a tensor on the CPU."""
    monkeypatch.setattr(svae, "reads_cheaply", lambda device: True)
    network, f1 = DigitSVAE().eval().to("meta"), build_classifier("mlp").to("meta")
    labels = torch.zeros(4, dtype=torch.int64)
    walk = SvaeWalk(network, torch.randn(4, 32, device="meta"), WALK, None)
    with pytest.raises(RuntimeError, match="meta"):
        svae._evaluate(walk, labels.to("meta"), WALK, KeepLabel(f1, labels.to("meta")), [], None, 0)
    with pytest.raises(RuntimeError, match="device"):
        svae._evaluate(walk, labels, WALK, None, [], None, 0)


def test_reads_are_cheap_on_the_cpu_alone():
    assert cuda_graphs.reads_cheaply(torch.device("cpu"))
    assert not cuda_graphs.reads_cheaply(torch.device("cuda"))
