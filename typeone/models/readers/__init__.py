"""Readers of network files of other frameworks."""
