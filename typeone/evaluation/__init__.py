"""Success, judges, realism, verification and intervals: measures on stored examples."""
