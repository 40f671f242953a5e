"""Fill the tables and sentences of README.md and docs/ with the numbers of a stored run.

    .venv/bin/python docs/stored_tables.py [RUN]

A table is between `<!-- table: NAME -->` and `<!-- end -->`; NAME is one of TABLES. A number before
`<!-- ID -->` is the measured value of that row of verdicts.csv, before `<!-- ID COLUMN -->` another
column of it, `<!-- ID interval -->` follows an interval in brackets and `<!-- ID range -->` the
smallest and largest value over the seeds. The numbers come from RUN, docs/results/full unless you
name another folder that docs/stored_run.py wrote; docs/stored_rows.py pools its seeds. A test fails
while a page is not what this would write. The run must be on CelebA, for the rows about FaceNet.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from pathlib import Path

import pandas as pd
from stored_rows import PUBLISHED, VALUES, by_seed, rows_of, table_of
from stored_words import (
    ACCURACIES,
    ATTACKS,
    FACE_VARIANTS,
    HEADLINES,
    NETWORKS,
    PAIRS,
    PAPER,
    SHOWN,
    SIGNS,
    SPREAD,
    TABLE1,
    TARGETS,
    VERDICTS,
    ZETAS,
)

from typeone.evaluation.intervals import Rate, proportions_agree
from typeone.reporting.reproduction_text import figure

ROOT = Path(__file__).resolve().parents[1]
RUN = ROOT / "docs" / "results" / "full"
NAMES = ("results", "attack", "reproducibility", "reproduction-notes")
PAGES = ("README.md", *(f"docs/{name}.md" for name in NAMES))
TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)
NUMBER = re.compile(r"(?:\[[^]\n]*\]|-?[\d.]+(?:e-\d+)?)(<!-- ([\w.]+\.[\w.]+)(?: (\w+))? -->)")


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *map(list, rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float) -> str:
    """Return a number with three digits, nothing for one that is missing."""
    return "" if pd.isna(value) else figure(value, 3)


def interval(row: pd.Series) -> str:
    """Return the interval of a row."""
    return "" if pd.isna(row["ci_low"]) else f"[{number(row['ci_low'])}, {number(row['ci_high'])}]"


def cells(row: pd.Series) -> list[str]:
    """Return published, measured, interval and verdict, without its reason, of a row.

    By people if its verdict is.
    """
    if str(row.get("note", "")).startswith("verdict by people"):
        ends = {"ci_low": row["people_low"], "ci_high": row["people_high"]}
        row = pd.Series(row.to_dict() | {"ours": row["people"]} | ends)
    published = "" if pd.isna(row["published"]) else f"{row['published']:.4g}"
    verdict = "" if pd.isna(row["verdict"]) else row["verdict"].partition(":")[0]
    return [published, number(row["ours"]), interval(row), verdict]


def headlines(run: Path) -> str:
    """Return the table of the front page."""
    found = rows_of(run)
    return table(
        ("", "published", "measured", "95 % interval", "verdict"),
        ([text, *cells(found.loc[name])] for name, text in HEADLINES.items()),
    )


def published(run: Path) -> str:
    """Return every published number outside Table I."""
    found = rows_of(run)
    return table(
        ("", "published", "measured", "95 % interval", "verdict"),
        (
            [f"{row['description']} ({row['paper_item']})".replace("|", "\\|"), *cells(row)]
            for name, row in found.iterrows()
            if not (name.startswith("table1.") or pd.isna(row["published"]))
        ),
    )


def counts(run: Path) -> str:
    """Return a sentence that counts the verdicts."""
    found = rows_of(run)
    found = found[found["published"].notna()]
    digits = ~found.index.str.startswith(("faces.", "table2.", "table3.", "fig9."))

    def counted(rows: pd.DataFrame) -> str:
        words = rows["verdict"].str.partition(":")[0].value_counts()
        return ", ".join(f"{words[sign]} {sign}" for sign in VERDICTS if sign in words)

    return (
        f"Verdicts on the {digits.sum()} published numbers about digits, spheres and logit "
        f"pairing: {counted(found[digits])}; on the {(~digits).sum()} about faces: "
        f"{counted(found[~digits])}.\n"
    )


def table1(run: Path) -> str:
    """Return published / L2 / L1 of each cell of Table I."""
    found, rates = rows_of(run), table_of(run, "table1")["value"]
    rates = rates.xs(("l1", "zeta"), level=("metric", "threshold"))
    l1 = {(attack, f"{zeta:.4f}"): value for (attack, zeta), value in rates.items()}

    def of(name: str) -> Iterator[str]:
        for zeta in ZETAS:
            row = found.loc[f"table1.{name}.{zeta}"]
            other = l1["paper" if name == "svae" else name, zeta]
            text = f"{row['published']:.3f} / {number(row['ours'])} / {number(other)}"
            yield SIGNS.get(row["verdict"], "{}").format(text)

    heads = ("", *(f"zeta {zeta}" for zeta in ZETAS))
    return table(heads, ((text, *of(name)) for name, text in TABLE1.items()))


def metrics(run: Path) -> str:
    """Return how many rates of Table I agree with L2 and with L1, by kind of image."""
    rates, published = table_of(run, "table1"), pd.read_csv(PUBLISHED, index_col="id")

    def agreeing(metric: str, names: Iterable[str]) -> int:
        found = 0
        for name, zeta in product(names, ZETAS):
            key = ("paper" if name == "svae" else name, metric, "zeta", float(zeta))
            theirs, ours = published.loc[f"table1.{name}.{zeta}"], Rate(*rates.loc[key, VALUES])
            found += proportions_agree(ours, theirs["published"], int(theirs["n"]))
        return found

    type2 = [name for name in TABLE1 if name not in ("clean", "svae")]
    kinds = {"Type II": type2, "Type I": ["svae"], "clean digits": ["clean"]}
    counted = (
        f"{kind} {agreeing('l2', names)} / {agreeing('l1', names)} of {len(names) * len(ZETAS)}"
        for kind, names in kinds.items()
    )
    return f"Rates that agree with L2 / with L1: {', '.join(counted)}.\n"


def attacks(run: Path) -> str:
    """Return true / clear / clean success / detected of each attack on each classifier."""
    rates = table_of(run, "attacks")
    found, seeds = rates["value"], rates["seeds"]
    seconds = pd.read_csv(run / "seconds.csv").set_index(["attack", "target"])["seconds"]

    def of(row: str, target: str) -> str:
        attack = PAPER.get(target, row) if row == "paper" else row
        if (target, attack, "true") not in found:
            return ""
        true, clear, clean, seen = (f"{found[target, attack, name]:.3f}" for name in SHOWN)
        cell = f"{true} / {clear} / **{clean}** / {seen}"
        made = seeds[target, attack, "true"]
        return cell if made == seeds.max() else f"{cell} ({made})"

    def cost(attack: str) -> str:
        return f"{seconds[attack, 'mlp']:.2f}" if (attack, "mlp") in seconds else ""

    return table(
        ("attack", *TARGETS.values(), "s per digit (MLP)"),
        ((f"`{name}`", *(of(name, t) for t in TARGETS), cost(name)) for name in ATTACKS),
    )


def strengthening(run: Path) -> str:
    """Return the accuracy of each strengthened LeNet."""
    values = table_of(run, "strengthening")["value"]
    return table(
        ("", *ACCURACIES.values()),
        (
            (text, *(number(values[name, what]) for what in ACCURACIES))
            for name, text in NETWORKS.items()
        ),
    )


def spread(run: Path) -> str:
    """Return published and further rows about digits by seed, and the verdict on their mean."""
    pooled, found = rows_of(run), by_seed(run)
    names = [name for name in found.index if pd.notna(pooled.loc[name, "published"])]
    found = found.loc[[*names, *SPREAD]]
    seeds = found.columns.unique(level=0)

    def shown(name: str) -> Iterator[str]:
        published = pooled.loc[name, "published"]
        yield from (f"`{name}`", "" if pd.isna(published) else f"{published:.4g}")
        for row in (*(found.loc[name, seed] for seed in seeds), pooled.loc[name]):
            yield SIGNS.get(row["verdict"], "{}").format(number(row["ours"]))

    told = {f"seed {seed}": found[seed]["verdict"] for seed in seeds} | {"mean": pooled["verdict"]}
    counts = (f"{(told[text][names] == 'reproduced').sum()} ({text})" for text in told)
    lines = table(("row", "published", *told), map(shown, found.index))
    return f"{lines}\nReproduced of {len(names)}: {', '.join(counts)}.\n"


def pairs(run: Path) -> str:
    """Return what our FaceNet says of the authors' attacked pairs, with both preprocessings."""
    found = rows_of(run)

    named = {"mean_distance": "faces.published_pairs.mean_distance"}  # its published id

    def of(way: str, what: str) -> str:
        beyond = f"beyond.published_pairs.{way}.{what}"
        row = found.loc[named.get(what, beyond) if way == "fixed" else beyond]
        return f"{number(row['ours'])} {interval(row)}"

    def told(what: str) -> str:
        name = named.get(what, what)
        return number(found.loc[name, "published"]) if name in found.index else ""

    return table(
        ("", "published", "FaceNet with fixed standardisation", "with `whiten`"),
        ([text, told(what), of("fixed", what), of("whiten", what)] for what, text in PAIRS.items()),
    )


