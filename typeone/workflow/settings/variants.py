"""Resolve named entries that start from another: `ours: {from: paper, image_weight: 1.0}`."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from typeone.workflow.settings.model import Model, Variants, Wrong


def merged(below: Any, above: Any) -> Any:
    """Return ``above`` laid over ``below``: mappings key by key, anything else replaces.

    Keys keep the order of ``below``; new ones follow.
    """
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    return {**below, **{key: merged(below.get(key), value) for key, value in above.items()}}


def resolved(entries: Any, place: str) -> Any:
    """Return ``entries`` with each `from` replaced by the settings of the entry it names.

    Args:
        entries: settings by name; a value that is not a mapping is left for the models to refuse.
        place: the name of the setting that contains the entries, for errors.

    Raises:
        Wrong: a `from` does not name another entry, or leads back to its own.
    """
    if not isinstance(entries, Mapping):
        return entries

    def whole(name: str, behind: tuple[str, ...]) -> Any:
        entry = entries[name]
        if not isinstance(entry, Mapping) or "from" not in entry:
            return entry
        start, above = entry["from"], {k: v for k, v in entry.items() if k != "from"}
        if start in (*behind, name):
            raise Wrong(
                f"`{place}.{name}.from` is {start!r}, which leads back to itself: "
                f"{' from '.join((*behind, name, start))}; needs an entry that does not start from "
                "this one"
            )
        if not isinstance(start, str) or start not in entries:
            others = [str(key) for key in entries if key != name]
            close = difflib.get_close_matches(str(start), others, n=1)
            hint = f"did you mean {close[0]}?" if close else ", ".join(others)
            raise Wrong(f"`{place}.{name}.from` is {start!r}; needs another of `{place}`: {hint}")
        return merged(whole(start, (*behind, name)), above)

    return {name: whole(name, ()) for name in entries}


def places(model: type[Model], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every setting of ``model`` that contains such entries."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if any(isinstance(mark, Variants) for mark in field.metadata):
            yield (*path, name)
        elif isinstance(kind, type) and issubclass(kind, Model):
            yield from places(kind, (*path, name))


def lay(below: Any, above: Any, model: type[Model]) -> Any:
    """Return the settings ``above`` laid over ``below``, which has no `from`.

    An entry with `from` starts from the merged version of another entry; an entry with the same
    name in ``below`` is dropped. An entry without `from` changes that of ``below``, but not the
    entries that started from it there.

    Raises:
        Wrong: as `resolved`.
    """
    for path in places(model):
        entries = at(above, path)
        if isinstance(entries, Mapping):
            anew = {k for k, v in entries.items() if isinstance(v, Mapping) and "from" in v}
            below = without(below, path, anew)
    both = merged(below, above)
    for path in places(model):
        both = put(both, path, resolved(at(both, path), ".".join(path)))
    return both


def at(settings: Any, path: tuple[str, ...]) -> Any:
    """Return the value at the keys ``path``, None if there is none."""
    for key in path:
        settings = settings.get(key) if isinstance(settings, Mapping) else None
    return settings


def put(settings: Any, path: tuple[str, ...], value: Any) -> Any:
    """Return ``settings`` with another value at ``path``, if they have one there."""
    if not path:
        return value
    if not isinstance(settings, Mapping) or path[0] not in settings:
        return settings
    return {**settings, path[0]: put(settings[path[0]], path[1:], value)}


def without(settings: Any, path: tuple[str, ...], names: set[str]) -> Any:
    """Return ``settings`` with the entries ``names`` at ``path`` emptied, in the same order."""
    entries = at(settings, path)
    if not isinstance(entries, Mapping):
        return settings
    return put(settings, path, {k: {} if k in names else v for k, v in entries.items()})
