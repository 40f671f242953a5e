"""Make docs/configuration.md out of rules/config.schema.yaml and the values of config.yaml.

    .venv/bin/python docs/configuration.py

A test fails while the page is not what this would write.
"""

import json
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
HEAD = """# Configuration

Every setting, what it may be, and its value in preset quick. `config.yaml` has the same in one
piece, with remarks on single values. `.venv/bin/python docs/configuration.py` makes this page from
[the schema](../rules/config.schema.yaml) and [config.yaml](../config.yaml).

- `./reproduce --configfile mine.yaml` lays `mine.yaml` over config.yaml: it holds what differs,
  each key in its place. A list replaces the list that was there. [The tutorial](tutorial.md) edits
  one number and looks at what changed.
- `presets/smoke.yaml` and `presets/paper.yaml` are such files. What a run was made with stands in
  `results/config.yaml`.
- The schema is closed: a key that is not on this page stops the run with one line, and so does a
  value out of its range. A number is written `0.001`; YAML takes `1e-3` for text.
- `NAME` stands for a name of your choice: lower-case letters, digits and underscores. A value that
  not all entries share has their names behind it.
"""
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


class Reference:
    """The rows of the page: each setting once, in the order of the schema."""

    def __init__(self, schema, settings):
        self.schema, self.settings = schema, settings

    def resolved(self, node):
        """``node`` with what it refers to, its own words first."""
        while "$ref" in node:
            rest = {k: v for k, v in node.items() if k != "$ref"}
            node = self.schema["$defs"][node["$ref"].split("/")[-1]] | rest
        return node

    def branches(self, node):
        """``node`` and the alternatives within it, without their conditions."""
        node = self.resolved(node)
        yield {k: v for k, v in node.items() if k not in ("if", "then", "else")}
        for branch in ("then", "else"):
            if branch in node:
                yield from self.branches(node[branch])

    def allowed(self, parts):
        """What a value may be, in words; ``parts`` are alternatives."""
        found = []
        for part in parts:
            kinds = part.get("type", [])
            kinds = [kinds] if isinstance(kinds, str) else kinds
            limits = " and ".join(f"{sign} {part[k]}" for k, sign in LIMITS.items() if k in part)
            if "multipleOf" in part:
                limits += f", a multiple of {part['multipleOf']}"
            if "enum" in part or "const" in part:
                found += [f"`{value}`" for value in part.get("enum", [part.get("const")])]
            elif "array" in kinds:
                found.append(f"list of {self.allowed(list(self.branches(part['items'])))}")
            elif "object" in kinds:
                found.append("settings of its own")
            elif kinds:
                names = {"integer": "whole number", "string": "text", "boolean": "`true`, `false`"}
                found += [f"{names.get(k, k)} {limits}".strip() for k in kinds if k != "null"]
            found += ["`null`"] * ("null" in kinds)
        return " or ".join(dict.fromkeys(found))

    def rows(self, nodes, values, path):
        """(key, value, allowed, meaning) of what is at ``path`` and all below it.

        ``nodes``: alternatives for it. ``values``: (names on the way, value) of every entry of
        config.yaml that has this key.
        """
        parts = [part for node in nodes for part in self.branches(node)]
        meaning = next((part["description"] for part in parts if "description" in part), "")
        inner, open_to = {}, []
        for part in parts:
            for key, node in part.get("properties", {}).items():
                inner.setdefault(key, []).append(node)
            if isinstance(part.get("additionalProperties"), dict):
                open_to.append(part["additionalProperties"])
        nulls = [(names, value) for names, value in values if value is None]
        if not inner and not open_to:
            yield path, shown(values, values), self.allowed(parts), meaning
        elif nulls:  # settings of its own, or none
            yield path, shown(nulls, values), "`null` or settings of its own", meaning
        for key, alternatives in inner.items():
            below = [(names, v[key]) for names, v in values if isinstance(v, dict) and key in v]
            yield from self.rows(alternatives, below, f"{path}.{key}")
        if open_to:
            below = [((*names, name), v) for names, of in values for name, v in of.items()]
            yield from self.rows(open_to, below, f"{path}.NAME")

    def page(self):
        """The whole page."""
        text = [HEAD]
        for key, node in self.schema["properties"].items():
            node, value = self.resolved(node), self.settings[key]
            text.append(f"\n## {key}\n\n")
            leaf = not ({"properties", "additionalProperties"} & node.keys())
            if "description" in node and not leaf:
                text.append(f"{node['description']}\n\n")
            text.append("| key | quick | may be | what it is |\n|---|---|---|---|\n")
            for path, quick, allowed, meaning in self.rows([node], [((), value)], key):
                meaning = meaning.replace("|", "\\|")
                text.append(f"| `{path}` | {quick} | {allowed} | {meaning} |\n")
        return "".join(text)


def shown(values, among):
    """The value that all of ``among`` share, else each of ``values`` with its names behind it."""
    by_value = {}
    for names, value in values:
        by_value.setdefault(json.dumps(value), []).append(".".join(names))
    plain = [f"`{text.strip(chr(34))}`" for text in by_value]
    if len(by_value) == 1 and len(values) == len(among):
        return plain[0]
    return "; ".join(
        f"{text} ({', '.join(names)})" for text, names in zip(plain, by_value.values(), strict=True)
    )


def page():
    """The page as it is to be."""
    schema = yaml.safe_load((ROOT / "rules" / "config.schema.yaml").read_text())
    return Reference(schema, yaml.safe_load((ROOT / "config.yaml").read_text())).page()


if __name__ == "__main__":
    (ROOT / "docs" / "configuration.md").write_text(page())
