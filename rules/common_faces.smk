# The lists and functions that rules about faces share.
# Consumes config; yields FACE_SOURCE, FACE_SEEDS, RECOGNIZER, FACE_MEMBERS, FACE_JUDGES, FACE_ATTACKS,
# TABLE3, STRENGTHENED_RECOGNIZERS.
FACE_SOURCE = config["faces"]["source"]
FACE_SEEDS = config["faces"]["seeds"]
RECOGNIZER = config["faces"]["recognizer"]  # f1 of IV-B
if RECOGNIZER == "auto":
    RECOGNIZER = "small" if FACE_SOURCE == "synthetic" else "facenet"
FACE_MEMBERS = list(config["face_judges"]["members"])
FACE_JUDGES = [*FACE_MEMBERS]  # on the panel; generated faces have their gender from age_gender
if FACE_SOURCE in ("celeba", "folder") and config["face_judges"]["age_gender"]["source"] != "none":
    FACE_JUDGES.append("age_gender")
FACE_ATTACKS = config["face_attacks"]["attacks"]
TABLE3 = config["table3"]
STRENGTHENED_RECOGNIZERS = config["strengthened_recognizers"]


def face_id(name):
    """What a figure about faces is called: a published id is kept for FaceNet on CelebA alone."""
    as_published = (FACE_SOURCE, RECOGNIZER) == ("celeba", "facenet")
    return name if as_published else f"beyond.{FACE_SOURCE}.{name}"


def given_faces():
    """Where a user's faces lie: CelebA's folder, or a table; of the images, the table tells."""
    paths = {"celeba": "path", "folder": "csv"}
    return [config["faces"][FACE_SOURCE][paths[FACE_SOURCE]]] if FACE_SOURCE in paths else []


def generated_faces(wildcards):
    """What tables of faces are cut from, when a generator draws them."""
    return {"table": rules.generate_faces.output.table} if FACE_SOURCE == "generated" else {}


def face_panel():
    """Checkpoints of the judges of faces, in the order of FACE_JUDGES."""
    trained = expand(rules.train_face_judge.output.model, judge=FACE_MEMBERS)
    published = [rules.prepare_age_gender.output.model] if "age_gender" in FACE_JUDGES else []
    return [*trained, *published]


def face_attacks_of(kind):
    """Names of the attacks on faces of one kind."""
    return [name for name, attack in FACE_ATTACKS.items() if attack["kind"] == kind]


def face_attack_how(wildcards):
    """What an attack on faces is told beside the settings of its algorithm."""
    attack = FACE_ATTACKS[wildcards.attack]
    how = {k: attack[k] for k in ("count", "keep", "statistics")}
    return how | {k: config["face_attacks"][k] for k in ("threshold", "followed")}


def face_caption(attack):
    """What stands under Fig. 7b: whose faces, which attack, seed and preset."""
    return (
        f"{FACE_SOURCE.capitalize()} faces, variant {attack} on {RECOGNIZER}, seed {FACE_SEEDS[0]}, "
        f"preset {config['preset']}."
    )


def detection_caption():
    """What stands with Table II: whose faces, which recognizer, what was fitted."""
    fitted = config["face_detection"]["false_positive_rate"]
    return (
        f"Ours: {FACE_SOURCE} faces, recognizer {RECOGNIZER}, preset {config['preset']}, "
        f"{len(FACE_SEEDS)} seed(s), Wilson 95 % intervals, n images a row. Thresholds are fitted to "
        f"reject {fitted:.0%} of clean validation faces; what they reject of clean test faces is in "
        "the first row. Published: FaceNet, CelebA, n = 1000."
    )


def recognizer_of(wildcards):
    """Checkpoint of the recognizer that stands in the path of a job, strengthened or not."""
    if wildcards.target == "facenet":
        return rules.prepare_facenet.output.model
    if wildcards.target == "small":
        return rules.train_recognizer.output.model
    return rules.strengthen_recognizer.output.model


def learnt_shards(wildcards):
    """Examples against the plain recognizer, for the method that learns from them."""
    if STRENGTHENED_RECOGNIZERS[wildcards.target]["method"] != "retraining":
        return []
    return expand(
        rules.attack_faces.output.examples,
        attack=TABLE3["old"]["svae"],
        target=RECOGNIZER,
        seed=wildcards.seed,
        shard=SHARDS,
    )


def strengthening_of(wildcards):
    """What one recognizer learns and how, by the network that it starts from."""
    network = STRENGTHENED_RECOGNIZERS[wildcards.target]
    return {
        "method": network["method"],
        "settings": network.get("settings", {}),
        "how": network[RECOGNIZER],
        **{k: TABLE3[k] for k in ("count", "half_seed")},
    }


def fresh_examples(attack, recognizer, seed):
    """Unjudged examples of an attack on faces against one recognizer."""
    svae = FACE_ATTACKS[attack]["kind"] == "svae"
    made = rules.attack_faces if svae else rules.attack_faces_type2
    shards = SHARDS if svae else [0]
    run = {"attack": attack, "target": recognizer, "seed": seed}
    return [made.output.examples.format(**run, shard=shard) for shard in shards]
