"""Defences that train a network further: logit pairing and plain retraining (IV-D)."""
