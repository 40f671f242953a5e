"""Does a configuration file say what it seems to say? A mapping in YAML or JSON, each key once.

./reproduce runs this before Snakemake, which names neither file nor line; the Snakefile includes
it, since YAML silently takes the last of two values under one key.
"""

import json
import sys
from pathlib import Path

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LIKE = "needs settings by their names, as in config.yaml"


def repeated(node, path=(), seen=None):
    """Key, line and line before of the first key that stands twice in a mapping; None if none."""
    seen = set() if seen is None else seen
    if id(node) in seen or isinstance(node, yaml.ScalarNode):
        return None
    seen.add(id(node))  # an alias is the node that it names
    lines = {}
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


def fault(path):
    """One line on what is wrong with the file at ``path``, None if nothing is."""
    data = Path(path).read_bytes()
    try:
        text = data.decode()
        node = yaml.compose(text, Loader=LOADER)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f"{path}, line {line}: byte 0x{data[error.start]:02X} is no UTF-8 text; {LIKE}"
    except yaml.MarkedYAMLError as error:
        if is_json(text):  # whose tabs YAML refuses
            return None
        mark = error.problem_mark or error.context_mark
        what = f" ({error.problem})" if error.problem else ""
        return f"{path}, line {mark.line + 1}: is no YAML{what}; correct it there or just above"
    except yaml.YAMLError as error:  # characters that no text holds
        return f"{path} is no YAML ({' '.join(str(error).split())}); {LIKE}"
    if node is None:
        return f"{path} is empty; {LIKE}; fill it or leave it out"
    if not isinstance(node, yaml.MappingNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "one value"
        return f"{path} holds {kind} and no settings; {LIKE}"
    if found := repeated(node):
        key, line, first = found
        return (
            f"{path}, line {line}: `{key}` stands there a second time (first in line {first}), and "
            "only the last would count; keep one"
        )
    return None


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


if "workflow" in globals():
    from snakemake.exceptions import WorkflowError

    for file in (f"{workflow.basedir}/config.yaml", *workflow.overwrite_configfiles):
        if told := fault(file):
            raise WorkflowError(told)
elif __name__ == "__main__":
    for told in filter(None, map(fault, sys.argv[1:])):
        sys.exit(f"reproduce: {told}")
