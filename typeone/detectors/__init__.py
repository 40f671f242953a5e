"""Detectors of adversarial examples, fitted on clean data only."""
