"""The tables of the pages are those of the stored run."""

import importlib.util
import re
import sys

import pytest

VERDICTS = """id,paper_item,description,published,ours,ci_low,ci_high,n,verdict,unit
mnist.mlp.test_error,IV-A,error of f1,0.0273,0.02461,0.0217,0.0278,10000,reproduced,fraction
table1.clean.0.2510,Table I,clean,0.234,0.0781,0.073,0.084,10000,not reproduced,fraction
table1.clean.0.6089,Table I,clean,0.102,0.1,0.09,0.11,10000,reproduced,fraction
table1.clean.0.9353,Table I,clean,0.05,0,0,0.001,10000,inconsistent as stated,fraction
faces.success_rate,IV-B,success,0.698,0.5,0.4,0.6,100,not reproduced,fraction
fig9.distance.2,Fig. 9,row 2,0.6321,,,,0,not run: two of six,fraction
beyond.celeba.paper.facenet.distance,,,,1.25,1.2,1.3,100,,fraction
beyond.celeba.paper.facenet.same_person.paper,,,,0.6,0.5,0.7,100,,fraction
beyond.celeba.paper.facenet.same_person.far,,,,0.1,0,0.2,100,,fraction
beyond.celeba.paper.facenet.gender_changed,,,,0.9,0.8,1,100,,fraction
beyond.celeba.paper.facenet.clear_success,,,,0.25,0.2,0.3,100,,fraction
beyond.celeba.paper.facenet.clean_success,,,,0.0625,0.03,0.13,100,,fraction
"""
RATES = "target,attack,measure,value,low,high,n\n" + "".join(
    f"{target},{attack},{measure},{value},0,1,9\n"
    for target, attack, values in (
        ("mlp", "paper", (0.5, 0.25, 0.125, 0.2)),
        ("lenet", "paper_lenet", (0.75, 0.5, 0.3, 1)),
    )
    for measure, value in zip(("true", "clear", "clean", "found"), values, strict=True)
)
TABLE1 = "attack,metric,threshold,nominal,value,low,high,n\n" + "".join(
    f"clean,{metric},zeta,{zeta},{value},{value - 0.02:.2f},{value + 0.02:.2f},9000\n"
    for metric, value in (("l1", 0.3), ("l2", 0.7))
    for zeta in (0.251, 0.6089, 0.9353)
)
FILES = {
    "settings.yaml": "seeds: [1]\n",
    "verdicts.csv": VERDICTS,
    "seconds.csv": "attack,target,seconds\npaper,mlp,0.345\npaper_lenet,lenet,9\n",
    "tables/attacks.csv": RATES,
    "tables/table1.csv": TABLE1,
    "tables/strengthening.csv": "network,what,value,low,high,n\n"
    "lenet,clean,0.99,0.98,1,9\nlenet,pgd_old,0,0,0.3,9\n",
}


@pytest.fixture(scope="module")
def tables(repository):
    sys.path.append(str(repository / "docs"))  # stored_words.py
    spec = importlib.util.spec_from_file_location("t", repository / "docs" / "stored_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tmp_path):
    """What docs/stored_run.py stores of a small run."""
    (tmp_path / "tables").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def shown(tables, run, name):
    """The rows of a table below its head, as lists of cells."""
    lines = tables.filled(f"a\n<!-- table: {name} -->\nold\n<!-- end -->\nb\n", run).splitlines()
    assert (lines[0], lines[1], *lines[-2:]) == (
        "a",
        f"<!-- table: {name} -->",
        "<!-- end -->",
        "b",
    )
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[4:-2]]


def test_the_pages_have_the_tables_of_the_stored_run(tables, repository):
    if not tables.RUN.exists():
        pytest.skip("docs/results/full: no run is stored yet")
    for name in tables.PAGES:
        text = (repository / name).read_text()
        assert text == tables.filled(text), f"{name}: run .venv/bin/python docs/stored_tables.py"


