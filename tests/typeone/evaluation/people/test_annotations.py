"""Annotations come back as they were written, or one line says what is wrong where."""

import hashlib
import re

import numpy as np
import pandas as pd
import pytest

from typeone.evaluation.people.annotations import (
    FACES,
    MAX_BYTES,
    Picture,
    majority,
    picture_digest,
    read_annotations,
)
from typeone.runtime.errors import InputError

IDS = [f"ours/mlp/seed0/{position}" for position in range(20)]
DIGEST = "0123456789abcdef"
KNOWN = {name: Picture(name, "digit", DIGEST) for name in IDS}
FACE_IDS = [f"ours/small/seed0/{position}" for position in range(20)]
KINDS = ["question", "image", "label", "annotator", "showing", "checked"]
ROW = f"{IDS[3]},7\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working folder, so that messages name files as a user would."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(*rows):
    return pd.DataFrame(rows, columns=["image", "label", "annotator"], dtype=str)


def labels_of(found):
    return found[["image", "label", "annotator"]].to_numpy().tolist()


# ----------------------------------------------------------------------------------- reading


def test_csv_comes_back_with_the_file_as_annotator(folder):
    (folder / "ann.csv").write_text(f"image,label\n{IDS[0]},7\n{IDS[1]},unclear\n")
    (folder / "bob.csv").write_text(f"image,label\n{IDS[0]},1\n")
    found = read_annotations(["ann.csv", "bob.csv"], KNOWN)
    assert list(found.columns) == KINDS
    assert found.to_numpy().tolist() == [
        ["digit", IDS[0], "7", "ann", 1, False],
        ["digit", IDS[1], "unclear", "ann", 1, False],
        ["digit", IDS[0], "1", "bob", 1, False],
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"image,label,annotator\n{IDS[0]},7,ann\n{IDS[0]},1,bob\n",
        # a byte order mark, Windows line ends, empty rows at the end, as spreadsheets write them
        f"\ufeffimage,label,annotator\r\n{IDS[0]},7,ann\r\n{IDS[0]},1,bob\r\n,,\r\n\r\n",
        # a comma at the end of rows, not of the header; and of all
        f"image,label,annotator\n{IDS[0]},7,ann,\n{IDS[0]},1,bob,,\n",
        f"image,label,annotator,\n{IDS[0]},7,ann,\n{IDS[0]},1,bob,\n",
        # other columns in another order, one with a comma, a line break and a formula
        f'annotator,note,label,image\nann,"a,\nb",7,{IDS[0]}\n bob ,=cmd(), 1 , {IDS[0]} ',
    ],
)
def test_ways_to_write_the_same_csv(folder, text):
    (folder / "people.CSV").write_bytes(text.encode())
    found = labels_of(read_annotations(["people.CSV"], KNOWN))
    assert found == [[IDS[0], "7", "ann"], [IDS[0], "1", "bob"]]


@pytest.mark.parametrize("labels", [["7", "1"], [7, 1], [7.0, 1.0], pd.Categorical(["7", "1"])])
def test_parquet_may_hold_labels_as_text_or_numbers(folder, labels):
    pd.DataFrame({"image": IDS[:2], "label": labels}).to_parquet("ann.parquet")
    found = labels_of(read_annotations(["ann.parquet"], KNOWN))
    assert found == [[IDS[0], "7", "ann"], [IDS[1], "1", "ann"]]


def test_no_file_gives_no_row():
    found = read_annotations([], KNOWN)
    assert (list(found.columns), len(found)) == (KINDS, 0)


def test_the_digest_of_the_picture_is_checked_and_a_file_without_one_is_believed(folder):
    (folder / "ann.csv").write_text(f"image,label,digest\n{IDS[0]},7,{DIGEST}\n{IDS[1]},7,\n")
    assert read_annotations(["ann.csv"], KNOWN)["checked"].tolist() == [True, False]


def test_an_image_that_came_back_is_labelled_twice(folder):
    rows = f"{IDS[0]},7,2\n{IDS[0]},1,1\n{IDS[1]},4,\n"
    (folder / "ann.csv").write_text("image,label,showing\n" + rows)
    assert read_annotations(["ann.csv"], KNOWN)["showing"].tolist() == [2, 1, 1]


