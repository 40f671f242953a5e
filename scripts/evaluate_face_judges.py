"""How well the judges of faces see, on test faces and on pictures that are none.

What is no face here is of kinds that their training has not shown.
"""

import numpy as np
import torch

from typeone.data.face_variations import HELD_OUT_NONFACES
from typeone.data.faces import FaceTable
from typeone.evaluation.intervals import rate
from typeone.evaluation.measurements import measurement
from typeone.evaluation.panels import panel_verdict
from typeone.models.face_judges import load_face_judge
from typeone.runtime.artifacts import write_rows
from typeone.runtime.computing import computing_job
from typeone.runtime.devices import seeded
from typeone.runtime.logs import logger

BATCH = 256


@torch.no_grad()
def evaluate_face_judges(
    *, test_path, judge_paths, measurements_path, clear_confidence, prefix, seed
):
    """Write rows of `measurement`: every judge's rates and the panel's, ids from ``prefix`` on.

    ``judge_paths``: by name. Whether something is a face, age_gender cannot tell.
    """
    table = FaceTable(test_path)
    judges = {name: load_face_judge(path) for name, path in judge_paths.items()}
    panels = {name: [judge] for name, judge in judges.items()} | {"panel": list(judges.values())}
    knowing = [name for name in panels if name != "age_gender"]
    source = f"{table.metadata['source']} faces"
    seen = {name: [] for name in panels}
    nothing = {(name, kind.__name__): [] for name in knowing for kind in HELD_OUT_NONFACES}
    generator = seeded(seed)
    for rows in torch.arange(len(table)).split(BATCH):
        images = table.faces(rows)
        for name, panel in panels.items():
            seen[name].append(panel_verdict(panel, images, clear_confidence=clear_confidence))
        for kind in HELD_OUT_NONFACES:
            spoilt = kind(images, generator)
            for name in knowing:
                verdict = panel_verdict(panels[name], spoilt, clear_confidence=clear_confidence)
                nothing[name, kind.__name__].append(~verdict.still_a_face)
    rows = []

    def measure(name, what, hits, description):
        value = rate(torch.cat(hits).numpy())
        logger.info("%s: %s %.4f", name, what, value.value)
        who = "panel of judges" if name == "panel" else f"judge {name}"
        rows.append(
            measurement(
                f"{prefix}.{name}.{what}",
                value,
                seed=seed,
                description=f"{who}, {source}: {description}",
            )
        )

    labels = torch.from_numpy(np.asarray(table.labels)).split(BATCH)
    for name, verdicts in seen.items():
        right = [v.label == y for v, y in zip(verdicts, labels, strict=True)]
        measure(name, "gender_accuracy", right, "gender of test faces seen right")
        if name not in knowing:
            continue
        faces = [v.still_a_face for v in verdicts]
        measure(name, "face_rate", faces, "test faces called a face")
        for kind in HELD_OUT_NONFACES:
            how = kind.__name__.replace("_", " ")
            hits = nothing[name, kind.__name__]
            measure(name, f"no_face_rate.{kind.__name__}", hits, f"faces {how} called no face")
    clear = [v.clear for v in seen["panel"]]
    measure("panel", "clear_rate", clear, "test faces that are clear")
    both = [v.clear & (v.label == y) for v, y in zip(seen["panel"], labels, strict=True)]
    measure("panel", "clear_and_right_rate", both, "test faces that are clear and seen right")
    write_rows(measurements_path, rows)


if "snakemake" in globals():
    with computing_job(snakemake) as run:
        evaluate_face_judges(
            test_path=run.input.test,
            judge_paths=dict(zip(run.params.judges, run.input.judges, strict=True)),
            measurements_path=run.output.measurements,
            clear_confidence=run.params.clear_confidence,
            prefix=run.params.prefix,
            seed=run.params.seed,
        )
