"""What each network is trained to minimise, in the form that `training.loop.train` takes."""
