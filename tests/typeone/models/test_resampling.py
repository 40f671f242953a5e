"""The resize that a GPU makes by products is PyTorch's own, and so is its gradient."""

import pytest
import torch
import torch.nn.functional as F

from typeone.models.resampling import (
    Doubling,
    interpolation_matrix,
    resize_bilinear,
    resize_by_products,
)

from ..algorithm2 import F64, seeded

ROUNDING = {"rtol": 0, "atol": 1e-13}  # of float64 sums in another order, values of order 1


def by_hand():
    """Two pixels become four: half-pixel centres, the border repeated."""
    return torch.tensor([[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])


def test_the_weights_are_those_by_hand():
    assert torch.equal(interpolation_matrix(2, 4), by_hand())


@pytest.mark.parametrize(("sizes", "side"), [((7, 7), 14), ((64, 64), 160), ((250, 178), 160)])
@pytest.mark.parametrize("antialias", [False, True])
def test_products_give_what_torch_gives(sizes, side, antialias):
    x = torch.randn(2, 3, *sizes, dtype=F64, generator=seeded()).requires_grad_(True)
    rows, columns = (interpolation_matrix(n, side, antialias=antialias, dtype=F64) for n in sizes)
    found, expected = (
        resize_by_products(x, rows, columns),
        resize_bilinear(x, side, antialias=antialias),
    )
    torch.testing.assert_close(found, expected, **ROUNDING)
    upstream = torch.randn(expected.shape, dtype=F64, generator=seeded(1))
    gradients = [torch.autograd.grad(y, x, upstream)[0] for y in (found, expected)]
    torch.testing.assert_close(*gradients, **ROUNDING)


def test_doubling_is_torchs_on_the_cpu_and_products_elsewhere():
    x = torch.randn(2, 5, 8, 8, generator=seeded()).to(memory_format=torch.channels_last)
    layer = Doubling(8)
    expected = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.equal(layer(x), expected)
    assert not layer.state_dict()  # checkpoints stay as they are
    elsewhere = layer.to("meta")(x.to("meta"))
    assert elsewhere.shape == expected.shape
    assert elsewhere.is_contiguous(memory_format=torch.channels_last)