def test_published_numbers_have_value_interval_and_verdict_also_those_that_were_not_run(
    tables, run
):
    assert shown(tables, run, "published") == [
        ["error of f1 (IV-A)", "0.0273", "0.025", "[0.022, 0.028]", "reproduced"],
        ["success (IV-B)", "0.698", "0.500", "[0.400, 0.600]", "not reproduced"],
        ["row 2 (Fig. 9)", "0.6321", "", "", "not run"],
    ]


def test_verdicts_are_counted_for_digits_and_faces(tables, run):
    lines = tables.filled("<!-- table: counts -->\n<!-- end -->\n", run).splitlines()
    assert lines[1] == (
        "Verdicts on the 4 published numbers about digits, spheres and logit pairing: 2 "
        "reproduced, 1 inconsistent as stated, 1 not reproduced; on the 2 about faces: "
        "1 not reproduced, 1 not run."
    )


def test_rows_of_a_later_commit_stand_beside_those_of_the_run(tables, run):
    (run / "further.csv").write_text("id,ours,n\nbeyond.celeba.later.facenet.distance,0.5,7\n")
    text = "0<!-- beyond.celeba.later.facenet.distance --> 1<!-- mnist.mlp.test_error n -->"
    assert tables.filled(text, run) == (
        "0.500<!-- beyond.celeba.later.facenet.distance --> 10000<!-- mnist.mlp.test_error n -->"
    )


@pytest.fixture
def seeds(run):
    """Seeds 2 and 10 beside the run's own, with one rate on each side of the published 0.234."""
    for seed, error, rejected, success in ((2, 0.0273, 0.15, 0.25), (10, 0.03, 0.5, 0.75)):
        (run / f"seeds/{seed}/tables").mkdir(parents=True)
        low, high = rejected - 0.01, rejected + 0.01
        for name, text in {
            "verdicts.csv": "id,ours,ci_low,ci_high,n,verdict\n"
            f"mnist.mlp.test_error,{error},0.02,0.04,10000,reproduced\n"
            f"table1.clean.0.2510,{rejected},{low},{high},10000,not reproduced\n"
            "beyond.mnist.other,0.1,0,1,9,\n",
            "tables/attacks.csv": "target,attack,measure,value,low,high,n\n"
            f"mlp,paper,true,{success},0,1,9\n",
            "tables/table1.csv": "attack,metric,threshold,nominal,value,low,high,n\n"
            f"clean,l1,zeta,0.251,{error},0,1,9000\n",
            "tables/strengthening.csv": "network,what,value,low,high,n\n"
            f"lenet,clean,{success},0,1,9\n",
        }.items():
            (run / f"seeds/{seed}/{name}").write_text(text)
    return run


def test_the_spread_has_a_column_a_seed_and_a_verdict_on_the_mean(tables, seeds, monkeypatch):
    monkeypatch.setattr(tables, "SPREAD", [])
    text = "<!-- table: spread -->\n<!-- end -->\n"
    assert tables.filled(text, seeds).splitlines()[1:-1] == [
        "| row | published | seed 1 | seed 2 | seed 10 | mean |",
        "| --- | --- | --- | --- | --- | --- |",
        "| `mnist.mlp.test_error` | 0.0273 | **0.025** | **0.027** | **0.030** | **0.027** |",
        # no seed agrees, but the seeds vary so much that the published value may be one of them
        "| `table1.clean.0.2510` | 0.234 | 0.078 | 0.150 | 0.500 | **0.243** |",
        "",
        "Reproduced of 2: 1 (seed 1), 1 (seed 2), 1 (seed 10), 2 (mean).",
    ]


