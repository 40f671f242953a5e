"""Detectors: fitted on clean data only, run without any attack."""
