"""What a run of ./reproduce shows: one line per stage on a terminal, one line per job in a pipe.

`handler` is a logger plugin of Snakemake; `closing` is what a run ends with.
"""
