"""What people saw, as CSV and as Parquet."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from typeone.evaluation.people.annotations import (
    LABELS,
    UNCLEAR,
    Picture,
    majority,
    read_annotations,
)

from .damage import BYTES, damaged, files, one_line, tables

KNOWN = {
    "1": Picture("ours/mlp/seed0/17", "digit", "0" * 16),
    "2": Picture("paper/facenet/seed0/3", "face", "1" * 16),
}
ROWS = [
    ["image", "label", "annotator", "digest", "showing"],
    ["1", "7", "ann", "0" * 16, "1"],
    ["1", "7", "ann", "", "2"],
    ["2", "no face", "Zoë B.", "1" * 16, "1"],
]
CSV = "\n".join(",".join(row) for row in ROWS).encode()
CELLS = st.one_of(
    st.text(max_size=5),
    st.integers(0, 9),
    st.none(),
    st.floats(),
    st.binary(max_size=3),
    st.dates(),
)


def parquet(columns):
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


WHOLE = parquet({name: [row[i] for row in ROWS[1:]] for i, name in enumerate(ROWS[0])})


def check(path, data):
    path.write_bytes(data)
    with one_line():
        found = read_annotations([path], KNOWN)
        assert len(found) == len(found.drop_duplicates(["image", "annotator", "showing"]))
        for row in found.itertuples():
            assert row.label in (*LABELS[row.question], UNCLEAR)
            assert row.showing in (1, 2)
        assert majority(found)["votes"].le(majority(found)["voters"]).all()


@given(st.one_of(BYTES, tables(ROWS, ","), tables([r[:2] for r in ROWS], ","), damaged(CSV)))
def test_annotations_in_csv(folder, data):
    check(folder / "ann.csv", data)


@given(files(WHOLE))
def test_annotations_in_parquet(folder, data):
    check(folder / "ann.parquet", data)


@given(st.data())
def test_annotations_in_parquet_of_other_types(folder, data):
    columns = {}
    for name in data.draw(st.lists(st.sampled_from(ROWS[0]), unique=True)):
        kind = data.draw(st.sampled_from([pa.string(), pa.int64(), pa.float64(), pa.binary()]))
        try:
            cells = data.draw(st.lists(CELLS, min_size=2, max_size=2))
            columns[name] = pa.array(cells, kind, from_pandas=False)
        except (pa.ArrowException, TypeError):
            columns[name] = pa.array(["1", "7"])
    check(folder / "ann.parquet", parquet(columns))
