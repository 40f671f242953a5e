"""Make docs/configuration.md and the schemas of settings and of cards out of their models.

    .venv/bin/python docs/configuration.py

A test fails while one of the files is not what this would write.
"""

import json
from pathlib import Path

from typeone.reporting.card.contents import CardContents
from typeone.reporting.card.faces import FaceCardContents
from typeone.workflow.settings import layers
from typeone.workflow.settings.whole import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGE, SCHEMA = ROOT / "docs" / "configuration.md", ROOT / "docs" / "config.schema.json"
CARDS = {
    ROOT / "docs" / "card.schema.json": CardContents,
    ROOT / "docs" / "face-card.schema.json": FaceCardContents,
}
HEAD = """# Configuration

This page lists every setting: its published value, what preset `quick` chooses instead, what it may
be, and what it is. Where the paper has no value, the published one is that of preset `paper`.
`.venv/bin/python docs/configuration.py` makes this page from the models in
[typeone/workflow/settings](../typeone/workflow/settings).

- A run takes the value of a file after `--configfile`, else that of [config.yaml](../config.yaml),
  which is preset `quick`, else the published one. A file holds what differs, each key in its place;
  a list replaces the list that was there. [The tutorial](tutorial.md) changes one number.
- `presets/smoke.yaml`, `full.yaml` and `paper.yaml` are such files. `preset: NAME` in a file takes
  the values of that preset; paper leaves config.yaml out. Several presets in one run are refused.
  `results/config.yaml` has all settings of a run.
- `NAME` stands for a name of your choice: lower-case letters, digits and underscores. A value that
  not all entries share is followed by their names.
- An entry may start from another one: `attacks: {mine: {from: paper, lr: 0.01}}` is `paper` of this
  run with another `lr`.
- A key that is not on this page stops the run with one line, and so does a value out of its range.
  Write numbers as `0.001`; YAML takes `1e-3` for text.
- Editors with a YAML language server check and complete files whose first line is
  `# yaml-language-server: $schema=docs/config.schema.json`, a path from the file.
"""
LIMITS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
FROM = {"type": "string", "description": "Another entry, from which this one differs."}


class Reference:
    """The rows of the page: each setting once, in the order of the schema."""

    def __init__(self, schema, published, quick):
        self.schema, self.published, self.quick = schema, published, quick

    def resolved(self, node):
        """``node`` with what it refers to, its own words first."""
        while "$ref" in node:
            rest = {k: v for k, v in node.items() if k not in ("$ref", "default")}
            node = self.schema["$defs"][node["$ref"].split("/")[-1]] | rest
        return node

    def branches(self, node):
        """The alternatives within ``node``, each with the description of all."""
        node = self.resolved(node)
        inner = node.get("anyOf") or node.get("oneOf")
        words = {k: v for k, v in node.items() if k == "description"}
        for branch in inner or ():
            yield from self.branches(branch | words if "$ref" not in branch else branch)
        if not inner:
            yield node

    def allowed(self, parts):
        """What a value may be, in words; ``parts`` are alternatives."""
        found = []
        for part in parts:
            kind = part.get("type")
            limits = " and ".join(f"{sign} {part[k]}" for k, sign in LIMITS.items() if k in part)
            if "multipleOf" in part:
                limits += f", a multiple of {part['multipleOf']}"
            if "enum" in part or "const" in part:
                found += [f"`{value}`" for value in part.get("enum", [part.get("const")])]
            elif kind == "array":
                found.append(f"list of {self.allowed(list(self.branches(part['items'])))}")
            elif kind == "object":
                found.append("settings of its own")
            elif kind == "null":
                found.append("`null`")
            else:
                names = {"integer": "whole number", "string": "text", "boolean": "`true`, `false`"}
                found.append(f"{names.get(kind, kind)} {limits}".strip())
        return " or ".join(dict.fromkeys(found))

    def meaning(self, nodes, parts):
        """What a setting is; of alternatives that differ, what each of them is."""
        if len(parts) > 1 and all("const" in part for part in parts):
            told = [f"`{part['const']}`: {part['description'].rstrip('.')}" for part in parts]
            return "; ".join(dict.fromkeys(told)) + "."
        told = [node["description"] for node in nodes if "description" in node]
        told = told or [part["description"] for part in parts if "description" in part]
        return " Or: ".join(dict.fromkeys(told))

    def rows(self, nodes, values, path):
        """(key, published, quick, allowed, meaning) of the setting at ``path`` and all below it.

        ``nodes``: alternatives for it. ``values``: {names on the way: (published, quick)} of every
        entry that has this key.
        """
        parts = [part for node in nodes for part in self.branches(node)]
        inner, open_to = {}, []
        for part in parts:
            for key, node in part.get("properties", {}).items():
                inner.setdefault(key, []).append(node)
            open_to += part.get("patternProperties", {}).values()
        nulls = {names: pair for names, pair in values.items() if None in pair}
        if not inner and not open_to:
            cells = self.allowed(parts), self.meaning(nodes, parts)
            yield path, *shown(values, values), *cells
        elif nulls or any(part.get("type") == "null" for part in parts):
            words = "`null` or settings of its own", self.meaning(nodes, parts)
            yield path, *shown(nulls, values), *words
        for key, alternatives in inner.items():
            below = {
                names: (published[key], quick[key])
                for names, (published, quick) in values.items()
                if isinstance(published, dict) and key in published
            }
            yield from self.rows(alternatives, below, f"{path}.{key}")
        if open_to:
            below = {
                (*names, name): (value, quick[name])
                for names, (published, quick) in values.items()
                for name, value in published.items()
            }
            yield from self.rows(open_to, below, f"{path}.NAME")

    def page(self):
        """The whole page."""
        text = [HEAD]
        for key, node in self.schema["properties"].items():
            text.append(f"\n## {key}\n\n")
            full = self.resolved(node)
            if "description" in full and {"properties", "patternProperties"} & full.keys():
                text.append(f"{full['description']}\n\n")
            text.append(
                "| key | published | quick | may be | what it is |\n|---|---|---|---|---|\n"
            )
            values = {(): (self.published[key], self.quick[key])}
            for cells in self.rows([node], values, key):
                row = " | ".join(cell.replace("|", "\\|") for cell in cells)
                text.append(f"| `{row.replace(' |', '` |', 1)} |\n")
        return "".join(text)


