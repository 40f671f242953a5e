"""Tables and checkpoints: damaged, or foreign with a sound stamp."""

import json
import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

from typeone.runtime.artifacts import (
    contents,
    fill_model,
    inspect,
    load_model,
    read_model_metadata,
    read_parquet,
    save_model,
    write_parquet,
)
from typeone.runtime.stamps import KEY, stamped

from .damage import files, one_line

RNG = np.random.default_rng(0)
TABLE = {
    "index": np.arange(5, dtype=np.int32),
    "image": RNG.integers(0, 256, (5, 1, 4, 4)).astype(np.uint8),
    "latent": RNG.normal(size=(5, 3)).astype(np.float32),
    "name": np.array(["a", "b", "c", "d", "e"]),
    "right": np.array([True, False, True, True, False]),
}


def written(write, suffix):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"whole{suffix}"
        write(path)
        return path.read_bytes()


def network():
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


WHOLE_TABLE = written(lambda path: write_parquet(path, TABLE), ".parquet")
WHOLE_MODEL = written(
    lambda path: save_model(path, network(), metadata={"architecture": "net"}), ".safetensors"
)


@given(files(WHOLE_TABLE))
def test_a_damaged_table(folder, data):
    path = folder / "table.parquet"
    path.write_bytes(data)
    with one_line():
        found = read_parquet(path, columns={"image": np.uint8}, shapes={"image": (1, 4, 4)})
        # a damaged file is refused, or what was damaged says nothing
        np.testing.assert_array_equal(found["image"], TABLE["image"])
    with one_line():
        inspect(path)


COLUMN = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=3, max_size=3),
    st.lists(st.one_of(st.none(), st.floats()), min_size=3, max_size=3),
    st.lists(st.lists(st.integers(0, 9), max_size=2), min_size=3, max_size=3),
    st.lists(st.dates(), min_size=3, max_size=3),
    st.lists(st.binary(min_size=2, max_size=2), min_size=3, max_size=3).map(
        lambda values: pa.array(values, pa.binary(2))
    ),
    st.lists(st.none(), min_size=3, max_size=3).map(lambda v: pa.array(v, pa.binary(2))),
)
SHAPES = st.one_of(
    st.none(), st.integers(), st.lists(st.integers(-2, 3), max_size=3), st.just("ab")
)
NOTES = st.one_of(
    st.fixed_dictionaries({"shapes": st.one_of(st.dictionaries(st.just("a"), SHAPES), SHAPES)}),
    st.just({}),
)


@given(COLUMN, NOTES)
@example(pa.array([None] * 3, pa.binary(2)), {})
def test_a_table_of_other_software_under_our_stamp(folder, column, note):
    """No job writes such a file; one that edits stamps can."""
    path = folder / "foreign.parquet"
    table = pa.table({"a": column})
    text = stamped(note, kind="table", content=contents(table.schema, len(table)))
    pq.write_table(table.replace_schema_metadata({KEY: text}), path, write_page_checksum=True)
    with one_line():
        read_parquet(path, columns={"a": np.uint8}, shapes={"a": (1, 2)})
    with one_line():
        read_parquet(path)


KINDS = (np.uint8, np.float32, np.float64)


@given(st.sampled_from(KINDS), st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_a_table_round_trip(folder, kind, shape):
    values = (RNG.random(shape) * 200).astype(kind)
    if len(shape) == 1 or np.prod(shape[1:]):
        write_parquet(folder / "again.parquet", {"a": values})
        found = read_parquet(folder / "again.parquet")["a"]
        assert found.dtype == kind
        np.testing.assert_array_equal(found, values)


@given(files(WHOLE_MODEL))
def test_a_damaged_checkpoint(folder, data):
    path = folder / "model.safetensors"
    path.write_bytes(data)
    with one_line():
        model = network()
        load_model(path, model)
    for read in (read_model_metadata, inspect):
        with one_line():
            read(path)


SIZES = st.lists(st.integers(0, 3), max_size=3)
TYPES = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E8M0", "F4", "C64", "I64", "U16", "BOOL", "X9"]
TENSORS = st.dictionaries(
    st.sampled_from(["0.weight", "0.bias", "1.num_batches_tracked", "ü"]),
    st.tuples(st.sampled_from(TYPES), SIZES, st.integers(0, 40), st.integers(0, 40)),
    max_size=3,
)


@given(TENSORS, st.one_of(st.text(max_size=5), st.just('{"stamp": {}}')), st.binary(max_size=40))
def test_a_checkpoint_of_other_software(folder, tensors, text, rest):
    header = {
        name: {"dtype": kind, "shape": shape, "data_offsets": [start, end]}
        for name, (kind, shape, start, end) in tensors.items()
    }
    stamp = {"stamp": {"format": 1, "kind": "checkpoint", "sha256": "0"}}
    for note in (text, json.dumps(stamp)):
        raw = json.dumps({**header, "__metadata__": {KEY: note}}).encode()
        path = folder / "foreign.safetensors"
        path.write_bytes(struct.pack("<Q", len(raw)) + raw + rest)
        with one_line():
            load_model(path, network())


@given(st.dictionaries(st.sampled_from([*network().state_dict(), "other"]), SIZES))
def test_filling_with_other_tensors(sizes):
    tensors = {name: torch.zeros(shape) for name, shape in sizes.items()}
    with one_line():
        fill_model(network(), tensors, name="a.pt", architecture="other")


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=8, max_size=8))
def test_a_checkpoint_round_trip(folder, values):
    model, again = network(), network()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor(values[:6]).view(2, 3))
        model[0].bias.copy_(torch.tensor(values[6:]))
    save_model(folder / "again.safetensors", model, metadata={"values": values})
    assert load_model(folder / "again.safetensors", again)["values"] == values
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])
