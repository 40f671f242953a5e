"""Networks in the formats of other frameworks, read as data."""
