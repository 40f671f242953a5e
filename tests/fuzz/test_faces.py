"""CelebA's three lists, and the table of a folder of faces."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from typeone.data.celeba import read_celeba_lists
from typeone.data.face_tables import read_face_rows

from .damage import BYTES, damaged, one_line, tables

FILES = [f"{i:06d}.jpg" for i in range(1, 5)]
ATTRIBUTES = [
    ["4"],
    ["Bald", "Male", "Young"],
    *([file, "1", "-1" if i % 2 else "1", "-1"] for i, file in enumerate(FILES)),
]
LISTS = {
    "list_attr_celeba.txt": ATTRIBUTES,
    "list_eval_partition.txt": [[file, str(i % 3)] for i, file in enumerate(FILES)],
    "identity_CelebA.txt": [[file, str(100 + i)] for i, file in enumerate(FILES)],
}


def text_of(rows, separator=" "):
    return "\n".join(separator.join(row) for row in rows).encode()


def one_damaged(name):
    rows = LISTS[name]
    return st.tuples(st.just(name), st.one_of(BYTES, tables(rows, " "), damaged(text_of(rows))))


@given(st.sampled_from(sorted(LISTS)).flatmap(one_damaged))
def test_celeba_lists(folder, given_file):
    for name, rows in LISTS.items():
        (folder / name).write_bytes(text_of(rows))
    (folder / given_file[0]).write_bytes(given_file[1])
    with one_line():
        faces = read_celeba_lists(folder)
        kept = np.concatenate(list(faces.rows.values()))
        assert len(kept) == len(set(kept.tolist()))
        assert len(kept) + faces.left_out == len(faces.files)


PEOPLE = [
    ["file", "label", "identity", "split"],
    ["a.png", "female", "ann", "train"],
    ["b.png", "male", "bob", "test"],
    ["c/d.png", "0", "cem", "validation"],
]


@given(
    st.one_of(
        BYTES,
        tables(PEOPLE, ","),
        tables([row[:3] for row in PEOPLE], ","),
        damaged(text_of(PEOPLE, ",")),
    )
)
def test_a_table_of_faces(folder, data):
    path = folder / "people.csv"
    path.write_bytes(data)
    assume(data.partition(b"\n")[0].count(b'"') % 2 == 0)
    with one_line():
        rows = read_face_rows(path)
        assert len({row.file for row in rows}) == len(rows)
        assert {row.label for row in rows} <= {"female", "male"}
        assert all(row.identity.strip() for row in rows)
        for row in rows:
            assert not row.file.startswith("/")
            assert ".." not in row.file.split("/")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("identity_CelebA.txt", b"\x80"),
        ("list_eval_partition.txt", b"\x80"),
        ("list_attr_celeba.txt", b"\x80"),
        ("identity_CelebA.txt", text_of([[file, "9" * 5000] for file in FILES])),
        ("list_attr_celeba.txt", text_of([["9" * 5000], *ATTRIBUTES[1:]])),
        ("list_attr_celeba.txt", b"0\nBald Male\n"),
    ],
    ids=["bytes", "bytes", "bytes", "5000 digits", "5000 digits", "no image"],
)
def test_lists_that_break_the_reader(folder, name, data):
    for other, rows in LISTS.items():
        (folder / other).write_bytes(data if other == name else text_of(rows))
    with one_line():
        read_celeba_lists(folder)


@pytest.mark.parametrize(
    "data",
    [b"file,label,identity\na,male,x,9\nb,male,y,8\n", b'"fi\nle",b\n1,2\n'],
    ids=["a cell too many in every row", "a line break in the header"],
)
def test_tables_that_break_the_reader(folder, data):
    path = folder / "people.csv"
    path.write_bytes(data)
    with one_line():
        read_face_rows(path)
