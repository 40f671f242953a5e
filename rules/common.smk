# Validation of the configuration and the lists that rules are made of.
# Consumes config; yields SEEDS, SHARDS, MEMBERS, TARGETS and the few functions that rules share.
import difflib

import jsonschema
import yaml
from snakemake.exceptions import WorkflowError


def describe_config_error(error, schema):
    """One line on one violation: the key, the value, what is allowed, the likely remedy."""
    key = ".".join(str(part) for part in error.absolute_path) or "the configuration"
    value = error.instance
    where = "see config.yaml and rules/config.schema.yaml"
    if error.validator == "additionalProperties":
        allowed = list(error.schema.get("properties", {}))
        unknown = next(k for k in value if k not in allowed)
        close = difflib.get_close_matches(str(unknown), allowed, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"allowed are {', '.join(allowed)}"
        prefix = f"{key}." if error.absolute_path else ""
        return f"`{prefix}{unknown}` is no setting; {hint} ({where})"
    if error.validator == "required":
        missing = next(k for k in error.validator_value if k not in value)
        return f"`{key}` lacks `{missing}` ({where})"
    if isinstance(value, str) and error.validator in ("type", "oneOf", "anyOf"):
        try:
            return (
                f"`{key}` is the text {value!r}, needs a number; YAML reads {value} as text, "
                f"write {float(value):.10f}".rstrip("0") + f" ({where})"
            )
        except ValueError:
            pass
    limits = {
        "type": "needs {}",
        "enum": "needs one of {}",
        "minimum": "needs at least {}",
        "maximum": "needs at most {}",
        "exclusiveMinimum": "needs more than {}",
        "minItems": "needs at least {} entries",
        "const": "needs {}",
    }
    allowed = error.validator_value
    if isinstance(allowed, list):
        allowed = ", ".join("null" if v is None else str(v) for v in allowed)
    need = limits.get(error.validator, f"violates {error.validator} {{}}").format(allowed)
    shown = "null" if value is None else repr(value)
    return f"`{key}` is {shown}; {need} ({where})"


def validate_config(config, schema):
    """Stop with one line on the first violation of the closed schema."""
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(
        validator.iter_errors(config), key=lambda e: (len(e.absolute_path), str(e.path))
    )
    for error in errors:
        # of alternatives, speak about the one that the value was meant to be
        while error.context:
            error = max(error.context, key=lambda e: (len(e.absolute_path), e.validator != "const"))
        raise WorkflowError(describe_config_error(error, schema))
    for name, attack in config["attacks"].items():
        for target in attack["targets"]:
            if target not in config["classifiers"]:
                raise WorkflowError(
                    f"`attacks.{name}.targets` names {target!r}; needs classifiers that exist: "
                    + ", ".join(config["classifiers"])
                )
        if name in ("paper", "transition") and "mlp" not in attack["targets"]:
            raise WorkflowError(
                f"`attacks.{name}.targets` is {attack['targets']}; needs mlp, which the figures show"
            )
        if attack["count"] > config["examples"]["count"]:
            raise WorkflowError(
                f"`attacks.{name}.count` is {attack['count']}; needs at most `examples.count`, "
                f"{config['examples']['count']}"
            )
    if config["oracle"]["seed"] in config["seeds"]:
        raise WorkflowError(
            f"`oracle.seed` is {config['oracle']['seed']}, also one of `seeds`; the judges must "
            "share no seed with what they judge"
        )


def attacks_of(kind):
    """Names of the attacks of one kind."""
    return [name for name, attack in config["attacks"].items() if attack["kind"] == kind]


def row_kind(name):
    """What the verdict table says of an attack: as Type I, Type II, or without any f1."""
    attack = config["attacks"][name]
    if attack["kind"] == "type2":
        return "type2"
    return "type1" if attack["keep"] else "transition"


def figure_caption(attack, target, seed):
    """What stands under a figure: whose examples, how many, which seed, which preset."""
    return (
        f"Variant {attack}, target {target}, seed {seed}, preset {config['preset']}: "
        "the first example of each class."
    )


def gpus():
    """GPUs that a rule which a GPU helps asks for."""
    return 1 if config["gpu"] else 0


with open(f"{workflow.basedir}/rules/config.schema.yaml") as file:
    validate_config(config, yaml.safe_load(file))

SEEDS = config["seeds"]
SHARDS = range(config["batching"]["shards"])
MEMBERS = list(config["oracle"]["members"])
TARGETS = sorted({t for attack in config["attacks"].values() for t in attack["targets"]})
