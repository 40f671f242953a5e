"""Defences by training: logit pairing, and retraining on Type I examples (IV-D)."""
