"""What one rule writes the next reads back unchanged, or learns in one line why it cannot."""

import hashlib
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from typeone.data.digits import read_digits
from typeone.data.images import binarise, from_uint8, to_uint8
from typeone.models.classifiers import build_classifier, load_classifier
from typeone.models.svae import DigitSVAE
from typeone.runtime.artifacts import (
    contents,
    inspect,
    load_model,
    read_model_metadata,
    read_parquet,
    save_model,
    write_parquet,
    write_rows,
)
from typeone.runtime.atomic_files import atomic_path
from typeone.runtime.errors import InputError
from typeone.runtime.job import job_log
from typeone.runtime.stamps import KEY, digest, stamped

RNG = np.random.default_rng(0)
COLUMNS = {
    "image": RNG.integers(0, 256, (5, 3, 4, 2), dtype=np.uint8),
    "latent": RNG.normal(size=(5, 7)).astype(np.float32),
    "logits": RNG.normal(size=(5, 2, 3)),
    "label": np.arange(5) - 2,
    "distance": np.array([0.1, np.nan, np.inf, -0.0, 1e-300]),
    "name": np.array(["a", "", "ü", "long name", "a"]),
    "found": np.array([True, False, False, True, True]),
    "position": np.arange(5, dtype=np.int32),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some" / "folder" / "table.parquet"


# ------------------------------------------------------------------------------------ tables


@pytest.mark.parametrize("n", [5, 1, 0])
def test_a_table_comes_back_as_it_was_written(path, n):
    columns = {name: values[:n] for name, values in COLUMNS.items()}
    write_parquet(path, columns, metadata={"source": "npm", "sides": [4, 2]})
    found = read_parquet(path)
    assert list(found.columns) == list(COLUMNS)
    assert len(found) == n
    for name, values in columns.items():
        assert found[name].shape == values.shape
        if values.dtype.kind != "U":
            assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)
    assert found.metadata["source"] == "npm"
    assert found.metadata["sides"] == [4, 2]


def test_lists_are_columns_too(path):
    write_parquet(path, {"loss": [0.5, 0.25], "epoch": [1, 2], "f1": ["mlp", "lenet"]})
    found = read_parquet(path).frame()
    assert found.to_dict("list") == {"loss": [0.5, 0.25], "epoch": [1, 2], "f1": ["mlp", "lenet"]}


def test_only_the_columns_asked_for_come_back(path):
    write_parquet(path, COLUMNS)
    assert list(read_parquet(path, columns=["found", "image"]).columns) == ["found", "image"]


def test_a_frame_leaves_images_and_latents_out(path):
    write_parquet(path, COLUMNS)
    frame = read_parquet(path).frame()
    assert list(frame) == ["label", "distance", "name", "found", "position"]
    assert frame.loc[frame["found"], "label"].tolist() == [-2, 1, 2]


def test_the_file_is_plain_parquet(path):
    write_parquet(path, COLUMNS)
    rows = pq.read_table(path).to_pylist()
    assert rows[3]["image"] == COLUMNS["image"][3].tobytes()  # row-major
    assert rows[3]["latent"] == COLUMNS["latent"][3].tolist()
    assert rows[3]["name"] == "long name"


def test_views_and_foreign_memory_orders_are_written_in_row_major_order(path):
    image = np.asfortranarray(COLUMNS["image"]).transpose(0, 2, 3, 1)[::-1]
    write_parquet(path, {"image": image, "latent": COLUMNS["latent"][:, ::-1]})
    found = read_parquet(path)
    np.testing.assert_array_equal(found["image"], image)
    np.testing.assert_array_equal(found["latent"], COLUMNS["latent"][:, ::-1])


def test_the_same_table_twice_is_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        metadata = {"b": 1, "a": 2} if name == "first" else {"a": 2, "b": 1}
        write_parquet(tmp_path / name, COLUMNS, metadata=metadata)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    changed = COLUMNS | {"label": COLUMNS["label"] + 1}
    write_parquet(tmp_path / "second", changed, metadata={"a": 2, "b": 1})
    assert (tmp_path / "first").read_bytes() != (tmp_path / "second").read_bytes()


