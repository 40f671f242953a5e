"""Figures of the paper and further ones: one module each, from stored rows to a drawing."""
