"""Defences that train a classifier anew: pairing of logits, and plain retraining (IV-D)."""
