"""Detectors, judges and recognizers on a card see what they see on the CPU."""

import numpy as np
import pytest
import torch

from typeone.detectors.squeezing import embedding_scores, scores
from typeone.evaluation.panels import Panel
from typeone.models.classifiers import build_classifier, reset_parameters
from typeone.models.face_judges import build_face_judge
from typeone.models.inception_resnet import InceptionResNetV1
from typeone.models.recognizers import Recognizer
from typeone.models.svae import DigitSVAE
from typeone.training.density import negative_elbo
from typeone.training.error_rates import errors_on

pytestmark = pytest.mark.gpu

CPU = torch.device("cpu")
ALIKE = {"rtol": 1e-10, "atol": 1e-10}  # float64 in another order of sums


def made(build, *arguments, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(*arguments)
    for module in network.modules():  # statistics that a trained network would have
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(seed))
    return network.double().eval().requires_grad_(False)


def digits(n=40):
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(1)).double()


def faces(n=6):
    return torch.rand(n, 3, 64, 64, generator=torch.Generator().manual_seed(2)).double()


def recognizer_of_faces(preprocessing):
    how = {"channels": 4, "dim": 16}
    return Recognizer("face_cnn", preprocessing=preprocessing, settings=how)


@pytest.mark.parametrize("architecture", ["mlp", "lenet", "cnn"])
def test_squeezing_scores_digits_alike(architecture, card):
    network = made(build_classifier, architecture)
    on_cpu = scores(network, digits(), bits=1, median=2)
    on_card = scores(network.to(card), digits().to(card), bits=1, median=2)
    assert on_card.keys() == on_cpu.keys()
    for key, values in on_cpu.items():
        np.testing.assert_allclose(on_card[key], values, **ALIKE, err_msg=str(key))


@pytest.mark.parametrize("preprocessing", ["fixed", "whiten"])
def test_squeezing_scores_faces_alike(preprocessing, card):
    network = made(recognizer_of_faces, preprocessing)
    on_cpu = embedding_scores(network, faces(), medians=[3, 5])
    on_card = embedding_scores(network.to(card), faces().to(card), medians=[3, 5])
    for key, values in on_cpu.items():
        np.testing.assert_allclose(on_card[key], values, **ALIKE, err_msg=key)


def test_the_oracle_sees_the_same(card):
    names = ("judge_plain", "judge_wide", "judge_residual")
    members = [made(build_classifier, name, seed=i) for i, name in enumerate(names)]
    oracle = Panel(members, classes=10)
    before = oracle.verdict(digits(), clear_confidence=0.1)
    after = oracle.to(card).verdict(digits().to(card), clear_confidence=0.1)
    for name, expected in before._asdict().items():
        torch.testing.assert_close(getattr(after, name).cpu(), expected, **ALIKE, msg=name)


def test_judges_of_faces_see_the_same(card):
    judges = Panel([made(build_face_judge, name) for name in ("plain", "wide")], classes=2)
    before = judges.verdict(faces(), clear_confidence=0.4)
    after = judges.to(card).verdict(faces().to(card), clear_confidence=0.4)
    for name, expected in before._asdict().items():
        torch.testing.assert_close(getattr(after, name).cpu(), expected, **ALIKE, msg=name)


@pytest.mark.parametrize("side", [64, 96, 200])
def test_facenet_embeds_alike(side, card):
    """Images are enlarged and reduced on the way; a gradient comes back through it."""

    def embedded(device):
        network = made(lambda: Recognizer("inception_resnet_v1", preprocessing="fixed")).to(device)
        images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(2))
        images = images.double().to(device).requires_grad_(True)
        embedding = network(images)
        (gradient,) = torch.autograd.grad(embedding[:, ::2].sum(), images)
        return embedding.detach().cpu(), gradient.cpu()

    for found, expected in zip(embedded(card), embedded(CPU), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)


def test_the_density_of_digits_is_the_same(card):
    svae = made(DigitSVAE)
    binary = digits().round()
    expected = negative_elbo(svae, binary)
    found = negative_elbo(svae.to(card), binary.to(card)).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-8)


def test_errors_are_counted_alike(card):
    network, labels = build_classifier("lenet"), torch.arange(40) % 10
    reset_parameters(network, torch.Generator().manual_seed(0))
    network.double()
    expected = errors_on(network, digits(), labels)
    assert errors_on(network.to(card), digits().to(card), labels.to(card)) == expected


# ------------------------------------------------------------------------ what float32 means there


def relative_error(device):
    """Of a convolution and a product in float32, against float64 on the CPU."""
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.randn(*s, generator=generator) for s in ((8, 64, 14, 14), (32, 64, 3, 3)))
    a, b = (torch.randn(512, 512, generator=generator) for _ in range(2))
    errors = []
    for compute, tensors in ((torch.nn.functional.conv2d, (x, w)), (torch.mm, (a, b))):
        exact = compute(*(t.double() for t in tensors))
        found = compute(*(t.to(device) for t in tensors)).cpu().double()
        errors.append(((found - exact).norm() / exact.norm()).item())
    return max(errors)


def test_float32_is_float32(card):
    """TF32 keeps 10 bits of the mantissa, an error of about 3e-4; jobs run without it."""
    assert relative_error(card) < 1e-5


def test_tf32_would_be_noticed(card):
    if card.type == "cpu" or torch.cuda.get_device_capability(card) < (8, 0):
        pytest.skip("this device has no TF32")
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    try:
        assert relative_error(card) > 5e-5
    finally:
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


def test_tf32_changes_no_more_than_rounding(card):
    """A whole FaceNet in TF32 stays near the one in float32: what a user who allows it gets."""
    network = made(InceptionResNetV1).float().to(card)
    images = torch.rand(4, 3, 160, 160, generator=torch.Generator().manual_seed(2)).to(card)
    plain = network(images)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    try:
        fast = network(images)
    finally:
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    assert ((fast - plain).norm() / plain.norm()).item() < 1e-2