def test_the_number_of_a_sheet_stands_for_the_name(folder):
    (folder / "ann.csv").write_text("image,label\n3f00aa,7\n")
    found = read_annotations(["ann.csv"], {"3f00aa": KNOWN[IDS[4]]})
    assert labels_of(found) == [[IDS[4], "7", "ann"]]


def test_a_name_is_one_name_however_its_accents_are_written(folder):
    (folder / "Zoe\u0308.csv").write_text(f"image,label\n{IDS[0]},7\n")
    (found,) = read_annotations(["Zoe\u0308.csv"], KNOWN)["annotator"]
    assert found == "Zo\xeb"


def test_the_digest_is_that_of_the_pixels():
    grey = np.arange(784, dtype=np.uint8).reshape(1, 28, 28)
    expected = hashlib.sha256(bytes(i % 256 for i in range(784))).hexdigest()[:16]
    assert picture_digest(grey) == expected
    assert picture_digest(grey[:, ::-1][:, ::-1]) == expected  # whatever the order in memory
    assert picture_digest(grey, grey + 1) != picture_digest(grey + 1, grey)


# ------------------------------------------------------------------------------------ errors

BAD = {
    "kind": ("people.xlsx", b"PK", r"people\.xlsx is not a file .* \.csv or \.parquet"),
    "absent": (
        "people.csv",
        None,
        r"people\.csv does not exist; correct its path in `annotations`",
    ),
    "empty": ("people.csv", b" \n", r"people\.csv is empty; needs the columns image and label"),
    "header only": ("people.csv", b"image,label\n\n", "contains no annotation; .* label some"),
    "latin 1": (
        "people.csv",
        f"image,label,annotator\n{IDS[0]},7,Zoë\n".encode("latin-1"),
        r"people\.csv, line 2: byte 0xEB is not UTF-8 text; save it again",
    ),
    "utf 16": ("people.csv", f"image,label\n{ROW}".encode("utf-16"), "line 1: byte 0xFF is no"),
    "binary": ("people.csv", b"PAR1\x15\x04\x90", "byte 0x90 is not UTF-8 text"),
    "NUL": (
        "people.csv",
        b"image,label\n" + ROW.encode() + b"a\0,7\n",
        "line 3 contains a NUL byte",
    ),
    "no parquet": ("people.parquet", b"image,label\n", r"people\.parquet is not a Parquet file"),
    "quote": ("people.csv", b'image,label\n"a,7\n', "line 2: unexpected end of data; save it"),
    "long cell": ("people.csv", b"image,label\n" + b"a" * 200_000, "line 2: field larger than"),
    "no label": (
        "people.csv",
        b"image,Labels\n" + ROW.encode(),
        r"has no column label \(it has 'image', 'Labels'\); .*; did you mean 'Labels'\?",
    ),
    "no image": ("people.csv", b"file,label\n" + ROW.encode(), "no column image .*; add it, or"),
    "no annotator": (
        "people.csv",
        b"image,label,Annotators\n",
        r"no column annotator .*; did you mean 'Annotators'\? If so, rename it",
    ),
    "semicolons": ("people.csv", b"image;label\n", "no column image .*; separate .* by commas"),
    "no header": ("people.csv", ROW.encode() * 2, "no column image .* name the columns in the"),
    "two columns": ("people.csv", b"image,label,label\n", "two columns label; needs one; rename"),
    "commas alone": ("people.csv", b",,\n,,\n", r"no column image \(it has no column\)"),
    "gbk": ("people.csv", "image,label\n王,7\n".encode("gbk"), "line 2: byte 0xCD is not UTF-8"),
    "cells": ("people.csv", b"image,label\na,b,7\n", "line 2 has 3 cells, the header 2; needs one"),
    "label": (
        "people.csv",
        f"image,label\n{ROW}{IDS[0]},ten\n".encode(),
        r"people\.csv, line 3: label is 'ten'; needs a digit from 0 to 9 or unclear; correct it",
    ),
    "no digit": ("people.csv", f"image,label\n{IDS[0]},٣\n".encode(), "label is '٣'; needs a"),
    "blank label": ("people.csv", f"image,label\n{IDS[0]},\n".encode(), "label is ''; needs a"),
    "blank annotator": (
        "people.csv",
        f"image,label,annotator\n{IDS[0]},7,\n".encode(),
        "line 2: annotator is blank; needs a name on every row; add one",
    ),
    "unknown": (
        "people.csv",
        f"image,label\n{ROW}paper/mlp/seed0/1,7\nx,7\nx,8\n".encode(),
        r"people\.csv, line 3: image 'paper/mlp/seed0/1' is unknown, the first of 2 in this file; "
        r"needs one of the 20 images of this run, such as 'ours/mlp/seed0/0'; if the study or an "
        r"attack was changed",
    ),
    "formula": ("people.csv", b"image,label\n=cmd(),7\n", r"image '=cmd\(\)' is unknown, .* of 1"),
    "twice": (
        "people.csv",
        f"image,label\n{ROW}{ROW}".encode(),
        r"people\.csv, line 3: annotator 'people' labels image 'ours/mlp/seed0/3' a second time "
        r"\(first in people\.csv, line 2\); keep one of the two",
    ),
    "another version": (
        "people.csv",
        f"image,label,digest\n{IDS[0]},7,{DIGEST}\n{IDS[1]},7,{DIGEST[::-1]}\n"
        f"{IDS[2]},7,{DIGEST[::-1]}\n".encode(),
        r"people\.csv, line 3: the label of 'ours/mlp/seed0/1' was made for another version of "
        r"this image, the first of 2 in this file; the attack was redone since: show",
    ),
    "showing": (
        "people.csv",
        f"image,label,showing\n{IDS[0]},7,3\n".encode(),
        "line 2: showing is '3'; needs 1, or 2 for a repeated image",
    ),
    "shown again and again": (
        "people.csv",
        f"image,label,showing\n{IDS[0]},7,2\n{IDS[0]},7,2\n".encode(),
        "labels image 'ours/mlp/seed0/0' a second time",
    ),
    "formula as a name": (
        "people.csv",
        f'image,label,annotator\n{IDS[0]},7,"=HYPERLINK(""http://a"")"\n'.encode(),
        r"annotator is '=HYPERLINK.*; needs a name of letters, digits, blanks and \._-",
    ),
    "markup as a name": (
        "people.csv",
        f"image,label,annotator\n{IDS[0]},7,<script>alert(1)</script>\n".encode(),
        r"annotator is '<script>alert\(1\)</script>'; needs a name of letters",
    ),
    "sign before a name": (
        "people.csv",
        f"image,label,annotator\n{IDS[0]},7,-1+2\n".encode(),
        "annotator is '-1\\+2'; needs a name .* starts with a letter or digit",
    ),
    "long name": (
        "people.csv",
        f"image,label,annotator\n{IDS[0]},7,{'a' * 61}\n".encode(),
        "needs a name .* at most 60 characters",
    ),
    "formula as the name of the file": (
        "=1+2.csv",
        f"image,label\n{IDS[0]},7\n".encode(),
        r"annotator is '=1\+2'; needs a name .*; rename it, or the file",
    ),
    "huge": (
        "people.csv",
        b"image,label\n" + ROW.encode() * (MAX_BYTES // len(ROW) + 1),
        r"people\.csv is larger than 16 MiB, 200000 labels; needs the labels of a study",
    ),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_is_told_in_one_line(folder, name, content, message):
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        read_annotations([name], KNOWN)
    assert "\n" not in str(error.value)


def test_hostile_cells_are_shown_short_and_on_one_line(folder):
    cell = "a\n\x1b[31m" * 5000
    (folder / "people.csv").write_text(f'image,label\n"{cell}",7\n')
    with pytest.raises(InputError, match=re.escape(r"image 'a\n\x1b[31m")) as error:
        read_annotations(["people.csv"], KNOWN)
    assert len(str(error.value)) < 600
    assert str(error.value).isprintable()


def test_a_folder_is_no_file(folder):
    (folder / "people.csv").mkdir()
    with pytest.raises(InputError, match=r"people\.csv cannot be read \(Is a directory\)"):
        read_annotations(["people.csv"], KNOWN)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": IDS[:2], "label": [7, None]}, r"row 2: label is ''; needs a digit"),
        ({"image": IDS[:2], "label": [7, 2.5]}, r"row 2: label is '2\.5'; needs a digit"),
        (
            {"image": IDS[:2], "label": [[7], [8]]},
            "not a Parquet file that contains text .*; save it again",
        ),
        (
            {"image": [b"\xff"], "label": [7]},
            "not a Parquet file that contains text .*; save it again",
        ),
        ({"image": ["a\0b"], "label": [7]}, r"row 1: image 'a\\x00b' is unknown"),
        ({"image": IDS[:1], "digit": [7]}, r"no column label \(it has 'image', 'digit'\)"),
        # few bytes that unpack to many
        ({"image": IDS[:1] * 300_000, "label": [7] * 300_000}, "has 300000 rows; needs at most"),
        ({"image": ["a" * 10**6] * 1000, "label": [7] * 1000}, "cell of 1000000 bytes; needs at"),
    ],
)
def test_a_bad_parquet_file_is_told_in_one_line(folder, columns, message):
    pd.DataFrame(columns).to_parquet("people.parquet")
    with pytest.raises(InputError, match=message) as error:
        read_annotations(["people.parquet"], KNOWN)
    assert "\n" not in str(error.value)


