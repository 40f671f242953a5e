"""The card that these tests need, and noise that is the same on every device.

TYPEONE_CARD=cpu rehearses every test without a card: the code runs, the comparisons say nothing.
"""

import os

import pytest
import torch

from typeone.runtime.devices import compute_device

CPU = torch.device("cpu")


@pytest.fixture(scope="session")
def card():
    """A CUDA device, set as jobs set theirs; without one the test is skipped."""
    if os.environ.get("TYPEONE_CARD") == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device is visible to torch")
    return compute_device(torch.get_num_threads(), gpu=True)


@pytest.fixture
def double_precision():
    """Networks and draws in float64, in which the devices differ by rounding of 1e-16 only."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def same_noise(monkeypatch):
    """Draws of a generator on a card are those of one on the CPU with the same seed."""
    twins = {}

    def drawn_on_the_cpu(draw):
        def drawn(*shape, generator=None, device=None, **more):
            if generator is None:  # the global one, of foolbox
                return draw(*shape, **more).to(device or CPU)
            if generator.device.type == "cpu":
                return draw(*shape, generator=generator, device=device, **more)
            if id(generator) not in twins:
                twin = torch.Generator().manual_seed(generator.initial_seed())
                twins[id(generator)] = (twin, generator)  # kept, so that no other takes its id
            return draw(*shape, generator=twins[id(generator)][0], **more).to(device)

        return drawn

    for name in ("randn", "rand", "randint"):
        monkeypatch.setattr(torch, name, drawn_on_the_cpu(getattr(torch, name)))
