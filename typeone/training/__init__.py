"""The training loop, losses, and the training of each network."""