def test_numbers_are_means_over_the_seeds_where_all_have_them(tables, seeds, monkeypatch):
    monkeypatch.setattr(
        tables, "HEADLINES", {"table1.clean.0.2510": "clean", "faces.success_rate": "s"}
    )
    # 1.96 standard errors of 0.0781, 0.15 and 0.5, and the single intervals, in quadrature
    assert shown(tables, seeds, "headlines") == [
        ["clean", "0.234", "0.243", "[0.000, 0.498]", "reproduced"],
        ["s", "0.698", "0.500", "[0.400, 0.600]", "not reproduced"],
    ]
    text = "1<!-- mnist.mlp.test_error --> [0, 1]<!-- mnist.mlp.test_error range -->"
    text += " 1<!-- mnist.mlp.test_error n --> 1<!-- table1.clean.0.6089 -->"
    assert (
        re.sub("<!--.*?-->", "", tables.filled(text, seeds)) == "0.027 [0.025, 0.030] 10000 0.100"
    )
    monkeypatch.setattr(tables, "NETWORKS", {"lenet": "LeNet"})
    monkeypatch.setattr(tables, "ACCURACIES", {"pgd_old": "PGD, old", "clean": "clean"})
    assert shown(tables, seeds, "strengthening") == [["LeNet", "0.000", "0.663"]]


def test_a_row_that_a_seed_lacks_is_the_mean_over_the_others(tables, seeds):
    for name, row in (("verdicts.csv", "table1.clean"), ("tables/attacks.csv", "mlp,paper")):
        path = seeds / "seeds" / "10" / name
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith(row)))
    text = tables.filled("1<!-- table1.clean.0.2510 --> 1<!-- mnist.mlp.test_error -->", seeds)
    assert re.sub("<!--.*?-->", "", text) == "0.114 0.027"  # (0.0781 + 0.15) / 2
    assert tables.rows_of(seeds).loc["table1.clean.0.2510", "seeds"] == 2
    paper, *_ = shown(tables, seeds, "attacks")
    assert paper[1:3] == [
        "0.375 / 0.250 / **0.125** / 0.200",  # true in two seeds, the most there are
        "0.750 / 0.500 / **0.300** / 1.000 (1)",
    ]


def test_a_verdict_of_inconsistent_stays_unless_the_mean_agrees(tables, seeds):
    """DeepFool and its like, where one seed happens to agree; and the range of Fig. 6."""
    with (seeds / "verdicts.csv").open("a") as own:
        own.write("table1.cw_l2.0.9353,Table I,,0.842,0.1,0.05,0.15,300,inconsistent as stated,\n")
        own.write("mnist.fig6.confidence,Fig. 6,,0.9941,0.97,0.9,0.99,40,,probability\n")
    for seed, rate, verdict in ((2, 0.1, "inconsistent as stated"), (10, 0.8, "reproduced")):
        with (seeds / "seeds" / str(seed) / "verdicts.csv").open("a") as other:
            other.write(f"table1.cw_l2.0.9353,{rate},{rate - 0.05},{rate + 0.05},300,{verdict}\n")
            other.write("mnist.fig6.confidence,0.98,0.93,0.999,50,reproduced\n")
    rows = tables.rows_of(seeds)
    assert rows.loc["table1.cw_l2.0.9353", "verdict"] == "inconsistent as stated"
    fig6 = rows.loc["mnist.fig6.confidence"]
    assert [fig6["ci_low"], fig6["ci_high"]] == pytest.approx([0.92, 0.996])
    assert fig6["verdict"] == "reproduced"


def test_rates_that_agree_are_counted_by_metric(tables, run, monkeypatch):
    monkeypatch.setattr(tables, "ZETAS", ("0.2510", "0.6089"))
    path = run / "tables" / "table1.csv"
    others = ("fgsm", "deepfool", "cw_l2", "ead", "paper")
    lines = path.read_text().splitlines()
    lines += [line.replace("clean", name) for name in others for line in lines[1:]]
    # published for clean: 0.234 and 0.102 of 10,000. 0.23 agrees, 0.3 and 0.7 do not
    usual = "clean,l1,zeta,0.251,0.3,0.28,0.32"
    text = "\n".join(lines)
    assert usual in text
    path.write_text(text.replace(usual, "clean,l1,zeta,0.251,0.23,0.22,0.24"))
    text = tables.filled("<!-- table: metrics -->\n<!-- end -->\n", run)
    # 0.3 with L1 agrees with the published 0.306 of Type I, 0.7 with 0.776 of FGSM does not
    assert "L1: Type II 0 / 0 of 8, Type I 0 / 1 of 2, clean digits 0 / 1 of 2." in text


