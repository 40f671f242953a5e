"""Names of the stages of the pipeline, each with the rules of some files.

A rule belongs to the stage of the file that declares it, except that figures, tables and judgements
are stages of their own wherever they are declared. A file that is not listed is a stage of its own.
"""

from pathlib import Path

LAST = "Figures and tables"
OTHER = "Jobs"
FILES = {
    "data": "Data",
    "classifiers": "Classifiers",
    "svae": "SVAE",
    "generators": "Generators",
    "latent": "Generators",
    "attacks": "Attacks",
    "kit": "Attacks",
    "detection": "Detection",
    "roc": "Detection",
    "defenses": "Defence",
    "toy": "Theory",
    "sphere": "Theory",
    "recognizers": "Faces",
    "study": "Judging",
    **dict.fromkeys(("results", "report", "checks", "Snakefile"), LAST),
}
VERBS = {"judge": "Judging", **dict.fromkeys(("plot", "tabulate", "render"), LAST)}
ORDER = (
    *("Data", "Classifiers", "SVAE", "Generators", "Attacks", "Judging", "Detection", "Defence"),
    *("Theory", "Faces"),
)


def stage_of(rule: str, file: str | Path | None) -> str:
    """Return the stage of a rule that ``file`` declares; `OTHER` if the file is not known."""
    verb = rule.split("_")[0]
    if verb in VERBS:
        return VERBS[verb]
    if file is None:
        return OTHER
    stem = Path(file).stem
    if stem.startswith("face"):
        return "Faces"
    return FILES.get(stem) or stem.replace("_", " ").capitalize()


def place(stage: str) -> int:
    """Return the sort key of a stage; those of unlisted files come before the last."""
    known = (*ORDER, OTHER, LAST)
    return known.index(stage) if stage in known else len(ORDER)
