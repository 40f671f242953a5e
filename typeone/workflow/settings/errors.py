"""Describe an invalid setting in one line: its name, its value, what is allowed and the remedy."""

import difflib
import json
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from typeone.workflow.settings.model import Model, SomeOf, Union

SEE = "(see config.yaml and docs/configuration.md)"
MEANT = {
    "module": "path/to/file.py:function",
    "weights": "a file whose name ends in .safetensors, which contains only tensors and no code; "
    "write it with safetensors.torch.save_file(network.state_dict(), path)",
    "sha256": "the 64 hexadecimal digits that sha256sum prints",
}
TYPES = {
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), "a mapping of settings"),
    "list_type": "a list",
    "string_type": "text",
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
}
LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
    "multiple_of": ("a multiple of", "multiple_of"),
    "too_short": ("a number of entries of at least", "min_length"),
}
UNKNOWN = ("extra_forbidden", "invalid_key")


def first_line(error: ValidationError, model: type[Model]) -> str:
    """Return one line for the violation of ``model`` that is to be reported first, see `rank`."""
    found = error.errors(include_url=False)
    first = min(found, key=rank)
    if first["type"] == "missing":
        owner = first["loc"][:-1]
        missing = [e["loc"][-1] for e in found if e["type"] == "missing" and e["loc"][:-1] == owner]
        return lacking(dotted(owner), missing)
    return line(first, model)


def rank(error: ErrorDetails) -> tuple[bool, int, int]:
    """Return the sort key of an error: outermost keys first, unknown keys before other errors.

    Contradictions between settings and missing settings come after settings that are wrong alone.
    """
    kind, loc = error["type"], keys(error["loc"])
    at_owner = kind in UNKNOWN or kind == "missing"
    order = 0 if kind in UNKNOWN else 1 if at_owner else 2
    return kind == "value_error", len(loc) - at_owner, order


def keys(loc: Sequence[int | str]) -> list[str]:
    """Return the keys in the location of an error, without the tags of alternatives."""
    return [str(part) for part in loc if str(part)[:1] not in ("<", "[")]


def dotted(loc: Sequence[int | str]) -> str:
    """Return the keys in the location of an error, joined with dots."""
    return ".".join(keys(loc))


def quoted(path: str) -> str:
    """Return the name of a setting in backticks."""
    return f"`{path}`" if path else "the configuration"


def lacking(path: str, missing: Sequence[int | str]) -> str:
    """Return one line on missing settings."""
    *most, last = (f"`{key}`" for key in missing)
    listed = f"{', '.join(most)} and {last}" if most else last
    return f"{quoted(path)} lacks {listed} {SEE}"


def line(error: ErrorDetails, model: type[Model]) -> str:
    """Return one line on one violation."""
    kind, loc, value, more = error["type"], error["loc"], error["input"], error.get("ctx", {})
    path = dotted(loc)
    if kind == "value_error":
        return absolute(str(more["error"]), path)
    if kind in UNKNOWN:
        return unknown(str(loc[-1]), loc[:-1], model)
    if loc and loc[-1] == "[key]":
        return (
            f"{quoted(dotted(loc[:-2]))} contains the name {value!r}; a name needs a lower-case "
            f"letter, then lower-case letters, digits and underscores {SEE}"
        )
    if kind == "no_such_kind":
        key, allowed = more["key"], more["allowed"]
        if not isinstance(value, dict):
            return wrong_value(path, value, "a mapping of settings")
        if key not in value:
            return lacking(path, [key])
        return wrong_value(f"{path}.{key}", value[key], "one of " + re.sub("[<>]", "", allowed))
    if kind in LIMITS:
        words, name = LIMITS[kind]
        bound = more[name]
        return wrong_value(path, value, f"{words} {bound:g}" if bound < 1e6 else f"{words} {bound}")
    null = " or null" if is_nullable(loc, model) else ""
    if kind in TYPES:
        return wrong_value(path, value, TYPES[kind] + null)
    if kind == "literal_error":
        allowed = ", ".join(re.findall("'([^']*)'", more["expected"]))
        text = loc[-1] == "<text>"
        return wrong_value(
            path, value, f"{allowed} or a number" if text else f"one of {allowed}{null}"
        )
    if kind == "finite_number":
        return f"`{path}` is {value}; needs a finite number {SEE}"
    if kind == "string_pattern_mismatch":
        return wrong_value(path, value, MEANT[keys(loc)[-1]])
    return f"{quoted(path)}: {error['msg']} {SEE}"


def absolute(text: str, path: str) -> str:
    """Return the text of a `Wrong` with the path of its model before each relative key."""
    dot = f"{path}." if path else ""
    return re.sub(r"`\.(`|\w)", lambda m: f"`{path}`" if m[1] == "`" else f"`{dot}{m[1]}", text)


def unknown(key: str, owner: Sequence[int | str], model: type[Model]) -> str:
    """Return one line on a key that is not a setting."""
    kind = type_at(owner, model)
    allowed = list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, Model) else []
    close = difflib.get_close_matches(key, allowed, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"needs one of {', '.join(allowed)}"
    return f"`{'.'.join((*keys(owner), key))}` is not a setting; {hint} {SEE}"


def wrong_value(path: str, value: Any, need: str) -> str:
    """Return one line on a value that is not allowed."""
    if isinstance(value, str) and (number := as_number(value)):
        quotes = not isinstance(yaml.safe_load(value), str)
        # Snakemake reads `--config 'seeds=[1]'` with a loader that returns only text
        how = (
            "without quotes, in a --configfile (--config reads the entries of [] and {} as text)"
            if quotes
            else f"because YAML reads {value} as text"
        )
        return (
            f"{quoted(path)} is the text {value!r}; needs {need}: write the number as {number}, "
            f"{how} {SEE}"
        )
    try:
        text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    except (ValueError, TypeError):  # a list that contains itself, a date as a key
        text = repr(value)
    return f"{quoted(path)} is {text}; needs {need} {SEE}"


def as_number(text: str) -> str | None:
    """Return a number that YAML read as text in a form that YAML reads as a number, or None."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    written = number.is_finite() and abs(number.adjusted()) < 400  # a gigabyte of zeros is not
    return f"{number:f}" if written else None


# ------------------------------------------------------------------------------ types by location


def type_at(loc: Sequence[int | str], model: type[Model]) -> Any:
    """Return the type of the setting at ``loc``."""
    kind: Any = model
    for part in loc:
        kind = inside(kind, part)
    while get_origin(kind) is Annotated:
        some = [mark.model for mark in get_args(kind)[1:] if isinstance(mark, SomeOf)]
        kind = some[0] if some else get_args(kind)[0]
    return kind


def inside(kind: Any, part: int | str) -> Any:
    """Return the type of ``part`` of a type: a key, an entry, or the tag of an alternative."""
    if get_origin(kind) is Annotated:
        below, *marks = get_args(kind)
        for mark in marks:
            if isinstance(mark, Union) and part in mark.tags:
                return get_args(below)[mark.tags.index(str(part))]
            if isinstance(mark, SomeOf):
                return inside(mark.model, part)
        return inside(below, part)
    if isinstance(kind, type) and issubclass(kind, Model):
        field = kind.model_fields.get(str(part))
        if field is None:
            return None
        return (
            Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        )
    if get_origin(kind) in (dict, list):
        return get_args(kind)[-1]
    return next((found for arg in get_args(kind) if (found := inside(arg, part))), None)


def is_nullable(loc: Sequence[int | str], model: type[Model]) -> bool:
    """Return whether the setting at ``loc`` may be null."""
    return NoneType in get_args(type_at(loc, model))
