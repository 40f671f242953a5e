"""Attacks: a frozen settings object and a pure function each."""
