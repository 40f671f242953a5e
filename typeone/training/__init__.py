"""One training loop, losses, and what each network minimises."""
