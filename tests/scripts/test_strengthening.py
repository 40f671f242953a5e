"""The scripts of strengthening: what counts where, what the table shows."""

import json
import re
import runpy
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import typeone.models.classifiers as classifiers
from typeone.reporting.tables.cells import read_published
from typeone.reporting.tables.files import write_table
from typeone.reporting.tables.strengthening import strengthening
from typeone.runtime.artifacts import read_parquet, write_parquet
from typeone.runtime.errors import InputError

from ..typeone.first_pixel import FirstPixel, digits, write_digits, write_network

SCRIPTS = Path(__file__).parents[2] / "scripts"
PUBLISHED = SCRIPTS.parent / "docs" / "published-values.csv"


def function(name):
    return runpy.run_path(str(SCRIPTS / f"{name}.py"))[name]


@pytest.fixture(autouse=True)
def first_pixel(monkeypatch):
    monkeypatch.setitem(classifiers.ARCHITECTURES, "first_pixel", FirstPixel)


# ------------------------------------------------------------------------------- sampling


def test_fresh_attacks_start_from_digits_that_were_not_learnt(tmp_path):
    model = write_network(tmp_path / "net.safetensors", trained_test_digits=[*range(25)])
    drawn = str(tmp_path / "drawn.parquet")
    test = write_digits(tmp_path / "test.parquet", [i % 10 for i in range(40)])
    given = {"test_path": test, "model_path": model, "module": None}
    sample = partial(function("sample_examples"), **given, examples_path=drawn, seed=0)
    sample(count=15)
    assert sorted(read_parquet(drawn)["index"]) == [*range(25, 40)]
    with pytest.raises(InputError, match=r"`examples.count` is 16, but .* gets only 15 of 40"):
        sample(count=16)


# ---------------------------------------------------------------------------- evaluation

TYPE1 = {
    # number, label, target, f1 of the base after, what the networks see, oracle and whether clear
    "index": [0, 1, 2, 3, 4],
    "label": [0, 1, 2, 3, 4],
    "target_label": [1, 2, 3, 4, 5],
    "f1_label_after": [0, 1, 2, 3, 5],  # the last did not fool it
    "seen": [1, 1, 5, 3, 5],
    "judge_label": [1, 2, 5, 3, 5],
    "judge_clear": [True, True, True, True, True],
}
TYPE2 = {
    "index": [0, 1, 2, 3],
    "label": [0, 1, 2, 3],
    "f1_label_after": [5, 5, 5, 3],  # the last was not found
    "seen": [0, 1, 5, 3],
    "judge_label": [0, 1, 2, 3],
    "judge_clear": [True] * 4,
}


def write_examples(path, rows):
    columns = {k: np.array(v) for k, v in rows.items() if k != "seen"}
    write_parquet(path, columns | {"adversarial_image": digits(rows["seen"])})
    return str(path)


@pytest.fixture
def evaluate(tmp_path):
    """A function that evaluates two networks, the second trained on test digits 0 and 2."""
    # both see digits 8 and 9 of ten as 0
    test = write_digits(tmp_path / "test.parquet", range(10), [*range(8), 0, 0])
    models = [
        write_network(tmp_path / "alp.safetensors"),
        write_network(tmp_path / "type1.safetensors", trained_test_digits=[0, 2]),
    ]

    def run(type1=TYPE1, type2=TYPE2, seeds=(0,)):
        tables = [
            write_examples(tmp_path / "type1.parquet", type1),
            write_examples(tmp_path / "type2.parquet", type2),
        ]
        tests = [
            [network, what, when]
            for network in ("lenet_alp", "lenet_type1")
            for when in ("old", "fresh")
            for what in ("type1", "pgd", "fgsm")
        ]
        path = str(tmp_path / "measurements.parquet")
        function("evaluate_strengthening")(
            test_path=test,
            networks=["lenet_alp", "lenet_type1"],
            seeds=list(seeds),
            model_paths=[model for model in models for _ in seeds],
            tests=tests,
            example_paths=[tables[what != "type1"] for _, what, _ in tests for _ in seeds],
            measurements_path=path,
        )
        frame = read_parquet(path).frame()
        return SimpleNamespace(
            path=path,
            frame=frame,
            counts={
                (r.network, r.what): (round(r.value * r.n), r.n)
                for r in frame[frame["seed"] == seeds[0]].itertuples()
            },
        )

    return run


def test_what_counts_in_which_test(evaluate):
    """Right and all, counted by hand from the tables above."""
    found = evaluate().counts
    assert found == {
        ("lenet_alp", "clean"): (8, 10),
        # of the four that fooled the base, the target is seen in the first
        ("lenet_alp", "type1_old"): (1, 4),
        # the oracle sees another digit than the original in three, the network the same in two
        ("lenet_alp", "type1_seen_old"): (2, 3),
        ("lenet_alp", "type1_fresh"): (2, 5),
        ("lenet_alp", "type1_seen_fresh"): (3, 4),
        **dict.fromkeys([("lenet_alp", f"{a}_old") for a in ("pgd", "fgsm")], (2, 3)),
        **dict.fromkeys([("lenet_alp", f"{a}_fresh") for a in ("pgd", "fgsm")], (3, 4)),
        # the same without digits 0 and 2, which it was trained on
        ("lenet_type1", "clean"): (6, 8),
        ("lenet_type1", "type1_old"): (0, 2),
        ("lenet_type1", "type1_seen_old"): (0, 1),
        ("lenet_type1", "type1_fresh"): (1, 3),
        ("lenet_type1", "type1_seen_fresh"): (1, 2),
        **dict.fromkeys([("lenet_type1", f"{a}_old") for a in ("pgd", "fgsm")], (1, 1)),
        **dict.fromkeys([("lenet_type1", f"{a}_fresh") for a in ("pgd", "fgsm")], (2, 2)),
    }


