"""Networks: the supervised VAE, the attacked classifiers, generators and independent judges."""
