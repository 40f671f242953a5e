"""Models of all settings: type, bounds, meaning, place in the paper and default, each stated once.

A default is the published value, or that of preset `paper` if the paper has none. config.yaml
contains the values of preset `quick`. Roman numerals are sections of arXiv 1809.00594.
"""