def test_shapes_that_hold_raise_nothing(path):
    write_parquet(path, COLUMNS)
    shapes = {"image": (3, 4, 2), "latent": [7], "absent": (1,)}
    assert len(read_parquet(path, shapes=shapes)) == 5


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (
            {"image": (1, 28, 28)},
            r"image contains arrays of shape \(3, 4, 2\), needs \(1, 28, 28\)",
        ),
        ({"image": (4, 3, 2)}, r"image contains arrays of shape \(3, 4, 2\), needs \(4, 3, 2\)"),
        ({"label": (1, 28, 28)}, r"label contains arrays of shape \(\), needs \(1, 28, 28\)"),
    ],
)
def test_another_shape_is_refused(path, shapes, message):
    write_parquet(path, COLUMNS)
    with pytest.raises(InputError, match=rf"table\.parquet: column {message}"):
        read_parquet(path, shapes=shapes)


def test_a_missing_column_is_named_beside_those_there_are(path):
    write_parquet(path, {"label": [1], "index": [3]})
    with pytest.raises(InputError, match=r"has no column image, found \(it has label, index\)"):
        read_parquet(path, columns=["image", "label", "found"])


def test_a_missing_file_names_the_remedy(path):
    with pytest.raises(InputError, match=r"table\.parquet does not exist; run the rule"):
        read_parquet(path)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.99])
def test_a_truncated_file_is_no_parquet(path, share):
    write_parquet(path, COLUMNS)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(InputError, match=r"is not a readable Parquet file \(.+\); delete it"):
        read_parquet(path)


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ({"shapes": [2]}, r"records invalid shapes \(\[2\]\); delete it"),
        ({"shapes": {"a": "ab"}}, r"records invalid shapes \({'a': 'ab'}\); delete it"),
        (
            {"shapes": {"a": [3]}},
            r"does not contain arrays of the recorded shapes \(cannot reshape .*\); delete it",
        ),
        ({}, r"does not contain arrays of the recorded shapes \(.*NoneType.*\); delete it"),
    ],
)
def test_a_note_that_does_not_fit_its_table_is_refused(path, note, message):
    """Under a sound stamp, as no job writes it."""
    table = pa.table({"a": pa.array([b"ab", None if not note else b"cd"], pa.binary(2))})
    text = stamped(note, kind="table", content=contents(table.schema, len(table)))
    path.parent.mkdir(parents=True)
    pq.write_table(table.replace_schema_metadata({KEY: text}), path)
    with pytest.raises(InputError, match=message):
        read_parquet(path)


def test_values_of_another_type_are_refused(path):
    write_parquet(path, COLUMNS)
    wanted = {"image": np.uint8, "latent": np.floating, "label": np.integer, "found": np.bool_}
    assert list(read_parquet(path, columns=wanted).columns) == list(wanted)
    for column, kind, message in (
        ("name", np.integer, "name contains values of type string, needs integer"),
        ("label", np.uint8, "label contains values of type int64, needs uint8"),
        (
            "image",
            np.floating,
            r"image contains values of type fixed_size_binary\[24\], needs floating",
        ),
    ):
        with pytest.raises(InputError, match=rf"table\.parquet: column {message}; delete it"):
            read_parquet(path, columns={column: kind})


# ------------------------------------------------------------------------------ atomic writing


def entries(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert entries(tmp_path) == ["table.csv"]


def test_the_old_file_stands_until_the_block_ends(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent  # a rename must not cross file systems
    assert path.read_text() == "new"
    assert entries(tmp_path) == ["table.csv"]


def test_what_a_killed_writer_left_goes(tmp_path):
    for name in (".table.csv.4711.part", ".table.csv.x.4711.part", ".table.csv", "table.csv.part"):
        (tmp_path / name).write_text("half")
    with atomic_path(tmp_path / "table.csv") as temporary:
        temporary.write_text("whole")
    assert entries(tmp_path) == [".table.csv", "table.csv", "table.csv.part"]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("table.parquet", lambda p: write_parquet(p, {"a": [object()]})),
        ("net.safetensors", lambda p: save_model(p, torch.nn.Linear(2, 2), metadata={"a": p})),
    ],
)
def test_what_cannot_be_written_leaves_the_old_file(tmp_path, name, write):
    path = tmp_path / name
    path.write_text("old")
    with pytest.raises((TypeError, pa.ArrowInvalid)):
        write(path)
    assert path.read_text() == "old"
    assert entries(tmp_path) == [name]