def shown(values, among):
    """The published value, and quick's where it differs, as cells of a table."""
    published = {names: pair[0] for names, pair in values.items()}
    quick = {names: pair[1] for names, pair in values.items() if pair[0] != pair[1]}
    return listed(published, among), listed(quick, among)


def listed(values, among):
    """The value that all of ``among`` share, else each of ``values`` with its names behind it."""
    by_value = {}
    for names, value in values.items():
        by_value.setdefault(json.dumps(value), []).append(".".join(names))
    plain = [f"`{text.strip(chr(34))}`" for text in by_value]
    if len(by_value) == 1 and len(values) == len(among):
        return plain[0]
    return "; ".join(
        f"{text} ({', '.join(names)})" for text, names in zip(plain, by_value.values(), strict=True)
    )


def page():
    """The page as it is to be."""
    schema = Settings.model_json_schema()
    return Reference(schema, layers.published(), layers.of_files(ROOT)).page()


def for_files(node):
    """A part of the schema as files may have it: nothing is required, names are checked."""
    if isinstance(node, list):
        return [for_files(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    words = {"oneOf": "anyOf"}
    node = {
        words.get(key, key): {name: for_files(inner) for name, inner in value.items()}
        if key in ("properties", "$defs")
        else for_files(value)
        for key, value in node.items()
        if key not in ("required", "title") and not (key == "default" and isinstance(value, dict))
    }
    return node | ({"additionalProperties": False} if "patternProperties" in node else {})


def schema():
    """The schema for editors as it is to be."""
    whole = for_files(Settings.model_json_schema())
    for entries in (node for node in nodes(whole) if "patternProperties" in node):
        for entry in entries["patternProperties"].values():
            for branch in entry.get("anyOf", [entry]):
                kind = whole["$defs"].get(branch.get("$ref", "").split("/")[-1])
                if kind and kind["properties"].keys() & {
                    "kind",
                    "method",
                    "architecture",
                    "module",
                }:
                    kind["properties"]["from"] = FROM
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Type One"}
    return json.dumps(head | whole, indent=1, ensure_ascii=False) + "\n"


def card_schema(contents):
    """The schema of a card's `card.json` as it is to be."""
    return json.dumps(contents.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def nodes(node):
    """Every mapping in a schema."""
    if isinstance(node, dict):
        yield node
    for inner in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from nodes(inner)


if __name__ == "__main__":
    PAGE.write_text(page())
    SCHEMA.write_text(schema())
    for path, contents in CARDS.items():
        path.write_text(card_schema(contents))