def test_the_same_file_twice_labels_twice(folder):
    (folder / "people.csv").write_text(f"image,label\n{ROW}")
    with pytest.raises(InputError, match="second time"):
        read_annotations(["people.csv", "people.csv"], KNOWN)


def test_without_attacked_images_all_are_unknown(folder):
    (folder / "people.csv").write_text(f"image,label\n{ROW}")
    with pytest.raises(InputError, match="needs one of the 0 images of this run; if"):
        read_annotations(["people.csv"], {})


# ------------------------------------------------------------------------------------- votes


def test_most_votes_win_and_a_tie_is_unclear():
    found = majority(
        table(
            *[("b", "3", "x"), ("b", "3", "y"), ("b", "5", "z")],  # 2 of 3
            *[("a", "3", "x"), ("a", "5", "y")],  # 1 to 1
            *[("c", "unclear", "x"), ("c", "7", "y"), ("c", "unclear", "z")],
            ("d", "0", "x"),
            *[("e", "1", "x"), ("e", "2", "y"), ("e", "2", "z"), ("e", "1", "w"), ("e", "3", "v")],
        )
    )
    assert list(found.columns) == ["image", "label", "votes", "voters"]
    assert found.to_numpy().tolist() == [
        ["b", "3", 2, 3],
        ["a", "unclear", 1, 2],
        ["c", "unclear", 2, 3],
        ["d", "0", 1, 1],
        ["e", "unclear", 2, 5],
    ]


