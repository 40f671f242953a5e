"""The SVAE of faces is the authors' network at any width; its decoder may stand on one image."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from typeone.models.svae import DigitSVAE, FaceSVAE, load_svae
from typeone.runtime.artifacts import save_model
from typeone.runtime.errors import InputError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def small(**more):
    """A narrow one in eval mode, with batch statistics and affine maps unlike a start's."""
    model = FaceSVAE(latent_dim=6, width=0.125, **more)
    model.reset_parameters(seeded())
    generator = seeded(1)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight, module.running_var):
                tensor.data.uniform_(0.5, 2, generator=generator)
            for tensor in (module.bias, module.running_mean):
                tensor.data.normal_(0, 0.5, generator=generator)
    return model.eval()


def faces(n, **kind):
    return torch.rand(n, 3, 64, 64, generator=seeded(2), **kind)


def size(module):
    return sum(p.numel() for p in module.parameters())


def conv(fan_in, fan_out):
    """25 weights a pair of channels, and a bias."""
    return 25 * fan_in * fan_out + fan_out


def normalised(fan_in, fan_out):
    """Scale and shift in place of the bias."""
    return 25 * fan_in * fan_out + 2 * fan_out


def dense(*widths):
    return sum(a * b + b for a, b in pairwise(widths))


@pytest.mark.parametrize(("width", "latent_dim"), [(1.0, 1024), (0.25, 64), (0.1, 7)])
def test_layers_have_the_widths_of_the_authors_scripts_times_the_width(width, latent_dim):
    svae = FaceSVAE(latent_dim=latent_dim, width=width)
    a, b, c, d = (round(n * width) for n in (32, 64, 128, 256))
    hidden = round(2048 * width)
    encoder = conv(3, a) + normalised(a, b) + conv(b, b) + normalised(b, c) + conv(c, c)
    encoder += normalised(c, d) + dense(64 * d, hidden, 2 * latent_dim)
    assert size(svae.encoder) == encoder
    decoder = dense(latent_dim, hidden, 64 * d) + 2 * d  # normalised before its ELU
    decoder += conv(d, c) + normalised(c, c) + conv(c, b) + normalised(b, b)
    decoder += conv(b, a) + conv(a, 3)
    assert size(svae.decoder) == decoder
    beliefs = dense(latent_dim, *(round(n * width) for n in (512, 256, 128)), 1)
    assert size(svae.classifier) == size(svae.discriminator) == beliefs


def test_the_narrowest_network_keeps_a_unit_a_layer():
    svae = FaceSVAE(latent_dim=2, width=0.0001).eval()
    assert svae.decode(svae.encode(faces(2))[0]).shape == (2, 3, 64, 64)


def test_shapes_and_ranges():
    svae = small()
    mu, sigma = svae.encode(faces(3))
    assert mu.shape == sigma.shape == (3, 6)
    assert (sigma > 0).all()
    assert svae.classify(mu).shape == (3, 2)
    assert svae.discriminate(mu).shape == (3,)
    decoded = svae.decode(5 * torch.randn(3, 6, generator=seeded(3)))
    assert decoded.shape == (3, 3, 64, 64)
    assert (decoded > 0).all()
    assert (decoded < 1).all()


def test_cross_entropy_of_the_two_gender_logits_is_the_binary_one():
    svae = small().double()
    z = torch.randn(8, 6, generator=seeded(3), dtype=torch.float64)
    male = torch.tensor([0, 1] * 4)
    s = svae.classifier(z).squeeze(1)
    p = 1 / (1 + (-s).exp())  # of male
    by_hand = torch.where(male == 1, -p.log(), -(1 - p).log())
    found = F.cross_entropy(svae.classify(z), male, reduction="none")
    torch.testing.assert_close(found, by_hand, rtol=1e-12, atol=1e-12)  # float64
    assert (svae.classify(z)[:, 0] == 0).all()
    assert torch.equal(svae.classify(z).argmax(dim=1), (s > 0).long())