# ---------------------------------------------------------------------------------- checkpoints


def network(seed=0):
    model = build_classifier("judge_plain")  # batch norm: buffers, integers, channels-last weights
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(generator=torch.Generator().manual_seed(seed))
        model[1][1].running_mean.fill_(0.25)
    return model


def test_a_checkpoint_comes_back_bit_by_bit_and_in_eval_mode(tmp_path):
    path, model = tmp_path / "net.safetensors", network()
    metadata = {"architecture": "judge_plain", "seed": 3, "training": {"lr": 0.1}, "test_n": 9}
    save_model(path, model.train(), metadata=metadata)
    other = network(seed=1).train()
    assert load_model(path, other) == metadata
    assert read_model_metadata(path) == metadata
    assert not other.training
    for key, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


def test_the_same_checkpoint_twice_is_the_same_bytes(tmp_path):
    metadata = dict.fromkeys("abcdefgh", 1.5)  # one order of eight keys comes by chance once in 40k
    first, second = tmp_path / "first", tmp_path / "second"
    save_model(first, network(), metadata=metadata)
    save_model(second, network(), metadata=dict(reversed(metadata.items())))
    assert first.read_bytes() == second.read_bytes()
    save_model(second, network(seed=1), metadata=metadata)
    assert first.read_bytes() != second.read_bytes()


def test_a_classifier_is_built_from_its_checkpoint_and_frozen(tmp_path):
    path, model = tmp_path / "net.safetensors", network()
    save_model(path, model, metadata={"architecture": "judge_plain"})
    loaded = load_classifier(path)
    images = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    assert torch.equal(loaded(images), model(images))
    assert not any(p.requires_grad for p in loaded.parameters())


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    save_model(path, build_classifier("lenet"), metadata={"architecture": "lenet"})
    # two convolutions and three dense layers against two dense layers, of which both have a "3"
    message = (
        r"contains another architecture \(lenet\) than Sequential: 0\.bias is \(6,\), needs absent "
        r"\(12 tensors differ\); delete it"
    )
    with pytest.raises(InputError, match=message):
        load_model(path, build_classifier("mlp"))


def test_another_width_is_another_architecture(tmp_path):
    path = tmp_path / "svae.safetensors"
    save_model(path, DigitSVAE(latent_dim=4), metadata={"architecture": "svae-28x28"})
    message = r"DigitSVAE: classifier\.0\.weight is \(256, 4\), needs \(256, 5\)"
    with pytest.raises(InputError, match=message):
        load_model(path, DigitSVAE(latent_dim=5))


def test_an_svae_is_no_classifier(tmp_path):
    path = tmp_path / "svae.safetensors"
    save_model(path, DigitSVAE(latent_dim=4), metadata={"architecture": "svae-28x28"})
    with pytest.raises(InputError, match="contains 'svae-28x28', needs one of mlp, lenet"):
        load_classifier(path)


@pytest.mark.parametrize("read", [read_model_metadata, lambda p: load_model(p, network())])
def test_garbage_is_no_checkpoint(tmp_path, read):
    path = tmp_path / "net.safetensors"
    save_model(path, network(), metadata={})
    raw = path.read_bytes()
    for garbage in (b"", b"PK\x03\x04 a zip file, as torch.save writes", raw[:-1], raw[:100]):
        path.write_bytes(garbage)
        with pytest.raises(InputError, match=r"net\.safetensors is not a safetensors checkpoint"):
            read(path)


def test_a_missing_checkpoint_names_the_remedy(tmp_path):
    with pytest.raises(InputError, match=r"absent\.safetensors does not exist; run the rule"):
        load_classifier(tmp_path / "absent.safetensors")


def test_metadata_that_is_no_json_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    save_model(path, torch.nn.Linear(1, 1), metadata={"architecture": "mlp"})
    raw = path.read_bytes()
    assert raw.count(b'mlp\\"') == 1
    path.write_bytes(raw.replace(b'mlp\\"', b"mlp  "))  # a quote is lost, no length changes
    with pytest.raises(InputError, match=r"net\.safetensors has no stamp of Type One"):
        read_model_metadata(path)