def test_a_cell_of_one_seed_alone_says_so(tables, seeds):
    paper, *_ = shown(tables, seeds, "attacks")
    assert paper[1:4] == [
        "0.500 / 0.250 / **0.125** / 0.200",
        "0.750 / 0.500 / **0.300** / 1.000 (1)",
        "",
    ]


def test_the_front_page_takes_its_rows_by_id(tables, run, monkeypatch):
    monkeypatch.setattr(tables, "HEADLINES", {"table1.clean.0.2510": "clean digits"})
    cells = ["clean digits", "0.234", "0.078", "[0.073, 0.084]", "not reproduced"]
    assert shown(tables, run, "headlines") == [cells]


def test_a_verdict_by_people_stands_beside_their_number(tables, run, monkeypatch):
    monkeypatch.setattr(tables, "HEADLINES", {"faces.success_rate": "success"})
    heads, *rows = (line.split(",") for line in VERDICTS.splitlines())
    heads += ["people", "people_low", "people_high", "note"]
    extra = {"faces.success_rate": ["0.7", "0.65", "0.75", "verdict by people; more"]}
    rows = [[*row, *extra.get(row[0], [""] * 4)] for row in rows]
    (run / "verdicts.csv").write_text("".join(",".join(row) + "\n" for row in [heads, *rows]))
    cells = ["success", "0.698", "0.700", "[0.650, 0.750]", "not reproduced"]
    assert shown(tables, run, "headlines") == [cells]


def test_a_number_in_a_sentence_is_that_of_the_row_behind_it(tables, run):
    row = "beyond.celeba.paper.facenet.clean_success"
    text = (
        f"Of 7<!-- {row} n --> faces 0.1<!-- {row} --> [0, 1]<!-- {row} interval --> are clean, "
        "0.3 [0.2, 0.4] <!-- no mark --> stay; published 0.5<!-- faces.success_rate published -->."
    )
    assert tables.filled(text, run) == (
        f"Of 100<!-- {row} n --> faces 0.062<!-- {row} --> [0.030, 0.130]<!-- {row} interval --> "
        "are clean, 0.3 [0.2, 0.4] <!-- no mark --> stay; published "
        "0.698<!-- faces.success_rate published -->."
    )
    with pytest.raises(KeyError, match=r"mnist\.nothing"):
        tables.filled("0.1<!-- mnist.nothing -->", run)


def test_table1_has_l2_then_l1_and_marks_verdicts(tables, run, monkeypatch):
    monkeypatch.setattr(tables, "TABLE1", {"clean": "clean"})
    cells = ["0.234 / 0.078 / 0.300", "**0.102 / 0.100 / 0.300**", "*0.050 / 0.000 / 0.300*"]
    assert shown(tables, run, "table1") == [["clean", *cells]]


def test_attacks_have_a_cell_a_classifier_and_paper_those_of_its_entries(tables, run):
    rows = shown(tables, run, "attacks")
    cells = ["0.500 / 0.250 / **0.125** / 0.200", "0.750 / 0.500 / **0.300** / 1.000"]
    assert rows[0] == ["`paper`", *cells, "", "0.34"]
    assert [row[1:] for row in rows[1:]] == [["", "", "", ""]] * (len(tables.ATTACKS) - 1)


def test_strengthened_networks_have_their_accuracies(tables, run, monkeypatch):
    monkeypatch.setattr(tables, "NETWORKS", {"lenet": "LeNet"})
    monkeypatch.setattr(tables, "ACCURACIES", {"pgd_old": "PGD, old", "clean": "clean"})
    assert shown(tables, run, "strengthening") == [["LeNet", "0.000", "0.990"]]


def test_variants_on_photographs_have_success_where_it_is_published_too(tables, run):
    distance = ["1.250", "0.600 / 0.100", "0.900"]
    success = ["0.500 / 0.250", "**0.062** [0.030, 0.130]"]
    assert shown(tables, run, "faces") == [["`paper`", "100", *distance, *success]]


def test_an_unknown_table_is_an_error(tables, run):
    with pytest.raises(KeyError, match="nothing"):
        shown(tables, run, "nothing")
