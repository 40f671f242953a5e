"""Figures of the paper and beside it: one module each, from stored rows to a drawing."""
