"""The command line of the workflow: `typeone reproduce` and `typeone check`.

The only package that depends on Snakemake. No script imports it, so an edit here reruns no job.
"""