# --------------------------------------------------------------------------------------- stamps

PARAMS = ["scripts/x.py@0123", {"lr": 0.1, "sizes": (3, 4)}]


def write_both(folder, params=PARAMS, rule="train_x"):
    """A table and a checkpoint as a job of ``rule`` writes them; their paths."""
    table, model = folder / "table.parquet", folder / "net.safetensors"
    with job_log(folder / "x.log", rule, params):
        write_parquet(table, COLUMNS, metadata={"source": "npm"})
        net = torch.nn.Linear(2, 3)
        torch.nn.init.ones_(net.weight)
        torch.nn.init.zeros_(net.bias)
        save_model(model, net, metadata={"seed": 3})
    return table, model


def test_a_file_says_which_rule_made_it_with_which_params(tmp_path):
    by_hand = hashlib.sha256(b'[["scripts/x.py@0123", {"lr": 0.1, "sizes": [3, 4]}]]').hexdigest()
    for path, kind in zip(write_both(tmp_path), ("table", "checkpoint"), strict=True):
        stamp = inspect(path)
        assert {k: stamp[k] for k in ("format", "kind", "rule", "digest")} == {
            "format": 1,
            "kind": kind,
            "rule": "train_x",
            "digest": by_hand,
        }


def test_other_software_finds_the_stamp(tmp_path):
    table, model = write_both(tmp_path)
    note = json.loads(pq.read_schema(table).metadata[b"typeone"])
    assert (note["source"], note["stamp"]["rule"]) == ("npm", "train_x")
    with safe_open(model, framework="numpy") as file:
        note = json.loads(file.metadata()["typeone"])
    assert (note["seed"], note["stamp"]["rule"]) == (3, "train_x")


def test_the_stamp_is_no_part_of_what_was_told(tmp_path):
    table, model = write_both(tmp_path)
    assert read_parquet(table).metadata.keys() == {"source", "shapes"}
    assert read_model_metadata(model) == {"seed": 3}


def test_a_job_elsewhere_and_later_writes_the_same_bytes(tmp_path, monkeypatch):
    first, second = tmp_path / "a", tmp_path / "longer name"
    old = [path.read_bytes() for path in write_both(first)]
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert [path.read_bytes() for path in write_both(second)] == old
    other = [path.read_bytes() for path in write_both(second, params=["scripts/x.py@0124"])]
    assert all(a != b for a, b in zip(other, old, strict=True))


def test_after_a_job_nothing_is_written_in_its_name(tmp_path):
    write_both(tmp_path)
    write_parquet(tmp_path / "mine.parquet", {"label": [1]})
    assert inspect(tmp_path / "mine.parquet").keys() == {"format", "kind", "sha256"}


@pytest.mark.parametrize("read", [read_parquet, inspect])
def test_a_table_of_other_software_is_foreign(tmp_path, read):
    path = tmp_path / "theirs.parquet"
    pq.write_table(pa.table({"label": [1, 2], "name": ["a", "b"]}), path)
    message = r"theirs\.parquet has no stamp of Type One: .+ or an older version; delete it and run"
    with pytest.raises(InputError, match=message):
        read(path)


@pytest.mark.parametrize("read", [read_model_metadata, inspect])
@pytest.mark.parametrize("metadata", [None, {"typeone": "[]"}, {"typeone": '{"stamp": 3}'}])
def test_a_checkpoint_of_other_software_is_foreign(tmp_path, read, metadata):
    path = tmp_path / "theirs.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata)
    with pytest.raises(InputError, match=r"theirs\.safetensors has no stamp of Type One"):
        read(path)


def test_another_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("typeone.runtime.stamps.FORMAT", 2)
    table, model = write_both(tmp_path)
    monkeypatch.undo()
    for path in (table, model):
        with pytest.raises(InputError, match=rf"{path.name} has format 2, needs 1; delete it and"):
            inspect(path)


