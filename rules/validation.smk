# Is the configuration one that can run? Every violation stops with one line that names the setting, its
# value, what is allowed and the remedy. Consumes config and its closed schema; yields validate_config.
import difflib
import json
import math
from decimal import Decimal, InvalidOperation
from glob import glob

import jsonschema
import yaml
from snakemake.exceptions import WorkflowError

MEANT = {
    "module": "path/to/file.py:function",
    "weights": "a file whose name ends in .safetensors, which holds tensors and no code; write it "
    "with safetensors.torch.save_file(network.state_dict(), path)",
    "sha256": "the 64 hexadecimal digits that sha256sum prints",
}
TYPES = {
    "object": "settings of its own",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


def as_number(text):
    """How YAML wants a number written that it took for text; None if ``text`` is no number."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return f"{number:f}" if number.is_finite() else None


def describe_config_error(error):
    """One line on one violation: the key, the value, what is allowed, the likely remedy."""
    path = ".".join(str(part) for part in error.absolute_path)
    key = f"`{path}`" if path else "the configuration"
    value = error.instance
    where = "see config.yaml and rules/config.schema.yaml"
    if error.validator == "additionalProperties":
        allowed = list(error.schema.get("properties", {}))
        unknown = next(k for k in value if k not in allowed)
        close = difflib.get_close_matches(str(unknown), allowed, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"allowed are {', '.join(allowed)}"
        prefix = f"{path}." if path else ""
        return f"`{prefix}{unknown}` is no setting; {hint} ({where})"
    if error.validator == "required":
        *most, last = (f"`{k}`" for k in error.validator_value if k not in value)
        listed = f"{', '.join(most)} and {last}" if most else last
        return f"{key} lacks {listed} ({where})"
    if "propertyNames" in error.absolute_schema_path:
        return (
            f"{key} holds the name {value!r}; a name needs a lower-case letter, then lower-case "
            f"letters, digits and underscores ({where})"
        )
    if error.validator == "pattern":
        wanted = MEANT[path.split(".")[-1]]
        return f"{key} is {value!r}; needs {wanted} ({where})"
    limits = {
        "enum": "needs one of {}",
        "minimum": "needs at least {}",
        "maximum": "needs at most {}",
        "exclusiveMinimum": "needs more than {}",
        "exclusiveMaximum": "needs less than {}",
        "minItems": "needs entries, at least {}",
        "uniqueItems": "needs entries that all differ",
        "const": "needs {}",
        "multipleOf": "needs a multiple of {}",
    }
    allowed = error.validator_value
    if error.validator == "type":
        names = [allowed] if isinstance(allowed, str) else allowed
        need = "needs " + " or ".join(TYPES.get(name, name) for name in names)
    else:
        if isinstance(allowed, list):
            allowed = ", ".join(str(v) for v in allowed)
        need = limits.get(error.validator, f"violates {error.validator} {{}}").format(allowed)
    if isinstance(value, str) and (number := as_number(value)):
        quoted = not isinstance(yaml.safe_load(value), str)
        # Snakemake reads `--config 'seeds=[1]'` with a loader that knows nothing but text
        how = (
            "without quotes, in a --configfile (--config takes what [] and {} hold for text)"
            if quoted
            else f"YAML takes {value} for text"
        )
        return f"{key} is the text {value!r}, {need}; as a number write {number}, {how} ({where})"
    shown = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    return f"{key} is {shown}; {need} ({where})"


def infinite(settings, path=()):
    """Keys of numbers that are none (.nan, .inf), which pass every comparison of the schema."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            yield from infinite(value, (*path, key))
    elif isinstance(settings, list):
        for i, value in enumerate(settings):
            yield from infinite(value, (*path, str(i)))
    elif isinstance(settings, float) and not math.isfinite(settings):
        yield ".".join(path), settings


def validate_k(path, attack):
    """Stop with one line where k would start above what it may reach."""
    if attack["k_start"] > attack["k_max"]:
        raise WorkflowError(
            f"`{path}` has `k_start` {attack['k_start']} and `k_max` {attack['k_max']}; needs a "
            "start of at most the maximum"
        )


def validate_ablations(config):
    """Stop with one line where the ablations name what there is not."""
    ablations, classifiers = config["ablations"], [*config["classifiers"], *config["strengthened"]]
    if ablations["target"] not in classifiers:
        raise WorkflowError(
            f"`ablations.target` is {ablations['target']!r}; needs a classifier that exists: "
            + ", ".join(classifiers)
        )
    if ablations["count"] > config["examples"]["count"]:
        raise WorkflowError(
            f"`ablations.count` is {ablations['count']}; needs at most `examples.count`, "
            f"{config['examples']['count']}"
        )
    chunks = -(-ablations["count"] // ablations["chunk"])
    if config["batching"]["shards"] > chunks:
        raise WorkflowError(
            f"`batching.shards` is {config['batching']['shards']}; needs at most {chunks}, the "
            "batches of the ablations (`ablations.count` over `ablations.chunk`)"
        )
    for name, variants in ablations["attacks"].items():
        attack = config["attacks"].get(name, {"kind": None})
        if attack["kind"] != "svae" or not attack["keep"]:
            raise WorkflowError(
                f"`ablations.attacks` names {name!r}; needs one of `attacks` with `kind: svae` and "
                "`keep: true`"
            )
        for variant, changes in variants.items():
            validate_k(f"ablations.attacks.{name}.{variant}", attack | changes)


def validate_toy(config):
    """Stop with one line where the toy example has no point to draw."""
    toy = config["toy"]
    if toy["margin"] > toy["half_width"]:
        raise WorkflowError(
            f"`toy.margin` is {toy['margin']}; needs at most `toy.half_width`, {toy['half_width']}, "
            "or hardly a point of the cube is left"
        )


def validate_roc(config):
    """Stop with one line where Fig. 1 names attacks that it cannot show."""
    kinds = {"type1": ("svae", "`kind: svae`, `keep: true`"), "type2": ("type2", "`kind: type2`")}
    for key, (kind, needed) in kinds.items():
        for name in config["roc"][key]:
            attack = config["attacks"].get(name, {"kind": None, "targets": []})
            fits = attack["kind"] == kind and attack.get("keep", True)
            if not fits or "mlp" not in attack["targets"]:
                raise WorkflowError(
                    f"`roc.{key}` names {name!r}; needs one of `attacks` with {needed} and mlp among "
                    "its `targets`"
                )


def validate_sphere(config):
    """Stop with one line where the settings of the spheres do not go together."""
    sphere = config["sphere"]
    if sphere["hidden"] > sphere["dim"] - 3:
        raise WorkflowError(
            f"`sphere.hidden` is {sphere['hidden']}; needs at most {sphere['dim'] - 3}, three fewer "
            "than `sphere.dim`: Type I moves along directions that the network misses"
        )
    if sphere["inner"] >= sphere["outer"]:
        raise WorkflowError(
            f"`sphere.inner` is {sphere['inner']}; needs less than `sphere.outer`, {sphere['outer']}"
        )
    moved, walked = sphere["type1"]["count"], sphere["type1"]["walked"]
    for key, value, above, most in (
        ("type1.walked", walked, "count", moved),
        ("type2.count", sphere["type2"]["count"], "count", moved),
        ("followed", sphere["followed"], "walked", walked),
    ):
        if value > most:
            raise WorkflowError(
                f"`sphere.{key}` is {value}; needs at most `sphere.type1.{above}`, {most}"
            )


def validate_strengthening(config):
    """Stop with one line where a strengthened network names what there is not."""
    published = config["strengthened"]["lenet_alp"]
    if (published["method"], published["base"]) != ("logit_pairing", "lenet"):
        raise WorkflowError(
            f"`strengthened.lenet_alp` has `method` {published['method']!r} and `base` "
            f"{published['base']!r}; needs logit_pairing and lenet, whose accuracies the paper prints"
        )
    for name, network in config["strengthened"].items():
        if name in config["classifiers"]:
            raise WorkflowError(
                f"`strengthened` holds the name {name!r}, also one of `classifiers`; needs another"
            )
        if network["base"] not in config["classifiers"]:
            raise WorkflowError(
                f"`strengthened.{name}.base` is {network['base']!r}; needs one of `classifiers`: "
                + ", ".join(config["classifiers"])
            )
        if network["method"] == "retraining":
            used = network["settings"]["attack"]
            attack = config["attacks"].get(used, {"kind": None})
            if attack["kind"] != "svae" or not attack["keep"]:
                raise WorkflowError(
                    f"`strengthened.{name}.settings.attack` is {used!r}; needs one of `attacks` "
                    "with `kind: svae` and `keep: true`"
                )
            if network["base"] not in attack["targets"]:
                raise WorkflowError(
                    f"`strengthened.{name}.settings.attack` is {used!r}, whose targets are "
                    f"{attack['targets']}; needs one with the base, {network['base']}"
                )
    for name in ("paper_lenet", "fgsm", "pgd"):
        if "lenet" not in config["attacks"][name]["targets"]:
            raise WorkflowError(
                f"`attacks.{name}.targets` is {config['attacks'][name]['targets']}; needs lenet, "
                "the base whose old examples strengthened networks are tested on"
            )


def validate_latent(config):
    """Stop with one line where the attacks on the latent space ask for what there is not."""
    latent, seed = config["latent"], config["generator"]["seed"]
    if latent["target"] not in config["classifiers"]:
        raise WorkflowError(
            f"`latent.target` is {latent['target']!r}; needs a classifier that exists: "
            + ", ".join(config["classifiers"])
        )
    if latent["count"] > latent["draws"]:
        raise WorkflowError(
            f"`latent.count` is {latent['count']}; needs at most `latent.draws`, {latent['draws']}"
        )
    for section, who in (("oracle", "judges"), ("attackers", "attackers")):
        first = config[section]["seed"]
        if first <= seed < first + len(config[section]["members"]):
            raise WorkflowError(
                f"`generator.seed` is {seed}, also a seed of the {who}, from `{section}.seed` "
                f"{first} on; they must share none"
            )


def validate_attacks(config):
    """Stop with one line where an attack asks for what there is not."""
    if "clean" in config["attacks"]:
        raise WorkflowError(
            "`attacks` holds the name 'clean', which stands for digits that nothing attacked; "
            "needs another"
        )
    classifiers = [*config["classifiers"], *config["strengthened"]]
    for name, attack in config["attacks"].items():
        for target in attack["targets"]:
            if target not in classifiers:
                raise WorkflowError(
                    f"`attacks.{name}.targets` names {target!r}; needs classifiers that exist: "
                    + ", ".join(classifiers)
                )
        if attack["kind"] == "svae":
            validate_k(f"attacks.{name}", attack)
            if attack["evade_squeezing"] and not attack["keep"]:
                raise WorkflowError(
                    f"`attacks.{name}.evade_squeezing` is true with `keep: false`; needs an f1 "
                    "that keeps its label on squeezed images: set `keep: true`"
                )
        if name in ("paper", "ours", "transition") and "mlp" not in attack["targets"]:
            raise WorkflowError(
                f"`attacks.{name}.targets` is {attack['targets']}; needs mlp, which the figures show"
            )
        if attack["count"] > config["examples"]["count"]:
            raise WorkflowError(
                f"`attacks.{name}.count` is {attack['count']}; needs at most `examples.count`, "
                f"{config['examples']['count']}"
            )
        chunks = -(-attack["count"] // config["batching"]["chunk"])
        if attack["kind"] == "svae" and config["batching"]["shards"] > chunks:
            raise WorkflowError(
                f"`batching.shards` is {config['batching']['shards']}; needs at most {chunks}, the "
                f"batches of attack `{name}` (its `count` over `batching.chunk`)"
            )


def validate_study(config):
    """Stop with one line where people are to be shown what there is not."""
    study, attacks = config["study"], config["attacks"]
    faces = config["face_attacks"]["attacks"]
    for part, known in (("digits", attacks), ("faces", faces), ("pairs", faces)):
        for name in study[part]["attacks"]:
            attack = known.get(name, {"kind": "none"})
            where = "attacks" if part == "digits" else "face_attacks.attacks"
            fits = attack["kind"] == "svae" or (part == "digits" and attack["kind"] == "baseline")
            if not fits or not attack.get("keep", True):
                raise WorkflowError(
                    f"`study.{part}.attacks` names {name!r}; needs one of `{where}` of Type I "
                    "(`kind: svae` with `keep: true`)"
                )
    if not set(study["pairs"]["attacks"]) <= set(study["faces"]["attacks"]):
        raise WorkflowError(
            f"`study.pairs.attacks` is {study['pairs']['attacks']}; needs some of "
            f"`study.faces.attacks`, {study['faces']['attacks']}"
        )
    for name in ("small", "facenet"):
        if name in config["classifiers"]:
            raise WorkflowError(
                f"`classifiers` holds the name {name!r}, that of a recognizer; needs another, for "
                "people's labels tell images apart by it"
            )
    for name in ("same", "different"):
        if name in faces:
            raise WorkflowError(
                f"`face_attacks.attacks` holds the name {name!r}, which stands for pairs of faces "
                "that nothing attacked; needs another"
            )


def validate_seeds(config):
    """Stop with one line where networks that must be strangers share a seed."""
    judges = range(
        config["oracle"]["seed"], config["oracle"]["seed"] + len(config["oracle"]["members"])
    )
    attackers = config["attackers"]
    for i, name in enumerate(attackers["members"]):
        if attackers["seed"] + i in judges:
            raise WorkflowError(
                f"`attackers.seed` is {attackers['seed']}, which gives {name} {attackers['seed'] + i}, "
                f"also a seed of the judges ({judges[0]} to {judges[-1]}); they must share none"
            )
    for seed in config["seeds"]:
        if seed in judges:
            raise WorkflowError(
                f"`seeds` holds {seed}, also a seed of the judges: they have {judges[0]} to "
                f"{judges[-1]}, from `oracle.seed` on, and must share none with what they judge"
            )


def validate_config(config, schema):
    """Stop with one line on the first violation of the closed schema, or of what it cannot say."""
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(
        validator.iter_errors(config), key=lambda e: (len(e.absolute_path), str(e.path))
    )
    for error in errors:
        # of alternatives, speak about the one that the value was meant to be
        while error.context:
            error = max(error.context, key=lambda e: (len(e.absolute_path), e.validator != "const"))
        raise WorkflowError(describe_config_error(error))
    for key, value in infinite(config):
        raise WorkflowError(f"`{key}` is {value}; needs a finite number (see config.yaml)")
    for path in config["annotations"]:
        if not any(Path(file).is_file() for file in glob(path)):
            raise WorkflowError(
                f"`annotations` names {path!r}, which is no file; needs CSV or Parquet files, by a "
                "path or pattern (annotations/*.csv) from the folder that Snakemake runs in, or "
                "none: []"
            )
    mnist = config["data"]["mnist"]
    if mnist["source"] == "path" and mnist["path"] is None:
        raise WorkflowError(
            "`data.mnist.path` is null; with `data.mnist.source: path` it needs a folder with the "
            "four IDX files of MNIST"
        )
    validate_own(config)
    validate_attacks(config)
    validate_ablations(config)
    validate_toy(config)
    validate_roc(config)
    validate_sphere(config)
    validate_strengthening(config)
    validate_latent(config)
    validate_faces(config)
    validate_recognizers(config)
    validate_generators(config)
    validate_face_attacks(config)
    validate_table3(config)
    validate_study(config)
    validate_seeds(config)
