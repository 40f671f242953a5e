"""Verdicts, tables, figures and pages from stored rows."""
