"""The card of an audit: one page and one JSON file about a classifier."""
