"""Tables of the paper and beside it: one module each, from stored rows to cells; their files."""
