"""Check that configuration files are mappings in YAML or JSON with each key once, and one preset.

`typeone reproduce` calls this before Snakemake, whose errors name neither the file nor the line.
The Snakefile calls it too, because YAML silently takes the last of two values under one key.
"""

import json
import re
from pathlib import Path

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LIKE = "needs settings by name, as in config.yaml"
OTHER_BASE = re.compile(r"[-+]?(0[0-9xXbB]|.*:)")
# what PyYAML raises, besides its own errors, for a value that does not match its tag or format
NO_VALUE = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError)


def repeated(
    node: yaml.Node, path: tuple[str, ...] = (), seen: set[int] | None = None
) -> tuple[str, int, int] | None:
    """Return key, line and earlier line of the first key that a mapping has twice, or None."""
    seen = set() if seen is None else seen
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return None
    seen.add(id(node))  # an alias is the same node object
    lines: dict[str, int] = {}
    for i, entry in enumerate(node.value):
        key, value = entry if isinstance(node, yaml.MappingNode) else (None, entry)
        name = str(i) if key is None else str(key.value)
        if key is not None:
            line = key.start_mark.line + 1
            if name in lines and name != "<<":  # several mappings may be merged
                return ".".join((*path, name)), line, lines[name]
            lines[name] = line
        if found := repeated(value, (*path, name), seen):
            return found
    return None


def misread(node: yaml.Node, seen: set[int] | None = None) -> yaml.ScalarNode | None:
    """Return the first number that YAML 1.1 does not read in base ten: 010 is 8, and 1:30 is 90."""
    seen = set() if seen is None else seen
    if id(node) in seen:
        return None
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        return node if number and OTHER_BASE.match(node.value) else None
    pairs = isinstance(node, yaml.MappingNode)
    below = [part for entry in node.value for part in (entry if pairs else (entry,))]
    return next(filter(None, (misread(part, seen) for part in below)), None)


def fault(path: str | Path) -> str | None:
    """Return one line that describes what is wrong with the file at ``path``, or None."""
    data = Path(path).read_bytes()
    try:
        text = data.decode()
        node = yaml.compose(text, Loader=LOADER)
        if not is_json(text):
            yaml.safe_load(text)  # fails for a date that does not exist or a mapping as a key
        found = repeated(node) if isinstance(node, yaml.MappingNode) else None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f"{path}, line {line}: byte 0x{data[error.start]:02X} is not UTF-8 text; {LIKE}"
    except yaml.MarkedYAMLError as error:
        if is_json(text):  # YAML refuses tabs, which JSON allows
            return None
        mark = error.problem_mark or error.context_mark
        what = f" ({error.problem})" if error.problem else ""
        line = mark.line + 1 if mark else 1
        return f"{path}, line {line}: not valid YAML{what}; correct this line or the one above"
    except yaml.YAMLError as error:  # characters that are not allowed in text
        return f"{path} is not valid YAML ({' '.join(str(error).split())}); {LIKE}"
    except RecursionError:
        return f"{path} is nested too deeply; {LIKE}"
    except NO_VALUE as error:
        reason = " ".join(str(error).split())[:100]
        return f"{path} contains a value that YAML cannot read ({reason}); quote it to make it text"
    if node is None:
        return f"{path} is empty; {LIKE}; add settings or omit the file"
    if not isinstance(node, yaml.MappingNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "one value"
        return f"{path} contains {kind}, not settings; {LIKE}"
    if number := misread(node):
        return (
            f"{path}, line {number.start_mark.line + 1}: YAML reads {number.value} as "
            f"{yaml.safe_load(number.value)}; write the number in base ten, without leading zeros"
        )
    if found:
        key, line, first = found
        return (
            f"{path}, line {line}: `{key}` appears a second time (first on line {first}), and "
            "only the last would be used; keep one"
        )
    return None


def is_json(text: str) -> bool:
    """Return whether ``text`` is JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def require_sound(preset: object, checkout: str | Path, *given: str | Path) -> None:
    """Raise Snakemake's error for the first configuration file that has a `fault`.

    And if the ``given`` files, or ``preset`` of all settings, name several presets.
    """
    from snakemake.exceptions import WorkflowError

    for message in filter(None, map(fault, (Path(checkout, "config.yaml"), *given))):
        raise WorkflowError(message)
    require_one_preset(preset, *given)


def require_one_preset(preset: object, *paths: str | Path) -> None:
    """Raise Snakemake's error if the files or ``preset`` name several presets.

    The name of one preset must not stand beside the numbers of another.
    """
    from snakemake.exceptions import WorkflowError

    named = {
        str(path): name
        for path in paths
        if (name := yaml.safe_load(Path(path).read_text()).get("preset")) is not None
    }
    if len({*named.values(), preset}) > 1 and named:
        found = ", ".join(f"{name!r} in {path}" for path, name in named.items())
        raise WorkflowError(
            f"`preset` is {preset!r}, but {found}; needs one preset: each has its own values"
        )
