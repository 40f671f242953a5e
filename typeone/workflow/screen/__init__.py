"""What a run of ./reproduce shows: a line a stage on a terminal, a line a job in a pipe.

`handler` is a logger plugin of Snakemake; `closing` is what a run ends with.
"""
