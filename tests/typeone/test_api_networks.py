"""Networks of other people handed to the library: taken as they are, or refused in one line."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from typeone.api import type1, type2
from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.attacks.type2 import Type2Settings
from typeone.models.svae import DigitSVAE, FaceSVAE
from typeone.runtime.errors import InputError

WALK = SvaeAttackSettings(
    **{"steps": 3, "lr": 0.1, "beta2": 0.9, "alpha": 0.01, "gamma": 0.0001, "eta": 0.1},
    **{"beta": "ratio", "target_loss": 0.01, "k_start": 1.0, "k_max": 5.0},
    **{"manifold": "probability", "patience": None},
)
GUIDED = SvaeAttackSettings(**vars(WALK) | {"image_weight": 1.0, "image_target_loss": 0.1})
FGSM = Type2Settings(method="fgsm", epsilon=0.3)
ALL = [
    FGSM,
    Type2Settings(method="pgd", epsilon=0.3, steps=2, step_size=0.1),
    Type2Settings(method="deepfool", steps=3),
    Type2Settings(method="cw_l2", searches=2, steps=3, step_size=0.01),
    Type2Settings(method="ead", searches=2, steps=3, step_size=0.01),
]
NOISE = EmbeddingAttackSettings(epsilon=0.1, steps=3, step_size=0.05, start=0.01)


def drawn(make):
    """What ``make`` gives with weights of one seed, in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make().eval()


