"""The report: one page of HTML that holds all tables, figures and examples of a run, made of rows.

`page` puts it together; the other modules turn rows of artifacts into what the page shows: plain
lists and dictionaries that JSON can hold. The page asks for nothing from outside itself.
"""
