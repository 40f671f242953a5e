"""Attacks: each is a frozen settings object and a pure function."""
