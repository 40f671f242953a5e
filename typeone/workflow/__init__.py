"""The command line of the workflow: `typeone reproduce` and `typeone check`.

The only package that knows Snakemake. No script imports it, so that an edit here reruns no job.
"""
