# The runs on faces, and functions shared by rules on faces.
# Consumes config; yields faces and the constants below.
from typeone.workflow.face_plan import FacePlan

faces = FacePlan(config)
FACE_SOURCE, FACE_SEEDS, FACE_JUDGES = faces.source, faces.seeds, faces.judges
RECOGNIZER, FACE_ATTACKS, STRENGTHENED_RECOGNIZERS = (
    faces.recognizer,
    faces.attacks,
    faces.strengthened,
)
TABLE3 = config["table3"]


def labelled_faces(wildcards):
    """Return the table with the genders of the faces, if a network tells them."""
    made = {"generated": rules.generate_faces, "lfw": rules.label_lfw}
    return {"table": made[FACE_SOURCE].output.table} if FACE_SOURCE in made else {}


def given_faces(wildcards):
    """Return the digests of the user's faces, tables and images, as params."""
    return faces.given_faces(digests)


def given_lfw(wildcards):
    """Return the same for LFW."""
    return faces.given_lfw(digests)


def given_pairs(wildcards):
    """Return the same for the authors' attacked pairs."""
    return faces.given_pairs(digests)


def face_panel():
    """Return checkpoints of the judges of faces, in the order of the panel."""
    return expand("results/faces/judges/{judge}/model.safetensors", judge=FACE_JUDGES)


def face_attackers_of(wildcards):
    """Return checkpoints of the networks that read the face inside an attack, if it uses any."""
    names = faces.attackers(wildcards.attack)
    return expand(rules.train_face_attacker.output.model, attacker=names)


def recognizer_of(wildcards):
    """Return the checkpoint of the recognizer in the path of a job, strengthened or not."""
    plain = {"facenet": rules.prepare_facenet, "small": rules.train_recognizer}
    return plain.get(wildcards.target, rules.strengthen_recognizer).output.model.format(**wildcards)


def learnt_shards(wildcards):
    """Return examples against the recognizer before strengthening, for retraining."""
    run = {"attack": faces.learnt(wildcards.target), "target": RECOGNIZER, "seed": wildcards.seed}
    return expand(rules.attack_faces.output.examples, **run, shard=SHARDS)


def fresh_examples(attack, recognizer, seed):
    """Return unjudged examples of an attack on faces against one recognizer."""
    made = rules.attack_faces if attack in faces.of_kind("svae") else rules.attack_faces_type2
    return expand(made.output.examples, **faces.afresh(attack, recognizer, seed))