def test_no_annotations_give_no_votes():
    found = majority(table())
    assert (list(found.columns), len(found)) == (["image", "label", "votes", "voters"], 0)


# ------------------------------------------------------------------------------------- faces


def test_faces_and_pairs_have_labels_of_their_own(folder):
    known = {name: Picture(name, "face", DIGEST) for name in FACE_IDS}
    known |= {f"pair{i}": Picture(FACE_IDS[0], "person", DIGEST) for i in range(3)}
    rows = [f"{FACE_IDS[i]},{label}" for i, label in enumerate([*FACES, "unclear"])]
    (folder / "ann.csv").write_text("image,label\n" + "\n".join([*rows, "pair0,same"]) + "\n")
    found = read_annotations(["ann.csv"], known | KNOWN)
    assert found["label"].tolist() == ["female", "male", "no face", "unclear", "same"]
    assert found["question"].tolist() == ["face"] * 4 + ["person"]
    for row, message in (
        (f"{IDS[0]},female", "label is 'female'; needs a digit from 0 to 9 or unclear"),
        (f"{FACE_IDS[0]},7", "label is '7'; needs female, male, no face or unclear; "),
        ("pair0,male", "label is 'male'; needs same, different or unclear; "),
    ):
        (folder / "ann.csv").write_text(f"image,label\n{row}\n")
        with pytest.raises(InputError, match=f"ann.csv, line 2: {message}"):
            read_annotations(["ann.csv"], known | KNOWN)
