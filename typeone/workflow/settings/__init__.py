"""Models of all settings: type, bounds, meaning, place in the paper and default, each stated once.

A default is the published value, or that of preset `paper` where the paper has none. config.yaml
holds what preset `quick` chooses instead. Roman numerals name sections of arXiv 1809.00594.
"""
