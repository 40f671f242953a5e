"""Training objectives of each network, in the form of `training.loop.Objective`."""