def faces(run: Path) -> str:
    """Return the success of each variant against FaceNet on photographs of CelebA."""
    found = rows_of(run)
    names = {name.split(".")[2] for name in found.index if name.startswith("beyond.celeba.")}

    def of(name: str, what: str) -> pd.Series:
        as_published = (name, what) == ("paper", "true_success")
        return found.loc[
            "faces.success_rate" if as_published else f"beyond.celeba.{name}.facenet.{what}"
        ]

    def shown(name: str) -> Iterator[str]:
        distance, *same = (
            number(of(name, what)["ours"])
            for what in ("distance", "same_person.paper", "same_person.far")
        )
        true, clear, clean = (of(name, f"{what}_success") for what in ("true", "clear", "clean"))
        yield from (f"`{name}`", str(true["n"]), distance, " / ".join(same))
        yield number(of(name, "gender_changed")["ours"])
        yield f"{number(true['ours'])} / {number(clear['ours'])}"
        yield f"**{number(clean['ours'])}** {interval(clean)}"

    heads = ("variant", "n", "distance", "one person at 1.242 / 1 % false accepts")
    return table(
        (*heads, "other gender", "true / clear success", "clean success"),
        (shown(name) for name in FACE_VARIANTS if name in names),
    )


TABLES: dict[str, Callable[[Path], str]] = {
    "counts": counts,
    "headlines": headlines,
    "published": published,
    "table1": table1,
    "metrics": metrics,
    "attacks": attacks,
    "strengthening": strengthening,
    "faces": faces,
    "pairs": pairs,
    "spread": spread,
}


def in_sentence(row: pd.Series, column: str | None) -> str:
    """Return what a mark asks for: the measured value, an interval, or another column."""
    if column == "range":
        return f"[{number(row['lowest'])}, {number(row['highest'])}]"
    if column == "interval":
        return interval(row)
    value = row[column or "ours"]
    return str(value) if column == "n" else number(value)


def filled(text: str, run: Path = RUN) -> str:
    """Return a page with its tables and the numbers in its sentences filled from ``run``."""
    found = rows_of(run)
    text = NUMBER.sub(lambda mark: in_sentence(found.loc[mark[2]], mark[3]) + mark[1], text)
    return TABLE.sub(lambda match: match[1] + TABLES[match[2]](run) + match[3], text)


if __name__ == "__main__":
    for page in (ROOT / name for name in PAGES):
        page.write_text(filled(page.read_text(), Path(*sys.argv[1:]) if sys.argv[1:] else RUN))
