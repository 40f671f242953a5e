"""The SVAE is the network of the authors' scripts, and a checkpoint gives it back."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from typeone.models.classifiers import build_classifier
from typeone.models.svae import DigitSVAE, load_svae
from typeone.runtime.artifacts import save_model
from typeone.runtime.errors import InputError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def svae():
    model = DigitSVAE().eval()
    model.reset_parameters(seeded())
    return model


def size(module):
    return sum(p.numel() for p in module.parameters())


def conv(fan_in, fan_out):
    return 9 * fan_in * fan_out + fan_out


def dense(*widths):
    return sum(a * b + b for a, b in pairwise(widths))


def test_layers_have_the_widths_of_the_authors_scripts(svae):
    convs = conv(1, 16) + conv(16, 32) + conv(32, 32) + conv(32, 64)
    assert size(svae.encoder) == convs + dense(7 * 7 * 64, 128, 2 * 32)
    convs = conv(64, 32) + conv(32, 32) + conv(32, 16) + conv(16, 1)
    assert size(svae.decoder) == dense(32, 128, 7 * 7 * 64) + convs
    assert size(svae.classifier) == dense(32, 256, 128, 10)
    assert size(svae.discriminator) == dense(32, 256, 128, 64, 1)


def test_shapes_and_ranges(svae):
    images = torch.rand(3, 1, 28, 28, generator=seeded(1))
    mu, sigma = svae.encode(images)
    assert mu.shape == sigma.shape == (3, 32)
    z = 5 * torch.randn(3, 32, generator=seeded(2))
    assert svae.classify(z).shape == (3, 10)
    assert svae.discriminate(z).shape == (3,)
    decoded = svae.decode(z)
    assert decoded.shape == (3, 1, 28, 28)
    assert (decoded > 0).all()
    assert (decoded < 1).all()


def test_decode_is_the_sigmoid_of_its_logits(svae):
    z = torch.randn(3, 32, generator=seeded(1))
    by_hand = 1 / (1 + (-svae.decode_logits(z)).exp())
    # float32 rounds a sigmoid near 1/2 to 6e-8
    torch.testing.assert_close(svae.decode(z), by_hand, rtol=0, atol=2e-7)


@pytest.mark.parametrize(("raw", "sigma"), [(-1000.0, 1e-6), (0.0, 0.6931482), (50.0, 50.0)])
def test_sigma_is_softplus_and_never_zero(svae, raw, sigma):
    last = svae.encoder[-1]
    nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias[:32], last.bias[32:] = -7.0, raw
    mu, found = svae.encode(torch.zeros(1, 1, 28, 28))
    assert mu.unique().tolist() == [-7]  # the first half is mu, the second makes sigma
    # ln 2 + 1e-6 at 0; float32 holds seven digits
    assert found.unique().item() == pytest.approx(sigma, rel=1e-6)


def test_start_is_xavier_uniform_with_zero_biases(svae):
    for module in svae.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            assert not module.bias.any()
            fans = [n * module.weight[0, 0].numel() for n in module.weight.shape[:2]]
            bound = (6 / sum(fans)) ** 0.5
            largest = module.weight.abs().max().item()
            assert largest <= bound * (1 + 1e-6)  # float32
            # of n uniform draws all stay below 1 - 14/n of the bound once in e^14 (a million)
            assert largest >= bound * (1 - 14 / module.weight.numel())


def test_the_start_is_a_function_of_its_seed(svae):
    other = DigitSVAE()
    other.reset_parameters(seeded())
    for ours, theirs in zip(svae.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    other.reset_parameters(seeded(1))
    assert not torch.equal(svae.classifier[0].weight, other.classifier[0].weight)


def test_the_fully_connected_image_is_a_view_in_the_order_of_tensorflow(svae):
    unflatten = next(m for m in svae.decoder if type(m).__name__ == "_Unflatten")
    flatten = next(m for m in svae.encoder if type(m).__name__ == "_Flatten")
    x = torch.arange(2 * 3136.0).view(2, 3136)
    image = unflatten(x)
    assert image.shape == (2, 64, 7, 7)
    # (row 2, column 5, channel 9) of the second image, in the order height, width, channel
    assert image[1, 9, 2, 5].item() == 3136 + (2 * 7 + 5) * 64 + 9
    assert torch.equal(flatten(image), x)


def test_an_example_in_a_batch_is_the_example_alone(svae):
    svae.double()
    images = torch.rand(4, 1, 28, 28, generator=seeded(1), dtype=torch.float64)
    together = [*svae.encode(images), svae.decode(svae.encode(images)[0])]
    alone = []
    for image in images.split(1):
        mu, sigma = svae.encode(image)
        alone.append([mu, sigma, svae.decode(mu)])
    for whole, *parts in zip(together, *alone, strict=True):
        # float64: only the order of the sums may differ
        torch.testing.assert_close(whole, torch.cat(parts), rtol=1e-10, atol=1e-12)


def test_a_checkpoint_gives_back_the_network_frozen_and_in_eval_mode(svae, tmp_path):
    small = DigitSVAE(latent_dim=5).train()
    small.reset_parameters(seeded(4))
    path = tmp_path / "svae.safetensors"
    save_model(path, small, metadata=small.description)
    loaded = load_svae(path)
    assert loaded.latent_dim == 5
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    for key, value in small.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


def test_a_classifier_is_no_svae(tmp_path):
    path = tmp_path / "mlp.safetensors"
    save_model(path, build_classifier("mlp"), metadata={"architecture": "mlp"})
    message = r"mlp\.safetensors contains 'mlp', needs one of svae-28x28, svae-64x64"
    with pytest.raises(InputError, match=message):
        load_svae(path)
