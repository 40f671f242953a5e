"""Measures on stored examples: success, judges, realism, verification and intervals."""
