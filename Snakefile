# Type One: "Adversarial Attack Type I: Cheat Classifiers by Significant Changes", as a pipeline.
from functools import partial
from pathlib import Path

from snakemake.utils import min_version

from typeone.workflow import annotations, dry_run, graph, published, sidecars
from typeone.workflow.artifacts import artifacts_of
from typeone.workflow.configfiles import require_sound
from typeone.workflow.digests import Digests
from typeone.workflow.settings import layers, record

min_version("9.0")
require_sound(config.get("preset"), workflow.basedir, *workflow.overwrite_configfiles)
layers.replace(config, workflow.basedir)

# Digests that rules take as params, so that edits rerun jobs, and the params that check_results uses.
digests = Digests(workflow.basedir, ".snakemake/digests")
code, own_files, given = digests.code, digests.own_files, digests.given
artifacts = partial(artifacts_of, workflow)
published_value = partial(published.published_value, workflow.basedir)
annotation_files = partial(annotations.annotation_files, config["annotations"])
dry_run.end_with_cost(workflow, config)


report: "rules/captions/workflow.rst"


include: "rules/common.smk"
include: "rules/common_faces.smk"
include: "rules/data.smk"
include: "rules/classifiers.smk"
include: "rules/svae.smk"
include: "rules/attacks.smk"
include: "rules/detection.smk"
include: "rules/toy.smk"
include: "rules/roc.smk"
include: "rules/sphere.smk"
include: "rules/defenses.smk"
include: "rules/latent.smk"
include: "rules/faces.smk"
include: "rules/recognizers.smk"
include: "rules/generators.smk"
include: "rules/face_svae.smk"
include: "rules/kit.smk"
include: "rules/face_attacks.smk"
include: "rules/face_defenses.smk"
include: "rules/study.smk"
include: "rules/results.smk"
include: "rules/report.smk"
include: "rules/checks.smk"


# These rules may download files; cluster nodes often have no network, so they run locally.
localrules:
    prepare_dataset,
    prepare_facenet,
    prepare_age_gender,
    prepare_mobilestylegan,


onstart:
    graph.announce(workflow, config, Path.cwd())
    record.write(config, Path.cwd())


onsuccess:
    sidecars.remove_finished("results/.resume")


OF_DATASETS = [
    *rules.tabulate_reproduction.output,
    *rules.tabulate_table1.output,
    *rules.tabulate_attacks.output,
    *rules.plot_figure1.output,
    *rules.tabulate_strengthening.output,
    *rules.plot_figure5a.output,
    *rules.plot_figure6.output,
    *rules.plot_figure7a.output,
    *rules.plot_figure7a_ours.output,
    *rules.plot_table1_roc.output,
    *rules.plot_variants.output,
    *rules.plot_ablations.output,
]  # tables and figures that each data set has


rule all:
    default_target: True
    input:
        expand(OF_DATASETS, place=plan.places),
        expand(rules.make_kit.output, dataset=plan.datasets),
        rules.make_face_kit.output,
        rules.plot_figure2.output,
        rules.plot_figure3.output,
        rules.plot_figure5b.output,
        rules.plot_figure8.output,
        FIGURE9,
        rules.plot_figure9_small.output,
        rules.tabulate_table2.output,
        rules.tabulate_table3.output,
        rules.plot_figure7b.output,
        rules.plot_figure7b_ours.output,
        rules.render_report.output,
        rules.render_study.output,


for place in plan.places:

    # a target with the name of each data set, for its tables and figures: ./reproduce mnist
    rule:
        name:
            plan.dataset_at(place)
        input:
            expand(OF_DATASETS, place=place),