def test_another_kind_is_refused(tmp_path):
    text = stamped({}, kind="checkpoint", content=None)
    table = pa.table({"label": [1]}).replace_schema_metadata({"typeone": text})
    pq.write_table(table, tmp_path / "table.parquet")
    with pytest.raises(InputError, match=r"is a checkpoint, needs a table; delete it"):
        read_parquet(tmp_path / "table.parquet")


@pytest.mark.parametrize("n", [0, 1])
def test_a_byte_that_changed_is_found_or_does_no_harm(tmp_path, n):
    """Every byte in turn. Harmless are offsets and statistics in the footer that nobody reads."""
    path = write_both(tmp_path)[n]
    raw, stamp = path.read_bytes(), inspect(path)

    def content():
        if n == 0:
            found = read_parquet(path)
            return plain(found.columns), found.metadata
        model = torch.nn.Linear(2, 3)
        metadata = load_model(path, model)
        return plain({k: v.numpy() for k, v in model.state_dict().items()}), metadata

    whole, refused = content(), []
    for place in range(0, len(raw), 3):
        damaged = bytearray(raw)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            found = content(), inspect(path)
        except InputError as error:
            refused.append(str(error))
        else:
            assert found == (whole, stamp), place
    assert {message.rpartition("; ")[2] for message in refused} == {
        "delete it and run again if a run made it, else name a file that Type One made"
    }
    assert len(refused) > (0.5, 0.99)[n] * len(raw) / 3


def plain(columns):
    """Names, types and values as something that compares by bytes."""
    return {k: (str(v.dtype), v.shape, v.tolist()) for k, v in columns.items() if k != "distance"}


# -------------------------------------------------------------------------------------- digests


def test_a_digest_is_sha256_of_the_values_and_then_of_each_file(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    by_hand = hashlib.sha256(b'[{"a": 1, "b": [2]}, "x"]')
    for raw in (b"one", b"two"):
        by_hand.update(hashlib.sha256(raw).digest())
    found = digest({"b": [2], "a": 1}, "x", files=[tmp_path / "a", tmp_path / "b"])
    assert found == by_hand.hexdigest()


# --------------------------------------------------------------------------------------- images


def test_images_are_stored_at_the_nearest_level():
    values = torch.tensor([-0.1, 0.0, 0.4 / 255, 0.6 / 255, 127.5001 / 255, 1.0, 1.7])
    assert to_uint8(values).tolist() == [0, 0, 0, 1, 128, 255, 255]


def test_every_level_survives_storage():
    levels = np.arange(256, dtype=np.uint8)
    assert to_uint8(from_uint8(levels)).tolist() == levels.tolist()
    # float32 rounds a level to 3e-8
    np.testing.assert_allclose(from_uint8(levels).numpy(), levels / 255.0, rtol=0, atol=6e-8)


def test_binarised_is_above_127():
    levels = from_uint8(np.array([0, 127, 128, 255], dtype=np.uint8))
    assert binarise(levels).tolist() == [0, 0, 1, 1]


def test_digits_are_read_as_images_and_labels(path):
    images = RNG.integers(0, 256, (3, 1, 28, 28), dtype=np.uint8)
    write_parquet(path, {"image": images, "label": np.array([4, 0, 9], dtype=np.uint8)})
    found, labels = read_digits(path)
    assert np.array_equal(to_uint8(found).numpy(), images)
    assert labels.tolist() == [4, 0, 9]
    assert labels.dtype == torch.int64


def test_images_of_another_size_are_no_digits(path):
    write_parquet(path, {"image": np.zeros((2, 3, 64, 64), np.uint8), "label": [0, 1]})
    with pytest.raises(InputError, match=r"\(3, 64, 64\), needs \(1, 28, 28\)"):
        read_digits(path)


def test_rows_become_columns_and_what_a_row_lacks_is_nan(tmp_path):
    rows = [{"epoch": 1, "loss": 0.5, "name": "a"}, {"epoch": 2, "name": "b"}]
    for given in (rows, pd.DataFrame(rows)):
        write_rows(tmp_path / "rows.parquet", given)
        found = read_parquet(tmp_path / "rows.parquet")
        assert found["epoch"].tolist() == [1, 2]
        assert found["epoch"].dtype == np.int64
        assert found["name"].tolist() == ["a", "b"]
        np.testing.assert_array_equal(found["loss"], [0.5, np.nan])