def test_the_published_numbers_are_those_of_old_examples(evaluate):
    frame = evaluate().frame.set_index("id")
    published = pd.read_csv(PUBLISHED)["id"]
    assert {i for i in frame.index if not i.startswith("beyond.strengthening.")} == {
        i for i in published if i.startswith("alp.")
    }
    assert frame.loc["alp.type2_accuracy", "what"] == "pgd_old"
    assert frame.loc["alp.type1_accuracy", "what"] == "type1_old"
    note = frame.loc["alp.type2_accuracy", "note"]
    assert note == (
        "PGD; on FGSM 0.667; attacked afresh: PGD 0.750, longer and from several starts no "
        "example, FGSM 0.750"
    )
    assert (
        "its label: 0.667; attacked afresh: 0.400 and 0.750"
        in frame.loc["alp.type1_accuracy", "note"]
    )


def test_a_measure_without_an_example_has_no_row(evaluate):
    unclear = TYPE1 | {"judge_clear": [False] * 5}
    found = evaluate(type1=unclear).counts
    assert ("lenet_alp", "type1_old") in found
    assert not [what for _, what in found if "seen" in what]


def test_where_nothing_fooled_the_base_there_is_no_row_on_it(evaluate):
    kept = TYPE2 | {"f1_label_after": TYPE2["label"]}
    found = evaluate(type2=kept)
    assert ("lenet_alp", "pgd_old") not in found.counts
    assert ("lenet_alp", "pgd_fresh") in found.counts
    assert "alp.type2_accuracy" not in set(found.frame["id"])


def test_old_examples_are_shown_to_the_base_of_the_next_seed(evaluate):
    frame = evaluate(seeds=(3, 4)).frame
    mine, other = (
        frame[frame["network"] == f"lenet_alp{name}"].set_index(["what", "seed"])["value"]
        for name in ("", "_other_seed")
    )
    old = [name for name in mine.index if name[0].endswith("_old")]
    assert list(other.index) == old
    # the base is one file for both seeds here
    assert other.to_dict() == mine.loc[old].to_dict()
    (note,) = frame[(frame["what"] == "pgd_old") & (frame["network"] == "lenet_alp")][
        "note"
    ].unique()
    assert note.endswith("; a plain lenet_alp of another seed: 0.667")
    assert "lenet_alp_other_seed" not in set(evaluate().frame["network"])


def test_seeds_are_rows_of_their_own(evaluate):
    frame = evaluate(seeds=(3, 4)).frame
    assert (frame.groupby("id")["seed"].apply(sorted).apply(tuple) == (3, 4)).all()


# -------------------------------------------------------------------------------- the table


@pytest.fixture
def table(evaluate, tmp_path):
    tables = {kind: str(tmp_path / f"strengthening.{kind}") for kind in ("csv", "md", "tex")}
    names = {"lenet_alp": "Paired", "lenet_type1": "Retrained", "lenet": "Absent"}
    write_table(tables, *strengthening(evaluate().frame, read_published(PUBLISHED), names))
    return {kind: Path(path).read_text() for kind, path in tables.items()}


def test_the_table_has_a_row_a_network_and_the_published_below(table):
    head, _, *rows = (
        [cell.strip() for cell in line.split("|")[1:-1]] for line in table["md"].splitlines()
    )
    shown = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert list(shown) == ["Paired", "Paired, published", "Retrained", "Absent"]
    assert shown["Paired"]["PGD, old"].startswith("0.667 [")
    assert shown["Retrained"]["PGD, old"].startswith("1.000 [")
    theirs = {k: v for k, v in shown["Paired, published"].items() if v}
    assert theirs == {"": "Paired, published", "Type I, old": "0.142", "PGD, old": "0.985"}
    assert set(shown["Absent"].values()) == {"", "Absent"}


def test_every_form_of_the_table_holds_the_same_cells(table):
    cell = re.compile(r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]")
    rows = pd.read_csv(pd.io.common.StringIO(table["csv"]))
    assert sorted(cell.findall(table["md"])) == sorted(cell.findall(table["tex"]))
    assert len(cell.findall(table["md"])) == len(rows) == 18


def test_measurements_are_as_the_verdict_table_reads_them(evaluate):
    schema = pq.read_schema(evaluate().path)
    assert schema.names[:9] == [
        *("id", "seed", "description", "unit", "note", "value", "low", "high", "n"),
    ]
    assert json.loads(schema.metadata[b"typeone"])["shapes"] == {}
