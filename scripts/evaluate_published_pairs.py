"""Measure the attacked pairs of faces that the authors published (IV-B, IV-C)."""

import torch

from typeone.data.images import from_uint8
from typeone.data.published_pairs import read_published_pairs
from typeone.evaluation.panels import Panel
from typeone.evaluation.published_pairs import Embeddings, pair_measurements, pair_table
from typeone.models.face_judges import NO_FACE, load_face_judge
from typeone.models.recognizers import load_recognizer
from typeone.runtime.artifacts import write_parquet, write_rows
from typeone.runtime.computing import computing_job


def evaluate_published_pairs(
    *, recognizer_path, judge_paths, panels, paths, path, medians, device, checkpoint, **how
):
    """Write distances and scores of every pair, and the resulting rates.

    ``judge_paths``: by name; ``panels``: names of the judges of each panel, the deciding one last.
    ``how``: of `pair_measurements`.
    """
    pairs = read_published_pairs(path)
    halves = [from_uint8(half, device) for half in (pairs.originals, pairs.attacked)]
    attacked = load_recognizer(recognizer_path, device).preprocessing
    found = {
        name: Embeddings.of(
            load_recognizer(recognizer_path, device, name),
            halves,
            medians=medians,
            checkpoint=checkpoint.part(name),
            name=name,
        )
        for name in ("fixed", "whiten")
    }
    judges = {name: load_face_judge(file, device) for name, file in judge_paths.items()}
    seen = {}
    for name, members in panels.items():
        panel = Panel([judges[member] for member in members], classes=NO_FACE)
        seen[name] = tuple(panel.verdict(half, clear_confidence=1.0) for half in halves)
    write_parquet(paths["pairs"], pair_table(pairs, found))
    rows = pair_measurements(pairs, halves, found, seen, attacked=attacked, **how)
    write_rows(paths["measurements"], rows)


if "snakemake" in globals():
    with computing_job(snakemake, gpu=True) as run, torch.no_grad():
        evaluate_published_pairs(
            recognizer_path=run.input.recognizer,
            judge_paths=dict(zip(run.params.judges, run.input.judges, strict=True)),
            panels=run.params.panels,
            paths=dict(run.output.items()),
            **run.params.settings,
            device=run.device,
            checkpoint=run.checkpoint,
        )
