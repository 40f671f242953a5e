"""Attacks on any module: what is asked of it, what comes back, and that it is left as it was."""

import copy
import functools

import pytest
import torch
from torch import nn

from typeone import api
from typeone.api import type1, type2
from typeone.attacks.criteria import label_criterion
from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.attacks.shards import attack_shard
from typeone.attacks.svae_settings import SvaeAttackSettings
from typeone.attacks.type2 import Type2Settings
from typeone.models.svae import DigitSVAE, FaceSVAE
from typeone.runtime.errors import InputError

SETTINGS = SvaeAttackSettings(
    steps=5,
    lr=0.1,
    beta2=0.9,
    alpha=0.01,
    gamma=0.0001,
    eta=0.1,
    beta="ratio",
    target_loss=0.01,
    k_start=1.0,
    k_max=5.0,
    manifold="probability",
    patience=None,
)
FGSM = Type2Settings(method="fgsm", epsilon=0.3)
NOISE = EmbeddingAttackSettings(epsilon=0.1, steps=3, step_size=0.05, start=0.01)


def drawn(make, seed=0):
    """What ``make`` gives with weights of one seed, in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make().eval()


class Own(nn.Module):
    """Neither a Sequential nor one of ours: batch norm, dropout, weights that ask for gradients."""

    def __init__(self, channels=1, outputs=10):
        super().__init__()
        self.convolution = nn.Conv2d(channels, 4, 3, stride=2)
        self.norm, self.dropout = nn.BatchNorm2d(4), nn.Dropout(0.5)
        self.head = nn.LazyLinear(outputs)

    def forward(self, images):
        seen = torch.relu(self.norm(self.convolution(2 * images - 1)))
        return self.head(self.dropout(seen).flatten(1))


@pytest.fixture
def digits():
    return torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def f1(digits):
    network = drawn(Own)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network(digits)  # its lazy layer gets its weights
    return network


@pytest.fixture
def svae():
    return drawn(DigitSVAE).requires_grad_(False)


@pytest.fixture
def labels(f1, digits):
    """What f1 says, so that it is right."""
    return f1(digits).argmax(dim=1)


def snapshot(network):
    """All that an attack could change of a module."""
    state = {k: v.clone() for k, v in network.state_dict().items()}
    asked = [(p.requires_grad, p.grad) for p in network.parameters()]
    return state, asked, [module.training for module in network.modules()]


def same(before, after):
    return before[1:] == after[1:] and all(
        torch.equal(v, after[0][k]) for k, v in before[0].items()
    )


# what comes back


def test_type1_is_algorithm2_as_the_pipeline_runs_it(f1, svae, digits, labels):
    result = type1(f1, svae, digits, labels, SETTINGS)
    frozen = copy.deepcopy(f1).requires_grad_(False)
    rows, _ = attack_shard(svae, digits, labels, SETTINGS, keep=label_criterion(frozen), chunk=64)
    stored = torch.from_numpy(rows["adversarial_image"])
    assert torch.equal((result.images * 255).round().to(torch.uint8), stored)
    assert not torch.equal(result.images, digits)
    assert result.targets.tolist() == [(y + 1) % 10 for y in labels.tolist()]
    assert result.steps.tolist() == [5, 5, 5]
    assert result.converged.tolist() == [False] * 3
    ends = svae.classify(torch.from_numpy(rows["latent_end"])).argmax(dim=1)
    assert result.turned.tolist() == (ends == result.targets).tolist()


def test_what_is_kept_is_what_f1_says_of_the_stored_image(f1, svae, digits, labels):
    for result in (
        type1(f1, svae, digits, labels, SETTINGS),
        type2(f1, digits, labels, FGSM, seed=0),
    ):
        assert torch.equal(result.images * 255, (result.images * 255).round())
        torch.testing.assert_close(result.outputs, f1(result.images))
        assert result.kept.tolist() == (f1(result.images).argmax(dim=1) == labels).tolist()


def test_a_linear_f1_is_fooled_beyond_its_margin_and_not_within():
    """Two classes: the mean of the pixels against 0.5; FGSM takes epsilon from each of them."""
    f1 = nn.Sequential(nn.Flatten(), nn.Linear(784, 2)).eval()
    with torch.no_grad():
        f1[1].weight.copy_(torch.stack([-torch.ones(784), torch.ones(784)]) / 784)
        f1[1].bias.copy_(torch.tensor([0.5, -0.5]))
    images = torch.full((1, 1, 28, 28), 0.6)  # a margin of 0.1 a pixel
    within, beyond = (Type2Settings(method="fgsm", epsilon=e) for e in (0.05, 0.15))
    assert type2(f1, images, torch.tensor([1]), within, seed=0).kept.tolist() == [True]
    result = type2(f1, images, torch.tensor([1]), beyond, seed=0)
    assert result.kept.tolist() == [False]
    assert (images - result.images).abs().max() <= 0.15 + 0.5 / 255 + 1e-6  # float32, and rounding


def test_embeddings_are_kept_within_the_threshold():
    recognizer = drawn(lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 8)))
    svae = drawn(lambda: FaceSVAE(latent_dim=4, width=0.03)).requires_grad_(False)
    faces = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    genders = torch.tensor([0, 1])
    for attack in (
        functools.partial(type1, recognizer, svae, faces, genders, SETTINGS),
        functools.partial(type2, recognizer, faces, None, NOISE, seed=0),
    ):
        distances = (recognizer(attack(threshold=1.0).images) - recognizer(faces)).norm(dim=1)
        between = distances.mean().item()
        assert distances.min() < between < distances.max()
        assert attack(threshold=between).kept.tolist() == (distances <= between).tolist()


def test_the_module_is_left_as_it_was(f1, svae, digits, labels):
    f1.head.bias.requires_grad_(False)
    before = snapshot(f1)
    type1(f1, svae, digits, labels, SETTINGS)
    type2(
        f1, digits, labels, Type2Settings(method="pgd", epsilon=0.1, steps=2, step_size=0.1), seed=0
    )
    type2(f1, digits, None, NOISE, seed=0, threshold=1.0)
    assert same(before, snapshot(f1))
    assert before[1][0] == (True, None)


def test_the_module_is_left_as_it_was_by_an_attack_that_fails(f1, svae, digits, labels):
    before = snapshot(f1)
    with pytest.raises(InputError, match="f1 gets 3 of 3 images wrong"):
        type1(f1, svae, digits, (labels + 1) % 10, SETTINGS)
    assert same(before, snapshot(f1))


# what is refused


REFUSED = {
    "bytes": (
        lambda x: {"images": 255 * x},
        r"^images range from \d.* to 25\d.*; needs \[0, 1\]: divide bytes by 255",
    ),
    "normalised": (lambda x: {"images": x - 0.5}, r"^images range from -0\.\d+ to 0\.\d+; needs"),
    "NaN": (lambda x: {"images": x * torch.nan}, r"^images range from nan to nan; needs \[0, 1\]"),
    "uint8": (
        lambda x: {"images": x.to(torch.uint8)},
        r"^images are torch.uint8 of shape \(3, 1, 28, 28\); needs torch.float32 of shape \(N, ",
    ),
    "no channel": (
        lambda x: {"images": x[:, 0]},
        r"^images are torch.float32 of shape \(3, 28, 28\); needs torch.float32 of shape \(N, C",
    ),
    "none": (lambda x: {"images": x[:0]}, r"^images are .* of shape \(0, 1, 28, 28\); needs"),
    "another size": (
        lambda x: {"images": x.repeat(1, 3, 1, 1)},
        r"^images are \(3, 3, 28, 28\), but the SVAE generates \(1, 28, 28\); needs images like",
    ),
    "one label": (
        lambda x: {"labels": torch.tensor([3])},
        r"^labels are torch.int64 of shape \(1,\); needs torch.int64 of shape \(3,\), one per "
        r"image",
    ),
    "labels of float": (
        lambda x: {"labels": torch.zeros(3)},
        r"^labels are torch.float32 of shape \(3,\); needs torch.int64",
    ),
    "classes": (
        lambda x: {"labels": torch.tensor([0, 1, 10])},
        r"^labels range from 0 to 10; needs 0 to 9",
    ),
    "labels elsewhere": (
        lambda x: {"labels": torch.zeros(3, dtype=torch.int64, device="meta")},
        r"^labels are on meta, the images on cpu; needs one device",
    ),
    "f1 elsewhere": (
        lambda x: {"f1": nn.Linear(1, 1, device="meta").eval()},
        r"^f1 is a Linear on device meta, the images are on cpu; needs one device: images\.to\(",
    ),
    "training": (
        lambda x: {"f1": nn.Sequential(nn.Flatten(), nn.Linear(784, 10))},
        r"^f1 is a Sequential in training mode, which uses dropout .*; call its eval\(\) first",
    ),
    "SVAE in training": (
        lambda x: {"svae": DigitSVAE()},
        r"^svae is a DigitSVAE in training mode",
    ),
    "no tensor": (lambda x: {"images": x.numpy()}, r"^images is a ndarray; needs Tensor"),
    "a list of labels": (lambda x: {"labels": [0, 1, 2]}, r"^labels is a list; needs Tensor"),
    "no module": (lambda x: {"f1": len}, r"^f1 is a builtin_function_or_method; needs Module"),
    "a path": (lambda x: {"svae": "svae.pt"}, r"^svae is 'svae.pt'; needs SupervisedVAE"),
    "another density": (
        lambda x: {"density": nn.Flatten()},
        r"^density is a Flatten; needs DenseVAE or None",
    ),
    "no examples at a time": (
        lambda x: {"chunk": 0},
        r"^`chunk` is 0; needs a whole number of at least 1",
    ),
    "five classes": (
        lambda x: {"f1": nn.Sequential(nn.Flatten(), nn.Linear(784, 5)).eval()},
        r"^f1 is a Sequential, which returns \(3, 5\); needs logits \(3, 10\) of images \(3, 1, 28",
    ),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_one_clear_line(f1, svae, digits, labels, change, message):
    given = {"f1": f1, "svae": svae, "images": digits, "labels": labels} | change(digits)
    with pytest.raises(InputError, match=message) as raised:
        type1(**given, settings=SETTINGS)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "labels", "threshold"),
    [(FGSM, None, None), (FGSM, torch.tensor([0]), 1.0), (NOISE, None, None)],
)
def test_type2_takes_labels_or_a_threshold(f1, digits, settings, labels, threshold):
    with pytest.raises(InputError, match="needs Type2Settings with labels, or EmbeddingAttackSett"):
        type2(f1, digits[:1], labels, settings, seed=0, threshold=threshold)


@pytest.mark.parametrize("threshold", [0.0, -1.0, torch.nan, torch.inf])
def test_a_threshold_is_a_distance(f1, digits, threshold):
    with pytest.raises(InputError, match=f"`threshold` is {threshold}; needs a distance above 0"):
        type2(f1, digits[:1], None, NOISE, seed=0, threshold=threshold)


def test_type2_names_an_f1_whose_outputs_are_no_rows(digits):
    with pytest.raises(
        InputError, match=r"which returns \(3, 4, 26, 26\); needs embeddings \(3, D\)"
    ):
        type2(drawn(lambda: nn.Conv2d(1, 4, 3)), digits, None, NOISE, seed=0, threshold=1.0)


def test_an_output_that_is_not_finite_is_neither_kept_nor_changed():
    inf, nan = torch.inf, torch.nan
    outputs = torch.tensor([[nan] * 3, [inf, 0.0, 0.0], [-inf] * 3, [1.0, 0.0, -inf], [0.0, 1, 0]])
    kept, changed = api._kept_and_changed(outputs, outputs, torch.zeros(5, dtype=torch.int64), None)
    assert kept.tolist() == [False, False, False, True, False]  # a masked class is a class
    assert changed.tolist() == [False, False, False, False, True]
    before = torch.zeros(4, 2)
    moved = torch.tensor([[nan, 0.0], [-inf, 0.0], [0.5, 0.0], [2.0, 0.0]])
    kept, changed = api._kept_and_changed(moved, before, None, 1.0)
    assert kept.tolist() == [False, False, True, False]
    assert changed.tolist() == [False, False, False, True]
