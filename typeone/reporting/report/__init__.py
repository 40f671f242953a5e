"""The report: one HTML page with all tables, figures and examples of a run, from stored rows.

`page` renders it. The other modules convert rows of artifacts into lists and dictionaries that JSON
can store. The page loads nothing from outside itself.
"""
