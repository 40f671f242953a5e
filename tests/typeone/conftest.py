"""What every numerical test needs."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Sums are split over threads, so bytes are only the same for one thread count."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
