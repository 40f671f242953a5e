"""Strengthen a recognizer: logit pairing, or retraining on Type I examples against it (IV-D)."""

import numpy as np

from typeone.attacks.embedding import EmbeddingAttackSettings
from typeone.attacks.shards import merge_shards
from typeone.data.faces import FaceTable
from typeone.defenses.recognizers import (
    EmbeddingPairingSettings,
    Identifier,
    around,
    embedding_pairing,
    learnt_people,
    lessons,
    mean_embeddings,
    retraining,
)
from typeone.models.recognizers import load_recognizer, save_recognizer
from typeone.runtime.artifacts import read_model_metadata, write_rows
from typeone.runtime.checkpoints import Checkpoint
from typeone.runtime.devices import compute_device, seeded
from typeone.runtime.job import job_log
from typeone.runtime.logs import logger
from typeone.runtime.stamps import digest
from typeone.training.loop import TrainingSettings, train


def strengthen_recognizer(
    *,
    train_path,
    test_path,
    base_path,
    example_paths,
    model_path,
    curve_path,
    name,
    method,
    count,
    half_seed,
    how,
    settings,
    seed,
    checkpoint,
    device,
):
    """Write the strengthened recognizer and its training curve.

    ``example_paths``: shards of an attack on the base, for ``retraining``. ``count``: the first
    test faces, which attacks take; those of the half of the people that ``half_seed`` draws are
    learnt. ``how``: training faces, copies, scale, steps an epoch, settings of the training.
    """
    faces = FaceTable(test_path)
    learnt = np.flatnonzero(learnt_people(faces.identities, seeded(half_seed))[:count])
    attacked = None
    if method == "retraining":
        attacked = merge_shards(example_paths)["adversarial_image"][learnt]
    model = load_recognizer(base_path, device).requires_grad_(True)
    learns = lessons(
        FaceTable(train_path),
        faces,
        learnt,
        attacked,
        faces=how["faces"],
        copies=how["copies"],
        device=device,
    )
    identifier = Identifier(model, mean_embeddings(model, learns))
    generator = seeded(seed, device)
    if method == "retraining":
        objective = retraining(identifier, learns, scale=how["scale"])
    else:
        pairs = EmbeddingAttackSettings(**settings["pairs"])
        weights = EmbeddingPairingSettings(**settings | {"pairs": pairs})
        objective = embedding_pairing(identifier, learns, weights, generator, scale=how["scale"])
    training = TrainingSettings(**how["training"])
    curve = train(
        identifier,
        around(objective, len(learns)),
        name=name,
        count=how["steps"] * training.batch_size,
        settings=training,
        seed=seed,
        generator=generator,
        checkpoint=checkpoint,
    )
    logger.info("%s: %d faces, %d of them attacked people's", name, len(learns), len(learnt))
    save_recognizer(
        model_path,
        model,
        metadata={
            **read_model_metadata(base_path),
            **{"seed": seed, "method": method, "strengthening": how | {"settings": settings}},
            "learnt_test_faces": learnt.tolist(),
        },
    )
    write_rows(curve_path, curve)
    checkpoint.finish()


if "snakemake" in globals():
    with job_log(snakemake.log[0], snakemake.rule, snakemake.params):
        device = compute_device(snakemake.threads, gpu=snakemake.resources.get("gpu", 0))
        settled = digest(list(snakemake.params), device.type, files=list(snakemake.input))
        strengthen_recognizer(
            checkpoint=Checkpoint(snakemake.params.resume, settled),
            train_path=snakemake.input.train,
            test_path=snakemake.input.test,
            base_path=snakemake.input.base,
            example_paths=snakemake.input.examples,
            model_path=snakemake.output.model,
            curve_path=snakemake.output.curve,
            name=" ".join(snakemake.wildcards),
            **snakemake.params.network,
            seed=int(snakemake.wildcards.seed),
            device=device,
        )
