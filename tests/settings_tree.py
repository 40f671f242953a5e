"""Nested settings as paths of keys."""


def leaves(settings, path=()):
    """The path and the value of each setting that is not a section."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def value_at(settings, path):
    """The value at a path."""
    for key in path:
        settings = settings[key]
    return settings
