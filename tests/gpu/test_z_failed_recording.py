"""A capture that breaks does no harm; the last of all tests, in case it does."""

import logging

import pytest
import torch
from torch import nn

from typeone.attacks import descent
from typeone.runtime.host_reads import HostReads

from ..typeone.runtime.test_cuda_graphs import WALK
from .test_graphs import walked

pytestmark = pytest.mark.gpu


class Sneaky(nn.Sequential):
    """Reads a value where `HostReads` cannot see it: by way of NumPy."""

    def forward(self, images):
        largest = images.detach().cpu().numpy().max()
        return super().forward(images / float(largest))


def test_a_recording_that_fails_does_no_harm(card, caplog, monkeypatch):
    """Even if the check beforehand missed it: the walk goes on, and so does the card."""
    monkeypatch.setattr(HostReads, "_READERS", frozenset())
    monkeypatch.setattr(
        HostReads, "__torch_dispatch__", lambda self, f, t, a=(), k=None: f(*a, **(k or {}))
    )
    layers = [nn.Flatten(), nn.Linear(784, 10, dtype=torch.float64)]
    f1 = Sneaky(*layers).eval().to(card).requires_grad_(False)
    with caplog.at_level(logging.WARNING):
        found = walked(card, WALK, f1=f1)
    assert card.type == "cpu" or "runs without a CUDA graph" in caplog.text
    monkeypatch.setattr(descent, "graphs_on", lambda device: None)
    assert torch.equal(found.latent_end, walked(card, WALK, f1=f1).latent_end)
    assert torch.randn(3, device=card).isfinite().all()