def test_start_is_xavier_uniform_with_zero_biases():
    svae = FaceSVAE(latent_dim=6, width=0.125)
    svae.reset_parameters(seeded())
    for module in svae.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            assert module.bias is None or not module.bias.any()
            fans = [n * module.weight[0, 0].numel() for n in module.weight.shape[:2]]
            bound = (6 / sum(fans)) ** 0.5
            largest = module.weight.abs().max().item()
            # of n uniform draws all stay below 1 - 14/n of the bound once in e^14 (a million)
            assert bound * (1 - 14 / module.weight.numel()) <= largest <= bound * (1 + 1e-6)


# ---------------------------------------------------------------------- batch normalisation


@pytest.mark.parametrize("statistics", ["running", "own"])
def test_an_example_in_a_batch_is_the_example_alone(statistics):
    svae = small(statistics=statistics).double()
    images = faces(4, dtype=torch.float64)

    def outputs(batch):
        mu, sigma = svae.encode(batch)
        return mu, sigma, svae.decode(mu)

    alone = zip(*(outputs(image) for image in images.split(1)), strict=True)
    for whole, parts in zip(outputs(images), alone, strict=True):
        # float64: only the order of the sums may differ
        torch.testing.assert_close(whole, torch.cat(parts), rtol=1e-9, atol=1e-11)


def test_own_statistics_are_those_of_torch_in_training_mode_on_one_image():
    svae, z = small(statistics="own").double(), torch.randn(3, 6, generator=seeded(3)).double()
    found = svae.decode(z)
    svae.train()  # a batch of one image has nothing but its own statistics
    theirs = torch.cat([svae.decode(one) for one in z.split(1)])
    torch.testing.assert_close(found, theirs, rtol=1e-9, atol=1e-11)  # float64
    assert not torch.allclose(small().double().decode(z), found, atol=0.01)


def test_only_the_decoder_stands_on_its_own_statistics():
    for ours, theirs in zip(
        small().encode(faces(2)), small(statistics="own").encode(faces(2)), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_own_statistics_have_a_gradient_at_the_latent():
    svae = small(statistics="own").double()
    z = torch.randn(2, 6, generator=seeded(3), dtype=torch.float64).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda z: svae.decode(z)[..., ::16, ::16], z, atol=1e-6)


# ------------------------------------------------------------------------------- checkpoints


def test_a_checkpoint_gives_back_the_network_frozen_and_in_eval_mode(tmp_path):
    svae, path = small(), tmp_path / "svae.safetensors"
    save_model(path, svae.train(), metadata=svae.description)
    assert svae.description == {"architecture": "svae-64x64", "latent_dim": 6, "width": 0.125}
    loaded, own = load_svae(path), load_svae(path, statistics="own")
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    for key, value in svae.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key
    z = torch.randn(2, 6, generator=seeded(3))
    assert torch.equal(loaded.decode(z), svae.eval().decode(z))
    assert torch.equal(own.decode(z), small(statistics="own").decode(z))


def test_the_architecture_decides_which_svae_is_loaded(tmp_path):
    for svae in (small(), DigitSVAE(latent_dim=5)):
        path = tmp_path / f"{svae.architecture}.safetensors"
        save_model(path, svae, metadata=svae.description)
        assert type(load_svae(path)) is type(svae)


def test_another_network_is_no_svae(tmp_path):
    path = tmp_path / "gan.safetensors"
    save_model(path, nn.Linear(1, 1), metadata={"architecture": "acgan-28x28"})
    message = (
        r"gan\.safetensors contains 'acgan-28x28', needs one of svae-28x28, svae-64x64; delete"
    )
    with pytest.raises(InputError, match=message):
        load_svae(path)


def test_weights_of_another_width_are_told_apart(tmp_path):
    path = tmp_path / "svae.safetensors"
    save_model(path, small(), metadata={**small().description, "width": 0.25})
    with pytest.raises(InputError, match=r"another architecture \(svae-64x64\) than FaceSVAE"):
        load_svae(path)
