"""What each network is trained to minimise, in the form that `typeone.training.train` takes."""
