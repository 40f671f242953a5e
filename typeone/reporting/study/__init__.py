"""The sheet that asks people to label images (IV-B)."""