def uniform(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


class Says(nn.Module):
    """What ``say`` makes of the images by an honest linear network."""

    def __init__(self, say=None, channels=1, side=28, outputs=10):
        super().__init__()
        self.honest = nn.Sequential(nn.Flatten(), nn.Linear(channels * side * side, outputs))
        self.say = say or (lambda honest, x: honest(x))

    def forward(self, images):
        return self.say(self.honest, images)


def saying(say=None, **shape):
    return drawn(lambda: Says(say, **shape))


@pytest.fixture
def svae():
    return drawn(DigitSVAE).requires_grad_(False)


@pytest.fixture
def face_svae():
    return drawn(lambda: FaceSVAE(latent_dim=4, width=0.03)).requires_grad_(False)


@pytest.fixture
def digits():
    return uniform(3, 1, 28, 28)


@pytest.fixture
def faces():
    return uniform(3, 3, 64, 64)


GENDERS = torch.tensor([0, 1, 0])


def label_of(network, images):
    with torch.no_grad():
        return network(images).argmax(dim=1)


def refused(message, attack, *given, **named):
    """That ``attack`` ends in one line, which ``message`` matches from its start."""
    with pytest.raises(InputError, match=f"^{message}") as raised:
        attack(*given, **named)
    assert "\n" not in str(raised.value)


# A9: every network that is handed over is in eval mode


def normed():
    return nn.Sequential(
        *(nn.Conv2d(1, 2, 5), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten()),
        nn.Linear(2 * 24 * 24, 10),
    )


def test_attackers_in_training_mode_are_refused_and_left_as_they_are(svae, digits):
    f1, attackers = saying(), [drawn(normed), drawn(normed).train()]
    before = attackers[1][1].running_mean.clone()
    refused(
        r"attackers\[1\] is a Sequential in training mode, .*; call its eval\(\) first",
        *(type1, f1, svae, digits, label_of(f1, digits), GUIDED),
        attackers=attackers,
    )
    assert torch.equal(attackers[1][1].running_mean, before)


def test_attackers_in_eval_mode_are_taken_and_left_as_they_are(svae, digits):
    f1, attacker = saying(), drawn(normed)
    before = {k: v.clone() for k, v in attacker.state_dict().items()}
    type1(f1, svae, digits, label_of(f1, digits), GUIDED, attackers=[attacker])
    assert all(torch.equal(v, attacker.state_dict()[k]) for k, v in before.items())
    assert all(p.requires_grad and p.grad is None for p in attacker.parameters())


@pytest.mark.parametrize(
    ("attacker", "message"),
    [
        (
            saying(outputs=5),
            r"attackers\[0\] is a Says, which returns \(3, 5\); needs logits \(3, 1",
        ),
        (nn.Linear(1, 1, device="meta").eval(), r"attackers\[0\] is a Linear on device meta, the"),
    ],
    ids=["five classes", "elsewhere"],
)
def test_attackers_are_held_to_what_f1_is(svae, digits, attacker, message):
    f1 = saying()
    given = f1, svae, digits, label_of(f1, digits), GUIDED
    refused(message, type1, *given, attackers=[attacker])


def test_a_squeezer_that_is_a_network_is_in_eval_mode(svae, digits):
    f1, squeezer = saying(), nn.Sequential(nn.Conv2d(1, 1, 3, padding=1))
    given = f1, svae, digits, label_of(f1, digits), WALK
    refused(
        r"squeezers\[1\] is a Sequential in training mode", type1, *given, squeezers=[abs, squeezer]
    )
    type1(*given, squeezers=[abs, squeezer.eval()])


# A10: no gradient, no robustness


@pytest.mark.parametrize(
    ("say", "share"),
    [
        (None, 0),
        (lambda honest, x: honest((x * 255).round() / 255), 1),
        (lambda honest, x: 1e5 * honest(x), 1),
    ],
    ids=["ordinary", "rounds", "sharp"],
)
def test_the_share_of_images_without_a_gradient_is_in_the_result(svae, digits, say, share):
    f1 = saying(say)
    labels = label_of(f1, digits)
    fooled = type2(f1, digits, labels, FGSM, seed=0)
    assert fooled.vanishing_share == share
    assert fooled.gradient_vanishes.tolist() == [bool(share)] * 3
    assert fooled.kept.all() == bool(share)  # it looks robust
    with torch.no_grad():  # where the walk begins, and f1 sees what it has to keep
        begun = svae.decode(svae.encode(svae.read(digits))[0])
        f1.honest[1].bias += 10 * F.one_hot(f1(begun).argmax(), 10)
    labels = label_of(f1, digits)
    assert type1(f1, svae, digits, labels, WALK).vanishing_share == share


def test_the_share_is_told_of_embeddings_too(face_svae, faces):
    for say, share in ((None, 0), (lambda honest, x: honest((x * 255).round() / 255), 1)):
        f1 = saying(say, channels=3, side=64)
        fooled = type2(f1, faces, None, NOISE, seed=0, threshold=1.0)
        changed = type1(f1, face_svae, faces, GENDERS, WALK, threshold=1.0)
        assert (fooled.vanishing_share, changed.vanishing_share) == (share, share)


# B2: memory


class ViewEmbedding(nn.Module):
    """Wants contiguous images."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 64 * 64, 8)

    def forward(self, images):
        return self.head(images.view(images.size(0), -1))


class FlatEmbedding(ViewEmbedding):
    def forward(self, images):
        return self.head(images.flatten(1))


MEMORY = {
    "contiguous": lambda x: x,
    "channels-last": lambda x: x.to(memory_format=torch.channels_last),
    "transposed": lambda x: x.transpose(2, 3).contiguous().transpose(2, 3),
    "strided": lambda x: x.repeat_interleave(2, dim=3)[..., ::2],
    "expanded": lambda x: x[:, :1].expand(-1, 3, -1, -1),
}


@pytest.mark.parametrize("lay", MEMORY.values(), ids=MEMORY)
def test_a_network_that_views_its_input_is_taken_in_any_memory(face_svae, faces, lay):
    given, plain = lay(faces), lay(faces).contiguous()
    results = []
    for images, f1 in ((given, drawn(ViewEmbedding)), (plain, drawn(FlatEmbedding))):
        results.append(
            [
                type1(f1, face_svae, images, GENDERS, WALK, threshold=1.0),
                type2(f1, images, None, NOISE, seed=0, threshold=1.0),
            ]
        )
    for viewed, flat in zip(*results, strict=True):
        # sums in another order, rounded to 8 bits
        torch.testing.assert_close(viewed.images, flat.images, rtol=0, atol=1.5 / 255)


# B3: other floats


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_outputs_of_other_floats_are_taken(svae, face_svae, digits, faces, dtype):
    f1 = saying(lambda honest, x: honest(x).to(dtype))
    labels = label_of(f1, digits)
    plain = saying()
    changed = type1(f1, svae, digits, labels, WALK)
    assert changed.outputs.dtype == torch.float32
    torch.testing.assert_close(changed.outputs, plain(changed.images), rtol=0.02, atol=0.02)
    assert torch.equal(changed.kept, label_of(f1, changed.images) == labels)
    for settings in ALL:
        fooled = type2(f1, digits, labels, settings, seed=0)
        assert torch.equal(fooled.kept, label_of(f1, fooled.images) == labels)
    recognizer = saying(lambda honest, x: honest(x).to(dtype), channels=3, side=64)
    assert type1(recognizer, face_svae, faces, GENDERS, WALK, threshold=1.0).kept.shape == (3,)
    assert type2(recognizer, faces, None, NOISE, seed=0, threshold=1.0).kept.shape == (3,)


def test_a_double_inside_attacks_as_the_float_does(svae, digits):
    double, single = drawn(lambda: Says(lambda honest, x: honest(x.double()))), saying()
    double.double()
    labels = label_of(single, digits)
    results = [type1(f1, svae, digits, labels, WALK) for f1 in (double, single)]
    assert torch.equal(results[0].kept, results[1].kept)
    torch.testing.assert_close(results[0].images, results[1].images, rtol=0, atol=1.5 / 255)


def test_weights_of_another_float_than_the_images_are_named(digits):
    f1 = saying().double()
    refused(
        r"f1 is a Says, which fails on images \(3, 1, 28, 28\) \(RuntimeError: mat1 and mat2 must "
        r"have the same dtype.*\); its weights are torch.float64, the images torch.float32: call",
        *(type2, f1, digits, GENDERS, FGSM),
        seed=0,
    )


# B4: gradients switched off by the caller


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_attacks_run_where_gradients_are_off(svae, face_svae, digits, faces, off):
    f1, recognizer = saying(), saying(channels=3, side=64)
    labels = label_of(f1, digits)

    def attacks(digits, labels, faces):
        yield type1(f1, svae, digits, labels, WALK)
        yield type2(f1, digits, labels, FGSM, seed=0)
        yield type1(recognizer, face_svae, faces, GENDERS, WALK, threshold=1.0)
        yield type2(recognizer, faces, None, NOISE, seed=0, threshold=1.0)

    expected = list(attacks(digits, labels, faces))
    with off():
        found = list(attacks(digits.clone(), labels.clone(), faces.clone()))
        assert not torch.is_grad_enabled()
    for mine, usual in zip(found, expected, strict=True):
        assert torch.equal(mine.images, usual.images)
        assert torch.equal(mine.kept, usual.kept)


def test_a_network_made_under_inference_mode_is_named(digits):
    with torch.inference_mode():
        f1 = saying()
    refused(
        r"f1 is a Says made under torch\.inference_mode\(\), .*; build or load it outside",
        *(type2, f1, digits, label_of(f1, digits), FGSM),
        seed=0,
    )


# C2 and relatives: what a network returns


def test_logits_with_further_axes_are_named(svae, digits):
    f1 = saying(lambda honest, x: honest(x)[:, :, None, None])
    said = r"f1 is a Says, which returns \(3, 10, 1, 1\); needs logits \(3, {}\) of .*: end its "
    refused(said.format("classes"), type2, f1, digits, GENDERS, FGSM, seed=0)
    refused(said.format("10"), type1, f1, svae, digits, GENDERS, WALK)


class Output(dict):
    """As ModelOutput of transformers."""

    def __getattr__(self, name):
        return self[name]


OBJECTS = {
    "tuple": (lambda y: (y, None), r"tuple, not a tensor; needs .*: return only its tensor"),
    "dict": (
        lambda y: {"logits": y},
        r"dict, not a tensor; needs .*: return only its \['logits'\]",
    ),
    "model output": (
        lambda y: Output(logits=y),
        r"Output, not a tensor; needs .*: return only its \['log",
    ),
    "attribute": (
        lambda y: SimpleNamespace(logits=y),
        r"SimpleNamespace, not a tensor; needs .*: return only its \.logits",
    ),
    "nothing": (lambda y: None, r"NoneType, not a tensor; needs logits"),
}


@pytest.mark.parametrize(("wrap", "message"), OBJECTS.values(), ids=OBJECTS)
def test_an_output_that_is_no_tensor_is_named(digits, wrap, message):
    f1 = saying(lambda honest, x: wrap(honest(x)))
    refused(f"f1 is a Says, which returns {message}", type2, f1, digits, GENDERS, FGSM, seed=0)


# networks of other kinds


def wrappings():
    plain = drawn(normed)
    yield "scripted", torch.jit.script(plain)
    yield "traced", torch.jit.trace(plain, uniform(2, 1, 28, 28))
    yield "data parallel", nn.DataParallel(plain).eval()
    yield "compiled", torch.compile(plain, backend="aot_eager")  # which needs no compiler


@pytest.mark.parametrize(("name", "f1"), wrappings(), ids=lambda given: str(given)[:13])
def test_networks_of_other_kinds_are_taken(svae, digits, name, f1):
    plain = drawn(normed)
    labels = label_of(plain, digits)
    for mine, usual in zip(
        *(
            (type1(net, svae, digits, labels, WALK), type2(net, digits, labels, FGSM, seed=0))
            for net in (f1, plain)
        ),
        strict=True,
    ):
        # sums in another order, rounded to 8 bits
        torch.testing.assert_close(mine.images, usual.images, rtol=0, atol=1.5 / 255)
        assert torch.equal(mine.kept, usual.kept)
    assert all(p.requires_grad for p in f1.parameters())


def test_shared_parameters_are_taken(svae, digits):
    def tied():
        net = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 784), nn.Linear(784, 784), nn.Linear(784, 10)
        )
        net[2].weight = net[1].weight
        return net

    f1 = drawn(tied)
    assert type1(f1, svae, digits, label_of(f1, digits), WALK).kept.shape == (3,)
    assert all(p.requires_grad for p in f1.parameters())
