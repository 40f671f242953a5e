"""What networks of other people answer, and what is said if attacks cannot use it."""

import random

import pytest
import torch
from torch import nn

from typeone.models.network_checks import check_outputs
from typeone.runtime.errors import InputError


def digits(count=4):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


class Says(nn.Module):
    """Whatever ``say`` makes of the images and of ten honest logits."""

    def __init__(self, say):
        super().__init__()
        self.honest, self.say = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), say

    def forward(self, images):
        return self.say(images, self.honest(images))


def wrong(error):
    raise error


BAD_OUTPUTS = {
    "no tensor": (
        lambda x, y: (y, y),
        r"which returns tuple, not a tensor; needs logits \(4, 10\) of im",
    ),
    "NaN": (lambda x, y: y * torch.nan, r"which returns NaN or infinity; needs finite numbers"),
    "width": (
        lambda x, y: y[:, :3],
        r"which returns \(4, 3\); needs logits \(4, 10\) of images \(4, 1",
    ),
    "axes": (lambda x, y: y[:, None], r"which returns \(4, 1, 10\); needs logits"),
    "rows": (lambda x, y: y[:2], r"which returns \(2, 10\); needs logits"),
    "detached": (lambda x, y: y.detach(), r"whose outputs have no finite gradient at the image"),
    "constant": (lambda x, y: torch.ones(len(x), 10), r"whose outputs have no finite gradient"),
    "integers": (lambda x, y: y.long(), r"whose outputs are torch.int64; needs torch.float32"),
    "batch": (
        lambda x, y: y - y.mean(dim=0),
        r"whose output for an image depends on the other images of the batch; needs",
    ),
    "random": (
        lambda x, y: y * random.random(),
        r"whose outputs differ between two calls; needs the same outputs each time: no ",
    ),
    "softmax": (
        lambda x, y: y.softmax(dim=1),
        r"which returns probabilities; needs logits: remove its",
    ),
    "shape": (
        lambda x, y: nn.functional.conv2d(x, torch.ones(1, 3, 3, 3)),
        r"which fails on images \(4, 1, 28, 28\) \(RuntimeError: Given groups=1.*\); needs logits",
    ),
    "dropout": (
        lambda x, y: nn.functional.dropout(y, 0.2),
        r"whose outputs differ between two calls; .* \(F\.dropout needs training=self\.",
    ),
    "in place": (
        lambda x, y: (x.data.mul_(2), y)[1],
        r"which changes its input in place; needs its input unchanged: begin its forward with",
    ),
    "in place, seen by autograd": (
        lambda x, y: x.mul_(2).flatten(1)[:, :10],
        r"which fails .* \(RuntimeError: a leaf Variable .*\); it changes its input in place",
    ),
    "in place behind a view": (
        lambda x, y: torch.relu_(x.view(len(x), -1))[:, :10],
        r"which fails .* \(RuntimeError: a view of a leaf .*\); it changes its input in place",
    ),
    "flat": (
        lambda x, y: y[:, :, None, None],
        r"which returns \(4, 10, 1, 1\); needs logits \(4, 10\) of .*: end its forward with \.fl",
    ),
    "assertion": (
        lambda x, y: wrong(AssertionError("Input height (28) doesn't match model (224).\nNo.")),
        r"which fails on .* \(AssertionError: Input height \(28\) doesn't match model \(224\)\.\)",
    ),
    "assertion without a word": (
        lambda x, y: wrong(AssertionError()),
        r"which fails on images \(4, 1, 28, 28\) \(AssertionError\); needs logits \(4, 10\)",
    ),
    "value": (
        lambda x, y: wrong(ValueError("expected 3 channels")),
        r"which fails on images .* \(ValueError: expected 3 channels\); needs logits",
    ),
    "key": (
        lambda x, y: {}["head"],
        r"which fails on images .* \(KeyError: 'head'\); needs logits",
    ),
    "type": (lambda x, y: y + "1", r"which fails on images .* \(TypeError: .*\); needs logits"),
}


@pytest.mark.parametrize(("say", "message"), BAD_OUTPUTS.values(), ids=BAD_OUTPUTS)
def test_outputs_that_no_attack_can_use_are_named(say, message):
    with pytest.raises(InputError, match=rf"^f1, {message}") as raised:
        check_outputs(Says(say).eval(), digits(), who="f1", classes=10)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("say", [lambda x, y: y, lambda x, y: y.log_softmax(dim=1)])
def test_logits_are_welcome(say):
    check_outputs(Says(say).eval(), digits(), who="f1", classes=10)


def test_embeddings_may_have_any_width():
    check_outputs(
        Says(lambda x, y: y[:, :3].softmax(dim=1)), digits(1), who="f1", gives="embeddings"
    )
