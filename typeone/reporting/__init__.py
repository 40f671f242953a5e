"""Verdicts, tables, figures and pages, made of stored rows."""
