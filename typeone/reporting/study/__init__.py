"""The sheet that asks people what they see (IV-B)."""
