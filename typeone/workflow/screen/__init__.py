"""Show the progress of ./reproduce: one line per stage on a terminal, one line per job in a pipe.

`handler` is a logger plugin of Snakemake; `closing` makes the last lines of a run.
"""
