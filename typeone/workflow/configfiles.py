"""Check that a configuration file is a mapping in YAML or JSON that has each key once.

`typeone reproduce` calls this before Snakemake, whose errors name neither file nor line. The
Snakefile calls it too, since YAML silently takes the last of two values under one key.
"""

import json
from pathlib import Path

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LIKE = "needs settings by their names, as in config.yaml"
# what PyYAML raises, beside its own errors, for a value that is not what its tag or its look says
NO_VALUE = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError)


def repeated(
    node: yaml.Node, path: tuple[str, ...] = (), seen: set[int] | None = None
) -> tuple[str, int, int] | None:
    """Return key, line and earlier line of the first key that a mapping has twice, or None."""
    seen = set() if seen is None else seen
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return None
    seen.add(id(node))  # an alias is the node that it names
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


def fault(path: str | Path) -> str | None:
    """Return one line on what is wrong with the file at ``path``, or None."""
    data = Path(path).read_bytes()
    try:
        text = data.decode()
        node = yaml.compose(text, Loader=LOADER)
        if not is_json(text):
            yaml.safe_load(text)  # a date without such a day, a mapping as a key
        found = repeated(node) if isinstance(node, yaml.MappingNode) else None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f"{path}, line {line}: byte 0x{data[error.start]:02X} is not UTF-8 text; {LIKE}"
    except yaml.MarkedYAMLError as error:
        if is_json(text):  # whose tabs YAML refuses
            return None
        mark = error.problem_mark or error.context_mark
        what = f" ({error.problem})" if error.problem else ""
        line = mark.line + 1 if mark else 1
        return f"{path}, line {line}: is not YAML{what}; correct it there or just above"
    except yaml.YAMLError as error:  # characters that no text holds
        return f"{path} is not YAML ({' '.join(str(error).split())}); {LIKE}"
    except RecursionError:
        return f"{path} is nested too deeply; {LIKE}"
    except NO_VALUE as error:
        reason = " ".join(str(error).split())[:100]
        return f"{path} holds a value that YAML cannot read ({reason}); write it as text, in quotes"
    if node is None:
        return f"{path} is empty; {LIKE}; fill it or leave it out"
    if not isinstance(node, yaml.MappingNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "one value"
        return f"{path} holds {kind} and no settings; {LIKE}"
    if found:
        key, line, first = found
        return (
            f"{path}, line {line}: `{key}` appears a second time (first in line {first}), and "
            "only the last would count; keep one"
        )
    return None


def is_json(text: str) -> bool:
    """Return whether ``text`` is JSON."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def require_sound(*paths: str | Path) -> None:
    """Raise Snakemake's error on the first of these files that has a `fault`."""
    from snakemake.exceptions import WorkflowError

    for told in filter(None, map(fault, paths)):
        raise WorkflowError(told)
